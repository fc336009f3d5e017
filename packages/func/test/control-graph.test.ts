import {
  type Tensor,
  add,
  checkpoint,
  cond,
  customVjp,
  forLoop,
  grad,
  jvp,
  linearize,
  makeFx,
  map,
  mul,
  noGrad,
  scan,
  sin,
  sqrt,
  sum,
  tanh,
  vmap,
  whileLoop,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { type F, distance, f64 } from './rules.ts'

const square = customVjp((x: Tensor) => mul(x, x), { forward: (x) => [mul(x, x), x], backward: (x, ct) => [mul(ct, mul(x, 3))] })
const branch: F = (x) =>
  cond(
    sum(x).gt(0),
    (x: Tensor) => sin(x),
    (x: Tensor) => sqrt(x.neg()),
    [x],
  )
const each: F = (y) =>
  cond(
    y.gt(0),
    () => sqrt(y),
    () => mul(y, 2),
  )
const rows: F = (x) => scan((h: Tensor, r: Tensor) => [tanh(add(h, r)), h], sum(x), x)[1]
const halve: F = (x) =>
  whileLoop(
    (y) => sum(y).abs().gt(1),
    (y) => [mul(y, 0.5)],
    [x],
    { maxIterations: 6 },
  )[0]

const cases: readonly (readonly [string, F])[] = [
  ['cond', branch],
  ['grad of cond', grad((x: Tensor) => sum(branch(x)))],
  ['vmap of cond', vmap(each)],
  ['vmap of grad of cond', vmap(grad(each))],
  ['grad of vmap of cond', grad((x: Tensor) => sum(vmap(each)(x)))],
  ['scan', rows],
  ['grad of scan', grad((x: Tensor) => sum(rows(x)))],
  ['whileLoop with a bound', halve],
  ['grad of whileLoop with a bound', grad((x: Tensor) => sum(halve(x)))],
  [
    'forLoop and map',
    (x) =>
      forLoop(
        0,
        3,
        (i, y: Tensor) => add(y, i),
        map((v) => mul(v, sum(x)), x),
      ),
  ],
  ['checkpoint over a closure', grad((x: Tensor) => sum(checkpoint((y: Tensor) => sin(mul(y, x)))(x)))],
  ['customVjp', square],
  ['grad of customVjp', grad((x: Tensor) => sum(square(x)))],
  ['noGrad', grad((x: Tensor) => sum(mul(x, noGrad(sin)(x))))],
]

describe('a graph has every way a program may go: traced at one point, it is right at another', () => {
  const points = [f64([1, 2, 3]), f64([-1, -2, -3]), f64([0.1, -0.2, 0.3])]
  for (const tracingMode of ['real', 'fake'] as const)
    test.each(cases)(`%s, ${tracingMode}`, (_, f) => {
      for (const at of points) {
        const g = makeFx(f, { tracingMode })(at)
        for (const x of points) {
          // where the program has no derivative or value, the graph has none either
          const want = f(x)
          if (want.isnan().any().item()) expect(g(x).isnan().tolist()).toEqual(want.isnan().tolist())
          else expect(distance(g(x), want)).toBeLessThan(1e-14)
        }
      }
    })
  test('whileLoop without a bound goes as often as the values want, and back as often', () => {
    const loop: F = (x) =>
      whileLoop(
        (y) => sum(y).gt(1),
        (y) => [mul(y, 0.5)],
        [x],
      )[0]
    const g = makeFx(loop)(points[0]!)
    for (const x of points) expect(distance(g(x), loop(x))).toBe(0)
    const push: F = (x) => jvp(loop, [x], [sin(x)])[1]
    const d = makeFx(push)(points[0]!)
    for (const x of points) expect(distance(d(x), push(x))).toBe(0)
    const slope: F = grad((x: Tensor) => sum(loop(x)))
    const back = makeFx(slope)(points[0]!)
    for (const x of points) expect(distance(back(x), slope(x))).toBe(0)
    const linear: F = (x) => linearize(loop, [x])[1](x)
    const along = makeFx(linear)(points[0]!)
    for (const x of points) expect(distance(along(x), linear(x))).toBe(0)
    // a graph that runs can be followed
    const pull = grad((x: Tensor) => sum(loop(x)))
    expect(distance(grad((x: Tensor) => sum(g(x)))(points[0]!), pull(points[0]!))).toBe(0)
  })
})
