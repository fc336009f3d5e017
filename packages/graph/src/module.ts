import type { Tensor } from '@mapgrad/tensor'
import {
  type AnyOp,
  assign,
  checkOptions,
  describe,
  isOptions,
  owning,
  refusePromise,
  sameShape,
  show,
  type Aval,
} from '@mapgrad/tensor/plugin'
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
  const { args: wanted, result, mutated = [] } = signature
  const module = (...args: A): R => {
    const tensors: Tensor[] = []
    const given = args.map((a) => structureOf(a, tensors))
    if (given.length !== wanted.length || !given.every((s, i) => sameStructure(s, wanted[i]!)))
      throw fault(
        name,
        `expected arguments as they were traced, ${argsText(wanted)}, got ${argsText(given)}. What is no tensor is part of the graph: trace the function again for other values`,
        'SIGNATURE',
      )
    checkApart(name, tensors, mutated)
    const all = graph.run(tensors)
    const results = all.length - mutated.length
    mutated.forEach((i, k) => assign(tensors[i]!, 'copy_', all[results + k]!))
    const outputs = all.values()
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

/** In a graph each argument is a value of its own: one that is changed must not show in another. */
function checkApart(op: string, tensors: readonly Tensor[], mutated: readonly number[]): void {
  for (const i of mutated) {
    const [x, whole] = [tensors[i]!, tensors[i]!.alias?.whole]
    const other = tensors.findIndex((y, k) => k !== i && (y === x || (whole !== undefined && y.alias?.whole === whole)))
    if (other >= 0)
      throw fault(
        op,
        `expected an argument that is changed in place to be no other argument and no view of one, got tensors ${Math.min(i, other)} and ${Math.max(i, other)} that share their elements. Pass a clone, or do without the in-place operation`,
        'CAPTURED_MUTATION',
      )
  }
}

/** A graph gives an argument new elements, but no other shape. */
function checkMutation(x: Tensor, before: Aval, name: string): void {
  if (x.dtype !== before.dtype || !sameShape(x.shape, before.shape))
    throw fault(
      'makeFx',
      `expected in-place operations on arguments to keep their shape, got ${name} of shape ${show(before.shape)} made into one of ${show(x.shape)}. Return the result instead`,
      'CAPTURED_MUTATION',
    )
}

/**
 * The graph of `f` for arguments like those that follow: `makeFx(f)(...args)`. Every op is recorded, also those that
 * `grad`, `vmap` and the other transforms inside `f` make; tensors that `f` captures become constants; random draws are
 * drawn anew in each run; in-place operations become pure ones, and arguments that they change get their new elements at
 * the end of each run (not while tracing). The graph is made for these shapes, dtypes and arguments other than tensors.
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
      const mutated: number[] = []
      const graph = traceFlat(
        (xs) => {
          const before = xs.map((x) => x.value)
          const inputs = xs.values()
          const out = refusePromise(
            'makeFx',
            'graph',
            f(...(structures.map((s) => assemble(s, () => inputs.next().value)) as unknown as A)),
          )
          const ys: Tensor[] = []
          result = structureOf(out, ys)
          xs.forEach((x, i) => {
            if (x.value === before[i]) return
            checkMutation(x, before[i]!, `arg${paths[i]}`)
            mutated.push(i)
            ys.push(x)
          })
          return ys
        },
        tensors,
        { ...settings, names: paths.map((p) => `arg${p}`) },
      )
      checkApart('makeFx', tensors, mutated)
      return graphModule<A, R>(graph, { args: structures, result: result!, mutated }, f.name || 'forward')
    })
}
