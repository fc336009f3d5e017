import { isOptions } from '@mapgrad/tensor/plugin'
import type { Graph } from '../graph.ts'
import { encodeTensor, fillOf } from '../literal.ts'
import type { GraphNode } from '../node.ts'
import type { Structure } from '../structure.ts'
import { isSubgraph, subgraphsOf } from '../subgraph.ts'

// Whether two graphs are one program but for numbers in it.

/** What one trace of a function at some sizes gave. */
export interface Recording {
  readonly graph: Graph
  readonly result: Structure
  readonly mutated: readonly number[]
}

/** Whether values are the same but for the numbers in them. */
export function sameForm(a: unknown, b: unknown): boolean {
  if (typeof a === 'number' || typeof a === 'bigint') return typeof a === typeof b
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((x, i) => sameForm(x, b[i]))
  if (isSubgraph(a)) return isSubgraph(b) && graphDifference(a.graph, b.graph) === null
  if (!isOptions(a) || !isOptions(b)) return Object.is(a, b)
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((k) => Object.hasOwn(b, k) && sameForm(a[k], b[k]))
}

/** Whether a constant repeats one number. */
export const isFill = ({ value }: GraphNode): boolean => fillOf(value!) !== undefined

/** Whether two constants are the same tensor: one object, or one content. */
export function sameConstant(a: GraphNode, b: GraphNode): boolean {
  const [x, y] = [a.value!.value, b.value!.value]
  if (x === y) return true
  if (x.trace || y.trace || x.dtype !== y.dtype || x.shape.join() !== y.shape.join()) return false
  return encodeTensor(a.value!).data === encodeTensor(b.value!).data
}

/** What differs between nodes at the same place, or `null`. */
function nodeDifference(a: GraphNode, b: GraphNode, places: readonly ReadonlyMap<GraphNode, number>[]): string | null {
  const what = (n: GraphNode): string =>
    n.kind === 'call' ? `a call of ${n.op!.name}` : `${/^[aeiou]/.test(n.kind) ? 'an' : 'a'} ${n.kind}`
  const end = [a, b].findIndex((n) => n.kind === 'output')
  if (end >= 0 && a.kind !== b.kind) return `one ends where the other has ${what(end === 0 ? b : a)} more`
  if (a.kind !== b.kind || a.op !== b.op) return `${a.name} is ${what(a)} in one and ${what(b)} in the other`
  const reads = (n: GraphNode, i: number): string => n.inputs.map((x) => places[i]!.get(x)).join()
  if (reads(a, 0) !== reads(b, 1))
    return `${a.name} reads ${a.inputs.join(', ') || 'nothing'} in one and ${b.inputs.join(', ') || 'nothing'} in the other`
  if (
    a.avals.length !== b.avals.length ||
    a.avals.some((x, i) => x.dtype !== b.avals[i]!.dtype || x.shape.length !== b.avals[i]!.shape.length)
  )
    return `${a.name} has other dtypes or another number of axes`
  for (const [i, [name, graph]] of subgraphsOf(a.params).entries()) {
    const inner = subgraphsOf(b.params)[i]
    const found = inner && graphDifference(graph, inner[1])
    if (found) return `in the ${name} of ${a.name}, ${found}`
  }
  if (a.index !== b.index || a.many !== b.many || a.generator !== b.generator || a.backend !== b.backend || !sameForm(a.params, b.params))
    return `the params of ${a.name} are others`
  // what numbers are in two constants is looked at by whoever makes them by ops
  const other =
    a.kind === 'constant' &&
    (isFill(a) !== isFill(b) || ((a.value!.value.trace || b.value!.value.trace) && a.value!.value !== b.value!.value))
  if (other) return `the constant ${a.name} is another tensor`
  return null
}

const SIZED: Structure = { kind: 'leaf', value: 0 }
/** A structure without what numbers its leaves are. */
function form(s: Structure): unknown {
  if (s.kind === 'leaf') return typeof s.value === 'number' ? SIZED : s
  if (s.kind === 'tensor') return s
  return [s.kind, ...('keys' in s ? s.keys : 'name' in s ? [s.name] : []), s.children.map(form)]
}

/** What differs between two graphs beside numbers, or `null`. */
function graphDifference(a: Graph, b: Graph): string | null {
  const nodes = [a.nodes, b.nodes] as const
  const places = nodes.map((list) => new Map(list.map((n, i) => [n, i])))
  for (let i = 0; i < Math.min(nodes[0].length, nodes[1].length); i++) {
    const found = nodeDifference(nodes[0][i]!, nodes[1][i]!, places)
    if (found !== null) return found
  }
  return nodes[0].length === nodes[1].length ? null : `they have ${nodes[0].length} and ${nodes[1].length} nodes`
}

/** What differs between two traces beside numbers, or `null`. */
export function difference(a: Recording, b: Recording): string | null {
  const found = graphDifference(a.graph, b.graph)
  if (found !== null) return found
  if (!sameForm(form(a.result), form(b.result))) return 'their results are other trees'
  return a.mutated.join() === b.mutated.join() ? null : 'they change other arguments in place'
}
