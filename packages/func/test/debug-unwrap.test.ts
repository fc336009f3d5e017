import { type Tensor, debugUnwrap, grad, jvp, linearize, makeFx, mul, sin, sum, tensor, vmap } from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { distance, random } from './rules.ts'

const x = random(4, 3)

describe('debugUnwrap', () => {
  test('gives a plain tensor itself', () => {
    expect(debugUnwrap(x)).toBe(x)
    expect(debugUnwrap(x, { recurse: false })).toBe(x)
    const w = tensor([1, 2], { requiresGrad: true })
    const y = mul(w, w)
    expect(debugUnwrap(w)).toBe(w)
    expect(debugUnwrap(y)).toBe(y)
  })
  test('takes off all transforms, or the innermost', () => {
    vmap(
      grad((r: Tensor) => {
        expect(distance(debugUnwrap(r), x)).toBe(0)
        const one = debugUnwrap(r, { recurse: false })
        expect(one.toString()).toMatch(/^BatchedTensor\(lvl=1, bdim=1, value=/)
        expect(distance(debugUnwrap(one, { recurse: false }), x)).toBe(0)
        const y = sin(r)
        expect(distance(debugUnwrap(y), sin(x))).toBe(0)
        return sum(y)
      }),
      1,
    )(x)
    expect.assertions(4)
  })
  test.each([
    ['jvp', (f: (x: Tensor) => Tensor) => jvp(f, [x], [x])],
    ['linearize', (f: (x: Tensor) => Tensor) => linearize(f, [x])],
  ])('of %s: the value without its tangent', (_, transform) => {
    transform((y) => {
      expect(distance(debugUnwrap(sin(y)), sin(x))).toBe(0)
      return y
    })
    expect.assertions(1)
  })
  test('writes into what it gives are no writes into the tensor', () => {
    const g = grad((y: Tensor) => {
      const z = mul(y, y)
      debugUnwrap(z).zero_()
      return sum(mul(z, y))
    })(x)
    expect(distance(g, mul(mul(x, x), 3))).toBeLessThan(1e-14)
  })
  test('what is being recorded as a program has nothing below', () => {
    makeFx((y: Tensor) => {
      const z = sin(y)
      expect(debugUnwrap(z)).toBe(z)
      return z
    })(x)
    expect.assertions(1)
  })
  test('refuses what is no tensor', () => {
    expect(() => debugUnwrap(3 as never)).toThrow('[func] debugUnwrap: expected a tensor, got 3')
    expect(() => debugUnwrap(x, { deep: true } as never)).toThrow(/debugUnwrap: .*deep/)
  })
})
