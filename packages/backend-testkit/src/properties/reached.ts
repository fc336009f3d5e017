import { jvp, vjp } from '@mapgrad/autodiff'
import { type DType, type Tensor, mul, tensor } from '@mapgrad/tensor'
import {
  type AnyOp,
  type ArrayValue,
  type Backend,
  type Outputs,
  type Shape,
  type Tensors,
  Trace,
  Tracer,
  type Value,
  bind,
  expandTo,
  moveAxis,
  withTrace,
} from '@mapgrad/tensor/plugin'
import { vmap } from '@mapgrad/vmap'
import type { OpSample } from '../samples/spec.ts'
import { contextOf, ofVariables, onBackend, operands, outputs, variables } from './context.ts'

class Watched extends Tracer {
  readonly inner: Tensor
  constructor(trace: Trace, inner: Tensor) {
    super(trace)
    this.inner = inner
  }
  get shape(): Shape {
    return this.inner.shape
  }
  get dtype(): DType {
    return this.inner.dtype
  }
  get backend(): Backend {
    return this.inner.value.backend
  }
  concrete(what: string): ArrayValue {
    return this.inner.value.concrete(what)
  }
  arrays(): readonly ArrayValue[] {
    return this.inner.value.arrays()
  }
  describe(inner: (v: Value) => string): string {
    return inner(this.inner.value)
  }
}

/** Notes every op that is applied, and applies it. */
class Watch extends Trace {
  readonly name = 'watch'
  override readonly package = 'backend-testkit'
  readonly seen: Set<AnyOp>
  constructor(seen: Set<AnyOp>) {
    super()
    this.seen = seen
  }
  process(op: AnyOp, inputs: Tensors, params: unknown): Outputs {
    this.seen.add(op)
    // what a backend without a kernel of its own would apply
    if (op.compute.kind === 'decompose') (op.compute.decompose as (xs: Tensors, params: unknown) => Outputs)(inputs, params)
    const out = bind(
      op,
      inputs.map((x) => (x.value instanceof Watched ? x.value.inner : x)),
      params,
    )
    const wrap = (y: Tensor): Tensor => y.wrap(new Watched(this, y))
    return Array.isArray(out) ? (out as Tensors).map(wrap) : wrap(out as Tensor)
  }
}

/** The ops that the samples apply: running them, differentiating them twice, and batching. */
export function reachedOps(samples: Iterable<OpSample>, backend: Backend): Set<AnyOp> {
  const seen = new Set<AnyOp>()
  for (const sample of samples) {
    const c = contextOf(sample, backend, undefined)
    onBackend(c, () =>
      withTrace(new Watch(seen), (trace) => {
        const xs = operands(c).map((x) => x.wrap(new Watched(trace, x)))
        outputs(sample, xs)
        if (sample.unbatched === undefined) vmap((...e: Tensor[]) => outputs(sample, e), -1, 0)(...xs.map((x) => stacked(x)))
        const at = variables(c)
        if (sample.differentiable === false || at.length === 0) return
        const primals = at.map((i) => xs[i]!)
        const gradient = (...ps: Tensor[]): Tensor[] => {
          const [ys, pull] = vjp(ofVariables(c, xs, at), ps)
          return pull(ys)
        }
        jvp(gradient, primals, primals)
        vjp(gradient, primals)[1](primals)
      }),
    )
  }
  return seen
}

/** Two examples along a new last axis; floats differ, so that examples may go different ways. */
function stacked(x: Tensor): Tensor {
  const both = moveAxis(expandTo(x, [2, ...x.shape]), 0, x.ndim)
  return x.dtype.includes('float') ? mul(both, tensor([1, 0.25], { dtype: x.dtype, device: x.value.backend })) : both
}

/** The ops among the exports of modules and their namespaces, by the path to each. */
export function exportedOps(modules: Readonly<Record<string, unknown>>, path = ''): Map<string, AnyOp> {
  const out = new Map<string, AnyOp>()
  for (const [name, value] of Object.entries(modules)) {
    const def = typeof value === 'function' ? (value as { readonly def?: AnyOp }).def : undefined
    if (def?.compute) out.set(path + name, def)
    else if (
      typeof value === 'object' &&
      value !== null &&
      (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null)
    )
      for (const [k, v] of exportedOps(value as Record<string, unknown>, `${path}${name}.`)) out.set(k, v)
  }
  return out
}
