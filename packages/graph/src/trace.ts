import { type DType, type Generator, type GeneratorState, type Tensor, getRngState, initialSeed, setRngState } from '@mapgrad/tensor'
import {
  type AnyOp,
  type ArrayValue,
  type Aval,
  type Backend,
  type Choices,
  type Fn,
  type Outputs,
  type ProgramAvals,
  type Shape,
  Trace,
  Tracer,
  type Value,
  bind,
  checkLeaving,
  generatorOf,
  type Compute,
  resume,
  withTrace,
} from '@mapgrad/tensor/plugin'
import { fault } from './faults.ts'
import { Graph } from './graph.ts'
import type { GraphNode } from './node.ts'
import { subgraph } from './subgraph.ts'

/** What an op becomes while it is recorded: a function of its operands and params, in terms of other ops. */
export type Decomposition = (inputs: readonly Tensor[], params: never) => Outputs

/** A value that stands for a node; in real mode it knows the tensor that the node had while it was traced. */
export class Traced extends Tracer {
  readonly node: GraphNode
  readonly real: Tensor | null
  readonly backend: Backend
  constructor(trace: Trace, node: GraphNode, backend: Backend, real: Tensor | null) {
    super(trace)
    this.node = node
    this.backend = backend
    this.real = real
  }
  get shape(): Shape {
    return this.node.aval.shape
  }
  get dtype(): DType {
    return this.node.aval.dtype
  }
  concrete(what: string): ArrayValue {
    throw fault(
      what,
      `It appears that you're trying to get value out of a tracing tensor with .${what}() - erroring out! It's likely that this is caused by data-dependent control flow or similar. A graph has one path for all values: use where(condition, x, y), or cond, whileLoop and scan, instead of if and loops; return what you want to read; or pass what decides as a number, which the graph is then made for`,
      'UNREADABLE',
    )
  }
  arrays(): readonly ArrayValue[] {
    return this.real?.value.arrays() ?? []
  }
  describe(inner: (v: Value) => string): string {
    return `TracedTensor(lvl=${this.trace.level}, name=${this.node.name}, ${this.real ? `value=${inner(this.real.value)}` : `shape=[${this.shape.join(', ')}], dtype=${this.dtype}`})`
  }
}

/** The recording interpreter: every op below all other transforms becomes a node. */
export class GraphTrace extends Trace {
  readonly name = 'makeFx'
  override readonly package = 'graph'
  override readonly records = true
  override readonly choices: Choices | null
  readonly graph: Graph
  readonly real: boolean
  readonly #keeps: boolean
  readonly #decompositions: ReadonlyMap<AnyOp, Decomposition>
  readonly #untraced = new Map<Value, GraphNode>()
  readonly #start: GeneratorState
  readonly #generators = new Map<Generator, GeneratorState>()

  /** @param everything whether ops on tensors that do not depend on an input are recorded too, not computed */
  constructor(
    real: boolean,
    decompositions: ReadonlyMap<AnyOp, Decomposition> = new Map(),
    everything = false,
    graph: Graph = new Graph(),
    choices: Choices | null = null,
  ) {
    super(everything)
    this.choices = choices
    // traces of everything are samples: what becomes of them keeps what it needs
    this.#keeps = !everything
    this.graph = graph
    this.real = real
    this.#decompositions = decompositions
    this.#start = getRngState()
  }

  own(x: Tensor): Traced | undefined {
    return x.value instanceof Traced && x.value.trace === this ? x.value : undefined
  }
  /** An input like `x`; of another shape where nothing is computed. */
  input(x: Tensor, name: string, aval: Aval = x): Tensor {
    return this.#wrap(x, this.graph.addPlaceholder(aval, name), x.value.backend, this.real ? x.wrap(x.value) : null)
  }
  /** The node of a tensor; one that was not traced becomes a constant, or the next key of its generator. */
  node(x: Tensor): GraphNode {
    const own = this.own(x)
    if (own) return own.node
    checkLeaving(x.value, this)
    let node = this.#untraced.get(x.value)
    if (!node) {
      const generator = generatorOf(x)
      node =
        generator === undefined
          ? this.graph.addConstant(x, undefined, { kept: this.#keeps })
          : this.graph.addKey(generator, x.value.backend)
      // its state is one key further already
      if (generator && !this.#generators.has(generator)) this.#generators.set(generator, before(generator.getState()))
      this.#untraced.set(x.value, node)
    }
    return node
  }

  /** Makes these tensors the results, and brings generators back to where they were: recording draws nothing, runs do. */
  finish(outputs: readonly Tensor[]): Graph {
    this.graph.setOutputs(outputs.map((y) => this.node(y)))
    this.restore()
    return this.graph
  }
  /** Brings generators back to where they were. */
  restore(): void {
    // a generator that was seeded meanwhile stays as it is
    if (initialSeed() === this.#start.seed) setRngState(this.#start)
    for (const [generator, state] of this.#generators) if (generator.initialSeed() === state.seed) generator.setState(state)
  }

  process(op: AnyOp, inputs: readonly Tensor[], params: unknown): Outputs {
    const decomposition = this.#decompositions.get(op)
    if (decomposition) return resume(this, () => decomposition(inputs, params as never))
    // functions in params may close over anything: what they do is written down, not the call
    if (op.captures && op.compute.kind === 'decompose') {
      const { decompose } = op.compute as Extract<Compute<readonly Tensor[], unknown>, { readonly kind: 'decompose' }>
      return resume(this, () => decompose(inputs, params))
    }
    const nodes = inputs.map((x) => this.node(x))
    const written = this.#written(op, inputs, params)
    // only in real mode can an op say what it gives if its shape depends on data
    const outs = this.real
      ? bind(
          op,
          inputs.map((x) => this.own(x)?.real ?? x),
          params,
        )
      : null
    const reals = outs === null ? null : Array.isArray(outs) ? (outs as readonly Tensor[]) : [outs as Tensor]
    const call = this.graph.addCall(
      op,
      nodes,
      written,
      reals ? { result: Array.isArray(outs) ? reals : reals[0]! } : { result: resultOf(op, nodes, params) },
    )
    const like = inputs[0]!
    const backend = (i: number): Backend => reals?.[i]!.value.backend ?? like.value.backend
    if (!call.many) return this.#wrap(like, call, backend(0), reals?.[0] ?? null)
    return call.avals.map((_, i) => this.#wrap(like, this.graph.addItem(call, i), backend(i), reals?.[i] ?? null))
  }

  /** Params with a graph for each program among them. */
  #written(op: AnyOp, inputs: readonly Tensor[], params: unknown): unknown {
    if (!op.programs) return params
    const programs = Object.entries(op.programs(inputs, params) as Readonly<Record<string, ProgramAvals>>)
    const graphs = programs.map(([name, { takes: avals }]) => {
      const f = (params as Readonly<Record<string, Fn>>)[name]!
      const graph = traceFlat(
        (xs) => {
          const out = f(...xs)
          return Array.isArray(out) ? (out as readonly Tensor[]) : [out as Tensor]
        },
        avals.map(() => inputs[0]!),
        {
          real: false,
          decompositions: this.#decompositions,
          avals,
          names: avals.map((_, i) => `x${i}`),
          everything: this.ambient === this,
          choices: this.choices,
        },
      )
      this.#willDraw(graph)
      return [name, subgraph(graph)] as const
    })
    return { ...(params as object), ...Object.fromEntries(graphs) }
  }

  /** What is computed while this is recorded draws from these generators, too. */
  #willDraw({ nodes }: Graph): void {
    for (const { generator, subgraphs } of nodes) {
      if (generator && !this.#generators.has(generator)) this.#generators.set(generator, generator.getState())
      for (const inner of subgraphs.values()) this.#willDraw(inner)
    }
  }

  #wrap(like: Tensor, node: GraphNode, backend: Backend, real: Tensor | null): Tensor {
    return like.wrap(new Traced(this, node, backend, real))
  }
}

const before = ({ seed, offset }: GeneratorState): GeneratorState => ({ seed, offset: offset - 1 })

function resultOf(op: AnyOp, nodes: readonly GraphNode[], params: unknown): Aval | readonly Aval[] {
  try {
    return op.result(
      nodes.map((n) => n.aval),
      params,
    ) as Aval | readonly Aval[]
  } catch (error) {
    if ((error as { code?: string }).code !== 'INTERNAL') throw error
    throw fault(
      'makeFx',
      `expected ops whose shapes follow from shapes, got ${op.name}, whose shape depends on data. Trace with { tracingMode: 'real' }, or use where(condition, x, y)`,
      'DYNAMIC_SHAPE',
    )
  }
}

/** How `traceFlat` records. */
export interface TraceOptions {
  /** whether ops are also computed while they are recorded; default true */
  readonly real?: boolean | undefined
  readonly decompositions?: ReadonlyMap<AnyOp, Decomposition>
  /** names of the inputs */
  readonly names?: readonly string[] | undefined
  /** shapes and dtypes of the inputs, where they are others than those given and nothing is computed */
  readonly avals?: readonly Aval[] | undefined
  /** whether ops on tensors that do not depend on an input are recorded too, not computed */
  readonly everything?: boolean | undefined
  /** what stands in for decisions by sizes */
  readonly choices?: Choices | null | undefined
}

/** The graph of `f`, a function of a list of tensors, at inputs like these. */
export function traceFlat(
  f: (xs: readonly Tensor[]) => readonly Tensor[],
  inputs: readonly Tensor[],
  { real = true, decompositions, names, avals, everything = false, choices = null }: TraceOptions = {},
): Graph {
  return withTrace(new GraphTrace(real, decompositions, everything, new Graph(), choices), (trace) => {
    try {
      return trace.finish(f(inputs.map((x, i) => trace.input(x, names?.[i] ?? `arg${i}`, avals?.[i]))))
    } catch (error) {
      trace.restore()
      throw error
    }
  })
}
