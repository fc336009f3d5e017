import { type End, checkEnd } from '../core/args.ts'
import type { Shape } from '../core/shape.ts'
import { add, clampMin, div, mul, sub } from '../ops/binary.ts'
import { xlogy } from '../ops/binary-extra.ts'
import { ge, gt } from '../ops/compare.ts'
import { digamma, lgamma } from '../ops/gamma.ts'
import { expm1, log, log1p, neg, reciprocal, square } from '../ops/unary.ts'
import { expandTo } from '../ops/view.ts'
import type { SourceOptions } from '../random/attempts.ts'
import { standardGamma } from '../random/gamma.ts'
import { exponential } from '../random/like.ts'
import type { Tensor } from '../tensor.ts'
import { Distribution, type DistributionOptions, type Parameter, type ParameterArgs, readParameters, constantLike } from './distribution.ts'

const NONNEGATIVE = 'GreaterThanEq(lowerBound=0)'

/** The exponential distribution of a rate. */
export class Exponential extends Distribution {
  readonly rate: Tensor
  constructor(...args: ParameterArgs<[rate: Parameter], 'rate'>) {
    const [[r], options] = readParameters('Exponential', args, ['rate']) as [[Tensor], DistributionOptions]
    super(r.shape, [], options)
    this.rate = r
    this.check('rate', r, 'GreaterThan(lowerBound=0)', (x) => gt(x, 0))
  }
  override get hasRsample(): boolean {
    return true
  }
  get mean(): Tensor {
    return reciprocal(this.rate)
  }
  override get mode(): Tensor {
    return constantLike(this.rate, 0)
  }
  override get stddev(): Tensor {
    return this.mean
  }
  get variance(): Tensor {
    return square(this.mean)
  }
  protected draw(shape: Shape, source: SourceOptions): Tensor {
    return div(exponential(expandTo(this.rate, shape), 1, source), this.rate)
  }
  private checked(value: Parameter): Tensor {
    return this.value(value, this.rate, NONNEGATIVE, (x) => ge(x, 0))
  }
  logProb(value: Parameter, ...end: End): Tensor {
    checkEnd('logProb', end)
    return sub(log(this.rate), mul(this.rate, this.checked(value)))
  }
  override cdf(value: Parameter, ...end: End): Tensor {
    checkEnd('cdf', end)
    return neg(expm1(neg(mul(this.rate, this.checked(value)))))
  }
  override icdf(value: Parameter, ...end: End): Tensor {
    checkEnd('icdf', end)
    return neg(div(log1p(neg(typeof value === 'number' ? constantLike(this.rate, value) : value)), this.rate))
  }
  override entropy(...end: End): Tensor {
    checkEnd('entropy', end)
    return sub(1, log(this.rate))
  }
}

/** The gamma distribution of a shape, `concentration`, and a rate. */
export class Gamma extends Distribution {
  readonly concentration: Tensor
  readonly rate: Tensor
  constructor(...args: ParameterArgs<[concentration: Parameter, rate: Parameter], 'concentration' | 'rate'>) {
    const [[c, r], options] = readParameters('Gamma', args, ['concentration', 'rate']) as [[Tensor, Tensor], DistributionOptions]
    super(c.shape, [], options)
    this.concentration = c
    this.rate = r
    this.check('concentration', c, 'GreaterThan(lowerBound=0)', (x) => gt(x, 0))
    this.check('rate', r, 'GreaterThan(lowerBound=0)', (x) => gt(x, 0))
  }
  override get hasRsample(): boolean {
    return true
  }
  get mean(): Tensor {
    return div(this.concentration, this.rate)
  }
  override get mode(): Tensor {
    return clampMin(div(sub(this.concentration, 1), this.rate), 0)
  }
  get variance(): Tensor {
    return div(this.concentration, square(this.rate))
  }
  protected draw(shape: Shape, source: SourceOptions): Tensor {
    return div(standardGamma(expandTo(this.concentration, shape), source), this.rate)
  }
  logProb(value: Parameter, ...end: End): Tensor {
    checkEnd('logProb', end)
    const { concentration: a, rate } = this
    const x = this.value(value, rate, NONNEGATIVE, (v) => ge(v, 0))
    return sub(sub(add(xlogy(a, rate), xlogy(sub(a, 1), x)), mul(rate, x)), lgamma(a))
  }
  override entropy(...end: End): Tensor {
    checkEnd('entropy', end)
    const a = this.concentration
    return add(add(sub(a, log(this.rate)), lgamma(a)), mul(sub(1, a), digamma(a)))
  }
}

/** The distribution of a sum of `df` squares of standard normal numbers. */
export class Chi2 extends Gamma {
  constructor(...args: ParameterArgs<[df: Parameter], 'df'>) {
    const [[d], options] = readParameters('Chi2', args, ['df']) as [[Tensor], DistributionOptions]
    super(mul(d, 0.5), 0.5, options)
  }
  /** The degrees of freedom. */
  get df(): Tensor {
    return mul(this.concentration, 2)
  }
}
