// TestAutogradForwardMode and TestAutogradForwardModeBatchedGrad of test_autograd.py: autograd.forwardAd. Its values, transforms and errors are in ../autograd/.
// Left out: strides, storages and layouts (tensors have none that show), conjugate and negative bits (complex numbers are absent), `out=` variants, inference mode,
// `_set_fwd_grad_enabled` and `__torch_dispatch__` (private, Python-only), batch norm; and that writes to a dual reach what it
// was made of: duals, and what unpackDual gives, are tensors of their own here.
import { type Tensor, arange, autograd, exp, jvp, matmul, mul, ones, sin, sum, vmap, zeros } from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { distance, f64, raised, random } from '../rules.ts'

const { dualLevel, enterDualLevel, exitDualLevel, makeDual, unpackDual } = autograd.forwardAd
const text = (f: () => unknown): string => raised(f).message

describe('levels', () => {
  test('there is one: a second is refused, and the first is as it was', () => {
    dualLevel((level) => {
      expect(level).toBe(0)
      expect(text(() => enterDualLevel())).toContain('Nested forward mode AD is not supported at the moment')
      expect(unpackDual(makeDual(random(2), random(2))).tangent).not.toBeNull()
    })
  })
  test('the open one is the default, and may be named', () => {
    const [x, dx] = [random(3), random(3)]
    dualLevel((level) => {
      for (const options of [{ level }, {}, undefined]) expect(distance(unpackDual(makeDual(x, dx, options), options).tangent!, dx)).toBe(0)
    })
  })
  test('its end takes tangents away, also those of what was computed', () => {
    const x = random(2, 3)
    const [a, b, c] = dualLevel(() => {
      const a = makeDual(x, random(2, 3))
      return [a, exp(a), vmap(sin)(a)]
    })
    dualLevel(() => {
      for (const y of [a, b, c]) expect(unpackDual(y).tangent).toBeNull()
      expect([distance(a, x), distance(unpackDual(b).primal, exp(x)), distance(c, sin(x))]).toEqual([0, 0, 0])
    })
  })
})

describe('making and taking apart', () => {
  test('gives back what was put in, and leaves it as it was', () => {
    const [x, dx] = [random(2, 3), random(2, 3)]
    dualLevel(() => {
      const dual = makeDual(x, dx)
      const { primal, tangent } = unpackDual(dual)
      expect([distance(primal, x), distance(tangent!, dx)]).toEqual([0, 0])
      for (const y of [x, dx, primal, tangent!]) expect(unpackDual(y).tangent).toBeNull()
      // again, from the parts
      const again = unpackDual(makeDual(primal, tangent!))
      expect([distance(again.primal, x), distance(again.tangent!, dx)]).toEqual([0, 0])
    })
  })
  test('both parts stay on the tape', () => {
    const [x, dx] = [random(3).requiresGrad_(), random(3).requiresGrad_()]
    dualLevel(() => {
      const { primal, tangent } = unpackDual(makeDual(mul(x, 2), sin(dx)))
      expect([primal.requiresGrad, tangent!.requiresGrad]).toEqual([true, true])
      const [gx, gdx] = autograd.grad(sum(mul(primal, tangent!)), [x, dx])
      expect(distance(gx, mul(sin(dx), 2))).toBe(0)
      expect(distance(gdx, mul(mul(x, 2), dx.cos()))).toBeLessThan(1e-15)
    })
  })
  test('a dual on the tape goes with the level, its gradient does not', () => {
    const x = random(2).requiresGrad_()
    const y = dualLevel(() => sum(mul(makeDual(x, ones(2, { dtype: 'float64' })), 3)))
    y.backward()
    expect(x.grad!.tolist()).toEqual([3, 3])
  })
  test('floating-point tensors of one shape', () => {
    dualLevel(() => {
      for (const dtype of ['int32', 'int64', 'uint8', 'bool'] as const)
        expect(text(() => makeDual(zeros(2, { dtype }), zeros(2)))).toContain(
          `Expected primal to be floating point or complex, but got: ${dtype}`,
        )
      for (const shape of [[3], [2, 1], [], [0]])
        expect(text(() => makeDual(zeros(2), zeros(shape)))).toContain(
          'Trying to set a forward gradient that has a different size than that of the original Tensor',
        )
      for (const shape of [[], [0], [1], [2, 0, 3]]) expect(unpackDual(makeDual(zeros(shape), ones(shape))).tangent!.shape).toEqual(shape)
      expect(unpackDual(makeDual(zeros(2), ones(2, { dtype: 'float32' }))).tangent!.tolist()).toEqual([1, 1])
    })
  })
})

describe('tangents', () => {
  test('are none of what is not differentiable', () => {
    dualLevel(() => {
      const dual = makeDual(random(2), random(2))
      for (const y of [dual.eq(dual), dual.max(0).indices, dual.to('int64'), dual.detach()]) expect(unpackDual(y).tangent).toBeNull()
      expect(unpackDual(dual.max(0).values).tangent).not.toBeNull()
    })
  })
  test('of a detached tensor are new ones', () => {
    const [x, dx] = [random(2), random(2)]
    dualLevel(() => {
      const plain = makeDual(x, dx).detach()
      expect(distance(unpackDual(makeDual(plain, mul(dx, 2))).tangent!, mul(dx, 2))).toBe(0)
    })
  })
  test('many at once, under vmap: a Jacobian by columns', () => {
    const [w, x] = [random(3, 4), random(4)]
    const f = (x: Tensor): Tensor => sin(matmul(w, x))
    const columns = vmap((dx: Tensor) => dualLevel(() => unpackDual(f(makeDual(x, dx))).tangent!))(f64(arange(16).reshape(4, 4)))
    const loop = [0, 1, 2, 3].map((i) => jvp(f, [x], [f64(arange(16).reshape(4, 4)).at(i)])[1])
    loop.forEach((column, i) => expect(distance(columns.at(i), column)).toBe(0))
  })
  test('many at once, written in place into a view of what has none', () => {
    const [x, dxs] = [random(2, 3), random(5, 2, 3)]
    const out = vmap((dx: Tensor) =>
      dualLevel(() => {
        const base = zeros(4, 3, { dtype: 'float64' }).add(mul(sum(dx), 0))
        base.narrow(0, 1, 2).copy_(makeDual(x, dx)).mul_(2)
        return unpackDual(base).tangent!
      }),
    )(dxs)
    expect(out.shape).toEqual([5, 4, 3])
    expect([distance(out.narrow(1, 1, 2), mul(dxs, 2)), out.select(1, 0).abs().sum().item()]).toEqual([0, 0])
  })
})

describe('in-place operations and views', () => {
  test('a write to a dual changes its tangent, and not what it was made of', () => {
    const [x, dx] = [f64([1, 2]), f64([3, 4])]
    dualLevel(() => {
      const dual = makeDual(x, dx)
      dual.mul_(2)
      expect([unpackDual(dual).primal.tolist(), unpackDual(dual).tangent!.tolist(), unpackDual(x).tangent]).toEqual([[2, 4], [6, 8], null]) // prettier-ignore
      const { primal, tangent } = unpackDual(dual)
      primal.mul_(5)
      tangent!.mul_(5)
      expect([unpackDual(dual).primal.tolist(), unpackDual(dual).tangent!.tolist()]).toEqual([
        [2, 4],
        [6, 8],
      ])
    })
    expect([x.tolist(), dx.tolist()]).toEqual([
      [1, 2],
      [3, 4],
    ])
  })
  test('a write through a view of a dual changes both', () => {
    dualLevel(() => {
      const dual = makeDual(f64([1, 2]), f64([3, 4]))
      const view = dual.narrow(0, 0, 1)
      view.mul_(2)
      expect([unpackDual(dual).tangent!.tolist(), unpackDual(view).tangent!.tolist()]).toEqual([[6, 4], [6]])
    })
  })
  test('a plain tensor gets tangents by a write, whole or in part', () => {
    const [x, dx] = [random(2), random(2)]
    dualLevel(() => {
      const dual = makeDual(x, dx)
      const whole = random(2)
      whole.add_(dual)
      expect(distance(unpackDual(whole).tangent!, dx)).toBe(0)
      const part = random(2)
      part.set(0, dual.at(0))
      // the rest has a tangent of zero
      expect(unpackDual(part).tangent!.tolist()).toEqual([dx.at(0).item(), 0])
    })
  })
  test.each([
    ['add_', (x: Tensor, y: Tensor) => x.add_(y), (t: Tensor) => t],
    ['mul_', (x: Tensor, y: Tensor) => x.mul_(y), (t: Tensor, base: Tensor) => mul(t, base)],
    ['copy_', (x: Tensor, y: Tensor) => x.copy_(y), (t: Tensor) => t],
  ])('%s of a transposed view is that of its base, and stays so', (_, write, expected) => {
    const start = random(2, 3)
    const base = start.clone()
    const view = base.t()
    const [x, dx] = [random(3, 2), random(3, 2)]
    dualLevel(() => {
      write(view, makeDual(x, dx))
      expect(distance(unpackDual(base).tangent!, expected(dx.t(), start))).toBeLessThan(1e-15)
      base.mul_(3)
      expect(distance(unpackDual(view).tangent!, mul(expected(dx.t(), start), 3).t())).toBeLessThan(1e-15)
    })
  })
})

test('levels that are left in the wrong place are refused', () => {
  enterDualLevel()
  expect(text(() => exitDualLevel({ level: 1 }))).toContain('that was not the last one that was created')
  exitDualLevel()
  expect(text(() => exitDualLevel({ level: 0 }))).toContain('that was not the last one that was created')
})
