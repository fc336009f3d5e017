// TestJac and TestHessian of test_eager_transforms.py, the cases against torch.autograd.functional: its values are stored, jacobians.py made them.
// Left out: another device for an output; arguments with defaults (a default is no matter of ours).
import { readFileSync } from 'node:fs'
import {
  type Tensor,
  autograd,
  cat,
  cos,
  cumsum,
  hessian,
  hvp,
  jacfwd,
  jacobian,
  jacrev,
  jvp,
  grad,
  logsumexp,
  matmul,
  mul,
  norm,
  pow,
  relu,
  sin,
  softmax,
  square,
  stack,
  sum,
  vhp,
  vmap,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { f64, random } from '../rules.ts'
import { same } from './derivatives.ts'

type Stored = { readonly inputs: never[]; readonly value: unknown; readonly vectors: never[]; readonly hvp: never[]; readonly vhp: never[] }
const stored = JSON.parse(readFileSync(new URL('jacobians.json', import.meta.url), 'utf8')) as Record<
  'jacobian' | 'hessian',
  Record<string, Stored>
>
/** A function of several tensors, with one result or an array of them. */
type F = (...xs: Tensor[]) => Tensor | Tensor[]
const tensors = (xs: readonly never[]): Tensor[] => xs.map((x) => f64(x))
/** The numbers of `value` at the places of `like`. */
const as = (like: unknown, value: unknown): unknown =>
  Array.isArray(like) ? like.map((l, i) => as(l, (value as unknown[])[i])) : f64(value as never).reshape((like as Tensor).shape)

const jacobians: readonly [string, F][] = [
  ['simple', (x) => mul(square(x!), 3)],
  ['multi_input', (x, y) => matmul(mul(cos(x!), x!), sin(y!))],
  ['multi_input_multi_output', (x, y) => [matmul(mul(x!, x!), y!), matmul(x!, mul(sum(x!, 1), y!)), sum(y!)]],
  ['unrelated_outputs', (x, y) => [x!, y!, x!, y!]],
  ['zero_dim_outputs', (x, y) => [sum(x!), sum(y!), mul(x!, y!)]],
  ['zero_dim_input', (x) => stack([x!, x!, x!])],
  ['zero_dim_mixed', (x, y) => [sum(y!), mul(x!, y!)]],
  ['softmax_and_norm', (x, y) => [matmul(softmax(x!, 0), y!), pow(norm(x!).add(norm(y!)), 2), cumsum(y!, 1)]],
  ['sort_and_gather', (x, y) => [mul(x!.sort(1).values, y!), x!.max(0).values, cat([x!.flatten(), y!])]],
]
const hessians: readonly [string, (...xs: Tensor[]) => Tensor][] = [
  ['simple', (x) => sum(mul(square(x!), 3))],
  ['multi_input', (x, y, z) => sum(matmul(matmul(mul(relu(x!), x!), sin(y!)), z!))],
  ['unrelated_to_one', (x) => sum(square(x!))],
  ['logsumexp', (x, y) => logsumexp(mul(x!, y!), 0)],
  ['norm', (x, y) => mul(norm(matmul(x!, y!)), y!.prod())],
]
const at = (xs: readonly Tensor[]): number[] => xs.map((_, i) => i)

test('every stored case has its function, and the other way round', () => {
  expect(Object.keys(stored.jacobian)).toEqual(jacobians.map(([name]) => name))
  expect(Object.keys(stored.hessian)).toEqual(hessians.map(([name]) => name))
})

describe.each(jacobians)('the Jacobian of %s is PyTorch’s', (name, f) => {
  const { inputs, value } = stored.jacobian[name]!
  const xs = tensors(inputs)
  test.each([
    ['jacrev', jacrev],
    ['jacfwd', jacfwd],
  ] as readonly [string, typeof jacrev][])('by %s, in chunks too', (_, jac) => {
    const whole = jac(f, at(xs))(...xs)
    same(whole, as(whole, value))
    for (const chunkSize of [1, 2, 5]) same(jac(f, { argnums: at(xs), chunkSize })(...xs), as(whole, value))
    // the arguments as one tree
    const tree = jac((all: Tensor[]) => f(...all))(xs)
    same(tree, as(tree, value))
  })
  test.each(['reverse-mode', 'forward-mode'] as const)('by autograd.functional.jacobian, %s', (strategy) => {
    for (const vectorize of [true, false]) {
      const got = jacobian(f as never, xs as never, { strategy, vectorize })
      same(got, as(got, value))
    }
  })
})

describe.each(hessians)('the Hessian of %s is PyTorch’s', (name, f) => {
  const { inputs, value, vectors, hvp: Hv, vhp: vH } = stored.hessian[name]!
  const xs = tensors(inputs)
  const vs = tensors(vectors)
  test('by hessian, whole and in chunks, of several arguments and of a tree', () => {
    const whole = hessian(f, at(xs))(...xs)
    same(whole, as(whole, value))
    for (const chunkSize of [1, 2, 5]) same(hessian(f, { argnums: at(xs), chunkSize })(...xs), as(whole, value))
    const tree = hessian((all: Tensor[]) => f(...all))(xs)
    same(tree, as(tree, value))
  })
  test.each<[string, typeof jacrev, typeof jacrev]>([
    ['jacrev of jacrev', jacrev, jacrev],
    ['jacrev of jacfwd', jacrev, jacfwd as unknown as typeof jacrev],
    ['jacfwd of jacrev', jacfwd as unknown as typeof jacrev, jacrev],
    ['jacfwd of jacfwd', jacfwd as unknown as typeof jacrev, jacfwd as unknown as typeof jacrev],
  ])('by %s', (_, outer, inner) => {
    const got = outer(inner(f, at(xs)) as unknown as F, at(xs))(...xs)
    same(got, as(got, value))
  })
  test.each(['reverse-mode', 'forward-mode'] as const)('by autograd.functional.hessian, %s', (outerJacobianStrategy) => {
    const got = autograd.functional.hessian(f as never, xs as never, { outerJacobianStrategy })
    same(got, as(got, value))
  })
  test('times vectors: hvp, vhp, jvp of grad', () => {
    const [y, got] = hvp(f as never, xs, vs)
    same(y, f(...xs), 1e-14)
    same(got, as(got, Hv))
    const [z, back] = vhp(f as never, xs, vs)
    same(z, f(...xs), 1e-14)
    same(back, as(back, vH))
    const [, tangents] = jvp((...all: Tensor[]) => grad((all: Tensor[]) => f(...all))(all), xs, vs)
    same(tangents, as(tangents, Hv))
  })
})

describe('Hessians of one argument of several', () => {
  const [A, x] = [random(3, 2), random(2)]
  const f = (A: Tensor, x: Tensor): Tensor => sin(matmul(A, x)).sum()
  test('bare for a number, nested arrays for an array, in the order of the argnums', () => {
    const H = hessian(f, 1)(A, x)
    expect(H.shape).toEqual([2, 2])
    same(hessian(f, [1])(A, x), [[H]])
    const [[xx, xA], [Ax, AA]] = hessian(f, [1, 0])(A, x)
    same(xx, H)
    expect([xA.shape, Ax.shape, AA.shape]).toEqual([
      [2, 3, 2],
      [3, 2, 2],
      [3, 2, 3, 2],
    ])
    same(xA, Ax.permute([2, 0, 1]))
    same(hessian(f, -1)(A, x), H)
  })
  test('zeros where the output depends on none of them', () => {
    const H = hessian((_x: Tensor, _y: Tensor) => f64(1), [0, 1])(random(2), random(3))
    expect(H.map((row) => row.map((h) => [h.shape, h.abs().sum().item()]))).toEqual([
      [
        [[2, 2], 0],
        [[2, 3], 0],
      ],
      [
        [[3, 2], 0],
        [[3, 3], 0],
      ],
    ])
  })
  test('for each of a batch, with levels of both modes: as jacrev of jacrev', () => {
    const [b, n, d] = [3, 7, 2]
    const [x1, A] = [random(b, n, d), random(b, d, d)]
    const loss = (A: Tensor, x1: Tensor, x2: Tensor): Tensor => square(x2.sub(matmul(A, x1.t()).t())).sum()
    const by = vmap(hessian(loss))(A, x1, x1)
    same(by, vmap(jacrev(jacrev(loss)))(A, x1, x1))
    // d²/dA[i,j]dA[i,k] = 2 Σₙ x[n,j] x[n,k]
    const gram = matmul(x1.movedim(1, 2), x1).mul(2)
    same(by.select(1, 0).select(2, 0), gram)
    same(by.select(1, 1).select(2, 1), gram)
    expect(by.select(1, 0).select(2, 1).abs().sum().item()).toBe(0)
  })
})
