import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  type Tensor,
  autograd,
  checkpoint,
  cond,
  customVjp,
  enableGrad,
  eye,
  full,
  grad,
  hessian,
  isGradEnabled,
  jacrev,
  jvp,
  linearize,
  makeFx,
  memory,
  noGrad,
  ones,
  outer,
  randn,
  randnLike,
  roll,
  scan,
  tensor,
  tidy,
  vmap,
  whileLoop,
  zeros,
} from '@mapgrad/func'

type Numbers = number | readonly Numbers[]
const expected = JSON.parse(readFileSync(new URL('expected.json', import.meta.url), 'utf8')) as {
  readonly mlp: { readonly losses: readonly number[]; readonly w1: Numbers; readonly b1: Numbers; readonly w2: Numbers }
  readonly penalty: { readonly gx: Numbers; readonly w: Numbers; readonly x: Numbers }
  readonly orders: readonly Numbers[]
  readonly inplace: { readonly value: number; readonly grad: Numbers }
  readonly hooks: { readonly h: Numbers; readonly first: Numbers; readonly second: Numbers }
  readonly transforms: { readonly vmap: Numbers; readonly grad: Numbers; readonly jvp: Numbers }
  readonly batched: Numbers
}

/** The numbers that expected.py starts from. */
const numbers = (n: number, scale = 1, shift = 0): Tensor =>
  tensor(Float64Array.from({ length: n }, (_, i) => Math.sin(i * 1.7 + 0.3) * scale + shift))
const leaf = (x: Tensor): Tensor => x.requiresGrad_()
const f64 = (x: Parameters<typeof tensor>[0]): Tensor => tensor(x, { dtype: 'float64' })
const flat = (x: Numbers): number[] => (typeof x === 'number' ? [x] : x.flatMap(flat))

function expectClose(got: Tensor | null, want: Numbers, digits = 11): void {
  const values = flat(got!.tolist() as Numbers)
  const numbers = flat(want)
  expect(values).toHaveLength(numbers.length)
  values.forEach((v, i) => expect(v).toBeCloseTo(numbers[i]!, digits))
}
const message = (f: () => unknown): string => {
  try {
    f()
  } catch (e) {
    return (e as Error).message
  }
  throw new Error('expected an error')
}

describe('tensors that require gradients, beside PyTorch', () => {
  test('four steps of gradient descent', () => {
    const w1 = leaf(numbers(20).reshape(4, 5).clone())
    const b1 = leaf(numbers(4, 0.1))
    const w2 = leaf(numbers(12, 0.5).reshape(3, 4).clone())
    const x = numbers(35, 1.5).reshape(7, 5)
    const y = numbers(21, 0.7).reshape(7, 3)
    const losses: number[] = []
    for (let i = 0; i < 4; i++) {
      const loss = x.matmul(w1.t()).add(b1).tanh().matmul(w2.t()).sub(y).pow(2).mean()
      loss.backward()
      losses.push(loss.item() as number)
      noGrad(() => {
        for (const p of [w1, b1, w2]) {
          p.sub_(p.grad!.mul(0.3))
          p.grad = null
        }
      })()
    }
    losses.forEach((l, i) => expect(l).toBeCloseTo(expected.mlp.losses[i]!, 12))
    expectClose(w1, expected.mlp.w1)
    expectClose(b1, expected.mlp.b1)
    expectClose(w2, expected.mlp.w2)
    expect([w1, b1, w2].every((p) => p.requiresGrad && p.isLeaf && p.grad === null)).toBe(true)
  })

  test('a gradient penalty: createGraph, then backward of both', () => {
    const w = leaf(numbers(6).reshape(2, 3).clone())
    const x = leaf(numbers(3, 1, 0.2))
    const f = w
      .matmul(x)
      .sin()
      .prod()
      .add(w.pow(3).sum().mul(x.at(0)))
    const [gx] = autograd.grad(f, x, null, { createGraph: true })
    f.add(gx.pow(2).sum()).backward()
    expectClose(gx, expected.penalty.gx)
    expectClose(w.grad, expected.penalty.w)
    expectClose(x.grad, expected.penalty.x)
  })

  test('three orders, one after the other', () => {
    const x = leaf(numbers(4, 0.5, 1))
    let y = x.log().mul(roll(x, 1)).sum()
    for (const order of expected.orders) {
      const [g] = autograd.grad(y, x, null, { createGraph: true })
      expectClose(g, order, 9)
      y = g.mul(numbers(4)).sum()
    }
  })

  test('in-place operations on results, through views', () => {
    const a = leaf(numbers(6).reshape(2, 3).clone())
    const b = a.mul(2)
    b.at(0).mul_(a.at(1))
    b.select(1, 1).add_(a.select(1, 2).exp())
    b.t().at(2).copy_(a.select(1, 0).pow(2))
    const s = b.mul(numbers(6, 1, 0.5).reshape(2, 3)).sum()
    s.backward()
    expect(s.item()).toBeCloseTo(expected.inplace.value, 12)
    expectClose(a.grad, expected.inplace.grad)
  })

  test('hooks, retained gradients, and gradients that add up', () => {
    const a = leaf(numbers(3))
    const h = a.exp()
    h.retainGrad()
    const remove = h.registerHook((g) => g.mul(2))
    h.pow(2).sum().backward()
    expectClose(h.grad, expected.hooks.h)
    expectClose(a.grad, expected.hooks.first)
    a.pow(3).sum().backward()
    expectClose(a.grad, expected.hooks.second)
    remove()
    a.grad = null
    a.exp().pow(2).sum().backward()
    expectClose(
      a.grad,
      flat(expected.hooks.first).map((v) => v / 2),
    )
  })

  test('hooks may work in place, through views too, on a copy and on what they are given', () => {
    const a = leaf(numbers(3))
    a.registerHook((g) => {
      const copy = g.clone()
      copy.at(0).zero_()
      return copy
    })
    a.registerHook((g) => {
      g.at(1).mul_(10)
    })
    a.mul(3).sum().backward()
    expectClose(a.grad, [0, 30, 3])
  })

  test('transforms see them as values of an outer transform', () => {
    const m = numbers(15).reshape(3, 5)
    const programs: readonly [(a: Tensor) => Tensor, Numbers][] = [
      [
        (a) =>
          vmap((row: Tensor) => row.mul(a).sin().sum())(m)
            .pow(2)
            .sum(),
        expected.transforms.vmap,
      ],
      [
        (a) =>
          grad((t: Tensor) => t.mul(a).sin().sum())(m.at(0))
            .mul(m.at(1))
            .sum(),
        expected.transforms.grad,
      ],
      [
        (a) =>
          jvp((t: Tensor) => t.mul(a).sin(), [m.at(0)], [m.at(1)])[1]
            .pow(2)
            .sum(),
        expected.transforms.jvp,
      ],
    ]
    for (const [f, want] of programs) {
      const a = leaf(numbers(5))
      f(a).backward()
      expectClose(a.grad, want)
    }
  })

  test('batches of cotangents, and vmap over autograd.grad', () => {
    const a = leaf(numbers(3))
    const z = outer(a, a).sin().sum(0)
    const i = eye(3, { dtype: 'float64' })
    expectClose(autograd.grad(z, a, i, { isGradsBatched: true, retainGraph: true })[0]!, expected.batched)
    expectClose(vmap((v: Tensor) => autograd.grad(z, a, v, { retainGraph: true })[0]!)(i), expected.batched)
    expect(message(() => autograd.grad(z, a, i.narrow(1, 0, 2), { isGradsBatched: true }))).toMatch(
      /first dimension of each grad_output as the batch/,
    )
  })
})

describe('what is recorded', () => {
  // second derivatives of each program at one point by both ways: the tape twice, and transforms of a function of the same number
  const programs: Readonly<Record<string, (x: Tensor) => Tensor>> = {
    checkpoint: checkpoint((x: Tensor) => x.sin().mul(x).sum()),
    customVjp: customVjp((x: Tensor) => x.exp().sum(), {
      forward: (x: Tensor) => [x.exp().sum(), x] as const,
      backward: (x: Tensor, ct: Tensor) => [x.exp().mul(ct)],
    }),
    cond: (x) =>
      cond(
        x.sum().gt(0),
        (x: Tensor) => x.pow(3).sum(),
        (x: Tensor) => x.sum(),
        [x],
      ),
    whileLoop: (x) =>
      whileLoop(
        (i: Tensor) => i.lt(3),
        (i: Tensor, y: Tensor) => [i.add(1), y.mul(x.sin())] as const,
        [tensor(0), x] as const,
      )[1].sum(),
    scan: (x) => scan((c: Tensor, y: Tensor) => [c.mul(y).add(c), c] as const, tensor(1, { dtype: 'float64' }), x)[0],
    linearize: (x) => linearize((y: Tensor) => y.pow(3).sum(), [x])[1](x),
    graph: (x) => makeFx((y: Tensor) => y.sin().mul(y).sum())(f64([1, 1, 1]))(x),
    jacrev: (x) => jacrev((y: Tensor) => y.mul(x).sin())(x).sum(),
    hessian: (x) => hessian((y: Tensor) => y.mul(x).sin().sum())(x).sum(),
  }
  test.each(Object.entries(programs))('%s: first and second derivatives are those of grad', (_, f) => {
    const at = numbers(3, 0.4, 0.8)
    const v = numbers(3, 1, 0.1)
    const once = grad(f)(at)
    const twice = grad((x: Tensor) => grad(f)(x).mul(v).sum())(at)
    const x = leaf(at.clone())
    const [g] = autograd.grad(f(x), x, null, { createGraph: true })
    expectClose(g, once.tolist() as Numbers)
    g.mul(v).sum().backward()
    expectClose(x.grad, twice.tolist() as Numbers)
  })
  test('what a checkpoint and a loop close over', () => {
    for (const f of [
      (w: Tensor) => checkpoint((x: Tensor) => x.mul(w).pow(3).sum())(f64([1, 2])),
      (w: Tensor) => checkpoint((x: Tensor) => checkpoint((y: Tensor) => y.mul(w).pow(3).sum())(x.mul(w)))(f64([1, 2])),
      (w: Tensor) => scan((c: Tensor, x: Tensor) => [c.mul(w).add(x), c] as const, f64(1), f64([1, 2, 3]))[0],
    ]) {
      const w = leaf(f64(1.5))
      const [g] = autograd.grad(f(w), w, null, { createGraph: true })
      const [h] = autograd.grad(g!, w)
      expect(g.item()).toBeCloseTo(grad(f)(f64(1.5)).item() as number, 10)
      expect(h.item()).toBeCloseTo(grad(grad(f))(f64(1.5)).item() as number, 9)
    }
  })
  test('a leaf is changed only where nothing is recorded, also through its views', () => {
    const w = leaf(f64([1, 2, 3]))
    expect(message(() => w.add_(1))).toMatch(/a leaf Variable that requires grad is being used in an in-place operation/)
    expect(message(() => w.at(0).mul_(2))).toMatch(/a view of a leaf Variable that requires grad is being used in an in-place operation/)
    noGrad(() => {
      w.at(0).fill_(9)
      w.narrow(0, 1, 2).mul_(10)
    })()
    expect(w.tolist()).toEqual([9, 20, 30])
    expect(w.isLeaf && w.requiresGrad).toBe(true)
    w.pow(2).sum().backward()
    expect(w.grad!.tolist()).toEqual([18, 40, 60])
  })
  test('noGrad, enableGrad, detach', () => {
    const w = leaf(f64([1, 2]))
    expect(noGrad(() => w.mul(2))().requiresGrad).toBe(false)
    expect(isGradEnabled()).toBe(true)
    noGrad(() => {
      expect(isGradEnabled()).toBe(false)
      const inside = enableGrad(() => {
        expect(isGradEnabled()).toBe(true)
        return w.mul(2)
      })()
      expect(inside.requiresGrad).toBe(true)
    })()
    expect(w.detach().requiresGrad).toBe(false)
    expect(w.mul(w.detach()).sum().requiresGrad).toBe(true)
    w.mul(w.detach()).sum().backward()
    expect(w.grad!.tolist()).toEqual([1, 2])
    expect(w.gt(1).requiresGrad).toBe(false)
    expect(w.argmax().requiresGrad).toBe(false)
  })
  test('properties of leaves and results', () => {
    const x = tensor([1, 2], { requiresGrad: true })
    const y = x.mul(2)
    expect([x.requiresGrad, x.isLeaf, x.gradFn, x.grad]).toEqual([true, true, null, null])
    expect([y.requiresGrad, y.isLeaf, y.gradFn]).toEqual([true, false, { name: 'MulBackward' }])
    expect(String(x)).toBe('tensor([1., 2.], requires_grad=True)')
    expect(String(y)).toBe('tensor([2., 4.], grad_fn=<MulBackward>)')
    expect(
      String(
        tensor(
          [
            [1, 2],
            [3, 4],
          ],
          { requiresGrad: true },
        ),
      ),
    ).toBe('tensor([[1., 2.],\n        [3., 4.]], requires_grad=True)')
    x.requiresGrad = false
    expect([x.requiresGrad, String(x)]).toEqual([false, 'tensor([1., 2.])'])
    expect(tensor(1).requiresGrad || tensor(1).gradFn).toBe(null)
    expect(x.isLeaf).toBe(true)
  })
  test('every creation function takes requiresGrad', () => {
    const o = { requiresGrad: true }
    const x = tensor([1, 2])
    const made = [zeros(2, o), ones([2], o), full(2, 3, o), eye(2, o), randn(2, o), randnLike(x, o), x.newZeros(2, o), x.newTensor([1], o)]
    for (const t of made) expect([t.requiresGrad, t.isLeaf]).toEqual([true, true])
  })
  test('tensors as JavaScript numbers, and reading', () => {
    const x = tensor([3], { requiresGrad: true })
    expect(x.item()).toBe(3)
    expect(x.mul(2).tolist()).toEqual([6])
    expect(Number(x)).toBe(3)
  })
  test('autograd.grad with several outputs and inputs, unused ones, and gradients of the outputs', () => {
    const [a, b, c] = [leaf(f64([1, 2])), leaf(f64([3, 4])), leaf(f64(5))]
    const ys = [a.mul(b), a.sum()]
    const [ga, gb] = autograd.grad(ys, [a, b], [f64([1, 10]), null], { retainGraph: true })
    expect([ga.tolist(), gb.tolist()]).toEqual([
      [4, 41],
      [1, 20],
    ])
    expect(autograd.grad(ys[1]!, [a, c], null, { allowUnused: true, retainGraph: true })[1]).toBe(null)
    expect(autograd.grad(ys[1]!, [a, c], null, { materializeGrads: true })[1]!.item()).toBe(0)
    expect(message(() => autograd.grad(ys[1]!, [a, c], null, { materializeGrads: true, allowUnused: false }))).toContain(
      'Expected allowUnused to be true or not passed when materializeGrads: true, but got: allowUnused: false.',
    )
    expect([a.grad, b.grad]).toEqual([null, null])
    const mid = a.mul(2)
    const [gm] = autograd.grad(mid.pow(2).sum(), mid)
    expect(gm.tolist()).toEqual([4, 8])
  })
  test('autograd.backward of several tensors, into some of the leaves', () => {
    const [a, b] = [leaf(f64([1, 2])), leaf(f64([3, 4]))]
    autograd.backward([a.mul(b), b.sum()], [f64([1, 1]), null], { inputs: b })
    expect([a.grad, b.grad!.tolist()]).toEqual([null, [2, 3]])
  })
  test('retainGraph: again, and the error without', () => {
    const a = leaf(f64([1, 2]))
    const y = a.exp().mul(a).sum()
    y.backward(null, { retainGraph: true })
    y.backward()
    expectClose(a.grad, [4 * Math.E, 6 * Math.exp(2)])
    expect(message(() => y.backward())).toMatch(/Trying to backward through the graph a second time/)
  })
})

test('training with tidy leaves the parameters alone behind', () => {
  const w = leaf(randn(30, 20))
  const step = (): void =>
    tidy(() => {
      const loss = vmap((row: Tensor) => w.matmul(row).tanh().pow(2).sum())(randn(8, 20)).mean()
      loss.backward()
      const g = w.grad!
      w.grad = null
      noGrad(() => w.sub_(g.mul(0.01)))()
    })
  for (let i = 0; i < 3; i++) step()
  const before = memory().storages
  for (let i = 0; i < 50; i++) step()
  // one a step at most: the parameter's last value, which the garbage collector finds
  expect(memory().storages - before).toBeLessThanOrEqual(50)
})
