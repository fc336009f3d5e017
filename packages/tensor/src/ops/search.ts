import { isFloat } from '@mapgrad/kernel'
import { type Args, readArgs } from '../core/args.ts'
import { TensorRangeError, TensorTypeError, describe, show } from '../core/errors.ts'
import { isTensor } from '../core/handle.ts'
import { checkTensor } from '../core/promote.ts'
import { numel, sameShape } from '../core/shape.ts'
import type { Tensor } from '../tensor.ts'
import { add, logicalAnd, minimum, sub } from './binary.ts'
import { cast, filledLike } from './cast.ts'
import { ge, gt, le } from './compare.ts'
import { gather } from './gather.ts'
import { logicalNot } from './unary.ts'
import { reshapeTo } from './view.ts'
import { where } from './where.ts'

/** Arguments of `bucketize`. */
export interface BucketizeOptions {
  readonly boundaries?: Tensor
  /** whether a value equal to a boundary goes behind it; default false */
  readonly right?: boolean
  /** int32 indices, which they are unless this is false; default true */
  readonly outInt32?: boolean
}
/** Arguments of `searchsorted`. */
export interface SearchsortedOptions {
  readonly input?: Tensor | number
  /** whether equal values go behind what is there; default false */
  readonly right?: boolean
  /** the same by name: 'left' or 'right' */
  readonly side?: 'left' | 'right' | null
  /** indices that sort the sequence, where it is not sorted itself */
  readonly sorter?: Tensor | null
  /** int32 indices, which they are unless this is false; default true */
  readonly outInt32?: boolean
}

/** How many elements of the last axis come before x: by halves, the largest power of two first. */
function places(sequence: Tensor, x: Tensor, right: boolean): Tensor {
  const n = sequence.shape.at(-1)!
  let found = filledLike(x, 0, 'int32', x.shape)
  if (n === 0 || numel(x.shape) === 0) return found
  for (let step = 2 ** Math.floor(Math.log2(n)); step >= 1; step /= 2) {
    const next = add(found, step)
    const before = gather(sequence, -1, minimum(sub(next, 1), n - 1))
    // NaN comes behind all: it is neither below nor above anything
    const here = logicalNot(right ? gt(before, x) : ge(before, x))
    found = where(logicalAnd(le(next, n), here), next, found)
  }
  return found
}

function search(op: string, sequence: Tensor, x: Tensor | number, right: boolean, outInt32: boolean): Tensor {
  checkTensor(op, sequence)
  if (sequence.ndim === 0)
    throw new TensorRangeError('boundaries tensor should have positive dimension, but got 0 dimension', { op, code: 'SHAPE' })
  if (!isTensor(x) && typeof x !== 'number')
    throw new TensorTypeError(`expected the values to be a Tensor or a number, got ${describe(x)}`, { op, code: 'ARGUMENT' })
  const values = isTensor(x) ? x : filledLike(sequence, x, isFloat(sequence.dtype) || Number.isInteger(x) ? sequence.dtype : 'float32', [])
  const [lead, vlead] = [sequence.shape.slice(0, -1), values.shape.slice(0, -1)]
  if (sequence.ndim > 1 && values.ndim === 0)
    throw new TensorRangeError(
      `input value can be a scalar only when boundaries tensor dimension is 1, but we got boundaries tensor dim(${sequence.ndim}) and input value's dim(0) numel(1)`,
      { op, code: 'SHAPE' },
    )
  if (sequence.ndim > 1 && !sameShape(lead, vlead))
    throw new TensorRangeError(
      `boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor and input value tensor must match, but we got boundaries tensor ${show(sequence.shape)} and input value tensor ${show(values.shape)}`,
      { op, code: 'SHAPE_MISMATCH' },
    )
  // one sequence for values of any shape
  const flat = sequence.ndim === 1 ? reshapeTo(values, [numel(values.shape)]) : values
  return cast(reshapeTo(places(sequence, flat, right), values.shape), outInt32 ? 'int32' : 'int64')
}

/**
 * Where each value goes in a sorted sequence to keep it sorted: `searchsorted([…, n], […, m]) → […, m]`, leading axes alike, or a
 * sequence `[n]` and values of any shape; int32. In front of equal elements, or behind them with `right`. NaN goes to the end.
 * Values of another dtype are compared as both promoted.
 * @throws TensorRangeError for shapes that do not match, TensorTypeError for a `side` that contradicts `right`
 */
export function searchsorted(sortedSequence: Tensor, ...args: Args<[input: Tensor | number], SearchsortedOptions>): Tensor {
  const op = 'searchsorted'
  const {
    input,
    right = false,
    side = null,
    sorter = null,
    outInt32 = true,
  } = readArgs<SearchsortedOptions>(op, args, ['input'], ['right', 'side', 'sorter', 'outInt32'])
  checkTensor(op, sortedSequence)
  if (side !== null && side !== 'left' && side !== 'right')
    throw new TensorTypeError(`side can only be 'left' or 'right' but got ${String(side)}`, { op, code: 'ARGUMENT' })
  if (side === 'left' && right)
    throw new TensorTypeError("side and right can't be set to opposites, got side of left while right was true", { op, code: 'ARGUMENT' })
  if (sorter && !sameShape(sorter.shape, sortedSequence.shape))
    throw new TensorRangeError(
      `boundary and sorter must have the same size, but got boundary tensor ${show(sortedSequence.shape)} and got sorter tensor ${show(sorter.shape)}`,
      { op, code: 'SHAPE_MISMATCH' },
    )
  return search(op, sorter ? gather(sortedSequence, -1, sorter) : sortedSequence, input!, right || side === 'right', outInt32)
}

/**
 * The bucket of each value between ascending `boundaries` `[n]`: how many of them come before it, int32. A value equal to a
 * boundary goes in front of it, or behind with `right`.
 */
export function bucketize(x: Tensor | number, ...args: Args<[boundaries: Tensor], BucketizeOptions>): Tensor {
  const {
    boundaries,
    right = false,
    outInt32 = true,
  } = readArgs<BucketizeOptions>('bucketize', args, ['boundaries'], ['right', 'outInt32'])
  checkTensor('bucketize', boundaries)
  if (boundaries!.ndim !== 1)
    throw new TensorRangeError(`boundaries tensor must be 1 dimension, but got dim(${boundaries!.ndim})`, {
      op: 'bucketize',
      code: 'SHAPE',
    })
  return search('bucketize', boundaries!, x, right, outInt32)
}
