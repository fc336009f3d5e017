import { type DType, type Expr, bytesOf, defineLoop, expr as E } from '@mapgrad/kernel'
import { describe, expect, test } from 'vitest'
import { createCpu } from '../../src/index.ts'
import { type Case, type Operand, actual, bytesFrom, difference, expected } from '../loops.ts'

// The largest and smallest of floats: NaN wins over numbers, +0 over −0 for the largest, in whatever order they come.

const cpu = createCpu()
type Reduce = 'max' | 'min'

/** NaN with its sign bit: JavaScript writes only the one without */
const MINUS_NAN = Symbol('−NaN')
type Value = number | typeof MINUS_NAN

function bytesOfValues(dtype: DType, values: readonly Value[]): Uint8Array {
  const bytes = bytesFrom(
    dtype,
    values.map((v) => (v === MINUS_NAN ? NaN : v)),
  )
  const width = bytesOf(dtype)
  values.forEach((v, i) => {
    if (v === MINUS_NAN) bytes[(i + 1) * width - 1]! |= 0x80
  })
  return bytes
}

/** how the elements lie: [stride of a row, stride along it] for a number of rows of a length */
const layouts: Record<string, (rows: number, length: number) => readonly [number, number]> = {
  'rows contiguous': (_, length) => [length, 1],
  'columns contiguous': (rows) => [1, rows],
  'gaps in the rows': (_, length) => [2 * length, 2],
  'gaps in the columns': (rows) => [2, 2 * rows],
}

/** the input of `from`, widened or narrowed to `dtype`: 64-bit values leave two lanes to a vector */
function compare(reduce: Reduce, from: DType, dtype: DType, rows: readonly (readonly Value[])[]): void {
  const length = rows[0]!.length
  const x = E.input(0, from)
  const body: Expr = from === dtype ? x : E.cast(x, dtype)
  const loop = defineLoop({ name: 'test', inputs: [from], body, reduce })
  for (const [name, strides] of Object.entries(layouts)) {
    const [down, along] = strides(rows.length, length)
    // NaN fills the gaps
    const values: Value[] = new Array<Value>((rows.length - 1) * down + (length - 1) * along + 1).fill(NaN)
    rows.forEach((row, i) => row.forEach((v, j) => (values[i * down + j * along] = v)))
    const input: Operand = { dtype: from, bytes: bytesOfValues(from, values), offset: 0, strides: [down, along] }
    const out: Operand = { dtype, bytes: new Uint8Array(rows.length * bytesOf(dtype)), offset: 0, strides: [1] }
    const c: Case = { loop, sizes: [rows.length, length], reducedAxes: 1, inputs: [input], scalars: [], out }
    const wrong = difference(dtype, actual(cpu, c).bytes, expected(c).bytes)
    if (wrong) expect.fail(`${reduce} of ${length} ${from} as ${dtype}, ${name}: ${wrong}`)
  }
}

/** rows of `n` elements that repeat a few values */
const pools: readonly (readonly Value[])[] = [
  [-0],
  [0],
  [-0, 0],
  [0, -0, -0],
  [-1.5, -0, -3, -Infinity],
  [-1.5, 0, -0, -3],
  [2.5, -0, 0, Infinity],
  [2.5, 0, 7],
  [-1, -2.5, -0.5, -7],
  [Infinity],
  [-Infinity],
  [Infinity, -Infinity, 0],
  [NaN],
  [MINUS_NAN],
  [-0, MINUS_NAN, 0, -1],
  [1, 2, 3, 4, 5, -6, NaN],
]
const kinds: readonly (readonly [from: DType, dtype: DType])[] = [
  ['float32', 'float32'],
  ['float64', 'float64'],
  ['float16', 'float16'],
  ['bfloat16', 'bfloat16'],
  ['float64', 'float32'],
  ['float32', 'float64'],
]

describe.each(['max', 'min'] as const)('%s', (reduce) => {
  test.each(kinds)('%s as %s, 1 to 70 elements', (from, dtype) => {
    for (let n = 1; n <= 70; n++) {
      const rows = pools.map((pool, r) => Array.from({ length: n }, (_, i) => pool[(i * 3 + r + n) % pool.length]!))
      compare(reduce, from, dtype, rows)
    }
  })

  // each position of a row is another lane of another accumulator
  test.each(kinds)('%s as %s, one element unlike the others, anywhere', (from, dtype) => {
    const pairs: [Value, Value][] = [
      [NaN, 1],
      [MINUS_NAN, -1],
      [NaN, reduce === 'max' ? Infinity : -Infinity],
      [0, -0],
      [-0, 0],
      [-0, -1],
      [-0, 1],
      [0, NaN],
      [-3, -5],
      [-5, -3],
    ]
    for (const n of [4, 7, 16, 21, 37])
      for (const [one, others] of pairs)
        compare(
          reduce,
          from,
          dtype,
          Array.from({ length: n }, (_, r) => Array.from({ length: n }, (__, i) => (i === r ? one : others))),
        )
  })

  test.each(kinds)('%s as %s, nothing', (from, dtype) => {
    const loop = defineLoop({
      name: 'test',
      inputs: [from],
      body: from === dtype ? E.input(0, from) : E.cast(E.input(0, from), dtype),
      reduce,
    })
    const c: Case = {
      loop,
      sizes: [9, 0],
      reducedAxes: 1,
      inputs: [{ dtype: from, bytes: new Uint8Array(8), offset: 0, strides: [0, 1] }],
      scalars: [],
      out: { dtype, bytes: new Uint8Array(9 * bytesOf(dtype)), offset: 0, strides: [1] },
    }
    expect(actual(cpu, c).bytes).toEqual(bytesFrom(dtype, new Array<number>(9).fill(reduce === 'max' ? -Infinity : Infinity)))
  })
})
