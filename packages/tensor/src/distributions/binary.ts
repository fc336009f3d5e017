import { type Args, type End, checkEnd, readArgs } from '../core/args.ts'
import { TensorTypeError } from '../core/errors.ts'
import type { Shape } from '../core/shape.ts'
import { positionsLike } from '../ops/position.ts'
import { add, div, logicalAnd, minimum, mul, sub } from '../ops/binary.ts'
import { cast } from '../ops/cast.ts'
import { eq, ge, le } from '../ops/compare.ts'
import { lgamma } from '../ops/gamma.ts'
import { binaryCrossEntropyWithLogits } from '../ops/loss.ts'
import { sum } from '../ops/reduce.ts'
import { abs, exp, floor, log, log1p, neg, reciprocal } from '../ops/unary.ts'
import { expandTo, reshapeTo } from '../ops/view.ts'
import { where } from '../ops/where.ts'
import type { SourceOptions } from '../random/attempts.ts'
import { binomial } from '../random/counts.ts'
import { bernoulli, exponential } from '../random/like.ts'
import type { Tensor } from '../tensor.ts'
import { Distribution, type DistributionOptions, type Parameter, constantLike } from './distribution.ts'
import { type OddsOptions, REAL, UNIT, binaryLogits, binaryOdds, binaryProbs } from './odds.ts'

/** `enumerateSupport(expand)`: whether values are repeated to the shape of the batch; default true. */
export type SupportArgs = Args<[expand?: boolean], { readonly expand?: boolean }>
/** What those arguments say. */
export const readSupport = (args: SupportArgs): { readonly expand?: boolean } =>
  readArgs<{ readonly expand?: boolean }>('enumerateSupport', args, ['expand'])

/** `(probs?, logits?, { validateArgs })`, or all by name. */
export type OddsArgs<P = Parameter> =
  | [probs?: P | null, logits?: P | null, options?: DistributionOptions]
  | [probs: P, options: DistributionOptions]
  | [options: OddsOptions<P>]

/** What those arguments say. */
export const readOdds = <P>(op: string, args: OddsArgs<P>): OddsOptions<P> =>
  readArgs<OddsOptions<P>>(op, args, ['probs', 'logits'], ['validateArgs'])

/** The same behind a number of trials. */
export type CountedArgs = Args<[totalCount?: Parameter, probs?: Parameter | null, logits?: Parameter | null], BinomialOptions>
/** What those arguments say. */
export const readCounted = (op: string, args: CountedArgs): BinomialOptions =>
  readArgs<BinomialOptions>(op, args, ['totalCount', 'probs', 'logits'], ['validateArgs'])

const whole = (x: Tensor): Tensor => eq(x, floor(x))
const crossEntropy = (logits: Tensor, target: Tensor): Tensor => binaryCrossEntropyWithLogits(logits, target, { reduction: 'none' })

/** Distributions of trials that each succeed or fail. */
export abstract class Trials extends Distribution {
  // one of them is what the distribution was made with, which expand repeats
  protected readonly givenProbs: Tensor | null
  protected readonly givenLogits: Tensor | null
  constructor({ given, all }: ReturnType<typeof binaryOdds>, options: DistributionOptions) {
    const x = all.at(-1)!
    super(x.shape, [], options)
    this.givenProbs = given === 'probs' ? x : null
    this.givenLogits = given === 'logits' ? x : null
    this.check(given, x, ...(given === 'probs' ? UNIT : REAL))
  }
  /** The parameter that it was made with. */
  protected get parameter(): Tensor {
    return (this.givenProbs ?? this.givenLogits)!
  }
  /** The probability of success. */
  get probs(): Tensor {
    return this.givenProbs ?? binaryProbs(this.givenLogits!)
  }
  /** log(p / (1 − p)). */
  get logits(): Tensor {
    return this.givenLogits ?? binaryLogits(this.givenProbs!)
  }
}

/** 1 with probability `probs`, else 0; or by `logits`. */
export class Bernoulli extends Trials {
  constructor(...args: OddsArgs) {
    const o = readOdds('Bernoulli', args)
    super(binaryOdds('Bernoulli', o), o)
  }
  get mean(): Tensor {
    return this.probs
  }
  override get mode(): Tensor {
    const { probs } = this
    return where(eq(probs, 0.5), NaN, cast(ge(probs, 0.5), probs.dtype))
  }
  get variance(): Tensor {
    const { probs } = this
    return mul(probs, sub(1, probs))
  }
  protected draw(shape: Shape, source: SourceOptions): Tensor {
    return bernoulli(expandTo(this.probs, shape), source)
  }
  logProb(value: Parameter, ...end: End): Tensor {
    checkEnd('logProb', end)
    const { logits } = this
    return neg(
      crossEntropy(
        ...both(
          logits,
          this.value(value, logits, 'Boolean()', (x) => eq(mul(x, sub(x, 1)), 0)),
        ),
      ),
    )
  }
  override entropy(...end: End): Tensor {
    checkEnd('entropy', end)
    const { logits } = this
    return crossEntropy(logits, this.probs)
  }
  /** All values, `[2, ...batchShape]`, or `[2, 1, …]` unless expanded. */
  enumerateSupport(...args: SupportArgs): Tensor {
    const { expand = true } = readSupport(args)
    return support(this.parameter, 2, expand)
  }
}

/** The number of failures before the first success. */
export class Geometric extends Trials {
  constructor(...args: OddsArgs) {
    const o = readOdds('Geometric', args)
    super(binaryOdds('Geometric', o), o)
  }
  get mean(): Tensor {
    return sub(reciprocal(this.probs), 1)
  }
  override get mode(): Tensor {
    return constantLike(this.parameter, 0)
  }
  get variance(): Tensor {
    const { probs } = this
    return div(sub(reciprocal(probs), 1), probs)
  }
  protected draw(shape: Shape, source: SourceOptions): Tensor {
    const p = expandTo(this.probs, shape)
    return floor(div(exponential(p, 1, source), neg(log1p(neg(p)))))
  }
  logProb(value: Parameter, ...end: End): Tensor {
    checkEnd('logProb', end)
    const { probs } = this
    const x = this.value(value, probs, 'IntegerGreaterThan(lowerBound=0)', (v) => logicalAnd(ge(v, 0), whole(v)))
    // a certain success comes at once
    const q = where(logicalAnd(eq(probs, 1), eq(x, 0)), 0, probs)
    return add(mul(x, log1p(neg(q))), log(probs))
  }
  override entropy(...end: End): Tensor {
    checkEnd('entropy', end)
    const { probs } = this
    return div(crossEntropy(this.logits, probs), probs)
  }
}

/** Arguments by name of `Binomial`. */
export interface BinomialOptions extends OddsOptions {
  readonly totalCount?: Parameter
}

/** How many of `totalCount` trials succeed: `new Binomial(10, 0.3)`, `new Binomial(10, { logits })`. */
export class Binomial extends Trials {
  readonly totalCount: Tensor
  constructor(...args: CountedArgs) {
    const o = readCounted('Binomial', args)
    const odds = binaryOdds('Binomial', o, { totalCount: o.totalCount ?? 1 })
    super(odds, o)
    const n = odds.all[0]!
    this.totalCount = n.dtype === this.parameter.dtype ? n : cast(n, this.parameter.dtype)
    this.check('totalCount', this.totalCount, 'IntegerGreaterThan(lowerBound=0)', (x) => logicalAnd(ge(x, 0), whole(x)))
  }
  get mean(): Tensor {
    return mul(this.totalCount, this.probs)
  }
  override get mode(): Tensor {
    return minimum(floor(mul(add(this.totalCount, 1), this.probs)), this.totalCount)
  }
  get variance(): Tensor {
    const { probs } = this
    return mul(this.totalCount, mul(probs, sub(1, probs)))
  }
  protected draw(shape: Shape, source: SourceOptions): Tensor {
    return binomial(expandTo(this.totalCount, shape), expandTo(this.probs, shape), source)
  }
  logProb(value: Parameter, ...end: End): Tensor {
    checkEnd('logProb', end)
    const n = this.totalCount
    const { logits } = this
    const k = this.value(value, n, 'IntegerInterval(lowerBound=0, upperBound=totalCount)', (v) =>
      logicalAnd(logicalAnd(ge(v, 0), le(v, n)), whole(v)),
    )
    const choices = sub(lgamma(add(n, 1)), add(lgamma(add(k, 1)), lgamma(add(sub(n, k), 1))))
    // −n log(1 − p) in terms of logits, of whichever sign; the slope of max(x, 0) at 0 is ½
    const magnitude = abs(logits)
    const rest = mul(n, add(mul(add(logits, magnitude), 0.5), log1p(exp(neg(magnitude)))))
    return add(sub(mul(k, logits), rest), choices)
  }
  /** Needs counts that can be read and are all alike. */
  override entropy(...end: End): Tensor {
    checkEnd('entropy', end)
    const logs = this.logProb(this.enumerateSupport(false))
    return neg(sum(mul(exp(logs), logs), 0))
  }
  /** All values, `[totalCount + 1, ...batchShape]`, or `[…, 1, …]` unless expanded; the counts must be alike. */
  enumerateSupport(...args: SupportArgs): Tensor {
    const { expand = true } = readSupport(args)
    const counts = this.totalCount.dataSync()
    if (counts.some((n) => n !== counts[0]))
      throw new TensorTypeError('Inhomogeneous total count not supported by `enumerate_support`.', {
        op: 'Binomial',
        code: 'NOT_IMPLEMENTED',
      })
    return support(this.parameter, Number(counts[0] ?? 0) + 1, expand)
  }
}

/** Two operands of one shape. */
const both = (x: Tensor, y: Tensor): [Tensor, Tensor] => {
  const shape = add(x, y).shape
  return [expandTo(x, shape), expandTo(y.dtype === x.dtype ? y : cast(y, x.dtype), shape)]
}

/** 0, 1, … n − 1 in front of a batch. */
export function support(like: Tensor, n: number, expand: boolean): Tensor {
  const values = cast(positionsLike(like, n), like.dtype)
  const column = reshapeTo(values, [n, ...like.shape.map(() => 1)])
  return expand ? expandTo(column, [n, ...like.shape]) : column
}
