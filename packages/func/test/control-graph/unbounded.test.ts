import {
  type GraphModule,
  type Tensor,
  aotFunction,
  cos,
  customJvp,
  customVjp,
  dropout,
  eliminateCommonSubexpressions,
  eliminateDeadCode,
  foldConstants,
  forLoop,
  grad,
  graphFromJSON,
  hessian,
  jacrev,
  jvp,
  linearize,
  makeFx,
  minCutPartition,
  simplifyAlgebra,
  sin,
  sqrt,
  sum,
  tensor,
  tree,
  vmap,
  whileLoop,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { f64, raised } from '../rules.ts'

// Reverse mode of loops whose number of rounds only values can tell, in graphs: traced at one number of rounds, run at others.

type G = (...xs: Tensor[]) => unknown
const numbers = (out: unknown): number[] => tree.leaves(out).flatMap((y) => (y as Tensor).flatten().tolist() as number[])
/** How far apart two results are at most, against their size. */
function off(got: unknown, want: unknown): number {
  const [a, b] = [numbers(got), numbers(want)]
  expect(a.length).toBe(b.length)
  return Math.max(0, ...a.map((v, i) => (Object.is(v, b[i]) ? 0 : Math.abs(v - b[i]!) / (1 + Math.abs(b[i]!)))))
}

/** Newton's iteration: 1 is right at once, 200 takes a dozen rounds. */
const root = (a: Tensor): Tensor =>
  whileLoop(
    (y: Tensor) => y.mul(y).sub(a).abs().gt(a.mul(1e-9)),
    (y: Tensor) => [y.add(a.div(y)).mul(0.5)],
    [a.mul(0).add(1)],
  )[0]
const grow = (x: Tensor, w: Tensor): Tensor => {
  const [i, y] = whileLoop(
    (_: Tensor, y: Tensor) => sum(y).lt(20),
    (i: Tensor, y: Tensor) => [i.add(1), y.mul(w).add(sin(y))] as const,
    [tensor(0, { dtype: 'int32' }), x] as const,
  )
  return sum(y).mul(i.add(1))
}
/** A loop in a loop. */
const nested = (x: Tensor): Tensor =>
  whileLoop(
    (y: Tensor) => y.lt(30),
    (y: Tensor) => [
      whileLoop(
        (z: Tensor) => z.lt(y.mul(2)),
        (z: Tensor) => [z.mul(1.3).add(x)],
        [y],
      )[0],
    ],
    [x],
  )[0]

/** Rules whose derivatives are others than those of the function: which one was followed shows, also to second order. */
const twice = customVjp((x: Tensor) => sin(x), {
  forward: (x: Tensor): [Tensor, Tensor] => [sin(x), x],
  backward: (x: Tensor, ct: Tensor): Tensor[] => [ct.mul(cos(x)).mul(2)],
})
const thrice = customJvp(
  (x: Tensor) => sin(x),
  ([x], [dx]) => [sin(x), dx.mul(cos(x)).mul(3)],
)
const ruled = (x: Tensor): Tensor =>
  whileLoop(
    (y: Tensor) => y.lt(20),
    (y: Tensor) => [twice(y).add(thrice(y)).add(y.mul(1.5)).add(x.abs()).add(0.1)],
    [x],
  )[0]

const few = f64([4, 100, 0.25, 1])
const [x, w] = [f64([0.7, 1.1]), f64([1.3, 1.2])]
const rows = tensor([[0.7, 1.1], [3, 0.2], [30, 1]], { dtype: 'float64' }) // prettier-ignore
const cases: readonly (readonly [name: string, f: G, points: Tensor[][]])[] = [
  ['grad', grad(root), [[f64(7)], [f64(200)], [f64(1)]]],
  ['grad of grad', grad(grad(root)), [[f64(7)], [f64(200)], [f64(1)]]],
  ['three times', grad(grad(grad(root))), [[f64(7)], [f64(200)], [f64(1)]]],
  ['jvp of grad', (t) => jvp(grad(root), [t!], [t!])[1], [[f64(7)], [f64(200)]]],
  ['grad of jvp', grad((t: Tensor) => jvp(root, [t], [t.mul(2)])[1] as Tensor), [[f64(7)], [f64(200)]]],
  ['linearize', (t) => linearize(root, [t!])[1](t!), [[f64(7)], [f64(200)]]],
  ['gradient of linearize', grad((s: Tensor) => linearize(root, [s])[1](s.mul(3)) as Tensor), [[f64(7)], [f64(200)]]],
  ['vmap of grad', vmap(grad(root)), [[few], [few.flip(0)]]],
  ['vmap of grad of grad', vmap(grad(grad(root))), [[few], [few.flip(0)]]],
  ['grad of vmap', grad((t: Tensor) => sum(vmap(root)(t))), [[few], [few.flip(0)]]],
  ['grad of grad of vmap', grad((s: Tensor) => sum(sin(grad((t: Tensor) => sum(vmap(root)(t).square()))(s)))), [[few], [few.flip(0)]]],
  ['several carries and a closure', grad(grow, [0, 1]), [[x, w], [x.mul(3), w], [x.mul(40), w]]], // prettier-ignore
  ['hessian', hessian(grow, [0, 1]), [[x, w], [x.mul(0.1), w], [x.mul(40), w]]], // prettier-ignore
  ['jacrev of jacrev', jacrev(jacrev(grow)), [[x, w], [x.mul(0.1), w]]], // prettier-ignore
  ['vmap of two orders', vmap(jacrev(jacrev(grow)), [0, null]), [[rows, w], [rows.mul(0.3), w]]], // prettier-ignore
  ['rules of their own', grad(ruled), [[f64(0.5)], [f64(3)], [f64(30)]]],
  ['rules of their own, twice', grad(grad(ruled)), [[f64(0.5)], [f64(3)], [f64(30)]]],
  ['jvp of grad of rules of their own', (t) => jvp(grad(ruled), [t!], [t!])[1], [[f64(0.5)], [f64(3)]]],
  ['gradient of linearize of them', grad((t: Tensor) => linearize(ruled, [t])[1](t) as Tensor), [[f64(0.5)], [f64(3)]]],
  ['a loop in a loop', (t) => [grad(nested)(t!), grad(grad(nested))(t!)], [[f64(1.2)], [f64(5)], [f64(31)]]],
  ['a loop in a loop for each example', vmap(grad(nested)), [[f64([1.2, 5, 31])], [f64([40, 2, 0.7])]]],
  [
    'forLoop to a bound that is an input',
    (t, n) => grad((s: Tensor) => forLoop(0, n!, (i, y: Tensor) => sin(y).add(i), s))(t!),
    [0, 3, 9].map((n) => [f64(0.4), tensor(n, { dtype: 'int32' })]),
  ],
]

describe('reverse mode of an unbounded loop in a graph', () => {
  test.each(cases)('%s', (_, f, points) => {
    for (const tracingMode of ['real', 'fake'] as const) {
      const g = makeFx(f, { tracingMode })(...points[0]!) as GraphModule<Tensor[]>
      g.graph.lint()
      const passed = g.transform(eliminateDeadCode, eliminateCommonSubexpressions, foldConstants, simplifyAlgebra)
      const graphs = tracingMode === 'real' ? [g, passed, graphFromJSON(JSON.stringify(g))] : [g]
      for (const at of points) for (const h of graphs) expect(off(h(...at), f(...at))).toBeLessThan(1e-10)
    }
  })

  test('values are those that calculus gives', () => {
    const a = [2, 4, 90, 7]
    expect(off(makeFx(vmap(grad(root)))(few)(f64(a)), f64(a.map((v) => 0.5 / Math.sqrt(v))))).toBeLessThan(1e-6)
    const b = [0.71, 1.9, 6.2]
    const slope = (v: number): number => grad(nested)(f64(v)).item() as number
    const second = makeFx(vmap(grad(grad(nested))))(f64([1, 2, 30]))
    expect(off(second(f64(b)), f64(b.map((v) => (slope(v + 1e-6) - slope(v - 1e-6)) / 2e-6)))).toBeLessThan(1e-6)
  })

  test('is one node, however many rounds there are, and its program is for all sizes', () => {
    const g = makeFx(grad(grow), { tracingMode: 'symbolic' })(x, w)
    expect(g.graph.nodes.flatMap((n) => (n.subgraphs.size ? [n.name] : []))).toEqual(['whileLoop', 'whileLoopSweeps'])
    for (const n of [1, 2, 5]) {
      const at = f64(Array.from({ length: n }, (_, i) => 0.5 + i))
      const two = at.mul(0).add(2)
      expect(off(g(at, two), grad(grow)(at, two))).toBeLessThan(1e-10)
    }
  })

  test('no example meets values of rounds that it does not take', () => {
    // behind its own end an example would take the root of a negative number
    const down = (t: Tensor): Tensor =>
      whileLoop(
        (y: Tensor) => y.gt(1),
        (y: Tensor) => [sqrt(y.sub(1)).mul(y).mul(0.7)],
        [t],
      )[0]
    const g = makeFx(vmap(grad(down)))(f64([1.5, 0.2, 3, 1]))
    const at = f64([1.9, 0.5, 1.1, -3])
    const got = g(at)
    expect(got.isnan().any().item()).toBe(false)
    expect(
      off(
        got,
        [1.9, 0.5, 1.1, -3].map((v) => grad(down)(f64(v))),
      ),
    ).toBeLessThan(1e-10)
  })

  test('aotFunction splits it', () => {
    const f = aotFunction(grow, { fwCompiler: (g) => g, partitionFn: minCutPartition })
    for (const at of [x, x.mul(3), x.mul(40)])
      expect(off(grad((t: Tensor) => f(t, w))(at), grad((t: Tensor) => grow(t, w))(at))).toBeLessThan(1e-10)
  })

  test('of rounds that draw it is refused', () => {
    const noisy = (t: Tensor): Tensor =>
      whileLoop(
        (y: Tensor) => sum(y).lt(9),
        (y: Tensor) => [y.add(dropout(y, 0.5).abs()).add(0.1)],
        [t],
      )[0]
    const error = raised(() => makeFx(grad((t: Tensor) => sum(noisy(t))))(x))
    expect(error.code).toBe('UNBOUNDED')
    expect(error.message).toContain('whose rounds draw at random')
  })
})
