import { type DType, type Tensor, add } from '@mapgrad/tensor'
import { type AnyOp, type ArrayValue, type Backend, type Outputs, type Shape, type Tangent, type Tensors, Trace, Tracer, type Value, type Vjp, bind, diffOf, internally, withTrace } from '@mapgrad/tensor/plugin'
import { listOf, pullback } from './rules.ts'

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

class VjpTrace extends Trace {
  readonly name = 'grad'
  override readonly package = 'autodiff'
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
    const parents = inputs.map((x) => this.own(x))
    const xs = inputs.map((x) => this.primal(x))
    const out = bind(op, xs, params)
    if (parents.every((p) => p === undefined) || diffOf(op).kind === 'constant') return out
    const ys = listOf(out)
    const node = this.node(parents, ys.length, (cts) => pullback(op, ys, xs, params, cts, vjpOf))
    const taped = ys.map((y, i) => (isDifferentiable(y) ? y.wrap(new Taped(this, y, node, i)) : y))
    return Array.isArray(out) ? taped : taped[0]!
  }
}

const isDifferentiable = (x: Tensor): boolean => x.dtype.includes('float')

/** Outputs of `f` at `primals`, and the map from cotangents of them to cotangents of the primals; `null` is zero. */
export function vjpFlat(f: (xs: Tensors) => Tensors, primals: Tensors): [ys: Tensors, pull: (cts: readonly Tangent[]) => readonly Tangent[]] {
  return withTrace(new VjpTrace(), (trace) => {
    const leaves = primals.map((x) => (isDifferentiable(x) ? x.wrap(new Taped(trace, x.wrap(x.value), trace.node([], 1, () => []), 0)) : x))
    const ys = f(leaves)
    const ends = ys.map((y) => trace.own(y))
    const starts = leaves.map((x) => trace.own(x)?.node)
    return [ys.map((y) => trace.primal(y)), (cts) => internally(() => backward(ends, cts, starts))]
  })
}

/** Walks the tape from the newest node back, adding up the cotangents that meet. */
function backward(ends: readonly (Taped | undefined)[], seeds: readonly Tangent[], starts: readonly (Node | undefined)[]): readonly Tangent[] {
  const cts = new Map<Node, Tangent[]>()
  const accumulate = (to: Taped | undefined, ct: Tangent | undefined): void => {
    if (!to || !ct) return
    let slots = cts.get(to.node)
    if (!slots) cts.set(to.node, (slots = new Array<Tangent>(to.node.outputs).fill(null)))
    const sofar = slots[to.output]
    slots[to.output] = sofar ? add(sofar, ct) : ct
  }
  ends.forEach((end, i) => accumulate(end, seeds[i]))
  for (const node of newestFirst(ends)) {
    const out = cts.get(node)
    if (!out || !node.parents.length) continue
    const grads = node.pull(out)
    node.parents.forEach((p, i) => accumulate(p, grads[i]))
    cts.delete(node)
  }
  return starts.map((node) => (node ? (cts.get(node)?.[0] ?? null) : null))
}

function newestFirst(ends: readonly (Taped | undefined)[]): Node[] {
  const seen = new Set<Node>()
  for (const end of ends) if (end) seen.add(end.node)
  // a Set's iteration also visits what is added while it runs
  for (const n of seen) for (const p of n.parents) if (p) seen.add(p.node)
  return [...seen].sort((a, b) => b.id - a.id)
}

/** The transform as rules of higher-order ops are handed it. */
export const vjpOf: Vjp = (f, primals) => vjpFlat((xs) => listOf(f(...xs)), primals)
