import { isFloat } from '@mapgrad/kernel'
import { type Args, readArgs } from '../core/args.ts'
import { TensorRangeError, TensorTypeError, describe, isMapgradError, show } from '../core/errors.ts'
import { isTensor } from '../core/handle.ts'
import { type Op, defineOp } from '../core/op.ts'
import { type Scalar, checkOperand, checkTensor } from '../core/promote.ts'
import { type Shape, normalizeDim, numel } from '../core/shape.ts'
import { pointwise } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { div, mul } from './binary.ts'
import { cast, filledLike } from './cast.ts'
import { eq } from './compare.ts'
import { type IndexParams, indexAxes, putAxes } from './index.ts'
import { asIndex } from './position.ts'
import { type Reduction, reduceInto, scatterAlong } from './scatter.ts'
import { stopGradient } from './unary.ts'
import { atLeast1, expandTo, reshapeTo } from './view.ts'
import { where } from './where.ts'

interface IndexArgs {
  readonly dim?: number
  readonly index?: Tensor
}

/** A vector of indices into one axis of x, and where that axis lies. */
function axisIndex(
  op: string,
  x: Tensor,
  dim: number | undefined,
  index: Tensor | undefined,
  wrap = false,
): [x: Tensor, index: Tensor, axis: number, params: IndexParams] {
  checkTensor(op, x)
  const i = asIndex(op, index!, `${op}(): Expected dtype int32 or int64 for index`)
  if (i.ndim > 1)
    throw new TensorRangeError(`${op}(): Index is supposed to be a vector, got shape ${show(i.shape)}`, { op, code: 'INDEX_SHAPE' })
  const axis = normalizeDim(op, dim as number, x.ndim)
  const y = atLeast1(x)
  return [y, atLeast1(i), axis, { before: axis, own: 1, after: y.ndim - axis - 1, wrap, axes: [axis], says: wrap ? 'index' : 'self' }]
}

/** The elements of axis `dim` that a vector of indices names, in its order. Negative indices are out of range. */
export function indexSelect(x: Tensor, ...args: Args<[dim: number, index: Tensor], IndexArgs>): Tensor {
  const { dim, index } = readArgs<IndexArgs>('indexSelect', args, ['dim', 'index'])
  const [y, i, , params] = axisIndex('indexSelect', x, dim, index)
  if (x.ndim === 0 && numel(i.shape) !== 1)
    throw new TensorRangeError(`indexSelect(): Index to scalar can have only 1 value, got ${numel(i.shape)} value(s)`, {
      op: 'indexSelect',
      code: 'INDEX_SHAPE',
    })
  const z = indexAxes([y, i], params)
  return x.ndim === 0 ? reshapeTo(z, []) : z
}

interface IndexSource extends IndexArgs {
  readonly source?: Tensor
}

/** Refuses a source that does not have x's shape with as many elements along the axis as there are indices. */
function checkSource(op: string, x: Tensor, axis: number, index: Tensor, source: Tensor | undefined): Tensor {
  checkTensor(op, source, 'the source to be a Tensor')
  const s = atLeast1(source!)
  if (source!.dtype !== x.dtype)
    throw new TensorTypeError(
      `${op}(): self (${x.dtype}) and source (${source!.dtype}) must have the same scalar type. Convert the source with x.to('${x.dtype}')`,
      { op, code: 'DTYPE' },
    )
  const count = s.shape[axis] ?? 1
  if (count !== index.shape[0])
    throw new TensorRangeError(
      `${op}(): Number of indices (${index.shape[0]}) should be equal to source.size(dim): (${count}), for dim: ${axis}`,
      { op, code: 'SHAPE_MISMATCH' },
    )
  if (s.ndim !== x.ndim || s.shape.some((n, d) => d !== axis && n !== x.shape[d]))
    throw new TensorRangeError(
      `source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = ${show(x.shape)} source.shape = ${show(source!.shape)}`,
      { op, code: 'SHAPE_MISMATCH' },
    )
  return s
}

/** Arguments of `indexAdd`. */
export interface IndexAddOptions extends IndexSource {
  /** multiplies the source; default 1 */
  readonly alpha?: number
}

/** x with `alpha` times the slices of `source` added to the slices of axis `dim` that the indices name. */
export function indexAdd(x: Tensor, ...args: Args<[dim: number, index: Tensor, source: Tensor], IndexAddOptions>): Tensor {
  const { dim, index, source, alpha = 1 } = readArgs<IndexAddOptions>('indexAdd', args, ['dim', 'index', 'source'], ['alpha'])
  const [y, i, axis, params] = axisIndex('indexAdd', x, dim, index)
  const s = checkSource('indexAdd', y, axis, i, source)
  if (!isFloat(x.dtype) && !Number.isInteger(alpha))
    throw new TensorTypeError(
      `For integral input tensors, argument alpha must not be a floating point number, got ${alpha} for ${x.dtype}`,
      { op: 'indexAdd', code: 'DTYPE' },
    )
  return reshapeTo(putAxes([y, alpha === 1 ? s : cast(mul(s, alpha), s.dtype), i], { ...params, says: 'index', accumulate: true }), x.shape)
}

/** x with the slices of axis `dim` that the indices name replaced by those of `source`; where indices repeat, by the last. */
export function indexCopy(x: Tensor, ...args: Args<[dim: number, index: Tensor, source: Tensor], IndexSource>): Tensor {
  const { dim, index, source } = readArgs<IndexSource>('indexCopy', args, ['dim', 'index', 'source'])
  const [y, i, axis, params] = axisIndex('indexCopy', x, dim, index)
  return reshapeTo(putAxes([y, checkSource('indexCopy', y, axis, i, source), i], { ...params, says: 'index', accumulate: false }), x.shape)
}

/** Arguments of `indexFill`. */
export interface IndexFillOptions extends IndexArgs {
  readonly value?: Tensor | Scalar
}

/** A number or 0-d tensor in x's dtype. */
function fillValue(op: string, x: Tensor, value: Tensor | Scalar | undefined): Tensor {
  checkOperand(op, value)
  if (!isTensor(value)) return filledLike(x, value!, x.dtype)
  if (value.ndim > 0)
    throw new TensorRangeError(`${op} only supports a 0-dimensional value tensor, but got tensor with ${value.ndim} dimension(s).`, {
      op,
      code: 'RANK',
    })
  return cast(value, x.dtype)
}

/** x with one value in the slices of axis `dim` that the indices name. */
export function indexFill(x: Tensor, ...args: Args<[dim: number, index: Tensor, value: Tensor | Scalar], IndexFillOptions>): Tensor {
  const { dim, index, value } = readArgs<IndexFillOptions>('indexFill', args, ['dim', 'index', 'value'])
  const [y, i, axis, params] = axisIndex('indexFill', x, dim, index, true)
  const src = expandTo(
    fillValue('indexFill', x, value),
    y.shape.map((n, d) => (d === axis ? i.shape[0]! : n)),
  )
  return reshapeTo(putAxes([y, src, i], { ...params, accumulate: false }), x.shape)
}

/** Arguments of `indexReduce`. */
export interface IndexReduceOptions extends IndexSource {
  readonly reduce?: Reduction
  readonly includeSelf?: boolean
}

/** x with the slices of `source` combined into those of axis `dim` that the indices name: by `prod`, `mean`, `amax` or `amin`. */
export function indexReduce(
  x: Tensor,
  ...args: Args<[dim: number, index: Tensor, source: Tensor, reduce: Reduction], IndexReduceOptions>
): Tensor {
  const {
    dim,
    index,
    source,
    reduce,
    includeSelf = true,
  } = readArgs<IndexReduceOptions>('indexReduce', args, ['dim', 'index', 'source', 'reduce'], ['includeSelf'])
  if (reduce !== 'prod' && reduce !== 'mean' && reduce !== 'amax' && reduce !== 'amin')
    throw new TensorTypeError(`index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got ${describe(reduce)}.`, {
      op: 'indexReduce',
      code: 'REDUCE',
    })
  const [y, i, axis] = axisIndex('indexReduce', x, dim, index)
  const s = checkSource('indexReduce', y, axis, i, source)
  const along = expandTo(
    reshapeTo(
      i,
      s.shape.map((n, d) => (d === axis ? n : 1)),
    ),
    s.shape,
  )
  return reshapeTo(reduceInto(y, along, s, { dim: axis - y.ndim, axis }, reduce, includeSelf), x.shape)
}

const flat = (x: Tensor): Tensor => reshapeTo(x, [numel(x.shape)])
const taking: IndexParams = { before: 0, own: 1, after: 0, wrap: true, axes: [0], says: 'take' }

/** The elements of the flattened x at `index`, in its shape. Negative indices count from the end. */
export function take(x: Tensor, ...args: Args<[index: Tensor], { readonly index?: Tensor }>): Tensor {
  const { index } = readArgs<{ readonly index?: Tensor }>('take', args, ['index'])
  checkTensor('take', x)
  const i = asIndex('take', index!, 'take(): Expected a long tensor for index')
  return reshapeTo(indexAxes([flat(x), flat(i)], taking), i.shape)
}

/** Arguments of `put`. */
export interface PutOptions {
  readonly index?: Tensor
  readonly source?: Tensor
  readonly accumulate?: boolean
}

/** x with the elements of `source` written (or added, with `accumulate`) at flat positions `index`. */
export function put(x: Tensor, ...args: Args<[index: Tensor, source: Tensor, accumulate?: boolean], PutOptions>): Tensor {
  const { index, source, accumulate = false } = readArgs<PutOptions>('put', args, ['index', 'source', 'accumulate'])
  checkTensor('put', x)
  checkTensor('put', source, 'the source to be a Tensor')
  const i = asIndex('put', index!, 'put_(): Expected a long tensor for index')
  if (source!.dtype !== x.dtype)
    throw new TensorTypeError(
      `put_(): self and source expected to have the same dtype, but got self.dtype = ${x.dtype} and source.dtype = ${source!.dtype}`,
      { op: 'put', code: 'DTYPE' },
    )
  if (numel(source!.shape) !== numel(i.shape))
    throw new TensorRangeError(
      `put_(): Expected source and index to have the same number of elements, but got source.numel() = ${numel(source!.shape)}, index.numel() = ${numel(i.shape)}`,
      { op: 'put', code: 'SHAPE_MISMATCH' },
    )
  return reshapeTo(putAxes([flat(x), flat(source!), flat(i)], { ...taking, accumulate }), x.shape)
}

/** Arguments of `maskedFill`. */
export interface MaskedFillOptions {
  readonly mask?: Tensor
  readonly value?: Tensor | Scalar
}

/** `mask ? value : x` over their broadcast shape, in x's dtype; the value is a number or a 0-d tensor. */
export function maskedFill(x: Tensor, ...args: Args<[mask: Tensor, value: Tensor | Scalar], MaskedFillOptions>): Tensor {
  const { mask, value } = readArgs<MaskedFillOptions>('maskedFill', args, ['mask', 'value'])
  checkTensor('maskedFill', x)
  checkTensor('maskedFill', mask, 'the mask to be a Tensor')
  if (mask!.dtype !== 'bool')
    throw new TensorTypeError(`masked_fill_ only supports boolean masks, but got mask with dtype ${mask!.dtype}`, {
      op: 'maskedFill',
      code: 'MASK_DTYPE',
    })
  return where(mask!, fillValue('masked_fill_', x, value), x)
}

/** Values as they are; cotangents times s. */
export const scaleGradient: Op<[x: Tensor, s: Tensor]> = defineOp<[x: Tensor, s: Tensor]>({
  name: 'scale_gradient',
  result: ([x]) => x,
  compute: pointwise((x) => x!),
  batch: 'leading',
  diff: { kind: 'custom', jvp: (_, __, [dx]) => [dx], vjp: (_, [, s], [ct]) => [ct ? mul(ct, s) : null, null] },
})

/** Arguments of `embedding`. */
export interface EmbeddingOptions {
  readonly weight?: Tensor
  /** the row that gets no gradient */
  readonly paddingIdx?: number | null
  /** divides each row's gradient by how often the row was asked for */
  readonly scaleGradByFreq?: boolean
  /** has no effect: gradients are dense */
  readonly sparse?: boolean
}

/** The rows of `weight` `[rows, width]` that `input` names: `[…] → […, width]`. */
export function embedding(input: Tensor, ...args: Args<[weight: Tensor, paddingIdx?: number | null], EmbeddingOptions>): Tensor {
  const {
    weight: w,
    paddingIdx,
    scaleGradByFreq = false,
  } = readArgs<EmbeddingOptions>('embedding', args, ['weight', 'paddingIdx'], ['scaleGradByFreq', 'sparse'])
  checkTensor('embedding', w, 'the weight to be a Tensor')
  const weight = w!
  const i = asIndex('embedding', input, "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int")
  if (weight.ndim !== 2)
    throw new TensorRangeError(`'weight' must be 2-D, got shape ${show(weight.shape)}`, { op: 'embedding', code: 'RANK' })
  const [rows, width] = weight.shape as [number, number]
  let y = indexAxes([weight, i], { before: 0, own: i.ndim, after: 1, wrap: false, axes: [0], says: 'self' })
  const column = [...i.shape, 1]
  if (scaleGradByFreq) {
    const count = scatterAlong(
      filledLike(weight, 0, weight.dtype, [rows]),
      flat(i),
      filledLike(weight, 1, weight.dtype, [numel(i.shape)]),
      { dim: -1, axis: 0, op: 'sum' },
    )
    const often = indexAxes([count, i], { before: 0, own: i.ndim, after: 0, wrap: false, axes: [0], says: 'self' })
    y = scaleGradient(y, expandTo(reshapeTo(div(1, often), column), [...i.shape, width]))
  }
  if (paddingIdx === undefined || paddingIdx === null) return y
  if (paddingIdx < -rows || paddingIdx >= rows)
    throw new TensorRangeError(`Padding_idx must be within num_embeddings, got ${paddingIdx} for ${rows} rows`, {
      op: 'embedding',
      code: 'INDEX_RANGE',
    })
  return where(reshapeTo(eq(i, paddingIdx < 0 ? paddingIdx + rows : paddingIdx), column), stopGradient(y), y)
}

/** 1 where the last axis equals the class, else 0: `[…] → […, numClasses]`, int32 (int64 of int64). Without `numClasses` (−1) one more than the largest class. */
export function oneHot(x: Tensor, ...args: Args<[numClasses?: number], { readonly numClasses?: number }>): Tensor {
  const { numClasses = -1 } = readArgs<{ readonly numClasses?: number }>('oneHot', args, ['numClasses'])
  const i = asIndex('oneHot', x, 'one_hot is only applicable to index tensor of type LongTensor')
  const classes = numClasses === -1 ? classesOf(i) : numClasses
  const shape: Shape = [...x.shape, Math.max(classes, 0)]
  const zeros = filledLike(x, 0, x.dtype === 'int64' ? 'int64' : 'int32', shape)
  if (numel(x.shape) === 0) return zeros
  try {
    return scatterAlong(zeros, reshapeTo(i, [...x.shape, 1]), filledLike(x, 1, zeros.dtype, [...x.shape, 1]), {
      dim: -1,
      axis: x.ndim,
      op: 'set',
    })
  } catch (error) {
    if (!isMapgradError(error) || error.code !== 'INDEX_RANGE') throw error
    const negative = error.message.includes('index -')
    throw new TensorRangeError(
      negative ? 'Class values must be non-negative.' : `Class values must be smaller than num_classes. (${classes})`,
      { op: 'oneHot', code: 'INDEX_RANGE' },
    )
  }
}

/** One more than the largest class. Reads the data. */
function classesOf(x: Tensor): number {
  if (numel(x.shape) === 0)
    throw new TensorRangeError('Can not infer total number of classes from empty tensor. Give numClasses', {
      op: 'oneHot',
      code: 'NUM_CLASSES',
    })
  try {
    x.value.concrete('oneHot')
  } catch (cause) {
    throw new TensorTypeError('When vmap-ing torch.nn.functional.one_hot, please provide an explicit positive num_classes argument.', {
      op: 'oneHot',
      code: 'NUM_CLASSES',
      cause,
    })
  }
  let most = 0
  for (const c of x.dataSync()) most = Math.max(most, Number(c))
  return most + 1
}
