import { type End, checkEnd } from '../core/args.ts'
import type { Shape } from '../core/shape.ts'
import { add, clampMin, div, mul, pow, sub } from '../ops/binary.ts'
import { ge, gt } from '../ops/compare.ts'
import { digamma, lgamma } from '../ops/gamma.ts'
import { atan, exp, expm1, log, log1p, neg, reciprocal, square, tan } from '../ops/unary.ts'
import { expandTo } from '../ops/view.ts'
import { where } from '../ops/where.ts'
import type { SourceOptions } from '../random/attempts.ts'
import { standardGamma } from '../random/gamma.ts'
import { exponential } from '../random/like.ts'
import type { Tensor } from '../tensor.ts'
import {
  Distribution,
  type DistributionOptions,
  type Parameter,
  type ParameterArgs,
  readParameters,
  constantLike,
  uniformNoise,
} from './distribution.ts'

const EULER = 0.5772156649015329
const POSITIVE = 'GreaterThan(lowerBound=0)'
const isPositive = (x: Tensor): Tensor => gt(x, 0)
const like = (x: Tensor, value: Parameter): Tensor => (typeof value === 'number' ? constantLike(x, value) : value)

/** The distribution of |x| for a Cauchy x around 0. */
export class HalfCauchy extends Distribution {
  readonly scale: Tensor
  constructor(...args: ParameterArgs<[scale: Parameter], 'scale'>) {
    const [[s], options] = readParameters('HalfCauchy', args, ['scale']) as [[Tensor], DistributionOptions]
    super(s.shape, [], options)
    this.scale = s
    this.check('scale', s, POSITIVE, isPositive)
  }
  override get hasRsample(): boolean {
    return true
  }
  get mean(): Tensor {
    return constantLike(this.scale, Infinity)
  }
  override get mode(): Tensor {
    return constantLike(this.scale, 0)
  }
  get variance(): Tensor {
    return constantLike(this.scale, Infinity)
  }
  protected draw(shape: Shape, source: SourceOptions): Tensor {
    return mul(tan(mul(uniformNoise(this.scale, shape, source), Math.PI / 2)), this.scale)
  }
  private standardised(value: Parameter): Tensor {
    return div(
      this.value(value, this.scale, 'GreaterThanEq(lowerBound=0)', (x) => ge(x, 0)),
      this.scale,
    )
  }
  logProb(value: Parameter, ...end: End): Tensor {
    checkEnd('logProb', end)
    const z = this.standardised(value)
    return where(ge(z, 0), sub(Math.log(2 / Math.PI), add(log1p(square(z)), log(this.scale))), -Infinity)
  }
  override cdf(value: Parameter, ...end: End): Tensor {
    checkEnd('cdf', end)
    return mul(atan(this.standardised(value)), 2 / Math.PI)
  }
  override icdf(value: Parameter, ...end: End): Tensor {
    checkEnd('icdf', end)
    return mul(tan(mul(like(this.scale, value), Math.PI / 2)), this.scale)
  }
  override entropy(...end: End): Tensor {
    checkEnd('entropy', end)
    return add(log(this.scale), Math.log(2 * Math.PI))
  }
}

/** The distribution of `scale` · e to the power 1/`concentration`, of an exponential e. */
export class Weibull extends Distribution {
  readonly scale: Tensor
  readonly concentration: Tensor
  constructor(...args: ParameterArgs<[scale: Parameter, concentration: Parameter], 'scale' | 'concentration'>) {
    const [[s, c], options] = readParameters('Weibull', args, ['scale', 'concentration']) as [[Tensor, Tensor], DistributionOptions]
    super(s.shape, [], options)
    this.scale = s
    this.concentration = c
    this.check('scale', s, POSITIVE, isPositive)
    this.check('concentration', c, POSITIVE, isPositive)
  }
  override get hasRsample(): boolean {
    return true
  }
  /** log E(x / scale)ⁿ. */
  private moment(n: number): Tensor {
    return lgamma(add(div(n, this.concentration), 1))
  }
  get mean(): Tensor {
    return mul(this.scale, exp(this.moment(1)))
  }
  override get mode(): Tensor {
    const c = this.concentration
    return mul(this.scale, pow(div(clampMin(sub(c, 1), 0), c), reciprocal(c)))
  }
  get variance(): Tensor {
    return mul(square(this.scale), sub(exp(this.moment(2)), exp(mul(this.moment(1), 2))))
  }
  protected draw(shape: Shape, source: SourceOptions): Tensor {
    return mul(pow(exponential(expandTo(this.scale, shape), 1, source), reciprocal(this.concentration)), this.scale)
  }
  private standardised(value: Parameter): Tensor {
    return div(this.value(value, this.scale, POSITIVE, isPositive), this.scale)
  }
  logProb(value: Parameter, ...end: End): Tensor {
    checkEnd('logProb', end)
    const c = this.concentration
    const z = this.standardised(value)
    return sub(add(log(div(c, this.scale)), mul(sub(c, 1), log(z))), pow(z, c))
  }
  override cdf(value: Parameter, ...end: End): Tensor {
    checkEnd('cdf', end)
    return neg(expm1(neg(pow(this.standardised(value), this.concentration))))
  }
  override icdf(value: Parameter, ...end: End): Tensor {
    checkEnd('icdf', end)
    return mul(pow(neg(log1p(neg(like(this.scale, value)))), reciprocal(this.concentration)), this.scale)
  }
  override entropy(...end: End): Tensor {
    checkEnd('entropy', end)
    const c = this.concentration
    return add(add(mul(sub(1, reciprocal(c)), EULER), log(div(this.scale, c))), 1)
  }
}

/** The Pareto distribution: `scale` · e to the power of an exponential number of rate `alpha`. */
export class Pareto extends Distribution {
  readonly scale: Tensor
  readonly alpha: Tensor
  constructor(...args: ParameterArgs<[scale: Parameter, alpha: Parameter], 'scale' | 'alpha'>) {
    const [[s, a], options] = readParameters('Pareto', args, ['scale', 'alpha']) as [[Tensor, Tensor], DistributionOptions]
    super(s.shape, [], options)
    this.scale = s
    this.alpha = a
    this.check('scale', s, POSITIVE, isPositive)
    this.check('alpha', a, POSITIVE, isPositive)
  }
  override get hasRsample(): boolean {
    return true
  }
  get mean(): Tensor {
    const a = clampMin(this.alpha, 1)
    return div(mul(a, this.scale), sub(a, 1))
  }
  override get mode(): Tensor {
    return this.scale
  }
  get variance(): Tensor {
    const a = clampMin(this.alpha, 2)
    return div(mul(square(this.scale), a), mul(square(sub(a, 1)), sub(a, 2)))
  }
  protected draw(shape: Shape, source: SourceOptions): Tensor {
    return mul(exp(div(exponential(expandTo(this.alpha, shape), 1, source), this.alpha)), this.scale)
  }
  private checked(value: Parameter): Tensor {
    return this.value(value, this.scale, 'GreaterThanEq(lowerBound=scale)', (x) => ge(x, this.scale))
  }
  logProb(value: Parameter, ...end: End): Tensor {
    checkEnd('logProb', end)
    const a = this.alpha
    return sub(add(log(a), mul(a, log(this.scale))), mul(add(a, 1), log(this.checked(value))))
  }
  override cdf(value: Parameter, ...end: End): Tensor {
    checkEnd('cdf', end)
    return sub(1, pow(div(this.scale, this.checked(value)), this.alpha))
  }
  override icdf(value: Parameter, ...end: End): Tensor {
    checkEnd('icdf', end)
    return mul(exp(neg(div(log1p(neg(like(this.scale, value))), this.alpha))), this.scale)
  }
  override entropy(...end: End): Tensor {
    checkEnd('entropy', end)
    return add(add(log(div(this.scale, this.alpha)), reciprocal(this.alpha)), 1)
  }
}

/** The distribution of 1/x for a gamma x of shape `concentration` and rate `rate`. */
export class InverseGamma extends Distribution {
  readonly concentration: Tensor
  readonly rate: Tensor
  constructor(...args: ParameterArgs<[concentration: Parameter, rate: Parameter], 'concentration' | 'rate'>) {
    const [[c, r], options] = readParameters('InverseGamma', args, ['concentration', 'rate']) as [[Tensor, Tensor], DistributionOptions]
    super(c.shape, [], options)
    this.concentration = c
    this.rate = r
    this.check('concentration', c, POSITIVE, isPositive)
    this.check('rate', r, POSITIVE, isPositive)
  }
  override get hasRsample(): boolean {
    return true
  }
  get mean(): Tensor {
    const c = this.concentration
    return where(gt(c, 1), div(this.rate, sub(c, 1)), Infinity)
  }
  override get mode(): Tensor {
    return div(this.rate, add(this.concentration, 1))
  }
  get variance(): Tensor {
    const c = this.concentration
    return where(gt(c, 2), div(square(this.rate), mul(square(sub(c, 1)), sub(c, 2))), Infinity)
  }
  protected draw(shape: Shape, source: SourceOptions): Tensor {
    return div(this.rate, standardGamma(expandTo(this.concentration, shape), source))
  }
  logProb(value: Parameter, ...end: End): Tensor {
    checkEnd('logProb', end)
    const { concentration: c, rate } = this
    const x = this.value(value, rate, POSITIVE, isPositive)
    return sub(sub(mul(c, log(rate)), mul(add(c, 1), log(x))), add(div(rate, x), lgamma(c)))
  }
  override entropy(...end: End): Tensor {
    checkEnd('entropy', end)
    const c = this.concentration
    return sub(add(add(c, log(this.rate)), lgamma(c)), mul(add(c, 1), digamma(c)))
  }
}
