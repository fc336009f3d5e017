// What first-class dimensions mean, rule by rule: behaviours of upstream's TestMin that are no whole programs (those are in dims.test.ts), and of its README.
import {
  type Tensor,
  arange,
  dropout,
  ellipsis,
  manualSeed,
  rand,
  randLike,
  randn,
  slice,
  stack as stackTensors,
  tensor,
  where,
  zeros,
} from '@mapgrad/func'
import { Dim, DimList, type DimTensor, dimlists, dims, expand, index, isDim, isDimList, order, split, stack } from '@mapgrad/func/dim'
import { describe, expect, test } from 'vitest'

manualSeed(31)
const A = rand(3, 4, { dtype: 'float64' })
const B = rand(4, 5, { dtype: 'float64' })
const D = rand(3, 4, 5, { dtype: 'float64' })
const same = (x: Tensor, y: Tensor): void => {
  expect(x.shape).toEqual(y.shape)
  expect(x.sub(y).abs().amax().item()).toBeLessThan(1e-13)
}

describe('dims and sizes', () => {
  test('dims are made by number, names, sizes', () => {
    expect(dims(2).map(String)).toEqual(['d0', 'd1'])
    expect(dims('a', 'b').map((d) => d.name)).toEqual(['a', 'b'])
    const [a, b, c] = dims('a', 'b', 'c', { sizes: [3, null, 0] })
    expect([a.length, b.isBound, c.length, c.isBound]).toEqual([3, false, 0, true])
    expect(dims({ sizes: [3, 4] }).map((d) => d.length)).toEqual([3, 4])
    expect(dims(2, [5, null])[0].length).toBe(5)
    expect(dims(0)).toEqual([])
    expect(new Dim('x', 3).length).toBe(3)
  })
  test('what is what', () => {
    const [i] = dims('i')
    const [list] = dimlists(1)
    expect([isDim(i), isDim(list), isDim(A), isDim(null), isDimList(list), isDimList(i), isDimList([])]).toEqual([
      true,
      false,
      false,
      false,
      true,
      false,
      false,
    ])
  })
  test('a dim takes the size of what it is first bound to', () => {
    const [i, j] = dims(2)
    const a = A.at(i, j)
    expect([i.length, j.length, a.ndim, a.shape]).toEqual([3, 4, 0, []])
    expect(a.dims.map(String)).toEqual(['d0', 'd1'])
    expect(a.dims[1]).toBe(j)
    expect(A.ndim).toBe(2)
  })
  test('some axes may stay positional', () => {
    const [i, k] = dims(2)
    const x = D.at(i, slice(), k)
    expect([x.dims.map(String), x.shape]).toEqual([['d0', 'd1'], [4]])
    expect(x.dims[1] === k).toBe(true)
    expect(D.at(ellipsis, k).shape).toEqual([3, 4])
    expect(D.at(i).shape).toEqual([4, 5])
  })
  test('lists of dims take the axes that are left', () => {
    const [i] = dims(1)
    const [rest, none] = dimlists('rest', 'none')
    expect([String(rest), rest.isBound]).toEqual(['*rest', false])
    const x = D.at(i, rest)
    expect([rest.length, String(rest), rest.at(-1).length]).toEqual([2, '(rest0, rest1)', 5])
    same(x.order(rest, i), D.permute(1, 2, 0))
    same(A.at(slice(), none).order(none).order(0, 1), A.t())
    const [of, whole] = [new Dim('of'), new DimList()]
    same(D.at(of).at(whole).order(whole, of), D.permute(1, 2, 0))
    same(D.at(of).at(whole).sum(whole).order(of), D.sum([1, 2]))
    const [j, k, empty] = [new Dim('j'), new Dim('k'), new DimList()]
    same(A.at(j, empty, k).order(j, k, ...empty), A)
    expect(empty.length).toBe(0)
  })
  test('lists of dims with lengths, sizes or dims of their own', () => {
    const [a, b, c] = dimlists({ sizes: [2, [4, null], null] })
    expect([a.length, b.at(0).length, b.at(1).isBound, c.isBound]).toEqual([2, 4, false, false])
    c.bind([3, 4])
    same(A.at(c).order(...c), A)
    const [i] = dims('i')
    const own = new DimList([i, 'j', 7], 'own')
    expect([own.at(0) === i, own.slice(1).map(String), String(new DimList())]).toEqual([true, ['j', 'own2'], '<unbound_dimlist>'])
    const two = new DimList(2)
    two.bindLen(2)
    expect([...two].map(String)).toEqual(['dim0', 'dim1'])
  })
  test('printing', () => {
    const [i, j] = dims('i', 'j')
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ])
    expect(String(x.at(i))).toBe(`tensor([[1., 2., 3.],\n        [4., 5., 6.]])\nwith dims=(i, 0) sizes=(2, 3)`)
    expect(x.at(slice(), j).toString()).toBe(`tensor([[1., 2., 3.],\n        [4., 5., 6.]])\nwith dims=(0, j) sizes=(2, 3)`)
    expect(`${x.at(i, 0)}`).toBe('tensor([1., 4.])\nwith dims=(i,) sizes=(2,)')
    expect(`${i}`).toBe('i')
  })
})

describe('rule 1: operations are batched over the union of dims', () => {
  test('elementwise', () => {
    const [i, j, k] = dims(3)
    const sum = A.at(i, k).add(B.at(k, j))
    expect(sum.dims.map(String).sort()).toEqual(['d0', 'd1', 'd2'])
    same(sum.order(i, j, k), A.unsqueeze(1).add(B.t()))
  })
  test('dims and positional axes at once', () => {
    const [i] = dims(1)
    same(D.at(i).add(A.at(i).unsqueeze(1)).order(i), D.add(A.unsqueeze(2)))
  })
  test('functions that know nothing of dims', () => {
    const [i, j] = dims(2)
    const outer = (x: Tensor, y: Tensor): Tensor => x.unsqueeze(1).mul(y)
    same(order(outer(D.at(i, j), D.at(i, j)), i, j), D.unsqueeze(3).mul(D.unsqueeze(2)))
  })
  test('the plain tensor may come first', () => {
    const [i] = dims(1)
    same(order(B.at(0, slice(0, 4)).add(A.at(i)), i), A.add(B.at(0, slice(0, 4))))
  })
  test('a dim bound twice is one dim', () => {
    const [i, j] = dims(2)
    same(A.at(i, j).mul(A.at(i, j)).order(j, i), A.mul(A).t())
    same(A.at(i, j).sub(A.at(i, j)).order(i, j), zeros(3, 4, { dtype: 'float64' }))
  })
  test('the same names are not the same dim', () => {
    const mm = (x: Tensor, y: Tensor): DimTensor => {
      const [i, j, k] = dims('i', 'j', 'k')
      return x.at(i, k).mul(y.at(k, j)).sum(k).order(i, j)
    }
    const [i] = dims('i')
    const [x, y] = [randn(2, 3, 4), randn(2, 4, 5)]
    expect(mm(x.at(i), y.at(i)).order(i).sub(x.matmul(y)).abs().amax().item()).toBeLessThan(1e-5)
  })
  test('draws differ along dims', () => {
    const [i, k] = dims(2)
    const r = randLike(A.at(i, k))
    expect((r as DimTensor).dims.map(String).sort()).toEqual(['d0', 'd1'])
    expect(new Set(order(r, [i, k]).tolist() as number[]).size).toBe(12)
    const dropped = order(dropout(A.at(i, k).mul(0).add(1), 0.5, true), [i, k]).tolist() as number[]
    expect(new Set(dropped)).toEqual(new Set([0, 2]))
    expect(new Set(A.at(i, k).mul(1).normal_().order([i, k]).tolist() as number[]).size).toBe(12)
  })
})

describe('rule 2: a dim stands where the number of an axis does', () => {
  test('with positional axes beside it', () => {
    const [i] = dims(1)
    for (const dim of [
      [0, i],
      [-1, i],
      [i, 0],
    ] as const)
      same(A.at(i).sum(dim), A.sum())
    same(A.at(i).sum(0, true).sum([0, i]), A.sum())
    same(D.at(i).sum([1, i]), D.sum([0, 2]))
    same(D.at(i).sum([-1, i]), D.sum([0, 2]))
  })
  test('by name, and as a list', () => {
    const [i] = dims(1)
    const [rest] = dimlists(1)
    same(D.at(i, rest).mean({ dim: i }).order(rest), D.mean(0))
    same(D.at(i, rest).sum(rest).order(i), D.sum([1, 2]))
    same(
      D.at(i, rest)
        .sum({ dim: [i, rest.at(1)] })
        .order(rest.at(0)),
      D.sum([0, 2]),
    )
  })
  test('what keeps its axis keeps the dim', () => {
    const [i, k] = dims(2)
    const { values, indices } = A.at(i, k).sort(k)
    same(values.order(i, k), A.sort(1).values)
    expect(indices.order(i, k).tolist()).toEqual(A.sort(1).indices.tolist())
    same(A.at(i).flip(i).order(i), A.flip(0))
    same(A.at(i, k).roll(1, i).order(i, k), A.roll(1, 0))
  })
  test('of its own dims, max and min take one for an axis', () => {
    const [i, k, q] = dims(3, [null, null, 2])
    const { values, indices } = A.at(i, k).max(i)
    same(values.order(k), A.amax(0))
    expect(indices.order(k).tolist()).toEqual(A.argmax(0).tolist())
    same(A.at(i, k).minimum(q).order(q, i, k), stackTensors([A.clamp({ max: 0 }), A.clamp({ max: 1 })], 0))
  })
  test('a dim may be a value and another one an axis', () => {
    const [i, k] = dims(2)
    same(A.at(i, k).where(k.gt(i), 0).sum(k).order(i), A.triu(1).sum(1))
  })
})

describe('rule 3: order makes dims axes, in front', () => {
  test('all or some', () => {
    const [i, j] = dims(2)
    same(A.at(i, j).order(j, i), A.t())
    same(D.at(i, j).order(j, i), D.permute(1, 0, 2))
    const some = D.at(i, j).order(j)
    expect([some.dims.map(String), some.shape]).toEqual([['d0'], [4, 5]])
    same(some.order(i), D)
    same(D.at(i).order(1, i), D.permute(2, 0, 1))
    same(D.at(i).permute(1, i), D.permute(2, 0, 1))
    same(D.at(i).permute(1, 0).order(i), D.permute(0, 2, 1))
  })
  test('several become one', () => {
    const [i, k, j] = dims(3)
    same(D.at(i, k, j).order([i, j]).order(k), D.transpose(0, 1).flatten(1, 2))
    same(D.at(i, k).order([i, 0], k), D.permute(0, 2, 1).reshape(15, 4))
  })
  test('an axis is split, one size follows from the others', () => {
    const [i, j, k, c] = dims('i', 'j', 'k', 'c')
    k.length = 2
    const x = A.at(i, [j, k])
    expect([j.length, k.length]).toEqual([2, 2])
    same(x.order(i, [j, k]), A)
    const [m] = dims(1)
    same(A.at([c], m).order(c, m), A)
    const [p, q] = dims({ sizes: [0, 5] })
    expect(zeros(0).at([p, q]).order(p, q).shape).toEqual([0, 5])
  })
  test('repeated along new dims', () => {
    const [i, j, k] = dims(3)
    const a = A.at(i, k)
    j.length = 2
    same(a.expand(j).order(j, i, k), stackTensors([A, A], 0))
    expect(A.at(i).expand(2, 4).order(i).shape).toEqual([3, 2, 4])
    expect(order(expand(A, j), j).shape).toEqual([2, 3, 4])
  })
  test('sizes of one and none', () => {
    const [i, j, k] = dims(3)
    const one = rand(1, 3)
    same(one.at(i, j).sum(i).order(j), one.sum(0))
    const none = rand(0, 3)
    expect(none.at(k, j).sum(k).order(j).tolist()).toEqual([0, 0, 0])
    expect(none.at(k, j).add(1).order(k, j).shape).toEqual([0, 3])
  })
})

describe('rule 4: as a value, a dim is its own index', () => {
  test('arithmetic and comparisons', () => {
    const [i, k] = dims({ sizes: [3, 4] })
    expect(i.add(k).sub(1).order(i, k).tolist()).toEqual([
      [-1, 0, 1, 2],
      [0, 1, 2, 3],
      [1, 2, 3, 4],
    ])
    expect([i.dtype, i.dims[0] === i, i.shape]).toEqual(['int32', true, []])
    expect(i.order(i).tolist()).toEqual([0, 1, 2])
    expect(i.eq(k).sum([i, k]).item()).toBe(3)
    expect(i.lt(k).order(k, i).tolist()).toEqual([
      [false, false, false],
      [true, false, false],
      [true, true, false],
      [true, true, true],
    ])
  })
  test('masks', () => {
    const a = rand(5)
    const [i, j] = dims({ sizes: [5, 5] })
    expect(
      i
        .ge(j)
        .mul(a.at(i))
        .sum(j)
        .order(i)
        .sub(a.mul(arange(1, 6)))
        .abs()
        .amax()
        .item(),
    ).toBeLessThan(1e-6)
    expect(
      order(where(i.le(j), 1, 0), i, j)
        .sum()
        .item(),
    ).toBe(15)
  })
  test('a dim that is there already is the index of the loop', () => {
    const S = rand(4, 4)
    const [i, j] = dims(2)
    const diagonal = S.diagonal().tolist()
    expect(S.at(i, i).order(i).tolist()).toEqual(diagonal)
    expect(S.at(j).at(j).order(j).tolist()).toEqual(diagonal)
    expect(rand(3, 4).at(...dims(1), 0).dims.length).toBe(1)
  })
})

describe('rule 5: indexing with a tensor that has dims gathers', () => {
  const ids = tensor([1, 0, 3, 2, 1], { dtype: 'int32' })
  test('the loop, written out', () => {
    const [batch, feature] = dims(2)
    const values = B.at(ids.at(batch), feature).order(batch, feature)
    same(
      values,
      stackTensors(
        [1, 0, 3, 2, 1].map((n) => B.at(n)),
        0,
      ),
    )
  })
  test('positional axes of the index', () => {
    const [i] = dims(1)
    const table = tensor(
      [
        [0, 1],
        [3, 3],
        [2, 0],
      ],
      { dtype: 'int32' },
    )
    const x = D.at(i, table.at(i))
    expect([x.dims.map(String), x.shape]).toEqual([['d0'], [2, 5]])
    same(x.order(i), D.takeAlongDim(table.unsqueeze(2).expand(3, 2, 5), 1))
  })
  test('sums of dims as indices', () => {
    const [c] = dims(1, [2])
    same(A.at(c.add(1), c).order(c), A.at(tensor([1, 2], { dtype: 'int32' }), tensor([0, 1], { dtype: 'int32' })))
  })
  test('index: along dims that a tensor has', () => {
    const [i, k, z, y, o, l] = dims(6)
    const C = arange(2)
    same(A.at(i, k).index(k, C.at(z)).order(i, z), A.at(slice(), slice(0, 2)))
    o.length = 2
    const r = A.at(i, k).index(k, [o, l])
    same(r.order(i, o, l), A.reshape(3, 2, 2))
    same(r.index([o, l], k).order(i, k), A)
    same(
      A.at(i, k)
        .index([i], [ids.remainder(3).at(y)])
        .order(y, k),
      stackTensors(
        [1, 0, 0, 2, 1].map((n) => A.at(n)),
        0,
      ),
    )
  })
  test('index: numbers, slices, positional axes', () => {
    const [i, k] = dims(2)
    same(A.at(i, k).index(i, 1).order(k), A.at(1))
    same(A.at(i, k).index([i, k], [slice(0, 2), 3]), A.at(slice(0, 2), 3))
    same(index(D, 1, 2), D.at(slice(), 2))
    same(D.at(i).index(-1, 0).order(i), D.at(slice(), slice(), 0))
  })
  test('beside slices, new axes and numbers', () => {
    const [i, k] = dims(2)
    expect(D.at(null, i, slice(0, 2), k).shape).toEqual([1, 2])
    same(D.at(i, 1, k).order(i, k), D.at(slice(), 1))
    same(D.at(i, slice(1, 3), [0, 2]).order(i), D.at(slice(), slice(1, 3), [0, 2]))
  })
})

describe('joining and cutting', () => {
  test('stack and split are inverse', () => {
    const [i, d] = dims(2)
    const s = stack([A.at(0).at(i), A.at(1).at(i)], d)
    expect(d.length).toBe(2)
    same(s.order(d, i), A.at(slice(0, 2)))
    const [x, y] = dims(2)
    const parts = split(A, [x, y], 1)
    expect([x.length, y.length]).toEqual([2, 2])
    same(order(parts[1]!, 0, y), A.at(slice(), slice(2)))
  })
  test('sizes of what is cut share what is left', () => {
    const [x, y, z] = dims({ sizes: [null, 3, null] })
    split(rand(8), [x, y, z])
    expect([x.length, y.length, z.length]).toEqual([3, 3, 2])
  })
})
