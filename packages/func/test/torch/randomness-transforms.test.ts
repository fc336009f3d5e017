// Port of TestRandomness (test_vmap.py), draws beyond one vmap: chunks, nested levels, Jacobians; and what PyTorch has no
// cases of: draws in every other transform, parameters per example under 'same', keys.
// Left out: `torch.func._random` of PyTorch (private); our keys are tested below instead.
import {
  Generator,
  type Key,
  type Tensor,
  bernoulli,
  dropout,
  eye,
  foldIn,
  grad,
  jacfwd,
  jacrev,
  jvp,
  key,
  makeFx,
  manualSeed,
  mul,
  normal,
  ones,
  poisson,
  rand,
  randn,
  scan,
  split,
  stack,
  standardGamma,
  tensor,
  vmap,
  zeros,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { distance, expectClose, raised, random } from './harness.ts'
import { ERROR, expectDistinct, sources, unit } from './randomness.ts'

const exact = { relative: 0, absolute: 0 }
const rowsOf = (x: Tensor): string[] => (x.tolist() as unknown[]).map((r) => JSON.stringify(r))
const seeded = <R>(f: () => R, seed = 11): R => {
  manualSeed(seed)
  return f()
}

describe('chunks', () => {
  const x = random(10, 3).float()
  for (const chunkSize of [1, 2, 3, 4, 7, 10, 16])
    test(`of ${chunkSize} under same are alike, whatever the source`, () => {
      for (const [, start] of sources) {
        const f = (y: Tensor, o: object): Tensor => y.add(randn([3], o)).mul(rand([], o))
        const [a, b] = [start(), start()]
        const chunked = vmap((y: Tensor) => f(y, a), { randomness: 'same', chunkSize })(x)
        manualSeed(1729)
        const whole = vmap((y: Tensor) => f(y, b), { randomness: 'same' })(x)
        expectClose(chunked, whole, exact)
      }
    })
  test('under different continue the stream: chunk after chunk as one draw each', () => {
    const got = seeded(() => vmap((y: Tensor) => y.add(randn(3)), { randomness: 'different', chunkSize: 4 })(x))
    const want = seeded(() => [4, 4, 2].map((n) => randn(n, 3)))
    expectClose(got, x.add(stack(want.flatMap((w) => [...w]))), exact)
    expectDistinct(got.sub(x))
  })
  test('the generator stands where one chunk leaves it', () => {
    const f = (y: Tensor): Tensor => y.add(rand(3))
    const after = (chunkSize: number | null): number =>
      seeded(() => (vmap(f, { randomness: 'same', chunkSize })(x), rand(1).item() as number))
    expect(after(3)).toBe(after(null))
  })
})

describe('nested levels', () => {
  const nested = (outer: string, inner: string, f: () => Tensor): Tensor =>
    seeded(() =>
      vmap<[Tensor], Tensor>(() => vmap<[Tensor], Tensor>(() => f(), 0, 0, { randomness: inner as 'same' })(zeros(3)), 0, 0, {
        randomness: outer as 'same',
      })(zeros(4)),
    )
  const across = (x: Tensor): [rows: number, columns: number] => [new Set(rowsOf(x)).size, new Set(rowsOf(x.t())).size]

  test.each([
    ['different', 'same', 4, 1],
    ['same', 'different', 1, 3],
    ['same', 'same', 1, 1],
    ['different', 'different', 4, 3],
  ])('outer %s, inner %s', (outer, inner, rows, columns) => {
    for (const f of [() => rand(), () => randn([]), () => zeros([]).normal_(), () => standardGamma(tensor(2)), () => normal(tensor(1), 2)])
      expect(across(nested(outer, inner, f))).toEqual([rows, columns])
  })
  test('two levels of different are one draw with both sizes in front', () => {
    expectClose(
      nested('different', 'different', () => rand(2)),
      seeded(() => rand(4, 3, 2)),
      exact,
    )
  })
  test.each([
    ['error', 'same'],
    ['error', 'different'],
    ['same', 'error'],
    ['different', 'error'],
  ])('outer %s, inner %s: one level of error is enough', (outer, inner) => {
    expect(() => nested(outer, inner, () => rand())).toThrow(ERROR)
  })
  test('three levels', () => {
    const level =
      (f: () => Tensor, n: number, randomness: 'same' | 'different'): (() => Tensor) =>
      () =>
        vmap<[Tensor], Tensor>(() => f(), { randomness })(zeros(n))
    const x = seeded(
      level(
        level(
          level(() => rand(), 2, 'different'),
          3,
          'same',
        ),
        4,
        'different',
      ),
    )
    expect(x.shape).toEqual([4, 3, 2])
    expect(new Set(rowsOf(x.select(1, 0))).size).toBe(4)
    expectClose(x, x.select(1, 0).unsqueeze(1).expand(4, 3, 2), exact)
  })
  test('a refused draw leaves no transform behind', () => {
    raised(() => vmap<[Tensor], Tensor>(() => rand())(zeros(2)))
    expect(rand(2).shape).toEqual([2])
    expect(vmap((y: Tensor) => y.mul(2))(ones(2)).tolist()).toEqual([2, 2])
  })
})

describe("parameters of each example under 'same': one draw, which PyTorch refuses", () => {
  const p = unit(5, 4)
  test('normal: the noise is one, mean and deviation are each example’s', () => {
    const [m, s] = [random(5, 4).float(), p]
    const out = vmap((a: Tensor, b: Tensor) => normal(a, b), 0, 0, { randomness: 'same' })(m, s)
    const noise = out.sub(m).div(s)
    expect(distance(noise, noise.select(0, 0).expand(5, 4))).toBeLessThan(1e-5)
  })
  test('bernoulli and poisson rise with their parameter, for one draw', () => {
    const rising = tensor([0.1, 0.3, 0.5, 0.7, 0.9])
    for (const f of [(q: Tensor) => bernoulli(q.expand(40)), (q: Tensor) => poisson(q.mul(8).expand(40))]) {
      const out = vmap(f, 0, 0, { randomness: 'same' })(rising)
      expect(
        out
          .narrow(0, 1, 4)
          .sub(out.narrow(0, 0, 4))
          .ge(0)
          .all()
          .item(),
      ).toBe(true)
      expect(new Set(rowsOf(out)).size).toBe(5)
    }
  })
})

describe('Jacobians of random functions', () => {
  const x = random(5).float()
  const f = (y: Tensor): Tensor => dropout(y, 0.5)
  test('jacfwd refuses, or draws as it is told', () => {
    expect(() => jacfwd(f)(x)).toThrow(ERROR)
    const same = seeded(() => jacfwd(f, { randomness: 'same' })(x)) as Tensor
    const mask = seeded(() => f(ones(5)))
    expectClose(same, eye(5).mul(mask), exact)
    // one draw a column
    const columns = seeded(() => jacfwd(f, { randomness: 'different' })(x)) as Tensor
    const masks = seeded(() => vmap(f, 0, 0, { randomness: 'different' })(ones(5, 5)))
    expectClose(columns, eye(5).mul(masks.t()), exact)
  })
  test('chunks of columns under same are alike, whatever the source', () => {
    for (const chunkSize of [1, 2, 4]) {
      for (const [, start] of sources) {
        const draw = (o: object) => (y: Tensor) => dropout(y, 0.5, o).mul(randn([5], o))
        const chunked = jacfwd(draw(start()), { randomness: 'same', chunkSize })(x)
        expectClose(chunked, jacfwd(draw(start()), { randomness: 'same' })(x), exact)
      }
    }
  })
  test('jacrev needs no flag: the function runs outside of its vmap, once', () => {
    expectClose(
      seeded(() => jacrev(f)(x)),
      eye(5).mul(seeded(() => f(ones(5)))),
      exact,
    )
  })
})

describe('draws under derivatives', () => {
  const x = random(6).float()
  test('one draw decides for value and derivative', () => {
    const [y, dy] = seeded(() => jvp((z: Tensor) => dropout(z, 0.4), [x], [ones(6)]))
    expectClose(y, x.mul(dy), { relative: 1e-6 })
    const g = seeded(() => grad((z: Tensor) => mul(randn(6), z).sum())(x))
    expectClose(
      g,
      seeded(() => randn(6)),
      exact,
    )
  })
  test('per-example gradients of a loss with dropout: a mask each under different, one under same', () => {
    const w = random(6).float()
    const loss = (v: Tensor, e: Tensor): Tensor => dropout(v.mul(e), 0.5).sum()
    const e = random(9, 6).float()
    const each = seeded(() => vmap(grad(loss), [null, 0], 0, { randomness: 'different' })(w, e))
    expectClose(each, seeded(() => dropout(ones(9, 6), 0.5)).mul(e), exact)
    const same = seeded(() => vmap(grad(loss), [null, 0], 0, { randomness: 'same' })(w, e))
    expectClose(same, seeded(() => dropout(ones(6), 0.5)).mul(e), exact)
  })
  test('reparameterised gamma numbers: the gradient of each example is that of its own draw', () => {
    const alpha = tensor([0.5, 2, 9])
    const f = (a: Tensor): Tensor => standardGamma(a.expand(4)).sum()
    const got = seeded(() => vmap(grad(f), 0, 0, { randomness: 'different' })(alpha))
    const want = seeded(() => grad((a: Tensor) => standardGamma(a.unsqueeze(1).expand(3, 4)).sum())(alpha))
    expectClose(got, want, { relative: 1e-6 })
  })
})

describe('keys', () => {
  const k = key(5)
  const draw = (q: Key): Tensor => randn([3], { key: q })

  test('a key an example needs no flag, and draws what a loop draws', () => {
    const keys = split(k, 4)
    expectClose(vmap(draw)(keys), stack([...keys].map(draw)), exact)
    expectDistinct(vmap(draw)(keys))
  })
  test('a key that all examples share draws once for all, whatever the flag', () => {
    for (const randomness of ['error', 'same', 'different'] as const)
      expectClose(vmap((y: Tensor) => y.add(draw(k)), { randomness })(zeros(4, 3)), draw(k).expand(4, 3), exact)
  })
  test('split and foldIn inside vmap are those of a loop', () => {
    const keys = split(k, 4)
    const f = (q: Key): Tensor => {
      const [a, b] = split(q)
      return draw(a!).add(draw(foldIn(b!, 3)))
    }
    expectClose(vmap(f)(keys), stack([...keys].map(f)), exact)
    const index = tensor([0, 1, 7], { dtype: 'int32' })
    const folded = vmap((i: Tensor) => draw(foldIn(k, i)))(index)
    expectClose(folded, stack([0, 1, 7].map((i) => draw(foldIn(k, i)))), exact)
    expectClose(vmap(vmap(f))(split(keys, 2)), stack([...split(keys, 2)].map((q) => stack([...q].map(f)))), exact)
  })
  test('samplers with parameters take them too', () => {
    const keys = split(k, 3)
    const alpha = tensor([0.4, 3, 20])
    const f = (q: Key, a: Tensor): Tensor => standardGamma(a.expand(2), { key: q }).add(poisson(a.expand(2), { key: q }))
    expectClose(vmap(f)(keys, alpha), stack([0, 1, 2].map((i) => f(keys.select(0, i) as Key, alpha.select(0, i)))), exact)
  })
  test('in grad and scan', () => {
    const x = random(3).float()
    expectClose(grad((y: Tensor) => draw(k).mul(y).sum())(x), draw(k), exact)
    const walk = (q: Tensor, step: Tensor): [Tensor, Tensor] => [q, draw(foldIn(q, step))]
    const [, steps] = scan(walk, k, tensor([0, 1, 2], { dtype: 'int32' }))
    expectClose(steps, stack([0, 1, 2].map((i) => draw(foldIn(k, i)))), exact)
  })
  test('in graphs a key is an input like any other, and the generator is asked anew at each run', () => {
    const drawn = makeFx((q: Tensor) => standardGamma(ones(4), { key: foldIn(q, 2) }))(k)
    expectClose(drawn(k), standardGamma(ones(4), { key: foldIn(k, 2) }), exact)
    const other = key(6)
    expectClose(drawn(other), standardGamma(ones(4), { key: foldIn(other, 2) }), exact)

    const anew = makeFx((y: Tensor) => poisson(y.mul(20)).add(standardGamma(y)))(ones(50))
    const [a, b] = seeded(() => [anew(ones(50)), anew(ones(50))])
    expect(rowsOf(a as Tensor)).not.toEqual(rowsOf(b as Tensor))
    expectClose(
      seeded(() => anew(ones(50))),
      seeded(() => poisson(ones(50).mul(20)).add(standardGamma(ones(50)))),
      exact,
    )
    const mapped = makeFx((y: Tensor) => vmap((z: Tensor) => z.add(rand(2)), { randomness: 'different' })(y))(zeros(3))
    expectClose(
      seeded(() => mapped(zeros(3))),
      seeded(() => rand(3, 2)),
      exact,
    )
  })
  test('a key and a generator at once are refused', () => {
    expect(() => rand([2], { key: k, generator: new Generator() })).toThrow(/expected a key or a generator, got both/)
  })
})
