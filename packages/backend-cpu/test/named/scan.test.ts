import { type ArrayView, type CombineOp, type DType, isFloat } from '@mapgrad/kernel'
import { describe, expect, test } from 'vitest'
import { createScan } from '../../src/named/scan.ts'
import { type Layout, TestHeap, random, rounded } from './heap.ts'

const heap = new TestHeap()
const scan = createScan(heap)
const layouts: Layout[] = [
  {},
  { order: [2, 1, 0] },
  { order: [1, 2, 0], flip: [2], offset: 5 },
  { repeat: [0] },
  { repeat: [2] },
  { flip: [0, 1] },
  { gap: 3, order: [1, 0, 2] },
]

type Value = number | bigint

/** What a scan of one row gives, in the order of the scan: values, positions. */
function expected(row: readonly Value[], dtype: DType, op: CombineOp, wide: DType = dtype): [Value[], number[]] {
  const positions: number[] = []
  let best = 0
  let acc: Value = op === 'prod' ? 1 : 0
  const values = row.map((v, i): Value => {
    if (op === 'max' || op === 'min') {
      const b = row[best]!
      if (Number.isNaN(v) || (op === 'max' ? v >= b : v <= b)) best = i
      positions.push(best)
      return row[best]!
    }
    if (wide === 'int64') {
      acc = BigInt.asIntN(64, op === 'sum' ? BigInt(acc) + BigInt(v) : BigInt(acc) * BigInt(v))
      return acc
    }
    if (isFloat(wide)) {
      acc = op === 'sum' ? Number(acc) + Number(v) : Number(acc) * Number(v)
      return rounded(heap, wide, wide === 'float64' ? acc : Math.fround(acc))
    }
    acc = op === 'sum' ? (Number(acc) + Number(v)) | 0 : Math.imul(Number(acc), Number(v))
    return rounded(heap, wide, acc)
  })
  return [values, positions]
}

function check(x: ArrayView<object>, op: CombineOp, reverse: boolean, wide: DType = x.dtype): void {
  const indexed = op === 'max' || op === 'min'
  const outs = [heap.out(x.shape, wide), ...(indexed ? [heap.out(x.shape, 'int32')] : [])]
  scan([x], { op, reverse } as never, outs)
  const all = heap.values(x)
  const n = x.shape.at(-1) ?? 1
  const want: Value[][] = outs.map(() => [])
  for (let start = 0; start < all.length; start += n) {
    const row = all.slice(start, start + n)
    const [values, positions] = expected(reverse ? row.toReversed() : row, x.dtype, op, wide)
    want[0]!.push(...(reverse ? values.toReversed() : values))
    want[1]?.push(...(reverse ? positions.toReversed().map((i) => n - 1 - i) : positions))
  }
  expect(outs.map((out) => heap.values(out))).toEqual(want)
  expect(outs.every((out) => heap.guarded(out))).toBe(true)
}

describe('scan', () => {
  for (const op of ['sum', 'prod', 'max', 'min'] as const) {
    test.each(['float32', 'float64', 'int32', 'int64', 'int16', 'int8', 'uint8', 'bfloat16', 'float16'] as DType[])(
      `${op} of %s`,
      (dtype) => {
        const r = random(1)
        for (const layout of layouts) {
          for (const shape of [
            [2, 3, 5],
            [3, 2, 40],
            [1, 4, 1],
            [2, 0, 5],
            [2, 3, 0],
          ]) {
            heap.reset()
            const x = heap.array(shape, dtype, layout, () =>
              isFloat(dtype)
                ? op === 'prod'
                  ? 0.5 + r()
                  : Math.round(r() * 20 - 10) / 4
                : Math.floor(r() * 9) - (dtype === 'uint8' ? 0 : 4),
            )
            check(x, op, false)
            check(x, op, true)
          }
        }
      },
    )
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
  test('sums in a wider type than the elements', () => {
    heap.reset()
    const x = heap.array([2, 30], 'int32', {}, (i) => (i - 7) * 2 ** 26)
    for (const op of ['sum', 'prod'] as const) for (const wide of ['int64', 'float32', 'float64'] as const) check(x, op, false, wide)
    check(
      heap.array([9], 'bool', {}, (i) => i % 2),
      'sum',
      true,
      'int64',
    )
    check(
      heap.array([9], 'float32', {}, (i) => i / 3),
      'sum',
      true,
      'float64',
    )
  })
  test('a number and a million ones', () => {
    heap.reset()
    check(
      heap.array([], 'float32', {}, () => 3),
      'sum',
      false,
    )
    const x = heap.array([1], 'float32', {}, () => 0.1)
    const out = heap.out([1e6], 'float32')
    scan([{ ...x, shape: [1e6], strides: [0] }], { op: 'sum', reverse: false } as never, [out])
    expect(heap.get(out, 999_999)).toBeCloseTo(1e5, 1)
  })
})
