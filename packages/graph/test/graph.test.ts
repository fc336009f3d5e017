import { Graph, makeFx } from '@mapgrad/graph'
import { copyNode, rewrite } from '@mapgrad/graph/plugin'
import { type Tensor, tensor } from '@mapgrad/tensor'
import * as ops from '@mapgrad/tensor/ops'
import { filledLike } from '@mapgrad/tensor/plugin'
import { describe, expect, test } from 'vitest'
import { exact, opsOf, random } from './support.ts'

const f32 = (...shape: number[]): { shape: number[]; dtype: 'float32' } => ({ shape, dtype: 'float32' })

/** (x + y) · 2 */
function build(): Graph {
  const g = new Graph()
  const x = g.addPlaceholder(f32(2), 'x')
  const y = g.addPlaceholder(f32(2), 'y')
  const sum = g.addCall(ops.add, [x, y])
  g.setOutputs([g.addCall(ops.mul, [sum, g.addConstant(filledLike(tensor(0), 2))])])
  return g.lint()
}

test('built by hand, it runs', () => {
  const g = build()
  expect(opsOf(g)).toBe('add mul')
  expect(g.run([tensor([1, 2]), tensor([3, 4])])[0]!.tolist()).toEqual([8, 12])
  expect(g.outputs.map((n) => n.aval)).toEqual([f32(2)])
  expect(g.nodes.map((n) => n.kind)).toEqual(['placeholder', 'placeholder', 'call', 'constant', 'call', 'output'])
})

describe('editing', () => {
  test('insertBefore, replaceAllUsesWith, erase', () => {
    const g = build()
    const [add, mul] = [g.node('add')!, g.node('mul')!]
    const neg = g.insertBefore(mul, () => g.addCall(ops.neg, [add]))
    mul.inputs = [neg, mul.inputs[1]!]
    expect(opsOf(g.lint())).toBe('add neg mul')
    expect(g.run([tensor([1, 2]), tensor([3, 4])])[0]!.tolist()).toEqual([-8, -12])
    g.replaceAllUsesWith(mul, neg)
    g.erase(mul)
    expect(g.run([tensor([1, 2]), tensor([3, 4])])[0]!.tolist()).toEqual([-4, -6])
    expect(opsOf(g.lint())).toBe('add neg')
  })
  test('a new node goes before the output, a new input behind the others', () => {
    const g = build()
    const z = g.addPlaceholder(f32(2), 'z')
    expect(g.placeholders.map((p) => p.name)).toEqual(['x', 'y', 'z'])
    const out = g.addCall(ops.sub, [g.outputs[0]!, z])
    expect(g.nodes.at(-1)!.kind).toBe('output')
    g.setOutputs([out, z])
    expect(
      g
        .lint()
        .run([tensor([1, 2]), tensor([3, 4]), tensor([1, 1])])
        .map((t) => t.tolist()),
    ).toEqual([
      [7, 11],
      [1, 1],
    ])
  })
  test('insertBefore nests, and ends when its function throws', () => {
    const g = build()
    const add = g.node('add')!
    expect(() =>
      g.insertBefore(add, () => {
        g.insertBefore(g.node('y')!, () => {})
        g.addCall(ops.neg, [g.placeholders[0]!])
        throw new Error('no')
      }),
    ).toThrow('no')
    expect(opsOf(g)).toBe('neg add mul')
    g.addCall(ops.exp, [add])
    expect(opsOf(g)).toBe('neg add mul exp')
  })
  test('several outputs', () => {
    const g = new Graph()
    const x = g.addPlaceholder(f32(3), 'x')
    const sort = g.addCall(ops.sort, [x], { descending: true })
    expect(sort.many).toBe(true)
    g.setOutputs([g.addItem(sort, 1)])
    expect(
      g
        .lint()
        .run([tensor([1, 3, 2])])[0]!
        .tolist(),
    ).toEqual([1, 2, 0])
    expect(() => g.addItem(sort, 2)).toThrow('expected a call with more than 2 outputs, got sort, which has 2')
    expect(() => g.addItem(x, 0)).toThrow('got x, which has one tensor')
  })
  test('names are unique and valid', () => {
    const g = new Graph()
    const names = ['x', 'x', 'x_1', 'ops', 'log_softmax', '0', 'a b!', 'class'].map((n) => g.addPlaceholder(f32(), n).name)
    expect(names).toEqual(['x', 'x_1', 'x_1_1', 'ops_1', 'log_softmax', '_0', 'a_b', 'class_1'])
  })
})

describe('what is wrong is said', () => {
  test('by the methods', () => {
    const [g, h] = [build(), build()]
    expect(() => g.addCall(ops.neg, [h.node('add')!])).toThrow('[graph] Graph: expected inputs of this graph, got add of another one')
    expect(() => g.erase(g.node('add')!)).toThrow('[graph] Graph.erase: expected a node without readers, got add, which mul read')
    expect(() => g.erase(h.node('mul')!)).toThrow('expected a node of this graph')
    expect(() =>
      g.replaceAllUsesWith(
        g.node('add')!,
        g.insertBefore(g.node('mul')!, () => g.addCall(ops.sum, [g.placeholders[0]!], { dims: [-1] })),
      ),
    ).toThrow('expected a node of float32[2] in the place of add, got sum of float32[]')
    expect(() => new Graph().run([])).toThrow('expected a graph with an output node')
  })
  test('by lint', () => {
    const g = build()
    const late = g.addCall(ops.exp, [g.node('mul')!])
    g.node('add')!.inputs = [g.placeholders[0]!, late]
    expect(() => g.lint()).toThrow('[graph] Graph.lint: expected add to come after what it reads, got exp behind it')
    const h = build()
    h.node('add')!.inputs = [
      h.placeholders[0]!,
      h.insertBefore(h.node('add')!, () => h.addCall(ops.toInt32, [h.placeholders[0]!], { dtype: 'int32' })),
    ]
    expect(() => h.lint()).not.toThrow()
    h.node('add')!.inputs = [h.placeholders[0]!, h.insertBefore(h.node('add')!, () => h.addConstant(random(5, 2)))]
    expect(() => h.lint()).toThrow('expected add = add(x, constant) to give float32[5, 2], got float32[2]')
    const k = new Graph()
    k.addPlaceholder(f32())
    expect(() => k.lint()).toThrow('expected the last node to be the output. Use setOutputs')
    const m = new Graph()
    const sort = m.addCall(ops.sort, [m.addPlaceholder(f32(2))], { descending: false })
    m.setOutputs([sort])
    expect(() => m.lint()).toThrow('expected output to read one tensor, got sort, which gives 2. Use addItem')
  })
})

describe('copies and equality', () => {
  const f = (x: Tensor): Tensor =>
    x
      .mul(tensor([1, 2]))
      .sum(0, true)
      .add(1)
  const x = tensor([3, 4])
  test('a copy has the same names, equals, and is another graph', () => {
    const { graph } = makeFx(f)(x)
    const copy = graph.copy()
    expect(copy.nodes.map((n) => n.name)).toEqual(graph.nodes.map((n) => n.name))
    expect(copy.equals(graph)).toBe(true)
    expect(copy.hash()).toBe(graph.hash())
    copy.setOutputs(copy.placeholders)
    expect(copy.equals(graph)).toBe(false)
    expect(exact(graph.run([x])[0]!)).toBe(exact(f(x)))
  })
  test('names do not count; ops, params, constants, shapes and order do', () => {
    const g = makeFx(f)(x).graph
    expect(makeFx((t: Tensor) => f(t))(tensor([5, 6])).graph.equals(g)).toBe(true)
    const others: ((t: Tensor) => Tensor)[] = [
      (t) =>
        t
          .mul(tensor([1, 3]))
          .sum(0, true)
          .add(1),
      (t) =>
        t
          .mul(tensor([1, 2]))
          .sum(0, true)
          .add(-1),
      (t) =>
        t
          .mul(tensor([1, 2]))
          .sum(0, true)
          .sub(1),
      (t) =>
        t
          .mul(tensor([1, 2]))
          .sum(0, false)
          .add(1),
      (t) => tensor([1, 2]).mul(t).sum(0, true).add(1),
    ]
    for (const other of others) {
      const h = makeFx(other)(x).graph
      expect([h.equals(g), h.hash() === g.hash()]).toEqual([false, false])
    }
    expect(makeFx(f)(tensor([[3, 4]])).graph.equals(g)).toBe(false)
    const zero = (fill: number): Graph => makeFx((t: Tensor) => t.add(fill))(x).graph
    expect(zero(0).equals(zero(-0))).toBe(false)
    expect(zero(NaN).equals(zero(NaN))).toBe(true)
  })
  test('rewrite makes any other graph', () => {
    const g = build()
    const h = rewrite(g, (node, inputs, to, copy) =>
      node.op === ops.add.def ? to.addCall(ops.sub, inputs) : node.kind === 'placeholder' ? copyNode(to, node, inputs) : copy(),
    )
    expect(
      h
        .lint()
        .run([tensor([1, 2]), tensor([3, 4])])[0]!
        .tolist(),
    ).toEqual([-4, -4])
    expect(opsOf(g)).toBe('add mul')
  })
})
