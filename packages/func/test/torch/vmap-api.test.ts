// Upstream: test_vmap.py, TestVmapAPI: arguments, results, and where examples lie. Errors are in vmap-api-errors.test.ts, what
// holds inside the function in vmap-api-body.test.ts, chunks in vmap-api-chunks.test.ts.
// Left out: functools.partial (a closure is one), a module as the function (no modules yet), autocast (absent), reshape_dim_into and
// reshape_dim_outof and restore_vmap (internal), the warning of the fallback and its switch (there is no fallback), anomaly mode (its own
// suite), batched gradients (vmap-batched-gradient.test.ts).
import {
  type Tensor,
  add,
  arange,
  checkpoint,
  cos,
  dot,
  full,
  grad,
  logaddexp,
  maskedFill,
  mul,
  mv,
  ones,
  sin,
  tree,
  vmap,
  zeros,
} from '@mapgrad/func'
import * as functions from '@mapgrad/func'
import { ArrayValue } from '@mapgrad/tensor/plugin'
import { describe, expect, test } from 'vitest'
import { expectClose, expectLikeLoop, loop, loop2, loosely, random } from './harness.ts'

const identity = (x: Tensor): Tensor => x
/** Whether two tensors lie in one piece of memory. */
const shareMemory = (x: Tensor, y: Tensor): boolean =>
  x.value instanceof ArrayValue && y.value instanceof ArrayValue && x.value.buffer !== null && x.value.buffer === y.value.buffer

describe('results', () => {
  const x = random(2, 3)
  test('a constant is repeated for every example, without memory of its own', () => {
    const y = loosely(() => full([], 3.5))(ones(3)) as Tensor
    expect(y.tolist()).toEqual([3.5, 3.5, 3.5])
    const table = random(4)
    const repeated = loosely(() => table)(ones(3)) as Tensor
    expectClose(repeated, table.expand(3, 4))
    expect(shareMemory(repeated, table)).toBe(true)
    expect((repeated.value as ArrayValue).strides).toEqual([0, 1])
  })
  test('one argument, several arguments, several results', () => {
    expectClose(vmap((a: Tensor) => mul(a, a))(x), mul(x, x))
    const y = random(2, 3)
    expectClose(vmap(mul)(x, y), mul(x, y))
    expectClose(vmap((a: Tensor) => [mul(a, a), mul(mul(a, a), a)])(x), [mul(x, x), mul(mul(x, x), x)])
  })
  test('lists of one, of two, of none', () => {
    expectClose(vmap((a: Tensor) => [a])(x), [x])
    expectClose(vmap((a: Tensor) => [a, a])(x), [x, x])
    expect(loosely(() => [])(x)).toEqual([])
    expect(loosely(() => ({}))(x)).toEqual({})
  })
  test('nested lists keep their nesting, each leaf with its examples in front', () => {
    const out = vmap((a: Tensor) => {
      const y = sin(a)
      return [y, [y, y], [y, [y, cos(a)]]] as const
    })(x)
    expectClose(out, [sin(x), [sin(x), sin(x)], [sin(x), [sin(x), cos(x)]]])
  })
  test('objects keep the order of their keys, Maps are Maps, results with names keep the names', () => {
    const out = vmap((a: Tensor) => ({ z: sin(a), a: cos(a) }))(x)
    expect(Object.keys(out)).toEqual(['z', 'a'])
    expectClose(out, { z: sin(x), a: cos(x) })
    const map = vmap((a: Tensor) => new Map([['s', sin(a)]]))(x)
    expect(map).toBeInstanceOf(Map)
    expectClose(map.get('s'), sin(x))
    const { values, indices } = vmap((a: Tensor) => a.max(0))(x)
    expectClose(values, x.max(1).values)
    expectClose(indices, x.max(1).indices)
  })
  test('instances of a registered class come back as instances', () => {
    class Pair {
      readonly first: Tensor
      readonly second: Tensor
      constructor(first: Tensor, second: Tensor) {
        this.first = first
        this.second = second
      }
    }
    tree.register(Pair, { flatten: (p) => ({ children: [p.first, p.second] }), unflatten: ([a, b]) => new Pair(a as Tensor, b as Tensor) })
    const out = vmap((p: Pair) => new Pair(p.second, add(p.first, p.second)))(new Pair(x, sin(x)))
    expect(out).toBeInstanceOf(Pair)
    expectClose([out.first, out.second], [sin(x), add(x, sin(x))])
  })
  test('the name of the function stays', () => {
    function named(x: Tensor): Tensor {
      return x
    }
    expect(vmap(named).name).toBe('named')
    expect(vmap(vmap(named, 0), { chunkSize: 3 }).name).toBe('named')
    // all functions have one
    for (const [key, f] of Object.entries(functions)) if (typeof f === 'function') expect([key, f.name]).not.toEqual([key, ''])
    expect([vmap(mul).name, vmap(sin).name, vmap(maskedFill).name, vmap(logaddexp).name]).toEqual(['mul', 'sin', 'maskedFill', 'logaddexp'])
    expect(() => loosely(mul, [0])(ones(2), ones(2))).toThrow('[vmap] vmap: vmap(mul, inDims=[0], ...)(<inputs>): inDims is not compatible')
  })
})

describe('outDims', () => {
  test('any axis of the result, counted from either end; only axes move, so memory is shared', () => {
    const x = random(2, 3)
    expectClose(vmap(identity, 0, 1)(x), x.t())
    expect(shareMemory(vmap(identity, 0, 1)(x), x)).toBe(true)
    const y = random(2, 3, 5, 7)
    expectClose(vmap(identity, 0, 2)(y), y.permute(1, 2, 0, 3))
    expect(shareMemory(vmap(identity, 0, 2)(y), y)).toBe(true)
    expectClose(vmap(identity, 0, -1)(y), y.permute(1, 2, 3, 0))
    expect(shareMemory(vmap(identity, 0, -1)(y), y)).toBe(true)
    const z = random(2, 3, 5, 7)
    expectClose(vmap((a: Tensor, b: Tensor) => [a, mul(a, b)], 0, 2)(y, z), [y.permute(1, 2, 0, 3), mul(y, z).permute(1, 2, 0, 3)])
  })
  test('of tensors with sixty-four axes', () => {
    const rest = new Array<number>(63).fill(1)
    expect(vmap(identity, 0, 2)(ones(2, ...rest)).shape).toEqual([1, 1, 2, ...rest.slice(2)])
  })
  test('one for each result', () => {
    const [x, y] = [random(2, 3, 5), random(2, 3, 5)]
    expectClose(vmap((a: Tensor) => [a, a], 0, [0, 1])(x), [x, x.transpose(0, 1)])
    expectClose(vmap((a: Tensor, b: Tensor) => [a, a, a, mul(a, b)], 0, [-1, 0, 1, 2])(x, y), [
      x.permute(1, 2, 0),
      x,
      x.transpose(0, 1),
      mul(x, y).permute(1, 2, 0),
    ])
  })
  test('of maps in maps', () => {
    const y = random(2, 3, 5, 7)
    expectClose(vmap((a: Tensor) => vmap(identity, 0, 1)(a))(y), y.transpose(1, 2))
    expectClose(vmap((a: Tensor) => vmap(identity, 0, 1)(a), 0, 1)(y), y.permute(2, 0, 1, 3))
    expectClose(vmap((a: Tensor) => vmap(identity, 0, -1)(a), 0, -1)(y), y.permute(2, 3, 1, 0))
    const [x, z] = [random(2, 3), random(5, 3)]
    expectClose(vmap((b: Tensor) => vmap((a: Tensor) => mul(a, b), 0, 1)(x), 0, -1)(z), mul(z.unsqueeze(1), x).permute(2, 1, 0))
  })
  test('a list of one stands for the one result', () => {
    const x = random(2, 3)
    expectClose(vmap(identity, 0, [1])(x), x.t())
    expectClose(vmap((a: Tensor) => a.sum(), 0, [-1])(x), x.sum(1))
  })
  test('of numbers: the one axis there can be', () => {
    const x = random(4)
    for (const d of [0, -1]) expectClose(vmap(sin, 0, d)(x), sin(x))
  })
  test('a prefix stands for all below it; keys come in any order', () => {
    const x = random(2, 3)
    const f = (a: Tensor): readonly [Tensor, { p: Tensor; q: readonly [Tensor, Tensor] }] => [sin(a), { p: a, q: [a, cos(a)] }]
    const [s, c] = [sin(x), cos(x)]
    expectClose(vmap(f, 0, 1)(x), [s.t(), { p: x.t(), q: [x.t(), c.t()] }])
    expectClose(vmap(f, 0, [0, 1])(x), [s, { p: x.t(), q: [x.t(), c.t()] }])
    expectClose(vmap(f, 0, [0, { q: 1, p: 0 }])(x), [s, { p: x, q: [x.t(), c.t()] }])
    expectClose(vmap(f, 0, [1, { q: [0, -1], p: -2 }])(x), [s.t(), { p: x, q: [x, c.t()] }])
    expectClose(vmap((a: Tensor) => new Map([['k', a]]), 0, new Map([['k', 1]]))(x), new Map([['k', x.t()]]))
  })
  test('null gives back what depends on no example, whatever it is', () => {
    const x = random(2, 3)
    expect(loosely(() => 'a word', 0, null)(x)).toBe('a word')
    expect(loosely(() => [null, 'a word'], 0, [null, null])(x)).toEqual([null, 'a word'])
    const [y, word] = vmap((a: Tensor) => [a, 'a word'] as const, 0, [0, null])(x)
    expectClose(y, x)
    expect(word).toBe('a word')
    const when = new Date()
    expect(loosely(() => ({ when }), 0, null)(x)).toEqual({ when })
    // a tensor that depends on no example: as it is with null, repeated without
    const steps = (): Tensor => arange(3)
    expect((loosely(steps, 0, null)(x) as Tensor).tolist()).toEqual([0, 1, 2])
    expect((loosely(steps)(x) as Tensor).tolist()).toEqual([
      [0, 1, 2],
      [0, 1, 2],
    ])
  })
  test('null of an outer map: what depends on examples of the inner one only', () => {
    const [x, y] = [random(2), random(3)]
    expectClose(loosely(() => vmap(sin)(y), 0, null)(x), sin(y))
    expectClose(vmap((a: Tensor) => loosely(() => sin(a), 0, null)(y))(x), sin(x))
    expect(() => vmap((a: Tensor) => vmap((b: Tensor) => mul(a, b), 0, null)(y))(x)).toThrow('can not return a BatchedTensor')
  })
})

describe('inDims', () => {
  test('other axes than the first', () => {
    const x = random(2, 3, 5)
    expectClose(vmap(identity, [1])(x), x.transpose(0, 1))
    expect(shareMemory(vmap(identity, 1)(x), x)).toBe(true)
    const [a, b] = [random(2, 3), random(3, 2)]
    expectClose(vmap(mul, [0, 1])(a, b), mul(a, b.t()))
    expectClose(vmap(mul, [1, 0])(a, b), mul(a.t(), b))
  })
  test('null shares a tensor among all examples, and everything else', () => {
    const [x, y] = [random(2, 3), random(2, 3)]
    expectClose(vmap(mul, [0, null])(x, y), mul(x.unsqueeze(1), y))
    expectClose(loosely(mul, [0, null])(x, 2), mul(x, 2))
    expectClose(vmap((a: Tensor, k: 'sin' | 'cos') => a[k](), [0, null])(x, 'cos'), cos(x))
    // an absent argument holds nothing to map
    expectClose(vmap((a: Tensor, b?: Tensor | null) => (b ? mul(a, b) : a))(x, null), x)
    expectClose(vmap((a: Tensor, b?: Tensor) => (b ? mul(a, b) : a))(x), x)
  })
  test('negative ones count from the end', () => {
    const [x, y] = [random(2, 3), random(2, 3)]
    expectClose(vmap(mul, [-1, -1])(x, y), mul(x, y).t())
    expectClose(vmap(mul, [-2, 0])(x, y), mul(x, y))
    expectClose(
      vmap(
        vmap((a: Tensor) => a.sum(), -1),
        -2,
      )(random(2, 3, 4).mul(0)),
      zeros(3, 4, { dtype: 'float64' }),
    )
  })
  test('into and out of any axis', () => {
    const x = random(2, 3, 5)
    expectClose(vmap(identity, 1, 1)(x), x)
    expect(shareMemory(vmap(identity, 1, 1)(x), x)).toBe(true)
    expectClose(vmap(identity, 2, 1)(x), x.transpose(1, 2))
    expect(shareMemory(vmap(identity, 2, 1)(x), x)).toBe(true)
    for (const i of [0, 1, 2, -1]) for (const o of [0, 1, 2, -1, -3]) expectLikeLoop((a: Tensor) => a.sin().cumsum(0), i, o, x.size(i), [x])
    expectClose(
      vmap(
        vmap((a: Tensor) => mul(a, 2), 1, 1),
        1,
        1,
      )(x),
      mul(x, 2),
    )
  })
  test('of trees: one for all, one an argument, prefixes, whole trees', () => {
    const [x, y] = [random(2, 3), random(2, 3)]
    const pair = ([a, b]: readonly [Tensor, Tensor]): Tensor => add(a, b)
    for (const dims of [0, [0], [[0, 0]]] as const) expectClose(vmap(pair, dims)([x, y]), add(x, y))
    expectClose(vmap(pair, [[1, null]])([x, y.at(0).mul(0).at(0)]), x.t())
    const named = ({ x: a, y: b }: { x: Tensor; y: Tensor }): Tensor => add(a, b)
    for (const dims of [0, [0], [{ x: 0, y: 0 }], [{ y: 0, x: 0 }]] as const) expectClose(vmap(named, dims)({ x, y }), add(x, y))
    expectClose(vmap(named, [{ x: 1, y: null }])({ x, y: random(2).mul(0) }), x.t())
    const deep = (z: { x: readonly [Tensor, readonly [Tensor]]; y: readonly [Tensor, Tensor] }): Tensor =>
      add(add(z.x[0], z.x[1][0]), add(z.y[0], z.y[1]))
    expectClose(vmap(deep)({ x: [x, [x]], y: [y, y] }), mul(add(x, y), 2))
    expectClose(vmap(deep, [{ x: 0, y: [1, 0] }])({ x: [x, [x]], y: [y.t(), y] }), mul(add(x, y), 2))
    const mapped = vmap((m: Map<string, Tensor>) => m.get('a')!.sum(), [new Map([['a', 1]])])
    expectClose(mapped(new Map([['a', x]])), x.sum(0))
  })
  test('an options object at the end is an argument: what it holds can be mapped', () => {
    const [xs, scale] = [random(2, 3, 4), random(2)]
    const f = (x: Tensor, { scale, dim, keepdim = false }: { scale: Tensor; dim: number; keepdim?: boolean }): Tensor =>
      x.mul(scale).sum(dim, keepdim)
    const want = xs.mul(scale.reshape(2, 1, 1)).sum(2)
    expectClose(vmap(f, [0, { scale: 0, dim: null }])(xs, { scale, dim: 1 }), want)
    expectClose(vmap(f, [0, { dim: null, scale: 0 }])(xs, { scale, dim: 1 }), want)
    expectClose(vmap(f, { inDims: [0, { scale: 0, dim: null }], chunkSize: 1 })(xs, { scale, dim: 1 }), want)
    expectClose(vmap(f, [0, { scale: 0, dim: null, keepdim: null }])(xs, { scale, dim: 1, keepdim: true }), want.unsqueeze(2))
    // options that are shared: null for all of them
    expectClose(vmap(f, [0, null])(xs, { scale: scale.at(0), dim: -1 }), xs.mul(scale.at(0)).sum(2))
    expect(() => vmap(f, [0, { scale: 0, dim: 0 }])(xs, { scale, dim: 1 })).toThrow(
      'Got inDim=0 for an input but the input is of type number. We cannot vmap over non-Tensor arguments, please use null as the respective inDim',
    )
    expect(() => vmap(f, 0)(xs, { scale, dim: 1 })).toThrow('the input is of type number')
    expect(() => vmap(f, [0, { scale: 0 }])(xs, { scale, dim: 1 })).toThrow(
      'inDims has structure [*, {scale: *}] but inputs has structure [*, {scale: *, dim: *}].',
    )
  })
})

describe('options', () => {
  const x = random(3, 2)
  test('in the last place, in that of outDims, in that of inDims', () => {
    const want = sin(x)
    expectClose(vmap(sin, 1, 1, { chunkSize: 1 })(x), want)
    expectClose(vmap(sin, 1, { outDims: 1, chunkSize: 1 })(x), want)
    expectClose(vmap(sin, { inDims: 1, outDims: 1, chunkSize: 1, randomness: 'same' })(x), want)
    expectClose(vmap(sin, undefined, undefined, undefined)(x), want)
  })
  test('an object in outDims’ place that has another key is a tree of dims', () => {
    const f = (a: Tensor): { chunkSize: Tensor; y: Tensor } => ({ chunkSize: a, y: sin(a) })
    expectClose(vmap(f, 0, { chunkSize: 1, y: 0 })(x), { chunkSize: x.t(), y: sin(x) })
  })
})

describe('maps in maps', () => {
  test('over the same axes as often as there are', () => {
    const [x, y] = [random(2, 3, 5), random(2, 3, 5)]
    expectClose(vmap(vmap(mul))(x, y), mul(x, y))
    expectClose(vmap(vmap(vmap(mul)))(x, y), mul(x, y))
  })
  test('over other axes, the inner ones counted in one example of the outer', () => {
    const [x, y] = [random(5, 2, 3), random(3, 5, 2)]
    expectClose(vmap(vmap(vmap(mul), [1, 0]), [1, 2])(x, y), mul(x.permute(1, 2, 0), y.permute(2, 0, 1)))
    const z = random(2, 7, 3, 11)
    for (const [outer, inner] of [
      [1, 2],
      [3, 0],
      [0, -1],
      [-2, 1],
    ] as const)
      for (const [o, i] of [
        [0, 0],
        [-1, 1],
        [1, -1],
      ] as const) {
        const rest = z.shape.filter((_, k) => k !== (outer + 4) % 4)
        const sizes = [z.size(outer), rest.at(inner)!] as const
        const f = (a: Tensor): Tensor => a.sin().sum(0)
        expectClose(vmap(vmap(f, inner, i), outer, o)(z), loop2(f, [outer, inner], [o, i], sizes, z))
      }
  })
  test('over other arguments: the inner function closes over examples of the outer', () => {
    const [x, y, z] = [random(2, 3), random(5, 3), random(7, 3)]
    expectClose(vmap((a: Tensor) => vmap((b: Tensor) => mul(a, b))(y))(x), mul(x.reshape(2, 1, 3), y))
    const three = vmap((a: Tensor) => vmap((b: Tensor) => vmap((c: Tensor) => mul(mul(a, b), c))(z))(y))(x)
    expectClose(three, mul(mul(x.reshape(2, 1, 1, 3), y.reshape(5, 1, 3)), z))
    expectClose(vmap(vmap(mul, [null, 0]), [0, null])(x, y), mul(x.reshape(2, 1, 3), y))
  })
  test('the inner one does nothing with its examples', () => {
    const [x, y] = [random(3), random(5)]
    expectClose(vmap((a: Tensor) => loosely(() => a)(y))(x), x.unsqueeze(1).expand(3, 5))
    expectClose(vmap((a: Tensor) => loosely(() => sin(a), 0, -1)(y), 0, -1)(x), sin(x).expand(5, 3))
  })
  test('an op in the inner one that sees no example of it', () => {
    const [x, y] = [random(7, 5), random(3, 2)]
    const two = ones(2, { dtype: 'float64' })
    const f = (a: Tensor, b: Tensor): Tensor => add(a, dot(b, two))
    expectClose(vmap(vmap(f, [0, null]), [null, 0])(x, y), add(mv(y, two).reshape(3, 1, 1), x))
  })
  test('levels are as many as one likes', () => {
    const x = random(2, 1, 2, 1, 2, 1, 2, 1, 3)
    let f: (x: Tensor) => Tensor = (a) => a.sin().sum()
    for (let i = 0; i < 8; i++) f = vmap(f, i % 2 ? -2 : 0, i % 2 ? 0 : -1)
    const want = (a: Tensor, level: number): Tensor =>
      level < 0
        ? a.sin().sum()
        : loop((b: Tensor) => want(b, level - 1), level % 2 ? -2 : 0, level % 2 ? 0 : -1, a.size(level % 2 ? -2 : 0), a)
    expectClose(f(x), want(x, 7))
  })
  test('square shapes do not mix axes up', () => {
    const x = random(3, 3, 3)
    expectClose(vmap(vmap((a: Tensor) => a.diagEmbed()))(x), x.diagEmbed())
    expectClose(
      vmap(
        vmap((a: Tensor) => a.cumsum(0), 1),
        2,
      )(x),
      loop2((a: Tensor) => a.cumsum(0), [2, 1], [0, 0], [3, 3], x),
    )
    expectClose(
      vmap(vmap(add, [0, null]), [null, 0])(x, x),
      loop2(
        add,
        [
          [null, 0],
          [0, null],
        ],
        [0, 0],
        [3, 3],
        x,
        x,
      ),
    )
  })
  test('checkpoint inside', () => {
    const [x, w] = [random(5, 3), random(3)]
    const f = (a: Tensor): Tensor => checkpoint((b: Tensor) => sin(mul(b, w)).sum())(a)
    expectClose(vmap(f)(x), loop(f, 0, 0, 5, x))
    expectClose(vmap(grad(f))(x), mul(cos(mul(x, w)), w))
  })
  test('a map in a map, inside out: trees, prefixes and nulls at both levels', () => {
    const [x, y] = [random(7, 3, 11), random(11)]
    const f = (p: { a: Tensor; b: Tensor }, k: number): readonly [Tensor, { s: Tensor }] => [p.a.mul(p.b), { s: p.a.sum().mul(k) }]
    const got = vmap(vmap(f, [{ a: 1, b: 0 }, null], [1, { s: 0 }]), [{ a: 0, b: null }, null], [2, 0])({ a: x, b: y }, 3)
    expectClose(got, [x.mul(y).permute(1, 2, 0), { s: x.sum(1).mul(3) }])
  })
})
