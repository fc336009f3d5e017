import {
  type Tensor,
  exp,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jvp,
  linearize,
  matmul,
  mul,
  sin,
  stack,
  sum,
  tanh,
  tensor,
  vjp,
  vmap,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'

let state = 7
const uniform = (): number => ((state = (state * 16807) % 2147483647) / 2147483647) * 2 - 1
const random = (...shape: number[]): Tensor =>
  tensor(Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, uniform)).reshape(shape)
const numbers = (x: Tensor): number[] => Array.from(x.dataSync() as Float64Array)
function distance(x: Tensor, y: Tensor): number {
  expect(x.shape).toEqual(y.shape)
  const b = numbers(y)
  return Math.max(0, ...numbers(x).map((v, i) => Math.abs(v - b[i]!)))
}

type F = (x: Tensor) => Tensor
/** Neither square nor symmetric: [3] → [2], a fixed random function with every derivative non-zero. */
const W = random(4, 3)
const V = random(2, 4)
const base: F = (x) => mul(matmul(V, tanh(matmul(W, x))), exp(sin(matmul(random2(), x))))
const R2 = random(2, 3)
function random2(): Tensor {
  return R2
}

/** How each transform makes a function of one vector into another, and the same by differences or a loop alone. */
const h = 1e-4
const along = (f: F, x: Tensor, v: Tensor): Tensor => {
  // five-point central difference, error O(h⁴)
  const at = (k: number): Tensor => f(x.add(v.mul(k * h)))
  return at(-2)
    .sub(at(2))
    .add(at(1).sub(at(-1)).mul(8))
    .div(12 * h)
}
const basis = (n: number): Tensor[] =>
  Array.from({ length: n }, (_, i) => tensor(Float64Array.from({ length: n }, (_v, k) => (k === i ? 1 : 0))))
const columns =
  (f: F): F =>
  (x) =>
    stack(
      basis(3).map((e) => along(f, x, e)),
      -1,
    )
const flat =
  (f: F): F =>
  (x) =>
    f(x).reshape([-1])

interface Step {
  readonly name: string
  readonly ours: (f: F) => F
  readonly reference: (f: F) => F
}
const T = random(3)
const steps: readonly Step[] = [
  { name: 'grad', ours: (f) => grad((x) => sum(sin(f(x)))), reference: (f) => columns((x) => sum(sin(f(x)))) },
  { name: 'jvp', ours: (f) => (x) => jvp(f, [x], [T])[1], reference: (f) => (x) => along(f, x, T) },
  {
    name: 'vjp',
    ours: (f) => (x) => {
      const [y, pull] = vjp(f, [x])
      return pull(sin(y))[0]
    },
    // ⟨sin(f(x)), f(·)⟩ differentiated with the cotangent held fixed
    reference: (f) => (x) => {
      const ct = sin(f(x))
      return columns((z) => sum(mul(ct, f(z))))(x)
    },
  },
  { name: 'jacrev', ours: (f) => jacrev(f) as F, reference: columns },
  { name: 'jacfwd', ours: (f) => jacfwd(f) as F, reference: columns },
  { name: 'linearize', ours: (f) => (x) => linearize(f, [x])[1](T), reference: (f) => (x) => along(f, x, T) },
  {
    name: 'vmap',
    ours: (f) => (x) => vmap(f)(stack([x, mul(x, 2), sin(x)])),
    reference: (f) => (x) => stack([f(x), f(mul(x, 2)), f(sin(x))]),
  },
  { name: 'hessian', ours: (f) => hessian((x: Tensor) => sum(f(x))) as F, reference: (f) => columns(columns((x) => sum(f(x)))) },
]

describe('every composition of two transforms', () => {
  const x = random(3)
  for (const outer of steps)
    for (const inner of steps)
      test(`${outer.name} of ${inner.name}`, () => {
        const ours = outer.ours(flat(inner.ours(base)))(x)
        // the inner transform by itself is checked below, so that differences are taken of exact values once
        const expected = outer.reference(flat(inner.ours(base)))(x)
        const size = Math.max(1, ...numbers(expected).map(Math.abs))
        expect(distance(ours, expected) / size).toBeLessThan(outer.name === 'hessian' ? 2e-5 : 2e-8)
      })
})

describe('each transform alone', () => {
  for (const { name, ours, reference } of steps)
    test(name, () => {
      const x = random(3)
      expect(distance(ours(base)(x), reference(base)(x))).toBeLessThan(name === 'hessian' ? 1e-5 : 1e-9)
    })
})

describe('compositions of three', () => {
  const x = random(3)
  const pick = steps.filter(({ name }) => name !== 'hessian')
  for (const a of pick)
    for (const b of pick)
      for (const c of pick)
        test(`${a.name} of ${b.name} of ${c.name}`, () => {
          const inner = flat(b.ours(flat(c.ours(base))))
          const expected = a.reference(inner)(x)
          const size = Math.max(1, ...numbers(expected).map(Math.abs))
          expect(distance(a.ours(inner)(x), expected) / size).toBeLessThan(2e-7)
        })
})
