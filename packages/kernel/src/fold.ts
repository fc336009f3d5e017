import { convert, roundTo } from './convert.ts'
import { computeType, isFloat } from './dtype.ts'
import { type Expr, argsOf, constant } from './expr.ts'
import { type Value, basicOf, bitcastValue, compareOf } from './semantics.ts'

export const isConst = (e: Expr): e is Extract<Expr, { kind: 'const' }> => e.kind === 'const'

/** Whether e is a constant of exactly this value; −0 is not 0. */
export const isValue = (e: Expr, value: number): boolean =>
  isConst(e) && (typeof e.value === 'bigint' ? e.value === BigInt(value) : Object.is(e.value, value))

/** Whether a cast from x to e would convert one storage type to another, which backends do in two steps. */
export const betweenNarrow = (x: Expr, e: Expr): boolean =>
  x.dtype !== e.dtype && computeType(x.dtype) !== x.dtype && computeType(e.dtype) !== e.dtype

/** The constant a node over constants is, rounded to its dtype after the one operation; `null` when it is none, or is a math function, which a backend computes by its own formula. */
export function fold(e: Expr): Expr | null {
  const args = argsOf(e)
  if (args.length === 0 || !args.every(isConst)) return null
  const [x, y] = args.map((a) => roundTo((a as { value: Value }).value, a.dtype)) as [Value, Value]
  const from = args[0]!.dtype
  switch (e.kind) {
    case 'basic':
      // a half float is computed in float32, whose rounding this is not
      if (isFloat(e.dtype) && computeType(e.dtype) !== e.dtype) return null
      return constant(roundTo(basicOf(e.op, e.dtype)(x, y), e.dtype), e.dtype)
    case 'compare':
      return constant(compareOf[e.op](x, y), 'bool')
    case 'cast':
      return constant(convert(x, from, e.dtype), e.dtype)
    case 'bitcast': {
      // a NaN read as a float would lose its bits
      const value = bitcastValue(x, from, e.dtype)
      return value === value ? constant(value, e.dtype) : null
    }
    default:
      return null
  }
}
