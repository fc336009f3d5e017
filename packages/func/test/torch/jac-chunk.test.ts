// TestJac of test_eager_transforms.py, the cases with chunks. Upstream has chunks in jacrev alone; here all three Jacobians do, and every
// chunk size gives the same bits, but for products of matrices.
// Left out: `_preallocate_and_copy` (chunks are always written in place).
import {
  type FunctionContext,
  type Tensor,
  autograd,
  exp,
  eye,
  hessian,
  jacfwd,
  jacrev,
  matmul,
  mul,
  sin,
  softmax,
  sum,
  vmap,
  zeros,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { raised, random } from '../rules.ts'
import { sameBits, same, strided } from './derivatives.ts'

const transforms: readonly (readonly [string, typeof jacrev])[] = [
  ['jacrev', jacrev],
  ['jacfwd', jacfwd],
]
const sizes = [1, 2, 3, 4, 7, 10, 1000]

describe.each(transforms)('%s', (name, jac) => {
  const [x, y] = [strided(10, 2), random(1, 2)]
  const f = (x: Tensor, y: Tensor): [[Tensor, Tensor], [Tensor, Tensor]] => [
    [sin(x), x.add(y)],
    [x.add(2), sum(x)],
  ]
  test.each(sizes)('in chunks of %i: the same bits as whole', (chunkSize) => {
    sameBits(jac(f, { argnums: [0, 1], chunkSize })(x, y), jac(f, [0, 1])(x, y))
    const mixed = (x: Tensor): Tensor =>
      softmax(x, 1)
        .cumsum(0)
        .mul(exp(x.at(0, 0)).log1p())
        .sum(1)
    sameBits(jac(mixed, { argnums: 0, chunkSize })(x), jac(mixed)(x))
    // how a product of matrices adds up depends on how many there are
    const weighted = (x: Tensor): Tensor => mul(softmax(matmul(x, x.t()), 1).sum(0), exp(x.at(0, 0)))
    same(jac(weighted, { argnums: 0, chunkSize })(x), jac(weighted)(x), 1e-15)
  })
  test('null is whole', () => {
    sameBits(jac(f, { argnums: 1, chunkSize: null })(x, y), jac(f, 1)(x, y))
  })
  test('in float32 and float16 too', () => {
    for (const dtype of ['float32', 'float16'] as const) {
      const z = x.to(dtype)
      const g = (z: Tensor): Tensor => softmax(z, 1).mul(z)
      for (const chunkSize of [1, 3, 7]) sameBits(jac(g, { argnums: 0, chunkSize })(z).double(), jac(g)(z).double())
    }
  })
  test('a Jacobian of a Jacobian of each example, all in chunks', () => {
    const g = (x: Tensor): [[Tensor, Tensor], [Tensor, Tensor]] => [
      [sin(x), x],
      [x.add(2), sum(x)],
    ]
    const chunkSize = 3
    const z = x.narrow(0, 0, 4)
    const expected = vmap(jac(jac(g)))(z)
    same(vmap(jac(jac(g, { argnums: 0, chunkSize }), { argnums: 0, chunkSize }))(z), expected, 0)
    same(vmap(jac(jac(g, { argnums: 0, chunkSize }), { argnums: 0, chunkSize }), { chunkSize })(z), expected, 0)
    same(vmap(jac(jac(g, { argnums: 0, chunkSize: 1 })), { chunkSize: 1 })(z), expected, 0)
  })
  test('of the other Jacobian in chunks', () => {
    const other = name === 'jacrev' ? (jacfwd as unknown as typeof jacrev) : jacrev
    const g = (x: Tensor): Tensor => sin(x).mul(x.sum())
    const z = random(5)
    for (const chunkSize of [1, 2, 4]) same(jac(other(g, { argnums: 0, chunkSize }), { argnums: 0, chunkSize })(z), jac(other(g))(z), 1e-15)
  })
  test('with trees and aux', () => {
    const g = ({ a, b }: { a: Tensor; b: Tensor }): [{ u: Tensor; v: Tensor }, Tensor] => [{ u: mul(a, b), v: sum(b) }, mul(a, 2)]
    const args = { a: random(5), b: random(1) }
    const whole = jac(g, { hasAux: true })(args)
    for (const chunkSize of [1, 2, 5]) sameBits(jac(g, { hasAux: true, chunkSize })(args), whole)
  })
  test.each([1, 2, 1000])('without elements, in chunks of %i', (chunkSize) => {
    const nothing = zeros(0, 3, { dtype: 'float64' })
    expect(jac((x: Tensor) => mul(x, x), { argnums: 0, chunkSize })(nothing).shape).toEqual([0, 3, 0, 3])
    expect(jac((x: Tensor) => x.sum(), { argnums: 0, chunkSize })(nothing).shape).toEqual([0, 3])
    expect(jac((x: Tensor) => x.narrow(0, 0, 0), { argnums: 0, chunkSize })(x).shape).toEqual([0, 2, 10, 2])
  })
  test('chunks of one are not mapped: what vmap cannot do works', () => {
    // a backward that reads its cotangent's places, which no vmap can
    class Identity extends autograd.Function {
      static forward(x: Tensor): Tensor {
        return x.clone()
      }
      static setupContext(): void {}
      static backward(_ctx: FunctionContext, ct: Tensor): Tensor {
        ct.nonzero()
        return ct
      }
      static jvp(_ctx: FunctionContext, dx: Tensor): Tensor {
        dx.nonzero()
        return dx
      }
    }
    const z = random(3, 3)
    const g = (x: Tensor): Tensor => Identity.apply(x) as Tensor
    sameBits(jac(g, { argnums: 0, chunkSize: 1 })(z), eye(9, { dtype: 'float64' }).reshape([3, 3, 3, 3]))
    for (const chunkSize of [2, null])
      expect(raised(() => jac(g, { argnums: 0, chunkSize })(z)).message).toContain(
        'We do not support batching operators that can output dynamic shape',
      )
  })
  test('a chunk size that is no number above 0', () => {
    for (const chunkSize of [0, -2, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '3' as never])
      expect(raised(() => jac(f, { argnums: 0, chunkSize })(x, y)).message).toContain(`${name}: \`chunkSize\` should be greater than 0`)
  })
})

describe('hessian', () => {
  const [x, y] = [random(5), random(2)]
  const f = (x: Tensor, y: Tensor): Tensor => sin(x).sum().mul(exp(y).sum()).mul(x.at(0))
  test.each(sizes)('in chunks of %i: the same bits as whole', (chunkSize) => {
    sameBits(hessian(f, { argnums: [0, 1], chunkSize })(x, y), hessian(f, [0, 1])(x, y))
  })
  test('of each example, in chunks of both', () => {
    const xs = random(3, 5)
    const g = (x: Tensor): Tensor => f(x, y)
    sameBits(vmap(hessian(g, { argnums: 0, chunkSize: 2 }), { chunkSize: 2 })(xs), vmap(hessian(g))(xs))
  })
  test('a chunk size that is no number above 0', () => {
    for (const chunkSize of [0, -2, 1.5])
      expect(raised(() => hessian(f, { argnums: 0, chunkSize })(x, y)).message).toContain('hessian: `chunkSize` should be greater than 0')
  })
  test('without elements', () => {
    expect(hessian((x: Tensor) => mul(x, x).sum(), { argnums: 0, chunkSize: 2 })(zeros(0, 3)).shape).toEqual([0, 3, 0, 3])
  })
})
