import { simplify } from '@mapgrad/kernel'
import { type AnyOp, type Compute, type Expr, type Layout, type Tensors, expr, sameShape, type End, checkEnd } from '@mapgrad/tensor/plugin'
import { checkGraph } from '../checks.ts'
import { type Graph, avalText, rewrite } from '../graph.ts'
import { fillOf } from '../literal.ts'
import type { GraphNode } from '../node.ts'
import { GENERIC, atSizes, shapeAt } from '../symbolic/bind.ts'
import { eliminateDeadCode } from './dead-code.ts'

// No op is known by name here: what an op does is read off its own expression or view.

/** Ops whose derivative is that of what they compute: replacing one that gives its operand back changes no gradient. */
const follows = (op: AnyOp): boolean => op.diff.kind === 'linear' || op.diff.kind === 'multilinear' || op.diff.kind === 'elementwise'

/** The operand that a pointwise op gives back bit for bit, now that some operands are known numbers: x · 1, x − 0, x / 1. */
function sameAsOperand(op: AnyOp, build: (...xs: Expr[]) => Expr, inputs: readonly GraphNode[]): GraphNode | undefined {
  const args = inputs.map((x, i) => {
    const fill = x.kind === 'constant' && x.fill === null ? fillOf(x.value!) : undefined
    return fill === undefined ? expr.input(i, x.aval.dtype) : expr.constant(fill, x.aval.dtype)
  })
  const left = simplify(build(...args))
  // an elementwise derivative need not be the expression's: max(x, −∞) is x, and has half of x's slope where x is −∞
  return left.kind === 'input' && (op.diff.kind !== 'elementwise' || isArithmetic(build, args)) ? inputs[left.slot] : undefined
}

/** Whether the expression is one product, quotient, sum or difference, which have no kinks. */
function isArithmetic(build: (...xs: Expr[]) => Expr, args: readonly Expr[]): boolean {
  const e = build(...args.map((a, i) => expr.input(i, a.dtype)))
  return e.kind === 'basic' && (e.op === 'mul' || e.op === 'div' || e.op === 'add' || e.op === 'sub')
}

/** A layout that no view gives back by chance. */
function generic(shape: readonly number[]): Layout {
  return { shape, strides: shape.map((_, i) => 1009 * (shape.length - i) ** 3 + 7), offset: 5 }
}

/** Whether a view shows the same elements at the same places, whatever the layout. */
function isWholeView(
  view: (x: Layout, params: unknown, shape: readonly number[]) => Layout | null,
  node: GraphNode,
  input: GraphNode,
): boolean {
  const shape = shapeAt(input.aval, GENERIC)
  if (!sameShape(shape, shapeAt(node.aval, GENERIC)) || input.aval.dtype !== node.aval.dtype) return false
  const x = generic(shape)
  const y = view(x, atSizes(node.params, GENERIC), shape)
  // an axis of one element has no use for its stride
  return y !== null && y.offset === x.offset && y.strides.every((s, i) => s === x.strides[i] || shape[i] === 1)
}

/**
 * Without ops that give an operand back: x · 1, x / 1, x − 0, x + (−0), views of everything. Only what is the same for
 * every operand, NaN, ±Inf and −0 included, and has the same derivative.
 */
export function simplifyAlgebra(graph: Graph, ...end: End): Graph {
  checkEnd('simplifyAlgebra', end, [], 'graph')
  checkGraph('simplifyAlgebra', graph)
  const to = rewrite(
    graph,
    (node, inputs, _to, copy) => {
      if (node.kind !== 'call' || node.many || !follows(node.op!)) return copy()
      const compute = node.op!.compute as Compute<Tensors, unknown>
      const same =
        compute.kind === 'pointwise'
          ? sameAsOperand(node.op!, compute.build, inputs)
          : compute.kind === 'view' && isWholeView(compute.view, node, inputs[0]!)
            ? inputs[0]
            : undefined
      return same && avalText(same) === avalText(node) ? same : copy()
    },
    simplifyAlgebra,
  )
  return eliminateDeadCode(to)
}
