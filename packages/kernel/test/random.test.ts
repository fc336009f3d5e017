import { describe, expect, test } from 'vitest'
import { type Expr, constant, input } from '../src/expr.ts'
import { lower } from '../src/lower.ts'
import { normal, philox, uniform24, uniform53 } from '../src/random.ts'
import { evaluateBasic } from './support/evaluate-basic.ts'
import { words } from './support/ulp.ts'

const word = (v: number): Expr => constant(v | 0, 'int32')
const hex = (s: string): number[] => s.split(' ').map((w) => Number.parseInt(w, 16))

describe('philox', () => {
  // Random123 v1.14, examples/kat_vectors: philox4x32 10
  test.for([
    ['00000000 00000000 00000000 00000000', '00000000 00000000', '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    ['ffffffff ffffffff ffffffff ffffffff', 'ffffffff ffffffff', '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    ['243f6a88 85a308d3 13198a2e 03707344', 'a4093822 299f31d0', 'd16cfe09 94fdcceb 5001e420 24126ea1'],
  ] as const)('counter %s, key %s', ([counter, key, want]) => {
    const [c0, c1, c2, c3] = hex(counter).map(word) as [Expr, Expr, Expr, Expr]
    const [k0, k1] = hex(key).map(word) as [Expr, Expr]
    expect(philox([c0, c1, c2, c3], [k0, k1]).map((e) => evaluateBasic(e)() >>> 0)).toEqual(hex(want))
  })
})

const [w0, w1] = [input(0, 'int32'), input(1, 'int32')]

test('uniforms are in [0, 1) to their last bit', () => {
  const u = evaluateBasic(uniform24(w0))
  expect([u(0), u(255), u(256), u(-1)]).toEqual([0, 0, 2 ** -24, 1 - 2 ** -24])
  const v = evaluateBasic(uniform53(w0, w1))
  expect([v(0, 0), v(0, 64), v(32, 0), v(-1, -1)]).toEqual([0, 2 ** -53, 2 ** -27, 1 - 2 ** -53])
})

test.for(['float32', 'float64'] as const)(
  'normal numbers in %s: finite at the ends, with the moments and tails of the distribution',
  (dtype) => {
    const z = evaluateBasic(lower(normal(w0, w1, dtype)))
    for (const a of [0, -1, 1, 255]) for (const b of [0, -1, 1 << 30]) expect(Number.isFinite(z(a, b))).toBe(true)
    expect(z(0, 0)).toBeCloseTo(dtype === 'float32' ? Math.sqrt(-2 * Math.log(2 ** -24)) : Math.sqrt(-2 * Math.log(2 ** -32)), 5)
    const next = words(11)
    const n = 40_000
    let [m1, m2, m4, inside] = [0, 0, 0, 0]
    for (let i = 0; i < n; i++) {
      const x = z(next(), next())
      m1 += x / n
      m2 += x ** 2 / n
      m4 += x ** 4 / n
      if (Math.abs(x) < 1) inside += 1 / n
    }
    expect(Math.abs(m1)).toBeLessThan(0.02)
    expect(Math.abs(m2 - 1)).toBeLessThan(0.03)
    expect(Math.abs(m4 - 3)).toBeLessThan(0.2)
    expect(Math.abs(inside - 0.6827)).toBeLessThan(0.01)
  },
)
