import { type End, checkEnd } from '../core/args.ts'
import type { Shape } from '../core/shape.ts'
import { add, logicalAnd, sub } from '../ops/binary.ts'
import { xlogy } from '../ops/binary-extra.ts'
import { eq, ge } from '../ops/compare.ts'
import { lgamma } from '../ops/gamma.ts'
import { floor } from '../ops/unary.ts'
import { expandTo } from '../ops/view.ts'
import type { SourceOptions } from '../random/attempts.ts'
import { poisson } from '../random/counts.ts'
import type { Tensor } from '../tensor.ts'
import { Distribution, type DistributionOptions, type Parameter, type ParameterArgs, readParameters } from './distribution.ts'

/** The Poisson distribution: counts of mean `rate`. */
export class Poisson extends Distribution {
  readonly rate: Tensor
  constructor(...args: ParameterArgs<[rate: Parameter], 'rate'>) {
    const [[r], options] = readParameters('Poisson', args, ['rate']) as [[Tensor], DistributionOptions]
    super(r.shape, [], options)
    this.rate = r
    this.check('rate', r, 'GreaterThanEq(lowerBound=0)', (x) => ge(x, 0))
  }
  get mean(): Tensor {
    return this.rate
  }
  override get mode(): Tensor {
    return floor(this.rate)
  }
  get variance(): Tensor {
    return this.rate
  }
  protected draw(shape: Shape, source: SourceOptions): Tensor {
    return poisson(expandTo(this.rate, shape), source)
  }
  logProb(value: Parameter, ...end: End): Tensor {
    checkEnd('logProb', end)
    const x = this.value(value, this.rate, 'IntegerGreaterThan(lowerBound=0)', (v) => logicalAnd(ge(v, 0), eq(v, floor(v))))
    return sub(sub(xlogy(x, this.rate), this.rate), lgamma(add(x, 1)))
  }
}
