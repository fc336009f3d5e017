import { jvpFlat, vjpFlat } from '@mapgrad/autodiff/plugin'
import { cpu } from '@mapgrad/backend-cpu'
import {
  type Key,
  type Tensor,
  bernoulli,
  dropout,
  foldIn,
  isMapgradError,
  key,
  manualSeed,
  multinomial,
  mul,
  normal,
  ones,
  rand,
  randLike,
  randint,
  randn,
  randperm,
  setDefaultDevice,
  split,
  tensor,
  zeros,
} from '@mapgrad/tensor'
import { vmap } from '@mapgrad/vmap'
import { beforeEach, describe, expect, test } from 'vitest'
import { numbers } from '../checks.ts'

beforeEach(() => {
  setDefaultDevice(cpu)
  manualSeed(0)
})
const seeded = <R>(f: () => R): R => (manualSeed(7), f())
const B = 4

describe('randomness', () => {
  test('error, the default, refuses every draw, also of what is not batched', () => {
    const draws: ((x: Tensor) => Tensor)[] = [
      () => rand(2),
      () => randn([]),
      () => randint(5, [2]),
      () => randperm(3),
      (x) => bernoulli(x),
      (x) => dropout(x),
      (x) => randLike(x),
      () => normal(0, 1, [2]),
      (x) => multinomial(x, 1),
    ]
    for (const f of draws) {
      let caught: unknown
      try {
        vmap(f)(ones(B, 3))
      } catch (e) {
        caught = e
      }
      expect(isMapgradError(caught) && caught.code).toBe('VMAP_RANDOMNESS')
      expect((caught as Error).message).toContain(
        "vmap: called random operation while in randomness error mode. Please either use the 'same' or 'different' randomness flags on vmap or perform the randomness operation out of vmap",
      )
    }
    expect(vmap((x: Tensor) => dropout(dropout(x, 0), 0.5, false))(ones(B)).tolist()).toEqual([1, 1, 1, 1])
  })

  test('different: the draw with the batch in front, bit by bit', () => {
    const options = { randomness: 'different' } as const
    const pairs: [(x: Tensor) => Tensor, () => Tensor][] = [
      [() => rand(2, 3), () => rand(B, 2, 3)],
      [() => randn([]), () => randn(B)],
      [(x) => randLike(x), () => rand(B, 3)],
      [() => randint(9, [2]), () => randint(9, [B, 2])],
      [(x) => bernoulli(x.mul(0.5)), () => bernoulli(ones(B, 3).mul(0.5))],
      [(x) => dropout(x), () => dropout(ones(B, 3))],
      [(x) => normal(x, 2), () => normal(ones(B, 3), 2)],
    ]
    for (const [f, all] of pairs) expect(seeded(() => vmap(f, options)(ones(B, 3))).tolist()).toEqual(seeded(all).tolist())
    const orders = vmap<[Tensor], Tensor>(() => randperm(5), options)(ones(B)).tolist() as number[][]
    for (const o of orders) expect([...o].sort()).toEqual([0, 1, 2, 3, 4])
  })

  test('same: one draw for all examples', () => {
    const options = { randomness: 'same' } as const
    expect(seeded(() => vmap<[Tensor], Tensor>(() => rand(2), options)(ones(B))).tolist()).toEqual(
      seeded(() => rand(2).expand(B, 2)).tolist(),
    )
    expect(seeded(() => vmap((x: Tensor) => dropout(x), options)(ones(B, 3))).tolist()).toEqual(
      seeded(() => dropout(ones(3)).expand(B, 3)).tolist(),
    )
  })

  test('same, with parameters that differ by example: the same bits', () => {
    const p = tensor([0, 0.5, 1])
    const y = seeded(() => vmap((q: Tensor) => bernoulli(q.expand(100)), { randomness: 'same' })(p))
    const u = seeded(() => rand(100)).tolist() as number[]
    expect(y.tolist()).toEqual([0, 0.5, 1].map((q) => u.map((v) => (v < q ? 1 : 0))))
    const z = seeded(() => randn([]).item() as number)
    const shifted = seeded(() => vmap((m: Tensor) => normal(m, 1), { randomness: 'same' })(tensor([0, 10])))
    expect(numbers(shifted)).toEqual([z, Math.fround(z + 10)])
  })

  test('levels each by their own flag', () => {
    const nested = (outer: 'same' | 'different' | 'error', inner: 'same' | 'different' | 'error'): number[][] =>
      seeded(() =>
        vmap((x: Tensor) => vmap<[Tensor], Tensor>(() => rand([]), { randomness: inner })(x), { randomness: outer })(ones(2, 3)),
      ).tolist() as number[][]
    const ds = nested('different', 'same')
    expect(ds[0]).toEqual([ds[0]![0], ds[0]![0], ds[0]![0]])
    expect(ds[0]![0]).not.toBe(ds[1]![0])
    const sd = nested('same', 'different')
    expect(sd[0]).toEqual(sd[1])
    expect(new Set(sd[0]).size).toBe(3)
    expect(new Set(nested('different', 'different').flat()).size).toBe(6)
    expect(nested('different', 'different')).toEqual(seeded(() => rand(2, 3)).tolist())
    expect(new Set(nested('same', 'same').flat()).size).toBe(1)
    for (const [o, i] of [
      ['error', 'same'],
      ['same', 'error'],
      ['error', 'different'],
      ['different', 'error'],
    ] as const)
      expect(() => nested(o, i)).toThrow('randomness error mode')
  })

  test('through derivatives', () => {
    const f = (x: Tensor): Tensor => mul(x, randLike(x))
    const u = seeded(() => rand(3)).tolist()
    const [, pull] = seeded(() => vjpFlat(([x]) => [f(x!)], [ones(3)]))
    expect(pull([ones(3)])[0]!.tolist()).toEqual(u)
    const [, [dy]] = seeded(() => jvpFlat(([x]) => [f(x!)], [ones(3)], [ones(3)]))
    expect(dy!.tolist()).toEqual(u)
    const grads = seeded(() =>
      vmap((x: Tensor) => vjpFlat(([y]) => [f(y!)], [x])[1]([ones(3)])[0]!, { randomness: 'different' })(ones(B, 3)),
    )
    expect(grads.tolist()).toEqual(seeded(() => rand(B, 3)).tolist())
  })
})

describe('keys', () => {
  test('a key alone decides the numbers', () => {
    const k = key(3)
    expect([k.dtype, [...k.shape]]).toEqual(['int32', [4]])
    const x = rand([3], { key: k }).tolist()
    rand(5)
    expect(rand([3], { key: key(3) }).tolist()).toEqual(x)
    expect(rand([3], { key: key(4) }).tolist()).not.toEqual(x)
    manualSeed(3)
    expect(rand(3).tolist()).toEqual(x)
  })
  test('are pinned', () => {
    expect(split(key(0)).tolist()).toMatchInlineSnapshot(`
      [
        [
          1792067052,
          -366779831,
          1940150773,
          122242227,
        ],
        [
          1839274038,
          -457007837,
          -66235410,
          1683837507,
        ],
      ]
    `)
    expect(foldIn(key(0), 5).tolist()).toMatchInlineSnapshot(`
      [
        -759727906,
        -694750711,
        -50165729,
        29529421,
      ]
    `)
  })
  test('split gives independent keys, which split again', () => {
    const ks = split(key(0), 1000)
    expect([...ks.shape]).toEqual([1000, 4])
    const firsts = vmap((k: Tensor) => rand([], { key: k }))(ks)
    expect(new Set(numbers(firsts)).size).toBe(1000)
    expect(Math.abs(numbers(firsts).reduce((a, b) => a + b, 0) / 1000 - 0.5)).toBeLessThan(0.04)
    const [a, b] = split(key(0), 2) as unknown as [Key, Key]
    expect(split(a, 3).tolist()).not.toEqual(split(b, 3).tolist())
    expect([...split(ks, 2).shape]).toEqual([1000, 2, 4])
    expect([...split(key(0)).shape]).toEqual([2, 4])
  })
  test('the first keys do not depend on how many are asked for', () => {
    expect((split(key(5), 9).tolist() as number[][]).slice(0, 2)).toEqual(split(key(5), 2).tolist())
  })
  test('split of other tensors stays what it is', () => {
    expect(split(zeros([4], { dtype: 'int32' }), 2).map((t) => [...t.shape])).toEqual([[2], [2]])
  })
  test('vmap over keys needs no flag and equals a loop', () => {
    const ks = split(key(1), B)
    const f = (k: Tensor): Tensor => normal(0, 1, [3], { key: foldIn(k, 2) }).add(rand([2, 3], { key: k }))
    const all = vmap(f)(ks)
    for (let i = 0; i < B; i++) expect(all.select(0, i).tolist()).toEqual(f(ks.select(0, i)).tolist())
    const inside = vmap((k: Key) => split(k, 2))(ks)
    expect(inside.tolist()).toEqual(split(ks, 2).tolist())
    expect(rand([3], { key: ks }).tolist()).toEqual(vmap((k: Tensor) => rand([3], { key: k }))(ks).tolist())
    const byColumn = vmap((k: Tensor) => rand([3], { key: k }), 1)(ks.mT)
    expect(byColumn.tolist()).toEqual(rand([3], { key: ks }).tolist())
  })
  test('foldIn takes numbers and tensors', () => {
    const k = key(2)
    const many = vmap((i: Tensor) => foldIn(k, i))(tensor([0, 1, 7], { dtype: 'int32' }))
    expect(many.tolist()).toEqual([0, 1, 7].map((i) => foldIn(k, i).tolist()))
    const both = vmap((j: Tensor, i: Tensor) => foldIn(j, i))(split(k, 3), tensor([0, 1, 7], { dtype: 'int32' }))
    expect(both.tolist()).toEqual([0, 1, 7].map((i, n) => foldIn(split(k, 3).select(0, n), i).tolist()))
  })
  test('every draw takes a key', () => {
    const k = key(0)
    const draws = [
      () => randint(9, [4], { key: k }),
      () => randperm(9, { key: k }),
      () => bernoulli(ones(9).mul(0.5), { key: k }),
      () => dropout(ones(9), 0.5, { key: k }),
      () => multinomial(ones(9), 3, { key: k }),
      () => multinomial(ones(9), 3, true, { key: k }),
    ]
    for (const f of draws) {
      expect(f().tolist()).toEqual(f().tolist())
      expect(() => vmap((x: Tensor) => x.add(f()))(ones(2, 1))).not.toThrow()
    }
  })
  test('what is no key is refused', () => {
    for (const bad of [ones(4), zeros([2], { dtype: 'int32' }), 3 as never]) expect(() => rand([2], { key: bad })).toThrow(/expected a key/)
    expect(() => key(Number.NaN)).toThrow('whole number')
    expect(() => foldIn(key(0), 0.5)).toThrow('whole number')
    expect(() => split(key(0), -1)).toThrow('whole number of keys')
  })
})
