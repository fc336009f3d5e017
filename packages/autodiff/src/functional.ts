import type { Tensor } from '@mapgrad/tensor'
import {
  owning,
  readArgs,
  TensorRangeError,
  filledLike,
  isTensor,
  numel,
  refusePromise,
  show,
  type Tangent,
  type Tensors,
  isFloating,
} from '@mapgrad/tensor/plugin'
import { fault } from './call.ts'
import { checkFunction, kindOf, orZero } from './flat.ts'
import { jvpFlat } from './jvp.ts'
import { vjpFlat } from './vjp.ts'

// torch.autograd.functional: a function of one Tensor, or of several that are given as an array.

/** One Tensor, or an array of them. */
export type OneOrMore = Tensor | readonly Tensor[]
/** A function of the inputs, one argument each. */
export type FunctionOf<X extends OneOrMore, R extends OneOrMore> = (...inputs: X extends readonly Tensor[] ? X : [X]) => R
/** Options of the functions of `autograd.functional`. */
export interface FunctionalOptions {
  /** kept for PyTorch's sake: results are always differentiable */
  readonly createGraph?: boolean | undefined
  /** refuse a result that does not depend on an input, instead of giving zeros; default false */
  readonly strict?: boolean | undefined
}

const KNOWN = ['createGraph', 'strict'] as const
type VectorOptions<V> = FunctionalOptions & { readonly v?: NoInfer<V> | null | undefined }
/** A vector and options, or all by name. */
export type VectorArgs<V> = [v?: NoInfer<V> | null, options?: FunctionalOptions] | [options: VectorOptions<V>]
const readVector = <V>(op: string, args: VectorArgs<V>): VectorOptions<V> => readArgs<VectorOptions<V>>(op, args, ['v'], KNOWN, 'autodiff')

/** The tensors of inputs, outputs or a vector, checked. */
export function asList(op: string, what: string, x: unknown): Tensor[] {
  if (isTensor(x)) return [x]
  if (!Array.isArray(x))
    throw fault(
      op,
      `The ${what} given to ${op} must be either a Tensor or a tuple of Tensors but the given ${what} has type ${kindOf(x)}.`,
      'ONE_OR_MORE',
    )
  x.forEach((v, i) => {
    if (!isTensor(v))
      throw fault(
        op,
        `The ${what} given to ${op} must be either a Tensor or a tuple of Tensors but the value at index ${i} has type ${kindOf(v)}.`,
        'ONE_OR_MORE',
      )
  })
  return x as Tensor[]
}
/** The inputs, which must be floating point. */
export function inputList(op: string, inputs: unknown): Tensor[] {
  const xs = asList(op, 'inputs', inputs)
  for (const x of xs)
    if (!isFloating(x))
      throw fault(
        op,
        `only Tensors of floating point dtype can require gradients, got ${x.dtype}. Convert with x.to('float32')`,
        'PRIMAL_DTYPE',
      )
  return xs
}
/** In the form of `like`: one Tensor, or an array. */
export const inForm = (like: unknown, xs: Tensors): unknown => (isTensor(like) ? xs[0] : xs)
/** What the user's function gives. */
export const outputOf = (op: string, out: unknown): Tensor[] =>
  asList(op, 'outputs of the user-provided function', refusePromise(op, 'autodiff', out))

function vector(op: string, v: unknown, like: readonly Tensor[], single: boolean): Tensor[] {
  const vs = asList(op, 'v', v)
  if (vs.length !== like.length)
    throw fault(
      op,
      single
        ? 'The given v should contain a single Tensor.'
        : `v is a tuple of invalid length: should be ${like.length} but got ${vs.length}.`,
      'VECTOR',
    )
  vs.forEach((x, i) => {
    if (show(x.shape) !== show(like[i]!.shape))
      throw new TensorRangeError(
        `${like.length > 1 ? `Entry ${i} in ` : ''}v has invalid size: should be ${show(like[i]!.shape)} but got ${show(x.shape)}.`,
        { package: 'autodiff', op, code: 'SHAPE_MISMATCH' },
      )
    if (x.dtype !== like[i]!.dtype)
      throw fault(op, `expected v of dtype ${like[i]!.dtype}, got ${x.dtype}. Convert with v.to('${like[i]!.dtype}')`, 'DTYPE_MISMATCH')
  })
  return vs
}

const independent = (op: string, text: string): never => {
  throw fault(op, `${text} This is not allowed in strict mode.`, 'INDEPENDENT')
}
const ones = (like: Tensor): Tensor => filledLike(like, 1, like.dtype, like.shape)
const filled = (ds: readonly (Tangent | undefined)[], like: Tensors): Tensor[] => like.map((x, i) => orZero(ds[i], x))

type Rows = readonly (readonly Tangent[])[]
/** The gradient of each output's sum by each input, from the pullback at them; `null` where that output does not depend on it. */
export const rowsOf = (ys: Tensors, xs: Tensors, pull: (cts: readonly Tangent[]) => readonly Tangent[]): Rows =>
  ys.map((y, k) => (isFloating(y) ? pull(ys.map((_, i) => (i === k ? ones(y) : null))) : xs.map(() => null)))

/** In strict mode: refuses an output that depends on no input. */
export function refuseConstants(op: string, rows: Rows): void {
  rows.forEach((row, k) => {
    if (row.every((g) => !g))
      throw fault(
        op,
        `Output ${k} of the user-provided function does not require gradients. The outputs must be computed in a differentiable manner from the input when running in strict mode.`,
        'INDEPENDENT',
      )
  })
}
/** In strict mode: refuses also an input that no output depends on. */
function refuseUnused(op: string, rows: Rows): void {
  refuseConstants(op, rows)
  rows[0]?.forEach((_, i) => {
    if (rows.every((row) => !row[i])) independent(op, `The output of the user-provided function is independent of input ${i}.`)
  })
}
/** In strict mode: refuses a gradient that does not change with the inputs. */
export function refuseLinear(op: string, changes: readonly unknown[]): void {
  changes.forEach((change, i) => {
    if (!change)
      throw fault(
        op,
        `While computing the hessian, found that the jacobian of the user-provided function with respect to input ${i} is independent of the input. This is not allowed in strict mode. You should ensure that your function is twice differentiable and that the jacobian depends on the inputs (this would be violated by a linear function for example).`,
        'INDEPENDENT',
      )
  })
}
const oneElement = (xs: Tensors): boolean => xs.length === 1 && numel(xs[0]!.shape) === 1

/**
 * `[outputs, vᵀJ]`, in the form of the inputs; v in the form of the outputs, and left out where the output has one element.
 */
function vjp<X extends OneOrMore, R extends OneOrMore>(func: FunctionOf<X, R>, inputs: X, ...args: VectorArgs<R>): [outputs: R, vjp: X] {
  checkFunction('vjp', func)
  const { v, ...options } = readVector<R>('vjp', args)
  return owning(() => {
    const xs = inputList('vjp', inputs)
    let out: unknown
    const [ys, pull] = vjpFlat((leaves) => outputOf('vjp', (out = func(...(leaves as never)))), xs)
    if ((v === undefined || v === null) && !oneElement(ys))
      throw fault(
        'vjp',
        'The vector v can only be None if the user-provided function returns a single Tensor with a single element.',
        'VECTOR',
      )
    const vs = v === undefined || v === null ? ys.map((y) => ones(y)) : vector('vjp', v, ys, isTensor(out))
    if (options.strict) refuseUnused('vjp', rowsOf(ys, xs, pull))
    return [inForm(out, ys), inForm(inputs, filled(pull(vs), xs))] as [R, X]
  })
}

/** `[outputs, J v]`, in the form of the outputs; v in the form of the inputs, and left out where the input has one element. */
function jvp<X extends OneOrMore, R extends OneOrMore>(func: FunctionOf<X, R>, inputs: X, ...args: VectorArgs<X>): [outputs: R, jvp: R] {
  checkFunction('jvp', func)
  const { v, ...options } = readVector<X>('jvp', args)
  return owning(() => {
    const xs = inputList('jvp', inputs)
    if ((v === undefined || v === null) && !oneElement(xs))
      throw fault(
        'jvp',
        'The vector v can only be None if the input to the user-provided function is a single Tensor with a single element.',
        'VECTOR',
      )
    const vs = v === undefined || v === null ? xs.map((x) => ones(x)) : vector('jvp', v, xs, isTensor(inputs))
    let out: unknown
    const run = (leaves: Tensors): Tensor[] => outputOf('jvp', (out = func(...(leaves as never))))
    if (options.strict) {
      const [ys, pull] = vjpFlat(run, xs)
      refuseUnused('jvp', rowsOf(ys, xs, pull))
    }
    const [ys, dys] = jvpFlat(run, xs, vs)
    return [inForm(out, ys), inForm(out, filled(dys, ys))] as [R, R]
  })
}

/** The value of a function of one element, and its gradient as a list. */
export function scalarGradient(op: string, func: (...xs: Tensor[]) => unknown, xs: Tensors): [y: Tensor, grads: readonly Tangent[]] {
  const [ys, pull] = vjpFlat((leaves) => {
    const out = func(...leaves)
    const [y] = outputOf(op, out)
    if (!isTensor(out)) throw fault(op, `The function given to ${op} should return a single Tensor`, 'OUTPUT_TYPE')
    if (numel(y!.shape) !== 1)
      throw new TensorRangeError(`The Tensor returned by the function given to ${op} should contain a single element`, {
        package: 'autodiff',
        op,
        code: 'NOT_A_SCALAR',
      })
    return [y!]
  }, xs)
  return [ys[0]!, rowsOf(ys, xs, pull)[0]!]
}

/** The same, checked in strict mode, and zeros where the value does not depend on an input. */
function checkedGradient(op: string, func: unknown, xs: Tensors, strict: boolean): Tensor[] {
  const [y, grads] = scalarGradient(op, func as (...xs: Tensor[]) => unknown, xs)
  if (strict) refuseUnused(op, [grads])
  return [y, ...filled(grads, xs)]
}

function direction<X extends OneOrMore>(op: string, xs: Tensor[], inputs: X, v: X | null | undefined): Tensor[] {
  if (v === undefined || v === null) {
    if (!oneElement(xs))
      throw fault(
        op,
        'The vector v can only be None if the input to the user-provided function is a single Tensor with a single element.',
        'VECTOR',
      )
    return xs.map((x) => ones(x))
  }
  return vector(op, v, xs, isTensor(inputs))
}

/**
 * `[output, H v]` for a function of one element, in the form of the inputs, by forward over reverse mode: about the price
 * of two gradients.
 */
export function hvp<X extends OneOrMore>(func: FunctionOf<X, Tensor>, inputs: X, ...args: VectorArgs<X>): [output: Tensor, hvp: X] {
  checkFunction('hvp', func)
  const { v, ...options } = readVector<X>('hvp', args)
  return owning(() => {
    const xs = inputList('hvp', inputs)
    const vs = direction('hvp', xs, inputs, v)
    const strict = options.strict ?? false
    const [ys, dys] = jvpFlat((leaves) => checkedGradient('hvp', func, leaves, strict), xs, vs)
    const product = dys.slice(1)
    if (strict) refuseLinear('hvp', product)
    return [ys[0]!, inForm(inputs, filled(product, xs)) as X]
  })
}

/** `[output, vᵀH]` for a function of one element, in the form of the inputs, by reverse over reverse mode. */
export function vhp<X extends OneOrMore>(func: FunctionOf<X, Tensor>, inputs: X, ...args: VectorArgs<X>): [output: Tensor, vhp: X] {
  checkFunction('vhp', func)
  const { v, ...options } = readVector<X>('vhp', args)
  return owning(() => {
    const xs = inputList('vhp', inputs)
    const vs = direction('vhp', xs, inputs, v)
    const strict = options.strict ?? false
    const [ys, pull] = vjpFlat((leaves) => checkedGradient('vhp', func, leaves, strict), xs)
    const product = pull([null, ...vs])
    if (strict) refuseLinear('vhp', product)
    return [ys[0]!, inForm(inputs, filled(product, xs)) as X]
  })
}

/** The functions of torch.autograd.functional that need no `vmap`. */
export interface Functional {
  readonly vjp: typeof vjp
  readonly jvp: typeof jvp
  readonly hvp: typeof hvp
  readonly vhp: typeof vhp
}
/** torch.autograd.functional's names, but those that need `vmap`, which `@mapgrad/func` adds. */
export const functional: Functional = { vjp, jvp, hvp, vhp }
