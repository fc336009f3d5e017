// Upstream: test_vmap.py, TestVmapOperators: test_vmap_chunksize, test_chunk_vmap, their errors and compositions. Added: empty batches
// and outDims null, both of which fail upstream; the largest chunk that is computed; writes, views and reverse mode.
// Left out: chunk_vmap, which takes the number of chunks: chunkSize = ceil(size / chunks) says the same (see the test of that name).
import {
  type Tensor,
  add,
  cos,
  grad,
  jacfwd,
  jacrev,
  manualSeed,
  mul,
  ones,
  rand,
  randLike,
  sin,
  tree,
  vmap,
  type VmapOptions,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { expectClose, loosely, random } from './harness.ts'

const SIZES = [1, 2, 3, 4, 7, 10, 16, 100]
const noise = (x: Tensor, randomness: string): Tensor => (randomness === 'error' ? x : add(x, randLike(x)))

/** Functions of trees that give trees, their arguments, and what is mapped of them where the examples lie along `d`. */
const shapes = (x: Tensor, y: Tensor, randomness: string) => [
  { name: 'tensor → tensor', f: (a: Tensor) => noise(sin(a), randomness), args: [x], dims: (d: number) => [d] },
  {
    name: 'list → tensor',
    f: ([a, b]: readonly [Tensor, Tensor]) => noise(add(sin(a), cos(b)), randomness),
    args: [[x, y]],
    dims: (d: number) => [[d, d]],
  },
  {
    name: 'tensor → object',
    f: (a: Tensor) => {
      const z = noise(sin(a), randomness)
      return { out: z, twice: mul(z, 2) }
    },
    args: [x],
    dims: (d: number) => d,
  },
  {
    name: 'object with a shared tensor → object with a list',
    f: ({ shared, mapped }: { shared: Tensor; mapped: Tensor }) => {
      const z = noise(add(sin(shared).sum(), cos(mapped)), randomness)
      return { z, list: [z, add(z, 1)] }
    },
    args: [{ shared: x, mapped: y }],
    dims: (d: number) => [{ shared: null, mapped: d }],
  },
  {
    name: 'object with a number → object with a list',
    f: ({ k, mapped }: { k: number; mapped: Tensor }) => {
      const z = noise(add(cos(mapped), k), randomness)
      return { z, list: [z, add(z, 1)] }
    },
    args: [{ k: 2, mapped: y }],
    dims: (d: number) => [{ k: null, mapped: d }],
  },
]

describe.each(['error', 'same'] as const)('any chunkSize gives what none gives, randomness %s', (randomness) => {
  const [x, y] = [random(4, 5, 6), random(4, 5, 6)]
  for (const { name, f, args, dims } of shapes(x, y, randomness))
    test.each([0, 1, 2])(`${name}, inDim %i`, (d) => {
      for (const outDims of [0, 1, 2, -1]) {
        manualSeed(5)
        const want = loosely(f, { inDims: dims(d) as VmapOptions['inDims'], outDims, randomness })(...args)
        for (const chunkSize of SIZES) {
          manualSeed(5)
          expectClose(loosely(f, { inDims: dims(d) as VmapOptions['inDims'], outDims, randomness, chunkSize })(...args), want)
        }
      }
    })
  test('chunks of chunks', () => {
    for (const { f, args, dims } of shapes(x, y, randomness))
      for (const d of [0, 1])
        for (const outDims of [0, 1]) {
          const how = { inDims: dims(d) as VmapOptions['inDims'], outDims, randomness }
          manualSeed(5)
          const want = loosely(loosely(f, how), how)(...args)
          for (const chunkSize of SIZES) {
            manualSeed(5)
            expectClose(loosely(loosely(f, { ...how, chunkSize }), { ...how, chunkSize })(...args), want)
          }
        }
  })
})

describe('chunks', () => {
  const x = random(7, 3)
  test('a number of chunks', () => {
    for (const chunks of [1, 2, 3, 4, 7, 10, 16]) expectClose(vmap(sin, 0, 0, { chunkSize: Math.ceil(x.size(0) / chunks) })(x), sin(x))
  })
  test('the function runs once a chunk, on no more examples than that', () => {
    const runs: (number | undefined)[] = []
    const f = (a: Tensor): Tensor => {
      runs.push(a.value.arrays()[0]!.shape[0])
      return a.sum()
    }
    vmap(f, { chunkSize: 3 })(x)
    expect(runs).toEqual([3, 3, 1])
    runs.length = 0
    vmap(f, { chunkSize: 7 })(x)
    vmap(f, { chunkSize: 100 })(x)
    expect(runs).toEqual([7, 7])
  })
  test('an empty batch, of trees, of constants, with outDims null', () => {
    const empty = random(0, 3)
    for (const chunkSize of [1, 2, 100]) {
      expectClose(vmap(sin, { chunkSize })(empty), empty)
      expect(vmap((a: Tensor) => a.sum(), { chunkSize })(empty).shape).toEqual([0])
      const [a, { b, c }] = vmap((r: Tensor, w: Tensor) => [mul(r, w), { b: r.sum(), c: w }] as const, [0, null], [1, { b: 0, c: null }], {
        chunkSize,
      })(empty, random(3))
      expect([a.shape, b.shape, c.shape]).toEqual([[3, 0], [0], [3]])
    }
    expect((loosely(() => ones(2, 5), 0, -1, { chunkSize: 2 })(empty) as Tensor).shape).toEqual([2, 5, 0])
  })
  test('outDims null gives the value of the first chunk; other leaves are joined', () => {
    const w = random(3)
    for (const chunkSize of SIZES) {
      let runs = 0
      const f = (r: Tensor, v: Tensor): readonly [Tensor, unknown, Tensor] => [mul(r, v), `run ${runs++}`, sin(v)]
      const [a, word, c] = vmap(f, [0, null], [-1, null, null], { chunkSize })(x, w)
      expectClose([a, c], [mul(x, w).t(), sin(w)])
      expect(word).toBe('run 0')
    }
    expect(loosely(() => null, 0, null, { chunkSize: 2 })(x)).toBe(null)
  })
  test('what depends on no example is repeated in every chunk', () => {
    expectClose(loosely(() => ones(2), { chunkSize: 3 })(x), ones(7, 2))
    expectClose(loosely(() => ones(2), 0, 1, { chunkSize: 3 })(x), ones(2, 7))
  })
  test('several arguments along several axes', () => {
    const [a, b] = [random(3, 7), random(7, 2, 3)]
    const f = (p: Tensor, q: Tensor): Tensor => q.matmul(p)
    for (const chunkSize of SIZES) expectClose(vmap(f, [-1, 0], 1, { chunkSize })(a, b), vmap(f, [-1, 0], 1)(a, b))
  })
  test("'different' goes on with the stream: the rows are those of the draws in order", () => {
    manualSeed(3)
    const rows = vmap(() => rand(3), 0, 0, { randomness: 'different' }) as unknown as (x: Tensor) => Tensor
    const whole = rows(x)
    manualSeed(3)
    const chunked = loosely(() => rand(3), 0, 0, { randomness: 'different', chunkSize: 2 })(x) as Tensor
    expect(chunked.shape).toEqual(whole.shape)
    const seen = new Set((chunked.tolist() as number[][]).map(String))
    expect(seen.size).toBe(7)
    manualSeed(3)
    const draws = [rand(2, 3), rand(2, 3), rand(2, 3), rand(1, 3)]
    expectClose(chunked.split([2, 2, 2, 1]), draws)
  })
  test("'same' is the same for all examples of all chunks, and draws once as without chunks", () => {
    manualSeed(3)
    const y = loosely(() => rand(3), 0, 0, { randomness: 'same', chunkSize: 2 })(x) as Tensor
    const next = rand(2)
    manualSeed(3)
    const one = rand(3)
    expectClose(y, one.expand(7, 3))
    expectClose(next, rand(2))
  })
  test('names and structure of results', () => {
    const { values, indices } = vmap((r: Tensor) => r.max(0), { chunkSize: 2 })(x)
    expectClose([values, indices], [x.max(1).values, x.max(1).indices])
    const out = vmap((r: Tensor) => new Map([['k', r]]), { chunkSize: 2 })(x)
    expectClose(out.get('k'), x)
  })
  test('writes reach the caller, whatever the axis', () => {
    for (const chunkSize of [1, 3, 7]) {
      const y = x.clone()
      vmap((r: Tensor) => r.mul_(2), 0, 0, { chunkSize })(y)
      expectClose(y, mul(x, 2))
      const z = x.t().clone()
      vmap((r: Tensor) => r.sub_(r.sum()), 1, 0, { chunkSize })(z)
      expectClose(z, x.sub(x.sum(1, true)).t())
    }
  })
})

describe('chunks and derivatives', () => {
  const [x, w] = [random(7, 3), random(3)]
  const f = (r: Tensor, v: Tensor): Tensor => sin(mul(r, v)).sum()
  test('gradients of examples, and a gradient through chunks', () => {
    for (const chunkSize of SIZES) {
      expectClose(vmap(grad(f), { inDims: [0, null], chunkSize })(x, w), mul(cos(mul(x, w)), w))
      const total = grad((v: Tensor) => vmap(f, [0, null], 0, { chunkSize })(x, v).sum())
      expectClose(total(w), mul(cos(mul(x, w)), x).sum(0))
    }
  })
  test('jacrev and jacfwd inside and outside', () => {
    const g = (r: Tensor): Tensor => mul(sin(r), r.sum())
    const want = vmap(jacrev(g))(x)
    const diagonal = jacrev((y: Tensor) => vmap(g)(y))(x)
    for (const chunkSize of SIZES) {
      expectClose(vmap(jacrev(g), { chunkSize })(x), want)
      expectClose(vmap(jacrev(g, { chunkSize }))(x), want)
      expectClose(vmap(jacfwd(g, { chunkSize }), { chunkSize })(x), want)
      expectClose(jacrev((y: Tensor) => vmap(g, { chunkSize })(y), { chunkSize })(x), diagonal)
    }
    expectClose(diagonal.diagonal(0, 0, 2).permute(2, 0, 1), want)
    // the Jacobian by differences of one entry: ∂(sin(r₀)·Σr)/∂r₁ = sin(r₀)
    expectClose(want.select(1, 0).select(1, 1), sin(x.select(1, 0)))
  })
  test('a tree of gradients in chunks', () => {
    const params = { w, b: random() }
    const loss = (p: typeof params, r: Tensor): Tensor => sin(mul(r, p.w).sum().add(p.b))
    const want = vmap(grad(loss), [null, 0])(params, x)
    for (const chunkSize of SIZES) expectClose(vmap(grad(loss), [null, 0], 0, { chunkSize })(params, x), want)
    expectClose(
      tree.map((g: Tensor) => g.size(0), want),
      { w: 7, b: 7 },
    )
  })
})
