import {
  Graph,
  type GraphModule,
  type Tensor,
  add,
  associativeScan,
  cond,
  eliminateCommonSubexpressions,
  eliminateDeadCode,
  foldConstants,
  forLoop,
  grad,
  graphFromJSON,
  jvp,
  makeFx,
  map,
  matmul,
  mul,
  scan,
  simplifyAlgebra,
  sin,
  sum,
  tanh,
  tensor,
  vmap,
  whileLoop,
} from '@mapgrad/func'
import { subgraph } from '@mapgrad/graph/plugin'
import { add as addOp, scan as scanOp } from '@mapgrad/tensor/ops'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { type F, distance, f64, raised, random } from '../rules.ts'

const folder = fileURLToPath(new URL('./.cache-nodes/', import.meta.url))
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const W = random(3, 3)
const rnn: F = (xs) =>
  scan((h: Tensor, x: Tensor) => [tanh(add(matmul(W, h), x)), sin(h)], sum(xs, 0), xs, { reverse: true }).reduce((a, b) => add(a, sum(b)))
const newton: F = (x) =>
  whileLoop(
    (n: Tensor, y: Tensor) => sum(y).lt(40).logicalAnd(n.lt(20)),
    (n: Tensor, y: Tensor) => [n.add(1), mul(y, 1.5)] as const,
    [tensor(0, { dtype: 'int32' }), x.abs().add(0.5)] as const,
    { maxIterations: 12 },
  )[1]
const branches: F = (x) =>
  vmap((r: Tensor) =>
    cond(
      sum(r).gt(0),
      (r: Tensor) => ({ y: r.sqrt(), z: sum(x) }),
      (r: Tensor) => ({ y: mul(r, 3), z: sum(mul(x, r)) }),
      [r],
    ),
  )(x).y
const nested: F = (x) =>
  forLoop(
    0,
    3,
    (i, y: Tensor) =>
      add(
        y,
        map(
          (r: Tensor) =>
            cond(
              sum(r).gt(i),
              () => mul(r, sum(y)),
              () => sin(r),
            ),
          y,
        ),
      ),
    x,
  )
const programs: readonly (readonly [string, F])[] = [
  ['scan', rnn],
  ['gradient of scan', grad((x: Tensor) => sum(rnn(x)))],
  ['whileLoop', newton],
  ['tangent of whileLoop', (x) => jvp(newton, [x], [sin(x)])[1]],
  ['gradient of whileLoop', grad((x: Tensor) => sum(newton(x)))],
  ['cond for each example', branches],
  ['cond in map in forLoop', nested],
  ['gradient of cond in map in forLoop', grad((x: Tensor) => sum(nested(x)))],
]
const x = random(4, 3)
const others = [random(4, 3), x.neg(), x.abs(), mul(x, 3)]
const trace = (f: F): GraphModule<[Tensor], Tensor> => makeFx(f, { tracingMode: 'fake' })(x)
const nan = (t: Tensor): unknown => t.isnan().tolist()
/** Equal where numbers are; NaN where there are none, as sqrt of a negative row has. */
function same(got: Tensor, want: Tensor): void {
  expect(nan(got)).toEqual(nan(want))
  expect(distance(got.nanToNum(), want.nanToNum())).toBeLessThan(1e-14)
}

describe('a node with a graph', () => {
  test.each(programs)('%s: runs, from JSON, as pasted code, and after passes', async (name, f) => {
    const g = trace(f)
    g.graph.lint()
    const saved = graphFromJSON(JSON.stringify(g)) as typeof g
    expect(saved.graph.equals(g.graph)).toBe(true)
    expect(saved.graph.hash()).toBe(g.graph.hash())
    expect(JSON.stringify(saved)).toBe(JSON.stringify(g))
    const file = `${folder}${name.replaceAll(' ', '-')}.ts`
    writeFileSync(file, g.code)
    const { forward } = (await import(/* @vite-ignore */ file)) as { forward: F }
    const passed = g.transform(eliminateDeadCode, eliminateCommonSubexpressions, foldConstants, simplifyAlgebra)
    passed.graph.lint()
    for (const at of [x, ...others]) for (const h of [g, saved, forward, passed]) same(h(at), f(at))
    // code is a function like any other
    same(trace(forward)(others[3]!), f(others[3]!))
  })

  test('the size of a graph does not depend on the number of rounds', () => {
    const count = (g: { toJSON(): unknown }): number => JSON.stringify(g.toJSON()).match(/"kind":/g)!.length
    const sizes = (f: F): number[] => [3, 30, 300].map((n) => count(makeFx(f, { tracingMode: 'fake' })(random(n, 3))))
    for (const f of [rnn, grad((x: Tensor) => sum(rnn(x))), (x: Tensor) => map((r: Tensor) => sin(r), x)]) {
      const [first, ...rest] = sizes(f)
      expect(rest).toEqual([first, first])
    }
    const rounds = (n: number): number => count(trace((x) => forLoop(0, n, (i, y: Tensor) => add(y, i), x)))
    expect(rounds(1000)).toBe(rounds(2))
    const bounded = (n: number): number =>
      count(
        trace(
          grad((x: Tensor) =>
            sum(
              whileLoop(
                (y) => sum(y).lt(9),
                (y) => [mul(y, 2)],
                [x],
                { maxIterations: n },
              )[0],
            ),
          ),
        ),
      )
    expect(bounded(1000)).toBe(bounded(2))
    const running = (x: Tensor): Tensor => associativeScan(mul, x, 0)
    const pairs = (f: (x: Tensor) => unknown, n: number): number => count(makeFx(f, { tracingMode: 'fake' })(random(n)))
    for (const f of [running, grad((x: Tensor) => sum(running(x)))]) expect(pairs(f, 1000)).toBe(pairs(f, 3))
  })

  test('prints as code with functions', () => {
    const g = makeFx((x: Tensor) =>
      cond(
        sum(x).gt(0),
        (x: Tensor) => mul(x, 2),
        (x: Tensor) => sin(x),
        [x],
      ),
    )(tensor([1, 2]))
    expect(g.code).toBe(`import { type Tensor, full } from '@mapgrad/tensor'
import * as ops from '@mapgrad/tensor/ops'

export function forward(arg0: Tensor): Tensor {
  const sum = ops.sum.bind([arg0], { dims: [-1] })
  const gt = ops.gt.bind([sum, full([], 0)], null)
  const cond = ops.cond.bind([gt, arg0], { yes: (x0) => {
    const mul = ops.mul.bind([x0, full([], 2)], null)
    return [mul]
  }, no: (x0_1) => {
    const sin = ops.sin.bind([x0_1], null)
    return [sin]
  }, out: [{ shape: [2], dtype: 'float32' }], draws: false })
  const cond_0 = cond[0]!
  return cond_0
}
`)
  })

  test('prints as tables, and draws as boxes', () => {
    const g = makeFx((x: Tensor) => map((r: Tensor) => mul(r, 2), x))(tensor([1, 2]))
    expect(g.print({ output: false }).split('\n').slice(-5)).toEqual([
      'scan.body',
      '  kind         name  op   inputs  result',
      '  placeholder  x0                 float32[]',
      '  call         mul   mul  x0, 2   float32[]',
      '  output                  mul     float32[]',
    ])
    const dot = g.toDot()
    expect(dot).toContain('subgraph "cluster_scan.body" {')
    expect(dot).toContain('"scan.body.x0" -> "scan.body.mul"')
    expect(dot).toContain('"scan.body.output" -> "scan" [style=dotted]')
  })

  test('is edited like any graph, in one copy only', () => {
    const g = makeFx((x: Tensor) => map((r: Tensor) => sin(mul(r, 2)), x))(tensor([1, 2]))
    const copy = g.graph.copy()
    const body = g.graph.node('scan')!.subgraphs.get('body')!
    const [mulNode, sinNode] = [body.node('mul')!, body.node('sin')!]
    body.replaceAllUsesWith(sinNode, mulNode)
    body.erase(sinNode)
    g.graph.lint()
    expect(g(tensor([1, 2])).tolist()).toEqual([2, 4])
    expect(copy.run([tensor([0, 0.5])])[0]!.tolist()).toEqual([0, sin(tensor(1)).item()])
    expect(copy.equals(g.graph)).toBe(false)
    body.setOutputs([])
    expect(raised(() => g(tensor([1, 2])))).toBeInstanceOf(Error)
  })

  test('is built by hand', () => {
    const aval = { shape: [], dtype: 'float32' } as const
    const body = new Graph()
    const [h, r] = [body.addPlaceholder(aval, 'h'), body.addPlaceholder(aval, 'r')]
    const next = body.addCall(addOp, [h, r])
    body.setOutputs([next, next])
    const g = new Graph()
    const [init, xs] = [g.addPlaceholder(aval, 'init'), g.addPlaceholder({ shape: [4], dtype: 'float32' }, 'xs')]
    const params = { body: subgraph(body), carry: 1, xs: 1, length: 4, reverse: false, ys: [aval], draws: false }
    g.setOutputs([g.addItem(g.addCall(scanOp, [init, xs], params), 1)])
    expect(
      g
        .lint()
        .run([tensor(0), tensor([1, 2, 3, 4])])[0]!
        .tolist(),
    ).toEqual([1, 3, 6, 10])
  })

  test('lint says what is wrong with a graph inside', () => {
    const g = makeFx((x: Tensor) => map((r: Tensor) => sin(r), x))(tensor([1, 2]))
    g.graph.node('scan')!.subgraphs.get('body')!.addPlaceholder({ shape: [], dtype: 'float32' })
    expect(raised(() => g.graph.lint()).message).toContain(
      'expected the body of scan to take (float32[]), got one of (float32[], float32[])',
    )
  })

  test('what nobody reads goes, rounds included', () => {
    const lean = (g: { graph: Graph }): string[] => {
      const graph = eliminateDeadCode(g.graph).lint()
      const show = (h: Graph): string =>
        h.nodes.flatMap((n) => (n.kind === 'call' ? [`${n.op!.name}(${[...n.subgraphs.values()].map(show).join('; ')})`] : [])).join(' ')
      return [show(graph)]
    }
    // a counter that nobody counts with
    expect(lean(trace((x) => forLoop(0, 3, (_i, y: Tensor) => mul(y, 2), x)))).toEqual(['scan(mul())'])
    // carries that only feed themselves, and what is stacked for nothing
    const loop = trace(
      (x) =>
        whileLoop(
          (a) => sum(a).lt(90),
          (a, b, c) => [mul(a, 2), add(b, c), sin(c)],
          [x, x, x],
        )[0],
    )
    expect(lean(loop)).toEqual(['while_loop(sum() lt(); mul())'])
    expect(lean(trace((x) => scan((h: Tensor, r: Tensor) => [add(h, r), [sin(r), tanh(h)]], sum(x, 0), x)[1][0]!))).toEqual(['scan(sin())'])
    // one that another result needs stays
    const needed = trace(
      (x) =>
        whileLoop(
          (a) => sum(a).lt(90),
          (a, b) => [add(a, b), mul(b, 2)],
          [x.abs(), x.abs()],
        )[0],
    )
    expect(lean(needed)).toEqual(['abs() abs() while_loop(sum() lt(); add() mul())'])
    // the results of both branches that nobody reads
    const both = trace(
      (x) =>
        cond(
          sum(x).gt(0),
          () => [sin(x), tanh(x)],
          () => [x, mul(x, 3)],
        )[0]!,
    )
    expect(lean(both)).toEqual(['sum() gt() cond(sin(); )'])
    // the value that a gradient does not need
    const slope = makeFx(grad((w: Tensor, x: Tensor) => sum(scan((h: Tensor, r: Tensor) => [mul(h, add(r, w)), sin(h)], sum(x, 0), x)[1])))(
      random(3),
      x,
    )
    const short = slope.transform(eliminateDeadCode)
    const scans = ({ graph }: { graph: Graph }): number[] => graph.nodes.filter((n) => n.op?.name === 'scan').map((n) => n.avals.length)
    expect([scans(slope), scans(short)]).toEqual([
      [4, 2],
      [3, 2],
    ])
    same(short(W.select(0, 0), x), slope(W.select(0, 0), x))
    for (const at of others) for (const f of [rnn, newton, branches, nested]) same(trace(f).transform(eliminateDeadCode)(at), f(at))
  })

  test('passes look inside', () => {
    const f: F = (x) =>
      map((r: Tensor) => {
        const dead = mul(r, 5)
        return add(add(mul(r, 1), sin(r)), add(sin(r), sum(dead).mul(0).detach().isnan().to('float64')).mul(1))
      }, x)
    const g = trace((x) => map((r: Tensor) => [add(mul(r, 1), add(sin(r), sin(r))), mul(r, 5)], x)[0]!)
    const body = (m: typeof g): string =>
      m.graph
        .node('scan')!
        .subgraphs.get('body')!
        .nodes.flatMap((n) => (n.kind === 'call' ? [n.op!.name] : []))
        .join(' ')
    expect(body(g)).toBe('mul sin sin add add mul')
    expect(body(g.transform(eliminateCommonSubexpressions, simplifyAlgebra))).toBe('sin add add')
    // two loops that do the same are one
    const twice = trace((x) => add(rnn(x), rnn(x))).transform(eliminateCommonSubexpressions)
    expect(twice.graph.nodes.filter((n) => n.op?.name === 'scan').length).toBe(1)
    same(trace(f).transform(eliminateDeadCode, eliminateCommonSubexpressions, simplifyAlgebra)(x), f(x))
    // a loop over constants is computed once
    const folded = trace((x) => add(x, scan((h: Tensor, r: Tensor) => [mul(h, r), null], f64(1), f64([1, 2, 3]))[0]))
    expect(folded.transform(foldConstants).graph.nodes.flatMap((n) => n.op?.name ?? [])).toEqual(['add'])
  })
})
