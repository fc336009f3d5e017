import type { Tensor } from '@mapgrad/tensor'
import {
  type AnyOp,
  type Linearize,
  type Outputs,
  type Tangent,
  type Tensors,
  type Trace,
  type Value,
  bind,
  filledLike,
  internally,
  withTrace,
  isFloating,
} from '@mapgrad/tensor/plugin'
import { DerivativeTrace, Tracked, decomposed, functionDiff, isCall, refuseCaptured } from './derivative.ts'
import { Loans } from './flat.ts'
import { jvpOf } from './jvp.ts'
import { listOf, pushforward } from './rules.ts'

/** A value with the slot its tangent will have when the linear program runs. */
class Linear extends Tracked {
  readonly slot: number
  constructor(trace: Trace, primal: Tensor, slot: number) {
    super(trace, primal)
    this.slot = slot
  }
  override describe(inner: (v: Value) => string): string {
    return `LinearTensor(lvl=${this.trace.level}, value=${inner(this.primal.value)})`
  }
}

/** One line of the linear program: reads tangents from slots, writes those of an op's outputs from slot `to` on. */
interface Line {
  readonly from: readonly (number | null)[]
  readonly to: number
  readonly push: (dxs: readonly Tangent[]) => readonly Tangent[]
}

class LinearTrace extends DerivativeTrace {
  readonly name = 'linearize'
  readonly lines: Line[] = []
  slots = 0

  own(x: Tensor): Linear | undefined {
    return x.value instanceof Linear && x.value.trace === this ? x.value : undefined
  }
  primal(x: Tensor): Tensor {
    return this.own(x)?.primal ?? x.wrap(x.value)
  }
  start(x: Tensor): Tensor {
    return x.wrap(new Linear(this, x.wrap(x.value), this.slots++))
  }

  process(op: AnyOp, inputs: Tensors, params: unknown): Outputs {
    if (this.aside) return this.constant(op, inputs, params, this.aside)
    const from = inputs.map((x) => this.own(x)?.slot ?? null)
    const xs = inputs.map((x) => this.primal(x))
    if (isCall(op)) return this.#call(op, inputs, xs, from, params)
    const out = bind(op, xs, params)
    if (from.every((s) => s === null)) return out
    const ys = listOf(out)
    const linear = this.#line(ys, from, (dxs) => pushforward(op, ys, xs, params, dxs, jvpOf))
    return Array.isArray(out) ? linear : linear[0]!
  }

  #line(ys: Tensors, from: Line['from'], push: Line['push']): Tensor[] {
    const to = this.slots
    this.slots += ys.length
    this.lines.push({ from, to, push })
    return ys.map((y, i) => (isFloating(y) ? y.wrap(new Linear(this, y, to + i)) : y.wrap(y.value)))
  }

  #call(op: AnyOp, inputs: Tensors, xs: Tensors, from: Line['from'], params: unknown): Tensors {
    const diff = functionDiff(op)
    if (diff.kind === 'through') return decomposed(this, op, inputs, params)
    if (from.every((s) => s === null)) return this.besides(refuseCaptured(op), () => bind(op, xs, params) as Tensors)
    if (diff.linearize) {
      const { linearize } = diff
      const needs = from.map((s) => s !== null)
      const [ys, push] = this.besides(refuseCaptured(op), () => linearize(xs, params, linearizeOf, needs))
      return this.#line(ys, from, push)
    }
    // the rule, run once with the tangents left open
    const moving = from.flatMap((s, i) => (s === null ? [] : [i]))
    let ys: Tensors = []
    let depends: boolean[] = []
    const [, push] = this.besides(refuseCaptured(op), () =>
      linearizeFlat(
        (dxs) => {
          const all = xs.map((): Tangent => null)
          moving.forEach((i, k) => {
            all[i] = dxs[k]!
          })
          const [values, tangents] = diff.jvp(xs, all, params, jvpOf)
          ys = values
          depends = tangents.map((d) => d !== null)
          return tangents.flatMap((d) => d ?? [])
        },
        moving.map((i) => filledLike(xs[i]!, 0, xs[i]!.dtype, xs[i]!.shape)),
      ),
    )
    return this.#line(ys, from, (dxs) => {
      const out = push(moving.map((i) => dxs[i]!))
      let k = 0
      return depends.map((d) => (d ? out[k++]! : null))
    })
  }
}

/** Outputs of `f` at `primals`, and the linear map from tangents of the primals to tangents of the outputs, without evaluating `f` again. */
export function linearizeFlat(
  f: (xs: Tensors) => Tensors,
  primals: Tensors,
): [ys: Tensors, push: (dxs: readonly Tangent[]) => readonly Tangent[]] {
  const loans = new Loans()
  const out = withTrace(new LinearTrace(), (trace) => {
    const starts = primals.map((x) => loans.lend(x, isFloating(x) ? trace.start(x).value : x.value))
    const first = starts.map((x) => trace.own(x)?.slot)
    const ys = f(starts)
    const ends = ys.map((y) => trace.own(y)?.slot)
    const push = (dxs: readonly Tangent[]): readonly Tangent[] => {
      const tangents = new Array<Tangent>(trace.slots).fill(null)
      first.forEach((slot, i) => {
        if (slot !== undefined) tangents[slot] = dxs[i] ?? null
      })
      for (const { from, to, push: line } of trace.lines) {
        const ins = from.map((s) => (s === null ? null : tangents[s]!))
        if (ins.every((d) => d === null)) continue
        line(ins).forEach((dy, i) => {
          tangents[to + i] = dy
        })
      }
      return ends.map((slot) => (slot === undefined ? null : tangents[slot]!))
    }
    loans.collect((x) => trace.leaving(x))
    return [
      ys.map((y) => trace.leaving(y)),
      (dxs: readonly Tangent[]) => internally(() => push(dxs)).map((d) => d && d.wrap(d.value)),
    ] satisfies [Tensors, typeof push]
  })
  loans.settle()
  return out
}

/** The transform as rules of higher-order ops are handed it. */
const linearizeOf: Linearize = (f, primals) => linearizeFlat((xs) => listOf(f(...xs)), primals)
