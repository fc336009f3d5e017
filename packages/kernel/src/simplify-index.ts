import { dtypes } from './dtype.ts'
import { type Expr, cast, constant, shl } from './expr.ts'
import { betweenNarrow, isConst, isValue } from './fold.ts'

/** The exponent k of a constant 2^k, k ≥ 1; else 0. */
function log2Of(e: Expr): number {
  if (!isConst(e)) return 0
  const v = Number(e.value)
  const k = Math.log2(v)
  return v > 1 && Number.isInteger(k) && 2 ** k === v ? k : 0
}

/** The last operand when the operation commutes and it is a constant; so constants come last. */
const commutes = new Set(['add', 'mul', 'and', 'or', 'xor', 'min', 'max'])

/** One step of simplification of an integer or bool node whose operands are simple. Integers wrap, so ring laws hold. */
export function simplifyIndex(e: Expr): Expr {
  if (e.kind === 'cast') return castOf(e.args[0], e)
  if (e.kind !== 'basic') return e
  let [x, y] = e.args as readonly [Expr, Expr]
  let node: Expr = e
  if (commutes.has(e.op) && isConst(x) && !isConst(y)) {
    ;[x, y] = [y, x]
    node = { ...e, args: [x, y] }
  }
  if (e.dtype === 'bool') return boolean(e.op, x, y) ?? node
  const zero = (): Expr => constant(0, e.dtype)
  const width = 8 * dtypes[e.dtype].bytes
  switch (e.op) {
    case 'add':
    case 'xor':
      if (isValue(y, 0)) return x
      return e.op === 'xor' && x === y ? zero() : (regroup(node) ?? node)
    case 'or':
      return isValue(y, 0) || x === y ? x : isValue(y, -1) ? y : (regroup(node) ?? node)
    case 'and':
      return isValue(y, 0) ? y : isValue(y, -1) || x === y ? x : (regroup(node) ?? node)
    case 'sub':
      return isValue(y, 0) ? x : x === y ? zero() : node
    case 'mul': {
      if (isValue(y, 0)) return y
      if (isValue(y, 1)) return x
      const k = log2Of(y)
      return k && k < width ? shl(x, constant(k, e.dtype)) : (regroup(node) ?? node)
    }
    case 'div':
      return isValue(y, 1) ? x : isValue(x, 0) ? x : isValue(y, 0) ? y : node
    case 'rem':
      return isValue(y, 1) ? zero() : isValue(x, 0) ? x : node
    case 'shl':
    case 'shr':
    case 'shru':
      return isValue(y, 0) || isValue(x, 0) ? x : node
    case 'min':
    case 'max':
      return x === y ? x : node
    case 'neg':
    case 'not':
      return x.kind === 'basic' && x.op === e.op ? x.args[0]! : node
    case 'floor':
    case 'ceil':
    case 'trunc':
    case 'round':
      return x
    default:
      return node
  }
}

/** (x ∘ c) ∘ d is x ∘ (c ∘ d); the new constant is folded by the caller. */
function regroup(e: Expr): Expr | null {
  if (e.kind !== 'basic') return null
  const [inner, d] = e.args as readonly [Expr, Expr]
  if (!isConst(d) || inner.kind !== 'basic' || inner.op !== e.op || !isConst(inner.args[1]!)) return null
  return { ...e, args: [inner.args[0]!, { ...e, args: [inner.args[1]!, d] }] }
}

function boolean(op: string, x: Expr, y: Expr): Expr | null {
  switch (op) {
    case 'and':
      return isValue(y, 0) ? y : isValue(y, 1) || x === y ? x : null
    case 'or':
      return isValue(y, 1) ? y : isValue(y, 0) || x === y ? x : null
    case 'xor':
      return isValue(y, 0) ? x : null
    case 'not':
      return x.kind === 'basic' && x.op === 'not' ? x.args[0]! : null
    default:
      return null
  }
}

/** int → wider int → int is one cast: the low bits are the same. */
function castOf(x: Expr, e: Expr): Expr {
  if (x.kind !== 'cast' || e.dtype === 'bool' || betweenNarrow(x.args[0], e)) return e
  const inner = x.args[0]
  const ints = [inner.dtype, x.dtype, e.dtype].every((d) => dtypes[d].category === 'int')
  if (!ints) return e
  const [from, through, to] = [inner, x, e].map((n) => dtypes[n.dtype].bytes) as [number, number, number]
  if (through >= to) return cast(inner, e.dtype)
  return dtypes[inner.dtype].signed === dtypes[x.dtype].signed && through >= from ? cast(inner, e.dtype) : e
}
