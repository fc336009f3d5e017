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
import { readSync } from '../core/read.ts'
import { isFloating } from '../core/promote.ts'
import type { Aval } from '../core/value.ts'
import { decompose } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { type Passes, differs, likeExample, moves, orZeros, replaced, spread, those, zerosLike } from './lists.ts'
import { Captures, type Halves, like, record, recordHalves } from './program.ts'
import { anyDims } from './reduce.ts'
import { settle } from './settle.ts'
import { logicalNot } from './unary.ts'
import { batchOrExpand, moveAxis, reshapeTo } from './view.ts'
import { where } from './where.ts'

// One of two programs as one op: what `cond` is in a graph.

/** Operands: the predicate, a bool scalar, and what both branches get. */
export interface BranchParams {
  /** operands → results, where the predicate holds; closes over nothing */
  readonly yes: Fn
  /** the same where it does not */
  readonly no: Fn
  /** shape and dtype of each result */
  readonly out: readonly Aval[]
  /** whether a branch draws at random */
  readonly draws: boolean
}

type Branch = (xs: Tensors) => Tensors

/** Records both branches, and applies the op. */
export function branches(pred: Tensor, yes: Branch, no: Branch, operands: Tensors): Tensors {
  const captures = new Captures()
  const likes = operands.map(like)
  const [a, b] = [record('cond', yes, likes, captures), record('cond', no, likes, captures)]
  return condBranches.bind([pred, ...operands, ...captures.tensors], {
    yes: a.run,
    no: b.run,
    out: a.gives,
    draws: a.draws || b.draws,
  })
}

const call = (f: Fn, xs: Tensors): Tensors => f(...xs) as Tensors

/** Which results are reached from those operands, in either branch. */
function reached(operands: Tensors, dims: readonly Dim[], p: BranchParams, seeds: readonly boolean[], passes: Passes): boolean[] {
  const likes = operands.map((x, i) => likeExample(x, dims[i]!))
  const [a, b] = [p.yes, p.no].map((f) => record('cond', (xs) => call(f, xs), likes).reach(seeds, passes)) as [boolean[], boolean[]]
  return a.map((r, i) => r || b[i]!)
}
const moving = (operands: Tensors, p: BranchParams, needs: readonly boolean[]): readonly [ins: boolean[], outs: boolean[]] => {
  const ins = operands.map((x, i) => needs[i]! && isFloating(x))
  return [
    ins,
    reached(
      operands,
      operands.map(() => null),
      p,
      ins,
      moves,
    ),
  ]
}

function jvpRule(
  [pred, ...xs]: Tensors,
  [, ...dxs]: readonly Tangent[],
  p: BranchParams,
  jvp: Jvp,
): readonly [Tensors, readonly Tangent[]] {
  const [ins, outs] = moving(
    xs,
    p,
    dxs.map((d) => d !== null),
  )
  const both =
    (f: Fn): Branch =>
    (all) => {
      const [ys, dys] = jvp(f, all.slice(0, xs.length), spread(all.slice(xs.length), ins))
      return [
        ...ys,
        ...those(
          ys.map((y, i) => orZeros(dys[i], y)),
          outs,
        ),
      ]
    }
  const all = branches(pred!, both(p.yes), both(p.no), [...xs, ...those(dxs as Tensors, ins)])
  return [all.slice(0, outs.length), spread(all.slice(outs.length), outs)]
}

/** Results of the first halves of both branches, and how to run the second halves on what those kept. */
function halved(
  pred: Tensor,
  xs: Tensors,
  [yes, no]: readonly [Halves, Halves],
  captured: Tensors,
): readonly [ys: Tensors, then: (more: Tensors) => Tensors] {
  const forward =
    (mine: Halves, first: boolean): Branch =>
    (all) => {
      const out = mine.forward.run(...all)
      const n = out.length - mine.kept.length
      const others = (first ? no : yes).kept.map((aval) => zerosLike(pred, aval))
      const kept = out.slice(n)
      return [...out.slice(0, n), ...(first ? [...kept, ...others] : [...others, ...kept])]
    }
  const all = branches(pred, forward(yes, true), forward(no, false), [...xs, ...captured])
  const n = all.length - yes.kept.length - no.kept.length
  const kept = all.slice(n)
  const backward =
    (mine: Halves, from: number): Branch =>
    (given) => {
      const [own, rest] = [given.slice(0, xs.length), given.slice(xs.length)]
      const [closed, more] = [rest.slice(0, captured.length), rest.slice(captured.length)]
      return mine.backward.run(
        ...mine.operands.map((i) => own[i]!),
        ...mine.hoisted.run(...own, ...closed),
        ...more.slice(from, from + mine.kept.length),
        ...more.slice(kept.length),
        ...closed,
      )
    }
  return [
    all.slice(0, n),
    (more) => branches(pred, backward(yes, 0), backward(no, yes.kept.length), [...xs, ...captured, ...kept, ...more]),
  ]
}

function vjpRule(
  [pred, ...xs]: Tensors,
  p: BranchParams,
  vjp: Vjp,
  [, ...needs]: readonly boolean[],
): readonly [Tensors, (cts: readonly Tangent[]) => readonly Tangent[], readonly boolean[]] {
  const [ins, outs] = moving(xs, p, needs)
  const captures = new Captures()
  const cut = (f: Fn): Halves =>
    recordHalves(
      'cond',
      (all) => {
        const [ys, pull] = vjp((...some) => call(f, replaced(all, ins, some)), those(all, ins))
        return [
          ys,
          (cts) => {
            const grads = pull(spread(cts, outs))
            return those(all, ins).map((x, i) => orZeros(grads[i], x))
          },
        ]
      },
      xs.map(like),
      (ys) => those(ys, outs).map(like),
      () => false,
      captures,
    )
  const [ys, then] = halved(pred!, xs, [cut(p.yes), cut(p.no)], captures.tensors)
  const pull = (cts: readonly Tangent[]): readonly Tangent[] => [
    null,
    ...spread(
      then(
        those(
          ys.map((y, i) => orZeros(cts[i], y)),
          outs,
        ),
      ),
      ins,
    ),
  ]
  return [ys, pull, outs]
}

function linearizeRule(
  [pred, ...xs]: Tensors,
  p: BranchParams,
  linearize: Linearize,
  [, ...needs]: readonly boolean[],
): readonly [Tensors, (dxs: readonly Tangent[]) => readonly Tangent[]] {
  const [ins, outs] = moving(xs, p, needs)
  const captures = new Captures()
  const cut = (f: Fn): Halves =>
    recordHalves(
      'cond',
      (all) => {
        const [ys, push] = linearize((...some) => call(f, replaced(all, ins, some)), those(all, ins))
        return [
          ys,
          (dxs) => {
            const dys = push(dxs)
            return those(
              ys.map((y, i) => orZeros(dys[i], y)),
              outs,
            )
          },
        ]
      },
      xs.map(like),
      () => those(xs, ins).map(like),
      () => false,
      captures,
    )
  const [ys, then] = halved(pred!, xs, [cut(p.yes), cut(p.no)], captures.tensors)
  return [
    ys,
    ([, ...dxs]) =>
      spread(
        then(
          those(
            xs.map((x, i) => orZeros(dxs[i], x)),
            ins,
          ),
        ),
        outs,
      ),
  ]
}

/** A condition with axes behind its own, to meet y. */
export const mask = (condition: Tensor, y: Tensor): Tensor =>
  reshapeTo(condition, [...condition.shape, ...new Array<number>(Math.max(0, y.ndim - condition.ndim)).fill(1)])

function batchRule(
  [pred, ...xs]: Tensors,
  [over, ...dims]: readonly Dim[],
  p: BranchParams,
  context: BatchContext,
): readonly [Tensors, readonly Dim[]] {
  const { size, each } = context
  if (over === null) {
    const outs = reached(
      xs,
      dims,
      p,
      dims.map((d) => d !== null),
      differs(context),
    )
    const mapped =
      (f: Fn): Branch =>
      (all) => {
        const [ys, places] = each(f, dims)(...all)
        return ys.map((y, i) => (outs[i] ? batchOrExpand(y, places[i]!, size) : y))
      }
    return [branches(pred!, mapped(p.yes), mapped(p.no), xs), outs.map((o) => (o ? 0 : null))]
  }
  // both ways for all examples, each unless nobody goes it, on values of examples that do
  const holds = moveAxis(pred!, over!, 0)
  const front = xs.map((x, i) => (dims[i] === null ? x : moveAxis(x, dims[i]!, 0)))
  const way = (f: Fn, condition: Tensor): Tensors =>
    branches(
      anyDims(condition, [-1]),
      ([c, ...all]) => {
        const settled = all.map((x, i) => (dims[i] === null ? x : settle(x, c!)))
        const [ys, places] = each(
          f,
          dims.map((d) => (d === null ? null : 0)),
        )(...settled)
        return ys.map((y, i) => batchOrExpand(y, places[i]!, size))
      },
      ([c]) => p.out.map(({ shape, dtype }) => zerosLike(c!, { shape: [size, ...shape], dtype })),
      [condition, ...front],
    )
  const [yes, no] = [way(p.yes, holds), way(p.no, logicalNot(holds))]
  return [yes.map((y, i) => where(mask(holds, y), y, no[i]!)), yes.map(() => 0)]
}

/** One of two programs: (predicate, …operands) → results. */
export const condBranches: Op<Tensors, BranchParams, Tensors, Tensors> = defineOp<Tensors, BranchParams, Tensors, Tensors>({
  name: 'cond',
  result: (_, { out }) => out,
  programs: ([, ...xs], { out }) => ({ yes: { takes: xs, gives: out }, no: { takes: xs, gives: out } }),
  narrow: { carried: () => 0, params: (p, _, results) => ({ ...p, out: those(p.out, results) }) },
  random: (p) => p.draws,
  compute: decompose(([pred, ...xs], p) => call(readSync(pred!.value.concrete('cond'), 'cond')[0] ? p.yes : p.no, xs)),
  batch: batchRule,
  diff: { kind: 'augmented', jvp: jvpRule, vjp: vjpRule, linearize: linearizeRule },
})
