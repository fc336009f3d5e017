import { type Expr, abs, add, and, cast, constant, div, eq, gt, lt, mul, ne, not, or, select, shru, sub, trunc, xor } from '../expr.ts'
import { exp } from './exp.ts'
import { bitsOf, clamp, double, formatOf, fromBits, highPart, horner, like, scale, toBits } from './format.ts'
import { log } from './log.ts'

// |x|^y in float64 is a port of fdlibm 5.3 e_pow.c without its branches: log2 |x| in two parts, times y, and 2^ of that.

// log2 of the significand around 1 and 3/2
const L = [
  5.99999999999994648725e-1, 4.28571428578550184252e-1, 3.33333329818377432918e-1, 2.72728123808534006489e-1, 2.30660745775561754067e-1,
  2.06975017800338417784e-1,
]
const P = [
  1.66666666666666019037e-1, -2.77777777770155933842e-3, 6.61375632143793436117e-5, -1.6533902205465251539e-6, 4.13813679705723846039e-8,
]
/** log2(3/2) */
const log2of3over2 = [5.84962487220764160156e-1, 1.35003920212974897128e-8] as const
/** 2 / (3 ln 2), whole and in parts */
const [cp, cpHigh, cpLow] = [9.61796693925975554329e-1, 9.61796700954437255859e-1, -7.02846165095275826516e-9]
const ln2Parts = [6.93147182464599609375e-1, -1.90465429995776804525e-9] as const

/** log2 of a positive x as high + low, high with its low 32 bits clear, to about 2^−65 of itself. */
function log2Parts(x: Expr): { high: Expr; low: Expr } {
  const one = like(x, 1)
  const tiny = lt(x, like(x, double.minNormal))
  const bits = toBits(select(tiny, mul(x, like(x, 2 ** 53)), x))
  // above √3 the significand is halved, so that it lies in [√3/2, √3)
  const i = add(bits, sub(bitsOf(2, double), bitsOf(Math.sqrt(3), double)))
  const bias = select(tiny, like(x, 2 ** 52 + 1023 + 53), like(x, 2 ** 52 + 1023))
  const n = sub(fromBits(or(shru(i, constant(52, 'int64')), bitsOf(2 ** 52, double))), bias)
  const root = sub(bitsOf(Math.sqrt(3), double), constant(1n << 52n, 'int64'))
  const m = fromBits(add(and(i, constant(0xf_ffff_ffff_ffffn, 'int64')), root))
  const upper = gt(m, like(x, Math.sqrt(1.5)))
  const centre = select(upper, like(x, 1.5), one)

  // s = (m − c)/(m + c) in two parts; log2 m = log2 c + 2/ln2 (s + s³/3 + …)
  const u = sub(m, centre)
  const sum = add(m, centre)
  const v = div(one, sum)
  const s = mul(u, v)
  const sh = highPart(s)
  const th = highPart(sum)
  const tl = sub(m, sub(th, centre))
  const sl = mul(v, sub(sub(u, mul(sh, th)), mul(sh, tl)))
  const s2 = mul(s, s)
  const r = add(mul(mul(s2, s2), horner(s2, ...L)), mul(sl, add(sh, s)))
  const sh2 = mul(sh, sh)
  const three = like(x, 3)
  const wh = highPart(add(add(three, sh2), r))
  const wl = sub(r, sub(sub(wh, three), sh2))
  const a = mul(sh, wh)
  const b = add(mul(sl, wh), mul(wl, s))
  const ph = highPart(add(a, b))
  const pl = sub(b, sub(ph, a))
  const zh = mul(like(x, cpHigh), ph)
  const dh = select(upper, like(x, log2of3over2[0]), like(x, 0))
  const dl = select(upper, like(x, log2of3over2[1]), like(x, 0))
  const zl = add(add(mul(like(x, cpLow), ph), mul(pl, like(x, cp))), dl)
  const high = highPart(add(add(add(zh, zl), dh), n))
  return { high, low: sub(zl, sub(sub(sub(high, n), dh), zh)) }
}

/** 2^(h + l), l small against h. */
function exp2Parts(h: Expr, l: Expr): Expr {
  const one = like(h, 1)
  const magic = like(h, double.magic + 2 * double.bias)
  const shifted = add(add(h, l), magic)
  const rest = sub(h, sub(shifted, magic))
  const t = highPart(add(rest, l))
  const u = mul(t, like(h, ln2Parts[0]))
  const v = add(mul(sub(l, sub(t, rest)), like(h, Math.LN2)), mul(t, like(h, ln2Parts[1])))
  const z = add(u, v)
  const w = sub(v, sub(z, u))
  const z2 = mul(z, z)
  const t1 = sub(z, mul(z2, horner(z2, ...P)))
  const r = sub(div(mul(z, t1), sub(t1, like(h, 2))), add(w, mul(z, w)))
  return scale(sub(one, sub(r, z)), toBits(shifted))
}

/** a^y for a ≥ 0, but for a = 1 and y = 0. */
function magnitude64(a: Expr, y: Expr): Expr {
  const [zero, infinity] = [like(a, 0), like(a, Infinity)]
  const { high, low } = log2Parts(a)
  const yh = highPart(y)
  const l = add(mul(sub(y, yh), high), mul(y, low))
  const h = mul(yh, high)
  // where y is infinite or nearly, the low part may be anything
  const far = gt(abs(h), like(a, 1200))
  const core = exp2Parts(clamp(h, -1200, 1200), select(far, zero, l))
  const up = lt(zero, y)
  const atEnd = select(eq(a, zero), select(up, zero, infinity), select(up, infinity, zero))
  const finite = lt(zero, a)
  const value = select(and(finite, lt(a, infinity)), core, atEnd)
  return select(and(eq(a, a), eq(y, y)), value, like(a, NaN))
}

/** In float64, where one log and one exp are exact enough for float32. */
const magnitude32 = (a: Expr, y: Expr): Expr => cast(exp(mul(cast(y, 'float64'), log(cast(a, 'float64')))), 'float32')

/** C99's pow: pow(x, ±0) = pow(1, y) = 1 whatever the other; the sign of x survives an odd integer y. */
export function pow(x: Expr, y: Expr): Expr {
  const [zero, one] = [like(x, 0), like(x, 1)]
  const a = abs(x)
  const size = x.dtype === 'float32' ? magnitude32(a, y) : magnitude64(a, y)
  const positive = select(or(eq(a, one), eq(y, zero)), one, size)
  const whole = eq(trunc(y), y)
  const halfY = mul(y, like(x, 0.5))
  const odd = and(whole, ne(trunc(halfY), halfY))
  const sign = select(odd, and(toBits(x), bitsOf(-0, formatOf(x))), like(toBits(x), 0))
  const signed = fromBits(xor(toBits(positive), sign))
  const outside = and(and(lt(x, zero), gt(x, like(x, -Infinity))), not(whole))
  const y0or1 = or(eq(x, one), eq(y, zero))
  return select(y0or1, one, select(outside, like(x, NaN), signed))
}
