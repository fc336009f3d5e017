import type { Tensor } from '@mapgrad/tensor'
import { type End, type Outputs, bind, checkOptions, numel } from '@mapgrad/tensor/plugin'
import { checkGraph } from '../checks.ts'
import { type Graph, rewrite } from '../graph.ts'
import { eliminateDeadCode } from './dead-code.ts'
import type { GraphNode } from '../node.ts'
import { isSized } from '../symbolic/bind.ts'

/** Options of `foldConstants`. */
export interface FoldOptions {
  /** the largest number of elements that a folded constant may have; default 65536 */
  readonly maxElements?: number | undefined
}

const DEFAULT_LIMIT = 65536

/**
 * With what depends on constants alone computed now: by the ops themselves on their own device, so that the results are
 * the same bit for bit. Random draws and values of running transforms are left as they are.
 */
export function foldConstants(graph: Graph, options: FoldOptions = {}, ...end: End): Graph {
  checkOptions('foldConstants', options as Record<string, unknown>, ['maxElements'], 'graph', end)
  checkGraph('foldConstants', graph)
  const { maxElements = DEFAULT_LIMIT } = options
  // the outputs of calls that were folded, by the call's copy
  const several = new Map<GraphNode, readonly Tensor[]>()
  const known = (x: GraphNode): boolean => x.kind === 'constant' && x.value!.value.trace === null && !isSized(x)
  const folded = rewrite(
    graph,
    (node, inputs, to, copy) => {
      if (node.kind === 'item' && several.has(inputs[0]!)) return to.addConstant(several.get(inputs[0]!)![node.index]!, node.name)
      const small = node.avals.every((a) => numel(a.shape) <= maxElements)
      if (node.kind !== 'call' || node.draws || !small || isSized(node) || !inputs.every(known)) return copy()
      const outs: Outputs = bind(
        node.op!,
        inputs.map((x) => x.value!),
        node.params,
      )
      if (!Array.isArray(outs)) return to.addConstant(outs as Tensor, node.name)
      const call = copy()
      several.set(call, outs as readonly Tensor[])
      return call
    },
    (g) => foldConstants(g, options),
  )
  return eliminateDeadCode(folded)
}
