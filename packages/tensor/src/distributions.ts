/**
 * Probability distributions, by the names of `torch.distributions`: samples, log probabilities, entropies, divergences. Parameters
 * may be mapped, differentiated and traced like any tensors.
 * @module
 */
export { Bernoulli, Binomial, type BinomialOptions, Geometric, type OddsArgs } from './distributions/binary.ts'
export { Beta, Dirichlet, Uniform } from './distributions/bounded.ts'
export {
  Categorical,
  Multinomial,
  type MultinomialDistributionOptions,
  OneHotCategorical,
  OneHotCategoricalStraightThrough,
} from './distributions/categorical.ts'
export {
  Distribution,
  type DistributionOptions,
  type Parameter,
  type SampleArgs,
  type SampleOptions,
} from './distributions/distribution.ts'
export { Independent } from './distributions/independent.ts'
export { klDivergence, registerKl } from './distributions/kl.ts'
export { Cauchy, Gumbel, Laplace, StudentT } from './distributions/location-scale.ts'
export { HalfNormal, LogNormal, Normal } from './distributions/normal.ts'
export type { OddsOptions } from './distributions/odds.ts'
export { Poisson } from './distributions/poisson.ts'
export { Chi2, Exponential, Gamma } from './distributions/positive.ts'
export { HalfCauchy, InverseGamma, Pareto, Weibull } from './distributions/tails.ts'
export { NegativeBinomial } from './distributions/negative-binomial.ts'
