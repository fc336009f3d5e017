import type { Tensor } from '@mapgrad/tensor'
import {
  type Alias,
  TensorTypeError,
  assign,
  autogradOf,
  describe,
  readArgs,
  refusePromise,
  sameShape,
  show,
  shareElements,
  viewLike,
} from '@mapgrad/tensor/plugin'
import { flatSignature } from '../code.ts'
import { Graph } from '../graph.ts'
import { type GraphModule, graphModule } from '../module.ts'
import { type Structure as TreeStructure, assemble, sameStructure, structureOf } from '../structure.ts'
import { type TracedJoint, traceJoint } from './joint.ts'
import { type Partition, type Partitioner, defaultPartition } from './partition.ts'

/** Makes a function of a graph, which takes and gives tensors in the order of its placeholders and outputs; the tensors are those of the first call. */
export type GraphCompiler = (
  graph: GraphModule<readonly Tensor[], Tensor[]>,
  inputs: readonly Tensor[],
) => (...inputs: readonly Tensor[]) => readonly Tensor[]

/** Options of `aotFunction`. */
export interface AotOptions {
  /** makes the forward function of its graph */
  readonly fwCompiler: GraphCompiler
  /** makes the backward function of its graph, when it is first needed; default: the forward compiler */
  readonly bwCompiler?: GraphCompiler | null | undefined
  /** decides what is saved for the backward pass and what is computed again; default `defaultPartition` */
  readonly partitionFn?: Partitioner | undefined
}

const fault = (message: string, code: string): TensorTypeError =>
  new TensorTypeError(message, { package: 'graph', op: 'aotFunction', code })

const OPTIONS = ['fwCompiler', 'bwCompiler', 'partitionFn'] as const

/** The most signatures that one function is compiled for at a time. */
const LIMIT = 32

/** What was compiled for arguments of one structure, with tensors of the same shapes, dtypes and devices. */
interface Compiled {
  readonly args: readonly TreeStructure[]
  /** for each tensor of the arguments the first place where it is: a tensor that comes twice is one input */
  readonly places: readonly number[]
  readonly like: readonly { readonly shape: readonly number[]; readonly dtype: string; readonly device: string }[]
  readonly result: TreeStructure
  /** what each tensor of the result is */
  readonly results: readonly Result[]
  /** inputs → outputs, then new values of the inputs that are changed */
  readonly call: (inputs: readonly Tensor[]) => readonly Tensor[]
  readonly mutated: readonly number[]
  /** whether it may be kept: not if it captured values of transforms that end */
  readonly lasting: boolean
}

/** An output of the graphs, or an input itself (`alias: null`), or a view of one. */
type Result = { readonly output: number } | { readonly input: number; readonly alias: Alias | null }

function placesOf(tensors: readonly Tensor[]): number[] {
  const first = new Map<Tensor, number>()
  return tensors.map((x, i) => first.get(x) ?? (first.set(x, i), i))
}
const unique = (tensors: readonly Tensor[]): Tensor[] => [...new Set(tensors)]

const fits = (
  { args, like, places }: Compiled,
  given: readonly TreeStructure[],
  tensors: readonly Tensor[],
  at: readonly number[],
): boolean =>
  args.length === given.length &&
  places.length === at.length &&
  at.every((place, i) => place === places[i]) &&
  args.every((s, i) => sameStructure(s, given[i]!)) &&
  like.every(
    ({ shape, dtype, device }, i) => dtype === tensors[i]!.dtype && device === tensors[i]!.device && sameShape(shape, tensors[i]!.shape),
  )

const moduleOf = (graph: Graph, name: string): GraphModule<readonly Tensor[], Tensor[]> => graphModule(graph, flatSignature(graph), name)

function compiled<F>(name: string, f: F): F {
  if (typeof f !== 'function')
    throw fault(`expected ${name} to return a function of the graph's inputs, got ${describe(f)}`, 'NOT_A_FUNCTION')
  return f
}

/** Forward and backward functions of a joint graph, as a function with that derivative. */
function differentiable(
  joint: TracedJoint,
  { fwCompiler, bwCompiler, partitionFn = defaultPartition }: AotOptions,
  inputs: readonly Tensor[],
): Compiled['call'] {
  const { forward, backward } = (partitionFn(joint) as Partition | undefined) ?? {}
  for (const graph of [forward, backward])
    if (!(graph instanceof Graph))
      throw fault(`expected partitionFn to return { forward, backward }, two graphs, got ${describe(graph)} in it`, 'PARTITION')
  const run = compiled('fwCompiler', fwCompiler(moduleOf(forward!, 'forward'), inputs))
  let back: ReturnType<GraphCompiler> | undefined
  const split = (ys: readonly Tensor[]): readonly [Tensor[], Tensor[]] => [ys.slice(0, joint.outputs), ys.slice(joint.outputs)]
  const f = autogradOf('aotFunction').customVjp((...xs: Tensor[]): Tensor[] => split(run(...xs))[0], {
    forward: (...xs) => split(run(...xs)),
    backward: (saved, cts) => {
      const given = [...saved, ...joint.tangents.map((i) => cts[i]!)]
      back ??= compiled(bwCompiler ? 'bwCompiler' : 'fwCompiler', (bwCompiler ?? fwCompiler)(moduleOf(backward!, 'backward'), given))
      const grads = back(...given)
      return joint.gradients.map((k) => (k === null ? null : grads[k]!))
    },
  })
  return (xs) => (joint.outputs === 0 ? [] : f(...xs))
}

/** An input that is changed must share its elements with no other: in a graph each is a value of its own. */
function checkMutated(mutated: readonly number[], inputs: readonly Tensor[]): void {
  for (const i of mutated) {
    const other = inputs.findIndex((y, k) => k !== i && shareElements(y, inputs[i]!))
    if (other >= 0)
      throw fault(
        `expected an argument that is changed in place to be no view of another argument, got tensors ${Math.min(i, other)} and ${Math.max(i, other)} that share their elements. Pass a clone of one, or do without the in-place operation`,
        'CAPTURED_MUTATION',
      )
  }
}

/**
 * `f` with its forward and backward passes as graphs, made at the first call for each set of shapes: `fwCompiler` and
 * `bwCompiler` make functions of them, `partitionFn` decides where one ends and the other begins. The result is
 * called and transformed like `f`. Tensors that `f` captures are constants of the graphs, as they were at that first call.
 * Arguments that `f` changes in place are changed, after the forward pass; results that are arguments, or views of them, are so here.
 * Derivatives are those of `@mapgrad/autodiff`: import `@mapgrad/func`, or call `enableAutograd()`.
 * @throws TensorTypeError where `f` reads the numbers of a tensor, or gives something else than tensors
 */
export function aotFunction<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  ...args:
    | [fwCompiler: GraphCompiler, bwCompiler?: GraphCompiler | null, partitionFn?: Partitioner]
    | [fwCompiler: GraphCompiler, options: Omit<AotOptions, 'fwCompiler'>]
    | [options: AotOptions]
): (...args: A) => R {
  if (typeof f !== 'function') throw fault(`expected a function, got ${describe(f)}`, 'NOT_A_FUNCTION')
  const options = readArgs<AotOptions>('aotFunction', args, OPTIONS, [], 'graph')
  for (const key of OPTIONS) {
    const given: unknown = options[key] ?? undefined
    if (typeof given !== 'function' && (given !== undefined || key === 'fwCompiler'))
      throw fault(
        `expected a function as ${key}, got ${describe(options[key])}. A compiler that gives the graph back is (graph) => graph`,
        'OPTIONS',
      )
  }
  const cache: Compiled[] = []
  const compile = (args: readonly TreeStructure[], tensors: readonly Tensor[], places: readonly number[]): Compiled => {
    let result: TreeStructure | undefined
    const results: Result[] = []
    const given = unique(tensors)
    const joint = traceJoint((xs) => {
      const before = xs.map((x) => x.shape)
      const inputs = tensors.map((x) => xs[given.indexOf(x)]!).values()
      const all: Tensor[] = []
      result = structureOf(
        refusePromise('aotFunction', 'graph', f(...(args.map((s) => assemble(s, () => inputs.next().value)) as unknown as A))),
        all,
      )
      const whole = xs.findIndex((x, i) => !sameShape(x.shape, before[i]!))
      if (whole >= 0)
        throw fault(
          `expected in-place operations on arguments to keep their shape, got one of shape ${show(before[whole]!)} made into ${show(xs[whole]!.shape)}. Return the result instead`,
          'CAPTURED_MUTATION',
        )
      const outputs: Tensor[] = []
      for (const y of all) {
        const input = xs.findIndex((x) => x === y || (y.alias && x.alias?.whole === y.alias.whole))
        if (input >= 0) results.push({ input, alias: xs[input] === y ? null : y.alias })
        else results.push({ output: outputs.includes(y) ? outputs.indexOf(y) : outputs.push(y) - 1 })
      }
      return outputs
    }, given)
    const like = tensors.map(({ shape, dtype, device }) => ({ shape, dtype, device }))
    const lasting = joint.graph.nodes.every((n) => n.value === null || n.value.value.trace === null)
    const call = differentiable(joint, options as unknown as AotOptions, given)
    return { args, places, like, result: result!, results, call, mutated: joint.mutated, lasting }
  }
  const compiled = (...args: A): R => {
    const tensors: Tensor[] = []
    const given = args.map((a) => structureOf(a, tensors))
    const places = placesOf(tensors)
    const at = cache.findIndex((c) => fits(c, given, tensors, places))
    // the latest used goes last
    const found = at < 0 ? compile(given, tensors, places) : cache.splice(at, 1)[0]!
    if (found.lasting) cache.push(found)
    if (cache.length > LIMIT) cache.shift()
    const inputs = unique(tensors)
    checkMutated(found.mutated, inputs)
    const ys = found.call(inputs)
    const news = ys.slice(ys.length - found.mutated.length)
    found.mutated.forEach((i, k) => assign(inputs[i]!, 'copy_', news[k]!))
    const results = found.results
      .map((r) => ('output' in r ? ys[r.output]! : r.alias ? viewLike(inputs[r.input]!, r.alias) : inputs[r.input]!))
      .values()
    return assemble(found.result, () => results.next().value) as R
  }
  return Object.defineProperty(compiled, 'name', { value: f.name, configurable: true })
}
