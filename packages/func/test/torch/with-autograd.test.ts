// The cases of TestGradTransform where transforms meet tensors with requiresGrad: results can be differentiated by autograd, and noGrad around a
// transform means that of autograd alone; the row of the edge-case table about it, by every transform.
import {
  type Tensor,
  autograd,
  cos,
  enableGrad,
  grad,
  gradAndValue,
  hessian,
  jacfwd,
  jacrev,
  jvp,
  linearize,
  mul,
  noGrad,
  ones,
  pow,
  sin,
  square,
  sub,
  sum,
  vjp,
  vmap,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { random } from '../rules.ts'
import { differences, same } from './derivatives.ts'

type F = (x: Tensor) => Tensor
const one = (): Tensor => ones([], { dtype: 'float64' })
const leaf = (...shape: number[]): Tensor => random(...shape).requiresGrad_()
const of = (y: Tensor, x: Tensor): Tensor => autograd.grad(y, x, null, { createGraph: true })[0]!
const value = (x: Tensor): Tensor => x.detach()

const f: F = (x) => mul(sin(x), x.at(0)).add(square(x))
const total: F = (x) => f(x).sum()
const v = random(3)
const transforms: Readonly<Record<string, F>> = {
  grad: grad(total),
  'gradAndValue, the gradient': (x) => gradAndValue(total)(x)[0],
  'gradAndValue, the value': (x) => gradAndValue(total)(x)[1],
  'vjp, the output': (x) => vjp(f, [x])[0],
  'vjp, a cotangent': (x) => vjp(f, [x])[1](v)[0],
  'jvp, the output': (x) => jvp(f, [x], [v])[0],
  'jvp, the tangent': (x) => jvp(f, [x], [v])[1],
  'linearize, the output': (x) => linearize(f, [x])[0],
  'linearize, the map': (x) => linearize(f, [x])[1](v),
  jacrev: (x) => jacrev(f)(x),
  jacfwd: (x) => jacfwd(f)(x),
  hessian: (x) => hessian(total)(x),
  vmap: (x) => vmap((a: Tensor) => mul(sin(a), a))(x),
  'grad of vmap': (x) => grad((x: Tensor) => vmap((a: Tensor) => mul(sin(a), a))(x).sum())(x),
  'vmap of grad': (x) => vmap(grad((a: Tensor) => mul(sin(a), a)))(x),
  'aux of grad': (x) => grad((x: Tensor): [Tensor, Tensor] => [total(x), square(x)], { hasAux: true })(x)[1],
}

describe.each(Object.entries(transforms))('%s of a tensor with requiresGrad', (_, transform) => {
  test('can be differentiated by autograd, and is the same', () => {
    const x = leaf(3)
    const y = transform(x)
    expect(y.requiresGrad).toBe(true)
    same(value(y), transform(value(x)), 0)
    same(
      value(of(y.sum(), x)),
      differences((x) => transform(x).sum(), value(x)),
      1e-8,
    )
  })
  test('has none of it inside noGrad', () => {
    const x = leaf(3)
    const y = noGrad(() => transform(x))()
    expect(y.requiresGrad).toBe(false)
    same(y, transform(value(x)), 0)
  })
  test('of plain tensors has none either', () => {
    expect(transform(random(3)).requiresGrad).toBe(false)
  })
})

describe('what a function closes over', () => {
  test('is differentiated by autograd through any transform', () => {
    const w = leaf(3)
    const g: F = (x) => mul(sin(x), square(w)).sum()
    const x = random(3)
    for (const y of [grad(g)(x), jacrev(g)(x), jacfwd(g)(x), vjp(g, [x])[1](one())[0]]) {
      expect(y.requiresGrad).toBe(true)
      same(value(of(y.sum(), w)), mul(cos(x), value(w)).mul(2), 1e-14)
    }
  })
})

describe('noGrad and autograd', () => {
  const cube: F = (x) => pow(x, 3)
  test('views inside: one variable through grad, another past it', () => {
    const [x, y] = [leaf(), leaf()]
    const z = grad((x: Tensor) => sin(x.view([])))(x).add(cos(y))
    const [gx, gy] = autograd.grad(z, [x, y])
    same(value(gx!), sin(value(x)).neg(), 1e-15)
    same(value(gy!), sin(value(y)).neg(), 1e-15)
  })
  test('grad of a view that is written: the input is left alone', () => {
    const x = leaf()
    same(
      value(
        grad((x: Tensor) => {
          const y = x.clone()
          y.view([]).sin_()
          return y
        })(x),
      ),
      cos(value(x)),
      1e-15,
    )
  })
  const shifted: F = (x) => sub(square(x), noGrad(square)(x))
  const functions: readonly [string, F, (x: number) => number, (x: number) => number][] = [
    ['x² − noGrad(x²)', shifted, (x) => 2 * x, () => 2],
    ['less a gradient', (x) => sub(cube(x), noGrad(grad((x: Tensor) => pow(x, 4).mul(0.25)))(x)), (x) => 3 * x * x, (x) => 6 * x],
    ['less a value', (x) => sub(cube(x), noGrad((x: Tensor) => gradAndValue(cube)(x))(x)[1]), (x) => 3 * x * x, (x) => 6 * x],
    [
      'a gradient less a gradient',
      (x) => {
        const h: F = (x) => sub(cube(x), noGrad(cube)(x))
        return sub(grad(h)(x), noGrad(grad(h))(x))
      },
      (x) => 6 * x,
      () => 6,
    ],
  ]
  test.each(functions)('inside: %s', (_, f, first, second) => {
    const x = leaf()
    const at = value(x).item() as number
    const y = grad(f)(x)
    expect(value(y).item()).toBeCloseTo(first(at), 13)
    expect(value(autograd.grad(y, x)[0]!).item()).toBeCloseTo(second(at), 12)
    expect(noGrad(() => grad(f)(x))().requiresGrad).toBe(false)
  })
  test('around vjp and its pullback', () => {
    const x = leaf()
    const [out, y] = noGrad(() => {
      const [out, pull] = vjp(square, [x])
      return [out, pull(one())[0]] as const
    })()
    expect([out.requiresGrad, y.requiresGrad]).toEqual([false, false])
    same(y, value(x).mul(2), 0)
  })
  test('around the pullback alone', () => {
    const x = leaf()
    const [out, pull] = vjp(square, [x])
    const y = noGrad(() => pull(one())[0])()
    expect([out.requiresGrad, y.requiresGrad]).toEqual([true, false])
    same(y, value(x).mul(2), 0)
    same(value(of(out, x)), value(x).mul(2), 0)
  })
  test('around vjp alone: the value is cut off', () => {
    const x = leaf()
    const [out, pull] = noGrad(() => vjp(square, [x]))()
    const [y] = pull(one())
    expect(out.requiresGrad).toBe(false)
    same(value(y), value(x).mul(2), 0)
  })
  test('enableGrad inside noGrad', () => {
    const x = leaf()
    let y: Tensor | undefined
    // what noGrad gives is constant, what leaves it by the side is not
    const given = noGrad(() => (y = enableGrad(() => grad(cube)(x))()))()
    expect([given.requiresGrad, y!.requiresGrad]).toEqual([false, true])
    same(value(of(y!, x)), value(x).mul(6), 1e-14)
  })
  test('is over when a function throws', () => {
    const x = leaf()
    expect(() =>
      noGrad((): Tensor => {
        throw new Error('inside')
      })(),
    ).toThrow('inside')
    expect(grad(cube)(x).requiresGrad).toBe(true)
    expect(sum(x).requiresGrad).toBe(true)
  })
})
