import {
  type Tensor,
  add,
  associativeScan,
  cond,
  cos,
  exp,
  forLoop,
  grad,
  jacrev,
  jvp,
  log,
  map,
  matmul,
  memory,
  mul,
  ones,
  scan,
  select,
  sin,
  sqrt,
  stack,
  sum,
  tanh,
  tensor,
  vjp,
  vmap,
  whileLoop,
  zeros,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { along, distance, f64, numbers, raised, random } from './rules.ts'

const text = (f: () => unknown): string => raised(f).message
const loop = (f: (x: Tensor) => Tensor, x: Tensor): Tensor => stack([...x].map(f))

describe('cond', () => {
  test('runs the branch that is taken, and only that', () => {
    const ran: string[] = []
    const pick = (pred: boolean | Tensor): Tensor =>
      cond(
        pred,
        (x: Tensor) => (ran.push('true'), sin(x)),
        (x: Tensor) => (ran.push('false'), cos(x)),
        [f64(1)],
      )
    expect(pick(true).item()).toBe(Math.sin(1))
    expect(pick(f64([0]).gt(1)).item()).toBe(Math.cos(1))
    expect(pick(f64(3)).item()).toBe(Math.sin(1))
    expect(ran).toEqual(['true', 'false', 'true'])
  })
  test('trees, no operands, closures', () => {
    const c = f64(2)
    const out = cond(
      true,
      () => ({ a: mul(c, 3), b: [c] }),
      () => ({ a: c, b: [c] }),
    )
    expect([out.a.item(), out.b[0]!.item()]).toEqual([6, 2])
  })
  test('examples of a batch take their own branch', () => {
    const x = random(6, 3)
    const f = (x: Tensor): Tensor =>
      cond(
        sum(x).gt(0),
        (x: Tensor) => sin(x),
        (x: Tensor) => mul(x, 2),
        [x],
      )
    expect(distance(vmap(f)(x), loop(f, x))).toBe(0)
    expect(distance(vmap(f, 1)(x.t()), loop(f, x))).toBe(0)
    const g = grad((x: Tensor) => sum(f(x)))
    expect(distance(vmap(g)(x), loop(g, x))).toBe(0)
    expect(distance(grad((x: Tensor) => sum(vmap(f)(x)))(x), loop(g, x))).toBe(0)
    expect(
      distance(
        jvp(vmap(f), [x], [x])[1],
        loop((x) => jvp(f, [x], [x])[1], x),
      ),
    ).toBe(0)
  })
  test('a branch that an example does not take cannot hurt it: no NaN, no index out of range', () => {
    const x = f64([-4, 0, 9])
    // sqrt has no finite derivative at 0, log none there, and no value below
    const safe = (x: Tensor): Tensor =>
      cond(
        x.gt(0),
        (x: Tensor) => add(sqrt(x), log(x)),
        (x: Tensor) => mul(x, 3),
        [x],
      )
    expect(vmap(grad(safe))(x).tolist()).toEqual([3, 3, 1 / 6 + 1 / 9])
    expect(grad((x: Tensor) => sum(vmap(safe)(x)))(x).tolist()).toEqual([3, 3, 1 / 6 + 1 / 9])
    const over = (x: Tensor): Tensor =>
      cond(
        x.gt(0),
        () => add(sqrt(x), log(x)),
        () => mul(x, 3),
      )
    expect(grad((x: Tensor) => sum(vmap(over)(x)))(x).tolist()).toEqual([3, 3, 1 / 6 + 1 / 9])
    expect(vmap(grad(grad(over)))(x).tolist()).toEqual([0, 0, -0.25 / 27 - 1 / 81])
    // what all examples share stays whole
    const scale = f64(2)
    expect(
      grad((s: Tensor) =>
        sum(
          vmap((x: Tensor) =>
            cond(
              x.gt(0),
              () => mul(s, sqrt(x)),
              () => mul(s, x),
            ),
          )(x),
        ),
      )(scale).item(),
    ).toBe(-1)
    const table = f64([10, 20, 30])
    const i = tensor([0, 5, 2, -1], { dtype: 'int32' })
    const look = (i: Tensor): Tensor =>
      cond(
        i.ge(0).logicalAnd(i.lt(3)),
        (i: Tensor) => table.indexSelect(0, i.reshape([1])).reshape([]),
        () => f64(-1),
        [i],
      )
    expect(vmap(look)(i).tolist()).toEqual([10, -1, 30, -1])
  })
  test('two batches, of which each half of the condition belongs to one', () => {
    const [a, b] = [random(4), random(5)]
    const f = (a: Tensor, b: Tensor): Tensor =>
      cond(
        a.gt(b),
        () => sqrt(a.sub(b)),
        () => mul(a, b),
      )
    const table = vmap((a: Tensor) => vmap((b: Tensor) => f(a, b))(b))(a)
    expect(
      distance(
        table,
        loop((a) => loop((b) => f(a, b), b), a),
      ),
    ).toBe(0)
    const both = (f: (a: Tensor, b: Tensor) => Tensor) => vmap((a: Tensor) => vmap((b: Tensor) => grad(f)(a, b))(b))(a)
    expect(numbers(both(f)).some(Number.isNaN)).toBe(false)
    expect(
      distance(
        both(f),
        loop((a) => loop((b) => grad(f)(a, b), b), a),
      ),
    ).toBe(0)
    const outer = grad((a: Tensor) => sum(vmap((a: Tensor) => vmap((b: Tensor) => f(a, b))(b))(a)))(a)
    expect(distance(outer, sum(both(f), 1))).toBeLessThan(1e-13)
  })
  test('where all examples agree, the other branch does not run', () => {
    let ran = 0
    const f = (x: Tensor): Tensor =>
      cond(
        x.gt(-2),
        (x: Tensor) => mul(x, 2),
        (x: Tensor) => (ran++, x),
        [x],
      )
    vmap(f)(random(3))
    expect(ran).toBe(0)
  })
  test('what is wrong is named', () => {
    const id = (x: Tensor): Tensor => x
    const x = f64([1, 2, 3])
    expect(text(() => cond(x, id, id, [x]))).toContain(
      '[tensor] cond: Expected pred to be bool or single-element tensor, but got tensor of shape [3].',
    )
    expect(text(() => cond('a' as never, id, id, [x]))).toContain('Expected pred to be bool or tensor, but got a.')
    expect(text(() => cond(true, id, 3 as never, [x]))).toContain('Expect both branches to be callable.')
    expect(text(() => cond(true, id, id, x as never))).toContain(
      'Expect operands to be a tuple of possibly nested dict/list/tuple that only consists of tensor leaves, but got a float64 tensor of shape [3].',
    )
    expect(text(() => cond(true, id, id, [3 as never]))).toContain('that only consists of tensor leaves, but got 3.')
    expect(
      text(() =>
        cond(
          true,
          () => 3,
          () => 3,
          [],
        ),
      ),
    ).toContain('expected branches to return trees of tensors, got 3. Wrap numbers in tensor(x)')
    const mixed = (f: () => unknown, g: () => unknown): string => text(() => vmap((x: Tensor) => cond(x.gt(1), f, g))(x))
    expect(
      mixed(
        () => [f64(1)],
        () => f64(1),
      ),
    ).toContain("expected falseFn's result in the structure of trueFn's result, [*], got *")
    expect(
      mixed(
        () => f64([1]),
        () => f64(1),
      ),
    ).toContain("The shape of falseFn's result[0] must be that of trueFn's result[0]: got float64[] and float64[1]")
    expect(
      mixed(
        () => f64(1),
        () => tensor(1),
      ),
    ).toContain(
      "The dtype of falseFn's result[0] must be that of trueFn's result[0]: got float32[] and float64[]. Convert with .to('float64')",
    )
    expect(text(() => cond(true, (async () => x) as never, id as never, []))).toContain('expected a synchronous function')
  })
})

describe('whileLoop', () => {
  /** Newton's iteration for √a, to the last bit or so. */
  const root = (a: Tensor): Tensor =>
    whileLoop(
      (y, n) => y.mul(y).sub(a).abs().gt(a.mul(1e-14)).logicalAnd(n.lt(50)),
      (y, n) => [y.add(a.div(y)).mul(0.5), n.add(1)],
      [ones([], { dtype: 'float64' }), tensor(0, { dtype: 'int32' })],
    )[0]
  test('runs as long as the condition holds', () => {
    expect(root(f64(2)).item()).toBeCloseTo(Math.SQRT2, 14)
    const [n] = whileLoop(
      () => false,
      (n: Tensor) => [n.add(1)] as const,
      [f64(0)],
    )
    expect(n.item()).toBe(0)
  })
  test('derivatives in both modes, of the number of rounds that were run', () => {
    expect(grad(root)(f64(4)).item()).toBeCloseTo(0.25, 12)
    expect(jvp(root, [f64(4)], [f64(1)])[1].item()).toBeCloseTo(0.25, 12)
    expect(grad(grad(root))(f64(4)).item()).toBeCloseTo(-1 / 32, 10)
  })
  test('examples of a batch end on their own', () => {
    const a = f64([1, 2, 100, 1e-4])
    expect(distance(vmap(root)(a), sqrt(a))).toBeLessThan(1e-13)
    expect(distance(vmap(grad(root))(a), loop(grad(root), a))).toBeLessThan(1e-12)
    expect(distance(grad((a: Tensor) => sum(vmap(root)(a)))(a), loop(grad(root), a))).toBeLessThan(1e-12)
  })
  test('the body sees only examples that go on: no NaN, no index out of range', () => {
    const ends = tensor([3, 0, 5], { dtype: 'int32' })
    const row = f64([1, 2, 4, 8, 16])
    // the sum of the first n, where the row ends at the longest
    const total = (n: Tensor): Tensor =>
      whileLoop(
        (i) => i.lt(n),
        (i, s) => [i.add(1), s.add(row.indexSelect(0, i.reshape([1])).reshape([]))],
        [tensor(0, { dtype: 'int32' }), f64(0)],
      )[1]
    expect(vmap(total)(ends).tolist()).toEqual([7, 0, 31])
    const x = f64([0.5, 0, 3])
    const down = (x: Tensor): Tensor =>
      whileLoop(
        (x) => x.gt(1),
        (x) => [sqrt(x.sub(1))],
        [x],
      )[0]
    expect(vmap(grad(down))(x).tolist()).toEqual([1, 1, ...(loop(grad(down), f64([3])).tolist() as number[])])
  })
  test('a bound on the rounds', () => {
    const f = (n: Tensor): Tensor =>
      whileLoop(
        () => true,
        (n) => [n.add(1)],
        [n],
        { maxIterations: 7 },
      )[0]
    expect(f(f64(1)).item()).toBe(8)
    expect(vmap(f)(f64([1, 2])).tolist()).toEqual([8, 9])
  })
  test('forLoop', () => {
    expect(forLoop(0, 5, (i, s: Tensor) => s.mul(2).add(i), f64(1)).item()).toBe(58)
    const by = (n: Tensor, x: Tensor): Tensor =>
      forLoop(tensor(0, { dtype: 'int32' }), n, (_, y: { v: Tensor }) => ({ v: sin(y.v) }), { v: x }).v
    const n = tensor([0, 3, 1], { dtype: 'int32' })
    expect(distance(vmap(by, [0, null])(n, f64(2)), f64([2, Math.sin(Math.sin(Math.sin(2))), Math.sin(2)]))).toBeLessThan(1e-15)
    expect(
      distance(
        grad((x: Tensor) => sum(vmap(by, [0, null])(n, x)))(f64(2)),
        along(
          (x) =>
            by(n.at(0), x)
              .add(by(n.at(1), x))
              .add(by(n.at(2), x)),
          f64(2),
          f64(1),
        ),
      ),
    ).toBeLessThan(1e-10)
    expect(text(() => forLoop(0.5, 2, (_, x) => x, f64(1)))).toContain(
      '[tensor] forLoop: expected lower to be an integer or an integer scalar tensor, got 0.5',
    )
    expect(text(() => forLoop(0, 2, () => tensor(1), f64(1)))).toContain(
      "The dtype of body_fn's result[0] must be that of init[0]: got float32[] and float64[]",
    )
  })
  test('what is wrong is named', () => {
    const x = f64([1, 2])
    expect(
      text(() =>
        whileLoop(
          () => x,
          (x: Tensor) => [x] as const,
          [x],
        ),
      ),
    ).toContain('[tensor] whileLoop: cond_fn must return a boolean scalar tensor or a boolean but got float64[2]')
    expect(
      text(() =>
        whileLoop(
          () => 'yes' as never,
          (x: Tensor) => [x] as const,
          [x],
        ),
      ),
    ).toContain('cond_fn must return a boolean scalar tensor or a boolean but got "yes"')
    expect(
      text(() =>
        whileLoop(
          () => true,
          (x: Tensor) => [x, x] as never,
          [x],
        ),
      ),
    ).toContain('body_fn should return the same number of elements as carried_inputs, 1, got 2')
    expect(
      text(() =>
        whileLoop(
          () => true,
          (x: Tensor) => x as never,
          [x],
        ),
      ),
    ).toContain('body_fn should return the same number of elements as carried_inputs, 1, got a float64 tensor of shape [2]')
    expect(
      text(() =>
        whileLoop(
          () => true,
          (x: Tensor) => [sum(x)] as const,
          [x],
        ),
      ),
    ).toContain("The shape of body_fn's result[0] must be that of carried_inputs[0]: got float64[] and float64[2]")
    expect(
      text(() =>
        whileLoop(
          () => true,
          (x: Tensor) => [x] as const,
          x as unknown as [Tensor],
        ),
      ),
    ).toContain('carried_inputs must be a tuple (an array), got a float64 tensor of shape [2]')
    expect(text(() => whileLoop(3 as never, (x: Tensor) => [x] as const, [x]))).toContain('cond_fn must be callable, got 3')
    expect(
      text(() =>
        whileLoop(
          () => true,
          (x: Tensor) => [x] as const,
          [x],
          { max: 3 } as never,
        ),
      ),
    ).toContain("got unknown option 'max'")
  })
})

describe('scan', () => {
  const xs = random(4, 3)
  const step = (h: Tensor, x: Tensor): [Tensor, Tensor] => [tanh(add(h, x)), sin(h)]
  test('carries along, stacks what it gives, in the order of xs', () => {
    const [h, ys] = scan(step, zeros(3, { dtype: 'float64' }), xs)
    let want = zeros(3, { dtype: 'float64' })
    const rows = [...xs].map((x) => {
      const y = sin(want)
      want = tanh(add(want, x))
      return y
    })
    expect([distance(h, want), distance(ys, stack(rows))]).toEqual([0, 0])
    const [back, backs] = scan(step, zeros(3, { dtype: 'float64' }), xs, { reverse: true })
    const [fore, fores] = scan(step, zeros(3, { dtype: 'float64' }), xs.flip([0]))
    expect([distance(back, fore), distance(backs, fores.flip([0]))]).toEqual([0, 0])
    const [dim] = scan(step, zeros(3, { dtype: 'float64' }), xs.t(), { dim: 1 })
    expect(distance(dim, h)).toBe(0)
  })
  test('trees, nothing to stack, a length without xs', () => {
    const [c, ys] = scan(
      ({ s }: { s: Tensor }, [a, { b }]: [Tensor, { b: Tensor }]) => [{ s: add(s, mul(a, sum(b))) }, null],
      { s: f64(0) },
      [f64([1, 2]), { b: random(2, 3).mul(0).add(1) }],
    )
    expect([c.s.item(), ys]).toEqual([9, null])
    expect(scan((n: Tensor) => [n.mul(2), n], f64(1), null, { length: 3 }).map((x) => x.tolist())).toEqual([8, [1, 2, 4]])
  })
  test('under vmap any of carry and xs may be batched, in any combination', () => {
    const [h, x] = [random(5, 3), random(5, 4, 3)]
    const f = (h: Tensor, x: Tensor): Tensor => {
      const [c, y] = scan(step, h, x)
      return add(c, sum(y, 0))
    }
    expect(distance(vmap(f)(h, x), stack([...h].map((_, i) => f(select(h, 0, i), select(x, 0, i)))))).toBe(0)
    expect(
      distance(
        vmap(f, [0, null])(h, xs),
        loop((h) => f(h, xs), h),
      ),
    ).toBe(0)
    expect(
      distance(
        vmap(f, [null, 1])(h.at(0), x.movedim(0, 1)),
        loop((x) => f(h.at(0), x), x),
      ),
    ).toBe(0)
    expect(
      distance(
        vmap((c: Tensor) => scan((h: Tensor, x: Tensor) => [mul(h, c).add(x), null], f64(1), xs.at(0))[0])(h.at(1)),
        loop((c) => scan((h: Tensor, x: Tensor) => [mul(h, c).add(x), null], f64(1), xs.at(0))[0], h.at(1)),
      ),
    ).toBe(0)
  })
  test('Jacobians by carry, by xs and by what it closes over', () => {
    const W = random(3, 3)
    const f = (W: Tensor, h: Tensor, x: Tensor): Tensor => scan((h: Tensor, x: Tensor) => [tanh(add(matmul(W, h), x)), null], h, x)[0]
    const h = random(3)
    const v = random(3, 3)
    const [, dy] = jvp((W: Tensor) => f(W, h, xs), [W], [v])
    expect(
      distance(
        dy,
        along((W) => f(W, h, xs), W, v),
      ),
    ).toBeLessThan(1e-9)
    const ct = random(3)
    const [gW, gh, gx] = vjp(f, [W, h, xs])[1](ct)
    expect(numbers(sum(mul(gW, v)))[0]).toBeCloseTo(numbers(sum(mul(ct, dy)))[0]!, 12)
    expect(distance(gh, matmul(ct, jacrev((h: Tensor) => f(W, h, xs))(h)))).toBeLessThan(1e-13)
    expect(gx.shape).toEqual([4, 3])
  })
  test('what is wrong is named', () => {
    const s = (f: unknown, init: unknown, xs: unknown, o?: unknown): string => text(() => scan(f as never, init, xs, o as never))
    const h = zeros(3, { dtype: 'float64' })
    expect(s(3, h, xs)).toContain('[tensor] scan: Combine_fn must be a callable, but got 3')
    expect(s(step, 1, xs)).toContain('All init leaves must be a Tensor, but got 1')
    expect(s(step, h, [xs, 'a'])).toContain('All xs leaves must be a Tensor, but got "a"')
    expect(s(step, h, xs, { dim: 2 })).toContain(
      "All xs leaves must at least have 'dim' number of dimensions and scan dimension > 0, got shape [4, 3] and dim 2",
    )
    expect(s(step, h, zeros(0, 3))).toContain('scan dimension > 0, got shape [0, 3]')
    expect(s(step, h, [xs, random(5)])).toContain(
      'All xs leaves must have the same size along the scan dimension, got shapes [[4, 3], [5]] and dim 0',
    )
    expect(s(step, h, xs, { reverse: 1 })).toContain('Reverse must be a bool, but got 1')
    expect(s((h: Tensor) => h, h, xs)).toContain('Combine_fn must return [carry, y], but got a float64 tensor of shape [3]')
    expect(s((h: Tensor) => [sum(h), h], h, xs)).toContain(
      'The shape of the new_carry[0] must be that of init[0]: got float64[] and float64[3]',
    )
    expect(s((h: Tensor) => [h.to('float32'), h], h, xs)).toContain(
      'The dtype of the new_carry[0] must be that of init[0]: got float32[3] and float64[3]',
    )
    expect(s((h: Tensor) => [[h], h], h, xs)).toContain('expected the new_carry in the structure of init, *, got [*]')
    expect(s((h: Tensor) => [h, 1], h, xs)).toContain('y must be a tree of tensors, but got 1')
    expect(s(step, h, null)).toContain('expected xs with a tensor, or { length } ≥ 1 without one, got length undefined')
  })
})

describe('map', () => {
  test('is a loop over the first axis', () => {
    const x = random(4, 3)
    const f = (x: Tensor, k: Tensor): { y: Tensor } => ({ y: mul(sum(x), k) })
    expect(distance(map(f, x, f64(2)).y, mul(sum(x, 1), 2))).toBeLessThan(1e-15)
    expect(
      distance(
        vmap((k: Tensor) => map(f, x, k).y)(f64([2, 3])),
        loop((k) => map(f, x, k).y, f64([2, 3])),
      ),
    ).toBe(0)
  })
  test('what is wrong is named', () => {
    expect(text(() => map((x: unknown) => x, [f64([1]), 2]))).toContain('[tensor] map: Mapped xs can only consist of tensors. Got xs 2')
    expect(text(() => map((x: unknown) => x, zeros(0, 2)))).toContain('Leading dimensions of mapped xs cannot be 0.')
    expect(text(() => map((x: unknown) => x, [zeros(3, 2), zeros(4, 2)]))).toContain(
      'Leading dimensions of mapped xs must be consistent. Got shapes [[3, 2], [4, 2]].',
    )
  })
})

describe('associativeScan', () => {
  const fold = (f: (a: Tensor, b: Tensor) => Tensor, x: Tensor): Tensor => {
    const out: Tensor[] = []
    for (const row of x) out.push(out.length ? f(out.at(-1)!, row) : row)
    return stack(out)
  }
  test.each([1, 2, 3, 4, 5, 7, 8, 13])('of %i slices, for products that do not commute', (n) => {
    const x = random(n, 3, 3)
    expect(distance(associativeScan(matmul, x, 0), fold(matmul, x))).toBeLessThan(1e-13)
    expect(distance(associativeScan(matmul, x, 0, { reverse: true }), fold(matmul, x.flip([0])).flip([0]))).toBeLessThan(1e-13)
  })
  test('trees, other axes, derivatives, vmap', () => {
    // a linear recurrence hᵢ = aᵢ hᵢ₋₁ + bᵢ
    const [a, b] = [random(2, 5), random(2, 5)]
    const f = (a: Tensor, b: Tensor): Tensor =>
      associativeScan(
        (l: { a: Tensor; b: Tensor }, r: { a: Tensor; b: Tensor }) => ({ a: mul(l.a, r.a), b: add(mul(r.a, l.b), r.b) }),
        { a, b },
        1,
      ).b
    const g = (a: Tensor, b: Tensor): Tensor =>
      scan((h: Tensor, [a, b]: [Tensor, Tensor]) => [add(mul(a, h), b), add(mul(a, h), b)], zeros(2, { dtype: 'float64' }), [a, b], {
        dim: 1,
      })[1].t()
    expect(distance(f(a, b), g(a, b))).toBeLessThan(1e-15)
    const both = (f: (a: Tensor, b: Tensor) => Tensor): Tensor => grad((a: Tensor) => sum(exp(f(a, b))))(a)
    expect(distance(both(f), both(g))).toBeLessThan(1e-13)
    expect(distance(vmap((x: Tensor) => associativeScan((a, b) => add(a, b), x, 0))(a), a.cumsum(1))).toBeLessThan(1e-15)
  })
  test('what is wrong is named', () => {
    expect(text(() => associativeScan(3 as never, f64([1]), 0))).toContain(
      '[func] associativeScan: Combine_fn must be a callable, but got 3',
    )
    expect(text(() => associativeScan(add as never, f64([1]), 0.5))).toContain('Dim must be an int, but got 0.5')
    expect(text(() => associativeScan((x: Tensor) => sum(x), random(3, 2), 0))).toContain(
      'expected combine_fn to keep shape and dtype, float64[2], got a float64 tensor of shape []',
    )
    expect(text(() => associativeScan((x: unknown) => [x], random(3, 2) as unknown, 0))).toContain(
      'expected combine_fn to return a tree like a slice of xs, *, got [*]',
    )
  })
})

describe('memory', () => {
  test('is as before after many loops', () => {
    const [x, h] = [random(5, 3), f64([0, 0, 0])]
    const f = (x: Tensor): Tensor => sum(scan((h: Tensor, x: Tensor) => [tanh(add(h, x)), h], h, x)[0])
    grad(f)(x).dispose()
    const before = memory().live
    for (let i = 0; i < 200; i++) grad(f)(x).dispose()
    expect(memory().live).toBe(before)
  })
})
