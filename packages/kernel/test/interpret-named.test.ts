import { describe, expect, test } from 'vitest'
import { elementsOf } from '../src/convert.ts'
import { type DType, bytesOf } from '../src/dtype.ts'
import { interpretNamed } from '../src/interpret-named.ts'
import type { ArrayView } from '../src/named.ts'

type Bytes = ArrayView<Uint8Array>
const rowMajor = (shape: readonly number[]): number[] => shape.map((_, i) => shape.slice(i + 1).reduce((x, y) => x * y, 1))

function array(dtype: DType, shape: number[], values: readonly (number | bigint)[], strides = rowMajor(shape)): Bytes {
  const storage = new Uint8Array(Math.max(values.length, 1) * bytesOf(dtype))
  const elements = elementsOf(storage, dtype)
  values.forEach((v, i) => elements.set(i, v))
  return { storage, dtype, offset: 0, strides, shape }
}
const blank = (dtype: DType, shape: number[]): Bytes => array(dtype, shape, Array(shape.reduce((x, y) => x * y, 1)).fill(0))
const valuesOf = (v: Bytes): (number | bigint)[] => {
  const elements = elementsOf(v.storage, v.dtype)
  return Array.from({ length: v.shape.reduce((x, y) => x * y, 1) }, (_, i) => elements.get(i))
}

test('matmul, batched, with a transposed and a repeated operand', () => {
  const out = blank('float32', [2, 2, 1])
  // a: [2, 2, 3]; b: [3, 1] repeated
  const a = array('float32', [2, 2, 3], [1, 4, 2, 5, 3, 6, 0, 1, 0, 1, 1, 0], [6, 1, 2])
  const b = array('float32', [2, 3, 1], [1, 10, 100], [0, 1, 1])
  interpretNamed('matmul', [a, b], {}, [out])
  expect(valuesOf(out)).toEqual([321, 654, 100, 11])
})

test('matmul of nothing is zero, of int64 exact', () => {
  const out = blank('int64', [1, 1])
  interpretNamed('matmul', [blank('int64', [1, 0]), blank('int64', [0, 1])], {}, [out])
  expect(valuesOf(out)).toEqual([0n])
  interpretNamed('matmul', [array('int64', [1, 1], [2n ** 53n + 1n]), array('int64', [1, 1], [3n])], {}, [out])
  expect(valuesOf(out)).toEqual([(2n ** 53n + 1n) * 3n])
})

describe('sort', () => {
  const sorted = (descending: boolean, values: number[]): unknown[] => {
    const outs = [blank('float32', [1, values.length]), blank('int32', [1, values.length])]
    interpretNamed('sort', [array('float32', [1, values.length], values)], { descending }, outs)
    return outs.map(valuesOf)
  }
  test('is stable, NaN last', () =>
    expect(sorted(false, [2, NaN, 1, 2, -Infinity, NaN])).toEqual([
      [-Infinity, 1, 2, 2, NaN, NaN],
      [4, 2, 0, 3, 1, 5],
    ]))
  test('descending is stable, NaN first', () =>
    expect(sorted(true, [2, NaN, 1, 2, NaN])).toEqual([
      [NaN, NaN, 2, 2, 1],
      [1, 4, 0, 3, 2],
    ]))
})

describe('scan', () => {
  const scanned = (op: 'sum' | 'prod' | 'max' | 'min', reverse: boolean, values: number[]): unknown[] => {
    const outs = [blank('float64', [values.length]), ...(op === 'max' || op === 'min' ? [blank('int32', [values.length])] : [])]
    interpretNamed('scan', [array('float64', [values.length], values)], { op, reverse }, outs)
    return outs.map(valuesOf)
  }
  test('sums and products, both ways', () => {
    expect(scanned('sum', false, [1, 2, 3])).toEqual([[1, 3, 6]])
    expect(scanned('prod', true, [2, 3, 4])).toEqual([[24, 12, 4]])
    expect(scanned('sum', false, [-0, -0])).toEqual([[-0, -0]])
  })
  test('extremes: the latest of ties, and a NaN stays', () => {
    expect(scanned('max', false, [1, 3, 3, 2])).toEqual([
      [1, 3, 3, 3],
      [0, 1, 2, 2],
    ])
    expect(scanned('min', true, [1, 5, 2])).toEqual([
      [1, 2, 2],
      [0, 2, 2],
    ])
    expect(scanned('max', false, [1, NaN, 9])).toEqual([
      [1, NaN, NaN],
      [0, 1, 1],
    ])
  })
})

describe('scatter', () => {
  const scattered = (op: 'set' | 'sum' | 'max', index: number[]): [boolean, unknown] => {
    const y = blank('int32', [2, 3])
    const ok = interpretNamed(
      'scatter',
      [array('int32', [2, 3], [1, 1, 1, 2, 2, 2]), array('int32', [2, 2], index), array('int32', [2, 2], [10, 20, 30, 40])],
      { dim: -1, op },
      [y],
    )
    return [ok, valuesOf(y)]
  }
  test('adds every contribution', () => expect(scattered('sum', [0, 0, 2, 1])).toEqual([true, [31, 1, 1, 2, 42, 32]]))
  test('sets, the last one wins', () => expect(scattered('set', [1, 1, 0, 2])).toEqual([true, [1, 20, 1, 30, 2, 40]]))
  test('takes the maximum', () => expect(scattered('max', [0, 0, 0, 0])).toEqual([true, [20, 1, 1, 40, 2, 2]]))
  test.for([3, -1])('reports an index of %i', (i) => expect(scattered('sum', [0, i, 0, 0])[0]).toBe(false))
})
