import { type Args, type End, checkEnd, readArgs } from '../core/args.ts'
import { TensorRangeError, show } from '../core/errors.ts'
import type { Shape } from '../core/shape.ts'
import { sum } from '../ops/reduce.ts'
import type { SourceOptions } from '../random/attempts.ts'
import type { Tensor } from '../tensor.ts'
import { Distribution, type DistributionOptions, type Parameter } from './distribution.ts'

interface IndependentOptions extends DistributionOptions {
  readonly reinterpretedBatchNdims?: number
}

/** Another distribution, whose last axes of the batch are one event: log probabilities are summed over them. */
export class Independent extends Distribution {
  readonly baseDist: Distribution
  readonly reinterpretedBatchNdims: number
  constructor(baseDist: Distribution, ...args: Args<[reinterpretedBatchNdims: number], IndependentOptions>) {
    const { batchShape, eventShape } = baseDist
    const { reinterpretedBatchNdims: n = NaN, validateArgs = false } = readArgs<IndependentOptions>(
      'Independent',
      args,
      ['reinterpretedBatchNdims'],
      ['validateArgs'],
    )
    if (!(Number.isInteger(n) && n >= 0 && n <= batchShape.length))
      throw new TensorRangeError(
        `Expected reinterpreted_batch_ndims <= len(base_distribution.batch_shape), actual ${n} vs ${batchShape.length} of ${show(batchShape)}`,
        { op: 'Independent', code: 'SHAPE' },
      )
    const split = batchShape.length - n
    super(batchShape.slice(0, split), [...batchShape.slice(split), ...eventShape], { validateArgs })
    this.baseDist = baseDist
    this.reinterpretedBatchNdims = n
  }
  override get hasRsample(): boolean {
    return this.baseDist.hasRsample
  }
  get mean(): Tensor {
    return this.baseDist.mean
  }
  override get mode(): Tensor {
    return this.baseDist.mode
  }
  get variance(): Tensor {
    return this.baseDist.variance
  }
  protected draw(shape: Shape, source: SourceOptions): Tensor {
    const { baseDist } = this
    const sampleShape = shape.slice(0, shape.length - baseDist.batchShape.length - baseDist.eventShape.length)
    return this.hasRsample ? baseDist.rsample(sampleShape, source) : baseDist.sample(sampleShape, source)
  }
  private summed(x: Tensor): Tensor {
    const n = this.reinterpretedBatchNdims
    return n === 0
      ? x
      : sum(
          x,
          Array.from({ length: n }, (_, i) => i - n),
        )
  }
  logProb(value: Parameter, ...end: End): Tensor {
    checkEnd('logProb', end)
    return this.summed(this.baseDist.logProb(value))
  }
  override entropy(...end: End): Tensor {
    checkEnd('entropy', end)
    return this.summed(this.baseDist.entropy())
  }
  override expand(batchShape: Shape, ...end: End): this {
    checkEnd('expand', end)
    const inner = this.batchShape.length
    const base = this.baseDist.expand([...batchShape, ...this.baseDist.batchShape.slice(inner)])
    return new Independent(base, this.reinterpretedBatchNdims, { validateArgs: this.validateArgs }) as this
  }
}
