import {
  type Tensor,
  add,
  associativeScan,
  exp,
  grad,
  jacrev,
  jvp,
  map,
  matmul,
  memory,
  mul,
  scan,
  select,
  sin,
  stack,
  sum,
  tanh,
  vjp,
  vmap,
  zeros,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { along, distance, f64, numbers, raised, random } from './rules.ts'

const text = (f: () => unknown): string => raised(f).message
const loop = (f: (x: Tensor) => Tensor, x: Tensor): Tensor => stack([...x].map(f))

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
