import { type End, checkEnd } from '../core/args.ts'
import type { Shape } from '../core/shape.ts'
import { logsigmoid } from '../ops/activation.ts'
import { add, clampMin, div, logicalAnd, mul, sub } from '../ops/binary.ts'
import { cast } from '../ops/cast.ts'
import { eq, ge } from '../ops/compare.ts'
import { lgamma } from '../ops/gamma.ts'
import { exp, floor, neg, sigmoid } from '../ops/unary.ts'
import { expandTo } from '../ops/view.ts'
import { where } from '../ops/where.ts'
import type { SourceOptions } from '../random/attempts.ts'
import { poisson } from '../random/counts.ts'
import { standardGamma } from '../random/gamma.ts'
import type { Tensor } from '../tensor.ts'
import { type CountedArgs, Trials, readCounted } from './binary.ts'
import { type Parameter, second } from './distribution.ts'
import { binaryOdds } from './odds.ts'

/** How many trials succeed before `totalCount` (any positive number) fail: `new NegativeBinomial(3, 0.4)`. */
export class NegativeBinomial extends Trials {
  readonly totalCount: Tensor
  constructor(...args: CountedArgs) {
    const o = readCounted('NegativeBinomial', args)
    const odds = binaryOdds('NegativeBinomial', o, { totalCount: o.totalCount ?? 1 })
    super(odds, o)
    const n = odds.all[0]!
    this.totalCount = n.dtype === this.parameter.dtype ? n : cast(n, this.parameter.dtype)
    this.check('totalCount', this.totalCount, 'GreaterThanEq(lowerBound=0)', (x) => ge(x, 0))
  }
  get mean(): Tensor {
    return mul(this.totalCount, exp(this.logits))
  }
  override get mode(): Tensor {
    return clampMin(floor(mul(sub(this.totalCount, 1), exp(this.logits))), 0)
  }
  get variance(): Tensor {
    return div(this.mean, sigmoid(neg(this.logits)))
  }
  protected draw(shape: Shape, source: SourceOptions): Tensor {
    // a Poisson count of gamma mean
    const means = mul(standardGamma(expandTo(this.totalCount, shape), source), exp(this.logits))
    return poisson(means, second(source))
  }
  logProb(value: Parameter, ...end: End): Tensor {
    checkEnd('logProb', end)
    const { totalCount: n, logits } = this
    const k = this.value(value, logits, 'IntegerGreaterThan(lowerBound=0)', (v) => logicalAnd(ge(v, 0), eq(v, floor(v))))
    const powers = add(mul(n, logsigmoid(neg(logits))), mul(k, logsigmoid(logits)))
    const total = add(n, k)
    const choices = where(eq(total, 0), 0, sub(lgamma(total), add(lgamma(add(k, 1)), lgamma(n))))
    return add(powers, choices)
  }
}
