import type { Tensor } from '@mapgrad/tensor'
import {
  type Dim,
  type Tangent,
  type Tensors,
  TensorRangeError,
  type TensorTypeError,
  callUser,
  describe,
  isTensor,
  treeBroadcastPrefix,
  treeFlatten,
  treeLeaves,
  isFloating,
  type End,
  checkEnd,
} from '@mapgrad/tensor/plugin'
import { Call, fault, inFlight, parts } from './call.ts'
import { noGrad } from './checkpoint.ts'
import { cotangentsFor, movesOf } from './fit.ts'
import { type CustomRule, custom } from './custom.ts'
import { checkFunction, kindOf, orZero } from './flat.ts'
import { Reads } from './reads.ts'
import { once } from './sealed.ts'

/** What a `vmap` rule is told of the map that it serves. */
export interface VmapContext {
  /** the number of examples */
  readonly batchSize: number
  /** what random draws shall do */
  readonly randomness: 'error' | 'different' | 'same'
}

const MORE = 'For more details, see docs/guide/custom-rules.md'

type Saved = readonly (Tensor | null)[]

/**
 * What `setupContext` keeps for `backward` and `jvp`; any further property may be set. `FunctionContext<[Tensor, Tensor | null]>` states what
 * is saved, so that `const [x, y] = ctx.savedTensors` has these types.
 */
export class FunctionContext<S extends Saved = Tensor[]> {
  /** for each argument, whether a derivative with respect to a tensor in it is asked for */
  readonly needsInputGrad: readonly boolean[];
  [key: string]: unknown
  #forBackward: readonly (Tensor | null)[] = []
  #forForward: readonly (Tensor | null)[] = []
  readonly #forward: boolean
  #materialize = true
  readonly #constant = new Set<unknown>()
  readonly #dirty: unknown[] = []
  readonly #reads = new Reads()
  /** the tensors of the arguments, for a backward marked with onceDifferentiable. @internal */
  inputs: Tensors = []

  constructor(needsInputGrad: readonly boolean[], forward: boolean) {
    this.needsInputGrad = needsInputGrad
    this.#forward = forward
  }
  /** Keeps tensors for `backward`. */
  saveForBackward(...tensors: (Tensor | null)[]): void {
    this.#forBackward = tensors
  }
  /** Keeps tensors for `jvp`. */
  saveForForward(...tensors: (Tensor | null)[]): void {
    this.#forForward = tensors
  }
  /** What was saved: in `backward` for backward, in `jvp` for forward. */
  get savedTensors(): S {
    return [...(this.#forward ? this.#forForward : this.#forBackward)] as Saved as S
  }
  /** Says that these outputs have no derivative. */
  markNonDifferentiable(...outputs: Tensor[]): void {
    for (const y of outputs) this.#constant.add(y)
  }
  /**
   * Says that `forward` writes into these arguments in place, and returns them. What it writes reaches the caller's tensors
   * in any case; a marked argument is returned as the caller's tensor also where nothing was written.
   */
  markDirty(...inputs: Tensor[]): void {
    this.#dirty.push(...inputs)
  }
  /** Whether derivatives that are structurally zero arrive as tensors of zeros (default) or as `null`. */
  setMaterializeGrads(value: boolean): void {
    this.#materialize = value
  }
  /** @internal */
  fill(d: Tangent, like: Tensor): Tangent {
    const t = this.#materialize ? orZero(d, like) : d
    return t && t.wrap(t.value)
  }
  /** Runs a step of the class's rule. @internal */
  during<R>(f: () => R): R {
    return this.#reads.seal(this.#reads.during(() => callUser([], f).out)) as R
  }
  /** @internal */
  get dirty(): readonly unknown[] {
    return this.#dirty
  }
  /** @internal */
  differentiable(ys: Tensors): boolean[] {
    return ys.map((y) => !this.#constant.has(y))
  }
}

/** What a subclass of `autograd.Function` may have, all static. */
export interface FunctionClass<A extends readonly unknown[], R> {
  readonly name: string
  /** the function itself */
  forward(...args: A): R
  /** keeps what the rules will need */
  setupContext?(ctx: FunctionContext<never>, inputs: A, output: R): void
  /** from one cotangent an output (`null` for what is no tensor): one an argument (a tree like it, or `null`), in an array if there are several */
  backward?(ctx: FunctionContext<never>, ...gradOutputs: never[]): unknown
  /** another name for `backward` */
  vjp?(ctx: FunctionContext<never>, ...gradOutputs: never[]): unknown
  /** from one tangent an argument (`null` for what is no floating-point tensor): one an output, in an array if there are several */
  jvp?(ctx: FunctionContext<never>, ...gradInputs: never[]): unknown
  /** the function over a batch: `[output, outDims]` */
  vmap?(info: VmapContext, inDims: never, ...args: never[]): unknown
  /** whether forward, backward and jvp may be mapped themselves */
  readonly generateVmapRule?: boolean
}

/**
 * A function with derivatives and a batching rule by hand, as static methods of a subclass, called by `X.apply(...args)`:
 * `forward(...args)`, `setupContext(ctx, inputs, output)`, `backward(ctx, ...gradOutputs)` (or `vjp`), `jvp(ctx, ...gradInputs)`,
 * and `vmap({ batchSize, randomness }, inDims, ...args)` or `generateVmapRule = true`. Arguments and outputs may be trees.
 */
export class AutogradFunction {
  /** @throws TensorTypeError always: there is nothing in an instance */
  constructor() {
    throw fault(
      new.target.name,
      `should not be instantiated. Methods on autograd functions are all static, so you should invoke them on the class itself: ${new.target.name}.apply(...)`,
      'INSTANCE',
    )
  }
  /**
   * Calls the function under whatever transforms are in flight.
   * @throws TensorTypeError if a transform asks for a rule that the class does not have, or a rule gives something else
   */
  static apply<A extends readonly unknown[], R>(this: FunctionClass<A, R>, ...args: A): R {
    if (this.backward && this.vjp)
      throw fault(
        this.name,
        `Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should only implement one of them.`,
        'BOTH_BACKWARD',
      )
    if (!inFlight()) return this.forward(...args)
    if (!this.setupContext)
      throw fault(
        this.name,
        `In order to use an autograd.Function with functorch transforms (vmap, grad, jvp, jacrev, ...), it must override the setupContext static method. ${MORE}`,
        'NO_SETUP_CONTEXT',
      )
    const call = new Call(this.name, args)
    return call.settled(custom(call.args.tensors, ruleOf(this, call, args))) as R
  }
}

function ruleOf<A extends readonly unknown[], R>(cls: FunctionClass<A, R>, call: Call, args: A): CustomRule {
  const { name } = cls
  const given = (xs: Tensors): A => call.given(xs) as unknown as A
  const counts = args.map((a) => parts(a).tensors.length)
  const perArgument = <T>(leaves: readonly T[]): T[][] => {
    let k = 0
    return counts.map((n) => leaves.slice(k, (k += n)))
  }
  /** runs the function for the transforms below, and lets the class keep what it needs */
  const start = (xs: Tensors, needs: readonly boolean[], forward: boolean): [ctx: FunctionContext<never>, ys: Tensors, output: R] => {
    const ys = custom(xs, rule)
    const output = call.result(ys) as R
    const ctx = new FunctionContext<never>(
      perArgument(needs).map((n) => n.includes(true)),
      forward,
    )
    const after = call.after(xs, ys)
    if (marked.has(cls.backward ?? cls.vjp ?? cls)) ctx.inputs = after
    ctx.during(() => cls.setupContext!(ctx, given(after), output))
    for (const x of ctx.dirty) call.mark(x, after)
    return [ctx, ys, output]
  }
  const rule: CustomRule = {
    f: (...xs) => call.run(xs, (...given: never[]) => cls.forward(...(given as unknown as A))),
    tape: (xs, needs) => {
      const [ctx, ys, output] = start(xs, needs, false)
      const pull = (cts: readonly Tangent[]): readonly Tangent[] => {
        const backward = cls.backward ?? cls.vjp
        if (!backward)
          throw fault(
            name,
            'You must implement either the backward or vjp method for your custom autograd.Function to use it with backward mode AD.',
            'NO_BACKWARD',
          )
        const filled = ys.map((y, i) => ctx.fill(cts[i] ?? null, y))
        const result = ctx.during(() => backward.call(cls, ctx, ...(arguments_(output, filled) as never[])))
        if (result === undefined) throw nothing(name, 'backward to return one gradient an argument (a tree like it, or null)')
        const grads: unknown[] = Array.isArray(result) ? (result as unknown[]) : [result]
        const count = grads.findLastIndex((g, i) => i < args.length || (g !== null && g !== undefined)) + 1
        if (count !== args.length)
          throw fault(
            name,
            `function ${name}Backward returned an incorrect number of gradients (expected ${args.length}, got ${grads.length})`,
            'BACKWARD_COUNT',
          )
        return cotangentsFor(name, args, grads)
      }
      return [ys, pull, ctx.differentiable(ys)]
    },
    push: (xs, dxs) => {
      const [ctx, ys, output] = start(
        xs,
        dxs.map((d) => d !== null),
        true,
      )
      if (!cls.jvp)
        throw fault(name, 'You must implement the jvp function for custom autograd.Function to use it with forward mode AD.', 'NO_JVP')
      // as in PyTorch, what is no floating-point tensor has no tangent
      const filled = perArgument(xs.map((x, i) => (isFloating(x) ? ctx.fill(dxs[i] ?? null, x) : null)))
      const tangents = args.map((a, i) => derivativesOf(a, filled[i]!))
      const out = ctx.during(() => cls.jvp!(ctx, ...(tangents as never[])))
      if (out === undefined) throw nothing(name, 'jvp to return the tangent of the output (a tree like it, or null)')
      const moves = ctx.differentiable(ys)
      return [ys, movesOf(name, output, out).map((d, i) => (moves[i] ? d : null))]
    },
    map: mapOf(cls, call, args),
  }
  return rule
}

const nothing = (name: string, what: string): TensorTypeError =>
  fault(name, `expected ${what}, got undefined. Is a return missing?`, 'NO_RESULT')

/** The cotangents of an output as the arguments of `backward`: one an entry of an array, or the one. */
function arguments_(output: unknown, cts: readonly Tangent[]): unknown[] {
  const entries: unknown[] = Array.isArray(output) ? output : [output]
  let k = 0
  return entries.map((y) => derivativesOf(y, cts.slice(k, (k += parts(y).tensors.length))))
}

/** A tree of derivatives like `x`, with `null` for what is no tensor; `null` where nothing is. */
function derivativesOf(x: unknown, ds: readonly Tangent[]): unknown {
  if (ds.length === 0) return null
  const [leaves, spec] = treeFlatten(x)
  let k = 0
  return spec.unflatten(leaves.map((leaf) => (isTensor(leaf) ? ds[k++]! : null)))
}

function mapOf<A extends readonly unknown[], R>(cls: FunctionClass<A, R>, call: Call, args: A): CustomRule['map'] {
  const { name } = cls
  if (cls.generateVmapRule && !cls.vmap) return null
  return (xs, dims, { size, randomness }) => {
    if (cls.generateVmapRule)
      throw fault(
        name,
        `You tried to vmap over ${name}, but it has both generateVmapRule=true and an overridden vmap static method. Please set generateVmapRule=false or delete the overridden vmap static method to avoid ambiguity. ${MORE}`,
        'BOTH_VMAP',
      )
    if (!cls.vmap)
      throw fault(
        name,
        `You tried to vmap over ${name}, but it does not have vmap support. Please override and implement the vmap static method or set generateVmapRule=true. ${MORE}`,
        'NO_VMAP',
      )
    const [leaves, spec] = treeFlatten(args)
    let k = 0
    const inDims = spec.unflatten(leaves.map((x) => (isTensor(x) ? dims[k++]! : null)))
    let [out, outDims]: [unknown, unknown] = [null, null]
    const ys = call.run(xs, (...given) => {
      const result: unknown = cls.vmap!({ batchSize: size, randomness }, inDims as never, ...given)
      if (!Array.isArray(result) || result.length !== 2)
        throw fault(
          name,
          `Expected the vmap static method to have two returns, an output and outDims with structure compatible with the output. Got ${Array.isArray(result) ? `${result.length} returns` : `a ${kindOf(result)}`} instead`,
          'VMAP_OUTPUT',
        )
      ;[out, outDims] = result as [unknown, unknown]
      return out
    })
    const at = treeBroadcastPrefix(outDims, out, (d): d is Dim => d === null || d === undefined || typeof d === 'number')
    if (!at)
      throw fault(
        name,
        `The autograd.Function's vmap static method returned an incompatible (output, outDims) tuple. Expected outDims=${describe(outDims)} to be compatible with the structure of \`output\`. outDims has structure ${treeFlatten(outDims)[1]} but output has structure ${treeFlatten(out)[1]}. ${MORE}`,
        'OUT_DIMS',
      )
    const places = treeLeaves(out).flatMap((y, i) => (isTensor(y) ? [place(name, y, at[i] ?? null)] : []))
    return [ys, places]
  }
}

function place(name: string, y: Tensor, d: Dim): Dim {
  if (d === null) return null
  if (!Number.isInteger(d) || d < -y.ndim || d >= y.ndim)
    throw new TensorRangeError(`Dimension out of range (expected to be in range of [${-y.ndim}, ${y.ndim - 1}], but got ${d}) in outDims`, {
      package: 'autodiff',
      op: name,
      code: 'OUT_DIMS',
    })
  return d < 0 ? d + y.ndim : d
}

/** what onceDifferentiable made */
const marked: WeakSet<object> = /* @__PURE__ */ new WeakSet()

/**
 * A `backward` that cannot be differentiated itself. What it computes is right for first derivatives; asking for a
 * derivative of it, as the gradient of a gradient does, raises.
 */
export function onceDifferentiable<G extends readonly unknown[], R, S extends Saved = Tensor[]>(
  backward: (ctx: FunctionContext<S>, ...gradOutputs: G) => R,
  ...end: End
): (ctx: FunctionContext<S>, ...gradOutputs: G) => R {
  checkEnd('onceDifferentiable', end, [], 'autodiff')
  checkFunction('onceDifferentiable', backward)
  const marking = (ctx: FunctionContext<S>, ...gradOutputs: G): R => {
    const depends = [...treeLeaves(gradOutputs), ...ctx.inputs].filter((x) => isTensor(x))
    const grads = parts(noGrad(backward)(ctx, ...gradOutputs))
    return grads.rebuild(grads.tensors.map((g) => once(g, ...depends))) as R
  }
  marked.add(marking)
  return marking
}
