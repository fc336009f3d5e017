import { type Expr, abs, add, and, div, eq, gt, mul, rare, select, shl, sub, xor } from '../expr.ts'
import { type Format, formatOf, fromBits, horner, like, signBit, toBits } from './format.ts'

/** sin r = r + r³ q(r²) on |r| ≤ π/2 (scripts/fit.py) */
const sine = {
  float32: [-0.16666659712791443, 0.008333069272339344, -0.00019809776858892292, 2.606095677037956e-6],
  float64: [
    -0.16666666666666666, 0.008333333333333191, -0.00019841269841208128, 2.755731921097326e-6, -2.50521068592394e-8, 1.605893907766821e-10,
    -7.642976203609847e-13, 2.7210228281435453e-15,
  ],
} as const
/** tan r = r + r³ q(r²) on |r| ≤ π/4 (scripts/fit.py) */
const tangent32 = [
  0.3333316147327423, 0.1333867311477661, 0.05342154577374458, 0.024395011365413666, 0.0031734693329781294, 0.00935536902397871,
]
// on |r| ≤ π/4: fdlibm 5.3 k_sin.c and k_cos.c
const S = [
  -1.66666666666666324348e-1, 8.33333333332248946124e-3, -1.98412698298579493134e-4, 2.75573137070700676789e-6, -2.50507602534068634195e-8,
  1.58969099521155010221e-10,
]
const C = [
  4.16666666666666019037e-2, -1.38888888888741095749e-3, 2.48015872894767294178e-5, -2.75573143513906633035e-7, 2.0875723212981748279e-9,
  -1.13596475577881948265e-11,
]

/** π in parts whose products with an integer of few bits are exact (11 bits each, 28 in float64); scripts/fit.py */
const pi = {
  float32: [3.140625, 0.0009675025939941406, 1.5099067240953445e-7, 5.126688136514179e-12],
  float64: [3.141592651605606, 1.9841871617964912e-9, -2.4354103497132157e-18, -5.881577340774656e-27],
} as const

/**
 * How far the parts of π reach: |n| < 2^13 (2^25) periods. Beyond, the host answers lane by lane;
 * it also gives the NaN of an infinity.
 */
const limit = { float32: { whole: 25000, half: 12500 }, float64: { whole: 1e8, half: 5e7 } } as const

/** x − n·(π·unit), exact but for the last steps; unit is 1 or ½ */
function minusPi(x: Expr, n: Expr, unit: number, f: Format): Expr {
  return pi[f.float].reduce((r: Expr, part) => sub(r, mul(n, like(x, part * unit))), x)
}

/** The nearest integer as a float, and with it in the low bits of an integer. */
function nearest(x: Expr, f: Format): { n: Expr; i: Expr } {
  const magic = like(x, f.magic)
  const shifted = add(x, magic)
  return { n: sub(shifted, magic), i: toBits(shifted) }
}

/** An odd integer moves its last bit to the sign. */
const parity = (i: Expr): Expr => shl(i, like(i, i.dtype === 'int64' ? 63 : 31))

function sinNearZero(r: Expr, f: Format): Expr {
  const z = mul(r, r)
  return add(r, mul(mul(r, z), horner(z, ...sine[f.float])))
}

/** sin(r + nπ) = ±sin r, on |x| so that −0 stays. */
export function sin(x: Expr): Expr {
  const f = formatOf(x)
  const a = abs(x)
  const { n, i } = nearest(mul(a, like(x, 1 / Math.PI)), f)
  const y = sinNearZero(minusPi(a, n, 1, f), f)
  return rare('sin', fromBits(xor(toBits(y), xor(parity(i), signBit(x)))), gt(a, like(x, limit[f.float].whole)), x)
}

/** cos(x) = ±sin((n + ½)π − x): the zeros of cos are where r is small. */
export function cos(x: Expr): Expr {
  const f = formatOf(x)
  const a = abs(x)
  const { n, i } = nearest(sub(mul(a, like(x, 1 / Math.PI)), like(x, 0.5)), f)
  // r has the opposite sign, which an even n takes back
  const r = minusPi(a, add(add(n, n), like(x, 1)), 0.5, f)
  const y = sinNearZero(r, f)
  return rare('cos', fromBits(xor(toBits(y), parity(add(i, like(i, 1))))), gt(a, like(x, limit[f.float].half)), x)
}

/** tan r, and −1/tan r a quarter of a period further. */
export function tan(x: Expr): Expr {
  const f = formatOf(x)
  const a = abs(x)
  const { n, i } = nearest(mul(a, like(x, 2 / Math.PI)), f)
  const r = minusPi(a, n, 0.5, f)
  const z = mul(r, r)
  const even = eq(and(i, like(i, 1)), like(i, 0))
  let y: Expr
  if (f.float === 'float32') {
    const t = add(r, mul(mul(r, z), horner(z, ...tangent32)))
    y = select(even, t, div(like(x, -1), t))
  } else {
    const s = add(r, mul(mul(r, z), horner(z, ...S)))
    const half = mul(like(x, 0.5), z)
    const w = sub(like(x, 1), half)
    const c = add(w, add(sub(sub(like(x, 1), w), half), mul(mul(z, z), horner(z, ...C))))
    y = div(select(even, s, c), select(even, c, sub(like(x, 0), s)))
  }
  return rare('tan', fromBits(xor(toBits(y), signBit(x))), gt(a, like(x, limit[f.float].half)), x)
}
