// TestLinearize of test_eager_transforms.py, and what upstream cannot: grad, jvp and vmap of functions that call linearize.
// Left out: another device for the tangents.
import {
  type Tensor,
  add,
  cond,
  cos,
  exp,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jvp,
  linearize,
  manualSeed,
  matmul,
  mul,
  neg,
  ones,
  randn,
  sin,
  square,
  stack,
  sum,
  tensor,
  vjp,
  vmap,
  whileLoop,
  zeros,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { along, distance, f64, raised, random } from '../rules.ts'
import { differences, plain, same, sameBits, shapes, strided } from './derivatives.ts'

type F = (x: Tensor) => Tensor
const text = (f: () => unknown): string => raised(f).message

describe('linearize gives', () => {
  const [x, t] = [strided(3, 2), random(3, 2)]
  test('the output, and what jvp gives along any tangent', () => {
    const [y, push] = linearize(cos, [x])
    sameBits(y, cos(x))
    same(push(t), mul(neg(sin(x)), t), 1e-15)
    same(push(x), mul(neg(sin(x)), x), 1e-15)
    const f = (x: Tensor): Tensor => matmul(x.softmax(0), x.t()).cumsum(1)
    same(linearize(f, [x])[1](t), along(f, x, t), 1e-9)
    expect(text(() => push(t.at(0)))).toContain('tangent:0')
  })
  test('several outputs in their structure', () => {
    const f = (x: Tensor): [Tensor, { total: Tensor }] => [cos(x), { total: sum(x) }]
    const [y, push] = linearize(f, [x])
    sameBits(y, f(x))
    same(push(t), [mul(neg(sin(x)), t), { total: sum(t) }], 1e-15)
  })
  test('for trees of inputs, trees of outputs', () => {
    const [y, z, ty, tz] = [random(3, 2), random(3, 2), random(3, 2), random(3, 2)]
    type In = { x: Tensor; yz: [Tensor, Tensor] }
    const f = ({ x, yz: [y, z] }: In): { a: Tensor; b: { c: Tensor; d: [Tensor, Tensor] } } => ({
      a: sum(x),
      b: { c: add(y, z), d: [mul(x, z), exp(y)] },
    })
    const [out, push] = linearize(f, [{ x, yz: [y, z] }])
    sameBits(out, f({ x, yz: [y, z] }))
    same(push({ x: t, yz: [ty, tz] }), { a: sum(t), b: { c: add(ty, tz), d: [add(mul(t, z), mul(x, tz)), mul(exp(y), ty)] } }, 1e-15)
  })
  test('one evaluation of the function, whatever is asked of the map', () => {
    let count = 0
    const [, push] = linearize(
      (x: Tensor) => {
        count++
        return sin(x)
      },
      [x],
    )
    for (const v of [t, x, t]) push(v)
    vmap(push)(stack([x, t]))
    expect(count).toBe(1)
  })
  test('one draw: the map moves with the numbers of the output', () => {
    manualSeed(1)
    const [y, push] = linearize((x: Tensor) => mul(x, randn(3, 2, { dtype: 'float64' })), [x])
    sameBits(push(x), y)
  })
  test('branches and loops as they went', () => {
    const f = (x: Tensor): Tensor => {
      const y = cond(
        sum(x).gt(0),
        (x: Tensor) => square(x),
        (x: Tensor) => sin(x),
        [x],
      )
      const [, z] = whileLoop(
        (i: Tensor) => i.lt(3),
        (i: Tensor, z: Tensor) => [i.add(1), mul(z, x)],
        [tensor(0, { dtype: 'int32' }), y],
      )
      return (sum(z).item() as number) > 0 ? z : neg(z)
    }
    for (const at of [ones(3, 2, { dtype: 'float64' }), f64([-1, -2]), x]) same(linearize(f, [at])[1](at), along(f, at, at), 1e-9)
  })
  test('zeros for what does not move', () => {
    const [y, push] = linearize((x: Tensor, _y: Tensor) => [f64([1, 2]), x.detach(), x], [x, t])
    same(y, [f64([1, 2]), x, x], 0)
    same(push(t, t), [f64([0, 0]), zeros(3, 2, { dtype: 'float64' }), t], 0)
  })
  test.each(['float16', 'bfloat16', 'float32', 'float64'] as const)('the dtype of the output: %s', (dtype) => {
    const [y, push] = linearize((x: Tensor) => mul(x, x), [tensor([1, 2], { dtype })])
    const dy = push(tensor([1, -3], { dtype }))
    expect([y.dtype, dy.dtype, plain(dy)]).toEqual([dtype, dtype, [2, -12]])
  })
  test('shapes without elements', () => {
    const [y, push] = linearize(square, [zeros(0, 3)])
    expect(shapes([y, push(zeros(0, 3))])).toEqual(['0×3', '0×3'])
  })
})

describe('the linear map', () => {
  const [x, v, w] = [random(3), random(3), random(3)]
  const f = (x: Tensor): Tensor => mul(sin(x), x.at(1)).add(exp(x).sum())
  const J = differences(f, x)
  const [, push] = linearize(f, [x])
  test('is linear', () => {
    same(push(v.mul(2).sub(w)), push(v).mul(2).sub(push(w)), 1e-14)
    same(push(zeros(3, { dtype: 'float64' })), zeros(3, { dtype: 'float64' }), 0)
  })
  test('can be mapped, along any axis', () => {
    const vs = random(5, 3)
    same(vmap(push)(vs), matmul(vs, J.t()), 1e-9)
    same(vmap(push, 1, 1)(vs.t()), matmul(J, vs.t()), 1e-9)
    same(vmap(push, { chunkSize: 2 })(vs), vmap(push)(vs), 0)
    same(vmap(vmap(push))(vs.unsqueeze(0)), matmul(vs, J.t()).unsqueeze(0), 1e-9)
  })
  test('can be differentiated: its Jacobian is that of the function, its pullback the transpose', () => {
    same(jacrev(push)(v), J, 1e-9)
    same(jacfwd(push)(v), J, 1e-9)
    same(vjp(push, [v])[1](w)[0], matmul(w, J), 1e-9)
    same(grad((v: Tensor) => sum(mul(push(v), w)))(v), matmul(w, J), 1e-9)
    same(jvp(push, [v], [w])[1], matmul(J, w), 1e-9)
    same(linearize(push, [v])[1](w), matmul(J, w), 1e-9)
    expect(distance(hessian((v: Tensor) => push(v).sum())(v), zeros(3, 3, { dtype: 'float64' }))).toBe(0)
  })
  test('of a gradient is the product with the Hessian', () => {
    const g = (x: Tensor): Tensor => f(x).sum()
    const [, hvp] = linearize(grad(g), [x])
    same(hvp(v), along(grad(g), x, v), 1e-9)
    const linear = (x: Tensor): Tensor => grad((y: Tensor) => matmul(ones(3, { dtype: 'float64' }), y))(x)
    same(linearize(linear, [x])[1](v), zeros(3, { dtype: 'float64' }), 0)
  })
})

describe('a function that calls linearize', () => {
  const f: F = (x) => mul(sin(x), x.at(1)).add(exp(x).sum())
  const x = random(3)
  /** The derivative of `f` along its own argument, by linearize and by differences. */
  const ours: F = (x) => linearize(f, [x])[1](x)
  const reference: F = (x) => jvp(f, [x], [x])[1]
  test('has the derivatives of what it computes, by each transform', () => {
    const J = differences(reference, x)
    const v = random(3)
    same(jacrev(ours)(x), J, 1e-9)
    same(jacfwd(ours)(x), J, 1e-9)
    same(grad((x: Tensor) => sum(ours(x)))(x), J.sum(0), 1e-9)
    same(jvp(ours, [x], [v])[1], matmul(J, v), 1e-9)
    same(vjp(ours, [x])[1](v)[0], matmul(v, J), 1e-9)
    same(linearize(ours, [x])[1](v), matmul(J, v), 1e-9)
  })
  test('can be mapped', () => {
    const xs = random(4, 3)
    same(vmap(ours)(xs), stack([0, 1, 2, 3].map((i) => ours(xs.at(i)))), 1e-14)
    same(vmap(jacrev(ours))(xs), stack([0, 1, 2, 3].map((i) => differences(reference, xs.at(i)))), 1e-9)
  })
  test('the example that was wrong elsewhere: d/dx of x · cos(x) at 2', () => {
    const g = (x: Tensor): Tensor => linearize(sin, [x])[1](x)
    const truth = Math.cos(2) - 2 * Math.sin(2)
    for (const d of [grad(g), (x: Tensor) => jvp(g, [x], [f64(1)])[1], jacrev(g), jacfwd(g)] as F[])
      expect(d(f64(2)).item()).toBeCloseTo(truth, 14)
  })
  test('with a tangent that does not depend on it', () => {
    const v = random(3)
    const along: F = (x) => linearize(f, [x])[1](v)
    same(jacrev(along)(x), differences(along, x), 1e-9)
  })
  test('gives its map to no one after it has returned', () => {
    let push: F | undefined
    vmap((x: Tensor) => {
      push = linearize(sin, [x])[1]
      return x
    })(x)
    expect(raised(() => push!(f64(1))).code).toBe('ESCAPED_TRACER')
  })
})

describe('linearize refuses', () => {
  const x = random(3, 1)
  const push = linearize(sin, [x])[1] as (...tangents: unknown[]) => unknown
  test.each<[string, unknown[], string]>([
    ['more tangents than primals', [x, x], 'Expected the tangents [*, *] to have the same argspec as the primals [*]'],
    ['no tangents', [], 'Expected the tangents [] to have the same argspec as the primals [*]'],
    ['another tree', [[x]], 'Expected the tangents [[*]] to have the same argspec as the primals [*]'],
    [
      'another shape',
      [x.unsqueeze(0)],
      "tangent:0 with shape [1, 3, 1] in flattened pytree doesn't match the shape [3, 1] of the corresponding primal.",
    ],
    [
      'another dtype',
      [x.float()],
      "tangent:0 with dtype float32 in flattened pytree doesn't match the dtype float64 of the corresponding primal.",
    ],
    ['what is no tensor', [1], 'expected tangents to be tensors, got number'],
  ])('a map given %s', (_, tangents, says) => {
    expect(text(() => push(...tangents))).toContain(says)
  })
  test('the second of two tangents by its place', () => {
    const [, two] = linearize((a: Tensor, { b }: { b: Tensor }) => mul(a, b), [f64([1]), { b: f64([2]) }])
    expect(text(() => two(f64([1]), { b: f64([1, 2]) }))).toContain('tangent:1 with shape [2]')
  })
  test('primals and outputs as the other transforms do', () => {
    const loose = linearize as unknown as (f: unknown, primals: unknown) => unknown
    expect(text(() => loose(sin, x))).toContain('linearize(f, *primals): Expected primals to be a tuple.')
    expect(text(() => loose(sin, []))).toContain('expected primals to contain at least one Tensor')
    expect(text(() => loose(sin, [2]))).toContain('Thing passed to transform API must be Tensor, got number')
    expect(text(() => loose(sin, [tensor([1], { dtype: 'int32' })]))).toContain(
      'Expected primal to be floating point or complex, but got: int32',
    )
    expect(text(() => loose(() => [], [x]))).toContain('Expected f to be a function that has non-empty output')
    expect(text(() => loose(() => 2, [x]))).toContain('expected f(*primals) to return only tensors, got unsupported type number')
    expect(text(() => loose(3, [x]))).toContain('expected a function, got 3')
    const captured = random(3, 1)
    expect(text(() => loose((x: Tensor) => captured.add_(x), [x]))).toContain('that would mutate a captured Tensor')
  })
})
