// Beside upstream, where a batch of nothing fails with every operator that has no batching rule: each family of operators over no examples,
// over examples with nothing in them, and over one example. Expected shapes are those of one example with a zero in front.
// Every sample of every operator over none and over one is a property of the conformance suite as well.
import {
  type Tensor,
  add,
  associativeScan,
  cat,
  cond,
  crossEntropy,
  einsum,
  embedding,
  gather,
  grad,
  hessian,
  indexAdd,
  isTensor,
  jacfwd,
  jacrev,
  jvp,
  linearize,
  logSoftmax,
  map,
  matmul,
  mul,
  oneHot,
  ones,
  pad,
  rand,
  repeatInterleave,
  scan,
  scatterAdd,
  sin,
  slice,
  sort,
  stack,
  sum,
  tensor,
  tree,
  vjp,
  vmap,
  where,
  whileLoop,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { expectClose, loop, random } from './harness.ts'

type Family = readonly [name: string, f: (x: Tensor) => unknown]
const index = tensor([2, 0, 1], { dtype: 'int32' })
const families: readonly Family[] = [
  ['pointwise', (x) => sin(mul(x, 2)).add(1)],
  ['with broadcasting', (x) => add(x, ones(2, 1, 3))],
  ['comparison and where', (x) => where(x.gt(0), x, 0)],
  ['conversions', (x) => x.float().int()],
  ['a sum of all', (x) => sum(x)],
  ['reductions of an axis', (x) => [x.sum(0), x.mean(-1, true), x.max(0), x.amax(1), x.argmax(0), x.logsumexp(0), x.std(1)]],
  ['softmax', (x) => logSoftmax(x, -1)],
  ['scans', (x) => [x.cumsum(0), x.cumprod(1), x.cummax(0)]],
  ['sorting', (x) => [sort(x, 0), x.topk(1, -1), x.median(0), x.argsort(1)]],
  [
    'products',
    (x) => [matmul(x, x.t()), matmul(ones(4, 2, { dtype: 'float64' }), x), x.select(0, 0).dot(x.select(0, 1)), einsum('ij,kj->ik', x, x)],
  ],
  [
    'views',
    (x) => [x.t(), x.at(0), x.at(slice(), 1), x.reshape(-1), x.unsqueeze(1), x.diagonal(), x.unfold(1, 2, 1), x.expand(5, 2, 3), x.flip(0)],
  ],
  ['pieces', (x) => [x.split(2, 1), x.unbind(0), x.chunk(2, 1)]],
  ['joins', (x) => [cat([x, x], 1), stack([x, x.mul(2)], -1)]],
  ['padding and repeating', (x) => [pad(x, [1, 2]), x.repeat(2, 1), repeatInterleave(x, 2, 1), x.roll(1, 0)]],
  [
    'gathers',
    (x) => [
      gather(x, 1, index.expand(2, 3)),
      x.indexSelect(1, index),
      x.take(index),
      x.at(slice(), index),
      embedding(index.narrow(0, 1, 2), x),
    ],
  ],
  ['scatters', (x) => [scatterAdd(x, 1, index.expand(2, 3), x), indexAdd(x, 1, index, x), x.maskedFill(x.gt(0), 1)]],
  ['triangles', (x) => [x.tril(), x.triu(1), x.diagEmbed(), x.trace()]],
  ['classes', (x) => [oneHot(x.gt(0).int(), 3), crossEntropy(x, index.narrow(0, 0, 2))]],
  ['in place', (x) => [x.clone().mul_(2), x.newZeros(2, 3).copy_(x), x.clone().fill_(1)]],
  ['gradients', (x) => [grad((y: Tensor) => sin(y).sum())(x), jvp(sin, [x], [x]), vjp(sin, [x])[1](x), linearize(sin, [x])[1](x)]],
  ['Jacobians', (x) => [jacrev(sin)(x), jacfwd(sin)(x), hessian((y: Tensor) => sin(y).sum())(x)]],
  ['maps inside', (x) => [vmap(sin)(x), vmap((r: Tensor) => r.sum(), 1)(x), vmap(sin, { chunkSize: 1 })(x)]],
  [
    'control flow',
    (x) => [
      cond(
        x.sum().gt(0),
        (y: Tensor) => sin(y),
        (y: Tensor) => y.mul(2),
        [x],
      ),
      whileLoop(
        (y: Tensor) => y.sum().lt(-10),
        (y: Tensor) => [y.add(1)],
        [x],
      ),
      scan((c: Tensor, r: Tensor) => [c.add(r), c.mul(r)], x.at(0).mul(1), x),
      map((r: Tensor) => sin(r), x),
      associativeScan((a: Tensor, b: Tensor) => a.add(b), x, 0),
    ],
  ],
]

const shapes = (out: unknown): unknown[] => tree.leaves(out).map((y) => (isTensor(y) ? [y.dtype, y.shape] : y))

describe.each(families)('%s', (_, f) => {
  const one = shapes(f(random(2, 3))) as [string, number[]][]
  test('over no examples', () => {
    for (const inDim of [0, 1, 2, -1]) {
      const x = random(...[0, 1, 2].map((d) => (d === (inDim + 3) % 3 ? 0 : [2, 3][d > (inDim + 3) % 3 ? d - 1 : d]!)))
      expect(shapes(vmap(f, inDim)(x))).toEqual(one.map(([dtype, shape]) => [dtype, [0, ...shape]]))
      expect(shapes(vmap(f, inDim, -1)(x))).toEqual(one.map(([dtype, shape]) => [dtype, [...shape, 0]]))
    }
  })
  test('over no examples of no examples, some of none, none of some', () => {
    for (const [outer, inner] of [
      [0, 0],
      [2, 0],
      [0, 2],
    ] as const)
      expect(shapes(vmap(vmap(f))(random(outer, inner, 2, 3)))).toEqual(one.map(([dtype, shape]) => [dtype, [outer, inner, ...shape]]))
  })
  test('over one', () => {
    const x = random(2, 1, 3)
    expectClose(vmap(f, 1)(x), loop(f as never, 1, 0, 1, x))
  })
})

test('examples with nothing in them', () => {
  const x = random(4, 0, 3)
  const f = (v: Tensor): unknown => [
    sin(v),
    v.sum(),
    v.sum(0),
    v.sum(1),
    matmul(v.t(), v),
    matmul(v, v.t()),
    v.cumsum(0),
    v.reshape(0),
    cat([v, v]),
    v.t(),
    grad((y: Tensor) => sin(y).sum())(v),
  ]
  expectClose(vmap(f)(x), loop(f as never, 0, 0, 4, x))
  expectClose(vmap(f, 1)(random(0, 4, 3)), loop(f as never, 1, 0, 4, random(0, 4, 3)))
  expect(() => vmap((v: Tensor) => v.max())(x)).toThrow('Expected reduction dim to be specified')
})
test('draws for no examples', () => {
  for (const randomness of ['different', 'same'] as const)
    expect(vmap((v: Tensor) => v.add(rand(3)), { randomness })(random(0, 3)).shape).toEqual([0, 3])
})
