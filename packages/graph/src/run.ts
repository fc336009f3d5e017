import type { Tensor } from '@mapgrad/tensor'
import {
  type Aval,
  ArrayValue,
  type Outputs,
  type Value,
  bind,
  describe,
  filledLike,
  nextKey,
  owning,
  registry,
  sameShape,
  show,
} from '@mapgrad/tensor/plugin'
import { checkConstant } from './checks.ts'
import { fault, rangeFault } from './faults.ts'
import type { Graph } from './graph.ts'
import { fillOf } from './literal.ts'
import type { GraphNode } from './node.ts'
import { isSubgraph } from './subgraph.ts'
import { atSizes, bindSizes, checkCount, shapeAt } from './symbolic/bind.ts'

const text = ({ dtype, shape }: Aval): string => `${dtype}${show(shape)}`

/** What a call gave, checked against what it gave when it was recorded: later nodes have those sizes in their params. */
function checkOutputs(node: GraphNode, ys: readonly Tensor[], sizes: readonly number[] | null): void {
  node.avals.forEach((aval, i) => {
    if (!sameShape(ys[i]!.shape, shapeAt(aval, sizes)))
      throw rangeFault(
        'Graph.run',
        `expected ${node.name} to give ${text(aval)} as when it was traced, got ${text(ys[i]!)}: its shape depends on data. Compute it outside, and pass it as an argument`,
        'DYNAMIC_SHAPE',
      )
  })
}

/** Runs a graph op by op. Outside of transforms, intermediates are freed after their last use. */
export function run(graph: Graph, inputs: readonly Tensor[], numbers: readonly number[]): Tensor[] {
  if (!Array.isArray(inputs)) throw fault('Graph.run', `expected an array of tensors, got ${describe(inputs)}`, 'NOT_A_TENSOR')
  for (const x of inputs as readonly unknown[]) checkConstant('Graph.run', x)
  checkCount(graph.placeholders, inputs)
  const sizes = bindSizes(graph, inputs, numbers)
  return owning(() => execute(graph, inputs, sizes))
}

/** A graph among the params of a call, at the sizes of the graph around it. */
function within(x: unknown, sizes: readonly number[]): unknown {
  if (!isSubgraph(x)) return x
  const { graph } = x
  const inner = (...inputs: Tensor[]): Tensor[] => {
    checkCount(graph.placeholders, inputs)
    return owning(() => execute(graph, inputs, sizes))
  }
  return Object.assign(inner, { graph })
}

function execute(graph: Graph, inputs: readonly Tensor[], sizes: readonly number[] | null): Tensor[] {
  const computed = new Map<GraphNode, readonly Tensor[]>()
  const left = new Map<GraphNode, number>()
  const held = new Holders(registry().top === null && registry().tape === null)
  const take = (node: GraphNode): Tensor => computed.get(node)![0]!
  const keep = (node: GraphNode, ys: readonly Tensor[]): void => {
    computed.set(node, ys)
    left.set(node, node.users.size)
    for (const y of ys) held.add(y.value)
    if (node.users.size === 0) release(node)
  }
  const release = (node: GraphNode): void => {
    for (const y of computed.get(node)!) held.remove(y.value)
    computed.delete(node)
  }
  // held by the caller, or by the graph, for good
  for (const x of inputs) held.add(x.value)
  let at = 0
  for (const node of graph.nodes) {
    switch (node.kind) {
      case 'placeholder':
        keep(node, [inputs[at++]!])
        break
      case 'constant':
        held.add(node.value!.value)
        keep(node, [sizes ? constantAt(node, sizes) : node.value!])
        break
      case 'key':
        keep(node, [nextKey(node.generator ?? undefined, node.backend!)])
        break
      case 'item':
        keep(node, [computed.get(node.inputs[0]!)![node.index]!])
        break
      case 'call': {
        const ys: Outputs = bind(node.op!, node.inputs.map(take), sizes ? atSizes(node.params, sizes, within) : node.params)
        const list = Array.isArray(ys) ? (ys as readonly Tensor[]) : [ys as Tensor]
        checkOutputs(node, list, sizes)
        keep(node, list)
        break
      }
      case 'output':
        return node.inputs.map((x, i) => {
          const y = take(x)
          const { value } = y
          // whoever disposes of a result must not free a constant, an input, or another result
          const shared = x.kind === 'constant' || x.kind === 'placeholder' || node.inputs.indexOf(x) < i
          return y.wrap(shared && value instanceof ArrayValue ? value.view(value.shape, value.strides, value.offset) : value)
        })
    }
    for (const x of new Set(node.inputs)) {
      const n = left.get(x)! - 1
      left.set(x, n)
      if (n === 0) release(x)
    }
  }
  throw fault('Graph.run', 'expected a graph with an output node. Use setOutputs', 'INVALID_GRAPH')
}

/** A constant at these sizes. */
function constantAt({ value, fill, aval }: GraphNode, sizes: readonly number[]): Tensor {
  if (!fill && !aval.dims) return value!
  return filledLike(value!, fill ? fill.at(sizes) : fillOf(value!)!, aval.dtype, shapeAt(aval, sizes))
}

/** Counts who holds each array, and frees those that nobody does. */
class Holders {
  readonly #frees: boolean
  readonly #count = new Map<Value, number>()
  constructor(frees: boolean) {
    this.#frees = frees
  }
  add(value: Value): void {
    if (this.#frees) this.#count.set(value, (this.#count.get(value) ?? 0) + 1)
  }
  remove(value: Value): void {
    if (!this.#frees) return
    const n = this.#count.get(value)! - 1
    this.#count.set(value, n)
    if (n === 0 && value instanceof ArrayValue) value.dispose()
  }
}
