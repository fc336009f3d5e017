import {
  type GraphCompiler,
  type Partitioner,
  type Tensor,
  aotFunction,
  defaultPartition,
  grad,
  jvp,
  matmul,
  memory,
  minCutPartition,
  stopGradient,
  tensor,
  tidy,
  tree,
  vmap,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'

// What a function that goes through graphs must still do as itself: TestAOTAutograd of upstream, in the parts that this
// design has. Left out: tensor subclasses, modules and buffers, set_data, resize and other changes of metadata (refused),
// synthetic bases of arguments that are views of each other and are changed (refused), boxed calls, caches across processes.

let state = 3
const uniform = (): number => ((state = (state * 16807) % 2147483647) / 2147483647) * 2 - 1
const random = (...shape: number[]): Tensor =>
  tensor(Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, uniform)).reshape(shape)
const exact = (x: Tensor): string =>
  `${x.dtype}[${x.shape}] ${Array.from(x.dataSync() as Float32Array, (v) => (Object.is(v, -0) ? '-0' : String(v))).join()}`
const text = (y: unknown): unknown[] => tree.leaves(y).map((t) => (typeof t === 'object' ? exact(t as Tensor) : t))
const asIs: GraphCompiler = (graph) => graph

type F = (...xs: Tensor[]) => unknown
const isFloat = (x: unknown): x is Tensor => typeof x === 'object' && (x as Tensor).dtype.startsWith('float')

/** Outputs, arguments afterwards, gradients of everything that came out of it, and what a write to each output changes. */
function behaviour(f: F, shapes: readonly (readonly number[] | Tensor)[], repeat: readonly number[] = []): unknown {
  state = 17
  const xs = shapes.map((s) => ('dtype' in s ? s.clone() : random(...s)))
  const spread = (ts: readonly Tensor[]): Tensor[] => (repeat.length ? repeat.map((i) => ts[i]!) : [...ts])
  const floats = xs.flatMap((x, i) => (isFloat(x) ? [i] : []))
  const loss = (...leaves: Tensor[]): Tensor => {
    const inner = xs.map((x, i) => (floats.includes(i) ? leaves[floats.indexOf(i)]!.mul(1) : x.clone()))
    const out = tree.leaves(f(...spread(inner))).filter(isFloat)
    return [...out, ...inner.filter(isFloat)]
      .map((t, i) =>
        t
          .square()
          .mul(i + 1)
          .sum(),
      )
      .reduce((a, b) => a.add(b))
  }
  const grads = grad(
    loss as (...ts: Tensor[]) => Tensor,
    floats.map((_, i) => i),
  )(...floats.map((i) => xs[i]!))
  const given = xs.map((x) => x.clone())
  const out = f(...spread(given))
  const plain = text(out)
  const after = text(given)
  const written = tree.leaves(out).map((y) => {
    if (!isFloat(y)) return null
    y.add_(1)
    return [text(given), text(out)]
  })
  // gradients may be added up in another order
  const rounded = tree
    .leaves(grads)
    .map((g) => [(g as Tensor).shape, Array.from((g as Tensor).dataSync() as Float32Array, (v) => Math.round(v * 2e4) / 2e4)])
  return { grads: rounded, plain, after, written, same: tree.leaves(out).map((y) => given.indexOf(y as Tensor)) }
}

const integers = tensor([3, 1, 2], { dtype: 'int32' })
const cases: readonly [name: string, f: F, shapes: readonly (readonly number[] | Tensor)[], repeat?: readonly number[]][] = [
  ['nothing special', (a, b) => a!.mul(b!).sin(), [[2, 3], [3]]],
  ['an argument is changed', (a) => a!.mul_(2).add(1), [[2, 3]]],
  ['changed and not returned', (a, b) => (a!.add_(b!), b!.cos()), [[2, 3], [3]]],
  ['changed twice', (a, b) => (a!.add_(b!), a!.mul_(b!), a!.sum()), [[2, 3], [3]]],
  [
    'two are changed',
    (a, b) => (a!.add_(b!), b!.mul_(a!), a!.mul(b!)),
    [
      [2, 3],
      [2, 3],
    ],
  ],
  ['changed through a view', (a) => (a!.at(0).mul_(3), a!.t().at(1).sub_(1), a!.exp()), [[2, 3]]],
  ['changed by what does not depend on it', (a, b) => (a!.copy_(b!), a!.mul(2)), [[2, 3], [3]]],
  ['zeroed', (a) => (a!.zero_(), a!.add(1)), [[3]]],
  [
    'used before it is changed',
    (a) => {
      const y = a!.sin()
      a!.mul_(y)
      return y
    },
    [[3]],
  ],
  ['integers are changed', (a, i) => (i!.add_(1), a!.at(i!.remainder(3))), [[3, 2], integers]],
  ['an argument is returned', (a) => a!, [[2, 3]]],
  ['an argument is returned beside other things', (a, b) => [a!, a!.mul(b!), b!], [[2, 3], [3]]],
  ['changed and returned', (a) => a!.add_(1), [[2, 3]]],
  ['a view of an argument is returned', (a) => a!.t(), [[2, 3]]],
  ['a view of a view, and a slice', (a) => [a!.view(-1).view(3, 2), a!.at(1), a!.sin()], [[2, 3]]],
  [
    'changed, and a view of it returned',
    (a) => {
      const v = a!.at(0)
      a!.mul_(2)
      return [v, a!.sum()]
    },
    [[2, 3]],
  ],
  ['a view that is changed and returned', (a) => a!.at(1).mul_(5), [[2, 3]]],
  ['one tensor twice', (a, b) => a!.mul(b!).add(a!), [[2, 3]], [0, 0]],
  ['one tensor twice, changed', (a, b) => (a!.mul_(2), a!.add(b!)), [[2, 3]], [0, 0]],
  ['one tensor twice beside another', (a, b, c) => (b!.add_(c!), a!.mul(c!)), [[2, 3], [3]], [0, 0, 1]],
  ['results that have no derivative', (a, b) => ({ y: a!.mul(b!), i: a!.argmax(0), stopped: stopGradient(a!).mul(2) }), [[2, 3], [3]]],
  ['a result that depends on no argument', (a) => [a!.sin(), tensor([1, 2])], [[2]]],
  ['numbers and nothing among the results', (a) => [a!.sin(), null, 3, undefined, 'x'], [[2]]],
  [
    'one result twice',
    (a) => {
      const y = a!.sin()
      return [y, y]
    },
    [[2]],
  ],
  ['an argument that is not used', (a, _b) => a!.sin(), [[2], [3]]],
]

describe.each([defaultPartition, minCutPartition])('%o', (partitioner) => {
  test.each(cases)('%s', (_name, f, shapes, repeat) => {
    const want = behaviour(f, shapes, repeat)
    const got = behaviour(aotFunction(f, { fwCompiler: asIs, partitionFn: partitioner }), shapes, repeat)
    expect(got).toEqual(want)
  })
})

describe('changes of arguments', () => {
  const f = (x: Tensor): Tensor => (x.mul_(2), x.sin())
  const compiled = aotFunction(f, { fwCompiler: asIs })

  test('are outputs of the forward graph, behind the results', () => {
    let seen: readonly [outputs: number, ops: readonly (string | undefined)[]] | undefined
    const spy: Partitioner = (joint) => {
      seen = [joint.outputs, joint.graph.outputs.slice(0, 2).map((n) => n.op?.name)]
      return defaultPartition(joint)
    }
    aotFunction(f, { fwCompiler: asIs, partitionFn: spy })(random(3))
    expect(seen).toEqual([2, ['sin', 'mul']])
  })
  test('show in views from outside', () => {
    const base = tensor([1, 2, 3, 4])
    compiled(base.at(tensor([0, 1], { dtype: 'int32' })))
    const part = base.narrow(0, 1, 2)
    compiled(part)
    expect(base.tolist()).toEqual([1, 4, 6, 4])
  })
  test('under vmap and jvp', () => {
    const g = (h: typeof f) => (x: Tensor) => {
      const y = x.add(1)
      return [h(y), y]
    }
    const x = random(3, 2)
    expect(text(vmap(g(compiled))(x))).toEqual(text(vmap(g(f))(x)))
    expect(text(jvp((t: Tensor) => g(compiled)(t)[1]!.sum(), [x], [x]))).toEqual(text(jvp((t: Tensor) => g(f)(t)[1]!.sum(), [x], [x])))
  })
  test('outside of transforms: backward goes through both graphs', () => {
    const h = (x: Tensor, y: Tensor): Tensor => (y.mul_(x), x.sin().mul(y))
    const grads = (g: typeof h): unknown[] => {
      const x = tensor([1, 2, 3], { requiresGrad: true })
      const y = tensor([1, 1, 2], { requiresGrad: true })
      const inner = y.mul(2)
      g(x, inner).add(inner).sum().backward()
      return [x.grad!.tolist(), y.grad!.tolist()]
    }
    // [cos(x)·2yx + 2y·sin(x) + 2y, 2x·sin(x) + 2x]
    const [dx, dy] = grads(aotFunction(h, { fwCompiler: asIs })) as [number[], number[]]
    expect(dx).toEqual([1, 2, 3].map((x, i) => expect.closeTo([2, 2, 4][i]! * (x * Math.cos(x) + Math.sin(x) + 1), 4) as number))
    expect(dy).toEqual([1, 2, 3].map((x) => expect.closeTo(2 * x * (Math.sin(x) + 1), 4) as number))
    expect(grads(h)).toEqual([dx, dy])
  })
  test('of leaves are refused where the function itself is', () => {
    const loss = (h: typeof f) => () => grad((x: Tensor) => h(x).sum())(random(2))
    const message = 'a leaf Variable that requires grad is being used in an in-place operation'
    expect(loss(f)).toThrow(message)
    expect(loss(compiled)).toThrow(message)
  })
  test('that are views of other arguments are refused', () => {
    const h = aotFunction((a: Tensor, b: Tensor) => a.add_(b), { fwCompiler: asIs })
    const x = random(2, 2)
    for (const other of [x.t(), x.detach()])
      expect(() => h(x, other)).toThrow(
        '[graph] aotFunction: expected an argument that is changed in place to be no view of another argument, got tensors 0 and 1 that share their elements',
      )
  })
  test('of shapes and of captured tensors are refused', () => {
    expect(() => aotFunction((x: Tensor) => x.unsqueeze_(0), { fwCompiler: asIs })(random(2))).toThrow(
      '[graph] aotFunction: expected in-place operations on arguments to keep their shape, got one of shape [2] made into [1, 2]. Return the result instead',
    )
    const w = random(2)
    expect(() => aotFunction((x: Tensor) => (w.add_(x), x.sin()), { fwCompiler: asIs })(random(2))).toThrow(
      'would mutate a captured Tensor',
    )
  })
  test('keep no more memory than the function itself', () => {
    const kept = (h: typeof f): number => {
      const x = random(64)
      const run = (): void => tidy(() => void h(x))
      run()
      const before = memory().live
      for (let i = 0; i < 4; i++) run()
      return memory().live - before
    }
    expect(kept(compiled)).toBe(kept(f))
  })
})

test('a tensor that comes twice is one input, and two that are equal are two', () => {
  const inputs: number[] = []
  const spy: GraphCompiler = (graph) => (inputs.push(graph.graph.placeholders.length), graph)
  const f = aotFunction((a: Tensor, b: Tensor) => matmul(a, b), { fwCompiler: spy })
  const x = random(2, 2)
  expect(exact(f(x, x))).toBe(exact(matmul(x, x)))
  expect(exact(f(x, x.clone()))).toBe(exact(matmul(x, x)))
  expect(exact(f(x, x))).toBe(exact(matmul(x, x)))
  expect(inputs).toEqual([1, 2])
})
