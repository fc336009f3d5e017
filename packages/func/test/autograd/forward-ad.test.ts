// autograd.forwardAd against PyTorch's values (forward-ad.py), and the rules of torch.autograd.forward_ad. With transforms: forward-ad-mixed.test.ts.
import { readFileSync } from 'node:fs'
import {
  type FunctionContext,
  type Tensor,
  autograd,
  cat,
  cos,
  customJvp,
  exp,
  grad,
  jacrev,
  jvp,
  matmul,
  memory,
  mul,
  ones,
  pow,
  sin,
  slice,
  stopGradient,
  sum,
  tensor,
  tidy,
  vmap,
  zeros,
} from '@mapgrad/func'
import { afterEach, describe, expect, expectTypeOf, test } from 'vitest'
import { type F, distance, f64, raised } from '../rules.ts'

const { dualLevel, enterDualLevel, exitDualLevel, makeDual, unpackDual } = autograd.forwardAd
const text = (f: () => unknown): string => raised(f).message
const tangentOf = (x: Tensor): Tensor => unpackDual(x).tangent!

afterEach(() => {
  // no test leaves a level open
  if (!text(() => exitDualLevel()).includes('No level is open')) throw new Error('a level is open')
})

type Numbers = number[] | number[][]
const expected = JSON.parse(readFileSync(new URL('forward-ad.json', import.meta.url), 'utf8')) as {
  w: Numbers
  x: Numbers
  v: Numbers
  cases: Record<string, Record<'c' | 'y' | 'dy' | 'byX' | 'byT' | 'g' | 'dg' | 'third', Numbers>>
}
const [w, x, v] = [f64(expected.w), f64(expected.x), f64(expected.v)]

class Cube extends autograd.Function {
  static forward(x: Tensor): Tensor {
    return pow(x, 3)
  }
  static setupContext(ctx: FunctionContext, inputs: readonly [Tensor]): void {
    ctx.saveForBackward(inputs[0])
    ctx.saveForForward(inputs[0])
  }
  static backward(ctx: FunctionContext, ct: Tensor): Tensor {
    const [x] = ctx.savedTensors
    return x!.mul(x!).mul(3).mul(ct)
  }
  static jvp(ctx: FunctionContext, dx: Tensor): Tensor {
    const [x] = ctx.savedTensors
    return x!.mul(x!).mul(3).mul(dx)
  }
}
const functions: Readonly<Record<string, F>> = {
  elementwise: (x) => x.sin().mul(x.exp()).tanh(),
  products: (x) => matmul(w, x).cos().div(matmul(w, x).exp()),
  'a cumulative sum of powers': (x) => x.pow(3).cumsum(0),
  parts: (x) =>
    cat([x.at(slice(1)), x.at(slice(0, 2)).mul(x.at(3))])
      .reshape(3, 2)
      .t()
      .div(x.at(2).pow(2).add(1)),
  'writes in place': (x) => {
    const y = x.clone()
    y.mul_(x.sin())
    y.set(slice(1, 4), y.at(slice(1, 4)).mul(x.at(0)))
    y.at(slice(0, null, 2)).mul_(2)
    return y
  },
  'a sort': (x) => x.sort().values.mul(x),
  'a rule by hand': (x) => Cube.apply(x.sin()).mul(x),
  'no grad inside': (x) => x.mul(stopGradient(x)).mul(x),
}

describe.each(Object.entries(functions))("PyTorch's values: %s", (name, f) => {
  const want = expected.cases[name]!
  const [c, expectClose] = [f64(want.c), (got: Tensor, numbers: Numbers) => expect(distance(got, f64(numbers))).toBeLessThan(1e-14)]
  const leaf = (data: Tensor): Tensor => data.clone().requiresGrad_()

  test('tangents, and those by every other way', () => {
    dualLevel(() => {
      const { primal, tangent } = unpackDual(f(makeDual(x, v)))
      expectClose(primal, want.y)
      expectClose(tangent!, want.dy)
    })
    const [, dy] = jvp(f, [x], [v])
    expectClose(dy, want.dy)
  })
  test('reverse over forward: gradients of a tangent', () => {
    const [a, t] = [leaf(x), leaf(v)]
    const [byX, byT] = dualLevel(() => autograd.grad(sum(mul(tangentOf(f(makeDual(a, t))), c)), [a, t], null, { allowUnused: true }))
    expectClose(byX!, want.byX)
    expectClose(byT!, want.byT)
    // the same by backward, when the level is left
    const dy = dualLevel(() => tangentOf(f(makeDual(a, t))))
    sum(mul(dy, c)).backward()
    expectClose(a.grad!, want.byX)
    expectClose(t.grad!, want.byT)
  })
  test('forward over reverse: tangents of a gradient, and their gradient', () => {
    const a = leaf(x)
    dualLevel(() => {
      const loss = (): Tensor => sum(mul(f(makeDual(a, v)), c))
      const [g] = autograd.grad(loss(), a, null, { createGraph: true })
      const { primal, tangent } = unpackDual(g)
      expectClose(primal, want.g)
      expectClose(tangent!, want.dg)
      // where it depends on nothing, PyTorch's is zero
      if (tangent!.requiresGrad)
        expectClose(unpackDual(autograd.grad(sum(mul(tangent!, v)), a, null, { materializeGrads: true })[0]).primal, want.third)
      else expectClose(zeros(5, { dtype: 'float64' }), want.third)
      // also where the gradient itself is not recorded
      const [h] = autograd.grad(loss(), a)
      expectClose(tangentOf(h), want.dg)
      expect(h.requiresGrad).toBe(false)
    })
  })
  test('over grad and jacrev', () => {
    dualLevel(() => {
      const { primal, tangent } = unpackDual(grad((x: Tensor) => sum(mul(f(x), c)))(makeDual(x, v)))
      expectClose(primal, want.g)
      expectClose(tangent!, want.dg)
      const J = tangentOf(jacrev(f)(makeDual(x, v)))
      expectClose(matmul(c.reshape(-1), J.reshape(c.numel(), 5)), want.dg)
    })
  })
})

describe('the level', () => {
  test('by functions, by a callback, by using', () => {
    expect(enterDualLevel()).toBe(0)
    expect(tangentOf(sin(makeDual(x, v))).tolist()).toEqual(cos(x).mul(v).tolist())
    exitDualLevel({ level: 0 })
    expect(dualLevel((level) => unpackDual(makeDual(x, v, { level }), { level }).tangent!.tolist())).toEqual(v.tolist())
    {
      using open = dualLevel()
      expect(open.level).toBe(0)
      expect(unpackDual(makeDual(x, v)).tangent).not.toBeNull()
    }
    expect(() => makeDual(x, v)).toThrow(/no level exists/)
  })
  test('is left also when the callback raises, or leaves it itself', () => {
    expect(() =>
      dualLevel(() => {
        throw new Error('mine')
      }),
    ).toThrow('mine')
    expect(() => makeDual(x, v)).toThrow(/no level exists/)
    const level = dualLevel()
    exitDualLevel()
    level[Symbol.dispose]()
    dualLevel(() => {
      exitDualLevel()
      enterDualLevel()
      level[Symbol.dispose]()
      expect(unpackDual(makeDual(x, v)).tangent).not.toBeNull()
      exitDualLevel()
    })
  })
  test('gone, tensors are what they are without tangents', () => {
    const a = x.clone().requiresGrad_()
    const [d, e, y] = dualLevel(() => {
      const [d, e] = [makeDual(x, v), makeDual(a, v)]
      return [d, e, sin(e)]
    })
    expect([String(d), unpackDual(d).tangent, distance(sin(d), sin(x))]).toEqual([String(x), null, 0])
    expect(String(e)).toBe(String(a))
    sum(mul(y, e)).backward(null, { retainGraph: true })
    expect(distance(a.grad!, sin(x).add(mul(cos(x), x)))).toBeLessThan(1e-15)
    // a new level knows nothing of the old one's tangents
    dualLevel(() => {
      expect([unpackDual(d).tangent, unpackDual(sin(d)).tangent]).toEqual([null, null])
      const f = makeDual(d, v)
      expect(distance(tangentOf(mul(d, f)), mul(x, v))).toBe(0)
      expect(distance(tangentOf(mul(f, d)), mul(x, v))).toBe(0)
      expect(distance(autograd.grad(sum(mul(y, f)), a)[0], mul(cos(x), x))).toBeLessThan(1e-15)
    })
  })
  test('holds no memory when it is left in tidy', () => {
    const before = memory().live
    tidy(() => dualLevel(() => void sum(sin(makeDual(x, v)))))
    expect(memory().live).toBe(before)
    const y = tidy(() => dualLevel(() => sum(sin(makeDual(x, v)))))
    expect(memory().live - before).toBe(8)
    expect(distance(y, sum(sin(x)))).toBe(0)
  })
  test('unpackDual gives an object that is an array', () => {
    dualLevel(() => {
      const both = unpackDual(makeDual(x, v))
      const [primal, tangent] = both
      expect([both.length, both.primal === primal, both.tangent === tangent]).toEqual([2, true, true])
      expectTypeOf(tangent).toEqualTypeOf<Tensor | null>()
      expectTypeOf(both.primal).toEqualTypeOf<Tensor>()
      expect([unpackDual(x).primal.tolist(), unpackDual(x).tangent]).toEqual([x.tolist(), null])
    })
    expect([unpackDual(x).primal === x, unpackDual(x).tangent]).toEqual([true, null])
  })
})

describe('mistakes, in the words of PyTorch', () => {
  test('levels', () => {
    expect(text(() => makeDual(x, v))).toContain(
      'Trying to create a dual Tensor for forward AD but no level exists, make sure to enterDualLevel() first.',
    )
    expect(text(() => makeDual(x, v, { level: -1 }))).toContain('no level exists')
    expect(text(() => exitDualLevel())).toContain('Dual level must be a positive number.')
    const last = 'Trying to exit a forward AD level that was not the last one that was created. This is not supported.'
    expect(text(() => exitDualLevel({ level: 0 }))).toContain(last)
    dualLevel(() => {
      for (const again of [enterDualLevel, dualLevel, () => dualLevel(() => 1)])
        expect(text(again)).toContain('Nested forward mode AD is not supported at the moment')
      expect(text(() => exitDualLevel({ level: 3 }))).toContain(last)
      expect(text(() => makeDual(x, v, { level: 2 }))).toContain('Invalid level given to makeDual, 2: the level that is open is 0')
      expect(text(() => unpackDual(x, { level: 2 }))).toContain('Invalid level given to unpackDual')
      expect(text(() => makeDual(x, v, { level: 0.5 }))).toContain('expected level to be a whole number')
      expect(unpackDual(makeDual(x, v), { level: -1 }).tangent).toBeNull()
      vmap((y: Tensor) => {
        expect(text(() => exitDualLevel())).toContain(last)
        return y
      })(x)
    })
  })
  test('tensors', () => {
    dualLevel(() => {
      const d = makeDual(x, v)
      expect(text(() => makeDual(x.int(), v))).toContain('Expected primal to be floating point or complex, but got: int32')
      expect(text(() => makeDual(x, v.int()))).toContain('Expected tangent to be floating point or complex, but got: int32')
      expect(text(() => makeDual(x, ones(3)))).toContain(
        'Trying to set a forward gradient that has a different size than that of the original Tensor, this is not supported. Tensor is of size [5] while the given forward gradient is of size [3].',
      )
      expect(text(() => makeDual(x, v.float()))).toContain('expected a tangent of the dtype of its primal, float64, got float32')
      expect(text(() => makeDual(d, v))).toContain(
        'Making a dual Tensor based on a Tensor that already has a forward gradient at the same level 0 is not supported.',
      )
      expect(text(() => makeDual(x, d))).toContain('Setting a forward grad that itself has a forward gradient at the same level 0')
      expect(text(() => makeDual(1 as never, v))).toContain('expected the primal to be a Tensor, got 1')
      expect(text(() => unpackDual(3 as never))).toContain('expected a Tensor, got 3')
      expect(text(() => makeDual(x, v, { lvl: 1 } as never))).toContain("unknown option 'lvl'")
      expect(text(() => makeDual(x, v, 0 as never))).toContain('expected options')
    })
    expect(text(() => dualLevel((() => Promise.resolve(1)) as never))).toContain('expected a synchronous function')
    expect(text(() => dualLevel(1 as never))).toContain('expected a function')
  })
  test('a Function without jvp, and one that closes over a dual', () => {
    class Plain extends autograd.Function {
      static forward(x: Tensor): Tensor {
        return exp(x)
      }
      static setupContext(): void {}
    }
    dualLevel(() => {
      const d = makeDual(x, v)
      expect(text(() => Plain.apply(d))).toContain('You must implement the jvp function')
      expect(distance(Plain.apply(x), exp(x))).toBe(0)
      const closing = customJvp(
        (y: Tensor) => mul(y, d),
        ([y], [dy]) => [mul(y, d), mul(dy, d)],
      )
      expect(text(() => closing(x))).toContain('closes over a value that is being differentiated')
    })
  })
})

test('duals print as in PyTorch', () => {
  dualLevel(() => {
    const d = makeDual(tensor([1, 2]), tensor([3, 4]))
    expect(String(d)).toBe('tensor([1., 2.], tangent=tensor([3., 4.]))')
    expect(String(sin(d))).toBe('tensor([0.8415, 0.9093], tangent=tensor([ 1.6209, -1.6646]))')
    expect(String(makeDual(tensor([1, 2], { requiresGrad: true }), tensor([3, 4])).mul(2))).toBe(
      'tensor([2., 4.], grad_fn=<MulBackward>, tangent=tensor([6., 8.]))',
    )
    expect(String(makeDual(ones(2, 3), zeros(2, 3)))).toBe(
      'tensor([[1., 1., 1.],\n        [1., 1., 1.]], tangent=tensor([[0., 0., 0.],\n        [0., 0., 0.]]))',
    )
    expect(String(makeDual(ones(9), ones(9)))).toBe(
      'tensor([1., 1., 1., 1., 1., 1., 1., 1., 1.],\n       tangent=tensor([1., 1., 1., 1., 1., 1., 1., 1., 1.]))',
    )
  })
})
