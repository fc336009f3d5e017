// After TestPythonKey of upstream's test_aotdispatch: makeFx sees through every transform. Golden op sequences are our own.
// Left out: NNC and TorchScript compilers (Python), a resnet's backward trace (needs modules and convolutions), traces of
// every operator (packages/graph/test/every-op.test.ts does it, derivatives included), devices of scalars on a GPU.
import {
  type Graph,
  type Tensor,
  abs,
  add,
  erf,
  functionalize,
  gelu,
  grad,
  gradAndValue,
  hardsigmoid,
  hessian,
  jacfwd,
  jacrev,
  jvp,
  linearize,
  makeFx,
  matmul,
  mul,
  rand,
  softmax,
  tanh,
  tensor,
  vjp,
  vmap,
} from '@mapgrad/func'
import * as ops from '@mapgrad/tensor/ops'
import { describe, expect, test } from 'vitest'

let state = 41
const uniform = (): number => ((state = (state * 16807) % 2147483647) / 2147483647) * 2 - 1
const random = (...shape: number[]): Tensor =>
  tensor(Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, uniform)).reshape(shape)
const exact = (x: Tensor): string => `${x.dtype}[${x.shape}] ${Array.from(x.dataSync() as Float32Array).join()}`
const opsOf = (graph: Graph): string => graph.nodes.flatMap((n) => (n.kind === 'call' ? [n.name] : [])).join(' ')

/** The ops of a trace, the same in each mode; it must compute the same at other numbers, and at other sizes. */
function golden(f: (...xs: Tensor[]) => Tensor, shapes: readonly (readonly number[])[]): string {
  const traces = (['real', 'fake'] as const).map((tracingMode) => {
    const g = makeFx(f, { tracingMode })(...shapes.map((s) => random(...s)))
    const xs = shapes.map((s) => random(...s))
    expect(exact(g(...xs))).toBe(exact(f(...xs)))
    return opsOf(g.graph.lint())
  })
  expect(traces[0]).toBe(traces[1])
  const g = makeFx(f, { tracingMode: 'symbolic' })(...shapes.map((s) => random(...s)))
  const other = new Map([...new Set(shapes.flat())].map((s, i) => [s, s < 2 ? s : s + 2 + i]))
  const xs = shapes.map((s) => random(...s.map((k) => other.get(k)!)))
  expect(exact(g(...xs))).toBe(exact(f(...xs)))
  return traces[0]!
}

const loss = (x: Tensor): Tensor => x.sin().sum()

describe('golden traces', () => {
  const goldens: readonly [string, (...xs: Tensor[]) => Tensor, readonly (readonly number[])[], string][] = [
    ['a function', (x) => x!.sin().cos(), [[5]], 'sin cos'],
    ['grad', grad(loss) as never, [[3]], 'sin sum cos mul'],
    ['grad of grad', grad((x: Tensor) => grad(loss)(x).sum()) as never, [[3]], 'sin sum cos mul sum_1 sin_1 neg mul_1'],
    [
      'grad of a product',
      grad((x: Tensor, w: Tensor) => matmul(x, w).tanh().sum(), 1) as never,
      [
        [4, 3],
        [3, 5],
      ],
      'matmul tanh sum mul sub mul_1 permute matmul_1',
    ],
    [
      'both cotangents of vjp',
      (x, y) => {
        const [, pull] = vjp((a: Tensor, b: Tensor) => a.mul(b).sin(), [x!, y!])
        const [dx, dy] = pull(x!)
        return dx!.add(dy!)
      },
      [
        [3, 2],
        [3, 2],
      ],
      'mul sin cos mul_1 mul_2 mul_3 add',
    ],
    ['jvp', (x) => jvp((t: Tensor) => t.sin().mul(t), [x!], [x!])[1], [[4]], 'sin cos mul mul_1 mul_2 mul_3 add'],
    [
      'vmap of a product, the left operand mapped',
      vmap(matmul, [0, null]) as never,
      [
        [2, 3, 3],
        [3, 3],
      ],
      'matmul',
    ],
    [
      'vmap of a product, the right one',
      vmap(matmul, [null, 0]) as never,
      [
        [3, 3],
        [2, 3, 3],
      ],
      'matmul',
    ],
    [
      'vmap of a product, both',
      vmap(matmul) as never,
      [
        [2, 3, 4],
        [2, 4, 5],
      ],
      'matmul',
    ],
    ['vmap of grad: as many ops as grad', vmap(grad(loss)) as never, [[2, 3]], 'sin sum cos mul'],
    ['jacrev', jacrev((x: Tensor) => x.sin()) as never, [[3]], 'sin cos mul reshape'],
  ]
  test.each(goldens)('%s', (_name, f, shapes, want) => {
    expect(golden(f, shapes)).toBe(want)
  })
  test('jacfwd', () => expect(opsOf(makeFx(jacfwd((x: Tensor) => x.sin()))(random(3)).graph)).toMatch(/^sin cos mul/))
  test('gelu, whole and decomposed', () => {
    expect(opsOf(makeFx(gelu)(random(3)).graph)).toBe('gelu')
    const table = new Map([[ops.gelu, ([x]: readonly Tensor[]): Tensor => mul(mul(x!, 0.5), add(erf(mul(x!, Math.SQRT1_2)), 1))]])
    const g = makeFx(gelu, { decompositionTable: table })(random(3))
    expect(opsOf(g.graph)).toBe('mul mul_1 erf add mul_2')
    const x = random(3)
    expect(Math.max(...(g(x).sub(gelu(x)).abs().tolist() as number[]))).toBeLessThan(1e-6)
  })
  test('nothing is left out and nothing is shared: passes are asked for', () => {
    expect(opsOf(makeFx((x: Tensor) => [x.cos(), x.sin()][1]!.add(x.cos()).add(x.cos()))(random(2)).graph)).toBe(
      'cos sin cos_1 add cos_2 add_1',
    )
  })
})

describe('each transform is seen through', () => {
  const cases: readonly [name: string, f: (...xs: Tensor[]) => unknown, shapes: readonly (readonly number[])[]][] = [
    ['grad of a scalar tensor with another', grad((x: Tensor, y: Tensor) => x.mul(y).add(2).sum()) as never, [[], [3]]],
    ['vmap over a scalar each', vmap((x: Tensor) => x.sin()) as never, [[4]]],
    [
      'vmap of vmap',
      vmap(
        vmap((x: Tensor, y: Tensor) => x.mul(y), [0, null]),
        [null, 0],
      ) as never,
      [[3], [2]],
    ],
    ['jacrev of jacrev', jacrev(jacrev(loss)) as never, [[3]]],
    ['hessian', hessian((x: Tensor) => x.sin().sum()) as never, [[4]]],
    ['gradAndValue', gradAndValue((x: Tensor) => softmax(x, 0).square().sum()) as never, [[4]]],
    ['vjp with several outputs', (x) => vjp((t: Tensor) => [t.sin(), t.cos()], [x!])[1]([x!, x!]), [[3]]],
    ['linearize', (x) => linearize(tanh, [x!])[1](x!), [[3]]],
    [
      'a function that is changed in place',
      functionalize((x: Tensor) => {
        const y = x.mul(2)
        y.relu_()
        return y
      }) as never,
      [[3]],
    ],
    ['indexing', (x) => [x!.at(0), x!.at(null, 1)], [[3, 2]]],
    ['kinks', grad((x: Tensor) => hardsigmoid(abs(x)).sum()) as never, [[5]]],
  ]
  test.each(cases)('%s', (_name, f, shapes) => {
    const g = makeFx(f)(...shapes.map((s) => random(...s)))
    expect(g.graph.nodes.some((n) => n.op?.name.endsWith('_'))).toBe(false)
    const xs = shapes.map((s) => random(...s))
    const text = (y: unknown): string[] => ([y].flat(3) as Tensor[]).map(exact)
    expect(text(g(...xs))).toEqual(text(f(...xs)))
  })
  test('the other way round: a graph in each transform, and a graph of a graph', () => {
    const x = random(3)
    const g = makeFx(loss)(x)
    expect(exact(grad(g)(x))).toBe(exact(x.cos()))
    expect(exact(jacrev(g)(x))).toBe(exact(x.cos()))
    expect(exact(vmap(g)(x.expand(2, 3)))).toBe(exact(vmap(loss)(x.expand(2, 3))))
    expect(makeFx(g)(x).graph.equals(g.graph)).toBe(true)
    const traced = (y: Tensor): Tensor => makeFx((t: Tensor) => t.mul(2).add(y))(y)(y)
    expect(exact(makeFx(traced)(x)(x))).toBe(exact(x.mul(3)))
  })
  test('decompositions reach what derivatives make', () => {
    const table = new Map([
      [
        ops.tanh,
        ([x]: readonly Tensor[]): Tensor => {
          const e = x!.mul(2).exp()
          return e.sub(1).div(e.add(1))
        },
      ],
    ])
    const names = opsOf(
      makeFx(
        grad((x: Tensor) => tanh(x).sum()),
        { decompositionTable: table },
      )(random(2)).graph,
    )
    expect(names).toContain('exp')
    expect(names).not.toContain('tanh')
  })
  test('a draw is an op, not a constant', () => {
    const g = makeFx((x: Tensor) => x.add(rand(3)))(random(3))
    const x = random(3)
    expect(exact(g(x))).not.toBe(exact(g(x)))
  })
})
