import { type Args, type End, checkEnd, readArgs } from '../core/args.ts'
import { TensorRangeError, show } from '../core/errors.ts'
import { checkTensor } from '../core/promote.ts'
import { type Shape, broadcastShapes, normalizeDim, normalizeDims, numel } from '../core/shape.ts'
import type { Tensor } from '../tensor.ts'
import { type Numbers, checkIntegers, readNumbers } from './integers.ts'
import { contiguous, expandTo, permuteDims, reshapeTo, viewTo } from './view.ts'

function shapeOf(op: string, other: Tensor): Shape {
  checkTensor(op, other)
  return other.shape
}

/** The shape that a size list with at most one −1 means for `n` elements. */
export function inferShape(op: string, size: readonly number[], n: number): Shape {
  let known = 1
  let infer = -1
  size.forEach((s, i) => {
    if (s === -1) {
      if (infer >= 0) throw new TensorRangeError(`only one dimension can be inferred, got shape ${show(size)}`, { op, code: 'SIZE' })
      infer = i
    } else if (s < 0) throw new TensorRangeError(`invalid shape dimension ${s} at index ${i} of shape ${show(size)}`, { op, code: 'SIZE' })
    else known *= s
  })
  if (infer < 0 ? known === n : known > 0 && n % known === 0) return infer < 0 ? size : size.map((s) => (s === -1 ? n / known : s))
  if (infer >= 0 && known === 0 && n === 0)
    throw new TensorRangeError(
      `cannot reshape tensor of 0 elements into shape ${show(size)} because the unspecified dimension size -1 can be any value and is ambiguous`,
      { op, code: 'SIZE' },
    )
  throw new TensorRangeError(
    `shape '${show(size)}' is invalid for input of size ${n}. Give sizes whose product is ${n}, or -1 for one of them`,
    { op, code: 'SHAPE_MISMATCH' },
  )
}

/** The elements row-major under another shape; one size may be −1. A view where strides can say it, else a copy. */
export function reshape(x: Tensor, ...shape: Numbers<'shape'>): Tensor {
  checkTensor('reshape', x)
  return reshapeTo(x, inferShape('reshape', readNumbers('reshape', shape, 'shape'), numel(x.shape)))
}
/** `reshape` to the shape of another tensor. */
export function reshapeAs(x: Tensor, other: Tensor, ...end: End): Tensor {
  checkEnd('reshapeAs', end)
  return reshape(x, shapeOf('reshapeAs', other))
}
/** `reshape` that never copies, but for what `flip` gives, which counts as a copy in rows already. @throws TensorRangeError where strides cannot say the shape */
export function view(x: Tensor, ...shape: Numbers<'size'>): Tensor {
  checkTensor('view', x)
  return viewTo(x, inferShape('view', readNumbers('view', shape, 'size'), numel(x.shape)))
}
/** `view` in the shape of another tensor. */
export function viewAs(x: Tensor, other: Tensor, ...end: End): Tensor {
  checkEnd('viewAs', end)
  return view(x, shapeOf('viewAs', other))
}
/** All elements along one axis: a view of what lies in rows, else a copy. */
export function ravel(x: Tensor, ...end: End): Tensor {
  checkEnd('ravel', end)
  return reshape(contiguous(x), -1)
}
/** Arguments of `flatten`. */
export interface FlattenOptions {
  readonly startDim?: number
  readonly endDim?: number
}

/** The axes from `startDim` (default 0) to `endDim` (default −1, included) as one. */
export function flatten(x: Tensor, ...args: Args<[startDim?: number, endDim?: number], FlattenOptions>): Tensor {
  const { startDim = 0, endDim = -1 } = readArgs<FlattenOptions>('flatten', args, ['startDim', 'endDim'])
  checkTensor('flatten', x)
  const from = normalizeDim('flatten', startDim, x.ndim)
  const to = normalizeDim('flatten', endDim, x.ndim)
  if (from > to)
    throw new TensorRangeError('flatten() has invalid args: start_dim cannot come after end_dim', { op: 'flatten', code: 'DIM_ORDER' })
  return reshapeTo(x, [...x.shape.slice(0, from), numel(x.shape.slice(from, to + 1)), ...x.shape.slice(to + 1)])
}

/** Arguments of `unflatten`. */
export interface UnflattenOptions {
  readonly dim?: number
  readonly sizes?: readonly number[]
}

/** One axis split into several whose sizes multiply up to its; one may be −1. */
export function unflatten(x: Tensor, ...args: Args<[dim: number, sizes: readonly number[]], UnflattenOptions>): Tensor {
  const { dim, sizes } = readArgs<UnflattenOptions>('unflatten', args, ['dim', 'sizes'])
  checkTensor('unflatten', x)
  if (!Array.isArray(sizes) || sizes.length === 0)
    throw new TensorRangeError('unflatten: sizes must be non-empty', { op: 'unflatten', code: 'SIZE' })
  const axis = normalizeDim('unflatten', dim as number, x.ndim)
  const n = x.shape[axis] ?? 1
  const known = sizes.reduce((a: number, s: number) => (s === -1 ? a : a * s), 1)
  const infers = sizes.includes(-1)
  if (infers ? known === 0 || n % known !== 0 : known !== n)
    throw new TensorRangeError(
      `unflatten: Provided sizes ${show(sizes)} don't multiply up to the size of dim ${axis} (${n}) in the input tensor`,
      { op: 'unflatten', code: 'SHAPE_MISMATCH' },
    )
  return reshapeTo(x, [...x.shape.slice(0, axis), ...inferShape('unflatten', sizes, n), ...x.shape.slice(axis + 1)])
}

/** Without its axes of size 1: all, or those among `dim`. */
export function squeeze(
  x: Tensor,
  ...args: Args<[dim?: number | readonly number[] | null], { readonly dim?: number | readonly number[] | null }>
): Tensor {
  const { dim } = readArgs<{ readonly dim?: number | readonly number[] | null }>('squeeze', args, ['dim'])
  checkTensor('squeeze', x)
  const dims = normalizeDims('squeeze', dim, x.ndim)
  return reshapeTo(
    x,
    x.shape.filter((n, i) => n !== 1 || !dims.includes(i - x.ndim)),
  )
}

/** With a new axis of size 1 at `dim`. */
export function unsqueeze(x: Tensor, ...args: Args<[dim: number], { readonly dim?: number }>): Tensor {
  const { dim } = readArgs<{ readonly dim?: number }>('unsqueeze', args, ['dim'])
  checkTensor('unsqueeze', x)
  const axis = normalizeDim('unsqueeze', dim as number, x.ndim + 1)
  return reshapeTo(x, [...x.shape.slice(0, axis), 1, ...x.shape.slice(axis)])
}

/** The axes in another order: axis i of the result is axis `dims[i]` of x. A view. */
export function permute(x: Tensor, ...dims: Numbers<'dims'>): Tensor {
  checkTensor('permute', x)
  const list = readNumbers('permute', dims, 'dims')
  if (list.length !== x.ndim)
    throw new TensorRangeError(
      `permute: number of dimensions in the tensor input does not match the length of the desired ordering of dimensions i.e. input.dim() = ${x.ndim} is not equal to len(dims) = ${list.length}`,
      { op: 'permute', code: 'RANK' },
    )
  const order = list.map((d) => normalizeDim('permute', d, x.ndim))
  if (new Set(order).size !== order.length)
    throw new TensorRangeError(`permute(): duplicate dims are not allowed, got ${show(list)}`, { op: 'permute', code: 'DIM_REPEATED' })
  return permuteDims(x, order)
}

/** Arguments of `transpose`. */
export interface TransposeOptions {
  readonly dim0?: number
  readonly dim1?: number
}

function swapped(op: string, x: Tensor, args: readonly unknown[], names: readonly [string, string]): Tensor {
  const given = readArgs<Record<string, number>>(op, args, names)
  checkTensor(op, x)
  const [a, b] = names.map((n) => normalizeDim(op, given[n]!, x.ndim)) as [number, number]
  return permuteDims(
    x,
    x.shape.map((_, i) => (i === a ? b : i === b ? a : i)),
  )
}

/** Axes `dim0` and `dim1` exchanged. A view. */
export const transpose = (x: Tensor, ...args: Args<[dim0: number, dim1: number], TransposeOptions>): Tensor =>
  swapped('transpose', x, args, ['dim0', 'dim1'])
/** The same as `transpose`. */
export const swapdims = (x: Tensor, ...args: Args<[dim0: number, dim1: number], TransposeOptions>): Tensor =>
  swapped('swapdims', x, args, ['dim0', 'dim1'])
/** The same as `transpose`, in NumPy's name. */
export const swapaxes = (
  x: Tensor,
  ...args: Args<[axis0: number, axis1: number], { readonly axis0?: number; readonly axis1?: number }>
): Tensor => swapped('swapaxes', x, args, ['axis0', 'axis1'])

/** The transposed matrix; a vector or a number as it is. A view. */
export function t(x: Tensor, ...end: End): Tensor {
  checkEnd('t', end)
  checkTensor('t', x)
  if (x.ndim > 2) throw new TensorRangeError(`t() expects a tensor with <= 2 dimensions, but self is ${x.ndim}D`, { op: 't', code: 'RANK' })
  return reversedAxes(x)
}
/** All axes in reverse order; of a matrix, its transpose. A view. */
export const reversedAxes = (x: Tensor): Tensor =>
  permuteDims(
    x,
    x.shape.map((_, i) => x.ndim - 1 - i),
  )
/** The last two axes exchanged. A view. */
export function matrixTranspose(x: Tensor, name = 'mT'): Tensor {
  checkTensor(name, x)
  if (x.ndim < 2)
    throw new TensorRangeError(`tensor.${name} is only supported on matrices or batches of matrices. Got ${x.ndim}-D tensor.`, {
      op: name,
      code: 'RANK',
    })
  return permuteDims(
    x,
    x.shape.map((_, i) => (i < x.ndim - 2 ? i : 2 * x.ndim - 3 - i)),
  )
}
/** The conjugate transpose of the last two axes; for real tensors `mT`. */
export function adjoint(x: Tensor, ...end: End): Tensor {
  checkEnd('adjoint', end)
  return matrixTranspose(x, 'adjoint()')
}
/** Arguments of `movedim`. */
export interface MovedimOptions {
  readonly source?: number | readonly number[]
  readonly destination?: number | readonly number[]
}

/** The axes `source` moved to the places `destination`, the others in order. A view. */
export function movedim(
  x: Tensor,
  ...args: Args<[source: number | readonly number[], destination: number | readonly number[]], MovedimOptions>
): Tensor {
  const { source, destination } = readArgs<MovedimOptions>('movedim', args, ['source', 'destination'])
  checkTensor('movedim', x)
  const list = (d: unknown, name: string): readonly number[] => checkIntegers('movedim', name, Array.isArray(d) ? d : [d])
  const [from, to] = [list(source, 'source'), list(destination, 'destination')]
  if (from.length !== to.length)
    throw new TensorRangeError(
      `movedim: Invalid source or destination dims: source (${show(from)} dims) should contain the same number of dims as destination (${show(to)} dims)`,
      { op: 'movedim', code: 'DIM_REPEATED' },
    )
  const axes = (dims: readonly number[], name: string): number[] => {
    const out = dims.map((d) => normalizeDim('movedim', d, x.ndim))
    if (new Set(out).size !== out.length)
      throw new TensorRangeError(`movedim: repeated dim in \`${name}\` (${show(dims)})`, { op: 'movedim', code: 'DIM_REPEATED' })
    return out
  }
  const [s, d] = [axes(from, 'source'), axes(to, 'destination')]
  if (x.ndim === 0) return reshapeTo(x, [])
  const order = new Array<number>(x.ndim).fill(-1)
  d.forEach((place, i) => (order[place] = s[i]!))
  const rest = x.shape.map((_, i) => i).filter((i) => !s.includes(i))
  return permuteDims(
    x,
    order.map((i) => (i < 0 ? rest.shift()! : i)),
  )
}
/** The same as `movedim`. */
export const moveaxis: typeof movedim = (x, ...args) => movedim(x, ...args)

/** Axes of size 1 repeated and new leading axes, up to `size`; −1 keeps a size. A view without a copy. */
export function expand(x: Tensor, ...size: Numbers<'size'>): Tensor {
  checkTensor('expand', x)
  const sizes = readNumbers('expand', size, 'size')
  const lead = sizes.length - x.ndim
  if (lead < 0)
    throw new TensorRangeError(
      `expand(${x.dtype}{${show(x.shape)}}, size=${show(sizes)}): the number of sizes provided (${sizes.length}) must be greater or equal to the number of dimensions in the tensor (${x.ndim})`,
      { op: 'expand', code: 'RANK' },
    )
  const shape = sizes.map((n, i) => {
    const own = x.shape[i - lead]
    if (n === -1) {
      if (own === undefined)
        throw new TensorRangeError(`The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension ${i}`, {
          op: 'expand',
          code: 'SIZE',
        })
      return own
    }
    if (n < 0 || (own !== undefined && own !== 1 && own !== n))
      throw new TensorRangeError(
        `The expanded size of the tensor (${n}) must match the existing size (${own}) at non-singleton dimension ${i}.  Target sizes: ${show(sizes)}.  Tensor sizes: ${show(x.shape)}`,
        { op: 'expand', code: 'SHAPE_MISMATCH' },
      )
    return n
  })
  return expandTo(x, shape)
}
/** `expand` to the shape of another tensor. */
export function expandAs(x: Tensor, other: Tensor, ...end: End): Tensor {
  checkEnd('expandAs', end)
  return expand(x, shapeOf('expandAs', other))
}
/** `expand`, as a function of a shape. */
export const broadcastTo = (x: Tensor, ...size: Numbers<'size'>): Tensor => expand(x, ...size)

/** Tensors given one by one or as one array. */
export const tensorsOf = (op: string, args: readonly (Tensor | readonly Tensor[])[]): readonly Tensor[] => {
  const list = (args.length === 1 && Array.isArray(args[0]) ? args[0] : args) as readonly Tensor[]
  for (const x of list) checkTensor(op, x)
  return list
}

/** All expanded to their common shape. */
export function broadcastTensors(...tensors: readonly Tensor[] | readonly [readonly Tensor[]]): Tensor[] {
  const xs = tensorsOf('broadcastTensors', tensors)
  let shape: Shape = []
  for (const x of xs) shape = broadcastShapes('broadcastTensors', shape, x.shape)
  return xs.map((x) => expandTo(x, shape))
}
