import { isFloating } from '../core/promote.ts'
import { tidy } from '../core/memory.ts'
import type { Fn, Tensors } from '../core/op.ts'
import { readSync } from '../core/read.ts'
import type { Aval } from '../core/value.ts'
import type { Tensor } from '../tensor.ts'
import { type Passes, moves } from './lists.ts'
import { type Like, like, record } from './program.ts'
import { release } from './walk.ts'

// What the rules of loops with sweeps share, and the loop itself.

/** A program on a list of operands. */
export const call = (f: Fn, xs: Tensors): Tensors => f(...xs) as Tensors

/** Operands: the states that the sweeps begin with, one after the other, and what every round gets. Results: the states they end with. */
export interface SweepsParams {
  /** (…first state, …constants) → a bool scalar: whether the first sweep goes on */
  readonly cond: Fn
  /** (…what earlier sweeps leave behind in this round, …state, …constants) → (…state, …emits); what is left behind is the state that a round began with, and its emits */
  readonly [step: `step${number}`]: Fn
  /** the size of each sweep's state */
  readonly states: readonly number[]
  /** shape and dtype of what each sweep emits in a round */
  readonly emits: readonly (readonly Aval[])[]
  /** whether a sweep goes from the last round to the first */
  readonly reverse: readonly boolean[]
}

/** What a sweep leaves behind in a round, in some respect. */
export interface Left<T> {
  readonly state: readonly T[]
  readonly emits: readonly T[]
}
/** One respect of all that a loop has. */
export interface All<T> {
  readonly left: readonly Left<T>[]
  readonly consts: readonly T[]
}
/** A sweep by its round. */
export interface Sweep {
  readonly reverse: boolean
  readonly step: (left: readonly Left<Tensor>[], state: Tensors, consts: Tensors) => readonly [state: Tensors, emits: Tensors]
}

/** The program of a round of sweep j. */
export const stepOf = (p: SweepsParams, j: number): Fn => p[`step${j}`]!
/** All that was left behind, in the order in which steps take it. */
export const flat = <T>(left: readonly Left<T>[]): T[] => left.flatMap((l) => [...l.state, ...l.emits])

/** A list of operands, or of something about them, by sweeps. */
export function bySweep<T>(
  list: readonly T[],
  sizes: readonly number[],
): { readonly states: readonly (readonly T[])[]; readonly rest: readonly T[] } {
  let at = 0
  const states = sizes.map((n) => list.slice(at, (at += n)))
  return { states, rest: list.slice(at) }
}

/** What step j takes. */
export function likesOf(likes: readonly Like[], p: SweepsParams, j: number): Like[] {
  const { states, rest } = bySweep(likes, p.states)
  const { tensor } = likes[0]!
  const before = states.slice(0, j).map((state, i) => ({ state, emits: p.emits[i]!.map((aval): Like => ({ tensor, aval })) }))
  return [...flat(before), ...states[j]!, ...rest]
}

/** The loop itself, and the sweeps through its rounds. */
export function run(operands: Tensors, p: SweepsParams): Tensors {
  const { states, rest } = bySweep(operands, p.states)
  const held = new Set<unknown>(operands.map((x) => x.value))
  /** what was left behind, by rounds */
  const rounds: Tensor[][] = []
  let now = states[0]!
  const round = (j: number, k: number): void => {
    const out = tidy(() => call(stepOf(p, j), [...rounds[k]!, ...now, ...rest]))
    rounds[k]!.push(...now, ...out.slice(now.length))
    now = out.slice(0, now.length)
  }
  const goesOn = (): boolean => {
    const [goes] = tidy(() => call(p.cond, [...now, ...rest]))
    const on = readSync(goes!.value.concrete('whileLoop'), 'whileLoop')[0] !== 0
    release([goes!], held, now)
    return on
  }
  while (goesOn()) round(0, rounds.push([]) - 1)
  const ends = [now]
  for (let j = 1; j < states.length; j++) {
    now = states[j]!
    for (let k = 0; k < rounds.length; k++) round(j, p.reverse[j] ? rounds.length - 1 - k : k)
    ends.push(now)
  }
  const results = ends.flat()
  for (const left of rounds) release(left, held, results)
  return results
}

/** What is reached from those operands, sweep after sweep, round after round; and whether the condition is. */
export function reached(
  likes: readonly Like[],
  p: SweepsParams,
  seeds: readonly boolean[],
  passes: Passes,
): All<boolean> & { readonly cond: boolean } {
  const { states, rest: consts } = bySweep(seeds, p.states)
  const left: Left<boolean>[] = []
  for (const [j, seed] of states.entries()) {
    const program = record('whileLoop', (xs) => call(stepOf(p, j), xs), likesOf(likes, p, j))
    let state = seed
    for (;;) {
      const outs = program.reach([...flat(left), ...state, ...consts], passes)
      const next = state.map((s, i) => s || outs[i]!)
      if (next.every((s, i) => s === state[i])) {
        left.push({ state, emits: outs.slice(state.length) })
        break
      }
      state = next
    }
  }
  const { states: firsts, rest } = bySweep(likes, p.states)
  const cond = record('whileLoop', (xs) => call(p.cond, xs), [...firsts[0]!, ...rest])
  return { left, consts, cond: cond.reach([...left[0]!.state, ...consts], passes)[0]! }
}
/** What moves where those operands do. */
export const moving = (operands: Tensors, p: SweepsParams, needs: readonly boolean[]): All<boolean> =>
  reached(
    operands.map(like),
    p,
    operands.map((x, i) => needs[i]! && isFloating(x)),
    moves,
  )
