import { type Expr, abs, add, constant, div, eq, lt, mul, select, sqrt, sub, xor } from '../expr.ts'
import { horner, like, toBits, withSign } from './format.ts'

// All for float64; float32 is computed there. Schemes and coefficients of fdlibm 5.3.

const pi = [3.141592653589793116, 1.2246467991473531772e-16] as const
const halfPi = [1.570796326794896558, 6.12323399573676603587e-17] as const

// (asin s − s) / s = s² P(s²)/Q(s²) on |s| ≤ ½: e_asin.c
const P = [
  1.66666666666666657415e-1, -3.25565818622400915405e-1, 2.01212532134862925881e-1, -4.00555345006794114027e-2, 7.91534994289814532176e-4,
  3.4793310759602116757e-5,
]
const Q = [1, -2.40339491173441421878, 2.02094576023350569471, -6.8828397160545329303e-1, 7.70381505559019352791e-2]

/** For |x| ≥ ½, s = √((1 − |x|)/2), and asin|x| = π/2 − 2 asin s; else s = |x|. Gives s and s·R with asin s = s + sR. */
function halves(a: Expr): { small: Expr; s: Expr; sr: Expr } {
  const small = lt(a, like(a, 0.5))
  const z = select(small, mul(a, a), mul(sub(like(a, 1), a), like(a, 0.5)))
  const s = select(small, a, sqrt(z))
  return { small, s, sr: mul(s, div(mul(z, horner(z, ...P)), horner(z, ...Q))) }
}

export function asin(x: Expr): Expr {
  const { small, s, sr } = halves(abs(x))
  const t = add(s, sr)
  return withSign(select(small, t, sub(like(x, halfPi[0]), sub(add(t, t), like(x, halfPi[1])))), x)
}

export function acos(x: Expr): Expr {
  const { small, s, sr } = halves(abs(x))
  const negative = lt(x, like(x, 0))
  const t = add(s, sr)
  const signed = select(negative, sub(like(x, 0), sr), sr)
  const inner = sub(like(x, halfPi[0]), sub(x, sub(like(x, halfPi[1]), signed)))
  const u = sub(t, like(x, halfPi[1]))
  return select(small, inner, select(negative, sub(like(x, pi[0]), add(u, u)), add(t, t)))
}

// atan t = t − t (…) on |t| ≤ 7/16, and atan around ½, 1, 3/2, ∞: s_atan.c
const even = [
  3.33333333333329318027e-1, 1.42857142725034663711e-1, 9.09088713343650656196e-2, 6.66107313738753120669e-2, 4.97687799461593236017e-2,
  1.62858201153657823623e-2,
]
const odd = [
  -1.99999999998764832476e-1, -1.1111110405462355788e-1, -7.69187620504482999495e-2, -5.83357013379057348645e-2, -3.6531572744216915527e-2,
]

interface Around {
  readonly numerator: Expr
  readonly denominator: Expr
  /** atan of the centre, in two parts */
  readonly high: Expr
  readonly low: Expr
}

function around(a: Expr, ranges: readonly (readonly [upTo: number, centre: number, high: number, low: number])[]): Around {
  const one = like(a, 1)
  let at: Around = { numerator: like(a, -1), denominator: a, high: like(a, halfPi[0]), low: like(a, halfPi[1]) }
  for (const [upTo, centre, high, low] of ranges) {
    const here = lt(a, like(a, upTo))
    const c = like(a, centre)
    at = {
      numerator: select(here, sub(a, c), at.numerator),
      denominator: select(here, add(one, mul(c, a)), at.denominator),
      high: select(here, like(a, high), at.high),
      low: select(here, like(a, low), at.low),
    }
  }
  return at
}

function arc({ numerator, denominator, high, low }: Around): Expr {
  const t = div(numerator, denominator)
  const z = mul(t, t)
  const w = mul(z, z)
  const s = add(mul(z, horner(w, ...even)), mul(w, horner(w, ...odd)))
  return sub(high, sub(sub(mul(t, s), low), t))
}

const upTo1 = [
  [19 / 16, 1, 7.85398163397448278999e-1, 3.06161699786838301793e-17],
  [11 / 16, 0.5, 4.63647609000806093515e-1, 2.26987774529616870924e-17],
  [7 / 16, 0, 0, 0],
] as const

export const atan = (x: Expr): Expr =>
  withSign(arc(around(abs(x), [[39 / 16, 1.5, 9.82793723247329054082e-1, 1.39033110312309984516e-17], ...upTo1])), x)

/** The angle of (x, y), from the octant's angle of the smaller over the larger. */
export function atan2(y: Expr, x: Expr): Expr {
  const zero = like(x, 0)
  const one = like(x, 1)
  const ax = abs(x)
  const ay = abs(y)
  const flat = lt(ay, ax)
  const small = select(flat, ay, ax)
  const large = select(flat, ax, ay)
  // 0/0 is 0 and ∞/∞ is 1, as C99 wants; a NaN is equal to nothing and goes through the division
  const q = select(eq(small, large), select(eq(large, zero), zero, one), div(small, large))
  const octant = arc(around(q, upTo1))
  const steep = lt(ax, ay)
  const behind = lt(toBits(x), constant(0n, 'int64'))
  // a, π/2 − a, π/2 + a or π − a
  const part = (i: 0 | 1): Expr => select(steep, like(x, halfPi[i]), select(behind, like(x, pi[i]), zero))
  const turned = select(xor(steep, behind), sub(zero, octant), octant)
  return withSign(add(part(0), add(turned, part(1))), y)
}
