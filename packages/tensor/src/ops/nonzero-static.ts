import { TensorRangeError, TensorTypeError, describe } from '../core/errors.ts'
import { readArgs } from '../core/args.ts'
import { type Scalar, checkTensor } from '../core/promote.ts'
import { broadcastShapes, contiguousStrides, numel } from '../core/shape.ts'
import type { Tensor } from '../tensor.ts'
import { floorDivide, logicalAnd, remainder, sub } from './binary.ts'
import { cast, filledLike } from './cast.ts'
import { lt, ne } from './compare.ts'
import { checkInteger } from './integers.ts'
import { stack } from './join.ts'
import { positionsLike } from './position.ts'
import { cumsum } from './scan.ts'
import { scatter } from './scatter.ts'
import { narrowAxis } from './slice.ts'
import { indexSelect } from './take.ts'
import { expandTo, reshapeTo } from './view.ts'
import { where } from './where.ts'

// What depends on data in its size, made of one size: the first `size` of it, and a filling where there is less. So every
// example of a batch has a result of one shape, and a graph is the same for all data.

function checkSize(op: string, size: unknown): number {
  if (size === undefined)
    throw new TensorTypeError('expected { size }, the number of elements to give, got none', { op, code: 'MISSING_ARGUMENT' })
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 0)
    throw new TensorRangeError(`'size' must be an non-negative integer, got ${describe(size)}`, { op, code: 'SIZE' })
  return size
}

/** Where the first `size` true elements of a vector are, and which of them there are. */
function firstTrue(flags: Tensor, size: number): [at: Tensor, found: Tensor] {
  const n = flags.shape[0]!
  const order = sub(cumsum(cast(flags, 'int32'), 0), 1)
  // all others meet in one place behind the last
  const place = where(logicalAnd(flags, lt(order, size)), order, size)
  const none = filledLike(flags, n, 'int32', [size + 1])
  const at = narrowAxis(scatter(none, 0, place, positionsLike(flags, n)), 0, 0, size)
  return [at, lt(at, n)]
}

/** Arguments of `nonzeroStatic`. */
export interface NonzeroStaticOptions {
  /** the number of rows */
  readonly size: number
  /** what rows without an element hold; default −1 */
  readonly fillValue?: number
}

/**
 * Where x is not zero, a row an element in row-major order, for the first `size` of them: `[size, x.ndim]`, int32, with
 * `fillValue` in the rows that are left. Unlike `nonzero` it has a meaning inside vmap and in graphs.
 * @throws TensorTypeError without a size, TensorRangeError for a negative one
 */
export function nonzeroStatic(x: Tensor, ...args: [options: NonzeroStaticOptions]): Tensor {
  const op = 'nonzeroStatic'
  checkTensor(op, x)
  const given = readArgs<NonzeroStaticOptions>(op, args, [], ['size', 'fillValue'])
  const size = checkSize(op, given.size)
  const fillValue = checkInteger(op, 'fillValue', given.fillValue ?? -1)
  const [at, found] = firstTrue(ne(reshapeTo(x, [numel(x.shape)]), 0), size)
  if (x.ndim === 0) return filledLike(at, 0, 'int32', [size, 0])
  const strides = contiguousStrides(x.shape)
  const along = x.shape.map((n, d) => where(found, remainder(floorDivide(at, Math.max(1, strides[d]!)), Math.max(1, n)), fillValue))
  return cast(stack(along, 1), 'int32')
}

/** The elements where the mask is true, in row-major order, the first `size` of them: `[size]`, and `fillValue` where there are fewer. */
export function maskedSelectStatic(op: string, x: Tensor, mask: Tensor, size: unknown, fillValue: Scalar): Tensor {
  const n = checkSize(op, size)
  const shape = broadcastShapes(op, x.shape, mask.shape)
  const count = numel(shape)
  const y = reshapeTo(expandTo(x, shape), [count])
  if (count === 0) return filledLike(x, fillValue, x.dtype, [n])
  const [at, found] = firstTrue(reshapeTo(expandTo(mask, shape), [count]), n)
  return cast(where(found, indexSelect(y, 0, where(found, at, 0)), fillValue), x.dtype)
}
