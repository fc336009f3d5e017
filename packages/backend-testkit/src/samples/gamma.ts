import { type Tensor, digamma, erfinv, lgamma, mvlgamma, polygamma } from '@mapgrad/tensor'
import { type OpSample, type Spec, positive, unit } from './spec.ts'

const of = (op: string, f: (x: Tensor) => Tensor, x: (...shape: number[]) => Spec = positive): OpSample => ({
  op,
  f: (a) => f(a!),
  xs: (n) => [x(n, 5)],
})
const negative = (...shape: number[]): Spec => ({ ...positive(...shape), low: -2.8, high: -2.2 })

export const gammas = (): readonly OpSample[] => [
  of('digamma', digamma),
  { ...of('digamma', digamma, negative), note: 'negative' },
  of('erfinv', erfinv, unit),
  of('lgamma', lgamma),
  { ...of('lgamma', lgamma, negative), note: 'negative' },
  of(
    'mvlgamma',
    (x) => mvlgamma(x, 3),
    (...shape) => ({ ...positive(...shape), low: 1.3, high: 5 }),
  ),
  of('polygamma', (x) => polygamma(1, x)),
  { ...of('polygamma', (x) => polygamma(2, x), negative), note: 'negative' },
]
