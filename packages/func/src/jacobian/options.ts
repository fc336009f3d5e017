import type { Argnums, GradOptions } from '@mapgrad/autodiff'
import type { Tensor } from '@mapgrad/tensor'
import { TensorRangeError, TensorTypeError, describe, readArgs } from '@mapgrad/tensor/plugin'
import type { Randomness } from '@mapgrad/vmap'

/** Which way a Jacobian is computed: by columns, by rows, or the one that is cheaper for the shapes at hand. The result is the same. */
export type JacobianMode = 'auto' | 'forward' | 'reverse'
/** How a Hessian is computed: the outer derivative over the inner one, or what is cheapest for the shapes at hand. The result is the same. */
export type HessianMode = 'auto' | 'forward-over-reverse' | 'reverse-over-reverse' | 'forward-over-forward' | 'reverse-over-forward'

/** Options of `jacrev`. */
export interface JacobianOptions extends GradOptions {
  /** computes at most so many rows or columns at a time, in memory of the result and of one such chunk; by default as many as is fastest */
  readonly chunkSize?: number | null | undefined
  /** rows ('reverse'), columns ('forward'), or whichever are fewer ('auto'); default: what the function is named after */
  readonly mode?: JacobianMode | undefined
}
/** Options of `jacfwd`. */
export interface JacfwdOptions extends JacobianOptions {
  /** what random draws in the function do; default 'error' */
  readonly randomness?: Randomness | undefined
}
/** Options of `hessian`. */
export interface HessianOptions {
  /** which arguments to differentiate; default 0 */
  readonly argnums?: Argnums | undefined
  /** computes at most so many rows or columns at a time, in memory of the result and of one such chunk; default all at once */
  readonly chunkSize?: number | null | undefined
  /** default 'auto' */
  readonly mode?: HessianMode | undefined
}

/** Type of a Jacobian: for each tensor of the output, the tree of the chosen arguments. */
export type Jacobian<R, T> = R extends Tensor
  ? T
  : R extends ReadonlyMap<infer K, infer V>
    ? Map<K, Jacobian<V, T>>
    : R extends readonly unknown[]
      ? { -readonly [K in keyof R]: Jacobian<R[K], T> }
      : R extends object
        ? { [K in keyof R]: Jacobian<R[K], T> }
        : R extends null | undefined
          ? R
          : never

export type AnyFunction = (...args: never[]) => unknown

export const fault = (op: string, message: string, code: string): TensorTypeError =>
  new TensorTypeError(message, { package: 'func', op, code })

const MODES: readonly unknown[] = ['auto', 'forward', 'reverse'] satisfies JacobianMode[]
const HESSIAN_MODES: readonly unknown[] = [
  'auto',
  'forward-over-reverse',
  'reverse-over-reverse',
  'forward-over-forward',
  'reverse-over-forward',
] satisfies HessianMode[]

/** Options of all kinds of Jacobians, with defaults in place. */
export interface Plan {
  readonly argnums: Argnums
  readonly hasAux: boolean
  readonly chunkSize: number | null
  readonly randomness: Randomness
  readonly mode: JacobianMode
}

function read<O extends object>(op: string, given: readonly unknown[], known: readonly (keyof O & string)[]): O {
  const o = readArgs<O & { readonly argnums?: Argnums; readonly chunkSize?: unknown }>(op, given, ['argnums'], known, 'func')
  const { chunkSize = null } = o
  if (chunkSize !== null && (typeof chunkSize !== 'number' || !Number.isInteger(chunkSize) || chunkSize <= 0))
    throw new TensorRangeError(`\`chunkSize\` should be greater than 0, got ${describe(chunkSize)}.`, {
      package: 'func',
      op,
      code: 'CHUNK_SIZE',
    })
  return o
}

export function checkMode(op: string, mode: unknown, modes: readonly unknown[] = MODES): void {
  if (!modes.includes(mode))
    throw fault(op, `expected mode to be one of ${modes.map((m) => `'${String(m)}'`).join(', ')}, got ${describe(mode)}`, 'MODE')
}

export function readPlan(op: 'jacrev' | 'jacfwd', given: readonly unknown[]): Plan {
  const own = op === 'jacrev' ? [] : (['randomness'] as const)
  const o = read<JacfwdOptions>(op, given, ['hasAux', ...own, 'chunkSize', 'mode'])
  const { argnums = 0, hasAux = false, chunkSize = null, randomness = 'error', mode = op === 'jacrev' ? 'reverse' : 'forward' } = o
  checkMode(op, mode)
  if (randomness !== 'error' && randomness !== 'different' && randomness !== 'same')
    throw fault(op, `Only allowed values for randomness are 'error', 'different', or 'same'. Got ${String(randomness)}`, 'RANDOMNESS')
  return { argnums, hasAux, chunkSize, randomness, mode }
}

export function readHessianPlan(given: readonly unknown[]): Pick<Plan, 'argnums' | 'chunkSize'> & { readonly mode: HessianMode } {
  const { argnums = 0, chunkSize = null, mode = 'auto' } = read<HessianOptions>('hessian', given, ['chunkSize', 'mode'])
  checkMode('hessian', mode, HESSIAN_MODES)
  return { argnums, chunkSize, mode }
}

export function checkFunction(op: string, f: unknown): void {
  if (typeof f !== 'function') throw fault(op, `expected a function, got ${describe(f)}`, 'NOT_A_FUNCTION')
}
