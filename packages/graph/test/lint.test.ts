import { associativeScan, grad } from '@mapgrad/func'
import { type GraphModule, makeFx } from '@mapgrad/graph'
import { type Tensor, cond, scan, tensor, whileLoop } from '@mapgrad/tensor'
import * as ops from '@mapgrad/tensor/ops'
import { describe, expect, test } from 'vitest'
import { random } from './support.ts'

// What lint says of graphs that were edited into something broken, those inside of branches and loops included.

type F = (x: Tensor) => unknown
const loops: readonly (readonly [name: string, f: F, inner: readonly string[]])[] = [
  ['cond', (x) => cond(x.sum().gt(0), (y: Tensor) => y.sin(), (y: Tensor) => y.mul(2), [x]), ['yes', 'no']], // prettier-ignore
  ['whileLoop', (x) => whileLoop((y) => y.sum().lt(9), (y) => [y.mul(2).add(1)], [x]), ['cond', 'body']], // prettier-ignore
  ['scan', (x) => scan((h: Tensor, r: Tensor) => [h.add(r), h.mul(r)] as const, x.at(0), x), ['body']],
  ['associativeScan', (x) => associativeScan((a: Tensor, b: Tensor) => a.mul(b), x, 0), ['combine']],
  [
    'whileLoopSweeps',
    grad((x: Tensor) => whileLoop((y) => y.sum().lt(9), (y) => [y.square().add(1)], [x])[0].sum()), // prettier-ignore
    ['cond', 'step0', 'step1'],
  ],
]
const traced = (f: F, tracingMode: 'fake' | 'symbolic' = 'fake'): GraphModule => makeFx(f, { tracingMode })(random(4, 3)) as GraphModule

describe('a graph among the params', () => {
  test.each(loops)('of %s must give what the op goes on with, and take what it calls it with', (name, f, inner) => {
    for (const mode of ['fake', 'symbolic'] as const) {
      const node = (g: GraphModule) => g.graph.nodes.find((n) => n.name === name)!
      expect([...node(traced(f, mode)).subgraphs.keys()]).toEqual(inner)
      for (const key of inner) {
        const less = traced(f, mode)
        const short = node(less).subgraphs.get(key)!
        expect(() => less.graph.lint()).not.toThrow()
        short.setOutputs(short.outputs.slice(1))
        expect(() => less.graph.lint()).toThrow(`expected the ${key} of ${name} to give (`)

        const other = traced(f, mode)
        const wrong = node(other).subgraphs.get(key)!
        const [first, ...rest] = wrong.outputs
        wrong.setOutputs([wrong.addCall(ops.sum, [first!], { dims: first!.aval.shape.length ? [-1] : [] }), ...rest])
        // the sum of a bool is an integer
        expect(() => other.graph.lint()).toThrow(`expected the ${key} of ${name} to give (`)

        const more = traced(f, mode)
        node(more)
          .subgraphs.get(key)!
          .addPlaceholder({ shape: [2], dtype: 'float32' })
        expect(() => more.graph.lint()).toThrow(`expected the ${key} of ${name} to take (`)
      }
    }
  })

  test('must be in order itself', () => {
    const g = traced((x) => scan((h: Tensor, r: Tensor) => [h.add(r).sin(), h] as const, x.at(0), x))
    const body = g.graph.node('scan')!.subgraphs.get('body')!
    const add = body.node('add')!
    add.inputs = [body.node('sin')!, add.inputs[1]!]
    expect(() => g.graph.lint()).toThrow('expected add to come after what it reads, got sin behind it')
  })
})

test('an edit at random is found, or leaves a graph that runs', () => {
  const f = (x: Tensor): Tensor => x.sin().matmul(x.t()).sum(0).mul(x.at(0).sum()).add(x.mean(1)).sub(tensor(2))
  let found = 0
  for (let i = 0; i < 40; i++) {
    const g = traced(f)
    const calls = g.graph.nodes.filter((n) => n.kind === 'call')
    const pick = (n: number): number => Math.floor(((random().item() as number) * 0.5 + 0.5) * n)
    const [node, by] = [calls[pick(calls.length)]!, g.graph.nodes[pick(g.graph.nodes.length - 1)]!]
    node.inputs = node.inputs.with(pick(node.inputs.length), by)
    let broken = true
    try {
      g.graph.lint()
      broken = false
    } catch (error) {
      expect((error as { code?: string }).code).toBe('INVALID_GRAPH')
      expect((error as Error).message).toMatch(/Graph\.lint: expected \w+ (to|=)/)
      found++
    }
    if (!broken) expect(() => g(random(4, 3))).not.toThrow()
  }
  expect(found).toBeGreaterThan(5)
})
