import type { Tensor } from '@mapgrad/tensor'
import type { Graph } from './graph.ts'

/** A graph among the params of a call, such as the body of a loop: as the op calls it. */
export interface Subgraph {
  (...xs: Tensor[]): Tensor[]
  readonly graph: Graph
}

/** A graph as a function that the params of a call may hold. */
export const subgraph = (graph: Graph): Subgraph => Object.assign((...xs: Tensor[]) => graph.run(xs), { graph })

/** Whether a param is a graph as the op calls it. */
export const isSubgraph = (x: unknown): x is Subgraph => typeof x === 'function' && 'graph' in x

/** The graphs among the params of a call, by the names of the params. */
export function subgraphsOf(params: unknown): [name: string, graph: Graph][] {
  if (typeof params !== 'object' || params === null) return []
  return Object.entries(params).flatMap(([name, x]) => (isSubgraph(x) ? [[name, x.graph] as [string, Graph]] : []))
}

/** Params with others in the place of their graphs. */
export function withSubgraphs(params: unknown, f: (graph: Graph) => Graph): unknown {
  const found = subgraphsOf(params)
  if (found.length === 0) return params
  return { ...(params as object), ...Object.fromEntries(found.map(([name, graph]) => [name, subgraph(f(graph))])) }
}
