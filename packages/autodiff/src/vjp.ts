import { type DType, type Tensor, add } from '@mapgrad/tensor'
import {
  type AnyOp,
  type ArrayValue,
  type Backend,
  type Fn,
  type Outputs,
  type Shape,
  type Tangent,
  type Tensors,
  type Trace,
  TensorTypeError,
  Tracer,
  type Value,
  type Vjp,
  bind,
  diffOf,
  internally,
  resume,
  withTrace,
} from '@mapgrad/tensor/plugin'
import { DerivativeTrace, decomposed, functionDiff, refuseCaptured } from './derivative.ts'
import { orZero } from './flat.ts'
import { listOf, pullback, toShapes } from './rules.ts'

/** One op on the tape: how cotangents of its outputs become cotangents of its operands, and whose those are. */
interface Node {
  /** grows along the program, so that descending order is a reverse topological one */
  readonly id: number
  readonly parents: readonly (Taped | undefined)[]
  readonly outputs: number
  readonly pull: (cts: readonly Tangent[]) => readonly Tangent[]
}

/** A value with its place on the tape. */
class Taped extends Tracer {
  readonly primal: Tensor
  readonly node: Node
  /** which output of the node */
  readonly output: number
  constructor(trace: Trace, primal: Tensor, node: Node, output: number) {
    super(trace)
    this.primal = primal
    this.node = node
    this.output = output
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
    return this.primal.value.concrete(what)
  }
  arrays(): readonly ArrayValue[] {
    return this.primal.value.arrays()
  }
  describe(inner: (v: Value) => string): string {
    return `GradTrackingTensor(lvl=${this.trace.level}, value=${inner(this.primal.value)})`
  }
}

class VjpTrace extends DerivativeTrace<Taped> {
  readonly name = 'grad'
  #next = 0

  node(parents: Node['parents'], outputs: number, pull: Node['pull']): Node {
    return { id: this.#next++, parents, outputs, pull }
  }
  own(x: Tensor): Taped | undefined {
    return x.value instanceof Taped && x.value.trace === this ? x.value : undefined
  }
  primal(x: Tensor): Tensor {
    // a handle of our own, so that the tape never sees a later in-place change of the user's
    return this.own(x)?.primal ?? x.wrap(x.value)
  }

  process(op: AnyOp, inputs: Tensors, params: unknown): Outputs {
    if (this.aside) return this.constant(op, inputs, params, this.aside)
    const parents = inputs.map((x) => this.own(x))
    const xs = inputs.map((x) => this.primal(x))
    if (op.captures) return this.#call(op, inputs, xs, parents, params)
    const out = bind(op, xs, params)
    if (parents.every((p) => p === undefined) || diffOf(op).kind === 'constant') return out
    const ys = listOf(out)
    const taped = this.#tape(ys, parents, (cts) => pullback(op, ys, xs, params, cts, vjpOf, parents))
    return Array.isArray(out) ? taped : taped[0]!
  }

  override overwritten(op: string, before: Value, next: Value, view: boolean): Value {
    const { node, output } = before as Taped
    // where nothing is recorded, the values change and what they were made by stays
    if (this.aside) {
      const like = (before as Taped).primal
      return new Taped(this, this.primal(like.wrap(next)), node, output)
    }
    if (node.parents.length === 0)
      throw new TensorTypeError(
        `a ${view ? 'view of a leaf' : 'leaf'} Variable that requires grad is being used in an in-place operation. Work on x.clone(), or use the operation without its underscore`,
        { package: 'autodiff', op, code: 'LEAF_MUTATION' },
      )
    return next
  }

  #tape(ys: Tensors, parents: Node['parents'], pull: Node['pull'], differentiable?: readonly boolean[]): Tensor[] {
    const node = this.node(parents, ys.length, pull)
    return ys.map((y, i) => (isDifferentiable(y) && (differentiable?.[i] ?? true) ? y.wrap(new Taped(this, y, node, i)) : y.wrap(y.value)))
  }

  start(x: Tensor): Tensor {
    return isDifferentiable(x)
      ? x.wrap(
          new Taped(
            this,
            x.wrap(x.value),
            this.node([], 1, () => []),
            0,
          ),
        )
      : x
  }

  #call(op: AnyOp, inputs: Tensors, xs: Tensors, parents: Node['parents'], params: unknown): Tensors {
    const diff = functionDiff(op)
    if (diff.kind === 'augmented') {
      if (parents.every((p) => p === undefined)) return this.besides(refuseCaptured(op), () => bind(op, xs, params) as Tensors)
      const needs = parents.map((p) => p !== undefined)
      const [ys, pull, differentiable] = this.besides(refuseCaptured(op), () => diff.vjp(xs, params, vjpOf, needs))
      return this.#tape(ys, parents, (cts) => toShapes(pull(cts), xs), differentiable)
    }
    if (!diff.again) return decomposed(this, op, inputs, params)
    // only the operands are kept, and which values the function closes over; going back, it is called again
    const captured = new Set<Taped>()
    const ys = listOf(this.constant(op, xs, params, (x) => captured.add(x)))
    const floats = parents.flatMap((p, i) => (isDifferentiable(xs[i]!) ? [p] : []))
    const all = [...floats, ...captured]
    if (all.every((p) => p === undefined)) return ys
    return this.#tape(ys, all, (cts) => {
      const live = cts.flatMap((c, i) => (c ? [i] : []))
      const back =
        (f: Fn): Fn =>
        (...operands) => {
          const seeds = operands.slice(operands.length - live.length)
          const since = this.#next
          const [ends, starts] = this.besides(null, () =>
            resume(this, () => {
              const leaves = operands.slice(0, operands.length - live.length).map((x) => this.start(x))
              const out = listOf(f(...leaves))
              return [live.map((i) => this.own(out[i]!)), leaves.flatMap((x) => this.own(x) ?? [])]
            }),
          )
          const ends0 = [...starts, ...captured]
          return backward(ends, seeds, ends0, since).map((g, i) => orZero(g, ends0[i]!.primal))
        }
      return listOf(bind(op, [...xs, ...live.map((i) => cts[i]!)], diff.around(params, back)))
    })
  }
}

const isDifferentiable = (x: Tensor): boolean => x.dtype.includes('float')

/**
 * Outputs of `f` at `primals`, and the map from cotangents of them to cotangents of the primals; `null` is zero. `f` is also
 * handed `lower`: a tensor of its level as the level below sees it.
 */
export function vjpFlat(
  f: (xs: Tensors, lower: (x: Tensor) => Tensor) => Tensors,
  primals: Tensors,
): [ys: Tensors, pull: (cts: readonly Tangent[]) => readonly Tangent[]] {
  return withTrace(new VjpTrace(), (trace) => {
    const leaves = primals.map((x) => trace.start(x))
    const starts = leaves.map((x) => trace.own(x))
    const ys = f(leaves, (x) => trace.leaving(x))
    const ends = ys.map((y) => trace.own(y))
    return [ys.map((y) => trace.leaving(y)), (cts) => internally(() => backward(ends, cts, starts)).map((g) => g && g.wrap(g.value))]
  })
}

/** Walks the tape from the newest node back to those older than `since`, adding up the cotangents that meet. */
function backward(
  ends: readonly (Taped | undefined)[],
  seeds: readonly Tangent[],
  starts: readonly (Taped | undefined)[],
  since = 0,
): readonly Tangent[] {
  const cts = new Map<Node, Tangent[]>()
  const accumulate = (to: Taped | undefined, ct: Tangent | undefined): void => {
    if (!to || !ct) return
    let slots = cts.get(to.node)
    if (!slots) cts.set(to.node, (slots = new Array<Tangent>(to.node.outputs).fill(null)))
    const sofar = slots[to.output]
    slots[to.output] = sofar ? add(sofar, ct) : ct
  }
  ends.forEach((end, i) => accumulate(end, seeds[i]))
  for (const node of newestFirst(ends, since)) {
    const out = cts.get(node)
    if (!out || !node.parents.length) continue
    const grads = node.pull(out)
    node.parents.forEach((p, i) => accumulate(p, grads[i]))
    cts.delete(node)
  }
  return starts.map((x) => (x ? (cts.get(x.node)?.[x.output] ?? null) : null))
}

function newestFirst(ends: readonly (Taped | undefined)[], since: number): Node[] {
  const seen = new Set<Node>()
  for (const end of ends) if (end && end.node.id >= since) seen.add(end.node)
  // a Set's iteration also visits what is added while it runs
  for (const n of seen) for (const p of n.parents) if (p && p.node.id >= since) seen.add(p.node)
  return [...seen].sort((a, b) => b.id - a.id)
}

/** The transform as rules of higher-order ops are handed it. */
export const vjpOf: Vjp = (f, primals) => vjpFlat((xs) => listOf(f(...xs)), primals)
