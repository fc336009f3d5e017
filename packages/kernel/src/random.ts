import type { DType } from './dtype.ts'
import { type Expr, add, and, cast, constant, cos, log, mul, mulhi, shru, sqrt, xor } from './expr.ts'

type Words2 = readonly [Expr, Expr]
type Words4 = readonly [Expr, Expr, Expr, Expr]

const word = (v: number): Expr => constant(v | 0, 'int32')

/**
 * Four random words for a counter under a key: Philox 4×32-10, Salmon et al., "Parallel random numbers: as easy as
 * 1, 2, 3", SC11; constants of Random123 v1.14 philox.h. All words are int32, read as unsigned.
 */
export function philox(counter: Words4, key: Words2): [Expr, Expr, Expr, Expr] {
  const [m0, m1] = [word(0xd2511f53), word(0xcd9e8d57)]
  let [c0, c1, c2, c3] = counter
  let [k0, k1] = key
  for (let round = 0; round < 10; round++) {
    if (round > 0) {
      k0 = add(k0, word(0x9e3779b9))
      k1 = add(k1, word(0xbb67ae85))
    }
    const [next0, next2] = [xor(xor(mulhi(m1, c2), c1), k0), xor(xor(mulhi(m0, c0), c3), k1)]
    ;[c0, c1, c2, c3] = [next0, mul(m1, c2), next2, mul(m0, c0)]
  }
  return [c0, c1, c2, c3]
}

/** The top 24 bits of a word as a float32 in [0, 1): every multiple of 2^−24 equally often. */
export const uniform24 = (w: Expr): Expr => mul(cast(shru(w, word(8)), 'float32'), constant(2 ** -24, 'float32'))

/** 53 bits of two words as a float64 in [0, 1): every multiple of 2^−53 equally often. */
export function uniform53(w0: Expr, w1: Expr): Expr {
  const high = mul(cast(shru(w0, word(5)), 'float64'), constant(2 ** 26, 'float64'))
  return mul(add(high, cast(shru(w1, word(6)), 'float64')), constant(2 ** -53, 'float64'))
}

/** All 32 bits of a word as a float64 in [0, 1). */
function uniform32(w: Expr): Expr {
  const high = mul(cast(shru(w, word(16)), 'float64'), constant(2 ** 16, 'float64'))
  return mul(add(high, cast(and(w, word(0xffff)), 'float64')), constant(2 ** -32, 'float64'))
}

/**
 * A standard normal number of two words: √(−2 ln u) cos(2πv), u in (0, 1] so that the logarithm is finite
 * (Box and Muller, 1958). 24 bits of each word for float32, 32 for float64.
 */
export function normal(w0: Expr, w1: Expr, dtype: DType): Expr {
  const wide = dtype === 'float64'
  const d: DType = wide ? 'float64' : 'float32'
  const [u, v] = [w0, w1].map(wide ? uniform32 : uniform24) as [Expr, Expr]
  const above0 = add(u, constant(wide ? 2 ** -32 : 2 ** -24, d))
  const radius = sqrt(mul(constant(-2, d), log(above0)))
  // in float32 the angle is rounded once; v itself is exact
  return cast(mul(radius, cos(mul(v, constant(wide ? 2 * Math.PI : Math.fround(2 * Math.PI), d)))), dtype)
}
