import { type Expr, type MathOp, argsOf, input } from '../../src/expr.ts'
import { lower } from '../../src/lower.ts'
import { mathOf } from '../../src/semantics.ts'

export const binary: readonly MathOp[] = ['pow', 'atan2']
export const functions = Object.keys(mathOf) as MathOp[]

/** The node `op` of inputs 0 (and 1), lowered. */
export function lowered(op: MathOp, dtype: 'float32' | 'float64'): Expr {
  const args = binary.includes(op) ? [input(0, dtype), input(1, dtype)] : [input(0, dtype)]
  return lower({ kind: 'math', dtype, op, args })
}

/** The constants of a node that a planted fault may change: fractions, so neither bit patterns nor limits. */
export function coefficients(root: Expr): Extract<Expr, { kind: 'const' }>[] {
  const found = new Set<Extract<Expr, { kind: 'const' }>>()
  const seen = new Set<Expr>()
  const visit = (e: Expr): void => {
    if (seen.has(e)) return
    seen.add(e)
    if (
      e.kind === 'const' &&
      typeof e.value === 'number' &&
      !Number.isInteger(Math.log2(Math.abs(e.value))) &&
      !Number.isInteger(e.value) &&
      Math.abs(e.value) < 2
    )
      found.add(e)
    argsOf(e).forEach(visit)
  }
  visit(root)
  return [...found]
}
