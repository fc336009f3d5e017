import type { Expr, ReduceOp } from '@mapgrad/kernel'
import { TensorTypeError } from './errors.ts'
import { registry } from './registry.ts'
import type { AnyOp, Batch, Compute, Diff, Layout, LoopRequest, Op, Partial, Place, Put, Tensors } from './op.ts'
import { broadcastShapes } from './shape.ts'
import type { Outputs } from './trace.ts'
import type { Aval } from './value.ts'
import type { Tensor } from '../tensor.ts'
import type { Backend, Storage } from './backend.ts'
import type { NamedKernel } from '@mapgrad/kernel'

// The words op definitions are written in.

type Avals<X extends Tensors> = { readonly [K in keyof X]: Aval }

/** Computed element by element over the broadcast shape of the operands. */
export const pointwise = /* @__NO_SIDE_EFFECTS__ */ <X extends Tensors, P>(build: (...xs: Expr[]) => Expr): Compute<X, P> => ({
  kind: 'pointwise',
  build,
})
/** Computed by one reduction over the (negative, ascending) axes `params.dims`. */
export const reduction = /* @__NO_SIDE_EFFECTS__ */ <X extends Tensors, P extends { readonly dims: readonly number[] }>(
  op: ReduceOp,
  build: (...xs: Expr[]) => Expr = (x) => x!,
): Compute<X, P> => ({ kind: 'reduce', op, build })
/**
 * The same elements under another layout; `null` where strides cannot say it, which makes a copy. With `put`, the result is
 * a view that can be written, and written through: `put` gives what the operand becomes; `again` makes the view anew from
 * an operand of any layout, where the op itself would not. An op that may show elements several times says `place` instead of
 * `put`. An op whose result no derivative follows `severs`: it says what gives
 * `x` the values of `v`, with the derivative of `x`. Without any of these, in-place operations on the result leave the operand alone.
 */
export const view = /* @__NO_SIDE_EFFECTS__ */ <X extends Tensors, P>(
  f: (x: Layout, params: P, shape: readonly number[]) => Layout | null,
  writing: {
    readonly put?: Put<P>
    readonly place?: Place
    readonly severs?: (x: Tensor, v: Tensor) => Tensor
    readonly again?: (x: Tensor, params: P) => Tensor
  } = {},
): Compute<X, P> => ({ kind: 'view', view: f, ...writing })
/** Each operand copied to a place in the output: a layout of its shape over the output's memory. What they do not `cover` is zero. */
export const pieces = /* @__NO_SIDE_EFFECTS__ */ <X extends Tensors, P>(
  places: (xs: { readonly [K in keyof X]: Layout & Aval }, params: P, out: Layout) => readonly Layout[],
  { cover }: { readonly cover: boolean },
): Compute<X, P> => ({ kind: 'pieces', places, cover })
/** One loop nest with computed coordinates or positions. */
export const loop = /* @__NO_SIDE_EFFECTS__ */ <X extends Tensors, P>(
  request: (xs: { readonly [K in keyof X]: Layout & Aval }, params: P, out: Aval) => LoopRequest,
): Compute<X, P> => ({ kind: 'loop', request })
/** A kernel that backends write by hand, by its name in their table. */
export const kernel = /* @__NO_SIDE_EFFECTS__ */ <X extends Tensors, P>(
  name: string,
  params: (params: P) => unknown = (p) => p,
  views: ((xs: { readonly [K in keyof X]: Layout }, params: P, out: Aval) => readonly Layout[]) | null = null,
): Compute<X, P> => ({ kind: 'kernel', name, params, views })
/** In terms of other ops, for an op that has a rule of its own all the same. */
export const decompose = /* @__NO_SIDE_EFFECTS__ */ <X extends Tensors, P>(f: (xs: X, params: P) => Outputs): Compute<X, P> => ({
  kind: 'decompose',
  decompose: f,
})

/** Piecewise constant: the derivative is zero wherever it exists. */
export const constant: { readonly kind: 'constant' } = { kind: 'constant' }
/** The same of a function of numbers, such as rounding: outside of transforms its result requires a gradient, which is zeros, as in PyTorch. */
export const steps: { readonly kind: 'constant'; readonly steps: true } = { kind: 'constant', steps: true }
/** One partial derivative ∂y/∂xᵢ per operand. */
export const elementwise = /* @__NO_SIDE_EFFECTS__ */ <X extends Tensors, P>(...partials: Partial<X, P>[]): Diff<X, P> => ({
  kind: 'elementwise',
  partials,
})
/** The same of weights that are 0 in whole regions: nothing passes there, not even what is infinite, as in PyTorch. */
export const gates = /* @__NO_SIDE_EFFECTS__ */ <X extends Tensors, P>(...partials: Partial<X, P>[]): Diff<X, P> => ({
  kind: 'elementwise',
  partials,
  gates: true,
})
/** Linear in all operands at once. */
export const linear = /* @__NO_SIDE_EFFECTS__ */ <X extends Tensors, P>(
  transpose: (ct: Tensor, xs: X, params: P) => Tensor | readonly Tensor[],
): Diff<X, P> => ({ kind: 'linear', transpose })
/** Linear in each operand separately; `null` marks an operand without a derivative. */
export const multilinear = /* @__NO_SIDE_EFFECTS__ */ <X extends Tensors, P>(
  ...transposes: (((ct: Tensor, xs: X, params: P) => Tensor) | null)[]
): Diff<X, P> => ({
  kind: 'multilinear',
  transposes,
})
/** There is no such rule, and this is why. */
export const unsupported = /* @__NO_SIDE_EFFECTS__ */ (reason: string): { readonly kind: 'unsupported'; readonly reason: string } => ({
  kind: 'unsupported',
  reason,
})

/** What an op gives whose params are functions: only they know. */
export function resultOfFunctions(): never {
  throw new TensorTypeError(
    'expected an op to be run, got the question of what it gives: that depends on the functions in its params. Trace them',
    { code: 'DYNAMIC_SHAPE' },
  )
}

/** The first operand's shape and dtype. */
export const sameAval = ([x]: readonly Aval[]): Aval => x!
/** The operands' broadcast shape; the first operand's dtype, or `dtype`. */
export const broadcastAval =
  /* @__NO_SIDE_EFFECTS__ */
  <X extends Tensors>(name: string, dtype?: Aval['dtype'], from = 0): ((xs: Avals<X>) => Aval) =>
    (xs) => {
      const list = xs as readonly Aval[]
      let { shape } = list[0]!
      for (let i = 1; i < list.length; i++) shape = broadcastShapes(name, shape, list[i]!.shape)
      return { shape, dtype: dtype ?? list[from]!.dtype }
    }

type Rules = WeakMap<object, unknown>
function rules(slot: string): Rules {
  const all = registry().rules
  let table = all.get(slot)
  if (!table) all.set(slot, (table = new WeakMap()))
  return table
}

/** Gives an op one does not own a batching rule; it goes before the op's own. */
export function registerBatching<X extends Tensors, P>(op: Op<X, P, never, Outputs>, rule: Batch<X, P>): void {
  rules('batch').set(op.def, rule)
}
/** Gives an op one does not own a derivative; it goes before the op's own. */
export function registerDerivative<X extends Tensors, P>(op: Op<X, P, never, Outputs>, rule: Diff<X, P>): void {
  rules('diff').set(op.def, rule)
}
/** Gives a backend one does not own a kernel for an op; it goes before the op's loop. The kernel sees the op's params. */
export function registerKernel<X extends Tensors, P>(backend: Backend, op: Op<X, P, never, Outputs>, kernel: NamedKernel<Storage>): void {
  const { kernels } = registry()
  let table = kernels.get(backend)
  if (!table) kernels.set(backend, (table = new WeakMap()))
  table.set(op.def, kernel)
}

/** A table of rules for a new transform: the transform's own word for each op. */
export function ruleTable<R>(transform: string): { register(op: { readonly def: AnyOp }, rule: R): void; of(op: AnyOp): R | undefined } {
  return {
    register: (op, rule) => void rules(transform).set(op.def, rule),
    of: (op) => rules(transform).get(op) as R | undefined,
  }
}

/** The batching rule of an op, if it has one: the registered one before its own. */
export const batchOf = (op: AnyOp): Batch<Tensors, unknown> | undefined =>
  (registry().rules.get('batch')?.get(op) as Batch<Tensors, unknown> | undefined) ?? (op.batch as Batch<Tensors, unknown> | undefined)
/** What is known of an op's derivative: what was registered before its own. */
export const diffOf = (op: AnyOp): Diff<Tensors, unknown> =>
  (registry().rules.get('diff')?.get(op) as Diff<Tensors, unknown> | undefined) ?? (op.diff as Diff<Tensors, unknown>)
export const kernelOf = (backend: Backend, op: AnyOp): NamedKernel<Storage> | undefined =>
  registry().kernels.get(backend)?.get(op) as NamedKernel<Storage> | undefined
