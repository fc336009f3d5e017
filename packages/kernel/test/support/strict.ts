import { convert, roundTo } from '../../src/convert.ts'
import { type Expr, argsOf } from '../../src/expr.ts'
import { type Value, basicOf, bitcastValue, compareOf } from '../../src/semantics.ts'

/** The value of an expression of basic operations, rounded to its dtype at every node. */
export function strict(root: Expr, inputs: readonly Value[]): Value {
  const done = new Map<Expr, Value>()
  const go = (e: Expr): Value => {
    let v = done.get(e)
    if (v === undefined) done.set(e, (v = roundTo(compute(e), e.dtype)))
    return v
  }
  const compute = (e: Expr): Value => {
    const [a, b, c] = argsOf(e).map(go) as [Value, Value, Value]
    const from = argsOf(e)[0]?.dtype
    switch (e.kind) {
      case 'const':
        return e.value
      case 'input':
        return inputs[e.slot]!
      case 'basic':
        return basicOf(e.op, e.dtype)(a, b)
      case 'compare':
        return compareOf[e.op](a, b)
      case 'select':
        return a ? b : c
      case 'cast':
        return convert(a, from!, e.dtype)
      case 'bitcast':
        return bitcastValue(a, from!, e.dtype)
      default:
        throw new Error(`strict: ${e.kind}`)
    }
  }
  return go(root)
}
