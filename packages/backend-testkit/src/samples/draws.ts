import {
  alphaDropout,
  binomial,
  featureAlphaDropout,
  featureDropout,
  key,
  poisson,
  rrelu,
  sampleDirichlet,
  standardGamma,
} from '@mapgrad/tensor'
import { type OpSample, type Spec, float, positive } from './spec.ts'

// With a key a draw is a function like any other. Counts and gamma numbers move in steps, or along a distribution
// function instead of by what differences see, and each dtype has a stream of its own: other tests see to that.
const random = { differentiable: false, dtypes: [], noExtremes: 'a draw is accepted or not by the last digit' } satisfies Partial<OpSample>
const large = (...shape: number[]): Spec => ({ ...positive(...shape), low: 8, high: 40 })
const unit = (...shape: number[]): Spec => ({ ...positive(...shape), low: 0.05, high: 0.95 })

export const draws = (): readonly OpSample[] => [
  { op: 'alphaDropout', f: (x) => alphaDropout(x!, 0.4, { key: key(1) }), xs: (n) => [float(n, 5)] },
  { op: 'featureAlphaDropout', f: (x) => featureAlphaDropout(x!, 0.4, { key: key(1) }), xs: (n) => [float(n, 2, 3)] },
  { op: 'featureDropout', f: (x) => featureDropout(x!, 0.4, { key: key(1) }), xs: (n) => [float(n, 2, 3)] },
  { op: 'rrelu', f: (x) => rrelu(x!, 0.1, 0.4, true, { key: key(1) }), xs: (n) => [float(n, 5)], dtypes: [] },
  { op: 'poisson', f: (x) => poisson(x!.abs().nanToNum(1, 9, 9), { key: key(2) }), xs: (n) => [positive(n, 5)], ...random },
  { op: 'poisson', note: 'large', f: (x) => poisson(x!.abs().nanToNum(1, 9, 9), { key: key(2) }), xs: (n) => [large(n, 5)], ...random },
  { op: 'binomial', f: (n, p) => binomial(n!.round(), p!, { key: key(3) }), xs: (n) => [large(n, 5), unit(n, 5)], ...random },
  { op: 'standardGamma', f: (x) => standardGamma(x!, { key: key(4) }), xs: (n) => [positive(n, 5)], ...random },
  { op: 'sampleDirichlet', f: (x) => sampleDirichlet(x!, { key: key(5) }), xs: (n) => [positive(n, 5)], ...random },
]
