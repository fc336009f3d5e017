import { grad, jvp } from '@mapgrad/autodiff'
import { cpu } from '@mapgrad/backend-cpu'
import {
  Generator,
  type Tensor,
  distributions as D,
  isMapgradError,
  key,
  manualSeed,
  mul,
  setDefaultDevice,
  stack,
  tensor,
  zeros,
} from '@mapgrad/tensor'
import { vmap } from '@mapgrad/vmap'
import { beforeEach, describe, expect, test } from 'vitest'
import { expectClose, numbers } from '../checks.ts'
import { chiSquaredOf, kolmogorov, moments } from '../random/statistics.ts'

setDefaultDevice(cpu)
beforeEach(() => manualSeed(8))
const seeded = <R>(f: () => R): R => (manualSeed(21), f())
const f64 = (x: Parameters<typeof tensor>[0]): Tensor => tensor(x, { dtype: 'float64' })
const N = 10_000

/** A distribution of one or two parameters, with some for two members of a batch. */
interface Family {
  readonly name: string
  readonly of: (a: Tensor, b: Tensor) => D.Distribution
  readonly a: readonly number[]
  readonly b: readonly number[]
  /** the mean has no Monte Carlo estimate of bounded error */
  readonly wild?: boolean
}
const family = (name: string, of: Family['of'], a: number[], b: number[] = [1, 1], wild = false): Family => ({ name, of, a, b, wild })
const continuous: readonly Family[] = [
  family('Normal', (a, b) => new D.Normal(a, b), [0.5, -2], [1.5, 0.3]),
  family('LogNormal', (a, b) => new D.LogNormal(a, b), [0.5, -1], [0.5, 0.3]),
  family('HalfNormal', (a) => new D.HalfNormal(a), [1.5, 0.3]),
  family('Uniform', (a, b) => new D.Uniform(a, a.add(b)), [0.5, -2], [1.5, 0.3]),
  family('Laplace', (a, b) => new D.Laplace(a, b), [0.5, -2], [1.5, 0.3]),
  family('Gumbel', (a, b) => new D.Gumbel(a, b), [0.5, -2], [1.5, 0.3]),
  family('Cauchy', (a, b) => new D.Cauchy(a, b), [0.5, -2], [1.5, 0.3], true),
  family('StudentT', (a, b) => new D.StudentT(a, b, 1.3), [5.5, 12], [1.5, 0.3]),
  family('Exponential', (a) => new D.Exponential(a), [1.5, 0.3]),
  family('Gamma', (a, b) => new D.Gamma(a, b), [0.6, 7], [1.5, 0.3]),
  family('HalfCauchy', (a) => new D.HalfCauchy(a), [1.5, 0.3], [1, 1], true),
  family('Weibull', (a, b) => new D.Weibull(a, b), [1.5, 0.3], [1.2, 3]),
  family('Pareto', (a, b) => new D.Pareto(a, b), [1.5, 0.3], [6, 9]),
  family('InverseGamma', (a, b) => new D.InverseGamma(a, b), [6, 9], [1.5, 0.3]),
  family('Chi2', (a) => new D.Chi2(a), [1.5, 9]),
  family('Beta', (a, b) => new D.Beta(a, b), [0.6, 7], [1.5, 0.8]),
]
const discrete: readonly Family[] = [
  family('Bernoulli', (a) => new D.Bernoulli(a), [0.3, 0.8]),
  family('Bernoulli of logits', (a) => new D.Bernoulli({ logits: a }), [-0.3, 1.8]),
  family('Geometric', (a) => new D.Geometric(a), [0.3, 0.8]),
  family('Poisson', (a) => new D.Poisson(a), [0.7, 25]),
  family('NegativeBinomial', (a) => new D.NegativeBinomial(2.5, a), [0.3, 0.8]),
  family('Binomial', (a) => new D.Binomial(9, a), [0.3, 0.8]),
]
const all = [...continuous, ...discrete]

describe.each(continuous.map((f) => [f.name, f] as const))('%s', (name, { of, a, b, wild }) => {
  const d = of(f64(a), f64(b))
  const x = d.sample([N])
  test('samples have its distribution function, or mean and variance where it has none', () => {
    for (const i of [0, 1]) {
      const column = x.select(1, i)
      const one = of(f64(a[i]!), f64(b[i]!))
      if (!['StudentT', 'Gamma', 'Chi2', 'Beta', 'InverseGamma'].includes(name)) {
        // what the distribution function makes of them is uniform
        expect(kolmogorov(one.cdf(column), (t) => t)).toBeLessThan(1.95)
      }
      if (wild) continue
      const [mean, variance] = moments(column)
      const [m, v] = [one.mean.item() as number, one.variance.item() as number]
      expect(Math.abs(mean - m)).toBeLessThan(5 * Math.sqrt(v / N))
      expect(Math.abs(variance / v - 1)).toBeLessThan(0.15)
    }
  })
  test('the mean gradient of a sample is the gradient of the mean', () => {
    expect(d.hasRsample).toBe(true)
    if (wild) return
    for (const i of [0, 1]) {
      const args = [f64(a[i]!), f64(b[i]!)] as const
      const drawn = grad((p: Tensor, q: Tensor) => of(p, q).rsample([N]).mean(), [0, 1])(...args) as Tensor[]
      const exact = grad((p: Tensor, q: Tensor) => of(p, q).mean, [0, 1])(...args) as Tensor[]
      drawn.forEach((g, k) =>
        expect(Math.abs(Number(g.item()) - Number(exact[k]!.item()))).toBeLessThan(0.1 * Math.max(1, Math.abs(Number(exact[k]!.item())))),
      )
    }
  })
  test('sample has no derivative', () => {
    const g = grad((p: Tensor) => of(p, f64(b[0]!)).sample([3]).sum())(f64(a[0]!))
    expect(g.item()).toBe(0)
  })
})

test.each(discrete.map((f) => [f.name, f] as const))('%s: samples have its probabilities', (_, { of, a, b }) => {
  const x = of(f64(a), f64(b)).sample([N])
  for (const i of [0, 1]) {
    const one = of(f64(a[i]!), f64(b[i]!))
    const mass = (k: number): number => Math.exp(one.logProb(k).item() as number)
    expect(chiSquaredOf(numbers(x.select(1, i)), mass)).toBeLessThan(4)
    expect(() => one.rsample()).toThrow(/has no rsample/)
  }
})

describe('over categories', () => {
  const probs = f64([
    [0.2, 0.5, 0.3],
    [3, 0, 1],
  ])
  test('Categorical, OneHotCategorical and Multinomial draw by their probabilities', () => {
    const x = new D.Categorical(probs).sample([N])
    expect([x.shape, x.dtype]).toEqual([[N, 2], 'int32'])
    for (const i of [0, 1]) {
      const p = new D.Categorical(probs).probs.select(0, i).tolist() as number[]
      const counts = numbers(x.select(1, i)).reduce((c, k) => ((c[k]! += 1 / N), c), [0, 0, 0])
      counts.forEach((c, k) => expect(Math.abs(c - p[k]!)).toBeLessThan(5 * Math.sqrt((p[k]! * (1 - p[k]!)) / N) + 1e-12))
    }
    const hot = new D.OneHotCategorical({ logits: probs.clampMin(1e-9).log() }).sample([5, 4])
    expect([hot.shape, hot.dtype]).toEqual([[5, 4, 2, 3], 'float64'])
    expect(hot.sum(-1).eq(1).all().item()).toBe(true)
    const counts = new D.Multinomial(7, probs).sample([N / 10])
    expect(counts.shape).toEqual([N / 10, 2, 3])
    expect(counts.sum(-1).eq(7).all().item()).toBe(true)
    expectClose(counts.mean(0), new D.Multinomial(7, probs).mean, 0.15)
  })
  test('Dirichlet: points of the simplex, the mean gradient that of the mean', () => {
    const c = f64([0.5, 1, 3.5])
    const x = new D.Dirichlet(c).rsample([N])
    expect(x.sum(-1).sub(1).abs().max().item()).toBeLessThan(1e-12)
    expectClose(x.mean(0), new D.Dirichlet(c).mean, 0.01)
    expectClose(x.var(0), new D.Dirichlet(c).variance, 0.01)
    const w = f64([1, -2, 0.5])
    const drawn = grad((p: Tensor) => new D.Dirichlet(p).rsample([N]).mul(w).sum().div(N))(c)
    expectClose(drawn, grad((p: Tensor) => new D.Dirichlet(p).mean.mul(w).sum())(c), 0.02)
  })
})

describe.each(all.map((f) => [f.name, f] as const))('%s under vmap', (_, { of, a, b }) => {
  const [as, bs] = [f64([...a, ...a.slice(0, 1)]), f64([...b, ...b.slice(0, 1)])]
  const draw = (p: Tensor, q: Tensor): Tensor => of(p, q).sample([2])
  test('different: the numbers of the batch; same: those of a loop over one seed; parameters mapped or not', () => {
    expect(() => vmap(draw)(as, bs)).toThrow(/called random operation while in randomness error mode/)
    const got = seeded(() => vmap(draw, 0, 0, { randomness: 'different' })(as, bs))
    // the examples in front of the draw
    const want = seeded(() => of(as.unsqueeze(1).expand(3, 2), bs.unsqueeze(1).expand(3, 2)).sample())
    expectClose(got, want, 1e-12)
    const same = seeded(() => vmap(draw, 0, 0, { randomness: 'same' })(as, bs))
    expectClose(same, stack([0, 1, 2].map((i) => seeded(() => draw(as.select(0, i), bs.select(0, i))))), 1e-12)
    const shared = seeded(() => vmap((p: Tensor) => draw(p, bs.select(0, 0)), 0, 0, { randomness: 'different' })(as))
    expect(shared.shape).toEqual([3, 2])
  })
  test('log probabilities and their gradients are those of a loop; nothing of an example is read', () => {
    const x = of(as, bs).sample()
    const f = (p: Tensor, q: Tensor, v: Tensor): Tensor => of(p, q).logProb(v)
    const each = <R>(g: (i: number) => R): R[] => [0, 1, 2].map(g)
    const at = (i: number): [Tensor, Tensor, Tensor] => [as.select(0, i), bs.select(0, i), x.select(0, i)]
    expectClose(vmap(f)(as, bs, x), stack(each((i) => f(...at(i)))), 1e-12)
    expectClose(vmap(grad(f))(as, bs, x), stack(each((i) => grad(f)(...at(i)))), 1e-12)
    const tangent = (p: Tensor, q: Tensor, v: Tensor): Tensor => jvp((z: Tensor) => f(z, q, v), [p], [f64(1)])[1]
    expectClose(vmap(tangent)(as, bs, x), vmap(grad(f))(as, bs, x), 1e-10)
  })
})

test('OneHotCategoricalStraightThrough: one-hot values, the derivative of the probabilities', () => {
  const w = f64([1, -2, 0.5])
  const f = (logits: Tensor): Tensor => new D.OneHotCategoricalStraightThrough({ logits }).rsample().mul(w).sum()
  const logits = f64([0.1, 1, -0.4])
  const x = new D.OneHotCategoricalStraightThrough({ logits }).rsample([5])
  expect(x.round().sub(x).abs().max().item()).toBeLessThan(1e-15)
  expect(x.sum(-1).round().eq(1).all().item()).toBe(true)
  expectClose(grad(f)(logits), grad((l: Tensor) => l.softmax(-1).mul(w).sum())(logits), 1e-12)
})

describe.each([
  ['Categorical', (p: Tensor) => new D.Categorical(p)],
  ['OneHotCategorical', (p: Tensor) => new D.OneHotCategorical({ logits: p })],
  ['Multinomial', (p: Tensor) => new D.Multinomial(4, p)],
  ['Dirichlet', (p: Tensor) => new D.Dirichlet(p)],
] as const)('%s under vmap', (_, of) => {
  const p = f64([
    [0.2, 0.5, 0.3],
    [3, 0.4, 1],
    [1, 1, 5],
  ])
  const at = (i: number): Tensor => p.select(0, i)
  test('different: a draw for each example; same: one, with the parameters of each', () => {
    const draw = (q: Tensor): Tensor => of(q).sample([4])
    const each = seeded(() => vmap(draw, 0, 0, { randomness: 'different' })(p.select(0, 0).expand(6, 3)))
    expect(each.shape.slice(0, 2)).toEqual([6, 4])
    expect(new Set((each.tolist() as unknown[]).map((r) => JSON.stringify(r))).size).toBeGreaterThan(3)
    const same = seeded(() => vmap(draw, 0, 0, { randomness: 'same' })(p))
    expectClose(same, stack([0, 1, 2].map((i) => seeded(() => draw(at(i))))), 1e-12)
  })
  test('log probabilities, entropies and gradients are those of a loop', () => {
    const x = of(p).sample()
    const f = (q: Tensor, v: Tensor): Tensor => of(q).logProb(v).add(of(q).entropy())
    const loop = (g: (q: Tensor, v: Tensor) => Tensor): Tensor => stack([0, 1, 2].map((i) => g(at(i), x.select(0, i))))
    expectClose(vmap(f)(p, x), loop(f), 1e-12)
    expectClose(vmap(grad(f))(p, x), loop(grad(f)), 1e-12)
  })
})

test('rsample under grad and vmap: a gradient for each example', () => {
  const f = (a: Tensor): Tensor => new D.Gamma(a, 2).rsample([4]).sum().add(new D.Normal(a, a).rsample())
  const a = f64([0.5, 3, 20])
  const got = seeded(() => vmap(grad(f), 0, 0, { randomness: 'different' })(a))
  expect(got.shape).toEqual([3])
  expect(got.isfinite().all().item()).toBe(true)
  // PyTorch refuses this: parameters that the distribution repeated itself
  const loc = zeros(2)
  const out = vmap((x: Tensor) => new D.Normal(loc, 1).rsample().add(x), 0, 0, { randomness: 'different' })(zeros(3, 2))
  expect(new Set(numbers(out)).size).toBe(6)
})

test('keys and generators: the same numbers again, and independent ones within a sample', () => {
  const k = key(4)
  const d = new D.StudentT(3, zeros(N), 1)
  expect(numbers(d.sample({ key: k }))).toEqual(numbers(d.sample([], { key: k })))
  const g = (): number[] => numbers(d.sample([2], { generator: new Generator().manualSeed(3) }))
  expect(g()).toEqual(g())
  // were noise and scale drawn from one stream, this would not be Student's
  const [big] = moments(d.sample({ key: k }).abs().gt(3.182446).float())
  expect(Math.abs(big - 0.05)).toBeLessThan(0.008)
  const keys = stack([0, 1, 2].map((i) => key(i)))
  const mapped = vmap((q: Tensor) => new D.Beta(2, 3).sample([2], { key: q }))(keys)
  expectClose(mapped, stack([0, 1, 2].map((i) => new D.Beta(2, 3).sample([2], { key: key(i) }))), 0)
})

test('expand and Independent', () => {
  const d = new D.Normal(f64([1, 2, 3]), 1)
  const big = d.expand([4, 3])
  expect([big.batchShape, big.mean.shape, big.sample([2]).shape]).toEqual([
    [4, 3],
    [4, 3],
    [2, 4, 3],
  ])
  expect(big).toBeInstanceOf(D.Normal)
  const c = new D.Categorical(f64([0.2, 0.8])).expand([3])
  expect(c.sample().shape).toEqual([3])
  const joint = new D.Independent(d, 1)
  expect([joint.batchShape, joint.eventShape, joint.sample([5]).shape]).toEqual([[], [3], [5, 3]])
  expectClose(joint.logProb(f64([0, 0, 0])), d.logProb(0).sum(), 1e-12)
  expectClose(joint.entropy(), d.entropy().sum(), 1e-12)
  expectClose(
    D.klDivergence(joint, new D.Independent(new D.Normal(f64([0, 0, 0]), 2), 1)),
    D.klDivergence(d, new D.Normal(0, f64(2))).sum(),
    1e-12,
  )
  expect(joint.expand([2]).logProb(f64([0, 0, 0])).shape).toEqual([2])
})

describe('what makes no sense is named', () => {
  const refused: readonly (readonly [() => unknown, RegExp])[] = [
    [
      () => new D.Normal(0, tensor([1, -1])),
      /Expected parameter scale \(Tensor of shape \[2\]\) of distribution Normal.* to satisfy the constraint GreaterThan\(lowerBound=0\), but found invalid values: tensor/,
    ],
    [() => new D.Normal(NaN, 1), /Expected parameter loc/],
    [() => new D.Uniform(1, 1), /Expected parameter high/],
    [() => new D.Categorical(tensor([0.5, -0.5, 1])), /Expected parameter probs .* Simplex/],
    [() => new D.Bernoulli(), /Either `probs` or `logits` must be specified, but not both/],
    [() => new D.Bernoulli({ probs: 0.5, logits: 0 }), /Either `probs` or `logits` must be specified, but not both/],
    [() => new D.Bernoulli('0.5' as unknown as number), /expected probs or logits to be a number or a Tensor, got/],
    [() => new D.Categorical(tensor(0.5)), /`probs` parameter must be at least one-dimensional/],
    [() => new D.Dirichlet(tensor(0.5)), /`concentration` parameter must be at least one-dimensional/],
    [() => new D.Exponential(1).logProb(-1), /Expected value argument .* to be within the support \(GreaterThanEq\(lowerBound=0\)\)/],
    [() => new D.Bernoulli(0.5).logProb(0.3), /within the support \(Boolean\(\)\)/],
    [
      () => new D.Dirichlet(tensor([1, 2, 3])).logProb(tensor([0.5, 0.5])),
      /The right-most size of value must match event_shape: \[2\] vs \[3\]/,
    ],
    [() => new D.Normal(tensor([1, 2]), 1).logProb(tensor([1, 2, 3])), /\[3\].*\[2\]|\[2\].*\[3\]/],
    [() => new D.Normal(0, 1).sample(3 as unknown as number[]), /expected sampleShape as an array/],
    [() => new D.Independent(new D.Normal(0, 1), 1), /Expected reinterpreted_batch_ndims <= len\(base_distribution.batch_shape\)/],
    [() => D.klDivergence(new D.Normal(0, 1), new D.Poisson(1)), /No KL\(p \|\| q\) is implemented for p type Normal and q type Poisson/],
    [() => new D.Binomial(tensor([2, 3]), 0.5).entropy(), /Inhomogeneous total count not supported/],
    [() => new D.Gamma(1, 1).cdf(1), /has no cdf/],
  ]
  test.each(refused.map(([f, text]) => [text, f] as const))('%s', (text, f) => {
    let caught: unknown
    try {
      f()
    } catch (e) {
      caught = e
    }
    expect(isMapgradError(caught)).toBe(true)
    expect((caught as Error).message).toMatch(text)
  })
  test('unless validateArgs is off', () => {
    expect(new D.Normal(0, -1, { validateArgs: false }).batchShape).toEqual([])
    expect(new D.Exponential(1, { validateArgs: false }).logProb(-1).item()).toBe(1)
    expect(new D.Uniform(0, 1, { validateArgs: false }).logProb(3).item()).toBe(-Infinity)
  })
})

test('a pair of the user’s own classes gets a formula', () => {
  class Standard extends D.Normal {
    constructor() {
      super(0, 1)
    }
  }
  expect(D.klDivergence(new Standard(), new D.Normal(0, 1)).item()).toBe(0)
  D.registerKl(Standard, D.Poisson, (_, q) => mul(q.rate, 2))
  expect(D.klDivergence(new Standard(), new D.Poisson(3)).item()).toBe(6)
})
