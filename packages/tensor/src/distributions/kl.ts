import { type End, checkEnd } from '../core/args.ts'
import { TensorTypeError, describe } from '../core/errors.ts'
import { add, div, logicalOr, mul, sub } from '../ops/binary.ts'
import { softplus } from '../ops/activation.ts'
import { eq, gt, lt } from '../ops/compare.ts'
import { digamma, lgamma } from '../ops/gamma.ts'
import { sum } from '../ops/reduce.ts'
import { abs, exp, log, log1p, neg, square } from '../ops/unary.ts'
import { where } from '../ops/where.ts'
import type { Tensor } from '../tensor.ts'
import { Bernoulli, Binomial, Geometric } from './binary.ts'
import { Beta, Dirichlet, Uniform } from './bounded.ts'
import { Categorical, OneHotCategorical } from './categorical.ts'
import { type Distribution, readable } from './distribution.ts'
import { Independent } from './independent.ts'
import { Cauchy, Gumbel, Laplace } from './location-scale.ts'
import { HalfNormal, LogNormal, Normal } from './normal.ts'
import { Poisson } from './poisson.ts'
import { Exponential, Gamma } from './positive.ts'
import { Pareto } from './tails.ts'

// Formulas of torch/distributions/kl.py, PyTorch 2.13.

type Class<D extends Distribution> = abstract new (...args: never) => D
type Rule = (p: Distribution, q: Distribution) => Tensor
type Entry = readonly [Class<Distribution>, Class<Distribution>, Rule]

const rule = <P extends Distribution, Q extends Distribution>(P: Class<P>, Q: Class<Q>, f: (p: P, q: Q) => Tensor): Entry => [
  P,
  Q,
  f as Rule,
]
const EULER = 0.5772156649015329

interface Scaled {
  readonly loc: Tensor
  readonly scale: Tensor
}
const normal = (p: Scaled, q: Scaled): Tensor => {
  const ratio = square(div(p.scale, q.scale))
  return mul(sub(add(ratio, square(div(sub(p.loc, q.loc), q.scale))), add(log(ratio), 1)), 0.5)
}
/** Σ p (log p − log q), where what is impossible counts nothing, and what only q thinks impossible everything. */
const choices = (p: Categorical | OneHotCategorical, q: Categorical | OneHotCategorical): Tensor => {
  const terms = mul(p.probs, sub(p.logits, q.logits))
  return sum(where(eq(p.probs, 0), 0, where(eq(q.probs, 0), Infinity, terms)), -1)
}
const bernoulli = (p: Bernoulli, q: Bernoulli): Tensor => {
  const yes = mul(p.probs, sub(softplus(neg(q.logits)), softplus(neg(p.logits))))
  const no = mul(sub(1, p.probs), sub(softplus(q.logits), softplus(p.logits)))
  return add(where(eq(p.probs, 0), 0, where(eq(q.probs, 0), Infinity, yes)), where(eq(p.probs, 1), 0, where(eq(q.probs, 1), Infinity, no)))
}
const binomials = (p: Binomial, q: Binomial): Tensor => {
  const fewer = lt(p.totalCount, q.totalCount)
  if (readable(fewer) && fewer.dataSync().some(Boolean))
    throw new TensorTypeError(
      'KL between Binomials where q.total_count > p.total_count is not implemented: it has no closed form. Sum p.logProb(k).exp() times p.logProb(k) − q.logProb(k) over the counts k',
      { op: 'klDivergence', code: 'NOT_IMPLEMENTED' },
    )
  const each = sub(add(mul(p.probs, sub(p.logits, q.logits)), log1p(neg(p.probs))), log1p(neg(q.probs)))
  // where the counts cannot be read, NaN says what the error above does
  return where(fewer, NaN, where(gt(p.totalCount, q.totalCount), Infinity, mul(p.totalCount, each)))
}
const gammas = (p: Gamma, q: Gamma): Tensor =>
  add(
    add(mul(q.concentration, log(div(p.rate, q.rate))), sub(lgamma(q.concentration), lgamma(p.concentration))),
    add(mul(sub(p.concentration, q.concentration), digamma(p.concentration)), mul(sub(q.rate, p.rate), div(p.concentration, p.rate))),
  )
const betas = (p: Beta, q: Beta): Tensor => {
  const [pa, pb, qa, qb] = [p.concentration1, p.concentration0, q.concentration1, q.concentration0]
  const [ps, qs] = [add(pa, pb), add(qa, qb)]
  const t1 = add(add(lgamma(qa), lgamma(qb)), lgamma(ps))
  const t2 = add(add(lgamma(pa), lgamma(pb)), lgamma(qs))
  const t34 = add(mul(sub(pa, qa), digamma(pa)), mul(sub(pb, qb), digamma(pb)))
  return add(sub(t1, t2), add(t34, mul(sub(qs, ps), digamma(ps))))
}
const dirichlets = (p: Dirichlet, q: Dirichlet): Tensor => {
  const [pc, qc] = [p.concentration, q.concentration]
  const total = sum(pc, -1, true)
  const t1 = sub(lgamma(sum(pc, -1)), lgamma(sum(qc, -1)))
  const t2 = sum(sub(lgamma(pc), lgamma(qc)), -1)
  return add(sub(t1, t2), sum(mul(sub(pc, qc), sub(digamma(pc), digamma(total))), -1))
}
const gumbels = (p: Gumbel, q: Gumbel): Tensor => {
  const [ct1, ct2, ct3] = [div(p.scale, q.scale), div(q.loc, q.scale), div(p.loc, q.scale)] as const
  const t1 = add(sub(neg(log(ct1)), ct2), ct3)
  return sub(add(add(t1, mul(ct1, EULER)), exp(sub(add(ct2, lgamma(add(ct1, 1))), ct3))), 1 + EULER)
}
const laplaces = (p: Laplace, q: Laplace): Tensor => {
  const ratio = div(p.scale, q.scale)
  const d = abs(sub(p.loc, q.loc))
  return sub(add(add(neg(log(ratio)), div(d, q.scale)), mul(ratio, exp(neg(div(d, p.scale))))), 1)
}
const exponentials = (p: Exponential, q: Exponential): Tensor => {
  const ratio = div(q.rate, p.rate)
  return sub(sub(ratio, log(ratio)), 1)
}
const cauchys = (p: Cauchy, q: Cauchy): Tensor =>
  sub(log(add(square(add(p.scale, q.scale)), square(sub(p.loc, q.loc)))), log(mul(mul(p.scale, q.scale), 4)))
const geometrics = (p: Geometric, q: Geometric): Tensor => sub(sub(neg(p.entropy()), div(log1p(neg(q.probs)), p.probs)), q.logits)
const poissons = (p: Poisson, q: Poisson): Tensor => sub(mul(p.rate, sub(log(p.rate), log(q.rate))), sub(p.rate, q.rate))
const uniforms = (p: Uniform, q: Uniform): Tensor =>
  where(logicalOr(gt(q.low, p.low), lt(q.high, p.high)), Infinity, log(div(sub(q.high, q.low), sub(p.high, p.low))))
const paretos = (p: Pareto, q: Pareto): Tensor => {
  const ratio = div(q.alpha, p.alpha)
  const finite = sub(add(mul(q.alpha, log(div(p.scale, q.scale))), ratio), add(log(ratio), 1))
  return where(lt(p.scale, q.scale), Infinity, finite)
}
const independents = (p: Independent, q: Independent): Tensor => {
  const n = p.reinterpretedBatchNdims
  if (n !== q.reinterpretedBatchNdims)
    throw new TensorTypeError('expected as many axes reinterpreted on both sides', { op: 'klDivergence', code: 'NOT_IMPLEMENTED' })
  const each = klDivergence(p.baseDist, q.baseDist)
  return n === 0
    ? each
    : sum(
        each,
        Array.from({ length: n }, (_, i) => i - n),
      )
}

// made at first use, so that nothing runs when the module is loaded
let table: Entry[] | undefined
const entries = (): Entry[] =>
  (table ??= [
    rule(Normal, Normal, normal),
    rule(LogNormal, LogNormal, normal),
    rule(HalfNormal, HalfNormal, (p, q) => {
      const ratio = square(div(p.scale, q.scale))
      return mul(sub(ratio, add(log(ratio), 1)), 0.5)
    }),
    rule(Bernoulli, Bernoulli, bernoulli),
    rule(Binomial, Binomial, binomials),
    rule(Categorical, Categorical, choices),
    rule(OneHotCategorical, OneHotCategorical, choices),
    rule(Gamma, Gamma, gammas),
    rule(Beta, Beta, betas),
    rule(Dirichlet, Dirichlet, dirichlets),
    rule(Gumbel, Gumbel, gumbels),
    rule(Laplace, Laplace, laplaces),
    rule(Exponential, Exponential, exponentials),
    rule(Cauchy, Cauchy, cauchys),
    rule(Geometric, Geometric, geometrics),
    rule(Poisson, Poisson, poissons),
    rule(Pareto, Pareto, paretos),
    rule(Uniform, Uniform, uniforms),
    rule(Independent, Independent, independents),
  ])

/**
 * The Kullback–Leibler divergence E_p[log p − log q] of two distributions, of the broadcast shape of their batches.
 * @throws TensorTypeError for a pair of classes without a formula: give one with `registerKl`
 */
export function klDivergence(p: Distribution, q: Distribution, ...end: End): Tensor {
  checkEnd('klDivergence', end)
  // the last that fits: what was registered goes before what is here
  const entry = entries().findLast(([P, Q]) => p instanceof P && q instanceof Q)
  if (!entry)
    throw new TensorTypeError(
      `No KL(p || q) is implemented for p type ${p.constructor.name} and q type ${q.constructor.name}. Give one with registerKl(P, Q, f)`,
      { op: 'klDivergence', code: 'NOT_IMPLEMENTED' },
    )
  return entry[2](p, q)
}

/** Gives a pair of classes, and what extends them, a formula for `klDivergence`; it goes before those there are. */
export function registerKl<P extends Distribution, Q extends Distribution>(
  P: Class<P>,
  Q: Class<Q>,
  f: (p: P, q: Q) => Tensor,
  ...end: End
): void {
  checkEnd('registerKl', end)
  for (const g of [P, Q, f])
    if (typeof g !== 'function')
      throw new TensorTypeError(`expected two classes of distributions and a function, got ${describe(g)}`, {
        op: 'registerKl',
        code: 'NOT_A_FUNCTION',
      })
  entries().push(rule(P, Q, f))
}
