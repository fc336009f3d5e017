// Stacks of transforms for which random programs found errors or wrong values.
import { expect, test } from 'vitest'
import {
  type Tensor,
  aotFunction,
  checkpoint,
  customJvp,
  customVjp,
  defaultPartition,
  grad,
  jvp,
  linearize,
  minCutPartition,
  scan,
  tensor,
  vmap,
} from '@mapgrad/func'

test('linearize of a mapped function with rules of its own, of which an argument is shared by all examples', () => {
  const product = (a: Tensor, b: Tensor): Tensor => a.mul(b).mul(b)
  const reverse = customVjp(product, {
    forward: (a: Tensor, b: Tensor) => [product(a, b), [a, b] as const],
    backward: ([a, b], ct) => [b.mul(b).mul(ct), a.mul(b).mul(2).mul(ct)],
  })
  const forward = customJvp(product, ([a, b], [da, db]) => [product(a, b), b.mul(b).mul(da).add(a.mul(b).mul(2).mul(db))])
  const xs = tensor([0.5, 1.5, -2])
  for (const f of [reverse, forward]) {
    const mapped = (b: Tensor): Tensor => vmap(f, [0, null])(xs, b)
    const [y, push] = linearize(mapped, [tensor(3)])
    expect(y.tolist()).toEqual([4.5, 13.5, -18])
    expect(push(tensor(1)).tolist()).toEqual([3, 9, -12])
    expect(vmap(push)(tensor([1, 2])).tolist()).toEqual([
      [3, 9, -12],
      [6, 18, -24],
    ])
    expect(jvp(mapped, [tensor(3)], [tensor(1)])[1].tolist()).toEqual([3, 9, -12])
    const both = linearize((a: Tensor, b: Tensor) => vmap(f, [0, null])(a, b), [xs, tensor(3)])[1]
    expect(both(tensor([1, 0, 0]), tensor(1)).tolist()).toEqual([12, 9, -12])
  }
})

test('aotFunction: the backward pass may need an argument that the outputs do not depend on', () => {
  const f = checkpoint((a: Tensor, xs: Tensor): Tensor => scan((c: Tensor, x: Tensor) => [c.sin(), x.maximum(0.1)] as const, a, xs)[0])
  const [a, xs] = [
    tensor([1, 2]),
    tensor([
      [1, -2],
      [3, 4],
    ]),
  ]
  for (const partitionFn of [defaultPartition, minCutPartition]) {
    const compiled = aotFunction(f, { fwCompiler: (g) => g, partitionFn })
    expect(compiled(a, xs).tolist()).toEqual([1, 2].map((x) => expect.closeTo(Math.sin(Math.sin(x)), 6)))
    const [da, dxs] = grad((b: Tensor, ys: Tensor) => compiled(b, ys).sum(), [0, 1])(a, xs)
    expect(da.tolist()).toEqual([1, 2].map((x) => expect.closeTo(Math.cos(Math.sin(x)) * Math.cos(x), 6)))
    expect(dxs.tolist()).toEqual([
      [0, 0],
      [0, 0],
    ])
  }
})
