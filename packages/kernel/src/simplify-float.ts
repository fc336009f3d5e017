import { type DType, dtypes } from './dtype.ts'
import { type Expr, cast, constant, mul } from './expr.ts'
import { betweenNarrow, isConst, isValue } from './fold.ts'

/**
 * One step of simplification of a float node whose operands are simple. Only what gives the same bits for every
 * operand, NaN, ±∞ and −0 included: never x·0 → 0, x + 0 → x (−0 + 0 is 0), x − x → 0 or x/x → 1.
 */
export function simplifyFloat(e: Expr): Expr {
  if (e.kind === 'cast') return castOf(e.args[0], e)
  if (e.kind !== 'basic') return e
  const [x, y] = e.args as readonly [Expr, Expr]
  switch (e.op) {
    case 'add':
      return isValue(y, -0) ? x : isValue(x, -0) ? y : e
    case 'sub':
      return isValue(y, 0) ? x : e
    case 'mul':
      return isValue(y, 1) ? x : isValue(x, 1) ? y : e
    case 'div':
      return isValue(y, 1) ? x : (reciprocal(x, y) ?? e)
    case 'neg':
      return isNegation(x) ? x.args[0]! : e
    case 'abs':
      return x.kind === 'basic' && x.op === 'abs' ? x : isNegation(x) ? { ...e, args: [x.args[0]!] } : e
    case 'floor':
    case 'ceil':
    case 'trunc':
    case 'round':
      return x.kind === 'basic' && (x.op === 'floor' || x.op === 'ceil' || x.op === 'trunc' || x.op === 'round') ? x : e
    case 'min':
    case 'max':
      return x === y ? x : e
    default:
      return e
  }
}

const isNegation = (e: Expr): e is Extract<Expr, { kind: 'basic' }> => e.kind === 'basic' && e.op === 'neg'

/** smallest normal exponent */
const lowest: Partial<Record<DType, number>> = { float16: -14, bfloat16: -126, float32: -126, float64: -1022 }

/** x / 2^k as x · 2^−k, when both powers are normal numbers: then one rounding of the same real number either way. */
function reciprocal(x: Expr, y: Expr): Expr | null {
  if (!isConst(y)) return null
  const a = Math.abs(Number(y.value))
  const k = Math.log2(a)
  const min = lowest[y.dtype]!
  if (!Number.isInteger(k) || 2 ** k !== a || k < min || -k < min) return null
  return mul(x, constant(1 / Number(y.value), y.dtype))
}

/** Whether every value of `from` is one of `to`. */
function fits(from: DType, to: DType): boolean {
  const a = dtypes[from]
  const b = dtypes[to]
  if (from === to || to === 'float64') return from !== 'int64'
  if (b.category !== 'float') return false
  if (a.category === 'bool') return true
  if (a.category === 'int')
    return 8 * a.bytes - (a.signed ? 1 : 0) <= ({ float16: 11, bfloat16: 8, float32: 24 } as Partial<Record<DType, number>>)[to]!
  return to === 'float32' && from !== 'float64'
}

/** A cast of a cast, when the first lost nothing. From one storage type to another it stays in two steps. */
function castOf(x: Expr, e: Expr): Expr {
  if (x.kind !== 'cast' || betweenNarrow(x.args[0], e)) return e
  const inner = x.args[0]
  return fits(inner.dtype, x.dtype) ? cast(inner, e.dtype) : e
}
