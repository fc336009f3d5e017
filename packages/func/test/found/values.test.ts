// Wrong values and shapes that random programs found, each beside what PyTorch gives.
import { expect, test } from 'vitest'
import { type Tensor, arange, grad, hardshrink, slice, tensor, vmap } from '@mapgrad/func'

test('a clone of what lies with gaps has none, and can be viewed under another shape', () => {
  const x = arange(24).to('float64').reshape(4, 6)
  const left = (y: Tensor): Tensor => y.at(slice(), slice(0, 3)).clone().view(-1)
  expect(left(x).tolist()).toEqual([0, 1, 2, 6, 7, 8, 12, 13, 14, 18, 19, 20])
  const y = x.at(slice(), slice(undefined, undefined, 2)).clone()
  expect(y.view(2, 6).tolist()).toEqual([
    [0, 2, 4, 6, 8, 10],
    [12, 14, 16, 18, 20, 22],
  ])
  y.view(-1).at(0).fill_(-1)
  expect([y.at(0, 0).item(), x.at(0, 0).item()]).toEqual([-1, 0])
  expect(
    tensor([[1], [2]])
      .expand(2, 3)
      .clone()
      .view(6)
      .tolist(),
  ).toEqual([1, 1, 1, 2, 2, 2])
  expect(() => x.t().clone().view(-1)).toThrow(/view size is not compatible with input tensor's size and stride/)
  expect(vmap(left)(x.reshape(1, 4, 6)).tolist()).toEqual([left(x).tolist()])
  expect(
    grad((z: Tensor) => left(z).mul(arange(12)).sum())(x)
      .at(1)
      .tolist(),
  ).toEqual([3, 4, 5, 0, 0, 0])
})

test('hardshrink keeps NaN', () => {
  expect(hardshrink(tensor([NaN, 0.5, -0.6, Infinity, -0.5, -0])).tolist()).toEqual([NaN, 0, expect.closeTo(-0.6), Infinity, 0, 0])
})
