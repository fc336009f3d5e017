/** The distance of `got` from the exact `want` in units of the last place of a float32 (23) or float64 (52) there; `rest` is what `want` lacks of the truth, in the same units. */
export function ulps(got: number, want: number, mantissa: 23 | 52, rest = 0): number {
  const single = mantissa === 23
  if (Number.isNaN(want) || Number.isNaN(got)) return Number.isNaN(want) && Number.isNaN(got) ? 0 : Infinity
  const rounded = single ? Math.fround(want) : want
  if (want === 0) return Object.is(got, want) ? Math.abs(rest) : got === 0 ? Infinity : Math.abs(got) / smallest(mantissa)
  // at the ends: an infinity for a number that rounds to one, or just does not
  if (!Number.isFinite(rounded) || !Number.isFinite(got))
    return got === rounded ? 0 : Number.isFinite(want) && nearLimit(got, single) && nearLimit(rounded, single) ? 1 : Infinity
  // the sign of a result that underflows
  if (got === 0 && Object.is(got, -0) !== want < 0) return Infinity
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(want))), single ? -126 : -1022)
  const unit = 2 ** (exponent - mantissa)
  return Math.abs((got - want) / unit - rest)
}

const smallest = (mantissa: 23 | 52): number => (mantissa === 23 ? 2 ** -149 : 2 ** -1074)
const nearLimit = (x: number, single: boolean): boolean => Math.abs(x) >= (single ? 3.4028234e38 : 1.7976931348623155e308)

const f = new Float32Array(1)
const i = new Int32Array(f.buffer)
export const float32Of = (bits: number): number => ((i[0] = bits), f[0]!)
export const bits32 = (x: number): number => ((f[0] = x), i[0]!)

/** Words of a linear congruential generator, mixed: the same every run. */
export function words(seed: number): () => number {
  let s = seed | 0
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) | 0
    const t = Math.imul(s ^ (s >>> 16), 0x45d9f3b)
    return (t ^ (t >>> 15)) | 0
  }
}
