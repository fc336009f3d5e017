import type { Tensor } from '@mapgrad/tensor'
import {
  type AnyOp,
  type Fn,
  type Outputs,
  type Tangent,
  type Tensors,
  TensorTypeError,
  type Value,
  type ViewKind,
  type Vjp,
  bind,
  diffOf,
  internally,
  resume,
  withTrace,
  isFloating,
} from '@mapgrad/tensor/plugin'
import { DerivativeTrace, decomposed, functionDiff, isCall, leftOpen, refuseCaptured } from './derivative.ts'
import { orZero } from './flat.ts'
import { listOf, toShapes } from './rules.ts'
import { CallNode, type Calling, Leaf, type Node, OpNode, Taped, backward, followed, moved } from './tape.ts'

/** The recording interpreter of reverse mode. */
export class VjpTrace extends DerivativeTrace<Taped> {
  readonly name: string = 'grad'
  #next = 0

  /** The place of the next node in the program. */
  protected get next(): number {
    return this.#next++
  }
  get vjp(): Vjp {
    return vjpOf
  }
  own(x: Tensor): Taped | undefined {
    return x.value instanceof Taped && x.value.trace === this ? x.value : undefined
  }
  primal(x: Tensor): Tensor {
    // a handle of our own, so that the tape never sees a later in-place change of the user's
    return this.own(x)?.primal ?? x.wrap(x.value)
  }
  /** A value of this tape. */
  protected taped(primal: Tensor, node: Node, output: number): Taped {
    return new Taped(this, primal, node, output)
  }

  process(op: AnyOp, inputs: Tensors, params: unknown): Outputs {
    if (this.aside) return this.constant(op, inputs, params, this.aside)
    const parents = inputs.map((x) => this.own(x))
    const xs = inputs.map((x) => this.primal(x))
    if (isCall(op)) return this.#call(op, inputs, xs, parents, params)
    const out = bind(op, xs, params)
    if (parents.every((p) => p === undefined) || !this.follows(op)) return out
    const ys = listOf(out)
    const taped = this.tape(ys, new OpNode(this, this.next, parents, op, ys, xs, params))
    return Array.isArray(out) ? taped : taped[0]!
  }

  override overwritten(op: string, before: Value, next: Value, view: ViewKind | null): Value {
    const { node, output } = before as Taped
    // where nothing is recorded, and behind a derivative's back, the values change and what they were made by stays
    if (this.aside || view === 'severed') {
      const like = (before as Taped).primal
      return this.taped(this.primal(like.wrap(next)), node, output)
    }
    if (node.parents.length === 0)
      throw new TensorTypeError(
        `a ${view ? 'view of a leaf' : 'leaf'} Variable that requires grad is being used in an in-place operation. Work on x.clone(), or use the operation without its underscore`,
        { package: 'autodiff', op, code: 'LEAF_MUTATION' },
      )
    return next
  }

  /** Whether results of an op go on the tape: not those that have no derivative but zero. */
  protected follows(op: AnyOp): boolean {
    return diffOf(op).kind !== 'constant'
  }
  /** Puts the outputs of a node on the tape, those that have a derivative. */
  protected tape(ys: Tensors, node: Node, differentiable?: readonly boolean[]): Tensor[] {
    return ys.map((y, i) => y.wrap(isFloating(y) && (differentiable?.[i] ?? true) ? this.taped(y, node, i) : y.value))
  }

  start(x: Tensor): Tensor {
    return isFloating(x) ? x.wrap(this.taped(x.wrap(x.value), new Leaf(this.next), 0)) : x
  }

  #call(op: AnyOp, inputs: Tensors, xs: Tensors, parents: Node['parents'], params: unknown): Tensors {
    const diff = functionDiff(op)
    if (diff.kind === 'augmented') {
      if (parents.every((p) => p === undefined)) return this.besides(refuseCaptured(op), () => bind(op, xs, params) as Tensors)
      const needs = parents.map((p) => p !== undefined)
      const [ys, pull, differentiable] = this.besides(refuseCaptured(op), () => diff.vjp(xs, params, vjpOf, needs))
      const pulled: Calling = (cts, recording, moving) => {
        // to be differentiated in turn, the rule must have seen tensors of this tape
        let seen = recording ? followed(xs, parents) : xs
        if (moving) seen = moved(moving, seen, moving.dxs, recording)
        const back = seen === xs ? pull : this.besides(null, () => diff.vjp(seen, params, vjpOf, needs))[1]
        return toShapes(back(cts), xs)
      }
      return this.tape(ys, new CallNode(this.next, op.name, parents, ys.length, pulled), differentiable)
    }
    if (!diff.again) return decomposed(this, op, inputs, params)
    // only the operands are kept, and which values the function closes over; going back, it is called again
    const captured = new Set<Taped>()
    const ys = listOf(this.constant(op, xs, params, (x) => captured.add(x)))
    const floats = parents.flatMap((p, i) => (isFloating(xs[i]!) ? [p] : []))
    const all = [...floats, ...captured]
    if (all.every((p) => p === undefined)) return ys
    const pulled: Calling = (cts, recording) => {
      if (recording) {
        const since = this.#next
        const ends = this.besides(null, () => decomposed(this, op, followed(xs, parents), params)).map((y) => this.own(y))
        return backward(ends, cts, all, { since, recording })
      }
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
          const walked: Node[] = []
          const grads = backward(ends, seeds, ends0, { since, entering: (node) => walked.push(node) })
          // what was computed again serves this once
          for (const node of walked) node.free()
          return grads.map((g, i) => orZero(g, ends0[i]!.primal))
        }
      return listOf(bind(op, [...xs, ...live.map((i) => cts[i]!)], diff.around(params, back)))
    }
    return this.tape(ys, new CallNode(this.next, op.name, all, ys.length, pulled))
  }
}

/** The same for a function that is linear, and known to be by what it does: its transpose is its pullback anywhere. */
class TransposeTrace extends VjpTrace {
  override process(op: AnyOp, inputs: Tensors, params: unknown): Outputs {
    if (!this.aside && !isCall(op) && diffOf(op).kind === 'constant' && inputs.some((x) => this.own(x))) throw leftOpen(op.name)
    return super.process(op, inputs, params)
  }
}

/**
 * Outputs of `f` at `primals`, and the map from cotangents of them to cotangents of the primals; `null` is zero. `f` is also
 * handed `lower`: a tensor of its level as the level below sees it. Where the primals are not `known` they stand for any: `f` is to be linear in them.
 */
export function vjpFlat(
  f: (xs: Tensors, lower: (x: Tensor) => Tensor) => Tensors,
  primals: Tensors,
  known = true,
): [ys: Tensors, pull: (cts: readonly Tangent[]) => readonly Tangent[]] {
  return withTrace(known ? new VjpTrace() : new TransposeTrace(), (trace) => {
    const leaves = primals.map((x) => trace.start(x))
    const starts = leaves.map((x) => trace.own(x))
    const ys = f(leaves, (x) => trace.leaving(x))
    const ends = ys.map((y) => trace.own(y))
    return [ys.map((y) => trace.leaving(y)), (cts) => internally(() => backward(ends, cts, starts)).map((g) => g && g.wrap(g.value))]
  })
}

/** The transform as rules of higher-order ops are handed it. */
export const vjpOf: Vjp = (f, primals) => vjpFlat((xs) => listOf(f(...xs)), primals)
