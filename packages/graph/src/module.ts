import type { Tensor } from '@mapgrad/tensor'
import { type End, assign, describe, shareElements } from '@mapgrad/tensor/plugin'
import { checkGraph } from './checks.ts'
import { type Signature, codeOf } from './code.ts'
import { fault } from './faults.ts'
import type { Graph } from './graph.ts'
import { type GraphJSON, toJSON } from './json.ts'
import { type PrintOptions, print } from './print.ts'
import { type Structure, assemble, fitsStructure, structureOf, structureText } from './structure.ts'
import { atSizes, valuesOf } from './symbolic/bind.ts'

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
  /** Prints the nodes as a table, and which arguments get a new value at the end; gives its text; `{ output: false }` only gives it. */
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
    const numbers: number[] = []
    const given = args.map((a) => structureOf(a, tensors))
    if (given.length !== wanted.length || !given.every((s, i) => fitsStructure(s, wanted[i]!, numbers)))
      throw fault(
        name,
        `expected arguments as they were traced, ${argsText(wanted)}, got ${argsText(given)}. What is no tensor is part of the graph: trace the function again for other values`,
        'SIGNATURE',
      )
    checkApart(name, tensors, mutated)
    const all = graph.run(tensors, numbers)
    const results = all.length - mutated.length
    mutated.forEach((i, k) => assign(tensors[i]!, 'copy_', all[results + k]!))
    const outputs = all.values()
    const sizes = valuesOf(graph, tensors, numbers)
    return assemble(sizes ? atSizes(result, sizes) : result, () => outputs.next().value) as R
  }
  return Object.defineProperties(module, {
    name: { value: name, configurable: true },
    graph: { value: graph },
    signature: { value: signature },
    code: { get: () => codeOf(graph, signature) },
    print: { value: (options?: PrintOptions) => print(graph, options, mutated) },
    toDot: { value: (...end: End) => graph.toDot(...end) },
    toJSON: { value: () => toJSON(graph, signature) },
    transform: {
      value: (...passes: readonly Pass[]) =>
        graphModule(
          passes.reduce<Graph>((g, pass) => {
            if (typeof pass !== 'function')
              throw fault('transform', `expected passes, functions from a Graph to a Graph, got ${describe(pass)}`, 'PASS')
            return checkGraph('transform', pass(g))
          }, graph),
          signature,
          name,
        ),
    },
  }) as unknown as GraphModule<A, R>
}

/** In a graph each argument is a value of its own: one that is changed must not show in another. */
export function checkApart(op: string, tensors: readonly Tensor[], mutated: readonly number[]): void {
  for (const i of mutated) {
    const other = tensors.findIndex((y, k) => k !== i && shareElements(y, tensors[i]!))
    if (other >= 0)
      throw fault(
        op,
        `expected an argument that is changed in place to be no other argument and no view of one, got tensors ${Math.min(i, other)} and ${Math.max(i, other)} that share their elements. Pass a clone, or do without the in-place operation`,
        'CAPTURED_MUTATION',
      )
  }
}
