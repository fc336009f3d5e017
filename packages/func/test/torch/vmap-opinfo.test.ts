// Port of TestVmapOperatorsOpInfo (test_vmap.py), its hand-written cases but those of indexing (vmap-opinfo-indexing.test.ts).
// The exhaustive cases over PyTorch's samples, and "has a batching rule", are columns of the conformance suite in @mapgrad/backend-testkit.
// Left out: linalg (svd, eigh, slogdet, lu, multi_dot of one-dimensional input), group_norm, batch_norm, conv_double_backward
// (not in this version); torch.return_types in in_dims (ours are arrays).
import {
  type Tensor,
  abs,
  add,
  aminmax,
  arange,
  bucketize,
  chunk,
  cummax,
  emptyLike,
  flatten,
  fullLike,
  grad,
  isfinite,
  isinf,
  isnan,
  isneginf,
  isposinf,
  kthvalue,
  max,
  median,
  min,
  mode,
  mul,
  ones,
  onesLike,
  searchsorted,
  sort,
  split,
  stdMean,
  sum,
  tensor,
  topk,
  tree,
  unbind,
  varMean,
  vmap,
  zeros,
  zerosLike,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { type F, checkVmap, expectClose, loop, raised, random } from './harness.ts'

const f64 = (data: Parameters<typeof tensor>[0]): Tensor => tensor(data, { dtype: 'float64' })

describe('fill_ with a tensor', () => {
  test('self and value mapped in front, last, or shared', () => {
    const [x, v] = [random(3, 4, 2), random(3)]
    const f = (a: Tensor, b: Tensor): Tensor => a.clone().fill_(b)
    expectClose(vmap(f)(x, v), loop(f as F, 0, 0, 3, x, v))
    expectClose(vmap(f, [-1, 0])(x.movedim(0, -1), v), loop(f as F, 0, 0, 3, x, v))
    expectClose(vmap(f, [0, null])(x, f64(7)), loop(f as F, [0, null], 0, 3, x, f64(7)))
    // the caller's tensor is the one that is filled
    const mine = x.clone()
    vmap((a: Tensor, b: Tensor) => a.fill_(b))(mine, v)
    expectClose(mine, v.reshape([3, 1, 1]).expand(3, 4, 2))
  })
  test('a value of each example does not fit a tensor they share', () => {
    const x = random(4)
    expect(() => vmap((b: Tensor) => x.fill_(b))(random(3))).toThrow(/is not possible because there exists a Tensor `other` in extra_args/)
  })
  test('a value with axes is refused in PyTorch’s words', () => {
    expect(() => vmap((a: Tensor, b: Tensor) => a.clone().fill_(b))(random(3, 2), random(3, 2))).toThrow(
      /fill_ only supports 0-dimension value tensor but got tensor with 1 dimensions/,
    )
  })
})

describe('tests of each element', () => {
  const x = f64([
    [0, -0, 1e308, NaN],
    [Infinity, -Infinity, -1, NaN],
    [5e-324, 2, -Infinity, Infinity],
  ])
  test.each([isnan, isinf, isposinf, isneginf, isfinite].map((f) => [f.name || String(f.length), f] as const))('%s', (_, f) => {
    for (const dim of [0, 1]) {
      const got = vmap((y: Tensor) => f(y), dim)(x)
      expect([got.dtype, got.tolist()]).toEqual(['bool', dim === 0 ? f(x).tolist() : f(x).t().tolist()])
    }
    expect(vmap((y: Tensor) => f(y))(tensor([1, 2], { dtype: 'int32' })).dtype).toBe('bool')
  })
})

test('sum of an example without axes, along dim 0 or −1, kept or not', () => {
  const x = random(5)
  const sums = [
    (y: Tensor) => sum(y),
    (y: Tensor) => sum(y, 0),
    (y: Tensor) => sum(y, -1),
    (y: Tensor) => sum(y, 0, true),
    (y: Tensor) => sum(y, [0]),
    (y: Tensor) => sum(y, []),
  ]
  for (const f of sums) expectClose(vmap(f)(x), x)
  expect(vmap((y: Tensor) => sum(y, 0, { dtype: 'float32' }))(x).dtype).toBe('float32')
  expect(vmap((y: Tensor) => sum(y))(x.gt(0)).dtype).toBe('int32')
  expect(() => vmap((y: Tensor) => sum(y, 1))(x)).toThrow(/[Dd]imension out of range/)
})

test('tensors like an example are of its shape, along any outDim, with the dtype asked for', () => {
  const x = random(2, 3, 5)
  const likes: readonly ((y: Tensor) => Tensor)[] = [zerosLike, onesLike, (y) => fullLike(y, 7), (y) => emptyLike(y).fill_(2)]
  for (const f of likes)
    for (const [inDim, outDim] of [
      [0, 0],
      [1, 2],
      [2, -2],
    ] as const) {
      const got = vmap(f, inDim, outDim)(x)
      const want = f(x.movedim(inDim, outDim))
      expectClose(got, want)
    }
  expect(vmap((y: Tensor) => onesLike(y, { dtype: 'int32' }))(x).dtype).toBe('int32')
  // they can be written with values of each example
  expectClose(vmap((y: Tensor) => zerosLike(y).add_(y))(x), x)
})

test('flatten counts the axes of one example', () => {
  const x = random(2, 3, 4, 5)
  for (const [start, end] of [
    [0, -1],
    [0, 1],
    [1, 2],
    [-2, -1],
    [1, 1],
  ] as const)
    checkVmap(((y: Tensor) => flatten(y, start, end)) as F, [x])
  expectClose(vmap((y: Tensor) => flatten(y))(random(4)).shape, [4, 1])
})

describe('operations with several results give arrays with their names, from vmap too', () => {
  const x = random(3, 4, 5)
  const pairs: readonly (readonly [string, (y: Tensor) => readonly Tensor[], readonly string[]])[] = [
    ['max', (y) => max(y, 0) as readonly Tensor[], ['values', 'indices']],
    ['min', (y) => min(y, -1, true) as readonly Tensor[], ['values', 'indices']],
    ['sort', (y) => sort(y, 0, true), ['values', 'indices']],
    ['topk', (y) => topk(y, 2, -1), ['values', 'indices']],
    ['kthvalue', (y) => kthvalue(y, 2, 0), ['values', 'indices']],
    ['median', (y) => median(y, 0) as readonly Tensor[], ['values', 'indices']],
    ['mode', (y) => mode(y.round(), 0), ['values', 'indices']],
    ['cummax', (y) => cummax(y, 0), ['values', 'indices']],
    ['aminmax', (y) => aminmax(y, { dim: 0 }), ['min', 'max']],
  ]
  test.each(pairs)('%s', (_, f, names) => {
    const got = vmap(f)(x)
    expectClose([...got], [...loop(f as F<readonly Tensor[]>, 0, 0, 3, x)])
    const named = got as unknown as Record<string, Tensor>
    names.forEach((name, i) => expect(named[name]).toBe(got[i]))
    // an outDim for each
    const [a, b] = vmap(f, 0, [0, -1])(x) as readonly [Tensor, Tensor]
    expectClose([a, b.movedim(-1, 0)], [...got])
  })
  test('results without names: stdMean, varMean, split, chunk, unbind', () => {
    const many: readonly ((y: Tensor) => readonly Tensor[])[] = [
      (y) => stdMean(y, 0),
      (y) => varMean(y),
      (y) => split(y, 3, 1),
      (y) => chunk(y, 2, -1),
      (y) => unbind(y, 0),
    ]
    for (const f of many) checkVmap(((y: Tensor) => [...f(y)]) as F, [x])
  })
  test('the user’s own objects and Maps come back as what they were', () => {
    const f = (y: Tensor): { low: Tensor; rest: Map<string, Tensor> } => ({ low: y.sum(), rest: new Map([['twice', y.mul(2)]]) })
    const got = vmap(f)(x)
    expectClose(got.low, x.sum([1, 2]))
    expect(got.rest).toBeInstanceOf(Map)
    expectClose(got.rest.get('twice')!, x.mul(2))
  })
})

describe('in place on views', () => {
  const base = random(3, 4, 5)
  const programs: readonly (readonly [string, (y: Tensor) => Tensor])[] = [
    ['a row', (y) => (y.select(0, 1).mul_(3), y)],
    ['a transposed block', (y) => (y.t().narrow(0, 1, 2).add_(1), y)],
    ['a diagonal', (y) => (y.diagonal().zero_(), y)],
    ['a view of a view', (y) => (y.view(2, 2, 5).select(1, 0).narrow(-1, 0, 3).neg_(), y)],
    [
      'a view read afterwards',
      (y) => {
        const row = y.select(0, 2)
        y.mul_(2)
        return row.add(y.select(0, 0))
      },
    ],
    ['an unsqueezed whole', (y) => (y.unsqueeze(0).copy_(y.mul(-1).unsqueeze(0)), y)],
  ]
  test.each(programs)('%s: as in a loop, and as gradients', (_, f) => {
    const g = (y: Tensor): Tensor => f(y.clone())
    for (const dim of [0, -1]) expectClose(vmap(g, dim)(dim === 0 ? base : base.movedim(0, -1)), loop(g as F, 0, 0, 3, base))
    const loss = (y: Tensor): Tensor => g(y.mul(1)).mul(2).square().sum()
    expectClose(vmap(grad(loss))(base), loop(grad(loss) as F, 0, 0, 3, base))
    // written through the caller's own tensor
    const mine = base.clone()
    const out = vmap(f)(mine)
    const [rows, want] = [[...base.clone()], [] as Tensor[]]
    for (const row of rows) want.push(f(row))
    expectClose([...out], want)
    expectClose([...mine], rows)
  })
})

describe('a value that escaped from vmap', () => {
  let escaped: Tensor
  const escape = (): void => {
    vmap((y: Tensor) => {
      escaped = y
      return y
    })(random(3, 4))
  }
  const sites: readonly (readonly [string, () => unknown])[] = [
    ['a function of one tensor', () => abs(escaped)],
    ['a method', () => escaped.sin()],
    ['the second operand', () => add(ones(4), escaped)],
    ['a list of tensors', () => tree.map((t: Tensor) => t.mul(2), [escaped])],
    ['several results', () => max(escaped, 0)],
    ['in place', () => escaped.add_(1)],
    ['written into another tensor', () => zeros(4).copy_(escaped)],
    ['inside of another vmap', () => vmap((y: Tensor) => y.add(escaped))(random(2, 4))],
    ['inside of grad', () => grad((y: Tensor) => mul(y, escaped).sum())(random(4))],
    ['mapped over', () => vmap((y: Tensor) => y)(escaped)],
  ]
  test.each(sites)('is refused by name: %s', (_, use) => {
    escape()
    const e = raised(use)
    expect(e.code).toBe('ESCAPED_TRACER')
    expect(e.message).toMatch(/escaped from vmap \(level 1\), which has already returned/)
  })
  test('and reading it says that it stands for many', () => {
    escape()
    expect(raised(() => escaped.tolist()).message).toMatch(/vmap/)
    // nothing is left behind
    expect(vmap((y: Tensor) => y.mul(2))(arange(3)).tolist()).toEqual([0, 2, 4])
  })
})

describe('searchsorted and bucketize', () => {
  const sorted = (...shape: number[]): Tensor => random(...shape).sort(-1).values
  test.each([
    ['a sequence and values', [sorted(6), random(4)]],
    ['a sequence and values of more axes', [sorted(6), random(4, 2)]],
    ['rows and rows', [sorted(3, 6), random(3, 4)]],
    ['a sequence and one value', [sorted(5), random()]],
  ] as const)('%s, mapped in any way', (_, args) => {
    for (const right of [false, true])
      checkVmap(((s: Tensor, x: Tensor) => searchsorted(s, x, { right })) as F, args, {
        // examples stay sorted
        spread: (x, n) => Array.from({ length: n }, (_k, i) => x.mul(1 + i / 2)),
      })
  })
  test('values into boundaries that examples share, and of each example', () => {
    const [x, edges] = [random(3, 4), sorted(3, 5)]
    expectClose(vmap((y: Tensor) => bucketize(y, edges.select(0, 0)))(x), bucketize(x, edges.select(0, 0)))
    expectClose(vmap((y: Tensor, b: Tensor) => bucketize(y, b))(x, edges), searchsorted(edges, x))
    expectClose(vmap((b: Tensor) => bucketize(0.1, b))(edges), loop(((b: Tensor) => bucketize(0.1, b)) as F, 0, 0, 3, edges))
  })
  test('with a sorter of each example', () => {
    const [s, x] = [random(3, 5), random(3, 4)]
    const f = (q: Tensor, y: Tensor): Tensor => searchsorted(q, y, { sorter: q.argsort() })
    expectClose(vmap(f)(s, x), searchsorted(s.sort(-1).values, x))
  })
})
