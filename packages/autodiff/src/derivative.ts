import {
  type AnyOp,
  type ArrayValue,
  type Backend,
  type Diff,
  type Fn,
  type Outputs,
  type Shape,
  type Tensors,
  TensorTypeError,
  Trace,
  Tracer,
  type Value,
  bind,
  checkLeaving,
  diffOf,
  resume,
} from '@mapgrad/tensor/plugin'
import type { DType, Tensor } from '@mapgrad/tensor'
import { noticeRead } from './reads.ts'

/** Told of each value of a transform that an op meets while that transform stands aside. */
export type Met<T extends Tracer> = (x: T) => void

/** A value that a derivative follows: what it is one level down, and what the interpreter adds. */
export abstract class Tracked extends Tracer {
  readonly primal: Tensor
  constructor(trace: Trace, primal: Tensor) {
    super(trace)
    this.primal = primal
  }
  get shape(): Shape {
    return this.primal.shape
  }
  get dtype(): DType {
    return this.primal.dtype
  }
  get backend(): Backend {
    return this.primal.value.backend
  }
  override get parts(): Tensors {
    return [this.primal]
  }
  concrete(what: string): ArrayValue {
    noticeRead(this, this.primal, what)
    return this.primal.value.concrete(what)
  }
  arrays(): readonly ArrayValue[] {
    return this.primal.value.arrays()
  }
  describe(inner: (v: Value) => string): string {
    return `GradTrackingTensor(lvl=${this.trace.level}, value=${inner(this.primal.value)})`
  }
}

/** What the interpreters of derivatives share. */
export abstract class DerivativeTrace<T extends Tracer = Tracer> extends Trace {
  override readonly package = 'autodiff'
  /** While set, what runs is a constant of this transform: ops see the bare values, and nothing is recorded. */
  override aside: Met<T> | null = null
  /** Whether `noGrad` sets it aside. */
  readonly stoppable: boolean = true

  override captured(op: string): void {
    throw new TensorTypeError(
      `During a grad (vjp, jvp, grad, etc) transform, the function provided attempted to call in-place operation (${op}) that would mutate a captured Tensor. This is not supported; please rewrite the function being transformed to explicitly accept the mutated Tensor(s) as inputs.`,
      { package: 'autodiff', op, code: 'CAPTURED_MUTATION' },
    )
  }

  /** The tracer that `x` stands for, if it is one of this transform. */
  abstract own(x: Tensor): T | undefined
  /** The value below. */
  abstract primal(x: Tensor): Tensor

  /** The value below, in a handle that nothing recorded: for what leaves the transform. */
  leaving(x: Tensor): Tensor {
    checkLeaving(x.value, this)
    return x.wrap(this.primal(x).value)
  }

  /** Runs `f` with this transform standing aside (`met` is told of its values), or taking part (`null`). */
  besides<R>(met: Met<T> | null, f: () => R): R {
    const before = this.aside
    this.aside = met
    try {
      return f()
    } finally {
      this.aside = before
    }
  }

  /** `f` as a constant of this transform, also when the levels below call it after this one has returned. */
  private bare(f: Fn, met: Met<T>): Fn {
    return (...xs) =>
      this.besides(met, () =>
        resume(this, () => {
          const out = f(...xs)
          return (Array.isArray(out) ? (out as Tensors) : [out as Tensor]).map((y) => this.strip(y, met))
        }),
      )
  }
  private strip(x: Tensor, met: Met<T>): Tensor {
    const own = this.own(x)
    if (own) met(own)
    return this.primal(x)
  }

  /** An op that is a constant of this transform. */
  protected constant(op: AnyOp, inputs: Tensors, params: unknown, met: Met<T>): Outputs {
    const xs = inputs.map((x) => this.strip(x, met))
    if (!op.captures) return bind(op, xs, params)
    const diff = functionDiff(op)
    return this.besides(met, () => bind(op, xs, diff.kind === 'through' ? diff.around(params, (f) => this.bare(f, met)) : params))
  }
}

/** Whether the derivative of an op replaces its computation, or is that of functions that it calls. */
export const isCall = (op: AnyOp): boolean => op.captures === true || diffOf(op).kind === 'augmented'

/** An op's decomposition under `trace`, which records what the functions it calls do. */
export const decomposed = (trace: Trace, op: AnyOp, inputs: Tensors, params: unknown): Tensors =>
  resume(trace, () => (op.compute as Extract<AnyOp['compute'], { readonly kind: 'decompose' }>).decompose(inputs, params) as Tensors)

/** What is known of the derivative of an op that calls functions. */
export function functionDiff(op: AnyOp): Extract<Diff<Tensors, unknown>, { readonly kind: 'augmented' | 'through' }> {
  const diff = diffOf(op)
  if (diff.kind === 'augmented' || diff.kind === 'through') return diff
  throw new TensorTypeError(`expected the derivative of an op that calls functions to be 'augmented' or 'through', got '${diff.kind}'`, {
    package: 'autodiff',
    op: op.name,
    code: 'MISSING_DERIVATIVE',
  })
}

/** For functions with a rule of their own: the rule knows nothing of values that they close over. */
export const refuseCaptured =
  (op: AnyOp): (() => never) =>
  () => {
    throw new TensorTypeError(
      'expected a function whose rule knows all that it is differentiated by, got one that closes over a value that is being differentiated. Pass it as an argument, or close over stopGradient(x)',
      { package: 'autodiff', op: op.name, code: 'CAPTURED' },
    )
  }

/** For rules that are run with the tangents left open, to be applied to any: what `op` did with them needs those that are there. */
export const leftOpen = (op: string): TensorTypeError =>
  new TensorTypeError(
    'expected the rule of a function to be linear in the tangents, got one that looks at their elements. Compute the tangent of the output with operations that have a derivative',
    { package: 'autodiff', op, code: 'LEFT_OPEN' },
  )
