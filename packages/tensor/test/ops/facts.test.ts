import { cpu } from '@mapgrad/backend-cpu'
import {
  type DType,
  allclose,
  cat,
  concat,
  detach,
  equal,
  isComplex,
  isFloatingPoint,
  isNonzero,
  isSameSize,
  isSigned,
  numel,
  ones,
  setDefaultDevice,
  stopGradient,
  tensor,
  zeros,
} from '@mapgrad/tensor'
import { describe, expect, test } from 'vitest'

setDefaultDevice(cpu)

// values by PyTorch 2.13

describe('what dtype and shape tell', () => {
  test.each<[DType, number, boolean, boolean]>([
    ['bool', 1, false, false],
    ['uint8', 1, false, false],
    ['int8', 1, false, true],
    ['int16', 2, false, true],
    ['int32', 4, false, true],
    ['int64', 8, false, true],
    ['float16', 2, true, true],
    ['bfloat16', 2, true, true],
    ['float32', 4, true, true],
    ['float64', 8, true, true],
  ])('%s', (dtype, bytes, floating, signed) => {
    const x = zeros([2, 3], { dtype })
    expect([x.itemsize, x.elementSize(), x.nbytes, x.expand(5, 2, 3).nbytes]).toEqual([bytes, bytes, 6 * bytes, 30 * bytes])
    expect([x.isFloatingPoint(), isFloatingPoint(x), x.isSigned(), isSigned(x)]).toEqual([floating, floating, signed, signed])
    expect([x.isComplex(), isComplex(x)]).toEqual([false, false])
  })
  test('number of elements, one size', () => {
    expect([ones(2, 3), zeros(2, 0), tensor(1)].map((x) => [numel(x), x.nelement(), x.nbytes])).toEqual([
      [6, 6, 24],
      [0, 0, 0],
      [1, 1, 4],
    ])
    expect([isSameSize(ones(2, 3), zeros(2, 3)), ones(2, 3).isSameSize(ones(3, 2)), ones(1).isSameSize(tensor(1))]).toEqual([
      true,
      false,
      false,
    ])
  })
  test('what is no tensor, and what is too much', () => {
    expect(() => numel(3 as never)).toThrow('[tensor] numel: expected a Tensor')
    expect(() => isSameSize(ones(1), [1] as never)).toThrow('[tensor] isSameSize: expected a Tensor')
    expect(() => (ones(1).elementSize as (...args: unknown[]) => number).call(ones(1), 1)).toThrow(
      '[tensor] elementSize: expected no further arguments, got 1',
    )
  })
})

describe('equal', () => {
  test('is exact, in the promoted dtype', () => {
    const nan = tensor([NaN])
    expect(equal(tensor([1n, 2n]), tensor([1, 2]))).toBe(true)
    expect(tensor([1, 2]).equal(tensor([1, 2.000001]))).toBe(false)
    expect(equal(tensor([0]), tensor([-0]))).toBe(true)
    expect([equal(nan, nan), equal(zeros(0, 3), zeros(0, 3)), equal(ones(3, 2).t(), ones(2, 3))]).toEqual([false, true, true])
  })
  test('other shapes are not equal, and do not broadcast', () => {
    expect([equal(ones(1), ones(2)), equal(ones(1, 2), ones(2)), equal(zeros(0), zeros(0, 1))]).toEqual([false, false, false])
  })
})

describe('allclose', () => {
  const x = tensor([1, 2, 3])
  test('tolerances by position and by name', () => {
    const y = x.mul(1 + 1e-3)
    expect([allclose(x, y), allclose(x, y, 1e-2), allclose(x, y, { rtol: 1e-2 }), x.allclose(y, { atol: 0.01 }), x.allclose(x)]).toEqual([
      false,
      true,
      true,
      true,
      true,
    ])
    expect(allclose(tensor([1000]), tensor([1000.009]))).toBe(true)
    expect(allclose(tensor([0]), tensor([1e-8]))).toBe(true)
    expect(allclose(tensor([0]), tensor([2e-8]))).toBe(false)
  })
  test('NaN, infinities, nothing, broadcasting', () => {
    const odd = tensor([NaN, Infinity, -Infinity])
    expect([allclose(odd, odd), allclose(odd, odd, { equalNan: true }), allclose(tensor([Infinity]), tensor([-Infinity]))]).toEqual([
      false,
      true,
      false,
    ])
    expect([allclose(zeros(0), zeros(0)), allclose(ones(1), ones(2, 3))]).toEqual([true, true])
    expect(() => allclose(ones(2), ones(3))).toThrow('must match the size')
  })
  test('unknown options', () => {
    expect(() => allclose(x, x, { tol: 1 } as never)).toThrow("expected options among rtol, atol, equalNan, got unknown option 'tol'")
  })
})

test('isNonzero is for one element', () => {
  expect([isNonzero(tensor([[2]])), tensor(0).isNonzero(), isNonzero(tensor(NaN)), isNonzero(tensor(true)), isNonzero(tensor(-0))]).toEqual(
    [true, false, true, true, false],
  )
  expect(() => isNonzero(ones(2))).toThrow('[tensor] isNonzero: Boolean value of Tensor with more than one value is ambiguous')
  expect(() => zeros(0).isNonzero()).toThrow('[tensor] isNonzero: Boolean value of Tensor with no values is ambiguous')
})

test('names that PyTorch has, too', () => {
  const x = tensor([1, 2])
  expect(concat([x, x], 0).tolist()).toEqual([1, 2, 1, 2])
  expect(detach(x).tolist()).toEqual([1, 2])
  expect([concat, detach]).toEqual([cat, stopGradient])
})
