import { isFloating } from '../core/promote.ts'
import { tidy } from '../core/memory.ts'
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
import { registry } from '../core/registry.ts'
import { decompose } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { add } from './binary.ts'
import { concat } from './join.ts'
import {
  type Passes,
  count,
  differs,
  likeExample,
  moves,
  orZeros,
  replaced,
  sliceOf,
  spread,
  those,
  valuesAlong,
  zerosLike,
} from './lists.ts'
import { Captures, type Like, like, record } from './program.ts'
import { rounds } from './rounds.ts'
import { narrowAxis, selectAxis } from './slice.ts'
import { jvpOf } from './sweeps.ts'
import { batchOrExpand, moveAxis, reshapeTo } from './view.ts'

// Running combinations of slices by an associative function, as one op: what `associativeScan` is in a graph.

/** Operands: what is combined along the first axis, and what every combination gets. Results: the running combinations. */
export interface AssociativeParams {
  /** (…slices, …slices behind them, …constants) → slices; closes over nothing */
  readonly combine: Fn
  /** the number of operands that are combined */
  readonly xs: number
  /** whether a combination draws at random */
  readonly draws: boolean
}

type Pair = (a: Tensors, b: Tensors) => Tensors

const every = (xs: Tensors, start: number, length: number, step = 1): Tensor[] => xs.map((x) => narrowAxis(x, 0, start, length, step))
const joined = (...parts: Tensors[]): Tensor[] =>
  parts[0]!.map((x, i) =>
    concat(
      parts.map((p) => p[i]!),
      -x.ndim,
    ),
  )

/**
 * The running combinations of slices along the first axis: neighbours in pairs first; their running combinations are every second
 * result, and one more combination each gives the others. `pairs` combines many slices at once, in about 2 log₂ n calls.
 */
export function runningPairs(pairs: Pair, xs: Tensors): Tensors {
  const n = xs[0]!.shape[0]!
  if (n < 2) return xs
  const half = Math.floor(n / 2)
  const odd = runningPairs(pairs, pairs(every(xs, 0, half, 2), every(xs, 1, half, 2)))
  const head = every(xs, 0, 1)
  if (n === 2) return joined(head, odd)
  const rest = Math.ceil(n / 2) - 1
  const even = joined(head, pairs(every(odd, 0, rest), every(xs, 2, rest, 2)))
  const woven = odd.map((o, i) => {
    const [e, sizes] = [narrowAxis(even[i]!, 0, 0, half), o.shape.slice(1)]
    return reshapeTo(
      concat(
        [e, o].map((x) => reshapeTo(x, [half, 1, ...sizes])),
        -o.ndim,
      ),
      [2 * half, ...sizes],
    )
  })
  return n % 2 ? joined(woven, every(even, half, 1)) : woven
}

/** One after the other, where nobody knows how to combine many pairs at once. */
function oneByOne(pair: Pair, xs: Tensors): Tensors {
  const ys = [every(xs, 0, 1)]
  const slice = (of: Tensors, i: number): Tensors => of.map((x) => selectAxis(x, 0, i))
  for (let i = 1; i < xs[0]!.shape[0]!; i++) ys.push(pair(slice(ys.at(-1)!, 0), slice(xs, i)).map((y) => reshapeTo(y, [1, ...y.shape])))
  return joined(...ys)
}

function run(operands: Tensors, p: AssociativeParams): Tensors {
  const [xs, consts] = [operands.slice(0, p.xs), operands.slice(p.xs)]
  const { mapping } = registry()
  if (!mapping) return oneByOne((a, b) => p.combine(...a, ...b, ...consts) as Tensors, xs)
  const dims = [...xs, ...xs, ...consts].map((_, i) => (i < 2 * p.xs ? 0 : null))
  return runningPairs((a, b) => mapping((all) => p.combine(...all) as Tensors, [...a, ...b, ...consts], dims, a[0]!.shape[0]!), xs)
}

const sliceLike = ({ tensor, aval }: Like): Like => ({ tensor, aval: sliceOf(aval) })
/** What one combination takes. */
function likesOf(likes: readonly Like[], n: number): Like[] {
  const slices = likes.slice(0, n).map(sliceLike)
  return [...slices, ...slices, ...likes.slice(n)]
}

/** Records a combination, and applies the op. */
export function combineAlong(f: (a: Tensors, b: Tensors, consts: Tensors) => Tensors, xs: Tensors, consts: Tensors = []): Tensors {
  const captures = new Captures()
  const n = xs.length
  const program = record(
    'associativeScan',
    (all) => f(all.slice(0, n), all.slice(n, 2 * n), all.slice(2 * n)),
    likesOf([...xs, ...consts].map(like), n),
    captures,
  )
  return associative.bind([...xs, ...consts, ...captures.tensors], { combine: program.run, xs: n, draws: program.draws })
}

/** Which results are reached from those operands. */
function reached(likes: readonly Like[], p: AssociativeParams, seeds: readonly boolean[], passes: Passes): boolean[] {
  const program = record('associativeScan', (xs) => p.combine(...xs) as Tensors, likesOf(likes, p.xs))
  let now = seeds.slice(0, p.xs)
  for (;;) {
    const outs = program.reach([...now, ...now, ...seeds.slice(p.xs)], passes)
    const next = now.map((s, i) => s || outs[i]!)
    if (next.every((s, i) => s === now[i])) return next
    now = next
  }
}
/** Which operands move, where those that are combined also do so because of others. */
function moving(
  operands: Tensors,
  p: AssociativeParams,
  needs: readonly boolean[],
): { readonly xs: boolean[]; readonly consts: boolean[] } {
  const seeds = operands.map((x, i) => needs[i]! && isFloating(x))
  return { xs: reached(operands.map(like), p, seeds, moves), consts: seeds.slice(p.xs) }
}

function jvpRule(operands: Tensors, dxs: readonly Tangent[], p: AssociativeParams, jvp: Jvp): readonly [Tensors, readonly Tangent[]] {
  const n = p.xs
  const at = moving(
    operands,
    p,
    dxs.map((d) => d !== null),
  )
  const d = operands.map((x, i) => orZeros(dxs[i], x))
  const k = operands.length - n
  const ys = combineAlong(
    (a, b, consts) => {
      const [out, dout] = jvp(
        p.combine,
        [...a.slice(0, n), ...b.slice(0, n), ...consts.slice(0, k)],
        [...spread(a.slice(n), at.xs), ...spread(b.slice(n), at.xs), ...spread(consts.slice(k), at.consts)],
      )
      return [
        ...out,
        ...those(
          out.map((y, i) => orZeros(dout[i], y)),
          at.xs,
        ),
      ]
    },
    [...operands.slice(0, n), ...those(d.slice(0, n), at.xs)],
    [...operands.slice(n), ...those(d.slice(n), at.consts)],
  )
  return [ys.slice(0, n), spread(ys.slice(n), at.xs)]
}

type VjpResult = readonly [ys: Tensors, pull: (cts: readonly Tangent[]) => readonly Tangent[], differentiable?: readonly boolean[]]

/** The combinations, computed as a derivative computes them. */
function values(operands: Tensors, p: AssociativeParams, along: Vjp | Linearize, needs: readonly boolean[]): Tensors {
  const at = moving(operands, p, needs)
  const flags = [...at.xs, ...at.xs, ...at.consts]
  return combineAlong((a, b, k) => valuesAlong(p.combine, along, [...a, ...b, ...k], flags), operands.slice(0, p.xs), operands.slice(p.xs))
}

/** Back from the last slice to the first, through yᵢ = f(yᵢ₋₁, xᵢ): which is what was computed, f being associative. */
function vjpRule(operands: Tensors, p: AssociativeParams, vjp: Vjp, needs: readonly boolean[]): VjpResult {
  const n = p.xs
  const at = moving(operands, p, needs)
  const [xs, consts] = [operands.slice(0, n), operands.slice(n)]
  const m = count(at.xs)
  const ys = values(operands, p, vjp, needs)
  const length = xs[0]!.shape[0]! - 1
  const pull = (cts: readonly Tangent[]): readonly Tangent[] => {
    const given = those(
      ys.map((y, i) => orZeros(cts[i], y)),
      at.xs,
    )
    const zeros = [...given.map((c) => zerosLike(c, sliceOf(c))), ...those(consts, at.consts).map((x) => zerosLike(x))]
    const [ends, grads] = rounds(
      (carry, slices, k) => {
        const all = [...slices.slice(0, 2 * n), ...k]
        const flags = [...at.xs, ...at.xs, ...at.consts]
        const [, pullback] = vjp((...some) => p.combine(...replaced(all, flags, some)), those(all, flags))
        const ct = slices.slice(2 * n).map((c, i) => add(c, carry[i]!))
        const found = pullback(spread(ct, at.xs))
        const got = those(all, flags).map((x, i) => orZeros(found[i], x))
        return [[...got.slice(0, m), ...got.slice(2 * m).map((g, i) => add(carry[m + i]!, g))], got.slice(m, 2 * m)]
      },
      {
        name: 'associativeScan',
        carry: zeros,
        xs: [...every(ys, 0, length), ...every(xs, 1, length), ...every(given, 1, length)],
        consts,
        length,
        reverse: true,
      },
    )
    const first = every(given, 0, 1).map((c, i) => add(c, ends[i]!))
    return [...spread(joined(first, grads), at.xs), ...spread(ends.slice(m), at.consts)]
  }
  return [ys, pull, at.xs]
}

function batchRule(
  operands: Tensors,
  dims: readonly Dim[],
  p: AssociativeParams,
  context: BatchContext,
): readonly [Tensors, readonly Dim[]] {
  const { size, each } = context
  const own = reached(
    operands.map((x, i) => likeExample(x, dims[i]!)),
    p,
    dims.map((d) => d !== null),
    differs(context),
  )
  const slices = own.map((b): Dim => (b ? 0 : null))
  const mapped = each(p.combine, [...slices, ...slices, ...dims.slice(p.xs)])
  const ys = combineAlong(
    (a, b, consts) => {
      const [out, places] = mapped(...a, ...b, ...consts)
      return out.map((y, i) => (own[i] ? batchOrExpand(y, places[i]!, size) : y))
    },
    operands.slice(0, p.xs).map((x, i) => (own[i] ? moveAxis(batchOrExpand(x, dims[i]!, size), 0, 1) : x)),
    operands.slice(p.xs),
  )
  return [ys, own.map((b) => (b ? 1 : null))]
}

/** Running combinations along the first axis: (…xs, …constants) → combinations. */
export const associative: Op<Tensors, AssociativeParams, Tensors, Tensors> = defineOp<Tensors, AssociativeParams, Tensors, Tensors>({
  name: 'associative_scan',
  result: (xs, p) => xs.slice(0, p.xs),
  programs: (xs, p) => {
    const slices = xs.slice(0, p.xs).map(sliceOf)
    return { combine: { takes: [...slices, ...slices, ...xs.slice(p.xs)], gives: slices } }
  },
  random: (p) => p.draws,
  compute: decompose((operands, p) => tidy(() => run(operands, p))),
  batch: batchRule,
  diff: {
    kind: 'augmented',
    jvp: jvpRule,
    vjp: vjpRule,
    linearize: (operands, p, linearize, needs) => [
      values(operands, p, linearize, needs),
      (dxs) => jvpRule(operands, dxs, p, jvpOf(linearize))[1],
    ],
  },
})
