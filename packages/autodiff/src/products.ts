import { type Tensor, stopGradient } from '@mapgrad/tensor'
import {
  TensorRangeError,
  TensorTypeError,
  type TreeSpec,
  type End,
  checkOptions,
  describe,
  isOptions,
  isTensor,
  lasting,
  released,
  owning,
  show,
  treeFlatten,
  isFloating,
} from '@mapgrad/tensor/plugin'
import { FREED } from './call.ts'
import { auxLeaves, checkFunction, kindOf, matchLeaves, orZero, outputs, primalLeaves, splitAux } from './flat.ts'
import { jvpFlat } from './jvp.ts'
import { linearizeFlat } from './linearize.ts'
import { vjpFlat } from './vjp.ts'

const fault = (op: string, message: string, code: string): TensorTypeError =>
  new TensorTypeError(message, { package: 'autodiff', op, code })
type AnyFunction = (...args: never[]) => unknown

/** Options of `linearize`. */
export interface LinearizeOptions {
  /** named arguments, which the function gets after the primals in one object; they are not differentiated */
  readonly kwargs?: object | undefined
}
/** Options of `vjp`. */
export interface VjpOptions extends LinearizeOptions {
  /** whether the function returns `[output, aux]`; default false */
  readonly hasAux?: boolean | undefined
}
/** Options of the function that `vjp` gives. */
export interface VjpFnOptions {
  /** whether the function may be called again; `false` lets go of what it needs. Default true */
  readonly retainGraph?: boolean
  /** whether the gradients may be differentiated in turn, by transforms around; default: not inside of `noGrad` */
  readonly createGraph?: boolean
}
/** Options of `jvp`. */
export interface JvpOptions extends VjpOptions {
  /** refuse an output that does not depend on the primals, instead of giving it a zero tangent; default false */
  readonly strict?: boolean | undefined
}

function checkPrimals(op: string, call: string, primals: unknown): asserts primals is readonly unknown[] {
  if (!Array.isArray(primals))
    throw fault(
      op,
      `${call}: Expected primals to be a tuple. E.g. it should be valid to call f(*primals). Give an array with one entry an argument, got ${kindOf(primals)}`,
      'PRIMALS',
    )
}

/** What the function gets after the primals. */
function readKwargs(op: string, { kwargs }: LinearizeOptions): readonly object[] {
  if (kwargs === undefined) return []
  if (!isOptions(kwargs)) throw fault(op, `expected kwargs to be a plain object of named arguments, got ${kindOf(kwargs)}`, 'KWARGS')
  return [kwargs]
}

/** Splits a list of leaves by the trees of the primals. */
function perPrimal(specs: readonly TreeSpec[], leaves: readonly unknown[]): unknown[] {
  let k = 0
  return specs.map((s) => s.unflatten(leaves.slice(k, (k += s.count))))
}

/**
 * The output of `f` at `primals`, and its vector-Jacobian product: `vjpFn(cotangents)` gives an array with one tree a
 * primal. `vjpFn` may be called often, mapped and differentiated; `vjpFn(cotangents, { retainGraph: false })` is its last call. Complex conjugation
 * does not arise: all is real.
 * With `hasAux`, `f` returns `[output, aux]` and the result is `[output, vjpFn, aux]`. `f` gets `kwargs` as its last argument.
 * @throws TensorTypeError if the cotangents' structure differs from the output's, TensorRangeError if a shape does
 */
export function vjp<P extends readonly unknown[], K extends object, R, X>(
  f: (...args: [...P, K]) => readonly [R, X],
  primals: readonly [...P],
  options: { readonly hasAux: true; readonly kwargs: K },
): [output: R, vjpFn: (cotangents: R, options?: VjpFnOptions) => [...P], aux: X]
export function vjp<P extends readonly unknown[], K extends object, R>(
  f: (...args: [...P, K]) => R,
  primals: readonly [...P],
  options: { readonly hasAux?: false | undefined; readonly kwargs: K },
): [output: R, vjpFn: (cotangents: R, options?: VjpFnOptions) => [...P]]
export function vjp<P extends readonly unknown[], R, X>(
  f: (...primals: P) => readonly [R, X],
  primals: readonly [...P],
  options: { readonly hasAux: true },
): [output: R, vjpFn: (cotangents: R, options?: VjpFnOptions) => [...P], aux: X]
export function vjp<P extends readonly unknown[], R>(
  f: (...primals: P) => R,
  primals: readonly [...P],
  options?: { readonly hasAux?: false | undefined },
): [output: R, vjpFn: (cotangents: R, options?: VjpFnOptions) => [...P]]
export function vjp(f: AnyFunction, primals: readonly unknown[], given?: VjpOptions | null, ...end: End): unknown[] {
  const options = given ?? {}
  checkFunction('vjp', f)
  checkPrimals('vjp', 'vjp(f, *primals)', primals)
  checkOptions('vjp', options as Record<string, unknown>, ['hasAux', 'kwargs'], 'autodiff', end)
  const hasAux = options.hasAux ?? false
  const more = readKwargs('vjp', options)
  const parts = primals.map((p) => primalLeaves('vjp', p))
  const specs = parts.map(([, s]) => s)
  const leaves = parts.flatMap(([l]) => l)
  let spec: TreeSpec | undefined
  let auxSpec: TreeSpec | undefined
  let count = 0
  const run = (xs: readonly Tensor[]): Tensor[] => {
    const [out, aux] = splitAux('vjp', 'vjp(f, *primals)', f(...([...perPrimal(specs, xs), ...more] as never[])), hasAux)
    const [o, s] = outputs('vjp', 'vjp(f, *primals)', out)
    for (const y of o)
      if (!isFloating(y))
        throw fault(
          'vjp',
          `vjp(f, ...): All outputs of f must be floating-point or complex Tensors, got Tensor with dtype ${y.dtype}`,
          'OUTPUT_DTYPE',
        )
    spec = s
    count = o.length
    if (!hasAux) return o
    const [extra, as] = auxLeaves('vjp', aux)
    auxSpec = as
    return [...o, ...extra]
  }
  const [ys, pull] = lasting(leaves, () => vjpFlat(run, leaves))
  const out = ys.slice(0, count)
  const outSpec = spec!
  let live: typeof pull | null = pull
  const vjpFn = (cotangents: unknown, options: VjpFnOptions = {}, ...end: End): unknown[] => {
    checkOptions('vjp', options as Record<string, unknown>, ['retainGraph', 'createGraph'], 'autodiff', end)
    if (!live) throw fault('vjp', FREED, 'FREED')
    const grads = live(matchLeaves('vjp', 'cotangents', cotangents, out, outSpec))
    if (options.retainGraph === false) live = null
    const given = released(leaves.map((x, i) => orZero(grads[i], x)))
    return perPrimal(specs, options.createGraph === false ? given.map((g) => stopGradient(g)) : given)
  }
  return hasAux ? [outSpec.unflatten(out), vjpFn, auxSpec!.unflatten(ys.slice(count))] : [outSpec.unflatten(out), vjpFn]
}

/**
 * The output of `f` at `primals`, and its Jacobian-vector product along `tangents`: `[output, tangentOut]`, or
 * `[output, tangentOut, aux]` with `hasAux`. Outputs that do not depend on the primals have tangent zero. `f` gets `kwargs` as its last argument.
 * @throws TensorTypeError if structures differ, TensorRangeError if a tangent's shape differs from its primal's
 */
export function jvp<P extends readonly unknown[], K extends object, R, X>(
  f: (...args: [...P, K]) => readonly [R, X],
  primals: readonly [...P],
  tangents: readonly [...NoInfer<P>],
  options: { readonly strict?: boolean | undefined; readonly hasAux: true; readonly kwargs: K },
): [output: R, tangentOut: R, aux: X]
export function jvp<P extends readonly unknown[], K extends object, R>(
  f: (...args: [...P, K]) => R,
  primals: readonly [...P],
  tangents: readonly [...NoInfer<P>],
  options: { readonly strict?: boolean | undefined; readonly hasAux?: false | undefined; readonly kwargs: K },
): [output: R, tangentOut: R]
export function jvp<P extends readonly unknown[], R, X>(
  f: (...primals: P) => readonly [R, X],
  primals: readonly [...P],
  tangents: readonly [...NoInfer<P>],
  options: { readonly strict?: boolean | undefined; readonly hasAux: true },
): [output: R, tangentOut: R, aux: X]
export function jvp<P extends readonly unknown[], R>(
  f: (...primals: P) => R,
  primals: readonly [...P],
  tangents: readonly [...NoInfer<P>],
  options?: { readonly strict?: boolean | undefined; readonly hasAux?: false | undefined },
): [output: R, tangentOut: R]
export function jvp(
  f: AnyFunction,
  primals: readonly unknown[],
  tangents: readonly unknown[],
  given?: JvpOptions | null,
  ...end: End
): unknown[] {
  const options = given ?? {}
  const call = 'jvp(f, primals, tangents)'
  checkFunction('jvp', f)
  checkPrimals('jvp', call, primals)
  checkOptions('jvp', options as Record<string, unknown>, ['strict', 'hasAux', 'kwargs'], 'autodiff', end)
  const { strict = false, hasAux = false } = options
  const more = readKwargs('jvp', options)
  const [leaves, spec] = treeFlatten(primals)
  const [dots, dotSpec] = treeFlatten(tangents)
  if (!spec.equals(dotSpec))
    throw fault(
      'jvp',
      `${call}: Expected primals and tangents to have the same python structure. For example, if primals is a tuple of 3 tensors, tangents also must be. Got primals with structure ${spec} and tangents with structure ${dotSpec}`,
      'STRUCTURE',
    )
  if (leaves.length === 0) throw fault('jvp', `${call}: Expected primals to contain at least one Tensor.`, 'EMPTY_PRIMALS')
  leaves.forEach((x, i) => checkPair(call, x, dots[i]))
  return owning(() => jvpAt(f, more, leaves as Tensor[], spec, dots as Tensor[], strict, hasAux))
}

/** `jvp` of arguments that were checked. */
function jvpAt(
  f: AnyFunction,
  more: readonly unknown[],
  leaves: readonly Tensor[],
  spec: TreeSpec,
  dots: readonly Tensor[],
  strict: boolean,
  hasAux: boolean,
): unknown[] {
  const call = 'jvp(f, primals, tangents)'
  let outSpec: TreeSpec | undefined
  let auxSpec: TreeSpec | undefined
  let count = 0
  const [ys, dys] = jvpFlat(
    (xs) => {
      const [out, aux] = splitAux('jvp', call, f(...([...(spec.unflatten(xs) as never[]), ...more] as never[])), hasAux)
      const [o, s] = outputs('jvp', call, out)
      outSpec = s
      count = o.length
      if (!hasAux) return o
      const [extra, as] = auxLeaves('jvp', aux)
      auxSpec = as
      return [...o, ...extra]
    },
    leaves,
    dots,
  )
  const out = ys.slice(0, count)
  if (strict && out.some((_, i) => !dys[i]))
    throw fault(
      'jvp',
      'jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs. This is not allowed with strict=True.',
      'INDEPENDENT',
    )
  const result = [outSpec!.unflatten(out), outSpec!.unflatten(out.map((y, i) => orZero(dys[i], y)))]
  return hasAux ? [...result, auxSpec!.unflatten(ys.slice(count))] : result
}

function checkPair(call: string, x: unknown, dx: unknown): void {
  for (const [what, t] of [
    ['primals', x],
    ['tangents', dx],
  ] as const)
    if (!isTensor(t)) throw fault('jvp', `${call}: Expected ${what} to only contain Tensors, got ${kindOf(t)}`, 'PRIMAL_TYPE')
  const [p, d] = [x as Tensor, dx as Tensor]
  if (!isFloating(p)) throw fault('jvp', `Expected primal to be floating point or complex, but got: ${p.dtype}`, 'PRIMAL_DTYPE')
  if (!isFloating(d)) throw fault('jvp', `Expected tangent to be floating point or complex, but got: ${d.dtype}`, 'PRIMAL_DTYPE')
  if (show(p.shape) !== show(d.shape))
    throw new TensorRangeError(
      `Trying to set a forward gradient that has a different size than that of the original Tensor, this is not supported. Tensor is of size ${show(p.shape)} while the given forward gradient is of size ${show(d.shape)}. Give each tangent the shape of its primal`,
      { package: 'autodiff', op: 'jvp', code: 'SHAPE_MISMATCH' },
    )
  if (p.dtype !== d.dtype)
    throw fault(
      'jvp',
      `expected tangents of the dtype of their primals, ${p.dtype}, got ${d.dtype}. Convert with x.to('${p.dtype}')`,
      'DTYPE_MISMATCH',
    )
}

/**
 * The output of `f` at `primals`, and the linear map `jvpFn(...tangents)` that `jvp` would compute there, without
 * evaluating `f` again. `jvpFn` may be mapped and differentiated, and so may a function that calls `linearize`. `f` gets
 * `kwargs` as its last argument.
 * @throws TensorTypeError if the tangents' structure differs from the primals', TensorRangeError if a shape does
 */
export function linearize<P extends readonly unknown[], K extends object, R>(
  f: (...args: [...P, K]) => R,
  primals: readonly [...P],
  options: { readonly kwargs: K },
): [output: R, jvpFn: (...tangents: P) => R]
export function linearize<P extends readonly unknown[], R>(
  f: (...primals: P) => R,
  primals: readonly [...P],
  options?: { readonly kwargs?: never },
): [output: R, jvpFn: (...tangents: P) => R]
export function linearize(f: AnyFunction, primals: readonly unknown[], given?: LinearizeOptions | null, ...end: End): unknown[] {
  const options = given ?? {}
  checkFunction('linearize', f)
  checkPrimals('linearize', 'linearize(f, *primals)', primals)
  checkOptions('linearize', options as Record<string, unknown>, ['kwargs'], 'autodiff', end)
  const more = readKwargs('linearize', options)
  const [leaves, spec] = primalLeaves('linearize', primals, true)
  if (leaves.length === 0)
    throw fault('linearize', `expected primals to contain at least one Tensor, got ${describe(primals)}`, 'EMPTY_PRIMALS')
  let outSpec: TreeSpec | undefined
  const run = (xs: readonly Tensor[]): Tensor[] => {
    const [o, s] = outputs('linearize', 'linearize(f, *primals)', f(...([...(spec.unflatten(xs) as never[]), ...more] as never[])))
    outSpec = s
    return o
  }
  const [ys, push] = lasting(leaves, () => linearizeFlat(run, leaves))
  const jvpFn = (...tangents: never[]): unknown => {
    const dys = push(matchLeaves('linearize', 'tangents', tangents, leaves, spec))
    return outSpec!.unflatten(released(ys.map((y, i) => orZero(dys[i], y))))
  }
  return [outSpec!.unflatten(ys), jvpFn]
}
