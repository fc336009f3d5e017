import { grad, hessian } from '@mapgrad/func'
import { type GraphModule, graphFromJSON, makeFx } from '@mapgrad/graph'
import { type Tensor, chainMatmul, cumprod, einsum, linalg, logcumsumexp, prod, tensor, tensordot } from '@mapgrad/tensor'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { opsOf, random } from './support.ts'

// Derivatives of running products, and products of several matrices, traced once for all sizes and run at others.

interface Case {
  readonly f: string
  readonly shape: readonly number[]
  readonly wShape: readonly number[]
  readonly x: readonly number[]
  readonly v: readonly number[]
  readonly w: readonly number[]
  readonly grad: readonly number[]
  readonly second: readonly number[]
}
const cases = JSON.parse(readFileSync(new URL('./symbolic-products.json', import.meta.url), 'utf8')) as Case[]
const functions: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  prod: (x) => prod(x, 1),
  'prod of all': (x) => prod(x),
  cumprod: (x) => cumprod(x, 1),
  'cumprod of rows': (x) => cumprod(x, 0),
  logcumsumexp: (x) => logcumsumexp(x, 1),
}
const double = (data: readonly number[], shape: readonly number[]): Tensor => tensor([...data], { dtype: 'float64' }).reshape([...shape])
const close = (y: Tensor, want: readonly number[], digits: number): void => {
  const got = y.flatten().tolist() as number[]
  expect(got.length).toBe(want.length)
  got.forEach((v, i) => expect(v).toBeCloseTo(want[i]!, digits))
}

test.each(Object.entries(functions))('gradient and second derivative of %s are one graph for all sizes', (name, f) => {
  const slope = (x: Tensor, w: Tensor): Tensor => grad((t: Tensor) => f(t).mul(w).sum())(x)
  const second = (x: Tensor, w: Tensor, v: Tensor): Tensor => grad((t: Tensor) => slope(t, w).mul(v).sum())(x)
  const [x, options] = [random(4, 6).double(), { tracingMode: 'symbolic' as const }]
  const w = f(x)
  const first = makeFx(slope, options)(x, w)
  const both = makeFx(second, options)(x, w, random(4, 6).double())
  first.graph.lint()
  both.graph.lint()
  const read = graphFromJSON(JSON.stringify(both))
  let count = 0
  for (const c of cases.filter((k) => k.f === name)) {
    const [xs, ws, vs] = [double(c.x, c.shape), double(c.w, c.wShape), double(c.v, c.shape)]
    close(first(xs, ws), c.grad, 10)
    close(both(xs, ws, vs), c.second, 5)
    expect((read(xs, ws, vs) as Tensor).tolist()).toEqual(both(xs, ws, vs).tolist())
    count++
  }
  expect(count).toBeGreaterThan(10)
})

test('the gradient of a running product is no longer where there are more elements', () => {
  const g = makeFx(grad((x: Tensor) => cumprod(x, 0).sum()))
  expect(opsOf(g(random(100)).graph)).toBe(opsOf(g(random(3)).graph))
  expect(opsOf(g(random(3)).graph).split(' ')).toContain('recurrence')
})

test('third derivatives are those of central differences', () => {
  const f = (x: Tensor): Tensor => cumprod(x, 0).mul(logcumsumexp(x, 0)).sum().add(prod(x))
  const x = tensor([0.4, 0, -1.3, 0.9, 0], { dtype: 'float64' })
  const h = hessian(f)
  const third = grad((t: Tensor) => (h(t) as Tensor).sum())(x).tolist() as number[]
  third.forEach((value, i) => {
    const at = (e: number): number => {
      const shifted = x.clone()
      shifted.set(i, Number(x.at(i)) + e)
      return (h(shifted) as Tensor).sum().item() as number
    }
    expect(value).toBeCloseTo((at(1e-5) - at(-1e-5)) / 2e-5, 5)
  })
})

test('products of several matrices keep the order that was best at the sizes traced, and are right at all others', () => {
  type F = (...xs: Tensor[]) => Tensor
  const programs: readonly (readonly [name: string, f: F, shapes: (n: readonly number[]) => number[][]])[] = [
    [
      'chainMatmul',
      (...xs) => chainMatmul(...xs),
      ([a, b, c, d]) => [
        [a!, b!],
        [b!, c!],
        [c!, d!],
      ],
    ],
    ['linalg.multiDot', (...xs) => linalg.multiDot(xs), ([a, b, c, d]) => [[a!], [a!, b!], [b!, c!], [c!, d!]]],
    [
      'einsum',
      (x, y, z) => einsum('ab,bc,cd->ad', x!, y!, z!),
      ([a, b, c, d]) => [
        [a!, b!],
        [b!, c!],
        [c!, d!],
      ],
    ],
    [
      'einsum of two',
      (x, y) => einsum('abc,dcb->ad', x!, y!),
      ([a, b, c, d]) => [
        [a!, b!, c!],
        [d!, c!, b!],
      ],
    ],
    [
      'tensordot',
      (x, y) =>
        tensordot(x!, y!, [
          [1, 2],
          [2, 1],
        ]),
      ([a, b, c, d]) => [
        [a!, b!, c!],
        [d!, c!, b!],
      ],
    ],
  ]
  for (const [name, f, shapes] of programs) {
    const at = (n: readonly number[]): Tensor[] => shapes(n).map((s) => random(...s).double())
    const g = (...xs: Tensor[]): Tensor =>
      grad((x: Tensor) =>
        f(x, ...xs.slice(1))
          .square()
          .sum(),
      )(xs[0]!)
    const [traced, slope] = [f, g].map((h) => makeFx(h, { tracingMode: 'symbolic' })(...at([3, 7, 4, 5])) as GraphModule<Tensor[], Tensor>)
    for (const n of [
      [3, 7, 4, 5],
      [11, 2, 9, 3],
      [2, 9, 1, 8],
      [1, 1, 1, 1],
      [5, 0, 3, 4],
      [0, 2, 3, 4],
    ]) {
      const xs = at(n)
      for (const [graph, h] of [
        [traced!, f],
        [slope!, g],
      ] as const) {
        const [got, want] = [graph(...xs), h(...xs)]
        expect([name, n, got.shape]).toEqual([name, n, want.shape])
        close(got, want.flatten().tolist() as number[], 9)
      }
    }
  }
})
