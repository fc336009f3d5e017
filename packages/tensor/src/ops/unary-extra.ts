import { type DType, type Expr, dtypes, expr as e, isFloat } from '@mapgrad/kernel'
import { type Args, type End, checkEnd, readArgs } from '../core/args.ts'
import { TensorTypeError } from '../core/errors.ts'
import { defineOp } from '../core/op.ts'
import { checkTensor, oneTensor } from '../core/promote.ts'
import { constant, pointwise } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { div, mul, sub } from './binary.ts'
import { isNegative } from './binary-extra.ts'
import { cast, toFloat } from './cast.ts'
import { eq } from './compare.ts'
import { type Parametric, number, parametric } from './families.ts'
import { clamp } from './ternary.ts'
import { type Unary, isnan, log } from './unary.ts'
import { clone } from './view.ts'
import { where } from './where.ts'

const derivatives = /* @__PURE__ */ new Map<number, Parametric>()

/**
 * The n-th derivative of sin(πx)/(πx). With g(u) = sin(u)/u: g⁽ⁿ⁾ = (sin(u + nπ/2) − n g⁽ⁿ⁻¹⁾) / u away from 0, and near it
 * the series Σ (−1)ᵏ u²ᵏ⁻ⁿ / ((2k + 1) (2k − n)!), so that every order is right at 0.
 */
export function sincDerivative(n: number): Parametric {
  let op = derivatives.get(n)
  if (!op) {
    op = parametric(
      n ? `sinc_derivative_${n}` : 'sinc',
      (x) => {
        const u = e.mul(x, number(Math.PI, x))
        const scale = number(Math.PI ** n, x)
        return e.mul(scale, e.select(e.lt(e.abs(u), number(nearZero(n), u)), sincSeries(u, n), sincRecurrence(u, n)))
      },
      (_, [x]) => sincDerivative(n + 1)(x),
    )
    derivatives.set(n, op)
  }
  return op
}
// the recurrence loses digits by n! / uⁿ, the series needs more terms the farther it reaches
const nearZero = (n: number): number => (n === 0 ? 1e-3 : 1.5)
function sincSeries(u: Expr, n: number): Expr {
  const first = Math.ceil(n / 2)
  const terms = 11
  const u2 = e.mul(u, u)
  let factorial = 1
  const coefficients: number[] = []
  for (let k = first, m = 0; k < first + terms; k++) {
    while (m < 2 * k - n) factorial *= ++m
    coefficients.push((k % 2 ? -1 : 1) / ((2 * k + 1) * factorial))
  }
  let sum = number(coefficients[terms - 1]!, u)
  for (let i = terms - 2; i >= 0; i--) sum = e.add(e.mul(sum, u2), number(coefficients[i]!, u))
  return n % 2 ? e.mul(sum, u) : sum
}
function sincRecurrence(u: Expr, n: number): Expr {
  const shifted = [e.sin(u), e.cos(u), e.neg(e.sin(u)), e.neg(e.cos(u))]
  let g = e.div(shifted[0]!, u)
  for (let i = 1; i <= n; i++) g = e.div(e.sub(shifted[i % 4]!, e.mul(number(i, u), g)), u)
  return g
}
/** sin(πx) / (πx), and 1 at 0. */
export function sinc(x: Tensor, ...end: End): Tensor {
  checkEnd('sinc', end)
  return sincDerivative(0)(x)
}
/** x · π / 180. */
export function deg2rad(x: Tensor, ...end: End): Tensor {
  checkEnd('deg2rad', end)
  return mul(toFloat('deg2rad', x), Math.PI / 180)
}
/** x · 180 / π. */
export function rad2deg(x: Tensor, ...end: End): Tensor {
  checkEnd('rad2deg', end)
  return mul(toFloat('rad2deg', x), 180 / Math.PI)
}
/** Arguments of `logit`. */
export interface LogitOptions {
  /** moves x into [eps, 1 − eps] first */
  readonly eps?: number | null
}
/** log(x / (1 − x)). */
export function logit(x: Tensor, ...args: Args<[eps?: number | null], LogitOptions>): Tensor {
  const { eps = null } = readArgs<LogitOptions>('logit', args, ['eps'])
  const y = toFloat('logit', x)
  const z = eps === null ? y : clamp(y, eps, 1 - eps)
  return log(div(z, sub(1, z)))
}

const largest: Readonly<Partial<Record<DType, number>>> = {
  float16: 65504,
  bfloat16: 3.3895313892515355e38,
  float32: 3.4028234663852886e38,
  float64: Number.MAX_VALUE,
}

/** Arguments of `nanToNum`. */
export interface NanToNumOptions {
  readonly nan?: number | null
  /** the largest number of the dtype by default */
  readonly posinf?: number | null
  /** the smallest number of the dtype by default */
  readonly neginf?: number | null
}
/** x with numbers for NaN, Inf and −Inf; the derivative is 0 there. */
export function nanToNum(
  x: Tensor,
  ...args: Args<[nan?: number | null, posinf?: number | null, neginf?: number | null], NanToNumOptions>
): Tensor {
  checkTensor('nanToNum', x)
  const { nan, posinf, neginf } = readArgs<NanToNumOptions>('nanToNum', args, ['nan', 'posinf', 'neginf'])
  const most = largest[x.dtype]
  if (most === undefined) return clone(x)
  return where(isnan(x), nan ?? 0, where(eq(x, Infinity), posinf ?? most, where(eq(x, -Infinity), neginf ?? -most, x)))
}

/** Whether each element is negative, −0 too. */
export const signbit: Unary = defineOp<[x: Tensor]>({
  name: 'signbit',
  args: oneTensor('signbit'),
  result: ([x]) => ({ shape: x.shape, dtype: 'bool' }),
  compute: pointwise((x) =>
    isFloat(x!.dtype) ? isNegative(x!) : dtypes[x!.dtype].signed ? e.lt(x!, number(0, x!)) : e.constant(false, 'bool'),
  ),
  batch: 'pointwise',
  diff: constant,
})
/** Whether each element is `value`, ±Inf. */
const isInfinity = (op: string, x: Tensor, value: number): Tensor => {
  checkTensor(op, x)
  return isFloat(x.dtype) ? eq(x, value) : mul(cast(x, 'bool'), false)
}
/** Whether each element is Inf. */
export function isposinf(x: Tensor, ...end: End): Tensor {
  checkEnd('isposinf', end)
  return isInfinity('isposinf', x, Infinity)
}
/** Whether each element is −Inf. */
export function isneginf(x: Tensor, ...end: End): Tensor {
  checkEnd('isneginf', end)
  return isInfinity('isneginf', x, -Infinity)
}
/** Whether each element is a real number: all are. */
export function isreal(x: Tensor, ...end: End): Tensor {
  checkEnd('isreal', end)
  checkTensor('isreal', x)
  return eq(cast(x, 'bool'), cast(x, 'bool'))
}

/** x itself. */
export function positive(x: Tensor, ...end: End): Tensor {
  checkEnd('positive', end)
  checkTensor('positive', x)
  if (x.dtype === 'bool')
    throw new TensorTypeError('The `+` operator, on a bool tensor is not supported.', { op: 'positive', code: 'DTYPE' })
  return x
}
