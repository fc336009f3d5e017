import { eliminateCommonSubexpressions, eliminateDeadCode, foldConstants, makeFx, simplifyAlgebra } from '@mapgrad/graph'
import {
  type Tensor,
  add,
  cat,
  clone,
  cos,
  gelu,
  manualSeed,
  maximum,
  mul,
  neg,
  ones,
  onesLike,
  rand,
  randLike,
  randn,
  sort,
  stopGradient,
  tanh,
  tensor,
} from '@mapgrad/tensor'
import { describe, expect, test } from 'vitest'
import { grad } from '@mapgrad/func'
import { exact, opsOf, random, uniform } from '../support.ts'

type F = (x: Tensor) => Tensor
const graphOf = (f: F, x: Tensor = random(2, 3)) => makeFx(f)(x).graph

describe('dead code', () => {
  test('goes, inputs stay', () => {
    const g = makeFx((x: Tensor, y: Tensor) => {
      y.exp()
      x.sin().cos()
      return x.neg()
    })(random(2), random(2)).graph
    const h = eliminateDeadCode(g)
    expect([opsOf(g), opsOf(h.lint())]).toEqual(['exp sin cos neg', 'neg'])
    expect(h.placeholders.length).toBe(2)
  })
  test('a draw nobody reads goes, but the generator moves on as before', () => {
    const f: F = (x) => {
      rand(5)
      return x.add(rand(3))
    }
    const g = makeFx(f)(random(2, 3))
    const h = g.transform(eliminateDeadCode)
    expect(opsOf(h.graph)).toBe('random_1 add')
    const x = random(2, 3)
    manualSeed(1)
    const want = exact(f(x))
    manualSeed(1)
    expect(exact(h(x))).toBe(want)
  })
  test('one output of several keeps the call', () => {
    const g = eliminateDeadCode(graphOf((x) => sort(x)[0]!))
    expect(opsOf(g.lint())).toBe('sort')
    expect(g.nodes.filter((n) => n.kind === 'item').length).toBe(1)
  })
})

describe('common subexpressions', () => {
  const removed = (f: F): number => {
    const g = graphOf(f)
    const h = eliminateCommonSubexpressions(g).lint()
    const x = random(2, 3)
    manualSeed(9)
    const want = exact(g.run([x])[0]!)
    manualSeed(9)
    expect(exact(h.run([x])[0]!)).toBe(want)
    return opsOf(g).split(' ').length - opsOf(h).split(' ').length
  }
  // the programs of PyTorch's test_memory_efficient_fusion
  test('nothing to remove', () => {
    expect(removed((x) => add(add(x, 1), add(x, add(x, 1)).mul(2)).sub(add(x, 2)))).toBe(1)
    expect(removed((x) => add(randLike(x), randLike(x)))).toBe(0)
    expect(removed((x) => add(x, add(randn(3), randn(3))))).toBe(0)
    expect(removed((x) => add(x.mul(2), x.mul(3)))).toBe(0)
    expect(removed((x) => add(x.sum(0, true), x.sum(1, true)))).toBe(0)
    expect(removed((x) => add(x.mul(0), x.mul(-0)))).toBe(0)
  })
  test.each<[string, F, number]>([
    ['equal dims', (x) => add(add(x.sum(1), x.sum(1)).sum(), add(x.sum(), x.sum())), 2],
    ['equal lists of dims', (x) => add(add(x.sum([0, 1]), x.sum([0, 1])), add(x.sum(1), x.sum(1)).sum()), 2],
    ['cos twice', (x) => add(add(cos(x), cos(x)), add(cos(x), cos(x))), 4],
    ['chains', (x) => add(add(x.cos().sin(), x.cos().sin()), add(x.cos().sin(), x.cos().sin())), 7],
    ['defaults spelled out', (x) => add(add(x.sum(1), x.sum(1, false)), add(x.sum({ dim: 1, keepdim: false }), x.sum(1))), 4],
    ['keepdim differs', (x) => add(add(x.sum(1), x.sum(1, true).reshape(2)), x.sum(1)), 2],
    ['one op many times', (x) => add(add(x.sum(), x.sum()), add(x.sum(), x.sum())), 4],
    ['lists of tensors', (x) => add(cat([x, x]), cat([x, x])), 1],
    ['constants', (x) => add(onesLike(x), onesLike(x)).add(x), 1],
    ['several outputs', (x) => add(sort(x).values, sort(x).values), 1],
  ])('%s', (_, f, n) => {
    expect(removed(f)).toBe(n)
  })
  test('random chains of ops', () => {
    const choices: F[] = [clone, cos, tanh, gelu]
    const pick = <T>(list: readonly T[]): T => list[Math.floor(((uniform() + 1) / 2) * list.length)]!
    const chain: F = (x) => {
      const values = [x]
      for (let i = 0; i < 100; i++) values.push(pick(choices)(pick(values)))
      return values.reduce((a, b) => add(a, b))
    }
    expect(removed(chain)).toBeGreaterThan(0)
  })
})

describe('constants', () => {
  test('are computed once, by the ops themselves', () => {
    const g = graphOf((x) => {
      const t = x.neg()
      return t.mul(2)
    })
    // a graph with constants to fold, made by hand: x · (sin c + [1, 2, 3])
    const c = g.addConstant(tensor([1, NaN, -0]))
    const h = g.copy()
    expect(opsOf(foldConstants(h).lint())).toBe('neg mul')
    expect(c.users.size).toBe(0)
  })
  test('values are those that running would give, NaN and −0 included', () => {
    const table = [0, -0, NaN, Infinity, 1e-45, 3.3]
    const folded = foldConstants(withConstant(table)).lint()
    expect(opsOf(folded)).toBe('mul_1')
    const x = random(table.length)
    expect(exact(folded.run([x])[0]!)).toBe(exact(withConstant(table).run([x])[0]!))
  })
  test('large ones, draws and several outputs', () => {
    const g = withConstant([3, 1, 2])
    expect(opsOf(foldConstants(g, { maxElements: 2 }))).toBe('sin neg mul mul_1')
    expect(() => foldConstants(g, { limit: 2 } as never)).toThrow("expected options among maxElements, got unknown option 'limit'")
    const drawn = graphOf((x) => x.add(rand(3)))
    expect(opsOf(foldConstants(drawn))).toBe('random add')
    const sorted = makeFx((x: Tensor, y: Tensor) => sort(y).values.add(x))(random(3), tensor([3, 1, 2]))
    const placeholder = sorted.graph.placeholders[1]!
    const constant = sorted.graph.insertBefore(sorted.graph.node('sort')!, () => sorted.graph.addConstant(tensor([3, 1, 2])))
    sorted.graph.replaceAllUsesWith(placeholder, constant)
    const h = foldConstants(sorted.graph).lint()
    expect(opsOf(h)).toBe('add')
    expect(h.run([tensor([0, 0, 0]), random(3)])[0]!.tolist()).toEqual([1, 2, 3])
  })
})

/** x · (−sin c · c) with c a constant: traced of two arguments, one then made a constant. */
function withConstant(data: number[]) {
  const { graph } = makeFx((x: Tensor, c: Tensor) => x.mul(c.sin().neg().mul(c)))(random(data.length), random(data.length))
  const c = graph.insertBefore(graph.node('sin')!, () => graph.addConstant(tensor(data)))
  graph.replaceAllUsesWith(graph.placeholders[1]!, c)
  const one = graph.placeholders[1]!
  graph.erase(one)
  return graph.lint()
}

describe('algebra', () => {
  const after = (
    f: F,
    x: Tensor = tensor([
      [1, -0, NaN],
      [Infinity, -Infinity, 1e-45],
    ]),
  ): string => {
    const g = graphOf(f, x)
    const h = simplifyAlgebra(g).lint()
    expect(exact(h.run([x])[0]!)).toBe(exact(f(x)))
    return opsOf(h)
  }
  test('what gives an operand back goes', () => {
    expect(after((x) => x.mul(1).exp())).toBe('exp')
    expect(after((x) => mul(1, x).div(1).sub(0).add(-0).exp())).toBe('exp')
    expect(after((x) => x.reshape(2, 3).expand(2, 3).permute(0, 1).exp())).toBe('exp')
    expect(after((x) => x.mul(ones(2, 3)).exp())).toBe('exp')
  })
  test('what only looks like it stays', () => {
    expect(after((x) => x.add(0))).toBe('add')
    expect(after((x) => x.mul(0))).toBe('mul')
    expect(after((x) => x.sub(x))).toBe('sub')
    expect(after((x) => x.reshape(3, 2).reshape(2, 3))).toBe('reshape reshape_1')
    expect(after((x) => x.mul(tensor([[1], [1]])))).toBe('mul')
    expect(after((x) => add(tensor([[[1]]]), x.mul(1)))).toBe('add')
  })
  test('a wider shape is no operand', () => {
    const x = tensor([1, 2])
    expect(after((t) => t.mul(ones(3, 2)), x)).toBe('mul')
  })
  test('derivatives stay what they were', () => {
    for (const f of [
      (x: Tensor) => stopGradient(x).mul(x).sum(),
      (x: Tensor) => maximum(x, -Infinity).mul(x).sum(),
      (x: Tensor) => neg(neg(x)).mul(1).sum(),
    ]) {
      const x = tensor([1, -Infinity, -0])
      const g = makeFx(f)(x)
      expect(exact(grad(g.transform(simplifyAlgebra))(x))).toBe(exact(grad(f)(x)))
    }
  })
})

test('passes leave the graph that they are given alone', () => {
  const g = graphOf((x) => add(x.cos().mul(1), x.cos()))
  const before = g.copy()
  for (const pass of [eliminateDeadCode, eliminateCommonSubexpressions, foldConstants, simplifyAlgebra]) pass(g)
  expect(g.equals(before)).toBe(true)
  expect(g.nodes.map((n) => n.name)).toEqual(before.nodes.map((n) => n.name))
})
