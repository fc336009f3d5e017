import { type Args, checkGiven, readArgs } from '../core/args.ts'
import { TensorRangeError, show, traceStack } from '../core/errors.ts'
import { type Op, defineOp } from '../core/op.ts'
import { checkTensor } from '../core/promote.ts'
import { type Shape, normalizeDim, numel } from '../core/shape.ts'
import { linear, view } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { add, mul } from './binary.ts'
import { filledLike } from './cast.ts'
import { checkInteger, checkIntegers } from './integers.ts'
import { replacePlaces } from './place.ts'
import { positionsLike } from './position.ts'
import { scatterAlong } from './scatter.ts'
import { atLeast1, expandTo, moveAxis, reshapeTo } from './view.ts'

interface StridedParams {
  readonly size: Shape
  readonly strides: readonly number[]
  readonly offset: number
}

/** `[…, n] → […, …size]`: y[…, i] = x[…, offset + Σ iₖ stridesₖ], elements as often as that names them. A view. */
export const stridedOf: Op<[x: Tensor], StridedParams, [x: Tensor, params: StridedParams]> = defineOp({
  name: 'as_strided',
  args: (x: Tensor, params: StridedParams): readonly [[Tensor], StridedParams] => [[x], params],
  result: ([x], { size }) => ({ shape: [...x.shape.slice(0, -1), ...size], dtype: x.dtype }),
  compute: view(
    (x, { size, strides, offset }, shape) => {
      const step = x.strides.at(-1)!
      return {
        shape,
        strides: [...x.strides.slice(0, -1), ...strides.map((s) => s * step)],
        offset: x.offset + (numel(size) === 0 ? 0 : offset * step),
      }
    },
    { place: (whole, v, layout) => replacePlaces(whole, v, layout) },
  ),
  batch: 'leading',
  diff: linear((ct, [x], params) => {
    // each element collects the cotangents of all places that show it
    const lead = x.shape.slice(0, -1)
    const n = numel(params.size)
    const index = expandTo(places(x, params), [...lead, n])
    return scatterAlong(filledLike(x, 0, x.dtype, x.shape), index, reshapeTo(ct, [...lead, n]), { dim: -1, axis: x.ndim - 1, op: 'sum' })
  }),
})

/** Which element each place shows, flat. */
function places(like: Tensor, { size, strides, offset }: StridedParams): Tensor {
  let index = filledLike(like, offset, 'int32', size)
  size.forEach((n, i) => {
    const along = reshapeTo(
      positionsLike(like, n),
      size.map((_, d) => (d === i ? n : 1)),
    )
    index = add(index, mul(along, strides[i]!))
  })
  return reshapeTo(index, [numel(size)])
}

/** Arguments of `unfold`. */
export interface UnfoldOptions {
  readonly dimension?: number
  readonly size?: number
  readonly step?: number
}

/** All windows of `size` elements of an axis, one every `step`, as a new last axis; the axis counts windows. A view. */
export function unfold(x: Tensor, ...args: Args<[dimension: number, size: number, step: number], UnfoldOptions>): Tensor {
  const { dimension, size, step } = readArgs<UnfoldOptions>('unfold', args, ['dimension', 'size', 'step'])
  checkTensor('unfold', x)
  const axis = normalizeDim('unfold', dimension as number, x.ndim)
  const y = atLeast1(x)
  const n = y.shape[axis]!
  const [width, by] = [checkInteger('unfold', 'size', size), checkInteger('unfold', 'step', step)]
  if (width < 0) throw new TensorRangeError(`size is ${width} but must be >= 0`, { op: 'unfold', code: 'SIZE' })
  if (width > n)
    throw new TensorRangeError(`maximum size for tensor at dimension ${axis} is ${n} but size is ${width}`, { op: 'unfold', code: 'SIZE' })
  if (by <= 0) throw new TensorRangeError(`step is ${by} but must be > 0`, { op: 'unfold', code: 'STEP' })
  const count = Math.floor((n - width) / by) + 1
  const windows = stridedOf(moveAxis(y, axis, y.ndim - 1), { size: [count, width], strides: [by, 1], offset: 0 })
  return x.ndim === 0 ? reshapeTo(windows, [width]) : moveAxis(windows, y.ndim - 1, axis)
}

/** Arguments of `asStrided`. */
export interface AsStridedOptions {
  readonly size?: readonly number[]
  readonly stride?: readonly number[]
  readonly storageOffset?: number | null
}

/**
 * y[i] = element storageOffset + Σ iₖ strideₖ of x's elements in row-major order. For a contiguous x this is PyTorch's
 * `as_strided`; here strides always count x's own elements, never those of what x is a view of. Gradients of elements
 * shown more than once add up.
 */
export function asStrided(
  x: Tensor,
  ...args: Args<[size: readonly number[], stride: readonly number[], storageOffset?: number | null], AsStridedOptions>
): Tensor {
  const o = readArgs<AsStridedOptions>('asStrided', args, ['size', 'stride', 'storageOffset'])
  checkTensor('asStrided', x)
  checkGiven('asStrided', o, 'size', 'stride')
  const { size = [], stride = [], storageOffset } = o
  const refuse = (message: string): never => {
    throw new TensorRangeError(message, { op: 'asStrided', code: 'STRIDES' })
  }
  checkIntegers('asStrided', 'size', size)
  checkIntegers('asStrided', 'stride', stride)
  if (size.length !== stride.length) refuse(`mismatch in length of strides and shape, got ${show(stride)} and ${show(size)}`)
  if (size.some((n) => n < 0)) refuse(`expected sizes to be non-negative, got ${show(size)}`)
  if (stride.some((s) => s < 0))
    refuse(`as_strided: Negative strides are not supported at the moment, got strides: ${show(stride)}. Use flip`)
  const offset = checkInteger('asStrided', 'storageOffset', storageOffset ?? 0)
  if (offset < 0) refuse(`Tensor: invalid storage offset ${offset}`)
  const n = numel(x.shape)
  const needed = size.includes(0) ? 0 : offset + 1 + size.reduce((a, s, i) => a + (s - 1) * stride[i]!, 0)
  if (needed > n && traceStack().includes('vmap'))
    refuse(
      `result = tensor.as_strided(${show(size)}, ${show(stride)}, ${offset}) can access memory outside of \`tensor\`. \`result\` can access some memory in range [${offset}, ${needed}], but \`tensor\` can only access some memory in range [0, ${n}]. This is not supported inside of vmap, please try to rewrite the \`as_strided\` call as a sequence of PyTorch view operations`,
    )
  if (needed > n)
    refuse(
      `setStorage: sizes ${show(size)}, strides ${show(stride)}, storage offset ${offset} requiring a storage size of ${needed} elements are out of bounds for storage of size ${n}`,
    )
  return stridedOf(reshapeTo(x, [n]), { size, strides: stride, offset })
}
