import { type Args, type End, checkEnd, readArgs } from '../core/args.ts'
import { TensorRangeError, TensorTypeError } from '../core/errors.ts'
import { isTensor } from '../core/handle.ts'
import { type Shape, broadcastShapes, numel } from '../core/shape.ts'
import { add, clampMin, logicalAnd, mul, sub } from '../ops/binary.ts'
import { cast } from '../ops/cast.ts'
import { eq, ge, le, lt } from '../ops/compare.ts'
import { argmax } from '../ops/extreme.ts'
import { lgamma } from '../ops/gamma.ts'
import { gather } from '../ops/gather.ts'
import { all, sum } from '../ops/reduce.ts'
import { selectAxis } from '../ops/slice.ts'
import { oneHot } from '../ops/take.ts'
import { abs, exp, floor, neg, stopGradient } from '../ops/unary.ts'
import { expandTo, moveAxis, reshapeTo } from '../ops/view.ts'
import { where } from '../ops/where.ts'
import type { SourceOptions } from '../random/attempts.ts'
import { multinomial } from '../random/choice.ts'
import type { Tensor } from '../tensor.ts'
import { Binomial, type OddsArgs, type SupportArgs, readOdds, readSupport, support } from './binary.ts'
import { Distribution, type Parameter, type SampleArgs, constantLike } from './distribution.ts'
import { type OddsOptions, REAL, checkOdds, logarithms, normalized, normalizedLogits, probabilities } from './odds.ts'

const LOWEST: Readonly<Record<string, number>> = { float64: -Number.MAX_VALUE, float16: -65504, bfloat16: -3.3895313892515355e38 }

/** Distributions over k categories, with parameters `[…, k]`. */
abstract class Choices extends Distribution {
  // one of them is what the distribution was made with, normalised; expand repeats it
  protected readonly givenProbs: Tensor | null
  protected readonly givenLogits: Tensor | null
  constructor(name: string, o: OddsOptions<Tensor>, eventOf: (shape: Shape) => Shape) {
    checkOdds(name, o)
    const x = o.probs ?? o.logits!
    if (!isTensor(x) || x.ndim < 1)
      throw new TensorRangeError(`\`${o.probs ? 'probs' : 'logits'}\` parameter must be at least one-dimensional.`, {
        op: name,
        code: 'SHAPE',
      })
    super(x.shape.slice(0, -1), eventOf(x.shape), o)
    this.givenProbs = o.probs ? normalized(x) : null
    this.givenLogits = o.probs ? null : normalizedLogits(x)
    if (o.probs) this.check('probs', x, 'Simplex()', (p) => logicalAnd(all(ge(p, 0), -1), lt(abs(sub(sum(normalized(p), -1), 1)), 1e-6)))
    else this.check('logits', x, 'IndependentConstraint(Real(), 1)', REAL[1])
  }
  /** The probabilities of the categories; they sum to 1. */
  get probs(): Tensor {
    return this.givenProbs ?? probabilities(this.givenLogits!)
  }
  /** Their logarithms. */
  get logits(): Tensor {
    return this.givenLogits ?? logarithms(this.givenProbs!)
  }
  /** The parameters' full shape. */
  get paramShape(): Shape {
    return (this.givenProbs ?? this.givenLogits)!.shape
  }
  /** How many categories there are. */
  protected get categories(): number {
    return this.paramShape.at(-1)!
  }
  /** Categories for each element of a shape that ends in the batch's. */
  protected choose(shape: Shape, source: SourceOptions): Tensor {
    const { probs, batchShape } = this
    const k = this.categories
    const lead = shape.slice(0, shape.length - batchShape.length)
    if (numel(shape) === 0) return cast(constantLike(selectAxis(expandTo(probs, [...shape, k]), shape.length, 0), 0), 'int32')
    const drawn = multinomial(reshapeTo(probs, [numel(batchShape), k]), numel(lead), true, source)
    return reshapeTo(moveAxis(drawn, 0, 1), shape)
  }
  override entropy(...end: End): Tensor {
    checkEnd('entropy', end)
    const { logits } = this
    return neg(sum(mul(clampMin(logits, LOWEST[logits.dtype] ?? -3.4028234663852886e38), this.probs), -1))
  }
}

/** A category 0 … k − 1, int32, by `probs` `[…, k]` or `logits`. */
export class Categorical extends Choices {
  constructor(...args: OddsArgs<Tensor>) {
    super('Categorical', readOdds('Categorical', args), () => [])
  }
  get mean(): Tensor {
    return constantLike(selectAxis(this.probs, this.batchShape.length, 0), NaN)
  }
  override get mode(): Tensor {
    return argmax(this.probs, -1)
  }
  get variance(): Tensor {
    return this.mean
  }
  protected draw(shape: Shape, source: SourceOptions): Tensor {
    return this.choose(shape, source)
  }
  logProb(value: Parameter, ...end: End): Tensor {
    checkEnd('logProb', end)
    const { logits } = this
    const k = this.categories
    const x = this.value(value, logits, `IntegerInterval(lowerBound=0, upperBound=${k - 1})`, (v) =>
      logicalAnd(logicalAnd(ge(v, 0), le(v, k - 1)), eq(v, floor(cast(v, logits.dtype)))),
    )
    const shape = broadcastShapes('Categorical', x.shape, this.batchShape)
    const at = reshapeTo(expandTo(cast(x, 'int32'), shape), [...shape, 1])
    return selectAxis(gather(expandTo(logits, [...shape, k]), -1, at), shape.length, 0)
  }
  /** All values, `[k, ...batchShape]`, or `[k, 1, …]` unless expanded. */
  enumerateSupport(...args: SupportArgs): Tensor {
    const { expand = true } = readSupport(args)
    return cast(support(selectAxis(this.probs, this.batchShape.length, 0), this.categories, expand), 'int32')
  }
}

const ONE_HOT = 'OneHot()'
const isOneHot = (x: Tensor): Tensor => logicalAnd(all(eq(mul(x, sub(x, 1)), 0), -1), eq(sum(x, -1), 1))

/** A one-hot vector of k numbers, by `probs` `[…, k]` or `logits`. */
export class OneHotCategorical extends Choices {
  constructor(...args: OddsArgs<Tensor>) {
    super('OneHotCategorical', readOdds('OneHotCategorical', args), (s) => s.slice(-1))
  }
  get mean(): Tensor {
    return this.probs
  }
  override get mode(): Tensor {
    const { probs } = this
    return cast(oneHot(argmax(probs, -1), this.categories), probs.dtype)
  }
  get variance(): Tensor {
    const { probs } = this
    return mul(probs, sub(1, probs))
  }
  protected draw(shape: Shape, source: SourceOptions): Tensor {
    const { probs } = this
    return cast(oneHot(this.choose(shape.slice(0, -1), source), this.categories), probs.dtype)
  }
  logProb(value: Parameter, ...end: End): Tensor {
    checkEnd('logProb', end)
    const { logits } = this
    const x = this.value(value, logits, ONE_HOT, isOneHot)
    return sum(where(eq(x, 0), 0, logits), -1)
  }
}

/** A one-hot vector whose derivative is that of its probabilities. */
export class OneHotCategoricalStraightThrough extends OneHotCategorical {
  override get hasRsample(): boolean {
    return true
  }
  override rsample(...args: SampleArgs): Tensor {
    const { probs } = this
    return add(this.sample(...args), sub(probs, stopGradient(probs)))
  }
}

/** Arguments by name of `Multinomial`. */
export interface MultinomialDistributionOptions extends OddsOptions<Tensor> {
  readonly totalCount?: number
}

/** How often each of k categories comes in `totalCount` draws: `new Multinomial(10, probs)`, `new Multinomial(10, { logits })`. */
export class Multinomial extends Choices {
  readonly totalCount: number
  constructor(...args: Args<[totalCount?: number, probs?: Tensor | null, logits?: Tensor | null], MultinomialDistributionOptions>) {
    const o = readArgs<MultinomialDistributionOptions>('Multinomial', args, ['totalCount', 'probs', 'logits'], ['validateArgs'])
    super('Multinomial', o, (s) => s.slice(-1))
    const n = o.totalCount ?? 1
    if (!Number.isInteger(n) || n < 0)
      throw new TensorTypeError('inhomogeneous total_count is not supported: expected a whole number', {
        op: 'Multinomial',
        code: 'ARGUMENT',
      })
    this.totalCount = n
  }
  get mean(): Tensor {
    return mul(this.probs, this.totalCount)
  }
  get variance(): Tensor {
    const { probs } = this
    return mul(mul(probs, sub(1, probs)), this.totalCount)
  }
  protected draw(shape: Shape, source: SourceOptions): Tensor {
    const { probs } = this
    const drawn = this.choose([this.totalCount, ...shape.slice(0, -1)], source)
    return sum(cast(oneHot(drawn, this.categories), probs.dtype), 0)
  }
  logProb(value: Parameter, ...end: End): Tensor {
    checkEnd('logProb', end)
    const { logits } = this
    const n = this.totalCount
    const x = this.value(value, logits, `Multinomial(upperBound=${n})`, (v) => logicalAnd(all(ge(v, 0), -1), eq(sum(v, -1), n)))
    const powers = sum(where(logicalAnd(eq(x, 0), eq(logits, -Infinity)), 0, mul(logits, x)), -1)
    return add(sub(lgamma(add(sum(x, -1), 1)), sum(lgamma(add(x, 1)), -1)), powers)
  }
  override entropy(...end: End): Tensor {
    checkEnd('entropy', end)
    const n = this.totalCount
    const { probs } = this
    const each = new Binomial(n, { probs, validateArgs: false })
    const counts = each.enumerateSupport(false)
    const excess = sum(sum(mul(exp(each.logProb(counts)), lgamma(add(counts, 1))), 0), -1)
    return add(sub(mul(super.entropy(), n), lgamma(constantLike(excess, n + 1))), excess)
  }
}
