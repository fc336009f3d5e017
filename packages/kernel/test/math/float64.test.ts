import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import { type MathOp, rewrite } from '../../src/expr.ts'
import { mathOf } from '../../src/semantics.ts'
import { evaluateBasic, nodeCount } from '../support/evaluate-basic.ts'
import { binary, coefficients, functions, lowered } from '../support/functions.ts'
import { ulps } from '../support/ulp.ts'

/** Written by scripts/reference.py with mpmath: base64 of float64 and int8. */
type Stored = Record<MathOp, { inputs: string[]; output: string; rest: string }>
const stored = JSON.parse(gunzipSync(readFileSync(new URL('reference.json.gz', import.meta.url))).toString()) as Stored

const bytes = (s: string): ArrayBuffer => new Uint8Array(Buffer.from(s, 'base64')).buffer

function worstOf(op: MathOp, f: (x: number, y: number) => number): { ulp: number; at: string; points: number } {
  const { inputs, output, rest } = stored[op]
  const [xs, ys] = inputs.map((s) => new Float64Array(bytes(s)))
  const want = new Float64Array(bytes(output))
  const left = new Int8Array(bytes(rest))
  const worst = { ulp: 0, at: '', points: want.length }
  for (const [i, w] of want.entries()) {
    const error = ulps(f(xs![i]!, ys?.[i] ?? 0), w, 52, left[i]! / 200)
    if (!(error <= worst.ulp)) Object.assign(worst, { ulp: error, at: `${xs![i]}${ys ? `, ${ys[i]}` : ''}` })
  }
  return worst
}

const rows: string[] = []
afterAll(() => console.log(['float64   max ULP  (host)  points  nodes  at', ...rows].join('\n')))

describe('float64 functions are within 4 ULP', () => {
  test.for(functions)('%s', (op) => {
    const e = lowered(op, 'float64')
    const worst = worstOf(op, evaluateBasic(e))
    const host = worstOf(op, mathOf[op])
    rows.push(
      `${op.padEnd(9)} ${worst.ulp.toFixed(3).padStart(7)} ${host.ulp.toFixed(2).padStart(7)} ${String(worst.points).padStart(7)} ${String(nodeCount(e)).padStart(6)}  ${worst.at}`,
    )
    expect(worst.points).toBe(binary.includes(op) ? 2000 : 1000)
    expect(worst.ulp, `at ${worst.at}`).toBeLessThanOrEqual(op === 'erfc' ? 3 : 2.5)
    // the reference interpreter's own functions, which backends are compared with
    expect(host.ulp).toBeLessThan(op.startsWith('erf') ? 8 : 4)
  })
})

test('a wrong coefficient is seen', () => {
  for (const op of ['exp', 'log', 'sin', 'asin', 'atan', 'sinh', 'erf', 'pow'] as const) {
    const e = lowered(op, 'float64')
    const worst = coefficients(e).map(
      (target) =>
        worstOf(op, evaluateBasic(rewrite(e, (n) => (n === target ? { ...target, value: (target.value as number) * (1 + 1e-9) } : n)))).ulp,
    )
    expect([op, worst.filter((u) => u > 4).length > 2]).toEqual([op, true])
  }
})
