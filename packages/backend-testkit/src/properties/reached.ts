import type { DType, Tensor } from '@mapgrad/tensor'
import { type AnyOp, type ArrayValue, type Backend, type Outputs, type Shape, type Tensors, Trace, Tracer, type Value, bind, withTrace } from '@mapgrad/tensor/plugin'
import type { OpSample } from '../samples/spec.ts'
import { contextOf, onBackend, operands, outputs } from './context.ts'

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
    const out = bind(op, inputs.map((x) => (x.value instanceof Watched ? x.value.inner : x)), params)
    const wrap = (y: Tensor): Tensor => y.wrap(new Watched(this, y))
    return Array.isArray(out) ? (out as Tensors).map(wrap) : wrap(out as Tensor)
  }
}

/** The ops that running the samples applies. */
export function reachedOps(samples: Iterable<OpSample>, backend: Backend): Set<AnyOp> {
  const seen = new Set<AnyOp>()
  for (const sample of samples) {
    const c = contextOf(sample, backend, undefined)
    onBackend(c, () =>
      withTrace(new Watch(seen), (trace) => {
        outputs(sample, operands(c).map((x) => x.wrap(new Watched(trace, x))))
      }),
    )
  }
  return seen
}

/** The ops among the exports of modules and their namespaces, by the path to each. */
export function exportedOps(modules: Readonly<Record<string, unknown>>, path = ''): Map<string, AnyOp> {
  const out = new Map<string, AnyOp>()
  for (const [name, value] of Object.entries(modules)) {
    const def = typeof value === 'function' ? (value as { readonly def?: AnyOp }).def : undefined
    if (def?.compute) out.set(path + name, def)
    else if (typeof value === 'object' && value !== null && (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null))
      for (const [k, v] of exportedOps(value as Record<string, unknown>, `${path}${name}.`)) out.set(k, v)
  }
  return out
}
