import { type Args, oneOf, readArgs } from '../core/args.ts'
import { TensorRangeError, show } from '../core/errors.ts'
import { isTensor } from '../core/handle.ts'
import { checkTensor } from '../core/promote.ts'
import { normalizeDim } from '../core/shape.ts'
import type { Tensor } from '../tensor.ts'
import { checkInteger, checkIntegers } from './integers.ts'
import { clampIndex, narrowAxis, selectAxis } from './slice.ts'

interface Dim {
  readonly dim?: number
}

function axisOf(op: string, x: Tensor, dim: number | undefined, scalar: string): number {
  checkTensor(op, x)
  if (x.ndim === 0) throw new TensorRangeError(scalar, { op, code: 'RANK' })
  return normalizeDim(op, dim ?? 0, x.ndim)
}

/** Consecutive parts of an axis, of these sizes. */
function parts(x: Tensor, axis: number, sizes: readonly number[]): Tensor[] {
  let at = 0
  return sizes.map((n) => narrowAxis(x, axis, (at += n) - n, n))
}

/** Sizes of the parts of an axis: `size` each, the last what is left. */
const evenly = (n: number, size: number): number[] =>
  Array.from({ length: Math.max(Math.ceil(n / size), 1) }, (_, i) => Math.min(size, n - i * size))

/** Arguments of `split`. */
export interface SplitOptions extends Dim {
  readonly splitSizeOrSections?: number | readonly number[]
  readonly splitSize?: number | readonly number[]
}

/** Parts of an axis of `splitSize` elements each (the last may be smaller), or of the listed sizes. Views. */
export function split(x: Tensor, ...args: Args<[splitSizeOrSections: number | readonly number[], dim?: number], SplitOptions>): Tensor[] {
  const { splitSizeOrSections, splitSize, dim } = readArgs<SplitOptions>('split', args, ['splitSizeOrSections', 'dim'], ['splitSize'])
  const axis = axisOf('split', x, dim, 'split expects at least a 1-dimensional tensor')
  const n = x.shape[axis]!
  const sizes = oneOf('split', { splitSizeOrSections, splitSize })
  if (typeof sizes === 'object') {
    if (checkIntegers('split', 'splitSizes', sizes).some((s) => s < 0))
      throw new TensorRangeError(
        `split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes=${show(sizes)}`,
        { op: 'split', code: 'SIZE' },
      )
    if (sizes.reduce((a, b) => a + b, 0) !== n)
      throw new TensorRangeError(
        `split_with_sizes expects split_sizes to sum exactly to ${n} (input tensor's size at dimension ${axis}), but got split_sizes=${show(sizes)}`,
        { op: 'split', code: 'SHAPE_MISMATCH' },
      )
    return parts(x, axis, sizes)
  }
  const size = checkInteger('split', 'splitSize', sizes)
  if (size < 0)
    throw new TensorRangeError(`split expects split_size be non-negative, but got split_size=${size}`, { op: 'split', code: 'SIZE' })
  if (size === 0 && n > 0)
    throw new TensorRangeError(`split_size can only be 0 if dimension size is 0, but got dimension size of ${n}`, {
      op: 'split',
      code: 'SIZE',
    })
  return parts(x, axis, evenly(n, size || 1))
}

/** `split` into the listed sizes. */
export const splitWithSizes = (
  x: Tensor,
  ...args: Args<[splitSizes: readonly number[], dim?: number], { readonly splitSizes?: readonly number[]; readonly dim?: number }>
): Tensor[] => {
  const { splitSizes, dim } = readArgs<{ readonly splitSizes?: readonly number[]; readonly dim?: number }>('splitWithSizes', args, [
    'splitSizes',
    'dim',
  ])
  return split(x, splitSizes ?? [], dim ?? 0)
}

/** Arguments of `chunk`. */
export interface ChunkOptions extends Dim {
  readonly chunks?: number
}

/** At most `chunks` parts of an axis, equal but for the last. Views. */
export function chunk(x: Tensor, ...args: Args<[chunks: number, dim?: number], ChunkOptions>): Tensor[] {
  const { chunks, dim } = readArgs<ChunkOptions>('chunk', args, ['chunks', 'dim'])
  const axis = axisOf('chunk', x, dim, 'chunk expects at least a 1-dimensional tensor')
  const count = checkInteger('chunk', 'chunks', chunks)
  if (count <= 0) throw new TensorRangeError(`chunk expects \`chunks\` to be greater than 0, got: ${count}`, { op: 'chunk', code: 'SIZE' })
  const n = x.shape[axis]!
  return parts(x, axis, n === 0 ? new Array<number>(count).fill(0) : evenly(n, Math.ceil(n / count)))
}

/** Arguments of `tensorSplit`. */
export interface TensorSplitOptions extends Dim {
  readonly indicesOrSections?: number | readonly number[] | Tensor
  readonly sections?: number
  readonly indices?: readonly number[]
}

/** Parts of an axis: `sections` of them as equal as can be, the first ones larger; or cut at `indices`. Views. */
export function tensorSplit(
  x: Tensor,
  ...args: Args<[indicesOrSections: number | readonly number[] | Tensor, dim?: number], TensorSplitOptions>
): Tensor[] {
  const { indicesOrSections, sections, indices, dim } = readArgs<TensorSplitOptions>(
    'tensorSplit',
    args,
    ['indicesOrSections', 'dim'],
    ['sections', 'indices'],
  )
  const axis = axisOf('tensorSplit', x, dim, 'tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims')
  const n = x.shape[axis]!
  let cuts = oneOf('tensorSplit', { indicesOrSections, sections, indices })
  if (isTensor(cuts)) cuts = cuts.ndim === 0 ? Number(cuts.item()) : Array.from(cuts.dataSync(), Number)
  if (typeof cuts === 'object') {
    const ends = [...checkIntegers('tensorSplit', 'indices', cuts).map((c) => clampIndex(c, n)), n]
    return ends.map((end, i) => {
      const start = i === 0 ? 0 : ends[i - 1]!
      return narrowAxis(x, axis, start, Math.max(end - start, 0))
    })
  }
  const count = checkInteger('tensorSplit', 'sections', cuts)
  if (count <= 0) throw new TensorRangeError(`number of sections must be larger than 0, got ${count}`, { op: 'tensorSplit', code: 'SIZE' })
  return parts(
    x,
    axis,
    Array.from({ length: count }, (_, i) => Math.floor(n / count) + (i < n % count ? 1 : 0)),
  )
}

/** The elements of an axis, which disappears. Views. */
export function unbind(x: Tensor, ...args: Args<[dim?: number], Dim>): Tensor[] {
  const { dim } = readArgs<Dim>('unbind', args, ['dim'])
  const axis = axisOf('unbind', x, dim, 'Dimension specified as 0 but tensor has no dimensions')
  return Array.from({ length: x.shape[axis]! }, (_, i) => selectAxis(x, axis, i))
}

type CutArgs = Args<[indicesOrSections: number | readonly number[]], { readonly indicesOrSections?: number | readonly number[] }>

/** `tensorSplit` along a fixed axis, whose size the number of sections must divide. */
function splitAlong(op: string, x: Tensor, args: CutArgs, rank: number, dim: number): Tensor[] {
  const { indicesOrSections: cuts } = readArgs<Pick<TensorSplitOptions, 'indicesOrSections'>>(op, args, ['indicesOrSections'])
  checkTensor(op, x)
  if (x.ndim < rank)
    throw new TensorRangeError(
      `torch.${op} requires a tensor with at least ${rank} dimension, but got a tensor with ${x.ndim} dimensions!`,
      { op, code: 'RANK' },
    )
  if (typeof cuts === 'number' && x.shape[dim]! % cuts !== 0)
    throw new TensorRangeError(
      `torch.${op} attempted to split along dimension ${dim}, but the size of the dimension ${x.shape[dim]} is not divisible by the split_size ${cuts}!`,
      { op, code: 'SHAPE_MISMATCH' },
    )
  return tensorSplit(x, { indicesOrSections: cuts!, dim })
}
/** `tensorSplit` along axis 1, of a vector along axis 0. */
export const hsplit = (x: Tensor, ...args: CutArgs): Tensor[] => splitAlong('hsplit', x, args, 1, isTensor(x) && x.ndim === 1 ? 0 : 1)
/** `tensorSplit` along axis 0. */
export const vsplit = (x: Tensor, ...args: CutArgs): Tensor[] => splitAlong('vsplit', x, args, 2, 0)
/** `tensorSplit` along axis 2. */
export const dsplit = (x: Tensor, ...args: CutArgs): Tensor[] => splitAlong('dsplit', x, args, 3, 2)
