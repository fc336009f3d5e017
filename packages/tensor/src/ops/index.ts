import { expr as e } from '@mapgrad/kernel'
import { TensorRangeError, isMapgradError } from '../core/errors.ts'
import { type Op, type Tangent, defineOp } from '../core/op.ts'
import { type Shape, numel } from '../core/shape.ts'
import type { ArrayValue } from '../core/value.ts'
import { decompose, loop, multilinear, sameAval } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { add, logicalAnd, mul } from './binary.ts'
import { filledLike } from './cast.ts'
import { eq, ge } from './compare.ts'
import { offender, outOfBounds, positionsLike, wrapped } from './position.ts'
import { scatterAlong } from './scatter.ts'
import { batchOrExpand, expandTo, reshapeTo } from './view.ts'
import { where } from './where.ts'

/**
 * Which axes of x index tensors select from. x is `[…, before…, n₁ … nₖ, after…]`, each of the k indices (int32, of one
 * shape) `[…, own…]`, the selection `[…, before…, own…, after…]`; the leading axes belong together.
 */
export interface IndexParams {
  /** numbers of axes */
  readonly before: number
  readonly own: number
  readonly after: number
  /** whether negative indices count from the end */
  readonly wrap: boolean
  /** the indexed axes as messages name them */
  readonly axes: readonly number[]
  /** who speaks in messages */
  readonly says: 'index' | 'self' | 'take'
}

type Operands = readonly [x: Tensor, ...indices: Tensor[]]

/** The indices that an axis of size n has, lowest first, in `says`'s words when one is outside. */
function sentence(indices: readonly ArrayValue[], sizes: Shape, { wrap, axes, says }: IndexParams): string {
  for (let j = 0; j < indices.length; j++) {
    const n = sizes[j]!
    const i = offender(indices[j]!, wrap ? -n : 0, n)
    if (i === undefined) continue
    if (says === 'take') return `out of range: tried to access index ${i} on a tensor of ${n} elements.`
    return `${says === 'self' ? 'index out of range in self: ' : ''}${outOfBounds(i, axes[j]!, n)}`
  }
  return 'index out of range'
}

/** y[l, a, m, c] = x[l, a, i₁[l, m] … iₖ[l, m], c]. */
export const indexAxes: Op<Operands, IndexParams, [xs: Operands, params: IndexParams]> = defineOp<
  Operands,
  IndexParams,
  [xs: Operands, params: IndexParams]
>({
  name: 'index',
  args: (xs, params) => [xs, params],
  result: ([x, first], { before, own, after }) => {
    const at = first!.shape.length - own
    return {
      shape: [...x.shape.slice(0, at + before), ...first!.shape.slice(at), ...x.shape.slice(x.shape.length - after)],
      dtype: x.dtype,
    }
  },
  compute: loop(([x, ...indices], { before, own, after, wrap }) => {
    const k = indices.length
    const lead = indices[0]!.shape.length - own
    const first = lead + before
    const zeros = (n: number): number[] => new Array<number>(n).fill(0)
    const at = (j: number): number => first + j
    return {
      variant: `${k}${wrap ? 'w' : ''}`,
      loop: () => ({
        inputs: [
          {
            dtype: x.dtype,
            coordinates: indices.map((_, j) => {
              const i = e.input(j + 1, 'int32')
              return {
                expr: wrap ? e.select(e.lt(i, e.constant(0, 'int32')), e.add(i, e.scalar(j, 'int32')), i) : i,
                outOfRange: 'error' as const,
              }
            }),
          },
          ...indices.map(() => 'int32' as const),
        ],
        scalars: wrap ? indices.map(() => 'int32' as const) : [],
        body: e.input(0, x.dtype),
      }),
      inputs: [
        {
          strides: [...x.strides.slice(0, first), ...zeros(own), ...x.strides.slice(first + k)],
          offset: x.offset,
          coordinates: indices.map((_, j) => ({ stride: x.strides[at(j)]!, size: x.shape[at(j)]! })),
        },
        ...indices.map((i) => ({
          strides: [...i.strides.slice(0, lead), ...zeros(before), ...i.strides.slice(lead), ...zeros(after)],
          offset: i.offset,
        })),
      ],
      scalars: wrap ? indices.map((_, j) => x.shape[at(j)]!) : [],
    }
  }),
  batch: ([x, ...indices], [dx, ...dims], params, { size }) => [
    indexAxes([batchOrExpand(x, dx, size), ...indices.map((i, j) => batchOrExpand(i, dims[j]!, size))], params),
    0,
  ],
  diff: multilinear((ct, [x, ...indices], params) =>
    putAxes([filledLike(x, 0, x.dtype, x.shape), ct, ...indices], { ...params, accumulate: true }),
  ),
  outOfRange: ([x, ...indices], params) => sentence(indices, indexedSizes(x!.shape, indices.length, params), params),
})

const indexedSizes = (x: Shape, k: number, { after }: IndexParams): Shape => x.slice(x.length - after - k, x.length - after)

/** Whether a put adds to what is there, or overwrites it; then the last of several stays. */
export interface PutParams extends IndexParams {
  readonly accumulate: boolean
}
type Puts = readonly [x: Tensor, src: Tensor, ...indices: Tensor[]]

/** x with src written or added to the places that `indexAxes` selects; src has the selection's shape. */
export const putAxes: Op<Puts, PutParams, [xs: Puts, params: PutParams]> = defineOp<Puts, PutParams, [xs: Puts, params: PutParams]>({
  name: 'index_put',
  args: (xs, params) => [xs, params],
  result: sameAval,
  compute: decompose(([x, src, ...indices], params) => {
    const sizes = indexedSizes(x.shape, indices.length, params)
    const [first] = indices as [Tensor]
    const lead = first.shape.slice(0, first.ndim - params.own)
    const m = numel(first.shape.slice(lead.length))
    const before = x.shape.slice(lead.length, lead.length + params.before)
    const after = x.shape.slice(x.ndim - params.after)
    const flat = reshapeTo(linear(indices, sizes, params.wrap), [...lead, ...before.map(() => 1), m, ...after.map(() => 1)])
    const index = expandTo(flat, [...lead, ...before, m, ...after])
    const op = !params.accumulate ? 'set' : x.dtype === 'bool' ? 'max' : 'sum'
    try {
      const y = scatterAlong(reshapeTo(x, [...lead, ...before, numel(sizes), ...after]), index, reshapeTo(src, index.shape), {
        dim: -1 - params.after,
        axis: 0,
        op,
      })
      return reshapeTo(y, x.shape)
    } catch (error) {
      if (!isMapgradError(error) || error.code !== 'INDEX_RANGE') throw error
      throw new TensorRangeError(
        sentence(
          indices.map((i) => i.value.concrete('index')),
          sizes,
          params,
        ),
        { op: 'index_put', code: 'INDEX_RANGE' },
      )
    }
  }),
  batch: (xs, dims, params, { size }) => [putAxes(xs.map((x, i) => batchOrExpand(x, dims[i]!, size)) as unknown as Puts, params), 0],
  diff: {
    kind: 'custom',
    jvp: (_, [x, src, ...indices], [dx, ds], params) => [putAxes([dx ?? zeros(x), ds ?? zeros(src), ...indices], params)],
    vjp: (_, [x, src, ...indices], [ct], params): Tangent[] => {
      if (!ct) return [null]
      const dsrc = indexAxes([ct, ...indices], params)
      if (params.accumulate) return [ct, dsrc]
      return [putAxes([ct, zeros(src), ...indices], params), where(winners(x, indices, params), dsrc, 0)]
    },
  },
})

const zeros = (x: Tensor): Tensor => filledLike(x, 0, x.dtype, x.shape)

/** One index into the flattened axes instead of one for each; −1 where any of them is out of range. */
function linear(indices: readonly Tensor[], sizes: Shape, wrap: boolean): Tensor {
  const own = indices.map((i, j) => (wrap ? wrapped(i, sizes[j]!) : i))
  if (own.length === 1) return own[0]!
  let flat = own[0]!
  let valid: Tensor | null = null
  own.forEach((i, j) => {
    const inside = logicalAnd(ge(i, 0), ge(sizes[j]! - 1, i))
    valid = valid ? logicalAnd(valid, inside) : inside
    if (j > 0) flat = add(mul(flat, sizes[j]!), i)
  })
  return where(valid!, flat, -1)
}

/** Which elements of the selection an overwriting put keeps: of those that meet, the last. */
function winners(x: Tensor, indices: readonly Tensor[], params: PutParams): Tensor {
  const [first] = indices as [Tensor]
  const lead = first.shape.slice(0, first.ndim - params.own)
  const own = first.shape.slice(lead.length)
  const position = expandTo(reshapeTo(positionsLike(first, numel(own)), own), first.shape)
  const alone: PutParams = { ...params, before: 0, after: 0, accumulate: false }
  const places = filledLike(x, 0, 'int32', [...lead, ...indexedSizes(x.shape, indices.length, params)])
  const last = putAxes([places, position, ...indices], alone)
  const ones = (n: number): number[] => new Array<number>(n).fill(1)
  return reshapeTo(eq(indexAxes([last, ...indices], alone), position), [...lead, ...ones(params.before), ...own, ...ones(params.after)])
}
