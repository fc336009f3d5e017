import { type End, checkEnd } from '@mapgrad/tensor/plugin'
import { constantKey, opKey, paramsKey } from '../canonical.ts'
import { checkGraph } from '../checks.ts'
import { type Graph, rewrite } from '../graph.ts'
import { fillOf } from '../literal.ts'
import type { GraphNode } from '../node.ts'

/** What two nodes must share to be one; `null` for those that are never the same: inputs, and all that is random. */
function keyOf(node: GraphNode, inputs: readonly GraphNode[]): string | null {
  const operands = inputs.map((x) => x.name).join()
  switch (node.kind) {
    case 'call':
      return node.draws ? null : `${opKey(node.op!)} ${paramsKey(node.params)} ${operands}`
    case 'item':
      return `item ${node.index} ${operands}`
    case 'constant':
      // data are not compared: the same tensor captured twice is one constant already
      return fillOf(node.value!) === undefined ? null : `constant ${constantKey(node)}`
    default:
      return null
  }
}

/** With one node for all that compute the same: one op with the same params on the same inputs. Random draws stay apart. */
export function eliminateCommonSubexpressions(graph: Graph, ...end: End): Graph {
  checkEnd('eliminateCommonSubexpressions', end, [], 'graph')
  checkGraph('eliminateCommonSubexpressions', graph)
  const known = new Map<string, GraphNode>()
  return rewrite(
    graph,
    (node, inputs, _to, copy) => {
      const key = keyOf(node, inputs)
      if (key === null) return copy()
      let same = known.get(key)
      if (!same) known.set(key, (same = copy()))
      return same
    },
    eliminateCommonSubexpressions,
  )
}
