import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bfloat16ToNumber, convert, float16ToNumber, numberToBfloat16, numberToFloat16, roundTo } from '../src/convert.ts'
import { type DType, computeType } from '../src/dtype.ts'
import { type Expr, abs, add, argsOf, cast, div, exp, input, lt, max, mul, mulhi, neg, not, rem, shl, shr, shru, sub } from '../src/expr.ts'
import { lower, lowerTypes } from '../src/lower.ts'
import { halfFromBits, halfToBits, roundToHalf } from '../src/math/half.ts'
import { evaluateBasic } from './support/evaluate-basic.ts'
import { expressions, valueOf } from './support/expressions.ts'
import { strict } from './support/strict.ts'
import { float32Of, words } from './support/ulp.ts'

/** Narrow nodes anywhere but at an input under a cast, and at the root. */
function strayNarrow(root: Expr): Expr[] {
  const found: Expr[] = []
  const seen = new Set<Expr>()
  const visit = (e: Expr, parent: Expr | null): void => {
    if (
      computeType(e.dtype) !== e.dtype &&
      !(parent === null && (e.kind === 'cast' || e.kind === 'input')) &&
      !(e.kind === 'input' && parent?.kind === 'cast')
    )
      found.push(e)
    if (seen.has(e)) return
    seen.add(e)
    argsOf(e).forEach((a) => visit(a, e))
  }
  visit(root, null)
  return found
}

const small: DType[] = ['uint8', 'int8', 'int16', 'bool', 'int32', 'int64']

describe('lowerTypes', () => {
  test('small integers give what they give one operation at a time', () => {
    fc.assert(
      fc.property(expressions(small, 14), fc.tuple(...small.map(valueOf)), (e, values) => {
        const inputs = values.map((v, i) => roundTo(v, small[i]!))
        const l = lowerTypes(e)
        expect(strayNarrow(l)).toEqual([])
        expect(l.dtype).toBe(e.dtype)
        expect(strict(l, inputs)).toEqual(strict(e, inputs))
      }),
      { numRuns: 5000 },
    )
  })

  test('small integers are wrapped before what would see the difference', () => {
    const [a, b] = [input(0, 'int8'), input(1, 'int8')]
    const sums = [add(a, b), sub(a, b), mul(a, b), neg(a), shl(a, b), not(a), abs(a), div(a, b), add(add(a, b), a)]
    const seers = [
      (s: Expr) => lt(s, a),
      (s: Expr) => div(s, b),
      (s: Expr) => shr(s, b),
      (s: Expr) => shru(s, b),
      (s: Expr) => max(s, b),
      (s: Expr) => cast(s, 'int32'),
      (s: Expr) => cast(s, 'bool'),
      (s: Expr) => rem(s, a),
    ]
    for (const s of sums)
      for (const see of seers)
        for (const x of [-128, -127, -1, 0, 1, 2, 64, 127])
          for (const y of [-128, -1, 1, 3, 64, 127])
            expect([x, y, strict(lowerTypes(see(s)), [x, y])]).toEqual([x, y, strict(see(s), [x, y])])
  })

  test('half floats are rounded where a cast says so', () => {
    const dtypes: DType[] = ['float32', 'float16', 'bfloat16', 'int8']
    const casts = fc.array(fc.constantFrom<DType>(...dtypes, 'float64'), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(fc.nat(3), casts, fc.tuple(...dtypes.map(valueOf)), (slot, through, values) => {
        const inputs = values.map((v, i) => roundTo(v, dtypes[i]!))
        const e = through.reduce(cast, input(slot, dtypes[slot]!))
        const l = lowerTypes(e)
        expect(strayNarrow(l)).toEqual([])
        expect(strict(l, inputs)).toEqual(strict(e, inputs))
      }),
      { numRuns: 3000 },
    )
  })

  test('math on half floats is computed in float32', () => {
    const l = lower(exp(input(0, 'float16')))
    expect(strayNarrow(l)).toEqual([])
    for (const x of [0, 1, -3, 11.09, 12, NaN, -Infinity])
      expect(strict(l, [roundTo(x, 'float16')])).toBe(roundTo(Math.exp(roundTo(x, 'float16') as number), 'float16'))
  })

  test('what has no meaning is refused', () => {
    expect(() => lower(mulhi(input(0, 'int8'), input(1, 'int8')))).toThrow('[kernel] mulhi: expected int32, got int8; insert a cast')
  })
})

describe('half floats', () => {
  const kinds = [
    ['float16', float16ToNumber, numberToFloat16],
    ['bfloat16', bfloat16ToNumber, numberToBfloat16],
  ] as const
  test.for(kinds)('%s: every bit pattern, there and back, by numbers and by expressions', ([dtype, decode, encode]) => {
    const [from, to, round] = [
      halfFromBits(input(0, 'int32'), dtype),
      halfToBits(input(0, 'float32'), dtype),
      roundToHalf(input(0, 'float32'), dtype),
    ].map(evaluateBasic) as [(x: number) => number, (x: number) => number, (x: number) => number]
    const wrong: unknown[] = []
    for (let h = 0; h < 65536; h++) {
      const x = decode(h)
      const back = Number.isNaN(x) ? Number.isNaN(decode(encode(x))) && Number.isNaN(decode(to(x))) : encode(x) === h && to(x) === h
      if (!Object.is(from(h), x) || !back || !Object.is(round(x), x)) wrong.push([h, from(h), encode(x), to(x), round(x)])
    }
    expect(wrong).toEqual([])
  })
  test.for(kinds)('%s: rounds to nearest, ties to even', ([dtype, decode, encode]) => {
    const round = evaluateBasic(roundToHalf(input(0, 'float32'), dtype))
    const bits = evaluateBasic(halfToBits(input(0, 'float32'), dtype))
    const limit = decode(dtype === 'float16' ? 0x7bff : 0x7f7f)
    const step = limit - decode(dtype === 'float16' ? 0x7bfe : 0x7f7e)
    const wrong: unknown[] = []
    for (let h = 0; h < (dtype === 'float16' ? 0x7bff : 0x7f7f); h += 3) {
      const [a, b] = [decode(h), decode(h + 1)]
      const middle = (a + b) / 2
      const even = h % 2 === 0 ? a : b
      const nudge = (b - a) / 1024
      for (const [x, want] of [
        [middle, even],
        [middle - nudge, a],
        [middle + nudge, b],
      ] as const)
        for (const s of [1, -1])
          if (decode(encode(s * x)) !== s * want || round(s * x) !== s * want || decode(bits(s * x) & 0xffff) !== s * want)
            wrong.push([h, s * x])
    }
    expect([round(limit + step / 2), round(-limit - step / 2), round(limit + step * 0.49)]).toEqual([Infinity, -Infinity, limit])
    const next = words(3)
    for (let n = 0; n < 20_000; n++) {
      const x = float32Of(next())
      if (!Object.is(round(x), decode(encode(x)))) wrong.push([x, round(x)])
    }
    expect(wrong).toEqual([])
  })
})

test('conversion saturates from floats and wraps from integers', () => {
  const rows: [number | bigint, DType, DType, number | bigint][] = [
    [3.9, 'float64', 'int32', 3],
    [-3.9, 'float32', 'int32', -3],
    [NaN, 'float32', 'int32', 0],
    [1e10, 'float32', 'int32', 2 ** 31 - 1],
    [-1e10, 'float32', 'int32', -(2 ** 31)],
    [300, 'float32', 'uint8', 255],
    [-1, 'float32', 'uint8', 0],
    [-0.5, 'float32', 'int8', 0],
    [300, 'int32', 'uint8', 44],
    [200, 'uint8', 'int8', -56],
    [70000, 'int32', 'int16', 4464],
    [Infinity, 'float64', 'int64', 2n ** 63n - 1n],
    [-Infinity, 'float64', 'int64', -(2n ** 63n)],
    [2n ** 40n + 5n, 'int64', 'int32', 5],
    [2n ** 53n + 1n, 'int64', 'float64', 2 ** 53],
    [NaN, 'float32', 'bool', 1],
    [-0, 'float32', 'bool', 0],
    [0n, 'int64', 'bool', 0],
    [1, 'bool', 'int64', 1n],
    [1, 'bool', 'float16', 1],
    [65520, 'float32', 'float16', Infinity],
  ]
  for (const [v, from, to, want] of rows) expect([v, from, to, convert(v, from, to)]).toEqual([v, from, to, want])
})
