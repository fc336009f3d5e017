import { type DType, type Expr, type ReduceOp, expr as e, isFloat } from '@mapgrad/kernel'
import { type Args, readArgs } from '../core/args.ts'
import { TensorTypeError } from '../core/errors.ts'
import { type Op, defineOp } from '../core/op.ts'
import { checkTensor } from '../core/promote.ts'
import { type Shape, keepDims, normalizeDims, numel, withoutDims } from '../core/shape.ts'
import { constant, linear, reduction } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { div, mul } from './binary.ts'
import { cast } from './cast.ts'
import { productOfOthers } from './recurrence.ts'
import { isnan, logicalNot } from './unary.ts'
import { permuteDims, reshapeTo, unreduce } from './view.ts'
import { where } from './where.ts'

type X = [x: Tensor]
/** The axes an op reduces: negative, ascending. */
export interface DimsParam {
  readonly dims: readonly number[]
}
/** A reduction over the (negative, ascending) axes `dims`, which disappear. */
export type Reduction = Op<X, DimsParam, [x: Tensor, dims: readonly number[]]>
/** One axis, several, or all of them (`null`). */
export type Dims = number | readonly number[] | null

export const readDims = (x: Tensor, dims: readonly number[]): readonly [X, DimsParam] => [[x], { dims }]

/** The dtype that sums of `dtype` have: integers below int32 and bools are summed as int32, the default integer. */
export const sumType = (dtype: DType): DType => (isFloat(dtype) || dtype === 'int64' ? dtype : 'int32')

/** The sum over the (negative, ascending) axes `dims`, which disappear. */
export const sumDims: Reduction = defineOp({
  name: 'sum',
  args: readDims,
  result: ([x], { dims }) => ({ shape: withoutDims(x.shape, dims), dtype: sumType(x.dtype) }),
  compute: reduction('sum', (x) => e.cast(x!, sumType(x!.dtype))),
  batch: 'leading',
  diff: linear((ct, [x], { dims }) => unreduce(ct, x.shape, dims)),
})

/** For each element the product of all others over the axes `dims`. */
function others(x: Tensor, dims: readonly number[]): Tensor {
  const order = Array.from({ length: x.ndim }, (_, i) => i).filter((i) => !dims.includes(i - x.ndim))
  order.push(...dims.map((d) => d + x.ndim))
  const turned = permuteDims(x, order)
  const flat = reshapeTo(turned, [...withoutDims(x.shape, dims), countOf(x.shape, dims)])
  return permuteDims(
    reshapeTo(productOfOthers(flat), turned.shape),
    order.map((_, i) => order.indexOf(i)),
  )
}

/** The product over the axes `dims`. Its derivatives are products of other elements, so zeros need no care. */
export const prodDims: Reduction = defineOp({
  name: 'prod',
  args: readDims,
  result: ([x], { dims }) => ({ shape: withoutDims(x.shape, dims), dtype: sumType(x.dtype) }),
  compute: reduction('prod', (x) => e.cast(x!, sumType(x!.dtype))),
  batch: 'leading',
  diff: {
    kind: 'custom',
    jvp: (_, [x], [dx], { dims }) => [dx && sumDims(mul(dx, others(x, dims)), dims)],
    vjp: (_, [x], [ct], { dims }) => [ct ? mul(unreduce(ct, x.shape, dims), others(x, dims)) : null],
  },
})

const test = /* @__NO_SIDE_EFFECTS__ */ (op: ReduceOp & ('any' | 'all')): Reduction =>
  defineOp({
    name: op,
    args: (x: Tensor, dims: readonly number[]) => readDims(cast(x, 'bool'), dims),
    result: ([x], { dims }) => ({ shape: withoutDims(x.shape, dims), dtype: 'bool' }),
    compute: reduction(op),
    batch: 'leading',
    diff: constant,
  })
export const anyDims: Reduction = test('any')
export const allDims: Reduction = test('all')

export const countDims: Reduction = defineOp({
  name: 'count_nonzero',
  args: readDims,
  result: ([x], { dims }) => ({ shape: withoutDims(x.shape, dims), dtype: 'int32' }),
  compute: reduction('sum', (x: Expr | undefined) => e.cast(e.ne(x!, e.constant(0, x!.dtype)), 'int32')),
  batch: 'leading',
  diff: constant,
})

/** The axes of a call as reductions take them. No dims and an empty list are all of them, as in PyTorch. */
export function dimsOf(op: string, x: Tensor, dim: Dims | undefined): number[] {
  checkTensor(op, x)
  return normalizeDims(op, Array.isArray(dim) && dim.length === 0 ? null : dim, x.ndim)
}

/** Puts reduced axes back as ones where `keepdim` asks for it. */
export const kept = (y: Tensor, keepdim: boolean | undefined, shape: Shape, dims: readonly number[]): Tensor =>
  keepdim && dims.length ? reshapeTo(y, keepDims(shape, dims)) : y

/** How many elements the axes have. */
export const countOf = (shape: Shape, dims: readonly number[]): number => numel(dims.map((d) => shape[shape.length + d]!))

const reduced = (op: Reduction, x: Tensor, dims: readonly number[], keepdim: boolean | undefined): Tensor =>
  kept(op(x, dims), keepdim, x.shape, dims)

/** Arguments of reductions over any axes. */
export interface ReduceOptions {
  /** one axis, several, or all (`null`, the default) */
  readonly dim?: Dims
  /** whether reduced axes stay, with size 1 */
  readonly keepdim?: boolean
}
/** Arguments of reductions that can compute in another dtype. */
export interface ReduceAsOptions extends ReduceOptions {
  /** converts x first */
  readonly dtype?: DType | null
}
/** Arguments of reductions over several axes, by position or by name. */
export type ReduceArgs = Args<[dim?: Dims, keepdim?: boolean], ReduceOptions>
/** Arguments of reductions that take a dtype, by position or by name. */
export type ReduceAsArgs = Args<[dim?: Dims, keepdim?: boolean], ReduceAsOptions>

const read = (op: string, args: ReduceArgs): ReduceOptions => readArgs<ReduceOptions>(op, args, ['dim', 'keepdim'])
const readAs = (op: string, args: ReduceAsArgs): ReduceAsOptions => readArgs<ReduceAsOptions>(op, args, ['dim', 'keepdim'], ['dtype'])

/** x in the dtype that was asked for. */
export const asked = (x: Tensor, dtype: DType | null | undefined): Tensor => (dtype ? cast(x, dtype) : x)

/** The sum over axes. Bools and small integers sum as int32, int64 as int64. */
export function sum(x: Tensor, ...args: ReduceAsArgs): Tensor {
  const { dim, keepdim, dtype } = readAs('sum', args)
  const dims = dimsOf('sum', x, dim)
  return cast(reduced(sumDims, asked(x, dtype), dims, keepdim), dtype ?? sumType(x.dtype))
}

/** The sum over axes of what is not NaN. */
export function nansum(x: Tensor, ...args: ReduceAsArgs): Tensor {
  const { dim, keepdim, dtype } = readAs('nansum', args)
  const dims = dimsOf('nansum', x, dim)
  const y = asked(x, dtype)
  return cast(reduced(sumDims, isFloat(y.dtype) ? where(isnan(y), 0, y) : y, dims, keepdim), dtype ?? sumType(x.dtype))
}

const isHalf = (d: DType): boolean => d === 'float16' || d === 'bfloat16'
/** Half floats as float32, which means of many of them are computed in. */
export const widened = (x: Tensor): Tensor => (isHalf(x.dtype) ? cast(x, 'float32') : x)

function averaged(op: string, x: Tensor, dtype: DType | null | undefined): Tensor {
  const y = asked(x, dtype)
  if (!isFloat(y.dtype))
    throw new TensorTypeError(
      `${op}(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: ${y.dtype}. Convert with x.float(), or pass { dtype: 'float32' }`,
      { op, code: 'DTYPE' },
    )
  return y
}

/** The mean over axes, of floats; NaN where there are no elements. */
export function mean(x: Tensor, ...args: ReduceAsArgs): Tensor {
  const { dim, keepdim, dtype } = readAs('mean', args)
  const dims = dimsOf('mean', x, dim)
  const y = averaged('mean', x, dtype)
  return cast(div(reduced(sumDims, widened(y), dims, keepdim), countOf(x.shape, dims)), y.dtype)
}

/** The mean over axes of what is not NaN. */
export function nanmean(x: Tensor, ...args: ReduceAsArgs): Tensor {
  const { dim, keepdim, dtype } = readAs('nanmean', args)
  const dims = dimsOf('nanmean', x, dim)
  const y = averaged('nanmean', x, dtype)
  const count = reduced(sumDims, logicalNot(isnan(y)), dims, keepdim)
  return cast(div(reduced(sumDims, widened(where(isnan(y), 0, y)), dims, keepdim), count), y.dtype)
}

/** The product over one axis or all. Bools and small integers multiply as int32, int64 as int64. */
export function prod(x: Tensor, ...args: ReduceAsArgs): Tensor {
  const { dim, keepdim, dtype } = readAs('prod', args)
  const dims = dimsOf('prod', x, dim)
  return cast(reduced(prodDims, asked(x, dtype), dims, keepdim), dtype ?? sumType(x.dtype))
}

const flag = (y: Tensor, x: Tensor): Tensor => (x.dtype === 'uint8' ? cast(y, 'uint8') : y)

/** Whether any element over the axes is not 0. uint8 gives uint8, as in PyTorch. */
export function any(x: Tensor, ...args: ReduceArgs): Tensor {
  const { dim, keepdim } = read('any', args)
  return flag(reduced(anyDims, x, dimsOf('any', x, dim), keepdim), x)
}

/** Whether all elements over the axes are not 0. uint8 gives uint8, as in PyTorch. */
export function all(x: Tensor, ...args: ReduceArgs): Tensor {
  const { dim, keepdim } = read('all', args)
  return flag(reduced(allDims, x, dimsOf('all', x, dim), keepdim), x)
}

/** Arguments of `countNonzero`. */
export interface CountNonzeroOptions {
  readonly dim?: Dims
}
/** How many elements over the axes are not 0 (NaN counts), as int32. */
export function countNonzero(x: Tensor, ...args: Args<[dim?: Dims], CountNonzeroOptions>): Tensor {
  const { dim } = readArgs<CountNonzeroOptions>('countNonzero', args, ['dim'])
  return countDims(x, dimsOf('countNonzero', x, dim))
}

/** The weights 0 and 1 of a condition, for multiplying. */
export const weighted = (x: Tensor, condition: Tensor): Tensor => mul(x, cast(condition, x.dtype))
