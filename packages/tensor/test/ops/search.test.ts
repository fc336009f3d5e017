import { cpu } from '@mapgrad/backend-cpu'
import { type Tensor, bucketize, searchsorted, setDefaultDevice, tensor } from '@mapgrad/tensor'
import { expect, test } from 'vitest'
import { numbers } from '../checks.ts'

setDefaultDevice(cpu)

/** How many come before, counted one by one. */
const count = (sorted: readonly number[], x: number, right: boolean): number => sorted.filter((v) => !(right ? v > x : v >= x)).length

test('every place of sequences of 0 to 40 elements, equal ones among them', () => {
  for (let n = 0; n <= 40; n++) {
    const sorted = Array.from({ length: n }, (_, i) => Math.floor((i * 7) / 3) - 5)
    const at = [-Infinity, -6, -5, -4.5, 0, 1, 2, 3.5, 8, 40, 88, Infinity, NaN]
    for (const right of [false, true]) {
      const got = searchsorted(tensor(Float64Array.from(sorted)), tensor(Float64Array.from(at)), { right })
      expect(got.dtype).toBe('int32')
      expect(numbers(got)).toEqual(at.map((x) => (Number.isNaN(x) ? n : count(sorted, x, right))))
    }
  }
})

test('PyTorch 2.13: rows, numbers, int64, sorters, sides', () => {
  const rows = tensor([
    [1, 3, 5, 7, 9],
    [2, 4, 6, 8, 10],
  ])
  const x = tensor([
    [3, 6, 9],
    [3, 6, 9],
  ])
  expect(searchsorted(rows, x).tolist()).toEqual([
    [1, 3, 4],
    [1, 2, 4],
  ])
  expect(searchsorted(rows, x, { side: 'right' }).tolist()).toEqual([
    [2, 3, 5],
    [1, 3, 4],
  ])
  expect(searchsorted(tensor([1, 3, 5]), 3).item()).toBe(1)
  expect(searchsorted(tensor([1, 3, 5]), 3, { right: true, outInt32: false }).dtype).toBe('int64')
  expect(searchsorted(tensor([5, 1, 3]), tensor([[2], [4]]), { sorter: tensor([1, 2, 0], { dtype: 'int32' }) }).tolist()).toEqual([
    [1],
    [2],
  ])
  const edges = tensor([1, 3, 5, 7, 9])
  expect(bucketize(x, edges).tolist()).toEqual([
    [1, 3, 4],
    [1, 3, 4],
  ])
  expect(bucketize(x, edges, { right: true }).tolist()).toEqual([
    [2, 3, 5],
    [2, 3, 5],
  ])
  expect(bucketize(3, edges).item()).toBe(1)
})

test('values of another dtype than the sequence, as PyTorch 2.13 promotes them', () => {
  const whole = tensor([1, 2, 3], { dtype: 'int32' })
  expect(bucketize(2.5, whole).item()).toBe(2)
  expect(bucketize(tensor([0.5, 2.5]), whole).tolist()).toEqual([0, 2])
  expect(searchsorted(tensor([0.5, 1.5]), tensor([1, 2], { dtype: 'int32' })).tolist()).toEqual([1, 2])
  expect(searchsorted(tensor([1, 2], { dtype: 'float64' }), tensor([1.5])).tolist()).toEqual([1])
})

test('what makes no sense is named', () => {
  const [s, x] = [tensor([1, 2, 3]), tensor([1, 2])]
  const refused: readonly (readonly [() => Tensor, RegExp])[] = [
    [() => searchsorted(s, x, { side: 'left', right: true }), /side and right can't be set to opposites/],
    [() => searchsorted(s, x, { side: 'middle' as 'left' }), /side can only be 'left' or 'right' but got middle/],
    [() => searchsorted(s.reshape([1, 3]), x), /first N-1 dimensions of boundaries tensor and input value tensor must match/],
    [() => searchsorted(s.reshape([1, 3]), 2), /input value can be a scalar only when boundaries tensor dimension is 1/],
    [() => searchsorted(s, x, { sorter: tensor([0], { dtype: 'int32' }) }), /boundary and sorter must have the same size/],
    [() => bucketize(x, s.reshape([1, 3])), /boundaries tensor must be 1 dimension, but got dim\(2\)/],
  ]
  for (const [f, text] of refused) expect(f).toThrow(text)
})
