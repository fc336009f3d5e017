// autograd.forwardAd with transforms, tensors that require gradients, rules by hand, control flow and in-place operations. Values by differences.
import {
  type Tensor,
  autograd,
  checkpoint,
  cond,
  cos,
  customJvp,
  customVjp,
  enableGrad,
  exp,
  grad,
  hessian,
  isGradEnabled,
  jacfwd,
  jacrev,
  jvp,
  linearize,
  makeFx,
  mul,
  noGrad,
  pow,
  randn,
  scan,
  sin,
  sum,
  tensor,
  vmap,
  whileLoop,
  zeros,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { type F, along, distance, raised, random } from '../rules.ts'

const { dualLevel, enterDualLevel, makeDual, unpackDual } = autograd.forwardAd
const text = (f: () => unknown): string => raised(f).message
const tangentOf = (x: Tensor): Tensor => unpackDual(x).tangent!
const [x, v] = [random(5), random(5)]

describe('with transforms', () => {
  const f: F = (y) => mul(sin(y), pow(y, 2))
  test('inside the level', () => {
    dualLevel(() => {
      const d = makeDual(x, v)
      const same = (got: Tensor, want: F, tolerance = 1e-9): void =>
        expect(distance(tangentOf(got), along(want, x, v))).toBeLessThan(tolerance)
      same(vmap(f)(d), f)
      same(vmap(grad(f))(d), vmap(grad(f)))
      same(vmap((a: Tensor, b: Tensor) => mul(a, sum(b)), [0, null])(d, d), (x) => mul(x, sum(x)))
      // a nested jvp, which PyTorch refuses
      same(jvp(f, [d], [v])[1], (x) => along(f, x, v), 1e-6)
      same(jvp(f, [x], [d])[1], (t) => jvp(f, [x], [t])[1].add(t.sub(t)))
      same(
        jacfwd((y: Tensor) => f(y).cumsum(0))(d),
        jacfwd((y: Tensor) => f(y).cumsum(0)),
      )
      same(
        hessian((y: Tensor) => sum(f(y)))(d),
        hessian((y: Tensor) => sum(f(y))),
      )
      same(linearize(f, [d])[1](v), (x) => jvp(f, [x], [v])[1])
      same(makeFx(f)(x)(d), f)
      // closed over
      same(grad((y: Tensor) => sum(mul(f(y), d)))(v), (x) => grad((y: Tensor) => sum(mul(f(y), x)))(v))
    })
  })
  test('the level inside of them', () => {
    const along_ = (x: Tensor, v: Tensor): Tensor => dualLevel(() => tangentOf(f(makeDual(x, v))))
    expect(distance(vmap(along_)(x, v), along_(x, v))).toBe(0)
    expect(distance(grad((x: Tensor) => sum(along_(x, v)))(x), vmap(grad((x: Tensor) => grad(f)(x)))(x).mul(v))).toBeLessThan(1e-13)
    expect(
      distance(
        jvp((x: Tensor) => along_(x, v), [x], [v])[1],
        along((x) => jvp(f, [x], [v])[1], x, v),
      ),
    ).toBeLessThan(1e-9)
    const J = jacrev((v: Tensor) => along_(x, v))(v)
    expect(distance(J, jacrev(f)(x))).toBeLessThan(1e-14)
    // forward over the reverse mode of the transform around it
    const h = grad((x: Tensor) =>
      dualLevel(() => {
        const [g] = autograd.grad(sum(f(makeDual(x, v))), x, null, { createGraph: true })
        return sum(tangentOf(g))
      }),
    )(x)
    expect(distance(h, grad((x: Tensor) => sum(jvp(vmap(grad(f)), [x], [v])[1]))(x))).toBeLessThan(1e-13)
  })
  test('duals are made and unpacked where the level was opened', () => {
    dualLevel(() => {
      expect(text(() => vmap((y: Tensor) => makeDual(y, y))(x))).toContain(
        'expected a tensor that is at hand where the level was opened, got one of vmap (level 1)',
      )
      expect(text(() => vmap((y: Tensor) => unpackDual(y).primal)(makeDual(x, v)))).toContain('Call unpackDual outside of that function')
      expect(vmap((y: Tensor) => unpackDual(y).primal)(x).tolist()).toEqual(x.tolist())
    })
  })
  test('one left open by a transform that is over is over, too', () => {
    vmap((y: Tensor) => {
      enterDualLevel()
      return y
    })(x)
    expect(dualLevel(() => distance(tangentOf(sin(makeDual(x, v))), mul(cos(x), v)))).toBe(0)
  })
})

describe('through', () => {
  const a = (): Tensor => x.clone().requiresGrad_()
  const byVjp = customVjp((y: Tensor) => exp(y), {
    forward: (y: Tensor) => [exp(y), exp(y)],
    backward: (e: Tensor, ct: Tensor) => [mul(e, ct)],
  })
  const byJvp: F = customJvp(
    (y: Tensor) => exp(y),
    ([y], [dy]) => [byJvp(y), mul(byJvp(y), dy)],
  )
  test.each<[string, F]>([
    ['checkpoint', checkpoint((y: Tensor) => exp(sin(y)))],
    ['customVjp', (y) => sin(byVjp(y))],
    ['customJvp', (y) => sin(byJvp(y))],
    ['a rule under vmap', vmap((y: Tensor) => byVjp(mul(y, y)))],
    ['cond', (y) => cond(sum(y).gt(-100), (z: Tensor) => mul(z, y), (z: Tensor) => z, [sin(y)])], // prettier-ignore
    ['scan', (y) => scan((c: Tensor, z: Tensor) => [sin(mul(c, z)).add(y.at(1)), c], sum(y), y)[1]],
    ['whileLoop', (y) => whileLoop((z: Tensor) => sum(z.square()).gt(0.5), (z: Tensor) => [mul(z, sin(y))], [y])[0]], // prettier-ignore
  ])('%s: both orders', (_, f) => {
    dualLevel(() => {
      const leaf = a()
      const d = makeDual(leaf, v)
      expect(distance(tangentOf(f(d)), along(f, x, v))).toBeLessThan(1e-9)
      const hv = along((x) => grad((y: Tensor) => sum(f(y)))(x), x, v)
      expect(distance(unpackDual(autograd.grad(sum(tangentOf(f(d))), leaf)[0]).primal, hv)).toBeLessThan(1e-8)
      const [g] = autograd.grad(sum(f(d)), leaf, null, { createGraph: true })
      expect(distance(tangentOf(g), hv)).toBeLessThan(1e-8)
    })
  })
  test('noGrad, which stops reverse mode alone', () => {
    dualLevel(() => {
      const d = makeDual(a(), v)
      for (const f of [(y: Tensor) => sin(y), (y: Tensor) => y, (y: Tensor) => checkpoint(sin)(y)]) {
        const y = noGrad(f)(d)
        expect([y.requiresGrad, f(d).requiresGrad, distance(tangentOf(y), tangentOf(f(d)))]).toEqual([false, true, 0])
      }
      expect([isGradEnabled(), noGrad(() => isGradEnabled())(), noGrad(() => enableGrad(() => isGradEnabled())())()]).toEqual([true, false, true]) // prettier-ignore
      expect(unpackDual(d.detach()).tangent).toBeNull()
    })
  })
  test('what has no derivative has no tangent', () => {
    dualLevel(() => {
      const d = makeDual(x, v)
      for (const y of [d.gt(0), d.int(), d.argsort(), d.sign(), zeros(3)]) expect(unpackDual(y).tangent).toBeNull()
    })
  })
  test('in-place operations on plain tensors and on views', () => {
    dualLevel(() => {
      const d = makeDual(x, v)
      const y = x.clone()
      y.mul_(d)
      expect(distance(tangentOf(y), mul(x, v))).toBe(0)
      const z = zeros(2, 5, { dtype: 'float64' })
      z.at(1).add_(d)
      expect(tangentOf(z).tolist()).toEqual([zeros(5).tolist(), v.tolist()])
      z.set(1, 0)
      expect(tangentOf(z).abs().sum().item()).toBe(0)
      const e = makeDual(x.clone(), v)
      e.mul_(2)
      expect(tangentOf(e).tolist()).toEqual(v.mul(2).tolist())
    })
  })
  test('views see what is written into what they are views of, and the other way round', () => {
    dualLevel(() => {
      const base = zeros(3, 2, { dtype: 'float64' })
      const [row, column] = [base.at(1), base.select(1, 0)]
      const [m, dm] = [random(3, 2), random(3, 2)]
      base.add_(makeDual(m, dm))
      expect([distance(tangentOf(row), dm.at(1)), distance(tangentOf(column), dm.select(1, 0))]).toEqual([0, 0])
      row.mul_(column.at(0))
      const want = dm
        .at(1)
        .mul(m.at(0, 0))
        .add(m.at(1).mul(dm.at(0, 0)))
      expect([distance(tangentOf(base).at(1), want) < 1e-15, distance(tangentOf(base).at(2), dm.at(2))]).toEqual([true, 0])
      // what a view no longer shows has no part in it
      base.copy_(m)
      expect([row, column, base].map((y) => unpackDual(y).tangent?.abs().sum().item() ?? 0)).toEqual([0, 0, 0])
    })
  })
  test('requiresGrad of a dual, and the gradients that backward adds up', () => {
    dualLevel(() => {
      const d = makeDual(x.clone(), v)
      expect(d.requiresGrad).toBe(false)
      d.requiresGrad_()
      expect([d.requiresGrad, d.isLeaf, distance(tangentOf(d), v)]).toEqual([true, true, 0])
      sum(pow(d, 3)).backward()
      // as in PyTorch without a tangent
      expect([distance(d.grad!, mul(x.square(), 3)) < 1e-15, unpackDual(d.grad!).tangent]).toEqual([true, null])
      d.requiresGrad_(false)
      expect([d.requiresGrad, distance(tangentOf(d), v)]).toEqual([false, 0])
      // a tangent that requires a gradient makes no dual that does
      const t = v.clone().requiresGrad_()
      const y = mul(makeDual(x, t), 2)
      expect([y.requiresGrad, tangentOf(y).requiresGrad]).toEqual([false, true])
    })
  })
  test('random draws and dtypes', () => {
    dualLevel(() => {
      const d = makeDual(tensor([1, 2]), tensor([1, 0]))
      const noise = randn(2)
      expect(distance(tangentOf(mul(d, noise)), mul(tensor([1, 0]), noise))).toBe(0)
      expect(unpackDual(randn(2).add(1)).tangent).toBeNull()
      expect([tangentOf(d.double()).dtype, tangentOf(d.to('float16')).dtype]).toEqual(['float64', 'float16'])
    })
  })
})
