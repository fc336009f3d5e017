import type { Tensor } from '@mapgrad/tensor'
import type { Graph } from './graph.ts'
import { type TensorJSON, encodeConstant, encodeValue, unwritable } from './literal.ts'
import { fault } from './faults.ts'
import type { GraphNode } from './node.ts'
import type { Signature } from './code.ts'
import { encodeStructure } from './structure.ts'
import { isSubgraph } from './subgraph.ts'
import type { NumberInput, SizeBounds } from './symbolic/bind.ts'
import type { SizeJSON } from './symbolic/size.ts'

/** The name of the format, and the version that this package writes. */
export const FORMAT = 'mapgrad.graph'
export const VERSION_OF_FORMAT = 1

/** Shape and dtype as JSON. */
export interface AvalJSON {
  readonly dtype: Tensor['dtype']
  readonly shape: readonly number[]
  /** the sizes that follow from those of the inputs, among the others */
  readonly dims?: readonly SizeJSON[]
}
/** A node as JSON; `inputs` are places in the list of nodes. */
export interface NodeJSON {
  readonly kind: GraphNode['kind']
  readonly name: string
  readonly inputs?: readonly number[]
  readonly avals?: readonly AvalJSON[]
  readonly many?: true
  /** an op's name, and the module that exports it */
  readonly op?: string
  readonly home?: string
  readonly params?: unknown
  readonly value?: TensorJSON
  readonly device?: string
  readonly index?: number
}
/** A graph as JSON: `toJSON` makes it, `graphFromJSON` reads it. */
export interface GraphJSON {
  readonly format: typeof FORMAT
  readonly version: number
  readonly nodes: readonly NodeJSON[]
  /** the trees of the function's arguments and result; absent for a bare graph */
  /** which sizes a graph with symbols is for */
  readonly bounds?: SizeBounds
  /** arguments that are whole numbers, and symbols as sizes are */
  readonly numbers?: readonly NumberInput[]
  readonly signature?: { readonly args: readonly unknown[]; readonly result: unknown; readonly mutated?: readonly number[] }
}

function encodeNode(node: GraphNode, place: ReadonlyMap<GraphNode, number>): NodeJSON {
  const { kind, name } = node
  const inputs = node.inputs.map((x) => place.get(x)!)
  const avals = node.avals.map(({ dtype, shape, dims }) => ({
    dtype,
    shape,
    ...(dims && { dims: dims.map((d) => (typeof d === 'number' ? d : d.toJSON())) }),
  }))
  switch (kind) {
    case 'placeholder':
      return { kind, name, avals }
    case 'constant':
      return { kind, name, value: encodeConstant(node) }
    case 'key':
      if (node.generator)
        throw fault(
          'toJSON',
          'expected draws from the default generator, got one from a Generator of its own, which cannot be saved. Draw with a key that is an argument: rand(shape, { key })',
          'UNSERIALIZABLE',
        )
      return { kind, name, device: node.backend!.name }
    case 'item':
      return { kind, name, inputs, index: node.index }
    case 'call':
      return {
        kind,
        name,
        op: node.op!.name,
        ...(node.op!.home ? { home: node.op!.home } : {}),
        inputs,
        ...(node.params === null ? {} : { params: encodeValue(node.params, encodeSubgraph) }),
        avals,
        ...(node.many ? { many: true as const } : {}),
      }
    case 'output':
      return { kind, name, inputs }
  }
}

/** A graph among the params of a node. */
export interface SubgraphJSON {
  readonly nodes: readonly NodeJSON[]
  readonly bounds?: SizeBounds
}
const encodeSubgraph = (x: object): { $graph: SubgraphJSON } => {
  if (!isSubgraph(x)) return unwritable('toJSON', x)
  const { nodes, bounds } = toJSON(x.graph)
  return { $graph: bounds ? { nodes, bounds } : { nodes } }
}

/** A graph as plain data. */
export function toJSON(graph: Graph, signature?: Signature): GraphJSON {
  const place = new Map(graph.nodes.map((n, i) => [n, i]))
  return {
    format: FORMAT,
    version: VERSION_OF_FORMAT,
    nodes: graph.nodes.map((n) => encodeNode(n, place)),
    ...(graph.bounds && { bounds: graph.bounds }),
    ...(graph.numbers.length && { numbers: graph.numbers }),
    ...(signature && {
      signature: {
        args: signature.args.map(encodeStructure),
        result: encodeStructure(signature.result),
        ...(signature.mutated?.length && { mutated: signature.mutated }),
      },
    }),
  }
}
