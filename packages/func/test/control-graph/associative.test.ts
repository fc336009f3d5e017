import {
  type GraphModule,
  type Tensor,
  associativeScan,
  customVjp,
  eliminateCommonSubexpressions,
  eliminateDeadCode,
  foldConstants,
  grad,
  graphFromJSON,
  hessian,
  jacfwd,
  jacrev,
  jvp,
  linearize,
  makeFx,
  manualSeed,
  matmul,
  rand,
  sin,
  simplifyAlgebra,
  sum,
  tanh,
  tree,
  vmap,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { random } from '../rules.ts'

// associativeScan in graphs: one node, whatever its transform, equal to what runs without a graph, which works by pairs.

type G = (...xs: Tensor[]) => unknown
const numbers = (out: unknown): number[] => tree.leaves(out).flatMap((y) => (y as Tensor).flatten().tolist() as number[])
function off(got: unknown, want: unknown): number {
  const [a, b] = [numbers(got), numbers(want)]
  expect(a.length).toBe(b.length)
  return Math.max(0, ...a.map((v, i) => Math.abs(v - b[i]!) / (1 + Math.abs(b[i]!))))
}

/** Running products of matrices, which do not commute. */
const products = (x: Tensor): Tensor => associativeScan(matmul, x, 0)
type Pair = { readonly a: Tensor; readonly b: Tensor }
/** The linear recurrence b ← a·b, from the last slice to the first. */
const recurrence = (a: Tensor, b: Tensor): Pair =>
  associativeScan((p: Pair, q: Pair) => ({ a: p.a.mul(q.a), b: p.b.mul(q.a).add(q.b) }), { a, b }, -1, { reverse: true })
/** Closes over w. */
const scaled = (x: Tensor, w: Tensor): Tensor => associativeScan((p: Tensor, q: Tensor) => p.mul(q).mul(w), x, 1)
/** A rule of the user's. */
const times = customVjp((p: Tensor, q: Tensor) => p.mul(q), {
  forward: (p: Tensor, q: Tensor): [Tensor, [Tensor, Tensor]] => [p.mul(q), [p, q]],
  backward: ([p, q]: [Tensor, Tensor], ct: Tensor): Tensor[] => [ct.mul(q), ct.mul(p)],
})
const ruled = (x: Tensor): Tensor => associativeScan((p: Tensor, q: Tensor) => times(p, q), x, 0)
const total = (f: (...xs: Tensor[]) => Tensor | Pair): ((...xs: Tensor[]) => Tensor) => {
  const add = (ys: readonly Tensor[]): Tensor => ys.map((y, i) => sum(i ? sin(y) : tanh(y))).reduce((a, b) => a.add(b))
  return (...xs) => add(tree.leaves(f(...xs)) as Tensor[])
}
const matrices = (...shape: number[]): Tensor => random(...shape, 2, 2).mul(0.7)

const cases: readonly (readonly [name: string, f: G, fresh: (n: number) => Tensor[]])[] = [
  ['values', products, (n) => [matrices(n)]],
  ['values of a tree, from the end', (a, b) => recurrence(a!, b!), (n) => [random(3, n), random(3, n)]],
  ['grad', grad(total(products as G as never)), (n) => [matrices(n)]],
  ['grad of a tree', grad(total(recurrence as G as never), [0, 1]), (n) => [random(3, n), random(3, n)]],
  ['grad of one leaf of it', grad(total(recurrence as G as never), [1]), (n) => [random(3, n), random(3, n)]],
  ['grad with a closure', grad(total(scaled as G as never), [0, 1]), (n) => [random(2, n), random()]],
  ['jvp', (a, b) => jvp(recurrence, [a!, b!], [b!, a!]), (n) => [random(3, n), random(3, n)]],
  ['jvp along one leaf', (a, b) => jvp((t: Tensor) => recurrence(a!, t), [b!], [a!]), (n) => [random(n), random(n)]],
  ['linearize', (x) => linearize(products, [x!])[1](x!.mul(2)), (n) => [matrices(n)]],
  ['jacfwd', jacfwd(products), (n) => [matrices(n)]],
  ['jacrev', jacrev(products), (n) => [matrices(n)]],
  ['hessian', hessian(total(products as G as never)), (n) => [matrices(n)]],
  ['hessian with a closure', hessian(total(scaled as G as never), [0, 1]), (n) => [random(2, n), random()]],
  ['rules of their own', grad(total(ruled as G as never)), (n) => [random(n)]],
  ['rules of their own, twice', hessian(total(ruled as G as never)), (n) => [random(n)]],
  ['vmap', vmap(products, -1), (n) => [random(n, 2, 2, 3)]],
  ['vmap of one leaf', vmap((a: Tensor, b: Tensor) => recurrence(a, b), [null, 0]), (n) => [random(n), random(3, n)]],
  ['vmap of grad', vmap(grad(total(products as G as never))), (n) => [matrices(3, n)]],
  ['vmap of grad over the closure alone', vmap(grad(total(scaled as G as never), [0, 1]), [null, 0]), (n) => [random(2, n), random(4)]],
  ['grad of vmap', grad((x: Tensor) => sum(sin(vmap(products)(x)))), (n) => [matrices(3, n)]],
]

describe('associativeScan in a graph', () => {
  test.each(cases)('%s', (_, f, fresh) => {
    const all = [eliminateDeadCode, eliminateCommonSubexpressions, foldConstants, simplifyAlgebra]
    for (const n of [1, 4]) {
      const g = makeFx(f)(...fresh(n)) as GraphModule<Tensor[]>
      g.graph.lint()
      const xs = fresh(n)
      for (const h of [g, graphFromJSON(JSON.stringify(g)), g.transform(...all)]) expect(off(h(...xs), f(...xs))).toBeLessThan(1e-12)
    }
    const g = makeFx(f, { tracingMode: 'symbolic' })(...fresh(5)) as GraphModule<Tensor[]>
    const passed = g.transform(...all)
    g.graph.lint()
    for (const n of [1, 2, 3, 6, 11]) {
      const xs = fresh(n)
      for (const h of [g, passed]) expect(off(h(...xs), f(...xs))).toBeLessThan(1e-12)
    }
  })

  test('is one node with the function as a graph, and its gradient two', () => {
    const nodes = (f: G, ...xs: Tensor[]): string[] => makeFx(f)(...xs).graph.nodes.flatMap((n) => (n.subgraphs.size ? [n.name] : []))
    expect(nodes(products, matrices(9))).toEqual(['associativeScan'])
    expect(nodes(grad(total(products as G as never)), matrices(9))).toEqual(['associativeScan', 'scan'])
    expect(nodes(vmap(products), matrices(3, 9))).toEqual(['associativeScan'])
  })

  test('a graph of it is differentiated and mapped in turn', () => {
    const g = makeFx(products)(matrices(6)) as GraphModule<[Tensor], Tensor>
    const x = matrices(6)
    expect(off(grad((t: Tensor) => sum(sin(g(t))))(x), grad((t: Tensor) => sum(sin(products(t))))(x))).toBeLessThan(1e-13)
    expect(off(jvp(g, [x], [sin(x)]), jvp(products, [x], [sin(x)]))).toBeLessThan(1e-13)
    const xs = matrices(4, 6)
    expect(off(vmap(g)(xs), vmap(products)(xs))).toBe(0)
    expect(off(makeFx(g)(x)(x), products(x))).toBe(0)
  })

  test('draws what it draws without a graph, anew in each run', () => {
    const noisy = (x: Tensor): Tensor => associativeScan((a: Tensor, b: Tensor) => a.add(b).add(rand([2])), x, 0)
    const x = random(7, 2).float()
    const seeded = (f: (x: Tensor) => Tensor): number[][] => {
      manualSeed(4)
      return [numbers(f(x)), numbers(f(x))]
    }
    const want = seeded(noisy)
    expect(seeded(makeFx(noisy)(x) as (x: Tensor) => Tensor)).toEqual(want)
    expect(want[0]).not.toEqual(want[1])
  })
})
