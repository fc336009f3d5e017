// jacfwd and hessian evaluate the function once, whatever is differentiated and in whatever chunks: what follows from that for side effects,
// random draws, in-place writes, memory and rules of the user's.
import {
  type FunctionContext,
  type Tensor,
  add,
  autograd,
  customJvp,
  exp,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jvp,
  linearize,
  manualSeed,
  matmul,
  memory,
  mul,
  rand,
  sin,
  sum,
  tensor,
  vmap,
  where,
  zerosLike,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { distance, f64, raised, random } from './rules.ts'
import { sameJacobian } from './torch/derivatives.ts'

type F = (x: Tensor) => Tensor
const chunks = [null, 1, 2, 5] as const
const W = random(3, 4)

/** `f`, counting how often it is called. */
function counted<A extends readonly unknown[], R>(f: (...args: A) => R): [f: (...args: A) => R, calls: () => number] {
  let n = 0
  return [(...args) => (n++, f(...args)), () => n]
}

describe('one evaluation', () => {
  type P = { w: Tensor; b: Tensor; s: Tensor }
  const net = ({ w, b, s }: P, x: Tensor): [Tensor, { total: Tensor }] => [sin(add(matmul(w, x), b)), { total: mul(sum(mul(x, x)), s) }]
  const args: [P, Tensor] = [{ w: random(3, 4), b: random(3), s: f64(0.3) }, random(4)]

  test.each(chunks)('of all leaves of several arguments, in chunks of %s', (chunkSize) => {
    const [f, calls] = counted(net)
    const got = jacfwd(f, { argnums: [0, 1], chunkSize })(...args)
    expect(calls()).toBe(1)
    const [p, x] = args
    const leaves: [at: (r: typeof got) => [Tensor, Tensor], of: (y: Tensor) => [P, Tensor], x: Tensor][] = [
      [([y, z]) => [y[0].w, z.total[0].w], (w) => [{ ...p, w }, x], p.w],
      [([y, z]) => [y[0].b, z.total[0].b], (b) => [{ ...p, b }, x], p.b],
      [([y, z]) => [y[0].s, z.total[0].s], (s) => [{ ...p, s }, x], p.s],
      [([y, z]) => [y[1], z.total[1]], (v) => [p, v], x],
    ]
    for (const [at, of, leaf] of leaves) {
      const [first, second] = at(got)
      sameJacobian(first, (v) => net(...of(v))[0], leaf)
      sameJacobian(second, (v) => net(...of(v))[1].total, leaf)
    }
  })
  test('of a Hessian in forward mode, and of Jacobians of Jacobians', () => {
    for (const mode of ['forward-over-reverse', 'forward-over-forward'] as const)
      for (const chunkSize of chunks) {
        const [f, calls] = counted((a: Tensor, b: Tensor) => sum(mul(sin(a), exp(mul(b, a)))))
        const [[aa, ab], [, bb]] = hessian(f, { argnums: [0, 1], mode, chunkSize })(random(3), f64(0.4))
        expect([calls(), aa.shape, ab.shape, bb.shape]).toEqual([1, [3, 3], [3], []])
      }
    const [f, calls] = counted((x: Tensor) => sin(matmul(W, x)))
    const x = random(4)
    const second = jacfwd(jacfwd(f))(x)
    expect(calls()).toBe(1)
    sameJacobian(second, jacrev(f), x)
  })
  test('inside vmap and grad', () => {
    const [f, calls] = counted((x: Tensor, y: Tensor) => mul(sin(x), sum(y)))
    const xs = random(5, 3)
    const [jx, jy] = vmap(jacfwd(f, [0, 1]))(xs, xs)
    expect([calls(), jx.shape, jy.shape]).toEqual([1, [5, 3, 3], [5, 3, 3]])
    expect(distance(jx.at(2), jacrev(f)(xs.at(2), xs.at(2)))).toBe(0)
    const g = (x: Tensor): Tensor => sum(jacfwd(f, [0, 1])(x, mul(x, x))[1])
    sameJacobian(grad(g)(xs.at(0)), g, xs.at(0))
  })
  test('writes what it writes into its arguments once', () => {
    for (const chunkSize of chunks) {
      const [x, y] = [f64([1, 2, 3]), f64([10, 20, 30])]
      const f = (x: Tensor, y: Tensor): Tensor => {
        y.add_(1)
        x.mul_(2)
        return mul(x, y)
      }
      const J = jacfwd(f, { chunkSize })(x, y)
      expect([J.diag().tolist(), x.tolist(), y.tolist()]).toEqual([[22, 42, 62], [2, 4, 6], [11, 21, 31]]) // prettier-ignore
    }
  })
  test('blocks of what does not depend on a leaf take no memory', () => {
    const xs = [random(30), random(40), random(50)]
    const before = memory().live
    const blocks = jacfwd((xs: Tensor[]) => xs.map((x) => sin(x)))(xs)
    expect(memory().live - before).toBe((30 ** 2 + 40 ** 2 + 50 ** 2) * 8)
    expect([blocks[2]![1]!.shape, blocks[2]![1]!.at(3, 4).item()]).toEqual([[50, 40], 0])
  })
})

describe('random draws', () => {
  const f = (x: Tensor, y: Tensor): Tensor => mul(add(x, sum(y)), rand(3, { dtype: 'float64' }))
  const [x, y] = [f64([1, 2, 3]), f64([4, 5])]

  test.each(chunks)("'same': one draw for all leaves, in chunks of %s; the generator moves on by it", (chunkSize) => {
    manualSeed(7)
    const [drawn, next] = [rand(3, { dtype: 'float64' }), rand(2)]
    manualSeed(7)
    const [jx, jy] = jacfwd(f, { argnums: [0, 1], randomness: 'same', chunkSize })(x, y)
    expect([distance(jx, drawn.diag()), distance(jy, drawn.unsqueeze(1).expand(3, 2)), distance(rand(2), next)]).toEqual([0, 0, 0])
  })
  test("'different': the columns of all leaves are one batch, as under vmap", () => {
    const [g, calls] = counted(f)
    manualSeed(7)
    const drawn = rand(5, 3, { dtype: 'float64' })
    manualSeed(7)
    const [jx, jy] = jacfwd(g, { argnums: [0, 1], randomness: 'different' })(x, y)
    expect([calls(), distance(jx, drawn.narrow(0, 0, 3).diag().diag()), distance(jy, drawn.narrow(0, 3, 2).t())]).toEqual([1, 0, 0])
  })
  test("'different' in chunks, which may hold parts of two leaves: each draws anew", () => {
    for (const [chunkSize, sizes] of [
      [1, [1, 1, 1, 1, 1]],
      [2, [2, 2, 1]],
      [4, [4, 1]],
      [9, [5]],
    ] as const) {
      // prettier-ignore
      const [g, calls] = counted(f)
      manualSeed(7)
      const drawn = sizes.map((n) => rand(n, 3, { dtype: 'float64' }).tolist() as number[][]).flat()
      manualSeed(7)
      const [jx, jy] = jacfwd(g, { argnums: [0, 1], randomness: 'different', chunkSize })(x, y)
      expect([calls(), distance(jx, f64(drawn.slice(0, 3)).diag().diag()), distance(jy, f64(drawn.slice(3)).t())]).toEqual([sizes.length, 0, 0]) // prettier-ignore
    }
  })
  test("'different': leaves without elements, no leaves' elements at all, outputs that depend on nothing, aux", () => {
    const [a, b] = [f64([]), f64([[1], [2]])]
    const g = (a: Tensor, b: Tensor): [[Tensor, Tensor], Tensor] => [
      [add(sum(a), mul(sum(b), rand(2, { dtype: 'float64' }))), f64([1, 2])],
      rand(4),
    ]
    const [[[ja, jb], [ka, kb]], aux] = jacfwd(g, { argnums: [0, 1], hasAux: true, randomness: 'different' })(a, b)
    expect([ja.shape, jb.shape, ka.shape, kb.shape, aux.shape]).toEqual([[2, 0], [2, 2, 1], [2, 0], [2, 2, 1], [4]]) // prettier-ignore
    expect(kb.abs().sum().item()).toBe(0)
    expect(jacfwd((a: Tensor) => add(a, rand(0)), { randomness: 'different' })(tensor([])).shape).toEqual([0, 0])
  })
})

describe('rules of the user', () => {
  test('a linear function whose jvp is the function itself', () => {
    class Double extends autograd.Function {
      static generateVmapRule = true
      static forward(x: Tensor): Tensor {
        return mul(x, 2)
      }
      static setupContext(): void {}
      static jvp(_ctx: FunctionContext, dx: Tensor): Tensor {
        return Double.apply(dx)
      }
    }
    const f: F = (x) => sin(Double.apply(x))
    const x = random(3)
    for (const chunkSize of chunks) sameJacobian(jacfwd(f, { chunkSize })(x), f, x)
    const push = linearize(f, [x])[1]
    const t = random(3)
    expect(distance(push(t), jvp(f, [x], [t])[1])).toBe(0)
    sameJacobian(jacfwd((t: Tensor) => push(t))(t), (t) => push(t), t)
  })
  // each of these runs once with tangents that stand for any; what looks at them must see those that are there
  const masked = customJvp(
    (x: Tensor) => exp(x),
    ([x], [dx]) => [exp(x), where(dx.eq(0), zerosLike(dx), mul(exp(x), dx))],
  )
  const reading = customJvp(
    (x: Tensor) => exp(x),
    ([x], [dx]) => [exp(x), (dx.abs().sum().item() as number) > 0 ? mul(exp(x), dx) : dx],
  )
  const placing = customJvp(
    (x: Tensor) => exp(x),
    ([x], [dx]) => {
      const at = dx.nonzero().squeeze(1)
      return [exp(x), zerosLike(dx).indexCopy(0, at, mul(exp(x), dx).indexSelect(0, at))]
    },
  )
  test('one that masks its tangents', () => {
    const x = random(3)
    for (const chunkSize of chunks) sameJacobian(jacfwd((x: Tensor) => sin(masked(x)), { chunkSize })(x), (x) => sin(exp(x)), x)
    expect(distance(linearize(masked, [x])[1](f64([1, 0, 2])), mul(exp(x), f64([1, 0, 2])))).toBe(0)
    // of which reverse mode is the transpose, so that it must be linear by what it does
    expect(raised(() => grad((x: Tensor) => sum(masked(x)))(x))).toMatchObject({
      code: 'LEFT_OPEN',
      message: expect.stringContaining(
        '[autodiff] eq: expected the rule of a function to be linear in the tangents, got one that looks at their elements.',
      ) as string,
    })
  })
  test.each([
    ['reads their numbers', reading, /We don't support vmap over calling .item\(\)/],
    ['asks where they are not zero', placing, /do not support batching operators that can output dynamic shape/],
  ])('one that %s: one column at a time, as a loop does', (_, f, refusal) => {
    const x = random(3)
    sameJacobian(jacfwd((x: Tensor) => sin(f(x)), { chunkSize: 1 })(x), (x) => sin(exp(x)), x)
    expect(distance(linearize(f, [x])[1](x), mul(exp(x), x))).toBe(0)
    for (const chunkSize of [null, 2]) expect(() => jacfwd(f, { chunkSize })(x)).toThrow(refusal)
  })
  test('one whose jvp needs a function that has none', () => {
    class Opaque extends autograd.Function {
      static generateVmapRule = true
      static forward(x: Tensor): Tensor {
        return mul(x, 3)
      }
      static setupContext(): void {}
    }
    const f = customJvp(
      (x: Tensor) => mul(x, 3),
      ([x], [dx]) => [mul(x, 3), Opaque.apply(dx)],
    )
    const x = random(2)
    expect(distance(jacfwd((x: Tensor) => sin(f(x)))(x), jacrev((x: Tensor) => sin(mul(x, 3)))(x))).toBeLessThan(1e-15)
    expect(raised(() => jacfwd((x: Tensor) => Opaque.apply(x))(x)).message).toContain('You must implement the jvp function')
    expect(raised(() => linearize((x: Tensor) => Opaque.apply(x), [x])).message).toContain('You must implement the jvp function')
  })
  test('runs once, too', () => {
    let runs = 0
    const f = customJvp(
      (x: Tensor) => exp(x),
      ([x], [dx]) => {
        runs++
        return [exp(x), mul(exp(x), dx)]
      },
    )
    for (const chunkSize of chunks) {
      runs = 0
      jacfwd((x: Tensor, y: Tensor) => f(mul(x, y)), { argnums: [0, 1], chunkSize })(random(3), random(3))
      expect(runs).toBe(1)
    }
  })
})
