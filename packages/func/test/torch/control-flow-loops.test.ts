// Covers the cases of upstream's TestControlFlow about map, scan and while_loop: trees, axes, dtypes, directions, shapes of results, recurrent
// networks beside PyTorch's, derivatives in both modes and maps (which torch.func refuses for most of them), what is refused.
// Left out: texts of traced graphs, compiled functions, modules, CUDA (Python and compiler plumbing); results that are their operands (refused
// there, right here); symbolic carries (graphs have their own tests).

import { readFileSync } from 'node:fs'
import {
  type Tensor,
  add,
  arange,
  checkpoint,
  cos,
  cumsum,
  flip,
  forLoop,
  full,
  grad,
  jacfwd,
  jacrev,
  jvp,
  linearize,
  makeFx,
  map,
  matmul,
  maximum,
  mul,
  ones,
  scan,
  select,
  sin,
  square,
  stack,
  sum,
  tanh,
  tensor,
  vmap,
  whileLoop,
  zeros,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { along, distance, f64, numbers, raised, random } from '../rules.ts'

const text = (f: () => unknown): string => raised(f).message
type F = (x: Tensor) => Tensor
const norm = (x: Tensor): number => Math.hypot(...numbers(x))
/** `f` is `plain` in values and derivatives of both modes, also for each of several examples. */
function check(f: F, plain: F, x: Tensor): void {
  const v = random(...x.shape)
  expect(distance(f(x), plain(x))).toBeLessThan(1e-13)
  expect(distance(jvp(f, [x], [v])[1], along(plain, x, v))).toBeLessThan(1e-7)
  expect(distance(linearize(f, [x])[1](v), jvp(plain, [x], [v])[1])).toBeLessThan(1e-12)
  for (const t of [jacrev, jacfwd, (f: F) => jacfwd(grad((x: Tensor) => sum(sin(f(x)))))])
    expect(distance(t(f)(x), t(plain)(x))).toBeLessThan(1e-11)
  const xs = stack([x, mul(x, 0.5), sin(x)])
  expect(distance(vmap(f)(xs), stack([...xs].map(plain)))).toBeLessThan(1e-13)
  expect(distance(vmap(jacrev(f))(xs), stack([...xs].map(jacrev(plain))))).toBeLessThan(1e-11)
  const total = (f: F): F => grad((xs) => sum(sin(f(xs))))
  expect(distance(total(vmap(f))(xs), stack([...xs].map(total(plain))))).toBeLessThan(1e-12)
}
const MUTATION = 'Higher order ops do not support input mutation:'

describe('map', () => {
  const x = random(4, 3)
  const y = random(3)
  test('with further arguments, that are differentiated too', () => {
    check((x) => map((r, y) => sin(mul(r, y)), x, y), (x) => sin(mul(x, y)), x) // prettier-ignore
    check((y) => map((r, y, k) => mul(sin(mul(r, y)), k), x, y, 2), (y) => sin(mul(x, y)).mul(2), y) // prettier-ignore
    // what is closed over is the same as what is given
    check((y) => map((r) => sin(mul(r, y)), x), (y) => sin(mul(x, y)), y) // prettier-ignore
  })
  test('trees in and out: objects, arrays, nested', () => {
    const f = (x: Tensor): Tensor => {
      const out = map(
        ({ a, b: [b] }: { a: Tensor; b: [Tensor] }, p: { k: Tensor }) => ({ s: [cos(a), [mul(b, p.k)]] as const, n: sum(a) }),
        { a: x, b: [square(x)] },
        { k: y },
      )
      return add(mul(out.s[0], out.s[1][0]), out.n.unsqueeze(-1))
    }
    check(f, (x) => add(mul(cos(x), mul(square(x), y)), sum(x, 1, true)), x)
  })
  test('results that have no derivative: integers, booleans, constants', () => {
    const f = (x: Tensor): [Tensor, Tensor, Tensor, Tensor] =>
      map((r: Tensor) => [mul(r, 2), r.gt(0), r.argmax(), ones(2, { dtype: 'float64' })] as [Tensor, Tensor, Tensor, Tensor], x)
    expect(f(x).map((t) => t.dtype)).toEqual(['float64', 'bool', 'int32', 'float64'])
    expect(grad((x: Tensor) => sum(add(f(x)[0], f(x)[3].sum())))(x).tolist()).toEqual(full([4, 3], 2).tolist())
    expect(vmap((x: Tensor) => f(x)[2])(stack([x, x.neg()])).shape).toEqual([2, 4])
  })
  test('maps of maps', () => {
    check((x) => map((r) => map((e, s) => mul(sin(e), s), r, sum(r)), x), (x) => mul(sin(x), sum(x, 1, true)), x) // prettier-ignore
  })
  test('what is wrong is named', () => {
    const f = (r: Tensor): Tensor => r
    expect(text(() => map(f, [x, 1] as never))).toContain('[tensor] map: Mapped xs can only consist of tensors. Got xs 1')
    expect(text(() => map(f, 'ab' as never))).toContain('Mapped xs can only consist of tensors. Got xs "ab"')
    expect(text(() => map(f, [] as never))).toContain('Mapped xs can only consist of tensors.')
    expect(text(() => map(f, zeros(0, 2)))).toContain('Leading dimensions of mapped xs cannot be 0.')
    expect(text(() => map((r: unknown) => r, { a: zeros(3, 2), b: [zeros(4, 2)] }))).toContain(
      'Leading dimensions of mapped xs must be consistent. Got shapes [[3, 2], [4, 2]].',
    )
    expect(text(() => map(f, f64(1)))).toContain('Leading dimensions of mapped xs must be consistent. Got shapes [[]].')
    expect(text(() => map(() => 3, x))).toContain('expected f to return a tree of tensors, got 3. Wrap numbers in tensor(x)')
    expect(text(() => map((r: Tensor) => [r, 'a'], x))).toContain('expected f to return a tree of tensors, got "a"')
    expect(text(() => map(3 as never, x))).toContain('expected f to be callable, got 3')
    const kept = x.clone()
    expect(text(() => map((r: Tensor) => r.add_(1), kept))).toContain(`[tensor] map: ${MUTATION} f wrote into what it was given`)
    expect(distance(kept, x)).toBe(0)
    let round = 0
    expect(text(() => map((r: Tensor) => (round++ ? r : sum(r)), x))).toContain(
      "The shape of f's result[0] must be that of its first result[0]",
    )
  })
})

describe('scan', () => {
  const expected = (
    JSON.parse(readFileSync(new URL('./control-flow.json', import.meta.url), 'utf8')) as { rnn: Record<string, number[] | number[][]> }
  ).rnn
  const uniform = (state: number, ...shape: number[]): Tensor =>
    f64(
      Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => ((state = (state * 16807) % 2147483647) / 2147483647) * 2 - 1),
    ).reshape(shape)

  for (const [name, wrap] of [
    ['alone', <T>(f: T) => f],
    ['of a checkpoint', checkpoint as unknown as <T>(f: T) => T],
  ] as const)
    test(`a recurrent network ${name}: values and gradients of PyTorch's`, () => {
      const shapes = [[4, 3], [4, 4], [4], [4]] as const
      const params = shapes.map((s, k) => uniform(100 + k, ...s)) as [Tensor, Tensor, Tensor, Tensor]
      const [x, h, ct] = [uniform(21, 5, 3), uniform(22, 4), uniform(23, 5, 4)]
      const run = (W: Tensor, U: Tensor, b: Tensor, c: Tensor, x: Tensor, h: Tensor): [Tensor, Tensor] => {
        const cell = wrap((h: Tensor, x: Tensor) => tanh(matmul(W, x).add(b).add(matmul(U, h)).add(c)))
        return scan((h: Tensor, x: Tensor) => [cell(h, x), cell(h, x)], h, x)
      }
      const [end, ys] = run(...params, x, h)
      expect(distance(ys, f64(expected['y']!))).toBeLessThan(1e-14)
      expect(distance(end, f64(expected['end']!))).toBeLessThan(1e-14)
      const grads = grad((...all: [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]) => sum(mul(run(...all)[1], ct)), [0, 1, 2, 3, 4, 5])(
        ...params,
        x,
        h,
      )
      grads.slice(0, 4).forEach((g, i) => expect(norm(g)).toBeCloseTo((expected['norms'] as number[])[i]!, 12))
      expect(distance(grads[4], f64(expected['x']!))).toBeLessThan(1e-13)
      expect(distance(grads[5], f64(expected['h']!))).toBeLessThan(1e-13)
    })
  test('running sums, products and maxima along any axis in both directions', () => {
    const x = random(2, 3, 2)
    for (const dim of [0, 1, 2, -2])
      for (const reverse of [false, true]) {
        const at = dim < 0 ? dim + 3 : dim
        const init = mul(select(x, at, 0), 0)
        const [end, ys] = scan((c: Tensor, r: Tensor) => [add(c, r), add(c, r)], init, x, { dim, reverse })
        const want = reverse ? flip(cumsum(flip(x, [at]), at), [at]) : cumsum(x, at)
        expect(distance(ys.movedim(0, at), want)).toBeLessThan(1e-15)
        expect(distance(end, sum(x, at))).toBeLessThan(1e-15)
        const [, ps] = scan((c: Tensor, r: Tensor) => [mul(c, r), c], init.add(1), x, { dim, reverse })
        expect(ps.shape).toEqual([x.shape[at], ...init.shape])
        expect(distance(select(ps, 0, reverse ? -1 : 0), init.add(1))).toBe(0)
        check((x) => scan((c: Tensor, r: Tensor) => [maximum(c, r), sin(add(c, r))], init, x, { dim, reverse })[1], (x) => {
          let c = init
          const rows = [...x.movedim(at, 0)]
          if (reverse) rows.reverse()
          const out = rows.map((r) => {
            const y = sin(add(c, r))
            c = maximum(c, r)
            return y
          })
          return stack(reverse ? out.reverse() : out)
        }, x) // prettier-ignore
      }
  })
  test('dtypes: of the carry, of xs and of y each their own', () => {
    for (const dtype of ['float32', 'int32', 'int64', 'bool'] as const) {
      const xs = tensor([1, 0, 3], { dtype: 'int32' }).to(dtype)
      const [c, y] = scan((c: Tensor, x: Tensor) => [add(c, x.to('float64')), x], f64(0), xs)
      expect([c.dtype, c.item(), y.dtype]).toEqual(['float64', dtype === 'bool' ? 2 : 4, dtype])
    }
    const [n, flags] = scan((n: Tensor, x: Tensor) => [add(n, 1), x.gt(0)], tensor(0, { dtype: 'int32' }), random(3))
    expect([n.dtype, n.item(), flags.dtype, flags.shape]).toEqual(['int32', 3, 'bool', [3]])
  })
  test('trees of carries, slices and results; results of other ranks and sizes, or none', () => {
    const x = random(4, 3)
    type C = { h: Tensor; rest: [Tensor, Map<string, Tensor>] }
    const f = (x: Tensor): Tensor => {
      const [c, ys] = scan(
        ({ h, rest: [n, m] }: C, { a, b: [b] }: { a: Tensor; b: [Tensor] }) => [
          { h: tanh(add(h, a)), rest: [add(n, 1), new Map([['k', mul(m.get('k')!, b.sum())]])] } as C,
          { outer: mul(h.unsqueeze(-1), b), total: sum(h), none: null, list: [h.narrow(0, 0, 2)] },
        ],
        { h: mul(x.at(0), 0), rest: [f64(0), new Map([['k', f64(1)]])] } as C,
        { a: x, b: [square(x)] },
      )
      expect([ys.outer.ndim, ys.total.ndim, ys.none, ys.list[0]!.shape.at(-1)]).toEqual([3, 1, null, 2])
      return add(mul(ys.outer, c.rest[1].get('k')!), ys.total.reshape([-1, 1, 1]))
        .mul(c.rest[0])
        .add(ys.list[0]!.sum())
    }
    const plain = (x: Tensor): Tensor => {
      let [h, k] = [mul(x.at(0), 0), f64(1)]
      const rows = [...x].map((a) => {
        const y = [mul(h.unsqueeze(-1), square(a)), sum(h), h.narrow(0, 0, 2)] as const
        h = tanh(add(h, a))
        k = mul(k, square(a).sum())
        return y
      })
      return add(mul(stack(rows.map((r) => r[0])), k), stack(rows.map((r) => r[1])).reshape([-1, 1, 1]))
        .mul(4)
        .add(stack(rows.map((r) => r[2])).sum())
    }
    check(f, plain, x)
  })
  test('one round; a carry or a result that is given back as it is', () => {
    const x = random(1, 3)
    check((x) => scan((c: Tensor, r: Tensor) => [mul(c, r), r], sin(x.at(0)), x)[1], (x) => x, x) // prettier-ignore
    check((x) => scan((c: Tensor, r: Tensor) => [mul(c, r), c], sin(x.at(0)), x)[0], (x) => mul(sin(x.at(0)), x.at(0)), x) // prettier-ignore
    const init = f64([1, 2, 3])
    const [c, ys] = scan((c: Tensor, r: Tensor) => [c, r], init, x)
    c.add_(10)
    ys.add_(10)
    expect(init.tolist()).toEqual([1, 2, 3])
  })
  test('scans of scans, with what is differentiated in a closure', () => {
    const W = random(3, 3)
    check(
      (x) =>
        scan(
          (h: Tensor, r: Tensor) => {
            const [c] = scan((c: Tensor, w: Tensor) => [sin(add(mul(c, w), mul(h, x.at(1)))), null], r, W)
            return [c, mul(c, h)]
          },
          x.at(0),
          x,
        )[1],
      (x) => {
        let h = x.at(0)
        return stack(
          [...x].map((r) => {
            let c = r
            for (const w of W) c = sin(add(mul(c, w), mul(h, x.at(1))))
            const y = mul(c, h)
            h = c
            return y
          }),
        )
      },
      random(3, 3),
    )
  })
  test('what comes before and behind', () => {
    const W = random(3, 3)
    check(
      (x) => matmul(scan((c: Tensor, r: Tensor) => [add(c, r), mul(c, r)], mul(x.at(0), 0), matmul(x, W))[1], W),
      (x) => {
        const m = matmul(x, W)
        return matmul(mul(cumsum(m, 0).sub(m), m), W)
      },
      random(4, 3),
    )
  })
  test('only the carry, only xs, only a closure is differentiated', () => {
    const [a, h, x] = [random(3), random(3), random(4, 3)]
    const f = (a: Tensor, h: Tensor, x: Tensor): Tensor => scan((h: Tensor, r: Tensor) => [sin(mul(add(h, r), a)), null], h, x)[0]
    const plain = (a: Tensor, h: Tensor, x: Tensor): Tensor => [...x].reduce((h, r) => sin(mul(add(h, r), a)), h)
    check((a) => f(a, h, x), (a) => plain(a, h, x), a) // prettier-ignore
    check((h) => f(a, h, x), (h) => plain(a, h, x), h) // prettier-ignore
    check((x) => f(a, h, x), (x) => plain(a, h, x), x) // prettier-ignore
  })
  test('what is wrong is named', () => {
    const [h, x] = [zeros(3, { dtype: 'float64' }), random(4, 3)]
    const step = (c: Tensor, r: Tensor): unknown => [add(c, r), r]
    const told = (f: unknown, init: unknown, xs: unknown, o?: unknown): string => text(() => scan(f as never, init, xs, o as never))
    expect(told(null, h, x)).toContain('[tensor] scan: Combine_fn must be a callable, but got null')
    expect(told(step, [h, 1], x)).toContain('All init leaves must be a Tensor, but got 1')
    expect(told(step, h, { a: x, b: true })).toContain('All xs leaves must be a Tensor, but got true')
    expect(told(step, h, f64(1))).toContain("All xs leaves must at least have 'dim' number of dimensions and scan dimension > 0")
    expect(told(step, h, x, { dim: 'a' })).toContain('Dim must be an int, but got "a"')
    expect(told(step, h, x, { reverse: 0 })).toContain('Reverse must be a bool, but got 0')
    expect(told(step, h, x, { direction: 1 })).toContain("got unknown option 'direction'")
    expect(told(() => h, h, x)).toContain('Combine_fn must return [carry, y], but got a float64 tensor of shape [3]')
    expect(told(() => [h, h, h], h, x)).toContain('Combine_fn must return [carry, y], but got an array of 3')
    expect(told(() => [{ h }, h], { g: h }, x)).toContain('expected the new_carry in the structure of init, {g: *}, got {h: *}')
    expect(told(() => [zeros(2, { dtype: 'float64' }), h], h, x)).toContain(
      'The shape of the new_carry[0] must be that of init[0]: got float64[2] and float64[3]',
    )
    expect(told(() => [h.to('float32'), h], h, x)).toContain('The dtype of the new_carry[0] must be that of init[0]')
    let round = 0
    expect(told((c: Tensor) => [c, round++ ? c : sum(c)], h, x)).toContain('The shape of y[0] must be that of the first y[0]')
    const kept = [h.clone(), x.clone()] as const
    expect(told((c: Tensor, r: Tensor) => [c.add_(r), r], ...kept)).toContain(`${MUTATION} combine_fn wrote into what it was given`)
    expect(told((c: Tensor, r: Tensor) => [c, r.mul_(2)], ...kept)).toContain(MUTATION)
    expect([distance(kept[0], h), distance(kept[1], x)]).toEqual([0, 0])
    expect(told(async () => [h, h], h, x)).toContain('expected a synchronous function')
  })
})

describe('whileLoop', () => {
  test('trees of what is carried; the condition sees them all', () => {
    type S = { i: Tensor; rest: [Tensor, { y: Tensor }] }
    const f = (x: Tensor): Tensor =>
      whileLoop(
        (s: S, n: Tensor) => s.i.lt(3).logicalAnd(n.lt(10)),
        (s: S, n: Tensor) => [{ i: s.i.add(1), rest: [s.rest[1].y, { y: sin(mul(s.rest[0], s.rest[1].y)) }] } as S, n.add(2)] as const,
        [{ i: tensor(0), rest: [x, { y: cos(x) }] } as S, tensor(1, { dtype: 'int32' })],
      )[0].rest[1].y
    const plain = (x: Tensor): Tensor => {
      let [a, b] = [x, cos(x)]
      for (let i = 0; i < 3; i++) [a, b] = [b, sin(mul(a, b))]
      return b
    }
    check(f, plain, random(3))
  })
  test('as long as the data say, each example for itself', () => {
    const f = (x: Tensor): Tensor => whileLoop((y) => sum(square(y)).gt(1), (y) => [mul(y, cos(sum(y)).mul(0.5))], [mul(x, 3)])[0] // prettier-ignore
    const plain = (x: Tensor): Tensor => {
      let y = mul(x, 3)
      while ((sum(square(y)).item() as number) > 1) y = mul(y, cos(sum(y)).mul(0.5))
      return y
    }
    check(f, plain, f64([0.9, -0.4, 0.2]))
    const xs = random(6, 3)
    expect(
      distance(vmap(vmap(f))(stack([xs, mul(xs, 9)])), stack([stack([...xs].map(plain)), stack([...mul(xs, 9)].map(plain))])),
    ).toBeLessThan(1e-9)
  })
  test('no rounds, a condition that is a boolean, loops in loops, a bound', () => {
    const x = random(3)
    check((x) => whileLoop(() => false, (y) => [sin(y)], [mul(x, 2)])[0], (x) => mul(x, 2), x) // prettier-ignore
    let n = 0
    expect(whileLoop(() => n++ < 3, (y: Tensor) => [mul(y, 2)] as const, [f64(1)])[0].item()).toBe(8) // prettier-ignore
    check(
      (x) =>
        whileLoop(
          (i) => i.lt(2),
          (i, y) => [i.add(1), whileLoop((j) => j.lt(i.add(1)), (j, z) => [j.add(1), sin(add(z, x))], [tensor(0), y])[1]], // prettier-ignore
          [tensor(0), x],
        )[1],
      (x) => sin(add(sin(add(sin(mul(x, 2)), x)), x)),
      x,
    )
    check((x) => whileLoop(() => true, (y) => [sin(y)], [x], { maxIterations: 3 })[0], (x) => sin(sin(sin(x))), x) // prettier-ignore
    expect(whileLoop(() => true, (y: Tensor) => [y.add(1)] as const, [f64(0)], { maxIterations: 0 })[0].item()).toBe(0) // prettier-ignore
  })
  test('forLoop is a loop over integers', () => {
    const x = random(3)
    check((x) => forLoop(1, 4, (i, y: Tensor) => sin(mul(y, i)), x), (x) => sin(mul(sin(mul(sin(x), 2)), 3)), x) // prettier-ignore
    check((x) => forLoop(3, 1, (_, y: Tensor) => sin(y), x), (x) => x, x) // prettier-ignore
    const n = arange(4)
    const powers = vmap((n: Tensor) => forLoop(0, n, (_, y: Tensor) => mul(y, 2), f64(1)))(n)
    expect(powers.tolist()).toEqual([1, 2, 4, 8])
    expect(text(() => forLoop(0, 2, (_, y: Tensor) => y.add_(1), x.clone()))).toContain(`[tensor] forLoop: ${MUTATION} body_fn wrote`)
  })
  test('what is wrong is named', () => {
    const x = f64([1, 2])
    const told = (c: unknown, b: unknown, s: unknown, o?: unknown): string =>
      text(() => whileLoop(c as never, b as never, s as never, o as never))
    const [yes, next] = [(x: Tensor) => sum(x).lt(9), (x: Tensor) => [x.add(1)]]
    expect(told((x: Tensor) => x.lt(9), next, [x])).toContain(
      '[tensor] whileLoop: cond_fn must return a boolean scalar tensor or a boolean but got bool[2]',
    )
    expect(told(() => null, next, [x])).toContain('cond_fn must return a boolean scalar tensor or a boolean but got null')
    expect(told(() => 1, next, [x])).toContain('cond_fn must return a boolean scalar tensor or a boolean but got 1')
    // a number of one element is no condition either: a loss or a counter would go on for ever
    expect(told((x: Tensor) => sum(x), next, [x])).toContain('cond_fn must return a boolean scalar tensor or a boolean but got float64[]')
    expect(told((x: Tensor) => sum(x, [0], { keepdim: true }).lt(9), next, [x])).toContain('a boolean but got bool[1]')
    expect(told(3, next, [x])).toContain('cond_fn must be callable, got 3')
    expect(told(yes, undefined, [x])).toContain('body_fn must be callable, got undefined')
    expect(told(yes, next, x)).toContain('carried_inputs must be a tuple (an array), got a float64 tensor of shape [2]')
    expect(told(yes, next, [x, 'a'])).toContain('carried_inputs must be trees of tensors, got "a"')
    expect(told(yes, (x: Tensor) => [x, x], [x])).toContain('body_fn should return the same number of elements as carried_inputs, 1, got 2')
    expect(told(yes, (x: Tensor) => x, [x])).toContain(
      'body_fn should return the same number of elements as carried_inputs, 1, got a float64 tensor',
    )
    expect(told(yes, () => [3], [x])).toContain('body_fn should return trees of tensors, got 3')
    expect(told(yes, (x: Tensor) => [sum(x)], [x])).toContain(
      "The shape of body_fn's result[0] must be that of carried_inputs[0]: got float64[] and float64[2]",
    )
    expect(told(yes, (x: Tensor) => [x.to('int32')], [x])).toContain("The dtype of body_fn's result[0] must be that of carried_inputs[0]")
    expect(
      told(
        (s: { x: Tensor }) => sum(s.x).lt(9),
        () => [{ y: x }],
        [{ x }],
      ),
    ).toContain("expected body_fn's result in the structure of carried_inputs, [{x: *}], got [{y: *}]")
    expect(told(yes, next, [x], { maxIterations: -1 })).toContain('expected maxIterations to be a number ≥ 0, got -1')
    const kept = x.clone()
    expect(told(yes, (x: Tensor) => [x.add_(1)], [kept])).toContain(`${MUTATION} body_fn wrote into what it was given`)
    expect(told((x: Tensor) => sum(x.add_(1)).lt(9), next, [kept])).toContain(`${MUTATION} cond_fn wrote into what it was given`)
    expect(kept.tolist()).toEqual([1, 2])
    expect(text(() => vmap((x: Tensor) => whileLoop((x) => x.lt(5), (x) => [x.add_(1)], [x.clone()])[0])(f64([1, 4])))).toContain(MUTATION) // prettier-ignore
    expect(text(() => makeFx((x: Tensor) => whileLoop((x) => sum(x).lt(5), (x) => [x.add_(1)], [x])[0])(x))).toContain(MUTATION) // prettier-ignore
  })
})
