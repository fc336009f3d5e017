import type { DType } from '@mapgrad/kernel'
import type { Tensor } from '../tensor.ts'
import type { Writing } from './alias.ts'
import type { Backend } from './backend.ts'
import { TensorTypeError } from './errors.ts'
import { evaluate } from './evaluate.ts'
import type { AnyOp } from './op.ts'
import { registry } from './registry.ts'
import type { Shape } from './shape.ts'
import type { ArrayValue, Value } from './value.ts'

/** What ops without tensor inputs (random draws) and every other op give: one tensor, or several. */
export type Outputs = Tensor | readonly Tensor[]

/** Takes a decision, or gives what an earlier one of the same `form` was. */
export type Choices = <T>(form: string, decide: () => T) => T

/** How a tensor that is written shows the one that changes: as a part of it, or without its derivative. */
export type ViewKind = 'view' | 'severed'

/** One transform in flight: says what an op means under it. A subclass is one interpreter. */
export abstract class Trace {
  /** the transform's name, for messages */
  abstract readonly name: string
  /** the package of the transform, for messages */
  readonly package: string = 'tensor'
  /** what a message about a value of it that outlived it says besides */
  readonly escaped: string = ''
  /** where it stands among others; like `parent` and `ambient`, what `resume` says as long as that runs */
  level: number
  /** the transform that this one's rules, and what they draw, go on to */
  parent: Trace | null
  /** whether it writes programs down instead of running them, so that loops and branches should reach it as such */
  readonly records: boolean = false
  /** for traces at several sizes: what stands in for a decision, so that all of them take the same one */
  readonly choices: Choices | null = null
  /** whether it stands inside of whatever is in flight where its values are met, and for good; its level is above all others */
  readonly floats: boolean = false
  /** this transform or the nearest around it that sees every op called under it, not only those on its values */
  ambient: Trace | null
  /** when it began; handles made before are captured */
  readonly born: number
  open = true
  /** truthy while it stands aside: its values are seen bare, and nothing is recorded */
  aside: unknown = null

  /**
   * @param everything whether it sees every op called under it
   * @param root whether it is below all others, and for good
   */
  constructor(everything = false, root = false) {
    const r = registry()
    const { top, current } = r
    this.parent = root ? null : current
    this.level = root ? 0 : top ? top.level + 1 : 1
    this.born = root ? 0 : ++r.epoch
    this.ambient = everything ? this : root ? null : current && current.ambient
  }

  /** An in-place operation is about to give a captured tensor another value, in the way that `how` says: refuses if it must not. */
  captured(op: string, next: Value, _how: Writing): void {
    if (next.trace && next.trace.level >= this.level)
      throw new TensorTypeError(
        `expected a captured tensor to stay as it is, got a value of ${this.name} (level ${this.level}) written into it. Pass the tensor as an argument, or return the new value`,
        { package: this.package, op, code: 'CAPTURED_MUTATION' },
      )
  }
  /** An in-place operation is about to replace `before`, which belongs to this transform, in a handle or through a view of it: refuses if it must not, else says by what. */
  overwritten(_op: string, _before: Value, next: Value, _view: ViewKind | null): Value {
    return next
  }
  /** For transforms that float: an in-place operation is about to give `before`, a value of this one, the value of `next`: what fits in its place. */
  fitting(_op: string, _before: Value, next: Tensor): Tensor {
    return next
  }
  /** For transforms that float: `next`, a value of this one, is about to be written over `before`: refuses what has no place there. */
  entering(_op: string, _before: Value, _next: Value): void {}
  /** For transforms that `record`: an in-place operation on `x` computed `next`. `true` if this is written down as a mutation, so that handles keep their values. */
  write(_op: string, _x: Tensor, _next: Tensor): boolean {
    return false
  }

  /** Applies `op` to inputs at or below this level; `ops` called here go to the levels below. */
  abstract process(op: AnyOp, inputs: readonly Tensor[], params: unknown): Outputs
}

/** A value that belongs to a transform. */
export abstract class Tracer implements Value {
  readonly trace: Trace
  constructor(trace: Trace) {
    this.trace = trace
  }
  abstract readonly shape: Shape
  abstract readonly dtype: DType
  abstract readonly backend: Backend
  /** the tensors of lower levels that it is made of */
  get parts(): readonly Tensor[] {
    return []
  }
  abstract concrete(what: string): ArrayValue
  abstract arrays(): readonly ArrayValue[]
  abstract describe(inner: (v: Value) => string): string
}

function refuseEscaped(op: string, trace: Trace): never {
  throw new TensorTypeError(
    `expected values of transforms that are still running, got one that escaped from ${trace.name} (level ${trace.level}), which has already returned. Return it from the transformed function (hasAux for extra results) instead of storing it outside${trace.escaped && `: ${trace.escaped}`}`,
    { op, code: 'ESCAPED_TRACER' },
  )
}

/** Whether `value` belongs to `trace`, or something it is made of does. */
export const isWithin = (value: Value, trace: Trace): boolean =>
  value.trace === trace || (value instanceof Tracer && value.parts.some((p) => isWithin(p.value, trace)))

/** Refuses what cannot leave `trace`: a value of it that one which floats above it hides. */
export function checkLeaving(value: Value, trace: Trace): void {
  if (value.trace?.floats && isWithin(value, trace))
    throw new TensorTypeError(
      `expected it to return a Tensor, got one with first-class dims, bound to a value of ${trace.name} (level ${trace.level}). Reduce over them, x.sum(i), or make them axes, x.order(i)`,
      { package: trace.package, op: trace.name, code: 'DIMS_LEAVE' },
    )
}

/** Refuses the value of a transform that has returned. */
export function checkAlive(op: string, value: Value): void {
  if (value.trace && !value.trace.open) refuseEscaped(op, value.trace)
}

/** Whether an op with these params draws at random. */
export const drawsRandomly = ({ random }: AnyOp, params: unknown): boolean =>
  typeof random === 'function' ? random(params) : random === true

/**
 * What `decide` decides by sizes alone, such as an order of products, where each way gives the same: a program that is written
 * down for all sizes goes one way at all of them. Decisions of one `form` may stand in for each other.
 */
export function chosen<T>(form: string, decide: () => T): T {
  for (let t = registry().current; t; t = t.parent) if (t.choices !== null) return t.choices(form, decide)
  return decide()
}

/** Sends an op to the innermost transform among its inputs, or to the device. Random draws, and ops that call functions, go to the innermost transform there is. */
export function bind(op: AnyOp, inputs: readonly Tensor[], params: unknown): Outputs {
  const r = registry()
  let top: Trace | null = r.current
  if (op.captures) top ??= r.tape
  else if (top !== null && !drawsRandomly(op, params)) top = top.ambient
  for (let i = 0; i < inputs.length; i++) {
    const trace = inputs[i]!.value.trace
    if (!trace) continue
    if (!trace.open) refuseEscaped(op.name, trace)
    if (!top || trace.level > top.level) top = trace
  }
  if (!top) {
    const out = evaluate(op, inputs, params)
    if (r.watch !== null) r.watch.saw(op, inputs, out)
    return out
  }
  return send(top, op, inputs, params)
}

/** Lets `trace` apply an op, whose rules then call ops of the levels below. */
export function send(trace: Trace, op: AnyOp, inputs: readonly Tensor[], params: unknown): Outputs {
  const r = registry()
  const { current, tape } = r
  r.current = trace.floats && trace !== current ? current : trace.parent
  // the outermost of all hides itself, too, from the ops that its rules call
  if (trace === tape) r.tape = null
  try {
    return trace.process(op, inputs, params)
  } finally {
    r.current = current
    if (trace === tape) r.tape = tape
  }
}

/**
 * Runs `f` under a fresh transform; its values are dead once `f` returns.
 * The user's function must be synchronous: one that returns a Promise is refused.
 */
export function withTrace<T extends Trace, R>(trace: T, f: (trace: T) => R): R {
  const r = registry()
  const { top, current, home } = r
  r.top = trace
  r.current = trace
  r.home = trace
  try {
    return f(trace)
  } finally {
    trace.open = false
    r.top = top
    r.current = current
    r.home = home
  }
}

const isAround = (outer: Trace, inner: Trace | null): boolean => inner !== null && (inner === outer || isAround(outer, inner.parent))

/**
 * Runs `f` under a transform that may have returned already: for rules that call the user's function again later. Where a
 * program began to be recorded since, around the call, the transform stands inside of that meanwhile.
 */
export function resume<R>(trace: Trace, f: () => R): R {
  const r = registry()
  const { top, current } = r
  const { open, level, parent, ambient } = trace
  const recorder = current && current.ambient
  if (trace.floats ? !isAround(trace, current) : recorder !== null && !isAround(recorder, trace)) trace.parent = current
  if (trace.floats) trace.ambient = recorder
  else if (recorder !== null && recorder !== ambient) {
    if (ambient !== trace && !isAround(recorder, ambient)) trace.ambient = trace.parent!.ambient
    // also where what is around it was lifted to stand inside of that
    if (top !== trace && top !== null && Math.max(recorder.level, trace.parent?.level ?? 0) >= level) trace.level = top.level + 1
  }
  if (!trace.floats && (!top || top.level < trace.level)) r.top = trace
  r.current = trace
  trace.open = true
  try {
    return f()
  } finally {
    trace.open = open
    trace.level = level
    trace.parent = parent
    trace.ambient = ambient
    r.top = top
    r.current = current
  }
}

/** Runs `f` under the transforms that float, of which `value` is: what it draws, each of them sees. */
export function amid<R>(value: Value, f: () => R): R {
  const { trace } = value
  return trace !== null && trace.floats ? amid((value as Tracer).parts[0]!.value, () => resume(trace, f)) : f()
}

/** The result of a user's function, refused if it is a Promise. */
export function refusePromise<R>(transform: string, from: string, out: R): R {
  if (typeof out === 'object' && out !== null && 'then' in out && typeof out.then === 'function') {
    // it may fail on its own, later, for the same reason: nobody is left who could hear of that
    if (out instanceof Promise) out.catch(() => {})
    throw new TensorTypeError(
      `expected a synchronous function, got one that returned a Promise. Await what it needs before, and pass it as an argument`,
      { package: from, op: transform, code: 'ASYNC_FUNCTION' },
    )
  }
  return out
}
