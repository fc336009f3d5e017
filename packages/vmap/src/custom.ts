import type { Tensor } from '@mapgrad/tensor'
import {
  type BatchContext,
  type Dim,
  type Fn,
  type Op,
  type Tensors,
  TensorRangeError,
  TensorTypeError,
  batchFirst,
  callUser,
  decompose,
  defineOp,
  describe,
  isTensor,
  refusePromise,
  registry,
  resultOfFunctions,
  treeBroadcastPrefix,
  treeFlatten,
  type End,
  checkEnd,
} from '@mapgrad/tensor/plugin'
import type { Randomness } from './batch.ts'
import type { InDimsTree, OutDims } from './vmap.ts'

/** What the rule of a `customVmap` is told of the `vmap` that it serves. */
export interface VmapInfo {
  /** the number of examples */
  readonly batchSize: number
  /** what random draws shall do */
  readonly randomness: Randomness
}

/** The batched function: which axis of each argument holds the examples (a tree like the arguments, `null` for what they share), the arguments → the output, and where its examples lie. */
export type VmapRule<A extends readonly unknown[], R> = (
  info: VmapInfo,
  inDims: { readonly [K in keyof A]: InDimsTree },
  ...args: A
) => readonly [output: R, outDims: OutDims]

type Mapping = (xs: Tensors, dims: readonly Dim[], info: VmapInfo) => readonly [ys: Tensors, dims: readonly Dim[]]

interface CustomParams {
  readonly f: Fn
  readonly rule: Mapping
}

const fault = (message: string, code: string): TensorTypeError => new TensorTypeError(message, { package: 'vmap', op: 'customVmap', code })

/** Calls a function that has a batching rule of its own. */
const custom: Op<Tensors, CustomParams, [xs: Tensors, params: CustomParams], Tensors> = defineOp({
  name: 'customVmap',
  captures: true,
  args: (xs: Tensors, params: CustomParams) => [xs, params] as const,
  result: resultOfFunctions,
  compute: decompose((xs, { f }) => f(...xs)),
  batch: (xs, dims, { f, rule }, { size, randomness, under }) => {
    if (dims.some((d) => d !== null)) return rule(xs, dims, { batchSize: size, randomness })
    let at: readonly Dim[] = []
    const ys = custom(xs, {
      f: (...below) => {
        const [out, d] = under(f, dims)(...below)
        at = d
        return out
      },
      rule: (below, belowDims, info) => {
        const [out, outDims, here] = ruleUnder(rule, dims, below, belowDims, info, under)
        at = here
        return [out, outDims]
      },
    })
    return [ys, at]
  },
  diff: { kind: 'through', again: false, around: ({ f, rule }, wrap) => ({ f: wrap(f), rule }) },
})

/** The rule for a transform below, where nothing is mapped here but what the rule closes over; the examples of here go in front. */
function ruleUnder(
  rule: Mapping,
  dims: readonly Dim[],
  xs: Tensors,
  belowDims: readonly Dim[],
  info: VmapInfo,
  under: BatchContext['under'],
): [ys: Tensors, below: Dim[], here: Dim[]] {
  let below: readonly Dim[] = []
  const [ys, here] = under((...all) => {
    const [out, d] = rule(all, belowDims, info)
    below = d
    return out
  }, dims)(...xs)
  return [
    ys.map((y, i) => (here[i] === null ? y : batchFirst(y, here[i]!))),
    below.map((d, i) => (d === null || here[i] === null ? d : d + 1)),
    here.map((d) => (d === null ? null : 0)),
  ]
}

const isDim = (x: unknown): x is Dim | undefined => x === null || x === undefined || typeof x === 'number'

/**
 * `f` with a batching rule given by hand, which `vmap` calls in its place where an argument is mapped:
 * `rule({ batchSize, randomness }, inDims, ...args)` gives `[output, outDims]`. Where nothing is mapped, `f` runs.
 * Derivatives are those of `f`, or of the rule where the derivative is taken of the mapped function.
 * @throws TensorTypeError if the rule gives something else
 */
export function customVmap<A extends readonly unknown[], R>(f: (...args: A) => R, rule: VmapRule<A, R>, ...end: End): (...args: A) => R {
  checkEnd('customVmap', end, [], 'vmap')
  for (const g of [f, rule]) if (typeof g !== 'function') throw fault(`expected a function, got ${describe(g)}`, 'NOT_A_FUNCTION')
  const call = (...args: A): R => {
    if (registry().top === null) return f(...args)
    const [leaves, spec] = treeFlatten(args)
    const at = leaves.flatMap((x, i) => (isTensor(x) ? [i] : []))
    const rebuild = (xs: readonly unknown[], others: readonly unknown[]): unknown => {
      const out = [...others]
      at.forEach((i, k) => {
        out[i] = xs[k]
      })
      return spec.unflatten(out)
    }
    let result: { readonly leaves: unknown[]; readonly at: readonly number[]; readonly spec: typeof spec } | undefined
    const took = (out: unknown): Tensor[] => {
      refusePromise('customVmap', 'vmap', out)
      const [l, s] = treeFlatten(out)
      const where = l.flatMap((x, i) => (isTensor(x) ? [i] : []))
      result = { leaves: l, at: where, spec: s }
      return where.map((i) => l[i] as Tensor)
    }
    const run = <T>(xs: Tensors, g: (args: A) => T): T => {
      const { out, written } = callUser(xs, (own) => g(rebuild(own, leaves) as A))
      if (written.includes(true))
        throw fault('expected a function that leaves its arguments as they are, got one that writes into them. Work on x.clone()', 'DIRTY')
      return out
    }
    const ys = custom(
      at.map((i) => leaves[i] as Tensor),
      {
        f: (...xs) => run(xs, (given) => took(f(...given))),
        rule: (xs, dims, info) => {
          const inDims = rebuild(
            dims,
            leaves.map(() => null),
          ) as { readonly [K in keyof A]: InDimsTree }
          const given: unknown = run(xs, (own) => rule(info, inDims, ...own))
          const [out, outDims] = readMapped(given, fault)
          const places = outDimsOf(out, outDims, fault)
          const tensors = took(out)
          return [tensors, result!.at.map((i) => places[i]!)]
        },
      },
    )
    const { leaves: out, at: where, spec: outSpec } = result!
    where.forEach((i, k) => {
      out[i] = ys[k]
    })
    return outSpec.unflatten(out) as R
  }
  return Object.defineProperty(call, 'name', { value: f.name, configurable: true })
}

type Fault = (message: string, code: string) => TensorTypeError

/** The two things that a rule gives. */
function readMapped(given: unknown, fault: Fault): [output: unknown, outDims: unknown] {
  if (!Array.isArray(given) || given.length !== 2)
    throw fault(
      `Expected the rule to have two returns, an output and outDims with structure compatible with the output. Got ${Array.isArray(given) ? `${given.length} returns` : describe(given)} instead`,
      'RULE_OUTPUT',
    )
  return given as [unknown, unknown]
}

/** The axis of each leaf of a rule's output, counted from the front. */
function outDimsOf(out: unknown, outDims: unknown, fault: Fault): Dim[] {
  const flat = treeBroadcastPrefix(outDims, out, isDim)
  const [leaves, spec] = treeFlatten(out)
  if (!flat)
    throw fault(
      `the rule returned an incompatible [output, outDims]. Expected outDims to be compatible with the structure of \`output\`. outDims has structure ${treeFlatten(outDims)[1]} but output has structure ${spec}.`,
      'OUT_DIMS',
    )
  return flat.map((d, i) => {
    const y = leaves[i]
    if (d === null || d === undefined || !isTensor(y)) return null
    if (!Number.isInteger(d) || d < -y.ndim || d >= y.ndim)
      throw new TensorRangeError(
        `Dimension out of range (expected to be in range of [${-y.ndim}, ${y.ndim - 1}], but got ${d}) in the rule's outDims`,
        { package: 'vmap', op: 'customVmap', code: 'OUT_DIMS' },
      )
    return d < 0 ? d + y.ndim : d
  })
}
