import { type Tensor, isMapgradError, tensor } from '@mapgrad/tensor'
import * as ours from '@mapgrad/tensor/ops'
import { type AnyOp, type End, TensorTypeError, checkOptions, describe, filledLike, resolveDevice } from '@mapgrad/tensor/plugin'
import { flatSignature } from './code.ts'
import { fault } from './faults.ts'
import { Graph, type OpLike } from './graph.ts'
import { type AvalJSON, FORMAT, type GraphJSON, type NodeJSON, type SubgraphJSON, VERSION_OF_FORMAT } from './json.ts'
import { type TensorJSON, arrayOf, decodeValue, fromBase64 } from './literal.ts'
import { type GraphModule, graphModule } from './module.ts'
import { camelCase } from './names.ts'
import type { GraphAval, GraphNode } from './node.ts'
import { decodeStructure } from './structure.ts'
import { subgraph } from './subgraph.ts'
import { type Size, sizeFromJSON } from './symbolic/size.ts'

/** Options of `graphFromJSON`. */
export interface FromJSONOptions {
  /** ops beside those of `@mapgrad/tensor`, by their name in camelCase: a module of them (`import * as ops`) will do */
  readonly ops?: Readonly<Record<string, unknown>>
}

const isOp = (x: unknown): x is OpLike & { readonly def: AnyOp } => typeof x === 'function' && 'def' in x

function opOf({ op, home }: NodeJSON, given: Readonly<Record<string, unknown>>): AnyOp {
  const name = camelCase(op!)
  for (const table of [given, ours as Readonly<Record<string, unknown>>]) {
    const found = Object.hasOwn(table, name) ? table[name] : undefined
    if (isOp(found) && (found.def.home ?? undefined) === home) return found.def
  }
  throw fault(
    'graphFromJSON',
    `expected ops of @mapgrad/tensor or among { ops }, got '${op}' ${home ? `of ${home}` : 'of an unknown module'}. Pass it as graphFromJSON(json, { ops: { ${name} } })`,
    'UNKNOWN_OP',
  )
}

const arrays: Readonly<Record<string, new (buffer: ArrayBuffer) => Float32Array>> = {
  Uint8Array,
  Int8Array,
  Int16Array,
  Int32Array,
  BigInt64Array,
  Float32Array,
  Float64Array,
} as never

function decodeTensor({ dtype, shape, fill, data }: TensorJSON): Tensor {
  if (data === undefined) return filledLike(tensor(0), decodeValue(fill) as number, dtype, shape)
  return tensor(new arrays[arrayOf[dtype]]!(fromBase64(data).buffer as ArrayBuffer), { dtype }).reshape([...shape])
}

const decodeAval = ({ dtype, shape, dims }: AvalJSON): GraphAval => ({ dtype, shape, ...(dims && { dims: dims.map(sizeFromJSON) }) })

function decodeNode(to: Graph, json: NodeJSON, made: readonly GraphNode[], ops: Readonly<Record<string, unknown>>): GraphNode {
  const { kind, name } = json
  const inputs = (json.inputs ?? []).map((i) => {
    const x = made[i]
    if (!x) throw fault('graphFromJSON', `expected ${name} to read nodes before it, got place ${i}`, 'INVALID_GRAPH')
    return x
  })
  switch (kind) {
    case 'placeholder':
      return to.addPlaceholder(decodeAval(json.avals![0]!), name)
    case 'constant':
      return to.addConstant(decodeTensor(json.value!), name, {
        dims: json.value!.dims?.map(sizeFromJSON),
        fill: json.value!.size === undefined ? null : (sizeFromJSON(json.value!.size) as Size),
      })
    case 'key':
      return to.addKey(null, resolveDevice(json.device, 'graphFromJSON'), name)
    case 'item':
      return to.addItem(inputs[0]!, json.index!, name)
    case 'call':
      return to.addCall(
        opOf(json, ops),
        inputs,
        json.params === undefined ? null : decodeValue(json.params, (g) => subgraph(decodeGraph(g as SubgraphJSON, ops))),
        {
          name,
          result: json.many ? json.avals!.map(decodeAval) : decodeAval(json.avals![0]!),
        },
      )
    case 'output':
      to.setOutputs(inputs)
      return to.nodes.at(-1)!
    default:
      throw fault('graphFromJSON', `expected a kind of node that this version knows, got '${String(kind)}'`, 'INVALID_GRAPH')
  }
}

function decodeGraph({ nodes, bounds, numbers }: SubgraphJSON & Pick<GraphJSON, 'numbers'>, ops: Readonly<Record<string, unknown>>): Graph {
  const graph = new Graph()
  const made: GraphNode[] = []
  graph.bounds = bounds ?? null
  graph.numbers = numbers ?? []
  for (const node of nodes) made.push(decodeNode(graph, node, made, ops))
  return graph
}

/**
 * The graph that `toJSON` wrote, checked, as a function of the same trees. Constants go to the default device.
 * @throws TensorTypeError for ops that are not known, and for what is no graph
 */
export function graphFromJSON(json: GraphJSON | string, options: FromJSONOptions = {}, ...end: End): GraphModule {
  checkOptions('graphFromJSON', options as Record<string, unknown>, ['ops'], 'graph', end)
  const data = (typeof json === 'string' ? readable(() => JSON.parse(json) as unknown) : json) as GraphJSON
  if (typeof data !== 'object' || data === null || data.format !== FORMAT || !Array.isArray(data.nodes))
    throw fault('graphFromJSON', `expected data that toJSON wrote, with format '${FORMAT}', got ${describe(data)}`, 'INVALID_GRAPH')
  if (data.version !== VERSION_OF_FORMAT)
    throw fault(
      'graphFromJSON',
      `expected version ${VERSION_OF_FORMAT} of the format, got ${data.version}. Save the graph anew with this version of @mapgrad/graph`,
      'INVALID_GRAPH',
    )
  return readable(() => decode(data, options.ops ?? {}))
}

/** What `read` gives; where data are not as `toJSON` writes them, whatever goes wrong is their fault. */
function readable<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (isMapgradError(error)) throw error
    throw new TensorTypeError(`expected data that toJSON wrote, got damaged ones: ${(error as Error).message}`, {
      package: 'graph',
      op: 'graphFromJSON',
      code: 'INVALID_GRAPH',
      cause: error,
    })
  }
}

function decode(data: GraphJSON, ops: Readonly<Record<string, unknown>>): GraphModule {
  const graph = decodeGraph(data, ops).lint()
  return graphModule(
    graph,
    data.signature
      ? {
          args: data.signature.args.map(decodeStructure),
          result: decodeStructure(data.signature.result),
          mutated: data.signature.mutated ?? [],
        }
      : flatSignature(graph),
  )
}
