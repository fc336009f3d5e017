import {
  type Tensor,
  add,
  aotFunction,
  checkpoint,
  cond,
  cos,
  eliminateCommonSubexpressions,
  eliminateDeadCode,
  foldConstants,
  forLoop,
  grad,
  jacfwd,
  jacrev,
  jvp,
  linearize,
  makeFx,
  map,
  minCutPartition,
  mul,
  scan,
  simplifyAlgebra,
  sin,
  stack,
  sum,
  tanh,
  vmap,
  whileLoop,
} from '@mapgrad/func'
import { expect, test } from 'vitest'
import { type F, distance, f64 } from '../rules.ts'
import { flat } from './steps.ts'

// Random programs of branches and loops in each other, which close over what is around them, under two transforms: graphs of
// them are them, traced at one point and run at another.

let state = 1
const uniform = (): number => ((state = (state * 16807) % 2147483647) / 2147483647) * 2 - 1
const pick = (n: number): number => Math.min(n - 1, Math.floor(((uniform() + 1) / 2) * n))
const vector = (): Tensor => f64([uniform(), uniform(), uniform()])

/** A function of a vector and of the vectors around it. */
type Program = (x: Tensor, around: readonly Tensor[]) => Tensor

function leaf(): Program {
  const [c, which] = [vector(), (uniform() + 1) / 2]
  const one = (x: Tensor, around: readonly Tensor[]): Tensor => [x, ...around].at(-Math.ceil(which * (around.length + 1)))!
  return [
    (x: Tensor, around: readonly Tensor[]) => sin(add(x, one(x, around))),
    (x: Tensor) => mul(x, c),
    (x: Tensor, around: readonly Tensor[]) => tanh(add(mul(x, one(x, around)), c)),
    (x: Tensor) => add(x.flip(0), sum(c)),
    (x: Tensor, around: readonly Tensor[]) => mul(cos(one(x, around)), sum(x)),
    (x: Tensor) => x.sort(0).values,
  ][pick(6)]!
}

function program(depth: number): Program {
  if (depth === 0) return leaf()
  const [a, b, c] = [program(depth - 1), program(depth - 1), vector()]
  const [n, t] = [1 + pick(3), uniform() / 4]
  const reverse = uniform() > 0
  const kinds: readonly Program[] = [
    (x, around) =>
      cond(
        sum(x).gt(t),
        (y: Tensor) => a(y, around),
        (y: Tensor) => b(y, [...around, x]),
        [x],
      ),
    (x, around) => {
      const xs = stack(Array.from({ length: n }, (_, i) => mul(c, i + 1)))
      const [h, ys] = scan((h: Tensor, r: Tensor) => [a(h, [r, ...around]), mul(r, h)], x, mul(xs, x), { reverse })
      return tanh(add(h, sum(ys, 0)))
    },
    (x, around) =>
      whileLoop(
        (y) => sum(mul(y, y)).gt(0.5 + t),
        (y) => [mul(a(y, around), 0.7)],
        [x],
        { maxIterations: n + 1 },
      )[0],
    (x, around) => forLoop(0, n, (i, y: Tensor) => add(a(y, around), mul(y, i)), x),
    (x, around) =>
      sum(
        map((r: Tensor) => a(mul(r, c), around), stack([x, sin(x)])),
        0,
      ),
    (x, around) => checkpoint((y: Tensor) => a(b(y, around), around))(x),
    (x, around) => grad((y: Tensor) => sum(sin(a(y, around))))(x),
    (x, around) => jvp((y: Tensor) => a(y, around), [x], [c])[1],
    (x, around) => sum(vmap((y: Tensor) => a(y, [...around, x]))(stack([x, mul(x, 2), c])), 0),
  ]
  return kinds[pick(kinds.length)]!
}

const V = vector()
const three: F = (x) => stack([x, mul(x, -1.5), sin(x)])
const transforms: readonly ((f: F) => F)[] = [
  (f) => f,
  (f) => grad((x: Tensor) => sum(sin(f(x)))),
  (f) => (x) => jvp(f, [x], [V])[1],
  (f) => (x) => vmap(f)(three(x)),
  (f) => (x) => vmap(grad((x: Tensor) => sum(sin(f(x)))))(three(x)),
  (f) => grad((x: Tensor) => sum(sin(vmap(f)(three(x))))),
  (f) => (x) => linearize(f, [x])[1](V),
  (f) => jacfwd(f) as F,
  (f) => jacrev(f) as F,
  (f) => grad((x: Tensor) => sum(aotFunction(f, { fwCompiler: (g) => g, partitionFn: minCutPartition })(x))),
]

test.each(Array.from({ length: 6 }, (_, i) => i + 1))('ten programs, from seed %i', (seed) => {
  state = seed * 7919
  for (let i = 0; i < 10; i++) {
    const p = program(1 + pick(2))
    const [outer, inner] = [transforms[pick(transforms.length)]!, transforms[pick(transforms.length)]!]
    const f = outer(flat(inner((x) => p(x, []))))
    const [at, elsewhere] = [vector(), vector()]
    const g = makeFx(f, { tracingMode: i % 2 ? 'fake' : 'real' })(at)
    g.graph.lint()
    const h = g.transform(eliminateDeadCode, eliminateCommonSubexpressions, foldConstants, simplifyAlgebra)
    const off = [distance(g(at), f(at)), distance(g(elsewhere), f(elsewhere)), distance(h(elsewhere), f(elsewhere))]
    expect([i, off.map((d) => d < 1e-9)]).toEqual([i, [true, true, true]])
  }
})
