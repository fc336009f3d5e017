import { grad } from '@mapgrad/func'
import {
  type GraphModule,
  eliminateCommonSubexpressions,
  eliminateDeadCode,
  foldConstants,
  graphFromJSON,
  makeFx,
  simplifyAlgebra,
} from '@mapgrad/graph'
import { type Tensor, forLoop, tensor, tree, whileLoop } from '@mapgrad/tensor'
import { vmap } from '@mapgrad/vmap'
import { describe, expect, test } from 'vitest'
import { Pasted } from './pasted.ts'
import { exact, random } from './support.ts'

// Number arguments: what PyTorch's make_fx makes symbols of in symbolic mode (whole numbers but 0 and 1) are symbols here. Where PyTorch
// keeps a number in the graph without a word, a call with another one is refused here.

const code = new Pasted('numbers')

type F = (...args: never[]) => unknown
const symbolic = (f: F, ...args: unknown[]): GraphModule =>
  makeFx(f as (...args: unknown[]) => unknown, { tracingMode: 'symbolic' })(...args)
const text = (out: unknown): unknown[] => tree.leaves(out).map((y) => (typeof y === 'number' ? y : exact(y as Tensor)))
const x = (): Tensor => random(4, 3)
const passes = [eliminateDeadCode, eliminateCommonSubexpressions, foldConstants, simplifyAlgebra]

const followed: readonly (readonly [name: string, f: F, ...args: unknown[][]])[] = [
  ['arithmetic', (t: Tensor, n: number) => t.mul(n).add(n + 1), [x(), 3], [x(), 4], [x(), 0], [x(), 1], [x(), -7], [random(9, 2), 1000]],
  ['a negative number', (t: Tensor, n: number) => t.mul(n).add(2 * n), [x(), -3], [x(), 4], [x(), -9], [x(), 0]],
  ['a root', (t: Tensor, n: number) => t.div(Math.sqrt(n)), [x(), 3], [x(), 10], [x(), 0]],
  ['whole numbers', (t: Tensor, n: number) => t.mul(n).remainder(n), [tensor([5, 6, 7]).to('int32'), 3], [tensor([5, 6]).to('int32'), 4]],
  ['a size', (t: Tensor, n: number) => t.sum().expand(n, 2).mul(n), [x(), 3], [x(), 7], [x(), 1], [x(), 0]],
  [
    'rounds of a loop that is a node',
    (t: Tensor, n: number) => grad((s: Tensor) => forLoop(0, n, (i, y: Tensor) => y.add(i).sin(), s).sum())(t),
    [x(), 3],
    [random(7, 5), 10],
    [x(), 1],
  ],
  [
    'most rounds of a loop',
    (t: Tensor, n: number) => whileLoop((y) => y.sum().lt(99), (y) => [y.mul(2).add(1)], [t], { maxIterations: n })[0], // prettier-ignore
    [x(), 3],
    [random(7, 5), 10],
    [x(), 0],
  ],
  [
    'a gradient',
    (t: Tensor, n: number) =>
      grad((s: Tensor) =>
        s
          .square()
          .mul(n)
          .div(n + 1)
          .sum(),
      )(t),
    [x(), 3],
    [x(), 10],
  ],
  ['a map', (t: Tensor, n: number) => vmap((row: Tensor) => row.mul(n))(t), [x(), 3], [random(7, 5), 10]],
  ['no tensors', (n: number) => tensor([1, 2]).mul(n), [3], [10]],
  ['a result', (t: Tensor, n: number) => [t.neg(), 2 * n + t.shape[0]!], [x(), 3], [random(2, 2), -7]],
  ['unused', (t: Tensor) => t.cos(), [x(), 3], [x(), 10]],
  [
    'trees',
    ({ a, n }: { a: Tensor; n: number }, [m, k]: [number, number]) =>
      a
        .mul(n * m)
        .sub(k)
        .div(a.shape[0]! * k),
    [{ a: x(), n: 5 }, [2, 7]],
    [{ a: random(7, 7), n: -6 }, [9, 3]],
  ],
  [
    'a Map',
    (m: Map<string, Tensor | number>) => (m.get('x') as Tensor).mul(m.get('n') as number),
    [new Map<string, Tensor | number>([['x', x()], ['n', 4]])], // prettier-ignore
    [new Map<string, Tensor | number>([['x', x()], ['n', 6]])], // prettier-ignore
  ],
]

describe('a whole number that is computed with is a symbol', () => {
  test.each(followed.map(([name, f, ...args]) => ({ name, f, args })))('$name', async ({ name, f, args }) => {
    const g = symbolic(f, ...args[0]!)
    g.graph.lint()
    expect(g.graph.numbers.length).toBeGreaterThan(0)
    const pasted = await code.paste(g.code)
    const variants = [g, g.transform(...passes), graphFromJSON(JSON.stringify(g))]
    for (const given of args) {
      const want = text(f(...(given as never[])))
      for (const h of variants) expect(text(h(...given))).toEqual(want)
      // trees with Maps are taken apart in code: tensors, then numbers
      const flat = name === 'a Map' ? [...(given[0] as Map<string, unknown>).values()] : given
      expect(text(pasted(...flat))).toEqual(want)
    }
  })

  test('it is printed, and named in code and in messages', () => {
    const g = symbolic((t: Tensor, { n }: { n: number }) => t.sum().expand(n), x(), { n: 3 })
    expect(g.code).toContain('(arg0: Tensor, { n: s2 }: { n: number }): Tensor')
    expect(g.print({ output: false })).toMatch(/number +arg1_n +.*s2/)
    expect(() => g(x(), { n: 2.5 })).toThrow('expected arguments as they were traced, (*, {n: s2}), got (*, {n: 2.5})')
    expect(() => g(x(), { n: -1 })).toThrow('expected arg1_n (s2) to be at least 0, got -1')
    expect(() => g.graph.run([x()])).toThrow('expected 1 whole numbers (arg1_n) behind the tensors, got []')
    expect(g.code).toContain("if (s2 < 0) throw new RangeError('expected arg1_n to be at least 0')")
    expect(g.graph.run([x()], [6])[0]!.shape).toEqual([6])
    expect(g.graph.copy().run([x()], [6])[0]!.shape).toEqual([6])
  })
})

describe('a number that is part of the program stays what it was, and others are refused', () => {
  const kept: readonly (readonly [name: string, f: F, n: number, other: number, x?: Tensor])[] = [
    ['rounds of a loop', (t: Tensor, n: number) => Array.from({ length: n }).reduce<Tensor>((y) => y.sin(), t), 3, 4],
    ['an axis', (t: Tensor, n: number) => t.sum(n), 2, 1, random(2, 3, 4, 5)],
    ['an exponent', (t: Tensor, n: number) => t.pow(n), 3, 5],
    ['a condition', (t: Tensor, n: number) => (n > 4 ? t.sin() : t.mul(n)), 3, 6],
    ['a size that must fit', (t: Tensor, n: number) => t.reshape(n, 2), 3, 6, random(6)],
    ['how many of an axis', (t: Tensor, n: number) => t.topk(n)[0], 2, 3],
    ['0', (t: Tensor, n: number) => t.mul(n), 0, 3],
    ['1', (t: Tensor, n: number) => t.mul(n), 1, 3],
    ['a fraction', (t: Tensor, n: number) => t.mul(n), 2.5, 3],
  ]
  test.each(kept.map(([name, f, n, other, given = x()]) => ({ name, f, n, other, given })))('$name', ({ f, n, other, given }) => {
    const g = symbolic(f, given, n)
    expect(g.graph.numbers).toEqual([])
    expect(text(g(given, n))).toEqual(text(f(given as never, n as never)))
    expect(() => g(given, other)).toThrow(`expected arguments as they were traced, (*, ${n}), got (*, ${other})`)
  })

  test('beside one that is a symbol', () => {
    const f = (t: Tensor, dim: number, n: number): Tensor => t.sum(dim).mul(n)
    const g = symbolic(f, random(2, 3, 4), 2, 5)
    expect(g.graph.numbers.map((n) => n.name)).toEqual(['arg2'])
    const given = random(5, 2, 7)
    expect(text(g(given, 2, 8))).toEqual(text(f(given, 2, 8)))
    expect(() => g(given, 0, 8)).toThrow('(*, 2, s3), got (*, 0, 8)')
  })

  test.each(['real', 'fake'] as const)('in %s mode all are', (tracingMode) => {
    const g = makeFx((t: Tensor, n: number) => t.mul(n), { tracingMode })(x(), 3)
    expect(() => g(x(), 4)).toThrow('expected arguments as they were traced, (*, 3), got (*, 4)')
  })
})
