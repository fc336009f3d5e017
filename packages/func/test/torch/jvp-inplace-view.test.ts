// TestVmapJvpInplaceView of test_eager_transforms.py: forward mode through writes to tensors and their views, for each of a batch.
// The five ways a tangent travels: no view; a view written, its base read; a base written, its view read; and the latter two
// where only what is written moves. The reference writes plain tensors, example by example, and takes differences.
import { type Tensor, grad, jvp, linearize, movedim, slice, stack, vjp, vmap } from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { along, distance, f64, random } from '../rules.ts'
import { same, sameBits, strided } from './derivatives.ts'

const [B, even] = [2, slice(null, null, 2)]
type F = (x: Tensor, y: Tensor) => Tensor | Tensor[]
/** jvp by both arguments, of copies, so that a caller keeps his. */
const push =
  (f: F) =>
  (x: Tensor, xt: Tensor, y: Tensor, yt: Tensor): unknown =>
    jvp((x: Tensor, y: Tensor) => f(x, y), [x, y], [xt, yt])
/** `f` of copies. */
const pure =
  (f: F): F =>
  (x, y) =>
    f(x.clone(), y.clone())
const list = (x: unknown): Tensor[] => (Array.isArray(x) ? (x as Tensor[]) : [x as Tensor])

/** Values and tangents of each example, by a loop and differences. */
function reference(f: F, args: readonly Tensor[], dims: readonly (number | null)[]): [Tensor[], Tensor[]] {
  const example = (i: number): Tensor[] => args.map((a, k) => (dims[k] === null ? a : a.select(dims[k]!, i)))
  const each = Array.from({ length: B }, (_, i) => {
    const [x, xt, y, yt] = example(i) as [Tensor, Tensor, Tensor, Tensor]
    const values = list(pure(f)(x, y))
    // one step moves both arguments
    const tangents = values.map((_v, k) => along((s) => list(pure(f)(x.add(xt.mul(s)), y.add(yt.mul(s))))[k]!, f64(0), f64(1)))
    return [values, tangents] as const
  })
  const outs = each[0]![0].map((_, k) => k)
  return [outs.map((k) => stack(each.map(([v]) => v[k]!))), outs.map((k) => stack(each.map(([, t]) => t[k]!)))]
}

interface Case {
  readonly name: string
  readonly f: F
  readonly args: () => Tensor[]
  readonly dims: readonly (number | null)[]
}
const cases: readonly Case[] = [
  {
    name: 'no view: all of it is written',
    f: (x, y) => x.copy_(y),
    args: () => [random(3, B), random(3, B), strided(3, B), random(3, B)],
    dims: [1, 1, 1, 1],
  },
  {
    name: 'no view, from what is not mapped and does not lie in rows',
    f: (x, y) => x.copy_(y),
    args: () => [random(3, B), random(3, B), random(3, 3).select(1, 1), random(6).at(even)],
    dims: [1, 1, null, null],
  },
  {
    name: 'a view is written: it and its base move',
    f: (x, y) => {
      const view = x.at(slice(), even)
      view.copy_(y)
      return [view, x]
    },
    args: () => [random(2, 6, B), random(2, 6, B), random(2, B, 3), random(2, B, 3)],
    dims: [2, 2, 1, 1],
  },
  {
    name: 'a base is written: it and its view move',
    f: (x, y) => {
      const view = x.at(0, even)
      x.copy_(y)
      return [x, view]
    },
    args: () => [random(2, B, 6), random(2, 6, B), random(2, B, 6), random(2, B, 6)],
    dims: [1, 2, 1, 1],
  },
  {
    name: 'part of a view of a view is written, with what it held',
    f: (x, y) => {
      const rows = x.t()
      const corner = rows.at(slice(1), 0)
      corner.mul_(y).add_(corner)
      return [rows, corner, x]
    },
    args: () => [random(2, B, 3), random(2, B, 3), random(B, 2), random(B, 2)],
    dims: [1, 1, 0, 0],
  },
]

describe.each(cases)('both move, $name', ({ f, args, dims }) => {
  test('values and tangents are those of a loop, and the arguments have what was written', () => {
    const given = args()
    const before = given.map((a) => a.clone())
    const [values, tangents] = reference(f, before, dims)
    const [out, moved] = vmap(push(f) as never, dims as never)(...(given as never[])) as [unknown, unknown]
    sameBits(list(out), values)
    list(moved).forEach((t, k) => expect(distance(t, tangents[k]!)).toBeLessThan(1e-9))
    const written = given.map((a) => a.clone())
    const plainly = before.map((a) => a.clone())
    for (let i = 0; i < B; i++) {
      const [x, , y] = plainly.map((a, k) => (dims[k] === null ? a : a.select(dims[k]!, i)))
      f(x!, y!)
    }
    sameBits(written, plainly)
  })
  test('one example, without vmap', () => {
    const [x, xt, y, yt] = args().map((a, k) => (dims[k] === null ? a : a.select(dims[k]!, 0)).clone()) as [Tensor, Tensor, Tensor, Tensor]
    const [values, tangents] = reference(f, [x, xt, y, yt], [null, null, null, null])
    const [out, moved] = jvp((x: Tensor, y: Tensor) => f(x, y), [x.clone(), y], [xt, yt])
    sameBits(
      list(out),
      values.map((v) => v.at(0)),
    )
    list(moved).forEach((t, k) => expect(distance(t, tangents[k]!.at(0))).toBeLessThan(1e-9))
    const [, linear] = linearize((x: Tensor, y: Tensor) => f(x, y), [x.clone(), y])
    same(list(linear(xt, yt)), list(moved), 1e-14)
    const [, pull] = vjp(pure(f) as (x: Tensor, y: Tensor) => unknown, [x, y])
    const cts = list(out).map((o) => random(...o.shape))
    const [cx, cy] = pull(Array.isArray(out) ? cts : cts[0])
    const sumOf = (a: readonly Tensor[], b: readonly Tensor[]): number =>
      a.reduce((s, t, k) => s + (t.mul(b[k]!).sum().item() as number), 0)
    expect(sumOf([cx, cy], [xt, yt])).toBeCloseTo(sumOf(cts, list(moved)), 12)
  })
})

describe('only what is written moves', () => {
  test('a view of a tensor that stands still', () => {
    const f = (x: Tensor, y: Tensor): Tensor[] => {
      const z = x.clone()
      const view = z.at(0)
      view.copy_(y)
      return [view, z]
    }
    const [x, y, yt] = [random(2, B, 6), random(6, B), random(6, B)]
    const [outs, moved] = vmap((x: Tensor, y: Tensor, yt: Tensor) => jvp((y: Tensor) => f(x, y), [y], [yt]), 1)(x, y, yt)
    const expected = movedim(x, 1, 0).clone()
    expected.at(slice(), 0).copy_(y.t())
    sameBits(outs, [y.t(), expected])
    const tangent = movedim(x, 1, 0).mul(0)
    tangent.at(slice(), 0).copy_(yt.t())
    same(moved, [yt.t(), tangent], 0)
  })
  test('all of a tensor that stands still: its view moves', () => {
    const f = (x: Tensor, y: Tensor): Tensor[] => {
      const z = x.clone()
      const view = z.at(0)
      z.copy_(y)
      return [view, z]
    }
    const [x, y, yt] = [random(2, B, 6), random(2, 6, B), random(2, 6, B)]
    const [outs, moved] = vmap((x: Tensor, y: Tensor, yt: Tensor) => jvp((y: Tensor) => f(x, y), [y], [yt]), [1, 2, 2])(x, y, yt)
    sameBits(outs, [movedim(y, 2, 0).select(1, 0), movedim(y, 2, 0)])
    sameBits(moved, [movedim(yt, 2, 0).select(1, 0), movedim(yt, 2, 0)])
  })
  test('part of a tensor whose rest moves otherwise, written by a constant: it stands still', () => {
    const f = (x: Tensor): Tensor => {
      const z = x.mul(3)
      z.at(slice(), 1).fill_(7)
      return z.mul(z)
    }
    const [x, t] = [random(2, 3), random(2, 3)]
    const [, moved] = jvp(f, [x], [t])
    expect(distance(moved, along(f, x, t))).toBeLessThan(1e-9)
    expect(moved.select(1, 1).tolist()).toEqual([0, 0])
    same(grad((x: Tensor) => f(x).sum())(x).select(1, 1), f64([0, 0]), 0)
  })
})
