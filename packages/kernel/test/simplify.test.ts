import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { roundTo } from '../src/convert.ts'
import type { DType } from '../src/dtype.ts'
import { type Expr, add, and, argsOf, bitcast, cast, constant, div, gt, input, mul, neg, not, select, shl, shru, sub } from '../src/expr.ts'
import { lower } from '../src/lower.ts'
import { simplify } from '../src/simplify.ts'
import { expressions, valueOf } from './support/expressions.ts'
import { lowered } from './support/functions.ts'
import { evaluateBasic } from './support/evaluate-basic.ts'
import { strict } from './support/strict.ts'
import { float32Of, words } from './support/ulp.ts'

const size = (root: Expr): number => {
  const seen = new Set<Expr>()
  const visit = (e: Expr): void => void (seen.has(e) || (seen.add(e), argsOf(e).forEach(visit)))
  visit(root)
  return seen.size
}

const cases: [string, DType[]][] = [
  ['floats', ['float32', 'float64', 'bool']],
  ['integers', ['int32', 'int64', 'bool']],
  ['all together', ['float32', 'int32', 'bool', 'float64', 'int64']],
  ['storage types', ['uint8', 'int8', 'int16', 'float16', 'bfloat16', 'bool', 'int32', 'float32']],
]

describe('simplify keeps every bit', () => {
  test.for(cases)('of %s', ([, dtypes]) => {
    let smaller = 0
    fc.assert(
      fc.property(expressions(dtypes, 14), fc.tuple(...dtypes.map(valueOf)), (raw, values) => {
        const e = lower(raw)
        const s = simplify(e)
        const inputs = values.map((v, i) => roundTo(v, dtypes[i]!))
        expect(s.dtype).toBe(e.dtype)
        expect(size(s)).toBeLessThanOrEqual(size(e) + 1)
        if (size(s) < size(e)) smaller++
        expect(strict(s, inputs)).toEqual(strict(e, inputs))
      }),
      { numRuns: 4000 },
    )
    expect(smaller).toBeGreaterThan(500)
  })

  test('of the lowered functions', () => {
    const next = words(7)
    for (const op of ['exp', 'log', 'sin', 'tanh', 'pow', 'erf', 'asin'] as const) {
      const e = lowered(op, 'float32')
      const [f, g] = [evaluateBasic(e), evaluateBasic(simplify(e))]
      for (let k = 0; k < 3000; k++) {
        const [x, y] = [float32Of(next()), float32Of(next())]
        expect(g(x, y)).toEqual(f(x, y))
      }
    }
  })
})

const x = input(0, 'float32')
const i = input(0, 'int32')
const f = (v: number): Expr => constant(v, 'float32')
const k = (v: number): Expr => constant(v, 'int32')
const b = input(0, 'bool')

test('what goes', () => {
  const pairs: [Expr, Expr][] = [
    [mul(x, f(1)), x],
    [sub(x, f(0)), x],
    [add(x, f(-0)), x],
    [neg(neg(x)), x],
    [div(x, f(8)), mul(x, f(0.125))],
    [cast(cast(x, 'float64'), 'float32'), x],
    [mul(add(f(1), f(2)), x), mul(f(3), x)],
    [add(f(0.1), f(0.2)), f(Math.fround(Math.fround(0.1) + Math.fround(0.2)))],
    [select(constant(true, 'bool'), x, neg(x)), x],
    [select(b, mul(x, x), mul(x, x)), mul(x, x)],
    [select(not(b), x, neg(x)), select(b, neg(x), x)],
    [mul(i, k(0)), k(0)],
    [mul(i, k(8)), shl(i, k(3))],
    [add(add(i, k(3)), k(-3)), i],
    [sub(i, i), k(0)],
    [and(i, k(-1)), i],
    [cast(cast(i, 'int64'), 'int32'), i],
    [shru(k(-1), k(28)), k(15)],
    [bitcast(k(0x3f800000), 'float32'), f(1)],
    [gt(k(3), k(2)), constant(true, 'bool')],
  ]
  for (const [e, want] of pairs) expect(simplify(e)).toEqual(want)
})

test('what must stay: it is not the same for −0, NaN or ∞', () => {
  for (const e of [
    mul(x, f(0)),
    add(x, f(0)),
    sub(x, x),
    div(x, x),
    div(x, f(3)),
    sub(f(0), x),
    sub(x, f(-0)),
    div(x, f(2 ** -149)),
    cast(cast(x, 'float16'), 'float32'),
    cast(cast(i, 'float32'), 'int32'),
    cast(cast(input(0, 'int64'), 'int32'), 'int64'),
    cast(cast(input(0, 'int32'), 'uint8'), 'int32'),
    bitcast(k(0x7fc00123), 'float32'),
  ])
    expect(simplify(e)).toEqual(e)
})

test('equal subexpressions become one node, shared ones stay shared', () => {
  const s = simplify(mul(add(x, f(1)), add(x, f(1))))
  expect(argsOf(s)[0]).toBe(argsOf(s)[1])
  let e: Expr = x
  for (let n = 0; n < 200; n++) e = add(e, e)
  expect(size(simplify(e))).toBe(201)
})
