// Port of TestRandomness (test_vmap.py), the functions that drop elements in place: dropout_, alphaDropout_, featureDropout_,
// featureAlphaDropout_, rrelu_; and the other functions with a trailing underscore that are no methods: celu_, selu_, threshold_.
import {
  type Tensor,
  alphaDropout,
  alphaDropout_,
  celu,
  celu_,
  dropout,
  dropout_,
  featureAlphaDropout,
  featureAlphaDropout_,
  featureDropout,
  featureDropout_,
  grad,
  manualSeed,
  ones,
  rrelu,
  rrelu_,
  selu,
  selu_,
  threshold,
  threshold_,
  vmap,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { expectClose, random } from './harness.ts'
import { ERROR } from './randomness.ts'

type F = (x: Tensor) => Tensor
const drawing: readonly [name: string, inPlace: F, f: F][] = [
  ['dropout_', (x) => dropout_(x, 0.4), (x) => dropout(x, 0.4)],
  ['alphaDropout_', (x) => alphaDropout_(x, { p: 0.4 }), (x) => alphaDropout(x, { p: 0.4 })],
  ['featureDropout_', (x) => featureDropout_(x, 0.4), (x) => featureDropout(x, 0.4)],
  ['featureAlphaDropout_', (x) => featureAlphaDropout_(x, 0.4, true), (x) => featureAlphaDropout(x, 0.4, true)],
  ['rrelu_', (x) => rrelu_(x, 0.1, 0.9, true), (x) => rrelu(x, 0.1, 0.9, true)],
]
const others: readonly [name: string, inPlace: F, f: F][] = [
  ['celu_', (x) => celu_(x, 0.7), (x) => celu(x, 0.7)],
  ['selu_', (x) => selu_(x), (x) => selu(x)],
  ['threshold_', (x) => threshold_(x, 0.1, -3), (x) => threshold(x, 0.1, -3)],
]
const seeded = (f: F): F => {
  return (x) => {
    manualSeed(11)
    return f(x)
  }
}

describe.each([...drawing, ...others])('%s', (_, inPlace, f) => {
  test('is the function, in the tensor that it is given', () => {
    const x = random(6, 9, 5)
    const y = x.clone()
    expect(seeded(inPlace)(y)).toBe(y)
    expect(y.tolist()).toEqual(seeded(f)(x).tolist())
    const part = x.clone()
    seeded(inPlace)(part.transpose(0, 2))
    expect(part.tolist()).toEqual(seeded(f)(x.transpose(0, 2)).transpose(0, 2).tolist())
  })
  test('has its derivative', () => {
    const x = random(6, 9)
    expectClose(grad(seeded((t) => inPlace(t.clone()).sin().sum()))(x), grad(seeded((t) => f(t).sin().sum()))(x))
  })
})

describe.each(drawing)('%s under vmap', (_, inPlace, f) => {
  const x = random(3, 8, 9)
  test('of mapped tensors: each its own draw, or all one', () => {
    expect(() => vmap(inPlace)(x.clone())).toThrow(ERROR)
    for (const randomness of ['different', 'same'] as const) {
      const y = x.clone()
      const got = seeded(vmap(inPlace, { randomness }))(y)
      expect(got.tolist()).toEqual(seeded(vmap(f, { randomness }))(x).tolist())
      // the caller's tensor has it afterwards
      expect(y.tolist()).toEqual(got.tolist())
    }
  })
  test('of a tensor that all examples share', () => {
    const shared = (y: Tensor): F => {
      return (v) => {
        inPlace(y)
        return v
      }
    }
    const y = ones(8, 9).neg()
    expect(() => vmap(shared(y))(x)).toThrow(ERROR)
    expect(() => vmap(shared(y), { randomness: 'different' })(x)).toThrow(
      'Cannot ask for different inplace randomness on an unbatched tensor',
    )
    expect(y.equal(ones(8, 9).neg())).toBe(true)
    seeded(vmap(shared(y), { randomness: 'same' }))(x)
    expect(y.tolist()).toEqual(seeded(f)(ones(8, 9).neg()).tolist())
  })
  test('that draws nothing needs no randomness', () => {
    const y = vmap((v: Tensor) => dropout_(v.clone(), 0))(x)
    expect(y.equal(x)).toBe(true)
    expect(vmap((v: Tensor) => alphaDropout_(v.clone(), 0.5, false))(x).equal(x)).toBe(true)
  })
})
