import { type Tensor, eq, ge, gt, le, lt, ne } from '@mapgrad/tensor'
import { type OpSample, float, int } from './spec.ts'

const of = (op: string, f: (x: Tensor, y: Tensor) => Tensor): OpSample[] => [
  { op, f: (a, b) => f(a!, b!), differentiable: false, xs: (n) => [float(n, 1, 3), float(4, 1)] },
  { op, note: 'ints', f: (a, b) => f(a!, b!), differentiable: false, xs: (n) => [int(n, 6), int(n, 6)] },
]

export const compare = (): readonly OpSample[] => [
  ...of('eq', eq),
  ...of('ne', ne),
  ...of('lt', lt),
  ...of('le', le),
  ...of('gt', gt),
  ...of('ge', ge),
]
