import { type AnyOp, InternalError, bytesOf, numel, type End, checkEnd } from '@mapgrad/tensor/plugin'
import { Graph, copyNode } from '../graph.ts'
import type { GraphNode } from '../node.ts'
import { eliminateDeadCode } from '../passes/dead-code.ts'
import { FlowNetwork } from './max-flow.ts'
import type { Joint } from './joint.ts'

/** A joint graph in two: `forward` gives the outputs and then what it saves, `backward` takes that and then the tangents, and gives the gradients. */
export interface Partition {
  readonly forward: Graph
  readonly backward: Graph
}
/** Decides what the forward graph saves and what the backward graph computes again. */
export type Partitioner = (joint: Joint) => Partition

/** What the parts of a joint graph are. */
interface Parts {
  readonly graph: Graph
  readonly primals: readonly GraphNode[]
  readonly tangents: readonly GraphNode[]
  readonly outputs: readonly GraphNode[]
  readonly gradients: readonly GraphNode[]
  /** what depends on a tangent */
  readonly late: ReadonlySet<GraphNode>
  /** the arguments, what the outputs need, and every random draw: it belongs to the forward pass */
  readonly forward: ReadonlySet<GraphNode>
}

function partsOf({ graph, primals: n, outputs: m }: Joint): Parts {
  const { placeholders, outputs } = graph
  const tangents = placeholders.slice(n)
  const late = new Set(tangents)
  for (const node of late) for (const user of node.users) if (user.kind !== 'output') late.add(user)
  const primals = placeholders.slice(0, n)
  const forward = new Set([...primals, ...outputs.slice(0, m), ...graph.nodes.filter((x) => x.advances)])
  for (const node of forward) {
    for (const x of node.inputs) forward.add(x)
    // the outputs of one call come together
    if (node.many) for (const item of node.users) forward.add(item)
  }
  return { graph, primals, tangents, outputs: outputs.slice(0, m), gradients: outputs.slice(m), late, forward }
}

/** What `wanted` needs that is not in `given`, given nodes that are used included. */
function needed(wanted: readonly GraphNode[], given: ReadonlySet<GraphNode>): Set<GraphNode> {
  const found = new Set(wanted)
  for (const node of found) if (!given.has(node)) for (const x of node.inputs) found.add(x)
  return found
}

/** The part of a graph from `inputs` to `outputs`. */
function extract(graph: Graph, inputs: readonly GraphNode[], outputs: readonly GraphNode[], also: readonly GraphNode[] = []): Graph {
  const to = new Graph()
  const map = new Map(inputs.map((x) => [x, to.addPlaceholder(x.aval, x.name)]))
  const wanted = needed([...outputs, ...also], new Set(inputs))
  for (const node of graph.nodes) {
    if (map.has(node) || !wanted.has(node)) continue
    if (node.kind === 'placeholder') throw new InternalError(`${node.name} is needed, but neither saved nor an input`, 'aotFunction')
    map.set(
      node,
      copyNode(
        to,
        node,
        node.inputs.map((x) => map.get(x)!),
      ),
    )
  }
  to.setOutputs(outputs.map((x) => map.get(x)!))
  return to
}

/** Both graphs, where the forward one saves those of `saved` that the backward one uses. */
function split({ graph, primals, tangents, outputs, gradients }: Parts, saved: ReadonlySet<GraphNode>): Partition {
  const used = needed(gradients, new Set([...saved, ...tangents]))
  const kept = graph.nodes.filter((x) => saved.has(x) && used.has(x))
  const keys = graph.nodes.filter((x) => x.advances)
  return {
    forward: eliminateDeadCode(extract(graph, primals, [...outputs, ...kept], keys)),
    backward: eliminateDeadCode(extract(graph, [...kept, ...tangents], gradients)),
  }
}

/** A tensor that the forward graph can hand on: constants are in both graphs, and calls with several outputs hand on those. */
const savable = (node: GraphNode): boolean => node.kind !== 'constant' && node.kind !== 'output' && !node.many

/** Computes again nothing that the outputs need: every such intermediate that the backward graph reads is saved. */
export function defaultPartition(joint: Joint, ...end: End): Partition {
  checkEnd('defaultPartition', end, [], 'graph')
  const parts = partsOf(joint)
  const saved = joint.graph.nodes.filter(
    (x) => savable(x) && parts.forward.has(x) && (parts.gradients.includes(x) || [...x.users].some((u) => !parts.forward.has(u))),
  )
  return split(parts, new Set(saved))
}

/** Ops that are cheap to compute again: one pass over their operands, as their own facts say. */
const recomputable = ({ compute: { kind } }: AnyOp): boolean =>
  kind === 'pointwise' || kind === 'view' || kind === 'reduce' || kind === 'pieces' || kind === 'loop'

const bytes = ({ aval: { shape, dtype } }: GraphNode): number => numel(shape) * bytesOf(dtype)

/**
 * Saves as few bytes as possible: the narrowest cut between what the forward pass has and what the backward pass needs,
 * where pointwise ops, reductions and movements may be computed again, products, sorts and draws of keys may not.
 * Of equal cuts it takes the one nearest to the inputs, which are in memory anyway.
 */
export function minCutPartition(joint: Joint, ...end: End): Partition {
  checkEnd('minCutPartition', end, [], 'graph')
  const parts = partsOf(joint)
  const { graph, late, forward, gradients } = parts
  const network = new FlowNetwork()
  const [source, sink] = [network.place(), network.place()]
  const places = new Map<GraphNode, readonly [into: number, out: number]>()
  for (const node of graph.nodes)
    if (node.kind !== 'constant' && node.kind !== 'output') places.set(node, [network.place(), network.place()])
  for (const [node, [into, out]] of places) {
    if (late.has(node)) {
      if (!parts.tangents.includes(node)) network.pipe(into, sink, Infinity)
      continue
    }
    const again = node.kind === 'item' || (node.kind === 'call' && (!forward.has(node) || recomputable(node.op!)))
    if (!again) network.pipe(source, into, Infinity)
    network.pipe(into, out, savable(node) ? bytes(node) : Infinity)
    for (const user of node.users) {
      const to = places.get(user)
      if (to) network.pipe(out, to[0], Infinity)
    }
    if (gradients.includes(node)) network.pipe(out, sink, Infinity)
  }
  const reached = network.cut(source, sink)
  return split(parts, new Set([...places].flatMap(([node, [into, out]]) => (reached[into] && !reached[out] ? [node] : []))))
}
