import { type AnyOp, type End, checkEnd } from '@mapgrad/tensor/plugin'
import { checkGraph } from '../checks.ts'
import { type Graph, rewrite } from '../graph.ts'
import type { GraphNode } from '../node.ts'
import { withSubgraphs } from '../subgraph.ts'

/** What is left of a call with graphs among its params if only some of its results are read. */
interface Narrowed {
  readonly operands: readonly boolean[]
  readonly results: readonly boolean[]
  /** the params for what is left */
  readonly params: unknown
}

/** What is left of a graph with some of its outputs. */
function leanWith(graph: Graph, read: (output: number) => boolean): Graph {
  const some = graph.copy()
  some.setOutputs(some.outputs.filter((_, i) => read(i)))
  return eliminateDeadCode(some)
}

/** A graph of our own without the placeholders that nothing in it needs. */
function withInputs(graph: Graph, needed: readonly boolean[]): Graph {
  graph.placeholders.forEach((p, i) => {
    if (!needed[i]) graph.erase(p)
  })
  return graph
}

/** The call without results that nobody reads and operands that nothing needs then; `null` where nothing can go. */
function narrowed(node: GraphNode, read: readonly boolean[]): Narrowed | null {
  const { narrow } = node.op as AnyOp
  const graphs = [...node.subgraphs]
  if (!narrow || graphs.length === 0) return null
  const results = [...read]
  const decides = (name: string): boolean => narrow.course?.includes(name) ?? false
  const carried = narrow.carried(node.params)
  const before = node.inputs.length - graphs[0]![1].placeholders.length
  let inner: readonly boolean[]
  let lean: readonly Graph[]
  for (;;) {
    // what graphs inside of these need follows from what is read of them: nothing less says what goes
    lean = graphs.map(([name, g]) => leanWith(g, (i) => decides(name) || results[i]!))
    const uses = lean.map((g) => g.placeholders.map((p) => p.users.size > 0))
    inner = node.inputs.slice(before).map((_, i) => (i < carried && results[i]!) || uses.some((u) => u[i]))
    // what a round needs, a round gives
    const more = inner.findIndex((n, i) => i < carried && n && !results[i])
    if (more < 0) break
    results[more] = true
  }
  const operands = [...node.inputs.slice(0, before).map(() => true), ...inner]
  if (!operands.some(Boolean) || (operands.every(Boolean) && results.every(Boolean))) return null
  const programs = new Map(graphs.map(([, g], i) => [g, withInputs(lean[i]!, inner)]))
  return {
    operands,
    results,
    params: narrow.params(
      withSubgraphs(node.params, (g) => programs.get(g)!),
      inner,
      results,
    ),
  }
}

const keep = <T>(list: readonly T[], holds: readonly boolean[]): T[] => list.filter((_, i) => holds[i])

/**
 * Without the nodes that no result depends on, and without what loops and branches compute that nobody reads. Inputs stay,
 * and so do keys of random generators: each moves its generator on, and what is drawn after it would change.
 */
export function eliminateDeadCode(graph: Graph, ...end: End): Graph {
  checkEnd('eliminateDeadCode', end, [], 'graph')
  checkGraph('eliminateDeadCode', graph)
  const alive = new Set<GraphNode>(graph.nodes.filter((n) => n.kind === 'output' || n.advances))
  const less = new Map<GraphNode, Narrowed>()
  for (const node of graph.nodes.toReversed()) {
    if (!alive.has(node)) continue
    const items = new Set([...node.users].flatMap((u) => (u.kind === 'item' && alive.has(u) ? [u.index] : [])))
    const left = node.many
      ? narrowed(
          node,
          node.avals.map((_, i) => items.has(i)),
        )
      : null
    if (left) less.set(node, left)
    for (const x of left ? keep(node.inputs, left.operands) : node.inputs) alive.add(x)
  }
  return rewrite(
    graph,
    (node, inputs, to, copy) => {
      if (!alive.has(node) && node.kind !== 'placeholder') return null
      const left = less.get(node)
      if (left)
        return to.addCall(node.op!, keep(inputs, left.operands), left.params, { name: node.name, result: keep(node.avals, left.results) })
      const of = node.kind === 'item' ? less.get(node.inputs[0]!) : undefined
      return of
        ? to.addItem(
            inputs[0]!,
            keep(
              of.results.map((_, i) => i),
              of.results,
            ).indexOf(node.index),
            node.name,
          )
        : copy()
    },
    eliminateDeadCode,
  )
}
