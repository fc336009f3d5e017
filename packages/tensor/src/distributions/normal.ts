import { type End, checkEnd } from '../core/args.ts'
import type { Shape } from '../core/shape.ts'
import { add, div, mul, sub } from '../ops/binary.ts'
import { ge, gt } from '../ops/compare.ts'
import { erfinv } from '../ops/gamma.ts'
import { abs, erf, exp, expm1, log, square } from '../ops/unary.ts'
import { where } from '../ops/where.ts'
import type { SourceOptions } from '../random/attempts.ts'
import type { Tensor } from '../tensor.ts'
import {
  Distribution,
  type DistributionOptions,
  type Parameter,
  type ParameterArgs,
  readParameters,
  constantLike,
  normalNoise,
} from './distribution.ts'
import { LocationScale, type LocationScaleArgs } from './location-scale.ts'

const HALF_LOG_2PI = Math.log(2 * Math.PI) / 2

const logDensity = (z: Tensor, scale: Tensor): Tensor => sub(mul(square(z), -0.5), add(log(scale), HALF_LOG_2PI))
const distribution = (z: Tensor): Tensor => mul(add(erf(mul(z, Math.SQRT1_2)), 1), 0.5)
const quantile = (p: Tensor): Tensor => mul(erfinv(sub(mul(p, 2), 1)), Math.SQRT2)

/** The normal distribution of mean `loc` and deviation `scale`. */
export class Normal extends LocationScale {
  constructor(...args: LocationScaleArgs) {
    super('Normal', args)
  }
  get mean(): Tensor {
    return this.loc
  }
  override get stddev(): Tensor {
    return this.scale
  }
  get variance(): Tensor {
    return square(this.scale)
  }
  protected draw(shape: Shape, source: SourceOptions): Tensor {
    return this.at(normalNoise(this.loc, shape, source))
  }
  logProb(value: Parameter, ...end: End): Tensor {
    checkEnd('logProb', end)
    return logDensity(this.standard(value), this.scale)
  }
  override cdf(value: Parameter, ...end: End): Tensor {
    checkEnd('cdf', end)
    return distribution(this.standard(value))
  }
  override icdf(value: Parameter, ...end: End): Tensor {
    checkEnd('icdf', end)
    return this.at(quantile(this.probability(value)))
  }
  override entropy(...end: End): Tensor {
    checkEnd('entropy', end)
    return add(log(this.scale), 0.5 + HALF_LOG_2PI)
  }
}

/** The distribution of eˣ for a normal x of mean `loc` and deviation `scale`. */
export class LogNormal extends LocationScale {
  constructor(...args: LocationScaleArgs) {
    super('LogNormal', args)
  }
  get mean(): Tensor {
    return exp(add(this.loc, mul(square(this.scale), 0.5)))
  }
  override get mode(): Tensor {
    return exp(sub(this.loc, square(this.scale)))
  }
  get variance(): Tensor {
    const s2 = square(this.scale)
    return mul(expm1(s2), exp(add(mul(this.loc, 2), s2)))
  }
  protected draw(shape: Shape, source: SourceOptions): Tensor {
    return exp(this.at(normalNoise(this.loc, shape, source)))
  }
  private logarithm(value: Parameter): Tensor {
    return log(this.value(value, this.loc, 'GreaterThan(lowerBound=0)', (x) => gt(x, 0)))
  }
  logProb(value: Parameter, ...end: End): Tensor {
    checkEnd('logProb', end)
    const x = this.logarithm(value)
    return sub(logDensity(div(sub(x, this.loc), this.scale), this.scale), x)
  }
  override cdf(value: Parameter, ...end: End): Tensor {
    checkEnd('cdf', end)
    return distribution(div(sub(this.logarithm(value), this.loc), this.scale))
  }
  override icdf(value: Parameter, ...end: End): Tensor {
    checkEnd('icdf', end)
    return exp(this.at(quantile(this.probability(value))))
  }
  override entropy(...end: End): Tensor {
    checkEnd('entropy', end)
    return add(add(log(this.scale), 0.5 + HALF_LOG_2PI), this.loc)
  }
}

/** The distribution of |x| for a normal x of mean 0 and deviation `scale`. */
export class HalfNormal extends Distribution {
  readonly scale: Tensor
  constructor(...args: ParameterArgs<[scale: Parameter], 'scale'>) {
    const [[s], options] = readParameters('HalfNormal', args, ['scale']) as [[Tensor], DistributionOptions]
    super(s.shape, [], options)
    this.scale = s
    this.check('scale', s, 'GreaterThan(lowerBound=0)', (x) => gt(x, 0))
  }
  override get hasRsample(): boolean {
    return true
  }
  get mean(): Tensor {
    return mul(this.scale, Math.sqrt(2 / Math.PI))
  }
  override get mode(): Tensor {
    return constantLike(this.scale, 0)
  }
  get variance(): Tensor {
    return mul(square(this.scale), 1 - 2 / Math.PI)
  }
  protected draw(shape: Shape, source: SourceOptions): Tensor {
    return abs(mul(normalNoise(this.scale, shape, source), this.scale))
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
    return where(ge(z, 0), add(logDensity(z, this.scale), Math.LN2), -Infinity)
  }
  override cdf(value: Parameter, ...end: End): Tensor {
    checkEnd('cdf', end)
    return erf(mul(this.standardised(value), Math.SQRT1_2))
  }
  override icdf(value: Parameter, ...end: End): Tensor {
    checkEnd('icdf', end)
    const p = typeof value === 'number' ? constantLike(this.scale, value) : value
    return mul(mul(erfinv(p), Math.SQRT2), this.scale)
  }
  override entropy(...end: End): Tensor {
    checkEnd('entropy', end)
    return add(log(this.scale), 0.5 + HALF_LOG_2PI - Math.LN2)
  }
}
