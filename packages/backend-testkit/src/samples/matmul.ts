import { bmm, dot, inner, matmul, mm, mv, outer, vdot } from '@mapgrad/tensor'
import { type OpSample, float } from './spec.ts'

const noExtremes = 'sums of products overflow on the way, or not, by their order'

const list = (): OpSample[] => [
  { op: 'matmul', f: (x, y) => matmul(x!, y!), xs: (n) => [float(n, 4), float(4, 5)] },
  { op: 'matmul', note: 'batches', f: (x, y) => matmul(x!, y!), xs: (n) => [float(n, 1, 2, 3), float(4, 3, 2)] },
  { op: 'matmul', note: 'vector and batch', f: (x, y) => matmul(x!, y!), xs: (n) => [float(3), float(n, 3, 2)] },
  { op: 'matmul', note: 'inner size', f: (x, y) => matmul(x!, y!), xs: (n) => [float(2, n), float(n, 3)] },
  { op: 'mm', f: (x, y) => mm(x!, y!), xs: (n) => [float(n, 4), float(4, 2)] },
  { op: 'bmm', f: (x, y) => bmm(x!, y!), xs: (n) => [float(n, 2, 4), float(n, 4, 3)] },
  { op: 'mv', f: (x, y) => mv(x!, y!), xs: (n) => [float(n, 4), float(4)] },
  { op: 'dot', f: (x, y) => dot(x!, y!), xs: (n) => [float(n), float(n)] },
  { op: 'vdot', f: (x, y) => vdot(x!, y!), xs: (n) => [float(n), float(n)] },
  { op: 'inner', f: (x, y) => inner(x!, y!), xs: (n) => [float(n, 4), float(3, 4)] },
  { op: 'outer', f: (x, y) => outer(x!, y!), xs: (n) => [float(n), float(4)] },
]

export const products = (): readonly OpSample[] => list().map((s) => ({ ...s, noExtremes }))
