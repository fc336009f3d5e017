import { type Expr, add, and, bitcast, constant, lt, mul, or, select, shl, shru, sub } from '../expr.ts'

/** A float type and the integer of its size: what formulas that work on bits need to know. */
export interface Format {
  readonly float: 'float32' | 'float64'
  readonly bits: 'int32' | 'int64'
  /** explicit bits of the significand */
  readonly mantissa: number
  readonly bias: number
  /** added to a small number it leaves the nearest integer in the low bits: 1.5 · 2^mantissa */
  readonly magic: number
  readonly minNormal: number
}

export const single: Format = { float: 'float32', bits: 'int32', mantissa: 23, bias: 127, magic: 1.5 * 2 ** 23, minNormal: 2 ** -126 }
export const double: Format = { float: 'float64', bits: 'int64', mantissa: 52, bias: 1023, magic: 1.5 * 2 ** 52, minNormal: 2 ** -1022 }

export const formatOf = (x: Expr): Format => (x.dtype === 'float64' ? double : single)

/** A constant of x's dtype, exact in it. */
export const like = (x: Expr, value: number | bigint): Expr => constant(x.dtype === 'float32' ? Math.fround(Number(value)) : value, x.dtype)

/** c0 + z (c1 + z (c2 + …)) */
export function horner(z: Expr, ...coefficients: number[]): Expr {
  let sum = like(z, coefficients.at(-1)!)
  for (let i = coefficients.length - 2; i >= 0; i--) sum = add(like(z, coefficients[i]!), mul(z, sum))
  return sum
}

/** x bounded by constants; NaN stays. The comparisons are in the form of SIMD `pmin` and `pmax`, one instruction each. */
export function clamp(x: Expr, low: number, high: number): Expr {
  return atMost(atLeast(x, low), high)
}
export function atLeast(x: Expr, low: number): Expr {
  const l = like(x, low)
  return select(lt(x, l), l, x)
}
export function atMost(x: Expr, high: number): Expr {
  const h = like(x, high)
  return select(lt(h, x), h, x)
}

export const toBits = (x: Expr): Expr => bitcast(x, formatOf(x).bits)
export const fromBits = (i: Expr): Expr => bitcast(i, i.dtype === 'int64' ? 'float64' : 'float32')

/** The bits of a number as an integer constant. */
export function bitsOf(value: number, { float }: Format): Expr {
  if (float === 'float32') return constant(new Int32Array(Float32Array.of(value).buffer)[0]!, 'int32')
  return constant(new BigInt64Array(Float64Array.of(value).buffer)[0]!, 'int64')
}

/** Only the sign bit of x. */
export function signBit(x: Expr): Expr {
  const f = formatOf(x)
  return and(toBits(x), bitsOf(-0, f))
}
/** magnitude ≥ 0 with the sign of x */
export const withSign = (magnitude: Expr, x: Expr): Expr => fromBits(or(toBits(magnitude), signBit(x)))

/** A float whose exponent field is the low bits of i: 2^(i − bias), for i in [1, 2·bias]. */
export const powerOfTwo = (i: Expr): Expr => fromBits(shl(i, constant(i.dtype === 'int64' ? 52 : 23, i.dtype)))

/**
 * p · 2^n, correctly rounded into the subnormals and to infinity, for an integer i = n + 2·bias (in its low bits):
 * in two factors, because one power of two does not reach either end.
 */
export function scale(p: Expr, i: Expr): Expr {
  const width = like(i, formatOf(p).mantissa)
  const half = shl(shru(i, like(i, 1)), width)
  return mul(mul(p, fromBits(half)), fromBits(sub(shl(i, width), half)))
}

/** x with its low 32 bits of significand cleared: products of two such float64 are exact or nearly so. */
export const highPart = (x: Expr): Expr => fromBits(and(toBits(x), constant(-0x1_0000_0000n, 'int64')))
