import { expr as e } from '@mapgrad/kernel'
import { type Args, readArgs } from '../core/args.ts'
import { TensorRangeError, show } from '../core/errors.ts'
import { type Op, defineOp } from '../core/op.ts'
import { checkTensor } from '../core/promote.ts'
import { type Shape, broadcastShapes, fromEnd, normalizeDim, numel } from '../core/shape.ts'
import { loop, multilinear } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { filledLike } from './cast.ts'
import { asIndex, offender, outOfBounds, wrapped } from './position.ts'
import { scatterAlong } from './scatter.ts'
import { atLeast1, batchOrExpand, expandTo, reshapeTo } from './view.ts'

/** Along which axis indices select: `dim` from the end, `axis` as messages name it. */
export interface AlongParams {
  readonly dim: number
  readonly axis: number
}

/** What `index` of a gather or scatter may have: no more than `sizes` along any axis but `dim`. */
const withinSizes = (index: Shape, sizes: Shape, dim: number): boolean => index.every((n, d) => d - index.length === dim || n <= sizes[d]!)

/** y[p] = x[p with p[dim] = index[p]]; x and index of one rank, index int32 and nowhere larger but along dim. */
export const gatherAlong: Op<[x: Tensor, index: Tensor], AlongParams, [x: Tensor, index: Tensor, params: AlongParams]> = defineOp({
  name: 'gather',
  args: (x: Tensor, index: Tensor, params: AlongParams): readonly [[Tensor, Tensor], AlongParams] => [[x, index], params],
  result: ([x, index]) => ({ shape: index.shape, dtype: x.dtype }),
  compute: loop(([x, index], { dim }) => {
    const d = x.shape.length + dim
    return {
      variant: '',
      loop: () => ({
        inputs: [{ dtype: x.dtype, coordinates: [{ expr: e.input(1, 'int32'), outOfRange: 'error' }] }, 'int32'],
        body: e.input(0, x.dtype),
      }),
      inputs: [
        {
          strides: x.strides.map((s, i) => (i === d ? 0 : s)),
          offset: x.offset,
          coordinates: [{ stride: x.strides[d]!, size: x.shape[d]! }],
        },
        { strides: index.strides, offset: index.offset },
      ],
    }
  }),
  batch: ([x, index], [dx, di], params, { size }) => [gatherAlong(batchOrExpand(x, dx, size), batchOrExpand(index, di, size), params), 0],
  diff: multilinear(
    (ct, [x, index], params) => scatterAlong(filledLike(x, 0, x.dtype, x.shape), index, ct, { ...params, op: 'sum' }),
    null,
  ),
  outOfRange: ([x, index], { dim, axis }) => {
    const size = x!.shape[x!.shape.length + dim]!
    return outOfBounds(offender(index!, 0, size), axis, size)
  },
})

/** Arguments of `gather`. */
export interface GatherOptions {
  readonly dim?: number
  readonly index?: Tensor
  /** has no effect: gradients are dense */
  readonly sparseGrad?: boolean
}

/**
 * y[p] = x[p with p[dim] = index[p]], of index's shape. x and index have one rank, and index is nowhere larger than x but
 * along `dim`. Indices run from 0; negative ones are out of range, as in PyTorch.
 * @throws TensorRangeError for an index outside the axis
 */
export function gather(x: Tensor, ...args: Args<[dim: number, index: Tensor], GatherOptions>): Tensor {
  const { dim, index } = readArgs<GatherOptions>('gather', args, ['dim', 'index'], ['sparseGrad'])
  const [i, params] = along('gather', x, dim, index)
  if (numel(i.shape) === 0) return filledLike(x, 0, x.dtype, index!.shape)
  if (!withinSizes(i.shape, atLeast1(x).shape, params.dim))
    throw new TensorRangeError(
      `Size does not match at dimension ${i.shape.findIndex((n, d) => d !== params.axis && n > x.shape[d]!)} expected index ${show(i.shape)} to be no larger than self ${show(x.shape)} apart from dimension ${params.axis}`,
      {
        op: 'gather',
        code: 'SHAPE_MISMATCH',
      },
    )
  const y = gatherAlong(atLeast1(x), i, params)
  return index!.ndim === 0 ? reshapeTo(y, []) : y
}

/** The checked index, with at least one axis, and along which axis it selects from x. */
export function along(
  op: string,
  x: Tensor,
  dim: number | undefined,
  index: Tensor | undefined,
  self = 'input',
): [index: Tensor, params: AlongParams] {
  checkTensor(op, x)
  const i = asIndex(op, index!, `${op}(): Expected dtype int32/int64 for index`)
  const axis = normalizeDim(op, dim as number, x.ndim)
  if (numel(i.shape) > 0 && Math.max(x.ndim, 1) !== Math.max(i.ndim, 1))
    throw new TensorRangeError(
      `Index tensor must have the same number of dimensions as ${self} tensor, got shapes ${show(i.shape)} and ${show(x.shape)}. Reshape or expand the index`,
      { op, code: 'SHAPE_MISMATCH' },
    )
  return [atLeast1(i), { dim: fromEnd(op, axis, x.ndim), axis }]
}

/** Arguments of `takeAlongDim`. */
export interface TakeAlongDimOptions {
  readonly indices?: Tensor
  readonly dim?: number | null
}

/** `gather` whose operands broadcast but along `dim` (the flattened x without one). Indices may be negative. */
export function takeAlongDim(x: Tensor, ...args: Args<[indices: Tensor, dim?: number | null], TakeAlongDimOptions>): Tensor {
  const { indices, dim } = readArgs<TakeAlongDimOptions>('takeAlongDim', args, ['indices', 'dim'])
  checkTensor('takeAlongDim', x)
  const i = asIndex('takeAlongDim', indices!, 'torch.take_along_dim(): dtype of indices should be Long')
  if (dim === undefined || dim === null) return takeAlongDim(reshapeTo(x, [numel(x.shape)]), reshapeTo(i, [numel(i.shape)]), 0)
  if (x.ndim !== i.ndim)
    throw new TensorRangeError(
      `torch.take_along_dim(): input and indices should have the same number of dimensions, but got ${x.ndim} dimensions for input, and ${i.ndim} dimensions for indices`,
      { op: 'takeAlongDim', code: 'SHAPE_MISMATCH' },
    )
  const axis = normalizeDim('takeAlongDim', dim, x.ndim)
  const [a, b] = [atLeast1(x), atLeast1(i)]
  const without = (s: Shape): Shape => s.map((n, d) => (d === axis ? 1 : n))
  const shape = broadcastShapes('takeAlongDim', without(a.shape), without(b.shape))
  const sized = (n: number): Shape => shape.map((m, d) => (d === axis ? n : m))
  const size = a.shape[axis]!
  const y = gatherAlong(expandTo(a, sized(size)), wrapped(expandTo(b, sized(b.shape[axis]!)), size), { dim: axis - a.ndim, axis })
  return x.ndim === 0 ? reshapeTo(y, []) : y
}
