import { type Tensor, isMapgradError } from '@mapgrad/tensor'
import {
  type AnyOp,
  type ArrayValue,
  type Diff,
  type Fn,
  type Linearize,
  type Outputs,
  type Tangent,
  type Tensors,
  bind,
  diffOf,
  filledLike,
  internally,
  resume,
  withTrace,
  isFloating,
} from '@mapgrad/tensor/plugin'
import { DerivativeTrace, Tracked, decomposed, functionDiff, isCall, leftOpen, refuseCaptured } from './derivative.ts'
import { Loans } from './flat.ts'
import { jvpOf } from './jvp.ts'
import { listOf, pushforward } from './rules.ts'

/** A value with the slot its tangent will have when the linear program runs. */
class Linear extends Tracked {
  readonly slot: number
  readonly #known: boolean
  constructor(trace: LinearTrace, primal: Tensor, slot: number) {
    super(trace, primal)
    this.slot = slot
    this.#known = trace.known
  }
  override concrete(what: string): ArrayValue {
    if (!this.#known) throw leftOpen(what)
    return super.concrete(what)
  }
}

/** What a rule may be refused for that does well with tangents that are there. */
const NEEDS_TANGENTS: ReadonlySet<string> = /* @__PURE__ */ new Set(['LEFT_OPEN', 'MISSING_DERIVATIVE', 'NO_JVP'])

type Augmented = Extract<Diff<Tensors, unknown>, { readonly kind: 'augmented' }>
type Through = Extract<Diff<Tensors, unknown>, { readonly kind: 'through' }>

/** One line of the linear program: reads tangents from slots, writes those of an op's outputs from slot `to` on. */
interface Line {
  readonly from: readonly (number | null)[]
  readonly to: number
  readonly push: (dxs: readonly Tangent[]) => readonly Tangent[]
}

class LinearTrace extends DerivativeTrace {
  readonly name = 'linearize'
  readonly lines: Line[] = []
  /** whether its values are those of the program; else they stand for any */
  readonly known: boolean
  slots = 0
  constructor(known: boolean) {
    super()
    this.known = known
  }

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
    const still = from.every((s) => s === null)
    if (!this.known && !still && diffOf(op).kind === 'constant') throw leftOpen(op.name)
    const out = bind(op, xs, params)
    if (still) return out
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
    if (diff.kind === 'through')
      return diff.again && this.known ? this.#again(op, xs, from, params, diff) : decomposed(this, op, inputs, params)
    if (from.every((s) => s === null)) return this.besides(refuseCaptured(op), () => bind(op, xs, params) as Tensors)
    // a rule may well call its own function, which is linear then
    if (!this.known) throw leftOpen(op.name)
    if (diff.linearize) {
      const { linearize } = diff
      const needs = from.map((s) => s !== null)
      const [ys, push] = this.besides(refuseCaptured(op), () => linearize(xs, params, linearizeOf, needs))
      return this.#line(ys, from, push)
    }
    try {
      const [ys, opened] = this.besides(refuseCaptured(op), () => leavingOpen(diff, xs, from, params))
      return this.#line(ys, from, opened)
    } catch (e) {
      if (!isMapgradError(e) || !NEEDS_TANGENTS.has(e.code)) throw e
      // the rule will be run on tangents that are there, if it can be
      const zeros = from.map((s, i) => (s === null ? null : zerosLike(xs[i]!)))
      const [ys] = this.besides(refuseCaptured(op), () => diff.jvp(xs, zeros, params, jvpOf))
      return this.#line(ys, from, (dxs) => diff.jvp(xs, dxs, params, jvpOf)[1])
    }
  }

  /** Kept are the operands alone, and which values the function closes over: along tangents it is called again. */
  #again(op: AnyOp, xs: Tensors, from: Line['from'], params: unknown, { around }: Through): Tensors {
    const captured = new Set<Linear>()
    const ys = listOf(this.constant(op, xs, params, (x) => captured.add(x as Linear)))
    const all = [...from, ...Array.from(captured, (x) => x.slot)]
    if (all.every((s) => s === null)) return [...ys]
    return this.#line(ys, all, (dxs) => {
      const live = dxs.flatMap((d, i) => (d ? [i] : []))
      let depends: readonly boolean[] = []
      const along =
        (f: Fn): Fn =>
        (...operands) => {
          const { length } = this.lines
          const n = operands.length - live.length
          const tangents: Tangent[] = []
          live.forEach((i, k) => {
            if (i >= xs.length) tangents[all[i]!] = operands[n + k]!
          })
          try {
            const ends = this.besides(null, () =>
              resume(this, () =>
                listOf(
                  f(
                    ...operands.slice(0, n).map((x, i) => {
                      const k = live.indexOf(xs.length - n + i)
                      if (k < 0) return x
                      tangents[this.slots] = operands[n + k]!
                      return this.start(x)
                    }),
                  ),
                ),
              ),
            )
            this.push(tangents, length)
            const moves = ends.map((y): Tangent => tangents[this.own(y)?.slot ?? -1] ?? null)
            depends = moves.map((d) => d !== null)
            return moves.map((d, i) => d ?? zerosLike(this.primal(ends[i]!)))
          } finally {
            // slots are not used again: values with theirs may be closed over by what a level below calls later
            this.lines.length = length
          }
        }
      const moved = listOf(bind(op, [...xs, ...live.map((i) => dxs[i]!)], around(params, along)))
      return moved.map((d, i) => (depends[i] ? d : null))
    })
  }

  /** Tangents, by slot, of what the lines from `since` on compute. */
  push(tangents: Tangent[], since = 0): void {
    // a line may add some of its own, for as long as it runs
    const { length } = this.lines
    for (let i = since; i < length; i++) {
      const { from, to, push } = this.lines[i]!
      const ins = from.map((s) => (s === null ? null : (tangents[s] ?? null)))
      if (ins.every((d) => d === null)) continue
      push(ins).forEach((dy, k) => {
        tangents[to + k] = dy
      })
    }
  }
}

const zerosLike = (x: Tensor): Tensor => filledLike(x, 0, x.dtype, x.shape)

/** What an op with a rule of its own gives, and its rule, run once with the tangents left open. */
function leavingOpen(diff: Augmented, xs: Tensors, from: Line['from'], params: unknown): readonly [ys: Tensors, push: Line['push']] {
  const moving = from.flatMap((s, i) => (s === null ? [] : [i]))
  let ys: Tensors = []
  let depends: boolean[] = []
  const [, push] = linearizeFlat(
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
    moving.map((i) => zerosLike(xs[i]!)),
    false,
  )
  const pushed: Line['push'] = (dxs) => {
    const out = push(moving.map((i) => dxs[i]!))
    let k = 0
    return depends.map((d) => (d ? out[k++]! : null))
  }
  return [ys, pushed]
}

/**
 * Outputs of `f` at `primals`, and the linear map from tangents of the primals to tangents of the outputs, without evaluating `f` again. `f` is also
 * handed `lower`: a tensor of its level as the level below sees it. Where the primals are not `known` they stand for any, and `f` may not look at them.
 */
export function linearizeFlat(
  f: (xs: Tensors, lower: (x: Tensor) => Tensor) => Tensors,
  primals: Tensors,
  known = true,
): [ys: Tensors, push: (dxs: readonly Tangent[]) => readonly Tangent[]] {
  const loans = new Loans()
  const out = withTrace(new LinearTrace(known), (trace) => {
    const starts = primals.map((x) => loans.lend(x, isFloating(x) ? trace.start(x).value : x.value))
    const first = starts.map((x) => trace.own(x)?.slot)
    const lower = (x: Tensor): Tensor => trace.leaving(x)
    const ys = f(starts, lower)
    const ends = ys.map((y) => trace.own(y)?.slot)
    const { slots } = trace
    const push = (dxs: readonly Tangent[]): readonly Tangent[] => {
      const tangents = new Array<Tangent>(slots).fill(null)
      first.forEach((slot, i) => {
        if (slot !== undefined) tangents[slot] = dxs[i] ?? null
      })
      trace.push(tangents)
      return ends.map((slot) => (slot === undefined ? null : tangents[slot]!))
    }
    loans.collect(lower)
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
