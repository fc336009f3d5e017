import { isFloat } from './dtype.ts'
import { type Expr, argsOf, detail, withArgs } from './expr.ts'
import { fold, isConst } from './fold.ts'
import { simplifyFloat } from './simplify-float.ts'
import { simplifyIndex } from './simplify-index.ts'

function selected(e: Extract<Expr, { kind: 'select' }>): Expr {
  const [condition, then, otherwise] = e.args
  if (isConst(condition)) return condition.value ? then : otherwise
  if (then === otherwise) return then
  if (condition.kind === 'basic' && condition.op === 'not') return { ...e, args: [condition.args[0]!, otherwise, then] }
  return e
}

/** One step, by the simplifier of the node's dtype; a cast to an integer from a float loses something and stays. */
function step(e: Expr): Expr {
  const folded = fold(e)
  if (folded) return folded
  if (e.kind === 'select') return selected(e)
  if (e.kind === 'rare') return isConst(e.args[1]) && !e.args[1].value ? e.args[0] : e
  return isFloat(e.dtype) ? simplifyFloat(e) : simplifyIndex(e)
}

/**
 * The same function with fewer nodes, bit for bit: constants folded, neutral operations gone, equal subexpressions
 * one node. Meant for what `lower` gives; an input of a storage type may come out bare, where an expression only copies it.
 * The tables live as long as the call.
 */
export function simplify(root: Expr): Expr {
  const ids = new Map<Expr, number>()
  const nodes = new Map<string, Expr>()
  /** the one node of this structure */
  const unique = (e: Expr): Expr => {
    if (ids.has(e)) return e
    const args = argsOf(e).map(unique)
    const key = `${e.kind}:${e.dtype}:${detail(e)}(${args.map((a) => ids.get(a)).join()})`
    let node = nodes.get(key)
    if (!node) {
      node = args.every((a, i) => a === argsOf(e)[i]) ? e : withArgs(e, args)
      nodes.set(key, node)
      ids.set(node, ids.size)
    }
    return node
  }
  const done = new Map<Expr, Expr>()
  const go = (e: Expr): Expr => {
    const seen = done.get(e)
    if (seen) return seen
    const before = unique(withArgs(e, argsOf(e).map(go)))
    const after = step(before)
    // what a step built may simplify further; every step shortens or normalises, so this ends
    const out = after === before ? before : go(after)
    done.set(e, out)
    return out
  }
  return go(root)
}
