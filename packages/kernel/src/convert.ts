import { type DType } from './dtype.ts'

// Half floats are reached through float32, as in PyTorch: a float64 is rounded twice.

const f32 = new Float32Array(1)
const i32 = new Int32Array(f32.buffer)

/** The float64 value of float16 bits. */
export function float16ToNumber(bits: number): number {
  const e = (bits >> 10) & 31
  const m = bits & 0x3ff
  const a = e === 31 ? (m ? NaN : Infinity) : e === 0 ? m * 2 ** -24 : (1024 + m) * 2 ** (e - 25)
  return bits & 0x8000 ? -a : a
}

/** The float16 bits nearest to a number, ties to even. */
export function numberToFloat16(x: number): number {
  f32[0] = x
  const v = f32[0]!
  const sign = (i32[0]! >>> 16) & 0x8000
  const a = Math.abs(v)
  if (a !== a) return 0x7e00
  if (a >= 65520) return sign | 0x7c00
  // adding ½ puts the last bit of a subnormal float16 at the last bit of the float32 sum
  if (a < 2 ** -14) return sign | ((Math.fround(a + 0.5) - 0.5) * 2 ** 24)
  const i = i32[0]! & 0x7fffffff
  return sign | (((i + 0xfff + ((i >> 13) & 1)) >> 13) - (112 << 10))
}

/** The number that 16 bits mean as bfloat16. */
export function bfloat16ToNumber(bits: number): number {
  i32[0] = bits << 16
  return f32[0]!
}

/** The 16 bits of the bfloat16 nearest to a number, ties to even. */
export function numberToBfloat16(x: number): number {
  f32[0] = x
  if (x !== x) return 0x7fc0
  const i = i32[0]!
  return ((i + 0x7fff + ((i >>> 16) & 1)) >>> 16) & 0xffff
}

/** A value as the dtype can hold it: floats rounded, integers wrapped, bool 0 or 1. Integers come whole. */
export function roundTo(value: number | bigint, dtype: DType): number | bigint {
  switch (dtype) {
    case 'float64':
      return Number(value)
    case 'float32':
      return Math.fround(Number(value))
    case 'float16':
      return float16ToNumber(numberToFloat16(Number(value)))
    case 'bfloat16':
      return bfloat16ToNumber(numberToBfloat16(Number(value)))
    case 'int64':
      return BigInt.asIntN(64, BigInt(value))
    case 'bool':
      return value ? 1 : 0
    default:
      return wrapInt(typeof value === 'bigint' ? Number(BigInt.asIntN(32, value)) : value | 0, dtype)
  }
}

/** An int32 wrapped into the range of an integer type of at most 32 bits. */
export function wrapInt(i: number, dtype: DType): number {
  switch (dtype) {
    case 'uint8':
      return i & 0xff
    case 'int8':
      return (i << 24) >> 24
    case 'int16':
      return (i << 16) >> 16
    default:
      return i | 0
  }
}

/** Value conversion between dtypes, as a `cast` node means it. */
export function convert(value: number | bigint, from: DType, to: DType): number | bigint {
  // NaN is not 0, so it is true
  if (to === 'bool') return value === 0 || value === 0n ? 0 : 1
  const toInt = to === 'int64' || to === 'int32' || to === 'int16' || to === 'int8' || to === 'uint8'
  const fromFloat = from === 'float64' || from === 'float32' || from === 'float16' || from === 'bfloat16'
  return toInt && fromFloat ? saturate(value as number, to) : roundTo(value, to)
}

const limits = {
  int64: [-(2 ** 63), 2 ** 63],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int16: [-32768, 32767],
  int8: [-128, 127],
  uint8: [0, 255],
} as const

function saturate(x: number, to: keyof typeof limits): number | bigint {
  const [low, high] = limits[to]
  const v = x !== x ? 0 : Math.trunc(Math.min(Math.max(x, low), high))
  if (to === 'int64') return v >= high ? 2n ** 63n - 1n : BigInt(v)
  return v + 0
}

/** Reads and writes elements of one dtype in bytes; `position` counts elements. bool gives 0 or 1, int64 gives bigint. */
export interface Elements {
  get(position: number): number | bigint
  /** stores a value of any size: floats are rounded, integers wrapped */
  set(position: number, value: number | bigint): void
}

/** The elements of a dtype in bytes, which must start at a multiple of its size. */
export function elementsOf(bytes: Uint8Array, dtype: DType): Elements {
  const at = [bytes.buffer, bytes.byteOffset] as const
  switch (dtype) {
    case 'bool':
      return { get: (i) => (bytes[i] ? 1 : 0), set: (i, v) => void (bytes[i] = v ? 1 : 0) }
    case 'int64': {
      const a = new BigInt64Array(...at, bytes.byteLength >> 3)
      return { get: (i) => a[i]!, set: (i, v) => void (a[i] = BigInt(v)) }
    }
    case 'float16': {
      const a = new Uint16Array(...at, bytes.byteLength >> 1)
      return { get: (i) => float16ToNumber(a[i]!), set: (i, v) => void (a[i] = numberToFloat16(Number(v))) }
    }
    case 'bfloat16': {
      const a = new Uint16Array(...at, bytes.byteLength >> 1)
      return { get: (i) => bfloat16ToNumber(a[i]!), set: (i, v) => void (a[i] = numberToBfloat16(Number(v))) }
    }
    default: {
      const a = arrayOf(bytes, dtype)
      return { get: (i) => a[i]!, set: (i, v) => void (a[i] = Number(v)) }
    }
  }
}

function arrayOf(bytes: Uint8Array, dtype: 'uint8' | 'int8' | 'int16' | 'int32' | 'float32' | 'float64') {
  const { buffer, byteOffset: from, byteLength: n } = bytes
  switch (dtype) {
    case 'uint8':
      return new Uint8Array(buffer, from, n)
    case 'int8':
      return new Int8Array(buffer, from, n)
    case 'int16':
      return new Int16Array(buffer, from, n >> 1)
    case 'int32':
      return new Int32Array(buffer, from, n >> 2)
    case 'float32':
      return new Float32Array(buffer, from, n >> 2)
    case 'float64':
      return new Float64Array(buffer, from, n >> 3)
  }
}
