import type { Tensor } from '@mapgrad/tensor'
import {
  type AnyOp,
  type ArrayValue,
  type Fn,
  type Jvp,
  type Outputs,
  type Tangent,
  type Tensors,
  type Trace,
  bind,
  resume,
  withTrace,
} from '@mapgrad/tensor/plugin'
import { DerivativeTrace, Tracked, decomposed, functionDiff, isCall, refuseCaptured } from './derivative.ts'
import { Loans, orZero } from './flat.ts'
import { listOf, pushforward } from './rules.ts'

/** A value with the tangent that goes with it. */
class Dual extends Tracked {
  readonly tangent: Tensor
  constructor(trace: Trace, primal: Tensor, tangent: Tensor) {
    super(trace, primal)
    this.tangent = tangent
  }
  override get parts(): Tensors {
    return [this.primal, this.tangent]
  }
  override arrays(): readonly ArrayValue[] {
    return [...super.arrays(), ...this.tangent.value.arrays()]
  }
}

/** Forward mode: every value has a tangent beside it. */
export abstract class ForwardTrace<T extends Tracked> extends DerivativeTrace<T> {
  abstract tangent(x: Tensor): Tangent
  /** A value of this transform. */
  protected abstract dual(primal: Tensor, tangent: Tensor): T
  /** Told of an op that was applied one level down, and of its tangents. */
  protected applied(_ys: Tensors, _dxs: readonly Tangent[], _dys: readonly Tangent[]): void {}

  primal(x: Tensor): Tensor {
    return this.own(x)?.primal ?? x.wrap(x.value)
  }

  process(op: AnyOp, inputs: Tensors, params: unknown): Outputs {
    if (this.aside) return this.constant(op, inputs, params, this.aside)
    const xs = inputs.map((x) => this.primal(x))
    const dxs = inputs.map((x) => this.tangent(x))
    if (isCall(op)) return this.call(op, inputs, xs, dxs, params)
    const out = bind(op, xs, params)
    if (dxs.every((d) => d === null)) return out
    const ys = listOf(out)
    const dys = pushforward(op, ys, xs, params, dxs, jvpOf)
    this.applied(ys, dxs, dys)
    const duals = this.pair(ys, dys)
    return Array.isArray(out) ? duals : duals[0]!
  }

  protected pair(ys: Tensors, dys: readonly Tangent[]): Tensor[] {
    return ys.map((y, i) => (dys[i] ? y.wrap(this.dual(y, dys[i])) : y))
  }

  protected call(op: AnyOp, inputs: Tensors, xs: Tensors, dxs: readonly Tangent[], params: unknown): Tensors {
    const diff = functionDiff(op)
    if (diff.kind === 'through' && !diff.again) return decomposed(this, op, inputs, params)
    if (diff.kind === 'augmented') {
      if (dxs.every((d) => d === null)) return this.besides(refuseCaptured(op), () => bind(op, xs, params) as Tensors)
      const [ys, dys] = this.besides(refuseCaptured(op), () => diff.jvp(xs, dxs, params, jvpOf))
      return this.pair(ys, dys)
    }
    // the function on values and tangents at once, so that the levels below see the same op
    const moving = dxs.flatMap((d, i) => (d ? [i] : []))
    let depends: boolean[] = []
    const paired =
      (f: Fn): Fn =>
      (...all) =>
        this.besides(null, () =>
          resume(this, () => {
            const n = all.length - moving.length
            const first = xs.length - n
            const tangents: Tangent[] = new Array<Tangent>(n).fill(null)
            moving.forEach((i, k) => {
              tangents[i - first] = all[n + k]!
            })
            const ys = listOf(f(...this.pair(all.slice(0, n), tangents)))
            depends = ys.map((y, i) => (depends[i] ?? false) || this.own(y) !== undefined)
            return [...ys.map((y) => this.primal(y)), ...ys.map((y) => orZero(this.tangent(y), y))]
          }),
        )
    const out = listOf(bind(op, [...xs, ...moving.map((i) => dxs[i]!)], diff.around(params, paired)))
    const count = out.length / 2
    return this.pair(
      out.slice(0, count),
      out.slice(count).map((d, i) => (depends[i] ? d : null)),
    )
  }
}

class JvpTrace extends ForwardTrace<Dual> {
  readonly name = 'jvp'

  own(x: Tensor): Dual | undefined {
    return x.value instanceof Dual && x.value.trace === this ? x.value : undefined
  }
  tangent(x: Tensor): Tangent {
    return this.own(x)?.tangent ?? null
  }
  protected dual(primal: Tensor, tangent: Tensor): Dual {
    return new Dual(this, primal, tangent)
  }
}

/** Outputs of `f` at `primals` and their tangents along `tangents`; `null` is a zero tangent. `f` is also handed `lower`: a tensor of its level as the level below sees it. */
export function jvpFlat(
  f: (xs: Tensors, lower: (x: Tensor) => Tensor) => Tensors,
  primals: Tensors,
  tangents: readonly Tangent[],
): [ys: Tensors, dys: readonly Tangent[]] {
  const loans = new Loans()
  const out = withTrace(new JvpTrace(), (trace) => {
    const lower = (x: Tensor): Tensor => trace.leaving(x)
    const ys = f(
      primals.map((x, i) => loans.lend(x, tangents[i] ? new Dual(trace, x.wrap(x.value), tangents[i]) : x.value)),
      lower,
    )
    loans.collect(lower)
    const dys = ys.map((y) => trace.tangent(y))
    return [ys.map((y) => trace.leaving(y)), dys.map((d) => d && d.wrap(d.value))] satisfies [Tensors, Tangent[]]
  })
  loans.settle()
  return out
}

/** The transform as rules of higher-order ops are handed it. */
export const jvpOf: Jvp = (f, primals, tangents) => jvpFlat((xs) => listOf(f(...xs)), primals, tangents)
