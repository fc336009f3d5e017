// First-class dimensions inside of transforms, around them, and in what they record. Derivatives are compared with central differences.
import {
  type Tensor,
  aotFunction,
  checkpoint,
  cond,
  customVjp,
  functionalize,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jvp,
  linearize,
  makeFx,
  manualSeed,
  memory,
  noGrad,
  rand,
  randLike,
  scan,
  slice,
  stack,
  tensor,
  tidy,
  vjp,
  vmap,
} from '@mapgrad/func'
import { type Dim, type DimTensor, dims, expand, order } from '@mapgrad/func/dim'
import { describe, expect, test } from 'vitest'

manualSeed(8)
const double = (...shape: number[]): Tensor => rand(shape, { dtype: 'float64' }).sub(0.5)
const X = double(3, 5)
const W = double(5)
const same = (x: Tensor, y: Tensor, tolerance = 1e-12): void => {
  expect(x.shape).toEqual(y.shape)
  expect(x.sub(y).abs().amax().item()).toBeLessThan(tolerance)
}
/** ∂Σf/∂x by central differences. */
function numeric(f: (x: Tensor) => Tensor, x: Tensor): Tensor {
  const h = 1e-6
  const flat = x.reshape(-1)
  return stack(
    Array.from({ length: x.numel() }, (_, n) => {
      const at = (d: number): number =>
        f(flat.clone().set(n, flat.at(n).add(d)).reshape(x.shape))
          .sum()
          .item() as number
      return tensor((at(h) - at(-h)) / (2 * h), { dtype: 'float64' })
    }),
    0,
  ).reshape(x.shape)
}
/** Softmax over rows of products with W, as a loop over dims. */
const score = (x: Tensor): Tensor => {
  const [i, f] = dims('i', 'f')
  const logits = x.at(i, f).mul(W.at(f)).sum(f).tanh()
  return logits.softmax(i).mul(logits.exp()).sum(i)
}
const plainScore = (x: Tensor): Tensor => {
  const logits = x.mul(W).sum(1).tanh()
  return logits.softmax(0).mul(logits.exp()).sum(0)
}
/** What keeps an axis: x sorted, masked and shifted along its rows. */
const rows = (x: Tensor): Tensor => {
  const [i, f] = dims('i', 'f')
  const y = x.at(i, f)
  return y.sin().mul(f.add(1)).where(f.ge(i), y).cumsum(f).order(f, i)
}

describe('inside', () => {
  test('grad, and grad of grad', () => {
    same(grad(score)(X), numeric(score, X), 1e-8)
    same(grad(score)(X), grad(plainScore)(X))
    const norm = (x: Tensor): Tensor => grad(score)(x).pow(2).sum()
    same(grad(norm)(X), numeric(norm, X), 1e-8)
  })
  test('vjp, jvp, linearize', () => {
    const [y, pull] = vjp(rows, [X])
    same(y, rows(X))
    same(pull(y.mul(0).add(1))[0]!, numeric(rows, X), 1e-8)
    const v = double(3, 5)
    const [, tangent] = jvp(rows, [X], [v])
    const h = 1e-6
    same(
      tangent,
      rows(X.add(v.mul(h)))
        .sub(rows(X.sub(v.mul(h))))
        .div(2 * h),
      1e-8,
    )
    same(linearize(rows, [X])[1](v), tangent)
  })
  test('jacrev, jacfwd, hessian', () => {
    same(jacrev(rows)(X), jacfwd(rows)(X))
    same(jacrev(rows)(X).sum([0, 1]), numeric(rows, X), 1e-8)
    same(hessian(score)(X), jacfwd(jacrev(plainScore))(X))
  })
  test('vmap', () => {
    const [b] = dims('b')
    const out = vmap((x: Tensor) => x.mul(2).at(b), 0, 1)(double(4, 5, 6)) as DimTensor
    expect([out.shape, out.dims[0] === b]).toEqual([[6, 4], true])
    const many = double(4, 3, 5)
    same(vmap(score)(many), stack([...many].map(plainScore), 0))
    same(vmap(rows, 0, 1)(many), stack([...many].map(rows), 1))
    same(
      vmap(grad(score))(many),
      stack(
        [...many].map((x) => grad(plainScore)(x)),
        0,
      ),
    )
    const g = vmap((w: Tensor) => grad((x: Tensor) => score(x).mul(w.sum()))(X))
    same(
      g(many),
      stack(
        [...many].map((w) => grad(plainScore)(X).mul(w.sum())),
        0,
      ),
    )
  })
  test('a dim bound outside and used inside', () => {
    const [i] = dims('i')
    const x = X.at(i)
    same(
      grad((w: Tensor) => x.mul(w).tanh().sum([0, i]))(W),
      numeric((w) => X.mul(w).tanh().sum(), W),
      1e-8,
    )
    same(vmap((w: Tensor) => x.mul(w).sum([0, i]))(stack([W, W.mul(2)], 0)), stack([X.mul(W).sum(), X.mul(W).sum().mul(2)], 0))
  })
  test('draws', () => {
    const f = (x: Tensor): Tensor => {
      const [i] = dims('i')
      return order(randLike(x.at(i)), i)
    }
    const same2 = vmap(f, { randomness: 'same' })(double(2, 3, 4)).tolist() as unknown[]
    expect(same2[0]).toEqual(same2[1])
    const different = vmap(f, { randomness: 'different' })(double(2, 3, 4))
    expect(new Set(different.reshape(-1).tolist() as number[]).size).toBe(24)
    expect(() => vmap(f)(double(2, 3, 4))).toThrow(/randomness/)
  })
  test('rules of the user, checkpoints, noGrad', () => {
    const [i, f] = dims('i', 'f')
    const cube = customVjp((x: Tensor) => x.pow(3), {
      forward: (x: Tensor) => [x.pow(3), x],
      backward: (x: Tensor, ct: Tensor) => [ct.mul(x.pow(2)).mul(3)],
    })
    same(grad((x: Tensor) => (cube(x.at(i, f)) as DimTensor).sum([i, f]))(X), X.pow(2).mul(3))
    const kept = checkpoint((x: Tensor) => x.sin().mul(x))
    same(grad((x: Tensor) => (kept(x.at(i, f)) as DimTensor).sum([i, f]))(X), X.sin().add(X.mul(X.cos())))
    same(
      grad((x: Tensor) => {
        const y = x.at(i, f)
        const half = noGrad(() => y.mul(2))()
        return y.mul(half).sum([i, f])
      })(X),
      X.mul(2),
    )
  })
  test('dims as arguments', () => {
    const f = (x: Tensor, i: Dim, j: Dim): Tensor => x.at(i, j).pow(2).mul(i).sum([i, j])
    const want = X.mul(2).mul(tensor([[0], [1], [2]], { dtype: 'float64' }))
    same(grad(f)(X, ...dims(2)), want)
    const [i, j] = dims(2, [3, 5])
    same(grad(f)(X, i, j), want)
    same(vmap(f, [0, null, null])(stack([X, X.mul(2)], 0), i, j), stack([f(X, i, j), f(X, i, j).mul(4)], 0))
    same(checkpoint(f)(X, i, j), f(X, i, j))
    expect(i.order(i).tolist()).toEqual([0, 1, 2])
  })
  test('branches and loops', () => {
    const [i] = dims('i')
    const y = cond(
      X.at(i).sum().gt(0),
      (x: Tensor) => x.mul(2),
      (x: Tensor) => x.neg(),
      [X.at(i)],
    )
    same(order(y, i), X.mul(X.sum(1).gt(0).mul(3).sub(1).unsqueeze(1)))
    const [last, all] = scan((carry: Tensor, x: Tensor) => [carry.add(x), carry.mul(x)], W.at(i.mul(0)).mul(0), X.at(slice(), 0))
    expect(last.shape).toEqual([])
    expect(all.shape).toEqual([3])
  })
  test('gradients outside of transforms', () => {
    const [i] = dims('i')
    const w = W.clone().requiresGrad_()
    X.at(i).mul(w).tanh().sum([0, i]).backward()
    same(
      w.grad!,
      numeric((v) => X.mul(v).tanh().sum(), W),
      1e-8,
    )
  })
})
describe('around', () => {
  test('grad of what has dims is taken for each place', () => {
    const [i] = dims('i')
    const g = grad((x: Tensor, w: Tensor) => x.mul(w).tanh().sum())(X.at(i), W) as DimTensor
    same(
      g.order(i),
      vmap(
        grad((x: Tensor, w: Tensor) => x.mul(w).tanh().sum()),
        [0, null],
      )(X, W),
    )
    const g1 = grad((w: Tensor, x: Tensor) => x.mul(w).tanh().sum())(expand(W, i), X.at(i))
    same(
      order(g1, i),
      vmap(
        grad((w: Tensor, x: Tensor) => x.mul(w).tanh().sum()),
        [null, 0],
      )(W, X),
    )
  })
  test('with a dim of the same loop closed over', () => {
    const [i] = dims('i')
    const closed = X.cos().at(i)
    const g = grad((x: Tensor) => x.mul(closed).mul(x).sum())(X.at(i)) as DimTensor
    same(g.order(i), X.cos().mul(X).mul(2))
  })
  test('with other dims inside', () => {
    const [i, f] = dims('i', 'f')
    const g = grad((x: Tensor) => x.at(f).pow(3).sum(f))(X.at(i)) as DimTensor
    same(g.order(i), X.pow(2).mul(3))
  })
  test('vmap, jvp, jacrev', () => {
    const [i] = dims('i')
    same(order(vmap((x: Tensor) => x.sin().mul(2))(X.at(i)), i), X.sin().mul(2))
    const [y, dy] = jvp((x: Tensor) => x.sin(), [X.at(i)], [X.cos().at(i)])
    same(order(y, i), X.sin())
    same(order(dy, i), X.cos().pow(2))
    const J = jacrev((x: Tensor) => x.mul(x.sum()))(X.at(i))
    same(order(J, i), vmap(jacrev((x: Tensor) => x.mul(x.sum())))(X))
  })
  test('a transform inside of a checkpoint', () => {
    const [i] = dims('i')
    const f = checkpoint((x: Tensor) => grad((y: Tensor) => y.pow(3).sum())(x))
    same(order(f(X.at(i)) as Tensor, i), X.pow(2).mul(3))
  })
})

describe('recorded', () => {
  const product = (a: Tensor, b: Tensor): Tensor => {
    const [i, j, k] = dims('i', 'j', 'k')
    return a.at(i, k).mul(b.at(k, j)).sum(k).order(i, j)
  }
  test('graphs have no dims in them: a product summed is one product of matrices', () => {
    const g = makeFx(product)(X, X.t())
    expect(g.code).toContain('matmul')
    expect(g.code).not.toContain('ops.mul.')
    same(g(X, X.t()), X.matmul(X.t()))
  })
  test('for all sizes', () => {
    const g = makeFx(product, { tracingMode: 'symbolic' })(X, double(5, 4))
    const [a, b] = [double(4, 6), double(6, 2)]
    same(g(a, b), a.matmul(b))
    const weigh = makeFx(
      (x: Tensor) => {
        const [i, f] = dims(2)
        return x.at(i, f).mul(f).sum(f).order(i)
      },
      { tracingMode: 'symbolic' },
    )(X)
    same(weigh(a), a.mul(tensor([0, 1, 2, 3, 4, 5])).sum(1))
  })
  test('functionalize, compile, aotFunction', () => {
    const writes = (x: Tensor): Tensor => {
      const [i] = dims('i')
      const y = x.clone()
      y.at(i, 0).copy_(i)
      return y
    }
    same(functionalize(writes)(X), writes(X))
    same(makeFx(functionalize(writes))(X)(X), writes(X))
    const f = aotFunction(score, { fwCompiler: (g) => g })
    same(f(X), score(X))
  })
})

describe('memory', () => {
  test('a transform frees what was computed on the way', () => {
    const f = grad(score)
    f(X).dispose()
    const before = memory().live
    const g = f(X)
    expect(memory().live - before).toBeLessThanOrEqual(X.numel() * 8 + 256)
    g.dispose()
  })
  test('tidy keeps what it returns', () => {
    const [i, f] = dims('i', 'f')
    const y = tidy(() => {
      const x = X.at(i, f)
      return x.mul(x).add(f)
    })
    const product = tidy(() => X.at(i, f).mul(W.at(f)))
    same(y.order(i, f), X.mul(X).add(tensor([0, 1, 2, 3, 4])))
    same(product.sum(f).order(i), X.matmul(W))
    tidy(() => f.add(1).order(f))
    expect(f.order(f).tolist()).toEqual([0, 1, 2, 3, 4])
  })
  test('what a transform made outlives it where the user keeps it', () => {
    const [i] = dims('i')
    let kept: DimTensor | undefined
    grad((x: Tensor) => {
      kept = X.at(i).mul(2).sin()
      return x.sum()
    })(W)
    same(kept!.order(i), X.mul(2).sin())
  })
})
