// Covers the cases of upstream's TestControlFlow about cond, and the cond_vmap cases of TestControlFlowTraced: predicates, operands and
// results, closures, nesting, derivatives in both modes (which torch.func refuses), maps, what is refused.
// Left out: texts of traced graphs, modules as branches, CUDA, compiled functions, symbolic predicates (Python and compiler plumbing); results
// that are their operands (refused there, right here).

import {
  type Tensor,
  add,
  cond,
  cos,
  exp,
  full,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jvp,
  linearize,
  makeFx,
  mul,
  sin,
  square,
  stack,
  sub,
  sum,
  tensor,
  tree,
  vjp,
  vmap,
  zerosLike,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { along, distance, f64, raised, random } from '../rules.ts'

const text = (f: () => unknown): string => raised(f).message
type F = (x: Tensor) => Tensor
/** `f` right at the points, in both modes to second order, alone and mapped, beside a plain function for each way. */
function check(f: F, ways: readonly (readonly [at: Tensor, plain: F])[]): void {
  for (const [x, plain] of ways) {
    const v = random(...x.shape)
    expect(distance(f(x), plain(x))).toBeLessThan(1e-14)
    expect(distance(jvp(f, [x], [v])[1], along(plain, x, v))).toBeLessThan(1e-8)
    for (const t of [jacrev, jacfwd, (f: F) => jacrev(jacfwd(f)), (f: F) => grad((x: Tensor) => sum(sin(f(x))))])
      expect(distance(t(f)(x), t(plain)(x))).toBeLessThan(1e-12)
    expect(distance(linearize(f, [x])[1](v), along(plain, x, v))).toBeLessThan(1e-8)
  }
  const all = stack(ways.map(([x]) => x))
  const loop = (t: (f: F) => F): Tensor => stack(ways.map(([x, plain]) => t(plain)(x)))
  expect(
    distance(
      vmap(f)(all),
      loop((f) => f),
    ),
  ).toBeLessThan(1e-14)
  expect(distance(vmap(jacrev(f))(all), loop(jacrev))).toBeLessThan(1e-12)
  expect(distance(vmap(jacfwd(f))(all), loop(jacfwd))).toBeLessThan(1e-12)
  const g = grad((x: Tensor) => sum(sin(vmap(f)(x))))
  expect(
    distance(
      g(all),
      loop((f) => grad((x) => sum(sin(f(x))))),
    ),
  ).toBeLessThan(1e-12)
}
const [up, down] = [f64([1.5, 0.25, 2]), f64([-1, -0.5, 0.75])]

describe('the predicate', () => {
  const pick = (pred: boolean | number | Tensor): unknown => cond(pred, () => f64(1), () => f64(0), []).item() // prettier-ignore
  test('booleans, numbers, tensors of one element of any dtype and rank: by truth', () => {
    for (const [pred, want] of [
      [true, 1],
      [false, 0],
      [3, 1],
      [0, 0],
      [-0.5, 1],
      [Number.NaN, 1],
      [tensor(true), 1],
      [tensor([false]), 0],
      [tensor([[7]], { dtype: 'int64' }), 1],
      [tensor(0, { dtype: 'int32' }), 0],
      [f64(0.5), 1],
      [f64([[[-0]]]), 0],
      [sum(f64([1, -1])).gt(0), 0],
    ] as const)
      expect(pick(pred)).toBe(want)
  })
  test('the same under grad, vmap of something else and jvp, where values can be read', () => {
    const f = (x: Tensor): Tensor => cond(x.gt(1), sin, cos, [x])
    expect(grad(f)(f64(2)).item()).toBe(Math.cos(2))
    expect(grad(f)(f64(0.5)).item()).toBe(-Math.sin(0.5))
    expect(grad(grad(f))(f64(2)).item()).toBe(-Math.sin(2))
    expect(jvp(f, [f64(0.5)], [f64(2)])[1].item()).toBeCloseTo(-2 * Math.sin(0.5), 15)
    expect(vmap((y: Tensor) => mul(y, f(f64(2))))(f64([1, 2])).tolist()).toEqual([Math.sin(2), 2 * Math.sin(2)])
  })
  test('what is wrong is named, as PyTorch names it', () => {
    const ways = [sin, cos] as const
    expect(text(() => cond('a' as never, ...ways, [up]))).toContain('Expected pred to be bool or tensor, but got a.')
    expect(text(() => cond(null as never, ...ways, [up]))).toContain('Expected pred to be bool or tensor, but got null.')
    expect(text(() => cond([true] as never, ...ways, [up]))).toContain('Expected pred to be bool or tensor, but got [true].')
    expect(text(() => cond(up, ...ways, [up]))).toContain('Expected pred to be bool or single-element tensor, but got tensor of shape [3].')
    expect(text(() => vmap((x: Tensor) => cond(x, ...ways, [x]))(stack([up, down])))).toContain('but got tensor of shape [3].')
    expect(text(() => cond(true, sin, undefined as never, [up]))).toContain('Expect both branches to be callable.')
  })
})

describe('operands and results', () => {
  test('trees in and out: arrays, objects, Maps, null; the same for both branches', () => {
    type T = { a: Tensor; rest: [Tensor, Map<string, Tensor>]; none: null }
    const given = (x: Tensor): T => ({ a: x, rest: [mul(x, 2), new Map([['k', mul(x, 3)]])], none: null })
    const run = (pred: boolean | Tensor, x: Tensor): T =>
      cond(
        pred,
        (t: T) => ({ a: sin(t.a), rest: [t.rest[1].get('k')!, new Map([['k', t.rest[0]]])], none: null }) as T,
        (t: T) => ({ a: t.a, rest: [t.a, new Map([['k', t.a]])], none: null }) as T,
        [given(x)],
      )
    const out = run(true, up)
    expect(distance(out.a, sin(up))).toBe(0)
    expect(distance(out.rest[0], mul(up, 3))).toBe(0)
    expect(distance(out.rest[1].get('k')!, mul(up, 2))).toBe(0)
    expect(out.none).toBe(null)
    const mapped = vmap((x: Tensor) => tree.leaves(run(sum(x).gt(2), x)) as Tensor[])(stack([up, down]))
    expect(distance(mapped[1]!, stack([mul(up, 3), down]))).toBe(0)
    check(
      (x) => add(run(sum(x).gt(2), x).a, run(sum(x).gt(2), x).rest[0]),
      [
        [up, (x) => add(sin(x), mul(x, 3))],
        [down, (x) => mul(x, 2)],
      ],
    )
  })
  test('no operands; a closure over tensors, numbers and what is differentiated or mapped', () => {
    const k = 3
    check(
      (x) => {
        const y = mul(x, k)
        return cond(
          sum(x).gt(2),
          () => mul(y, sin(x)),
          () => sub(exp(x), y.at(0)),
        )
      },
      [
        [up, (x) => mul(mul(x, k), sin(x))],
        [down, (x) => sub(exp(x), x.at(0).mul(k))],
      ],
    )
    expect(cond(true, () => [], () => [], [])).toEqual([]) // prettier-ignore
  })
  test('an operand that a branch does not use has gradient zero there', () => {
    const f = (pred: boolean, a: Tensor, b: Tensor, c: Tensor): Tensor =>
      cond(pred, (a: Tensor, b: Tensor) => sum(mul(a, b)), (_a: Tensor, b: Tensor) => sum(square(b)), [a, b, c] as never) // prettier-ignore
    const args = [up, down, random(3)] as const
    for (const pred of [true, false]) {
      const grads = grad((a: Tensor, b: Tensor, c: Tensor) => f(pred, a, b, c), [0, 1, 2])(...args)
      const want = pred ? [down, up, zerosLike(up)] : [zerosLike(up), mul(down, 2), zerosLike(up)]
      grads.forEach((g, i) => expect(distance(g, want[i]!)).toBe(0))
    }
    // examples that go either way
    const both = vmap(
      grad((p: Tensor, a: Tensor, b: Tensor) => cond(p, (a: Tensor, b: Tensor) => sum(mul(a, b)), (_: Tensor, b: Tensor) => sum(b), [a, b]), [1, 2]), // prettier-ignore
    )(tensor([true, false]), stack([up, up]), stack([down, down]))
    expect(distance(both[0], stack([down, zerosLike(up)]))).toBe(0)
    expect(distance(both[1], stack([up, full([3], 1, { dtype: 'float64' })]))).toBe(0)
  })
  test('operands that are differentiated beside such that are not, and integers', () => {
    const f = (x: Tensor, n: Tensor): Tensor =>
      cond(
        n.gt(1),
        (x: Tensor, n: Tensor) => mul(x, n),
        (x: Tensor, n: Tensor) => add(square(x), n),
        [x, n],
      )
    const n = tensor([0, 2, 5], { dtype: 'int32' })
    expect(vmap(grad(f))(f64([3, 3, 3]), n).tolist()).toEqual([6, 2, 5])
    expect(grad((x: Tensor) => sum(vmap(f, [null, 0])(x, n)))(f64(3)).item()).toBe(13)
    const ints = (n: Tensor): Tensor => cond(n.gt(1), (n: Tensor) => n.mul(2), (n: Tensor) => n.neg(), [n]) // prettier-ignore
    expect(vmap(ints)(n).tolist()).toEqual([0, 4, 10])
  })
  test('an operand given back as it is is a tensor of its own', () => {
    const x = up.clone()
    const y = cond(true, (x: Tensor) => x, sin, [x])
    y.add_(1)
    expect(distance(x, up)).toBe(0)
    expect(distance(y, add(up, 1))).toBe(0)
    check(
      (x) => cond(sum(x).gt(2), (x: Tensor) => x, (x: Tensor) => mul(x, 2), [x]), // prettier-ignore
      [
        [up, (x) => x],
        [down, (x) => mul(x, 2)],
      ],
    )
  })
  test('what is wrong is named', () => {
    const told = 'Expect operands to be a tuple of possibly nested dict/list/tuple that only consists of tensor leaves, but got'
    expect(text(() => cond(true, sin, sin, up as never))).toContain(`${told} a float64 tensor of shape [3].`)
    expect(text(() => cond(true, sin, sin, [{ a: [up, 'b'] }] as never))).toContain(`${told} "b".`)
    expect(text(() => cond(true, sin, sin, 7 as never))).toContain(`${told} 7.`)
    const xs = stack([up, down])
    const parts = (a: (x: Tensor) => unknown, b: (x: Tensor) => unknown): string =>
      text(() => vmap((x: Tensor) => cond(sum(x).gt(2), a, b, [x]))(xs))
    const graph = (a: (x: Tensor) => unknown, b: (x: Tensor) => unknown): string =>
      text(() => makeFx((x: Tensor) => cond(sum(x).gt(2), a, b, [x]) as Tensor)(up))
    for (const t of [parts, graph]) {
      expect(t((x) => x.at(0), sin)).toContain(
        "The shape of falseFn's result[0] must be that of trueFn's result[0]: got float64[3] and float64[]",
      )
      expect(t((x) => x.to('int32'), sin)).toContain(
        "The dtype of falseFn's result[0] must be that of trueFn's result[0]: got float64[3] and int32[3]",
      )
      expect(t((x) => ({ a: x }), (x) => ({ b: x }))).toContain("expected falseFn's result in the structure of trueFn's result, {a: *}, got {b: *}") // prettier-ignore
      expect(t(() => 3, () => 4)).toContain('expected branches to return trees of tensors, got 3. Wrap numbers in tensor(x)') // prettier-ignore
      expect(t((x) => [x, 'a'], (x) => [x, x])).toContain('expected branches to return trees of tensors, got "a"') // prettier-ignore
    }
  })
  test('a branch that writes into an operand is refused everywhere; into a copy it may', () => {
    const told = '[tensor] cond: Higher order ops do not support input mutation: a branch wrote into what it was given. Work on x.clone()'
    const f = (x: Tensor): Tensor => cond(sum(x).gt(2), (x: Tensor) => x.add_(1), sin, [x])
    const kept = up.clone()
    for (const run of [
      () => f(kept),
      () => vmap(f)(stack([up, down])),
      () => makeFx((x: Tensor) => f(mul(x, 1)))(up),
      () => jacfwd((x: Tensor) => f(mul(x, 1)))(up),
    ])
      expect(text(run)).toContain(told)
    expect(distance(kept, up)).toBe(0)
    check(
      (x) =>
        cond(
          sum(x).gt(2),
          (x: Tensor) => {
            const y = x.clone()
            y.at(0).mul_(10)
            return y.sin_()
          },
          (x: Tensor) => exp(x).add_(1),
          [x],
        ),
      [
        [up, (x) => sin(mul(x, f64([10, 1, 1])))],
        [down, (x) => exp(x).add(1)],
      ],
    )
    // from outside, where only some of the examples go that way
    expect(text(() => vmap((x: Tensor) => {
      const y = x.clone()
      return cond(sum(x).gt(2), () => y.add_(1), () => y)
    })(stack([up, down])))).toContain('expected a branch or a body of a loop that changes nothing outside of itself') // prettier-ignore
  })
})

describe('nested', () => {
  const inner = (x: Tensor, y: Tensor): Tensor =>
    cond(
      y.at(0).gt(0),
      (x: Tensor) =>
        cond(
          sum(x).gt(2),
          () => mul(x, y),
          () => sin(x),
          [],
        ),
      (x: Tensor) => exp(x).mul(y.at(1)),
      [x],
    )
  test('in each other, over closures of both', () => {
    const y = random(3).abs()
    check(
      (x) => inner(x, y),
      [
        [up, (x) => mul(x, y)],
        [down, sin],
      ],
    )
    check(
      (x) => inner(x, mul(x, x.at(0))),
      [
        [up, (x) => mul(x, mul(x, x.at(0)))],
        [f64([0.5, 0.1, 0.2]), sin],
      ],
    )
  })
  test('a derivative inside of a branch, a branch inside of a derivative inside of a branch', () => {
    const f = (x: Tensor): Tensor =>
      cond(
        sum(x).gt(2),
        (x: Tensor) => grad((z: Tensor) => sum(cond(sum(z).gt(3), (z: Tensor) => mul(square(z), z), square, [z])))(x),
        (x: Tensor) => vjp(sin, [x])[1](x)[0],
        [x],
      )
    check(f, [
      [up, (x) => square(x).mul(3)],
      [f64([1, 0.5, 1]), (x) => mul(x, 2)],
      [down, (x) => mul(x, cos(x))],
    ])
    expect(
      hessian((x: Tensor) => sum(f(x)))(up)
        .diagonal()
        .tolist(),
    ).toEqual([6, 6, 6])
  })
  test('in a loop of the host', () => {
    check(
      (x) => {
        let y = x
        for (let i = 0; i < 3; i++) y = cond(sum(y).gt(2), (y: Tensor) => mul(y, 0.5), sin, [y])
        return y
      },
      [
        [up, (x) => sin(sin(mul(x, 0.5)))],
        [down, (x) => sin(sin(sin(x)))],
      ],
    )
  })
})

describe('mapped predicates', () => {
  const xs = random(5, 3)
  test('one operand, several, a closure, several results, two maps', () => {
    const loop = (f: F): Tensor => stack([...xs].map(f))
    const one: F = (x) => cond(sum(x).gt(0), sin, cos, [x])
    const two: F = (x) =>
      cond(
        sum(x).gt(0),
        (x: Tensor, y: Tensor) => add(x, y),
        (x: Tensor, y: Tensor) => sub(x, y),
        [x, square(x)],
      )
    const a = random(3)
    const closure: F = (x) =>
      cond(
        sum(x).gt(0),
        (x: Tensor) => mul(x, a),
        (x: Tensor) => add(x, a),
        [x],
      )
    const several: F = (x) => stack(cond(sum(x).gt(0), (x: Tensor) => [x, mul(x, 2)], (x: Tensor) => [mul(x, 2), x], [x])) // prettier-ignore
    for (const f of [one, two, closure, several]) {
      expect(distance(vmap(f)(xs), loop(f))).toBe(0)
      expect(distance(vmap(f, 1, 1)(xs.t()), stack([...xs].map(f), 1))).toBe(0)
      expect(distance(vmap(vmap(f))(stack([xs, xs.neg()])), stack([loop(f), stack([...xs.neg()].map(f))]))).toBe(0)
    }
  })
  test('only the predicate is mapped, only the operands are', () => {
    const p = tensor([true, false, true])
    expect(distance(vmap((p: Tensor) => cond(p, sin, cos, [up]))(p), stack([sin(up), cos(up), sin(up)]))).toBe(0)
    let ran = 0
    const f = (x: Tensor): Tensor => cond(tensor(false), (x: Tensor) => (ran++, sin(x)), cos, [x])
    expect(distance(vmap(f)(xs), cos(xs))).toBe(0)
    expect(ran).toBe(0)
  })
  test('results that some branch does not make of examples', () => {
    const f = (x: Tensor): Tensor =>
      cond(
        sum(x).gt(0),
        () => up,
        (x: Tensor) => x,
        [x],
      )
    expect(distance(vmap(f)(xs), stack([...xs].map(f)))).toBe(0)
    expect(distance(grad((u: Tensor) => sum(vmap((x: Tensor) => cond(sum(x).gt(0), () => u, () => x))(xs)))(up), full([3], [...xs].filter((x) => (sum(x).item() as number) > 0).length, { dtype: 'float64' }))).toBe(0) // prettier-ignore
  })
})
