// Port of TestRandomness (test_vmap.py), draws that make new tensors. Here 'same' with batched parameters is supported (one
// draw, each example's own parameters) where PyTorch refuses it, so the matrix has no refusals there; and rrelu, which it refuses, works.
// Left out: the `out=` variants (we have none), `native_dropout` (private to PyTorch), dropout1d/2d/3d and the other functions
// of torch.nn.functional (they come with @mapgrad/nn).
import {
  type Tensor,
  alphaDropout,
  bernoulli,
  binomial,
  dropout,
  exponential,
  featureAlphaDropout,
  featureDropout,
  gumbel,
  multinomial,
  normal,
  poisson,
  rand,
  randLike,
  randint,
  randintLike,
  randn,
  randnLike,
  randperm,
  rrelu,
  sampleDirichlet,
  standardGamma,
  uniform,
  vmap,
  zeros,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { random } from './harness.ts'
import { type DrawOf, SIZE, checkRandomness, expectDistinct, sources, unit } from './randomness.ts'

describe('factories', () => {
  const shape = [3, 5]
  const factories: readonly (readonly [string, (shape: readonly number[]) => DrawOf])[] = [
    ['rand', (s) => (o) => rand(s, o)],
    ['rand of float64', (s) => (o) => rand(s, { ...o, dtype: 'float64' })],
    ['randn', (s) => (o) => randn(s, o)],
    ['randint below a bound', (s) => (o) => randint(100, s, o)],
    ['randint between bounds', (s) => (o) => randint(-7, 100, s, o)],
    ['uniform', (s) => (o) => uniform(-1, 2, s, o)],
    ['normal of numbers', (s) => (o) => normal(1, 2, s, o)],
  ]
  test.each(factories)('%s', (_, make) => {
    checkRandomness(make(shape), [], { all: make([SIZE, ...shape]) })
    checkRandomness(make([]), [], { all: make([SIZE]) })
  })
  test('randperm gives each example an order of its own', () => {
    const n = 10
    checkRandomness((o) => randperm(n, o), [], {
      different: (out) => {
        expectDistinct(out)
        for (const row of (out as Tensor).tolist() as number[][]) expect([...row].sort((a, b) => a - b)).toEqual([...Array(n).keys()])
      },
    })
  })
  test('a draw that nothing mapped enters is refused, or drawn, all the same', () => {
    // the argument is not used
    const out = vmap<[Tensor], Tensor>(() => rand(2), 0, 0, { randomness: 'different' })(zeros(5))
    expectDistinct(out)
  })
})

describe('of the shape of a tensor', () => {
  const x = random(3, 5).float()
  test.each<readonly [string, DrawOf]>([
    ['randLike', (o, y) => randLike(y!, o)],
    ['randnLike', (o, y) => randnLike(y!, o)],
    ['randintLike', (o, y) => randintLike(y!, 20, o)],
    ['randintLike with a lower bound', (o, y) => randintLike(y!, 5, 100, o)],
    ['randnLike in float64', (o, y) => randnLike(y!, { ...o, dtype: 'float64' })],
    ['exponential', (o, y) => exponential(y!, 2, o)],
    ['gumbel', (o, y) => gumbel(y!, o)],
  ])('%s', (_, f) => checkRandomness(f, [x]))
})

describe('dropout', () => {
  const x = random(4, 5, 3).float()
  test.each<readonly [string, DrawOf]>([
    ['dropout', (o, y) => dropout(y!, 0.4, o)],
    ['alphaDropout', (o, y) => alphaDropout(y!, 0.4, o)],
    ['rrelu', (o, y) => rrelu(y!, 0.1, 0.4, true, o)],
  ])('%s', (_, f) => checkRandomness(f, [x]))

  const byFeature: readonly (readonly [string, typeof featureDropout])[] = [
    ['featureDropout', featureDropout],
    ['featureAlphaDropout', featureAlphaDropout],
  ]
  for (const [name, f] of byFeature)
    test.each([[[4, 5]], [[4, 5, 2]], [[4, 5, 2, 3]]])(`${name} of shape %s drops whole features of each example`, (shape) => {
      checkRandomness((o, y) => f(y!, 0.5, o), [random(...shape).float()], {
        // masks of [n, c, 1…] for each example
        all: (o, y) => f(y!.reshape([SIZE * 4, 5, ...shape.slice(2)]), 0.5, o).reshape(y!.shape),
      })
    })

  test('neither p = 0 nor evaluation draws: no flag is needed', () => {
    const y = random(SIZE, 3, 2).float()
    const kinds = [dropout, alphaDropout, featureDropout, featureAlphaDropout]
    for (const f of kinds)
      for (const g of [(z: Tensor) => f(z, 0), (z: Tensor) => f(z, 0.7, false)]) expect(vmap(g)(y).tolist()).toEqual(y.tolist())
    expect(vmap((z: Tensor) => rrelu(z))(y.abs()).tolist()).toEqual(y.abs().tolist())
  })
  test('of a tensor that all examples share: a mask each, or one', () => {
    const shared = random(6).float()
    const f: (x: Tensor) => Tensor = () => dropout(shared, 0.5)
    const rows = vmap(f, 0, 0, { randomness: 'different' })(zeros(8)).tolist() as number[][]
    expect(new Set(rows.map(String)).size).toBeGreaterThan(3)
    const same = vmap(f, 0, 0, { randomness: 'same' })(zeros(8)).tolist() as number[][]
    expect(new Set(same.map(String)).size).toBe(1)
  })
})

describe('with parameters', () => {
  const [mean, std] = [random(3, 5).float(), unit(3, 5)]
  test('normal(tensor, number)', () => checkRandomness((o, m) => normal(m!, 2, o), [mean]))
  test('normal(number, tensor)', () => checkRandomness((o, s) => normal(1, s!, o), [std]))
  test('normal(tensor, tensor)', () => checkRandomness((o, m, s) => normal(m!, s!, o), [mean, std]))
  test('uniform between tensors', () => checkRandomness((o, l, r) => uniform(l!, r!.add(2), o), [mean, std]))

  test.each<readonly [string, DrawOf]>([
    ['bernoulli', (o, p) => bernoulli(p!, o)],
    ['poisson', (o, p) => poisson(p!.mul(15), o)],
    ['standardGamma', (o, p) => standardGamma(p!.mul(3), o)],
    ['sampleDirichlet', (o, p) => sampleDirichlet(p!, o)],
  ])('%s', (_, f) => checkRandomness(f, [unit(3, 5)]))

  test('bernoulli of a shape and a probability', () => checkRandomness((o, x) => bernoulli(x!, 0.3, o), [mean]))
  test('bernoulli of a shape and a tensor of probabilities', () => checkRandomness((o, x, p) => bernoulli(x!, p!, o), [mean, std]))
  test('binomial', () => checkRandomness((o, n, p) => binomial(n!.mul(30).round(), p!, o), [unit(3, 5), unit(3, 5)]))
  test('several draws one after the other', () =>
    checkRandomness((o, m, s) => [normal(m!, s!, o), rand([2], o).add(m!.sum()), bernoulli(s!, o)], [mean, std], {
      all: (o, m, s) => [normal(m!, s!, o), rand([SIZE, 2], o).add(m!.sum([1, 2]).unsqueeze(1)), bernoulli(s!, o)],
    }))
})

describe('multinomial', () => {
  for (const replacement of [true, false]) {
    const name = replacement ? 'with replacement' : 'without replacement'
    test(`${name}, of one distribution`, () => checkRandomness((o, p) => multinomial(p!, 3, replacement, o), [unit(7)]))
    test(`${name}, of several`, () =>
      checkRandomness((o, p) => multinomial(p!, 3, replacement, o), [unit(2, 7)], {
        all: (o, p) => multinomial(p!.reshape([SIZE * 2, 7]), 3, replacement, o).reshape([SIZE, 2, 3]),
      }))
  }
  test('without replacement no index comes twice in an example', () => {
    for (const [, start] of sources) {
      const o = start()
      const rows = vmap((p: Tensor) => multinomial(p, 5, false, o), 0, 0, { randomness: 'different' })(unit(50, 6)).tolist() as number[][]
      for (const r of rows) expect(new Set(r).size).toBe(5)
    }
  })
})
