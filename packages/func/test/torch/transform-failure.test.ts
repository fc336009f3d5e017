// Covers upstream's TestTransformFailure: a function that raises inside of a transform leaves no transform behind, at any depth.

import {
  type Tensor,
  associativeScan,
  autograd,
  checkpoint,
  cond,
  customJvp,
  customVjp,
  customVmap,
  forLoop,
  functionalize,
  grad,
  gradAndValue,
  hessian,
  jacfwd,
  jacrev,
  jvp,
  linearize,
  makeFx,
  map,
  mul,
  noGrad,
  scan,
  sin,
  square,
  sum,
  tensor,
  vjp,
  vmap,
  whileLoop,
} from '@mapgrad/func'
import { registry } from '@mapgrad/tensor/plugin'
import { describe, expect, test } from 'vitest'
import { f64, raised, random } from '../rules.ts'

type F = (x: Tensor) => Tensor
type Transform = (f: F) => (x: Tensor) => unknown

const scalar =
  (f: F): F =>
  (x) =>
    sum(f(x))
class Calls extends autograd.Function {
  static generateVmapRule = true
  static forward(f: F, x: Tensor): Tensor {
    return f(x)
  }
  static setupContext(): void {}
  static backward(_: unknown, ct: Tensor): unknown[] {
    return [null, ct]
  }
  static jvp(_: unknown, __: unknown, dx: Tensor): Tensor {
    return dx
  }
}

const transforms: Record<string, Transform> = {
  vmap,
  grad: (f) => grad(scalar(f)),
  jacrev,
  jacfwd,
  gradAndValue: (f) => gradAndValue(scalar(f)),
  hessian: (f) => hessian(scalar(f)),
  functionalize,
  vjp: (f) => (x) => vjp(f, [x])[0],
  jvp: (f) => (x) => jvp(f, [x], [x])[1],
  linearize: (f) => (x) => linearize(f, [x])[1](x),
  makeFx: (f) => makeFx(f),
}
const callers: Record<string, Transform> = {
  checkpoint,
  noGrad,
  customVjp: (f) => customVjp(f, { forward: (x) => [f(x), null], backward: (_, ct) => [ct] }),
  customJvp: (f) => customJvp(f, ([x], [dx]) => [f(x), dx]),
  customVmap: (f) => customVmap(f, (_, [d], x) => [f(x), d as number]),
  'autograd.Function': (f) => (x) => Calls.apply(f, x),
  cond: (f) => (x) => cond(sum(x).gt(-1e9), f, f, [x]),
  whileLoop: (f) => (x) => whileLoop(() => true, (x) => [f(x)], [x], { maxIterations: 2 })[0], // prettier-ignore
  scan: (f) => (x) => scan((c: Tensor) => [f(c), null], x, null, { length: 2 })[0],
  map: (f) => (x) => map(f, x.reshape([1, ...x.shape])),
  forLoop: (f) => (x) => forLoop(0, 2, (_, c: Tensor) => f(c), x),
  associativeScan: (f) => (x) => associativeScan((a: Tensor, b: Tensor) => f(mul(a, b)), x.expand([2, ...x.shape]), 0),
}

/** Nothing of a transform is left, and everything works. */
function clean(): void {
  const { top, current, home, inside, internal, scope } = registry()
  expect({ top, current, home, inside, internal, scope }).toEqual({
    top: null,
    current: null,
    home: null,
    inside: 0,
    internal: 0,
    scope: null,
  })
  expect(vmap(grad((x: Tensor) => sin(square(x))))(f64([0, 1])).tolist()).toEqual([0, 2 * Math.cos(1)])
  // writes through views still reach what they are views of
  const x = f64([1, 2])
  x.at(0).add_(5)
  expect(x.tolist()).toEqual([6, 2])
}
const fails: F = () => {
  throw new Error('my own')
}
const refused: F = (x) => mul(x, random(17, 5))
const late: F = (x) => {
  const y = customVjp(sin, { forward: (x) => [sin(x), null], backward: () => { throw new Error('my own') } })(x) // prettier-ignore
  return mul(y, x)
}

describe.each(Object.entries(transforms))('%s', (name, transform) => {
  test('of a function that raises', () => {
    expect(raised(() => transform(fails)(random(2, 3, 2))).message).toBe('my own')
    clean()
  })
  test('of an operation that is refused', () => {
    expect(raised(() => transform(refused)(random(2, 3, 2))).message).toContain('must match the size of tensor b')
    clean()
  })
  test('around every other, both ways', () => {
    for (const [other, inner] of Object.entries({ ...transforms, ...callers })) {
      if (other === 'makeFx' || other === 'functionalize') continue
      const f: F = (x) => {
        inner(fails)(x)
        return x
      }
      expect([other, raised(() => transform(f)(random(2, 3, 2))).message]).toEqual([other, 'my own'])
      expect([other, raised(() => transform((x) => transform(f)(x) as Tensor)(random(2, 3, 2))).message]).toEqual([other, 'my own'])
    }
    clean()
  })
  if (['grad', 'jacrev', 'gradAndValue', 'hessian'].includes(name))
    test('of a backward that raises', () => {
      expect(raised(() => transform(late)(random(2, 3, 2))).message).toBe('my own')
      expect(raised(() => vmap(transform(late) as F)(random(2, 3, 2))).message).toBe('my own')
      expect(raised(() => grad((x: Tensor) => sum((transform(late) as F)(x)))(random(2, 3, 2))).message).toBe('my own')
      clean()
    })
})

describe('functions that are called again', () => {
  test('a pullback and a tangent map that raise can be called again', () => {
    let broken = true
    const f = customVjp(square, {
      forward: (x) => [square(x), x],
      backward: (x, ct) => {
        if (broken) throw new Error('my own')
        return [mul(mul(x, 2), ct)]
      },
    })
    const [, pull] = vjp(f, [f64(3)])
    expect(raised(() => pull(f64(1))).message).toBe('my own')
    clean()
    broken = false
    expect(pull(f64(1))[0].item()).toBe(6)
    const [, push] = linearize((x: Tensor) => square(x), [f64(3)])
    expect(raised(() => push(tensor([1, 2]))).message).toContain('tangent')
    clean()
    expect(push(f64(1)).item()).toBe(6)
  })
  test('a checkpoint whose second run raises', () => {
    let runs = 0
    const f = checkpoint((x: Tensor) => {
      if (++runs === 2) throw new Error('my own')
      return sum(square(x))
    })
    expect(raised(() => grad(f)(random(2, 3, 2))).message).toBe('my own')
    clean()
    expect(grad(f)(f64([1, 2])).tolist()).toEqual([2, 4])
  })
  test('what was caught inside of a transform is of no consequence', () => {
    const f = (x: Tensor): Tensor => {
      for (const t of Object.values({ ...transforms, ...callers }))
        try {
          t(fails)(x)
        } catch {}
      return sum(square(x))
    }
    expect(grad(f)(f64([1, 2])).tolist()).toEqual([2, 4])
    expect(jvp(f, [f64([1, 2])], [f64([1, 0])])[1].item()).toBe(2)
    expect(vmap(grad(f))(f64([[1, 2]])).tolist()).toEqual([[2, 4]])
    clean()
  })
})
