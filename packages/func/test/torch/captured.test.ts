// The inplace_on_captures cases of TestGradTransform and TestJvp, by every transform and through every function that gives a view; and the
// same for what is differentiated itself. in-place.test.ts of this package has grad, vjp, jvp and vmap one by one.
import { type Tensor, grad, hessian, jacfwd, jacrev, jvp, linearize, mul, ones, sum, vjp, vmap, zeros } from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { raised, random } from '../rules.ts'
import { plain } from './derivatives.ts'

type F = (x: Tensor) => Tensor
const one = (): Tensor => ones([], { dtype: 'float64' })
/** Views of a 3 × 3 matrix. */
const views: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  itself: (x) => x,
  at: (x) => x.at(1),
  view: (x) => x.view([9]),
  viewAs: (x) => x.viewAs(ones(1, 9)),
  reshape: (x) => x.reshape([9]),
  flatten: (x) => x.flatten(),
  ravel: (x) => x.ravel(),
  unflatten: (x) => x.unflatten(0, [3, 1]),
  squeeze: (x) => x.squeeze(),
  unsqueeze: (x) => x.unsqueeze(1),
  t: (x) => x.t(),
  transpose: (x) => x.transpose(0, 1),
  permute: (x) => x.permute([1, 0]),
  movedim: (x) => x.movedim(0, 1),
  swapaxes: (x) => x.swapaxes(0, 1),
  select: (x) => x.select(0, 1),
  narrow: (x) => x.narrow(1, 0, 2),
  diagonal: (x) => x.diagonal(),
  asStrided: (x) => x.asStrided([3], [4]),
  split: (x) => x.split(1)[0]!,
  chunk: (x) => x.chunk(2)[0]!,
  tensorSplit: (x) => x.tensorSplit(2)[1]!,
  unbind: (x) => x.unbind(1)[2]!,
  'a view of a view': (x) => x.t().at(0).narrow(0, 1, 2),
}
/** In-place methods of one tensor and a number. */
const writes: Readonly<Record<string, (x: Tensor, v: Tensor) => unknown>> = {
  add_: (x, v) => x.add_(v),
  copy_: (x, v) => x.copy_(v),
  mul_: (x, v) => x.mul_(v),
  fill_: (x) => x.fill_(1),
  zero_: (x) => x.zero_(),
  sin_: (x) => x.sin_(),
  clamp_: (x) => x.clamp_(0, 1),
  set: (x, v) => x.set(0, v),
  maskedFill_: (x) => x.maskedFill_(ones(x.shape).gt(0), 1),
}
const transforms: Readonly<Record<string, (f: F) => unknown>> = {
  grad: (f) => grad(f)(random()),
  vjp: (f) => vjp(f, [random()]),
  jvp: (f) => jvp(f, [random()], [one()]),
  linearize: (f) => linearize(f, [random()]),
  jacrev: (f) => jacrev(f)(random()),
  jacfwd: (f) => jacfwd(f)(random()),
  hessian: (f) => hessian(f)(random()),
  'grad in grad': (f) => grad(grad(f))(random()),
  'jvp in jvp': (f) => jvp((x: Tensor) => jvp(f, [x], [one()])[1], [random()], [one()]),
  'grad in vmap': (f) => vmap(grad(f))(random(2)),
  'vmap in grad': (f) => grad((x: Tensor) => vmap(f)(x.expand([2])).sum())(random()),
  'vmap in jvp': (f) => jvp((x: Tensor) => vmap(f)(x.expand([2])), [random()], [one()]),
}

describe.each(Object.keys(transforms))('a captured tensor is not written inside %s', (name) => {
  const run = transforms[name]!
  const captured = random(3, 3)
  const before = plain(captured)
  test.each(Object.keys(views))('through %s, made inside or outside', (view) => {
    const outside = views[view]!(captured)
    for (const target of [() => views[view]!(captured), () => outside]) {
      const { message, code } = raised(() => run((x) => (target().mul_(2), x.mul(2))))
      expect(message).toContain('attempted to call in-place operation (mul_) that would mutate a captured Tensor.')
      expect(code).toBe('CAPTURED_MUTATION')
    }
    expect(plain(captured)).toEqual(before)
  })
  test.each(Object.keys(writes))('by %s, with a constant or with what is differentiated', (write) => {
    for (const value of [() => one(), (x: Tensor) => x])
      expect(raised(() => run((x) => (writes[write]!(captured, value(x)), x.mul(2)))).message).toMatch(
        /that would mutate a captured Tensor|not possible because there exists a Tensor `other`/,
      )
    expect(plain(captured)).toEqual(before)
  })
  test('but what is made inside is', () => {
    expect(() =>
      run((x) => {
        const own = zeros(3, 3, { dtype: 'float64' })
        for (const view of Object.keys(views)) {
          const target = views[view]!(own)
          if (!name.startsWith('vmap')) target.add_(x)
        }
        return sum(mul(own, x))
      }),
    ).not.toThrow()
  })
})

describe.each(['grad', 'vjp', 'jacrev', 'hessian', 'grad in grad', 'grad in vmap'])('what %s differentiates is not written', (name) => {
  const run = {
    grad: (f: F) => grad((x: Tensor) => f(x).sum())(random(3, 3)),
    vjp: (f: F) => vjp(f, [random(3, 3)]),
    jacrev: (f: F) => jacrev(f)(random(3, 3)),
    hessian: (f: F) => hessian((x: Tensor) => f(x).sum())(random(3, 3)),
    'grad in grad': (f: F) => grad((x: Tensor) => grad((y: Tensor) => f(y).sum())(x).sum())(random(3, 3)),
    'grad in vmap': (f: F) => vmap(grad((x: Tensor) => f(x).sum()))(random(2, 3, 3)),
  }[name]!
  test.each(Object.keys(views))('through %s', (view) => {
    expect(raised(() => run((x) => (views[view]!(x).mul_(2), x.mul(2)))).message).toMatch(
      /a (view of a )?leaf Variable that requires grad is being used in an in-place operation\./,
    )
  })
  test.each(Object.keys(writes))('by %s', (write) => {
    expect(raised(() => run((x) => (writes[write]!(x, one()), x.mul(2)))).code).toBe('LEAF_MUTATION')
  })
})
