import type { DType } from '@mapgrad/kernel'

const f32 = /* @__PURE__ */ new Float32Array(1)
const u32 = /* @__PURE__ */ new Uint32Array(f32.buffer)

/** The number that 16 bits mean as float16 or bfloat16. */
export function halfToNumber(h: number, dtype: DType): number {
  if (dtype === 'bfloat16') {
    u32[0] = h << 16
    return f32[0]!
  }
  const sign = h & 0x8000 ? -1 : 1
  const exponent = (h >> 10) & 31
  const fraction = h & 1023
  if (exponent === 31) return fraction ? NaN : sign * Infinity
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

/** The 16 bits nearest to a number, ties to even. */
export function numberToHalf(x: number, dtype: DType): number {
  f32[0] = x
  const bits = u32[0]!
  if (dtype === 'bfloat16') {
    if (x !== x) return 0x7fc0
    return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff
  }
  const sign = (bits >>> 16) & 0x8000
  if (x !== x) return 0x7e00
  const a = Math.abs(x)
  if (a >= 65520) return sign | 0x7c00
  // the spacing of float16 numbers around a
  const exponent = Math.max(Math.floor(Math.log2(a || Number.MIN_VALUE)), -14)
  const step = 2 ** (exponent - 10)
  let n = a / step
  const down = Math.floor(n)
  const rest = n - down
  n = rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? down + 1 : down
  return sign | (n < 1024 && exponent === -14 ? n : ((exponent + 15) << 10) + (n - 1024))
}
