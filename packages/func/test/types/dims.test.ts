// Types of first-class dimensions. Checked by tsc; the calls run, too, so that types and values agree.
import { type Tensor, matmul, ones, slice, zeros } from '@mapgrad/func'
import { Dim, type DimList, type DimTensor, dimlists, dims, order, split } from '@mapgrad/func/dim'
import { describe, expect, expectTypeOf, it } from 'vitest'

describe('dims', () => {
  it('gives as many as it is told', () => {
    const three = dims(3)
    expectTypeOf(three).toEqualTypeOf<readonly [Dim, Dim, Dim]>()
    const named = dims('a', 'b', { sizes: [1, null] })
    expectTypeOf(named).toEqualTypeOf<readonly [Dim, Dim]>()
    const sized = dims({ sizes: [3, null] })
    expectTypeOf(sized).toEqualTypeOf<readonly [Dim, Dim]>()
    const some = dims(three.length as number)
    expectTypeOf(some).toEqualTypeOf<Dim[]>()
    const [list] = dimlists('rest')
    expectTypeOf(list).toEqualTypeOf<DimList>()
    expect([three.length, named.length, sized.length, some.length]).toEqual([3, 2, 2, 3])
    // @ts-expect-error there are two
    expect(dims(2)[2]).toBeUndefined()
    const size: number = sized[0].length
    expect(size).toBe(3)
  })
})

describe('tensors with dims', () => {
  it('are what indexing with dims gives', () => {
    const [i, j, k] = dims(3)
    const x = ones(2, 3).at(i, j)
    expectTypeOf(x).toEqualTypeOf<DimTensor>()
    expectTypeOf(ones(2, 3).at(0)).toEqualTypeOf<Tensor>()
    expectTypeOf(ones(2, 3).at(slice(), [0, 1])).toEqualTypeOf<Tensor>()
    expectTypeOf(ones(4, 3).at([i, k], j)).toEqualTypeOf<DimTensor>()
    expectTypeOf(ones(3, 3).at(x.int())).toEqualTypeOf<DimTensor>()
    expect(x.dims.length).toBe(2)
  })
  it('are tensors, and their methods take dims', () => {
    const [i, j] = dims(2)
    const x = ones(2, 3).at(i, j)
    const t: Tensor = x
    expect(matmul(t.reshape(1, 1), t.reshape(1, 1)).ndim).toBe(2)
    expectTypeOf(x.sum(i)).toEqualTypeOf<DimTensor>()
    expectTypeOf(x.mean({ dim: [i, j] })).toEqualTypeOf<DimTensor>()
    expectTypeOf(x.add(1).mul(i).softmax(j)).toEqualTypeOf<DimTensor>()
    expectTypeOf(x.max(i)[0]).toEqualTypeOf<DimTensor>()
    expectTypeOf(x.sort(i)[1]).toEqualTypeOf<DimTensor>()
    expectTypeOf(x.unbind(j)).toEqualTypeOf<DimTensor[]>()
    expectTypeOf(split(zeros(5), dims(2))[0]!).toEqualTypeOf<Tensor>()
    expectTypeOf(order(t, i)).toEqualTypeOf<DimTensor>()
    expectTypeOf(x.order(i, j).tolist).toBeFunction()
    expectTypeOf(new Dim('i')).toEqualTypeOf<Dim>()
    // @ts-expect-error a name is no dim
    expect(() => x.sum('i')).toThrow(/expected dim to be an integer/)
    // @ts-expect-error a plain tensor takes numbers
    expect(() => ones(2).sum(i)).toThrow(/got the Dim d0/)
  })
})
