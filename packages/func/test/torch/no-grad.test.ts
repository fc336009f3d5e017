// The no_grad and inference_mode cases of TestGradTransform, and the cases of TestJvp that switch forward mode off: here noGrad(f) is a constant
// in every mode alike. with-autograd.test.ts has the cases with requires_grad.
// Left out: the pullback made inside no_grad and differentiated outside (upstream: "a little weird"): what
// noGrad gives is made of constants.
import {
  type Tensor,
  grad,
  gradAndValue,
  hessian,
  inferenceMode,
  jacfwd,
  jacrev,
  jvp,
  linearize,
  matmul,
  mul,
  noGrad,
  ones,
  pow,
  square,
  sub,
  sum,
  vjp,
  vmap,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { f64, numbers, random } from '../rules.ts'
import { plain, same } from './derivatives.ts'

type F = (x: Tensor) => Tensor
const one = (): Tensor => ones([], { dtype: 'float64' })
/** The derivative of a function of one number, by each transform. */
const modes: Readonly<Record<string, (f: F) => F>> = {
  grad: (f) => grad(f),
  vjp: (f) => (x) => vjp(f, [x])[1](one())[0],
  jvp: (f) => (x) => jvp(f, [x], [one()])[1],
  linearize: (f) => (x) => linearize(f, [x])[1](one()),
  jacrev: (f) => jacrev(f) as F,
  jacfwd: (f) => jacfwd(f) as F,
}
const names = Object.keys(modes)
const pairs = names.flatMap((a) => names.map((b) => [a, b] as const))

const cube = (x: Tensor): Tensor => pow(x, 3)
const shifted = (x: Tensor): Tensor => sub(cube(x), noGrad(cube)(x))

/** A function of one number, and its first and second derivative where what noGrad gives is constant. */
const functions: readonly [string, F, (x: number) => number, (x: number) => number][] = [
  ['x² − noGrad(x²)', (x) => sub(square(x), noGrad(square)(x)), (x) => 2 * x, () => 2],
  ['x − noGrad(x²)', (x) => sub(x, noGrad(square)(x)), () => 1, () => 0],
  ['x · noGrad of a closure over x', (x) => mul(x, noGrad(() => square(x))()), (x) => x * x, () => 0],
  [
    'x³ less a gradient that is taken inside',
    (x) => sub(cube(x), noGrad(grad((y: Tensor) => pow(y, 4).mul(0.25)))(x)),
    (x) => 3 * x * x,
    (x) => 6 * x,
  ],
  [
    'x³ less a value that comes with a gradient',
    (x) => sub(cube(x), noGrad((y: Tensor) => gradAndValue(cube)(y))(x)[1]),
    (x) => 3 * x * x,
    (x) => 6 * x,
  ],
  [
    'x³ less a tangent that is taken inside',
    (x) => sub(cube(x), noGrad((y: Tensor) => jvp(cube, [y], [y]))(x)[1]),
    (x) => 3 * x * x,
    (x) => 6 * x,
  ],
  [
    'x³ less a Hessian that is taken inside',
    (x) => sub(cube(x), noGrad((y: Tensor) => hessian(cube)(y))(x)),
    (x) => 3 * x * x,
    (x) => 6 * x,
  ],
  ['a gradient outside less the same inside', (x) => sub(grad(shifted)(x), noGrad(grad(shifted))(x)), (x) => 6 * x, () => 6],
  ['noGrad in noGrad', (x) => mul(x, noGrad((y: Tensor) => mul(y, noGrad(square)(y)))(x)), (x) => x ** 3, () => 0],
]

describe.each(functions)('%s', (_, f, first, second) => {
  const x = random()
  const at = x.item() as number
  test.each(names)('by %s', (name) => {
    expect(modes[name]!(f)(x).item()).toBeCloseTo(first(at), 13)
  })
  test.each(pairs)('by %s of %s', (outer, inner) => {
    expect(modes[outer]!(modes[inner]!(f))(x).item()).toBeCloseTo(second(at), 12)
  })
  test('of each of a batch, by both modes', () => {
    const xs = random(5)
    const expected = f64(numbers(xs).map(first))
    same(vmap(modes['grad']!(f))(xs), expected)
    same(vmap(modes['jvp']!(f))(xs), expected)
    same(grad((xs: Tensor) => vmap(f)(xs).sum())(xs), expected)
  })
})

describe('noGrad around', () => {
  const x = random()
  test.each(names)('%s changes nothing', (name) => {
    same(noGrad(modes[name]!(cube))(x), mul(square(x), 3))
    same(noGrad(modes[name]!(shifted))(x), mul(square(x), 3))
  })
  test('vjp, a pullback, or both changes nothing', () => {
    const expected = mul(x, 2)
    const both = noGrad((x: Tensor) => vjp(square, [x])[1](one())[0])(x)
    const [, pull] = vjp(square, [x])
    const pulled = noGrad(() => pull(one())[0])()
    let later: Tensor | undefined
    noGrad(() => {
      const [, inside] = vjp(square, [x])
      later = inside(one())[0]
      return later
    })()
    for (const got of [both, pulled, later]) same(got, expected, 0)
  })
  test('vmap of grad, grad of vmap, jacrev of grad', () => {
    const xs = random(5, 3)
    const f = (x: Tensor): Tensor => square(x).sum()
    same(noGrad(vmap(grad(f)))(xs), mul(xs, 2), 0)
    same(noGrad(grad((x: Tensor) => vmap(f)(x).sum()))(xs), mul(xs, 2), 0)
    same(
      noGrad(jacrev(grad(f)))(random(3)),
      f64([
        [2, 0, 0],
        [0, 2, 0],
        [0, 0, 2],
      ]),
      0,
    )
  })
})

describe('the pullback and the linear map', () => {
  test('of a function with noGrad inside, called outside of it and differentiated by what they are given', () => {
    const x = random(3)
    const f = (x: Tensor): Tensor => mul(x, noGrad(square)(x))
    const [, pull] = vjp(f, [x])
    const [, push] = linearize(f, [x])
    const v = random(3)
    for (const linear of [(v: Tensor) => pull(v)[0], push]) {
      same(linear(v), mul(v, square(x)), 1e-15)
      same(grad((v: Tensor) => sum(linear(v)))(v), square(x), 1e-15)
      same(jvp(linear, [v], [x])[1], mul(x, square(x)), 1e-15)
    }
  })
})

describe('noGrad gives', () => {
  test('trees as they are, with what is no tensor in them', () => {
    const out = noGrad((x: Tensor) => ({ y: [square(x)], n: 3, s: 'text', none: null }))(f64(2))
    expect(plain(out)).toEqual({ y: [4], n: 3, s: 'text', none: null })
  })
  test('the same numbers as without: only derivatives differ', () => {
    const [a, b] = [random(3, 4), random(4, 2)]
    same(noGrad(matmul)(a, b), matmul(a, b), 0)
    const f = (a: Tensor): Tensor => sum(noGrad((x: Tensor) => matmul(x, b))(a).mul(matmul(a, b)))
    same(grad(f)(a), matmul(matmul(a, b), b.t()))
  })
  test('what throws inside leaves the transform whole', () => {
    const f = (x: Tensor): Tensor => {
      try {
        noGrad((): Tensor => {
          throw new Error('inside')
        })()
      } catch {
        // as a user would
      }
      return square(x)
    }
    for (const name of names) expect(modes[name]!(f)(f64(3)).item()).toBe(6)
  })
})

describe('inferenceMode', () => {
  test.each(names)('around %s changes nothing, inside it gives constants', (name) => {
    const [mode, x] = [modes[name]!, f64(2)]
    same(inferenceMode(mode(cube))(x), mode(cube)(x))
    same(mode((x) => sub(square(x), inferenceMode(cube)(x)))(x), mul(x, 2))
    same(mode((x) => inferenceMode(cube)(x))(x), f64(0))
  })
  test('needs a function, and keeps its name', () => {
    expect(
      inferenceMode(function half(x: Tensor) {
        return mul(x, 0.5)
      }).name,
    ).toBe('half')
    expect(() => inferenceMode(3 as never)).toThrow('[autodiff] inferenceMode: expected a function, got 3')
  })
})
