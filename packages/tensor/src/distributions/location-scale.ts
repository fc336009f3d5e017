import { type End, checkEnd } from '../core/args.ts'
import type { Shape } from '../core/shape.ts'
import { add, div, minimum, mul, sub } from '../ops/binary.ts'
import { eq, gt, le } from '../ops/compare.ts'
import { digamma, lgamma } from '../ops/gamma.ts'
import { abs, atan, exp, expm1, log, log1p, neg, rsqrt, sign, square, tan } from '../ops/unary.ts'
import { expandTo } from '../ops/view.ts'
import { where } from '../ops/where.ts'
import type { SourceOptions } from '../random/attempts.ts'
import { exponential } from '../random/like.ts'
import { standardGamma } from '../random/gamma.ts'
import type { Tensor } from '../tensor.ts'
import {
  Distribution,
  type DistributionOptions,
  type Parameter,
  type ParameterArgs,
  constantLike,
  normalNoise,
  second,
  uniformNoise,
  readParameters,
} from './distribution.ts'

const EULER = 0.5772156649015329
const HALF_LOG_PI = Math.log(Math.PI) / 2

/** `(loc, scale, { validateArgs })`, or by name. */
export type LocationScaleArgs = ParameterArgs<[loc: Parameter, scale: Parameter], 'loc' | 'scale'>

/** Distributions of loc + scale · z for a z of their own. */
export abstract class LocationScale extends Distribution {
  readonly loc: Tensor
  readonly scale: Tensor
  constructor(name: string, args: LocationScaleArgs) {
    const [[l, s], options] = readParameters(name, args, ['loc', 'scale']) as [[Tensor, Tensor], DistributionOptions]
    super(l.shape, [], options)
    this.loc = l
    this.scale = s
    this.check('loc', l, 'Real()', (x) => eq(x, x))
    this.check('scale', s, 'GreaterThan(lowerBound=0)', (x) => gt(x, 0))
  }
  override get hasRsample(): boolean {
    return true
  }
  override get mode(): Tensor {
    return this.loc
  }
  protected at(z: Tensor): Tensor {
    return add(mul(z, this.scale), this.loc)
  }
  protected standard(value: Parameter): Tensor {
    return div(
      sub(
        this.value(value, this.loc, 'Real()', (x) => eq(x, x)),
        this.loc,
      ),
      this.scale,
    )
  }
  protected probability(value: Parameter): Tensor {
    return typeof value === 'number' ? constantLike(this.loc, value) : value
  }
}

/** The Laplace distribution: exponential to both sides of `loc`. */
export class Laplace extends LocationScale {
  constructor(...args: LocationScaleArgs) {
    super('Laplace', args)
  }
  get mean(): Tensor {
    return this.loc
  }
  get variance(): Tensor {
    return mul(square(this.scale), 2)
  }
  protected draw(shape: Shape, source: SourceOptions): Tensor {
    const u = sub(mul(uniformNoise(this.loc, shape, source), 2), 1)
    // never the very end, where the logarithm is infinite
    const a = minimum(abs(u), u.dtype === 'float64' ? 1 - 2 ** -53 : 1 - 2 ** -24)
    return this.at(neg(mul(sign(u), log1p(neg(a)))))
  }
  logProb(value: Parameter, ...end: End): Tensor {
    checkEnd('logProb', end)
    return neg(add(abs(this.standard(value)), log(mul(this.scale, 2))))
  }
  override cdf(value: Parameter, ...end: End): Tensor {
    checkEnd('cdf', end)
    const z = this.standard(value)
    return sub(0.5, mul(mul(sign(z), expm1(neg(abs(z)))), 0.5))
  }
  override icdf(value: Parameter, ...end: End): Tensor {
    checkEnd('icdf', end)
    const t = sub(this.probability(value), 0.5)
    return this.at(neg(mul(sign(t), log1p(mul(abs(t), -2)))))
  }
  override entropy(...end: End): Tensor {
    checkEnd('entropy', end)
    return add(log(mul(this.scale, 2)), 1)
  }
}

/** The Gumbel distribution, of maxima: loc − scale · log e of an exponential e. */
export class Gumbel extends LocationScale {
  constructor(...args: LocationScaleArgs) {
    super('Gumbel', args)
  }
  get mean(): Tensor {
    return add(mul(this.scale, EULER), this.loc)
  }
  get variance(): Tensor {
    return mul(square(this.scale), Math.PI ** 2 / 6)
  }
  protected draw(shape: Shape, source: SourceOptions): Tensor {
    return this.at(neg(log(exponential(expandTo(this.loc, shape), 1, source))))
  }
  logProb(value: Parameter, ...end: End): Tensor {
    checkEnd('logProb', end)
    const y = neg(this.standard(value))
    return sub(sub(y, exp(y)), log(this.scale))
  }
  override cdf(value: Parameter, ...end: End): Tensor {
    checkEnd('cdf', end)
    return exp(neg(exp(neg(this.standard(value)))))
  }
  override icdf(value: Parameter, ...end: End): Tensor {
    checkEnd('icdf', end)
    return this.at(neg(log(neg(log(this.probability(value))))))
  }
  override entropy(...end: End): Tensor {
    checkEnd('entropy', end)
    return add(log(this.scale), 1 + EULER)
  }
}

/** The Cauchy distribution, which has neither mean nor variance. */
export class Cauchy extends LocationScale {
  constructor(...args: LocationScaleArgs) {
    super('Cauchy', args)
  }
  get mean(): Tensor {
    return constantLike(this.loc, NaN)
  }
  get variance(): Tensor {
    return constantLike(this.loc, Infinity)
  }
  protected draw(shape: Shape, source: SourceOptions): Tensor {
    return this.at(tan(mul(sub(uniformNoise(this.loc, shape, source), 0.5), Math.PI)))
  }
  logProb(value: Parameter, ...end: End): Tensor {
    checkEnd('logProb', end)
    return neg(add(add(log1p(square(this.standard(value))), log(this.scale)), Math.log(Math.PI)))
  }
  override cdf(value: Parameter, ...end: End): Tensor {
    checkEnd('cdf', end)
    return add(div(atan(this.standard(value)), Math.PI), 0.5)
  }
  override icdf(value: Parameter, ...end: End): Tensor {
    checkEnd('icdf', end)
    return this.at(tan(mul(sub(this.probability(value), 0.5), Math.PI)))
  }
  override entropy(...end: End): Tensor {
    checkEnd('entropy', end)
    return add(log(this.scale), Math.log(4 * Math.PI))
  }
}

/** Student's distribution of `df` degrees of freedom, moved by `loc` and scaled by `scale`. */
export class StudentT extends LocationScale {
  readonly df: Tensor
  constructor(...args: ParameterArgs<[df: Parameter, loc?: Parameter, scale?: Parameter], 'df' | 'loc' | 'scale'>) {
    const [[d, l, s], options] = readParameters('StudentT', args, ['df', 'loc', 'scale'], { loc: 0, scale: 1 }) as [
      [Tensor, Tensor, Tensor],
      DistributionOptions,
    ]
    super('StudentT', [l, s, options])
    this.df = d
    this.check('df', d, 'GreaterThan(lowerBound=0)', (x) => gt(x, 0))
  }
  get mean(): Tensor {
    return where(le(this.df, 1), NaN, this.loc)
  }
  get variance(): Tensor {
    const { df } = this
    const finite = mul(square(this.scale), div(df, sub(df, 2)))
    return where(gt(df, 2), finite, where(gt(df, 1), constantLike(df, Infinity), NaN))
  }
  protected draw(shape: Shape, source: SourceOptions): Tensor {
    // two draws: of one key, the second is of what the noise left
    const z = normalNoise(this.loc, shape, source)
    const half = mul(expandTo(this.df, shape), 0.5)
    return this.at(mul(z, rsqrt(div(standardGamma(half, second(source)), half))))
  }
  logProb(value: Parameter, ...end: End): Tensor {
    checkEnd('logProb', end)
    const { df } = this
    const y = this.standard(value)
    const more = mul(add(df, 1), 0.5)
    const scale = add(add(log(this.scale), mul(log(df), 0.5)), sub(add(lgamma(mul(df, 0.5)), HALF_LOG_PI), lgamma(more)))
    return neg(add(mul(more, log1p(div(square(y), df))), scale))
  }
  override entropy(...end: End): Tensor {
    checkEnd('entropy', end)
    const half = mul(this.df, 0.5)
    const more = add(half, 0.5)
    const logBeta = sub(add(lgamma(half), HALF_LOG_PI), lgamma(more))
    return add(add(add(log(this.scale), mul(more, sub(digamma(more), digamma(half)))), mul(log(this.df), 0.5)), logBeta)
  }
}
