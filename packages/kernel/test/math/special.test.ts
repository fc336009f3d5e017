import { describe, expect, test } from 'vitest'
import type { MathOp } from '../../src/expr.ts'
import { mathOf } from '../../src/semantics.ts'
import { evaluateBasic } from '../support/evaluate-basic.ts'
import { functions, lowered } from '../support/functions.ts'

const { NaN: nan, POSITIVE_INFINITY: inf, PI } = { NaN, POSITIVE_INFINITY: Infinity, PI: Math.PI }

// C99 Annex F 9.4.4, line by line
const powCases: [number, number, number][] = [
  [0, -3, inf],
  [-0, -3, -inf],
  [0, -2.5, inf],
  [-0, -2.5, inf],
  [-0, -4, inf],
  [0, -inf, inf],
  [-0, -inf, inf],
  [0, 3, 0],
  [-0, 3, -0],
  [0, 2.5, 0],
  [-0, 2, 0],
  [-0, 2.5, 0],
  [-1, inf, 1],
  [-1, -inf, 1],
  [1, nan, 1],
  [1, inf, 1],
  [1, -inf, 1],
  [1, -7, 1],
  [nan, 0, 1],
  [nan, -0, 1],
  [inf, 0, 1],
  [-inf, -0, 1],
  [0, 0, 1],
  [-0, -0, 1],
  [-2, 0.5, nan],
  [-1, 0.5, nan],
  [-1e-300, 1e-3, nan],
  [0.5, -inf, inf],
  [-0.5, -inf, inf],
  [2, -inf, 0],
  [-2, -inf, 0],
  [0.5, inf, 0],
  [-0.5, inf, 0],
  [2, inf, inf],
  [-2, inf, inf],
  [-inf, -3, -0],
  [-inf, -2, 0],
  [-inf, -2.5, 0],
  [-inf, 3, -inf],
  [-inf, 2, inf],
  [-inf, 2.5, inf],
  [inf, -1, 0],
  [inf, 1, inf],
  [inf, 0.1, inf],
  [nan, 1, nan],
  [2, nan, nan],
  [nan, nan, nan],
  [-1, nan, nan],
  [-1, 3, -1],
  [-1, 4, 1],
  [-2, 3, -8],
  [2, 10, 1024],
  [-0, inf, 0],
  [1.5, 1e308, inf],
  [0.75, 1e308, 0],
  [1.5, -1e308, 0],
  [-1.5, 1e308, inf],
  [-0.75, -1e308, inf],
  [1e300, 1e300, inf],
  [1e-310, -2, inf],
]

// C99 Annex F 9.1.4: (y, x)
const atan2Cases: [number, number, number][] = [
  [0, 0, 0],
  [-0, 0, -0],
  [0, -0, PI],
  [-0, -0, -PI],
  [0, -1, PI],
  [-0, -1, -PI],
  [0, 1, 0],
  [-0, 1, -0],
  [1, 0, PI / 2],
  [-1, 0, -PI / 2],
  [1, -0, PI / 2],
  [2, -inf, PI],
  [-2, -inf, -PI],
  [2, inf, 0],
  [-2, inf, -0],
  [inf, 3, PI / 2],
  [-inf, 3, -PI / 2],
  [inf, -inf, (3 * PI) / 4],
  [-inf, -inf, (-3 * PI) / 4],
  [inf, inf, PI / 4],
  [-inf, inf, -PI / 4],
  [nan, 1, nan],
  [1, nan, nan],
  [nan, 0, nan],
  [0, nan, nan],
  [nan, inf, nan],
  [inf, nan, nan],
  [1, 1, PI / 4],
  [-1, -1, (-3 * PI) / 4],
]

describe.for(['float32', 'float64'] as const)('%s', (dtype) => {
  const to = dtype === 'float32' ? Math.fround : (x: number) => x
  test('pow has every special case of C99, lowered and in the reference', () => {
    const pow = evaluateBasic(lowered('pow', dtype))
    for (const [x, y, z] of powCases) {
      if (dtype === 'float32' && Math.fround(x) !== x && Math.abs(x) < 1e-40) continue
      expect([x, y, pow(to(x), to(y))]).toEqual([x, y, z])
      expect([x, y, mathOf.pow(x, y)]).toEqual([x, y, z])
    }
  })
  test('atan2 has every special case of C99', () => {
    const atan2 = evaluateBasic(lowered('atan2', dtype))
    for (const [y, x, angle] of atan2Cases) expect([y, x, atan2(y, x)]).toEqual([y, x, to(angle)])
  })
  const unary = functions.filter((op) => op !== 'pow' && op !== 'atan2')
  const edges = [0, -0, inf, -inf, nan, dtype === 'float32' ? 2 ** -149 : 2 ** -1074, dtype === 'float32' ? -(2 ** -149) : -(2 ** -1074)]
  const exact = (op: MathOp, x: number): boolean => Math.abs(x) === 0 || !Number.isFinite(mathOf[op](x, 0)) || !Number.isFinite(x)
  test.for(unary)('%s at zeros, infinities, NaN and the smallest numbers', (op) => {
    const f = evaluateBasic(lowered(op, dtype))
    const wrong = edges.filter((x) => {
      const want = to(mathOf[op](x, 0))
      return exact(op, x) ? !Object.is(f(x), want) : !(Math.abs(f(x) - want) <= Math.abs(want) * 1e-6 + 2 * 2 ** -1074)
    })
    expect(wrong).toEqual([])
  })
})

test('exact powers and logarithms are exact', () => {
  const wrong: unknown[] = []
  for (const dtype of ['float32', 'float64'] as const) {
    const [exp2, log2] = (['exp2', 'log2'] as const).map((op) => evaluateBasic(lowered(op, dtype)))
    const low = dtype === 'float32' ? -149 : -1074
    for (let k = low; k < -low - 30; k += 7) {
      const p = 2 ** k
      if (k < (dtype === 'float32' ? 128 : 1024) && (exp2!(k) !== p || log2!(p) !== k)) wrong.push([dtype, k])
    }
  }
  expect(wrong).toEqual([])
})
