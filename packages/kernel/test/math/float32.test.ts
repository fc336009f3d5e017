import { afterAll, describe, expect, test } from 'vitest'
import { type MathOp, rewrite } from '../../src/expr.ts'
import { mathOf } from '../../src/semantics.ts'
import { evaluateBasic, nodeCount } from '../support/evaluate-basic.ts'
import { binary, coefficients, functions, lowered } from '../support/functions.ts'
import { bits32, float32Of, ulps, words } from '../support/ulp.ts'

type Sweep = (visit: (x: number) => void) => void

const special = [
  0,
  Infinity,
  NaN,
  1,
  0.5,
  2,
  3,
  10,
  2 ** -149,
  2 ** -126,
  2 ** -127,
  2 ** 127,
  3.4028234663852886e38,
  88.72283,
  88.72284,
  87.33655,
  103.97208,
  104,
  1e9,
  1e20,
  16777216,
  25000,
  12500,
  9.02,
  3.93,
  0.625,
  7 / 16,
  11 / 16,
  19 / 16,
  39 / 16,
  Math.SQRT1_2,
  Math.SQRT2,
  128,
  127.99999,
  149,
  150,
].flatMap((x) => [x, -x].flatMap((v) => (Number.isFinite(v) ? [-2, -1, 0, 1, 2].map((d) => float32Of(bits32(v) + d)) : [v])))

/** Special values, every exponent, bit patterns, and the ranges where the functions live: more than 2·10⁵ points. */
const sweep: Sweep = (visit) => {
  special.forEach(visit)
  const next = words(1)
  for (let e = 0; e < 255; e++) for (let k = 0; k < 100; k++) visit(float32Of((e << 23) | (next() & 0x807fffff)))
  for (let k = 0; k < 60_000; k++) visit(float32Of(next()))
  for (const range of [1.05, 4, 20, 110]) for (let k = 0; k < 25_000; k++) visit(Math.fround((next() / 2 ** 31) * range))
  // around 1, where logarithms are small
  for (let k = -4000; k < 4000; k++) visit(float32Of(bits32(1) + k))
  // next to the zeros and poles of the trigonometric functions
  for (let k = 1; k < 16_400; k++) for (let d = -1; d <= 1; d++) visit(float32Of(bits32((k * Math.PI) / 2) + d))
}

interface Worst {
  ulp: number
  at: string
  points: number
}

/** Of every `thin`-th point. */
function worstOf(op: MathOp, f: (x: number) => number, thin = 1): Worst {
  const worst: Worst = { ulp: 0, at: '', points: 0 }
  const truth = mathOf[op]
  let n = 0
  sweep((x) => {
    if (n++ % thin !== 0) return
    const error = ulps(f(x), truth(x, 0), 23)
    worst.points++
    if (!(error <= worst.ulp)) Object.assign(worst, { ulp: error, at: String(x) })
  })
  return worst
}

function worstOfPairs(op: MathOp, f: (x: number, y: number) => number): Worst {
  const worst: Worst = { ulp: 0, at: '', points: 0 }
  const visit = (x: number, y: number): void => {
    const error = ulps(f(x, y), mathOf[op](x, y), 23)
    worst.points++
    if (!(error <= worst.ulp)) Object.assign(worst, { ulp: error, at: `${x}, ${y}` })
  }
  const some = special.filter((_, i) => i % 3 === 0)
  for (const x of some) for (const y of some) visit(x, y)
  const next = words(2)
  for (let k = 0; k < 100_000; k++) visit(float32Of(next()), float32Of(next()))
  for (let k = 0; k < 60_000; k++) visit(Math.fround(Math.abs(next() / 2 ** 29)), Math.fround(next() / 2 ** 25))
  // pow near its overflow and underflow; atan2 near its diagonals
  for (let k = 0; k < 60_000; k++) {
    const x = float32Of(next() & 0x7fffffff)
    visit(x, op === 'pow' ? Math.fround((next() / 2 ** 31) * (155 / Math.log2(x))) : Math.fround(x * (1 + next() / 2 ** 34)))
  }
  return worst
}

const rows: string[] = []
afterAll(() => console.log(['float32   max ULP  points  nodes  at', ...rows].join('\n')))

describe('float32 functions are within 4 ULP', () => {
  test.for(functions)('%s', (op) => {
    const e = lowered(op, 'float32')
    const f = evaluateBasic(e)
    const worst = binary.includes(op) ? worstOfPairs(op, f) : worstOf(op, f)
    rows.push(
      `${op.padEnd(9)} ${worst.ulp.toFixed(3).padStart(7)} ${String(worst.points).padStart(7)} ${String(nodeCount(e)).padStart(6)}  ${worst.at}`,
    )
    expect(worst.points).toBeGreaterThan(200_000)
    expect(worst.ulp, `at ${worst.at}`).toBeLessThanOrEqual(op === 'tan' ? 4 : 2.5)
  })
})

describe('a wrong coefficient is seen', () => {
  /** These choose the period, exponent or formula; their neighbours do almost as well. And log's last term is small. */
  const forgiving = [Math.LOG2E, 1 / Math.PI, 0.92, 0xf89e26 / 2 ** 26].map(Math.fround)

  test.for(['exp', 'exp2', 'expm1', 'log', 'sin', 'cos', 'tanh', 'erf'] as const)('%s', (op) => {
    const e = lowered(op, 'float32')
    const targets = coefficients(e).filter((c) => !forgiving.includes(c.value as number))
    const worst = (factor: number): number[] =>
      targets.map(
        (target) =>
          worstOf(
            op,
            evaluateBasic(rewrite(e, (n) => (n === target ? { ...target, value: Math.fround((target.value as number) * factor) } : n))),
            31,
          ).ulp,
      )
    expect(targets.length).toBeGreaterThan(3)
    expect(Math.min(...worst(1.5))).toBeGreaterThan(2.5)
    // two or more of them by their fourth digit
    expect(worst(1.0005).filter((u) => u > 4).length).toBeGreaterThan(1)
  })
})

test('results stay in range', () => {
  const [sin, cos, tanh, erf] = (['sin', 'cos', 'tanh', 'erf'] as const).map((op) => evaluateBasic(lowered(op, 'float32')))
  let beyond = 0
  sweep((x) => {
    for (const f of [sin!, cos!, tanh!, erf!]) if (Math.abs(f(x)) > 1) beyond++
  })
  expect(beyond).toBe(0)
  expect([cos!(0), evaluateBasic(lowered('exp', 'float32'))(0), sin!(-0), tanh!(-0), erf!(-0)]).toEqual([1, 1, -0, -0, -0])
})
