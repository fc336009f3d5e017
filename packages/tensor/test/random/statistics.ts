import type { Tensor } from '@mapgrad/tensor'
import { numbers } from '../checks.ts'

/** Mean and variance. */
export function moments(x: Tensor): [mean: number, variance: number] {
  const v = numbers(x)
  const mean = v.reduce((a, b) => a + b, 0) / v.length
  return [mean, v.reduce((a, b) => a + (b - mean) ** 2, 0) / v.length]
}
/** Kolmogorov's distance between the sample and a distribution, times √n: over 1.95 in one of a thousand samples. */
export function kolmogorov(x: Tensor, distribution: (t: number) => number): number {
  const v = numbers(x).sort((a, b) => a - b)
  return (
    Math.sqrt(v.length) *
    Math.max(
      ...v.reduce<number[]>(
        (d, t, i) => [Math.max(d[0]!, Math.abs(distribution(t) - i / v.length), Math.abs((i + 1) / v.length - distribution(t)))],
        [0],
      ),
    )
  )
}
/** χ² against equal (or given) probabilities, as a multiple of its standard deviation from its mean. */
export function chiSquared(values: readonly number[], k: number, p: (i: number) => number = () => 1 / k): number {
  const counts = new Array<number>(k).fill(0)
  for (const v of values) counts[v]!++
  const chi2 = counts.reduce((s, c, i) => s + (c - values.length * p(i)) ** 2 / (values.length * p(i)), 0)
  return (chi2 - (k - 1)) / Math.sqrt(2 * (k - 1))
}
/** Abramowitz and Stegun 7.1.26. */
export function normalDistribution(t: number): number {
  const x = Math.abs(t) / Math.SQRT2
  const s = 1 / (1 + 0.3275911 * x)
  const erf = 1 - ((((1.061405429 * s - 1.453152027) * s + 1.421413741) * s - 0.284496736) * s + 0.254829592) * s * Math.exp(-x * x)
  return t < 0 ? (1 - erf) / 2 : (1 + erf) / 2
}

/** The lower incomplete gamma function over Γ(a): its series for a small x, Lentz's continued fraction beyond. */
export function gammaDistribution(a: number): (x: number) => number {
  const logGamma = stirling(a)
  return (x) => {
    if (x <= 0) return 0
    const scale = Math.exp(a * Math.log(x) - x - logGamma)
    if (x < a + 1) {
      let [term, sum] = [1 / a, 1 / a]
      for (let n = 1; n < 500 && term > 1e-16 * sum; n++) sum += term *= x / (a + n)
      return scale * sum
    }
    let b = x + 1 - a
    let c = 1e300
    let d = 1 / b
    let h = d
    for (let i = 1; i < 500; i++) {
      const an = -i * (i - a)
      b += 2
      d = 1 / (an * d + b)
      c = b + an / c
      h *= d * c
      if (Math.abs(d * c - 1) < 1e-15) break
    }
    return 1 - scale * h
  }
}
/** log Γ by Stirling's series from 15 on. */
function stirling(x: number): number {
  if (x < 15) return stirling(x + 1) - Math.log(x)
  return (x - 0.5) * Math.log(x) - x + Math.log(2 * Math.PI) / 2 + 1 / (12 * x) - 1 / (360 * x ** 3) + 1 / (1260 * x ** 5)
}
export const poissonMass = (rate: number, k: number): number => Math.exp(k * Math.log(rate) - rate - stirling(k + 1))
export const binomialMass = (n: number, p: number, k: number): number =>
  Math.exp(stirling(n + 1) - stirling(k + 1) - stirling(n - k + 1) + k * Math.log(p) + (n - k) * Math.log1p(-p))
/** χ² of counts against a mass function, in places of at least 20 expected, as a multiple of its standard deviation from its mean. */
export function chiSquaredOf(values: readonly number[], mass: (k: number) => number): number {
  const counts = new Map<number, number>()
  for (const v of values) counts.set(v, (counts.get(v) ?? 0) + 1)
  const [low, high] = values.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)] as const, [Infinity, -Infinity] as const)
  const places: [seen: number, expected: number][] = [[0, 0]]
  for (let k = low; k <= high; k++) {
    const last = places.at(-1)!
    last[0] += counts.get(k) ?? 0
    last[1] += values.length * mass(k)
    if (last[1] > 20) places.push([0, 0])
  }
  const [seen, expected] = places.pop()!
  places.at(-1)![0] += seen
  places.at(-1)![1] += expected
  const free = places.length - 1
  return (places.reduce((s, [o, e]) => s + (o - e) ** 2 / e, 0) - free) / Math.sqrt(2 * free)
}
