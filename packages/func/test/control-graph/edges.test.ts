import {
  type Tensor,
  add,
  associativeScan,
  cond,
  customVjp,
  forLoop,
  functionalize,
  grad,
  indexSelect,
  jvp,
  makeFx,
  map,
  matmul,
  memory,
  mul,
  narrow,
  scan,
  sin,
  sqrt,
  sum,
  tensor,
  vmap,
  whileLoop,
} from '@mapgrad/func'
import { defineOp, unsupported } from '@mapgrad/tensor/plugin'
import { describe, expect, test } from 'vitest'
import { type F, distance, f64, raised, random } from '../rules.ts'

const x = random(4, 3)
const inGraph = (f: F, at: Tensor): Tensor => makeFx(f, { tracingMode: 'fake' })(at)(at)
const message = (f: F, at: Tensor = x): string => raised(() => makeFx(f)(at)).message

describe('what the functions of a loop in a graph may do', () => {
  test('they run once each, with their side effects', () => {
    const seen: string[] = []
    const say = <R>(what: string, y: R): R => {
      seen.push(what)
      return y
    }
    const all: F = (x) => {
      const [h] = scan((h: Tensor, r: Tensor) => say('scan', [add(h, r), null]), sum(x, 0), x)
      const [w] = whileLoop(
        (y) => say('condition', sum(y).lt(9)),
        (y) => say('body', [add(y, 1)]),
        [h],
      )
      const m = map((r: Tensor) => say('map', add(r, w)), x)
      const f = forLoop(0, 5, (i, y: Tensor) => say('forLoop', add(y, i)), m)
      const a = associativeScan((p: Tensor, q: Tensor) => say('associativeScan', mul(p, q)), f, 0)
      return cond(
        sum(a).gt(0),
        () => say('true', a),
        () => say('false', a),
      )
    }
    const expected = ['scan', 'condition', 'body', 'map', 'forLoop', 'associativeScan', 'true', 'false']
    makeFx(all)(x)
    expect(seen.splice(0)).toEqual(expected)
    makeFx(vmap(all))(random(2, 4, 3))
    expect(seen.splice(0)).toEqual(expected)
    makeFx((x: Tensor) => jvp(all, [x], [x])[1])(x)
    expect(seen.splice(0)).toEqual(expected)
  })

  test('conditions that are JavaScript booleans decide while tracing', () => {
    let n = 0
    const f: F = (x) =>
      whileLoop(
        () => n++ < 3,
        (y) => [mul(y, 2)],
        [x],
      )[0]
    const g = makeFx(f)(x)
    expect(n).toBe(4)
    expect(distance(g(x), mul(x, 8))).toBe(0)
    expect(g.graph.nodes.filter((node) => node.op?.name === 'mul').length).toBe(3)
    expect(
      distance(
        makeFx((x: Tensor) =>
          cond(
            true,
            () => mul(x, 2),
            () => sum(x, [], true),
          ),
        )(x)(x),
        mul(x, 2),
      ),
    ).toBe(0)
  })

  test('in-place operations on what they made; on what they were given, or from outside, they are refused', () => {
    const inside: F = (x) =>
      scan(
        (h: Tensor, r: Tensor) => {
          const y = h.clone()
          y.add_(r)
          y.select(0, 1).mul_(2)
          return [y, y.clone().sin_()]
        },
        sum(x, 0),
        x,
      )[1]
    expect(distance(inGraph(inside, x), inside(x))).toBe(0)
    expect(distance(inGraph(functionalize(inside), x), inside(x))).toBe(0)
    const pull = grad((x: Tensor) => sum(inside(x)))
    expect(distance(inGraph(pull, x), pull(x))).toBe(0)
    expect(message((x) => scan((h: Tensor, r: Tensor) => [h.add_(r), null], sum(x, 0), x)[0])).toContain('do not support input mutation')
    expect(
      message((x) => {
        const outer = x.clone()
        map((r: Tensor) => outer.add_(r), x)
        return outer
      }),
    ).toContain('expected a captured tensor to stay as it is')
  })

  test('views of tensors from outside show what those hold', () => {
    const f: F = (x) => {
      const w = add(x, 0)
      const view = narrow(w, 0, 1, 2)
      w.add_(1)
      const y = map((r: Tensor) => add(view, r), x)
      return add(y, view)
    }
    expect(distance(inGraph(f, x), f(x))).toBe(0)
    const w = random(5, 3)
    const plain = narrow(w, 0, 1, 4)
    w.mul_(2)
    const g: F = (x) => scan((h: Tensor, r: Tensor) => [add(h, mul(plain, r)), null], x, x)[0]
    expect(distance(inGraph(g, x), g(x))).toBe(0)
    // and the view is as good as before
    expect(distance(add(plain, 0), narrow(w, 0, 1, 4))).toBe(0)
  })

  test('what they cannot do is said by name', () => {
    expect(message((x) => map((r: Tensor) => mul(r, Number(sum(r))), x))).toContain(
      'branches and bodies of loops (map) are written down once for all values',
    )
    expect(message((x) => map((r: Tensor) => r.nonzero(), x))).toContain('expected ops whose shapes follow from shapes')
    expect(message((x) => scan((h: Tensor, r: Tensor) => [matmul(h, r), null], sum(x, 0), x)[0])).toContain(
      'The shape of the new_carry[0] must be that of init[0]',
    )
    expect(
      message((x) =>
        cond(
          sum(x).gt(0),
          () => x,
          () => sum(x),
        ),
      ),
    ).toContain("The shape of falseFn's result[0] must be that of trueFn's result[0]")
    let leaked: Tensor | undefined
    expect(
      message((x) => {
        map((r: Tensor) => (leaked = sin(r)), x)
        return add(x, leaked!)
      }),
    ).toContain('got one that escaped from map')
    expect(() => makeFx((x: Tensor) => map((r: Tensor) => Promise.resolve(r) as never, x))(x)).toThrow('Promise')
  })

  test('structures of all kinds, bools and integers, nothing to carry, nothing to give', () => {
    const f = (x: Tensor): unknown => {
      const [carry, ys] = scan(
        ({ n, on, last }: { n: Tensor; on: Tensor; last: [Tensor] }, [a, { b }]: [Tensor, { b: Tensor }]) =>
          [
            { n: add(n, 1), on: on.logicalNot(), last: [mul(a, b)] as [Tensor] },
            { y: [add(last[0], n), on], z: null },
          ] as const,
        { n: tensor(0, { dtype: 'int32' }), on: tensor(true), last: [sum(x, 0)] as [Tensor] },
        [x, { b: sin(x) }] as [Tensor, { b: Tensor }],
        { reverse: true },
      )
      return { carry, ys, none: scan((h: Tensor) => [add(h, 1), null], sum(x), null, { length: 2 })[0] }
    }
    const flat = (out: unknown): string =>
      JSON.stringify(out, (_, v: unknown) => (v instanceof Object && 'tolist' in v ? [(v as Tensor).dtype, (v as Tensor).tolist()] : v))
    expect(flat(makeFx(f)(x)(x))).toBe(flat(f(x)))
    expect(flat(makeFx(f, { tracingMode: 'fake' })(x)(x))).toBe(flat(f(x)))
  })
})

describe('an example never meets values of a way that it does not go', () => {
  const root = (p: Tensor, y: Tensor): Tensor =>
    cond(
      p.gt(0),
      (y: Tensor) => sqrt(y),
      (y: Tensor) => mul(y, 3),
      [y],
    )
  const p = f64([1, -1, 1])
  const y = f64([4, -4, 9])
  const slopes = f64([0.25, 3, 1 / 6])

  test('so its derivative is a number', () => {
    expect(distance(makeFx(vmap(grad(root, 1)))(p, y)(p, y), slopes)).toBeLessThan(1e-15)
    expect(
      distance(
        inGraph(
          grad((y: Tensor) => sum(vmap(root)(p, y))),
          y,
        ),
        slopes,
      ),
    ).toBeLessThan(1e-15)
    expect(
      distance(
        inGraph((y) => jvp((y: Tensor) => vmap(root)(p, y), [y], [f64([1, 1, 1])])[1], y),
        slopes,
      ),
    ).toBeLessThan(1e-15)
  })
  test('also where nobody goes it', () => {
    const shared: F = (s) => sum(vmap(root, [0, null])(f64([-1, -2]), s))
    expect(inGraph(grad(shared), f64(-1)).item()).toBe(6)
    expect(vmap(grad(shared))(f64([-1, 2])).tolist()).toEqual([6, 6])
  })
  test('and no index is out of range', () => {
    const table = f64([1, 2, 3])
    const look: F = (i) =>
      cond(
        i.lt(3),
        () => sum(indexSelect(table, 0, i.reshape([1]))),
        () => f64(0),
      )
    const at = tensor([0, 5, 2], { dtype: 'int32' })
    expect(inGraph(vmap(look), at).tolist()).toEqual([1, 0, 3])
    expect(makeFx(vmap(look))(at)(tensor([7, 8, 9], { dtype: 'int32' })).tolist()).toEqual([0, 0, 0])
  })
  test('in loops, rounds after the last of an example are not its own', () => {
    const dig: F = (a) =>
      whileLoop(
        (y) => y.gt(1),
        (y) => [sqrt(y.sub(1))],
        [a],
        { maxIterations: 8 },
      )[0]
    const at = f64([0.5, 2, 10])
    const want = vmap(grad(dig))(at)
    expect(want.isnan().any().item()).toBe(false)
    expect(distance(inGraph(vmap(grad(dig)), at), want)).toBeLessThan(1e-15)
    expect(
      distance(
        inGraph(
          grad((at: Tensor) => sum(vmap(dig)(at))),
          at,
        ),
        want,
      ),
    ).toBeLessThan(1e-15)
  })
  test('an empty batch is one', () => {
    const f: F = vmap((x: Tensor) =>
      cond(
        x.gt(0),
        () => mul(x, 2),
        () => x,
      ),
    )
    expect(inGraph(f, f64([])).shape).toEqual([0])
  })
})

describe('a graph that is made', () => {
  const both = (f: F): F => f
  const way: F = (r) =>
    cond(
      sum(r).gt(0),
      () => mul(r, 2),
      () => sin(r),
    )
  const steps: F = (r) => scan((h: Tensor, v: Tensor) => [add(mul(h, v), sum(r)), h], sum(r), r)[1]
  const made =
    (f: F): F =>
    (r) =>
      inGraph(f, r)
  test.each([
    ['under vmap', both((x) => vmap(made(way))(x)), both((x) => vmap(way)(x))],
    [
      'under vmap of grad',
      both((x) => vmap(grad((r: Tensor) => sum(made(steps)(r))))(x)),
      both((x) => vmap(grad((r: Tensor) => sum(steps(r))))(x)),
    ],
    [
      'of grad, under vmap',
      both((x) => vmap(made(grad((r: Tensor) => sum(way(r)))))(x)),
      both((x) => vmap(grad((r: Tensor) => sum(way(r))))(x)),
    ],
    ['in a graph, under vmap', both((x) => inGraph(vmap(made(steps)), x)), both((x) => vmap(steps)(x))],
    ['under jvp', both((x) => jvp(made(vmap(way)), [x], [x])[1]), both((x) => jvp(vmap(way), [x], [x])[1])],
  ])('%s', (_, f, plain) => {
    for (const at of [x, mul(x, -1)]) expect(distance(f(at), plain(at))).toBeLessThan(1e-14)
  })

  test('frees what its loops compute', () => {
    const f: F = (x) => scan((h: Tensor, r: Tensor) => [sin(add(mul(h, r), sum(x))), mul(h, h)], sum(x, 0), x)[1]
    const loop: F = (x) =>
      whileLoop(
        (y) => sum(y).lt(50),
        (y) => [add(mul(y, y), 1)],
        [f(x)],
      )[0]
    const g = makeFx(loop, { tracingMode: 'fake' })(x)
    const pull = makeFx(
      grad((x: Tensor) => sum(f(x))),
      { tracingMode: 'fake' },
    )(x)
    const before = memory().live
    for (let i = 0; i < 3; i++) for (const y of [g(x), pull(x), grad((x: Tensor) => sum(g(x)))(x)]) y.dispose()
    expect(memory().live).toBe(before)
  })
})

describe('functions that functions in bodies call', () => {
  test('close over what they like, but for what their rules do not know', () => {
    const scaled = (by: Tensor): F =>
      customVjp((z: Tensor) => mul(z, 2), { forward: (z) => [mul(z, 2), null], backward: (_, ct) => [mul(ct, by)] })
    const fixed: F = (x) => {
      const step = scaled(sum(x, 0).detach())
      return scan((h: Tensor, r: Tensor) => [add(step(r), h), null], sum(x, 0), x)[0]
    }
    const pull = grad((x: Tensor) => sum(fixed(x)))
    expect(distance(inGraph(pull, x), pull(x))).toBeLessThan(1e-14)
    expect(distance(inGraph(vmap(pull), random(2, 4, 3).mul(0).add(x)).select(0, 1), pull(x))).toBeLessThan(1e-14)
    const inside = (x: Tensor): Tensor => grad((x: Tensor) => sum(scan((h: Tensor, r: Tensor) => [scaled(h)(r), null], sum(x, 0), x)[0]))(x)
    expect(raised(() => makeFx(inside)(x)).code).toBe('ESCAPED_TRACER')
    const over: F = (x) =>
      map(
        (r: Tensor) =>
          grad((y: Tensor) =>
            sum(customVjp((z: Tensor) => mul(z, y), { forward: (z) => [mul(z, y), null], backward: (_, ct) => [ct] })(r)),
          )(r),
        x,
      )
    expect(raised(() => makeFx(over)(x)).code).toBe('CAPTURED')
  })
  test('are refused if nobody knows what they call', () => {
    interface Params {
      readonly f: (x: Tensor) => Tensor[]
    }
    const call = defineOp<[Tensor], Params, [x: Tensor, f: Params['f']], readonly Tensor[]>({
      name: 'call',
      captures: true,
      args: (x, f) => [[x], { f }] as const,
      result: ([x]) => [x],
      compute: { kind: 'decompose', decompose: ([x], { f }) => f(x) },
      batch: unsupported('it is not mapped here'),
      diff: unsupported('it is not differentiated here'),
    })
    expect(
      distance(
        map((r: Tensor) => call(r, (y) => [sin(y)])[0]!, x),
        sin(x),
      ),
    ).toBe(0)
    expect(raised(() => makeFx((x: Tensor) => map((r: Tensor) => call(r, (y) => [sin(y)])[0]!, x))(x)).code).toBe('NOT_RECORDABLE')
  })
})
