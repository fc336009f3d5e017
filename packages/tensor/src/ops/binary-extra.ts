import { type Expr, expr as e, isFloat } from '@mapgrad/kernel'
import { type Args, type End, checkEnd, readArgs } from '../core/args.ts'
import { isTensor } from '../core/handle.ts'
import type { Op } from '../core/op.ts'
import { elementwise, gates, steps } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { type AlphaOptions, add, div, logicalAnd, logicalOr, mul, pow, sub } from './binary.ts'
import { cast } from './cast.ts'
import { eq, le } from './compare.ts'
import { type Binary, type Operand, type XY, binary, floating, indicator, number, numbers, weight } from './families.ts'
import { abs, exp2, isfinite, isinf, isnan, sigmoid } from './unary.ts'
import { where } from './where.ts'

const isNaN = (x: Expr): Expr => e.ne(x, x)
const choose = (x: Expr, y: Expr, first: Expr): Expr => e.select(e.or(first, isNaN(y)), x, y)
export const prefersMax: Op<XY> = indicator('prefers_max', (x, y) => e.or(e.ge(x!, y!), isNaN(y!)))
export const prefersMin: Op<XY> = indicator('prefers_min', (x, y) => e.or(e.le(x!, y!), isNaN(y!)))
const rest = (w: Tensor): Tensor => sub(1, w)

/** The larger of x and y; the number where one is NaN. Where they tie, x has the derivative. */
export const fmax: Binary = binary('fmax', {
  build: (x, y) => (x.dtype === 'bool' ? e.or(x, y) : isFloat(x.dtype) ? choose(x, y, e.ge(x, y)) : e.max(x, y)),
  diff: gates(
    (_, [x, y]) => prefersMax(x, y),
    (_, [x, y]) => rest(prefersMax(x, y)),
  ),
})
/** The smaller of x and y; the number where one is NaN. Where they tie, x has the derivative. */
export const fmin: Binary = binary('fmin', {
  build: (x, y) => (x.dtype === 'bool' ? e.and(x, y) : isFloat(x.dtype) ? choose(x, y, e.le(x, y)) : e.min(x, y)),
  diff: gates(
    (_, [x, y]) => prefersMin(x, y),
    (_, [x, y]) => rest(prefersMin(x, y)),
  ),
})

/** y − alpha · x. */
export function rsub(x: Operand, y: Operand, options?: AlphaOptions, ...end: End): Tensor {
  return sub(y, x, options, ...end)
}

/** x · log y, and 0 where x is 0, unless y is NaN. */
export const xlogy: Binary = binary('xlogy', {
  build: (x, y) => e.select(isNaN(y), y, e.select(e.eq(x, number(0, x)), number(0, x), e.mul(x, e.log(y)))),
  as: floating,
  diff: {
    kind: 'custom',
    jvp: (_, [x, y], [dx, dy]) => {
      const parts = [dx && byFirst(x, y, dx), dy && mul(dy, div(x, y))].filter((d) => d !== null)
      return [parts.length === 2 ? add(parts[0]!, parts[1]!) : (parts[0] ?? null)]
    },
    vjp: (_, [x, y], [ct]) => (ct ? [byFirst(x, y, ct), mul(ct, div(x, y))] : [null, null]),
  },
})
/** d · ∂ xlogy(x, y) / ∂x: 0 where d is, or where x is 0 and log y is not finite, as in PyTorch. */
const byFirst = (x: Tensor, y: Tensor, d: Tensor): Tensor => where(logicalAnd(eq(x, 0), le(y, 0)), 0, xlogy(d, y))

/** √(x² + y²) without overflow; derivative 0 at the origin. */
export const hypot: Binary = binary('hypot', {
  build: (x, y) => {
    const [a, b] = [e.abs(x), e.abs(y)]
    const [large, small] = [e.max(a, b), e.min(a, b)]
    const r = e.div(small, large)
    const h = e.mul(large, e.sqrt(e.add(number(1, x), e.mul(r, r))))
    const infinite = number(Infinity, x)
    return e.select(e.or(e.eq(a, infinite), e.eq(b, infinite)), infinite, e.select(e.eq(large, number(0, x)), large, h))
  },
  as: floating,
  diff: elementwise(
    (h, [x]) => div(x, where(eq(h, 0), 1, h)),
    (h, [, y]) => div(y, where(eq(h, 0), 1, h)),
  ),
})

/** whether a float is negative, −0 too: 1/−0 is −Inf */
export const isNegative = (x: Expr): Expr =>
  e.or(e.lt(x, number(0, x)), e.and(e.eq(x, number(0, x)), e.lt(e.div(number(1, x), x), number(0, x))))

export const signRatio: Op<XY> = weight('sign_ratio', (x, y) => {
  const zero = number(0, x!)
  const flipped = e.ne(isNegative(x!), isNegative(y!))
  return e.select(e.eq(x!, zero), zero, e.select(flipped, number(-1, x!), number(1, x!)))
})
/** |x| with the sign of y, −0 too. */
export const copysign: Binary = binary('copysign', {
  build: (x, y) => e.select(isNegative(y), e.neg(e.abs(x)), e.abs(x)),
  as: floating,
  diff: elementwise((_, [x, y]) => signRatio(x, y), null),
})

/** x − y, and 0 where both are the same infinity. */
export const gap = (x: Tensor, y: Tensor): Tensor =>
  sub(where(logicalAnd(isinf(x), eq(x, y)), 0, x), where(logicalAnd(isinf(x), eq(x, y)), 0, y))
const logAdd = (x: Expr, y: Expr, base2: boolean): Expr => {
  const m = e.max(x, y)
  const z = e.neg(e.abs(e.sub(x, y)))
  const d = base2 ? e.mul(e.log1p(e.exp2(z)), number(Math.LOG2E, x)) : e.log1p(e.exp(z))
  return e.select(e.and(e.eq(x, y), e.eq(e.abs(x), number(Infinity, x))), x, e.add(m, d))
}
/** log(eˣ + eʸ) without overflow. */
export const logaddexp: Binary = binary('logaddexp', {
  build: (x, y) => logAdd(x, y, false),
  as: floating,
  diff: elementwise(
    (_, [x, y]) => sigmoid(gap(x, y)),
    (_, [x, y]) => sigmoid(gap(y, x)),
  ),
})
/** log₂(2ˣ + 2ʸ) without overflow. */
export const logaddexp2: Binary = binary('logaddexp2', {
  build: (x, y) => logAdd(x, y, true),
  as: floating,
  diff: elementwise(
    (_, [x, y]) => sigmoid(mul(gap(x, y), Math.LN2)),
    (_, [x, y]) => sigmoid(mul(gap(y, x), Math.LN2)),
  ),
})

/** 0 where x < 0 or NaN, y where x = 0, 1 where x > 0. */
export const heaviside: Binary = binary('heaviside', {
  build: (x, y) => e.select(e.eq(x, number(0, x)), y, e.cast(e.gt(x, number(0, x)), x.dtype)),
  as: numbers('heaviside'),
  diff: steps,
})

/** x · 2ʸ. */
export function ldexp(x: Operand, y: Tensor, ...end: End): Tensor {
  checkEnd('ldexp', end)
  return mul(x, exp2(y))
}
/** x to the power y, computed and given as float64. */
export function floatPower(x: Operand, y: Operand, ...end: End): Tensor {
  checkEnd('float_power', end)
  const wide = (t: Operand): Operand => (isTensor(t) ? cast(t, 'float64') : t)
  return pow(wide(x), wide(y))
}

/** Options of `isclose`. */
export interface IscloseOptions {
  /** relative to |y|; default 1e-5 */
  readonly rtol?: number | undefined
  /** default 1e-8 */
  readonly atol?: number | undefined
  /** whether NaN is close to NaN */
  readonly equalNan?: boolean | undefined
}
/** Whether |x − y| ≤ atol + rtol |y|; equal infinities are close. */
export function isclose(x: Tensor, y: Tensor, ...args: Args<[rtol?: number, atol?: number, equalNan?: boolean], IscloseOptions>): Tensor {
  const { rtol = 1e-5, atol = 1e-8, equalNan = false } = readArgs<IscloseOptions>('isclose', args, ['rtol', 'atol', 'equalNan'])
  const near = logicalAnd(isfinite(y), le(abs(sub(x, y)), add(mul(abs(y), rtol), atol)))
  const same = logicalOr(eq(x, y), near)
  return equalNan ? logicalOr(same, logicalAnd(isnan(x), isnan(y))) : same
}
