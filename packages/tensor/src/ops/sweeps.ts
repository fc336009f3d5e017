import {
  type BatchContext,
  type Dim,
  type Fn,
  type Jvp,
  type Linearize,
  type Op,
  type Tangent,
  type Tensors,
  type Vjp,
  defineOp,
} from '../core/op.ts'
import type { Aval } from '../core/value.ts'
import { decompose } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { add, logicalAnd } from './binary.ts'
import { mask } from './branch.ts'
import { count, differs, likeExample, orZeros, replaced, scalarFlag, spread, those, valuesAlong, zerosLike } from './lists.ts'
import { Captures, like, record } from './program.ts'
import { anyDims } from './reduce.ts'
import { settle } from './settle.ts'
import {
  type All,
  type Left,
  type Sweep,
  type SweepsParams,
  bySweep,
  call,
  flat,
  likesOf,
  moving,
  reached,
  run,
  stepOf,
} from './sweep-rounds.ts'
import { batchOrExpand, moveAxis } from './view.ts'
import { where } from './where.ts'

// A loop as long as a condition holds, whose rounds are then gone through again, back and forth: what the reverse mode of
// `whileLoop` is in a graph. How many rounds there are, only a run can tell; so what they leave behind stays inside of it.

/** Records the condition and a round of each sweep, and applies the loop. Gives the states at the end of each sweep. */
function sweep(
  cond: (state: Tensors, consts: Tensors) => Tensor,
  sweeps: readonly Sweep[],
  states: readonly Tensors[],
  consts: Tensors,
): readonly Tensors[] {
  const captures = new Captures()
  const sizes = states.map((s) => s.length)
  const operands = [...states.flat(), ...consts]
  const likes = operands.map(like)
  const emits: (readonly Aval[])[] = []
  const n = sizes[0]!
  const going = record('whileLoop', (xs) => [cond(xs.slice(0, n), xs.slice(n))], [...states[0]!, ...consts].map(like), captures)
  const steps = sweeps.map(({ step }, j) => {
    const program = record(
      'whileLoop',
      (xs) => {
        let at = 0
        const take = (k: number): Tensors => xs.slice(at, (at += k))
        const left = sizes.slice(0, j).map((k, i) => ({ state: take(k), emits: take(emits[i]!.length) }))
        const [state, out] = step(left, take(sizes[j]!), xs.slice(at))
        return [...state, ...out]
      },
      likesOf(likes, { cond, states: sizes, emits, reverse: [] } as never, j),
      captures,
    )
    emits.push(program.gives.slice(sizes[j]))
    return [`step${j}`, program.run] as const
  })
  const out = whileSweeps.bind([...operands, ...captures.tensors], {
    cond: going.run,
    ...Object.fromEntries(steps),
    states: sizes,
    emits,
    reverse: sweeps.map((s) => s.reverse),
  })
  return bySweep(out, sizes).states
}

/** The loop with tangents beside what moves. */
export function sweepsJvp(
  operands: Tensors,
  dxs: readonly Tangent[],
  p: SweepsParams,
  jvp: Jvp,
): readonly [ys: Tensors, dys: readonly Tangent[]] {
  const at = moving(
    operands,
    p,
    dxs.map((d) => d !== null),
  )
  const own = bySweep(operands, p.states)
  const d = bySweep(
    operands.map((x, i) => orZeros(dxs[i], x)),
    p.states,
  )
  const n = own.rest.length
  const primals = ({ state, emits }: Left<Tensor>, j: number): Left<Tensor> => ({
    state: state.slice(0, p.states[j]),
    emits: emits.slice(0, p.emits[j]!.length),
  })
  const tangents = ({ state, emits }: Left<Tensor>, j: number): Left<Tangent> => ({
    state: spread(state.slice(p.states[j]), at.left[j]!.state),
    emits: spread(emits.slice(p.emits[j]!.length), at.left[j]!.emits),
  })
  const sweeps = p.states.map((size, j): Sweep => ({
    reverse: p.reverse[j]!,
    step: (left, state, consts) => {
      const mine = { state, emits: [] }
      const [ys, dys] = jvp(
        stepOf(p, j),
        [...flat(left.map(primals)), ...primals(mine, j).state, ...consts.slice(0, n)],
        [...flat(left.map(tangents)), ...tangents(mine, j).state, ...spread(consts.slice(n), at.consts)],
      )
      const moved = ys.map((y, i) => orZeros(dys[i], y))
      const { state: s, emits: e } = at.left[j]!
      return [
        [...ys.slice(0, size), ...those(moved.slice(0, size), s)],
        [...ys.slice(size), ...those(moved.slice(size), e)],
      ]
    },
  }))
  const ends = sweep(
    (state, consts) => call(p.cond, [...state.slice(0, p.states[0]), ...consts.slice(0, n)])[0]!,
    sweeps,
    own.states.map((s, j) => [...s, ...those(d.states[j]!, at.left[j]!.state)]),
    [...own.rest, ...those(d.rest, at.consts)],
  )
  return [ends.flatMap((s, j) => s.slice(0, p.states[j])), ends.flatMap((s, j) => spread(s.slice(p.states[j]), at.left[j]!.state))]
}

const sum = (a: readonly Tensor[] | null, b: readonly Tensor[]): readonly Tensor[] => (a ? a.map((x, i) => add(x, b[i]!)) : b)

/** The sweeps themselves, computed as a derivative computes them. */
const sameSweeps = (p: SweepsParams, at: All<boolean>, along: Vjp | Linearize): Sweep[] =>
  p.states.map((size, j) => ({
    reverse: p.reverse[j]!,
    step: (left, state, consts) => {
      const flags = [...flat(at.left.slice(0, j)), ...at.left[j]!.state, ...at.consts]
      const out = valuesAlong(stepOf(p, j), along, [...flat(left), ...state, ...consts], flags)
      return [out.slice(0, size), out.slice(size)]
    },
  }))
function sweepsValues(operands: Tensors, p: SweepsParams, along: Vjp | Linearize, needs: readonly boolean[]): Tensors {
  const { states, rest } = bySweep(operands, p.states)
  const sweeps = sameSweeps(p, moving(operands, p, needs), along)
  return sweep((state, consts) => call(p.cond, [...state, ...consts])[0]!, sweeps, states, rest).flat()
}

/** The pullback: the same sweeps, and then back through the rounds of each, the last first. */
export function sweepsPull(
  operands: Tensors,
  p: SweepsParams,
  vjp: Vjp,
  needs: readonly boolean[],
): readonly [pull: (cts: readonly Tangent[]) => readonly Tangent[], differentiable: readonly boolean[]] {
  const at = moving(operands, p, needs)
  const own = bySweep(operands, p.states)
  const m = p.states.length
  const before = (j: number): boolean[] => flat(at.left.slice(0, j))
  const again = sameSweeps(p, at, vjp)
  const back = p.states.map((_, j): Sweep => ({
    reverse: !p.reverse[j],
    step: (left, [...state], consts) => {
      const { state: s, emits: e } = at.left[j]!
      // what the sweeps behind this one, which were gone back through before, say of what this one left behind
      let said: readonly Tensor[] | null = null
      for (let i = m - 1; i > j; i--) said = sum(said, left[m + (m - 1 - i)]!.emits.slice(count(before(j)), count(before(j + 1))))
      const flags = [...before(j), ...s, ...at.consts]
      const all = [...flat(left.slice(0, j)), ...left[j]!.state, ...consts]
      const [, pull] = vjp((...some) => call(stepOf(p, j), replaced(all, flags, some)), those(all, flags))
      const moved = count(s)
      const given = pull([...spread(state.slice(0, moved), s), ...(said ? spread(said.slice(moved), e) : e.map(() => null))])
      const grads = those(all, flags).map((x, i) => orZeros(given[i], x))
      const k = count(before(j))
      const mine = grads.slice(k, k + moved)
      return [[...(said ? sum(said.slice(0, moved), mine) : mine), ...sum(state.slice(moved), grads.slice(k + moved))], grads.slice(0, k)]
    },
  }))
  const pull = (cts: readonly Tangent[]): readonly Tangent[] => {
    const results = own.states.flat()
    const ct = bySweep(
      results.map((y, i) => orZeros(cts[i], y)),
      p.states,
    ).states
    const zeros = those(own.rest, at.consts).map((x) => zerosLike(x))
    const ends = sweep(
      (state, consts) => call(p.cond, [...state, ...consts])[0]!,
      [...again, ...back.toReversed()],
      [...own.states, ...ct.map((c, j) => [...those(c, at.left[j]!.state), ...zeros]).reverse()],
      own.rest,
    )
    const found = ends.slice(m).reverse()
    const split = found.map((g, j): readonly [Tensors, Tensors] => [
      g.slice(0, count(at.left[j]!.state)),
      g.slice(count(at.left[j]!.state)),
    ])
    const consts = split.reduce<readonly Tensor[] | null>((total, [, g]) => sum(total, g), null)!
    return [...split.flatMap(([g], j) => spread(g, at.left[j]!.state)), ...spread(consts, at.consts)]
  }
  return [pull, at.left.flatMap((l) => l.state)]
}

/** Forward mode of a rule that has tangents left open. */
export const jvpOf =
  (linearize: Linearize): Jvp =>
  (f, primals, tangents) => {
    const [ys, push] = linearize(f, primals)
    return [ys, push(tangents)]
  }

function batchRule(operands: Tensors, dims: readonly Dim[], p: SweepsParams, context: BatchContext): readonly [Tensors, readonly Dim[]] {
  const { size, each } = context
  const found = reached(
    operands.map((x, i) => likeExample(x, dims[i]!)),
    p,
    dims.map((d) => d !== null),
    differs(context),
  )
  const parts = found.cond
  const { states, rest } = bySweep(operands, p.states)
  const d = bySweep(dims, p.states)
  // where examples part ways, every state is one of each example
  const own = found.left.map(({ state, emits }): Left<boolean> => ({
    state: state.map((b) => b || parts),
    emits: emits.map((b) => b || parts),
  }))
  const place = (b: boolean): Dim => (b ? 0 : null)
  const start = states.map((xs, j) => xs.map((x, i) => (own[j]!.state[i] ? batchOrExpand(x, d.states[j]![i]!, size) : x)))
  const front = (f: Fn, xs: Tensors, at: readonly Dim[], which: (i: number) => boolean): Tensor[] => {
    const [ys, places] = each(f, at)(...xs)
    return ys.map((y, i) => (which(i) ? batchOrExpand(y, places[i]!, size) : y))
  }
  const holds = (state: Tensors, consts: Tensors): Tensor =>
    front(p.cond, [...state, ...consts], [...own[0]!.state.map(place), ...d.rest], () => parts)[0]!
  /** a round of sweep j, for the examples that go on where they part ways */
  const step = (
    j: number,
    left: readonly Left<Tensor>[],
    state: Tensors,
    consts: Tensors,
    goes: Tensor | null,
  ): readonly [Tensors, Tensors] => {
    const at = [...flat(own.slice(0, j)).map(place), ...own[j]!.state.map(place), ...d.rest]
    const xs = [...flat(left), ...state, ...consts]
    const settled = goes ? xs.map((x, i) => (at[i] === null ? x : settle(moveAxis(x, at[i]!, 0), goes))) : xs
    const { state: s, emits: e } = own[j]!
    const ys = front(stepOf(p, j), settled, goes ? at.map((a) => (a === null ? null : 0)) : at, (i) =>
      i < s.length ? s[i]! : e[i - s.length]!,
    )
    const next = ys.slice(0, s.length)
    return [goes ? next.map((y, i) => where(mask(goes, y), y, state[i]!)) : next, ys.slice(s.length)]
  }
  if (!parts) {
    const sweeps = p.states.map((_, j): Sweep => ({
      reverse: p.reverse[j]!,
      step: (left, state, consts) => step(j, left, state, consts, null),
    }))
    return [sweep(holds, sweeps, start, rest).flat(), own.flatMap((l) => l.state.map(place))]
  }
  const without = (left: readonly Left<Tensor>[]): Left<Tensor>[] =>
    left.map((l, i) => (i === 0 ? { state: l.state.slice(1), emits: l.emits } : l))
  const sweeps = p.states.map((_, j): Sweep => ({
    reverse: p.reverse[j]!,
    step: (left, state, consts) => {
      if (j > 0) return step(j, without(left), state, consts, left[0]!.state[0]!)
      const [goes, ...h] = state
      const [next, emits] = step(0, [], h, consts, goes!)
      return [[logicalAnd(goes!, holds(next, consts)), ...next], emits]
    },
  }))
  const [first, ...others] = start
  const ends = sweep(([goes]) => anyDims(goes!, [-1]), sweeps, [[holds(first!, rest), ...first!], ...others], rest)
  return [[...ends[0]!.slice(1), ...ends.slice(1).flat()], p.states.flatMap((n) => new Array<Dim>(n).fill(0))]
}

/** The loop as long as a condition holds, and sweeps through its rounds after that: (…states, …constants) → states. */
export const whileSweeps: Op<Tensors, SweepsParams, Tensors, Tensors> = defineOp<Tensors, SweepsParams, Tensors, Tensors>({
  name: 'while_loop_sweeps',
  result: (xs, p) => bySweep(xs, p.states).states.flat(),
  programs: (xs, p) => {
    const { states, rest } = bySweep(xs, p.states)
    const before = (j: number): Aval[] => flat(states.slice(0, j).map((state, i) => ({ state, emits: p.emits[i]! })))
    return {
      cond: { takes: [...states[0]!, ...rest], gives: [scalarFlag] },
      ...Object.fromEntries(
        states.map((state, j) => [`step${j}`, { takes: [...before(j), ...state, ...rest], gives: [...state, ...p.emits[j]!] }]),
      ),
    }
  },
  compute: decompose(run),
  batch: batchRule,
  diff: {
    kind: 'augmented',
    jvp: sweepsJvp,
    vjp: (operands, p, vjp, needs) => [sweepsValues(operands, p, vjp, needs), ...sweepsPull(operands, p, vjp, needs)],
    linearize: (operands, p, linearize, needs) => [
      sweepsValues(operands, p, linearize, needs),
      (dxs) => sweepsJvp(operands, dxs, p, jvpOf(linearize))[1],
    ],
  },
})
