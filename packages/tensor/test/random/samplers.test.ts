import { jvpFlat, vjpFlat } from '@mapgrad/autodiff/plugin'
import { cpu, reference } from '@mapgrad/backend-cpu'
import {
  type Tensor,
  alphaDropout,
  binomial,
  featureAlphaDropout,
  featureDropout,
  full,
  key,
  manualSeed,
  ones,
  poisson,
  rrelu,
  sampleDirichlet,
  setDefaultDevice,
  standardGamma,
  tensor,
} from '@mapgrad/tensor'
import { standardGammaGrad } from '@mapgrad/tensor/ops'
import { beforeEach, describe, expect, test } from 'vitest'
import { numbers } from '../checks.ts'
import { binomialMass, chiSquaredOf, gammaDistribution, kolmogorov, moments, poissonMass } from './statistics.ts'

beforeEach(() => {
  setDefaultDevice(cpu)
  manualSeed(3)
})
const N = 40_000

describe.each(['float32', 'float64'] as const)('%s', (dtype) => {
  test.each([0.1, 0.7, 1, 2.5, 9, 500])('standardGamma(%s) has the gamma distribution', (alpha) => {
    const x = standardGamma(full([N], alpha, { dtype }))
    expect(x.dtype).toBe(dtype)
    expect(kolmogorov(x, gammaDistribution(alpha))).toBeLessThan(1.95)
    const [mean, variance] = moments(x)
    expect(Math.abs(mean - alpha)).toBeLessThan(5 * Math.sqrt(alpha / N))
    expect(Math.abs(variance / alpha - 1)).toBeLessThan(5 * Math.sqrt((2 + 6 / alpha) / N))
  })
  test.each([0.01, 0.5, 3, 9.99, 10, 37, 1e4])('poisson(%s) has the Poisson distribution', (rate) => {
    const x = poisson(full([N], rate, { dtype }))
    expect(chiSquaredOf(numbers(x), (k) => poissonMass(rate, k))).toBeLessThan(4)
    expect(Math.abs(moments(x)[0] - rate)).toBeLessThan(5 * Math.sqrt(rate / N))
  })
  test.each([
    [1, 0.3],
    [7, 0.9],
    [30, 0.2],
    [40, 0.5],
    [1000, 0.98],
    [1e6, 0.25],
  ] as const)('binomial(%s, %s) has the binomial distribution', (n, p) => {
    const x = binomial(full([N], n, { dtype }), full([N], p, { dtype }))
    expect(chiSquaredOf(numbers(x), (k) => binomialMass(n, p, k))).toBeLessThan(4)
    expect(Math.abs(moments(x)[0] - n * p)).toBeLessThan(5 * Math.sqrt((n * p * (1 - p)) / N))
  })
})

test('every device draws the same numbers for a key, to rounding', () => {
  const of = (): number[][] => {
    const a = tensor([0.2, 1, 4, 30, 300])
    const k = { key: key(9) }
    return [standardGamma(a, k), poisson(a, k), binomial(a.round(), a.div(400), k)].map(numbers)
  }
  const here = of()
  setDefaultDevice(reference)
  // the reference rounds only in the end
  of().forEach((x, i) => x.forEach((v, j) => expect(Math.abs(v / (here[i]![j]! || 1) - (here[i]![j] ? 1 : 0))).toBeLessThan(1e-6)))
})

test('parameters at their ends', () => {
  expect(binomial(tensor([0, 5, 5, 5, -1]), tensor([0.5, 0, 1, NaN, 0.5])).tolist()).toEqual([0, 0, 5, NaN, 0])
  expect(poisson(tensor([0, 1e-30])).tolist()).toEqual([0, 0])
  expect(poisson(tensor([])).shape).toEqual([0])
  // PyTorch: never zero, so that its logarithm is finite
  expect(numbers(standardGamma(full([100], 1e-3))).every((v) => v >= 2 ** -126)).toBe(true)
  expect(standardGamma(tensor([-1, NaN])).tolist()).toEqual([NaN, NaN])
  expect(standardGamma(tensor([2], { dtype: 'float16' })).dtype).toBe('float16')
})

test('what makes no sense is named', () => {
  const refused: readonly (readonly [() => unknown, RegExp])[] = [
    [() => poisson(tensor([-1])), /invalid Poisson rate, expected rate to be non-negative/],
    [() => poisson(tensor([1], { dtype: 'int32' })), /"poisson" not implemented for 'int32'/],
    [() => binomial(tensor([1]), tensor([0.5], { dtype: 'float64' })), /one dtype, got float32 and float64/],
    [() => sampleDirichlet(tensor(1)), /at least one axis/],
    [() => standardGamma(tensor([1]), { seed: 1 } as object), /unknown option 'seed'/],
    [() => featureDropout(ones(3)), /Feature dropout requires at least 2 dimensions in the input/],
    [() => alphaDropout(ones(3), 1.5), /dropout probability has to be between 0 and 1, but got 1.5/],
    [() => rrelu(ones(3), 0.5, 0.2), /Lower bound should be less than or equal to the upper bound/],
  ]
  for (const [f, text] of refused) expect(f).toThrow(text)
})

// alpha, a sample, and PyTorch 2.13's torch._standard_gamma_grad; mpmath's exact derivative
const slopes = [
  [0.05, 1e-6, 0.00026635358314383513, 0.00026635358314383524],
  [0.4, 0.3, 1.2059514706816674, 1.205951396536716],
  [0.9, 1.5, 1.5283909680387557, 1.5283005069740394],
  [1.7, 0.2, 0.30878478850042534, 0.30878479385850977],
  [3, 4, 1.2164728454122222, 1.2164969985224452],
  [7.5, 6, 0.912547749812351, 0.9125873504650976],
  [9, 9.3, 1.0354431147252137, 1.0355065626990543],
  [20, 12, 0.7725959054368412, 0.7725905810750923],
  [150, 180, 1.0951475065210492, 1.0951443505765055],
] as const
test('the derivative of a gamma sample is that of PyTorch, and nearly the exact one', () => {
  const column = (i: number): Tensor => tensor(Float64Array.from(slopes, (row) => row[i]!))
  numbers(standardGammaGrad(column(0), column(1))).forEach((got, i) => {
    expect(Math.abs(got / slopes[i]![2] - 1)).toBeLessThan(1e-11)
    expect(Math.abs(got / slopes[i]![3] - 1)).toBeLessThan(1e-3)
  })
})

test('gradients of samples: forward and reverse mode agree with the slope; counts have none', () => {
  const alpha = tensor(Float64Array.of(0.5, 2, 20))
  const k = { key: key(1) }
  const x = standardGamma(alpha, k)
  const slope = numbers(standardGammaGrad(alpha, x))
  const [, pull] = vjpFlat(([a]) => [standardGamma(a!, k)], [alpha])
  expect(numbers(pull([ones([3], { dtype: 'float64' })])[0]!)).toEqual(slope)
  const [, [dx]] = jvpFlat(([a]) => [standardGamma(a!, k)], [alpha], [ones([3], { dtype: 'float64' })])
  expect(numbers(dx!)).toEqual(slope)
  const [, none] = vjpFlat(([a]) => [poisson(a!, k)], [alpha])
  expect(
    none([ones([3], { dtype: 'float64' })])[0]
      ?.abs()
      .sum()
      .item() ?? 0,
  ).toBe(0)
})

test('the mean gradient of a sample is the gradient of the mean', () => {
  // E x = α, E log x = ψ(α): trigamma(2.5) = 0.490357756
  const alpha = full([N], 2.5, { dtype: 'float64' })
  const [y, pull] = vjpFlat(([a]) => [standardGamma(a!)], [alpha])
  const one = ones([N], { dtype: 'float64' })
  expect(Math.abs(moments(pull([one])[0]!)[0] - 1)).toBeLessThan(0.01)
  expect(Math.abs(moments(pull([one.div(y[0]!)])[0]!)[0] - 0.490357756)).toBeLessThan(0.01)
})

test('sampleDirichlet: points of the simplex with the means and variances of theory', () => {
  const alpha = [0.5, 1, 3.5]
  const x = sampleDirichlet(tensor(alpha).expand(N, 3))
  expect(x.sum(-1).sub(1).abs().max().item()).toBeLessThan(1e-6)
  alpha.forEach((a, i) => {
    const [mean, variance] = moments(x.select(1, i))
    expect(Math.abs(mean - a / 5)).toBeLessThan(0.01)
    expect(Math.abs(variance - (a * (5 - a)) / (25 * 6))).toBeLessThan(0.003)
  })
})

describe('dropout of other kinds', () => {
  test('alphaDropout keeps mean and variance of normal numbers, and its two values', () => {
    const p = 0.3
    const lower = -1.7580993408473766
    const scale = 1 / Math.sqrt((lower * lower * p + 1) * (1 - p))
    const seen = new Set(numbers(alphaDropout(ones(200, { dtype: 'float64' }), p)).map((v) => v.toFixed(10)))
    expect(seen).toEqual(new Set([scale - scale * lower * p, scale * lower - scale * lower * p].map((v) => v.toFixed(10))))
  })
  test('features are dropped whole', () => {
    for (const f of [featureDropout, featureAlphaDropout]) {
      const x = f(ones(40, 5, 3, 2), 0.5)
      const rows = x.reshape([200, 6]).tolist() as number[][]
      expect(rows.every((r) => r.every((v) => v === r[0]))).toBe(true)
      expect(new Set(rows.map((r) => r[0])).size).toBe(2)
      expect(f(x, 0.5, false)).toBe(x)
      expect(f(x, { p: 0 })).toBe(x)
      expect(f(x, 1).abs().sum().item()).toBe(0)
    }
    const kept = numbers(featureDropout(ones(4000, 2, 1), 0.25))
    expect(kept.every((v) => v === 0 || Math.abs(v - 4 / 3) < 1e-6)).toBe(true)
    expect(Math.abs(kept.filter((v) => v === 0).length / 8000 - 0.25)).toBeLessThan(0.025)
  })
  test('rrelu draws slopes when training, and takes their middle when not', () => {
    const x = tensor([-2, -1, 0, 3]).repeat([100])
    const y = numbers(rrelu(x, 0.2, 0.6, true))
    const slopesSeen = y.filter((_, i) => i % 4 < 2).map((v, i) => v / (i % 2 ? -1 : -2))
    expect(Math.min(...slopesSeen)).toBeGreaterThanOrEqual(0.2)
    expect(Math.max(...slopesSeen)).toBeLessThanOrEqual(0.6)
    expect(new Set(slopesSeen).size).toBeGreaterThan(150)
    expect(y.filter((_, i) => i % 4 > 1)).toEqual(Array.from({ length: 200 }, (_, i) => (i % 2 ? 3 : 0)))
    expect(rrelu(tensor([-2, 3]), { lower: 0.2, upper: 0.6 }).tolist()).toEqual([Math.fround(-0.8), 3])
  })
})
