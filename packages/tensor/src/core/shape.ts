import { TensorRangeError, TensorTypeError, describe, show } from './errors.ts'

/** Sizes of the axes, outermost first. */
export type Shape = readonly number[]

/** The number of elements of a shape. */
export function numel(shape: Shape): number {
  let n = 1
  for (let i = 0; i < shape.length; i++) n *= shape[i]!
  return n
}

/** Whether two shapes are equal. */
export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Row-major strides. */
export function contiguousStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length)
  let n = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = n
    n *= shape[i]!
  }
  return strides
}

/** The common shape of two operands, PyTorch's rule: aligned at the end, sizes equal or one of them 1. */
export function broadcastShapes(op: string, a: Shape, b: Shape): Shape {
  if (sameShape(a, b)) return a
  const n = Math.max(a.length, b.length)
  const out = new Array<number>(n)
  // from the last axis on, so that the error names the one that PyTorch's does
  for (let i = n - 1; i >= 0; i--) {
    const x = a[a.length - n + i] ?? 1
    const y = b[b.length - n + i] ?? 1
    if (x !== y && x !== 1 && y !== 1)
      throw new TensorRangeError(
        `The size of tensor a (${x}) must match the size of tensor b (${y}) at non-singleton dimension ${i}; got shapes ${show(a)} and ${show(b)}. Reshape or unsqueeze one of them so that the sizes agree or are 1`,
        { op, code: 'SHAPE_MISMATCH' },
      )
    out[i] = x === 1 ? y : x
  }
  return out
}

/** `dim` as a non-negative axis of a rank-`rank` tensor; a 0-d tensor counts as having one axis, as in PyTorch. */
export function normalizeDim(op: string, dim: number, rank: number): number {
  if (!Number.isInteger(dim)) throw new TensorTypeError(`expected dim to be an integer, got ${describe(dim)}`, { op, code: 'DIM_TYPE' })
  const n = rank === 0 ? 1 : rank
  if (dim < -n || dim >= n)
    throw new TensorRangeError(`Dimension out of range (expected to be in range of [${-n}, ${n - 1}], but got ${dim})`, {
      op,
      code: 'DIM_RANGE',
    })
  return dim < 0 ? dim + n : dim
}

/** `dim` counted from the end, so that leading batch axes leave it alone. */
export const fromEnd = (op: string, dim: number, rank: number): number => normalizeDim(op, dim, rank) - Math.max(rank, 1)

/** One dim, several or all (`null`) as distinct negative axes in ascending order. */
export function normalizeDims(op: string, dims: number | readonly number[] | null | undefined, rank: number): number[] {
  if (dims === null || dims === undefined) return Array.from({ length: rank }, (_, i) => i - rank)
  const given = typeof dims === 'number' ? [dims] : dims
  if (!Array.isArray(given))
    throw new TensorTypeError(`expected dim to be an integer or an array of integers, got ${describe(dims)}`, { op, code: 'DIM_TYPE' })
  const list = given.map((d: number) => fromEnd(op, d, rank))
  const out = [...new Set(list)].sort((a, b) => a - b)
  if (out.length !== list.length)
    throw new TensorRangeError(
      `dim ${list.find((d, i) => list.indexOf(d) !== i)! + Math.max(rank, 1)} appears multiple times in the list of dims, got ${describe(dims)}`,
      { op, code: 'DIM_REPEATED' },
    )
  return rank === 0 ? [] : out
}

/** The shape without the (negative) axes. */
export const withoutDims = (shape: Shape, dims: readonly number[]): Shape => shape.filter((_, i) => !dims.includes(i - shape.length))
/** The shape with the (negative) axes made 1. */
export const keepDims = (shape: Shape, dims: readonly number[]): Shape => shape.map((n, i) => (dims.includes(i - shape.length) ? 1 : n))

/** A size list checked to be non-negative integers. */
export function checkSize(op: string, size: readonly unknown[]): Shape {
  for (const n of size)
    if (typeof n !== 'number' || !Number.isInteger(n) || n < 0)
      throw new TensorRangeError(`expected sizes to be non-negative integers, got ${describe(size)}`, { op, code: 'SIZE' })
  return size as Shape
}
