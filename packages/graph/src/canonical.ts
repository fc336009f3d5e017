import type { AnyOp } from '@mapgrad/tensor/plugin'
import type { Tensor } from '@mapgrad/tensor'
import type { Graph } from './graph.ts'
import { encodeTensor, encodeValue, fillOf } from './literal.ts'
import { dimsOf } from './symbolic/bind.ts'
import type { GraphNode } from './node.ts'
import { isSubgraph } from './subgraph.ts'

// What makes two nodes, or two graphs, the same.

const identities: WeakMap<object, number> = /* @__PURE__ */ new WeakMap()
let count = 0
/** A number for an object that has no other mark, the same as long as the object lives. */
function identity(x: object): number {
  let id = identities.get(x)
  if (id === undefined) identities.set(x, (id = count++))
  return id
}

/** Params as text: equal texts are equal params. Functions and class instances are equal only to themselves, graphs where they are one program. */
export const paramsKey = (params: unknown, graphText: (graph: Graph) => string = canonical): string =>
  JSON.stringify(encodeValue(params, (x) => (isSubgraph(x) ? { $graph: graphText(x.graph) } : { $object: identity(x) })))

/** A constant as text: equal texts are bit for bit equal tensors, or the same value of a running transform. */
export const tensorKey = (x: Tensor): string => (x.value.trace ? `value ${identity(x.value)}` : JSON.stringify([x.device, encodeTensor(x)]))

/** A constant node as text, with what in it follows from sizes. */
export const constantKey = (node: GraphNode): string =>
  node.fill || node.aval.dims
    ? JSON.stringify([node.aval.dtype, node.value!.device, dimsOf(node.aval).join(), encodeValue(node.fill ?? fillOf(node.value!))])
    : tensorKey(node.value!)

/** An op as text, the op itself: two of one name differ. */
export const opKey = (op: AnyOp): string => `${op.name}#${identity(op)}`

function lines(graph: Graph, opText: (op: AnyOp) => string): string {
  const place = new Map<GraphNode, number>()
  return graph.nodes
    .map((node, i) => {
      place.set(node, i)
      const avals = node.avals.map((a) => `${a.dtype}[${dimsOf(a).join()}]`).join()
      const own =
        node.kind === 'call'
          ? `${opText(node.op!)} ${paramsKey(node.params, (g) => lines(g, opText))}`
          : node.kind === 'constant'
            ? constantKey(node)
            : node.kind === 'key'
              ? `${node.backend!.name} ${node.generator ? identity(node.generator) : 'default'}`
              : node.index
      return `${node.kind} ${own} (${node.inputs.map((x) => place.get(x)).join()}) ${avals}`
    })
    .join('\n')
}

/** A graph as text that does not depend on names. */
export function canonical(graph: Graph): string {
  return lines(graph, opKey)
}

/** Two 32-bit FNV-1a sums, in hexadecimal. */
export function hashOf(graph: Graph): string {
  const text = lines(graph, (op) => `${op.home ?? ''}:${op.name}`)
  let [a, b] = [0x811c9dc5, 0x01000193]
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    a = Math.imul(a ^ c, 0x01000193)
    b = Math.imul(b ^ (c + i), 0x85ebca6b)
  }
  return [a, b].map((n) => (n >>> 0).toString(16).padStart(8, '0')).join('')
}
