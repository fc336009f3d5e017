import { type Expr, abs, add, div, gt, lt, mul, select, sqrt, sub } from '../expr.ts'
import { exp } from './exp.ts'
import { horner, like, withSign } from './format.ts'
import { log1p } from './log.ts'

/** sinh x = x + x³ q(x²) on |x| ≤ 1; scripts/fit.py */
const sinh64 = [
  0.16666666666666669, 0.008333333333333144, 0.00019841269841434027, 2.755731915648752e-6, 2.5052123218888594e-8, 1.6057253991157174e-10,
  7.758909489962342e-13,
]

// All for float64; float32 is computed there.

export function sinh(x: Expr): Expr {
  const a = abs(x)
  const z = mul(a, a)
  const e = exp(a, -1)
  const large = sub(e, div(like(x, 0.25), e))
  return withSign(select(lt(a, like(x, 1)), add(a, mul(mul(a, z), horner(z, ...sinh64))), large), x)
}

export function cosh(x: Expr): Expr {
  const e = exp(abs(x), -1)
  return add(e, div(like(x, 0.25), e))
}

/** Beyond 2^54 asinh and acosh are log(2x), and neither 1 is felt. */
const huge = 2 ** 54

/** log1p(a + a²/(1 + √(a² + 1))): fdlibm 5.3 s_asinh.c */
export function asinh(x: Expr): Expr {
  const a = abs(x)
  const big = gt(a, like(x, huge))
  const z = mul(a, a)
  const one = like(x, 1)
  const t = add(a, div(z, add(one, sqrt(add(z, one)))))
  return withSign(add(log1p(select(big, a, t)), select(big, like(x, Math.LN2), like(x, 0))), x)
}

/** log1p(t + √(2t + t²)), t = x − 1: fdlibm 5.3 e_acosh.c */
export function acosh(x: Expr): Expr {
  const big = gt(x, like(x, huge))
  const t = sub(x, like(x, 1))
  const s = add(t, sqrt(add(add(t, t), mul(t, t))))
  const y = add(log1p(select(big, x, s)), select(big, like(x, Math.LN2), like(x, 0)))
  return select(lt(x, like(x, 1)), like(x, NaN), y)
}

/** ½ log1p(2a / (1 − a)), in the form that is exact for a small a: fdlibm 5.3 e_atanh.c */
export function atanh(x: Expr): Expr {
  const a = abs(x)
  const d = add(a, a)
  const rest = sub(like(x, 1), a)
  const t = select(lt(a, like(x, 0.5)), add(d, div(mul(d, a), rest)), div(d, rest))
  return withSign(mul(like(x, 0.5), log1p(t)), x)
}
