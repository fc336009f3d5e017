import { tidy } from '../core/memory.ts'
import { isFloating } from '../core/promote.ts'
import type { Fn, Tensors } from '../core/op.ts'
import { ArrayValue, type Aval } from '../core/value.ts'
import type { Tensor } from '../tensor.ts'
import { stack } from './join.ts'
import { type Passes, moves, sliceOf, zerosLike } from './lists.ts'
import { type Like, like, record } from './program.ts'
import { selectAxis } from './slice.ts'

// What the rules of the loop over slices share, and the loop itself.

/** Operands: the carries, what is walked along the first axis, and what every round gets. Results: the last carries, and the ys of all rounds. */
export interface RoundsParams {
  /** (…carries, …slices, …constants) → (…carries, …ys); closes over nothing */
  readonly body: Fn
  /** the number of carries */
  readonly carry: number
  /** the number of operands that are walked */
  readonly xs: number
  /** the number of rounds */
  readonly length: number
  readonly reverse: boolean
  /** shape and dtype of each y of one round */
  readonly ys: readonly Aval[]
  /** whether the body draws at random */
  readonly draws: boolean
}

/** What the operands of a loop are: in the same order as its results begin. */
export interface Roles<T> {
  readonly carry: readonly T[]
  readonly xs: readonly T[]
  readonly consts: readonly T[]
}
export function roles<T>(all: readonly T[], { carry, xs }: { readonly carry: number; readonly xs: number }): Roles<T> {
  return { carry: all.slice(0, carry), xs: all.slice(carry, carry + xs), consts: all.slice(carry + xs) }
}

/** Frees the arrays of carries that are neither held nor the next ones. */
export function release(old: Tensors, held: ReadonlySet<unknown>, next: Tensors): void {
  for (const { value } of old) if (value instanceof ArrayValue && !held.has(value) && !next.some((x) => x.value === value)) value.dispose()
}

/** The loop itself. */
export function walk(operands: Tensors, p: RoundsParams): Tensors {
  const { carry: init, xs, consts } = roles(operands, p)
  const held = new Set<unknown>(operands.map((x) => x.value))
  const stacks = p.ys.map(() => new Array<Tensor>(p.length))
  let carry = init
  for (let k = 0; k < p.length; k++) {
    const i = p.reverse ? p.length - 1 - k : k
    const out = tidy(() => p.body(...carry, ...xs.map((x) => selectAxis(x, 0, i)), ...consts)) as Tensors
    const ys = out.slice(p.carry)
    for (const y of ys) held.add(y.value)
    const next = out.slice(0, p.carry)
    release(carry, held, next)
    carry = next
    ys.forEach((y, j) => {
      stacks[j]![i] = y
    })
  }
  const first = operands[0]!
  return [
    ...carry,
    ...stacks.map((s, j) => (p.length ? stack(s, 0) : zerosLike(first, { dtype: p.ys[j]!.dtype, shape: [0, ...p.ys[j]!.shape] }))),
  ]
}

/** What one round takes. */
export const likesOf = (operands: readonly Like[], p: { readonly carry: number; readonly xs: number }): Like[] =>
  operands.map(({ tensor, aval }, i) => ({ tensor, aval: i >= p.carry && i < p.carry + p.xs ? sliceOf(aval) : aval }))
export const bodyLikes = (operands: Tensors, p: RoundsParams): Like[] => likesOf(operands.map(like), p)

/** Which carries and ys are reached from those operands, round after round. */
export function reached(
  likes: readonly Like[],
  p: RoundsParams,
  seeds: readonly boolean[],
  passes: Passes,
): { readonly operands: readonly boolean[]; readonly outs: readonly boolean[] } {
  const program = record('scan', (xs) => p.body(...xs) as Tensors, likes)
  let now = seeds
  for (;;) {
    const outs = program.reach(now, passes)
    const next = now.map((s, i) => s || (i < p.carry && outs[i]!))
    if (next.every((s, i) => s === now[i])) return { operands: next, outs: outs.map((o, i) => o || (i < p.carry && next[i]!)) }
    now = next
  }
}

export const moving = (operands: Tensors, p: RoundsParams, seeds: readonly boolean[]): ReturnType<typeof reached> =>
  reached(
    bodyLikes(operands, p),
    p,
    seeds.map((s, i) => s && isFloating(operands[i]!)),
    moves,
  )
