import { grad, hessian, jacrev, jvp, vjp } from '@mapgrad/func'
import { type GraphModule, graphFromJSON, makeFx } from '@mapgrad/graph'
import {
  Generator,
  type Tensor,
  add,
  cond,
  erf,
  exp,
  gelu,
  getRngState,
  manualSeed,
  matmul,
  memory,
  mul,
  nonzero,
  rand,
  randn,
  relu,
  scan,
  whileLoop,
  reshape,
  silu,
  sin,
  sum,
  tanh,
  tensor,
  tidy,
  tree,
  where,
} from '@mapgrad/tensor'
import * as ops from '@mapgrad/tensor/ops'
import { defineOp, expr, pointwise, sameAval, constant } from '@mapgrad/tensor/plugin'
import { vmap } from '@mapgrad/vmap'
import { describe, expect, test } from 'vitest'
import { exact, opsOf, random } from './support.ts'

const trace = <A extends readonly unknown[]>(f: (...args: A) => unknown, ...args: A): string => opsOf(makeFx(f)(...args).graph.lint())

describe('goldens', () => {
  const x = tensor([1, 2, 3])
  test('grad of sin and sum', () => {
    expect(
      trace(
        grad((t: Tensor) => t.sin().sum()),
        x,
      ),
    ).toBe('sin sum cos mul')
  })
  test('vmap of a matrix product', () => {
    expect(trace(vmap(matmul, [0, null]), random(2, 3, 3), random(3, 3))).toBe('matmul')
    expect(trace(vmap(matmul, [null, 0]), random(3, 3), random(2, 3, 3))).toBe('matmul')
  })
  test('gelu, as it is and decomposed', () => {
    expect(trace(gelu, x)).toBe('gelu')
    const table = new Map([[ops.gelu, ([t]: readonly Tensor[]) => mul(mul(t!, 0.5), add(erf(mul(t!, Math.SQRT1_2)), 1))]])
    expect(opsOf(makeFx(gelu, { decompositionTable: table })(x).graph)).toBe('mul mul_1 erf add mul_2')
  })
  test('vjp, jvp, jacrev, hessian, vmap of grad', () => {
    expect(trace((t: Tensor) => vjp(sin, [t])[1](t), x)).toBe('sin cos mul')
    expect(trace((t: Tensor) => jvp(sin, [t], [t]), x)).toBe('sin cos mul')
    expect(trace(jacrev(sin), x)).toBe('sin cos mul reshape')
    expect(exact(makeFx(hessian((t: Tensor) => t.sin().sum()))(x)(tensor([3, 4, 5])))).toBe(
      exact(hessian((t: Tensor) => t.sin().sum())(tensor([3, 4, 5]))),
    )
    expect(trace(vmap(grad((t: Tensor) => t.sin().sum())), random(2, 3))).toBe('sin sum cos mul')
  })
  test('a captured tensor is a constant, and one captured twice is one', () => {
    const w = random(3)
    const { graph } = makeFx((t: Tensor) => t.mul(w).add(w))(x)
    expect(graph.nodes.map((n) => n.name)).toEqual(['arg0', 'constant', 'mul', 'add', 'output'])
    expect(graph.node('constant')!.users.size).toBe(2)
  })
  test('what does not depend on an argument is computed while tracing', () => {
    expect(trace((t: Tensor) => t.mul(exp(tensor([1, 2, 3]))), x)).toBe('mul')
  })
})

describe('a graph is called like its function', () => {
  test('trees in and out, numbers baked in, names of placeholders', () => {
    const f = (p: { w: Tensor; layers: [Tensor, Tensor] }, [x]: [Tensor], k: number): Map<string, Tensor | number> =>
      new Map<string, Tensor | number>([
        ['y', p.w.mul(x).add(p.layers[1]).mul(k)],
        ['k', k],
      ])
    const args = [{ w: random(2), layers: [random(2), random(2)] }, [random(2)], 3] as [
      { w: Tensor; layers: [Tensor, Tensor] },
      [Tensor],
      number,
    ]
    const g = makeFx(f)(...args)
    expect(g.graph.placeholders.map((p) => p.name)).toEqual(['arg0_w', 'arg0_layers_0', 'arg0_layers_1', 'arg1_0'])
    const [got, want] = [g(...args), f(...args)]
    expect([...got.keys()]).toEqual(['y', 'k'])
    expect(exact(got.get('y') as Tensor)).toBe(exact(want.get('y') as Tensor))
    expect(got.get('k')).toBe(3)
    expect(() => g(args[0], args[1], 4)).toThrow(
      '[graph] f: expected arguments as they were traced, ({w: *, layers: [*, *]}, [*], 3), got ({w: *, layers: [*, *]}, [*], 4). What is no tensor is part of the graph',
    )
  })
  test('registered classes', () => {
    class Pair {
      readonly a: Tensor
      readonly b: Tensor
      constructor(a: Tensor, b: Tensor) {
        this.a = a
        this.b = b
      }
    }
    tree.register(Pair, { flatten: (p) => ({ children: [p.a, p.b] }), unflatten: ([a, b]) => new Pair(a as Tensor, b as Tensor) })
    const g = makeFx((p: Pair) => new Pair(p.b, p.a.neg()))(new Pair(tensor(1), tensor(2)))
    const out = g(new Pair(tensor(3), tensor(4)))
    expect(out).toBeInstanceOf(Pair)
    expect([out.a.item(), out.b.item()]).toEqual([4, -3])
  })
  test('several outputs of one op', () => {
    const g = makeFx((x: Tensor) => x.sort(0))(tensor([3, 1, 2]))
    expect(g(tensor([5, 6, 4])).map((y) => y.tolist())).toEqual([
      [4, 5, 6],
      [2, 0, 1],
    ])
  })
  test('other shapes and dtypes are refused', () => {
    const g = makeFx((x: Tensor) => x.sin())(tensor([1, 2]))
    expect(() => g(tensor([1, 2, 3]))).toThrow(
      '[graph] Graph.run: expected arg0 to be float32[2] as it was traced, got float32[3]. Trace the function again for other shapes and dtypes',
    )
    expect(() => g(tensor([1, 2], { dtype: 'float64' }))).toThrow('got float64[2]')
    expect(() => g.graph.run([])).toThrow('expected 1 tensors (arg0), got 0')
  })
  test('it can be transformed, and traced again', () => {
    const f = (x: Tensor): Tensor => x.sin().mul(x).sum()
    const x = random(3)
    const g = makeFx(f)(x)
    expect(exact(grad(g)(x))).toBe(exact(grad(f)(x)))
    expect(exact(vmap(g)(random(1, 3).expand(2, 3)))).toMatch(/^float32\[2\]/)
    expect(makeFx(g)(x).graph.equals(g.graph)).toBe(true)
  })
  test('nested: inside vmap and grad, values of outer transforms are captured while they live', () => {
    const f = (x: Tensor, y: Tensor): Tensor => makeFx((t: Tensor) => t.mul(y).sin())(x)(x).sum()
    const [x, y] = [random(2, 3), random(2, 3)]
    const eager = (a: Tensor, b: Tensor): Tensor => a.mul(b).sin().sum()
    expect(exact(vmap(grad(f, [0, 1]))(x, y)[1])).toBe(exact(vmap(grad(eager, [0, 1]))(x, y)[1]))
    let escaped: GraphModule<[Tensor], Tensor> | undefined
    grad((t: Tensor) => {
      escaped = makeFx((u: Tensor) => u.mul(t))(t)
      return t.sum()
    })(x)
    expect(() => escaped!(x)).toThrow(/escaped from grad/)
  })
})

describe('reading values', () => {
  const text = (what: string): string =>
    `It appears that you're trying to get value out of a tracing tensor with .${what}() - erroring out! It's likely that this is caused by data-dependent control flow or similar.`
  test.each(['real', 'fake'] as const)('is refused in %s mode, with remedies', (tracingMode) => {
    const x = tensor([1, 2])
    const read = (f: (x: Tensor) => unknown) => () => makeFx(f, { tracingMode })(x)
    expect(read((t) => (t.sum().item() ? t : t.neg()))).toThrow(text('item'))
    expect(read((t) => t.tolist())).toThrow(text('tolist'))
    expect(read((t) => `${t}`)).toThrow(text('toString'))
    expect(read((t) => Number(t.sum()))).toThrow('use where(condition, x, y), or cond, whileLoop and scan')
    expect(read(grad((t: Tensor) => (t.sum().item() ? t.sum() : t.prod())))).toThrow(text('item'))
  })
  test('printing shows the value in real mode, and the node', () => {
    const seen: string[] = []
    const see = (x: Tensor): Tensor => {
      seen.push(x.sin().toString())
      return x
    }
    makeFx(see)(tensor([0]))
    makeFx(see, { tracingMode: 'fake' })(tensor([0]))
    expect(seen).toEqual([
      'TracedTensor(lvl=1, name=sin, value=\n    tensor([0.])\n)',
      'TracedTensor(lvl=1, name=sin, shape=[1], dtype=float32)',
    ])
  })
  test('shapes that depend on data: recorded in real mode, checked in each run', () => {
    const f = (x: Tensor): Tensor => nonzero(x) as Tensor
    const g = makeFx(f)(tensor([1, 0, 2]))
    expect(g(tensor([0, 5, 5])).tolist()).toEqual([[1], [2]])
    expect(() => g(tensor([0, 0, 5]))).toThrow(
      '[graph] Graph.run: expected nonzero to give int32[2, 1] as when it was traced, got int32[1, 1]: its shape depends on data',
    )
    expect(() => makeFx(f, { tracingMode: 'fake' })(tensor([1, 0, 2]))).toThrow('expected ops whose shapes follow from shapes, got nonzero')
  })
  test('control flow: branches and bodies of loops are graphs in a node', () => {
    const f = (x: Tensor): Tensor =>
      cond(
        x.sum().gt(0),
        (y: Tensor) => y.sin(),
        (y: Tensor) => y.mul(2),
        [x],
      )
    const g = makeFx(f)(tensor([1, 2]))
    for (const x of [tensor([1, 2]), tensor([-1, -2])]) expect(exact(g(x))).toBe(exact(f(x)))
    const loop = (x: Tensor): Tensor =>
      whileLoop(
        (y: Tensor) => y.sum().lt(20),
        (y: Tensor) => [y.mul(2)],
        [x],
        { maxIterations: 6 },
      )[0]
    const h = makeFx(loop)(tensor([1, 2]))
    for (const x of [tensor([1, 2]), tensor([8, 8]), tensor([0.1, 0])]) expect(exact(h(x))).toBe(exact(loop(x)))
    expect(exact(grad((x: Tensor) => h(x).sum())(tensor([1, 2])))).toBe(exact(grad((x: Tensor) => loop(x).sum())(tensor([1, 2]))))
    expect(trace((x: Tensor) => scan((c: Tensor, t: Tensor) => [c.add(t), c] as const, tensor(0), x)[0], tensor([1, 2, 3]))).toBe('scan')
  })
  test('a branch without data is taken while tracing', () => {
    expect(trace((x: Tensor) => (x.shape[0] === 3 ? relu(x) : tanh(x)), random(3))).toBe('relu')
    expect(trace((x: Tensor) => where(x.gt(0), x, x.neg()), random(3))).toBe('gt neg where')
  })
})

describe('random draws', () => {
  test('are recorded, and drawn anew in each run', () => {
    const f = (x: Tensor): Tensor => x.add(rand(3)).mul(randn(3))
    const g = makeFx(f)(random(3))
    expect(g.graph.nodes.map((n) => n.kind)).toEqual(['placeholder', 'key', 'call', 'call', 'key', 'call', 'call', 'output'])
    const x = random(3)
    manualSeed(3)
    const want = [f(x), f(x)].map(exact)
    manualSeed(3)
    expect([g(x), g(x)].map(exact)).toEqual(want)
    expect(want[0]).not.toBe(want[1])
  })
  test('also where a function has no arguments, and inside vmap', () => {
    expect(trace(() => rand(2))).toBe('random')
    const f = (x: Tensor): Tensor => x.add(rand(2))
    const different = vmap(f, 0, 0, { randomness: 'different' })
    const g = makeFx(different)(random(3, 2))
    const x = random(3, 2)
    manualSeed(5)
    const want = exact(different(x))
    manualSeed(5)
    expect(exact(g(x))).toBe(want)
    expect(trace(vmap(f, 0, 0, { randomness: 'same' }), x)).toBe('random add')
  })
  test('recording draws nothing', () => {
    const own = new Generator().manualSeed(4)
    const f = (x: Tensor): Tensor =>
      x
        .add(rand([2], { generator: own }))
        .add(rand(2))
        .add(rand([2], { generator: own }))
    for (const tracingMode of ['real', 'fake'] as const) {
      manualSeed(7)
      own.manualSeed(4)
      const g = makeFx(f, { tracingMode })(random(2))
      expect([getRngState(), own.getState()]).toEqual([
        { seed: 7, offset: 0 },
        { seed: 4, offset: 0 },
      ])
      const x = random(2)
      const got = [g(x), g(x)].map(exact)
      manualSeed(7)
      own.manualSeed(4)
      expect(got).toEqual([f(x), f(x)].map(exact))
    }
  })
  test('a key of the user is an operand like any other', () => {
    const key = tensor([1, 2, 3, 4], { dtype: 'int32' })
    const g = makeFx((k: Tensor) => rand([2], { key: k }))(key)
    expect(opsOf(g.graph)).toBe('draw')
    expect(exact(g(key))).toBe(exact(rand([2], { key })))
  })
})

test('intermediates are freed after their last use, nothing else is', () => {
  const w = random(64, 64)
  const f = (x: Tensor): Tensor => {
    let y = x
    for (let i = 0; i < 20; i++) y = reshape(matmul(y, w), [64, 64])
    return y
  }
  const x = random(64, 64)
  const g = makeFx(f)(x)
  const before = memory().live
  const y = g(x)
  expect(memory().live - before).toBe(64 * 64 * 4)
  y.dispose()
  expect(memory().live).toBe(before)
  // inputs and constants given back are still there afterwards
  const h = makeFx((t: Tensor) => [t, w, t.view(64 * 64)])(x)
  h(x)
    .slice(1)
    .forEach((t) => t.dispose())
  expect(exact(h(x)[1]!)).toBe(exact(w))
})

test('a draw from the default generator by its name is one from the default generator', () => {
  const g = makeFx((t: Tensor) => t.add(rand([2], { generator: manualSeed(1) })))(tensor([0, 0]))
  const saved = graphFromJSON(JSON.stringify(g.toJSON()))
  for (const f of [g, saved]) {
    manualSeed(4)
    const got = exact(f(tensor([0, 0])) as Tensor)
    manualSeed(4)
    expect(got).toBe(exact(rand(2)))
  }
})

test('constants outlive the tidy that the graph was traced in', () => {
  let g: GraphModule<[Tensor], Tensor> | undefined
  tidy(() => {
    g = makeFx((t: Tensor) => t.mul(tensor([2, 3]).add(1)))(tensor([1, 2]))
  })
  expect(g!(tensor([1, 1])).tolist()).toEqual([3, 4])
})

test('bad arguments', async () => {
  expect(() => makeFx(3 as never)).toThrow('[graph] makeFx: expected a function, got 3')
  expect(() => makeFx(sin, { mode: 'fake' } as never)).toThrow(
    "[graph] makeFx: expected options among tracingMode, decompositionTable, got unknown option 'mode'",
  )
  expect(() => makeFx(sin, { tracingMode: 'dynamic' as never })).toThrow(
    "expected tracingMode to be 'real', 'fake' or 'symbolic', got \"dynamic\"",
  )
  expect(() => makeFx(sin, { decompositionTable: new Map([[silu as never, ([t]: readonly Tensor[]) => t!]]) })).toThrow(
    '[graph] makeFx: expected an op, got function silu, which calls ops and is none',
  )
  expect(() => makeFx(async (x: Tensor) => x)(tensor(1))).toThrow('returned a Promise')
  let leaked: Tensor | undefined
  makeFx((x: Tensor) => (leaked = x.sin()))(tensor(1))
  expect(() => sum(leaked!)).toThrow(/escaped from makeFx/)
})

test('the name of the function stays', () => {
  function named(x: Tensor): Tensor {
    return x.sin()
  }
  expect([makeFx(named).name, makeFx(named)(tensor(1)).name, makeFx(sin).name]).toEqual(['named', 'named', 'sin'])
})

test('an op of one file, without a home', () => {
  const triple = defineOp<[x: Tensor]>({
    name: 'triple',
    result: sameAval,
    compute: pointwise((x) => expr.mul(x!, expr.constant(3, x!.dtype))),
    batch: 'pointwise',
    diff: constant,
  })
  const g = makeFx((x: Tensor) => triple(x))(tensor([1, 2]))
  expect(g(tensor([3, 4])).tolist()).toEqual([9, 12])
  expect(g.code).toContain(
    "/** the op 'triple' does not say what module exports it: import it */\ndeclare const triple_1: Op<Tensors, unknown>",
  )
})
