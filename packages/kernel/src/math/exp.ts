import { type Expr, abs, add, div, eq, mul, select, sub } from '../expr.ts'
import { type Format, atMost, bitsOf, clamp, formatOf, horner, like, powerOfTwo, scale, toBits, withSign } from './format.ts'

// minimax, scripts/fit.py: exp r = 1 + r + r² q(r) and expm1 r = r + r² q(r) on |r| ≤ ln2 / 2
const exp32 = [0.49999988079071045, 0.166665181517601, 0.04166964814066887, 0.008368945680558681, 0.0013745316537097096]
const exp64 = [
  0.5000000000000012, 0.16666666666666483, 0.04166666666651625, 0.00833333333345149, 0.001388888894669987, 0.00019841269597028663,
  2.4801490322679016e-5, 2.7557507332139964e-6, 2.763113442064866e-7, 2.502464158221554e-8,
]
const expm132 = [0.4999999701976776, 0.16666541993618011, 0.041667524725198746, 0.008366674184799194, 0.0013862407067790627]
const expm164 = [
  0.5, 0.16666666666666677, 0.041666666666666435, 0.008333333333321521, 0.001388888888899017, 0.00019841269886338404, 2.480158712480934e-5,
  2.755724403887222e-6, 2.7557439613808097e-7, 2.51090853293186e-8, 2.0864720558108205e-9,
]
/** 2^r = 1 + r q(r) on |r| ≤ 1/2 */
const exp232 = [
  0.6931471824645996, 0.24022644758224487, 0.055503591895103455, 0.009618841111660004, 0.0013391136890277267, 0.00015238008927553892,
]

/** ln 2 in two parts, the first short enough that its product with any exponent is exact (scripts/fit.py) */
const ln2 = {
  float32: [0.693145751953125, 1.428606765330187e-6],
  float64: [0.6931471805601177, -1.7239444525614835e-13],
} as const

/** x = n ln2 + r, |r| ≤ ln2 / 2; `i` has n + bias in its low bits. The integer is found by adding a number with a coarse grid. */
function reduce(x: Expr, f: Format, bias: number): { r: Expr; i: Expr } {
  const magic = like(x, f.magic + bias)
  const shifted = add(mul(x, like(x, Math.LOG2E)), magic)
  const n = sub(shifted, magic)
  const [high, low] = ln2[f.float]
  return { r: sub(sub(x, mul(n, like(x, high))), mul(n, like(x, low))), i: toBits(shifted) }
}

/** 1 + (r + r² q) */
const around1 = (r: Expr, q: readonly number[]): Expr => add(like(r, 1), add(r, mul(mul(r, r), horner(r, ...q))))

/** exp(x) · 2^shift for shift 0 or −1; −1 reaches beyond the range of exp, for sinh and cosh. */
export function exp(x: Expr, shift: 0 | -1 = 0): Expr {
  const f = formatOf(x)
  const [low, high] = f.float === 'float32' ? [-105, 90] : [-746, 711]
  const { r, i } = reduce(clamp(x, low, high), f, 2 * f.bias + shift)
  return scale(around1(r, f.float === 'float32' ? exp32 : exp64), i)
}

/** exp of a number that neither over- nor underflows: one multiplication by a power of two, and no bounds. */
export function expBounded(x: Expr): Expr {
  const f = formatOf(x)
  const { r, i } = reduce(x, f, f.bias)
  return mul(around1(r, f.float === 'float32' ? exp32 : exp64), powerOfTwo(i))
}

export function exp2(x: Expr): Expr {
  const f = formatOf(x)
  const c = f.float === 'float32' ? clamp(x, -151, 129) : clamp(x, -1076, 1025)
  const magic = like(x, f.magic + 2 * f.bias)
  const shifted = add(c, magic)
  const r = sub(c, sub(shifted, magic))
  const p = f.float === 'float32' ? add(like(r, 1), mul(r, horner(r, ...exp232))) : around1(mul(r, like(r, Math.LN2)), exp64)
  return scale(p, toBits(shifted))
}

/** expm1 r and 2^n of x = n ln2 + r, the power with its exponent moved by `shift`. */
function expm1Parts(x: Expr, shift: number): { p: Expr; s: Expr; i: Expr } {
  const f = formatOf(x)
  const { r, i } = reduce(x, f, f.bias + shift)
  return { p: add(r, mul(mul(r, r), horner(r, ...(f.float === 'float32' ? expm132 : expm164)))), s: powerOfTwo(i), i }
}

/**
 * 2^n expm1(r) + (2^n − 1), at half scale so that n = bias + 1 does not overflow, but where n = 0: half of a subnormal
 * is not exact. The sign of x says which zero.
 */
export function expm1(x: Expr): Expr {
  const [low, high] = x.dtype === 'float32' ? [-18, 89] : [-39, 710]
  const { p, s, i } = expm1Parts(clamp(x, low, high), -1)
  const half = add(mul(s, p), sub(s, like(s, 0.5)))
  const f = formatOf(x)
  const near0 = eq(i, bitsOf(f.magic + f.bias - 1, f))
  return withSign(select(near0, p, add(half, half)), x)
}

/** tanh x = t / (t + 2) with t = expm1(2|x|): never above 1, and one formula for small and large. */
export function tanh(x: Expr): Expr {
  const a = atMost(abs(x), x.dtype === 'float32' ? 10 : 22)
  const { p, s } = expm1Parts(add(a, a), 0)
  const t = add(mul(s, p), sub(s, like(s, 1)))
  return withSign(div(t, add(t, like(t, 2))), x)
}
