import { cpu } from '@mapgrad/backend-cpu'
import { type Tensor, arange, memory, ones, setDefaultDevice, slice, tensor, tidy, zeros } from '@mapgrad/tensor'
import { defineOp, view } from '@mapgrad/tensor/plugin'
import { beforeEach, describe, expect, it } from 'vitest'

describe('views', () => {
  beforeEach(() => setDefaultDevice(cpu))

  it('of one tensor show what any of them writes, views of views too', () => {
    const x = arange(12).float().reshape(3, 4).clone()
    const [row, column, corner] = [x.at(1), x.t().at(1), x.narrow(0, 0, 2).narrow(1, 0, 2)]
    row.mul_(10)
    column.add_(0.5)
    corner.t().at(0).fill_(-1)
    expect(x.tolist()).toEqual([[-1, 1.5, 2, 3], [-1, 50.5, 60, 70], [8, 9.5, 10, 11]])
    expect(row.tolist()).toEqual([-1, 50.5, 60, 70])
    expect(column.tolist()).toEqual([1.5, 50.5, 9.5])
  })

  it('outlive the tensor they look into', () => {
    const x = ones(2, 2).mul(1)
    const [a, b] = [x.t(), x.view(4)]
    x.dispose()
    a.at(0).mul_(3)
    expect(b.tolist()).toEqual([3, 1, 3, 1])
  })

  it('of a reshape that had to copy are views of the copy', () => {
    const x = arange(6).float().reshape(2, 3).clone()
    const copy = x.t().reshape(6)
    copy.at(0).fill_(9)
    expect([x.at(0, 0).item(), copy.at(0).item()]).toEqual([0, 9])
  })

  it('of a repeated number are told from copies as if it lay in memory', () => {
    const x = zeros(3)
    x.expand(2, 3).reshape(6).add_(1)
    expect(x.tolist()).toEqual([0, 0, 0])
    expect(() => x.expand(2, 3).view(6)).toThrow('view size is not compatible')
    x.view(1, 3).at(0).set(1, 5)
    expect(x.tolist()).toEqual([0, 5, 0])
  })

  it('keep the values that others took from them', () => {
    const x = tensor([1, 2])
    const [copy, kept] = [x.clone(), x.add(0)]
    x.at(0).neg_()
    expect([copy.tolist(), kept.tolist(), x.tolist()]).toEqual([[1, 2], [1, 2], [-1, 2]])
  })

  it('that overlap themselves are refused, but for one value everywhere', () => {
    const x = arange(4).float()
    const text = 'unsupported operation: more than one element of the written-to tensor refers to a single memory location'
    expect(() => x.expand(2, 4).add_(1)).toThrow(text)
    expect(() => x.unfold(0, 2, 1).mul_(2)).toThrow(text)
    expect(() => x.asStrided([3], [0]).copy_(tensor([1, 2, 3]))).toThrow(text)
    expect(x.tolist()).toEqual([0, 1, 2, 3])
    x.expand(2, 4).at(1).add_(1)
    x.unfold(0, 2, 2).at(1).zero_()
    expect(x.tolist()).toEqual([1, 2, 0, 0])
    x.expand(2, 4).fill_(7)
    expect(x.tolist()).toEqual([7, 7, 7, 7])
  })

  it("are of an author's op too, where it says how writes go back", () => {
    const evens = defineOp<[Tensor], null, [Tensor]>({
      name: 'evens',
      args: (x) => [[x], null],
      result: ([x]) => ({ shape: [Math.ceil(x.shape[0]! / 2)], dtype: x.dtype }),
      compute: view((x) => ({ shape: [Math.ceil(x.shape[0]! / 2)], strides: [x.strides[0]! * 2], offset: x.offset }), { put: (x, v) => x.sliceScatter(v, 0, 0, null, 2) }),
      batch: 'leading',
      diff: { kind: 'constant' },
    })
    const x = arange(5).float()
    evens(x).neg_()
    expect(x.tolist()).toEqual([-0, 1, -2, 3, -4])
  })
})

describe('memory', () => {
  beforeEach(() => setDefaultDevice(cpu))

  it('of what is written inside tidy stays with older tensors', () => {
    const x = ones(3).mul(2)
    const part = x.at(slice(1))
    tidy(() => {
      x.add_(1)
      part.mul_(2)
      x.add_(1)
    })
    expect([x.tolist(), part.tolist()]).toEqual([[4, 7, 7], [7, 7]])
  })

  it('of what tidy gives back can be written, whatever it is a view of', () => {
    const y = tidy(() => ones(2, 3).add(1).t())
    y.add_(1)
    expect(y.tolist()).toEqual([[3, 3], [3, 3], [3, 3]])
  })

  it('is bounded: what in-place operations replace is freed by tidy', () => {
    const x = ones(1000).mul(1)
    tidy(() => x.add_(1))
    const before = memory().live
    for (let i = 0; i < 100; i++) {
      const old = x.value
      tidy(() => x.mul_(1.01))
      for (const v of old.arrays()) v.dispose()
    }
    expect(memory().live).toBe(before)
  })
})
