// Wrong values and shapes that random programs found, each beside what PyTorch gives.
import { expect, test } from 'vitest'
import {
  type Tensor,
  arange,
  clamp,
  copysign,
  fmax,
  fmin,
  forLoop,
  grad,
  hardshrink,
  hardtanh,
  hessian,
  jacfwd,
  jvp,
  lerp,
  linearize,
  maximum,
  minimum,
  relu,
  relu6,
  slice,
  softshrink,
  tensor,
  threshold,
  vmap,
  where,
  whileLoop,
  xlogy,
  zeros,
} from '@mapgrad/func'

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

test('nothing passes where a bound holds, not even an infinite gradient, as in PyTorch', () => {
  const x = tensor([-1, 4, 0.25, -3])
  const zero = zeros(4)
  const none = expect.closeTo(0)
  for (const f of [
    (y: Tensor) => clamp(y, { min: 0 }),
    (y: Tensor) => clamp(y, 0, 9),
    (y: Tensor) => clamp(y, zero, null),
    (y: Tensor) => clamp(y.neg(), { max: 0 }).neg(),
    (y: Tensor) => relu(y),
    (y: Tensor) => relu6(y),
    (y: Tensor) => hardtanh(y, 0, 5),
    (y: Tensor) => threshold(y, 0, 0),
    (y: Tensor) => maximum(y, zero),
    (y: Tensor) => minimum(y.neg(), zero).neg(),
    (y: Tensor) => fmax(y, zero),
    (y: Tensor) => fmin(y.neg(), zero).neg(),
  ]) {
    expect(grad((y: Tensor) => f(y).sqrt().sum())(x).tolist()).toEqual([none, 0.25, 1, none])
    expect(grad((y: Tensor) => f(y).log().sum())(x).tolist()).toEqual([none, 0.25, 4, none])
    expect(vmap(grad((y: Tensor) => f(y).sqrt().sum()))(x.reshape(1, 4)).tolist()).toEqual([[none, 0.25, 1, none]])
    expect(
      hessian((y: Tensor) => f(y).sqrt().sum())(x)
        .diagonal()
        .tolist(),
    ).toEqual([none, -0.03125, -2, none])
  }
  expect(grad((y: Tensor) => softshrink(y).sqrt().sum())(tensor([0.3, 4.5])).tolist()).toEqual([none, 0.25])
})

test('xlogy: what does not move stays still where the logarithm is infinite', () => {
  const [p, q] = [tensor([0.5, 2]), tensor([1, 3])]
  const f = (a: Tensor): Tensor => xlogy(where(tensor([true, false]), q, a), tensor([0, 2]))
  expect(jvp(f, [p], [tensor([1, 1])])[1].tolist()).toEqual([0, expect.closeTo(Math.log(2))])
  expect(grad((a: Tensor) => f(a).at(1))(p).tolist()).toEqual([0, expect.closeTo(Math.log(2))])
  expect(
    jacfwd((a: Tensor) => xlogy(a, a))(tensor([-1, 2]))
      .at(0, 1)
      .item(),
  ).toBe(0)
  const both = hessian((a: Tensor) => xlogy(a, a.mul(2)).sum())(tensor([0.5, 4]))
  expect(both.tolist()).toEqual([
    [2, 0],
    [0, 0.25],
  ])
})

test('copysign: the sign has no derivative, of whatever size', () => {
  const [x, y] = [tensor([Infinity, NaN, 2]), tensor([1, -1, -1])]
  expect(grad((b: Tensor) => copysign(x, b).sum())(y).tolist()).toEqual([0, 0, 0])
  expect(jvp((b: Tensor) => copysign(x, b), [y], [y])[1].tolist()).toEqual([0, 0, 0])
})

test('hardshrink, softshrink and threshold keep NaN, and its gradient', () => {
  expect(grad((x: Tensor) => softshrink(x).sum())(tensor([NaN, 1, 0.1])).tolist()).toEqual([1, 1, 0])
  expect(softshrink(tensor([NaN, 1, 0.1])).tolist()).toEqual([NaN, 0.5, 0])
  expect(threshold(tensor([NaN, 1, 0.1]), 0.1, 0.7).tolist()).toEqual([NaN, 1, expect.closeTo(0.7)])
  expect(grad((x: Tensor) => threshold(x, 0.1, 0.7).sum())(tensor([NaN, 1, 0.1])).tolist()).toEqual([1, 1, 0])
  expect(hardshrink(tensor([NaN, 0.5, -0.6, Infinity, -0.5, -0])).tolist()).toEqual([NaN, 0, expect.closeTo(-0.6), Infinity, 0, 0])
})

test('a weight of lerp without axes counts as a number, whatever its dtype', () => {
  const y = lerp(tensor([1, 1]), tensor([3, 5]), tensor(0.5, { dtype: 'float64' }))
  expect([y.dtype, y.tolist()]).toEqual(['float32', [2, 3]])
  expect(lerp(tensor(1), tensor(2), tensor(0.5, { dtype: 'float64' })).dtype).toBe('float32')
  expect(() => lerp(tensor([1]), tensor([2]), tensor([0.5], { dtype: 'float64' }))).toThrow(/expected dtype float32 for `end` and `weight`/)
})

test('the tangent of where has the shape that its operands broadcast to', () => {
  const [x, c] = [tensor(-1.5), tensor([1, 2])]
  const f = (a: Tensor): Tensor => where(a.gt(0), a, c)
  expect(jvp(f, [x], [tensor(1)])[1].shape).toEqual([2])
  expect(linearize(f, [x])[1](tensor(1)).shape).toEqual([2])
  expect(jacfwd(f)(x).tolist()).toEqual([0, 0])
  expect(jacfwd(f)(x.neg()).tolist()).toEqual([1, 1])
  // what comes behind it relies on that
  const g = (a: Tensor): Tensor => f(a).indexFill_(0, tensor([1], { dtype: 'int32' }), 0.5)
  expect(jacfwd(g)(x.neg()).tolist()).toEqual([1, 0])
  expect(jacfwd((a: Tensor) => vmap((b: Tensor) => where(a.gt(0), a, b))(c))(x).tolist()).toEqual([0, 0])
})

test('what a loop only hands on is a tensor of its own, whatever the number of rounds', () => {
  for (const rounds of [0, 1, 2]) {
    const x = tensor([1, 2])
    const [, y] = whileLoop(
      (i: Tensor) => i.lt(rounds),
      (i: Tensor, c: Tensor) => [i.add(1), c] as const,
      [tensor(0), x],
    )
    const z = forLoop(0, rounds, (_: Tensor, c: Tensor) => c, x)
    y.add_(10)
    z.add_(20)
    expect([x.tolist(), y.tolist(), z.tolist()]).toEqual([
      [1, 2],
      [11, 12],
      [21, 22],
    ])
  }
})
