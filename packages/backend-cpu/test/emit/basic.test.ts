import { type BasicOp, type CompareOp, type DType, type Expr, bytesOf, defineLoop, dtypes, expr as E, isFloat } from '@mapgrad/kernel'
import { describe, expect, test } from 'vitest'
import { createCpu } from '../../src/index.ts'
import { type Case, actual, bytesFrom, difference, expected } from '../loops.ts'
import { special } from '../special.ts'

const cpu = createCpu()
const all = Object.keys(dtypes) as DType[]

/** a loop over all pairs of values, the first operand repeated along rows and the second along columns */
function pairs(body: Expr, a: DType, b: DType): Case {
  const xs = special(a)
  const ys = special(b)
  const sizes = [xs.length, ys.length]
  return {
    loop: defineLoop({ name: 'test', inputs: [a, b], body }),
    sizes,
    reducedAxes: 0,
    inputs: [
      { dtype: a, bytes: bytesFrom(a, xs), offset: 0, strides: [1, 0] },
      { dtype: b, bytes: bytesFrom(b, ys), offset: 0, strides: [0, 1] },
    ],
    scalars: [],
    out: { dtype: body.dtype, bytes: new Uint8Array(xs.length * ys.length * bytesOf(body.dtype)), offset: 0, strides: [ys.length, 1] },
  }
}

/** Both ways round, so that each operand is broadcast, contiguous and strided once. */
function check(body: (x: Expr, y: Expr) => Expr, a: DType, b: DType): void {
  const c = pairs(body(E.input(0, a), E.input(1, b)), a, b)
  const [n, m] = c.sizes as [number, number]
  const turned: Case = {
    ...c,
    sizes: [m, n],
    inputs: c.inputs.map((o) => ({ ...o, strides: o.strides.toReversed() })),
    out: { ...c.out, strides: [1, m] },
  }
  for (const x of [c, turned]) expect(difference(x.out.dtype, actual(cpu, x).bytes, expected(x).bytes)).toBe(null)
}

const unary: BasicOp[] = ['neg', 'abs', 'sqrt', 'floor', 'ceil', 'trunc', 'round', 'not']
const binary: BasicOp[] = ['add', 'sub', 'mul', 'div', 'rem', 'min', 'max', 'and', 'or', 'xor', 'shl', 'shr', 'shru', 'mulhi']
const has = (op: BasicOp, d: DType): boolean => {
  const bits = ['and', 'or', 'xor', 'not'].includes(op)
  if (d === 'bool') return bits || op === 'min' || op === 'max'
  if (isFloat(d)) return !bits && !['shl', 'shr', 'shru', 'mulhi'].includes(op)
  return op !== 'sqrt' && (op !== 'mulhi' || d === 'int32')
}

describe.each(all)('%s', (d) => {
  test.each([...unary, ...binary].filter((op) => has(op, d)))('%s', (op) => {
    const f = E[op as 'add'] as (x: Expr, y?: Expr) => Expr
    check((x, y) => (unary.includes(op) ? f(x) : f(x, y)), d, d)
  })
  test.each(['shl', 'shr', 'shru'].filter((op) => has(op as BasicOp, d)))('%s by a constant', (op) => {
    for (const n of [0, 1, 7]) check((x) => E[op as 'shl'](x, E.constant(n, d)), d, d)
  })
  test.each(['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as CompareOp[])('%s', (op) => {
    check((x, y) => E[op](x, y), d, d)
    check((x, y) => E.select(E[op](x, y), x, y), d, d)
    // masks that other widths select with
    check((x, y) => E.select(E[op](x, y), E.constant(1, 'float64'), E.constant(2, 'float64')), d, d)
    check((x, y) => E.select(E[op](x, y), E.constant(1, 'int32'), E.constant(2, 'int32')), d, d)
  })
  test.each(all)('cast to %s', (to) => {
    check((x) => E.cast(x, to), d, 'bool')
    // in a function that also holds 64-bit values
    check((x, y) => E.select(E.ne(y, E.constant(0, 'int64')), E.cast(x, to), E.cast(E.constant(0, d), to)), d, 'int64')
  })
})

test('bitcasts', () => {
  check((x) => E.bitcast(x, 'int32'), 'float32', 'bool')
  check((x) => E.bitcast(x, 'float32'), 'int32', 'bool')
  check((x) => E.bitcast(x, 'int64'), 'float64', 'bool')
  check((x) => E.bitcast(x, 'float64'), 'int64', 'bool')
})
