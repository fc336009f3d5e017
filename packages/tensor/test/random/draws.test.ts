import { vjpFlat } from '@mapgrad/autodiff/plugin'
import { cpu, reference } from '@mapgrad/backend-cpu'
import {
  type DType,
  Generator,
  type Tensor,
  bernoulli,
  dropout,
  exponential,
  getRngState,
  gumbel,
  initialSeed,
  manualSeed,
  memory,
  multinomial,
  normal,
  ones,
  rand,
  randLike,
  randint,
  randintLike,
  randn,
  randnLike,
  randperm,
  seed,
  setDefaultDevice,
  setRngState,
  tensor,
  uniform,
  zeros,
} from '@mapgrad/tensor'
import { beforeEach, describe, expect, test } from 'vitest'
import { numbers } from '../checks.ts'
import { chiSquared, kolmogorov, moments, normalDistribution } from './statistics.ts'

beforeEach(() => {
  setDefaultDevice(cpu)
  manualSeed(0)
})

const N = 100_000
describe('values', () => {
  test('the first words are those of Philox 4x32-10, known answer of Random123', () => {
    // counter 0, key 0: 6627e8d5 e169c58d bc57ac4c 9b00dbd8
    expect(rand(1).item()).toBe((0x6627e8d5 >>> 8) / 2 ** 24)
    manualSeed(0)
    expect(rand([1], { dtype: 'float64' }).item()).toBe(((0x6627e8d5 >>> 5) * 2 ** 26 + (0xe169c58d >>> 6)) / 2 ** 53)
  })

  test('are pinned', () => {
    expect(rand(4).tolist()).toEqual([0.3990464210510254, 0.9722411632537842, 0.01944941282272339, 0.7873677611351013])
    expect(numbers(randn(3)).map((v) => v.toFixed(5))).toMatchInlineSnapshot(`
      [
        "1.06759",
        "0.40497",
        "-0.02998",
      ]
    `)
    expect(randint(0, 100, [6]).tolist()).toMatchInlineSnapshot(`
      [
        2,
        46,
        86,
        21,
        1,
        91,
      ]
    `)
    expect(randint(-(2 ** 50), 2 ** 50, [2], { dtype: 'int64' }).tolist()).toMatchInlineSnapshot(`
      [
        146638918929244n,
        403750371716554n,
      ]
    `)
    expect(randperm(8).tolist()).toMatchInlineSnapshot(`
      [
        2,
        3,
        0,
        4,
        5,
        1,
        7,
        6,
      ]
    `)
    manualSeed(2 ** 40 + 7)
    expect(rand(2).tolist()).toMatchInlineSnapshot(`
      [
        0.20300090312957764,
        0.3672235608100891,
      ]
    `)
  })

  test('are the same on every device', () => {
    const draw = (device: typeof cpu): (number | bigint | readonly number[])[][] => {
      manualSeed(123)
      const o = { device }
      return [
        rand(50, o),
        rand([50], { dtype: 'float64', device }),
        rand([50], { dtype: 'float16', device }),
        randint(0, 1000, [50], o),
        randint(0, 2 ** 45, [50], { dtype: 'int64', device }),
        randperm(50, o),
        bernoulli(tensor([0.2, 0.8, 0.5], o)),
      ].map((x) => Array.from(x.dataSync() as Float64Array))
    }
    expect(draw(cpu)).toEqual(draw(reference))
    for (const dtype of ['float32', 'float64'] as const) {
      manualSeed(5)
      const a = numbers(randn([1000], { device: cpu, dtype }))
      manualSeed(5)
      const b = numbers(randn([1000], { device: reference, dtype }))
      const ulp = dtype === 'float32' ? 2 ** -23 : 2 ** -52
      a.forEach((v, i) => expect(Math.abs(v - b[i]!)).toBeLessThanOrEqual(8 * ulp * Math.max(1, Math.abs(v))))
    }
  })

  test('depend on the seed, all 64 bits of it, and the number of the draw', () => {
    const first = (s: number | bigint): unknown => (manualSeed(s), rand(3).tolist())
    const seen = [0, 1, 2 ** 32, -1, 2n ** 63n].map((s) => JSON.stringify(first(s)))
    expect(new Set(seen).size).toBe(5)
    expect(first(-1)).toEqual(first(2n ** 64n - 1n))
    manualSeed(0)
    expect(rand(3).tolist()).not.toEqual(rand(3).tolist())
  })

  test('longer draws begin like shorter ones', () => {
    const short = rand(10).tolist()
    manualSeed(0)
    expect((rand(1000).tolist() as number[]).slice(0, 10)).toEqual(short)
  })
})

describe('distributions', () => {
  test.each(['float32', 'float64', 'float16', 'bfloat16'] as const)('rand is uniform in [0, 1): %s', (dtype) => {
    const x = rand([N], { dtype })
    expect(x.dtype).toBe(dtype)
    const v = numbers(x)
    expect(Math.min(...v.slice(0, 50_000))).toBeGreaterThanOrEqual(0)
    expect(v.every((t) => t < 1)).toBe(true)
    const [mean, variance] = moments(x)
    const step = { bfloat16: 2 ** -9, float16: 2 ** -12 }[dtype as string] ?? 0
    expect(Math.abs(mean + step - 0.5)).toBeLessThan(0.004)
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.002)
    // half floats have few values: the distance between them, over the sample's own
    expect(kolmogorov(x, (t) => t)).toBeLessThan(1.95 + 2 * step * Math.sqrt(N))
  })

  test.each(['float32', 'float64'] as const)('randn is normal: %s', (dtype) => {
    const x = randn([N], { dtype })
    const [mean, variance] = moments(x)
    expect(Math.abs(mean)).toBeLessThan(0.012)
    expect(Math.abs(variance - 1)).toBeLessThan(0.02)
    expect(kolmogorov(x, normalDistribution)).toBeLessThan(1.95)
    expect(numbers(x).every(Number.isFinite)).toBe(true)
    const kurtosis = numbers(x).reduce((s, v) => s + v ** 4, 0) / N
    expect(Math.abs(kurtosis - 3)).toBeLessThan(0.12)
  })

  test('neighbours are uncorrelated', () => {
    const v = numbers(randn(N))
    for (const lag of [1, 2, 4]) expect(Math.abs(v.slice(lag).reduce((s, t, i) => s + t * v[i]!, 0) / N)).toBeLessThan(0.012)
  })

  test('randint is uniform, for any range', () => {
    for (const k of [2, 7, 100]) expect(Math.abs(chiSquared(numbers(randint(k, [N])), k))).toBeLessThan(4)
    expect(
      Math.abs(
        chiSquared(
          numbers(randint(-3, 4, [N])).map((v) => v + 3),
          7,
        ),
      ),
    ).toBeLessThan(4)
    const wide = numbers(randint(-(2 ** 31), 2 ** 31 - 1, [N]))
    expect(Math.abs(wide.reduce((a, b) => a + b, 0) / N / 2 ** 31)).toBeLessThan(0.01)
    const long = numbers(randint(0, 2 ** 52, [N], { dtype: 'int64' })).map((v) => v / 2 ** 52)
    expect(kolmogorov(tensor(Float64Array.from(long)), (t) => t)).toBeLessThan(1.95)
    const byte = randint(0, 256, [N], { dtype: 'uint8' })
    expect(Math.abs(chiSquared(numbers(byte), 256))).toBeLessThan(4)
  })

  test('bernoulli has the probabilities it is given', () => {
    for (const p of [0, 0.1, 0.5, 1]) expect(Math.abs(moments(bernoulli(zeros(N), p))[0] - p)).toBeLessThan(0.006)
    const p = tensor([0, 0.25, 1]).expand(20_000, 3)
    const rates = bernoulli(p).mean(0).tolist() as number[]
    expect(rates[0]).toBe(0)
    expect(rates[1]).toBeCloseTo(0.25, 1)
    expect(rates[2]).toBe(1)
    expect(bernoulli(ones([3], { dtype: 'float64' })).dtype).toBe('float64')
    expect(ones(4).bernoulli(0).tolist()).toEqual([0, 0, 0, 0])
  })

  test('normal, uniform, exponential, gumbel', () => {
    const x = normal(3, 2, [N])
    expect(Math.abs(moments(x)[0] - 3)).toBeLessThan(0.03)
    expect(Math.abs(moments(x)[1] - 4)).toBeLessThan(0.08)
    const mean = tensor([0, 100])
    expect(numbers(normal(mean, 0.001)).map(Math.round)).toEqual([0, 100])
    expect([...normal(mean, ones(3, 1)).shape]).toEqual([3, 2])
    expect([...normal(5, ones(2)).shape]).toEqual([2])
    expect(kolmogorov(uniform(-1, 3, [N]), (t) => (t + 1) / 4)).toBeLessThan(1.95)
    expect(kolmogorov(exponential(zeros(N), 2), (t) => 1 - Math.exp(-2 * t))).toBeLessThan(1.95)
    expect(Math.min(...numbers(exponential(zeros(50_000))))).toBeGreaterThan(0)
    expect(kolmogorov(gumbel(zeros(N)), (t) => Math.exp(-Math.exp(-t)))).toBeLessThan(1.95)
  })

  test('randperm gives every order equally often', () => {
    expect(numbers(randperm(1000)).sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i))
    expect(numbers(randperm(10_000)).sort((a, b) => a - b)).toEqual(Array.from({ length: 10_000 }, (_, i) => i))
    const counts = Array.from({ length: 6000 }, () => numbers(randperm(3))).map(
      ([a, b]) => a! * 2 + (b! > (a === 2 ? 0 : a === 0 ? 1 : 0) ? 1 : 0),
    )
    expect(new Set(counts).size).toBe(6)
    expect(Math.abs(chiSquared(counts, 6))).toBeLessThan(4)
    expect(randperm(0).tolist()).toEqual([])
    expect(randperm(3, { dtype: 'int64' }).dtype).toBe('int64')
  })

  test('multinomial: with replacement the frequencies are the probabilities', () => {
    const p = [0.1, 0, 0.3, 0.6]
    const drawn = numbers(multinomial(tensor(p.map((v) => v * 7)), N, true))
    expect(drawn.includes(1)).toBe(false)
    expect(
      Math.abs(
        chiSquared(
          drawn.map((v) => (v > 1 ? v - 1 : v)),
          3,
          (i) => [0.1, 0.3, 0.6][i]!,
        ),
      ),
    ).toBeLessThan(4)
    expect([...multinomial(ones(2, 3), 5, true).shape]).toEqual([2, 5])
  })

  test('multinomial: without replacement no index comes twice, and first ones have the probabilities', () => {
    const p = tensor([0.1, 0, 0.3, 0.6]).expand(20_000, 4)
    const rows = multinomial(p, 3).tolist() as number[][]
    for (const row of rows.slice(0, 200)) expect([...row].sort()).toEqual([0, 2, 3])
    expect(
      Math.abs(
        chiSquared(
          rows.map((r) => (r[0]! > 1 ? r[0]! - 1 : r[0]!)),
          3,
          (i) => [0.1, 0.3, 0.6][i]!,
        ),
      ),
    ).toBeLessThan(4)
  })
})

describe('dropout', () => {
  test('keeps or scales, and means are kept', () => {
    const y = dropout(ones(N), 0.25)
    expect(new Set(numbers(y)).size).toBe(2)
    expect(Math.abs(moments(y)[0] - 1)).toBeLessThan(0.01)
    expect(Math.max(...numbers(y).slice(0, 100))).toBeCloseTo(4 / 3, 6)
  })
  test('one mask for values and derivatives', () => {
    const [[y], pull] = vjpFlat(([x]) => [dropout(x!, 0.5)], [ones(100)])
    expect(pull([ones(100)])[0]!.tolist()).toEqual(y!.tolist())
  })
  test('p 0, p 1 and evaluation', () => {
    const x = ones(3)
    expect(dropout(x, 0)).toBe(x)
    expect(dropout(x, 0.5, false)).toBe(x)
    expect(dropout(x, { p: 0.5, training: false })).toBe(x)
    expect(dropout(x, 1).tolist()).toEqual([0, 0, 0])
  })
})

describe('generators', () => {
  test('the default one starts over, and tells its seed', () => {
    const first = rand(3).tolist()
    manualSeed(0)
    expect(rand(3).tolist()).toEqual(first)
    expect(initialSeed()).toBe(0)
    const s = seed()
    expect(initialSeed()).toBe(s)
    expect(Number.isSafeInteger(s)).toBe(true)
    expect(seed()).not.toBe(s)
  })
  test('states can be kept and come back to', () => {
    rand(3)
    const state = getRngState()
    const next = randn(3).tolist()
    rand(5)
    setRngState(state)
    expect(randn(3).tolist()).toEqual(next)
  })
  test('a generator of its own leaves the default one alone', () => {
    const g = new Generator().manualSeed(0)
    const own = rand([3], { generator: g }).tolist()
    expect(rand(3).tolist()).toEqual(own)
    expect(rand([3], { generator: g }).tolist()).toEqual(rand(3).tolist())
    const state = g.getState()
    const next = randn([2], { generator: g }).tolist()
    g.setState(state)
    expect(randn([2], { generator: g }).tolist()).toEqual(next)
    expect(new Generator().initialSeed()).not.toBe(new Generator().initialSeed())
    expect(g.initialSeed()).toBe(0)
  })
  test('every draw takes one', () => {
    const g = new Generator()
    const twice = (f: () => Tensor): void => {
      g.manualSeed(9)
      const a = f().tolist()
      g.manualSeed(9)
      expect(f().tolist()).toEqual(a)
    }
    const x = tensor([0.3, 0.4, 0.3])
    for (const f of [
      () => randint(9, [4], { generator: g }),
      () => randperm(9, { generator: g }),
      () => normal(0, 1, [3], { generator: g }),
      () => bernoulli(x, { generator: g }),
      () => multinomial(x, 2, { generator: g }),
      () => dropout(ones(9), 0.5, { generator: g }),
      () => randnLike(x, { generator: g }),
      () => randLike(x, { generator: g }),
      () => randintLike(x, 9, { generator: g }),
    ])
      twice(f)
  })
})

test('a draw leaves nothing in memory but its result', () => {
  const before = memory().storages
  for (const f of [() => rand(3), () => randn(3), () => randint(5, [3]), () => bernoulli(ones(3), 0.5)]) f().dispose()
  expect(memory().storages).toBe(before)
})

describe('like', () => {
  test('shape and dtype of another tensor', () => {
    const x = zeros([2, 3], { dtype: 'float64' })
    for (const y of [randLike(x), randnLike(x), randintLike(x, 5)]) expect([[...y.shape], y.dtype]).toEqual([[2, 3], 'float64'])
    expect(randLike(x, { dtype: 'float32' }).dtype).toBe('float32')
    expect(new Set(numbers(randintLike(zeros(100), 3, 5)))).toEqual(new Set([3, 4]))
  })
})

describe('refused', () => {
  const cases: [string, () => unknown, string][] = [
    ['seed NaN', () => manualSeed(Number.NaN), 'expected a whole number as seed'],
    ['seed 1.5', () => manualSeed(1.5), 'expected a whole number as seed'],
    ['seed text', () => manualSeed('a' as never), 'expected a whole number as seed'],
    ['seed too long', () => manualSeed(2n ** 64n), '64 bits'],
    ['rand of ints', () => rand([2], { dtype: 'int32' }), 'expected a float dtype, got int32'],
    ['randn of ints', () => randn([2], { dtype: 'int64' }), 'expected a float dtype'],
    ['randLike of ints', () => randLike(zeros([2], { dtype: 'int32' })), 'expected a float dtype'],
    ['negative size', () => rand(-1), 'Dimension size must be non-negative'],
    ['unknown dtype', () => rand([2], { dtype: 'f32' as DType }), 'expected a dtype among'],
    ['unknown option', () => rand([2], { sed: 1 } as never), "unknown option 'sed'"],
    ['empty range', () => randint(5, 5, [2]), "random_ expects 'from' to be less than 'to', but got from=5 >= to=5"],
    ['range of uint8', () => randint(0, 300, [2], { dtype: 'uint8' }), 'to - 1 is out of bounds for uint8'],
    ['range of int32', () => randint(0, 2 ** 40, [2]), 'to - 1 is out of bounds for int32'],
    ['randint of a fraction', () => randint(3.5, [2]), 'expected high to be a whole number'],
    ['randint without a size', () => randint(3, 4 as never), 'expected the size as an array'],
    ['negative randperm', () => randperm(-1), 'Trying to create tensor with negative dimension -1'],
    ['p over 1', () => ones(3).bernoulli(1.5), 'bernoulli_ expects p to be in [0, 1], but got p=1.5'],
    ['p tensor over 1', () => bernoulli(ones(3).mul(2)), 'Expected p_in >= 0 && p_in <= 1 to be true, but got false.'],
    ['p NaN', () => bernoulli(tensor([Number.NaN])), 'Expected p_in >= 0'],
    ['p of ints', () => bernoulli(ones([2], { dtype: 'int32' })), 'float dtype'],
    ['std below 0', () => normal(0, -1, [3]), 'normal expects std >= 0.0, but found std -1'],
    ['std tensor below 0', () => normal(ones(2), ones(2).neg()), 'normal expects all elements of std >= 0.0'],
    ['shapes', () => normal(ones(2), ones(3)), 'The size of tensor a (2) must match the size of tensor b (3)'],
    ['normal without a size', () => normal(0, 1), 'expected a size'],
    ['dropout', () => dropout(ones(3), 1.5), 'dropout probability has to be between 0 and 1, but got 1.5'],
    ['dropout of ints', () => dropout(ones([3], { dtype: 'int32' })), "can't be cast to the desired output type int32"],
    ['rate', () => exponential(ones(2), -1), 'exponential_ expects lambda > 0.0, but found lambda=-1'],
    ['too many', () => multinomial(ones(3), 4), 'cannot sample n_sample > prob_dist.size(-1) samples without replacement'],
    ['none', () => multinomial(ones(3), 0), 'cannot sample n_sample <= 0 samples'],
    ['negative', () => multinomial(ones(3).neg(), 2), 'probability tensor contains either `inf`, `nan` or element < 0'],
    ['infinite', () => multinomial(tensor([Infinity]), 1), 'probability tensor contains either `inf`, `nan` or element < 0'],
    ['all zero', () => multinomial(zeros(3), 2, true), 'invalid multinomial distribution (sum of probabilities <= 0)'],
    ['too few possible', () => multinomial(tensor([1, 0]), 2), 'not enough non-negative category to sample'],
    ['rank', () => multinomial(ones(2, 3, 4), 2), 'prob_dist must be 1 or 2 dim'],
    ['ints', () => multinomial(ones([3], { dtype: 'int32' }), 2), 'multinomial only supports floating-point dtypes for input, got: int32'],
  ]
  test.each(cases)('%s', (_, f, message) => expect(f).toThrow(message))
})
