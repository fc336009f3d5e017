// Functions whose derivative is zero wherever it exists: outside of transforms their results require a gradient, which is zeros, as in PyTorch 2.13.
import {
  type Tensor,
  argmax,
  autograd,
  ceil,
  div,
  floor,
  floorDivide,
  grad,
  gt,
  heaviside,
  isnan,
  jvp,
  mul,
  onesLike,
  round,
  sign,
  tensor,
  trunc,
  zerosLike,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'

const leaf = (): Tensor => tensor([1.5, -2.3, 0], { requiresGrad: true })
const two = tensor([2, 2, 2])
const steps: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  sign,
  floor,
  ceil,
  round: (x) => round(x),
  'round to one decimal': (x) => round(x, { decimals: 1 }),
  trunc,
  'div to the floor': (x) => div(x, two, { roundingMode: 'floor' }),
  'div to zero': (x) => div(x, two, { roundingMode: 'trunc' }),
  floorDivide: (x) => floorDivide(x, two),
  heaviside: (x) => heaviside(x, two),
}

describe.each(Object.entries(steps))('%s', (_, f) => {
  test('gives zeros', () => {
    const x = leaf()
    const y = f(x)
    expect([y.requiresGrad, y.isLeaf, y.gradFn === null]).toEqual([true, false, false])
    expect(autograd.grad(y.sum(), x, null, { retainGraph: true })[0].tolist()).toEqual([0, 0, 0])
    y.sum().backward()
    expect(x.grad!.tolist()).toEqual([0, 0, 0])
  })
  test('adds nothing to a gradient, once or twice', () => {
    const x = leaf()
    const [g] = autograd.grad(mul(f(x), x).sum(), x, null, { createGraph: true })
    expect(g.tolist()).toEqual(f(x).tolist())
    expect(autograd.grad(g.sum(), x)[0].tolist()).toEqual([0, 0, 0])
  })
  test('is a constant for transforms', () => {
    const x = tensor([1.5, -2.3, 0])
    expect(grad((x: Tensor) => f(x).sum())(x).tolist()).toEqual([0, 0, 0])
    expect(() => jvp(f, [x], [x], { strict: true })).toThrow('independent of the inputs')
    const w = leaf()
    expect(grad((x: Tensor) => mul(f(x), w).sum())(x).tolist()).toEqual([0, 0, 0])
  })
})

test('what is no number, or only as large as x, requires none', () => {
  const x = leaf()
  for (const y of [argmax(x), gt(x, 0), isnan(x), zerosLike(x), onesLike(x), floor(x.detach())]) expect(y.requiresGrad).toBe(false)
})
