// Covers upstream's TestComposability: transforms of transforms, functions that transforms return (pullbacks, tangent maps) under other
// transforms and in graphs, what is not for the inside of a transform.
// Left out: warnings of deprecated names (functorch-compat), autocast, dispatch keys, subclasses with __torch_function__ and saved-tensor
// hooks (Python-only); functional_call in graphs (modules); Function without setupContext (autograd-function-errors.test.ts).

import {
  type Tensor,
  add,
  autograd,
  checkpoint,
  cos,
  customVjp,
  functionalize,
  grad,
  gradAndValue,
  hessian,
  hvp,
  jacfwd,
  jacobian,
  jacrev,
  jvp,
  linearize,
  makeFx,
  matmul,
  mul,
  noGrad,
  ones,
  sin,
  stack,
  sum,
  vhp,
  vjp,
  vmap,
  zeros,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { along, distance, f64, numbers, raised, random } from '../rules.ts'

const minus = (x: Tensor): Tensor => x.neg()
const same = (x: Tensor, y: Tensor): void => {
  expect(distance(x, y)).toBeLessThan(1e-13)
}

describe('pairs', () => {
  const [s, x, v] = [random(), random(3), random(3)]
  test('grad of grad, vjp of grad, grad of vjp', () => {
    same(grad(grad(sin))(s), minus(sin(s)))
    const [y, pull] = vjp(grad(sin), [s])
    same(y, cos(s))
    same(pull(f64(0.7))[0], minus(sin(s)).mul(0.7))
    same(grad((x: Tensor) => sum(vjp(sin, [x])[1](x)[0]))(x), cos(x).sub(mul(x, sin(x))))
  })
  test('grad of vmap, vmap of grad, vmap of vmap', () => {
    same(grad((x: Tensor) => sum(vmap(sin)(x)))(x), cos(x))
    same(vmap(grad(sin))(x), cos(x))
    const xs = random(2, 3)
    same(vmap(vmap(sin))(xs), sin(xs))
  })
  test('vjp of vmap, vmap of vjp', () => {
    const [y, pull] = vjp(vmap(sin), [x])
    same(y, sin(x))
    same(pull(v)[0], mul(cos(x), v))
    same(vmap((x: Tensor) => vjp(sin, [x])[1](x)[0])(x), mul(cos(x), x))
  })
  test('jvp of vmap, vmap of jvp, jvp of a function of several that vmap shares', () => {
    const [y, dy] = jvp(vmap(sin), [x], [v])
    same(y, sin(x))
    same(dy, mul(cos(x), v))
    const [ys, dys] = vmap((x: Tensor, v: Tensor) => jvp(sin, [x], [v]))(x, v)
    same(ys, sin(x))
    same(dys, mul(cos(x), v))
    const W = random(2, 3)
    const f = (W: Tensor, x: Tensor): Tensor => sin(matmul(W, x))
    const xs = random(4, 3)
    const g = (W: Tensor): Tensor => vmap(f, [null, 0])(W, xs)
    const dW = random(2, 3)
    expect(distance(jvp(g, [W], [dW])[1], along(g, W, dW))).toBeLessThan(1e-9)
  })
})

describe('functions that transforms return', () => {
  const [x, v] = [random(3), random(3)]
  const cts = random(5, 3)
  test('a pullback under vmap takes a batch of cotangents; under vjp, grad and jvp it is linear', () => {
    const [, pull] = vjp(sin, [x])
    same(vmap((ct: Tensor) => pull(ct)[0])(cts), mul(cts, cos(x)))
    const [y, again] = vjp((ct: Tensor) => pull(ct)[0], [x])
    same(y, mul(x, cos(x)))
    same(again(v)[0], mul(v, cos(x)))
    same(grad((ct: Tensor) => sum(mul(pull(ct)[0], ct)))(v), mul(mul(v, 2), cos(x)))
    same(jvp((ct: Tensor) => pull(ct)[0], [v], [x])[1], mul(x, cos(x)))
    same(jacrev((ct: Tensor) => pull(ct)[0])(v), cos(x).diag())
    same(jacfwd((ct: Tensor) => pull(ct)[0])(v), cos(x).diag())
    same(vmap(grad((ct: Tensor) => sum(mul(pull(ct)[0], ct))))(cts), mul(mul(cts, 2), cos(x)))
  })
  test('so does a tangent map of linearize, which is a function of the primal too', () => {
    const [, push] = linearize(sin, [x])
    same(vmap(push)(cts), mul(cts, cos(x)))
    same(vjp(push, [x])[1](v)[0], mul(v, cos(x)))
    same(jvp(push, [x], [v])[1], mul(v, cos(x)))
    same(grad((x: Tensor) => sum(linearize(sin, [x])[1](v)))(x), minus(mul(v, sin(x))))
    same(vmap((x: Tensor, v: Tensor) => linearize(sin, [x])[1](v))(x, v), mul(v, cos(x)))
  })
  test('gradients of gradients of pullbacks: a pullback made at one level, called at another', () => {
    // d/dx of ⟨c(x), J(x)ᵀ c(x)⟩, where the pullback closes over x
    const f = (x: Tensor): Tensor => {
      const [y, pull] = vjp(sin, [x])
      return sum(vmap((s: Tensor) => mul(pull(mul(y, s))[0], y))(f64([1, 2])))
    }
    const plain = (x: Tensor): Tensor => sum(mul(mul(mul(sin(x), sin(x)), cos(x)), 3))
    same(f(x), plain(x))
    same(grad(f)(x), grad(plain)(x))
    expect(distance(jvp(f, [x], [v])[1], along(plain, x, v))).toBeLessThan(1e-9)
  })
})

describe('in graphs', () => {
  const check = (f: (x: Tensor) => Tensor | readonly Tensor[], at: Tensor, other: Tensor): void => {
    const g = makeFx(f as (x: Tensor) => Tensor)(at)
    for (const x of [at, other]) {
      const [got, want] = [g(x), f(x)].map((y) => (Array.isArray(y) ? y : [y]) as Tensor[])
      got!.forEach((y, i) => same(y, want![i]!))
    }
  }
  test('vmap, jacrev of jacrev, hessian, linearize, checkpoint and rules by hand', () => {
    check(vmap(sin), random(5, 3), random(5, 3))
    const f = (x: Tensor): Tensor => sum(mul(sin(x), x))
    check(jacrev(jacrev(f)), random(3), random(3))
    check(hessian(f), random(3), random(3))
    check(vmap(grad(f)), random(2, 3), random(2, 3))
    check((x) => linearize(f, [x])[1](cos(x)), random(3), random(3))
    check(grad(checkpoint(f)), random(3), random(3))
    const hand = customVjp(f, { forward: (x) => [f(x), x], backward: (x, ct) => [mul(ct, x)] })
    check(vmap(grad(hand)), random(2, 3), random(2, 3))
    check(
      functionalize((x: Tensor) => x.clone().sin_()),
      random(3),
      random(3),
    )
  })
  test('a pullback, with what else it is given', () => {
    const [, pull] = vjp((x: Tensor) => sum(sin(x)), [random(3)])
    check((ct) => pull(ct), random(), random())
  })
  test('noGrad: the graph has what is left of it', () => {
    const f = (x: Tensor): Tensor => sum(mul(x, noGrad(sin)(x)))
    check(grad(f), random(3), random(3))
    check(f, random(3), random(3))
  })
})

describe('what is for the outside', () => {
  const x = random(3)
  test('requiresGrad_, retainGrad and backward are refused under each transform', () => {
    const transforms = { vmap: (f: (x: Tensor) => Tensor) => vmap(f), grad, jacrev, jacfwd, gradAndValue, hessian, nested: (f: (x: Tensor) => Tensor) => grad((x: Tensor) => sum(vmap(f)(x))) } // prettier-ignore
    for (const [name, t] of Object.entries(transforms)) {
      const told = (f: (x: Tensor) => unknown): string =>
        raised(() => (t as (f: (x: Tensor) => Tensor) => (x: Tensor) => unknown)((x) => (f(x), sum(sin(x))))(x)).message
      expect([name, told((x) => x.requiresGrad_())]).toEqual([
        name,
        expect.stringContaining('You are attempting to call Tensor.requiresGrad_()'),
      ])
      expect([name, told((x) => sin(x).retainGrad())]).toEqual([
        name,
        expect.stringContaining('You are attempting to call Tensor.retainGrad()'),
      ])
      expect([name, told((x) => sum(sin(x)).backward())]).toEqual([
        name,
        expect.stringContaining('backward() called inside a functorch transform'),
      ])
    }
  })
  test('autograd.functional, which torch.func refuses, is made of transforms: it works inside of them', () => {
    const f = (x: Tensor): Tensor => sum(sin(x))
    const xs = random(5, 3)
    same(vmap((x: Tensor) => jacobian(f, x))(xs), cos(xs))
    const at = random()
    same(grad((x: Tensor) => jacobian(sin, x))(at), minus(sin(at)))
    same(vmap((x: Tensor) => autograd.functional.vjp(f, x)[1])(xs), cos(xs))
    same(vmap((x: Tensor) => autograd.functional.jvp(f, x, ones(3, { dtype: 'float64' }))[1])(xs), sum(cos(xs), 1))
    same(vmap((x: Tensor) => autograd.functional.jacobian(f, x, { strategy: 'forward-mode', vectorize: true }))(xs), cos(xs))
    same(vmap((x: Tensor) => hvp(f, x, x)[1])(xs), minus(mul(xs, sin(xs))))
    same(grad((x: Tensor) => sum(vhp(f, x, x)[1]))(x), minus(add(sin(x), mul(x, cos(x)))))
  })
})

describe('per-example gradients of a map of maps', () => {
  test('rows and columns mapped by different levels meet in the middle', () => {
    const [a, b] = [random(4, 3), random(5, 3)]
    const kernel = (x: Tensor, y: Tensor): Tensor => sin(sum(mul(x, y)))
    const table = vmap((x: Tensor) => vmap((y: Tensor) => jvp((x: Tensor) => grad(kernel, 1)(x, y), [x], [y])[1])(b))(a)
    const loop = stack([...a].map((x) => stack([...b].map((y) => along((x) => mul(x, cos(sum(mul(x, y)))), x, y)))))
    expect(table.shape).toEqual([4, 5, 3])
    expect(distance(table, loop)).toBeLessThan(1e-9)
    expect(numbers(vmap(vmap(kernel, [null, 0]), [0, null])(a, zeros(5, 3, { dtype: 'float64' }))).every((v) => v === 0)).toBe(true)
  })
})
