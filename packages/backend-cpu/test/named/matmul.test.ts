import { type ArrayView, type DType, isInt } from '@mapgrad/kernel'
import { describe, expect, test } from 'vitest'
import { createMatmul } from '../../src/named/matmul/index.ts'
import { hasRelaxedSimd } from '../../src/named/matmul/tile.ts'
import { type Layout, TestHeap, positions, random, rounded } from './heap.ts'

const heap = new TestHeap()
const madd = hasRelaxedSimd() ? [false, true] : [false]
const kernels = madd.map((relaxed) => createMatmul(heap, relaxed))

/** Largest error of a sum of k products, in any order, relative to the sum of their magnitudes. */
function tolerance(dtype: DType, k: number): number {
  const unit = 2 ** (dtype === 'float64' ? -52 : -24)
  return (k + 1) * unit + (dtype === 'float16' ? 2 ** -11 : dtype === 'bfloat16' ? 2 ** -8 : 0)
}

/** The definition, in float64 (or bigint), against every variant of the kernel. */
function check(a: ArrayView<object>, b: ArrayView<object>): void {
  const [m, k, n] = [a.shape.at(-2)!, a.shape.at(-1)!, b.shape.at(-1)!]
  const batch = a.shape.slice(0, -2)
  const [as, bs] = [heap.values(a), heap.values(b)]
  for (const kernel of kernels) {
    const out = heap.out([...batch, m, n], a.dtype)
    expect(kernel([a, b], {} as never, [out])).toBeUndefined()
    const got = heap.values(out)
    expect(heap.guarded(out)).toBe(true)
    let worst = ''
    for (let at = 0; at < got.length; at++) {
      const [g, i, j] = [Math.floor(at / (m * n)), Math.floor(at / n) % m, at % n]
      if (isInt(a.dtype)) {
        let sum = 0n
        for (let p = 0; p < k; p++) sum += BigInt(as[(g * m + i) * k + p]!) * BigInt(bs[(g * k + p) * n + j]!)
        const wrapped = rounded(heap, 'int64', BigInt.asIntN(64, sum)) as bigint
        const want = a.dtype === 'int64' ? wrapped : rounded(heap, a.dtype, Number(BigInt.asIntN(32, wrapped)))
        if (got[at] !== want) worst ||= `[${g},${i},${j}] is ${got[at]}, not ${want}`
        continue
      }
      let [sum, size] = [0, 0]
      for (let p = 0; p < k; p++) {
        const x = Number(as[(g * m + i) * k + p]!) * Number(bs[(g * k + p) * n + j]!)
        sum += x
        size += Math.abs(x)
      }
      const value = Number(got[at])
      const right = Number.isFinite(sum) ? Math.abs(value - sum) <= tolerance(a.dtype, k) * size : Object.is(value, sum)
      if (!right) worst ||= `[${g},${i},${j}] is ${value}, not ${sum}`
    }
    expect(worst, `${a.dtype} [${a.shape}] strides ${a.strides} × [${b.shape}] strides ${b.strides}`).toBe('')
  }
}

function operand(shape: readonly number[], dtype: DType, layout: Layout, seed: number): ArrayView<object> {
  const r = random(seed)
  return heap.array(shape, dtype, layout, () => (isInt(dtype) ? Math.floor(r() * 200) - (dtype === 'uint8' ? 0 : 100) : r() * 2 - 1))
}

const sizes = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 17, 31, 33, 64, 67]

describe('shapes', () => {
  const r = random(1)
  const pick = (): number => sizes[Math.floor(r() * sizes.length)]!
  const shapes = Array.from({ length: 150 }, () => [pick(), pick(), pick()] as const)
  const edges = [1, 2, 3, 5, 6, 7, 8, 9].flatMap((m) => [1, 2, 3, 5, 7, 8, 9, 16, 17].map((n) => [m, n, 19 + m] as const))
  test.each(['float32', 'float64'] as const)('%s of random and of edge sizes', (dtype) => {
    for (const [m, n, k] of [...shapes, ...edges]) {
      heap.reset()
      check(operand([m, k], dtype, {}, m + k), operand([k, n], dtype, {}, n + k))
    }
  })
  test.each(['float32', 'float64'] as const)('%s with several blocks in each direction', (dtype) => {
    for (const [m, n, k] of [
      [127, 9, 401],
      [7, 1543, 11],
      [250, 10, 5],
      [5, 5, 1030],
      [121, 130, 390],
    ] as const) {
      heap.reset()
      check(operand([m, k], dtype, {}, 1), operand([k, n], dtype, { order: [1, 0] }, 2))
    }
  })
  test('no k gives zeros, no rows nothing', () => {
    heap.reset()
    for (const dtype of ['float32', 'int64', 'float16'] as const) check(operand([3, 0], dtype, {}, 1), operand([0, 5], dtype, {}, 2))
    check(operand([2, 0, 3], 'float32', {}, 1), operand([2, 3, 5], 'float32', {}, 2))
    check(operand([0, 2, 3], 'float32', {}, 1), operand([0, 3, 5], 'float32', {}, 2))
  })
})

describe('layouts', () => {
  const layouts: Layout[] = [
    {},
    { order: [1, 0] },
    { flip: [0] },
    { flip: [1] },
    { order: [1, 0], flip: [0, 1], offset: 3 },
    { gap: 2 },
    { order: [1, 0], gap: 3, offset: 1 },
    { repeat: [0] },
    { repeat: [1] },
    { repeat: [0, 1] },
  ]
  test.each([
    [13, 18, 21],
    [9, 18, 21],
    [1, 70, 33],
    [70, 1, 33],
    [2, 40, 33],
    [40, 2, 33],
    [1, 1, 300],
    [20, 30, 1],
    [20, 30, 2],
    [5, 4, 3],
  ] as const)('%i × %i, k = %i', (m, n, k) => {
    for (const left of layouts) {
      for (const right of layouts) {
        heap.reset()
        for (const dtype of ['float32', 'float64'] as const) check(operand([m, k], dtype, left, 3), operand([k, n], dtype, right, 4))
      }
    }
  })
})

describe('batches', () => {
  const layouts: Layout[] = [
    {},
    { repeat: [0] },
    { order: [1, 0, 2] },
    { order: [1, 2, 0] },
    { order: [0, 2, 1] },
    { order: [2, 1, 0], flip: [0] },
    { repeat: [0], order: [0, 2, 1] },
  ]
  test.each([
    [5, 7, 11, 9],
    [4, 1, 40, 30],
    [4, 40, 1, 30],
    [6, 12, 16, 40],
    [3, 2, 3, 4],
    [3, 20, 33, 1],
    [9, 1, 1, 70],
  ] as const)('%i of %i × %i, k = %i', (size, m, n, k) => {
    for (const left of layouts) {
      for (const right of layouts) {
        heap.reset()
        check(operand([size, m, k], 'float32', left, 5), operand([size, k, n], 'float32', right, 6))
      }
    }
  })
  test('several axes, repeated in either operand', () => {
    for (const left of [{}, { repeat: [0] }, { repeat: [1] }, { repeat: [2] }, { repeat: [0, 2] }, { order: [2, 0, 3, 1, 4] }]) {
      for (const right of [{}, { repeat: [0] }, { repeat: [1, 2] }, { repeat: [2] }, { repeat: [0, 1, 2] }, { order: [3, 1, 4, 0, 2] }]) {
        for (const [m, n, k] of [
          [4, 5, 6],
          [9, 20, 17],
          [1, 33, 20],
        ] as const) {
          heap.reset()
          check(operand([2, 3, 2, m, k], 'float32', left, 7), operand([2, 3, 2, k, n], 'float32', right, 8))
        }
      }
    }
  })
})

describe('dtypes', () => {
  test.each(['int32', 'int64', 'int16', 'int8', 'uint8', 'float16', 'bfloat16'] as const)('%s', (dtype) => {
    for (const [m, n, k] of [
      [2, 3, 4],
      [13, 18, 21],
      [1, 70, 33],
      [70, 1, 33],
      [20, 30, 2],
    ] as const) {
      heap.reset()
      check(operand([2, m, k], dtype, { order: [2, 0, 1] }, 9), operand([2, k, n], dtype, { repeat: [0] }, 10))
    }
  })
  test('int64 beyond 2⁵³ wraps', () => {
    heap.reset()
    const r = random(11)
    const wide = (): bigint => BigInt.asIntN(64, BigInt(Math.floor(r() * 2 ** 32)) * 0x9e3779b97f4a7c15n)
    check(heap.array([9, 20], 'int64', {}, wide), heap.array([20, 11], 'int64', {}, wide))
  })
})

describe('NaN and infinity', () => {
  const at = (shape: readonly number[], place: number, value: number, seed: number): ArrayView<object> => {
    const v = operand(shape, 'float32', {}, seed)
    heap.set(v, positions(v)[place]!, value)
    return v
  }
  test.each([
    [3, 3, 3],
    [7, 9, 300],
    [1, 40, 30],
    [40, 1, 30],
    [40, 2, 30],
    [13, 13, 13],
  ] as const)('%i × %i, k = %i: they stay in their row and column', (m, n, k) => {
    for (const value of [NaN, Infinity, -Infinity]) {
      heap.reset()
      check(at([m, k], m * k - 1, value, 12), operand([k, n], 'float32', {}, 13))
      check(operand([m, k], 'float32', {}, 14), at([k, n], k * n - 1, value, 15))
      check(
        heap.array([m, k], 'float32', {}, () => 0),
        at([k, n], 0, value, 16),
      )
    }
  })
})

test('the order of additions does not depend on the number of rows of a batch', () => {
  heap.reset()
  const [a, b] = [operand([4, 32, 300], 'float32', {}, 17), operand([300, 40], 'float32', {}, 18)]
  const shared: ArrayView<object> = { ...b, shape: [4, 300, 40], strides: [0, 40, 1] }
  for (const kernel of kernels) {
    const [all, one] = [heap.out([4, 32, 40], 'float32'), heap.out([32, 40], 'float32')]
    kernel([a, shared], {} as never, [all])
    for (let i = 0; i < 4; i++) {
      kernel([{ ...a, offset: i * 32 * 300, shape: [32, 300], strides: [300, 1] }, b], {} as never, [one])
      expect(heap.values(all).slice(i * 1280, (i + 1) * 1280)).toEqual(heap.values(one))
    }
  }
})
