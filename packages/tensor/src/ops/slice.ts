import { type Args, type End, checkEnd, readArgs } from '../core/args.ts'
import { TensorRangeError } from '../core/errors.ts'
import { isTensor } from '../core/handle.ts'
import { type Layout, type Op, defineOp } from '../core/op.ts'
import { checkTensor } from '../core/promote.ts'
import { type Shape, normalizeDim, normalizeDims } from '../core/shape.ts'
import { linear, pieces, sameAval, view } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { filledLike } from './cast.ts'
import { type Numbers, checkInteger, readNumbers } from './integers.ts'
import { apart, batchOrExpand, clone, reshapeTo } from './view.ts'

/** `length` elements of an axis of `size`: start, start + step, …; the step may be negative. */
export interface AxisSlice {
  /** from the end */
  readonly dim: number
  readonly start: number
  readonly step: number
  readonly length: number
  readonly size: number
}
type Slices = readonly AxisSlice[]

const resized = (shape: Shape, slices: Slices, to: 'length' | 'size'): Shape => {
  const out = [...shape]
  for (const s of slices) out[shape.length + s.dim] = s[to]
  return out
}

/** Where the elements of slices lie. */
export function sliced(x: Layout, slices: Slices): Layout {
  const strides = [...x.strides]
  let { offset } = x
  for (const { dim, start, step, length } of slices) {
    const d = strides.length + dim
    if (length > 0) offset += start * strides[d]!
    strides[d] = strides[d]! * step
  }
  return { shape: resized(x.shape, slices, 'length'), strides, offset }
}

/** Slices of some axes, the others whole. A view. */
export const sliceAxes: Op<[x: Tensor], Slices, [x: Tensor, slices: Slices]> = defineOp({
  name: 'slice',
  args: (x: Tensor, slices: Slices): readonly [[Tensor], Slices] => [[x], slices],
  result: ([x], slices) => ({ shape: resized(x.shape, slices, 'length'), dtype: x.dtype }),
  compute: view((x, slices) => sliced(x, slices), { put: (x, v, slices) => replaceSlices(x, v, slices) }),
  batch: 'leading',
  diff: linear((ct, _, slices) => embedAxes(ct, slices)),
})

/** The transpose of `sliceAxes`: x at those places of a tensor that is zero elsewhere. */
export const embedAxes: Op<[x: Tensor], Slices, [x: Tensor, slices: Slices]> = defineOp({
  name: 'embed',
  args: (x: Tensor, slices: Slices): readonly [[Tensor], Slices] => [[x], slices],
  result: ([x], slices) => ({ shape: resized(x.shape, slices, 'size'), dtype: x.dtype }),
  compute: pieces((_, slices, out) => [sliced(out, slices)], { cover: false }),
  batch: 'leading',
  diff: linear((ct, _, slices) => sliceAxes(ct, slices)),
})

/** x with the slices replaced by v, which has their shape. */
export const replaceSlices: Op<[x: Tensor, v: Tensor], readonly AxisSlice[], [x: Tensor, v: Tensor, slices: readonly AxisSlice[]]> =
  defineOp({
    name: 'slice_scatter',
    args: (x: Tensor, v: Tensor, slices: readonly AxisSlice[]): readonly [[Tensor, Tensor], readonly AxisSlice[]] => [[x, v], slices],
    result: sameAval,
    compute: pieces((_, slices, out) => [out, sliced(out, slices)], { cover: true }),
    batch: ([x, v], [dx, dv], slices, { size }) => [replaceSlices(batchOrExpand(x, dx, size), batchOrExpand(v, dv, size), slices), 0],
    diff: {
      kind: 'custom',
      jvp: (_, [x, v], [dx, dv], slices) => [
        replaceSlices(dx ?? filledLike(x, 0, x.dtype, x.shape), dv ?? filledLike(v, 0, v.dtype, v.shape), slices),
      ],
      vjp: (_, [, v], [ct], slices) =>
        ct ? [replaceSlices(ct, filledLike(v, 0, v.dtype, v.shape), slices), sliceAxes(ct, slices)] : [null, null],
    },
  })

/** `length` elements from `start` of a (non-negative) axis. */
export const narrowAxis = (x: Tensor, axis: number, start: number, length: number, step = 1): Tensor =>
  sliceAxes(x, [{ dim: axis - x.ndim, start, step, length, size: x.shape[axis]! }])

/** The leading part of x that has `shape`. */
export function narrowTo(x: Tensor, shape: Shape): Tensor {
  const slices = shape.flatMap((length, d) =>
    length === x.shape[d] ? [] : [{ dim: d - shape.length, start: 0, step: 1, length, size: x.shape[d]! }],
  )
  return slices.length ? sliceAxes(x, slices) : x
}

/** The element `index` (in range) of a (non-negative) axis, which disappears. */
export const selectAxis = (x: Tensor, axis: number, index: number): Tensor =>
  reshapeTo(
    narrowAxis(x, axis, index, 1),
    x.shape.filter((_, d) => d !== axis),
  )

/** A start or stop as a place in an axis: negative ones count from its end, those beyond it are its ends. */
export const clampIndex = (i: number, size: number): number => Math.min(Math.max(i < 0 ? i + size : i, 0), size)

/** `start:stop:step` of an axis of `size`, as Python reads it. */
export function sliceOf(
  op: string,
  dim: number,
  size: number,
  start: number | null | undefined,
  stop: number | null | undefined,
  step: number | null | undefined,
): AxisSlice {
  const by = checkInteger(op, 'the slice step', step ?? 1)
  if (by <= 0)
    throw new TensorRangeError(by === 0 ? 'slice step cannot be zero' : 'step must be greater than zero, use flip for a reversed axis', {
      op,
      code: 'SLICE_STEP',
    })
  const from = clampIndex(checkInteger(op, 'the slice start', start ?? 0), size)
  const to = Math.max(clampIndex(checkInteger(op, 'the slice stop', stop ?? size), size), from)
  return { dim, start: from, step: by, length: Math.ceil((to - from) / by), size }
}

/** Arguments of `narrow`. */
export interface NarrowOptions {
  readonly dim?: number
  readonly start?: number | Tensor
  readonly length?: number
}

/** `length` elements of axis `dim` from `start` on; a negative start counts from the end. A view. */
export function narrow(x: Tensor, ...args: Args<[dim: number, start: number | Tensor, length: number], NarrowOptions>): Tensor {
  const { dim, start, length } = readArgs<NarrowOptions>('narrow', args, ['dim', 'start', 'length'])
  checkTensor('narrow', x)
  if (x.ndim === 0) throw new TensorRangeError('narrow() cannot be applied to a 0-dim tensor.', { op: 'narrow', code: 'RANK' })
  const axis = normalizeDim('narrow', dim as number, x.ndim)
  const size = x.shape[axis]!
  const n = checkInteger('narrow', 'length', length)
  if (n < 0) throw new TensorRangeError('narrow(): length must be non-negative.', { op: 'narrow', code: 'LENGTH' })
  const s = checkInteger('narrow', 'start', isTensor(start) ? Number(start.item()) : start)
  if (s < -size || s > size)
    throw new TensorRangeError(`start out of range (expected to be in range of [${-size}, ${size}], but got ${s})`, {
      op: 'narrow',
      code: 'START',
    })
  const from = s < 0 ? s + size : s
  if (from + n > size)
    throw new TensorRangeError(`start (${from}) + length (${n}) exceeds dimension size (${size}).`, { op: 'narrow', code: 'LENGTH' })
  return narrowAxis(x, axis, from, n)
}

/** Arguments of `select`. */
export interface SelectOptions {
  readonly dim?: number
  readonly index?: number
}

/** Element `index` of axis `dim`, which disappears; a negative index counts from the end. A view. */
export function select(x: Tensor, ...args: Args<[dim: number, index: number], SelectOptions>): Tensor {
  const { dim, index } = readArgs<SelectOptions>('select', args, ['dim', 'index'])
  checkTensor('select', x)
  if (x.ndim === 0) throw new TensorRangeError('select() cannot be applied to a 0-dim tensor.', { op: 'select', code: 'RANK' })
  const axis = normalizeDim('select', dim as number, x.ndim)
  return selectAxis(
    x,
    axis,
    checkIndex(
      'select',
      index,
      axis,
      x.shape,
      (i, size) => `select(): index ${i} out of range for tensor of size [${x.shape.join(', ')}] at dimension ${axis} (size ${size})`,
    ),
  )
}

/** An integer index of an axis as a non-negative one, refused when outside. */
export function checkIndex(op: string, index: unknown, axis: number, shape: Shape, text: (i: number, size: number) => string): number {
  const i = checkInteger(op, 'the index', index)
  const size = shape[axis]!
  if (i < -size || i >= size) throw new TensorRangeError(text(i, size), { op, code: 'INDEX_RANGE' })
  return i < 0 ? i + size : i
}

/** The named axes in reverse. A copy to in-place operations; the data are shared until then. */
export function flip(x: Tensor, ...dims: Numbers<'dims'>): Tensor {
  checkTensor('flip', x)
  const axes = normalizeDims('flip', readNumbers('flip', dims, 'dims', 'DIM_TYPE'), x.ndim)
  if (!axes.length) return clone(x)
  return apart(
    sliceAxes(
      x,
      axes.map((dim) => ({ dim, start: x.shape.at(dim)! - 1, step: -1, length: x.shape.at(dim)!, size: x.shape.at(dim)! })),
    ),
  )
}

/** The columns (axis 1) in reverse. */
export function fliplr(x: Tensor, ...end: End): Tensor {
  checkEnd('fliplr', end)
  checkTensor('fliplr', x)
  if (x.ndim < 2) throw new TensorRangeError('Input must be >= 2-d.', { op: 'fliplr', code: 'RANK' })
  return flip(x, 1)
}
/** The rows (axis 0) in reverse. */
export function flipud(x: Tensor, ...end: End): Tensor {
  checkEnd('flipud', end)
  checkTensor('flipud', x)
  if (x.ndim < 1) throw new TensorRangeError('Input must be >= 1-d.', { op: 'flipud', code: 'RANK' })
  return flip(x, 0)
}
