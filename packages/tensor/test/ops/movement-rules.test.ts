import { grad } from '@mapgrad/autodiff'
import { vjpFlat } from '@mapgrad/autodiff/plugin'
import {
  type Tensor,
  broadcastTo,
  embedding,
  indexCopy,
  indexPut,
  memory,
  scatter,
  setAt,
  slice,
  sum,
  tensor,
  unfold,
} from '@mapgrad/tensor'
import { describe, expect, test } from 'vitest'
import './movement-cases.ts'

const i = (data: Parameters<typeof tensor>[0], dtype: 'int32' | 'int64' | 'uint8' | 'int8' | 'int16' = 'int32'): Tensor =>
  tensor(data, { dtype })
const f64 = (data: Parameters<typeof tensor>[0]): Tensor => tensor(data, { dtype: 'float64' })

describe('where indices repeat, the last in row-major order stays, and it alone gets the gradient', () => {
  const x = f64([1, 2, 3])
  const src = f64([10, 20, 30, 40])
  const index = i([0, 2, 0, 2])
  const cases: readonly [string, (x: Tensor, s: Tensor) => Tensor][] = [
    ['scatter', (x, s) => scatter(x, 0, index, s)],
    ['indexPut', (x, s) => indexPut(x, [index], s)],
    ['setAt', (x, s) => setAt(x, [index], s)],
    ['indexCopy', (x, s) => indexCopy(x, 0, index, s)],
    ['put', (x, s) => x.put(index, s)],
    ['indexPut of two axes', (x, s) => indexPut(x.reshape(1, 3), [i([0, 0, 0, 0]), index], s).reshape(3)],
  ]
  test.each(cases)('%s', (_, f) => {
    expect(f(x, src).tolist()).toEqual([30, 2, 40])
    const [, pull] = vjpFlat(([x, s]) => [f(x!, s!)], [x, src])
    const [dx, ds] = pull([f64([5, 6, 7])])
    expect(dx!.tolist()).toEqual([0, 6, 0])
    expect(ds!.tolist()).toEqual([0, 0, 5, 7])
  })
})

test('products of elements that meet, with zeros: each gets the product of the others', () => {
  const f = ([x, s]: readonly Tensor[]): Tensor[] => [x!.scatterReduce(0, i([0, 0, 1, 1, 2, 2]), s!, 'prod')]
  const [, pull] = vjpFlat(f, [f64([2, 3, 0]), f64([5, 0, 0, 0, 7, 0])])
  const [dx, ds] = pull([f64([1, 10, 100])])
  expect(dx!.tolist()).toEqual([0, 0, 0])
  expect(ds!.tolist()).toEqual([0, 10, 0, 0, 0, 0])
  const [, one] = vjpFlat(f, [f64([2, 3, 0]), f64([5, 4, 0, 6, 7, 8])])
  expect(one([f64([1, 10, 100])]).map((g) => g!.tolist())).toEqual([
    [20, 0, 5600],
    [8, 10, 180, 0, 0, 0],
  ])
})

describe('embedding', () => {
  const w = f64([
    [1, 2],
    [3, 4],
    [5, 6],
  ])
  const index = i([
    [2, 0],
    [2, 2],
  ])
  const pulled = (options: Parameters<typeof embedding>[2]): unknown =>
    vjpFlat(([w]) => [embedding(index, w!, options as never)], [w])[1]([
      f64([
        [
          [1, 2],
          [3, 4],
        ],
        [
          [5, 6],
          [7, 8],
        ],
      ]),
    ])[0]!.tolist()
  test('adds up the gradients of a row', () =>
    expect(pulled({})).toEqual([
      [3, 4],
      [0, 0],
      [13, 16],
    ]))
  test('paddingIdx gets none', () => {
    expect(pulled({ paddingIdx: 2 })).toEqual([
      [3, 4],
      [0, 0],
      [0, 0],
    ])
    expect(pulled({ paddingIdx: -1 })).toEqual([
      [3, 4],
      [0, 0],
      [0, 0],
    ])
  })
  test('scaleGradByFreq divides by how often', () =>
    expect(pulled({ scaleGradByFreq: true })).toEqual([
      [3, 4],
      [0, 0],
      [13 / 3, 16 / 3],
    ]))
})

describe('indices of every integer dtype', () => {
  const x = f64([1, 2, 3])
  test.each(['int32', 'int64', 'int16', 'int8', 'uint8'] as const)('%s', (dtype) => {
    expect(x.gather(0, i([2, 0], dtype)).tolist()).toEqual([3, 1])
    expect(x.indexSelect(0, i([2, 0], dtype)).tolist()).toEqual([3, 1])
    expect(scatter(x, 0, i([2], dtype), 9).tolist()).toEqual([1, 2, 9])
  })
  test('beyond 2³¹ they are out of range, not wrapped', () => {
    expect(() => x.gather(0, i([2n ** 32n], 'int64'))).toThrow('out of bounds for dimension 0 with size 3')
    expect(() => x.at(i([-(2n ** 33n)], 'int64'))).toThrow('out of bounds')
    expect(() => scatter(x, 0, i([2n ** 32n + 1n], 'int64'), 1)).toThrow('out of bounds')
  })
})

describe('out of range stays an error where the index is not the first to blame', () => {
  const x = f64([
    [1, 2, 3],
    [4, 5, 6],
  ])
  test('one of two axes, though the flat position exists', () => {
    expect(() => x.at(i([0]), i([4]))).toThrow('index 4 is out of bounds for dimension 1 with size 3')
    expect(() => indexPut(x, [i([0]), i([4])], 1)).toThrow('index 4 is out of bounds for dimension 1 with size 3')
    expect(() => indexPut(x.reshape(2, 3, 1).expand(2, 3, 4), [i([0]), i([3]), i([1])], 1)).toThrow(
      'index 3 is out of bounds for dimension 1 with size 3',
    )
  })
  test('after a failed call everything still works', () => {
    expect(() => x.gather(1, i([[3]]))).toThrow('index 3 is out of bounds')
    expect(x.gather(1, i([[2]])).tolist()).toEqual([[3]])
  })
})

test('views share memory', () => {
  const x = tensor(new Float64Array(1000)).reshape(10, 100)
  const before = memory().live
  const views = [
    x.T,
    x.at(slice(2, 5)),
    x.select(1, 3),
    x.diagonal(),
    unfold(x, 1, 10, 5),
    x.flip(0),
    broadcastTo(x, 7, 10, 100),
    ...x.split(3),
    x.asStrided([5, 5], [1, 1]),
    x.reshape(5, 200),
    x.clone(),
  ]
  expect(memory().live).toBe(before)
  expect(sum(views[4]!).item()).toBe(0)
})

test('rows, sizes and lengths', () => {
  const x = f64([
    [1, 2, 3],
    [4, 5, 6],
  ])
  expect([...x].map((r) => r.tolist())).toEqual([
    [1, 2, 3],
    [4, 5, 6],
  ])
  expect(x.size()).toEqual([2, 3])
  expect(x.size(-1)).toBe(3)
  expect(x.dim()).toBe(2)
  expect(x.len()).toBe(2)
  expect(() => x.size(5)).toThrow('Dimension out of range (expected to be in range of [-2, 1], but got 5)')
  expect(() => [...f64(3)]).toThrow('iteration over a 0-d tensor')
  expect(() => f64(3).len()).toThrow('len() of a 0-d tensor')
  expect(x.T.shape).toEqual([3, 2])
  expect(x.mT.tolist()).toEqual([
    [1, 4],
    [2, 5],
    [3, 6],
  ])
  expect(() => f64([1]).mT).toThrow('tensor.mT is only supported on matrices or batches of matrices. Got 1-D tensor.')
})

test('a view that strides cannot say is refused, in a transform too', () => {
  const x = f64([
    [1, 2, 3],
    [4, 5, 6],
  ])
  const text =
    "view size is not compatible with input tensor's size and stride (at least one dimension spans across two contiguous subspaces). Use .reshape(...) instead"
  expect(() => x.T.view(6)).toThrow(text)
  expect(() => grad((x: Tensor) => sum(x.T.view(6)))(x)).toThrow(text)
  expect(x.T.reshape(6).tolist()).toEqual([1, 4, 2, 5, 3, 6])
  expect(x.T.contiguous().view(6).tolist()).toEqual([1, 4, 2, 5, 3, 6])
})

test('arguments by name, unknown ones refused', () => {
  const x = f64([
    [1, 2, 3],
    [4, 5, 6],
  ])
  expect(x.transpose({ dim0: 0, dim1: 1 }).shape).toEqual([3, 2])
  expect(x.gather(1, { index: i([[2], [0]]) }).tolist()).toEqual([[3], [4]])
  expect(x.reshape({ shape: [3, 2] }).shape).toEqual([3, 2])
  expect(x.flip({ dims: 1 }).tolist()).toEqual([
    [3, 2, 1],
    [6, 5, 4],
  ])
  expect(() => x.narrow({ dim: 0, begin: 1 } as never)).toThrow("unknown option 'begin'")
  expect(() => x.at('1' as never)).toThrow('expected integers, slice(start, stop, step), null, ellipsis')
  expect(() => x.at(1.5)).toThrow('expected the index to be an integer, got 1.5')
})
