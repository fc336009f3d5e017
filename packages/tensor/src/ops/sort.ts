import { isFloat } from '@mapgrad/kernel'
import { type Args, type End, checkEnd, readArgs } from '../core/args.ts'
import { TensorRangeError } from '../core/errors.ts'
import { type Op, defineOp } from '../core/op.ts'
import { type ValuesIndices, named } from '../core/outputs.ts'
import { checkTensor } from '../core/promote.ts'
import { normalizeDim, numel, withoutDims } from '../core/shape.ts'
import { decompose, kernel } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { clampMin, floorDivide, sub } from './binary.ts'
import { cast, filledLike } from './cast.ts'
import { gt, ne } from './compare.ts'
import { argmax, checkNotEmpty, shared } from './extreme.ts'
import { gather } from './gather.ts'
import { positionsLike } from './position.ts'
import { type Reduction, readDims, sumDims } from './reduce.ts'
import { alongLast, cummax } from './scan.ts'
import { scatterAdd } from './scatter.ts'
import { checkInteger } from './integers.ts'
import { embedAxes, narrowAxis, selectAxis } from './slice.ts'
import { isnan, stopGradient } from './unary.ts'
import { moveAxis, reshapeTo } from './view.ts'
import { where } from './where.ts'

type X = [x: Tensor]
interface SortParams {
  readonly descending: boolean
}

/** Sorted values along the last axis and where they were; stable, NaN counts as the largest. */
export const sortLast: Op<X, SortParams, [x: Tensor, descending: boolean], readonly Tensor[]> = defineOp({
  name: 'sort',
  args: (x: Tensor, descending: boolean): readonly [X, SortParams] => [[x], { descending }],
  result: ([x]) => [x, { shape: x.shape, dtype: 'int32' }],
  compute: kernel('sort', (p) => p),
  batch: 'leading',
  diff: {
    kind: 'custom',
    jvp: ([, index], _, [dx]) => [dx ? gather(dx, -1, index!) : null, null],
    vjp: ([, index], [x], [ct]) => [ct ? scatterAdd(filledLike(x, 0, x.dtype, x.shape), -1, index!, ct) : null],
  },
})

/** `sortLast` of any dtype: bools as numbers. */
function sorted(x: Tensor, descending: boolean): readonly Tensor[] {
  if (x.dtype !== 'bool') return sortLast(x, descending)
  const [values, indices] = sortLast(cast(x, 'uint8'), descending)
  return [cast(values!, 'bool'), indices!]
}

const pair = (outputs: readonly Tensor[]): ValuesIndices => named(['values', 'indices'], outputs)

/** Arguments of `sort` and `argsort`. */
export interface SortOptions {
  readonly dim?: number
  readonly descending?: boolean
  /** has no effect: the order of ties is always kept */
  readonly stable?: boolean
}
/** Arguments of `sort` and `argsort`, by position or by name. */
export type SortArgs = Args<[dim?: number, descending?: boolean], SortOptions>

/** The elements in order along `dim` (the last by default) and where they were. Ties keep their order; NaN counts as the largest. */
export function sort(x: Tensor, ...args: SortArgs): ValuesIndices {
  checkTensor('sort', x)
  const { dim = -1, descending = false } = readArgs<SortOptions>('sort', args, ['dim', 'descending'], ['stable'])
  return pair(alongLast('sort', x, dim, (t) => sorted(t, descending)))
}
/** Where the elements of the sorted tensor were; the indices of `sort`. */
export function argsort(x: Tensor, ...args: SortArgs): Tensor {
  checkTensor('argsort', x)
  const { dim = -1, descending = false } = readArgs<SortOptions>('argsort', args, ['dim', 'descending'], ['stable'])
  return alongLast('argsort', x, dim, (t) => sorted(stopGradient(t), descending))[1]!
}
/** The elements in order along the first axis. */
export function msort(x: Tensor, ...end: End): Tensor {
  checkEnd('msort', end)
  return sort(x, 0).values
}

/** Arguments of `topk`. */
export interface TopkOptions {
  readonly k?: number
  readonly dim?: number
  readonly largest?: boolean
  /** has no effect: the result is always in order */
  readonly sorted?: boolean
}
/** The `k` largest (or smallest) elements along `dim` in order, and where they were; of ties the first. */
export function topk(x: Tensor, ...args: Args<[k: number, dim?: number, largest?: boolean, sorted?: boolean], TopkOptions>): ValuesIndices {
  checkTensor('topk', x)
  const { k, dim = -1, largest = true } = readArgs<TopkOptions>('topk', args, ['k', 'dim', 'largest', 'sorted'])
  const n = x.shape[normalizeDim('topk', dim, x.ndim)] ?? 1
  const count = checkInteger('topk', 'k', k)
  if (count < 0 || count > n)
    throw new TensorRangeError(`selected index k out of range: expected 0 ≤ k ≤ ${n}, got ${count}`, { op: 'topk', code: 'K_RANGE' })
  if (x.ndim === 0 && count === 0) return pair([filledLike(x, 0, x.dtype, [0]), filledLike(x, 0, 'int32', [0])])
  return pair(alongLast('topk', x, dim, (t) => sorted(t, largest).map((y) => narrowAxis(y, t.ndim - 1, 0, count))))
}

/** Arguments of reductions that choose an element along a dim. */
export interface ChooseOptions {
  readonly dim?: number
  readonly keepdim?: boolean
}

/** The elements at a place of the sorted last axis, and where they were. `place` gives it from the axis's NaN count. */
function ranked(
  op: string,
  x: Tensor,
  dim: number,
  keepdim: boolean,
  place: (nans: Tensor | null, n: number) => Tensor | number,
): ValuesIndices {
  const axis = normalizeDim(op, dim, x.ndim)
  if (x.ndim) checkNotEmpty(op, x, [axis - x.ndim], false)
  const t = x.ndim ? moveAxis(x, axis, x.ndim - 1) : reshapeTo(x, [1])
  const last = t.ndim - 1
  const both = sorted(t, false)
  const at = place(isFloat(x.dtype) ? reshapeTo(sumDims(isnan(t), [-1]), [...t.shape.slice(0, -1), 1]) : null, t.shape[last]!)
  const chosen = both.map((y) => (typeof at === 'number' ? narrowAxis(y, last, at, 1) : gather(y, last, at)))
  if (!x.ndim) return pair(chosen.map((y) => reshapeTo(y, [])))
  return pair(chosen.map((y) => (keepdim ? moveAxis(y, last, axis) : selectAxis(y, last, 0))))
}

/** The `k`-th smallest element along `dim`, counted from 1, and where it is; NaN counts as the largest. */
export function kthvalue(
  x: Tensor,
  ...args: Args<[k: number, dim?: number, keepdim?: boolean], ChooseOptions & { readonly k?: number }>
): ValuesIndices {
  checkTensor('kthvalue', x)
  const { k, dim = -1, keepdim = false } = readArgs<ChooseOptions & { k?: number }>('kthvalue', args, ['k', 'dim', 'keepdim'])
  const count = checkInteger('kthvalue', 'k', k)
  return ranked('kthvalue', x, dim, keepdim, (_, n) => {
    if (count < 1 || count > n)
      throw new TensorRangeError(
        `kthvalue(): selected number k out of range for dimension ${normalizeDim('kthvalue', dim, x.ndim)}: expected 1 ≤ k ≤ ${n}, got ${count}`,
        { op: 'kthvalue', code: 'K_RANGE' },
      )
    return count - 1
  })
}

/** the first NaN if there is one, else the lower of the two in the middle */
const middle = (nans: Tensor | null, n: number): Tensor | number => (nans ? where(gt(nans, 0), sub(n, nans), (n - 1) >> 1) : (n - 1) >> 1)
/** the lower of the two in the middle of what is not NaN */
const middleOfNumbers = (nans: Tensor | null, n: number): Tensor | number =>
  nans ? clampMin(floorDivide(sub(n - 1, nans), 2), 0) : (n - 1) >> 1

const wholeMedian = /* @__NO_SIDE_EFFECTS__ */ (name: string, place: typeof middle): Reduction =>
  defineOp({
    name,
    args: readDims,
    result: ([x], { dims }) => ({ shape: withoutDims(x.shape, dims), dtype: x.dtype }),
    // dims are all axes but leading ones of a batch
    compute: decompose(([x], { dims }) => {
      const shape = withoutDims(x.shape, dims)
      return ranked(name, reshapeTo(x, [...shape, numel(x.shape.slice(shape.length))]), -1, false, place).values
    }),
    batch: 'leading',
    diff: shared(),
  })
export const medianOf: Reduction = wholeMedian('median', middle)
export const nanmedianOf: Reduction = wholeMedian('nanmedian', middleOfNumbers)

function medians(name: string, op: Reduction, place: typeof middle, x: Tensor, args: readonly unknown[]): Tensor | ValuesIndices {
  checkTensor(name, x)
  const { dim, keepdim = false } = readArgs<ChooseOptions>(name, args, ['dim', 'keepdim'])
  if (dim !== undefined) return ranked(name, x, dim, keepdim, place)
  if (numel(x.shape) === 0) return filledLike(x, isFloat(x.dtype) ? NaN : 0)
  return op(
    x,
    x.shape.map((_, i) => i - x.ndim),
  )
}

/** Arguments of `topk`, by position or by name. */
export type ChooseArgs = Args<[dim: number, keepdim?: boolean], ChooseOptions>

/**
 * The median of all elements, or along a dim with where it is: the lower of two in the middle, NaN if there is one.
 * Without a dim, elements that have the value share the derivative.
 */
export function median(x: Tensor): Tensor
export function median(x: Tensor, ...args: ChooseArgs): ValuesIndices
export function median(x: Tensor, ...args: readonly unknown[]): Tensor | ValuesIndices {
  return medians('median', medianOf, middle, x, args)
}
/** The median of what is not NaN; as `median`. */
export function nanmedian(x: Tensor): Tensor
export function nanmedian(x: Tensor, ...args: ChooseArgs): ValuesIndices
export function nanmedian(x: Tensor, ...args: readonly unknown[]): Tensor | ValuesIndices {
  return medians('nanmedian', nanmedianOf, middleOfNumbers, x, args)
}

/** The most frequent element along `dim` (the last by default), the smallest of ties, and where it is last. */
export function mode(x: Tensor, ...args: Args<[dim?: number, keepdim?: boolean], ChooseOptions>): ValuesIndices {
  checkTensor('mode', x)
  const { dim = -1, keepdim = false } = readArgs<ChooseOptions>('mode', args, ['dim', 'keepdim'])
  const axis = normalizeDim('mode', dim, x.ndim)
  if (x.ndim) checkNotEmpty('mode', x, [axis - x.ndim], false)
  const t = x.ndim ? moveAxis(x, axis, x.ndim - 1) : reshapeTo(x, [1])
  const last = t.ndim - 1
  const [values, indices] = sorted(t, false)
  const at = longestRunEnd(stopGradient(values!))
  const chosen = [values!, indices!].map((y) => gather(y, last, at))
  if (!x.ndim) return pair(chosen.map((y) => reshapeTo(y, [])))
  return pair(chosen.map((y) => (keepdim ? moveAxis(y, last, axis) : selectAxis(y, last, 0))))
}

/** Where the first of the longest runs of equal elements along the last axis ends. */
function longestRunEnd(x: Tensor): Tensor {
  const last = x.ndim - 1
  const n = x.shape[last]!
  const place = positionsLike(x, n)
  if (n === 1) return filledLike(x, 0, 'int32', x.shape)
  const differs = cast(ne(narrowAxis(x, last, 1, n - 1), narrowAxis(x, last, 0, n - 1)), 'int32')
  const starts = embedAxes(differs, [{ dim: -1, start: 1, step: 1, length: n - 1, size: n }])
  const length = sub(place, cummax(where(ne(starts, 0), place, 0), -1).values)
  return argmax(length, -1, true)
}
