import { describe, expect, test } from 'vitest'
import {
  add,
  argsOf,
  cast,
  constant,
  exp,
  index,
  input,
  mul,
  neg,
  position,
  reduced,
  scalar,
  select,
  withArgs,
  type Expr,
} from '../src/expr.ts'
import { type LoopSpec, defineLoop } from '../src/loop.ts'
import { print } from '../src/print.ts'

const x = input(0, 'float32')
const keyOf = (body: Expr, more: Partial<LoopSpec> = {}): string =>
  defineLoop({ name: 'k', inputs: ['float32', 'float32'], body, ...more }).key

describe('the key of a loop', () => {
  test('is structural: copies of nodes, and the name, do not matter', () => {
    const copy = (e: Expr): Expr => withArgs({ ...e }, argsOf(e).map(copy))
    const e = add(mul(x, x), exp(neg(x)))
    expect(keyOf(copy(e))).toBe(keyOf(e))
    expect(keyOf(e, { name: 'other' })).toBe(keyOf(e))
  })
  test('does not see how often a shared subexpression is written', () => {
    const shared = exp(x)
    expect(keyOf(add(shared, shared))).toBe(keyOf(add(exp(x), exp(x))))
  })
  test('tells everything else apart', () => {
    const int = input(0, 'int64')
    const specs: string[] = [
      keyOf(x),
      keyOf(input(1, 'float32')),
      keyOf(scalar(0, 'float32'), { scalars: ['float32'] }),
      keyOf(x, { scalars: ['float32'] }),
      keyOf(x, { scalars: ['float64'] }),
      keyOf(x, { reduce: 'sum' }),
      keyOf(x, { reduce: 'max' }),
      keyOf(x, { reduce: 'argmax' }),
      keyOf(x, { reduce: 'sum', epilogue: neg(reduced('float32')) }),
      keyOf(neg(x)),
      keyOf(neg(x), { reduce: 'sum', epilogue: reduced('float32') }),
      ...[0, -0, 1, NaN, Infinity, -Infinity, 0.1].map((v) => keyOf(add(x, constant(v, 'float32')))),
      ...[0n, 1n, -1n, 2n ** 53n, 2n ** 53n + 1n].map((v) => keyOf(add(int, constant(v, 'int64')))),
      keyOf(add(input(0, 'int32'), constant(1, 'int32'))),
      keyOf(add(input(0, 'int32'), index(-1))),
      keyOf(add(input(0, 'int32'), index(-2))),
      keyOf(add(input(0, 'int32'), position)),
      keyOf(cast(x, 'int32')),
      keyOf(cast(x, 'float64')),
      keyOf(select(input(0, 'bool'), x, neg(x))),
      keyOf(select(input(0, 'bool'), neg(x), x)),
      keyOf(x, { inputs: ['float32'] }),
      keyOf(x, { inputs: ['float32', 'float64'] }),
      ...(['error', 'zero'] as const).flatMap((outOfRange) =>
        [index(-1), position].map((expr) => keyOf(x, { inputs: [{ dtype: 'float32', coordinates: [{ expr, outOfRange }] }, 'float32'] })),
      ),
      keyOf(x, { inputs: ['float32', { dtype: 'float32', coordinates: [{ expr: index(-1), outOfRange: 'error' }] }] }),
    ]
    expect(new Set(specs).size).toBe(specs.length)
  })
})

test('an epilogue needs a reduction', () => {
  expect(() => defineLoop({ name: 'mean', inputs: ['float32'], body: x, epilogue: reduced('float32') })).toThrow(
    '[kernel] mean: expected a reduction before the epilogue',
  )
})

test('operands of two dtypes are refused with the remedy', () => {
  expect(() => add(x, input(1, 'int32'))).toThrow('[kernel] add: expected operands of one dtype, got float32, int32; insert a cast')
})

test('a loop as text', () => {
  const e = exp(neg(x))
  const loop = defineLoop({
    name: 'softish',
    inputs: [
      'float32',
      { dtype: 'float32', coordinates: [{ expr: add(input(2, 'int32'), constant(1, 'int32')), outOfRange: 'zero' }] },
      'int32',
    ],
    scalars: ['float32'],
    body: mul(add(e, scalar(0, 'float32')), mul(e, input(1, 'float32'))),
    reduce: 'sum',
    epilogue: neg(reduced('float32')),
  })
  expect(print(loop)).toBe(
    [
      'softish(in0: float32, in1: float32 at [in2 + 1 or 0], in2: int32, scalar0: float32) -> float32',
      '  t0: float32 = exp(neg(in0))',
      '  reduced = sum((t0 + scalar0) * (t0 * in1))',
      '  out = neg(reduced)',
    ].join('\n'),
  )
})
