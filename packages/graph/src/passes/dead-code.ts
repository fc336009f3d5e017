import { type Graph, rewrite } from '../graph.ts'
import type { GraphNode } from '../node.ts'

/**
 * Without the nodes that no result depends on. Inputs stay, and so do keys of random generators: each moves its
 * generator on, and what is drawn after it would change.
 */
export function eliminateDeadCode(graph: Graph): Graph {
  const alive = new Set<GraphNode>(graph.nodes.filter((n) => n.kind === 'output' || n.advances))
  // a Set's iteration also visits what is added while it runs
  for (const node of alive) for (const x of node.inputs) alive.add(x)
  return rewrite(graph, (node, _inputs, _to, copy) => (alive.has(node) || node.kind === 'placeholder' ? copy() : null), eliminateDeadCode)
}
