// torch.autograd.functional: what it gives and refuses, text by text; its numbers are in jac-reference.test.ts.
// Other than upstream: forward mode needs no `vectorize` and may be differentiated; `createGraph` changes nothing, since every result can be
// differentiated; a vector of another dtype is refused instead of converted.
import { type Tensor, autograd, cos, exp, grad, hvp, jacobian, mul, sin, square, sum, tensor, vhp, zeros } from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { along, f64, raised, random } from '../rules.ts'
import { differences, plain, same, shapes } from './derivatives.ts'

const { functional } = autograd
type Name = 'vjp' | 'jvp' | 'vhp' | 'hvp' | 'jacobian' | 'hessian'
type Loose = (f: unknown, inputs: unknown, v?: unknown, options?: unknown) => unknown
/** All of them with one signature: those without a vector leave it out. */
const call = (name: Name, f: unknown, inputs: unknown, v?: unknown, options: object = {}): unknown => {
  const g = functional[name] as unknown as Loose
  return name === 'jacobian' || name === 'hessian' ? g(f, inputs, options) : g(f, inputs, v, options)
}
const names: readonly Name[] = ['vjp', 'jvp', 'vhp', 'hvp', 'jacobian', 'hessian']
const withVector: readonly Name[] = ['vjp', 'jvp', 'vhp', 'hvp']
const second: readonly Name[] = ['vhp', 'hvp', 'hessian']
const text = (f: () => unknown): string => raised(f).message
const [x, y] = [random(3), random(2)]
const scalar = (x: Tensor): Tensor => square(x).sum()
const pairs = (x: Tensor, y: Tensor): Tensor => square(x).sum().mul(exp(y).sum())

describe('the vectors', () => {
  test('vjp: an output, and a cotangent in the form of the inputs', () => {
    const v = random(3)
    same(functional.vjp(sin, x, v), [sin(x), mul(v, cos(x))], 1e-15)
    same(
      functional.vjp((x: Tensor, y: Tensor) => [sum(x), mul(y, y)] as const, [x, y] as const, [f64(2), y]),
      [
        [sum(x), mul(y, y)],
        [f64([2, 2, 2]), mul(y, y).mul(2)],
      ],
    )
    same(functional.vjp(scalar, x), [scalar(x), mul(x, 2)], 1e-15)
    same(functional.vjp((x: Tensor) => scalar(x).reshape([1, 1]), x)[1], mul(x, 2), 1e-15)
    same(functional.vjp((x: Tensor) => sum(x).int(), x)[1], zeros(3, { dtype: 'float64' }), 0)
  })
  test('jvp: an output, and a tangent in its form', () => {
    const v = random(3)
    same(functional.jvp(sin, x, v), [sin(x), mul(v, cos(x))], 1e-15)
    same(
      functional.jvp((x: Tensor, y: Tensor) => [sum(x), mul(y, y)] as const, [x, y] as const, [v, y])[1],
      [sum(v), mul(y, y).mul(2)],
      1e-15,
    )
    const one = random(1)
    same(functional.jvp(scalar, one), [scalar(one), mul(one, 2).reshape([])], 1e-15)
  })
  test('hvp and vhp: the product with the Hessian, of one input and of several', () => {
    const [v, w] = [random(3), random(2)]
    const gradients = grad((x: Tensor, y: Tensor) => pairs(x, y), [0, 1])
    const expected = [0, 1].map((i) => along((s) => gradients(x.add(v.mul(s)), y.add(w.mul(s)))[i]!, f64(0), f64(1)))
    for (const product of [hvp, vhp]) {
      const [value, result] = product(pairs as never, [x, y], [v, w])
      same(value, pairs(x, y), 1e-15)
      same(result, expected, 1e-9)
      same(product(scalar, x, v)[1], mul(v, 2), 1e-15)
      same(product(scalar, x.at(0))[1], f64(2), 1e-15)
    }
  })
  test('zeros where nothing depends, unless strict', () => {
    for (const name of names) {
      const v = name === 'vjp' ? undefined : name === 'jvp' || second.includes(name) ? [x, y] : undefined
      const out = call(name, (_x: Tensor, _y: Tensor) => f64(1), [x, y], v) as unknown[]
      const result = withVector.includes(name) ? out[1] : out
      expect(JSON.stringify(plain(result)).replace(/[[\],.0-]/g, '')).toBe('')
    }
  })
  test('one tensor stands for an array of one', () => {
    same(functional.vjp(sin as never, x, [x] as never)[1], mul(x, cos(x)), 1e-15)
    same(functional.jvp(sin, x, [x] as never)[1], mul(x, cos(x)), 1e-15)
    same(hvp(scalar, x, [x] as never)[1], mul(x, 2), 1e-15)
    expect(shapes(jacobian(sin, [x] as const))).toEqual(['3×3'])
    expect(shapes(functional.hessian(scalar, [x] as const))).toEqual([['3×3']])
  })
  test('results can be differentiated', () => {
    same(
      grad((x: Tensor) => sum(functional.vjp(sin, x, x)[1]))(x),
      differences((x) => mul(x, cos(x)).sum(), x),
      1e-9,
    )
    same(grad((x: Tensor) => sum(jacobian(sin, x)))(x), sin(x).neg(), 1e-14)
    same(
      grad((x: Tensor) => sum(hvp((x: Tensor) => sin(x).sum(), x, x)[1]))(x),
      differences((x) => mul(x, sin(x)).neg().sum(), x),
      1e-9,
    )
  })
})

describe('texts', () => {
  const of = (name: Name): ((x: Tensor) => unknown) => (second.includes(name) ? scalar : (x: Tensor) => x)
  const ofTwo = (name: Name): unknown => (second.includes(name) ? pairs : (x: Tensor, y: Tensor) => [x, y])
  describe.each(names)('%s', (name) => {
    test('inputs', () => {
      expect(text(() => call(name, sin, 2.5))).toContain(
        `The inputs given to ${name} must be either a Tensor or a tuple of Tensors but the given inputs has type number.`,
      )
      expect(text(() => call(name, sin, [x, 3]))).toContain(
        `The inputs given to ${name} must be either a Tensor or a tuple of Tensors but the value at index 1 has type number.`,
      )
      expect(text(() => call(name, sin, tensor([1, 2], { dtype: 'int32' })))).toContain(
        'only Tensors of floating point dtype can require gradients',
      )
    })
    test('outputs', () => {
      const one = x.at(0)
      expect(text(() => call(name, () => 1, one))).toContain(
        `The outputs of the user-provided function given to ${name} must be either a Tensor or a tuple of Tensors but the given outputs of the user-provided function has type number.`,
      )
      expect(text(() => call(name, (x: Tensor) => [x, 1], one))).toContain(
        `The outputs of the user-provided function given to ${name} must be either a Tensor or a tuple of Tensors but the value at index 1 has type number.`,
      )
    })
    test('options', () => {
      expect(text(() => call(name, scalar, x.at(0), undefined, { create: true }))).toContain("got unknown option 'create'")
    })
  })
  describe.each(second)('%s', (name) => {
    test('a function of one element', () => {
      const one = x.at(0)
      expect(text(() => call(name, (x: Tensor) => x.expand([2]), one))).toContain(
        `The Tensor returned by the function given to ${name} should contain a single element`,
      )
      expect(text(() => call(name, (x: Tensor) => [x, x], one))).toContain(`The function given to ${name} should return a single Tensor`)
    })
    test('strict: what depends on nothing, not on one input, or is linear', () => {
      const strict = (f: unknown): string => text(() => call(name, f, [x, y], [x, y], { strict: true }))
      expect(strict((_x: Tensor, _y: Tensor) => f64(1))).toContain(
        'Output 0 of the user-provided function does not require gradients. The outputs must be computed in a differentiable manner from the input when running in strict mode.',
      )
      const independent = (i: number): string =>
        `While computing the hessian, found that the jacobian of the user-provided function with respect to input ${i} is independent of the input. This is not allowed in strict mode. You should ensure that your function is twice differentiable and that the jacobian depends on the inputs (this would be violated by a linear function for example).`
      expect(strict((x: Tensor, _y: Tensor) => scalar(x))).toContain(
        name === 'hessian'
          ? independent(1)
          : 'The output of the user-provided function is independent of input 1. This is not allowed in strict mode.',
      )
      expect(strict((x: Tensor, y: Tensor) => sum(x).add(sum(y)))).toContain(independent(0))
      expect(strict((x: Tensor, y: Tensor) => scalar(x).add(sum(y)))).toContain(independent(1))
      expect(shapes(call(name, pairs, [x, y], [x, y], { strict: true }))).toBeTruthy()
    })
  })
  describe.each(withVector)('%s', (name) => {
    const like = name === 'vjp' ? 'the user-provided function returns' : 'the input to the user-provided function is'
    test('the vector', () => {
      expect(text(() => call(name, of(name), x))).toContain(
        `The vector v can only be None if ${like} a single Tensor with a single element.`,
      )
      expect(text(() => call(name, of(name), x, 2))).toContain(
        `The v given to ${name} must be either a Tensor or a tuple of Tensors but the given v has type number.`,
      )
      expect(text(() => call(name, of(name), x, [x, 2]))).toContain('but the value at index 1 has type number.')
      expect(text(() => call(name, of(name), x, y))).toContain('v has invalid size: should be [3] but got [2].')
      expect(text(() => call(name, of(name), x, [x, x]))).toContain('The given v should contain a single Tensor.')
      expect(text(() => call(name, ofTwo(name), [x, y], [x]))).toContain('v is a tuple of invalid length: should be 2 but got 1.')
      expect(text(() => call(name, ofTwo(name), [x, y], x))).toContain('v is a tuple of invalid length: should be 2 but got 1.')
      expect(text(() => call(name, ofTwo(name), [x, y], [x, x]))).toContain('Entry 1 in v has invalid size: should be [2] but got [3].')
      expect(text(() => call(name, of(name), x, x.float()))).toContain('expected v of dtype float64, got float32')
    })
  })
  test.each(['vjp', 'jvp'] as const)('strict %s: what depends on nothing, or not on one input', (name) => {
    const strict = (f: unknown): string => text(() => call(name, f, [x, y], name === 'jvp' ? [x, y] : undefined, { strict: true }))
    expect(strict((_x: Tensor, _y: Tensor) => f64(1))).toContain(
      'Output 0 of the user-provided function does not require gradients. The outputs must be computed in a differentiable manner from the input when running in strict mode.',
    )
    expect(strict((x: Tensor, _y: Tensor) => scalar(x))).toContain(
      'The output of the user-provided function is independent of input 1. This is not allowed in strict mode.',
    )
    expect(plain(call(name, sum, x, name === 'jvp' ? x : undefined, { strict: true }))).toBeTruthy()
  })
  test('jacobian: strict, strategies', () => {
    expect(text(() => jacobian((x: Tensor, y: Tensor) => [x, mul(y, 2)] as const, [x, y] as const, { strict: true }))).toContain(
      'Output 0 of the user-provided function is independent of input 1. This is not allowed in strict mode.',
    )
    expect(text(() => jacobian((_x: Tensor) => f64(1), x, { strict: true }))).toContain(
      'Output 0 of the user-provided function does not require gradients.',
    )
    expect(text(() => jacobian(sin, x, { strict: true, vectorize: true }))).toContain(
      'torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not supported together. Please either set `strict=False` or `vectorize=False`.',
    )
    expect(text(() => jacobian(sin, x, { strict: true, strategy: 'forward-mode' }))).toContain(
      'torch.autograd.functional.jacobian: `strict=True` and `strategy="forward-mode"` are not supported together (yet). Please either set `strict=False` or `strategy="reverse-mode"`.',
    )
    expect(text(() => jacobian(sin, x, { strategy: 'foo' as never }))).toContain(
      'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your function has more outputs than inputs, "forward-mode" tends to be more performant. Otherwise, prefer to use "reverse-mode".',
    )
    expect(text(() => functional.hessian(scalar, x, { outerJacobianStrategy: 'foo' as never }))).toContain(
      'Expected strategy to be either "forward-mode" or "reverse-mode".',
    )
  })
})
