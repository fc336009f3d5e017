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
    expect([debugUnwrap(w), debugUnwrap(y)]).toEqual([w, y])
    expect(debugUnwrap(y)).toBe(y)
  })
  test('takes off all transforms, or the innermost', () => {
    const seen: Record<string, string | Tensor> = {}
    vmap(
      grad((r: Tensor) => {
        seen['all'] = debugUnwrap(r)
        const one = debugUnwrap(r, { recurse: false })
        seen['one'] = one.toString()
        seen['two'] = debugUnwrap(one, { recurse: false })
        const y = sin(r)
        seen['result'] = debugUnwrap(y)
        return sum(y)
      }),
      1,
    )(x)
    expect(distance(seen['all'] as Tensor, x)).toBe(0)
    expect(distance(seen['two'] as Tensor, x)).toBe(0)
    expect(distance((seen['result'] as Tensor).t(), sin(x).t())).toBe(0)
    expect(seen['one']).toMatch(/^BatchedTensor\(lvl=1, bdim=1, value=/)
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
