import { type Expr, abs, add, and, bitcast, constant, ge, lt, mul, ne, or, select, shl, shru, sub } from '../expr.ts'
import { bitsOf, fromBits, like, single, toBits, withSign } from './format.ts'

type Half = 'float16' | 'bfloat16'

/** Bits of a float32 rounded to even at `drop` dropped bits; NaN needs care outside. */
function roundBits(i: Expr, drop: number): Expr {
  const odd = and(shru(i, like(i, drop)), like(i, 1))
  return and(add(i, add(like(i, (1 << (drop - 1)) - 1), odd)), like(i, -(1 << drop)))
}

/** A float32 rounded to what a half float can hold, to even, overflowing to infinity. */
export function roundToHalf(x: Expr, dtype: Half): Expr {
  if (dtype === 'bfloat16') return select(ne(x, x), x, fromBits(roundBits(toBits(x), 16)))
  const a = abs(x)
  const half = like(x, 0.5)
  // below 2^−14 a float16 is a multiple of 2^−24, which is the grid of [½, 1)
  const subnormal = sub(add(a, half), half)
  const normal = fromBits(roundBits(toBits(a), 13))
  const r = select(lt(a, like(x, 2 ** -14)), subnormal, select(ge(normal, like(x, 65536)), like(x, Infinity), normal))
  return select(ne(x, x), x, withSign(r, x))
}

/** The float32 value of a half float whose bits are the low 16 of an int32. */
export function halfFromBits(i: Expr, dtype: Half): Expr {
  if (dtype === 'bfloat16') return fromBits(shl(i, like(i, 16)))
  const em = shl(and(i, like(i, 0x7fff)), like(i, 13))
  const finite = mul(fromBits(em), constant(2 ** 112, 'float32'))
  const special = fromBits(or(em, bitsOf(Infinity, single)))
  return withSign(select(ge(em, like(i, 0x7c00 << 13)), special, finite), fromBits(shl(i, like(i, 16))))
}

/** The bits of a float32 rounded to a half float, in the low 16 of an int32. */
export function halfToBits(x: Expr, dtype: Half): Expr {
  const sixteen = constant(16, 'int32')
  const r = roundToHalf(x, dtype)
  // NaN may have its payload in the bits that go
  if (dtype === 'bfloat16') return select(ne(x, x), constant(0x7fc0, 'int32'), shru(toBits(r), sixteen))
  const a = abs(r)
  const finite = shru(bitcast(mul(a, like(x, 2 ** -112)), 'int32'), constant(13, 'int32'))
  const large = select(ne(x, x), constant(0x7e00, 'int32'), select(ge(a, like(x, 65536)), constant(0x7c00, 'int32'), finite))
  return or(large, and(shru(toBits(x), sixteen), constant(0x8000, 'int32')))
}
