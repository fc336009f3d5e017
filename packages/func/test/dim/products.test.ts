// (a * b) summed over dims is one product of matrices. A product waits until it is looked at; nobody can tell but by time and memory.
import { type Tensor, checkpoint, grad, makeFx, manualSeed, memory, noGrad, rand, tensor, tidy, vmap } from '@mapgrad/func'
import { type DimTensor, dims, order } from '@mapgrad/func/dim'
import { describe, expect, test } from 'vitest'

manualSeed(3)
const A = rand(3, 5, { dtype: 'float64' })
const B = rand(5, 4, { dtype: 'float64' })
const same = (x: Tensor, y: Tensor): void => {
  expect(x.shape).toEqual(y.shape)
  expect(x.sub(y).abs().amax().item()).toBeLessThan(1e-12)
}

describe('what it is', () => {
  test('which dims are summed, and which stay, does not matter', () => {
    const [b, i, j, k, l] = dims('b', 'i', 'j', 'k', 'l')
    const X = rand(2, 3, 5, 4, { dtype: 'float64' })
    const Y = rand(4, 2, 5, 6, { dtype: 'float64' })
    const [x, y] = [X.at(b, i, k, l), Y.at(l, b, k, j)]
    const all = x.mul(y).order(b, i, j, k, l)
    same(all, X.unsqueeze(2).mul(Y.permute(1, 3, 2, 0).unsqueeze(1)))
    same(x.mul(y).sum([k, l]).order(b, i, j), all.sum([3, 4]))
    same(x.mul(y).sum(k).order(b, i, j, l), all.sum(3))
    same(x.mul(y).sum([b, k]).order(i, j, l), all.sum([0, 3]))
    same(x.mul(y).sum({ dim: j }).order(i, b, k, l), all.sum(2).transpose(0, 1))
    same(x.mul(y).sum([b, i, j, k, l]), all.sum())
    same(x.mul(y).sum(i).sum(j).order(b, k, l), all.sum([1, 2]))
  })
  test('what was disposed of is refused', () => {
    const [i, k] = dims('i', 'k')
    const a = A.clone().mul(1)
    const x = a.at(i, k)
    a.dispose()
    expect(() => x.mul(x).sum(k)).toThrow('mul: expected a live tensor')
  })
  test('disposed of before it is looked at, it frees what it holds and computes nothing', () => {
    const [i, j, k] = dims(3)
    const before = memory()
    const x = rand(300, 300)
    const p = x.at(i, k).mul(x.at(k, j))
    x.dispose()
    p.dispose()
    p.dispose()
    expect([memory().live - before.live, memory().pooled - before.pooled < 1e6]).toEqual([0, true])
    expect(() => p.sum(k)).toThrow('sum: expected a live tensor')
    expect(() => p.exp()).toThrow('expected a live tensor')
  })
  test('a derivative keeps what it needs of one that is disposed of', () => {
    const [i] = dims(1)
    const x = tensor([1, 2], { requiresGrad: true })
    const p = x.at(i).mul(x.at(i).exp())
    const s = p.sum(i)
    p.dispose()
    s.backward()
    same(x.grad!, x.detach().exp().mul(x.detach().add(1)))
  })
  test('it takes no memory for all pairs', () => {
    const [i, j, k] = dims(3)
    const [P, Q] = [rand(200, 200), rand(200, 200)]
    const before = memory().live
    const c = P.at(i, k).mul(Q.at(k, j)).sum(k)
    expect(memory().live - before).toBeLessThan(1e6)
    expect(c.order(i, j).sub(P.matmul(Q)).abs().amax().item()).toBeLessThan(1e-3)
  })
  test('other dtypes, numbers, and tensors with axes do not wait', () => {
    const [i, k, p, q] = dims(4)
    const n = tensor(
      [
        [1, 2],
        [3, 4],
      ],
      { dtype: 'int32' },
    )
    expect(n.at(p, q).mul(n.at(p, q)).sum(q).order(p).tolist()).toEqual([5, 25])
    same(A.at(i).mul(A.at(i)).sum(0).order(i), A.pow(2).sum(1))
    same(A.at(i, k).mul(2).sum(k).order(i), A.sum(1).mul(2))
    expect(A.at(i, k).mul(A.at(i, k).float()).dtype).toBe('float64')
  })
  test('of a product and another', () => {
    const [i, j, k] = dims(3)
    same(A.at(i, k).mul(B.at(k, j)).mul(A.at(i, k)).sum(k).order(i, j), A.pow(2).matmul(B))
  })
  test('what is not finite', () => {
    const [i, k] = dims(2)
    const x = tensor([
      [Infinity, 1],
      [NaN, 1],
      [-0, 0],
    ])
    expect(x.at(i, k).mul(x.at(i, k)).sum(k).order(i).tolist()).toEqual([Infinity, NaN, 0])
  })
})
describe('when it is looked at', () => {
  test('under noGrad, it has its gradient later', () => {
    const [i, k] = dims(2)
    const f = (x: Tensor): Tensor => {
      const product = x.at(i, k).mul(x.at(i, k))
      noGrad(() => product.add(1))()
      return product.exp().sum([i, k])
    }
    same(grad(f)(A), A.mul(2).mul(A.pow(2).exp()))
    same(
      grad((x: Tensor) =>
        noGrad(() => x.at(i, k).mul(x.at(i, k)))()
          .mul(x.at(i, k))
          .sum([i, k]),
      )(A),
      A.pow(2),
    )
  })
  test('in a scope, it outlives that', () => {
    const [i, k] = dims(2)
    const product = A.at(i, k).mul(A.at(i, k))
    expect(tidy(() => product.add(1).sum([i, k]).item())).toBeCloseTo((A.pow(2).sum().item() as number) + 15, 10)
    same(product.sin().order(i, k), A.pow(2).sin())
    const inner = grad((w: Tensor) => product.mul(w).sum([i, k]))(tensor(2, { dtype: 'float64' }))
    same(inner, A.pow(2).sum())
    same(product.cos().order(i, k), A.pow(2).cos())
  })
  test('in a recording, it is what it was outside', () => {
    const [i, k] = dims(2)
    const product = A.at(i, k).mul(A.at(i, k))
    const g = makeFx((x: Tensor) => order(x.mul(product), i, k), { tracingMode: 'symbolic' })
    same(g(tensor(3, { dtype: 'float64' }))(tensor(4, { dtype: 'float64' })), A.pow(2).mul(4))
    same(product.exp().order(i, k), A.pow(2).exp())
  })
  test('after the transform that it was made in, it is refused as other values are', () => {
    const [i, k] = dims(2)
    let kept: DimTensor | undefined
    grad((x: Tensor) => {
      kept = x.at(i, k).mul(x.at(i, k))
      return x.sum()
    })(A)
    expect(() => kept!.add(1)).toThrow(/escaped/)
    expect(() => kept!.sum(k)).toThrow(/escaped/)
  })
  test('inside vmap and checkpoint', () => {
    const f = (x: Tensor): Tensor => {
      const [i, k] = dims(2)
      const product = x.at(i, k).mul(x.at(i, k).sin())
      return product.add(product.sum(k)).sum(i).order(k)
    }
    const plain = (x: Tensor): Tensor => {
      const p = x.mul(x.sin())
      return p.add(p.sum(1, true)).sum(0)
    }
    const many = rand(2, 3, 4, { dtype: 'float64' })
    same(vmap(f)(many), vmap(plain)(many))
    const total = (g: (x: Tensor) => Tensor) => grad((x: Tensor) => g(x).pow(2).sum())
    same(total(checkpoint(f))(A), total(plain)(A))
  })
})
