import { type Args, type End, checkEnd, checkGiven, readArgs } from '../core/args.ts'
import { TensorRangeError, TensorTypeError, describe, show } from '../core/errors.ts'
import { isTensor } from '../core/handle.ts'
import { type Scalar, checkOperand, checkTensor } from '../core/promote.ts'
import { type Shape, broadcastShapes, normalizeDim, sameShape } from '../core/shape.ts'
import type { Tensor } from '../tensor.ts'
import { add } from './binary.ts'
import { cast, filledLike } from './cast.ts'
import { type IndexParams, indexAxes, putAxes } from './index.ts'
import { type Indexed, type Indexer, meaningOf } from './indexer.ts'
import { indicesLike, maskIndices } from './nonzero.ts'
import { asIndex } from './position.ts'
import { type AxisSlice, checkIndex, replaceSlices, sliceAxes, sliceOf } from './slice.ts'
import { maskedFill } from './take.ts'
import { apart, clone, expandTo, permuteDims, reshapeTo } from './view.ts'

/** The dots of `x[..., 0]`: as many whole axes as the other indices leave. */
export const ellipsis: unique symbol = /* @__PURE__ */ Symbol.for('mapgrad.ellipsis') as never

/** `start:stop:step` of an axis, made by `slice`. */
export interface Slice {
  readonly '~mapgrad.slice': true
  readonly start: number | null
  readonly stop: number | null
  readonly step: number | null
}

type Bound = number | null | undefined
type SliceOptions = Partial<Pick<Slice, 'start' | 'stop' | 'step'>>
/** `start:stop:step` for `x.at(…)`: negative places count from the end, places beyond it are its end, the step is positive. */
export function slice(...args: Args<[start?: Bound, stop?: Bound, step?: Bound], SliceOptions>): Slice {
  const { start = null, stop = null, step = null } = readArgs<SliceOptions>('slice', args, ['start', 'stop', 'step'])
  return { '~mapgrad.slice': true, start, stop, step }
}

/** Integers or booleans in nested arrays, standing for a tensor of them. */
export type IndexArray = readonly (number | boolean | IndexArray)[]
/** One index of `x.at(…)`: an integer, a slice, null (a new axis), `ellipsis`, a boolean, a tensor of integers or booleans, or an array of them. */
export type Index = number | Slice | null | typeof ellipsis | boolean | Tensor | IndexArray
/** An index of this package or of another. */
export type AnyIndex = Index | Indexer<unknown> | readonly Indexer<unknown>[]

const isSlice = (i: Index): i is Slice => typeof i === 'object' && i !== null && '~mapgrad.slice' in i

/** A selection in steps: slices of x, then axes of size 1 dropped or added, then 0-d indices, then other index tensors. */
interface Selection {
  readonly slices: readonly AxisSlice[]
  /** the shape after the second step */
  readonly shape: Shape
  /** 0-d index tensors, each of an axis that it drops: they stand for integers, but need not be read. The last axis first */
  readonly points: readonly { readonly index: Tensor; readonly axis: number; readonly named: number }[]
  /** index tensors of one shape, `null` where there are none */
  readonly advanced: { readonly indices: readonly Tensor[]; readonly axes: readonly number[]; readonly named: readonly number[] } | null
}

/** A nested array of an index as a tensor on x's device. */
function fromArray(op: string, x: Tensor, array: IndexArray): Tensor {
  const shape: number[] = []
  for (let a: unknown = array; Array.isArray(a); a = a[0]) shape.push(a.length)
  const values = array.flat(Infinity as 1) as readonly unknown[]
  const kind = typeof values[0]
  if (
    values.length !== shape.reduce((a, b) => a * b, 1) ||
    values.some((v) => typeof v !== kind || (kind !== 'boolean' && !Number.isInteger(v)))
  )
    throw new TensorTypeError(`expected an index array of integers or of booleans, rectangular, got ${describe(array)}`, {
      op,
      code: 'INDEX_TYPE',
    })
  const y = indicesLike(x, values.map(Number), shape)
  return kind === 'boolean' ? cast(y, 'bool') : y
}

const isMask = (i: Tensor): boolean => i.dtype === 'bool' || i.dtype === 'uint8'

/** How many axes of x an index uses up. */
const uses = (i: Index): number => (i === null || i === ellipsis || typeof i === 'boolean' ? 0 : isTensor(i) && isMask(i) ? i.ndim : 1)

function read(op: string, x: Tensor, given: readonly Index[]): Selection {
  const index: Index[] = given.map((i) => (Array.isArray(i) ? fromArray(op, x, i as IndexArray) : i))
  const rank = x.ndim
  const used = index.reduce<number>((n, i) => n + uses(i), 0)
  if (rank === 0 && used > 0)
    throw new TensorRangeError('invalid index of a 0-dim tensor. Use `tensor.item()` to convert a 0-dim tensor to a number', {
      op,
      code: 'TOO_MANY_INDICES',
    })
  if (used > rank)
    throw new TensorRangeError(`too many indices for tensor of dimension ${rank} (got ${used})`, { op, code: 'TOO_MANY_INDICES' })
  const slices: AxisSlice[] = []
  const shape: number[] = []
  const tensors: { index: Tensor; axis: number; named: number }[] = []
  const points: typeof tensors = []
  let d = 0
  const whole = (n: number): void => {
    for (; n > 0; n--) shape.push(x.shape[d++]!)
  }
  let rest = rank - used
  for (const i of index) {
    if (i === null) shape.push(1)
    else if (i === ellipsis) {
      whole(rest)
      rest = 0
    } else if (typeof i === 'boolean') {
      tensors.push({ index: indicesLike(x, i ? [0] : [], [i ? 1 : 0]), axis: shape.length, named: d })
      shape.push(1)
    } else if (typeof i === 'number') {
      const start = checkIndex(op, i, d, x.shape, (k, size) => `index ${k} is out of bounds for dimension ${d} with size ${size}`)
      slices.push({ dim: d - rank, start, step: 1, length: 1, size: x.shape[d++]! })
    } else if (isTensor(i)) {
      if (isMask(i)) {
        const j = i.shape.findIndex((n, k) => n !== x.shape[d + k])
        if (j >= 0)
          throw new TensorRangeError(
            `The shape of the mask ${show(i.shape)} at index ${j} does not match the shape of the indexed tensor ${show(x.shape)} at index ${d + j}`,
            { op, code: 'MASK_SHAPE' },
          )
        const found = maskIndices(i.ndim === 0 ? reshapeTo(i, [1]) : i)
        if (i.ndim === 0) shape.push(1)
        found.forEach((index, k) => tensors.push({ index, axis: i.ndim === 0 ? shape.length - 1 : shape.length + k, named: d + k }))
        whole(i.ndim)
      } else {
        ;(i.ndim === 0 ? points : tensors).push({
          index: asIndex(op, i, 'tensors used as indices must be long, int, byte or bool tensors'),
          axis: shape.length,
          named: d,
        })
        whole(1)
      }
    } else if (isSlice(i)) {
      const s = sliceOf(op, d - rank, x.shape[d]!, i.start, i.stop, i.step)
      if (s.length !== s.size) slices.push(s)
      shape.push(s.length)
      d++
    } else
      throw new TensorTypeError(
        `expected integers, slice(start, stop, step), null, ellipsis, booleans, integer or boolean Tensors, or arrays of them as indices, got ${describe(i)}`,
        { op, code: 'INDEX_TYPE' },
      )
  }
  whole(rank - d)
  points.reverse()
  if (!tensors.length) return { slices, shape, points, advanced: null }
  let common: Shape = []
  try {
    for (const { index: i } of tensors) common = broadcastShapes(op, common, i.shape)
  } catch (cause) {
    throw new TensorRangeError(
      `shape mismatch: indexing tensors could not be broadcast together with shapes ${tensors.map((t) => show(t.index.shape)).join(', ')}`,
      { op, code: 'SHAPE_MISMATCH', cause },
    )
  }
  const axes = tensors.map((t) => t.axis - points.filter((p) => p.axis < t.axis).length)
  return {
    slices,
    shape,
    points,
    advanced: { indices: tensors.map((t) => expandTo(t.index, common)), axes, named: tensors.map((t) => t.named) },
  }
}

/** The slices and dropped or added axes of a selection: a view. */
function basic(x: Tensor, { slices, shape }: Selection): Tensor {
  const y = slices.length ? sliceAxes(x, slices) : x
  return sameShape(y.shape, shape) ? y : reshapeTo(y, shape)
}

/** One 0-d index: the params that select by it, or put. */
const pointParams = (x: Tensor, { axis, named }: Selection['points'][number]): IndexParams => ({
  before: axis,
  own: 0,
  after: x.ndim - axis - 1,
  wrap: true,
  axes: [named],
  says: 'index',
})

/** The operand and params of the index tensors: adjacent axes stay in place, separate ones come first. */
function arranged(
  x: Tensor,
  { indices, axes, named }: NonNullable<Selection['advanced']>,
): { x: Tensor; params: IndexParams; order: readonly number[] | null } {
  const own = indices[0]!.ndim
  const params: IndexParams = { before: axes[0]!, own, after: x.ndim - axes[0]! - axes.length, wrap: true, axes: named, says: 'index' }
  if (axes.every((a, i) => a === axes[0]! + i)) return { x, params, order: null }
  const order = [...axes, ...x.shape.map((_, i) => i).filter((i) => !axes.includes(i))]
  return { x: permuteDims(x, order), params: { ...params, before: 0, after: x.ndim - axes.length }, order }
}

/**
 * The elements that the indices select, NumPy's rules as PyTorch has them: integers drop an axis, slices keep it, null adds
 * one; index tensors broadcast together and stand where they are if adjacent, else in front. Views unless tensors index.
 * @throws TensorRangeError for an index outside its axis
 */
export function at<I extends readonly AnyIndex[]>(x: Tensor, ...index: I): Indexed<I[number]>
export function at(x: Tensor, ...index: readonly AnyIndex[]): unknown {
  checkTensor('at', x)
  return meaningOf(index)?.at(x, index) ?? select(x, index as readonly Index[])
}

function select(x: Tensor, index: readonly Index[]): Tensor {
  const selection = read('at', x, index)
  let y = basic(x, selection)
  for (const p of selection.points) y = indexAxes([y, p.index], pointParams(y, p))
  if (!selection.advanced) return y === x ? reshapeTo(x, x.shape) : y
  const { x: operand, params } = arranged(y, selection.advanced)
  return indexAxes([operand, ...selection.advanced.indices], params)
}

/** `values` at the shape of a selection. */
function valuesFor(op: string, x: Tensor, values: Tensor | Scalar, shape: Shape, code: (got: Shape) => string): Tensor {
  checkOperand(op, values)
  if (!isTensor(values)) return filledLike(x, values, x.dtype, shape)
  let v = values
  while (v.ndim > shape.length && v.shape[0] === 1) v = reshapeTo(v, v.shape.slice(1))
  const fits = v.ndim <= shape.length && v.shape.every((n, i) => n === 1 || n === shape[shape.length - v.ndim + i])
  if (!fits) throw new TensorRangeError(code(values.shape), { op, code: 'SHAPE_MISMATCH' })
  return expandTo(v, shape)
}

/** `values` at the shape of a region that they replace. */
export function valuesAt(op: string, region: Tensor, values: Tensor | Scalar): Tensor {
  const { shape } = region
  return valuesFor(op, region, values, shape, (got) => {
    if (got.length > shape.length)
      return `expand(${region.dtype}{${show(got)}}, size=${show(shape)}): the number of sizes provided (${shape.length}) must be greater or equal to the number of dimensions in the tensor (${got.length})`
    const lead = shape.length - got.length
    const i = shape.findIndex((n, k) => k >= lead && got[k - lead] !== 1 && got[k - lead] !== n)
    return `The expanded size of the tensor (${shape[i]}) must match the existing size (${got[i - lead]}) at non-singleton dimension ${i}.  Target sizes: ${show(shape)}.  Tensor sizes: ${show(got)}`
  })
}

function putAt(op: string, x: Tensor, given: readonly AnyIndex[], values: Tensor | Scalar, accumulate: boolean): Tensor {
  checkTensor(op, x)
  if (!Array.isArray(given))
    throw new TensorTypeError(`expected an array of indices, one an axis, got ${describe(given)}. Write it as [index]`, {
      op,
      code: 'INDEX_TYPE',
    })
  const meaning = meaningOf(given)
  if (meaning) return meaning.put(x, given, values, accumulate)
  const index = given as readonly Index[]
  const [only] = index
  if (
    !accumulate &&
    index.length === 1 &&
    isTensor(only) &&
    only.dtype === 'bool' &&
    only.ndim <= x.ndim &&
    (!isTensor(values) || values.ndim === 0)
  )
    return masked(op, x, only, values)
  const selection = read(op, x, index)
  const regions = [basic(x, selection)]
  for (const p of selection.points) regions.push(indexAxes([regions.at(-1)!, p.index], pointParams(regions.at(-1)!, p)))
  const region = regions.at(-1)!
  let next: Tensor
  if (selection.advanced) {
    const { indices } = selection.advanced
    const { x: operand, params, order } = arranged(region, selection.advanced)
    const shape = [...operand.shape.slice(0, params.before), ...indices[0]!.shape, ...operand.shape.slice(operand.ndim - params.after)]
    if (isTensor(values) && values.dtype !== x.dtype && values.ndim > 0)
      throw new TensorTypeError(
        `Index put requires the source and destination dtypes match, got ${x.dtype} for the destination and ${values.dtype} for the source. Convert it with x.to('${x.dtype}')`,
        { op, code: 'DTYPE' },
      )
    const src = valuesFor(
      op,
      x,
      isTensor(values) ? cast(values, x.dtype) : values,
      shape,
      (got) => `shape mismatch: value tensor of shape ${show(got)} cannot be broadcast to indexing result of shape ${show(shape)}`,
    )
    const y = putAxes([operand, src, ...indices], { ...params, accumulate })
    next = order
      ? permuteDims(
          y,
          order.map((_, i) => order.indexOf(i)),
        )
      : y
  } else {
    const v = valuesAt(op, region, isTensor(values) ? cast(values, x.dtype) : values)
    next = accumulate ? add(region, v) : v
  }
  for (let j = selection.points.length - 1; j >= 0; j--)
    next = putAxes([regions[j]!, next, selection.points[j]!.index], {
      ...pointParams(regions[j]!, selection.points[j]!),
      accumulate: false,
    })
  if (!selection.slices.length) return next === x ? clone(x) : apart(reshapeTo(next, x.shape))
  const places = x.shape.map((n, d) => selection.slices.find((s) => s.dim === d - x.ndim)?.length ?? n)
  return replaceSlices(x, reshapeTo(next, places), selection.slices)
}

/** A mask over leading axes, which needs no reading of it when one value goes everywhere. */
function masked(op: string, x: Tensor, mask: Tensor, value: Tensor | Scalar): Tensor {
  const j = mask.shape.findIndex((n, k) => n !== x.shape[k])
  if (j >= 0)
    throw new TensorRangeError(
      `The shape of the mask ${show(mask.shape)} at index ${j} does not match the shape of the indexed tensor ${show(x.shape)} at index ${j}`,
      { op, code: 'MASK_SHAPE' },
    )
  return maskedFill(x, reshapeTo(mask, [...mask.shape, ...x.shape.slice(mask.ndim).map(() => 1)]), value)
}

/** x with `value` at the places that `index` selects, as `x[index] = value` leaves it; the value is broadcast. Where indices repeat, the last stays. */
export function setAt(x: Tensor, index: readonly AnyIndex[], value: Tensor | Scalar, ...end: End): Tensor {
  checkEnd('setAt', end)
  return putAt('setAt', x, index, value, false)
}
/** Arguments of `indexPut`. */
export interface IndexPutOptions {
  readonly indices?: readonly AnyIndex[]
  readonly values?: Tensor | Scalar
  readonly accumulate?: boolean
}

/**
 * x with `values` written (or added, with `accumulate`) at the places that the index tensors select. Where indices repeat,
 * writing keeps the last, and it alone gets the gradient; adding adds all. `null` among the indices is a whole axis.
 */
export function indexPut(
  x: Tensor,
  ...args: Args<[indices: readonly AnyIndex[], values: Tensor | Scalar, accumulate?: boolean], IndexPutOptions>
): Tensor {
  const o = readArgs<IndexPutOptions>('indexPut', args, ['indices', 'values', 'accumulate'])
  checkGiven('indexPut', o, 'indices', 'values')
  const { indices = [], values = 0, accumulate = false } = o
  return putAt(
    'indexPut',
    x,
    Array.isArray(indices) ? indices.map((i: AnyIndex) => (i === null ? slice() : i)) : indices,
    values,
    accumulate,
  )
}

/** Arguments of `selectScatter`. */
export interface SelectScatterOptions {
  readonly src?: Tensor
  readonly dim?: number
  readonly index?: number
}
const wholes = (n: number): Slice[] => Array.from({ length: n }, () => slice())

function scatterInto(op: string, x: Tensor, src: Tensor | undefined, index: readonly Index[]): Tensor {
  checkTensor(op, src, 'src to be a Tensor')
  const { shape } = at(x, ...index)
  if (!sameShape(src!.shape, shape))
    throw new TensorRangeError(
      `expected src to have a size equal to the slice of self. src size = ${show(src!.shape)}, slice size = ${show(shape)}`,
      { op, code: 'SHAPE_MISMATCH' },
    )
  return putAt(op, x, index, src!, false)
}

/** x with element `index` of axis `dim` replaced by src. */
export function selectScatter(x: Tensor, ...args: Args<[src: Tensor, dim: number, index: number], SelectScatterOptions>): Tensor {
  const { src, dim, index } = readArgs<SelectScatterOptions>('selectScatter', args, ['src', 'dim', 'index'])
  checkTensor('selectScatter', x)
  return scatterInto('selectScatter', x, src, [...wholes(normalizeDim('selectScatter', dim as number, x.ndim)), index as number])
}

/** Arguments of `sliceScatter`. */
export interface SliceScatterOptions {
  readonly src?: Tensor
  readonly dim?: number
  readonly start?: number | null
  readonly end?: number | null
  readonly step?: number
}

/** x with the slice `start:end:step` of axis `dim` (default 0) replaced by src. */
export function sliceScatter(
  x: Tensor,
  ...args: Args<[src: Tensor, dim?: number, start?: number | null, end?: number | null, step?: number], SliceScatterOptions>
): Tensor {
  const { src, dim = 0, start, end, step } = readArgs<SliceScatterOptions>('sliceScatter', args, ['src', 'dim', 'start', 'end', 'step'])
  checkTensor('sliceScatter', x)
  return scatterInto('sliceScatter', x, src, [...wholes(normalizeDim('sliceScatter', dim, x.ndim)), slice(start, end, step)])
}
