import type { Generator, Tensor } from '@mapgrad/tensor'
import { type AnyOp, type Aval, type Backend, drawsRandomly } from '@mapgrad/tensor/plugin'
import type { Graph } from './graph.ts'
import { subgraphsOf } from './subgraph.ts'
import type { Dim, Size } from './symbolic/size.ts'

/** What a node is: an input, a tensor known beforehand, the next key of a random generator, an op applied, one output of several, or the results. */
export type NodeKind = 'placeholder' | 'constant' | 'key' | 'call' | 'item' | 'output'

/** Shape and dtype of a tensor in a graph: at the sizes it was traced with, and, where they follow from the sizes of its inputs, as expressions. */
export interface GraphAval extends Aval {
  readonly dims?: readonly Dim[]
}
/** The facts of an aval alone. */
export const avalOf = ({ shape, dtype, dims }: GraphAval): GraphAval => (dims ? { shape, dtype, dims } : { shape, dtype })

/** What makes a node beyond its name: a graph's methods fill it in. */
export interface NodeInit {
  readonly kind: NodeKind
  readonly inputs?: readonly GraphNode[]
  readonly avals: readonly GraphAval[]
  readonly many?: boolean
  readonly op?: AnyOp
  readonly params?: unknown
  readonly value?: Tensor
  readonly fill?: Size | null
  readonly generator?: Generator | null
  readonly backend?: Backend
  readonly index?: number
}

/** One line of a graph. Nodes are made, changed and removed by the methods of their graph. */
export class GraphNode {
  readonly graph: Graph
  readonly kind: NodeKind
  /** unique in the graph; a valid identifier */
  readonly name: string
  /** the op of a call */
  readonly op: AnyOp | null
  /** the params of a call, as the op's rules see them */
  readonly params: unknown
  /** the tensor of a constant */
  readonly value: Tensor | null
  /** the number that a constant repeats, where it follows from the sizes of the inputs */
  readonly fill: Size | null
  /** where a key comes from: `null` is the default generator */
  readonly generator: Generator | null
  /** the device of a key */
  readonly backend: Backend | null
  /** which output of its call an item is */
  readonly index: number
  /** shape and dtype of each tensor that the node stands for: one, but for calls with several outputs and the output node */
  readonly avals: readonly GraphAval[]
  /** whether it is a call whose op gives a list of tensors, which `item` nodes take apart */
  readonly many: boolean
  /** the nodes that take this one as an input */
  readonly users: Set<GraphNode> = new Set()
  #inputs: readonly GraphNode[] = []

  constructor(graph: Graph, name: string, init: NodeInit) {
    this.graph = graph
    this.name = name
    this.kind = init.kind
    this.op = init.op ?? null
    this.params = init.params ?? null
    this.value = init.value ?? null
    this.fill = init.fill ?? null
    this.generator = init.generator ?? null
    this.backend = init.backend ?? null
    this.index = init.index ?? 0
    this.avals = init.avals
    this.many = init.many ?? false
    this.inputs = init.inputs ?? []
  }

  /** The nodes it reads, in order. Setting them keeps `users` in step. */
  get inputs(): readonly GraphNode[] {
    return this.#inputs
  }
  set inputs(inputs: readonly GraphNode[]) {
    for (const x of this.#inputs) x.users.delete(this)
    this.#inputs = inputs
    for (const x of inputs) x.users.add(this)
  }

  /** Shape and dtype of the one tensor it stands for. */
  get aval(): GraphAval {
    return this.avals[0]!
  }
  /** The graphs among the params of a call, by the names of the params: branches, and bodies of loops. */
  get subgraphs(): ReadonlyMap<string, Graph> {
    return new Map(subgraphsOf(this.params))
  }
  /** Whether it takes a key from a generator, or draws with one: here or in a graph of its own. */
  get draws(): boolean {
    if (this.kind === 'key') return true
    return (
      this.kind === 'call' &&
      (drawsRandomly(this.op!, this.params) || [...this.subgraphs.values()].some((g) => g.nodes.some((n) => n.draws)))
    )
  }
  /** Whether a run of it moves a generator on: it is a key, or has one in a graph of its own. */
  get advances(): boolean {
    return this.kind === 'key' || [...this.subgraphs.values()].some((g) => g.nodes.some((n) => n.advances))
  }
  toString(): string {
    return this.name
  }
}
