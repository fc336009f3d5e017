import { type DType, type Expr, type Loop, type LoopSpec, type View, defineLoop, dtypes, expr } from '@mapgrad/kernel'
import type { Tensor } from '../tensor.ts'
import type { Backend, Storage } from './backend.ts'
import { tidy } from './memory.ts'
import { InternalError, TensorRangeError, TensorTypeError, show } from './errors.ts'
import type { AnyOp, Compute, Layout, LoopRequest, Tensors } from './op.ts'
import { broadcastShapes, sameShape } from './shape.ts'
import type { Outputs } from './trace.ts'
import { ArrayValue, type Aval } from './value.ts'
import { kernelOf } from './words.ts'

/**
 * Computes an op on arrays, in this order: the backend's own kernel for it → the op's loop, view or named kernel →
 * its decomposition → an error. Never on another device.
 */
export function evaluate(op: AnyOp, inputs: Tensors, params: unknown): Outputs {
  const { compute } = op as { readonly compute: Compute<Tensors, unknown> }
  // what the functions of its params compute on the way, every transform in flight has renounced
  if (op.captures && compute.kind === 'decompose') return tidy(() => compute.decompose(inputs, params))
  const xs = new Array<ArrayValue>(inputs.length)
  for (let i = 0; i < inputs.length; i++) xs[i] = inputs[i]!.value.concrete(op.name)
  const like = inputs[0]
  if (!like) throw new InternalError('every op needs an operand', op.name)
  const backend = deviceOf(op, xs)
  const own = kernelOf(backend, op)
  if (own) return runKernel(op, backend, xs, op.result(xs, params), own, params, params, like)
  switch (compute.kind) {
    case 'pointwise':
      return like.wrap(runPointwise(op, compute.build, backend, xs, op.result(xs, params) as Aval))
    case 'reduce':
      return like.wrap(runReduction(op, compute, backend, xs, params as { dims: readonly number[] }, op.result(xs, params) as Aval))
    case 'view':
      return like.wrap(runView(compute.view, xs[0]!, params, op.result(xs, params) as Aval))
    case 'pieces':
      return like.wrap(runPieces(op, compute, backend, xs, params, op.result(xs, params) as Aval))
    case 'loop': {
      const out = op.result(xs, params) as Aval
      return like.wrap(runLoop(op, backend, xs, compute.request(xs, params, out), out, params))
    }
    case 'kernel': {
      const named = backend.kernels[compute.name]
      if (!named) throw missingKernel(op, backend, `kernels.${compute.name}`)
      const out = op.result(xs, params)
      const views = compute.views?.(xs, params, out as Aval)
      const looks = views ? xs.map((x, i) => x.view(views[i]!.shape, views[i]!.strides, views[i]!.offset)) : xs
      const ys = runKernel(op, backend, looks, out, named, compute.params(params), params, like)
      release(looks, xs)
      return ys
    }
    case 'decompose':
      // operands are arrays, so nobody else can hold what is computed on the way
      return tidy(() => compute.decompose(inputs, params))
  }
}

function missingKernel(op: AnyOp, backend: Backend, slot: string): TensorTypeError {
  return new TensorTypeError(
    `expected device '${backend.name}' to have a kernel for it (${slot}), got none. Give the backend that kernel, register one with registerKernel(backend, op, kernel), or move the tensor to another device`,
    { op: op.name, code: 'MISSING_KERNEL' },
  )
}

/** The one device of the operands; a number standing as an operand goes where the tensors are. */
function deviceOf(op: AnyOp, xs: readonly ArrayValue[]): Backend {
  let found: Backend | null = null
  for (let i = 0; i < xs.length; i++) {
    const x = xs[i]!
    if (x.backend === found || (!x.buffer && x.shape.length === 0)) continue
    if (found)
      throw new TensorTypeError(
        `expected all tensors on one device, got '${found.name}' and '${x.backend.name}'. Move one of them with x.to(device)`,
        { op: op.name, code: 'MIXED_DEVICES' },
      )
    found = x.backend
  }
  return found ?? xs[0]!.backend
}

function checkDType(op: AnyOp, backend: Backend, dtype: DType): void {
  if (!backend.dtypes.includes(dtype))
    throw new TensorTypeError(
      `expected a dtype that device '${backend.name}' computes (${backend.dtypes.join(', ')}), got ${dtype}. Convert with x.to('float32')`,
      { op: op.name, code: 'DTYPE_DEVICE' },
    )
}

const codes: Readonly<Record<DType, number>> = /* @__PURE__ */ Object.fromEntries(Object.keys(dtypes).map((d, i) => [d, i])) as Record<
  DType,
  number
>

/** The op's loop for these dtypes. A repeated number is passed with the call, so it is a scalar of the loop and no input. */
function loopFor(op: AnyOp, xs: readonly ArrayValue[], make: (inputs: Expr[]) => Omit<LoopSpec, 'name' | 'inputs' | 'scalars'>): Loop {
  let key = 0
  for (let i = 0; i < xs.length; i++) key = key * 32 + codes[xs[i]!.dtype] * 2 + (xs[i]!.buffer ? 0 : 1)
  const known = op.loops.get(key)
  if (known) return known
  const inputs: DType[] = []
  const scalars: DType[] = []
  const args = xs.map((x) => (x.buffer ? expr.input(inputs.push(x.dtype) - 1, x.dtype) : expr.scalar(scalars.push(x.dtype) - 1, x.dtype)))
  const made = defineLoop({ name: op.name, inputs, scalars, ...make(args) })
  op.loops.set(key, made)
  return made
}

function viewOf(x: ArrayValue, strides: readonly number[]): View<Storage> {
  return { storage: x.buffer!.storage, dtype: x.dtype, offset: x.offset, strides }
}

/** Strides of `x` over a shape it broadcasts to. */
export function broadcastStrides(x: Layout, shape: readonly number[]): readonly number[] {
  if (sameShape(x.shape, shape)) return x.strides
  const lead = shape.length - x.shape.length
  const out = new Array<number>(shape.length).fill(0)
  for (let i = 0; i < x.shape.length; i++) out[lead + i] = x.shape[i] === 1 ? 0 : x.strides[i]!
  return out
}

const NOTHING: readonly (number | bigint)[] = []

function operands(xs: readonly ArrayValue[], shape: readonly number[]): { inputs: View<Storage>[]; scalars: readonly (number | bigint)[] } {
  const inputs: View<Storage>[] = []
  let scalars: (number | bigint)[] | null = null
  for (let i = 0; i < xs.length; i++) {
    const x = xs[i]!
    if (x.buffer) inputs.push(viewOf(x, broadcastStrides(x, shape)))
    else (scalars ??= []).push(x.fill)
  }
  return { inputs, scalars: scalars ?? NOTHING }
}

function runPointwise(op: AnyOp, build: (...xs: Expr[]) => Expr, backend: Backend, xs: readonly ArrayValue[], out: Aval): ArrayValue {
  checkDType(op, backend, out.dtype)
  const loop = loopFor(op, xs, (args) => ({ body: build(...args) }))
  const y = ArrayValue.allocate(backend, loop.output, out.shape)
  const { inputs, scalars } = operands(xs, out.shape)
  backend.run({ loop, sizes: out.shape, reducedAxes: 0, inputs, scalars, out: viewOf(y, y.strides) })
  return y
}

function runReduction(
  op: AnyOp,
  compute: Compute<Tensors, unknown> & { kind: 'reduce' },
  backend: Backend,
  xs: readonly ArrayValue[],
  { dims }: { dims: readonly number[] },
  out: Aval,
): ArrayValue {
  checkDType(op, backend, out.dtype)
  let { shape } = xs[0]!
  for (let i = 1; i < xs.length; i++) shape = broadcastShapes(op.name, shape, xs[i]!.shape)
  const rank = shape.length
  const order: number[] = []
  for (let i = 0; i < rank; i++) if (!dims.includes(i - rank)) order.push(i)
  for (const d of dims) order.push(d + rank)
  const loop = loopFor(op, xs, (args) => ({ reduce: compute.op, body: compute.build(...args) }))
  const y = ArrayValue.allocate(backend, loop.output, out.shape)
  const { inputs, scalars } = operands(xs, shape)
  const permuted = inputs.map((v) => ({ ...v, strides: order.map((i) => v.strides[i]!) }))
  backend.run({ loop, sizes: order.map((i) => shape[i]!), reducedAxes: dims.length, inputs: permuted, scalars, out: viewOf(y, y.strides) })
  return y
}

function runView(
  f: (x: Layout, params: unknown, shape: readonly number[]) => Layout | null,
  x: ArrayValue,
  params: unknown,
  out: Aval,
): ArrayValue {
  if (!x.buffer) return ArrayValue.filled(x.backend, x.dtype, out.shape, x.fill)
  const layout = f(x, params, out.shape)
  if (layout) return x.view(layout.shape, layout.strides, layout.offset)
  const copy = contiguousCopy(x)
  const again = f(copy, params, out.shape)
  if (!again) throw new InternalError('a contiguous array has every view')
  const y = copy.view(again.shape, again.strides, again.offset)
  copy.dispose()
  return y
}

const copies = /* @__PURE__ */ new Map<string, Loop>()

/** Writes the elements of `x` to `place`, a layout of its shape over the memory of `y`. */
export function copyTo(x: ArrayValue, y: ArrayValue, { shape, strides, offset }: Layout): void {
  const key = x.buffer ? x.dtype : `${x.dtype} fill`
  let loop = copies.get(key)
  if (!loop) {
    loop = defineLoop(
      x.buffer
        ? { name: 'copy', inputs: [x.dtype], body: expr.input(0, x.dtype) }
        : { name: 'fill', inputs: [], scalars: [x.dtype], body: expr.scalar(0, x.dtype) },
    )
    copies.set(key, loop)
  }
  const { inputs, scalars } = operands([x], shape)
  y.backend.run({ loop, sizes: shape, reducedAxes: 0, inputs, scalars, out: { ...viewOf(y, strides), offset } })
}

/** The same elements in row-major order in memory of their own. */
export function contiguousCopy(x: ArrayValue): ArrayValue {
  const y = ArrayValue.allocate(x.backend, x.dtype, x.shape)
  copyTo(x, y, y)
  return y
}

function runPieces(
  op: AnyOp,
  { places, cover }: Compute<Tensors, unknown> & { kind: 'pieces' },
  backend: Backend,
  xs: readonly ArrayValue[],
  params: unknown,
  out: Aval,
): ArrayValue {
  checkDType(op, backend, out.dtype)
  const y = ArrayValue.allocate(backend, out.dtype, out.shape)
  if (!cover) copyTo(ArrayValue.filled(backend, out.dtype, out.shape, out.dtype === 'int64' ? 0n : 0), y, y)
  const at = places(xs, params, y)
  xs.forEach((x, i) => copyTo(x, y, at[i]!))
  return y
}

function runLoop(op: AnyOp, backend: Backend, given: readonly ArrayValue[], request: LoopRequest, out: Aval, params: unknown): ArrayValue {
  checkDType(op, backend, out.dtype)
  const xs = given.map(stored)
  const key = `${request.variant};${given.map((x) => x.dtype).join()}`
  let loop = op.loops.get(key)
  if (!loop) {
    loop = defineLoop({ name: op.name, ...request.loop() })
    op.loops.set(key, loop)
  }
  const y = ArrayValue.allocate(backend, loop.output, out.shape)
  const inputs = request.inputs.map((v, i): View<Storage> => {
    const from = v.operand ?? i
    const x = xs[from]!
    return x === given[from]
      ? { ...v, storage: x.buffer!.storage, dtype: x.dtype }
      : {
          ...v,
          storage: x.buffer!.storage,
          dtype: x.dtype,
          offset: 0,
          strides: v.strides.map(() => 0),
          ...(v.coordinates && { coordinates: v.coordinates.map((c) => ({ ...c, stride: 0 })) }),
        }
  })
  const ok = backend.run({
    loop,
    sizes: request.sizes ?? out.shape,
    reducedAxes: request.reducedAxes ?? 0,
    inputs,
    scalars: request.scalars ?? NOTHING,
    out: viewOf(y, y.strides),
  })
  release(xs, given)
  if (ok === false) throw outOfRange(op, given, params)
  return y
}

function runKernel(
  op: AnyOp,
  backend: Backend,
  given: readonly ArrayValue[],
  result: Aval | readonly Aval[],
  kernel: (inputs: readonly (View<Storage> & Layout)[], params: never, outs: readonly (View<Storage> & Layout)[]) => boolean | void,
  asked: unknown,
  params: unknown,
  like: Tensor,
): Outputs {
  const many = Array.isArray(result)
  const avals = (many ? result : [result]) as readonly Aval[]
  for (const a of avals) checkDType(op, backend, a.dtype)
  const xs = given.map(stored)
  const ys = avals.map((a) => ArrayValue.allocate(backend, a.dtype, a.shape))
  const look = (x: ArrayValue): View<Storage> & Layout => ({ ...viewOf(x, x.strides), shape: x.shape })
  const ok = kernel(xs.map(look), asked as never, ys.map(look))
  release(xs, given)
  if (ok === false) throw outOfRange(op, given, params)
  return many ? ys.map((y) => like.wrap(y)) : like.wrap(ys[0]!)
}

/** A repeated number put into memory as one element, for kernels that only take memory. */
function stored(x: ArrayValue): ArrayValue {
  if (x.buffer) return x
  const one = contiguousCopy(ArrayValue.filled(x.backend, x.dtype, [], x.fill))
  const y = one.view(x.shape, x.strides, 0)
  one.dispose()
  return y
}

function release(xs: readonly ArrayValue[], given: readonly ArrayValue[]): void {
  for (let i = 0; i < xs.length; i++) if (xs[i] !== given[i]) xs[i]!.dispose()
}

function outOfRange(op: AnyOp, xs: readonly ArrayValue[], params: unknown): TensorRangeError {
  return new TensorRangeError(
    op.outOfRange?.(xs, params) ??
      `index out of range: expected every index to lie inside the axis it selects from, got one outside; the operands have shapes ${xs.map((x) => show(x.shape)).join(', ')}`,
    {
      op: op.name,
      code: 'INDEX_RANGE',
    },
  )
}
