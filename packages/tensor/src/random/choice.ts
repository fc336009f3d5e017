import { expr as e, isFloat } from '@mapgrad/kernel'
import { type Args, readArgs } from '../core/args.ts'
import { TensorRangeError, TensorTypeError, describe, show } from '../core/errors.ts'
import { type Op, defineOp } from '../core/op.ts'
import { checkTensor } from '../core/promote.ts'
import { withoutDims } from '../core/shape.ts'
import { constant, reduction } from '../core/words.ts'
import { div, logicalAnd } from '../ops/binary.ts'
import { ge, gt, lt } from '../ops/compare.ts'
import { countNonzero } from '../ops/reduce.ts'
import { cumsum } from '../ops/scan.ts'
import { narrowAxis } from '../ops/slice.ts'
import { topk } from '../ops/sort.ts'
import { expandTo, reshapeTo } from '../ops/view.ts'
import { where } from '../ops/where.ts'
import type { Tensor } from '../tensor.ts'
import { exponential, drawnLike, refuseUnless, type RandomOptions } from './like.ts'

interface Dims {
  readonly dims: readonly number[]
}
type XY = [x: Tensor, y: Tensor]

/** How many y along the last axis are ≤ x; operands of one shape. */
export const countUpTo: Op<XY, Dims, XY> = defineOp({
  name: 'count_up_to',
  args: (x: Tensor, y: Tensor): readonly [XY, Dims] => [[x, y], { dims: [-1] }],
  result: ([x, y], { dims }) => ({ shape: withoutDims(x.shape.length > y.shape.length ? x.shape : y.shape, dims), dtype: 'int32' }),
  compute: reduction('sum', (x, y) => e.cast(e.le(y!, x!), 'int32')),
  batch: 'leading',
  diff: constant,
})

/** Arguments of `multinomial`. */
export interface MultinomialOptions extends Pick<RandomOptions, 'generator' | 'key'> {
  readonly numSamples?: number | undefined
  readonly replacement?: boolean | undefined
}

/**
 * Indices drawn with probabilities proportional to `probs`, `[k] → [n]` or `[m, k] → [m, n]`, int32: without
 * replacement by the n first of exponential races (Efraimidis and Spirakis 2006), with it by inverting the distribution.
 */
export function multinomial(probs: Tensor, ...args: Args<[numSamples: number, replacement?: boolean], MultinomialOptions>): Tensor {
  const op = 'multinomial'
  checkTensor(op, probs)
  const o = readArgs<MultinomialOptions>(op, args, ['numSamples', 'replacement'], ['generator', 'key'])
  const { numSamples: n, replacement = false } = o
  const bad = (message: string): TensorRangeError => new TensorRangeError(message, { op, code: 'PROBABILITY' })
  if (probs.ndim !== 1 && probs.ndim !== 2) throw bad(`prob_dist must be 1 or 2 dim, got shape ${show(probs.shape)}`)
  if (!isFloat(probs.dtype))
    throw new TensorTypeError(`multinomial only supports floating-point dtypes for input, got: ${probs.dtype}. Convert with x.float()`, {
      op,
      code: 'DTYPE',
    })
  if (typeof n !== 'number' || !Number.isInteger(n))
    throw new TensorTypeError(`expected numSamples to be a whole number, got ${describe(n)}`, { op, code: 'ARGUMENT' })
  if (n <= 0) throw bad(`cannot sample n_sample <= 0 samples, got ${n}`)
  const k = probs.shape.at(-1)!
  if (!replacement && n > k) throw bad(`cannot sample n_sample > prob_dist.size(-1) samples without replacement, got ${n} of ${k}`)
  refuseUnless(op, logicalAnd(ge(probs, 0), lt(probs, Infinity)), 'probability tensor contains either `inf`, `nan` or element < 0')
  const possible = countNonzero(probs, -1)
  refuseUnless(op, gt(possible, 0), 'invalid multinomial distribution (sum of probabilities <= 0)')
  if (replacement) return inverted(probs, n, o)
  refuseUnless(op, ge(possible, n), 'invalid multinomial distribution (with replacement=False, not enough non-negative category to sample)')
  const { indices } = topk(
    where(
      gt(probs, 0),
      div(probs, exponential(probs, 1, { ...(o.generator && { generator: o.generator }), ...(o.key && { key: o.key }) })),
      -1,
    ),
    n,
  )
  return indices
}

function inverted(probs: Tensor, n: number, source: MultinomialOptions): Tensor {
  const lead = probs.shape.slice(0, -1)
  const k = probs.shape.at(-1)!
  const sums = cumsum(probs, -1)
  // the last is exactly 1, which no draw reaches
  const distribution = div(sums, narrowAxis(sums, sums.ndim - 1, k - 1, 1))
  const u = drawnLike('multinomial', probs, [...lead, n], probs.dtype, { kind: 'uniform' }, source)
  const all = [...lead, n, k]
  return countUpTo(expandTo(reshapeTo(u, [...lead, n, 1]), all), expandTo(reshapeTo(distribution, [...lead, 1, k]), all))
}
