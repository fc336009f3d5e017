// Public names of random numbers.
export { Generator, type GeneratorState, defaultGenerator, getRngState, initialSeed, manualSeed, seed, setRngState } from './generator.ts'
export { type Key, foldIn, key } from './keys.ts'
export { normal, rand, randint, randn, randperm, uniform } from './distributions.ts'
export {
  type DropoutOptions,
  type RandomOptions,
  bernoulli,
  dropout,
  exponential,
  gumbel,
  randLike,
  randintLike,
  randnLike,
} from './like.ts'
export { type MultinomialOptions, multinomial } from './choice.ts'
export type { SourceOptions } from './attempts.ts'
export { binomial, poisson } from './counts.ts'
export {
  type RreluOptions,
  alphaDropout,
  alphaDropout_,
  dropout_,
  featureAlphaDropout,
  featureAlphaDropout_,
  featureDropout,
  featureDropout_,
  rrelu,
  rrelu_,
} from './dropout.ts'
export { sampleDirichlet, standardGamma } from './gamma.ts'
export { split } from './split.ts'
