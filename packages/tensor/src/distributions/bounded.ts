import { type End, checkEnd } from '../core/args.ts'
import { TensorRangeError } from '../core/errors.ts'
import type { Shape } from '../core/shape.ts'
import { add, clampMin, div, logicalAnd, mul, sub } from '../ops/binary.ts'
import { xlogy } from '../ops/binary-extra.ts'
import { ge, gt, le, lt } from '../ops/compare.ts'
import { digamma, lgamma } from '../ops/gamma.ts'
import { stack } from '../ops/join.ts'
import { all, sum } from '../ops/reduce.ts'
import { selectAxis } from '../ops/slice.ts'
import { clamp } from '../ops/ternary.ts'
import { abs, log, square } from '../ops/unary.ts'
import { expandTo } from '../ops/view.ts'
import { where } from '../ops/where.ts'
import type { SourceOptions } from '../random/attempts.ts'
import { sampleDirichlet } from '../random/gamma.ts'
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

const UNIT = 'Interval(lowerBound=0, upperBound=1)'
const inUnit = (x: Tensor): Tensor => logicalAnd(ge(x, 0), le(x, 1))

/** The uniform distribution over [low, high). */
export class Uniform extends Distribution {
  readonly low: Tensor
  readonly high: Tensor
  constructor(...args: ParameterArgs<[low: Parameter, high: Parameter], 'low' | 'high'>) {
    const [[l, h], options] = readParameters('Uniform', args, ['low', 'high']) as [[Tensor, Tensor], DistributionOptions]
    super(l.shape, [], options)
    this.low = l
    this.high = h
    this.check('high', h, 'GreaterThan(lowerBound=low)', (x) => gt(x, l))
  }
  override get hasRsample(): boolean {
    return true
  }
  get mean(): Tensor {
    return mul(add(this.low, this.high), 0.5)
  }
  override get mode(): Tensor {
    return constantLike(this.low, NaN)
  }
  get variance(): Tensor {
    return div(square(sub(this.high, this.low)), 12)
  }
  override get stddev(): Tensor {
    return div(sub(this.high, this.low), Math.sqrt(12))
  }
  protected draw(shape: Shape, source: SourceOptions): Tensor {
    return add(mul(uniformNoise(this.low, shape, source), sub(this.high, this.low)), this.low)
  }
  private checked(value: Parameter): Tensor {
    return this.value(value, this.low, 'Interval(lowerBound=low, upperBound=high)', (x) => logicalAnd(ge(x, this.low), le(x, this.high)))
  }
  logProb(value: Parameter, ...end: End): Tensor {
    checkEnd('logProb', end)
    const x = this.checked(value)
    return sub(where(logicalAnd(ge(x, this.low), lt(x, this.high)), constantLike(this.low, 0), -Infinity), log(sub(this.high, this.low)))
  }
  override cdf(value: Parameter, ...end: End): Tensor {
    checkEnd('cdf', end)
    return clamp(div(sub(this.checked(value), this.low), sub(this.high, this.low)), 0, 1)
  }
  override icdf(value: Parameter, ...end: End): Tensor {
    checkEnd('icdf', end)
    return add(mul(typeof value === 'number' ? constantLike(this.low, value) : value, sub(this.high, this.low)), this.low)
  }
  override entropy(...end: End): Tensor {
    checkEnd('entropy', end)
    return log(sub(this.high, this.low))
  }
}

/** The beta distribution over [0, 1]. */
export class Beta extends Distribution {
  readonly concentration1: Tensor
  readonly concentration0: Tensor
  constructor(...args: ParameterArgs<[concentration1: Parameter, concentration0: Parameter], 'concentration1' | 'concentration0'>) {
    const [[a, b], options] = readParameters('Beta', args, ['concentration1', 'concentration0']) as [[Tensor, Tensor], DistributionOptions]
    super(a.shape, [], options)
    this.concentration1 = a
    this.concentration0 = b
    this.check('concentration1', a, 'GreaterThan(lowerBound=0)', (x) => gt(x, 0))
    this.check('concentration0', b, 'GreaterThan(lowerBound=0)', (x) => gt(x, 0))
  }
  override get hasRsample(): boolean {
    return true
  }
  get mean(): Tensor {
    return div(this.concentration1, add(this.concentration1, this.concentration0))
  }
  override get mode(): Tensor {
    const { concentration1: a, concentration0: b } = this
    const inside = logicalAnd(gt(a, 1), gt(b, 1))
    // at an end where one of them is at most 1; PyTorch says NaN where both are 1
    const ends = where(gt(a, b), constantLike(a, 1), where(lt(a, b), constantLike(a, 0), NaN))
    return where(inside, div(sub(a, 1), sub(add(a, b), 2)), ends)
  }
  get variance(): Tensor {
    const { concentration1: a, concentration0: b } = this
    const total = add(a, b)
    return div(mul(a, b), mul(square(total), add(total, 1)))
  }
  protected draw(shape: Shape, source: SourceOptions): Tensor {
    const both = stack([expandTo(this.concentration1, shape), expandTo(this.concentration0, shape)], -1)
    return selectAxis(sampleDirichlet(both, source), shape.length, 0)
  }
  logProb(value: Parameter, ...end: End): Tensor {
    checkEnd('logProb', end)
    const { concentration1: a, concentration0: b } = this
    const x = this.value(value, a, UNIT, inUnit)
    return add(add(xlogy(sub(a, 1), x), xlogy(sub(b, 1), sub(1, x))), sub(lgamma(add(a, b)), add(lgamma(a), lgamma(b))))
  }
  override entropy(...end: End): Tensor {
    checkEnd('entropy', end)
    const { concentration1: a, concentration0: b } = this
    const total = add(a, b)
    return sub(
      add(sub(add(lgamma(a), lgamma(b)), lgamma(total)), mul(sub(total, 2), digamma(total))),
      add(mul(sub(a, 1), digamma(a)), mul(sub(b, 1), digamma(b))),
    )
  }
}

/** The Dirichlet distribution over points of a simplex, `concentration` being `[…, k]`. */
export class Dirichlet extends Distribution {
  readonly concentration: Tensor
  constructor(...args: ParameterArgs<[concentration: Tensor], 'concentration', Tensor>) {
    const [[c], options] = readParameters('Dirichlet', args, ['concentration']) as [[Tensor], DistributionOptions]
    if (c.ndim < 1)
      throw new TensorRangeError('`concentration` parameter must be at least one-dimensional.', { op: 'Dirichlet', code: 'SHAPE' })
    super(c.shape.slice(0, -1), c.shape.slice(-1), options)
    this.concentration = c
    this.check('concentration', c, 'IndependentConstraint(GreaterThan(lowerBound=0), 1)', (x) => gt(x, 0))
  }
  override get hasRsample(): boolean {
    return true
  }
  get mean(): Tensor {
    return div(this.concentration, sum(this.concentration, -1, true))
  }
  override get mode(): Tensor {
    const more = clampMin(sub(this.concentration, 1), 0)
    const total = sum(more, -1, true)
    return where(gt(total, 0), div(more, total), NaN)
  }
  get variance(): Tensor {
    const total = sum(this.concentration, -1, true)
    return div(mul(this.concentration, sub(total, this.concentration)), mul(square(total), add(total, 1)))
  }
  protected draw(shape: Shape, source: SourceOptions): Tensor {
    return sampleDirichlet(expandTo(this.concentration, shape), source)
  }
  logProb(value: Parameter, ...end: End): Tensor {
    checkEnd('logProb', end)
    const c = this.concentration
    const x = this.value(value, c, 'Simplex()', (v) => logicalAnd(all(ge(v, 0), -1), lt(abs(sub(sum(v, -1), 1)), 1e-6)))
    return sub(add(sum(xlogy(sub(c, 1), x), -1), lgamma(sum(c, -1))), sum(lgamma(c), -1))
  }
  override entropy(...end: End): Tensor {
    checkEnd('entropy', end)
    const c = this.concentration
    const total = sum(c, -1)
    return sub(
      sub(sum(lgamma(c), -1), lgamma(total)),
      add(mul(sub(c.shape.at(-1)!, total), digamma(total)), sum(mul(sub(c, 1), digamma(c)), -1)),
    )
  }
}
