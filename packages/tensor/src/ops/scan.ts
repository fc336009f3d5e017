import type { DType } from '@mapgrad/kernel'
import { type Args, readArgs } from '../core/args.ts'
import { type Op, defineOp } from '../core/op.ts'
import { type ValuesIndices, named } from '../core/outputs.ts'
import { checkTensor } from '../core/promote.ts'
import { normalizeDim } from '../core/shape.ts'
import { decompose, kernel, linear, sameAval } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { add, mul, sub } from './binary.ts'
import { gap, logaddexp } from './binary-extra.ts'
import { cast, filledLike, toFloat } from './cast.ts'
import { amax } from './extreme.ts'
import { gather } from './gather.ts'
import { concat } from './join.ts'
import { advanced, delayed, recurrence, scanProduct } from './recurrence.ts'
import { asked, sumType } from './reduce.ts'
import { scatterAdd } from './scatter.ts'
import { embedAxes, narrowAxis } from './slice.ts'
import { isfinite, sigmoid, stopGradient } from './unary.ts'
import { apart, moveAxis, reshapeTo } from './view.ts'
import { where } from './where.ts'

type X = [x: Tensor]

/** Running sums along the last axis, from its end where `reverse`. */
export const scanSum: Op<X, boolean, [x: Tensor, reverse: boolean]> = defineOp({
  name: 'cumsum',
  args: (x: Tensor, reverse: boolean): readonly [X, boolean] => [[x], reverse],
  result: sameAval,
  compute: kernel('scan', (reverse) => ({ op: 'sum', reverse })),
  batch: 'leading',
  diff: linear((ct, _, reverse) => scanSum(ct, !reverse)),
})

/** The inclusive scan of `combine` along the last axis by doubling: after step s each element has those at most s before it. */
function scanned(x: Tensor, combine: (before: Tensor, y: Tensor) => Tensor): Tensor {
  const axis = x.ndim - 1
  const size = x.shape[axis]!
  let y = x
  for (let s = 1; s < size; s *= 2) {
    const both = combine(narrowAxis(y, axis, 0, size - s), narrowAxis(y, axis, s, size - s))
    y = add(placed(narrowAxis(y, axis, 0, s), 0, size), placed(both, s, size))
  }
  return y
}

const placed = (x: Tensor, start: number, size: number): Tensor =>
  embedAxes(x, [{ dim: -1, start, step: 1, length: x.shape[x.ndim - 1]!, size }])

// differences from the line's largest element: where all elements are large, their sums would lose the digits that decide
function shifted(x: Tensor): Tensor {
  const m = amax(concat([stopGradient(x), filledLike(x, -Infinity, x.dtype, [...x.shape.slice(0, -1), 1])], -1), -1, true)
  return sub(x, where(isfinite(m), m, 0))
}
/** How much of yₖ = log(e^yₖ₋₁ + e^xₖ) comes from yₖ₋₁, and how much from xₖ. */
function shares(x: Tensor): readonly [before: Tensor, own: Tensor] {
  const from = shifted(x)
  const [y, next] = [scanLogSum(from), advanced(from)]
  return [delayed(sigmoid(gap(y, next))), delayed(sigmoid(gap(next, y)), 1)]
}

/** log of the running sums of eˣ along the last axis. */
export const scanLogSum: Op<X> = defineOp<X>({
  name: 'logcumsumexp',
  result: sameAval,
  compute: decompose(([x]) => scanned(x, logaddexp)),
  batch: 'leading',
  diff: {
    kind: 'custom',
    jvp: (_, [x], [dx]) => {
      if (!dx) return [null]
      const [before, own] = shares(x)
      return [recurrence(before, mul(own, dx), false)]
    },
    vjp: (_, [x], [ct]) => {
      if (!ct) return [null]
      const [before, own] = shares(x)
      return [mul(own, recurrence(advanced(before), ct, true))]
    },
  },
})

/** Along `dim`, computed with that axis last, 0-d tensors as one element. */
export function alongLast<R extends readonly Tensor[]>(op: string, x: Tensor, dim: number, f: (x: Tensor) => R): Tensor[] {
  const axis = normalizeDim(op, dim, x.ndim)
  if (x.ndim === 0) return f(reshapeTo(x, [1])).map((y) => apart(reshapeTo(y, [])))
  return f(moveAxis(x, axis, x.ndim - 1)).map((y) => apart(moveAxis(y, y.ndim - 1, axis)))
}

/** Arguments of running sums and products. */
export interface ScanOptions {
  readonly dim?: number
  /** converts x first */
  readonly dtype?: DType | null
}
/** Arguments of cumulative functions, by position or by name. */
export type ScanArgs = Args<[dim: number], ScanOptions>

function accumulated(name: string, op: (x: Tensor) => Tensor, x: Tensor, args: ScanArgs): Tensor {
  checkTensor(name, x)
  const { dim, dtype } = readArgs<ScanOptions>(name, args, ['dim'], ['dtype'])
  const y = asked(x, dtype)
  return cast(alongLast(name, cast(y, sumType(y.dtype)), dim as number, (t) => [op(t)])[0]!, dtype ?? sumType(x.dtype))
}

/** Running sums along `dim`. Bools and small integers sum as int32, int64 as int64. */
export function cumsum(x: Tensor, ...args: ScanArgs): Tensor {
  return accumulated('cumsum', (t) => scanSum(t, false), x, args)
}
/** Running products along `dim`. Bools and small integers multiply as int32, int64 as int64. */
export function cumprod(x: Tensor, ...args: ScanArgs): Tensor {
  return accumulated('cumprod', (t) => scanProduct(t, false), x, args)
}
/** log of the running sums of eˣ along `dim`, without overflow. */
export function logcumsumexp(x: Tensor, ...args: Args<[dim: number], { readonly dim: number }>): Tensor {
  checkTensor('logcumsumexp', x)
  const { dim } = readArgs<{ dim?: number }>('logcumsumexp', args, ['dim'])
  return alongLast('logcumsumexp', toFloat('logcumsumexp', x), dim as number, (t) => [scanLogSum(t)])[0]!
}

const running = /* @__NO_SIDE_EFFECTS__ */ (name: string, op: 'max' | 'min'): Op<X, null, X, readonly Tensor[]> =>
  defineOp<X, null, X, readonly Tensor[]>({
    name,
    result: ([x]) => [x, { shape: x.shape, dtype: 'int32' }],
    compute: kernel('scan', () => ({ op, reverse: false })),
    batch: 'leading',
    diff: {
      kind: 'custom',
      jvp: ([, index], _, [dx]) => [dx ? gather(dx, -1, index!) : null, null],
      vjp: ([, index], [x], [ct]) => [ct ? scatterAdd(filledLike(x, 0, x.dtype, x.shape), -1, index!, ct) : null],
    },
  })
export const runningMax: Op<X, null, X, readonly Tensor[]> = running('cummax', 'max')
export const runningMin: Op<X, null, X, readonly Tensor[]> = running('cummin', 'min')

type DimArgs = Args<[dim: number], { readonly dim: number }>
function extremesUpTo(name: string, op: (x: Tensor) => readonly Tensor[], x: Tensor, args: DimArgs): ValuesIndices {
  checkTensor(name, x)
  const { dim } = readArgs<{ dim?: number }>(name, args, ['dim'])
  const bool = x.dtype === 'bool'
  const [values, indices] = alongLast(name, bool ? cast(x, 'uint8') : x, dim as number, op)
  return named(['values', 'indices'], [bool ? cast(values!, 'bool') : values!, indices!])
}
/** The largest element so far along `dim` and where it is: the latest of ties; NaN stays. */
export function cummax(x: Tensor, ...args: DimArgs): ValuesIndices {
  return extremesUpTo('cummax', runningMax, x, args)
}
/** The smallest element so far along `dim` and where it is: the latest of ties; NaN stays. */
export function cummin(x: Tensor, ...args: DimArgs): ValuesIndices {
  return extremesUpTo('cummin', runningMin, x, args)
}
