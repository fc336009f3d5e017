import { describe, expect, test } from 'vitest'
import { elementsOf } from '../src/convert.ts'
import { type DType, bytesOf, dtypes } from '../src/dtype.ts'
import {
  add,
  bitcast,
  cast,
  constant,
  div,
  erf,
  erfc,
  exp,
  index,
  input,
  mul,
  mulhi,
  neg,
  pow,
  position,
  reduced,
  rem,
  round,
  scalar,
  shru,
  sub,
  type Expr,
} from '../src/expr.ts'
import { interpret } from '../src/interpret.ts'
import { type LoopSpec, type ReduceOp, type View, defineLoop } from '../src/loop.ts'
import { mathOf } from '../src/semantics.ts'

type Values = readonly (number | bigint)[]

const viewOf = (values: Values, dtype: DType, strides: readonly number[], more: Partial<View<Uint8Array>> = {}): View<Uint8Array> => {
  const storage = new Uint8Array(values.length * bytesOf(dtype))
  const elements = elementsOf(storage, dtype)
  values.forEach((v, i) => elements.set(i, v))
  return { storage, dtype, offset: 0, strides, ...more }
}
const valuesOf = (view: View<Uint8Array>): (number | bigint)[] => {
  const elements = elementsOf(view.storage, view.dtype)
  return Array.from({ length: view.storage.byteLength / bytesOf(view.dtype) }, (_, i) => elements.get(i))
}

/** The output of a loop over contiguous one-dimensional inputs. */
function run(spec: Omit<LoopSpec, 'name' | 'inputs'>, ...inputs: [DType, Values][]): (number | bigint)[] {
  const loop = defineLoop({ name: 'test', inputs: inputs.map(([d]) => d), ...spec })
  const n = inputs[0]![1].length
  const out = viewOf(Array(spec.reduce ? 1 : n).fill(0), loop.output, spec.reduce ? [] : [1])
  expect(
    interpret({ loop, sizes: [n], reducedAxes: spec.reduce ? 1 : 0, inputs: inputs.map(([d, v]) => viewOf(v, d, [1])), scalars: [], out }),
  ).toBe(true)
  return valuesOf(out)
}

describe('elementwise', () => {
  const two = (f: (x: Expr, y: Expr) => Expr, dtype: DType, x: Values, y: Values): Values =>
    run({ body: f(input(0, dtype), input(1, dtype)) }, [dtype, x], [dtype, y])
  test('integers wrap, divide towards zero, and divide by zero to 0', () => {
    expect(two(add, 'int32', [2 ** 31 - 1], [1])).toEqual([-(2 ** 31)])
    expect(two(mul, 'uint8', [16, 255], [17, 255])).toEqual([16, 1])
    expect(two(div, 'int32', [7, -7, 5, -(2 ** 31)], [2, 2, 0, -1])).toEqual([3, -3, 0, -(2 ** 31)])
    expect(two(rem, 'int64', [7n, -7n, 5n], [4n, 4n, 0n])).toEqual([3n, -3n, 0n])
    expect(two(shru, 'int8', [-1, -128], [1, 7])).toEqual([127, 1])
    expect(two(mulhi, 'int32', [-1, 0x12345678], [-1, 16])).toEqual([-2, 1])
    expect(two(mul, 'int64', [2n ** 62n], [4n])).toEqual([0n])
  })
  test('floats are computed in float64 and rounded once, at the end', () => {
    const x = input(0, 'float32')
    // (x + 1) − x of a small x: in float32 it would be 1 or 0.99999994
    expect(run({ body: sub(add(x, constant(2 ** 30, 'float32')), constant(2 ** 30, 'float32')) }, ['float32', [0.375]])).toEqual([0.375])
    expect(run({ body: mul(x, constant(0.1, 'float32')) }, ['float32', [1]])).toEqual([Math.fround(0.1)])
    expect(run({ body: round(x) }, ['float32', [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, -0, NaN]])).toEqual([0, 2, 2, -0, -2, -2, -0, NaN])
    expect(run({ body: cast(cast(x, 'float16'), 'float32') }, ['float32', [0.1, 65519, 65520]])).toEqual([0.0999755859375, 65504, Infinity])
    expect(run({ body: bitcast(x, 'int32') }, ['float32', [1, -0]])).toEqual([0x3f800000, -(2 ** 31)])
  })
  test('half floats round to even', () => {
    expect(run({ body: add(input(0, 'float16'), constant(1, 'float16')) }, ['float16', [2048, 2050]])).toEqual([2048, 2052])
    expect(run({ body: exp(input(0, 'bfloat16')) }, ['bfloat16', [1]])).toEqual([2.71875])
  })
  test('erf and erfc of the reference', () => {
    expect(run({ body: erf(input(0, 'float64')) }, ['float64', [0, -0, Infinity, -Infinity]])).toEqual([0, -0, 1, -1])
    expect([mathOf.erf(0.5, 0), mathOf.erfc(5, 0)]).toEqual([
      expect.closeTo(0.5204998778130465, 15),
      expect.closeTo(1.5374597944280349e-12, 25),
    ])
    expect(run({ body: erfc(input(0, 'float64')) }, ['float64', [-Infinity, Infinity, NaN]])).toEqual([2, 0, NaN])
    expect(run({ body: pow(input(0, 'float64'), input(1, 'float64')) }, ['float64', [1, -1]], ['float64', [NaN, Infinity]])).toEqual([1, 1])
  })
  test('scalars, strides, offsets, broadcasting, index and position', () => {
    const body = add(
      add(mul(input(0, 'int32'), scalar(0, 'int32')), mul(index(-2), constant(100, 'int32'))),
      mul(position, constant(1000, 'int32')),
    )
    const loop = defineLoop({ name: 'all', inputs: ['int32'], scalars: ['int32'], body })
    const out = viewOf(Array(7).fill(-1), 'int32', [1, 3], { offset: 1 })
    interpret({ loop, sizes: [2, 2], reducedAxes: 0, inputs: [viewOf([9, 1, 2, 3], 'int32', [-1, 0], { offset: 2 })], scalars: [10], out })
    expect(valuesOf(out)).toEqual([-1, 20, 2110, -1, 1020, 3110, -1])
  })
})

describe('computed coordinates', () => {
  const gather = (outOfRange: 'error' | 'zero', at: number[]): [boolean, Values] => {
    const loop = defineLoop({
      name: 'gather',
      inputs: [{ dtype: 'int64', coordinates: [{ expr: input(1, 'int32'), outOfRange }] }, 'int32'],
      body: input(0, 'int64'),
    })
    const out = viewOf(
      at.map(() => -1n),
      'int64',
      [1],
    )
    const table = viewOf([10n, 11n, 12n, 13n, 14n, 15n], 'int64', [0], { coordinates: [{ stride: 2, size: 3 }] })
    const ok = interpret({ loop, sizes: [at.length], reducedAxes: 0, inputs: [table, viewOf(at, 'int32', [1])], scalars: [], out })
    return [ok, valuesOf(out)]
  }
  test('read along their axis', () => expect(gather('error', [2, 0, 1])).toEqual([true, [14n, 10n, 12n]]))
  test('give zero outside when told so', () => expect(gather('zero', [-1, 2, 3])).toEqual([true, [0n, 14n, 0n]]))
  test.for([-1, 3])('report an index of %i', (i) => expect(gather('error', [i])[0]).toBe(false))
})

describe('reductions', () => {
  const of = (reduce: ReduceOp, dtype: DType, values: Values): number | bigint =>
    run({ body: input(0, dtype), reduce }, [dtype, values])[0]!
  test('of numbers', () => {
    expect([
      of('sum', 'float32', [1, 2, 3.5]),
      of('prod', 'int32', [2, 3, -4]),
      of('max', 'int64', [1n, 9n, 3n]),
      of('min', 'uint8', [7, 3, 200]),
    ]).toEqual([6.5, -24, 9n, 3])
    expect([of('any', 'bool', [0, 1]), of('all', 'bool', [0, 1]), of('sum', 'int32', [2 ** 31 - 1, 1])]).toEqual([1, 0, -(2 ** 31)])
  })
  test('max and min propagate NaN; argmax and argmin take the first, NaN before all', () => {
    expect([of('max', 'float32', [1, NaN, 3]), of('min', 'float64', [1, NaN, 3])]).toEqual([NaN, NaN])
    expect([
      of('argmax', 'float32', [1, 3, 3]),
      of('argmin', 'int32', [2, 1, 1]),
      of('argmax', 'float32', [1, NaN, 3, NaN]),
      of('argmin', 'float32', [NaN, -1]),
    ]).toEqual([1, 1, 1, 0])
  })
  test('of nothing give their identity', () => {
    expect([
      of('sum', 'int64', []),
      of('prod', 'float32', []),
      of('all', 'bool', []),
      of('any', 'bool', []),
      of('max', 'float32', []),
      of('min', 'int8', []),
      of('max', 'int16', []),
    ]).toEqual([0n, 1, 1, 0, -Infinity, 127, -32768])
  })
  test('have an epilogue, and positions over several reduced axes', () => {
    expect(
      run({ body: input(0, 'float32'), reduce: 'sum', epilogue: div(reduced('float32'), constant(4, 'float32')) }, [
        'float32',
        [1, 2, 3, 4],
      ]),
    ).toEqual([2.5])
    const loop = defineLoop({ name: 'argmax', inputs: ['float32'], body: neg(input(0, 'float32')), reduce: 'argmax' })
    const out = viewOf([0, 0], 'int32', [1])
    interpret({
      loop,
      sizes: [2, 2, 2],
      reducedAxes: 2,
      inputs: [viewOf([5, 6, 3, 4, 9, 8, 8, 9], 'float32', [4, 2, 1])],
      scalars: [],
      out,
    })
    expect(valuesOf(out)).toEqual([2, 1])
  })
})

test('every dtype is read and written as it is', () => {
  for (const dtype of Object.keys(dtypes) as DType[]) {
    const values =
      dtype === 'int64' ? [0n, -5n, 2n ** 62n] : dtype === 'bool' ? [1, 0, 1] : dtypes[dtype].signed ? [1, -2, 100] : [1, 2, 100]
    expect(run({ body: input(0, dtype) }, [dtype, values])).toEqual(values)
  }
})
