import {
  Generator,
  type Tensor,
  add,
  aotFunction,
  checkpoint,
  cond,
  defaultPartition,
  eliminateCommonSubexpressions,
  eliminateDeadCode,
  foldConstants,
  getRngState,
  grad,
  graphFromJSON,
  makeFx,
  manualSeed,
  map,
  minCutPartition,
  mul,
  rand,
  randn,
  scan,
  sin,
  stack,
  sum,
  tensor,
  vmap,
  whileLoop,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { type F, distance, raised, random } from '../rules.ts'

const x = random(3, 2)
const noisy: F = (x) => scan((h: Tensor, r: Tensor) => [mul(h, rand([2]).to('float64')), add(sin(h), r)], sum(x, 0), x)[1]
const gradient: F = grad((x: Tensor) => sum(sin(noisy(x))))
const seeded = (f: () => Tensor): Tensor => {
  manualSeed(5)
  return f()
}

describe('draws in bodies of loops in graphs are those of the program', () => {
  const same = (f: F, x0: Tensor = x): void => {
    for (const tracingMode of ['real', 'fake'] as const) {
      manualSeed(7)
      const g = makeFx(f, { tracingMode })(x0)
      // tracing draws nothing
      expect(getRngState().offset).toBe(0)
      const want = seeded(() => f(x0))
      const after = getRngState()
      expect(
        distance(
          seeded(() => g(x0)),
          want,
        ),
      ).toBeLessThan(1e-14)
      expect(getRngState()).toEqual(after)
      expect(distance(g(x0), want)).toBeGreaterThan(1e-6)
    }
  }
  test('in values', () => {
    same(noisy)
  })
  test('in gradients, whose backward loop draws nothing again', () => {
    same(gradient)
  })
  test('for each example, or the same for all', () => {
    const examples = stack([x, mul(x, 2)])
    for (const randomness of ['different', 'same'] as const) {
      same(vmap(noisy, { randomness }), examples)
      same(vmap(gradient, { randomness }), examples)
    }
    expect(raised(() => makeFx(vmap(noisy))(examples)).message).toContain('randomness error mode')
  })
  test('where nothing else depends on the inputs', () => {
    const only: F = (x) => add(sum(x), scan((): [null, Tensor] => [null, rand([2]).to('float64')], null, null, { length: 3 })[1])
    same(only)
    same(vmap(only, { randomness: 'different' }))
  })
  test('in whileLoop, in cond, in a loop in a loop', () => {
    same(
      (x) =>
        whileLoop(
          (y) => sum(y).lt(50),
          (y) => [mul(y, add(rand([]).to('float64'), 1.5))],
          [x.abs()],
        )[0],
    )
    same((x) =>
      cond(
        sum(x).abs().gt(-1),
        () => add(x, rand([]).to('float64')),
        () => x,
      ),
    )
    same((x) => map((r: Tensor) => map((v: Tensor) => mul(v, rand([]).to('float64')), r), x))
  })
  test('a branch that is not taken draws nothing', () => {
    const f: F = (x) =>
      cond(
        sum(x).gt(1e6),
        () => mul(x, rand([]).to('float64')),
        () => mul(x, 2),
      )
    const g = makeFx(f)(x)
    manualSeed(5)
    g(x)
    expect(getRngState().offset).toBe(0)
  })
  test('under checkpoint, where going back draws the same again', () => {
    same(
      grad((x: Tensor) => {
        const step = checkpoint((h: Tensor) => sin(mul(h, randn([2]).to('float64'))))
        return sum(scan((h: Tensor, r: Tensor) => [add(step(h), r), null], sum(x, 0), x)[0])
      }),
    )
  })
  test('from a generator of its own', () => {
    const generator = new Generator()
    const f: F = (x) => map((r: Tensor) => add(r, rand([2], { generator }).to('float64')), x)
    generator.manualSeed(3)
    const g = makeFx(f)(x)
    expect(generator.getState().offset).toBe(0)
    const got = g(x)
    generator.manualSeed(3)
    expect(distance(got, f(x))).toBe(0)
  })
  test('with a key that is carried', () => {
    const f: F = (x) =>
      scan(
        (k: Tensor, r: Tensor) => [add(k, 1), add(r, rand([2], { key: k as never }).to('float64'))],
        tensor([1, 2, 3, 4], { dtype: 'int32' }),
        x,
      )[1]
    expect(distance(makeFx(f)(x)(x), f(x))).toBe(0)
  })
  test('saved, and after passes', () => {
    const g = makeFx(noisy)(x)
    const want = seeded(() => noisy(x))
    for (const h of [
      graphFromJSON(JSON.stringify(g)) as F,
      g.transform(eliminateDeadCode, eliminateCommonSubexpressions, foldConstants) as F,
    ])
      expect(
        distance(
          seeded(() => h(x)),
          want,
        ),
      ).toBe(0)
    // what is drawn twice stays two draws, and draws that nobody reads move the generator on
    const twice = makeFx((x: Tensor) => [noisy(x), noisy(x)])(x).transform(eliminateCommonSubexpressions)
    expect(twice.graph.nodes.filter((n) => n.op?.name === 'scan').length).toBe(2)
    const unread = makeFx((x: Tensor) => {
      noisy(x)
      return rand([2])
    })(x)
    const state = (f: () => unknown): unknown => {
      manualSeed(5)
      f()
      return getRngState()
    }
    expect(state(() => unread.transform(eliminateDeadCode)(x))).toEqual(state(() => unread(x)))
  })
  test.each([defaultPartition, minCutPartition])('%o: ahead of time they are drawn once, going forward', (partitioner) => {
    const f = aotFunction(noisy, { fwCompiler: (graph) => graph, partitionFn: partitioner })
    const pull: F = grad((x: Tensor) => sum(sin(f(x))))
    pull(x)
    expect(
      distance(
        seeded(() => pull(x)),
        seeded(() => gradient(x)),
      ),
    ).toBeLessThan(1e-14)
  })
})
