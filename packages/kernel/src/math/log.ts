import { type Expr, add, and, cast, constant, div, eq, gt, lt, mul, or, select, shru, sub } from '../expr.ts'
import { type Format, bitsOf, formatOf, fromBits, highPart, horner, like, powerOfTwo, toBits, withSign } from './format.ts'

// log(1+f) = f − f²/2 + s (f²/2 + R(s²)), s = f/(2+f): fdlibm's scheme.
// coefficients of FreeBSD 14 lib/msun/src/k_log.h and k_logf.h
const R64 = [
  6.66666666666673513e-1, 3.999999999940941908e-1, 2.857142874366239149e-1, 2.222219843214978396e-1, 1.818357216161805012e-1,
  1.531383769920937332e-1, 1.479819860511658591e-1,
]
const R32 = [0xaaaaaa / 2 ** 24, 0xccce13 / 2 ** 25, 0x91e9ee / 2 ** 25, 0xf89e26 / 2 ** 26]

/** ln 2 in two parts, the first times any exponent exact (fdlibm e_log.c, e_logf.c) */
const ln2 = {
  float32: [0.69313812255859375, 9.05800061445916e-6],
  float64: [6.9314718036912381649e-1, 1.90821492927058770002e-10],
} as const

interface Split {
  /** exponent field of x against √½: e + bias, an integer */
  readonly field: Expr
  /** x · 2^−e, in [√½, √2) */
  readonly m: Expr
}

/** x = 2^e m for a positive normal x. */
function split(x: Expr, f: Format): Split {
  const root = bitsOf(Math.SQRT1_2, f)
  const one = bitsOf(1, f)
  const i = add(toBits(x), sub(one, root))
  const mask = f.float === 'float32' ? constant(0x7fffff, 'int32') : constant(0xf_ffff_ffff_ffffn, 'int64')
  return { field: shru(i, like(i, f.mantissa)), m: fromBits(add(and(i, mask), root)) }
}

/** The small integer `field` less `bias`, as a float. There is no SIMD conversion from int64, so the bits are put into a float by hand. */
function exponent(field: Expr, f: Format, bias: (v: number) => Expr): Expr {
  if (f.float === 'float32') return sub(cast(field, 'float32'), bias(f.bias))
  return sub(fromBits(or(field, bitsOf(2 ** 52, f))), bias(2 ** 52 + f.bias))
}

/** f²/2 and s (f²/2 + R): log(1+f) = f − half + rest */
function series(f: Expr): { half: Expr; rest: Expr } {
  const half = mul(mul(like(f, 0.5), f), f)
  const s = div(f, add(like(f, 2), f))
  const z = mul(s, s)
  const r = mul(z, horner(z, ...(f.dtype === 'float32' ? R32 : R64)))
  return { half, rest: mul(s, add(half, r)) }
}

function combine(f: Expr, e: Expr, format: Format): Expr {
  const { half, rest } = series(f)
  const [high, low] = ln2[format.float]
  return add(add(sub(add(rest, mul(e, like(e, low))), half), f), mul(e, like(e, high)))
}

/** `inside` for 0 < y < ∞; −∞ at 0, ∞ at ∞, NaN below 0, where x is y up to a shift by `zero`. */
const domain = (x: Expr, zero: number, inside: Expr): Expr =>
  select(gt(x, like(x, zero)), select(lt(x, like(x, Infinity)), inside, x), select(eq(x, like(x, zero)), like(x, -Infinity), like(x, NaN)))

/** e and f = m − 1 of a positive x, subnormals included */
function decompose(x: Expr, format: Format): { e: Expr; f: Expr } {
  const lift = format.mantissa + 2
  const tiny = lt(x, like(x, format.minNormal))
  const { field, m } = split(select(tiny, mul(x, like(x, 2 ** lift)), x), format)
  return { e: exponent(field, format, (v) => select(tiny, like(x, v + lift), like(x, v))), f: sub(m, like(m, 1)) }
}

export function log(x: Expr): Expr {
  const format = formatOf(x)
  const { e, f } = decompose(x, format)
  return domain(x, 0, combine(f, e, format))
}

/**
 * With 1 + x = 2^e (1 + f): f = x 2^−e + (2^−e − 1), which loses nothing of a small x.
 * Beyond 2^(mantissa + 3) the 1 is not felt, and 2^−e might not be there.
 */
export function log1p(x: Expr): Expr {
  const format = formatOf(x)
  const { field, m } = split(add(like(x, 1), x), format)
  const s = powerOfTwo(sub(like(field, 2 * format.bias), field))
  const one = like(x, 1)
  const f = select(lt(x, like(x, 2 ** (format.mantissa + 3))), add(mul(x, s), sub(s, one)), sub(m, one))
  const e = exponent(field, format, (v) => like(x, v))
  return domain(x, -1, withSign(combine(f, e, format), x))
}

/** Of a float64 x: log(m) as hi + lo, hi short; FreeBSD 14 e_log2.c and e_log10.c. */
function highLow(x: Expr): { e: Expr; high: Expr; low: Expr } {
  const { e, f } = decompose(x, formatOf(x))
  const { half, rest } = series(f)
  const high = highPart(sub(f, half))
  return { e, high, low: add(sub(sub(f, high), half), rest) }
}

export function log2(x: Expr): Expr {
  const { e, high, low } = highLow(x)
  const [ivh, ivl] = [like(x, 1.44269504072144627571), like(x, 1.67517131648865118353e-10)]
  const vh = mul(high, ivh)
  const vl = add(mul(add(low, high), ivl), mul(low, ivh))
  const w = add(e, vh)
  return domain(x, 0, add(add(vl, add(sub(e, w), vh)), w))
}

export function log10(x: Expr): Expr {
  const { e, high, low } = highLow(x)
  const [ivh, ivl] = [like(x, 4.34294481878168880939e-1), like(x, 2.50829467116452752298e-11)]
  const vh = mul(high, ivh)
  const e2 = mul(e, like(x, 3.01029995663611771306e-1))
  const vl = add(add(mul(e, like(x, 3.69423907715893078616e-13)), mul(add(low, high), ivl)), mul(low, ivh))
  const w = add(e2, vh)
  return domain(x, 0, add(add(vl, add(sub(e2, w), vh)), w))
}
