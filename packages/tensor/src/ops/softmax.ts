import { type DType, type Expr, expr as e } from '@mapgrad/kernel'
import { type Args, readArgs } from '../core/args.ts'
import { TensorTypeError, describe } from '../core/errors.ts'
import { type Op, defineOp } from '../core/op.ts'
import { checkTensor } from '../core/promote.ts'
import { keepDims, normalizeDim, numel, withoutDims } from '../core/shape.ts'
import { broadcastAval, decompose, elementwise, multilinear, pointwise, reduction, sameAval } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { add, div, mul, sub } from './binary.ts'
import { cast, filledLike, toFloat } from './cast.ts'
import { amaxDims } from './extreme.ts'
import { weight } from './families.ts'
import {
  type Dims,
  type DimsParam,
  type ReduceArgs,
  type ReduceOptions,
  type Reduction,
  asked,
  dimsOf,
  kept,
  readDims,
  sumDims,
  widened,
} from './reduce.ts'
import { exp, log, neg } from './unary.ts'
import { reshapeTo, unreduce } from './view.ts'

// All of them subtract the largest element m first, so that nothing overflows; where m is −Inf, all elements are, and 0 is
// subtracted instead. Each is one op with a closed derivative in terms of its own value.

const finite = (m: Expr): Expr => e.select(e.eq(m, e.constant(-Infinity, m.dtype)), e.constant(0, m.dtype), m)

/** exp(x − m). */
export const expMinus: Op<[x: Tensor, m: Tensor]> = defineOp({
  name: 'exp_minus',
  result: broadcastAval('exp_minus'),
  compute: pointwise((x, m) => e.exp(e.sub(x!, finite(m!)))),
  batch: 'pointwise',
  diff: elementwise(
    (y) => y,
    (y) => neg(y),
  ),
})

/** x − m − s. */
export const minusBoth: Op<[x: Tensor, m: Tensor, s: Tensor]> = defineOp({
  name: 'minus_both',
  result: broadcastAval('minus_both'),
  compute: pointwise((x, m, s) => e.sub(e.sub(x!, finite(m!)), s!)),
  batch: 'pointwise',
  diff: elementwise('one', 'minusOne', 'minusOne'),
})

/** Σ exp(x − m) over `dims`, in one pass; m has x's rank, with size 1 along them. Only computed, never differentiated. */
export const sumExp: Op<[x: Tensor, m: Tensor], DimsParam, [x: Tensor, m: Tensor, dims: readonly number[]]> = defineOp({
  name: 'sum_exp',
  args: (x: Tensor, m: Tensor, dims: readonly number[]): readonly [[Tensor, Tensor], DimsParam] => [[x, m], { dims }],
  result: ([x], { dims }) => ({ shape: withoutDims(x.shape, dims), dtype: x.dtype }),
  compute: reduction('sum', (x, m) => e.exp(e.sub(x!, finite(m!)))),
  batch: 'leading',
  diff: {
    kind: 'custom',
    jvp: (_, [x, m], [dx, dm], { dims }) => {
      const d = dx && dm ? sub(dx, dm) : (dx ?? (dm && neg(dm)))
      return [d ? sumDims(mul(expMinus(x, m), d), dims) : null]
    },
    vjp: (_, [x, m], [ct], { dims }) => {
      const d = ct ? mul(unreduce(ct, x.shape, dims), expMinus(x, m)) : null
      return [d, d && neg(d)]
    },
  },
})

/** y where x > −Inf, else 0: what has no weight has no derivative, even where all weights are NaN. */
export const whereFinite: Op<[x: Tensor, y: Tensor]> = defineOp({
  name: 'where_finite',
  result: broadcastAval('where_finite'),
  compute: pointwise((x, y) => e.select(e.eq(x!, e.constant(-Infinity, x!.dtype)), e.constant(0, y!.dtype), y!)),
  batch: 'pointwise',
  diff: multilinear(null, (ct, [x]) => whereFinite(x, ct)),
})

/** x where it is not ±Inf, else 0. */
export const unlessInfinite: Op<[x: Tensor]> = weight('unless_infinite', (x) =>
  e.select(e.eq(e.abs(x!), e.constant(Infinity, x!.dtype)), e.constant(0, x!.dtype), x!),
)

const largest = (x: Tensor, dims: readonly number[]): Tensor =>
  numel(x.shape) === 0 ? filledLike(x, 0, x.dtype, keepDims(x.shape, dims)) : reshapeTo(amaxDims(x, dims), keepDims(x.shape, dims))

export const softmaxOver: Reduction = defineOp({
  name: 'softmax',
  args: readDims,
  result: sameAval,
  compute: decompose(([given], { dims }) => {
    const x = widened(given)
    const powers = expMinus(x, largest(x, dims))
    return cast(div(powers, reshapeTo(sumDims(powers, dims), keepDims(x.shape, dims))), given.dtype)
  }),
  batch: 'leading',
  // dy = y (dx − Σ y dx), and the transpose is the same map
  diff: {
    kind: 'custom',
    jvp: ([y], [x], [dx], { dims }) => [dx ? whereFinite(x, centred(y!, dx, dims)) : null],
    vjp: ([y], [x], [ct], { dims }) => [ct ? whereFinite(x, centred(y!, ct, dims)) : null],
  },
})
const centred = (y: Tensor, d: Tensor, dims: readonly number[]): Tensor =>
  mul(y, sub(d, reshapeTo(sumDims(mul(y, d), dims), keepDims(y.shape, dims))))

export const logSoftmaxOver: Reduction = defineOp({
  name: 'log_softmax',
  args: readDims,
  result: sameAval,
  compute: decompose(([given], { dims }) => {
    const x = widened(given)
    const m = largest(x, dims)
    return cast(minusBoth(x, m, reshapeTo(log(sumExp(x, m, dims)), m.shape)), given.dtype)
  }),
  batch: 'leading',
  // dy = dx − Σ eʸ dx
  diff: {
    kind: 'custom',
    jvp: ([y], _, [dx], { dims }) => [dx ? sub(dx, reshapeTo(sumDims(mul(exp(y!), dx), dims), keepDims(dx.shape, dims))) : null],
    vjp: ([y], _, [ct], { dims }) => [ct ? sub(ct, mul(exp(y!), reshapeTo(sumDims(ct, dims), keepDims(ct.shape, dims)))) : null],
  },
})

export const logsumexpOver: Reduction = defineOp({
  name: 'logsumexp',
  args: readDims,
  result: ([x], { dims }) => ({ shape: withoutDims(x.shape, dims), dtype: x.dtype }),
  compute: decompose(([given], { dims }) => {
    const x = widened(given)
    const m = unlessInfinite(largest(x, dims))
    return cast(add(log(sumExp(x, m, dims)), reshapeTo(m, withoutDims(x.shape, dims))), given.dtype)
  }),
  batch: 'leading',
  // dy = Σ exp(x − y) dx, without terms where y = −Inf
  diff: {
    kind: 'custom',
    jvp: ([y], [x], [dx], { dims }) => [dx ? sumDims(mul(expMinus(x, unreduce(y!, x.shape, dims)), dx), dims) : null],
    vjp: ([y], [x], [ct], { dims }) => [ct ? mul(unreduce(ct, x.shape, dims), expMinus(x, unreduce(y!, x.shape, dims))) : null],
  },
})

/** Arguments of the softmax family. */
export interface SoftmaxOptions {
  readonly dim?: number
  /** converts x first */
  readonly dtype?: DType | null
}
/** Arguments of the softmax family, by position or by name. */
export type SoftmaxArgs = Args<[dim: number], SoftmaxOptions>

function over(name: string, op: Reduction, x: Tensor, args: SoftmaxArgs): Tensor {
  checkTensor(name, x)
  const { dim, dtype } = readArgs<SoftmaxOptions>(name, args, ['dim'], ['dtype'])
  if (typeof dim !== 'number')
    throw new TensorTypeError(`expected a dim, got ${describe(dim)}. Give the axis whose elements sum to 1, as in ${name}(x, -1)`, {
      op: name,
      code: 'DIM_TYPE',
    })
  const y = toFloat(name, asked(x, dtype))
  const axis = normalizeDim(name, dim, x.ndim)
  return op(y, x.ndim ? [axis - x.ndim] : [])
}

/** exp(x) / Σ exp(x) along `dim`; integers are computed as float32. A line of −Inf gives NaN, with derivative 0. */
export function softmax(x: Tensor, ...args: SoftmaxArgs): Tensor {
  return over('softmax', softmaxOver, x, args)
}
/** log(softmax(x)) along `dim`, without cancellation or overflow. */
export function logSoftmax(x: Tensor, ...args: SoftmaxArgs): Tensor {
  return over('logSoftmax', logSoftmaxOver, x, args)
}
/** softmax(−x) along `dim`. */
export function softmin(x: Tensor, ...args: SoftmaxArgs): Tensor {
  checkTensor('softmin', x)
  const { dtype } = readArgs<SoftmaxOptions>('softmin', args, ['dim'], ['dtype'])
  return over('softmin', softmaxOver, neg(toFloat('softmin', asked(x, dtype))), args)
}

/** log Σ exp(x) over axes, without overflow. Nothing but −Inf gives −Inf, with derivative 0. */
export function logsumexp(x: Tensor, ...args: ReduceArgs): Tensor {
  const { dim, keepdim } = readArgs<ReduceOptions>('logsumexp', args, ['dim', 'keepdim'])
  const dims = dimsOf('logsumexp', x, dim as Dims)
  return kept(logsumexpOver(toFloat('logsumexp', x), dims), keepdim, x.shape, dims)
}
