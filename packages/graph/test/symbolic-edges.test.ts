import { grad } from '@mapgrad/func'
import { type GraphNode, Size, eliminateCommonSubexpressions, foldConstants, graphFromJSON, makeFx, simplifyAlgebra } from '@mapgrad/graph'
import { type Tensor, arange, cat, ones, softmax, split, tensor, zeros } from '@mapgrad/tensor'
import * as ops from '@mapgrad/tensor/ops'
import { describe, expect, test } from 'vitest'
import { exact, opsOf, random } from './support.ts'

// What graphs for all sizes say, refuse, and let be done with them.

const symbolic = <A extends readonly unknown[], R>(f: (...args: A) => R, ...args: A): ReturnType<ReturnType<typeof makeFx<A, R>>> =>
  makeFx(f, { tracingMode: 'symbolic' })(...args)
const trace =
  (f: (...xs: Tensor[]) => unknown, ...shapes: (readonly number[])[]): (() => unknown) =>
  () =>
    symbolic(f, ...shapes.map((s) => random(...s)))

describe('what is shown', () => {
  const g = symbolic((x: Tensor) => cat([x, x], 0).sub(x.mean()).at(0), random(3, 4))
  test('print', () => {
    expect(g.print({ output: false })).toMatch(/cat +cat +arg0, arg0 .* float32\[2\*s0, s1\]\n/)
    expect(g.print({ output: false })).toMatch(/div +div +sum, s0\*s1 .* float32\[\]\n/)
  })
  test('code', () => {
    expect(g.code).toContain('const s0 = arg0.shape[0]!\n  const s1 = arg0.shape[1]!\n')
    expect(g.code).toContain('ops.div.bind([sum, full([], s0 * s1)], null)')
  })
  test('Graphviz', () => {
    expect(g.toDot()).toContain('label="sub\\nfloat32[2*s0, s1]"')
  })
  test('a node called like a symbol', () => {
    const h = symbolic((s0: Tensor) => s0.reshape(-1), random(3, 4))
    h.graph.insertBefore(h.graph.nodes.at(-1)!, () => h.graph.addCall(ops.sin, [h.graph.placeholders[0]!], null, { name: 's0' }))
    expect(h.code).toContain('const s0_1 = arg0.shape[0]!')
  })
  test('symbols: one for equal sizes, none for 0 and 1', () => {
    const h = symbolic((x: Tensor, y: Tensor) => x.add(y), random(3, 1, 4), random(3, 5, 1))
    expect(h.graph.placeholders.map((p) => p.aval.dims?.join())).toEqual(['s0,1,s1', 's0,s2,1'])
    expect(symbolic((x: Tensor) => x.sin(), random(1, 0)).graph.placeholders[0]!.aval.dims).toBe(undefined)
  })
})

describe('sizes that a graph is not for', () => {
  test('equal ones must be equal', () => {
    const g = symbolic((x: Tensor) => x.matmul(x), random(3, 3))
    expect(exact(g(ones(5, 5)))).toBe(exact(ones(5, 5).matmul(ones(5, 5))))
    expect(() => g(random(3, 4))).toThrow(
      '[graph] Graph.run: expected arg0.shape[1] to be 3, as arg0.shape[0] is, got 4. Sizes that were equal when the function was traced are one symbol (s0): trace it with different ones',
    )
  })
  test('fixed ones: where f works at no other size', () => {
    const w = random(4, 2)
    const g = symbolic((x: Tensor) => x.matmul(w), random(3, 4))
    expect(g.graph.placeholders[0]!.aval.dims?.join()).toBe('s0,4')
    expect(() => g(random(3, 5))).toThrow('[graph] Graph.run: expected arg0 to be float32[s0, 4] as it was traced, got float32[3, 5]')
    expect(() => g(random(3, 4).double())).toThrow('expected arg0 to be float32[s0, 4] as it was traced, got float64[3, 4]')
    expect(() => g(random(12))).toThrow('got float32[12]')
    expect(() => (g as unknown as () => void)()).toThrow('expected arguments as they were traced')
  })
  test('all fixed: a plain graph', () => {
    const w = random(3, 4)
    const g = symbolic((x: Tensor) => x.mul(w), random(3, 4))
    expect(g.graph.placeholders[0]!.aval.dims).toBe(undefined)
    expect(g.graph.bounds).toBe(null)
  })
  test('what must be a multiple', () => {
    const g = symbolic((x: Tensor) => x.reshape(-1, 4), random(8))
    expect(g(arange(20).float()).shape).toEqual([5, 4])
    expect(() => g(random(6))).toThrow(
      '[graph] Graph.run: expected s0 to be a multiple of 4, as it was at every size that the function was traced at, got 6 at s0 = 6',
    )
  })
  test('too small', () => {
    const g = symbolic((x: Tensor) => (x.shape[0]! > 2 ? x.at(2) : x.at(0)), random(5, 4))
    expect(() => g(random(2, 4))).toThrow(
      '[graph] Graph.run: expected arg0.shape[0] (s0) to be at least 3, got 2: at smaller sizes the function was not seen to be this program. Trace it at that size',
    )
    expect(exact(g(ones(3, 9)))).toBe(exact(ones(9)))
  })
  test('too large, where an if on a size is far from the sizes traced', () => {
    const g = symbolic((x: Tensor) => (x.shape[0]! > 1000 ? x.sin() : x.cos()), random(3, 2))
    expect(exact(g(zeros(300, 1)))).toBe(exact(ones(300, 1)))
    expect(() => g(random(1001, 2))).toThrow(
      /expected arg0\.shape\[0\] \(s0\) to be at most 1000, got 1001: at larger sizes the function was not seen to be this program/,
    )
  })
  test('sizes beyond those that are tried anyway', () => {
    const g = symbolic((x: Tensor) => x.sum().add(x.shape[0]!), random(6000))
    expect(g.graph.bounds).toEqual({ least: [0], most: [null], apart: [] })
    const narrow = symbolic((x: Tensor) => (x.shape[0]! > 5000 ? x.sin() : x.cos()), random(6000))
    expect(() => narrow(random(5000))).toThrow('to be at least 5001, got 5000')
    expect(narrow(zeros(30000)).shape).toEqual([30000])
  })
  test('equal where they differed, if that is another program', () => {
    const g = symbolic((x: Tensor) => (x.shape[0] === x.shape[1] ? x.neg() : x.sin()), random(3, 4))
    expect(() => g(random(5, 5))).toThrow(
      '[graph] Graph.run: expected arg0.shape[0] (s0) and arg0.shape[1] (s1) to differ, got 5 for both: the function is another program where they are equal',
    )
    expect(exact(symbolic((x: Tensor) => x.sin(), random(3, 4))(zeros(5, 5)))).toBe(exact(zeros(5, 5)))
  })
  test('bounds are in the JSON', () => {
    const g = symbolic((x: Tensor) => (x.shape[0]! > 2 ? x.at(2) : x.at(0)), random(5, 4))
    expect(() => graphFromJSON(JSON.stringify(g))(random(2, 4))).toThrow('to be at least 3, got 2')
    expect(graphFromJSON(JSON.stringify(g)).graph.equals(g.graph)).toBe(true)
  })
})

describe('programs that are not one for all sizes', () => {
  test('a loop over rows', () => {
    const rows = (x: Tensor): Tensor => {
      let y = zeros(x.shape[1]!)
      for (const row of split(x, 1)) y = y.add(row.sin().sum(0))
      return y
    }
    expect(trace(rows as never, [3, 4])).toThrow(
      /^\[graph\] makeFx: expected one program for all sizes, got another one at arg0\.shape\[0\] \(s0\) = 5 instead of 3: .*use vmap or scan instead of a loop, or trace with \{ tracingMode: 'fake' \} for these sizes alone$/,
    )
  })
  test('an if on a size', () => {
    expect(trace((x) => (x!.shape[1]! > 6 ? x!.sin() : x!.cos()), [3, 4])).toThrow(
      'at arg0.shape[1] (s1) = 7 instead of 4: cos is a call of cos in one and a call of sin in the other',
    )
  })
  test('another tree', () => {
    expect(trace((x) => (x!.shape[0]! > 3 ? [x!] : { x: x! }), [3, 4])).toThrow('their results are other trees')
    expect(trace((x) => split(x!, 2), [4])).toThrow('expected one program for all sizes')
  })
  test('numbers of no known form', () => {
    expect(trace((x) => x!.mul(x!.shape[0]! ** 3 % 7), [3, 4])).toThrow(
      '[graph] makeFx: expected every number in the graph to follow from sizes as s0*s1, ceil(s0/2) or 1/s0 do, got number = 6, ',
    )
    expect(trace((x) => x!.shape[0]! ** 3 % 7, [3, 4])).toThrow('got the result = 6, ')
  })
  test('tensors of JavaScript numbers', () => {
    expect(trace((x) => x!.add(tensor(Array.from({ length: x!.shape[0]! }, (_, i) => i * i))), [3])).toThrow(
      /expected tensors that f makes of JavaScript numbers to be the same at all sizes, or of zeros, .*, got constant of shape \[3\] at one size and \[5\] at another. Make it with ops|got constant of shape \[3\] at one size and \[4\]/,
    )
    const g = symbolic((x: Tensor) => x.add(tensor([1, 2])), random(3, 2))
    expect(exact(g(zeros(2, 2)))).toBe(
      exact(
        tensor([
          [1, 2],
          [1, 2],
        ]),
      ),
    )
  })
  test('data', () => {
    expect(trace((x) => x!.nonzero(), [3])).toThrow('expected ops whose shapes follow from shapes, got nonzero')
    expect(trace((x) => (x!.sum().item() ? x : 1), [3])).toThrow("you're trying to get value out of a tracing tensor")
  })
  test('what f says of its first arguments is passed on', () => {
    expect(trace((x) => x!.reshape(5, 5), [3, 4])).toThrow("shape '[5, 5]' is invalid for input of size 12")
  })
})

describe('passes and edits', () => {
  test('common subexpressions: equal expressions are one, different ones are not', () => {
    const g = symbolic((x: Tensor) => x.mean().add(x.mean()).add(x.reshape(-1).sum().div(x.shape[0]!)), random(3, 4))
    expect(opsOf(eliminateCommonSubexpressions(g.graph))).toBe('sum div add reshape sum_2 div_2 add_1')
    const h = symbolic((x: Tensor) => zeros(x.shape[0]!).add(zeros(x.shape[0]!)).sum().add(zeros(x.shape[1]!).sum()), random(3, 4))
    const constants = eliminateCommonSubexpressions(h.graph).nodes.filter((n) => n.kind === 'constant')
    expect(constants.map((n) => n.aval.dims?.join())).toEqual(['s0', 's1'])
  })
  test('constants: what follows from sizes is not computed beforehand', () => {
    const g = symbolic((x: Tensor) => x.add(ones(x.shape[0]!).cumsum(0).sum()).add(ones(3).cumsum(0).sum()), random(4))
    const folded = foldConstants(g.graph)
    expect(opsOf(folded)).toBe('cumsum sum add add_1')
    expect(exact(folded.run([zeros(2)])[0]!)).toBe(exact(tensor([9, 9])))
  })
  test('views: of everything only where they are at all sizes', () => {
    const whole = symbolic((x: Tensor) => x.narrow(0, 0, x.shape[0]!).narrow(1, 0, Math.min(4, x.shape[1]!)).mul(1), random(5, 4))
    expect(opsOf(simplifyAlgebra(whole.graph))).toBe('slice_1')
    const part = symbolic((x: Tensor) => x.narrow(1, 0, 4).mul(1), random(5, 6))
    expect(opsOf(simplifyAlgebra(part.graph))).toBe('slice')
    expect(exact(g1(part.graph, ones(2, 9)))).toBe(exact(ones(2, 4)))
  })
  test('nodes can be replaced, and symbols are found again in copies', () => {
    const g = symbolic((x: Tensor) => x.exp().sum(0), random(3, 4))
    const exp = g.graph.node('exp')!
    const tanh = g.graph.insertBefore(exp, () => g.graph.addCall(ops.tanh, exp.inputs))
    g.graph.replaceAllUsesWith(exp, tanh)
    g.graph.erase(exp)
    expect(
      exact(
        g.graph
          .lint()
          .copy()
          .run([ones(2, 1)])[0]!,
      ),
    ).toBe(exact(ones(2, 1).tanh().sum(0)))
    expect(() => g.graph.replaceAllUsesWith(tanh, g.graph.outputs[0]!)).toThrow(
      'expected a node of float32[s0, s1] in the place of tanh, got sum of float32[s1]',
    )
  })
  test('calls that are added know their sizes', () => {
    const g = symbolic((x: Tensor, y: Tensor) => x.matmul(y), random(3, 4), random(4, 5))
    const [x, y] = g.graph.placeholders as [GraphNode, GraphNode]
    const flat = g.graph.addCall(ops.reshape, [g.graph.addCall(ops.exp, [x])], {
      shape: [new Size('mul', [Size.symbol(0), Size.symbol(1)])],
    })
    g.graph.setOutputs([flat, g.graph.addCall(ops.matmul, [x, y])])
    expect(g.graph.outputs.map((n) => n.aval.dims?.join())).toEqual(['s0*s1', 's0,s2'])
    const [a, b] = [random(2, 3), random(3, 6)]
    expect(g.graph.lint().run([a, b]).map(exact)).toEqual([a.exp().reshape(-1), a.matmul(b)].map(exact))
  })
  test('an input that has the size of a symbol must stay', () => {
    const g = symbolic((x: Tensor, y: Tensor) => x.sum().add(zeros(y.shape[0]!)), random(3), random(4))
    g.graph.erase(g.graph.placeholders[1]!)
    const text = '[graph] Graph: expected s1 to be a size of an input, got a graph whose inputs do not have it'
    expect(() => g.graph.run([ones(3)])).toThrow(text)
    expect(() => g.graph.code).toThrow(text)
  })
  test('equality and hashes see expressions', () => {
    const f = (x: Tensor): Tensor => x.reshape(-1)
    const [a, b, c] = [symbolic(f, random(3, 4)), symbolic(f, random(3, 4)), makeFx(f)(random(3, 4))]
    expect([a.graph.equals(b.graph), a.graph.equals(c.graph)]).toEqual([true, false])
    expect(a.graph.hash() === c.graph.hash()).toBe(false)
  })
  test('decompositions and gradients of symbolic graphs', () => {
    const table = new Map([[ops.softmax, ([x]: readonly Tensor[]): Tensor => x!.exp().div(x!.exp().sum(-1, true))]])
    const g = makeFx((x: Tensor) => softmax(x, 1), { tracingMode: 'symbolic', decompositionTable: table })(random(3, 4))
    expect(opsOf(g.graph)).toBe('exp exp_1 sum reshape div')
    expect(exact(grad((x: Tensor) => g(x).square().sum())(ones(2, 2)))).toBe(exact(zeros(2, 2)))
  })
})

const g1 = (graph: { run(xs: readonly Tensor[]): Tensor[] }, x: Tensor): Tensor => graph.run([x])[0]!

test('Size: text, code and JSON', () => {
  const [a, b] = [Size.symbol(0), Size.symbol(1)]
  const x = new Size('div', [1, new Size('mul', [2, a, new Size('add', [b, -1])])])
  expect([String(x), x.toCode((i) => 'nm'[i]!)]).toEqual(['1/(2*s0*(s1-1))', '1 / (2 * n * (m - 1))'])
  expect(x.at([3, 5])).toBe(1 / 24)
  expect(x.symbols()).toEqual([0, 1])
  expect(new Size('sqrt', [new Size('ceil', [new Size('div', [a, 2])])]).toCode((i) => `s${i}`)).toBe('Math.sqrt(Math.ceil(s0 / 2))')
})
