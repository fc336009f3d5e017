import { TensorTypeError } from '../core/errors.ts'
import { isFloating } from '../core/promote.ts'
import { internally, tidy } from '../core/memory.ts'
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
import { decompose } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { logicalAnd } from './binary.ts'
import { branches, mask } from './branch.ts'
import { decide, untilDone } from './course.ts'
import { type Passes, count, differs, likeExample, moves, orZeros, scalarFlag, spread, those, valuesAlong, zerosLike } from './lists.ts'
import { Captures, type Like, isRecording, like, record } from './program.ts'
import { anyDims } from './reduce.ts'
import { rounds } from './rounds.ts'
import { settle } from './settle.ts'
import type { SweepsParams } from './sweep-rounds.ts'
import { jvpOf, sweepsPull } from './sweeps.ts'
import { batchOrExpand, moveAxis } from './view.ts'
import { release } from './walk.ts'
import { where } from './where.ts'

// The loop as long as a condition holds, as one op: what `whileLoop` is in a graph.

/** Operands: the carries, and what every round gets. Results: the last carries. */
export interface RepeatParams {
  /** (…carries, …constants) → a bool scalar; closes over nothing */
  readonly cond: Fn
  /** (…carries, …constants) → carries; closes over nothing */
  readonly body: Fn
  /** the number of carries */
  readonly carry: number
  /** the most rounds there may be; `null`: any number */
  readonly maxIterations: number | null
  /** whether a round draws at random */
  readonly draws: boolean
}

type Step = (carry: Tensors, consts: Tensors) => Tensors

/** Records the condition and one round, and applies the loop. */
export function repeat(cond: Step, body: Step, carry: Tensors, consts: Tensors, maxIterations: number | null): Tensors {
  const captures = new Captures()
  const likes = [...carry, ...consts].map(like)
  const n = carry.length
  const program = (f: Step): ReturnType<typeof record> => record('whileLoop', (xs) => f(xs.slice(0, n), xs.slice(n)), likes, captures)
  const [c, b] = [program(cond), program(body)]
  return whileHolds.bind([...carry, ...consts, ...captures.tensors], {
    cond: c.run,
    body: b.run,
    carry: n,
    maxIterations,
    draws: c.draws || b.draws,
  })
}

const call = (f: Fn, ...xs: Tensors): Tensors => f(...xs) as Tensors

function run(operands: Tensors, { cond, body, carry: n, maxIterations }: RepeatParams): Tensors {
  const most = maxIterations ?? Infinity
  const consts = operands.slice(n)
  const held = new Set<unknown>(operands.map((x) => x.value))
  let carry: Tensors = operands.slice(0, n)
  for (let k = 0; k < most; k++) {
    const [goes] = tidy(() => call(cond, ...carry, ...consts))
    const on = readSync(goes!.value.concrete('whileLoop'), 'whileLoop')[0] !== 0
    release([goes!], held, carry)
    if (!on) break
    const next = tidy(() => call(body, ...carry, ...consts))
    release(carry, held, next)
    carry = next
  }
  return carry
}

/** Which carries are reached from those operands, round after round, and whether the condition is. */
function reached(
  likes: readonly Like[],
  p: RepeatParams,
  seeds: readonly boolean[],
  passes: Passes,
): readonly [operands: boolean[], condition: boolean] {
  const program = record('whileLoop', (xs) => call(p.body, ...xs), likes)
  let now = [...seeds]
  for (;;) {
    const outs = program.reach(now, passes)
    const next = now.map((s, i) => s || (i < p.carry && outs[i]!))
    if (next.every((s, i) => s === now[i])) break
    now = next
  }
  return [now, record('whileLoop', (xs) => call(p.cond, ...xs), likes).reach(now, passes)[0]!]
}

function jvpRule(operands: Tensors, dxs: readonly Tangent[], p: RepeatParams, jvp: Jvp): readonly [Tensors, readonly Tangent[]] {
  const n = p.carry
  const seeds = dxs.map((d, i) => d !== null && isFloating(operands[i]!))
  const [at] = reached(operands.map(like), p, seeds, moves)
  const [c, k] = [at.slice(0, n), at.slice(n)]
  const d = operands.map((x, i) => orZeros(dxs[i], x))
  const primals = (h: Tensors, consts: Tensors): Tensors => [...h.slice(0, n), ...consts.slice(0, k.length)]
  const out = repeat(
    (h, consts) => call(p.cond, ...primals(h, consts)),
    (h, consts) => {
      const [ys, dys] = jvp(p.body, primals(h, consts), [...spread(h.slice(n), c), ...spread(consts.slice(k.length), k)])
      return [
        ...ys,
        ...those(
          ys.map((y, i) => orZeros(dys[i], y)),
          c,
        ),
      ]
    },
    [...operands.slice(0, n), ...those(d.slice(0, n), c)],
    [...operands.slice(n), ...those(d.slice(n), k)],
    p.maxIterations,
  )
  return [out.slice(0, n), spread(out.slice(n), c)]
}

/** The same as a loop of `maxIterations` rounds, of which those behind the end do nothing: it keeps what each round computed. */
function bounded(operands: Tensors, p: RepeatParams, length: number): Tensors {
  const n = p.carry
  const consts = operands.slice(n)
  const begins = call(p.cond, ...operands)[0]!
  const [ends] = rounds(
    ([active, ...carry], _, k) => [
      branches(
        active!,
        (xs) => {
          const next = call(p.body, ...xs)
          return [call(p.cond, ...next, ...xs.slice(n))[0]!, ...next]
        },
        (xs) => [zerosLike(active!), ...xs.slice(0, n)],
        [...carry, ...k],
      ),
      [],
    ],
    { name: 'whileLoop', carry: [begins, ...operands.slice(0, n)], consts, length, reverse: false },
  )
  return ends.slice(1)
}

/** The loop as a derivative follows its rounds; `null` where nobody knows how many there are. */
function followed(p: RepeatParams): Fn | null {
  const { carry: n, maxIterations } = p
  if (isRecording()) return maxIterations === null ? null : (...xs) => bounded(xs, p, maxIterations)
  return (...xs) => {
    const consts = xs.slice(n)
    return untilDone(
      'whileLoop',
      (now) => internally(() => decide('whileLoop', call(p.cond, ...now, ...consts)[0], () => 'expected a bool scalar')),
      (now) => call(p.body, ...now, ...consts),
      xs.slice(0, n),
      maxIterations ?? Infinity,
    )
  }
}

const refuse = (what: string) => (): never => {
  throw new TensorTypeError(
    `expected { maxIterations } for ${what} of a whileLoop in a graph whose rounds draw at random: it keeps what each of so many rounds computed and drew. Give whileLoop(condFn, bodyFn, carried, { maxIterations }), draw before the loop, use forward mode (jvp, jacfwd), or a fixed number of rounds with forLoop or scan`,
    { op: 'whileLoop', code: 'UNBOUNDED' },
  )
}

/** The last carries, where a round is computed as a derivative computes it. */
function values(operands: Tensors, p: RepeatParams, along: Vjp | Linearize, needs: readonly boolean[]): Tensors {
  const n = p.carry
  const seeds = operands.map((x, i) => needs[i]! && isFloating(x))
  const [at] = reached(operands.map(like), p, seeds, moves)
  return repeat(
    (h, k) => call(p.cond, ...h, ...k),
    (h, k) => valuesAlong(p.body, along, [...h, ...k], at),
    operands.slice(0, n),
    operands.slice(n),
    p.maxIterations,
  )
}

/** The loop as the first of several sweeps. */
const asSweeps = ({ cond, body, carry }: RepeatParams): SweepsParams => ({
  cond,
  step0: body,
  states: [carry],
  emits: [[]],
  reverse: [false],
})

function vjpRule(
  operands: Tensors,
  p: RepeatParams,
  vjp: Vjp,
  needs: readonly boolean[],
): readonly [ys: Tensors, pull: (cts: readonly Tangent[]) => readonly Tangent[], differentiable?: readonly boolean[]] {
  const f = followed(p)
  if (f) return vjp(f, operands)
  if (p.draws) return [whileHolds.bind(operands, p), refuse('the reverse mode')]
  return [values(operands, p, vjp, needs), ...sweepsPull(operands, asSweeps(p), vjp, needs)]
}

function linearizeRule(
  operands: Tensors,
  p: RepeatParams,
  linearize: Linearize,
  needs: readonly boolean[],
): readonly [Tensors, (dxs: readonly Tangent[]) => readonly Tangent[]] {
  const f = followed(p)
  if (f) return linearize(f, operands)
  if (p.draws) return [whileHolds.bind(operands, p), refuse('linearize')]
  return [values(operands, p, linearize, needs), (dxs) => jvpRule(operands, dxs, p, jvpOf(linearize))[1]]
}

function batchRule(operands: Tensors, dims: readonly Dim[], p: RepeatParams, context: BatchContext): readonly [Tensors, readonly Dim[]] {
  const { size, each } = context
  const n = p.carry
  const likes = operands.map((x, i) => likeExample(x, dims[i]!))
  const seeds = dims.map((d) => d !== null)
  const [at, parts] = reached(likes, p, seeds, differs(context))
  const carried = operands.slice(0, n)
  const consts = operands.slice(n)
  // where examples part ways, each carry is one of each example
  const own = parts ? at.map((b, i) => b || i < n) : at
  const inner = own.map((b, i): Dim => (i >= n ? dims[i]! : b ? 0 : null))
  const start = carried.map((x, i) => (own[i] ? batchOrExpand(x, dims[i]!, size) : x))
  const places = carried.map((_, i) => (own[i] ? 0 : null))
  const front = (f: Fn, xs: Tensors, which: (i: number) => boolean): Tensor[] => {
    const [ys, d] = each(f, inner)(...xs)
    return ys.map((y, i) => (which(i) ? batchOrExpand(y, d[i]!, size) : y))
  }
  if (!parts)
    return [
      repeat(
        (h, k) => front(p.cond, [...h, ...k], () => false),
        (h, k) => front(p.body, [...h, ...k], (i) => own[i]!),
        start,
        consts,
        p.maxIterations,
      ),
      places,
    ]
  // a round is for the examples that go on, on their values; the others keep what they have
  const active = front(p.cond, [...start, ...consts], () => true)[0]!
  const ends = repeat(
    ([goes]) => [anyDims(goes!, [-1])],
    ([goes, ...h], k) => {
      const settled = [...h, ...k].map((x, i) => (inner[i] === null ? x : settle(moveAxis(x, inner[i]!, 0), goes!)))
      const [ys, d] = each(
        p.body,
        inner.map((e) => (e === null ? null : 0)),
      )(...settled)
      const next = ys.map((y, i) => {
        const all = batchOrExpand(y, d[i]!, size)
        return where(mask(goes!, all), all, h[i]!)
      })
      return [logicalAnd(goes!, front(p.cond, [...next, ...k], () => true)[0]!), ...next]
    },
    [active, ...start],
    consts,
    p.maxIterations,
  )
  return [ends.slice(1), places]
}

/** The loop as long as a condition holds: (…carries, …constants) → carries. */
export const whileHolds: Op<Tensors, RepeatParams, Tensors, Tensors> = defineOp<Tensors, RepeatParams, Tensors, Tensors>({
  name: 'while_loop',
  result: (xs, p) => xs.slice(0, p.carry),
  programs: (xs, p) => ({ cond: { takes: xs, gives: [scalarFlag] }, body: { takes: xs, gives: xs.slice(0, p.carry) } }),
  narrow: { carried: (p) => p.carry, course: ['cond'], params: (p, _, results) => ({ ...p, carry: count(results) }) },
  random: (p) => p.draws,
  compute: decompose(run),
  batch: batchRule,
  diff: { kind: 'augmented', jvp: jvpRule, vjp: vjpRule, linearize: linearizeRule },
})
