import type { CombineOp } from '@mapgrad/kernel'
import { type Args, oneOf, readArgs } from '../core/args.ts'
import { TensorRangeError, TensorTypeError, describe, show } from '../core/errors.ts'
import { isTensor } from '../core/handle.ts'
import { type Op, type Tangent, defineOp } from '../core/op.ts'
import { type Scalar, checkOperand, checkTensor } from '../core/promote.ts'
import { type Shape, numel } from '../core/shape.ts'
import { kernel, sameAval } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { div, floorDivide, mul } from './binary.ts'
import { cast, filledLike } from './cast.ts'
import { eq } from './compare.ts'
import { type AlongParams, along, gatherAlong } from './gather.ts'
import { offender, outOfBounds, positionsLike } from './position.ts'
import { narrowTo } from './slice.ts'
import { atLeast1, batchOrExpand, clone, expandTo, reshapeTo } from './view.ts'
import { where } from './where.ts'

/** `op` says what happens where elements meet; `set` keeps the last in row-major order of the index. */
export interface ScatterParams extends AlongParams {
  readonly op: CombineOp | 'set'
}

type Operands = [x: Tensor, index: Tensor, src: Tensor]

/** y = x, then y[p with p[dim] = index[p]] ⟵ src[p] for each p of index in row-major order; index int32, src of its shape, x's dtype. */
export const scatterAlong: Op<Operands, ScatterParams, [...Operands, params: ScatterParams]> = defineOp({
  name: 'scatter',
  args: (x: Tensor, index: Tensor, src: Tensor, params: ScatterParams): readonly [Operands, ScatterParams] => [[x, index, src], params],
  result: sameAval,
  compute: kernel('scatter', ({ dim, op }) => ({ dim, op })),
  batch: ([x, index, src], [dx, di, ds], params, { size }) => [
    scatterAlong(batchOrExpand(x, dx, size), batchOrExpand(index, di, size), batchOrExpand(src, ds, size), params),
    0,
  ],
  diff: {
    kind: 'custom',
    jvp: ([y], [x, index, src], [dx, , ds], params) => {
      const [a, b] = [dx ?? zeros(x), ds ?? zeros(src)]
      if (params.op === 'sum' || params.op === 'set') return [scatterAlong(a, index, b, params)]
      const [wx, ws] = weights(y!, x, index, src, params)
      return [scatterAlong(mul(wx, a), index, mul(ws, b), { ...params, op: 'sum' })]
    },
    vjp: ([y], [x, index, src], [ct], params): Tangent[] => {
      if (!ct) return [null, null, null]
      if (params.op === 'sum') return [ct, null, gatherAlong(ct, index, params)]
      if (params.op === 'set')
        return [scatterAlong(ct, index, zeros(src), params), null, where(winners(x, index, params), gatherAlong(ct, index, params), 0)]
      const [wx, ws] = weights(y!, x, index, src, params)
      return [mul(wx, ct), null, mul(ws, gatherAlong(ct, index, params))]
    },
  },
  outOfRange: ([x, index], { dim, axis }) => {
    const size = x!.shape[x!.shape.length + dim]!
    return outOfBounds(offender(index!, 0, size), axis, size)
  },
})

const zeros = (x: Tensor): Tensor => filledLike(x, 0, x.dtype, x.shape)

/** Which elements of src a `set` keeps: of those that meet, the last. They meet only along `dim`. */
function winners(x: Tensor, index: Tensor, params: AlongParams): Tensor {
  const position = alongAxis(positionsLike(index, index.shape[index.ndim + params.dim]!), index.shape, params.dim)
  const last = scatterAlong(filledLike(x, 0, 'int32', x.shape), index, position, { ...params, op: 'set' })
  return eq(gatherAlong(last, index, params), position)
}

/** A vector along the (negative) axis `dim` of a shape, repeated over the others. */
const alongAxis = (v: Tensor, shape: Shape, dim: number): Tensor =>
  expandTo(
    reshapeTo(
      v,
      shape.map((n, d) => (d - shape.length === dim ? n : 1)),
    ),
    shape,
  )

/** ∂y/∂x and ∂y/∂src of a `prod`, `max` or `min`, where each element of y depends on. */
function weights(y: Tensor, x: Tensor, index: Tensor, src: Tensor, params: ScatterParams): [x: Tensor, src: Tensor] {
  const total = (a: Tensor, b: Tensor): Tensor => scatterAlong(cast(a, y.dtype), index, cast(b, y.dtype), { ...params, op: 'sum' })
  const back = (a: Tensor): Tensor => gatherAlong(a, index, params)
  if (params.op !== 'prod') {
    // ties share the derivative, as in PyTorch
    const [isX, isSrc] = [eq(x, y), eq(src, back(y))]
    const share = div(1, total(isX, isSrc))
    return [mul(share, isX), mul(back(share), isSrc)]
  }
  // the product of the others: y / xᵢ without zeros; of all but the one zero where there is one
  const [noX, noSrc] = [eq(x, 0), eq(src, 0)]
  const count = total(noX, noSrc)
  const others = scatterAlong(where(noX, 1, x), index, where(noSrc, 1, src), params)
  const of = (n: Tensor, p: Tensor, v: Tensor, isZero: Tensor): Tensor =>
    where(eq(n, 0), div(p, where(isZero, 1, v)), where(isZero, where(eq(n, 1), p, 0), 0))
  return [of(count, others, x, noX), of(back(count), back(others), src, noSrc)]
}

/** The operands of a scatter as its rules see them, checked in PyTorch's words; `null` when there is nothing to scatter. */
function operands(
  op: string,
  x: Tensor,
  dim: number | undefined,
  index: Tensor | undefined,
  src: Tensor | Scalar | undefined,
): [...Operands, AlongParams] | null {
  const [i, params] = along(op, x, dim, index, 'self')
  checkOperand(op, src)
  if (numel(i.shape) === 0) return null
  const a = atLeast1(x)
  const fits = (sizes: Shape, free: boolean): boolean =>
    sizes.length === i.ndim && i.shape.every((n, d) => (free && d === params.axis) || n <= sizes[d]!)
  const refuse = (more: string): never => {
    throw new TensorRangeError(
      `Expected index ${show(i.shape)} to be no larger than self ${show(x.shape)} apart from dimension ${params.axis}${more}`,
      { op, code: 'SHAPE_MISMATCH' },
    )
  }
  if (!isTensor(src)) return fits(a.shape, true) ? [a, i, filledLike(x, src!, x.dtype, i.shape), params] : refuse('')
  const s = atLeast1(src)
  if (!fits(a.shape, true) || !fits(s.shape, false)) refuse(` and to be no larger size than src ${show(src.shape)}`)
  if (src.dtype !== x.dtype)
    throw new TensorTypeError(
      `${op}(): Expected self.dtype to be equal to src.dtype, got ${x.dtype} and ${src.dtype}. Convert src with x.to('${x.dtype}')`,
      { op, code: 'DTYPE' },
    )
  return [a, i, narrowTo(s, i.shape), params]
}

function scattered(
  op: string,
  x: Tensor,
  dim: number | undefined,
  index: Tensor | undefined,
  src: Tensor | Scalar | undefined,
  how: ScatterParams['op'],
): Tensor {
  const found = operands(op, x, dim, index, src)
  if (!found) return clone(x)
  const [a, i, s, params] = found
  return reshapeTo(scatterAlong(a, i, s, { ...params, op: how }), x.shape)
}

/** Arguments of `scatter`. */
export interface ScatterOptions {
  readonly dim?: number
  readonly index?: Tensor
  /** what is written: a tensor at least as large as the index, or a number */
  readonly src?: Tensor | Scalar
  /** the name of `src` when it is a number */
  readonly value?: Tensor | Scalar
  /** combines with what is there instead of overwriting */
  readonly reduce?: 'add' | 'multiply' | null
}

/**
 * x with src[p] written to the place p with p[dim] = index[p], for every p of index. Where indices repeat, the last in
 * row-major order stays, and it alone gets the gradient.
 * @throws TensorRangeError for an index outside the axis; negative ones are
 */
export function scatter(x: Tensor, ...args: Args<[dim: number, index: Tensor, src: Tensor | Scalar], ScatterOptions>): Tensor {
  const { dim, index, src, value, reduce } = readArgs<ScatterOptions>('scatter', args, ['dim', 'index', 'src'], ['value', 'reduce'])
  const how = ({ add: 'sum', multiply: 'prod', null: 'set' } as const)[`${reduce ?? null}`]
  if (!how)
    throw new TensorTypeError(`reduce argument must be either add or multiply, got ${describe(reduce)}`, { op: 'scatter', code: 'REDUCE' })
  return scattered('scatter', x, dim, index, oneOf<Tensor | Scalar>('scatter', { src, value }), how)
}

/** Arguments of `scatterAdd`. */
export interface ScatterAddOptions {
  readonly dim?: number
  readonly index?: Tensor
  readonly src?: Tensor
}

/** x with src[p] added to the place p with p[dim] = index[p], for every p of index. Bools add as "or". */
export function scatterAdd(x: Tensor, ...args: Args<[dim: number, index: Tensor, src: Tensor], ScatterAddOptions>): Tensor {
  checkTensor('scatterAdd', x)
  const { dim, index, src } = readArgs<ScatterAddOptions>('scatterAdd', args, ['dim', 'index', 'src'])
  return scattered('scatterAdd', x, dim, index, src, x.dtype === 'bool' ? 'max' : 'sum')
}

/** How `scatterReduce` and `indexReduce` combine. */
export type Reduction = 'sum' | 'prod' | 'mean' | 'amax' | 'amin'
const combine: Readonly<Record<Reduction, CombineOp>> = { sum: 'sum', prod: 'prod', mean: 'sum', amax: 'max', amin: 'min' }

/** Arguments of `scatterReduce`. */
export interface ScatterReduceOptions {
  readonly dim?: number
  readonly index?: Tensor
  readonly src?: Tensor
  readonly reduce?: Reduction
  /** whether the elements of x take part where anything is scattered; default true */
  readonly includeSelf?: boolean
}

/**
 * x with src[p] combined into the place p with p[dim] = index[p]: by `sum`, `prod`, `mean`, `amax` or `amin`.
 * Gradients: ties of `amax` and `amin` share; integer means round down.
 */
export function scatterReduce(
  x: Tensor,
  ...args: Args<[dim: number, index: Tensor, src: Tensor, reduce: Reduction], ScatterReduceOptions>
): Tensor {
  const {
    dim,
    index,
    src,
    reduce,
    includeSelf = true,
  } = readArgs<ScatterReduceOptions>('scatterReduce', args, ['dim', 'index', 'src', 'reduce'], ['includeSelf'])
  if (!Object.hasOwn(combine, reduce as string))
    throw new TensorTypeError(`reduce argument must be either sum, prod, mean, amax or amin, got ${describe(reduce)}`, {
      op: 'scatterReduce',
      code: 'REDUCE',
    })
  const found = operands('scatterReduce', x, dim, index, src)
  if (!found) return clone(x)
  const [a, i, s, along] = found
  return reshapeTo(reduceInto(a, i, s, along, reduce!, includeSelf), x.shape)
}

/** The reduction that `scatterReduce` and `indexReduce` share, on checked operands. */
export function reduceInto(x: Tensor, index: Tensor, src: Tensor, along: AlongParams, reduce: Reduction, includeSelf: boolean): Tensor {
  const op = combine[reduce]
  const start = includeSelf ? x : scatterAlong(x, index, filledLike(x, neutral(op, x.dtype), x.dtype, index.shape), { ...along, op: 'set' })
  const y = scatterAlong(start, index, src, { ...along, op: x.dtype === 'bool' && op === 'sum' ? 'max' : op })
  if (reduce !== 'mean') return y
  const one = filledLike(x, 1, x.dtype, index.shape)
  const hits = scatterAlong(filledLike(x, includeSelf ? 1 : 0, x.dtype, x.shape), index, one, { ...along, op: 'sum' })
  const n = where(eq(hits, 0), 1, hits)
  return x.dtype.includes('float') ? div(y, n) : floorDivide(y, n)
}

const limits: Readonly<Record<string, readonly [number | bigint, number | bigint]>> = {
  bool: [0, 1],
  uint8: [0, 255],
  int8: [-128, 127],
  int16: [-32768, 32767],
  int32: [-0x80000000, 0x7fffffff],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
}

/** What combining with changes nothing. */
function neutral(op: CombineOp, dtype: Tensor['dtype']): number | bigint {
  if (op === 'sum') return 0
  if (op === 'prod') return 1
  const [low, high] = limits[dtype] ?? [-Infinity, Infinity]
  return op === 'max' ? low : high
}
