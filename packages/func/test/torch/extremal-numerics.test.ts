// Covers upstream's test_extremal_numerics_* : for losses and softmax at ±1000, at 0 and at equal inputs, the Jacobian of the gradient is
// the same by forward and by reverse mode, and finite; gradients are those of PyTorch where they are known in closed form.
// Left out: layer_norm (comes with the modules).

import {
  type Tensor,
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  crossEntropy,
  full,
  grad,
  jacfwd,
  jacrev,
  l1Loss,
  logSoftmax,
  logsumexp,
  mseLoss,
  nllLoss,
  onesLike,
  softmax,
  sum,
  tensor,
  tree,
  vjp,
  vmap,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { distance, f64, numbers, random } from '../rules.ts'

const REDUCTIONS = ['none', 'mean', 'sum'] as const
const extremes = (...shape: number[]): [string, Tensor][] => [
  ['-1000', full(shape, -1000, { dtype: 'float64' })],
  ['0', full(shape, 0, { dtype: 'float64' })],
  ['1000', full(shape, 1000, { dtype: 'float64' })],
  ['both', random(...shape).sign().mul(1000)], // prettier-ignore
]

/** Gradient and its Jacobians by everything, in both modes: equal and finite. */
function check(f: (...xs: Tensor[]) => Tensor, ...xs: Tensor[]): Tensor[] {
  const pulled = (ct: Tensor, ...xs: Tensor[]): Tensor[] => vjp(f, xs)[1](ct)
  const y = f(...xs)
  const cts = [random(...y.shape), onesLike(y)]
  for (const ct of cts) {
    const argnums = [0, ...xs.keys()].map((_, i) => i)
    const [forward, reverse] = [jacfwd(pulled, argnums)(ct, ...xs), jacrev(pulled, argnums)(ct, ...xs)].map(
      (t) => tree.leaves(t) as Tensor[],
    )
    forward!.forEach((a, i) => {
      expect(numbers(a).every(Number.isFinite)).toBe(true)
      expect(distance(a, reverse![i]!)).toBeLessThan(1e-12)
    })
  }
  expect(numbers(y).every(Number.isFinite)).toBe(true)
  const grads = pulled(cts[1]!, ...xs)
  for (const g of grads) expect(numbers(g).every(Number.isFinite)).toBe(true)
  return grads
}

describe.each(['mse', 'l1'] as const)('%s', (kind) => {
  const loss = { mse: mseLoss, l1: l1Loss }[kind]
  for (const [a, x] of extremes(3, 2))
    for (const [b, y] of extremes(3, 2))
      test(`${a} and ${b}`, () => {
        for (const reduction of REDUCTIONS) check((x, y) => loss(x!, y!, { reduction }), x, y)
      })
  test('equal inputs have no gradient', () => {
    const x = f64([1000, -1000, 0])
    expect(grad((x: Tensor, y: Tensor) => loss(x, y), [0, 1])(x, x).map((g) => g.abs().tolist())).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ])
  })
})

describe.each(['softmax', 'logSoftmax', 'logsumexp'] as const)('%s', (kind) => {
  const f = { softmax, logSoftmax, logsumexp }[kind]
  for (const [name, x] of extremes(2, 3))
    for (const dim of [0, -1])
      test(`at ${name}, over axis ${dim}`, () => {
        check((x) => f(x!, dim), x)
      })
  test('equal inputs have equal shares, however large', () => {
    for (const v of [-1000, 0, 1000]) {
      const x = full([4], v, { dtype: 'float64' })
      expect(softmax(x, 0).tolist()).toEqual([0.25, 0.25, 0.25, 0.25])
      expect(distance(grad((x: Tensor) => logsumexp(x, 0))(x), softmax(x, 0))).toBeLessThan(1e-14)
    }
  })
  test('one input far above the others', () => {
    const x = f64([1000, 0, -1000])
    expect(softmax(x, 0).tolist()).toEqual([1, 0, 0])
    expect(logSoftmax(x, 0).tolist()).toEqual([0, -1000, -2000])
    expect(
      jacrev((x: Tensor) => softmax(x, 0))(x)
        .abs()
        .tolist(),
    ).toEqual([0, 0, 0].map(() => [0, 0, 0]))
    expect(grad((x: Tensor) => logSoftmax(x, 0).at(2))(x).tolist()).toEqual([-1, 0, 1])
  })
})

describe('nllLoss and crossEntropy', () => {
  const target = tensor([0, 2, 1, 2], { dtype: 'int64' })
  const weight = f64([0.5, 2, 1])
  for (const [kind, loss] of [
    ['nllLoss', nllLoss],
    ['crossEntropy', crossEntropy],
  ] as const) {
    for (const [name, x] of extremes(4, 3))
      test(`${kind} at ${name}, with every reduction, weights and an index to ignore`, () => {
        for (const reduction of REDUCTIONS)
          for (const options of [{}, { weight }, { ignoreIndex: 2 }, { weight, ignoreIndex: 0 }])
            check((x) => loss(x!, target, { ...options, reduction }), x)
      })
    test(`${kind} of more axes, of one example`, () => {
      const [, x] = extremes(2, 3, 2)[3]!
      const t = tensor([
        [0, 2],
        [1, 1],
      ], { dtype: 'int64' }) // prettier-ignore
      check((x) => loss(x!, t), x)
      check((x) => loss(x!, tensor(1, { dtype: 'int64' })), f64([1000, -1000, 0]))
    })
    test(`${kind}: vmap of the gradient with an index to ignore`, () => {
      const [, xs] = extremes(5, 4, 3)[3]!
      const each = vmap(grad((x: Tensor) => loss(x, target, { ignoreIndex: 2, reduction: 'sum' })))(xs)
      ;[...xs].forEach((x, i) =>
        expect(distance(each.at(i), grad((x: Tensor) => loss(x, target, { ignoreIndex: 2, reduction: 'sum' }))(x))).toBe(0),
      )
      // examples to ignore have no gradient
      expect(sum(each.at(0, 1).abs()).item()).toBe(0)
    })
  }
  test('crossEntropy with shares of classes and label smoothing', () => {
    const shares = softmax(random(4, 3), -1)
    for (const [, x] of extremes(4, 3)) {
      check((x, p) => crossEntropy(x!, p!, { weight }), x, shares)
      check((x) => crossEntropy(x!, target, { labelSmoothing: 0.3 }), x)
    }
  })
  test('crossEntropy far off has a gradient of −1 and 1', () => {
    expect(grad((x: Tensor) => crossEntropy(x, tensor(1, { dtype: 'int64' })))(f64([1000, -1000, 0])).tolist()).toEqual([1, -1, 0])
    expect(crossEntropy(f64([1000, -1000, 0]), tensor(1, { dtype: 'int64' })).item()).toBe(2000)
  })
})

describe('binary cross entropy', () => {
  const targets = [f64([0, 1, 0, 1]), f64([0.3, 0.6, 0.5, 1])]
  const weight = f64([0.5, 2, 1, 0])
  for (const target of targets)
    for (const reduction of REDUCTIONS) {
      test(`of probabilities 0 and 1, ${reduction}`, () => {
        for (const x of [f64([0, 0, 0, 0]), f64([1, 1, 1, 1]), f64([0, 1, 0.5, 1])])
          for (const options of [{}, { weight }]) {
            const f = (x: Tensor): Tensor => binaryCrossEntropy(x, target, { ...options, reduction })
            expect(numbers(f(x)).every(Number.isFinite)).toBe(true)
            const pulled = (x: Tensor): Tensor => vjp(f, [x])[1](onesLike(f(x)))[0]
            expect(numbers(pulled(x)).every(Number.isFinite)).toBe(true)
            expect(distance(jacfwd(pulled)(x), jacrev(pulled)(x))).toBeLessThan(1e-12)
          }
      })
      test(`of logits, ${reduction}`, () => {
        for (const [, x] of extremes(4))
          for (const options of [{}, { weight }, { posWeight: f64([2, 0.5, 1, 3]) }])
            check((x) => binaryCrossEntropyWithLogits(x!, target, { ...options, reduction }), x)
      })
    }
  test('logs end at −100 as in PyTorch', () => {
    expect(binaryCrossEntropy(f64([0, 1]), f64([1, 0]), { reduction: 'none' }).tolist()).toEqual([100, 100])
    expect(binaryCrossEntropyWithLogits(f64([-1000, 1000]), f64([1, 0]), { reduction: 'none' }).tolist()).toEqual([1000, 1000])
    expect(
      grad((x: Tensor) => sum(binaryCrossEntropyWithLogits(x, f64([1, 0]), { reduction: 'none' })))(f64([-1000, 1000])).tolist(),
    ).toEqual([-1, 1])
  })
})
