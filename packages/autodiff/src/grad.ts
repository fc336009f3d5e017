import type { Tensor } from '@mapgrad/tensor'
import {
  TensorRangeError,
  TensorTypeError,
  type TreeSpec,
  describe,
  filledLike,
  readArgs,
  isTensor,
  owning,
  isFloating,
} from '@mapgrad/tensor/plugin'
import { Loans, auxLeaves, checkFunction, kindOf, named, orZero, primalLeaves, splitAux } from './flat.ts'
import { vjpFlat } from './vjp.ts'

/** Which arguments to differentiate: a position (negative from the end), or several. */
export type Argnums = number | readonly number[]

/** Options of `grad` and `gradAndValue`, by name. */
export interface GradOptions {
  /** which arguments to differentiate; default 0 */
  readonly argnums?: Argnums | undefined
  /** whether the function returns `[output, aux]`; default false */
  readonly hasAux?: boolean | undefined
}

/** The type of the chosen argument, or the tuple of them. An argument with a default counts as given. */
export type Chosen<A extends readonly unknown[], N> = N extends number
  ? ArgumentAt<Required<A>, N>
  : N extends readonly number[]
    ? { -readonly [K in keyof N]: Chosen<A, N[K]> }
    : never
type ArgumentAt<A extends readonly unknown[], N extends number> = `${N}` extends keyof A
  ? A[`${N}` & keyof A]
  : `${N}` extends `-${infer Back}`
    ? FromEnd<A, Back>
    : A[number]
/** The argument `Back` places from the end, which is counted by the arguments behind it. */
type FromEnd<A extends readonly unknown[], Back extends string, Behind extends unknown[] = []> = A extends readonly [
  ...infer Head,
  infer Last,
]
  ? `${[...Behind, Last]['length']}` extends Back
    ? Last
    : FromEnd<Head, Back, [...Behind, Last]>
  : A[number]

const fault = (op: string, message: string, code: string): TensorTypeError =>
  new TensorTypeError(message, { package: 'autodiff', op, code })

/** Non-negative positions of the differentiated arguments, PyTorch's rules and texts. */
export function normalizeArgnums(op: string, argnums: unknown, count: number): number[] {
  const list = Number.isInteger(argnums) ? [argnums] : argnums
  if (!Array.isArray(list)) throw fault(op, `argnums must be int or Tuple[int, ...], got: ${describe(argnums)}`, 'ARGNUMS')
  if (list.length === 0) throw fault(op, 'argnums must be non-empty', 'ARGNUMS')
  const out = (list as unknown[]).map((n) => {
    if (typeof n !== 'number' || !Number.isInteger(n)) throw fault(op, `argnum must be int, got: ${describe(n)}`, 'ARGNUMS')
    if (n < -count || n >= count)
      throw new TensorRangeError(
        `Got argnum=${n}, but only ${count} positional inputs. Call the transformed function with the arguments to differentiate, counted from 0`,
        { package: 'autodiff', op, code: 'ARGNUMS' },
      )
    return n < 0 ? n + count : n
  })
  if (new Set(out).size !== out.length) throw fault(op, `argnums elements must be unique, got (${out.join(', ')})`, 'ARGNUMS')
  return out
}

/** A function's arguments with the differentiated ones taken out as a list of tensors, and put back, the others lent. */
export function select(
  op: string,
  args: readonly unknown[],
  argnums: Argnums,
  forward = false,
): {
  leaves: Tensor[]
  rebuild: (leaves: readonly Tensor[], loans?: Loans) => unknown[]
  restore: (leaves: readonly unknown[]) => unknown
} {
  const at = normalizeArgnums(op, argnums, args.length)
  const parts = at.map((i) => primalLeaves(op, args[i], forward))
  const leaves = parts.flatMap(([l]) => l)
  const trees = (from: readonly unknown[]): unknown[] => {
    let k = 0
    return parts.map(([l, spec]) => spec.unflatten(from.slice(k, (k += l.length))))
  }
  return {
    leaves,
    rebuild: (from, loans) => {
      const out = loans ? args.map((a, i) => (at.includes(i) ? a : loans.lendAll(a))) : [...args]
      trees(from).forEach((t, i) => {
        out[at[i]!] = t
      })
      return out
    },
    restore: (from) => (typeof argnums === 'number' ? trees(from)[0] : trees(from)),
  }
}

/** Argnums and hasAux, by position or by name. */
function readGradOptions(op: string, args: readonly unknown[]): { argnums: Argnums; hasAux: boolean } {
  const x = args.find(isTensor)
  if (x) throw fault(op, `expected argnums, got ${describe(x)}. ${op}(f) gives a function: ${op}(f)(x)`, 'ARGNUMS')
  const { argnums = 0, hasAux = false } = readArgs<GradOptions>(op, args, ['argnums', 'hasAux'], [], 'autodiff')
  return { argnums, hasAux }
}

type AnyFunction = (...args: never[]) => unknown

/** What to do about a loss that is no tensor. */
const noTensor = (out: unknown): string =>
  out === undefined
    ? 'A function whose body stands in braces needs a return'
    : typeof out === 'number'
      ? 'Compute it by operations on tensors: a number has no gradient'
      : 'With extra results, return [loss, aux] and give { hasAux: true }'

function gradAndValueOf(
  op: string,
  f: AnyFunction,
  argnums: Argnums,
  hasAux: boolean,
  args: readonly unknown[],
): [grad: unknown, value: Tensor, aux: unknown] {
  const call = 'grad_and_value(f)(*args)'
  const { leaves, rebuild, restore } = select(op, args, argnums)
  let auxSpec: TreeSpec | undefined
  const loans = new Loans()
  const [ys, pull] = vjpFlat((xs, lower) => {
    const [out, aux] = splitAux(op, call, f(...(rebuild(xs, loans) as never[])), hasAux)
    loans.collect(lower)
    if (!isTensor(out))
      throw fault(op, `${call}: Expected f(*args) to return a Tensor, got ${kindOf(out)}. ${noTensor(out)}`, 'OUTPUT_TYPE')
    if (out.ndim !== 0)
      throw new TensorRangeError(
        `${call}: Expected f(*args) to return a scalar Tensor, got tensor with ${out.ndim} dims. Maybe you wanted to use the vjp or jacrev APIs instead?`,
        { package: 'autodiff', op, code: 'NOT_A_SCALAR' },
      )
    if (!hasAux) return [out]
    const [extra, spec] = auxLeaves(op, aux)
    auxSpec = spec
    return [out, ...extra]
  }, leaves)
  loans.settle()
  const value = ys[0]!
  const grads = isFloating(value) ? pull([filledLike(value, 1)]) : []
  return [restore(leaves.map((x, i) => orZero(grads[i], x))), value, auxSpec?.unflatten(ys.slice(1))]
}

/**
 * The gradient of a scalar function with respect to the chosen arguments, as a function of the same arguments.
 * The gradient mirrors the chosen argument's tree; an array of argnums gives an array. Unused leaves get zeros.
 * With `hasAux`, `f` returns `[loss, aux]` and the result is `[grad, aux]`.
 * @throws TensorRangeError if the output is no scalar, TensorTypeError if a chosen leaf is no floating-point tensor
 */
// those with aux come first: TypeScript takes the type of a function written in place from the first one, where [loss, aux] must be a pair
export function grad<A extends readonly unknown[], X, const N extends Argnums = 0>(
  f: (...args: A) => readonly [Tensor, X],
  argnums: N | undefined,
  hasAux: true | { readonly hasAux: true },
): (...args: A) => [Chosen<A, N>, X]
export function grad<A extends readonly unknown[], X, const N extends Argnums = 0>(
  f: (...args: A) => readonly [Tensor, X],
  options: { readonly argnums?: N | undefined; readonly hasAux: true },
): (...args: A) => [Chosen<A, N>, X]
export function grad<A extends readonly unknown[], const N extends Argnums = 0>(
  f: (...args: A) => Tensor,
  argnums?: N,
  hasAux?: false | { readonly hasAux?: false | undefined },
): (...args: A) => Chosen<A, N>
export function grad<A extends readonly unknown[], const N extends Argnums = 0>(
  f: (...args: A) => Tensor,
  options?: { readonly argnums?: N | undefined; readonly hasAux?: false | undefined },
): (...args: A) => Chosen<A, N>
export function grad(f: AnyFunction, ...options: readonly unknown[]): (...args: never[]) => unknown {
  checkFunction('grad', f)
  const { argnums, hasAux } = readGradOptions('grad', options)
  return named(
    (...args: never[]) =>
      owning(() => {
        const [g, , aux] = gradAndValueOf('grad', f, argnums, hasAux, args)
        return hasAux ? [g, aux] : g
      }),
    f,
  )
}

/**
 * Like `grad`, with the value: `[grad, value]`, or `[grad, [value, aux]]` with `hasAux`.
 * @throws as `grad`
 */
export function gradAndValue<A extends readonly unknown[], X, const N extends Argnums = 0>(
  f: (...args: A) => readonly [Tensor, X],
  argnums: N | undefined,
  hasAux: true | { readonly hasAux: true },
): (...args: A) => [grad: Chosen<A, N>, result: [value: Tensor, aux: X]]
export function gradAndValue<A extends readonly unknown[], X, const N extends Argnums = 0>(
  f: (...args: A) => readonly [Tensor, X],
  options: { readonly argnums?: N | undefined; readonly hasAux: true },
): (...args: A) => [grad: Chosen<A, N>, result: [value: Tensor, aux: X]]
export function gradAndValue<A extends readonly unknown[], const N extends Argnums = 0>(
  f: (...args: A) => Tensor,
  argnums?: N,
  hasAux?: false | { readonly hasAux?: false | undefined },
): (...args: A) => [grad: Chosen<A, N>, value: Tensor]
export function gradAndValue<A extends readonly unknown[], const N extends Argnums = 0>(
  f: (...args: A) => Tensor,
  options?: { readonly argnums?: N | undefined; readonly hasAux?: false | undefined },
): (...args: A) => [grad: Chosen<A, N>, value: Tensor]
export function gradAndValue(f: AnyFunction, ...options: readonly unknown[]): (...args: never[]) => unknown {
  checkFunction('gradAndValue', f)
  const { argnums, hasAux } = readGradOptions('gradAndValue', options)
  return named(
    (...args: never[]) =>
      owning(() => {
        const [g, value, aux] = gradAndValueOf('gradAndValue', f, argnums, hasAux, args)
        return hasAux ? [g, [value, aux]] : [g, value]
      }),
    f,
  )
}
