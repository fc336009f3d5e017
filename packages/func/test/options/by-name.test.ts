// Parameters may be given by name behind any prefix of the positional ones, also where functions are made of others.
import {
  type Tensor,
  atleast1d,
  autograd,
  bilinear,
  distributions,
  exponential,
  full,
  fullLike,
  grad,
  gradAndValue,
  gumbel,
  hessian,
  hsplit,
  jacfwd,
  jacrev,
  key,
  mul,
  newFull,
  ones,
  pow,
  randintLike,
  randn,
  slice,
  sum,
  tensor,
  zeros,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'

const numbers = (x: Tensor): unknown => x.tolist()
const cubes = (x: Tensor): Tensor => sum(mul(mul(x, x), x))

describe('creation', () => {
  test('sizes and fill values', () => {
    expect(zeros({ size: [2, 1], dtype: 'int32' })).toMatchObject({ shape: [2, 1], dtype: 'int32' })
    expect(ones({ size: 3 }).shape).toEqual([3])
    expect(numbers(full({ size: [2], fillValue: 7 }))).toEqual([7, 7])
    expect(numbers(full(2, { fillValue: true }))).toEqual([true, true])
    expect(numbers(fullLike(ones(1), { fillValue: 2 }))).toEqual([2])
    expect(numbers(newFull(ones(1), [2], { fillValue: 3 }))).toEqual([3, 3])
    expect(numbers(ones(1).newFull({ size: 2, fillValue: 4 }))).toEqual([4, 4])
    expect(() => full([2], { fillValue: 1, size: [2] } as never)).toThrow('[tensor] full: expected size once')
    expect(() => zeros({ sizes: [2] } as never)).toThrow("unknown option 'sizes'")
  })
  test('draws', () => {
    const x = ones(5)
    const k = key(3)
    expect(numbers(exponential(x, { rate: 2, key: k }))).toEqual(numbers(exponential(x, 2, { key: k })))
    expect(numbers(gumbel(x, { key: k }))).toEqual(numbers(gumbel(x, { key: k })))
    expect(numbers(randintLike(x, { low: 4, high: 5 }))).toEqual([4, 4, 4, 4, 4])
    expect(numbers(randintLike(x, { high: 1 }))).toEqual([0, 0, 0, 0, 0])
  })
})

describe('functions and methods', () => {
  test('splits, slices, sizes, products', () => {
    const x = randn(2, 4)
    expect(hsplit(x, { indicesOrSections: 2 }).map((y) => y.shape)).toEqual([
      [2, 2],
      [2, 2],
    ])
    expect(x.hsplit({ indicesOrSections: [1] }).map((y) => y.shape)).toEqual([
      [2, 1],
      [2, 3],
    ])
    expect(numbers(tensor([0, 1, 2, 3, 4]).at(slice({ start: 1, step: 2 })))).toEqual([1, 3])
    expect(x.size({ dim: 1 })).toBe(4)
    expect(numbers(tensor([2, 3]).pow({ exponent: 2 }))).toEqual([4, 9])
    expect(() => pow(x, { exponents: 2 } as never)).toThrow("[tensor] pow: expected options among exponent, got unknown option 'exponents'")
    expect(() => x.reshape(...([[8], { shape: [8] }] as never))).toThrow('[tensor] reshape: expected shape once')
    const [a, b, w, bias] = [ones(1, 2), ones(1, 3), ones(1, 2, 3), ones(1)]
    expect(numbers(bilinear(a, b, w, { bias }))).toEqual(numbers(bilinear(a, b, w, bias)))
    expect(() => (atleast1d as (...args: unknown[]) => unknown)([x, x], {}, 1)).toThrow('expected no further arguments')
  })
  test('conversions', () => {
    const x = ones(2)
    expect(x.to('cpu', { dtype: 'float64' }).dtype).toBe('float64')
    expect(x.to('float64', { device: 'cpu' }).dtype).toBe('float64')
    expect(x.to('float32') === x).toBe(true)
    expect(x.to('float32', { copy: true }) === x).toBe(false)
    expect(x.to('cpu', 'float64', true, true).dtype).toBe('float64')
    expect(() => x.to('float64', 'cpu' as never)).toThrow('[tensor] to: expected nonBlocking to be a boolean, got "cpu"')
  })
})

describe('transforms', () => {
  const x = tensor([1, 2])
  const withAux = (y: Tensor): [Tensor, Tensor] => [cubes(y), y.mul(2)]
  test('argnums by position, the rest by name', () => {
    const [g, aux] = grad(withAux, 0, { hasAux: true })(x)
    expect([numbers(g), numbers(aux)]).toEqual([
      [3, 12],
      [2, 4],
    ])
    expect(numbers(gradAndValue(withAux, 0, { hasAux: true })(x)[0])).toEqual([3, 12])
    expect(numbers(jacrev(cubes, 0, { chunkSize: 1 })(x))).toEqual([3, 12])
    expect(numbers(jacfwd(withAux, 0, { hasAux: true })(x)[0])).toEqual([3, 12])
    expect(numbers(hessian(cubes, 0, { chunkSize: 1 })(x))).toEqual([
      [6, 0],
      [0, 12],
    ])
    expect(() => grad(cubes, 0, { argnums: 0 } as never)).toThrow('[autodiff] grad: expected argnums once')
    expect(() => jacrev(cubes, 0, { hasaux: true } as never)).toThrow(
      "[func] jacrev: expected options among argnums, hasAux, chunkSize, mode, got unknown option 'hasaux'",
    )
  })
  test('autograd', () => {
    const w = tensor([1, 2], { requiresGrad: true })
    const [g] = autograd.grad(cubes(w), w, { createGraph: true })
    expect(numbers(autograd.grad(sum(g), w)[0])).toEqual([6, 12])
    expect(numbers(autograd.grad(w.mul(w), w, { gradOutputs: ones(2) })[0])).toEqual([2, 4])
    const y = w.mul(w)
    y.backward({ gradient: ones(2), retainGraph: true })
    autograd.backward(y, { gradTensors: ones(2) })
    expect(numbers(w.grad!)).toEqual([4, 8])
    expect(() => y.backward(ones(2), { retaingraph: true } as never)).toThrow("unknown option 'retaingraph'")
    expect(numbers(autograd.functional.vjp(cubes, x, { strict: true })[1])).toEqual([3, 12])
    expect(numbers(autograd.functional.hvp(cubes, x, { v: ones(2) })[1])).toEqual([6, 12])
  })
})

test('distributions', () => {
  const { Binomial, Independent, Multinomial, Normal, StudentT } = distributions
  expect(numbers(new Normal({ loc: 1, scale: 2 }).mean)).toBe(1)
  expect(numbers(new Normal(1, { scale: 2, validateArgs: false }).stddev)).toBe(2)
  expect(numbers(new StudentT(3, { scale: 2 }).mean)).toBe(0)
  expect(numbers(new Binomial({ totalCount: 4, probs: 0.5 }).mean)).toBe(2)
  expect(numbers(new Multinomial(4, { probs: tensor([0.5, 0.5]) }).mean)).toEqual([2, 2])
  expect(new Independent(new Normal(ones(3), 1), { reinterpretedBatchNdims: 1 }).eventShape).toEqual([3])
  expect(() => new Normal(0, 1, { validate: false } as never)).toThrow(
    "[tensor] Normal: expected options among loc, scale, validateArgs, got unknown option 'validate'",
  )
  expect(() => new Normal(0, { loc: 1, scale: 1 } as never)).toThrow('[tensor] Normal: expected loc once')
  expect(() => new Normal(0 as never, undefined as never)).toThrow(
    '[tensor] Normal: expected scale to be a number or a Tensor, got undefined',
  )
})
