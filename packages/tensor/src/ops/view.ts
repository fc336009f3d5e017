import { TensorRangeError, show } from '../core/errors.ts'
import { type Layout, type Op, defineOp } from '../core/op.ts'
import { broadcastStrides } from '../core/evaluate.ts'
import { oneTensor } from '../core/promote.ts'
import { type Shape, broadcastShapes, contiguousStrides, keepDims, numel, sameShape } from '../core/shape.ts'
import { linear, sameAval, view } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { replacePlaces } from './place.ts'
import { sumDims } from './reduce.ts'

type X = [x: Tensor]

interface ShapeParams {
  readonly shape: Shape
}

/** Strides of the same elements in row-major order of another shape, where there are any. */
function reshapedStrides(x: Layout, shape: Shape): number[] | null {
  const from = x.shape.flatMap((size, i) => (size === 1 ? [] : [{ size, stride: x.strides[i]! }]))
  const strides = new Array<number>(shape.length).fill(1)
  if (numel(shape) === 0) return contiguousStrides(shape)
  let j = from.length - 1
  let left = 1
  let next = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    const size = shape[i]!
    if (size === 1) continue
    if (left === 1) {
      // starts a new run of source axes that lie in memory as one
      next = from[j]!.stride
      left = from[j]!.size
      j--
      while (j >= 0 && left < size) {
        if (from[j]!.stride !== next * left) return null
        left *= from[j]!.size
        j--
      }
    }
    while (left % size !== 0) {
      if (j < 0 || from[j]!.stride !== next * left) return null
      left *= from[j]!.size
      j--
    }
    strides[i] = next
    next *= size
    left /= size
  }
  return strides
}

/** The elements in row-major order under another shape of as many. A view where strides can say it, else a copy. Params: the shape. */
export const reshapeTo: Op<X, ShapeParams, [x: Tensor, shape: Shape]> = defineOp({
  name: 'reshape',
  args: (x: Tensor, shape: Shape): readonly [X, ShapeParams] => [[x], { shape }],
  result: ([x], { shape }) => ({ shape, dtype: x.dtype }),
  compute: view(
    (x, { shape }) => {
      const strides = reshapedStrides(x, shape)
      return strides && { shape, strides, offset: x.offset }
    },
    { put: (x, v) => reshapeTo(v, x.shape) },
  ),
  batch: ([x], [dim], { shape }, { size }) => [reshapeTo(batchFirst(x, dim!), [size, ...shape]), 0],
  diff: linear((ct, [x]) => reshapeTo(ct, x.shape)),
})

/** `reshapeTo` that never copies: it refuses where strides cannot say the shape. */
export const viewTo: Op<X, ShapeParams, [x: Tensor, shape: Shape]> = defineOp({
  name: 'view',
  args: (x: Tensor, shape: Shape): readonly [X, ShapeParams] => [[x], { shape }],
  result: ([x], { shape }) => ({ shape, dtype: x.dtype }),
  compute: view(
    (x, { shape }) => {
      const strides = reshapedStrides(x, shape)
      // what has steps backwards comes from `flip`, which counts as a copy in rows
      if (!strides && x.strides.some((step) => step < 0)) return null
      if (!strides)
        throw new TensorRangeError(
          `view size is not compatible with input tensor's size and stride (at least one dimension spans across two contiguous subspaces). Use .reshape(...) instead; the shape is ${show(x.shape)} with strides ${show(x.strides)}, the size ${show(shape)}`,
          { op: 'view', code: 'VIEW_STRIDES' },
        )
      return { shape, strides, offset: x.offset }
    },
    { put: (x, v) => reshapeTo(v, x.shape), again: (x, { shape }) => reshapeTo(x, shape) },
  ),
  batch: ([x], [dim], { shape }, { size }) => [viewTo(batchFirst(x, dim!), [size, ...shape]), 0],
  diff: linear((ct, [x]) => reshapeTo(ct, x.shape)),
})

/**
 * x under a handle and an array of its own; values never change, so the data are shared, except where they lie with gaps between them:
 * a copy has none, and can be seen under another shape.
 */
export const clone: Op<X> = defineOp<X>({
  name: 'clone',
  args: oneTensor('clone'),
  result: sameAval,
  compute: view((x) => (reshapedStrides(x, [numel(x.shape)]) || isDense(x) ? x : null)),
  batch: 'pointwise',
  diff: linear((ct) => ct),
})

/** A view that counts as a copy: in-place operations on it leave alone what it was made from, which goes on sharing the data until then. */
export const apart = (y: Tensor): Tensor => y.wrap(y.value)

/** x in row-major order without gaps: itself where it lies so, else a copy. */
export const contiguous: Op<X> = defineOp<X>({
  name: 'contiguous',
  args: oneTensor('contiguous'),
  result: sameAval,
  compute: view((x) => (isContiguous(x) ? x : null), { put: (_, v) => v }),
  batch: 'leading',
  diff: linear((ct) => ct),
})

const isContiguous = ({ shape, strides }: Layout): boolean => {
  const want = contiguousStrides(shape)
  return numel(shape) === 0 || shape.every((n, i) => n === 1 || strides[i] === want[i])
}

/** Whether the elements lie without gaps, each once, in whichever order. */
function isDense({ shape, strides }: Layout): boolean {
  const axes = shape.map((n, i) => ({ n, step: Math.abs(strides[i]!) })).filter(({ n }) => n !== 1)
  axes.sort((a, b) => a.step - b.step)
  let next = 1
  return axes.every(({ n, step }) => step === next && (next *= n))
}

interface PermuteParams {
  readonly dims: readonly number[]
}

/** The axes in another order: axis i of the result is axis `dims[i]` (non-negative) of x. A view. */
export const permuteDims: Op<X, PermuteParams, [x: Tensor, dims: readonly number[]]> = defineOp({
  name: 'permute',
  args: (x: Tensor, dims: readonly number[]): readonly [X, PermuteParams] => [[x], { dims }],
  result: ([x], { dims }) => ({ shape: dims.map((d) => x.shape[d]!), dtype: x.dtype }),
  compute: view((x, { dims }, shape) => ({ shape, strides: dims.map((d) => x.strides[d]!), offset: x.offset }), {
    put: (_, v, { dims }) =>
      contiguous(
        permuteDims(
          v,
          dims.map((_d, i) => dims.indexOf(i)),
        ),
      ),
  }),
  batch: ([x], [dim], { dims }) => [permuteDims(x, [dim!, ...dims.map((d) => (d >= dim! ? d + 1 : d))]), 0],
  diff: linear((ct, _, { dims }) =>
    permuteDims(
      ct,
      dims.map((_d, i) => dims.indexOf(i)),
    ),
  ),
})

/** Sizes of 1 repeated, and new leading axes, up to `shape`. A view with stride 0. */
export const expandTo: Op<X, ShapeParams, [x: Tensor, shape: Shape]> = defineOp({
  name: 'expand',
  args: (x: Tensor, shape: Shape): readonly [X, ShapeParams] => {
    if (x.ndim > shape.length || !sameShape(broadcastShapes('expand', x.shape, shape), shape))
      throw new TensorRangeError(`expected a shape that ${show(x.shape)} repeats to, got ${show(shape)}; only axes of size 1 repeat`, {
        op: 'expand',
        code: 'SHAPE_MISMATCH',
      })
    return [[x], { shape }]
  },
  result: ([x], { shape }) => ({ shape, dtype: x.dtype }),
  compute: view((x, { shape }) => ({ shape, strides: broadcastStrides(x, shape), offset: x.offset }), {
    place: (whole, v, layout) => replacePlaces(whole, v, layout),
  }),
  batch: ([x], [dim], { shape }, { size }) => [expandTo(batchFirst(x, dim!, shape.length), [size, ...shape]), 0],
  diff: linear((ct, [x]) => sumTo(ct, x.shape)),
})

/** A batch axis moved to the front, the other axes padded with leading ones up to `rank`. */
export function batchFirst(x: Tensor, dim: number, rank: number = x.ndim - 1): Tensor {
  const y = moveAxis(x, dim, 0)
  const pad = rank - (y.ndim - 1)
  return pad > 0 ? reshapeTo(y, [y.shape[0]!, ...new Array<number>(pad).fill(1), ...y.shape.slice(1)]) : y
}

/** An operand with its batch axis in front; one without is repeated along a new one. */
export const batchOrExpand = (x: Tensor, dim: number | null, size: number): Tensor =>
  dim === null ? expandTo(x, [size, ...x.shape]) : moveAxis(x, dim, 0)

/** A 0-d tensor as the one element of an axis. */
export const atLeast1 = (x: Tensor): Tensor => (x.ndim === 0 ? reshapeTo(x, [1]) : x)

/** One (non-negative) axis moved to another place, the others in order. */
export function moveAxis(x: Tensor, from: number, to: number): Tensor {
  if (from === to) return x
  const dims = Array.from({ length: x.ndim }, (_, i) => i)
  dims.splice(to, 0, dims.splice(from, 1)[0]!)
  return permuteDims(x, dims)
}

/** Undoes broadcasting: sums over the axes along which `shape` was repeated to x's. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x
  const extra = x.ndim - shape.length
  const dims: number[] = []
  for (let i = 0; i < x.ndim; i++) if (i < extra || (shape[i - extra] === 1 && x.shape[i] !== 1)) dims.push(i - x.ndim)
  return reshapeTo(dims.length ? sumDims(x, dims) : x, shape)
}

/** x with the (negative) axes `dims` of a shape `like` put back as ones, then repeated to that shape. */
export function unreduce(x: Tensor, like: Shape, dims: readonly number[]): Tensor {
  return expandTo(reshapeTo(x, keepDims(like, dims)), like)
}
