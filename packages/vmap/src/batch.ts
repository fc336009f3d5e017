import type { DType, Tensor } from '@mapgrad/tensor'
import {
  type AnyOp,
  type ArrayValue,
  type Backend,
  type BatchContext,
  type Dim,
  type Outputs,
  type Shape,
  type Tensors,
  TensorTypeError,
  Trace,
  Tracer,
  type Value,
  type Vmap,
  type Writing,
  batchFirst,
  batchOf,
  bind,
  drawsRandomly,
  checkAlive,
  expandTo,
  moveAxis,
  resume,
  sameShape,
  withTrace,
  write,
} from '@mapgrad/tensor/plugin'

/** What random draws inside `vmap` do: raise, differ per example, or be the same for all. */
export type Randomness = BatchContext['randomness']

/** A value that stands for one example; the examples lie along `dim` of the tensor it holds. */
export class Batched extends Tracer {
  readonly inner: Tensor
  readonly dim: number
  readonly shape: Shape
  constructor(trace: Trace, inner: Tensor, dim: number) {
    super(trace)
    this.inner = inner
    this.dim = dim
    const { shape } = inner.value
    this.shape = dim === 0 ? shape.slice(1) : shape.filter((_, i) => i !== dim)
  }
  get dtype(): DType {
    return this.inner.dtype
  }
  get backend(): Backend {
    return this.inner.value.backend
  }
  override get parts(): Tensors {
    return [this.inner]
  }
  concrete(what: string): ArrayValue {
    checkAlive(what, this)
    const refusal =
      what === 'isNonzero'
        ? "It looks like you're attempting to use a Tensor in some data-dependent control flow. We don't support that yet"
        : `It looks like you're calling .${what}() on a Tensor. We don't support vmap over calling .${what}() on a Tensor, please try to rewrite what you're doing with other operations`
    throw new TensorTypeError(
      `${refusal}. Inside vmap a tensor stands for all ${this.inner.shape[this.dim]} examples at once. Use where(condition, x, y) instead of if, and return what you want to read`,
      { package: 'vmap', op: what, code: 'UNREADABLE' },
    )
  }
  arrays(): readonly ArrayValue[] {
    return this.inner.value.arrays()
  }
  describe(inner: (v: Value) => string): string {
    return `BatchedTensor(lvl=${this.trace.level}, bdim=${this.dim}, value=${inner(this.inner.value)})`
  }
}

/** Told of every op that reaches a `vmap`, which it applies by `apply`, or in its own way. */
export type Observer = (trace: BatchTrace, op: AnyOp, inputs: Tensors, params: unknown, apply: () => Outputs) => Outputs
let observer: Observer | null = null

/** Runs `f` with `next` told of what happens; gives what it returns. */
export function observing<R>(next: Observer, f: () => R): R {
  const before = observer
  observer = next
  try {
    return f()
  } finally {
    observer = before
  }
}

/** The batching interpreter: an op on examples becomes the same op, or what its rule says, on all examples at once. */
export class BatchTrace extends Trace {
  readonly name = 'vmap'
  override readonly package = 'vmap'
  override readonly escaped = 'your tensor may have escaped from inside a function being vmapped and this is a user error'
  readonly size: number
  readonly randomness: Randomness
  constructor(size: number, randomness: Randomness) {
    super()
    this.size = size
    this.randomness = randomness
  }

  override captured(op: string, next: Value, how: Writing): void {
    if (!next.trace || next.trace.level < this.level) return
    const what = how.placed ? op : 'inplace arithmetic'
    throw new TensorTypeError(
      how.random && this.randomness === 'different'
        ? 'Cannot ask for different inplace randomness on an unbatched tensor. This will appear like same randomness. If this is necessary for your usage, give each example a tensor of its own, such as x.newZeros(...) of a mapped x'
        : `${what}(self, *extra_args) is not possible because there exists a Tensor \`other\` in extra_args that has more elements than \`self\`. This happened due to \`other\` being vmapped over but \`self\` not being vmapped over in a vmap. Please try to use out-of-place operators instead of ${what}, or make the tensor inside the mapped function`,
      { package: 'vmap', op, code: 'CAPTURED_MUTATION' },
    )
  }

  own(x: Tensor): Batched | undefined {
    return x.value instanceof Batched && x.value.trace === this ? x.value : undefined
  }
  inner(x: Tensor): Tensor {
    return this.own(x)?.inner ?? x
  }
  dim(x: Tensor): Dim {
    return this.own(x)?.dim ?? null
  }
  wrap(y: Tensor, dim: Dim): Tensor {
    return dim === null ? y : y.wrap(new Batched(this, y, dim))
  }

  process(op: AnyOp, inputs: Tensors, params: unknown): Outputs {
    return observer === null ? this.#apply(op, inputs, params) : observer(this, op, inputs, params, () => this.#apply(op, inputs, params))
  }

  #apply(op: AnyOp, inputs: Tensors, params: unknown): Outputs {
    const xs = inputs.map((x) => this.inner(x))
    const dims = inputs.map((x) => this.dim(x))
    if (dims.every((d) => d === null) && !drawsRandomly(op, params) && !op.captures) return bind(op, xs, params)
    const rule = batchOf(op)
    if (rule === 'pointwise' && meetInPlace(xs, dims))
      return this.#wrapAll(
        bind(op, xs, params),
        dims.find((d) => d !== null)!,
      )
    if (typeof rule === 'string') return this.#wrapAll(bind(op, alignLeading(xs, dims), params), 0)
    if (typeof rule !== 'function') {
      const { compute } = op
      // what its author gave no rule is what it is made of
      if (!rule && compute.kind === 'decompose') return resume(this, () => compute.decompose(inputs, params) as Outputs)
      throw new TensorTypeError(
        `has no batching rule: ${rule?.reason ?? 'none was given'}. Give it one with registerBatching(op, rule), or call it outside vmap`,
        { package: 'vmap', op: op.name, code: 'MISSING_BATCHING' },
      )
    }
    const [ys, dim] = rule(xs, dims, params, {
      size: this.size,
      randomness: this.randomness,
      vmap: vmapOf,
      under: this.under,
      each: this.each,
    })
    if (op.captures && (ys as Tensors).some((y) => this.own(y)))
      throw new TensorTypeError(
        'expected a rule that works on whole batches, got one that closes over a value of which this vmap shows one example. Pass it as an argument',
        { package: 'vmap', op: op.name, code: 'CAPTURED' },
      )
    return this.#wrapAll(ys, dim)
  }

  /** `f` under this transform, on operands and axes of the level below. */
  readonly under: BatchContext['under'] =
    (f, dims) =>
    (...xs) =>
      resume(this, () => {
        const out = f(...xs.map((x, i) => this.wrap(x, dims[i] ?? null)))
        const ys = Array.isArray(out) ? (out as Tensors) : [out as Tensor]
        return [ys.map((y) => this.inner(y)), ys.map((y) => this.dim(y))]
      })

  /** `f`, which closes over nothing, under a transform of its own that is like this one. */
  readonly each: BatchContext['each'] =
    (f, dims) =>
    (...xs) =>
      withTrace(new BatchTrace(this.size, this.randomness), (trace) => trace.under(f, dims)(...xs))

  #wrapAll(ys: Outputs, dims: Dim | readonly Dim[]): Outputs {
    if (!Array.isArray(ys)) return this.wrap(ys as Tensor, dims as Dim)
    return (ys as Tensors).map((y, i) => this.wrap(y, Array.isArray(dims) ? (dims as Dim[])[i]! : (dims as Dim)))
  }
}

/** Whether broadcasting aligns the batch axes as they are: one place from the end, and unbatched operands end before it. */
function meetInPlace(xs: Tensors, dims: readonly Dim[]): boolean {
  let fromEnd = 0
  for (let i = 0; i < xs.length; i++) {
    const d = dims[i]
    if (d === null || d === undefined) continue
    const e = xs[i]!.ndim - d
    if (fromEnd !== 0 && e !== fromEnd) return false
    fromEnd = e
  }
  let rank = 0
  for (let i = 0; i < xs.length; i++) {
    const d = dims[i]
    if (d === null || d === undefined) {
      if (xs[i]!.ndim >= fromEnd) return false
    } else {
      if (rank !== 0 && xs[i]!.ndim !== rank) return false
      rank = xs[i]!.ndim
    }
  }
  return true
}

/** Batch axes to the front, ranks padded so that they meet; broadcasting over leading axes does the rest. */
function alignLeading(xs: Tensors, dims: readonly Dim[]): Tensor[] {
  let rank = 0
  for (let i = 0; i < xs.length; i++) rank = Math.max(rank, xs[i]!.ndim - (dims[i] === null ? 0 : 1))
  return xs.map((x, i) => (dims[i] === null ? x : batchFirst(x, dims[i]!, rank)))
}

/** An output with the examples along axis `to`; what depends on no example is repeated. */
export function materialize(trace: BatchTrace, out: Tensor, to: number): Tensor {
  const { value } = out
  if (value instanceof Batched && value.trace instanceof BatchTrace && value.trace.floats) {
    const before = to <= value.dim
    return value.trace.wrap(materialize(trace, value.inner, before ? to : to + 1), before ? value.dim + 1 : value.dim)
  }
  const dim = trace.dim(out)
  const inner = trace.inner(out)
  const y = dim === null ? moveAxis(expandTo(out.wrap(out.value), [trace.size, ...out.shape]), 0, to) : moveAxis(inner, dim, to)
  // a tensor of its own: what it was made from may be in use at this level
  return y.wrap(y.value)
}

/** What `lend` makes of each operand that is mapped. One that comes twice along the same axis is one tensor inside too, as writes show. */
export function lendEach<T>(xs: readonly T[], dims: readonly Dim[], lend: (x: T, dim: number) => T): T[] {
  const lent: T[] = []
  for (const [i, x] of xs.entries()) {
    const dim = dims[i]!
    const first = dim === null ? i : xs.indexOf(x)
    lent.push(dim === null ? x : first < i && dims[first] === dim ? lent[first]! : lend(x, dim))
  }
  return lent
}

/** `f` on lists of tensors, over all examples at once; `null` is an operand that all examples share. Outputs have their examples in front. */
export function vmapFlat(
  f: (xs: Tensors, trace: BatchTrace) => Tensors,
  xs: Tensors,
  dims: readonly Dim[],
  size: number,
  randomness: Randomness,
): Tensors {
  let written: (() => void)[] = []
  const ys = withTrace(new BatchTrace(size, randomness), (trace) => {
    const examples = lendEach(xs, dims, (x, dim) => trace.wrap(x.wrap(x.value), dim))
    const before = examples.map((x) => x.value)
    const out = f(examples, trace)
    // what was written into mapped arguments is written into the caller's
    written = examples.flatMap((x, i) => {
      const { base } = x
      if (x === xs[i] || base === before[i] || !sameShape(base.shape, before[i]!.shape)) return []
      const all = materialize(trace, x.wrap(base), dims[i]!)
      return [() => write(xs[i]!, 'copy_', all)]
    })
    return out
  })
  for (const settle of written) settle()
  return ys
}

/** The transform as rules of higher-order ops are handed it. */
export const vmapOf: Vmap =
  (f, dims) =>
  (...xs) => {
    const k = dims.findIndex((d) => d !== null)
    if (k < 0) return f(...xs)
    const size = xs[k]!.shape[dims[k]!]!
    let many = false
    const ys = vmapFlat(
      (examples, trace) => {
        const out = f(...examples)
        many = Array.isArray(out)
        return (many ? (out as Tensors) : [out as Tensor]).map((y) => materialize(trace, y, 0))
      },
      xs,
      dims,
      size,
      'error',
    )
    return many ? ys : ys[0]!
  }
