import { type Args, isOptions, readArgs, type End, checkEnd } from '../core/args.ts'
import { InternalError, TensorRangeError, TensorTypeError, show } from '../core/errors.ts'
import { isTensor } from '../core/handle.ts'
import { type Op, defineOp } from '../core/op.ts'
import { type Scalar, checkTensor } from '../core/promote.ts'
import { encode, readSync } from '../core/read.ts'
import { type Shape, broadcastShapes, contiguousStrides, normalizeDim, numel } from '../core/shape.ts'
import { ArrayValue } from '../core/value.ts'
import { constant, decompose } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { indexAxes } from './index.ts'
import { checkInteger } from './integers.ts'
import { maskedSelectStatic } from './nonzero-static.ts'
import { asIndex } from './position.ts'
import { narrowAxis } from './slice.ts'
import { indexSelect } from './take.ts'
import { apart, atLeast1, expandTo, reshapeTo } from './view.ts'
import { where as select } from './where.ts'

/** Host integers as an int32 tensor on the device of another. */
export function indicesLike(like: Tensor, data: readonly number[], shape: Shape): Tensor {
  const { backend } = like.value
  const storage = backend.upload(encode('int32', data))
  return like.wrap(new ArrayValue(backend, 'int32', shape, contiguousStrides(shape), 0, { storage, backend, users: 0 }))
}

/** An op whose result's shape depends on its operands' data: it reads them, and has no meaning for several examples at once. */
const dynamic = /* @__NO_SIDE_EFFECTS__ */ <P>(
  name: string,
  says: string,
  refusal: string,
  compute: (x: Tensor, params: P) => Tensor,
): Op<[x: Tensor], P, [x: Tensor, params: P]> =>
  defineOp<[x: Tensor], P, [x: Tensor, params: P]>({
    name,
    args: (x, params) => [[x], params],
    result: () => {
      throw new InternalError('its shape depends on data', name)
    },
    compute: decompose(([x], params) => compute(x, params)),
    batch: () => {
      throw new TensorTypeError(
        `${refusal}. Inside vmap every example must have a result of one shape. Use where(condition, x, y) or a mask as a factor, or give a size: nonzeroStatic(x, { size }), maskedSelect(x, mask, { size })`,
        { package: 'vmap', op: says, code: 'DYNAMIC_SHAPE' },
      )
    },
    diff: constant,
  })

const positionsOf = (name: string, says: string, refusal: string): Op<[x: Tensor], null, [x: Tensor, params: null]> =>
  dynamic<null>(name, says, refusal, (x) => {
    const data = readSync(x.value.concrete(says), says)
    const strides = contiguousStrides(x.shape)
    const found: number[] = []
    let count = 0
    for (let i = 0; i < data.length; i++) {
      // int64 data are bigints
      if (!Number(data[i]) && !Number.isNaN(data[i] as number)) continue
      count++
      for (let d = 0; d < x.ndim; d++) found.push(Math.floor(i / strides[d]!) % x.shape[d]!)
    }
    return indicesLike(x, found, [count, x.ndim])
  })

export const nonzeroOp: ReturnType<typeof positionsOf> = /* @__PURE__ */ positionsOf(
  'nonzero',
  'nonzero',
  'We do not support batching operators that can output dynamic shape. Attempted to vmap over aten::nonzero',
)
export const maskPositions: ReturnType<typeof positionsOf> = /* @__PURE__ */ positionsOf(
  'mask_positions',
  'at',
  'We do not support batching operators that can support dynamic shape. Attempting to batch over indexing with a boolean mask',
)
export const selectPositions: ReturnType<typeof positionsOf> = /* @__PURE__ */ positionsOf(
  'select_positions',
  'maskedSelect',
  'Attempted to vmap over `mask` in torch.masked_select(self, mask) We cannot support this because for each batch this would return a differently shaped Tensor',
)

export const wherePositions: ReturnType<typeof positionsOf> = /* @__PURE__ */ positionsOf(
  'where_positions',
  'where',
  'We do not support batching operators that can output dynamic shape. Attempted to vmap over aten::where',
)

const columns = (x: Tensor): Tensor[] =>
  x.shape[1] === 0 ? [] : Array.from({ length: x.shape[1]! }, (_, d) => reshapeTo(narrowAxis(x, 1, d, 1), [x.shape[0]!]))

/** Options of `nonzero`. */
export interface NonzeroOptions {
  /** one vector an axis instead of one row an element */
  readonly asTuple?: boolean
}

/**
 * Where x is not zero: `[count, x.ndim]` int32, a row an element in row-major order; with `asTuple`, one vector an axis.
 * Reads the data, so it has no meaning inside vmap.
 */
export function nonzero(x: Tensor, options: { readonly asTuple: true }): Tensor[]
export function nonzero(x: Tensor, options?: NonzeroOptions): Tensor
export function nonzero(x: Tensor, ...args: readonly unknown[]): Tensor | Tensor[] {
  const { asTuple = false } = readArgs<NonzeroOptions>('nonzero', args, [], ['asTuple'])
  checkTensor('nonzero', x)
  return asTuple ? columns(nonzeroOp(atLeast1(x), null)) : nonzeroOp(x, null)
}
/** Where x is not zero, a row an element: `[count, x.ndim]`, int32. */
export function argwhere(x: Tensor, ...end: End): Tensor {
  checkEnd('argwhere', end)
  return nonzero(x)
}
/**
 * `condition ? x : y`, elementwise over their broadcast shape; x and y are promoted. Of a condition alone, of any dtype, the positions
 * where it is not zero, one int32 vector an axis, as `nonzero(condition, { asTuple: true })` gives them: that reads the data, so it
 * has no meaning inside vmap.
 * @throws TensorTypeError if the condition of x and y is neither bool nor uint8
 */
export const where: typeof select & ((condition: Tensor) => Tensor[]) = /* @__PURE__ */ Object.assign(
  function where(condition: Tensor, ...values: [Tensor, Tensor]): Tensor | Tensor[] {
    if (values.length > 0 && !isOptions(values[0])) return select(condition, ...values)
    checkEnd('where', values)
    checkTensor('where', condition, 'the condition to be a Tensor')
    return columns(wherePositions(atLeast1(condition), null))
  } as typeof select & ((condition: Tensor) => Tensor[]),
  select,
)

/** The positions of a mask's true elements, one vector an axis. */
export const maskIndices = (mask: Tensor): Tensor[] => columns(maskPositions(mask, null))

/** Arguments of `maskedSelect`. */
export interface MaskedSelectOptions {
  readonly mask?: Tensor
  /** gives so many elements, the first ones: without reading the mask, so also inside vmap and in graphs */
  readonly size?: number
  /** with `size`: what stands where the mask has fewer true elements; default 0 */
  readonly fillValue?: Scalar
}

/**
 * The elements where the mask is true, in row-major order: `[count]`. x and mask broadcast. Reads the mask, unless a `size`
 * is given: then `[size]`, the first of them, and `fillValue` where there are fewer.
 */
export function maskedSelect(x: Tensor, ...args: Args<[mask: Tensor], MaskedSelectOptions>): Tensor {
  const { mask, size, fillValue } = readArgs<MaskedSelectOptions>('maskedSelect', args, ['mask'], ['size', 'fillValue'])
  checkTensor('maskedSelect', x)
  checkTensor('maskedSelect', mask, 'the mask to be a Tensor')
  if (mask!.dtype !== 'bool')
    throw new TensorTypeError(`masked_select: expected BoolTensor for mask, got ${mask!.dtype}`, { op: 'maskedSelect', code: 'MASK_DTYPE' })
  if (size !== undefined || fillValue !== undefined) return maskedSelectStatic('maskedSelect', x, mask!, size, fillValue ?? 0)
  const shape = broadcastShapes('maskedSelect', x.shape, mask!.shape)
  const [y, m] = [atLeast1(expandTo(x, shape)), atLeast1(expandTo(mask!, shape))]
  return indexAxes([y, ...columns(selectPositions(m, null))], {
    before: 0,
    own: 1,
    after: 0,
    wrap: false,
    axes: shape.map((_, d) => d),
    says: 'index',
  })
}

/** Arguments of `repeatInterleave`. */
export interface RepeatInterleaveOptions {
  readonly repeats?: number | Tensor
  readonly dim?: number | null
  /** the size of the result along the axis, where known */
  readonly outputSize?: number | null
}

/** i as often as the i-th count says. */
export const spread: Op<[x: Tensor], { readonly outputSize: number | null }, [x: Tensor, params: { readonly outputSize: number | null }]> =
  /* @__PURE__ */ dynamic<{ readonly outputSize: number | null }>(
    'repeat_interleave',
    'repeat_interleave',
    'We do not support batching operators that can output dynamic shape. Attempted to vmap over aten::repeat_interleave.Tensor',
    (counts, { outputSize }) => {
      const out: number[] = []
      readSync(counts.value.concrete('repeatInterleave'), 'repeatInterleave').forEach((n: number | bigint, i: number) => {
        if (n < 0) throw new TensorRangeError('repeats can not be negative', { op: 'repeatInterleave', code: 'REPEATS' })
        for (let k = Number(n); k > 0; k--) out.push(i)
      })
      if (outputSize !== null && outputSize !== out.length)
        throw new TensorRangeError(
          `allocated size does not match required size: outputSize is ${outputSize}, the repeats sum to ${out.length}`,
          { op: 'repeatInterleave', code: 'OUTPUT_SIZE' },
        )
      return indicesLike(counts, out, [out.length])
    },
  )

/**
 * Each element of axis `dim` (of the flattened x without one) repeated `repeats` times in place, or each as often as a
 * tensor says, whose data are read. `repeatInterleave(counts)` alone gives 0 counts[0] times, 1 counts[1] times, ….
 */
export function repeatInterleave(
  x: Tensor,
  ...args: Args<[repeats?: number | Tensor, dim?: number | null], RepeatInterleaveOptions>
): Tensor {
  const {
    repeats,
    dim,
    outputSize = null,
  } = readArgs<RepeatInterleaveOptions>('repeatInterleave', args, ['repeats', 'dim'], ['outputSize'])
  checkTensor('repeatInterleave', x)
  const integral = (counts: Tensor): Tensor => {
    if (counts.ndim > 1)
      throw new TensorRangeError(`repeats must be 0-dim or 1-dim tensor, got shape ${show(counts.shape)}`, {
        op: 'repeatInterleave',
        code: 'REPEATS',
      })
    return asIndex('repeatInterleave', counts, 'repeats has to be Long or Int tensor')
  }
  if (repeats === undefined) return spread(integral(x), { outputSize })
  const y = dim === undefined || dim === null ? reshapeTo(x, [numel(x.shape)]) : atLeast1(x)
  const axis = normalizeDim('repeatInterleave', dim ?? 0, y.ndim)
  const n = y.shape[axis]!
  if (!isTensor(repeats)) {
    const times = checkInteger('repeatInterleave', 'repeats', repeats)
    if (times < 0) throw new TensorRangeError('Repeats must be non-negative', { op: 'repeatInterleave', code: 'REPEATS' })
    const [before, after] = [y.shape.slice(0, axis), y.shape.slice(axis + 1)]
    return apart(
      reshapeTo(expandTo(reshapeTo(y, [...before, n, 1, ...after]), [...before, n, times, ...after]), [...before, n * times, ...after]),
    )
  }
  const counts = atLeast1(integral(repeats))
  if (counts.shape[0] !== 1 && counts.shape[0] !== n)
    throw new TensorRangeError(
      `repeats must have the same size as input along dim, but got repeats.size(0) = ${counts.shape[0]} and input.size(${axis}) = ${n}`,
      { op: 'repeatInterleave', code: 'SHAPE_MISMATCH' },
    )
  return indexSelect(y, axis, spread(expandTo(counts, [n]), { outputSize }))
}
