import {
  type Graph,
  type GraphCompiler,
  type Joint,
  type Partition,
  type Partitioner,
  type Tensor,
  add,
  aotFunction,
  cos,
  defaultPartition,
  gelu,
  grad,
  hessian,
  jacrev,
  jvp,
  manualSeed,
  matmul,
  minCutPartition,
  minCutRematerializationPartition,
  rand,
  sort,
  tensor,
  vjp,
  vmap,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'

let state = 5
const uniform = (): number => ((state = (state * 16807) % 2147483647) / 2147483647) * 2 - 1
const random = (...shape: number[]): Tensor =>
  tensor(Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, uniform)).reshape(shape)
const exact = (x: Tensor): string =>
  `${x.dtype}[${x.shape}] ${Array.from(x.dataSync() as Float32Array, (v) => (Object.is(v, -0) ? '-0' : String(v))).join()}`

const asIs: GraphCompiler = (graph) => graph
const calls = (g: Graph): string => g.nodes.flatMap((n) => (n.kind === 'call' ? [n.name] : [])).join(' ')

/** What a partitioner makes of a program: [inputs, outputs] of forward and backward, and both graphs. */
function partition(
  f: (...xs: Tensor[]) => Tensor,
  xs: readonly Tensor[],
  partitioner: Partitioner,
): { forward: [number, number]; backward: [number, number]; graphs: Partition } {
  let graphs: Partition | undefined
  const spy = (joint: Joint): Partition => (graphs = partitioner(joint))
  const compiled = aotFunction(f, { fwCompiler: asIs, partitionFn: spy })
  const all = xs.map((_, i) => i)
  const loss =
    (g: (...ts: Tensor[]) => Tensor) =>
    (...ts: Tensor[]): Tensor =>
      g(...ts).sum()
  const got = grad(loss(compiled), all)(...xs) as Tensor[]
  const want = grad(loss(f), all)(...xs) as Tensor[]
  expect(got.map(exact)).toEqual(want.map(exact))
  expect(exact(compiled(...xs))).toBe(exact(f(...xs)))
  const { forward, backward } = graphs!
  const size = (g: Graph): [number, number] => [g.lint().placeholders.length, g.outputs.length]
  return { forward: size(forward), backward: size(backward), graphs: graphs! }
}

describe('what is saved', () => {
  const cubed = (x: Tensor): Tensor => x.cos().cos().cos()
  const sums = (a: Tensor, b: Tensor, c: Tensor, d: Tensor): Tensor => a.add(b).add(c).add(d).cos().cos()
  const norm = (x: Tensor, w: Tensor, b: Tensor): Tensor => {
    const centred = x.sub(x.mean(-1, true))
    const variance = centred.mul(centred).mean(-1, true)
    return centred.mul(variance.add(1e-5).rsqrt()).mul(w).add(b)
  }

  test('cos of cos of cos: PyTorch saves 3, and by minimum cut 1', () => {
    const x = random(8)
    const whole = partition(cubed, [x], defaultPartition)
    expect([whole.forward, whole.backward]).toEqual([
      [1, 4],
      [4, 1],
    ])
    const cut = partition(cubed, [x], minCutPartition)
    expect([cut.forward, cut.backward]).toEqual([
      [1, 2],
      [2, 1],
    ])
    expect(cut.graphs.backward.placeholders.map((p) => p.name)).toEqual(['primals_1', 'tangents_1'])
  })
  test('sums of four: PyTorch saves 2, and by minimum cut 1', () => {
    const xs = [random(8), random(8), random(8), random(8)]
    const whole = partition(sums as never, xs, defaultPartition)
    expect([whole.forward, whole.backward]).toEqual([
      [4, 3],
      [3, 4],
    ])
    const cut = partition(sums as never, xs, minCutPartition)
    expect([cut.forward, cut.backward]).toEqual([
      [4, 2],
      [2, 4],
    ])
    expect(calls(cut.graphs.forward)).toBe('add add_1 add_2 cos cos_1')
  })
  test('gelu of a sum: one op here', () => {
    const f = (x: Tensor, bias: Tensor): Tensor => gelu(add(x, bias))
    const xs = [random(4, 8), random(8)]
    expect(partition(f, xs, defaultPartition).forward).toEqual([2, 2])
    expect(partition(f, xs, minCutPartition).forward).toEqual([2, 2])
  })
  test('layer norm of its parts', () => {
    const xs = [random(4, 16), random(16), random(16)]
    const whole = partition(norm as never, xs, defaultPartition)
    const cut = partition(norm as never, xs, minCutPartition)
    expect([whole.forward, cut.forward]).toEqual([
      [3, 5],
      [3, 3],
    ])
    expect(cut.graphs.backward.placeholders.map((p) => p.name)).toEqual(['primals_1', 'primals_2', 'tangents_1'])
  })
  test('sizes decide: what a reduction gives is smaller than what it takes', () => {
    const f = (x: Tensor, y: Tensor): Tensor => matmul(x, y).sum(1).exp().mul(2)
    const cut = partition(f, [random(8, 16), random(16, 32)], minCutPartition)
    expect(cut.graphs.backward.placeholders.map((p) => p.aval.shape)).toEqual([[8, 16], [16, 32], [8], [8]])
  })
  test('products and sorts are not computed again', () => {
    const f = (x: Tensor, y: Tensor): Tensor => sort(matmul(x, y).cos(), 1).values.cos()
    const cut = partition(f, [random(8, 8), random(8, 8)], minCutPartition)
    expect(
      calls(cut.graphs.backward)
        .split(' ')
        .filter((c) => c.startsWith('sort')),
    ).toEqual([])
    expect(calls(cut.graphs.forward)).toContain('sort')
  })
  test('draws happen once, in the forward pass', () => {
    const f = (x: Tensor): Tensor => x.mul(rand(8)).cos().mul(rand(8))
    for (const partitioner of [defaultPartition, minCutPartition]) {
      const compiled = aotFunction(f, { fwCompiler: asIs, partitionFn: partitioner })
      const x = random(8)
      manualSeed(2)
      const want = [vjp(f, [x])[1](x)[0], rand(1)].map((t) => exact(t as Tensor))
      manualSeed(2)
      expect([vjp(compiled, [x])[1](x)[0], rand(1)].map((t) => exact(t as Tensor))).toEqual(want)
    }
  })
})

describe('called and transformed like the function', () => {
  type Params = { w: Tensor; b: Tensor }
  const f = ({ w, b }: Params, x: Tensor, k: number): { y: Tensor; i: Tensor; none: null } => ({
    y: matmul(x, w).add(b).tanh().mul(k),
    i: matmul(x, w).argmax(-1),
    none: null,
  })
  const params: Params = { w: random(3, 2), b: random(2) }
  for (const partitioner of [defaultPartition, minCutPartition]) {
    const g = aotFunction(f, { fwCompiler: asIs, partitionFn: partitioner })
    test(`${partitioner.name}: trees, integer outputs, numbers`, () => {
      const x = random(5, 3)
      expect(exact(g(params, x, 2).y)).toBe(exact(f(params, x, 2).y))
      expect(g(params, x, 2).i.tolist()).toEqual(f(params, x, 2).i.tolist())
      expect(g(params, x, 2).none).toBe(null)
      expect(exact(g(params, x, 3).y)).toBe(exact(f(params, x, 3).y))
      const loss = (h: typeof f) => (p: Params, t: Tensor) => h(p, t, 2).y.sum()
      expect(Object.values(grad(loss(g))(params, x)).map(exact)).toEqual(Object.values(grad(loss(f))(params, x)).map(exact))
    })
    test(`${partitioner.name}: under vmap, jvp, jacobians, twice`, () => {
      const s = (x: Tensor): Tensor => x.sin().mul(x).exp()
      const c = aotFunction(s, { fwCompiler: asIs, partitionFn: partitioner })
      const close = (a: Tensor, b: Tensor): void => expect(Math.max(...(a.sub(b).abs().flatten().tolist() as number[]))).toBeLessThan(1e-5)
      const x = random(3)
      close(jacrev(c)(x), jacrev(s)(x))
      close(jvp(c, [x], [x])[1], jvp(s, [x], [x])[1])
      close(vmap(c)(random(2, 3).mul(0).add(x)), vmap(s)(random(2, 3).mul(0).add(x)))
      close(vmap(grad((t: Tensor) => c(t).sum()))(x.expand(2, 3)), vmap(grad((t: Tensor) => s(t).sum()))(x.expand(2, 3)))
      close(hessian((t: Tensor) => c(t).sum())(x), hessian((t: Tensor) => s(t).sum())(x))
    })
  }
  test('compilers get a graph and tensors like those to come; the backward one when it is needed', () => {
    const seen: string[] = []
    const spy =
      (name: string): GraphCompiler =>
      (graph, inputs) => {
        seen.push(`${name}: ${calls(graph.graph)} of ${inputs.map((t) => `[${t.shape}]`).join(' ')}`)
        return (...xs) => graph(...xs)
      }
    const c = aotFunction((x: Tensor) => x.cos(), { fwCompiler: spy('forward'), bwCompiler: spy('backward') })
    c(random(2))
    c(random(2))
    expect(seen).toEqual(['forward: cos of [2]'])
    grad((x: Tensor) => c(x).sum())(random(2))
    expect(seen).toEqual(['forward: cos of [2]', 'backward: sin neg mul of [2] [2]'])
    c(random(3))
    expect(seen.length).toBe(3)
  })
  test('arguments that are not used, or not floats', () => {
    const h = (x: Tensor, _unused: Tensor, index: Tensor): Tensor => x.at(index).cos()
    const c = aotFunction(h, { fwCompiler: asIs })
    const index = tensor([1, 0], { dtype: 'int32' })
    expect(
      (grad((...xs: [Tensor, Tensor, Tensor]) => c(...xs).sum(), [0, 1])(random(2), random(2), index) as Tensor[])[1]!.tolist(),
    ).toEqual([0, 0])
  })
  test('values of outer transforms that it captures', () => {
    const x = random(3)
    const outer = (t: Tensor): Tensor => vmap((u: Tensor) => aotFunction((v: Tensor) => v.mul(u), { fwCompiler: asIs })(u))(t)
    expect(exact(outer(x))).toBe(exact(x.mul(x)))
    expect(exact(outer(x.mul(2)))).toBe(exact(x.mul(2).mul(x.mul(2))))
  })
})

test('compilers and the partition by position, in the order of PyTorch', () => {
  const seen: string[] = []
  const spy =
    (part: string): GraphCompiler =>
    (graph) => {
      seen.push(part)
      return graph
    }
  const partition = (joint: Joint): Partition => {
    seen.push('partition')
    return minCutRematerializationPartition(joint)
  }
  const x = random(3)
  const want = x.sin().neg().tolist()
  expect(grad((t: Tensor) => aotFunction(cos, spy('forward'), spy('backward'), partition)(t).sum())(x).tolist()).toEqual(want)
  expect(seen.splice(0)).toEqual(['partition', 'forward', 'backward'])
  // `null` is the forward compiler, and any prefix may be followed by names
  expect(grad((t: Tensor) => aotFunction(cos, spy('both'), null, partition)(t).sum())(x).tolist()).toEqual(want)
  expect(grad((t: Tensor) => aotFunction(cos, spy('both'), { partitionFn: partition })(t).sum())(x).tolist()).toEqual(want)
  expect(seen).toEqual(['partition', 'both', 'both', 'partition', 'both', 'both'])
})

test('bad arguments', () => {
  expect(() => aotFunction(3 as never, { fwCompiler: asIs })).toThrow('[graph] aotFunction: expected a function, got 3')
  expect(() => aotFunction(cos, undefined as never)).toThrow('expected a function as fwCompiler, got undefined')
  expect(() => aotFunction(cos, {} as never)).toThrow('expected a function as fwCompiler, got undefined')
  expect(() => aotFunction(cos, { fwCompiler: asIs, compiler: asIs } as never)).toThrow(
    "expected options among fwCompiler, bwCompiler, partitionFn, got unknown option 'compiler'",
  )
  expect(() => aotFunction((x: Tensor) => (x.sum().item() ? x : x), { fwCompiler: asIs })(random(2))).toThrow(
    'get value out of a tracing tensor',
  )
})
