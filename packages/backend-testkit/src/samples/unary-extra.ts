import {
  type Tensor,
  deg2rad,
  isneginf,
  isposinf,
  isreal,
  logit,
  nanToNum,
  positive as plus,
  rad2deg,
  sgn,
  signbit,
  sinc,
} from '@mapgrad/tensor'
import { type OpSample, type Spec, float, positive } from './spec.ts'

const of = (op: string, f: (x: Tensor) => Tensor, x: (...shape: number[]) => Spec = float): OpSample => ({
  op,
  f: (a) => f(a!),
  xs: (n) => [x(n, 5)],
})
const test = (op: string, f: (x: Tensor) => Tensor): OpSample => ({ ...of(op, f), differentiable: false })

export const unaryExtra = (): readonly OpSample[] => [
  of('deg2rad', deg2rad),
  of('rad2deg', rad2deg),
  test('isneginf', isneginf),
  test('isposinf', isposinf),
  test('isreal', isreal),
  of(
    'logit',
    (x) => logit(x),
    (...shape) => ({ ...positive(...shape), low: 0.1, high: 0.9 }),
  ),
  {
    ...of(
      'logit',
      (x) => logit(x, 0.2),
      (...shape) => ({ ...positive(...shape), low: 0.05, high: 0.95 }),
    ),
    note: 'eps',
  },
  of('nanToNum', (x) => nanToNum(x)),
  of('positive', plus),
  of('sgn', sgn),
  test('signbit', signbit),
  of('sinc', sinc),
]
