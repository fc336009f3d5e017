import { wrapInt } from './convert.ts'
import { type DType, isFloat } from './dtype.ts'
import type { BasicOp, CompareOp, MathOp } from './expr.ts'
import { erf, erfc } from './reference-erf.ts'

/** A value of any dtype: bigint for int64, 0 or 1 for bool. */
export type Value = number | bigint

type Operations<T> = Readonly<Partial<Record<BasicOp, (x: T, y: T) => T>>>

/** Rounds half to even; keeps −0. */
function round(x: number): number {
  const r = Math.round(x)
  if (r - x === 0.5 && r % 2 !== 0) return r - 1
  return r === 0 && (x < 0 || Object.is(x, -0)) ? -0 : r
}

const floats: Operations<number> = {
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  mul: (x, y) => x * y,
  div: (x, y) => x / y,
  rem: (x, y) => x % y,
  min: (x, y) => Math.min(x, y),
  max: (x, y) => Math.max(x, y),
  neg: (x) => -x,
  abs: (x) => Math.abs(x),
  sqrt: (x) => Math.sqrt(x),
  floor: (x) => Math.floor(x),
  ceil: (x) => Math.ceil(x),
  trunc: (x) => Math.trunc(x),
  round,
}

/** On int32; shift counts are taken modulo 32. */
const ints: Operations<number> = {
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  mul: (x, y) => Math.imul(x, y),
  div: (x, y) => (y === 0 ? 0 : x / y),
  rem: (x, y) => (y === 0 ? 0 : x % y),
  min: (x, y) => Math.min(x, y),
  max: (x, y) => Math.max(x, y),
  neg: (x) => -x,
  abs: (x) => Math.abs(x),
  floor: (x) => x,
  ceil: (x) => x,
  trunc: (x) => x,
  round: (x) => x,
  and: (x, y) => x & y,
  or: (x, y) => x | y,
  xor: (x, y) => x ^ y,
  not: (x) => ~x,
  shl: (x, y) => x << y,
  shr: (x, y) => x >> y,
  shru: (x, y) => x >>> y,
  mulhi: (x, y) => Number((BigInt(x >>> 0) * BigInt(y >>> 0)) >> 32n),
}

/** On int64; shift counts are taken modulo 64. */
const longs: Operations<bigint> = {
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  mul: (x, y) => x * y,
  div: (x, y) => (y === 0n ? 0n : x / y),
  rem: (x, y) => (y === 0n ? 0n : x % y),
  min: (x, y) => (x < y ? x : y),
  max: (x, y) => (x > y ? x : y),
  neg: (x) => -x,
  abs: (x) => (x < 0n ? -x : x),
  floor: (x) => x,
  ceil: (x) => x,
  trunc: (x) => x,
  round: (x) => x,
  and: (x, y) => x & y,
  or: (x, y) => x | y,
  xor: (x, y) => x ^ y,
  not: (x) => ~x,
  shl: (x, y) => x << (y & 63n),
  shr: (x, y) => x >> (y & 63n),
  shru: (x, y) => BigInt.asUintN(64, x) >> (y & 63n),
}

const bools: Operations<number> = {
  and: (x, y) => x & y,
  or: (x, y) => x | y,
  xor: (x, y) => x ^ y,
  not: (x) => 1 - x,
  min: (x, y) => x & y,
  max: (x, y) => x | y,
}

/** What a basic operation gives on values of a dtype. Integers wrap; floats come unrounded, in float64. */
export function basicOf(op: BasicOp, dtype: DType): (x: Value, y: Value) => Value {
  const table = dtype === 'int64' ? longs : dtype === 'bool' ? bools : isFloat(dtype) ? floats : ints
  const f = table[op] as ((x: Value, y: Value) => Value) | undefined
  if (!f) throw new TypeError(`[kernel] ${op}: no such operation on ${dtype}; insert a cast`)
  if (dtype === 'bool' || isFloat(dtype)) return f
  if (dtype === 'int64') return (x, y) => BigInt.asIntN(64, f(x, y) as bigint)
  // a logical shift of a small integer does not see the sign bits above it
  const low = op === 'shru' && dtype !== 'int32' ? (dtype === 'int16' ? 0xffff : 0xff) : -1
  return (x, y) => wrapInt(f((x as number) & low, y) as number, dtype)
}

/** What a comparison means on values of the reference interpreter. */
export const compareOf: Readonly<Record<CompareOp, (x: Value, y: Value) => 0 | 1>> = {
  eq: (x, y) => (x === y ? 1 : 0),
  ne: (x, y) => (x === y ? 0 : 1),
  lt: (x, y) => (x < y ? 1 : 0),
  le: (x, y) => (x <= y ? 1 : 0),
  gt: (x, y) => (x > y ? 1 : 0),
  ge: (x, y) => (x >= y ? 1 : 0),
}

/** The float functions in float64. */
export const mathOf: Readonly<Record<MathOp, (x: number, y: number) => number>> = {
  exp: Math.exp,
  exp2: (x) => 2 ** x,
  expm1: Math.expm1,
  log: Math.log,
  log2: Math.log2,
  log10: Math.log10,
  log1p: Math.log1p,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
  erf,
  erfc,
  // C99 against ECMAScript: pow(1, y) is 1 for every y, and pow(−1, ±∞) is 1
  pow: (x, y) => (x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : x ** y),
  atan2: Math.atan2,
}

const bits = new DataView(new ArrayBuffer(8))

/** The bits of a value read as another dtype of the same size. */
export function bitcastValue(value: Value, from: DType, to: DType): Value {
  if (from === 'float32' && to === 'int32') return (bits.setFloat32(0, value as number), bits.getInt32(0))
  if (from === 'int32' && to === 'float32') return (bits.setInt32(0, value as number), bits.getFloat32(0))
  if (from === 'float64' && to === 'int64') return (bits.setFloat64(0, value as number), bits.getBigInt64(0))
  if (from === 'int64' && to === 'float64') return (bits.setBigInt64(0, value as bigint), bits.getFloat64(0))
  throw new TypeError(`[kernel] bitcast: expected float32 ↔ int32 or float64 ↔ int64, got ${from} → ${to}`)
}
