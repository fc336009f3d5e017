import { TensorRangeError, TensorTypeError, describe, show } from '../core/errors.ts'
import { type Args, type End, checkEnd, readArgs } from '../core/args.ts'
import { isTensor } from '../core/handle.ts'
import { type Op, type Tensors, defineOp, named } from '../core/op.ts'
import { promoteTypes } from '../core/promote.ts'
import { normalizeDim, sameShape } from '../core/shape.ts'
import { type Outputs } from '../core/trace.ts'
import { linear, pieces } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { cast } from './cast.ts'
import { narrowAxis } from './slice.ts'
import { atLeast1, batchOrExpand, clone, reshapeTo } from './view.ts'

/** Tensors of one rank and dtype after one another along the (negative) axis; their other sizes agree. */
export const concat: Op<Tensors, number, [xs: Tensors, dim: number]> = defineOp<Tensors, number, [xs: Tensors, dim: number]>({
  name: 'cat',
  args: (xs, dim) => [xs, dim],
  result: (xs, dim) => {
    const shape = [...xs[0]!.shape]
    const axis = shape.length + dim
    shape[axis] = 0
    for (const x of xs) shape[axis] += x.shape[axis]!
    return { shape, dtype: xs[0]!.dtype }
  },
  compute: pieces(
    (xs, dim, { strides, offset }) => {
      const axis = strides.length + dim
      let at = offset
      return xs.map(({ shape }) => {
        const place = { shape, strides, offset: at }
        at += shape[axis]! * strides[axis]!
        return place
      })
    },
    { cover: true },
  ),
  batch: (xs, dims, dim, { size }) => [
    concat(
      xs.map((x, i) => batchOrExpand(x, dims[i]!, size)),
      dim,
    ),
    0,
  ],
  diff: linear((ct, xs, dim) => {
    let at = 0
    return xs.map((x) => {
      const length = x.shape[x.ndim + dim]!
      at += length
      return narrowAxis(ct, ct.ndim + dim, at - length, length)
    })
  }),
})

function checkTensors(op: string, xs: readonly Tensor[] | undefined, empty: string): readonly Tensor[] {
  if (!Array.isArray(xs))
    throw new TensorTypeError(`expected an array of Tensors, got ${describe(xs)}. Write ${op}([x, y])`, { op, code: 'OPERAND_TYPE' })
  xs.forEach((x, i) => {
    if (!isTensor(x))
      throw new TensorTypeError(`expected Tensor as element ${i} in argument 0, but got ${describe(x)}`, { op, code: 'OPERAND_TYPE' })
  })
  if (xs.length === 0) throw new TensorRangeError(empty, { op, code: 'EMPTY_LIST' })
  return xs as readonly Tensor[]
}

const inOneDtype = (xs: readonly Tensor[]): readonly Tensor[] => {
  const dtype = xs.map((x) => x.dtype).reduce(promoteTypes)
  return xs.map((x) => cast(x, dtype))
}

/** Arguments of `cat` and `stack`. */
export interface DimOptions {
  readonly dim?: number
}

/** `cat` of checked tensors, with `op` in messages. */
function concatenated(op: string, given: readonly Tensor[], dim: number): Tensor {
  // PyTorch skips empty 1-d tensors whatever the others' rank
  const all = inOneDtype(given)
  const xs = all.filter((x) => x.ndim !== 1 || x.shape[0] !== 0)
  const first = xs[0] ?? all[0]!
  const zero = all.findIndex((x) => x.ndim === 0)
  if (zero >= 0)
    throw new TensorRangeError(`zero-dimensional tensor (at position ${zero}) cannot be concatenated. Use stack, or reshape it to [1]`, {
      op,
      code: 'RANK',
    })
  const axis = normalizeDim(op, dim, first.ndim)
  for (const x of xs) {
    if (x.ndim !== first.ndim)
      throw new TensorRangeError(
        `Tensors must have same number of dimensions: got ${first.ndim} and ${x.ndim}; shapes ${show(first.shape)} and ${show(x.shape)}`,
        { op, code: 'SHAPE_MISMATCH' },
      )
    const d = x.shape.findIndex((n, i) => i !== axis && n !== first.shape[i])
    if (d >= 0)
      throw new TensorRangeError(
        `Sizes of tensors must match except in dimension ${axis}. Expected size ${first.shape[d]} but got size ${x.shape[d]} for tensor number ${all.indexOf(x)} in the list.`,
        { op, code: 'SHAPE_MISMATCH' },
      )
  }
  if (xs.length < 2) return clone(first)
  return concat(xs, axis - first.ndim)
}

/** Tensors after one another along `dim` (default 0), in their promoted dtype. Their other sizes agree. */
export function cat(tensors: readonly Tensor[], ...args: Args<[dim?: number], DimOptions>): Tensor {
  const { dim = 0 } = readArgs<DimOptions>('cat', args, ['dim'])
  return concatenated('cat', checkTensors('cat', tensors, 'torch.cat(): expected a non-empty list of Tensors'), dim)
}
/** The same as `cat`. */
export const concatenate: typeof cat = cat

/** Tensors of one shape along a new axis `dim` (default 0), in their promoted dtype. */
export function stack(tensors: readonly Tensor[], ...args: Args<[dim?: number], DimOptions>): Tensor {
  const { dim = 0 } = readArgs<DimOptions>('stack', args, ['dim'])
  const xs = checkTensors('stack', tensors, 'stack expects a non-empty TensorList')
  const { shape } = xs[0]!
  const axis = normalizeDim('stack', dim, shape.length + 1)
  xs.forEach((x, i) => {
    if (!sameShape(x.shape, shape))
      throw new TensorRangeError(
        `stack expects each tensor to be equal size, but got ${show(shape)} at entry 0 and ${show(x.shape)} at entry ${i}`,
        { op: 'stack', code: 'SHAPE_MISMATCH' },
      )
  })
  const wide = [...shape.slice(0, axis), 1, ...shape.slice(axis)]
  return concat(
    inOneDtype(xs).map((x) => reshapeTo(x, wide)),
    axis - wide.length,
  )
}

type AtLeast = { (x: Tensor): Tensor; (...xs: [Tensor, Tensor, ...Tensor[]]): Tensor[]; (xs: readonly Tensor[]): Tensor[] }

const atLeast = (op: string, f: (x: Tensor) => Tensor): AtLeast =>
  named(op, (...args: [Tensor] | Tensor[] | [readonly Tensor[]]): Outputs => {
    const [first, ...others] = args
    if (others.length === 0 && isTensor(first)) return f(first)
    if (Array.isArray(first)) checkEnd(op, others)
    return checkTensors(op, (Array.isArray(first) ? first : args) as readonly Tensor[], 'expected at least one Tensor').map(f)
  }) as AtLeast

/** 0-d tensors as `[1]`; others as they are. */
export const atleast1d: AtLeast = /* @__PURE__ */ atLeast('atleast1d', (x) => atLeast1(x))
/** With leading axes of 1 up to two axes. */
export const atleast2d: AtLeast = /* @__PURE__ */ atLeast('atleast2d', (x) => (x.ndim < 2 ? reshapeTo(x, [1, x.shape[0] ?? 1]) : x))
/** With axes of 1 up to three: `[n]` becomes `[1, n, 1]`, `[m, n]` becomes `[m, n, 1]`. */
export const atleast3d: AtLeast = /* @__PURE__ */ atLeast('atleast3d', (x) =>
  x.ndim < 2 ? reshapeTo(x, [1, x.shape[0] ?? 1, 1]) : x.ndim === 2 ? reshapeTo(x, [...x.shape, 1]) : x,
)

const stacked = (op: string, prepare: (x: Tensor) => Tensor, dim: (x: Tensor) => number): ((tensors: readonly Tensor[]) => Tensor) =>
  named(op, (tensors: readonly Tensor[], ...end: End): Tensor => {
    checkEnd(op, end)
    const xs = checkTensors(op, tensors, `${op} expects a non-empty TensorList`).map(prepare)
    return concatenated(op, xs, dim(xs[0]!))
  })
type Stack = (tensors: readonly Tensor[]) => Tensor

/** Tensors side by side: along axis 1, 1-d ones along axis 0. */
export const hstack: Stack = /* @__PURE__ */ stacked(
  'hstack',
  (x) => atleast1d(x),
  (x) => (x.ndim === 1 ? 0 : 1),
)
/** Tensors below one another, 1-d ones as rows. */
export const vstack: Stack = /* @__PURE__ */ stacked(
  'vstack',
  (x) => atleast2d(x),
  () => 0,
)
/** The same as `vstack`. */
export const rowStack: Stack = vstack
/** Tensors behind one another, along axis 2. */
export const dstack: Stack = /* @__PURE__ */ stacked(
  'dstack',
  (x) => atleast3d(x),
  () => 2,
)
/** Tensors side by side, 0-d and 1-d ones as columns. */
export const columnStack: Stack = /* @__PURE__ */ stacked(
  'columnStack',
  (x) => (x.ndim < 2 ? reshapeTo(x, [x.shape[0] ?? 1, 1]) : x),
  () => 1,
)
