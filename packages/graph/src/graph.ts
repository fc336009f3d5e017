import { type Generator, type Tensor, isMapgradError, keep } from '@mapgrad/tensor'
import {
  type AnyOp,
  type Aval,
  type Backend,
  type End,
  type ProgramAvals,
  TensorTypeError,
  checkEnd,
  describe,
  show,
} from '@mapgrad/tensor/plugin'
import { canonical, hashOf } from './canonical.ts'
import { checkAval, checkConstant, checkGraph, checkNode, checkNodes, defOf } from './checks.ts'
import { codeOf } from './code.ts'
import { fault } from './faults.ts'
import { type GraphJSON, toJSON } from './json.ts'
import { fillOf } from './literal.ts'
import { Names, camelCase } from './names.ts'
import { type GraphAval, GraphNode, type NodeInit, avalOf } from './node.ts'
import { type PrintOptions, dotOf, print } from './print.ts'
import { run } from './run.ts'
import { withSubgraphs } from './subgraph.ts'
import { type NumberInput, type SizeBounds, atSizes, dimsOf, tracedSizes } from './symbolic/bind.ts'
import { resultIn } from './symbolic/infer.ts'
import { type Dim, type Size, dimsText } from './symbolic/size.ts'

/** An op, or the facts of one. */
export type OpLike = AnyOp | { readonly def: AnyOp }

/**
 * A program of ops on tensors: nodes in an order in which each comes after what it reads. It is made by `makeFx` or by
 * hand, can be edited, run, printed, saved, and turned into another by passes.
 */
export class Graph {
  readonly #nodes: GraphNode[] = []
  readonly #names: Names = new Names()
  /** where new nodes go; `null` is the end */
  #before: GraphNode | null = null
  #output: GraphNode | null = null
  /** which sizes a graph with symbols is for; `null` where nothing is known but its expressions */
  bounds: SizeBounds | null = null
  /** whole numbers that are given beside the inputs, and are symbols as sizes are */
  numbers: readonly NumberInput[] = []

  /** All nodes in order; the last one is the output. */
  get nodes(): readonly GraphNode[] {
    return this.#nodes
  }
  /** The inputs in order. */
  get placeholders(): readonly GraphNode[] {
    return this.#nodes.filter((n) => n.kind === 'placeholder')
  }
  /** The nodes whose tensors are the results. */
  get outputs(): readonly GraphNode[] {
    return this.#output?.inputs ?? []
  }
  /** The node with that name. */
  node(name: string): GraphNode | undefined {
    return this.#nodes.find((n) => n.name === name)
  }

  #add(name: string, init: NodeInit, before: GraphNode | null = this.#before ?? this.#output): GraphNode {
    for (const x of init.inputs ?? [])
      if (x.graph !== this)
        throw fault(
          'Graph',
          `expected inputs of this graph, got ${x.name} of another one. Copy it with a pass, or build both in one graph`,
          'FOREIGN_NODE',
        )
    const node = new GraphNode(this, this.#names.take(name), init)
    if (before) this.#nodes.splice(this.#nodes.indexOf(before), 0, node)
    else this.#nodes.push(node)
    return node
  }

  /** A new input, after the ones there are. */
  addPlaceholder(aval: GraphAval, name = 'arg'): GraphNode {
    checkAval('Graph.addPlaceholder', aval)
    const next = this.#nodes.find((n) => n.kind !== 'placeholder') ?? null
    return this.#add(name, { kind: 'placeholder', avals: [avalOf(aval)] }, next)
  }
  /** A tensor known beforehand. One that repeats a number prints as that number; its sizes (`dims`) and the number (`fill`) may follow from sizes of the inputs. One that is not `kept` is freed with the scope it was made in. */
  addConstant(
    value: Tensor,
    name?: string,
    {
      dims,
      fill = null,
      kept = true,
    }: { readonly dims?: readonly Dim[] | undefined; readonly fill?: Size | null; readonly kept?: boolean } = {},
  ): GraphNode {
    checkConstant('Graph.addConstant', value)
    if (kept) keep(value)
    const { shape, dtype } = value
    return this.#add(name ?? (fillOf(value) === undefined ? 'constant' : 'number'), {
      kind: 'constant',
      value: value.wrap(value.value),
      fill,
      avals: [dims ? { shape, dtype, dims } : { shape, dtype }],
    })
  }
  /** The next key of a random generator (`null`: the default one), taken anew in each run. */
  addKey(generator: Generator | null, backend: Backend, name = 'key'): GraphNode {
    return this.#add(name, { kind: 'key', generator, backend, avals: [{ shape: [4], dtype: 'int32' }] })
  }
  /** An op on the tensors of other nodes. `result` is what it gives, where the op cannot tell from shapes alone. */
  addCall(
    op: OpLike,
    inputs: readonly GraphNode[],
    params: unknown = null,
    { name, result }: { readonly name?: string; readonly result?: GraphAval | readonly GraphAval[] } = {},
  ): GraphNode {
    checkNodes('Graph.addCall', inputs)
    const def = defOf('Graph.addCall', op)
    const given = result ?? this.#result(def, inputs, params)
    const many = Array.isArray(given)
    const avals = (many ? given : [given]) as readonly GraphAval[]
    return this.#add(name ?? camelCase(def.name), {
      kind: 'call',
      op: def,
      inputs,
      params,
      many,
      avals: avals.map(avalOf),
    })
  }
  /** What an op gives: its own errors are as they are, others come from operands that are too few. */
  #result(op: AnyOp, inputs: readonly GraphNode[], params: unknown): GraphAval | readonly GraphAval[] {
    try {
      const given: GraphAval | readonly GraphAval[] | undefined = resultIn(this, op, inputs, params)
      if (given) return given
      throw new Error('it gave nothing')
    } catch (error) {
      if (isMapgradError(error)) throw error
      throw new TensorTypeError(
        `expected the operands and params that ${op.name} takes, got (${inputs.map((x) => x.name).join(', ')}) and ${describe(params)}`,
        { package: 'graph', op: 'Graph.addCall', code: 'OPERANDS', cause: error },
      )
    }
  }
  /** One tensor of a call that gives several. */
  addItem(call: GraphNode, index: number, name?: string): GraphNode {
    checkNode('Graph.addItem', call)
    const aval = call.avals[index]
    if (!call.many || !aval)
      throw fault(
        'Graph.addItem',
        `expected a call with more than ${index} outputs, got ${call.name}, which has ${call.many ? call.avals.length : 'one tensor'}`,
        'NO_SUCH_OUTPUT',
      )
    return this.#add(name ?? `${call.name}_${index}`, { kind: 'item', inputs: [call], index, avals: [aval] })
  }
  /** Makes the tensors of these nodes the results. */
  setOutputs(nodes: readonly GraphNode[]): void {
    checkNodes('Graph.setOutputs', nodes)
    if (this.#output) {
      this.#nodes.splice(this.#nodes.indexOf(this.#output), 1)
      this.#output.inputs = []
    }
    this.#output = null
    this.#output = this.#add('output', { kind: 'output', inputs: nodes, avals: nodes.map((n) => n.aval) }, null)
  }

  /** Runs `edit`, whose new nodes go before `node`, and gives what it returns. */
  insertBefore<R>(node: GraphNode, edit: () => R): R {
    this.#own('insertBefore', node)
    const outer = this.#before
    this.#before = node
    try {
      return edit()
    } finally {
      this.#before = outer
    }
  }
  /** Makes every reader of `node` read `by` instead, results included. Their shapes and dtypes must agree. */
  replaceAllUsesWith(node: GraphNode, by: GraphNode): void {
    this.#own('replaceAllUsesWith', node)
    this.#own('replaceAllUsesWith', by)
    if (avalText(node) !== avalText(by))
      throw fault(
        'Graph.replaceAllUsesWith',
        `expected a node of ${avalText(node)} in the place of ${node.name}, got ${by.name} of ${avalText(by)}`,
        'AVAL_MISMATCH',
      )
    for (const user of node.users) if (user !== by) user.inputs = user.inputs.map((x) => (x === node ? by : x))
  }
  /** Removes a node that nobody reads. */
  erase(node: GraphNode): void {
    this.#own('erase', node)
    if (node.users.size)
      throw fault(
        'Graph.erase',
        `expected a node without readers, got ${node.name}, which ${[...node.users].map((u) => u.name).join(', ')} read. Use replaceAllUsesWith first`,
        'NODE_IN_USE',
      )
    if (node.kind === 'output') this.#output = null
    node.inputs = []
    this.#nodes.splice(this.#nodes.indexOf(node), 1)
  }
  #own(method: string, node: GraphNode): void {
    checkNode(`Graph.${method}`, node)
    if (node.graph !== this || !this.#nodes.includes(node))
      throw fault(
        `Graph.${method}`,
        `expected a node of this graph, got ${node.name}, which is of another one or was erased`,
        'FOREIGN_NODE',
      )
  }

  /** Checks the graph and gives it back. @throws TensorTypeError for what is wrong: an order, a missing output, a result that the op would not give */
  lint(...end: End): this {
    checkEnd('lint', end, [], 'graph')
    return this.#lint(tracedSizes(this))
  }
  #lint(sizes: readonly number[] | null): this {
    const seen = new Set<GraphNode>()
    const wrong = (message: string): never => {
      throw fault('Graph.lint', message, 'INVALID_GRAPH')
    }
    for (const node of this.#nodes) {
      for (const x of node.inputs) {
        if (!seen.has(x))
          wrong(
            `expected ${node.name} to come after what it reads, got ${x.name} ${this.#nodes.includes(x) ? 'behind it' : 'that is not in the graph'}`,
          )
        if (x.many && node.kind !== 'item')
          wrong(`expected ${node.name} to read one tensor, got ${x.name}, which gives ${x.avals.length}. Use addItem`)
        if (!x.users.has(node)) wrong(`expected ${x.name} to know its reader ${node.name}`)
      }
      for (const user of node.users)
        if (!user.inputs.includes(node) || !this.#nodes.includes(user))
          wrong(`expected ${node.name} to be read by ${user.name}, which is not so`)
      if (node.kind === 'call') {
        const params = sizes ? atSizes(node.params, sizes) : node.params
        checkResult(node, params, wrong)
        checkSubgraphs(node, params, wrong)
        // their sizes follow from those of this graph
        for (const inner of node.subgraphs.values()) inner.#lint(sizes)
      }
      seen.add(node)
    }
    if (!this.#output || this.#nodes.at(-1) !== this.#output) wrong('expected the last node to be the output. Use setOutputs')
    return this
  }

  /** A copy with the same names. */
  copy(...end: End): Graph {
    checkEnd('copy', end, [], 'graph')
    const to = new Graph()
    copyInto(to, this)
    return to
  }
  /** Whether two graphs are one program: the same ops, params, constants and inputs in the same order, whatever the names. */
  equals(other: Graph): boolean {
    checkGraph('Graph.equals', other)
    return canonical(this) === canonical(other)
  }
  /** A short text that equal graphs share; the same in every process. */
  hash(): string {
    return hashOf(this)
  }

  /** The results for tensors in the order of the placeholders, and numbers in that of `numbers`. Intermediates are freed after their last use. */
  run(inputs: readonly Tensor[], numbers: readonly number[] = []): Tensor[] {
    return run(this, inputs, numbers)
  }
  /** TypeScript that computes the same. */
  get code(): string {
    return codeOf(this)
  }
  /** Prints the nodes as a table and gives its text; `{ output: false }` only gives it. */
  print(options?: PrintOptions): string {
    return print(this, options)
  }
  /** The graph as Graphviz draws it. */
  toDot(...end: End): string {
    checkEnd('toDot', end, [], 'graph')
    return dotOf(this)
  }
  /** The graph as plain data, which `graphFromJSON` reads. */
  toJSON(): GraphJSON {
    return toJSON(this)
  }
}

/** `float32[2, s0]`, for messages. */
export const avalText = (node: GraphNode): string => node.avals.map((a) => `${a.dtype}${dimsText(dimsOf(a))}`).join(', ')

function checkResult(node: GraphNode, params: unknown, wrong: (message: string) => never): void {
  const { op, inputs } = node
  let result: Aval | readonly Aval[]
  try {
    result = op!.result(
      inputs.map((x) => x.aval),
      params,
    ) as Aval | readonly Aval[]
  } catch (error) {
    // its shape depends on data: only a run can tell
    if ((error as { code?: string }).code === 'INTERNAL') return
    return wrong(
      `expected ${node.name} to read what ${op!.name} takes, got ${inputs.map(avalText).join('; ')}: ${(error as Error).message}`,
    )
  }
  const text = ([result].flat() as Aval[]).map(({ dtype, shape }) => `${dtype}${show(shape)}`).join(', ')
  const got = node.avals.map(({ dtype, shape }) => `${dtype}${show(shape)}`).join(', ')
  if (text !== got) wrong(`expected ${node.name} = ${op!.name}(${inputs.map((x) => x.name).join(', ')}) to give ${text}, got ${got}`)
}

/** Graphs among the params take what the op calls them with, and give what it goes on with. */
function checkSubgraphs(node: GraphNode, params: unknown, wrong: (message: string) => never): void {
  const programs = node.op!.programs?.(
    node.inputs.map((x) => x.aval),
    params,
  ) as Readonly<Record<string, ProgramAvals>> | undefined
  const text = (avals: readonly Aval[]): string => avals.map(({ dtype, shape }) => `${dtype}${show(shape)}`).join(', ')
  for (const [name, graph] of node.subgraphs) {
    const program = programs?.[name]
    if (!program) continue
    for (const [verb, avals, nodes] of [
      ['take', program.takes, graph.placeholders],
      ['give', program.gives, graph.outputs],
    ] as const) {
      const [wanted, got] = [text(avals), text(nodes.map((p) => p.aval))]
      if (wanted !== got) wrong(`expected the ${name} of ${node.name} to ${verb} (${wanted}), got one of (${got})`)
    }
  }
}

/** What a rewrite makes of one node, given its inputs in the new graph: another node there, nothing (it must have no readers), or by default a copy. */
export type Visit = (node: GraphNode, inputs: readonly GraphNode[], to: Graph, copy: () => GraphNode) => GraphNode | null

/** What a rewrite makes of the graphs among the params of a call. */
export type Within = (graph: Graph) => Graph

/** Writes the nodes of a graph into another one, as `visit` says, and gives the counterparts of its outputs. */
export function copyInto(to: Graph, from: Graph, visit: Visit = (_node, _inputs, _to, copy) => copy(), within?: Within): void {
  const map = new Map<GraphNode, GraphNode>()
  to.bounds ??= from.bounds
  if (to.numbers.length === 0) to.numbers = from.numbers
  for (const node of from.nodes) {
    const inputs = node.inputs.map((x) => map.get(x)!)
    if (node.kind === 'output') to.setOutputs(inputs)
    else {
      const copy = visit(node, inputs, to, () => copyNode(to, node, inputs, within))
      if (copy) map.set(node, copy)
    }
  }
}

/** A node like another one in another graph; graphs among its params are copied, or what `within` makes of them. */
export function copyNode(to: Graph, node: GraphNode, inputs: readonly GraphNode[], within: Within = (g) => g.copy()): GraphNode {
  switch (node.kind) {
    case 'placeholder':
      return to.addPlaceholder(node.aval, node.name)
    case 'constant':
      return to.addConstant(node.value!, node.name, { dims: node.aval.dims, fill: node.fill })
    case 'key':
      return to.addKey(node.generator, node.backend!, node.name)
    case 'item':
      return to.addItem(inputs[0]!, node.index, node.name)
    case 'call':
      return to.addCall(node.op!, inputs, withSubgraphs(node.params, within), {
        name: node.name,
        result: node.many ? node.avals : node.aval,
      })
    case 'output':
      to.setOutputs(inputs)
      return to.nodes.at(-1)!
  }
}

/** A new graph with each node as `visit` says, and graphs among the params of calls as `within` says: by default copies. */
export function rewrite(graph: Graph, visit: Visit, within?: Within): Graph {
  const to = new Graph()
  copyInto(to, graph, visit, within)
  return to
}
