import type { Tensor } from '@mapgrad/tensor'
import { type AnyOp, checkOptions, describe, isOptions, owning, refusePromise } from '@mapgrad/tensor/plugin'
import { type Signature, codeOf } from './code.ts'
import { fault } from './faults.ts'
import type { Graph } from './graph.ts'
import { type GraphJSON, toJSON } from './json.ts'
import type { PrintOptions } from './print.ts'
import { type Structure, assemble, sameStructure, structureOf, structureText } from './structure.ts'
import { type Decomposition, traceFlat } from './trace.ts'

/** A pass over graphs: makes a new one. */
export type Pass = (graph: Graph) => Graph

/** A graph that is called like the function it was traced from, with the same trees. */
export interface GraphModule<A extends readonly unknown[] = readonly unknown[], R = unknown> {
  (...args: A): R
  /** the program; calls run it as it is then, edits included */
  readonly graph: Graph
  /** how the arguments and the result are built of the graph's tensors */
  readonly signature: Signature
  /** the program as TypeScript, with the function's own arguments */
  readonly code: string
  /** Prints the nodes as a table and gives its text; `{ output: false }` only gives it. */
  print(options?: PrintOptions): string
  /** The graph as Graphviz draws it. */
  toDot(): string
  /** The graph and its trees as plain data, which `graphFromJSON` reads. */
  toJSON(): GraphJSON
  /** The same function with a graph that these passes made, one after the other. */
  transform(...passes: readonly Pass[]): GraphModule<A, R>
}

const argsText = (args: readonly Structure[]): string => `(${args.map(structureText).join(', ')})`

/** A graph as a function of trees. */
export function graphModule<A extends readonly unknown[], R>(graph: Graph, signature: Signature, name = 'forward'): GraphModule<A, R> {
  const { args: wanted, result } = signature
  const module = (...args: A): R => {
    const tensors: Tensor[] = []
    const given = args.map((a) => structureOf(a, tensors))
    if (given.length !== wanted.length || !given.every((s, i) => sameStructure(s, wanted[i]!)))
      throw fault(
        name,
        `expected arguments as they were traced, ${argsText(wanted)}, got ${argsText(given)}. What is no tensor is part of the graph: trace the function again for other values`,
        'SIGNATURE',
      )
    const outputs = graph.run(tensors).values()
    return assemble(result, () => outputs.next().value) as R
  }
  return Object.defineProperties(module, {
    name: { value: name, configurable: true },
    graph: { value: graph },
    signature: { value: signature },
    code: { get: () => codeOf(graph, signature) },
    print: { value: (options?: PrintOptions) => graph.print(options) },
    toDot: { value: () => graph.toDot() },
    toJSON: { value: () => toJSON(graph, signature) },
    transform: {
      value: (...passes: readonly Pass[]) =>
        graphModule(
          passes.reduce((g, pass) => pass(g), graph),
          signature,
          name,
        ),
    },
  }) as unknown as GraphModule<A, R>
}

/** Options of `makeFx`. */
export interface MakeFxOptions {
  /** `'real'` (default) also computes each op while it is recorded, so that values can be printed and shapes may depend on data; `'fake'` knows shapes and dtypes alone */
  readonly tracingMode?: 'real' | 'fake'
  /** what ops are recorded as instead: op → function of its operands (an array) and params */
  readonly decompositionTable?: ReadonlyMap<{ readonly def: AnyOp }, Decomposition>
}

function readOptions(options: MakeFxOptions): { real: boolean; decompositions: ReadonlyMap<AnyOp, Decomposition> } {
  if (!isOptions(options)) throw fault('makeFx', `expected options, got ${describe(options)}`, 'OPTIONS')
  checkOptions('makeFx', options as Record<string, unknown>, ['tracingMode', 'decompositionTable'], 'graph')
  const { tracingMode = 'real', decompositionTable = new Map<{ readonly def: AnyOp }, Decomposition>() }: MakeFxOptions = options
  if (tracingMode !== 'real' && tracingMode !== 'fake')
    throw fault(
      'makeFx',
      `expected tracingMode to be 'real' or 'fake', got ${describe(tracingMode)}${(tracingMode as string) === 'symbolic' ? '. Sizes are JavaScript numbers here, so a graph is made for one set of shapes: trace once for each' : ''}`,
      'TRACING_MODE',
    )
  return {
    real: tracingMode === 'real',
    decompositions: new Map([...decompositionTable].map(([op, f]): [AnyOp, Decomposition] => [op.def, f])),
  }
}

/**
 * The graph of `f` for arguments like those that follow: `makeFx(f)(...args)`. Every op is recorded, also those that
 * `grad`, `vmap` and the other transforms inside `f` make; tensors that `f` captures become constants; random draws are
 * drawn anew in each run. The graph is made for these shapes, dtypes and arguments other than tensors.
 * @throws TensorTypeError where `f` reads the numbers of a tensor
 */
export function makeFx<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  options: MakeFxOptions = {},
): (...args: A) => GraphModule<A, R> {
  if (typeof f !== 'function') throw fault('makeFx', `expected a function, got ${describe(f)}`, 'NOT_A_FUNCTION')
  const settings = readOptions(options)
  return (...args) =>
    owning(() => {
      const tensors: Tensor[] = []
      const paths: string[] = []
      const structures = args.map((a, i) => structureOf(a, tensors, paths, String(i)))
      let result: Structure | undefined
      const graph = traceFlat(
        (xs) => {
          const inputs = xs.values()
          const out = refusePromise(
            'makeFx',
            'graph',
            f(...(structures.map((s) => assemble(s, () => inputs.next().value)) as unknown as A)),
          )
          const ys: Tensor[] = []
          result = structureOf(out, ys)
          return ys
        },
        tensors,
        { ...settings, names: paths.map((p) => `arg${p}`) },
      )
      return graphModule<A, R>(graph, { args: structures, result: result! }, f.name || 'forward')
    })
}
