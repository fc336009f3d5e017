import { cpu } from '@mapgrad/backend-cpu'
import {
  Graph,
  type GraphJSON,
  type GraphNode,
  eliminateCommonSubexpressions,
  eliminateDeadCode,
  foldConstants,
  graphFromJSON,
  makeFx,
  simplifyAlgebra,
} from '@mapgrad/graph'
import { type Tensor, full, isMapgradError, setDefaultDevice, silu, tensor } from '@mapgrad/tensor'
import * as ops from '@mapgrad/tensor/ops'
import { describe, expect, test } from 'vitest'

setDefaultDevice(cpu)
const x = tensor([
  [1, 2, 3],
  [4, 5, 6],
])
const traced = makeFx((a: Tensor) => a.sin().add(1))(x)
const fresh = (): Graph => traced.graph.copy()
const junk: readonly unknown[] = [undefined, null, 3, 'a', true, {}, [], () => 0, 10n, new Map(), x, [x]]
const sure = <T>(value: unknown): T => value as T

/** What `f` raises. */
function raised(f: () => unknown): unknown {
  try {
    f()
  } catch (error) {
    return error
  }
  return undefined
}
/** Runs `f` on everything that it should refuse, and expects errors of this package alone. */
function refuses(f: (x: unknown) => unknown, given: readonly unknown[] = junk): void {
  for (const bad of given) {
    const error = raised(() => f(bad))
    expect([String(bad), isMapgradError(error), String(error)]).toEqual([String(bad), true, expect.stringMatching(/\[(?:graph|tensor)\] /)])
  }
}

describe('passes', () => {
  test.each([
    ['eliminateCommonSubexpressions', eliminateCommonSubexpressions],
    ['eliminateDeadCode', eliminateDeadCode],
    ['foldConstants', foldConstants],
    ['simplifyAlgebra', simplifyAlgebra],
  ])('%s of what is no graph', (name, pass) => {
    refuses((bad) => pass(sure(bad)))
    expect(() => pass(sure(traced))).toThrow(
      `[graph] ${name}: expected a Graph, got function forward. A traced function has one: g.graph; and g.transform(pass) is that function with the graph that a pass made`,
    )
  })
  test('transform takes passes that give graphs', () => {
    refuses((bad) => traced.transform(sure(bad)))
    expect(() => traced.transform((g) => sure<Graph>(g.code))).toThrow('[graph] transform: expected a Graph, got ')
    expect(traced.transform()(x).tolist()).toEqual(traced(x).tolist())
  })
})

describe('editing', () => {
  const node = (g: Graph): GraphNode => g.placeholders[0]!
  test('what is no node', () => {
    refuses((bad) => fresh().erase(sure(bad)))
    refuses((bad) => fresh().replaceAllUsesWith(sure(bad), sure(bad)))
    refuses((bad) => fresh().insertBefore(sure(bad), () => 0))
    refuses((bad) => fresh().addItem(sure(bad), 0))
    refuses(
      (bad) => fresh().setOutputs(sure(bad)),
      junk.filter((bad) => !Array.isArray(bad) || bad.length > 0),
    )
    expect(() => fresh().setOutputs(sure([3]))).toThrow('[graph] Graph.setOutputs: expected a node of a graph, got 3')
  })
  test('what is no op', () => {
    refuses((bad) => fresh().addCall(sure(bad), []))
    expect(() => fresh().addCall(sure(silu), [])).toThrow(
      "[graph] Graph.addCall: expected an op, got function silu, which calls ops and is none. Graphs name theirs: import * as ops from '@mapgrad/tensor/ops'",
    )
  })
  test('operands that an op does not take', () => {
    refuses((bad) => fresh().addCall(ops.sin, sure(bad)))
    expect(() => fresh().addCall(ops.sin, [])).toThrow(
      '[graph] Graph.addCall: expected the operands and params that sin takes, got () and null',
    )
    const g = fresh()
    expect(() => g.addCall(ops.sum, [node(g)])).toThrow('expected the operands and params that sum takes, got (arg0) and null')
  })
  test('what is no tensor, and no shape', () => {
    refuses(
      (bad) => fresh().addConstant(sure(bad)),
      junk.filter((bad) => bad !== x),
    )
    refuses((bad) => fresh().addPlaceholder(sure(bad)), junk.filter((bad) => bad !== x)) // prettier-ignore
    expect(() => fresh().addPlaceholder(sure({ shape: 3, dtype: 'float32' }))).toThrow(
      '[graph] Graph.addPlaceholder: expected { shape, dtype }',
    )
  })
  test('names are made where none is given', () => {
    const g = new Graph()
    expect([g.addConstant(full([], 2)).name, g.addConstant(x.add(0)).name]).toEqual(['number', 'constant'])
    const sorted = g.addCall(ops.sort, [g.addPlaceholder(x)], { descending: false })
    expect([sorted.name, g.addItem(sorted, 1).name]).toEqual(['sort', 'sort_1'])
  })
  test('equals, run, print', () => {
    refuses((bad) => fresh().equals(sure(bad)))
    refuses(
      (bad) => fresh().run(sure(bad)),
      junk.filter((bad) => !(Array.isArray(bad) && bad[0] === x)),
    )
    expect(() => fresh().print(sure(null))).toThrow('[graph] print: expected options by name')
    expect(() => fresh().print(sure({ out: false }))).toThrow("[graph] print: expected options among output, got unknown option 'out'")
  })
})

describe('saved graphs that are damaged', () => {
  const saved = (): GraphJSON => JSON.parse(JSON.stringify(traced.toJSON())) as GraphJSON
  test('text that is no JSON', () => {
    expect(() => graphFromJSON('nonsense')).toThrow('[graph] graphFromJSON: expected data that toJSON wrote, got damaged ones: ')
    refuses((bad) => graphFromJSON(sure(bad)))
  })
  test('each value missing, or another', () => {
    const paths: string[][] = []
    const walk = (at: object, path: string[]): void => {
      for (const [key, value] of Object.entries(at) as [string, unknown][]) {
        paths.push([...path, key])
        if (typeof value === 'object' && value !== null) walk(value, [...path, key])
      }
    }
    walk(saved(), [])
    expect(paths.length).toBeGreaterThan(30)
    const raw: string[] = []
    for (const path of paths)
      for (const value of [undefined, null, 3, -1, 'zz', [], {}]) {
        const data = saved()
        let at: Record<string, unknown> = sure(data)
        for (const key of path.slice(0, -1)) at = sure(at[key])
        if (value === undefined && Array.isArray(at)) continue
        at[path.at(-1)!] = value
        const error = raised(() => graphFromJSON(JSON.stringify(data))(x))
        if (error !== undefined && !isMapgradError(error)) raw.push(`${path.join('.')} = ${String(value)}: ${String(error)}`)
      }
    expect(raw).toEqual([])
  })
})
