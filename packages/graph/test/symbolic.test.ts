import { grad, gradAndValue, hessian, jacfwd, jacrev, jvp, vjp } from '@mapgrad/func'
import {
  type GraphModule,
  eliminateCommonSubexpressions,
  eliminateDeadCode,
  foldConstants,
  graphFromJSON,
  makeFx,
  simplifyAlgebra,
} from '@mapgrad/graph'
import {
  type Tensor,
  arange,
  cat,
  cond,
  einsum,
  eye,
  full,
  gelu,
  key,
  linspace,
  manualSeed,
  matmul,
  memory,
  ones,
  pad,
  rand,
  randn,
  scan,
  slice,
  softmax,
  tensor,
  tree,
  where,
  whileLoop,
  zeros,
} from '@mapgrad/tensor'
import { vmap } from '@mapgrad/vmap'
import { describe, expect, test } from 'vitest'
import { Pasted } from './pasted.ts'
import { exact, random } from './support.ts'

// Programs traced at some sizes, run at sizes that were never traced, must equal the function itself bit for bit: as a
// graph, read back from JSON, pasted as TypeScript, and after all passes.

type F = (...xs: Tensor[]) => unknown
interface Program {
  readonly name: string
  readonly f: F
  /** shapes of the arguments: those traced, then others */
  readonly at: readonly (readonly number[])[]
  readonly also: readonly (readonly (readonly number[])[])[]
}
const program = (
  name: string,
  f: F,
  at: readonly (readonly number[])[],
  ...also: readonly (readonly (readonly number[])[])[]
): Program => ({
  name,
  f,
  at,
  also,
})

const captured = random(4, 2)
const loss = (x: Tensor): Tensor => softmax(x, 1).square().mean()
const attention = (x: Tensor): Tensor => {
  const [b, t, c] = x.shape as [number, number, number]
  const heads = 2
  const q = x.reshape(b, t, heads, c / heads).transpose(1, 2)
  const scores = q.matmul(q.transpose(-1, -2)).mul(1 / Math.sqrt(c / heads))
  const seen = ones(t, t).tril(0).gt(0)
  const y = where(seen, scores, -Infinity).softmax(-1).matmul(q)
  return y.transpose(1, 2).reshape(b, t, c)
}

const branch = (x: Tensor): Tensor =>
  cond(
    x.sum().gt(0),
    (y: Tensor) => y.sin().mul(x.shape[0]!),
    (y: Tensor) => y.mean(0).expand(y.shape[0]!, y.shape[1]!),
    [x],
  )
const sums = (x: Tensor): [Tensor, Tensor] => scan((c: Tensor, t: Tensor) => [c.add(t.sin()), c.mul(t)] as const, zeros(x.shape[1]!), x)
const doubled = (x: Tensor): readonly Tensor[] =>
  whileLoop(
    (y: Tensor) => y.abs().sum().lt(20),
    (y: Tensor) => [y.mul(2).add(y.mean())],
    [x],
    { maxIterations: 6 },
  )

const programs: readonly Program[] = [
  program('pointwise and a sum', (x) => x.sin().mul(2).sum(), [[3, 4]], [[5, 7]], [[1, 1]], [[0, 2]]),
  program('flatten', (x) => x.flatten(), [[3, 4, 5]], [[5, 7, 2]], [[1, 6, 1]]),
  program(
    'flatten a cube, and what four equal sizes make',
    (x) => [x.flatten(), x.unsqueeze(0).expand(x.shape[0]!, -1, -1, -1).reshape(-1)],
    [[3, 3, 3]],
    [[5, 5, 5]],
    [[1, 1, 1]],
  ),
  program('squares of products', (x) => x.reshape(-1, 1).mul(x.reshape(-1)).reshape(-1), [[3, 4]], [[5, 2]]),
  program(
    'three symbols, one squared',
    (x, y) => x.unsqueeze(0).expand(x.shape[0]!, -1, -1).mul(y.sum()).reshape(-1).add(y.shape[0]!),
    [[3, 4], [5]],
    [[5, 2], [7]],
  ),
  program('reshape with −1', (x) => x.reshape(-1, x.shape[0]!).t(), [[3, 4]], [[5, 7]]),
  program('reshape into pairs', (x) => x.reshape(-1, 2).sum(1), [[4, 3]], [[6, 7]], [[5, 2]]),
  program('mean over everything and an axis', (x) => [x.mean(), x.mean(1)], [[3, 4]], [[5, 7]]),
  program('var and std', (x) => [x.var(), x.std(0), x.var(1, { correction: 0 })], [[3, 4]], [[5, 7]], [[2, 9]]),
  program('softmax and logsumexp', (x) => [softmax(x, 1), x.logsumexp(0)], [[3, 4]], [[5, 7]]),
  program(
    'matmul',
    (x, y) => matmul(x, y),
    [
      [3, 4],
      [4, 5],
    ],
    [
      [5, 7],
      [7, 2],
    ],
    [
      [1, 3],
      [3, 1],
    ],
  ),
  program(
    'einsum',
    (x, y) => einsum('bij,bjk->bk', x, y),
    [
      [2, 3, 4],
      [2, 4, 5],
    ],
    [
      [3, 5, 2],
      [3, 2, 7],
    ],
  ),
  program(
    'cat',
    (x, y) => cat([x, y, x], 0),
    [
      [3, 4],
      [5, 4],
    ],
    [
      [5, 7],
      [2, 7],
    ],
  ),
  program(
    'slices with steps',
    (x) => [x.at(slice(1), slice(undefined, undefined, 2)), x.at(slice(0, -1, 3))],
    [[5, 4]],
    [[9, 7]],
    [[11, 6]],
  ),
  program('rows counted from the end', (x) => [x.at(-1), x.at(0)], [[5, 4]], [[9, 7]]),
  program('chunks', (x) => x.chunk(2), [[5, 4]], [[9, 7]], [[6, 7]]),
  program('split in two', (x) => x.split([2, x.shape[0]! - 2]), [[5, 4]], [[9, 7]], [[3, 1]]),
  program('pad, flip, roll, cumsum', (x) => pad(x, [1, 2]).flip(0).roll(1, 1).cumsum(0), [[3, 4]], [[5, 7]]),
  program('sort and topk', (x) => [x.sort(1), x.topk(2, 0)], [[3, 4]], [[5, 7]]),
  program('tile', (x) => x.repeat(2, 3), [[3, 4]], [[5, 7]]),
  program('expand to sizes of another', (x, y) => x.expand(y.shape[0]!, x.shape[0]!).add(y), [[4], [3, 1]], [[7], [5, 1]]),
  program(
    'broadcast',
    (x, y) => x.add(y),
    [
      [3, 1, 4],
      [5, 1],
    ],
    [
      [5, 1, 7],
      [2, 1],
    ],
  ),
  program('outer product', (x, y) => x.unsqueeze(1).mul(y), [[3], [4]], [[5], [2]]),
  program('zeros, ones and full', (x) => zeros(x.shape[0]!, 1).add(ones(x.shape[1]!)).mul(full([], x.shape[0]!)), [[3, 4]], [[5, 7]]),
  program(
    'arange',
    (x) =>
      x
        .mul(arange(x.shape[1]!))
        .add(arange(1, x.shape[1]! + 1))
        .add(arange(0, x.shape[1]! / 2, 0.5)),
    [[3, 4]],
    [[5, 7]],
  ),
  program(
    'arange whose start is zero at one size only',
    (x) => x.add(arange(x.shape[0]! - 3, 2 * x.shape[0]! - 3)).add(linspace(x.shape[0]! - 4, 1, x.shape[0]!)),
    [[4]],
    [[3]],
    [[9]],
  ),
  program('linspace', (x) => linspace(0, 1, x.shape[0]!).add(linspace(-1, 0.3, x.shape[0]!)), [[3]], [[8]], [[17]]),
  program('eye', (x) => x.add(eye(x.shape[0]!, x.shape[1]!)).matmul(eye(x.shape[1]!)), [[3, 4]], [[5, 7]], [[7, 2]]),
  program(
    'numbers among the results',
    (x) => ({ n: x.numel(), rows: x.shape[0], y: x.sin(), half: [x.shape[1]! / 2, 1] }),
    [[3, 4]],
    [[5, 7]],
  ),
  program(
    'a size as a power, a root, a logarithm',
    (x) =>
      x
        .mul(x.shape[0]! ** 2)
        .div(Math.sqrt(x.numel()))
        .add(Math.log(x.shape[1]!)),
    [[3, 4]],
    [[5, 7]],
  ),
  program('a size clamped', (x) => x.narrow(0, 0, Math.min(x.shape[0]!, 7)), [[3, 4]], [[5, 7]], [[20, 1]]),
  program('the smaller of two sizes', (x) => x.diagonal().mul(Math.min(...x.shape)), [[3, 4]], [[9, 5]], [[5, 9]]),
  program('captured tensors', (x) => matmul(x, captured).add(captured.sum(0)), [[3, 4]], [[5, 4]], [[1, 4]]),
  program('attention', (x) => attention(x), [[3, 5, 8]], [[2, 7, 6]], [[1, 2, 4]]),
  program('random draws', (x) => x.mul(rand(x.shape[0]!, 1)).add(randn(x.shape)), [[3, 4]], [[5, 7]]),
  program('draws from a key', (x) => rand(x.shape, { key: key(3) }).add(x), [[3, 4]], [[5, 7]]),
  program('integers and 64 bits', (x) => [x.sum(0, { dtype: 'float64' }), x.argmax(1), x.gt(0).sum()], [[3, 4]], [[5, 7]]),
  program('grad of a mean', grad((x: Tensor) => x.sin().mean()) as F, [[3, 4]], [[5, 7]]),
  program('grad of softmax', grad(loss) as F, [[3, 4]], [[5, 7]]),
  program('grad of attention', grad((x: Tensor) => attention(x).square().sum()) as F, [[3, 5, 8]], [[2, 7, 6]]),
  program(
    'grad and value of a product',
    gradAndValue((x: Tensor, y: Tensor) => gelu(matmul(x, y)).sum(), [0, 1]) as F,
    [
      [3, 4],
      [4, 5],
    ],
    [
      [5, 7],
      [7, 2],
    ],
  ),
  program('vjp and jvp', (x) => [vjp((t: Tensor) => t.var(1), [x])[1](x.sum(1)), jvp(loss, [x], [x])], [[3, 4]], [[5, 7]]),
  program('vmap', vmap((x: Tensor) => x.sub(x.mean()).div(x.std())) as F, [[3, 4]], [[5, 7]]),
  program('vmap of grad', vmap(grad((x: Tensor) => x.var().log())) as F, [[3, 4]], [[5, 7]]),
  program(
    'vmap over two arguments',
    vmap(matmul, [null, 0]) as F,
    [
      [3, 4],
      [2, 4, 5],
    ],
    [
      [5, 7],
      [3, 7, 2],
    ],
  ),
  program('jacrev', jacrev((x: Tensor) => x.sin().matmul(x.t())) as F, [[2, 3]], [[3, 2]], [[4, 5]]),
  program('jacfwd', jacfwd((x: Tensor) => x.sin().sum(0)) as F, [[2, 3]], [[3, 2]], [[4, 5]]),
  program('hessian', hessian((x: Tensor) => x.sin().sum().square()) as F, [[3]], [[5]]),
  program('a branch', branch, [[3, 4]], [[5, 7]], [[1, 2]]),
  program('grad of a branch', grad((x: Tensor) => branch(x).square().sum()) as F, [[3, 4]], [[5, 7]]),
  program('a scan over rows', (x) => sums(x), [[3, 4]], [[5, 7]], [[1, 2]], [[40, 1]]),
  program('grad of a scan', grad((x: Tensor) => sums(x)[0].square().sum()) as F, [[3, 4]], [[5, 7]]),
  program('vmap of a scan', vmap((x: Tensor) => sums(x)[1]) as F, [[2, 3, 4]], [[3, 5, 2]]),
  program('a loop', (x) => doubled(x), [[3, 4]], [[5, 7]]),
  program(
    'a loop in a scan',
    (x) => scan((c: Tensor, t: Tensor) => [c.add(doubled(t)[0]!), t] as const, zeros(x.shape[1]!), x),
    [[3, 4]],
    [[5, 2]],
  ),
]

const code = new Pasted('symbolic')
const text = (y: unknown): unknown => tree.leaves(y).map((t) => (typeof t === 'number' ? t : exact(t as Tensor)))

describe('one graph for all sizes', () => {
  test.each(programs.map((p) => [p.name, p] as const))('%s', async (_name, { f, at, also }) => {
    const g = makeFx(f, { tracingMode: 'symbolic' })(...at.map((s) => random(...s))) as GraphModule<Tensor[]>
    g.graph.lint()
    expect(g.graph.placeholders.some((p) => p.aval.dims)).toBe(true)
    const forward = await code.paste<F>(g.code)
    const optimised = g.transform(eliminateCommonSubexpressions, foldConstants, simplifyAlgebra, eliminateDeadCode)
    optimised.graph.lint()
    const versions: readonly [string, F][] = [
      ['graph', g],
      ['JSON', graphFromJSON(JSON.stringify(g)) as F],
      ['code', forward],
      ['passes', optimised],
    ]
    for (const shapes of [at, ...also]) {
      const xs = shapes.map((s) => random(...s))
      manualSeed(5)
      const want = text(f(...xs))
      for (const [kind, version] of versions) {
        manualSeed(5)
        expect([kind, shapes, text(version(...xs))]).toEqual([kind, shapes, want])
      }
    }
  })

  test('trees, names and arguments that change', () => {
    const f = ({ w, b }: { w: Tensor; b: Tensor }, x: Tensor): { y: Tensor } => {
      b.add_(x.sum(0).sum())
      return { y: matmul(x, w).add(b) }
    }
    const g = makeFx(f, { tracingMode: 'symbolic' })({ w: random(3, 4), b: random(4) }, random(5, 3))
    const make = (n: number, m: number, k: number): Parameters<typeof f> => [
      { w: tensor(Array.from({ length: n }, (_, i) => Array.from({ length: m }, (_v, j) => i - j))), b: ones(m) },
      full([k, n], 0.5),
    ]
    const [a, b] = [make(2, 6, 3), make(2, 6, 3)]
    expect(exact(g(...a).y)).toBe(exact(f(...b).y))
    expect(exact(a[0].b)).toBe(exact(b[0].b))
  })
  test('a graph of symbols under transforms, and traced again', () => {
    const f = (x: Tensor): Tensor => x.sub(x.mean()).square().sum()
    const g = makeFx(f, { tracingMode: 'symbolic' })(random(3, 4))
    const x = random(2, 5, 6)
    expect(exact(vmap(g)(x))).toBe(exact(vmap(f)(x)))
    expect(exact(grad(g)(x.at(0)))).toBe(exact(grad(f)(x.at(0))))
    const again = makeFx(g, { tracingMode: 'symbolic' })(random(5, 2))
    expect(exact(again(x.at(1)))).toBe(exact(f(x.at(1))))
    const small = makeFx(g)(random(2, 2))
    expect(small.graph.placeholders[0]!.aval.dims).toBe(undefined)
  })
  test('what transforms made at other sizes is freed, what the graph needs is not', () => {
    const f = jacrev((x: Tensor) => x.sin().matmul(x.t()))
    makeFx(f, { tracingMode: 'symbolic' })(random(3, 4))
    const x = random(3, 4)
    const before = memory().live
    makeFx(f, { tracingMode: 'symbolic' })(x)
    // the identity over 37 × 37 components would be 7 MB
    expect(memory().live).toBe(before)
    const fixed = makeFx((y: Tensor) => y.add(tensor([1, 2, 3])).add(random(3)), { tracingMode: 'symbolic' })(random(3))
    expect(fixed.graph.placeholders[0]!.aval.dims).toBe(undefined)
    expect(fixed(random(3)).shape).toEqual([3])
  })
  test('draws follow the generator as without a graph, and tracing moves none', () => {
    manualSeed(9)
    const want = rand(2).tolist()
    manualSeed(9)
    makeFx((x: Tensor) => x.add(rand(x.shape)), { tracingMode: 'symbolic' })(random(3, 4))
    expect(rand(2).tolist()).toEqual(want)
  })
})
