// Upstream: test_vmap.py, TestVmapOperators: products of matrices and vectors, joins, reductions, positions, losses, factories.
// Left out: slogdet (no decompositions yet), adaptive_avg_pool2d and the convolutions (absent), new_empty_strided (strides are not part of
// the API).
import {
  type Tensor,
  argmax,
  argmin,
  bmm,
  cat,
  cross,
  dot,
  grad,
  linalg,
  matmul,
  mean,
  mm,
  mv,
  nllLoss,
  oneHot,
  prod,
  randint,
  repeat,
  roll,
  stack,
  std,
  sum,
  tensor,
  trace,
  varMean,
  vmap,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { B0, B1, checkVmap, expectClose, loop, random } from './harness.ts'
import { check } from './operators.ts'

type Product = (x: Tensor, y: Tensor) => Tensor

/** Both operands mapped, either, at two levels, at different ones; `a` and `b` are the shapes of one example. */
function checkProduct(op: Product, a: readonly number[], b: readonly number[]): void {
  check(op, [random(B0, ...a), random(...b)], [0, null])
  check(op, [random(...a), random(B0, ...b)], [null, 0])
  check(op, [random(B0, ...a), random(B0, ...b)])
  check(op, [random(...a, B0), random(B0, ...b)], [-1, 0], { outDim: -1 })
  check(vmap(op, [0, null]), [random(3, B0, ...a), random(...b)], [1, null])
  check(vmap(op, [null, 0]), [random(...a), random(3, B0, ...b)], [null, 1])
  check(vmap(op), [random(3, B0, ...a), random(B0, 3, ...b)], [1, 0])
  check(vmap(op, [0, null]), [random(3, ...a), random(B0, ...b)], [null, 0])
  check(vmap(op, [null, 0]), [random(3, ...a), random(B0, ...b)], [0, null])
  checkVmap(op as never, [random(...a), random(...b)])
}

describe('products', () => {
  test('mm', () => checkProduct(mm, [2, 5], [5, 3]))
  test('mv', () => checkProduct(mv, [2, 5], [5]))
  test('dot', () => checkProduct(dot, [5], [5]))
  test('bmm', () => checkProduct(bmm, [2, 3, 5], [2, 5, 4]))
  test.each([
    [[5], [5]],
    [[2, 5], [5]],
    [[5], [5, 3]],
    [
      [2, 5],
      [5, 3],
    ],
    [
      [4, 2, 5],
      [5, 3],
    ],
    [
      [2, 5],
      [4, 5, 3],
    ],
    [
      [4, 1, 2, 5],
      [3, 5, 3],
    ],
    [[5], [4, 5, 3]],
    [[4, 2, 5], [5]],
  ])('matmul of [%j] and [%j]', (a, b) => checkProduct(matmul, a, b))
  test('matmul of examples of other ranks, one of them mapped twice', () => {
    const [x, y] = [random(5, 2, 2, 2), random(5, 7, 2)]
    const got = vmap(vmap(matmul, [null, 0]))(x, y)
    expectClose(
      got,
      loop((p: Tensor, q: Tensor) => loop(matmul, [null, 0], 0, 7, p, q), 0, 0, 5, x, y),
    )
  })
  test('sizes and ranks that do not fit are those of one example', () => {
    expect(() => vmap(mm)(random(B0, 2, 2, 2), random(B0, 2))).toThrow('[tensor] mm')
    expect(() => vmap(mm, [0, null])(random(B0, 2), random(2, 2))).toThrow('[tensor] mm')
    expect(() => vmap(mm, [null, 0])(random(2, 2), random(B0, 2, 2, 2))).toThrow('[tensor] mm')
    expect(() => vmap(bmm)(random(B0, 2, 2, 2), random(B0, 2))).toThrow('[tensor] bmm')
    expect(() => vmap(bmm, [0, null])(random(B0, 3, 3, 2), random(2, 2))).toThrow('[tensor] bmm')
    expect(() => vmap(bmm, [null, 0])(random(2, 2), random(B0, 2, 2, 2))).toThrow('[tensor] bmm')
    expect(() => vmap(dot)(random(B0, 2, 2, 2), random(B0, 2))).toThrow('[tensor] dot')
    expect(() => vmap(dot, [0, null])(random(B0, 2), random(2, 2))).toThrow('[tensor] dot')
    expect(() => vmap(mv)(random(B0, 2, 2, 2), random(B0, 2))).toThrow('[tensor] mv')
    expect(() => vmap(mv, [0, null])(random(B0, 2, 2), random(2, 2))).toThrow('[tensor] mv')
    // what would fit if the batch were an axis
    expect(() => vmap(mm)(random(2, 3), random(2, 3))).toThrow('[tensor] mm')
  })
  test('gradients of a product for each example', () => {
    const f = (x: Tensor, y: Tensor): Tensor => matmul(x, y).sin().sum()
    checkVmap(grad(f) as never, [random(2, 3, 3), random(3, 3)])
    checkVmap(grad(f, 1) as never, [random(2, 3, 4), random(4, 3)])
  })
  test('cross finds the axis of size three in one example, not the batch', () => {
    check(cross, [random(3, 2, 3), random(3, 2, 3)])
    check(vmap(cross, [0, null]), [random(3, 3, 2, 3), random(3, 3, 2, 3)], [null, 1])
    check(linalg.cross, [random(3, 3), random(3, 3)], 1)
    check((x: Tensor, y: Tensor) => linalg.cross(x, y, { dim: 0 }), [random(3, 3, 2), random(3, 2)], [1, null])
    expect(() => vmap(cross)(random(3, 2), random(3, 2))).toThrow('cross')
  })
})

describe('joins', () => {
  const catAt =
    (dim: number) =>
    (...xs: Tensor[]): Tensor =>
      cat(xs, dim)
  const stackAt =
    (dim: number) =>
    (...xs: Tensor[]): Tensor =>
      stack(xs, dim)
  test('cat', () => {
    check(catAt(0), [random(B0, 2), random(B0, 3)])
    check(catAt(0), [random(B0, 0), random(B0, 0)], 0, { gradient: false })
    check(catAt(0), [random(2), random(B0, 0)], [null, 0])
    check(catAt(0), [random(2), random(B0, 3)], [null, 0])
    check(catAt(0), [random(2, 17), random(3, 17, B0)], [null, 2])
    check(catAt(-1), [random(17, 2), random(17, 3, B0)], [null, 2])
    check(catAt(1), [random(B0, 2, 3), random(2, 0), random(2, 4)], [0, null, null])
    check(vmap(catAt(0), [0, null]), [random(B1, 2), random(B0, 3)], [null, 0])
    check(vmap(catAt(0), [0, 0]), [random(B1, 2), random(B0, B1, 3)], [null, 0])
  })
  test('cat passes over empty vectors, mapped and shared', () => {
    check(catAt(1), [random(2, 5), random(B0, 0), random(2, 3)], [null, 0, null])
    check(catAt(1), [random(B0, 2, 3), random(B0, 0)])
    check(catAt(1), [random(B0, 2, 3, 4), random(0)], [0, null])
    check(catAt(0), [random(0), random(B0, 2), random(B0, 0)], [null, 0, 0], { gradient: false })
  })
  test('stack', () => {
    check(stackAt(0), [random(B0, 3), random(B0, 3)])
    check(stackAt(0), [random(3), random(B0, 3)], [null, 0])
    check(stackAt(0), [random(2, 17), random(2, 17, B0)], [null, 2])
    check(stackAt(-1), [random(2, 17), random(2, 17, B0)], [null, 2])
    check(vmap(stackAt(0), [0, null]), [random(B1, 2), random(B0, 2)], [null, 0])
    check(vmap(stackAt(0), [0, 0]), [random(B1, 2), random(B0, B1, 2)], [null, 0])
    check(stackAt(-1), [random(B0), random(), random(B0)], [0, null, 0])
  })
})

describe('reductions', () => {
  test.each<[string, (x: Tensor, dim: number) => Tensor]>([
    ['sum', (x, d) => sum(x, d)],
    ['mean', (x, d) => mean(x, d)],
    ['prod', (x, d) => prod(x, d)],
    ['amax', (x, d) => x.amax(d)],
    ['logsumexp', (x, d) => x.logsumexp(d)],
    ['cumsum', (x, d) => x.cumsum(d)],
    ['softmax', (x, d) => x.softmax(d)],
    ['norm', (x, d) => x.add(2).norm(2, d)],
  ])('%s over an axis, of numbers too', (_, op) => {
    for (const d of [0, -1]) {
      check((x: Tensor) => op(x, d), [random(B0)])
      check(
        vmap((x: Tensor) => op(x, d)),
        [random(B0, B1)],
      )
    }
    check((x: Tensor) => op(x, 0), [random(B0, 3)])
    check((x: Tensor) => op(x, -1), [random(2, 5, B0, 3)], 2)
    check((x: Tensor) => op(x, 2), [random(2, 5, B0, 3)], 2, { outDim: 2 })
    check(
      vmap((x: Tensor) => op(x, -2)),
      [random(4, 2, 5, B0, 3)],
      2,
    )
    check(
      vmap((x: Tensor) => op(x, 2), 2),
      [random(2, 5, B0, 4, 3)],
      2,
      { outDim: 2 },
    )
    expect(() => vmap((x: Tensor) => op(x, 1))(random(B0))).toThrow('(expected to be in range of [-1, 0], but got 1)')
    expect(() => vmap((x: Tensor) => op(x, -3))(random(B0, 2, 3))).toThrow('(expected to be in range of [-2, 1], but got -3)')
  })
  test.each<[string, (x: Tensor) => unknown]>([
    ['sum', (x) => sum(x)],
    ['mean', (x) => mean(x)],
    ['prod', (x) => prod(x)],
    ['max', (x) => x.max()],
    ['norm', (x) => x.add(2).norm()],
    ['keepdim', (x) => sum(x, { dim: [], keepdim: true })],
  ])('%s of everything there is of one example', (_, op) => {
    check(op as never, [random(B0)])
    check(op as never, [random(B0, 3)])
    check(op as never, [random(2, 5, B0, 3)], 2)
    check(vmap(op as (x: Tensor) => Tensor), [random(B0, 4)])
    check(vmap(op as (x: Tensor) => Tensor), [random(3, 2, 5, B0, 3)], 3)
  })
  test('several axes, kept or not', () => {
    check((x: Tensor) => sum(x, [0, -1]), [random(2, B0, 5, 3)], 1)
    check((x: Tensor) => sum(x, [0, -1], true), [random(2, B0, 5, 3)], 1)
    check((x: Tensor) => mean(x, [1], { keepdim: true }), [random(2, B0, 5, 3)], 1, { outDim: -1 })
    check((x: Tensor) => std(x, [0, 1]), [random(4, B0, 5)], 1)
  })
  test('of several results', () => {
    check((x: Tensor) => [...varMean(x)], [random(B0, 10)])
    check(
      vmap((x: Tensor) => [...varMean(x, 0)]),
      [random(2, B0, 10)],
      1,
    )
    check((x: Tensor) => [...x.max(0)], [random(3, B0, 5)], 1)
    check((x: Tensor) => [...x.sort(-1)], [random(3, 5, B0)], 2)
    check((x: Tensor) => [...x.topk(2, 0)], [random(3, 5, B0)], 2)
  })
  test.each<[string, (x: Tensor) => Tensor, number[]]>([
    ['of a number', (x) => argmax(x), []],
    ['of all', (x) => argmax(x), [2, 3]],
    ['along the first axis', (x) => argmax(x, 0), [2, 3]],
    ['along the last axis, kept', (x) => argmax(x, -1, true), [2, 3]],
    ['the least along the second', (x) => argmin(x, 1), [2, 3]],
  ])('argmax %s', (_, op, shape) => checkVmap(op, [random(...shape)], { size: 5 }))
  test('argmax out of range', () => {
    expect(() => vmap((x: Tensor) => argmax(x, 2))(random(5, 2, 3))).toThrow('(expected to be in range of [-2, 1], but got 2)')
  })
  test('trace', () => {
    check(trace, [random(B0, 2, 5)])
    check(trace, [random(2, B0, 5)], 1)
    check(vmap(trace), [random(B1, 2, B0, 5)], 2)
    check(vmap(vmap(trace, 2)), [random(3, 2, B0, 5, 4)], 2)
  })
})

describe('copies', () => {
  test('repeat', () => {
    check((x: Tensor) => repeat(x, 2, 3), [random(B0, 1, 1)])
    check((x: Tensor) => repeat(x, [2, 3]), [random(1, B0, 1)], 1)
    check((x: Tensor) => repeat(x, 2, 1, 3), [random(4, B0)], 1)
    check((x: Tensor) => repeat(x, 2), [random(B0)])
    expect(() => vmap((x: Tensor) => repeat(x, 2))(random(B0, 2, 3))).toThrow('repeat')
  })
  test('roll of all elements of one example, and along axes', () => {
    check((x: Tensor) => roll(x, 2), [random(B0, 2, 5)])
    check((x: Tensor) => roll(x, 3), [random(2, B0, 5)], 1)
    check(
      vmap((x: Tensor) => roll(x, 3)),
      [random(3, 2, B0, 5)],
      2,
    )
    check(vmap(vmap((x: Tensor) => roll(x, 3), 1)), [random(3, 2, B0, 4, 5)], 2)
    check((x: Tensor) => roll(x, [1, -2], [0, 1]), [random(2, B0, 5)], 1)
  })
})

describe('classes', () => {
  test('nllLoss', () => {
    for (const reduction of ['mean', 'sum', 'none'] as const) {
      const op = (y: Tensor, t: Tensor): Tensor => nllLoss(y, t, { reduction })
      check(op, [random(3, 2, 5), randint(0, 5, [3, 2])])
      check(op, [random(3, 2, 5), randint(0, 5, [2])], [0, null])
      check(op, [random(2, 5), randint(0, 5, [3, 2])], [null, 0])
      checkVmap(
        (y: Tensor, t: Tensor, w: Tensor) => nllLoss(y, t, { reduction, weight: w.abs().add(1) }),
        [random(2, 5), randint(0, 5, [2]), random(5)],
      )
    }
  })
  test('oneHot with classes given', () => {
    checkVmap((x: Tensor) => oneHot(x, 3), [tensor(2, { dtype: 'int32' })])
    checkVmap((x: Tensor) => oneHot(x, 4), [randint(0, 3, [2, 3, 4])], { size: 3 })
    expect(() =>
      vmap((x: Tensor) => oneHot(x, 2))(
        tensor(
          [
            [0, 1],
            [2, 0],
          ],
          { dtype: 'int32' },
        ),
      ),
    ).toThrow('smaller than num_classes')
  })
})

describe('made like one example', () => {
  test('newEmpty has a shape of its own for each', () => {
    expect(vmap((x: Tensor) => x.newEmpty([2, 3]))(random(B0)).shape).toEqual([B0, 2, 3])
    expect(vmap((x: Tensor) => x.newEmpty([]))(random(B0)).shape).toEqual([B0])
    expect(vmap(vmap((x: Tensor) => x.newEmpty(2, 3)))(random(B0, B1)).shape).toEqual([B0, B1, 2, 3])
  })
  test('newZeros, newOnes, newFull', () => {
    check((x: Tensor) => x.newZeros(2, 3), [random(B0)])
    check((x: Tensor) => x.newOnes([]), [random(B0)])
    check((x: Tensor) => x.newFull([2], 2.5, { dtype: 'float32' }), [random(2, B0)], 1)
    check(
      vmap((x: Tensor) => x.newZeros(3, 5)),
      [random(B0, B1)],
    )
  })
})
