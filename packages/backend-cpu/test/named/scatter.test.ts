import { type ArrayView, type DType, isFloat } from '@mapgrad/kernel'
import { describe, expect, test } from 'vitest'
import { createScatter } from '../../src/named/scatter.ts'
import { type Layout, TestHeap, contiguous, random, rounded } from './heap.ts'

const heap = new TestHeap()
const scatter = createScatter(heap)
const ops = ['set', 'sum', 'prod', 'max', 'min'] as const

function check(x: ArrayView<object>, index: ArrayView<object>, src: ArrayView<object>, dim: number): void {
  for (const op of ops) {
    const out = heap.out(x.shape, x.dtype)
    expect(scatter([x, index, src], { dim, op } as never, [out])).not.toBe(false)
    expect(heap.guarded(out)).toBe(true)
    const want = heap.values(x)
    const [is, ss] = [heap.values(index), heap.values(src)]
    const [inner, outer] = [contiguous(index.shape), contiguous(x.shape)]
    const axis = x.shape.length + dim
    for (let at = 0; at < is.length; at++) {
      let to = 0
      inner.forEach((step, i) => {
        const p = Math.floor(at / step) % index.shape[i]!
        to += outer[i]! * (i === axis ? Number(is[at]) : p)
      })
      const [a, b] = [want[to]!, ss[at]!]
      let v: number | bigint
      if (op === 'set') v = b
      else if (typeof a === 'bigint' || typeof b === 'bigint')
        v = op === 'sum' ? BigInt(a) + BigInt(b) : op === 'prod' ? BigInt(a) * BigInt(b) : (op === 'max' ? a > b : a < b) ? a : b
      else if (op === 'sum') v = a + b
      else if (op === 'prod') v = isFloat(x.dtype) ? a * b : Math.imul(a, b)
      else v = op === 'max' ? Math.max(a, b) : Math.min(a, b)
      if (x.dtype === 'bool') v = v ? 1 : 0
      want[to] =
        typeof v === 'bigint'
          ? BigInt.asIntN(64, v)
          : rounded(heap, x.dtype, isFloat(x.dtype) && x.dtype !== 'float64' ? Math.fround(v) : v)
    }
    expect(heap.values(out), `${op} ${x.dtype} [${x.shape}] at ${index.dtype} [${index.shape}] along ${dim}`).toEqual(want)
  }
}

const layouts: Layout[] = [
  {},
  { order: [2, 1, 0] },
  { repeat: [0] },
  { repeat: [0, 1, 2] },
  { flip: [0, 2], offset: 2 },
  { order: [1, 0, 2], gap: 2 },
]

describe('scatter', () => {
  test.each(['float32', 'float64', 'int32', 'int64', 'int16', 'int8', 'uint8', 'bool', 'float16', 'bfloat16'] as DType[])('%s', (dtype) => {
    const r = random(1)
    const value = (): number =>
      dtype === 'bool'
        ? r() < 0.5
          ? 0
          : 1
        : isFloat(dtype)
          ? Math.round(r() * 20 - 10) / 4
          : Math.floor(r() * 9) - (dtype === 'uint8' ? 0 : 4)
    for (const dim of [-1, -2, -3]) {
      layouts.forEach((layout, i) => {
        heap.reset()
        const shape = [4, 5, 3]
        const short = shape.map((n, axis) => (axis - 3 === dim ? 7 : n - (i % 2)))
        const index = heap.array(short, i % 2 ? 'int64' : 'int32', layouts[(i + 2) % layouts.length]!, () =>
          Math.floor(r() * shape[3 + dim]!),
        )
        check(heap.array(shape, dtype, layout, value), index, heap.array(short, dtype, layouts[(i + 4) % layouts.length]!, value), dim)
      })
    }
  })
  test('one axis, no axis, nothing to write, nothing to write to', () => {
    const r = random(2)
    const ints = (shape: readonly number[], size: number): ArrayView<object> => heap.array(shape, 'int32', {}, () => Math.floor(r() * size))
    const floats = (shape: readonly number[]): ArrayView<object> => heap.array(shape, 'float32', {}, r)
    heap.reset()
    check(floats([10]), ints([1000], 10), floats([1000]), -1)
    check(floats([]), ints([], 1), floats([]), -1)
    check(floats([3, 4]), ints([0, 4], 3), floats([0, 4]), -2)
    check(floats([0, 4]), ints([0, 4], 3), floats([0, 4]), -1)
    check(floats([3, 4]), ints([3, 1], 4), floats([3, 1]), -1)
  })
  test('NaN wins in max and min', () => {
    heap.reset()
    const nan = heap.array([2], 'float32', {}, (i) => (i ? NaN : 1))
    check(
      nan,
      heap.array([3], 'int32', {}, (i) => i % 2),
      heap.array([3], 'float32', {}, (i) => (i ? 5 : NaN)),
      -1,
    )
  })
  test.each(['int32', 'int64'] as const)('an %s out of range: false, and nothing outside is touched', (dtype) => {
    for (const bad of dtype === 'int64' ? [-1n, 4n, 2n ** 32n, 2n ** 32n + 1n, -(2n ** 63n)] : [-1, 4, 2 ** 31 - 1, -(2 ** 31)]) {
      for (const place of [0, 5, 11]) {
        heap.reset()
        const [x, src] = [heap.array([3, 4], 'float32', {}, (i) => i), heap.array([3, 4], 'float32', {}, (i) => -i)]
        const index = heap.array([3, 4], dtype, { order: [1, 0] }, (i) => (i === place ? bad : 1))
        const out = heap.out([3, 4], 'float32')
        const before = new Uint8Array(heap.buffer()).slice()
        expect(scatter([x, index, src], { dim: -1, op: 'set' } as never, [out])).toBe(false)
        expect(Buffer.compare(new Uint8Array(heap.buffer()), before)).toBe(0)
      }
    }
  })
})
