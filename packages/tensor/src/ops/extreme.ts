import { type ReduceOp, expr as e } from '@mapgrad/kernel'
import { type Args, readArgs } from '../core/args.ts'
import { TensorRangeError } from '../core/errors.ts'
import { isTensor } from '../core/handle.ts'
import { type Diff, type Op, defineOp } from '../core/op.ts'
import { type Named, type ValuesIndices, named } from '../core/outputs.ts'
import { checkTensor } from '../core/promote.ts'
import { keepDims, normalizeDim, numel, withoutDims } from '../core/shape.ts'
import { broadcastAval, constant, pointwise, reduction } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { div, maximum, minimum, mul } from './binary.ts'
import { cast } from './cast.ts'
import { gather } from './gather.ts'
import {
  type DimsParam,
  type Dims,
  type ReduceArgs,
  type ReduceOptions,
  type Reduction,
  dimsOf,
  kept,
  readDims,
  sumDims,
} from './reduce.ts'
import { reshapeTo, unreduce } from './view.ts'

/** 1 where x is the chosen value y, NaN for NaN; else 0. In the dtype of x. */
export const winner: Op<[x: Tensor, extreme: Tensor]> = defineOp({
  name: 'winner',
  result: broadcastAval('winner'),
  compute: pointwise((x, y) => e.cast(e.or(e.eq(x!, y!), e.and(e.ne(x!, x!), e.ne(y!, y!))), x!.dtype)),
  batch: 'pointwise',
  diff: constant,
})

/** How much each element decides the value y that was chosen among them: those that tie share evenly. */
function shares(x: Tensor, y: Tensor, dims: readonly number[]): Tensor {
  const wins = winner(x, unreduce(y, x.shape, dims))
  return div(wins, reshapeTo(sumDims(wins, dims), keepDims(x.shape, dims)))
}

/** The derivative of choosing one value over `dims`, shared by all elements that have it. */
/* @__NO_SIDE_EFFECTS__ */
export function shared(): Diff<[x: Tensor], DimsParam> {
  return {
    kind: 'custom',
    jvp: ([y], [x], [dx], { dims }) => [dx ? sumDims(mul(dx, shares(x, y!, dims)), dims) : null],
    vjp: ([y], [x], [ct], { dims }) => [ct ? mul(unreduce(ct, x.shape, dims), shares(x, y!, dims)) : null],
  }
}

const extreme = /* @__NO_SIDE_EFFECTS__ */ (name: string, op: ReduceOp & ('max' | 'min')): Reduction =>
  defineOp<[x: Tensor], DimsParam, [x: Tensor, dims: readonly number[]]>({
    name,
    args: readDims,
    result: ([x], { dims }) => ({ shape: withoutDims(x.shape, dims), dtype: x.dtype }),
    compute: reduction(op, (x) => x!),
    batch: 'leading',
    diff: shared(),
  })
/** The largest elements over the axes `dims`, NaN if one is. */
export const amaxDims: Reduction = extreme('amax', 'max')
/** The smallest elements over the axes `dims`, NaN if one is. */
export const aminDims: Reduction = extreme('amin', 'min')

const place = /* @__NO_SIDE_EFFECTS__ */ (op: ReduceOp & ('argmax' | 'argmin')): Reduction =>
  defineOp<[x: Tensor], DimsParam, [x: Tensor, dims: readonly number[]]>({
    name: op,
    args: readDims,
    result: ([x], { dims }) => ({ shape: withoutDims(x.shape, dims), dtype: 'int32' }),
    compute: reduction(op, (x) => x!),
    batch: 'leading',
    diff: constant,
  })
export const argmaxDims: Reduction = place('argmax')
export const argminDims: Reduction = place('argmin')

/** Refuses to look for an extreme value among no elements. */
export function checkNotEmpty(op: string, x: Tensor, dims: readonly number[], all: boolean): void {
  if (all) {
    if (numel(x.shape) === 0)
      throw new TensorRangeError(
        `${op}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument.`,
        { op, code: 'EMPTY_REDUCTION' },
      )
    return
  }
  for (const d of dims)
    if (x.shape[x.ndim + d] === 0)
      throw new TensorRangeError(`${op}(): Expected reduction dim ${x.ndim + d} to have non-zero size.`, { op, code: 'EMPTY_REDUCTION' })
}

/** Bools as numbers, which extremes are looked for among; the result goes back. */
const ranked = (x: Tensor): Tensor => (x.dtype === 'bool' ? cast(x, 'uint8') : x)

function extremes(name: string, op: Reduction, x: Tensor, { dim, keepdim }: ReduceOptions): Tensor {
  const dims = dimsOf(name, x, dim)
  checkNotEmpty(name, x, dims, dims.length === x.ndim)
  return kept(cast(op(ranked(x), dims), x.dtype), keepdim, x.shape, dims)
}

/** The largest elements over axes. Ties share the derivative evenly. */
export function amax(x: Tensor, ...args: ReduceArgs): Tensor {
  return extremes('amax', amaxDims, x, readArgs<ReduceOptions>('amax', args, ['dim', 'keepdim']))
}
/** The smallest elements over axes. Ties share the derivative evenly. */
export function amin(x: Tensor, ...args: ReduceArgs): Tensor {
  return extremes('amin', aminDims, x, readArgs<ReduceOptions>('amin', args, ['dim', 'keepdim']))
}

/** Arguments of `aminmax`. */
export interface AminmaxOptions {
  readonly dim?: number | null
  readonly keepdim?: boolean
}
/** The smallest and the largest elements along one axis or all. */
export function aminmax(x: Tensor, ...args: [options?: AminmaxOptions]): Named<readonly ['min', 'max']> {
  const options = readArgs<AminmaxOptions>('aminmax', args, [], ['dim', 'keepdim'])
  checkTensor('aminmax', x)
  if (numel(x.shape) === 0 && (options.dim ?? null) === null)
    throw new TensorRangeError('aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity.', {
      op: 'aminmax',
      code: 'EMPTY_REDUCTION',
    })
  return named(['min', 'max'], [extremes('aminmax', aminDims, x, options), extremes('aminmax', amaxDims, x, options)])
}

/** Arguments of reductions over one axis or all. */
export interface OneDimOptions {
  readonly dim?: number | null
  readonly keepdim?: boolean
}
/** Arguments of reductions over one axis, by position or by name. */
export type OneDimArgs = Args<[dim?: number | null, keepdim?: boolean], OneDimOptions>

function places(name: string, op: Reduction, x: Tensor, args: OneDimArgs): Tensor {
  const { dim = null, keepdim } = readArgs<OneDimOptions>(name, args, ['dim', 'keepdim'])
  const dims = dimsOf(name, x, dim as Dims)
  checkNotEmpty(name, x, dims, dim === null)
  return kept(op(ranked(x), dims), keepdim, x.shape, dims)
}
/** Where the largest element is along an axis, or in the flattened tensor; the first of ties, NaN before all. int32. */
export function argmax(x: Tensor, ...args: OneDimArgs): Tensor {
  return places('argmax', argmaxDims, x, args)
}
/** Where the smallest element is along an axis, or in the flattened tensor; the first of ties, NaN before all. int32. */
export function argmin(x: Tensor, ...args: OneDimArgs): Tensor {
  return places('argmin', argminDims, x, args)
}

/** The elements that an index along `dim` (kept, with size 1) chose, and the index. */
export function chosen(x: Tensor, index: Tensor, dim: number, keepdim: boolean | undefined): ValuesIndices {
  const axis = x.ndim + dim
  if (x.ndim === 0) return named(['values', 'indices'], [gather(x, 0, index), index])
  const shape = keepdim ? index.shape : index.shape.filter((_, i) => i !== axis)
  return named(['values', 'indices'], [reshapeTo(gather(x, axis, index), shape), reshapeTo(index, shape)])
}

/** Arguments of `max` and `min` along a dim. */
export type AlongArgs = Args<[dim: number, keepdim?: boolean], { readonly dim: number; readonly keepdim?: boolean }>
/** Arguments of `max` and `min`. */
export interface MaxOptions {
  readonly dim?: number | null
  readonly other?: Tensor
  readonly keepdim?: boolean
}

function along(
  name: 'max' | 'min',
  place: Reduction,
  all: Reduction,
  both: (x: Tensor, y: Tensor) => Tensor,
  x: Tensor,
  args: readonly unknown[],
): Tensor | ValuesIndices {
  checkTensor(name, x)
  if (isTensor(args[0])) {
    readArgs(name, args, ['other'])
    return both(x, args[0])
  }
  const { dim = null, keepdim, other } = readArgs<MaxOptions>(name, args, ['dim', 'keepdim'], ['other'])
  if (other) return both(x, other)
  if (dim === null) {
    checkNotEmpty(name, x, [], true)
    return extremes(name, all, x, {})
  }
  const d = normalizeDim(name, dim, x.ndim) - x.ndim
  if (x.ndim === 0) return chosen(x, place(ranked(x), []), 0, keepdim)
  checkNotEmpty(name, x, [d], false)
  return chosen(x, reshapeTo(place(ranked(x), [d]), keepDims(x.shape, [d])), d, keepdim)
}

/**
 * The largest element of x; with a dim, the largest along it and where they are (the first of ties, which has the
 * derivative alone); with another tensor, `maximum(x, other)`. NaN wins.
 */
export function max(x: Tensor): Tensor
export function max(x: Tensor, other: Tensor): Tensor
export function max(x: Tensor, ...args: AlongArgs): ValuesIndices
export function max(x: Tensor, ...args: readonly unknown[]): Tensor | ValuesIndices {
  return along('max', argmaxDims, amaxDims, maximum, x, args)
}

/** The smallest element of x, the smallest along a dim with their places, or `minimum(x, other)`; as `max`. */
export function min(x: Tensor): Tensor
export function min(x: Tensor, other: Tensor): Tensor
export function min(x: Tensor, ...args: AlongArgs): ValuesIndices
export function min(x: Tensor, ...args: readonly unknown[]): Tensor | ValuesIndices {
  return along('min', argminDims, aminDims, minimum, x, args)
}
