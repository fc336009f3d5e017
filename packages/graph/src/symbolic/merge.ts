import { isOptions, sameShape } from '@mapgrad/tensor/plugin'
import { type Graph, avalText, copyNode, rewrite } from '../graph.ts'
import { fillOf } from '../literal.ts'
import type { Structure } from '../structure.ts'
import { isSubgraph } from '../subgraph.ts'
import { shapeAt } from './bind.ts'
import { type Recording, sameConstant } from './compare.ts'
import { otherData } from './creations.ts'
import type { Samples } from './fit.ts'
import { Fitter } from './fitter.ts'
import { Size } from './size.ts'

// One graph of several that are the same but for numbers.

/** Graphs of one form as one. */
function mergeGraphs(graphs: readonly Graph[], fitter: Fitter): Graph {
  const [first] = graphs as readonly [Graph]
  const place = new Map(first.nodes.map((n, i) => [n, i]))
  return rewrite(first, (node, inputs, to) => {
    const nodes = graphs.map((g) => g.nodes[place.get(node)!]!)
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
        if (fills[0] === undefined) {
          const other = nodes.find((n) => !sameConstant(node, n))
          if (other) throw otherData(node, other)
          return copyNode(to, node, inputs)
        }
        const fill = fitter.merge(fills, node.name)
        return to.addConstant(node.value!, node.name, { dims: avals[0]!.dims, fill: fill instanceof Size ? fill : null })
      }
      case 'call': {
        const params = fitter.merge(
          nodes.map((n) => n.params),
          `${node.name}'s params`,
        )
        return to.addCall(node.op!, inputs, params, { name: node.name, result: node.many ? avals : avals[0]! })
      }
      default:
        return copyNode(to, node, inputs)
    }
  })
}

/** Traces of one form at these sizes as one, whose numbers are expressions of the sizes. */
export function merge(recordings: readonly Recording[], samples: Samples): Recording {
  const fitter = new Fitter(samples, mergeGraphs)
  const graph = mergeGraphs(
    recordings.map((r) => r.graph),
    fitter,
  )
  const result = fitter.structure(
    recordings.map((r) => r.result),
    'the result',
  )
  return { graph, result, mutated: recordings[0]!.mutated }
}

/** Whether a value with expressions, at these sizes, is another one. */
function matches(a: unknown, b: unknown, sizes: readonly number[]): boolean {
  if (a instanceof Size) return Object.is(a.at(sizes), b)
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((x, i) => matches(x, b[i], sizes))
  if (isSubgraph(a)) return isSubgraph(b) && graphMismatch(a.graph, b.graph, sizes) === null
  if (isOptions(a)) return isOptions(b) && Object.keys(a).every((k) => matches(a[k], b[k], sizes))
  return Object.is(a, b)
}

function graphMismatch(merged: Graph, other: Graph, sizes: readonly number[]): string | null {
  const wrong = merged.nodes.findIndex((node, i) => {
    const n = other.nodes[i]!
    return !(
      node.avals.every((a, k) => sameShape(shapeAt(a, sizes), n.avals[k]!.shape)) &&
      matches(node.params, n.params, sizes) &&
      (node.kind !== 'constant' || matches(node.fill ?? fillOf(node.value!), fillOf(n.value!), sizes))
    )
  })
  return wrong < 0 ? null : `${merged.nodes[wrong]!.name}, ${avalText(merged.nodes[wrong]!)} and there ${avalText(other.nodes[wrong]!)}`
}

const leaves = (s: Structure): unknown[] => (s.kind === 'leaf' ? [s.value] : s.kind === 'tensor' ? [] : s.children.flatMap(leaves))

/** The first place where a merged trace at these sizes is not `other`, which was traced at them; `null` if it is. */
export function mismatch(merged: Recording, other: Recording, sizes: readonly number[]): string | null {
  try {
    return (
      graphMismatch(merged.graph, other.graph, sizes) ?? (matches(leaves(merged.result), leaves(other.result), sizes) ? null : 'the result')
    )
  } catch (error) {
    return (error as Error).message
  }
}
