import { type Tensor, add, hessian, jacfwd, jacobian, jacrev, makeFx, matmul, mul, sin, square, sum } from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { type F, distance, random } from './rules.ts'

const spread = (x: Tensor): Tensor => mul(sin(x).unsqueeze(1), x).reshape([-1])
const cases: readonly (readonly [string, F])[] = [
  ['hessian', hessian((x: Tensor) => square(sum(sin(x))))],
  ['jacrev that picks', jacrev((x: Tensor) => spread(x), { mode: 'auto' })],
  ['jacfwd that picks', jacfwd((x: Tensor) => sum(square(x)), { mode: 'auto' })],
  ['jacobian', (x) => jacobian((x: Tensor) => add(x, sum(x)), x)],
]

describe.each(cases)('a graph of %s', (_, f) => {
  test('for all sizes decides nothing by the size at hand', () => {
    const graph = makeFx(f, { tracingMode: 'symbolic' })(random(3))
    for (const n of [2, 3, 9, 40]) {
      const x = random(n)
      expect(distance(graph(x) as Tensor, f(x))).toBeLessThan(1e-13)
    }
  })
  test('for one size has the mode that the size asks for', () => {
    for (const n of [3, 40]) {
      const graph = makeFx(f)(random(n))
      const x = random(n)
      expect(distance(graph(x) as Tensor, f(x))).toBe(0)
    }
  })
})

test('by columns there are fewer numbers in a graph than by rows', () => {
  const most = (f: F): number =>
    Math.max(...makeFx(f)(random(3)).graph.nodes.map(({ aval }) => aval?.shape.reduce((a, b) => a * b, 1) ?? 0))
  const w = random(90, 3)
  const f: F = (x) => sin(matmul(w, x))
  expect(most(jacrev(f, { mode: 'auto' }))).toBeLessThan(most(jacrev(f)) / 10)
})
