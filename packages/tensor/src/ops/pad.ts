import { type Args, checkGiven, readArgs } from '../core/args.ts'
import { TensorRangeError, TensorTypeError, describe, show } from '../core/errors.ts'
import { type Scalar, checkTensor } from '../core/promote.ts'
import type { Tensor } from '../tensor.ts'
import { filledLike } from './cast.ts'
import { indexAxes } from './index.ts'
import { checkInteger } from './integers.ts'
import { indicesLike } from './nonzero.ts'
import { type AxisSlice, embedAxes, sliceAxes } from './slice.ts'
import { clone } from './view.ts'
import { where } from './where.ts'

/** How `pad` fills: with a value, mirrored without the edge, with the edge, or from the other side. */
export type PadMode = 'constant' | 'reflect' | 'replicate' | 'circular'

/** Arguments of `pad`. */
export interface PadOptions {
  readonly pad?: readonly number[]
  readonly mode?: PadMode
  readonly value?: Scalar | null
}

/** Elements before and after each of the last axes, the last axis first; negative ones cut. */
function sides(op: string, x: Tensor, pad: readonly number[]): { dim: number; before: number; after: number }[] {
  if (!Array.isArray(pad))
    throw new TensorTypeError(`expected pad to be an array, two integers an axis from the last, got ${describe(pad)}`, {
      op,
      code: 'PADDING',
    })
  for (const n of pad) checkInteger(op, 'pad', n)
  if (pad.length % 2 !== 0) throw new TensorRangeError(`Padding length must be divisible by 2, got ${show(pad)}`, { op, code: 'PADDING' })
  if (pad.length > 2 * x.ndim)
    throw new TensorRangeError(
      `Padding length should be less than or equal to two times the input dimension but got padding length ${pad.length} and input of dimension ${x.ndim}`,
      { op, code: 'PADDING' },
    )
  const out: { dim: number; before: number; after: number }[] = []
  for (let i = 0; i < pad.length; i += 2)
    if (pad[i] !== 0 || pad[i + 1] !== 0) out.push({ dim: -1 - i / 2, before: pad[i]!, after: pad[i + 1]! })
  return out
}

/** x with `value` around it: `pad` counts elements before and after the last axis, then the one before it, …; negative counts cut. */
export function constantPadNd(
  x: Tensor,
  ...args: Args<[pad: readonly number[], value?: Scalar], { readonly pad?: readonly number[]; readonly value?: Scalar }>
): Tensor {
  const o = readArgs<{ readonly pad?: readonly number[]; readonly value?: Scalar }>('constantPadNd', args, ['pad', 'value'])
  checkTensor('constantPadNd', x)
  checkGiven('constantPadNd', o, 'pad')
  const { pad: counts = [], value = 0 } = o
  if (typeof value !== 'number' && typeof value !== 'boolean' && typeof value !== 'bigint')
    throw new TensorTypeError(`expected value to be a number, got ${describe(value)}`, { op: 'constantPadNd', code: 'NUMBER' })
  const cuts: AxisSlice[] = []
  const grows: AxisSlice[] = []
  for (const { dim, before, after } of sides('constantPadNd', x, counts)) {
    const size = x.shape[x.ndim + dim]!
    const length = size + Math.min(before, 0) + Math.min(after, 0)
    if (length + Math.max(before, 0) + Math.max(after, 0) < 0 || length < 0)
      throw new TensorRangeError(
        `narrow(): length must be non-negative. The input size ${size}, plus negative padding ${Math.min(before, 0)} and ${Math.min(after, 0)}, results in a negative output size`,
        { op: 'constantPadNd', code: 'PADDING' },
      )
    if (length !== size) cuts.push({ dim, start: Math.max(-before, 0), step: 1, length, size })
    if (before > 0 || after > 0)
      grows.push({ dim, start: Math.max(before, 0), step: 1, length, size: length + Math.max(before, 0) + Math.max(after, 0) })
  }
  const y = cuts.length ? sliceAxes(x, cuts) : x
  if (!grows.length) return y === x ? clone(x) : y
  const z = embedAxes(y, grows)
  if (Number(value) === 0) return z
  return where(embedAxes(filledLike(y, true, 'bool', y.shape), grows), z, filledLike(x, value, x.dtype))
}

/** Where each element of a padded axis comes from. */
function sources(mode: PadMode, before: number, size: number, after: number): number[] {
  // what a negative padding leaves
  const low = Math.max(-before, 0)
  const kept = size + Math.min(after, 0) - low
  return Array.from({ length: size + before + after }, (_, i) => {
    const at = i - before
    if (mode === 'replicate') return Math.min(Math.max(at, 0), size - 1)
    if (mode === 'circular') return low + ((((at - low) % kept) + kept) % kept)
    return at < 0 ? -at : at >= size ? 2 * (size - 1) - at : at
  })
}

/**
 * x with elements added around it: `pad` counts them before and after the last axis, then the one before it, …; negative
 * counts cut. `constant` takes any axes; `reflect`, `replicate` and `circular` pad all but the first one or two axes.
 */
export function pad(x: Tensor, ...args: Args<[pad: readonly number[], mode?: PadMode, value?: Scalar | null], PadOptions>): Tensor {
  const o = readArgs<PadOptions>('pad', args, ['pad', 'mode', 'value'])
  checkTensor('pad', x)
  checkGiven('pad', o, 'pad')
  const { pad: counts = [], mode = 'constant', value } = o
  if (mode === 'constant') return constantPadNd(x, counts, value ?? 0)
  if (mode !== 'reflect' && mode !== 'replicate' && mode !== 'circular')
    throw new TensorTypeError(`Unrecognised padding mode ${describe(mode)}. Use 'constant', 'reflect', 'replicate' or 'circular'`, {
      op: 'pad',
      code: 'PAD_MODE',
    })
  if (value !== undefined && value !== null && value !== 0)
    throw new TensorTypeError(`Padding mode "${mode}" doesn't take in value argument`, { op: 'pad', code: 'PAD_VALUE' })
  const axes = counts.length / 2
  if (!(axes >= 1 && axes <= 3 && (x.ndim === axes + 1 || x.ndim === axes + 2)))
    throw new TensorRangeError(
      `Padding size ${counts.length} is not supported for ${x.ndim}D input tensor. Use ${counts.length} numbers for ${axes + 1}-D or ${axes + 2}-D inputs`,
      { op: 'pad', code: 'PADDING' },
    )
  let y = x
  for (const { dim, before, after } of sides('pad', x, counts)) {
    const axis = x.ndim + dim
    const size = x.shape[axis]!
    const most = Math.max(before, after)
    if (mode === 'reflect' && most >= size)
      throw new TensorRangeError(
        `Padding size should be less than the corresponding input dimension, but got: padding (${before}, ${after}) at dimension ${axis} of input ${show(x.shape)}`,
        { op: 'pad', code: 'PADDING' },
      )
    if (mode === 'circular' && most > size)
      throw new TensorRangeError(
        `Padding value causes wrapping around more than once. Got padding (${before}, ${after}) at dimension ${axis} of input ${show(x.shape)}`,
        { op: 'pad', code: 'PADDING' },
      )
    if (size === 0 || size + before + after < 0)
      throw new TensorRangeError(
        `Expected non-zero dimensions that the padding leaves elements of, got padding (${before}, ${after}) at dimension ${axis} of input ${show(x.shape)}`,
        { op: 'pad', code: 'PADDING' },
      )
    const from = sources(mode, before, size, after)
    y = indexAxes([y, indicesLike(y, from, [from.length])], {
      before: axis,
      own: 1,
      after: x.ndim - axis - 1,
      wrap: false,
      axes: [axis],
      says: 'index',
    })
  }
  return y === x ? clone(x) : y
}
