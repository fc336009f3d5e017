import {
  type Tensor,
  type FunctionContext,
  add,
  autograd,
  checkpoint,
  customJvp,
  customVjp,
  customVmap,
  grad,
  jacfwd,
  jacrev,
  jvp,
  mul,
  noGrad,
  rand,
  sin,
  square,
  stack,
  sum,
  vjp,
  vmap,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { distance, f64, numbers, raised, random } from './rules.ts'

const rows = (x: Tensor): Tensor[] => [...x]
type Pair = [Tensor, Tensor]

describe('vmap of functions with derivatives by hand', () => {
  /** w·x, whose gradient by w is ten times too large, so that one sees whose rule ran. */
  const dot = customVjp((w: Tensor, x: Tensor) => sum(mul(w, x)), {
    forward: (w, x) => [sum(mul(w, x)), [w, x]],
    backward: ([w, x], ct) => [mul(ct, mul(x!, 10)), mul(ct, w!)],
  })
  const [w, xs] = [random(3), random(5, 3)]
  test('the rule stays in force', () => {
    expect(distance(vmap(dot, [null, 0])(w, xs), stack(rows(xs).map((x) => dot(w, x))))).toBeLessThan(1e-15)
    expect(distance(vmap(grad(dot), [null, 0])(w, xs), mul(xs, 10))).toBeLessThan(1e-15)
  })
  test('gradients of what examples share are summed over them', () => {
    expect(distance(grad((w: Tensor) => sum(vmap(dot, [null, 0])(w, xs)))(w), mul(sum(xs, 0), 10))).toBeLessThan(1e-14)
    expect(distance(grad((w: Tensor) => sum(vmap(dot, [null, 1])(w, xs.t())))(w), mul(sum(xs, 0), 10))).toBeLessThan(1e-14)
    expect(distance(jacrev((w: Tensor) => vmap(dot, [null, 0])(w, xs))(w), mul(xs, 10))).toBeLessThan(1e-15)
  })
  test('a cotangent that is the same for every example counts once for each', () => {
    const one = customVjp((w: Tensor, x: Tensor) => mul(w, x), { forward: (w, x) => [mul(w, x), null], backward: () => [f64(1), f64(2)] })
    const [gw, gx] = grad((w: Tensor, x: Tensor) => sum(vmap(one, [null, 0])(w, x)), [0, 1])(f64(3), random(5))
    expect([gw.item(), gx.tolist()]).toEqual([5, [2, 2, 2, 2, 2]])
  })
  test('an output that depends on shared arguments alone has a cotangent for each example, too', () => {
    // torch 2.13 counts that cotangent once more for each example
    const both = (w: Tensor, x: Tensor): Pair => [mul(w, x), sum(w)]
    const byVjp = customVjp(both, {
      forward: (w, x) => [both(w, x), [w, x] as const],
      backward: ([w, x], [a, b]) => [add(mul(a, x), b), mul(a, w)],
    })
    const byJvp = customJvp(both, ([w, x], [dw, dx]) => [both(w, x), [add(mul(w, dx), mul(dw, x)), sum(dw)]])
    class Both extends autograd.Function {
      static generateVmapRule = true
      static forward(w: Tensor, x: Tensor): Pair {
        return both(w, x)
      }
      static setupContext(ctx: FunctionContext, [w, x]: Pair): void {
        ctx.saveForBackward(w, x)
      }
      static backward(ctx: FunctionContext, a: Tensor, b: Tensor): Pair {
        const [w, x] = ctx.savedTensors as [Tensor, Tensor]
        return [add(mul(a, x), b), mul(a, w)]
      }
    }
    const rules = [byVjp, byJvp, (w: Tensor, x: Tensor) => Both.apply(w, x), checkpoint(byVjp)]
    const loss = (f: typeof both) => (w: Tensor, x: Tensor) => {
      const [a, b] = f(w, x)
      return add(sum(sin(a)), square(b))
    }
    const total = (f: typeof both, d: number | null, e: number | null) => (w: Tensor, x: Tensor) => sum(vmap(loss(f), [d, e])(w, x))
    for (const [d, e] of [
      [null, 0],
      [0, null],
      [0, 0],
    ] as const)
      for (const f of rules) {
        const [a, b] = [d === 0 ? xs.neg() : w, e === 0 ? xs : w.mul(2)]
        const [ga, gb] = grad(total(f, d, e), [0, 1])(a, b)
        expect(distance(ga, grad(total(both, d, e))(a, b))).toBeLessThan(1e-13)
        expect(distance(gb, grad(total(both, d, e), 1)(a, b))).toBeLessThan(1e-13)
      }
    // by a loop, too
    const loop = stack(rows(xs).map((x) => grad(loss(both))(w, x)))
    expect(distance(grad(total(byVjp, null, 0))(w, xs), sum(loop, 0))).toBeLessThan(1e-13)
  })
  test('a rule whose gradients differ between examples of which its function knows nothing', () => {
    // straight through: the value is that of w alone, the gradient by w is x
    const through = customVjp((w: Tensor, _x: Tensor) => sum(w), {
      forward: (w, x) => [sum(w), x],
      backward: (x, ct) => [mul(x, ct), null],
    })
    const weights = random(5)
    const f = (w: Tensor): Tensor => sum(mul(vmap(through, [null, 0])(w, xs), weights))
    expect(distance(grad(f)(w), sum(mul(xs, weights.unsqueeze(1)), 0))).toBeLessThan(1e-14)
    // where the values are closed over, nobody can tell
    const hidden = (x: Tensor) => customVjp((w: Tensor) => sum(w), { forward: (w) => [sum(w), null], backward: (_, ct) => [mul(x, ct)] })
    const error = raised(() => grad((w: Tensor) => sum(vmap((x: Tensor) => hidden(x)(w))(xs)))(w))
    expect([error.code, error.message]).toEqual(['CAPTURED', expect.stringContaining('closes over mapped values')])
  })
  test('forward mode, nested maps, and what a map outside closes over', () => {
    const ws = random(4, 3)
    const table = vmap((w: Tensor) => vmap((x: Tensor) => grad(dot)(w, x))(xs))(ws)
    expect(table.shape).toEqual([4, 5, 3])
    expect(distance(table.at(1), mul(xs, 10))).toBeLessThan(1e-15)
    const seven = customJvp(
      (x: Tensor) => square(x),
      ([x], [dx]) => [square(x), mul(dx, 7)],
    )
    const y = random(5)
    expect(distance(jvp(vmap(seven), [y], [y])[1], mul(y, 7))).toBeLessThan(1e-15)
    expect(distance(grad((y: Tensor) => sum(vmap(seven)(y)))(y), mul(f64([1, 1, 1, 1, 1]), 7))).toBe(0)
    expect(distance(vmap(grad(seven))(y), mul(f64([1, 1, 1, 1, 1]), 7))).toBe(0)
  })
  test('closing over a mapped value means the same as anywhere', () => {
    const scaled = (c: Tensor): ((x: Tensor) => Tensor) =>
      customVjp((x: Tensor) => mul(x, c), { forward: (x) => [mul(x, c), null], backward: (_, ct) => [mul(ct, mul(c, 10))] })
    const [c, x] = [random(4), random(4)]
    expect(distance(vmap((c: Tensor, x: Tensor) => scaled(c)(x))(c, x), mul(c, x))).toBe(0)
    expect(distance(vmap((c: Tensor, x: Tensor) => grad(scaled(c))(x))(c, x), mul(c, 10))).toBeLessThan(1e-15)
    expect(distance(grad((x: Tensor) => sum(vmap((c: Tensor, x: Tensor) => scaled(c)(x))(c, x)))(x), mul(c, 10))).toBeLessThan(1e-15)
    // only the closure is mapped
    expect(distance(vmap((c: Tensor) => scaled(c)(f64(2)))(c), mul(c, 2))).toBe(0)
    expect(distance(vmap((c: Tensor) => grad(scaled(c))(f64(2)))(c), mul(c, 10))).toBeLessThan(1e-15)
    expect(numbers(grad((x: Tensor) => sum(vmap((c: Tensor) => scaled(c)(x))(c)))(f64(2)))[0]).toBeCloseTo(10 * numbers(sum(c))[0]!, 13)
  })
  test('checkpoint: closures over values of both transforms', () => {
    const [c, x] = [random(4, 3), random(4, 3)]
    const f =
      (wrap: typeof checkpoint) =>
      (w: Tensor, c: Tensor, x: Tensor): Tensor =>
        sum(wrap((x: Tensor) => sin(mul(mul(c, w), x)))(x))
    const plain = f((g) => g)
    expect(distance(vmap(grad(f(checkpoint)), [null, 0, 0])(w, c, x), vmap(grad(plain), [null, 0, 0])(w, c, x))).toBe(0)
    const total = (g: typeof plain) => grad((w: Tensor) => sum(vmap(g, [null, 0, 0])(w, c, x)))(w)
    expect(distance(total(f(checkpoint)), total(plain))).toBeLessThan(1e-15)
    const [y, pull] = vjp((w: Tensor) => vmap(f(checkpoint), [null, 0, 0])(w, c, x), [w])
    expect(distance(pull(y)[0], vjp((w: Tensor) => vmap(plain, [null, 0, 0])(w, c, x), [w])[1](y)[0])).toBeLessThan(1e-15)
  })
  test('noGrad inside and outside of vmap', () => {
    const x = random(4)
    const f = (x: Tensor): Tensor => mul(x, noGrad(square)(x))
    expect(distance(vmap(grad(f))(x), square(x))).toBe(0)
    expect(distance(grad((x: Tensor) => sum(vmap(f)(x)))(x), square(x))).toBe(0)
    expect(distance(grad((x: Tensor) => sum(mul(x, noGrad(vmap(square))(x))))(x), square(x))).toBe(0)
  })
})

describe('customVmap', () => {
  const calls: unknown[] = []
  /** Sums, with a batching rule that gives twice the sum. */
  const twice = customVmap(
    (x: Tensor, k: number, y: Tensor) => add(sum(x), mul(y, k)),
    (info, inDims, x, k, y) => {
      calls.push([info, inDims, x.shape, y.shape])
      return [mul(add(sum(x, inDims[0] === 0 ? 1 : 0), mul(y, k)), 2), 0]
    },
  )
  test('the rule is called with sizes and axes, and only where something is mapped', () => {
    const [x, y] = [random(4, 3), f64(5)]
    expect(twice(f64([1, 2]), 3, y).item()).toBe(18)
    expect(calls).toEqual([])
    const z = vmap((x: Tensor) => twice(x, 3, y))(x)
    expect(distance(z, mul(add(sum(x, 1), 15), 2))).toBeLessThan(1e-14)
    expect(calls).toEqual([[{ batchSize: 4, randomness: 'error' }, [0, null, null], [4, 3], []]])
    calls.length = 0
    vmap((x: Tensor) => twice(x, 3, y), 1, 0, { randomness: 'same' })(x)
    expect(calls).toEqual([[{ batchSize: 3, randomness: 'same' }, [1, null, null], [4, 3], []]])
    calls.length = 0
    // another value is mapped, the arguments are not
    expect(vmap((a: Tensor) => add(a, twice(f64([1, 2]), 3, y)))(random(2)).shape).toEqual([2])
    expect(calls).toEqual([])
  })
  test('nested maps call it once for each level at which an argument is mapped', () => {
    const seen: number[] = []
    const f: (x: Tensor) => Tensor = customVmap(
      (x: Tensor) => sin(x),
      ({ batchSize }, _, x) => {
        seen.push(batchSize)
        return [f(x), 0]
      },
    )
    const x = random(2, 3)
    expect(distance(vmap(vmap(f))(x), sin(x))).toBe(0)
    expect(seen).toEqual([3, 2])
  })
  test('forward mode inside a map is that of the function', () => {
    const f = customVmap(
      (x: Tensor) => mul(sin(x), x),
      (_, [dim], x) => [mul(x, sin(x)), dim as number],
    )
    const [x, dx] = [random(3), random(4, 3)]
    const expected = stack(rows(dx).map((v) => jvp((x: Tensor) => mul(sin(x), x), [x], [v])[1]))
    expect(distance(vmap((v: Tensor) => jvp(f, [x], [v])[1])(dx), expected)).toBeLessThan(1e-15)
    expect(distance(vmap((x: Tensor, v: Tensor) => jvp(f, [x], [v])[1], [null, 0])(x, dx), expected)).toBeLessThan(1e-15)
  })
  test('trees, outDims, derivatives through the rule', () => {
    const f = customVmap(
      (p: { a: Tensor }): { y: Tensor; z: Tensor } => ({ y: sin(p.a), z: f64(1) }),
      (_, __, p) => [
        { y: sin(p.a).t(), z: f64(1) },
        { y: 1, z: null },
      ],
    )
    const a = random(4, 3)
    const out = vmap(f, 0, { y: 0, z: null })({ a })
    expect([distance(out.y, sin(a)), out.z.shape]).toEqual([0, []])
    expect(distance(grad((a: Tensor) => sum(vmap(f, 0, { y: 0, z: null })({ a }).y))(a), a.cos())).toBe(0)
    expect(distance(vmap(grad((a: Tensor) => sum(f({ a }).y)))(a), a.cos())).toBe(0)
  })
  test('what is wrong is named', () => {
    const bad = (rule: unknown): string => raised(() => vmap(customVmap((x: Tensor) => x, rule as never))(random(3))).message
    expect(bad((_: unknown, __: unknown, x: Tensor) => x)).toContain(
      '[vmap] customVmap: Expected the rule to have two returns, an output and outDims with structure compatible with the output. Got a float64 tensor of shape [3] instead',
    )
    expect(bad((_: unknown, __: unknown, x: Tensor) => [x, 0, 0])).toContain('Got 3 returns instead')
    expect(bad((_: unknown, __: unknown, x: Tensor) => [x, [0]])).toContain(
      'the rule returned an incompatible [output, outDims]. Expected outDims to be compatible with the structure of `output`. outDims has structure [*] but output has structure *.',
    )
    expect(bad((_: unknown, __: unknown, x: Tensor) => [x, 1])).toContain(
      'Dimension out of range (expected to be in range of [-1, 0], but got 1)',
    )
    expect(
      raised(() =>
        vmap((x: Tensor) =>
          customVmap(
            (y: Tensor) => y,
            (_, __, y) => [add(x, y), 0],
          )(x),
        )(random(3)),
      ).message,
    ).toContain('closes over a value of which this vmap shows one example. Pass it as an argument')
  })
  test('draws inside follow the randomness of the map', () => {
    const noisy = checkpoint((x: Tensor) => add(x, rand(2)))
    expect(vmap(noisy, 0, 0, { randomness: 'different' })(random(3, 2)).shape).toEqual([3, 2])
    expect(raised(() => vmap(noisy)(random(3, 2))).message).toContain('called random operation while in randomness error mode')
  })
})

test('a rule that calls a function with a batching rule, which only maps below have examples of', () => {
  class Twice extends autograd.Function {
    static forward(x: Tensor): Tensor {
      return mul(x, 2)
    }
    static setupContext(): void {}
    static jvp(_: FunctionContext, dx: Tensor): Tensor {
      return Twice.apply(dx)
    }
    static vmap(_: unknown, [dim]: [number], x: Tensor): [Tensor, number] {
      return [Twice.apply(x), dim]
    }
  }
  const x = random(3)
  const f = (x: Tensor): Tensor => sum(sin(Twice.apply(x)))
  const plain = (x: Tensor): Tensor => sum(sin(mul(x, 2)))
  const second = jacrev(grad(plain))(x)
  expect(distance(jacfwd(jacfwd(f))(x), second)).toBeLessThan(1e-14)
  expect(distance(jacfwd((x: Tensor) => jacfwd(f, { chunkSize: 2 })(x), { chunkSize: 1 })(x), second)).toBeLessThan(1e-14)
  expect(distance(vmap(jacfwd(jacfwd(f)))(stack([x, x])).at(1), second)).toBeLessThan(1e-14)
  // an inner map that the function has no part in
  const table = vmap((x: Tensor) => vmap((z: Tensor) => mul(Twice.apply(x), z))(random(5).mul(0).add(3)))(x)
  expect(distance(table, mul(x, 6).unsqueeze(1).expand(3, 5))).toBeLessThan(1e-15)
})
