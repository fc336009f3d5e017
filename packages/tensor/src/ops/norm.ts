import { type DType, expr as e, isFloat } from '@mapgrad/kernel'
import { type Args, readArgs } from '../core/args.ts'
import { TensorRangeError, TensorTypeError, describe } from '../core/errors.ts'
import { defineOp } from '../core/op.ts'
import { checkTensor } from '../core/promote.ts'
import { withoutDims } from '../core/shape.ts'
import { reduction } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { mul, pow, sub } from './binary.ts'
import { cast } from './cast.ts'
import { eq, ne } from './compare.ts'
import { amaxDims, aminDims } from './extreme.ts'
import { type Dims, type Reduction, asked, countOf, dimsOf, kept, readDims, sumDims, widened } from './reduce.ts'
import { abs, rootFlat } from './unary.ts'
import { unreduce } from './view.ts'
import { where } from './where.ts'

/** Σ x² over `dims`, in one pass. */
export const sumSquares: Reduction = defineOp({
  name: 'sum_of_squares',
  args: readDims,
  result: ([x], { dims }) => ({ shape: withoutDims(x.shape, dims), dtype: x.dtype }),
  compute: reduction('sum', (x) => e.mul(x!, x!)),
  batch: 'leading',
  diff: {
    kind: 'custom',
    jvp: (_, [x], [dx], { dims }) => [dx ? mul(sumDims(mul(x, dx), dims), 2) : null],
    vjp: (_, [x], [ct], { dims }) => [ct ? mul(unreduce(mul(ct, 2), x.shape, dims), x) : null],
  },
})

/** xᵖ of x ≥ 0; where x is 0 its derivative is taken as 0. */
function powFlat(x: Tensor, p: number): Tensor {
  const none = eq(x, 0)
  return where(none, p < 0 ? Infinity : 0, pow(where(none, 1, x), p))
}

function vector(op: string, x: Tensor, p: number, dims: readonly number[]): Tensor {
  if (p === 2) return rootFlat(sumSquares(x, dims))
  if (p === 1) return sumDims(abs(x), dims)
  if (p === 0) return cast(sumDims(ne(x, 0), dims), x.dtype)
  if (Math.abs(p) === Infinity || p < 0) {
    if (countOf(x.shape, dims) === 0)
      throw new TensorRangeError(
        `linalg.vector_norm cannot compute the ${Math.abs(p) === Infinity ? (p > 0 ? 'inf' : '-inf') : p} norm on an empty tensor because the operation does not have an identity`,
        { op, code: 'EMPTY_REDUCTION' },
      )
    if (Math.abs(p) === Infinity) return (p > 0 ? amaxDims : aminDims)(abs(x), dims)
  }
  return powFlat(sumDims(powFlat(abs(x), p), dims), 1 / p)
}

/** Arguments of `norm`. */
export interface NormOptions {
  /** any number, ±Infinity, or 'fro', which is 2 */
  readonly p?: number | 'fro' | null
  readonly dim?: Dims
  readonly keepdim?: boolean
  /** converts x first */
  readonly dtype?: DType | null
}
/** Arguments of `norm`, by position or by name. */
export type NormArgs = Args<[p?: number | 'fro' | null, dim?: Dims, keepdim?: boolean, dtype?: DType | null], NormOptions>

/** (Σ |x|ᵖ)^(1/p) over axes, of floats: p = 0 counts what is not 0, ±Infinity are the extremes of |x|. Derivative 0 where the norm is 0. */
export function norm(x: Tensor, ...args: NormArgs): Tensor {
  const { p = 'fro', dim, keepdim, dtype } = readArgs<NormOptions>('norm', args, ['p', 'dim', 'keepdim', 'dtype'])
  return vectorNorm('norm', x, p === 'fro' || p === null ? 2 : p, dim, keepdim, dtype)
}

/** The p-norm over axes, for the functions that have it under other names. */
export function vectorNorm(
  op: string,
  x: Tensor,
  p: number,
  dim: Dims | undefined,
  keepdim: boolean | undefined,
  dtype?: DType | null,
): Tensor {
  checkTensor(op, x)
  if (typeof p !== 'number') throw new TensorTypeError(`expected p to be a number or 'fro', got ${describe(p)}`, { op, code: 'NORM_ORDER' })
  const y = asked(x, dtype)
  if (!isFloat(y.dtype))
    throw new TensorTypeError(
      `linalg.vector_norm: Expected a floating point or complex tensor as input. Got ${y.dtype}. Convert with x.float()`,
      { op, code: 'DTYPE' },
    )
  const dims = dimsOf(op, y, dim)
  return kept(cast(vector(op, widened(y), p, dims), y.dtype), keepdim, x.shape, dims)
}

/** The p-norm of x − y. */
export function dist(x: Tensor, y: Tensor, ...args: Args<[p?: number], { readonly p?: number }>): Tensor {
  const { p = 2 } = readArgs<{ p?: number }>('dist', args, ['p'])
  return vectorNorm('dist', sub(x, y), p, null, false)
}
