import { type Tensor, checkpoint, cos, customJvp, customVjp, exp, matmul, mul, sin, tanh } from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { type F, distance, flat, random, stepsAlong } from './rules.ts'

const W = random(4, 3)
const V = random(2, 4)
const R = random(2, 3)
const C = random(3)
const x = random(3)
const steps = stepsAlong(random(3))

/** [3] → [2], neither square nor symmetric, with a function of unary maps in the middle; `c` is closed over. */
const around =
  (unary: F): F =>
  (x) =>
    mul(matmul(V, unary(matmul(W, x))), exp(sin(matmul(R, x))))

const handVjp = customVjp((x: Tensor) => tanh(x), {
  forward: (x) => {
    const y = tanh(x)
    return [y, { y }]
  },
  backward: ({ y }, ct) => [mul(ct, mul(y, y).neg().add(1))],
})
const handJvp: F = customJvp(
  (x: Tensor) => tanh(x),
  ([x], [dx]) => {
    const y = handJvp(x)
    return [y, mul(dx, mul(y, y).neg().add(1))]
  },
)

/** Functions with special calls in them, each equal to the plain one beside it. */
const cases: readonly { readonly name: string; readonly special: F; readonly plain: F }[] = [
  { name: 'customVjp', special: around(handVjp), plain: around(tanh) },
  { name: 'customJvp', special: around(handJvp), plain: around(tanh) },
  { name: 'checkpoint', special: around(checkpoint((x: Tensor) => tanh(sin(x)))), plain: around((x) => tanh(sin(x))) },
  {
    name: 'checkpoint over a closure',
    special: (x) => {
      const w = mul(x, C)
      return around(checkpoint((y: Tensor) => tanh(mul(y, cos(w).sum()))))(x)
    },
    plain: (x) => around((y) => tanh(mul(y, cos(mul(x, C)).sum())))(x),
  },
  { name: 'checkpoint of customVjp', special: checkpoint(around(handVjp)), plain: around(tanh) },
  {
    name: 'checkpoint of checkpoint',
    special: checkpoint(around(checkpoint((x: Tensor) => tanh(sin(x))))),
    plain: around((x) => tanh(sin(x))),
  },
]

for (const { name, special, plain } of cases)
  describe(`with ${name} inside`, () => {
    test('the values', () => {
      expect(distance(special(x), plain(x))).toBeLessThan(1e-15)
    })
    for (const outer of steps) {
      test(`${outer.name}`, () => {
        expect(distance(outer.ours(special)(x), outer.reference(plain)(x))).toBeLessThan(outer.name === 'hessian' ? 1e-5 : 1e-8)
      })
      for (const inner of steps)
        test(`${outer.name} of ${inner.name}`, () => {
          const ours = outer.ours(flat(inner.ours(special)))(x)
          const expected = outer.ours(flat(inner.ours(plain)))(x)
          expect(distance(ours, expected)).toBeLessThan(1e-12)
        })
    }
    const first = steps.filter((s) => s.name !== 'hessian')
    for (const outer of first)
      for (const middle of first)
        test(`${outer.name} of ${middle.name} of every transform`, () => {
          for (const inner of first) {
            const three = (f: F): F => outer.ours(flat(middle.ours(flat(inner.ours(f)))))
            expect([inner.name, distance(three(special)(x), three(plain)(x)) < 1e-9]).toEqual([inner.name, true])
          }
        })
  })
