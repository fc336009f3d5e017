import {
  type BatchContext,
  type Dim,
  type Jvp,
  type Linearize,
  type Op,
  type Tangent,
  type Tensors,
  type Vjp,
  defineOp,
} from '../core/op.ts'
import { decompose } from '../core/words.ts'
import { tensor } from '../create/tensor.ts'
import type { Tensor } from '../tensor.ts'
import { add } from './binary.ts'
import { count, differs, likeExample, orZeros, replaced, sliceOf, spread, those, zerosLike } from './lists.ts'
import { Captures, type Halves, like, record, recordHalves } from './program.ts'
import { batchOrExpand, moveAxis } from './view.ts'
import { type RoundsParams, bodyLikes, likesOf, moving, reached, roles, walk } from './walk.ts'

// The loop over slices as one op: what `scan`, `map` and `forLoop` are in a graph.

type Round = (carry: Tensors, xs: Tensors, consts: Tensors) => readonly [carry: Tensors, ys: Tensors]
interface Walk {
  readonly name?: string
  readonly carry: Tensors
  readonly xs?: Tensors
  readonly consts?: Tensors
  readonly length: number
  readonly reverse: boolean
}

/** Records one round, and applies the loop. */
export function rounds(f: Round, walk: Walk): [carry: Tensors, ys: Tensors] {
  const { name = 'scan', carry, xs = [], length, reverse } = walk
  const consts = walk.consts ?? []
  const sizes = { carry: carry.length, xs: xs.length }
  const captures = new Captures()
  const likes = likesOf([...carry, ...xs, ...consts].map(like), sizes)
  const program = record(
    name,
    (all) => {
      const r = roles(all, sizes)
      const [next, ys] = f(r.carry, r.xs, r.consts)
      return [...next, ...ys]
    },
    likes,
    captures,
  )
  const operands = [...carry, ...xs, ...consts, ...captures.tensors]
  const out = scanRounds.bind(operands.length ? operands : [tensor(0)], {
    body: program.run,
    ...sizes,
    length,
    reverse,
    ys: program.gives.slice(sizes.carry),
    draws: program.draws,
  })
  return [out.slice(0, sizes.carry), out.slice(sizes.carry)]
}

/** The first half of a round and what its second half needs: one loop that keeps it, and the operands of another that gets it back. */
interface Kept {
  readonly ys: Tensors
  /** operands of the second loop by role, and how a round of it puts them together */
  readonly xs: Tensors
  readonly consts: Tensors
  readonly arrange: (xs: Tensors, consts: Tensors) => Tensors
}

function keepHalf(operands: Tensors, p: RoundsParams, halves: Halves, captures: Captures): Kept {
  const { carry, xs, consts } = roles(operands, p)
  const [c, x] = [p.carry, p.carry + p.xs]
  const captured = captures.tensors
  const from = halves.operands
  const walkedCarries = from.filter((i) => i < c)
  const [last, rest] = rounds(
    (h, x, k) => {
      const out = halves.forward.run(...h, ...x, ...k)
      return [out.slice(0, c), [...out.slice(c), ...walkedCarries.map((i) => h[i]!)]]
    },
    { carry, xs, consts: [...consts, ...captured], length: p.length, reverse: p.reverse },
  )
  const n = p.ys.length
  const kept = rest.slice(n, n + halves.kept.length)
  const carries = rest.slice(n + halves.kept.length)
  const walked = from.filter((i) => i >= c && i < x)
  const still = from.filter((i) => i >= x)
  const hoisted = halves.hoisted.run(...operands.slice(0, x), ...consts, ...captured)
  return {
    ys: [...last, ...rest.slice(0, n)],
    xs: [...kept, ...carries, ...walked.map((i) => operands[i]!)],
    consts: [...hoisted, ...still.map((i) => operands[i]!), ...captured],
    arrange: (vx, vk) => {
      const at = (i: number): Tensor =>
        i < c
          ? vx[kept.length + walkedCarries.indexOf(i)]!
          : i < x
            ? vx[kept.length + carries.length + walked.indexOf(i)]!
            : vk[hoisted.length + still.indexOf(i)]!
      return [...from.map(at), ...vk.slice(0, hoisted.length), ...vx.slice(0, kept.length)]
    },
  }
}

function jvpRule(operands: Tensors, dxs: readonly Tangent[], p: RoundsParams, jvp: Jvp): readonly [ys: Tensors, dys: readonly Tangent[]] {
  const move = moving(
    operands,
    p,
    dxs.map((d) => d !== null),
  )
  const [at, out] = [roles(move.operands, p), roles(move.outs, { carry: p.carry, xs: p.ys.length })]
  const own = roles(operands, p)
  const d = roles(
    dxs.map((t, i) => (move.operands[i] ? orZeros(t, operands[i]!) : null)),
    p,
  )
  const counts = [own.carry.length, own.xs.length, own.consts.length] as const
  const [carry, ys] = rounds(
    (h, x, k) => {
      const primals = [...h.slice(0, counts[0]), ...x.slice(0, counts[1]), ...k.slice(0, counts[2])]
      const tangents = [
        ...spread(h.slice(counts[0]), at.carry),
        ...spread(x.slice(counts[1]), at.xs),
        ...spread(k.slice(counts[2]), at.consts),
      ]
      const [outs, douts] = jvp(p.body, primals, tangents)
      const moved = outs.map((y, i) => orZeros(douts[i], y))
      const [o, m] = [roles(outs, { carry: p.carry, xs: p.ys.length }), roles(moved, { carry: p.carry, xs: p.ys.length })]
      return [
        [...o.carry, ...those(m.carry, out.carry)],
        [...o.xs, ...those(m.xs, out.xs)],
      ]
    },
    {
      carry: [...own.carry, ...those(d.carry as Tensors, at.carry)],
      xs: [...own.xs, ...those(d.xs as Tensors, at.xs)],
      consts: [...own.consts, ...those(d.consts as Tensors, at.consts)],
      length: p.length,
      reverse: p.reverse,
    },
  )
  const n = p.ys.length
  return [
    [...carry.slice(0, p.carry), ...ys.slice(0, n)],
    [...spread(carry.slice(p.carry), out.carry), ...spread(ys.slice(n), out.xs)],
  ]
}

/** Outputs, and the linear loop over what was kept: forwards from tangents, or backwards from cotangents. */
function vjpRule(
  operands: Tensors,
  p: RoundsParams,
  vjp: Vjp,
  needs: readonly boolean[],
): readonly [ys: Tensors, pull: (cts: readonly Tangent[]) => readonly Tangent[], differentiable: readonly boolean[]] {
  const move = moving(operands, p, needs)
  const captures = new Captures()
  const [at, out] = [roles(move.operands, p), roles(move.outs, { carry: p.carry, xs: p.ys.length })]
  const halves = recordHalves(
    'scan',
    (all) => {
      const [ys, pull] = vjp((...some) => p.body(...replaced(all, move.operands, some)), those(all, move.operands))
      return [
        ys,
        (cts) => {
          const grads = pull(spread(cts, move.outs))
          return those(all, move.operands).map((x, i) => orZeros(grads[i], x))
        },
      ]
    },
    bodyLikes(operands, p),
    (ys) => those(ys, move.outs).map(like),
    (i) => i >= p.carry + p.xs,
    captures,
  )
  const kept = keepHalf(operands, p, halves, captures)
  const counts = [those(at.carry, at.carry).length, those(at.xs, at.xs).length] as const
  const pull = (cts: readonly Tangent[]): readonly Tangent[] => {
    const given = roles(
      kept.ys.map((y, i) => orZeros(cts[i], y)),
      { carry: p.carry, xs: p.ys.length },
    )
    const consts = those(roles(operands, p).consts, at.consts)
    const [ends, grads] = rounds(
      (h, x, k) => {
        const [mine, theirs] = [x.slice(0, kept.xs.length), x.slice(kept.xs.length)]
        const got = halves.backward.run(
          ...kept.arrange(mine, k),
          ...h.slice(0, counts[0]),
          ...theirs,
          ...k.slice(k.length - captures.tensors.length),
        )
        const sums = got.slice(counts[0] + counts[1])
        return [[...got.slice(0, counts[0]), ...sums.map((g, i) => add(h[counts[0] + i]!, g))], got.slice(counts[0], counts[0] + counts[1])]
      },
      {
        carry: [...those(given.carry, out.carry), ...consts.map((x) => zerosLike(x))],
        xs: [...kept.xs, ...those(given.xs, out.xs)],
        consts: kept.consts,
        length: p.length,
        reverse: !p.reverse,
      },
    )
    return [...spread(ends.slice(0, counts[0]), at.carry), ...spread(grads, at.xs), ...spread(ends.slice(counts[0]), at.consts)]
  }
  return [kept.ys, pull, move.outs]
}

function linearizeRule(
  operands: Tensors,
  p: RoundsParams,
  linearize: Linearize,
  needs: readonly boolean[],
): readonly [ys: Tensors, push: (dxs: readonly Tangent[]) => readonly Tangent[]] {
  const move = moving(operands, p, needs)
  const captures = new Captures()
  const [at, out] = [roles(move.operands, p), roles(move.outs, { carry: p.carry, xs: p.ys.length })]
  const halves = recordHalves(
    'scan',
    (all) => {
      const [ys, push] = linearize((...some) => p.body(...replaced(all, move.operands, some)), those(all, move.operands))
      return [
        ys,
        (dxs) => {
          const dys = push(dxs)
          return those(
            ys.map((y, i) => orZeros(dys[i], y)),
            move.outs,
          )
        },
      ]
    },
    bodyLikes(operands, p),
    () => those(bodyLikes(operands, p), move.operands),
    (i) => i >= p.carry + p.xs,
    captures,
  )
  const kept = keepHalf(operands, p, halves, captures)
  const count = those(at.carry, at.carry).length
  const push = (dxs: readonly Tangent[]): readonly Tangent[] => {
    const given = roles(
      operands.map((x, i) => orZeros(dxs[i], x)),
      p,
    )
    const dconsts = those(given.consts, at.consts)
    const [ends, dys] = rounds(
      (h, x, k) => {
        const [mine, theirs] = [x.slice(0, kept.xs.length), x.slice(kept.xs.length)]
        const [ours, moved] = [k.slice(0, kept.consts.length), k.slice(kept.consts.length)]
        const got = halves.backward.run(
          ...kept.arrange(mine, ours),
          ...h,
          ...theirs,
          ...moved,
          ...ours.slice(ours.length - captures.tensors.length),
        )
        return [got.slice(0, count), got.slice(count)]
      },
      {
        carry: those(given.carry, at.carry),
        xs: [...kept.xs, ...those(given.xs, at.xs)],
        consts: [...kept.consts, ...dconsts],
        length: p.length,
        reverse: p.reverse,
      },
    )
    return [...spread(ends, out.carry), ...spread(dys, out.xs)]
  }
  return [kept.ys, push]
}

function batchRule(operands: Tensors, dims: readonly Dim[], p: RoundsParams, context: BatchContext): readonly [Tensors, readonly Dim[]] {
  const { size, each } = context
  const found = reached(
    likesOf(
      operands.map((x, i) => likeExample(x, dims[i]!)),
      p,
    ),
    p,
    dims.map((d) => d !== null),
    differs(context),
  )
  const [at, out] = [roles(found.operands, p), roles(found.outs, { carry: p.carry, xs: p.ys.length })]
  const own = roles(operands, p)
  const d = roles(dims, p)
  const mapped = each(p.body, [...at.carry.map((b) => (b ? 0 : null)), ...at.xs.map((b) => (b ? 0 : null)), ...d.consts])
  const [carry, ys] = rounds(
    (h, x, k) => {
      const [outs, places] = mapped(...h, ...x, ...k)
      const all = outs.map((y, i) => (found.outs[i] ? batchOrExpand(y, places[i]!, size) : y))
      return [all.slice(0, p.carry), all.slice(p.carry)]
    },
    {
      carry: own.carry.map((x, i) => (at.carry[i] ? batchOrExpand(x, d.carry[i]!, size) : x)),
      xs: own.xs.map((x, i) => (at.xs[i] ? moveAxis(x, d.xs[i]!, 1) : x)),
      consts: own.consts,
      length: p.length,
      reverse: p.reverse,
    },
  )
  return [
    [...carry, ...ys],
    [...out.carry.map((b) => (b ? 0 : null)), ...out.xs.map((b) => (b ? 1 : null))],
  ]
}

/** The loop over slices: (…carries, …xs, …constants) → (…carries, …ys). */
export const scanRounds: Op<Tensors, RoundsParams, Tensors, Tensors> = defineOp<Tensors, RoundsParams, Tensors, Tensors>({
  name: 'scan',
  result: (xs, p) => [...xs.slice(0, p.carry), ...p.ys.map(({ shape, dtype }) => ({ shape: [p.length, ...shape], dtype }))],
  programs: (operands, p) => {
    const { carry, xs, consts } = roles(operands, p)
    return { body: { takes: [...carry, ...xs.map(sliceOf), ...consts], gives: [...carry, ...p.ys] } }
  },
  narrow: {
    carried: (p) => p.carry,
    params: (p, operands, results) => {
      const { carry, xs } = roles(operands, p)
      return { ...p, carry: count(carry), xs: count(xs), ys: those(p.ys, results.slice(p.carry)) }
    },
  },
  random: (p) => p.draws,
  compute: decompose(walk),
  batch: batchRule,
  diff: { kind: 'augmented', jvp: jvpRule, vjp: vjpRule, linearize: linearizeRule },
})
