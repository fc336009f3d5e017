// Writes: a bound axis is a view of the tensor, and `set` and `indexPut` take dims as `at` does.
import { type Tensor, arange, grad, setAt, slice, tensor, vjp, zeros } from '@mapgrad/func'
import { type DimTensor, dims } from '@mapgrad/func/dim'
import { describe, expect, test } from 'vitest'

const ints = (...x: number[]): Tensor => tensor(x, { dtype: 'int32' })

describe('into what is bound', () => {
  test('reaches the tensor, and the other way round', () => {
    const [i, j] = dims(2)
    const a = zeros(3, 2)
    const b = a.at(i, j)
    b.add_(i.mul(10)).add_(j)
    expect(a.tolist()).toEqual([
      [0, 1],
      [10, 11],
      [20, 21],
    ])
    a.at(2).fill_(-1)
    expect(b.order(j, i).tolist()).toEqual([
      [0, 10, -1],
      [1, 11, -1],
    ])
  })
  test('of a part, and of a split axis', () => {
    const [i, j, k] = dims({ sizes: [null, null, 2] })
    const a = zeros(2, 4)
    a.at(i, slice(1, 3)).copy_(i.add(1).unsqueeze(0))
    expect(a.tolist()).toEqual([
      [0, 1, 1, 0],
      [0, 2, 2, 0],
    ])
    a.at(i, [j, k]).mul_(k.mul(10))
    expect(a.tolist()).toEqual([
      [0, 10, 0, 0],
      [0, 20, 0, 0],
    ])
  })
  test('a value without the dim goes to each of its places', () => {
    const [i] = dims(1)
    const a = arange(6).float().reshape(3, 2)
    const b = a.at(i).mul(2)
    b.zero_()
    expect(b.order(i).tolist()).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
    ])
    a.at(i).copy_(tensor([7, 8]))
    expect(a.tolist()).toEqual([
      [7, 8],
      [7, 8],
      [7, 8],
    ])
  })
  test('a product that waits is of the values that its factors had', () => {
    const [i, k] = dims(2)
    const a = arange(6).float().reshape(2, 3)
    const product = a.at(i, k).mul(a.at(i, k))
    const other = a.at(i, k).mul(a.at(i, k))
    a.zero_()
    expect(product.sum(k).order(i).tolist()).toEqual([5, 50])
    other.add_(1)
    expect(other.sum([i, k]).item()).toBe(61)
    a.dispose()
    expect(product.sum([i, k]).item()).toBe(55)
  })
  test('with derivatives', () => {
    const [i] = dims(1)
    const f = (x: Tensor): Tensor => {
      const y = x.mul(2)
      y.at(i, 0).mul_(i)
      return y.pow(2).sum()
    }
    const x = tensor([
      [1, 2],
      [3, 4],
      [5, 6],
    ])
    expect(grad(f)(x).tolist()).toEqual([
      [0, 16],
      [24, 32],
      [160, 48],
    ])
  })
})

describe('set and indexPut', () => {
  test('each place of the loop', () => {
    const [i, j] = dims(2, [2, 3])
    const a = zeros(2, 3)
    expect(a.set(i, j, i.mul(10).add(j))).toBe(a)
    expect(a.tolist()).toEqual([
      [0, 1, 2],
      [10, 11, 12],
    ])
    a.set(i, j, -1)
    expect(a.sum().item()).toBe(-6)
  })
  test('scattered, with sums where places meet', () => {
    const [n, f] = dims(2)
    const rows = ints(1, 0, 1)
    const values = arange(6).float().reshape(3, 2)
    expect(
      zeros(2, 2)
        .indexPut([rows.at(n), f], values.at(n, f), true)
        .tolist(),
    ).toEqual([
      [2, 3],
      [4, 6],
    ])
    expect(setAt(zeros(2, 2), [rows.at(n), f], values.at(n, f)).tolist()).toEqual([
      [2, 3],
      [4, 5],
    ])
  })
  test('split axes, slices, numbers, new axes', () => {
    const [i, j, k] = dims({ sizes: [2, 2, 3] })
    const a = zeros(4, 3)
    a.set([i, j], slice(1), i.add(j).unsqueeze(0))
    expect(a.tolist()).toEqual([
      [0, 0, 0],
      [0, 1, 1],
      [0, 1, 1],
      [0, 2, 2],
    ])
    a.set(1, k, k.add(5))
    expect(a.at(1).tolist()).toEqual([5, 6, 7])
    a.set(k, k, 9)
    expect(a.diagonal().tolist()).toEqual([9, 9, 9])
  })
  test('into what has dims', () => {
    const [b, i] = dims(2, [2, 3])
    const a = zeros(2, 3)
    const x = a.at(b)
    x.set(ints(2, 0).at(b), b.add(1))
    expect(a.tolist()).toEqual([
      [0, 0, 1],
      [2, 0, 0],
    ])
    x.set(i, i.mul(b))
    expect(a.tolist()).toEqual([
      [0, 0, 0],
      [0, 1, 2],
    ])
  })
  test('with derivatives', () => {
    const [n, f] = dims(2)
    const rows = ints(1, 0, 1)
    const [y, pull] = vjp(
      (table: Tensor, v: Tensor) => table.mul(1).set(rows.at(n), f, (table.at(rows.at(n), f) as DimTensor).mul(v.at(n, f))),
      [
        tensor([
          [1, 2],
          [3, 4],
        ]),
        tensor([
          [5, 6],
          [7, 8],
          [9, 10],
        ]),
      ],
    )
    expect(y.tolist()).toEqual([
      [7, 16],
      [27, 40],
    ])
    expect(
      pull(
        tensor([
          [1, 1],
          [1, 1],
        ]),
      ).map((g) => g.tolist()),
    ).toEqual([
      [
        [7, 8],
        [9, 10],
      ],
      [
        [0, 0],
        [1, 2],
        [3, 4],
      ],
    ])
  })
})
