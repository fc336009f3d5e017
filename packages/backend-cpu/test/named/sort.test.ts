import { type ArrayView, type DType, dtypes } from '@mapgrad/kernel'
import { array, assert, double, float, property } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createSort } from '../../src/named/sort.ts'
import { type Layout, TestHeap, random, rounded } from './heap.ts'

const heap = new TestHeap()
const sort = createSort(heap)

type Value = number | bigint
const isNaNValue = (v: Value): boolean => typeof v === 'number' && Number.isNaN(v)
/** PyTorch's order: NaN is the largest, zeros of both signs are equal */
const compare = (a: Value, b: Value): number => (isNaNValue(a) ? (isNaNValue(b) ? 0 : 1) : isNaNValue(b) ? -1 : a < b ? -1 : a > b ? 1 : 0)

function check(x: ArrayView<object>): void {
  const all = heap.values(x)
  const n = x.shape.at(-1) ?? 1
  for (const descending of [false, true]) {
    const [values, indices] = [heap.out(x.shape, x.dtype), heap.out(x.shape, 'int32')]
    sort([x], { descending } as never, [values, indices])
    expect(heap.guarded(values) && heap.guarded(indices)).toBe(true)
    const [gotValues, gotIndices] = [heap.values(values), heap.values(indices)]
    for (let start = 0; start < all.length; start += n) {
      const row = all.slice(start, start + n)
      const order = row.map((_, i) => i).sort((i, j) => (descending ? compare(row[j]!, row[i]!) : compare(row[i]!, row[j]!)) || i - j)
      expect(gotIndices.slice(start, start + n)).toEqual(order)
      // toEqual is Object.is here: −0 stays −0
      expect(gotValues.slice(start, start + n)).toEqual(order.map((i) => row[i]))
    }
  }
}

const specials: Value[] = [0, -0, NaN, Infinity, -Infinity, 1, -1, 1e-40, -1e-40, 3.5, -3.5, 65504, -2]
const all = Object.keys(dtypes) as DType[]

function value(dtype: DType, r: () => number): Value {
  if (dtype === 'bool') return r() < 0.5 ? 0 : 1
  if (dtype === 'int64') return BigInt.asIntN(64, BigInt(Math.floor(r() * 2 ** 50)) * (r() < 0.5 ? 0x1234567n : -3n))
  if (dtypes[dtype].category === 'int') return Math.floor((r() - 0.5) * 2 ** 32)
  return r() < 0.2 ? specials[Math.floor(r() * specials.length)]! : (r() - 0.5) * 10 ** Math.floor(r() * 9 - 4)
}

describe('sort', () => {
  test.each(all)('%s, short and long rows, values that repeat', (dtype) => {
    for (const n of [0, 1, 2, 3, 7, 39, 40, 41, 100, 257, 1500]) {
      for (const coarse of [false, true]) {
        heap.reset()
        const r = random(n + 1)
        const pool = Array.from({ length: 5 }, () => value(dtype, r))
        check(heap.array([3, n], dtype, {}, () => (coarse ? pool[Math.floor(r() * 5)]! : value(dtype, r))))
      }
    }
  })
  test('layouts', () => {
    const layouts: Layout[] = [
      { order: [2, 1, 0] },
      { order: [1, 2, 0], flip: [2], offset: 5 },
      { repeat: [0] },
      { repeat: [2] },
      { flip: [0, 1, 2] },
      { gap: 3, order: [1, 0, 2] },
    ]
    for (const layout of layouts) {
      for (const shape of [
        [2, 3, 5],
        [3, 2, 70],
        [1, 4, 1],
        [2, 0, 5],
        [2, 3, 0],
      ]) {
        heap.reset()
        const r = random(3)
        for (const dtype of ['float32', 'int64', 'float16', 'uint8'] as const)
          check(heap.array(shape, dtype, layout, () => value(dtype, r)))
      }
    }
  })
  test('one number', () => {
    heap.reset()
    check(heap.array([], 'float32', {}, () => 3))
  })
  test('any float64', () => {
    assert(
      property(array(double(), { maxLength: 90 }), (xs) => {
        heap.reset()
        check(heap.array([xs.length], 'float64', {}, (i) => xs[i]!))
      }),
      { numRuns: 200 },
    )
  })
  test('any float32, with NaN of both signs', () => {
    assert(
      property(array(float(), { maxLength: 90 }), (xs) => {
        heap.reset()
        const x = heap.array([xs.length], 'float32', {}, (i) => xs[i]!)
        xs.forEach((v, i) => {
          if (Number.isNaN(v))
            new DataView(heap.buffer()).setUint32(heap.pointer({ ...x, offset: i }), i % 2 ? 0xffc00001 : 0x7f800001, true)
        })
        check(x)
      }),
      { numRuns: 200 },
    )
  })
  test('keys that differ in one byte only', () => {
    for (let byte = 0; byte < 8; byte++) {
      heap.reset()
      check(heap.array([300], 'int64', {}, (i) => rounded(heap, 'int64', BigInt((i * 37) % 256) << BigInt(8 * byte))))
    }
  })
})
