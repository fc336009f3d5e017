import {
  type Tensor,
  add,
  aotFunction,
  autograd,
  cond,
  cos,
  customJvp,
  customVjp,
  customVmap,
  defaultPartition,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jvp,
  linearize,
  makeFx,
  map,
  matmul,
  minCutPartition,
  mul,
  noGrad,
  scan,
  sin,
  stopGradient,
  sum,
  tanh,
  vmap,
  whileLoop,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { type F, along, distance, random } from '../rules.ts'

const x = random(4, 3)
const W = random(3, 3)
const inGraph = (f: F, at: Tensor): Tensor => makeFx(f, { tracingMode: 'fake' })(at)(at)

describe('functions with rules of their own in bodies keep their rules', () => {
  const wrong = {
    forward: (x: Tensor): [Tensor, Tensor] => [sin(x), x],
    backward: (x: Tensor, ct: Tensor): Tensor[] => [mul(ct, mul(cos(x), 10))],
  }
  const reverse = customVjp((x: Tensor) => sin(x), wrong)
  const forward = customJvp(
    (x: Tensor) => sin(x),
    ([x], [dx]) => [sin(x), mul(dx, mul(cos(x), 10))],
  )
  class Sine extends autograd.Function {
    static generateVmapRule = true
    static forward(x: Tensor): Tensor {
      return sin(x)
    }
    static setupContext(ctx: { saveForBackward(...xs: Tensor[]): void }, [x]: [Tensor]): void {
      ctx.saveForBackward(x)
    }
    static backward(ctx: { savedTensors: readonly Tensor[] }, ct: Tensor): Tensor {
      return mul(ct, mul(cos(ctx.savedTensors[0]!), 10))
    }
  }
  const loop =
    (step: F): F =>
    (x) =>
      scan((h: Tensor, r: Tensor) => [add(step(h), mul(r, 0.1)), step(r)], sum(x, 0), x).reduce((a, b) => add(a, sum(b)))
  test.each([
    ['customVjp', reverse],
    ['customJvp', forward],
    ['Function', (x: Tensor) => Sine.apply(x) as Tensor],
    [
      'customVmap',
      customVmap(
        (x: Tensor) => sin(x),
        (_info, [d], x) => [mul(sin(x), 2), d as number],
      ),
    ],
    ['stopGradient', (x: Tensor) => mul(x, stopGradient(sin(x)))],
    ['noGrad', (x: Tensor) => mul(x, noGrad(sin)(x))],
  ] as const)('%s', (name, step) => {
    const f = loop(step)
    const pull = grad((x: Tensor) => sum(f(x)))
    for (const g of [f, pull, vmap(f), vmap(pull), (x: Tensor) => vmap(f)(mul(x, 2))]) {
      const at = g === f || g === pull ? x : random(2, 4, 3)
      expect(distance(inGraph(g, at), g(at))).toBeLessThan(1e-13)
    }
    // the class has no rule for forward mode
    if (name === 'Function') return
    const push: F = (x) => jvp(f, [x], [cos(x)])[1]
    expect(distance(inGraph(push, x), push(x))).toBeLessThan(1e-13)
  })
})

describe('derivatives', () => {
  const rnn: F = (h) => scan((h: Tensor, r: Tensor) => [tanh(add(matmul(W, h), r)), mul(h, h)], h, x).reduce((a, b) => add(a, sum(b)))
  const h = random(3)
  const v = random(3)
  test('are those of differences', () => {
    const numeric = along(rnn, h, v)
    expect(
      distance(
        inGraph((h) => jvp(rnn, [h], [v])[1], h),
        numeric,
      ),
    ).toBeLessThan(1e-9)
    expect(
      distance(
        inGraph((h) => linearize(rnn, [h])[1](v), h),
        numeric,
      ),
    ).toBeLessThan(1e-9)
    expect(
      distance(
        inGraph((h) => matmul(jacrev(rnn)(h) as Tensor, v), h),
        numeric,
      ),
    ).toBeLessThan(1e-9)
    expect(
      distance(
        inGraph((h) => matmul(jacfwd(rnn)(h) as Tensor, v), h),
        numeric,
      ),
    ).toBeLessThan(1e-9)
    const slope = grad((h: Tensor) => sum(rnn(h)))
    expect(
      distance(
        inGraph((h) => matmul(hessian((h: Tensor) => sum(rnn(h)))(h) as Tensor, v), h),
        along(slope, h, v),
      ),
    ).toBeLessThan(1e-8)
  })
  test.each([defaultPartition, minCutPartition])('%o: ahead of time, both ways', (partitioner) => {
    const all: F = (x) => {
      const [y] = whileLoop(
        (y) => sum(mul(y, y)).gt(0.1),
        (y) => [mul(sin(y), 0.7)],
        [x],
        { maxIterations: 9 },
      )
      const z = map(
        (r: Tensor) =>
          cond(
            sum(r).gt(0),
            () => mul(r, r),
            () => cos(r),
          ),
        add(y, x),
      )
      return scan((h: Tensor, r: Tensor) => [tanh(add(matmul(W, h), r)), h], sum(z, 0), z)[1]
    }
    let graphs = 0
    const f = aotFunction(all, {
      fwCompiler: (graph) => {
        graphs++
        graph.graph.lint()
        return graph
      },
      partitionFn: partitioner,
    })
    const pull = (g: F): F => grad((x: Tensor) => sum(sin(g(x))))
    for (const at of [x, mul(x, -2)]) {
      expect(distance(f(at), all(at))).toBeLessThan(1e-14)
      expect(distance(pull(f)(at), pull(all)(at))).toBeLessThan(1e-13)
    }
    expect(graphs).toBe(2)
    expect(distance(vmap(pull(f))(random(2, 4, 3).mul(0).add(x)), vmap(pull(all))(random(2, 4, 3).mul(0).add(x)))).toBeLessThan(1e-13)
  })
})

describe('transforms in bodies of loops', () => {
  const loss = (w: Tensor, r: Tensor): Tensor => sum(sin(mul(w, r)))
  const descent: F = (x) => scan((w: Tensor, r: Tensor) => [w.sub(mul(grad(loss)(w, r), 0.1)), loss(w, r)], sum(x, 0), x)[0]
  const row = random(3)
  const fromRow: F = (w) => descent(mul(x, w))
  const programs: readonly (readonly [string, F])[] = [
    ['steps of learning', descent],
    ['the gradient through steps of learning', grad((x: Tensor) => sum(descent(x)))],
    [
      'jacrev and vmap',
      (x) => map((r: Tensor) => add(sum(jacrev((v: Tensor) => mul(v, sum(v)))(r) as Tensor, 0), vmap((v: Tensor) => mul(v, sum(r)))(r)), x),
    ],
    ['linearize', (x) => map((r: Tensor) => linearize(sin, [r])[1](r), x)],
    ['makeFx', (x) => map((r: Tensor) => makeFx((v: Tensor) => mul(sin(v), r))(r)(r), x)],
    [
      'a gradient that depends on nothing, in a branch',
      grad((x: Tensor) =>
        sum(
          cond(
            sum(x).gt(-100),
            (x: Tensor) => grad((y: Tensor) => sum(sin(y)))(x),
            (x: Tensor) => x,
            [x],
          ),
        ),
      ),
    ],
    [
      'no round',
      grad((x: Tensor) =>
        sum(
          whileLoop(
            (y) => sum(y).lt(-1e9),
            (y) => [mul(y, 2)],
            [x],
            { maxIterations: 4 },
          )[0],
        ),
      ),
    ],
    [
      'none allowed',
      grad((x: Tensor) =>
        sum(
          whileLoop(
            (y) => sum(y).lt(1e9),
            (y) => [mul(y, 2)],
            [x],
            { maxIterations: 0 },
          )[0],
        ),
      ),
    ],
  ]
  test.each(programs)('%s', (_, f) => {
    for (const tracingMode of ['real', 'fake'] as const) expect(distance(makeFx(f, { tracingMode })(x)(x), f(x))).toBeLessThan(1e-13)
  })
  test('the gradient through steps of learning is that of differences', () => {
    const slope = inGraph(jacfwd(fromRow) as F, row)
    for (const v of [random(3), random(3)]) expect(distance(matmul(slope, v), along(fromRow, row, v))).toBeLessThan(1e-9)
  })
})
