import { type Tensor, autograd, exp, grad, hessian, hvp, jacobian, jacrev, mul, outer, sin, square, sum, vhp } from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { distance, f64, raised, random } from './rules.ts'

const { functional } = autograd
const text = (f: () => unknown): string => raised(f).message
const [x, y] = [random(2), random(3)]

describe('autograd.functional.jacobian', () => {
  const f = (x: Tensor, y: Tensor): [Tensor, Tensor] => [sin(outer(x, y)), mul(sum(square(x)), exp(y))]
  test.each(['reverse-mode', 'forward-mode'] as const)('of several outputs by several inputs, %s', (strategy) => {
    const J = jacobian(f, [x, y] as const, { strategy, vectorize: true })
    expect(J.map((row) => row.map((j) => j.shape))).toEqual([
      [
        [2, 3, 2],
        [2, 3, 3],
      ],
      [
        [3, 2],
        [3, 3],
      ],
    ])
    for (const i of [0, 1] as const)
      for (const j of [0, 1] as const) expect(distance(J[i][j], jacrev((x: Tensor, y: Tensor) => f(x, y)[i], j)(x, y))).toBeLessThan(1e-15)
  })
  test('in the form of inputs and outputs; the name at the top is the same', () => {
    expect(
      distance(
        jacobian((x: Tensor) => sin(x), x),
        jacrev((x: Tensor) => sin(x))(x),
      ),
    ).toBe(0)
    expect(jacobian((x: Tensor) => [sin(x)] as const, x)).toHaveLength(1)
    expect(functional.jacobian).toBe(jacobian)
    expect([functional.hvp, functional.vhp]).toEqual([hvp, vhp])
  })
  test('is differentiable', () => {
    expect(distance(grad((x: Tensor) => sum(jacobian((y: Tensor) => mul(square(y), y), x)))(x), mul(x, 6))).toBeLessThan(1e-14)
  })
  test('strict mode', () => {
    expect(text(() => jacobian((x: Tensor, y: Tensor) => [mul(sum(x), y), sin(x)] as const, [x, y] as const, { strict: true }))).toContain(
      'Output 1 of the user-provided function is independent of input 1. This is not allowed in strict mode.',
    )
    expect(text(() => jacobian(() => f64([1]), x, { strict: true }))).toContain(
      'Output 0 of the user-provided function does not require gradients. The outputs must be computed in a differentiable manner from the input when running in strict mode.',
    )
    expect(jacobian(() => f64([1]), x).tolist()).toEqual([[0, 0]])
    expect(text(() => jacobian(sin, x, { strict: true, vectorize: true }))).toContain(
      '`strict=True` and `vectorized=True` are not supported together',
    )
    expect(text(() => jacobian(sin, x, { strict: true, strategy: 'forward-mode' }))).toContain(
      '`strict=True` and `strategy="forward-mode"` are not supported together',
    )
    expect(text(() => jacobian(sin, x, { strategy: 'both' as never }))).toContain(
      'Expected strategy to be either "forward-mode" or "reverse-mode". Hint:',
    )
  })
})

describe('autograd.functional.hessian', () => {
  const f = (x: Tensor, y: Tensor): Tensor => mul(sum(sin(x)), sum(exp(y)))
  test.each(['reverse-mode', 'forward-mode'] as const)('by one input and by several, %s', (outerJacobianStrategy) => {
    const H = functional.hessian(f, [x, y] as const, { outerJacobianStrategy })
    const want = hessian(f, [0, 1])(x, y) as unknown as Tensor[][]
    for (const i of [0, 1] as const) for (const j of [0, 1] as const) expect(distance(H[i]![j], want[i]![j]!)).toBeLessThan(1e-14)
    expect(
      distance(
        functional.hessian((x: Tensor) => sum(mul(square(x), x)), x, { outerJacobianStrategy }),
        mul(x, 6).diag(),
      ),
    ).toBeLessThan(1e-14)
  })
  test('what is wrong is named', () => {
    expect(text(() => functional.hessian(sin, x))).toContain(
      'The Tensor returned by the function given to hessian should contain a single element',
    )
    expect(text(() => functional.hessian((x: Tensor) => [sum(x)] as never, x))).toContain(
      'The function given to hessian should return a single Tensor',
    )
    expect(text(() => functional.hessian((x: Tensor) => sum(mul(x, 2)), x, { strict: true }))).toContain(
      'While computing the hessian, found that the jacobian of the user-provided function with respect to input 0 is independent of the input.',
    )
  })
})
