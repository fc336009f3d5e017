import { customVjp } from '@mapgrad/autodiff'
import type { Graph, GraphModule } from '@mapgrad/graph'
import type { TreeStructure } from '@mapgrad/graph'
import { assemble, graphModule, sameStructure, structureOf } from '@mapgrad/graph/plugin'
import type { Tensor } from '@mapgrad/tensor'
import { TensorTypeError, checkOptions, describe, isOptions, refusePromise, sameShape } from '@mapgrad/tensor/plugin'
import { type TracedJoint, traceJoint } from './joint.ts'
import { type Partitioner, defaultPartition } from './partition.ts'

/** Makes a function of a graph, which takes and gives tensors in the order of its placeholders and outputs; the tensors are those of the first call. */
export type GraphCompiler = (
  graph: GraphModule<readonly Tensor[], Tensor[]>,
  inputs: readonly Tensor[],
) => (...inputs: readonly Tensor[]) => readonly Tensor[]

/** Options of `aotFunction`. */
export interface AotOptions {
  /** makes the forward function of its graph */
  readonly forwardCompiler: GraphCompiler
  /** makes the backward function of its graph, when it is first needed; default: the forward compiler */
  readonly backwardCompiler?: GraphCompiler
  /** decides what is saved for the backward pass and what is computed again; default `defaultPartition` */
  readonly partitioner?: Partitioner
}

const fault = (message: string, code: string): TensorTypeError => new TensorTypeError(message, { package: 'func', op: 'aotFunction', code })

/** The most signatures that one function is compiled for at a time. */
const LIMIT = 32

/** What was compiled for arguments of one structure, with tensors of the same shapes, dtypes and devices. */
interface Compiled {
  readonly args: readonly TreeStructure[]
  readonly like: readonly { readonly shape: readonly number[]; readonly dtype: string; readonly device: string }[]
  readonly result: TreeStructure
  readonly call: (tensors: readonly Tensor[]) => readonly Tensor[]
  /** whether it may be kept: not if it captured values of transforms that end */
  readonly lasting: boolean
}

const fits = ({ args, like }: Compiled, given: readonly TreeStructure[], tensors: readonly Tensor[]): boolean =>
  args.length === given.length &&
  args.every((s, i) => sameStructure(s, given[i]!)) &&
  like.every(
    ({ shape, dtype, device }, i) => dtype === tensors[i]!.dtype && device === tensors[i]!.device && sameShape(shape, tensors[i]!.shape),
  )

const TENSOR: TreeStructure = { kind: 'tensor' }
const moduleOf = (graph: Graph, name: string): GraphModule<readonly Tensor[], Tensor[]> =>
  graphModule(
    graph,
    { args: graph.placeholders.map(() => TENSOR), result: { kind: 'array', children: graph.outputs.map(() => TENSOR) } },
    name,
  )

/** Forward and backward functions of a joint graph, as a function with that derivative. */
function differentiable(
  joint: TracedJoint,
  { forwardCompiler, backwardCompiler = forwardCompiler, partitioner = defaultPartition }: AotOptions,
  inputs: readonly Tensor[],
): Compiled['call'] {
  const { forward, backward } = partitioner(joint)
  const run = forwardCompiler(moduleOf(forward, 'forward'), inputs)
  let back: ReturnType<GraphCompiler> | undefined
  const split = (ys: readonly Tensor[]): readonly [Tensor[], Tensor[]] => [ys.slice(0, joint.outputs), ys.slice(joint.outputs)]
  const f = customVjp((...xs: Tensor[]): Tensor[] => split(run(...xs))[0], {
    forward: (...xs) => split(run(...xs)),
    backward: (saved, cts) => {
      const given = [...saved, ...joint.tangents.map((i) => cts[i]!)]
      back ??= backwardCompiler(moduleOf(backward, 'backward'), given)
      const grads = back(...given)
      return joint.gradients.map((k) => (k === null ? null : grads[k]!))
    },
  })
  return (xs) => f(...xs)
}

/**
 * `f` with its forward and backward passes as graphs, made at the first call for each set of shapes: `forwardCompiler` and
 * `backwardCompiler` make functions of them, `partitioner` decides where one ends and the other begins. The result is
 * called and transformed like `f`. Tensors that `f` captures are constants of the graphs, as they were at that first call.
 * @throws TensorTypeError where `f` reads the numbers of a tensor, or gives something else than tensors
 */
export function aotFunction<A extends readonly unknown[], R>(f: (...args: A) => R, options: AotOptions): (...args: A) => R {
  if (typeof f !== 'function') throw fault(`expected a function, got ${describe(f)}`, 'NOT_A_FUNCTION')
  if (!isOptions(options))
    throw fault(
      `expected options with a forwardCompiler, got ${describe(options)}. A compiler that gives the graph back is (graph) => graph`,
      'OPTIONS',
    )
  checkOptions('aotFunction', options, ['forwardCompiler', 'backwardCompiler', 'partitioner'], 'func')
  for (const key of ['forwardCompiler', 'backwardCompiler', 'partitioner'] as const)
    if (typeof options[key] !== 'function' && (options[key] !== undefined || key === 'forwardCompiler'))
      throw fault(`expected ${key} to be a function, got ${describe(options[key])}`, 'OPTIONS')
  const cache: Compiled[] = []
  const compile = (args: readonly TreeStructure[], tensors: readonly Tensor[]): Compiled => {
    let result: TreeStructure | undefined
    const joint = traceJoint((xs) => {
      const inputs = xs.values()
      const ys: Tensor[] = []
      result = structureOf(
        refusePromise('aotFunction', 'func', f(...(args.map((s) => assemble(s, () => inputs.next().value)) as unknown as A))),
        ys,
      )
      return ys
    }, tensors)
    const like = tensors.map(({ shape, dtype, device }) => ({ shape, dtype, device }))
    const lasting = joint.graph.nodes.every((n) => n.value === null || n.value.value.trace === null)
    return { args, like, result: result!, call: differentiable(joint, options as unknown as AotOptions, tensors), lasting }
  }
  const compiled = (...args: A): R => {
    const tensors: Tensor[] = []
    const given = args.map((a) => structureOf(a, tensors))
    const at = cache.findIndex((c) => fits(c, given, tensors))
    // the latest used goes last
    const found = at < 0 ? compile(given, tensors) : cache.splice(at, 1)[0]!
    if (found.lasting) cache.push(found)
    if (cache.length > LIMIT) cache.shift()
    const ys = found.call(tensors).values()
    return assemble(found.result, () => ys.next().value) as R
  }
  return Object.defineProperty(compiled, 'name', { value: f.name, configurable: true })
}
