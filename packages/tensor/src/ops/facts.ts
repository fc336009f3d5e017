import { isFloat } from '@mapgrad/kernel'
import { type Args, type End, checkEnd } from '../core/args.ts'
import { TensorTypeError, show } from '../core/errors.ts'
import { checkTensor } from '../core/promote.ts'
import { readSync } from '../core/read.ts'
import { numel as count, sameShape } from '../core/shape.ts'
import type { Tensor } from '../tensor.ts'
import { type IscloseOptions, isclose } from './binary-extra.ts'
import { eq } from './compare.ts'
import { all } from './reduce.ts'

// What is known of a tensor as plain JavaScript values.

/** The number of elements. */
export function numel(x: Tensor, ...end: End): number {
  checkEnd('numel', end)
  checkTensor('numel', x)
  return count(x.shape)
}
/** Whether the dtype is one of floating point numbers. */
export function isFloatingPoint(x: Tensor, ...end: End): boolean {
  checkEnd('isFloatingPoint', end)
  checkTensor('isFloatingPoint', x)
  return isFloat(x.dtype)
}
/** Whether the dtype is one of complex numbers: there are none yet. */
export function isComplex(x: Tensor, ...end: End): boolean {
  checkEnd('isComplex', end)
  checkTensor('isComplex', x)
  return false
}
/** Whether the dtype has negative numbers. */
export function isSigned(x: Tensor, ...end: End): boolean {
  checkEnd('isSigned', end)
  checkTensor('isSigned', x)
  return x.dtype !== 'bool' && x.dtype !== 'uint8'
}
/** Whether two tensors have one shape. */
export function isSameSize(x: Tensor, y: Tensor, ...end: End): boolean {
  checkEnd('isSameSize', end)
  checkTensor('isSameSize', x)
  checkTensor('isSameSize', y)
  return sameShape(x.shape, y.shape)
}
const truth = (op: string, x: Tensor): boolean => Number(readSync(x.value.concrete(op), op)[0]) !== 0

/**
 * Whether the one element of a tensor is not 0.
 * @throws TensorTypeError for more elements or none, or where a transform keeps values from being read
 */
export function isNonzero(x: Tensor, ...end: End): boolean {
  checkEnd('isNonzero', end)
  checkTensor('isNonzero', x)
  const n = count(x.shape)
  if (n !== 1)
    throw new TensorTypeError(
      `Boolean value of Tensor with ${n === 0 ? 'no values' : 'more than one value'} is ambiguous, got shape ${show(x.shape)}. Use x.any() or x.all()`,
      { op: 'isNonzero', code: 'NOT_A_SCALAR' },
    )
  return truth('isNonzero', x)
}

/**
 * Whether two tensors have the same shape and elements; NaN equals nothing. Reads the data.
 * @throws TensorTypeError where a transform, or the device, keeps values from being read at once
 */
export function equal(x: Tensor, y: Tensor, ...end: End): boolean {
  checkEnd('equal', end)
  checkTensor('equal', x)
  checkTensor('equal', y)
  return sameShape(x.shape, y.shape) && truth('equal', all(eq(x, y)))
}

/**
 * Whether |x − y| ≤ atol + rtol |y| everywhere, of shapes that broadcast; as one boolean what `isclose` tells of each element. Reads the data.
 * @throws TensorTypeError where a transform, or the device, keeps values from being read at once
 */
export function allclose(x: Tensor, y: Tensor, ...args: Args<[rtol?: number, atol?: number, equalNan?: boolean], IscloseOptions>): boolean {
  checkTensor('allclose', x)
  checkTensor('allclose', y)
  return truth('allclose', all(isclose(x, y, ...args)))
}
