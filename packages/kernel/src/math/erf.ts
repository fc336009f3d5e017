import { type Expr, abs, add, and, constant, div, lt, mul, select, sub } from '../expr.ts'
import { exp, expBounded } from './exp.ts'
import { atMost, clamp, fromBits, horner, like, toBits, withSign } from './format.ts'

/** erf x = x P(x²) / Q(x²) on |x| ≤ 1 in float64; scripts/fit.py */
const P = [1.1283791670955126, 0.14350665273245994, 0.04548361193132144, 0.0018774108402912263, 0.0001968847242267882, 7.771718241799479e-8]
const Q = [1.0, 0.4605127929664381, 0.09381306588251986, 0.01069307851064737, 0.0006924981371554296, 2.0810253869988436e-5]
/** float32: erf x = x + x q(x²) on |x| ≤ 0.92; scripts/fit.py */
const small32 = [
  0.12837915122509003, -0.37612491846084595, 0.11281774938106537, -0.02676483243703842, 0.004990359768271446, -0.0005975899985060096,
]
/** float32: erfc x = exp(−x − x q(x)) on [0.92, 4]; scripts/fit.py. The form is N. Juffa's, https://stackoverflow.com/a/35148199 (2016) */
const large32 = [
  0.1286526620388031, 0.6351327300071716, 0.10627046972513199, -0.023793553933501244, 0.0036585938651114702, -0.0003270847082603723,
  1.1690149221976753e-5,
]

/** erfc x · e^(x²) · (1 + 2x) in t = (x − 4)/(x + 4), x in [½, 27.3]; scripts/fit.py, the form is Shepherd and Laframboise, Math. Comp. 36 (1981) */
const W = [
  1.2329951186255526, -0.13962111684056167, 0.015379652102614362, 0.0680970542545859, -0.10103906603596018, 0.09373283500233358,
  -0.0663303658207051, 0.03716751546911628, -0.0161977339517792, 0.005031970625064859, -0.0007577740501745319, -0.0001992603912641466,
  0.00015062502861064246, -2.4385904661314977e-5, -1.123130782581272e-5, 5.679218569539159e-6, 3.098332212816643e-7, -7.819005735881391e-7,
  5.816306825542359e-8, 7.418044121182195e-8, -8.984976753377351e-9,
]

/** x P(x²) / Q(x²) */
function rational(x: Expr): Expr {
  const z = mul(x, x)
  return div(mul(x, horner(z, ...P)), horner(z, ...Q))
}

/** Two polynomials and an exponential: a quotient would be shorter, but passes 1 where erf is near to it. */
function erf32(x: Expr): Expr {
  const a = atMost(abs(x), 4)
  const small = add(a, mul(a, horner(mul(a, a), ...small32)))
  const tail = expBounded(sub(like(x, 0), add(a, mul(a, horner(a, ...large32)))))
  return withSign(select(lt(a, like(x, 0.92)), small, sub(like(x, 1), tail)), x)
}

/** erfc of a float64 x ≥ ½. */
function erfcLarge(x: Expr): Expr {
  // x² = h² + (x − h)(x + h) with h² exact: the exponential feels every bit of its argument
  const h = fromBits(and(toBits(x), constant(-0x800_0000n, 'int64')))
  const d = mul(sub(h, x), add(h, x))
  const small = add(like(x, 1), mul(d, horner(d, 1, 0.5, 1 / 6)))
  const t = div(sub(x, like(x, 4)), add(x, like(x, 4)))
  const w = div(horner(t, ...W), add(like(x, 1), mul(like(x, 2), x)))
  return mul(mul(exp(sub(like(x, 0), mul(h, h))), small), w)
}

export function erf(x: Expr): Expr {
  if (x.dtype === 'float32') return erf32(x)
  const a = abs(x)
  return withSign(select(lt(a, like(x, 1)), rational(a), sub(like(x, 1), erfcLarge(clamp(a, 0.5, 6)))), x)
}

export function erfc(x: Expr): Expr {
  const one = like(x, 1)
  const a = abs(x)
  const tail = erfcLarge(clamp(a, 0.5, 28))
  return select(lt(a, like(x, 0.5)), sub(one, rational(x)), select(lt(x, like(x, 0)), sub(like(x, 2), tail), tail))
}
