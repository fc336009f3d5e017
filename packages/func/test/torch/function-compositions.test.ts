// Covers what upstream's TestOperators runs over its samples of autograd.Function (and of custom ops with lists of tensors): grad,
// jvp, vjp, vjpvjp, vmapvjp, vmapvjpvjp, vmapjvp, vjpvmap, jvpvjp, vmapjvpvjp, and the three-transform families vmapvjpvmap, vjpvmapvmap, vjpvjpvmap, jvpvmap, jvpvmapvmap,
// vmapjvpvmap, jvpjvpvmap, jvpvjpvmap. Each is compared with loops over functions of ops that have rules of their own; the
// derivatives of those are compared with central differences first.
// Left out: half, integer and boolean dtypes (host data is float64 here); the NumPy function whose backward is not composable
// (autograd-function.test.ts: such a backward raises).

import { type Tensor, isTensor, jvp, mul, select, sin, stack, sum, vjp, vmap } from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { distance, numbers, random } from '../rules.ts'
import { type Sample, samples } from './functions.ts'

type Many = (...xs: Tensor[]) => Tensor[]
type Dims = readonly (number | null)[]
/** A function and arguments for it. */
interface Program {
  readonly f: Many
  readonly args: readonly Tensor[]
}

const isFloat = (x: Tensor): boolean => x.dtype.includes('float')
const floats = (xs: readonly Tensor[]): Tensor[] => xs.filter(isFloat)
/** `f` by its floating-point arguments, the others fixed. */
const byFloats = (f: Many, args: readonly Tensor[]): Many => {
  const at = args.flatMap((x, i) => (isFloat(x) ? [i] : []))
  return (...xs) => f(...args.map((x, i) => (at.includes(i) ? xs[at.indexOf(i)]! : x)))
}

/** Outputs and the gradients along cotangents, which come last among the arguments. */
const vjpOf =
  (f: Many, count: number): Many =>
  (...all) => {
    const args = all.slice(0, count)
    const [ys, pull] = vjp(byFloats(f, args), floats(args))
    return [...ys, ...pull(all.slice(count))]
  }
/** Outputs and their tangents along tangents, which come last among the arguments. */
const jvpOf =
  (f: Many, count: number): Many =>
  (...all) => {
    const args = all.slice(0, count)
    const [ys, dys] = jvp(byFloats(f, args), floats(args), all.slice(count))
    return [...ys, ...dys]
  }
/** What vmap means: the function of each example. */
const loop =
  (f: Many, dims: Dims, size: number): Many =>
  (...xs) => {
    const rows = Array.from({ length: size }, (_, k) => f(...xs.map((x, i) => (dims[i] === null ? x : select(x, dims[i]!, k)))))
    return rows[0]!.map((_, j) => stack(rows.map((r) => r[j]!)))
  }

/** Examples like x, each different; integers are repeated. */
const examples = (x: Tensor, dim: number | null, size: number): Tensor =>
  dim === null
    ? x
    : stack(
        Array.from({ length: size }, (_, k) => (isFloat(x) ? x.add(random(...x.shape).mul(0.05 * k)) : x)),
        dim,
      )

let turn = 0
/** All in front, all at the end, and a mixture that is another each time. */
function dimsFor(count: number): Dims[] {
  if (count === 1) return [[0], [-1]]
  turn++
  const mixed = Array.from({ length: count }, (_, i) => ((i + turn) % 3 === 0 ? null : (i * turn) % 2 ? 0 : -1))
  return [mixed.every((d) => d === null) ? mixed.map((d, i) => (i ? d : 0)) : mixed, Array.from({ length: count }, () => turn % 2 && -1)]
}

const SIZE = 2
type Kind = 'vmap' | 'vjp' | 'jvp'
type Pair = readonly [ours: Program, reference: Program]

/** One transform more around a program and its reference. */
function around(kind: Kind, [{ f, args }, reference]: Pair): Pair[] {
  if (kind === 'vmap')
    return dimsFor(args.length).map((dims): Pair => {
      const batched = args.map((x, i) => examples(x, dims[i]!, SIZE))
      return [
        { f: vmap((...xs: Tensor[]) => f(...xs), [...dims]), args: batched },
        { f: loop(reference.f, dims, SIZE), args: batched },
      ]
    })
  const like = kind === 'vjp' ? reference.f(...args) : floats(args)
  const all = [...args, ...like.map((y) => random(...y.shape))]
  const of = kind === 'vjp' ? vjpOf : jvpOf
  return [
    [
      { f: of(f, args.length), args: all },
      { f: of(reference.f, args.length), args: all },
    ],
  ]
}

const families: readonly (readonly Kind[])[] = [
  ['vjp'],
  ['jvp'],
  ['vmap'],
  ['vjp', 'vjp'],
  ['jvp', 'jvp'],
  ['vjp', 'jvp'],
  ['jvp', 'vjp'],
  ['vmap', 'vjp'],
  ['vmap', 'jvp'],
  ['vmap', 'vmap'],
  ['vjp', 'vmap'],
  ['jvp', 'vmap'],
  ['vmap', 'vjp', 'vjp'],
  ['vmap', 'jvp', 'vjp'],
  ['vmap', 'vjp', 'vmap'],
  ['vjp', 'vmap', 'vmap'],
  ['vjp', 'vjp', 'vmap'],
  ['jvp', 'vmap', 'vmap'],
  ['vmap', 'jvp', 'vmap'],
  ['jvp', 'jvp', 'vmap'],
  ['jvp', 'vjp', 'vmap'],
]

function check({ op, plain, args }: Sample, kinds: readonly Kind[]): void {
  let pairs: Pair[] = [
    [
      { f: op, args },
      { f: plain, args },
    ],
  ]
  for (const kind of kinds.toReversed()) pairs = pairs.flatMap((p) => around(kind, p))
  for (const [ours, reference] of pairs) {
    const [got, want] = [ours.f(...ours.args), reference.f(...reference.args)]
    expect(got).toHaveLength(want.length)
    expect(got.every(isTensor)).toBe(true)
    got.forEach((y, i) => expect(distance(y, want[i]!)).toBeLessThan(1e-12))
  }
}

for (const s of samples)
  describe(s.name, () => {
    test('values are those of ops', () => {
      s.op(...s.args).forEach((y, i) => expect(distance(y, s.plain(...s.args)[i]!)).toBeLessThan(1e-15))
    })
    for (const kinds of families)
      test(kinds.join(' of '), () => {
        check(s, kinds)
      })
    if (!s.honest) return
    const f: Many = byFloats(s.op, s.args)
    const xs = floats(s.args)
    const moves = xs.map((x) => random(...x.shape))
    const h = 1e-4
    /** Five-point central differences of a function of the arguments along `moves`. */
    const differences = (g: Many): Tensor[] => {
      const at = (k: number): Tensor[] => g(...xs.map((x, i) => x.add(mul(moves[i]!, k * h))))
      const [a, b, c, d] = [at(-2), at(-1), at(1), at(2)]
      return a.map((_, i) =>
        a[i]!.sub(d[i]!)
          .add(c[i]!.sub(b[i]!).mul(8))
          .div(12 * h),
      )
    }
    test('first derivatives are those of differences', () => {
      const want = differences(f)
      const [ys, dys] = jvp(f, xs, moves)
      dys.forEach((dy, i) => expect(distance(dy, want[i]!)).toBeLessThan(1e-9))
      const cts = ys.map((y) => random(...y.shape))
      const along = (us: readonly Tensor[], vs: readonly Tensor[]): number =>
        us.reduce((t, u, i) => t + numbers(sum(mul(u, vs[i]!)))[0]!, 0)
      expect(along(vjp(f, xs)[1](cts), moves)).toBeCloseTo(along(cts, want), 7)
    })
    test('second derivatives are those of differences of first ones', () => {
      const curved: Many = (...zs) => f(...zs.map((z) => sin(z)))
      const cts = f(...xs).map((y) => random(...y.shape))
      const gradient: Many = (...zs) => vjp(curved, zs)[1](cts)
      const tangent: Many = (...zs) => jvp(curved, zs, moves)[1]
      for (const g of [gradient, tangent]) {
        const want = differences(g)
        jvp(g, xs, moves)[1].forEach((d, i) => expect(distance(d, want[i]!)).toBeLessThan(1e-8))
      }
    })
  })
