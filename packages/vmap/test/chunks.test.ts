import { type Tensor, add, mul, rand, sin, sum, zeros } from '@mapgrad/tensor'
import { inStretches, registry } from '@mapgrad/tensor/plugin'
import { afterEach, describe, expect, test } from 'vitest'
import { vmap } from '../src/index.ts'
import { distance, numbers, random } from './support.ts'

describe('results in chunks', () => {
  const { random: state } = registry()
  const before = { ...state }
  afterEach(() => {
    Object.assign(state, before)
  })

  test("'same' draws the same in every chunk, also where nobody gave a seed", () => {
    Object.assign(state, { seed: null, offset: 0 })
    const y = vmap((x: Tensor) => add(x, rand(2)), { randomness: 'same', chunkSize: 2 })(zeros(5, 2))
    expect(new Set((y.tolist() as number[][]).map((row) => JSON.stringify(row))).size).toBe(1)
    const z = vmap((x: Tensor) => add(x, rand(2)), { randomness: 'different', chunkSize: 2 })(zeros(5, 2))
    expect(new Set((z.tolist() as number[][]).map((row) => JSON.stringify(row))).size).toBe(5)
  })
  test('any axis, any kind of part', () => {
    const x = random(5, 3)
    for (const chunkSize of [1, 2, 4]) {
      const [a, b, c, d] = vmap(
        (r: Tensor) => [mul(r, r.unsqueeze(1)), sum(r), zeros(2, { dtype: 'float64' }), { last: sin(r) }] as const,
        0,
        [1, 0, 0, -1],
        { chunkSize },
      )(x)
      expect(distance(a, mul(x.unsqueeze(1), x.unsqueeze(2)).transpose(0, 1))).toBe(0)
      expect(distance(b, sum(x, 1))).toBe(0)
      expect([c.shape, numbers(c).every((v) => v === 0), distance(d.last, sin(x).t())]).toEqual([[5, 2], true, 0])
    }
  })
  test('inside another map', () => {
    const x = random(2, 5)
    const f = vmap((row: Tensor) => vmap((a: Tensor) => mul(a, sum(row)), { chunkSize: 2 })(row))
    expect(distance(f(x), mul(x, sum(x, 1, true)))).toBe(0)
  })
})

describe('inStretches', () => {
  const part = (value: number | Tensor, n: number): Tensor => (typeof value === 'number' ? zeros(n).add(value) : value.narrow(0, 0, n))
  test('gives what the first stretch says beside, and one stretch as it is', () => {
    const calls: [number, number][] = []
    const make = (from: number, count: number): { parts: Tensor[]; dims: number[]; rest: number } => {
      calls.push([from, count])
      return { parts: [part(from, count)], dims: [0], rest: from * 10 + count }
    }
    const [[x], rest] = inStretches(7, 3, make)
    expect([x!.tolist(), rest, calls]).toEqual([[0, 0, 0, 3, 3, 3, 6], 3, [[0, 3], [3, 3], [6, 1]]]) // prettier-ignore
    calls.length = 0
    const [[y]] = inStretches(2, 5, make)
    expect([y!.tolist(), calls]).toEqual([[0, 0], [[0, 2]]]) // prettier-ignore
    const [[none]] = inStretches(0, 5, make)
    expect(none!.shape).toEqual([0])
  })
  test('numbers that repeat, then others, then a value of a transform', () => {
    const fill = (v: number, n: number): Tensor => zeros(n, { dtype: 'float64' }).fill_(v)
    const stretch = (parts: (from: number, count: number) => Tensor): Tensor =>
      inStretches(6, 2, (from, count) => ({ parts: [parts(from, count)], dims: [0], rest: null }))[0][0]!
    expect(stretch((_, n) => fill(4, n)).tolist()).toEqual([4, 4, 4, 4, 4, 4])
    expect(stretch((from, n) => fill(from < 4 ? -0 : 0, n)).tolist()).toEqual([-0, -0, -0, -0, 0, 0])
    expect(stretch((from, n) => (from < 2 ? fill(4, n) : random(n).fill_(from))).tolist()).toEqual([4, 4, 2, 2, 4, 4])
    const y = vmap((s: Tensor) => stretch((from, n) => (from < 2 ? fill(1, n) : mul(s, fill(from, n)))))(random(3).fill_(2))
    expect(y.tolist()).toEqual([1, 2, 3].map(() => [1, 1, 4, 4, 8, 8]))
  })
})
