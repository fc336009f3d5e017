import {
  type Tensor,
  add,
  dropout,
  exp,
  manualSeed,
  matmul,
  memory,
  mul,
  sin,
  square,
  stopGradient,
  sum,
  tensor,
  tidy,
} from '@mapgrad/tensor'
import { describe, expect, test } from 'vitest'
import { checkpoint, customJvp, customVjp, grad, gradAndValue, jvp, linearize, noGrad, vjp } from '../src/index.ts'
import { differences, distance, dot, f64, random } from './support.ts'

const message = (f: () => unknown): string => {
  try {
    f()
  } catch (e) {
    return (e as Error).message
  }
  throw new Error('nothing was raised')
}

/** x², with a derivative that says 3 instead of 2x, so that one sees whose rule ran. */
const three = customVjp((x: Tensor) => mul(x, x), { forward: (x) => [mul(x, x), null], backward: (_, ct) => [mul(ct, 3)] })

describe('customVjp', () => {
  test('the rule is used in reverse mode, and its transpose in forward mode', () => {
    expect(three(f64(5)).item()).toBe(25)
    expect(grad(three)(f64(5)).item()).toBe(3)
    expect(jvp(three, [f64(5)], [f64(2)])[1].item()).toBe(6)
    expect(linearize(three, [f64(5)])[1](f64(2)).item()).toBe(6)
  })
  test('trees of arguments, results, residuals and cotangents; numbers pass through', () => {
    type P = { w: Tensor; deep: [Tensor] }
    const f = customVjp((p: P, k: number, x: Tensor): { y: Tensor; z: [Tensor] } => ({ y: mul(p.w, x), z: [mul(p.deep[0], k)] }), {
      forward: (p, k, x) => [
        { y: mul(p.w, x), z: [mul(p.deep[0], k)] },
        { p, k, x, note: 'kept' },
      ],
      backward: ({ p, k, x, note }, { y, z: [z] }) => [{ w: mul(y, x), deep: [note === 'kept' ? mul(z, 10 * k) : z] }, null, mul(y, p.w)],
    })
    const [p, x] = [{ w: f64([2, 3]), deep: [f64(4)] as [Tensor] }, f64([5, 7])]
    const g = grad(
      (p: P, x: Tensor) => {
        const { y, z } = f(p, 2, x)
        return add(sum(y), z[0])
      },
      [0, 1],
    )(p, x)
    expect([g[0].w.tolist(), g[0].deep[0].item(), g[1].tolist()]).toEqual([[5, 7], 20, [2, 3]])
  })
  test('the second derivative is that of the rule', () => {
    const cube = customVjp((x: Tensor) => mul(mul(x, x), x), {
      forward: (x) => [mul(mul(x, x), x), x],
      backward: (x, ct) => [mul(ct, mul(square(x), 3))],
    })
    expect(grad(grad(cube))(f64(2)).item()).toBe(12)
    expect(grad(grad(grad(cube)))(f64(2)).item()).toBe(6)
    expect(jvp((x: Tensor) => jvp(cube, [x], [f64(1)])[1], [f64(2)], [f64(1)])[1].item()).toBe(12)
  })
  test('null, scalars for broadcast arguments, other dtypes', () => {
    const f = customVjp((x: Tensor, b: Tensor) => add(x, b), { forward: (x, b) => [add(x, b), null], backward: (_, ct) => [null, ct] })
    const [gx, gb] = grad((x: Tensor, b: Tensor) => sum(f(x, b)), [0, 1])(random(2, 3), f64([1, 2, 3]))
    expect([gx.tolist(), gb.tolist()]).toEqual([
      [
        [0, 0, 0],
        [0, 0, 0],
      ],
      [2, 2, 2],
    ])
    const g32 = customVjp((x: Tensor) => x, { forward: (x) => [mul(x, 1), null], backward: (_, ct) => [ct.to('float64')] })
    expect(grad((x: Tensor) => sum(g32(x)))(tensor([1, 2])).dtype).toBe('float32')
  })
  test('closing over a value that is being differentiated is refused; of an outer level it is right', () => {
    const scaled = (w: Tensor): ((x: Tensor) => Tensor) =>
      customVjp((x: Tensor) => mul(x, w), { forward: (x) => [mul(x, w), null], backward: (_, ct) => [mul(ct, w)] })
    expect(message(() => grad((x: Tensor) => scaled(mul(x, 2))(x))(f64(3)))).toContain(
      'closes over a value that is being differentiated. Pass it as an argument',
    )
    expect(message(() => jvp((x: Tensor) => scaled(mul(x, 2))(x), [f64(3)], [f64(1)]))).toContain(
      'closes over a value that is being differentiated',
    )
    expect(message(() => grad((x: Tensor) => scaled(mul(x, 2))(f64(1)))(f64(3)))).toContain(
      'closes over a value that is being differentiated',
    )
    expect(grad((x: Tensor) => scaled(stopGradient(x))(x))(f64(3)).item()).toBe(3)
    // d/dw d/dx (w² x) = 2w
    expect(grad((w: Tensor) => grad((x: Tensor) => scaled(square(w))(x))(f64(1)))(f64(3)).item()).toBe(6)
  })
  test('what is wrong is named', () => {
    const x = f64([1, 2])
    const bad = (rules: object): unknown => grad((x: Tensor) => sum(customVjp((x: Tensor) => x, rules as never)(x)))(x)
    expect(message(() => bad({ forward: (x: Tensor) => x, backward: () => [null] }))).toContain(
      'expected forward to return [output, residuals], got Tensor',
    )
    expect(message(() => bad({ forward: (x: Tensor) => [x, null], backward: (_: null, ct: Tensor) => ct }))).toContain(
      'expected backward to return one cotangent an argument (a tree like it, or null), 1 in all, got Tensor',
    )
    expect(message(() => bad({ forward: (x: Tensor) => [x, null], backward: (_: null, ct: Tensor) => [ct, ct] }))).toContain(
      '1 in all, got 2',
    )
    expect(message(() => bad({ forward: (x: Tensor) => [x, null], backward: () => [f64([1, 2, 3])] }))).toContain(
      'got [3] but expected shape compatible with [2]',
    )
    expect(message(() => bad({ forward: (x: Tensor) => [x, null], backward: () => [[f64([1, 2])]] }))).toContain(
      "expected backward's result 0 to be a Tensor or null, got an array of 1",
    )
    expect(message(() => customVjp(undefined as never, {} as never))).toContain('[autodiff] customVjp: expected a function, got undefined')
    expect(message(() => bad({ forward: (x: Tensor) => [x, null] }))).toContain('expected a function, got undefined')
  })
})

describe('customJvp', () => {
  const seven = customJvp(
    (x: Tensor) => mul(x, x),
    ([x], [dx]) => [mul(x, x), mul(dx, 7)],
  )
  test('the rule is used in forward mode, and its transpose in reverse mode', () => {
    expect(jvp(seven, [f64(5)], [f64(2)]).map((t) => t.item())).toEqual([25, 14])
    expect(linearize(seven, [f64(5)])[1](f64(2)).item()).toBe(14)
    expect(gradAndValue(seven)(f64(5)).map((t) => t.item())).toEqual([7, 25])
  })
  test('nested forward mode: x⁴ at 3 has derivatives 108, 108, 72, where torch.func gives 0', () => {
    const fourth: (x: Tensor) => Tensor = customJvp(
      (x: Tensor): Tensor => square(square(x)),
      ([x], [dx]) => [fourth(x), mul(dx, mul(mul(square(x), x), 4))],
    )
    const d = (f: (x: Tensor) => Tensor) => (x: Tensor) => jvp(f, [x], [f64(1)])[1]
    expect([d(fourth), d(d(fourth)), d(d(d(fourth)))].map((f) => f(f64(3)).item())).toEqual([108, 108, 72])
    expect([grad(d(fourth)), d(grad(fourth)), grad(grad(fourth))].map((f) => f(f64(3)).item())).toEqual([108, 108, 108])
  })
  test('several arguments, of which one moves; trees', () => {
    const f = customJvp(
      (p: { a: Tensor }, x: Tensor): [Tensor, Tensor] => [mul(p.a, x), sin(x)],
      ([p, x], [dp, dx]) => [
        [mul(p.a, x), sin(x)],
        [add(mul(dp.a, x), mul(mul(p.a, dx), 100)), mul(dx, 0)],
      ],
    )
    const [a, x] = [random(3), random(3)]
    expect(distance(grad((a: Tensor) => sum(f({ a }, x)[0]))(a), x)).toBe(0)
    expect(distance(grad((x: Tensor) => sum(f({ a }, x)[0]))(x), mul(a, 100))).toBeLessThan(1e-12)
  })
  test('what is wrong is named', () => {
    const bad = (rule: unknown): unknown =>
      jvp(
        customJvp((x: Tensor) => x, rule as never),
        [f64([1, 2])],
        [f64([1, 1])],
      )
    expect(message(() => bad(([x]: [Tensor]) => x))).toContain('expected the rule to return [output, tangentOut], got Tensor')
    expect(message(() => bad(([x]: [Tensor]) => [x, [x]]))).toContain('expected tangentOut in the structure of the output, *, got [*]')
    expect(message(() => bad(([x]: [Tensor]) => [x, sum(x)]))).toContain('expected tangentOut of the shape of the output, [2], got []')
  })
})

describe('checkpoint', () => {
  const W = random(4, 4)
  const layer = (x: Tensor): Tensor => sin(matmul(W, mul(exp(sin(x)), 0.1)))
  const deep =
    (wrap: (f: (x: Tensor) => Tensor) => (x: Tensor) => Tensor) =>
    (x: Tensor): Tensor => {
      let y = x
      for (let i = 0; i < 4; i++) y = wrap(layer)(y)
      return sum(y)
    }
  test('values and gradients are those of the function', () => {
    const [x, v] = [random(4, 5), random(4, 5)]
    const f = deep(checkpoint)
    expect(dot(grad(f)(x), v)).toBeCloseTo(differences(f, x, v).item() as number, 8)
    expect(distance(grad(f)(x), grad(deep((g) => g))(x))).toBe(0)
  })
  test('the function runs once forward and once when the gradient passes', () => {
    let calls = 0
    const f = checkpoint((x: Tensor) => {
      calls++
      return sum(sin(mul(x, x)))
    })
    const [, pull] = vjp(f, [f64([1, 2])])
    expect(calls).toBe(1)
    pull(f64(1))
    expect(calls).toBe(2)
    f(f64([1, 2]))
    expect(calls).toBe(3)
  })
  test('values that it closes over get their gradients, of every level', () => {
    const f = (w: Tensor, x: Tensor): Tensor => sum(checkpoint((x: Tensor) => sin(mul(w, x)))(x))
    const plain = (w: Tensor, x: Tensor): Tensor => sum(sin(mul(w, x)))
    const [w, x] = [random(3), random(3)]
    expect(distance(grad(f)(w, x), grad(plain)(w, x))).toBe(0)
    expect(distance(grad((w: Tensor) => sum(grad(f, 1)(w, x)))(w), grad((w: Tensor) => sum(grad(plain, 1)(w, x)))(w))).toBeLessThan(1e-15)
    const only = (w: Tensor): Tensor => sum(checkpoint(() => sin(w))())
    expect(distance(grad(only)(w), grad((w: Tensor) => sum(sin(w)))(w))).toBe(0)
    expect(distance(jvp(only, [w], [x])[1], jvp((w: Tensor) => sum(sin(w)), [w], [x])[1])).toBe(0)
  })
  test('the tape holds the arguments alone', () => {
    const x = random(64, 64)
    const held = (f: (x: Tensor) => Tensor): number => {
      const before = memory().live
      const [y, pull] = vjp(f, [x])
      const live = memory().live - before
      const [g] = tidy(() => pull(y))
      g.dispose()
      return live
    }
    const many = (x: Tensor): Tensor => {
      let y = x
      for (let i = 0; i < 10; i++) y = exp(sin(mul(y, 0.5)))
      return sum(y)
    }
    const bytes = 64 * 64 * 8
    expect(held(many)).toBeGreaterThan(20 * bytes)
    expect(held(checkpoint(many))).toBeLessThan(2 * bytes)
  })
  test('memory is as before after a thousand gradients', () => {
    const [f, x] = [deep(checkpoint), random(4, 5)]
    grad(f)(x).dispose()
    const before = memory().live
    for (let i = 0; i < 1000; i++) grad(f)(x).dispose()
    expect(memory().live).toBe(before)
  })
  test('draws the same numbers again', () => {
    manualSeed(3)
    const x = random(50)
    const kept: unknown[] = []
    const f = checkpoint((x: Tensor) => {
      const y = dropout(mul(x, x), 0.5)
      kept.push(y.tolist())
      return sum(y)
    })
    grad(f)(x)
    expect(kept).toHaveLength(2)
    expect(kept[0]).toEqual(kept[1])
  })
})

describe('noGrad', () => {
  const f = (x: Tensor): Tensor => sum(mul(x, x.sub(noGrad((y: Tensor) => mul(y, y))(x))))
  test('is a constant in both modes: x − noGrad(x²) moves with 1 alone', () => {
    const g = (x: Tensor): Tensor => x.sub(noGrad((y: Tensor) => mul(y, y))(x))
    expect(grad(g)(f64(3)).item()).toBe(1)
    expect(jvp(g, [f64(3)], [f64(1)])[1].item()).toBe(1)
    expect(linearize(g, [f64(3)])[1](f64(1)).item()).toBe(1)
    const [x, v] = [random(3), random(3)]
    expect(dot(grad(f)(x), v)).toBeCloseTo(jvp(f, [x], [v])[1].item() as number, 14)
  })
  test('of closures, of the argument itself, of what leaves by the side, at every level', () => {
    expect(grad((x: Tensor) => mul(x, noGrad(() => mul(x, x))()))(f64(3)).item()).toBe(9)
    expect(grad((x: Tensor) => mul(x, noGrad((y: Tensor) => y)(x)))(f64(3)).item()).toBe(3)
    const side = (x: Tensor): Tensor => {
      let y = x
      noGrad(() => {
        y = mul(x, x)
        return []
      })()
      return mul(x, y)
    }
    expect(grad(side)(f64(3)).item()).toBe(9)
    expect(grad((x: Tensor) => grad((y: Tensor) => mul(y, noGrad(() => mul(x, y))()))(x))(f64(3)).item()).toBe(0)
  })
  test('transforms that start inside are not affected', () => {
    expect(grad((x: Tensor) => mul(x, noGrad((y: Tensor) => grad((z: Tensor) => mul(z, z))(y))(x)))(f64(3)).item()).toBe(6)
  })
  test('outside of transforms it is the function', () => {
    expect(noGrad((x: Tensor) => ({ y: mul(x, 2), n: 1 }))(f64(3)).y.item()).toBe(6)
  })
  test('inside checkpoint and around it', () => {
    const h = checkpoint((x: Tensor) => mul(x, noGrad((y: Tensor) => mul(y, y))(x)))
    expect(grad(h)(f64(3)).item()).toBe(9)
    expect(grad((x: Tensor) => mul(x, noGrad(checkpoint((y: Tensor) => mul(y, x)))(x)))(f64(3)).item()).toBe(9)
  })
})
