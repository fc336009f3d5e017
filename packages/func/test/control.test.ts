import {
  type Tensor,
  add,
  cond,
  cos,
  forLoop,
  grad,
  jvp,
  log,
  mul,
  ones,
  sin,
  sqrt,
  stack,
  sum,
  tensor,
  vmap,
  whileLoop,
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
