import type { Tensor } from '@mapgrad/tensor'
import { type AnyOp, type ArrayValue, type Jvp, type Outputs, type Shape, type Tangent, type Tensors, Trace, Tracer, type Value, bind, withTrace } from '@mapgrad/tensor/plugin'
import type { DType } from '@mapgrad/tensor'
import type { Backend } from '@mapgrad/tensor/plugin'
import { listOf, pushforward } from './rules.ts'

/** A value with the tangent that goes with it. */
class Dual extends Tracer {
  readonly primal: Tensor
  readonly tangent: Tensor
  constructor(trace: Trace, primal: Tensor, tangent: Tensor) {
    super(trace)
    this.primal = primal
    this.tangent = tangent
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
  concrete(what: string): ArrayValue {
    return this.primal.value.concrete(what)
  }
  arrays(): readonly ArrayValue[] {
    return [...this.primal.value.arrays(), ...this.tangent.value.arrays()]
  }
  describe(inner: (v: Value) => string): string {
    return `GradTrackingTensor(lvl=${this.trace.level}, value=${inner(this.primal.value)})`
  }
}

class JvpTrace extends Trace {
  readonly name = 'jvp'
  override readonly package = 'autodiff'

  own(x: Tensor): Dual | undefined {
    return x.value instanceof Dual && x.value.trace === this ? x.value : undefined
  }
  primal(x: Tensor): Tensor {
    return this.own(x)?.primal ?? x.wrap(x.value)
  }
  tangent(x: Tensor): Tangent {
    return this.own(x)?.tangent ?? null
  }

  process(op: AnyOp, inputs: Tensors, params: unknown): Outputs {
    const xs = inputs.map((x) => this.primal(x))
    const dxs = inputs.map((x) => this.tangent(x))
    const out = bind(op, xs, params)
    if (dxs.every((d) => d === null)) return out
    const ys = listOf(out)
    const duals = pushforward(op, ys, xs, params, dxs, jvpOf).map((dy, i) => (dy ? ys[i]!.wrap(new Dual(this, ys[i]!, dy)) : ys[i]!))
    return Array.isArray(out) ? duals : duals[0]!
  }
}

/** Outputs of `f` at `primals` and their tangents along `tangents`; `null` is a zero tangent. */
export function jvpFlat(f: (xs: Tensors) => Tensors, primals: Tensors, tangents: readonly Tangent[]): [ys: Tensors, dys: readonly Tangent[]] {
  return withTrace(new JvpTrace(), (trace) => {
    const ys = f(primals.map((x, i) => (tangents[i] ? x.wrap(new Dual(trace, x.wrap(x.value), tangents[i])) : x)))
    return [ys.map((y) => trace.primal(y)), ys.map((y) => trace.tangent(y))]
  })
}

/** The transform as rules of higher-order ops are handed it. */
export const jvpOf: Jvp = (f, primals, tangents) => jvpFlat((xs) => listOf(f(...xs)), primals, tangents)
