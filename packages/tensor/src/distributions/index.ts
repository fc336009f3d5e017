/**
 * Probability distributions, by the names of `torch.distributions`: samples, log probabilities, entropies, divergences. Parameters
 * may be mapped, differentiated and traced like any tensors.
 * @module
 */
export { Bernoulli, Binomial, type BinomialOptions, Geometric, type OddsArgs } from './binary.ts'
export { Beta, Dirichlet, Uniform } from './bounded.ts'
export { Categorical, Multinomial, type MultinomialDistributionOptions, OneHotCategorical } from './categorical.ts'
export { Distribution, type DistributionOptions, type Parameter, type SampleArgs, type SampleOptions } from './distribution.ts'
export { Independent } from './independent.ts'
export { klDivergence, registerKl } from './kl.ts'
export { Cauchy, Gumbel, Laplace, StudentT } from './location-scale.ts'
export { HalfNormal, LogNormal, Normal } from './normal.ts'
export type { OddsOptions } from './odds.ts'
export { Poisson } from './poisson.ts'
export { Chi2, Exponential, Gamma } from './positive.ts'
