import { type ArrayView, type CombineOp, type DType, isFloat } from '@mapgrad/kernel'
import { describe, expect, test } from 'vitest'
import { createScan } from '../../src/named/scan.ts'
import { type Layout, TestHeap, random, rounded } from './heap.ts'

const heap = new TestHeap()
const scan = createScan(heap)
const layouts: Layout[] = [{}, { order: [2, 1, 0] }, { order: [1, 2, 0], flip: [2], offset: 5 }, { repeat: [0] }, { repeat: [2] }, { flip: [0, 1] }, { gap: 3, order: [1, 0, 2] }]

function check(x: ArrayView<object>, op: CombineOp, reverse: boolean): void {
  const indexed = op === 'max' || op === 'min'
  const outs = [heap.out(x.shape, x.dtype), ...(indexed ? [heap.out(x.shape, 'int32')] : [])]
  scan([x], { op, reverse } as never, outs)
  for (const out of outs) expect(heap.guarded(out)).toBe(true)
  const [all, got, where] = [heap.values(x), heap.values(outs[0]!), indexed ? heap.values(outs[1]!) : []]
  const n = x.shape.at(-1) ?? 1
  const label = `${x.dtype} ${op} reverse ${reverse} [${x.shape}] strides ${x.strides}`
  for (let start = 0; start < all.length; start += n) {
    let acc: number | bigint = op === 'prod' ? 1 : 0
    if (x.dtype === 'int64') acc = BigInt(acc)
    let best = -1
    for (let step = 0; step < n; step++) {
      const i = start + (reverse ? n - 1 - step : step)
      const v = all[i]!
      if (indexed) {
        const [a, b] = [v, best < 0 ? v : all[best]!]
        const nan = typeof a === 'number' && Number.isNaN(a)
        if (best < 0 || nan || (op === 'max' ? a >= b : a <= b)) best = i
        expect(where[i], label).toBe(best - start)
        expect(got[i], label).toBe(all[best])
      } else if (typeof v === 'bigint') {
        acc = BigInt.asIntN(64, op === 'sum' ? (acc as bigint) + v : (acc as bigint) * v)
        expect(got[i], label).toBe(acc)
      } else if (isFloat(x.dtype)) {
        acc = op === 'sum' ? (acc as number) + v : (acc as number) * v
        expect(got[i], label).toBe(rounded(heap, x.dtype, x.dtype === 'float64' ? acc : Math.fround(acc)))
      } else {
        acc = Number(rounded(heap, 'int32', op === 'sum' ? (acc as number) + v : Math.imul(acc as number, v)))
        expect(got[i], label).toBe(rounded(heap, x.dtype, acc))
      }
    }
  }
}

describe('scan', () => {
  for (const op of ['sum', 'prod', 'max', 'min'] as const) {
    test.each(['float32', 'float64', 'int32', 'int64', 'int16', 'int8', 'uint8', 'bfloat16', 'float16'] as DType[])(`${op} of %s`, (dtype) => {
      const r = random(1)
      for (const layout of layouts) {
        for (const shape of [[2, 3, 5], [3, 2, 40], [1, 4, 1], [2, 0, 5], [2, 3, 0]]) {
          heap.reset()
          const x = heap.array(shape, dtype, layout, () => (isFloat(dtype) ? (op === 'prod' ? 0.5 + r() : Math.round(r() * 20 - 10) / 4) : Math.floor(r() * 9) - (dtype === 'uint8' ? 0 : 4)))
          check(x, op, false)
          check(x, op, true)
        }
      }
    })
  }
  test('NaN, infinities and zeros', () => {
    const values = [1, NaN, Infinity, -Infinity, 0, -0, 2, 2]
    const r = random(5)
    for (let i = 0; i < 200; i++) {
      heap.reset()
      const x = heap.array([9], 'float32', {}, () => values[Math.floor(r() * values.length)]!)
      for (const op of ['sum', 'prod', 'max', 'min'] as const) for (const reverse of [false, true]) check(x, op, reverse)
    }
  })
  test('a number and a million ones', () => {
    heap.reset()
    check(heap.array([], 'float32', {}, () => 3), 'sum', false)
    const x = heap.array([1], 'float32', {}, () => 0.1)
    const out = heap.out([1e6], 'float32')
    scan([{ ...x, shape: [1e6], strides: [0] }], { op: 'sum', reverse: false } as never, [out])
    expect(heap.get(out, 999_999)).toBeCloseTo(1e5, 1)
  })
})
