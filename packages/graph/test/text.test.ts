import { Graph, graphFromJSON, makeFx } from '@mapgrad/graph'
import { Generator, type Tensor, rand, sort, tensor } from '@mapgrad/tensor'
import { constant, defineOp, expr, pointwise, sameAval } from '@mapgrad/tensor/plugin'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { exact, random } from './support.ts'

const triple = defineOp<[x: Tensor], { readonly f?: () => void } | null>({
  name: 'triple_it',
  home: './triple.ts',
  result: sameAval,
  compute: pointwise((x) => expr.mul(x!, expr.constant(3, x!.dtype))),
  batch: 'pointwise',
  diff: constant,
})

afterEach(() => vi.restoreAllMocks())

describe('print and toDot', () => {
  const g = makeFx((x: Tensor) => sort(x.mul(tensor([1, 2])).add(0.5), 0, true).values)(tensor([3, 4]))
  const table = [
    'kind         name      op    inputs          params                result',
    'placeholder  arg0                                                  float32[2]',
    'constant     constant                                              float32[2]',
    'call         mul       mul   arg0, constant                        float32[2]',
    'call         add       add   mul, 0.5                              float32[2]',
    'call         sort      sort  add             { descending: true }  float32[2], int32[2]',
    'item         sort_0          sort            0                     float32[2]',
    'item         sort_1          sort            1                     int32[2]',
    'output                       sort_0                                float32[2]',
  ].join('\n')
  test('print writes the table and gives it; or only gives it', () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {})
    expect(g.print()).toBe(table)
    expect(log.mock.calls).toEqual([[table]])
    expect(g.graph.print({ output: false })).toBe(table)
    expect(log.mock.calls.length).toBe(1)
  })
  test('toDot', () => {
    const dot = makeFx((x: Tensor) => x.mul(2).sum())(tensor([1, 2])).toDot()
    expect(dot.split('\n')).toEqual([
      'digraph {',
      String.raw`  "arg0" [shape=ellipse, label="arg0\nfloat32[2]"]`,
      String.raw`  "mul" [shape=box, label="mul\n2\nfloat32[2]"]`,
      String.raw`  "sum" [shape=box, label="sum\n{ dims: [-1] }\nfloat32[]"]`,
      '  "output" [shape=ellipse, label="output"]',
      '  "arg0" -> "mul"',
      '  "mul" -> "sum"',
      '  "sum" -> "output"',
      '}',
      '',
    ])
  })
})

describe('JSON', () => {
  const traced = makeFx((x: Tensor) => triple.bind([x], null))(tensor([1, 2]))
  test('ops of others are found by name and home', () => {
    const json = JSON.stringify(traced)
    expect(graphFromJSON(json, { ops: { tripleIt: triple } })(tensor([1, 2]))).toSatisfy((y: Tensor) => exact(y) === 'float32[2] 3,6')
    expect(() => graphFromJSON(json)).toThrow(
      "[graph] graphFromJSON: expected ops of @mapgrad/tensor or among { ops }, got 'triple_it' of ./triple.ts. Pass it as graphFromJSON(json, { ops: { tripleIt } })",
    )
    expect(() => graphFromJSON(json.replace('./triple.ts', './other.ts'), { ops: { tripleIt: triple } })).toThrow(
      "got 'triple_it' of ./other.ts",
    )
    expect(() => graphFromJSON(json.replace('triple_it', 'toString').replace('./triple.ts', '@mapgrad/tensor/ops'))).toThrow(
      "got 'toString'",
    )
  })
  test('what cannot be written is refused, and runs', () => {
    const withFunction = makeFx((x: Tensor) => triple.bind([x], { f: () => {} }))(tensor([1]))
    expect(withFunction(tensor([2])).item()).toBe(6)
    expect(() => JSON.stringify(withFunction)).toThrow(
      "expected params of numbers, strings, arrays, plain objects and devices, got a function 'f'. Such a graph runs here, but cannot be written down",
    )
    const drawn = makeFx((x: Tensor) => x.add(rand([1], { generator: new Generator().manualSeed(1) })))(tensor([1]))
    expect(() => JSON.stringify(drawn)).toThrow('expected draws from the default generator, got one from a Generator of its own')
    expect(drawn.code).toContain('declare const generator: Generator\n')
  })
  test('what is no graph is refused', () => {
    const json = JSON.parse(JSON.stringify(traced)) as { nodes: { inputs?: number[] }[] }
    expect(() => graphFromJSON('{}')).toThrow(
      "expected data that toJSON wrote, with format 'mapgrad.graph', got an object with keys (none)",
    )
    expect(() => graphFromJSON({ ...json, version: 7 } as never)).toThrow('expected version 1 of the format, got 7')
    expect(() => graphFromJSON({ ...json, nodes: json.nodes.slice(0, -1) } as never, { ops: { tripleIt: triple } })).toThrow(
      'expected the last node to be the output',
    )
    expect(() => graphFromJSON({ ...json, nodes: [{ kind: 'call', name: 'x', op: 'neg', inputs: [3] }] } as never)).toThrow(
      'expected x to read nodes before it, got place 3',
    )
    expect(() => graphFromJSON({ ...json, nodes: [{ kind: 'loop', name: 'x' }] } as never)).toThrow(
      "expected a kind of node that this version knows, got 'loop'",
    )
    expect(() => graphFromJSON(JSON.stringify(traced), { op: {} } as never)).toThrow("unknown option 'op'")
  })
  test('a bare graph takes and gives lists of tensors', () => {
    const graph = makeFx((x: Tensor) => ({ y: x.neg(), n: NaN }))(tensor([1, 2])).graph
    const m = graphFromJSON(JSON.parse(JSON.stringify(graph)) as never)
    expect((m(tensor([3, -0])) as Tensor[]).map(exact)).toEqual(['float32[2] -3,0'])
  })
})

describe('code', () => {
  test('imports ops of others from their home', () => {
    const { code } = makeFx((x: Tensor) => triple.bind([x.neg()], null))(tensor([1, 2]))
    expect(code).toContain("import * as ops from '@mapgrad/tensor/ops'\nimport * as ops_1 from './triple.ts'\n")
    expect(code).toContain('const tripleIt = ops_1.tripleIt.bind([neg], null)')
  })
  test('trees that have no literal are taken apart', () => {
    const { code } = makeFx((m: Map<string, Tensor>) => m.get('a')!.neg())(new Map([['a', random(2)]]))
    expect(code).toContain('// the trees of the function hold Maps or instances of classes')
    expect(code).toContain('export function forward(arg0_a: Tensor): [Tensor] {')
  })
  test('an empty graph', () => {
    const g = new Graph()
    g.setOutputs([])
    expect(g.code).toBe("import type { Tensor } from '@mapgrad/tensor'\n\nexport function forward(): [] {\n  return []\n}\n")
    expect(g.run([])).toEqual([])
  })
})
