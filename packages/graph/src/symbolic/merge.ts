import { isOptions } from '@mapgrad/tensor/plugin'
import { type Graph, copyNode, rewrite } from '../graph.ts'
import { fillOf } from '../literal.ts'
import type { GraphNode } from '../node.ts'
import type { Structure } from '../structure.ts'
import { atSizes, dimsOf, shapeAt } from './bind.ts'
import type { Recording } from './compare.ts'
import type { Samples } from './fit.ts'
import { Fitter } from './fitter.ts'
import { Size } from './size.ts'

// One graph of several that are the same but for numbers.

/** Traces of one form at these sizes as one, whose numbers are expressions of the sizes. */
export function merge(recordings: readonly Recording[], samples: Samples): Recording {
  const fitter = new Fitter(samples)
  const [first] = recordings as readonly [Recording]
  const place = new Map(first.graph.nodes.map((n, i) => [n, i]))
  const graph = rewrite(first.graph, (node, inputs, to) => {
    const nodes = recordings.map((r) => r.graph.nodes[place.get(node)!]!)
    const avals = node.avals.map((_, k) =>
      fitter.aval(
        nodes.map((n) => n.avals[k]!),
        node.name,
      ),
    )
    switch (node.kind) {
      case 'placeholder':
        return to.addPlaceholder(avals[0]!, node.name)
      case 'constant': {
        const fills = nodes.map((n) => fillOf(n.value!))
        if (fills[0] === undefined) return copyNode(to, node, inputs)
        const fill = fitter.merge(fills, node.name)
        return to.addConstant(node.value!, node.name, { dims: avals[0]!.dims, fill: fill instanceof Size ? fill : null })
      }
      case 'call':
        return to.addCall(
          node.op!,
          inputs,
          fitter.merge(
            nodes.map((n) => n.params),
            `${node.name}'s params`,
          ),
          {
            name: node.name,
            result: node.many ? avals : avals[0]!,
          },
        )
      default:
        return copyNode(to, node, inputs)
    }
  })
  return {
    graph,
    result: fitter.structure(
      recordings.map((r) => r.result),
      'the result',
    ),
    mutated: first.mutated,
  }
}

const sameValue = (a: unknown, b: unknown): boolean => {
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((x, i) => sameValue(x, b[i]))
  if (isOptions(a)) return isOptions(b) && Object.keys(a).every((k) => sameValue(a[k], b[k]))
  return Object.is(a, b)
}
const leaves = (s: Structure): unknown[] => (s.kind === 'leaf' ? [s.value] : s.kind === 'tensor' ? [] : s.children.flatMap(leaves))

/** The first place where a merged trace at these sizes is not `other`, which was traced at them; `null` if it is. */
export function mismatch(merged: Recording, other: Recording, sizes: readonly number[]): string | null {
  const at = (node: GraphNode, n: GraphNode): boolean =>
    node.avals.every((a, i) => sameValue([...shapeAt(a, sizes)], [...n.avals[i]!.shape])) &&
    sameValue(atSizes(node.params, sizes), n.params) &&
    (node.kind !== 'constant' || sameValue(node.fill?.at(sizes) ?? fillOf(node.value!), fillOf(n.value!)))
  try {
    const wrong = merged.graph.nodes.findIndex((node, i) => !at(node, other.graph.nodes[i]!))
    if (wrong >= 0) return describeNode(merged.graph.nodes[wrong]!, other.graph.nodes[wrong]!)
    return sameValue(atSizes(leaves(merged.result), sizes), leaves(other.result)) ? null : 'the result'
  } catch (error) {
    return (error as Error).message
  }
}

const describeNode = (node: GraphNode, other: GraphNode): string =>
  `${node.name}, [${dimsOf(node.aval).join(', ')}] and there [${other.aval.shape.join(', ')}]`

/** Whether anything in a graph follows from sizes. */
export const isSymbolic = (graph: Graph): boolean => graph.placeholders.some((p) => p.aval.dims)
