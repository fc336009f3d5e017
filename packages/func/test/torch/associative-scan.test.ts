// Covers upstream's AssociativeScanTests: running sums and products beside PyTorch's, axes, directions, trees, operators that do not commute,
// chains, what combine_fn may do, what is refused; derivatives and maps of them.
// Left out: combine_mode (all are generic), compiled functions, CUDA, sparse tensors, expected failures of nested and lifted scans (right here).

import { readFileSync } from 'node:fs'
import {
  type Tensor,
  add,
  arange,
  associativeScan,
  cond,
  cumsum,
  exp,
  flip,
  grad,
  jacfwd,
  jacrev,
  jvp,
  log,
  logaddexp,
  map,
  matmul,
  maximum,
  mul,
  scan,
  sin,
  stack,
  sum,
  tensor,
  vmap,
  whileLoop,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { along, distance, f64, raised, random } from '../rules.ts'

const text = (f: () => unknown): string => raised(f).message
const expected = JSON.parse(readFileSync(new URL('./control-flow.json', import.meta.url), 'utf8')) as Record<
  string,
  { y: number[]; x: number[] }
>
let state = 24
const x = f64(Float64Array.from({ length: 30 }, () => ((state = (state * 16807) % 2147483647) / 2147483647) * 2 - 1)).reshape([2, 5, 3])
const weights = arange(30).to('float64').reshape([2, 5, 3])
type Combine<T> = (a: T, b: T) => T

/** One after the other, from the front or the end, along an axis. */
function fold(f: Combine<Tensor>, x: Tensor, dim = 0, reverse = false): Tensor {
  const rows = [...x.movedim(dim, 0)]
  if (reverse) rows.reverse()
  const out: Tensor[] = []
  for (const r of rows) out.push(out.length ? f(out.at(-1)!, r) : r)
  return stack(reverse ? out.reverse() : out, dim)
}

describe('running sums, products and maxima', () => {
  const operators: Record<string, Combine<Tensor>> = { cumsum: add, cumprod: mul, logcumsumexp: logaddexp }
  for (const [name, f] of Object.entries(operators))
    for (const dim of [0, 1, -1])
      test(`${name} along ${dim}, and its gradient: PyTorch's`, () => {
        const run = (x: Tensor): Tensor => associativeScan(f, x, dim)
        const { y, x: g } = expected[`${name} ${dim}`]!
        expect(distance(run(x), f64(y).reshape(x.shape))).toBeLessThan(1e-14)
        expect(distance(grad((x: Tensor) => sum(mul(run(x), weights)))(x), f64(g).reshape(x.shape))).toBeLessThan(1e-12)
        const back = (x: Tensor): Tensor => associativeScan(f, x, dim, { reverse: true })
        expect(distance(back(x), flip(run(flip(x, [dim])), [dim]))).toBeLessThan(1e-14)
        expect(distance(back(x), fold(f, x, dim, true))).toBeLessThan(1e-14)
      })
  test('cummax', () => {
    expect(distance(associativeScan(maximum, x, 1), f64(expected['cummax 1']!.y).reshape(x.shape))).toBe(0)
  })
  test('integers, booleans, one slice, one element', () => {
    const n = tensor([3, -1, 4, 1, -5], { dtype: 'int32' })
    expect(associativeScan(add, n, 0).tolist()).toEqual([3, 2, 6, 7, 2])
    expect(associativeScan((a: Tensor, b: Tensor) => a.logicalAnd(b), n.gt(-2), 0).tolist()).toEqual([true, true, true, true, false])
    expect(distance(associativeScan(mul, x, 0).at(0), x.at(0))).toBe(0)
    expect(associativeScan(mul, f64([7]), 0).tolist()).toEqual([7])
    expect(associativeScan(mul, f64([[], []]), 0).shape).toEqual([2, 0])
  })
  test('what is not contiguous', () => {
    const wide = random(3, 8, 4)
    for (const view of [wide.movedim(0, -1), wide.transpose(0, 2).at(1), wide.expand([2, 3, 8, 4]), flip(wide, [1])])
      for (const dim of [0, 1])
        for (const reverse of [false, true])
          expect(
            distance(
              associativeScan((a: Tensor, b: Tensor) => add(a, b), view, dim, { reverse }),
              fold(add, view, dim, reverse),
            ),
          ).toBeLessThan(1e-14)
  })
  for (const n of [2, 3, 6, 9])
    test(`derivatives of ${n} slices in both modes, mapped`, () => {
      const f = (x: Tensor): Tensor => associativeScan((a: Tensor, b: Tensor) => sin(add(a, b)).add(mul(a, b)), x, 0)
      // not associative: the same tree of pairs is what is differentiated
      const [x, v] = [random(n, 2), random(n, 2)]
      expect(distance(jvp(f, [x], [v])[1], along(f, x, v))).toBeLessThan(1e-8)
      expect(distance(jacrev(f)(x), jacfwd(f)(x))).toBeLessThan(1e-12)
      const xs = random(3, n, 2)
      expect(distance(vmap(f)(xs), stack([...xs].map(f)))).toBeLessThan(1e-14)
      expect(distance(vmap(jacrev(f))(xs), stack([...xs].map(jacrev(f))))).toBeLessThan(1e-13)
    })
})

describe('trees and operators', () => {
  interface Step {
    readonly A: Tensor
    readonly b: readonly [Tensor]
  }
  /** hᵢ = Aᵢ hᵢ₋₁ + bᵢ for many h at once: diagonal A, as in S5. */
  const s5: Combine<Step> = (l, r) => ({ A: mul(r.A, l.A), b: [add(mul(r.A, l.b[0]), r.b[0])] })
  test('S5: a linear recurrence is a loop of it', () => {
    const [A, b] = [random(7, 4), random(7, 4)]
    const f = (A: Tensor, b: Tensor): Tensor => associativeScan(s5, { A, b: [b] }, 0).b[0]
    const loop = (A: Tensor, b: Tensor): Tensor =>
      scan((h: Tensor, [A, b]: [Tensor, Tensor]) => [add(mul(A, h), b), add(mul(A, h), b)], mul(b.at(0), 0), [A, b])[1]
    expect(distance(f(A, b), loop(A, b))).toBeLessThan(1e-14)
    for (const i of [0, 1] as const) {
      expect(distance(jacrev(f, i)(A, b), jacrev(loop, i)(A, b))).toBeLessThan(1e-13)
      expect(distance(jacfwd(f, i)(A, b), jacrev(loop, i)(A, b))).toBeLessThan(1e-13)
    }
    const [As, bs] = [random(3, 7, 4), random(3, 7, 4)]
    expect(distance(vmap(f)(As, bs), stack([0, 1, 2].map((k) => loop(As.at(k), bs.at(k)))))).toBeLessThan(1e-14)
    expect(distance(vmap(f, [0, null])(As, b), stack([0, 1, 2].map((k) => loop(As.at(k), b))))).toBeLessThan(1e-14)
  })
  test('full matrices, which do not commute', () => {
    const [A, b] = [random(6, 3, 3), random(6, 3, 1)]
    const affine: Combine<Step> = (l, r) => ({ A: matmul(r.A, l.A), b: [add(matmul(r.A, l.b[0]), r.b[0])] })
    const got = associativeScan(affine, { A, b: [b] }, 0).b[0]
    let h = mul(b.at(0), 0)
    const want = stack([...A].map((M, i) => (h = add(matmul(M, h), b.at(i)))))
    expect(distance(got, want)).toBeLessThan(1e-13)
    expect(
      distance(
        associativeScan((a: Tensor, b: Tensor) => matmul(a, b), A, 0, { reverse: true }),
        fold(matmul, A, 0, true),
      ),
    ).toBeLessThan(1e-13)
  })
  test('arrays, objects and Maps of several shapes along one axis', () => {
    const xs = [random(2, 4), new Map([['k', { u: random(3, 4, 2), v: tensor([[1, 2, 3, 4]], { dtype: 'int32' }) }]])] as const
    type T = typeof xs
    const both: Combine<T> = ([a, m], [b, n]) => [
      mul(a, b),
      new Map([['k', { u: add(m.get('k')!.u, n.get('k')!.u), v: maximum(m.get('k')!.v, n.get('k')!.v) }]]),
    ]
    const [p, m] = associativeScan(both, xs, 1)
    expect(distance(p, fold(mul, xs[0], 1))).toBeLessThan(1e-15)
    expect(distance(m.get('k')!.u, cumsum(xs[1].get('k')!.u, 1))).toBeLessThan(1e-15)
    expect(m.get('k')!.v.tolist()).toEqual([[1, 2, 3, 4]])
  })
  test('a combine_fn that broadcasts, that closes over what is differentiated or mapped', () => {
    const x = random(5, 2)
    const expands: Combine<Tensor> = (a, b) => add(a, b.sum(-1, true).expand(b.shape))
    expect(associativeScan(expands, x, 0).shape).toEqual([5, 2])
    const f = (c: Tensor): Tensor => associativeScan((a: Tensor, b: Tensor) => mul(mul(a, b), c), x, 0)
    const loop = (c: Tensor): Tensor => fold((a, b) => mul(mul(a, b), c), x)
    expect(distance(f(f64(1.5)), loop(f64(1.5)))).toBeLessThan(1e-14)
    expect(distance(jacrev(f)(f64(1.5)), jacfwd(loop)(f64(1.5)))).toBeLessThan(1e-12)
    const c = f64([0.5, 2])
    expect(distance(vmap(f)(c), stack([...c].map(loop)))).toBeLessThan(1e-14)
    expect(distance(vmap(grad((c: Tensor) => sum(f(c))))(c), stack([...c].map(grad((c: Tensor) => sum(loop(c))))))).toBeLessThan(1e-12)
  })
})

describe('with others', () => {
  const x = random(6, 3)
  test('one after the other, with a product between, with a scan behind', () => {
    const W = random(3, 3)
    const f = (x: Tensor): Tensor => {
      const a = associativeScan((a: Tensor, b: Tensor) => add(a, b), x, 0)
      const b = associativeScan((a: Tensor, b: Tensor) => mul(a, b), matmul(a, W), 1, { reverse: true })
      return scan((h: Tensor, r: Tensor) => [add(h, r), mul(h, r)], b.at(0), b)[1]
    }
    const plain = (x: Tensor): Tensor => {
      const b = fold(mul, matmul(fold(add, x), W), 1, true)
      let h = b.at(0)
      return stack([...b].map((r) => [mul(h, r), (h = add(h, r))][0]!))
    }
    expect(distance(f(x), plain(x))).toBeLessThan(1e-12)
    expect(distance(jacrev(f)(x), jacfwd(plain)(x))).toBeLessThan(1e-11)
  })
  test('vmap, cond, whileLoop, map, scan and another of its kind inside of combine_fn', () => {
    const inside: Record<string, Combine<Tensor>> = {
      vmap: (a, b) => vmap(add)(a, b),
      cond: (a, b) =>
        cond(
          sum(a).gt(0),
          (a: Tensor, b: Tensor) => add(a, b),
          (a: Tensor, b: Tensor) => add(b, a),
          [a, b],
        ),
      whileLoop: (a, b) => whileLoop((i) => i.lt(1), (i, y) => [i.add(1), add(y, b)] as const, [tensor(0), a])[1], // prettier-ignore
      map: (a, b) => map((v: { a: Tensor; b: Tensor }) => add(v.a, v.b), { a, b }),
      scan: (a, b) => scan((h: Tensor, r: Tensor) => [add(h, r), null], a, stack([b]))[0],
      associativeScan: (a, b) => associativeScan((x: Tensor, y: Tensor) => add(x, y), stack([a, b]), 0).at(1),
    }
    for (const [name, f] of Object.entries(inside)) {
      const run = (x: Tensor): Tensor => associativeScan(f, x, 0)
      expect([name, distance(run(x), cumsum(x, 0)) < 1e-14]).toEqual([name, true])
      const g = grad((x: Tensor) => sum(sin(run(x))))
      expect([name, distance(g(x), grad((x: Tensor) => sum(sin(cumsum(x, 0))))(x)) < 1e-13]).toEqual([name, true])
      const xs = stack([x, mul(x, 2)])
      expect([name, distance(vmap(run)(xs), cumsum(xs, 1)) < 1e-14]).toEqual([name, true])
    }
  })
  test('inside of vmap, scan, cond and another', () => {
    const f = (x: Tensor): Tensor => log(associativeScan((a: Tensor, b: Tensor) => add(a, b), exp(x), 0))
    const xs = random(4, 5)
    const want = (x: Tensor): Tensor => log(cumsum(exp(x), -1))
    expect(distance(vmap(f)(xs), want(xs))).toBeLessThan(1e-14)
    expect(distance(scan((c: Tensor, x: Tensor) => [c, f(x)], f64(0), xs)[1], want(xs))).toBeLessThan(1e-14)
    expect(distance(vmap((x: Tensor) => cond(sum(x).gt(0), f, (x: Tensor) => x, [x]))(xs), stack([...xs].map((x) => ((sum(x).item() as number) > 0 ? want(x) : x))))).toBeLessThan(1e-14) // prettier-ignore
  })
})

describe('what is wrong is named', () => {
  const told = (f: unknown, xs: unknown, dim: unknown = 0, options?: unknown): string =>
    text(() => associativeScan(f as Combine<unknown>, xs, dim as number, options as { reverse?: boolean }))
  test('arguments', () => {
    expect(told(3, x)).toContain('[func] associativeScan: Combine_fn must be a callable, but got 3')
    expect(told(add, x, 'a')).toContain('Dim must be an int, but got "a"')
    expect(told(add, x, 0, { mode: 'generic' })).toContain("got unknown option 'mode'")
    expect(told(add, [x, 1])).toContain('xs leaves must be a Tensor, but got 1')
    expect(told(add, [])).toContain('Expected at least 1 xs leaf')
    const dims = "All xs leaves must at least have 'dim' number of dimensions and scan dimension > 0"
    expect(told(add, x, 3)).toContain(`${dims}, got shape [2, 5, 3] and dim 3`)
    expect(told(add, f64([]))).toContain(`${dims}, got shape [0] and dim 0`)
    expect(told(add, f64(1))).toContain(`${dims}, got shape [] and dim 0`)
    expect(told(add, [x, random(3)])).toContain(
      'All xs leaves must have the same size along the scan dimension, got shapes [[2, 5, 3], [3]] and dim 0',
    )
  })
  test('combineMode, which changes nothing', () => {
    const x = random(4)
    const running = associativeScan(add, x, 0)
    for (const combineMode of ['pointwise', 'generic'] as const)
      expect(distance(associativeScan(add, x, 0, { combineMode }), running)).toBe(0)
    expect(text(() => associativeScan(add, x, 0, { combineMode: 'fast' as 'generic' }))).toContain(
      `[func] associativeScan: Combine_mode must either 'pointwise' or 'generic', but got "fast"`,
    )
  })
  test('results of combine_fn', () => {
    expect(told((a: Tensor) => [a], x)).toContain('expected combine_fn to return a tree like a slice of xs, *, got [*]')
    expect(told((a: { k: Tensor }) => ({ l: a.k }), { k: x })).toContain('a tree like a slice of xs, {k: *}, got {l: *}')
    expect(told((a: Tensor) => sum(a, 0), x)).toContain(
      'expected combine_fn to keep shape and dtype, float64[5, 3], got a float64 tensor of shape [3]',
    )
    expect(told((a: Tensor) => a.to('float32'), x)).toContain('float64[5, 3], got a float32 tensor of shape [5, 3]')
    expect(told(() => 3, x)).toContain('got 3')
    expect(told(async (a: Tensor) => a, x)).toContain('expected a synchronous function')
    const kept = x.clone()
    expect(told((a: Tensor, b: Tensor) => a.add_(b), kept)).toContain(
      'Higher order ops do not support input mutation: combine_fn wrote into what it was given',
    )
    expect(distance(kept, x)).toBe(0)
  })
})
