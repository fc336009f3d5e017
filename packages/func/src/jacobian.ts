import type { Argnums, Chosen } from '@mapgrad/autodiff'
import { select } from '@mapgrad/autodiff/plugin'
import { owning } from '@mapgrad/tensor/plugin'
import type { Randomness } from '@mapgrad/vmap'
import { byTangents } from './jacobian/columns.ts'
import { forwardIsSafer } from './jacobian/mode.ts'
import {
  type AnyFunction,
  type HessianMode,
  type HessianOptions,
  type JacfwdOptions,
  type Jacobian,
  type JacobianMode,
  type JacobianOptions,
  checkFunction,
  readHessianPlan,
  readPlan,
} from './jacobian/options.ts'
import { atPoint } from './jacobian/point.ts'

/**
 * The Jacobian of `f` by reverse mode, one row of it a component of the output: for every tensor of the output, a tree
 * like the chosen arguments whose leaves have shape `[...out.shape, ...in.shape]`. Cheaper than `jacfwd` when outputs are fewer than inputs.
 * `f` runs once, and may draw random numbers. With `mode: 'auto'` the Jacobian comes from that one run by rows or by columns, whichever takes less
 * time for the shapes; with `mode: 'forward'` by columns. With `hasAux`, `f` returns `[output, aux]` and the result is `[jacobian, aux]`.
 * @throws TensorTypeError for outputs or chosen leaves that are no floating-point tensors, or an unknown mode
 */
export function jacrev<A extends readonly unknown[], R, X, const N extends Argnums = 0>(
  f: (...args: A) => readonly [R, X],
  options: {
    readonly argnums?: N | undefined
    readonly hasAux: true
    readonly chunkSize?: number | null | undefined
    readonly mode?: JacobianMode | undefined
  },
): (...args: A) => [Jacobian<R, Chosen<A, N>>, X]
export function jacrev<A extends readonly unknown[], R, X, const N extends Argnums = 0>(
  f: (...args: A) => readonly [R, X],
  argnums: N | undefined,
  options: Omit<JacobianOptions, 'argnums' | 'hasAux'> & { readonly hasAux: true },
): (...args: A) => [Jacobian<R, Chosen<A, N>>, X]
export function jacrev<A extends readonly unknown[], R, const N extends Argnums = 0>(
  f: (...args: A) => R,
  argnums?: N,
): (...args: A) => Jacobian<R, Chosen<A, N>>
export function jacrev<A extends readonly unknown[], R, const N extends Argnums = 0>(
  f: (...args: A) => R,
  argnums: N | undefined,
  options: Omit<JacobianOptions, 'argnums' | 'hasAux'> & { readonly hasAux?: false | undefined },
): (...args: A) => Jacobian<R, Chosen<A, N>>
export function jacrev<A extends readonly unknown[], R, const N extends Argnums = 0>(
  f: (...args: A) => R,
  options: {
    readonly argnums?: N | undefined
    readonly hasAux?: false | undefined
    readonly chunkSize?: number | null | undefined
    readonly mode?: JacobianMode | undefined
  },
): (...args: A) => Jacobian<R, Chosen<A, N>>
export function jacrev(f: AnyFunction, ...given: readonly unknown[]): (...args: never[]) => unknown {
  checkFunction('jacrev', f)
  const plan = readPlan('jacrev', given)
  return named(f, (...args: never[]) => owning(() => atPoint('jacrev', f, args, plan, 'reverse')))
}

/**
 * The Jacobian of `f` by forward mode, one column of it a component of the input; the same result as `jacrev`.
 * Cheaper when inputs are fewer than outputs. `f` runs once, and draws what `randomness` says: with `'different'` it runs once for each chunk. With
 * `mode: 'auto'` or `'reverse'` the Jacobian comes from that one run by rows or by columns.
 * @throws TensorTypeError for chosen leaves that are no floating-point tensors, a random draw unless `randomness` allows it, or an unknown mode
 */
export function jacfwd<A extends readonly unknown[], R, X, const N extends Argnums = 0>(
  f: (...args: A) => readonly [R, X],
  options: {
    readonly argnums?: N | undefined
    readonly hasAux: true
    readonly randomness?: Randomness | undefined
    readonly chunkSize?: number | null | undefined
    readonly mode?: JacobianMode | undefined
  },
): (...args: A) => [Jacobian<R, Chosen<A, N>>, X]
export function jacfwd<A extends readonly unknown[], R, X, const N extends Argnums = 0>(
  f: (...args: A) => readonly [R, X],
  argnums: N | undefined,
  options: Omit<JacfwdOptions, 'argnums' | 'hasAux'> & { readonly hasAux: true },
): (...args: A) => [Jacobian<R, Chosen<A, N>>, X]
export function jacfwd<A extends readonly unknown[], R, const N extends Argnums = 0>(
  f: (...args: A) => R,
  argnums?: N,
): (...args: A) => Jacobian<R, Chosen<A, N>>
export function jacfwd<A extends readonly unknown[], R, const N extends Argnums = 0>(
  f: (...args: A) => R,
  argnums: N | undefined,
  options: Omit<JacfwdOptions, 'argnums' | 'hasAux'> & { readonly hasAux?: false | undefined },
): (...args: A) => Jacobian<R, Chosen<A, N>>
export function jacfwd<A extends readonly unknown[], R, const N extends Argnums = 0>(
  f: (...args: A) => R,
  options: {
    readonly argnums?: N | undefined
    readonly hasAux?: false | undefined
    readonly randomness?: Randomness | undefined
    readonly chunkSize?: number | null | undefined
    readonly mode?: JacobianMode | undefined
  },
): (...args: A) => Jacobian<R, Chosen<A, N>>
export function jacfwd(f: AnyFunction, ...given: readonly unknown[]): (...args: never[]) => unknown {
  checkFunction('jacfwd', f)
  const plan = readPlan('jacfwd', given)
  return named(f, (...args: never[]) =>
    owning(() =>
      plan.mode === 'forward' && plan.randomness === 'different' ? byTangents(f, args, plan) : atPoint('jacfwd', f, args, plan, 'forward'),
    ),
  )
}

/**
 * The Hessian of `f`: `jacfwd(jacrev(f))`, or the same by another `mode`; by default one that takes least time for the shapes. For a scalar function of
 * one tensor, shape `[...in.shape, ...in.shape]`; else for each tensor of the output the tree of the chosen arguments, twice. Random draws are refused,
 * but by `'reverse-over-reverse'`.
 * @throws as `jacfwd` and `jacrev`
 */
export function hessian<A extends readonly unknown[], R, const N extends Argnums = 0>(
  f: (...args: A) => R,
  argnums?: N,
  options?: Omit<HessianOptions, 'argnums'>,
): (...args: A) => Jacobian<Jacobian<R, Chosen<A, N>>, Chosen<A, N>>
export function hessian<A extends readonly unknown[], R, const N extends Argnums = 0>(
  f: (...args: A) => R,
  options: { readonly argnums?: N | undefined; readonly chunkSize?: number | null | undefined; readonly mode?: HessianMode | undefined },
): (...args: A) => Jacobian<Jacobian<R, Chosen<A, N>>, Chosen<A, N>>
export function hessian(f: AnyFunction, ...given: readonly unknown[]): (...args: never[]) => unknown {
  checkFunction('hessian', f)
  const { mode, ...rest } = readHessianPlan(given)
  const [outer, inner] =
    mode === 'auto' ? (['auto', 'auto'] as const) : (mode.split('-over-') as ['forward' | 'reverse', 'forward' | 'reverse'])
  const once = inner === 'forward' ? jacfwd(f, rest) : jacrev(f, { ...rest, mode: inner })
  const columns = jacfwd(once, rest)
  if (outer === 'forward') return columns
  if (outer === 'reverse') return jacrev(once, rest)
  const plan = { ...rest, hasAux: false, randomness: 'error', mode: 'auto' } as const
  return named(f, (...args: never[]) =>
    forwardIsSafer(select('jacfwd', args, rest.argnums, true).leaves)
      ? columns(...args)
      : owning(() => atPoint('jacfwd', once, args, plan, 'reverse')),
  )
}

const named = <G extends AnyFunction>(f: { readonly name: string }, g: G): G =>
  Object.defineProperty(g, 'name', { value: f.name, configurable: true })
