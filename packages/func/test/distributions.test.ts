// torch.distributions' classes inside the transforms of func. Values, samples and vmap: packages/tensor/test/distributions.
import {
  type Key,
  type Tensor,
  cond,
  distributions as D,
  foldIn,
  grad,
  hessian,
  jacfwd,
  jacrev,
  key,
  linearize,
  makeFx,
  manualSeed,
  scan,
  split,
  stack,
  tensor,
  vmap,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { along, distance, f64, numbers } from './rules.ts'

const seeded = <R>(f: () => R): R => (manualSeed(5), f())

/** Distributions by one vector of two positive parameters, and a value. */
const families: readonly (readonly [string, (p: Tensor) => D.Distribution, number | number[]])[] = [
  ['Normal', (p) => new D.Normal(p.select(0, 0), p.select(0, 1)), 0.4],
  ['LogNormal', (p) => new D.LogNormal(p.select(0, 0), p.select(0, 1)), 0.4],
  ['Laplace', (p) => new D.Laplace(p.select(0, 0), p.select(0, 1)), 0.4],
  ['Gumbel', (p) => new D.Gumbel(p.select(0, 0), p.select(0, 1)), 0.4],
  ['Cauchy', (p) => new D.Cauchy(p.select(0, 0), p.select(0, 1)), 0.4],
  ['StudentT', (p) => new D.StudentT(p.select(0, 0), 0.3, p.select(0, 1)), 0.4],
  ['Gamma', (p) => new D.Gamma(p.select(0, 0), p.select(0, 1)), 0.4],
  ['Beta', (p) => new D.Beta(p.select(0, 0), p.select(0, 1)), 0.4],
  ['Dirichlet', (p) => new D.Dirichlet(p), [0.4, 0.6]],
  ['Poisson', (p) => new D.Poisson(p.sum()), 3],
  ['Bernoulli', (p) => new D.Bernoulli({ logits: p.select(0, 0).sub(p.select(0, 1)) }), 1],
  ['Geometric', (p) => new D.Geometric(p.select(0, 0).sigmoid()), 3],
  ['Binomial', (p) => new D.Binomial(5, { logits: p.select(0, 0).mul(p.select(0, 1)) }), 2],
  ['Categorical', (p) => new D.Categorical(p), 1],
  ['Multinomial', (p) => new D.Multinomial(5, p), [2, 3]],
]
const at = f64([0.7, 1.9])

describe.each(families)('%s', (name, of, x) => {
  const value = typeof x === 'number' ? x : f64(x)
  const f = (p: Tensor): Tensor => of(p).logProb(value)
  test('second derivatives of the log probability, in every order of modes, by differences', () => {
    const columns = stack(
      [f64([1, 0]), f64([0, 1])].map((e) => along(grad(f), at, e)),
      -1,
    )
    for (const h of [hessian(f), jacrev(jacrev(f) as typeof f), jacfwd(jacfwd(f) as typeof f), jacrev(jacfwd(f) as typeof f)])
      expect(distance(h(at) as Tensor, columns), `${name}`).toBeLessThan(1e-8)
  })
  test('a graph gives what eager code gives', () => {
    const traced = makeFx((p: Tensor) => [f(p), grad(f)(p)])(at)
    const other = f64([1.1, 0.6])
    const [y, g] = traced(other) as [Tensor, Tensor]
    expect(distance(y, f(other))).toBeLessThan(1e-12)
    expect(distance(g, grad(f)(other))).toBeLessThan(1e-12)
    const draws = makeFx((p: Tensor) => of(p).sample([6]))(at)
    expect(numbers(seeded(() => draws(other)))).toEqual(numbers(seeded(() => of(other).sample([6]))))
    expect(numbers(seeded(() => (draws(other), draws(other))))).not.toEqual(numbers(seeded(() => draws(other))))
  })
})

test('a Markov chain by scan: keys carried, the gradient that of the loop', () => {
  const steps = tensor([0, 1, 2, 3], { dtype: 'int32' })
  const k = key(3)
  const chain = (drift: Tensor): Tensor => {
    const move = (x: Tensor, i: Tensor): [Tensor, Tensor] => {
      const y = new D.Normal(x.mul(drift), 0.5).rsample([], { key: foldIn(k, i) })
      return [y, y]
    }
    return scan(move, f64([1, -1]), steps)[1] as Tensor
  }
  const looped = (drift: Tensor): Tensor => {
    let x = f64([1, -1])
    return stack([0, 1, 2, 3].map((i) => (x = new D.Normal(x.mul(drift), 0.5).rsample([], { key: foldIn(k, i) }))))
  }
  const d = f64(0.8)
  expect(distance(chain(d), looped(d))).toBeLessThan(1e-12)
  expect(distance(jacrev(chain)(d) as Tensor, jacfwd(looped)(d) as Tensor)).toBeLessThan(1e-12)
  expect(distance(linearize(chain, [d])[1](f64(1)) as Tensor, along(looped, d, f64(1)))).toBeLessThan(1e-9)
})

test('a coin for each example decides a branch', () => {
  const f = (q: Key, x: Tensor): Tensor => {
    const heads = new D.Bernoulli(0.5).sample({ key: q }).gt(0.5)
    return cond(
      heads,
      (y: Tensor) => y.mul(10),
      (y: Tensor) => y.neg(),
      [x],
    )
  }
  const keys = split(key(1), 12)
  const x = f64(Array.from({ length: 12 }, (_, i) => i + 1))
  const got = numbers(vmap(f)(keys, x))
  expect(got).toEqual([...keys].map((q, i) => numbers(f(q, x.select(0, i)))[0]))
  expect(new Set(got.map((v, i) => v / (i + 1)))).toEqual(new Set([10, -1]))
})

test('the score-function gradient agrees with the reparameterised one, on average', () => {
  const n = 40_000
  const reparameterised = (m: Tensor): Tensor => new D.Normal(m, 1).rsample([n]).square().mean()
  const score = (m: Tensor): Tensor => {
    const q = new D.Normal(m, 1)
    const x = q.sample([n])
    return q.logProb(x).mul(x.square()).mean()
  }
  const m = f64(0.7)
  // E x² = m² + 1
  expect(Math.abs(Number(seeded(() => grad(reparameterised)(m)).item()) - 1.4)).toBeLessThan(0.05)
  expect(Math.abs(Number(seeded(() => grad(score)(m)).item()) - 1.4)).toBeLessThan(0.1)
})

test('an ensemble: parameters along one axis, noise along another', () => {
  const loss = (loc: Tensor, k: Key): Tensor => new D.Normal(loc, 1).rsample([3], { key: k }).square().sum()
  const [locs, keys] = [
    f64([
      [0, 1],
      [2, 3],
      [4, 5],
    ]),
    split(key(2), 4),
  ]
  const all = vmap(vmap(grad(loss), [null, 0]), [0, null])(locs, keys)
  expect(all.shape).toEqual([3, 4, 2])
  const one = grad(loss)(locs.select(0, 2), [...keys][1]!)
  expect(distance(all.select(0, 2).select(0, 1), one)).toBeLessThan(1e-12)
})

test('klDivergence of binomials: what has no closed form is refused, or NaN where counts cannot be read, never a wrong number', () => {
  const kl = (n: Tensor, m: Tensor): Tensor => D.klDivergence(new D.Binomial(n, f64(0.3)), new D.Binomial(m, f64(0.6)))
  const same = 4 * (0.3 * Math.log(0.3 / 0.6) + 0.7 * Math.log(0.7 / 0.4))
  expect(kl(f64(4), f64(4)).item()).toBeCloseTo(same, 12)
  expect(() => kl(f64(4), f64(5))).toThrow(/q\.total_count > p\.total_count is not implemented: it has no closed form\. Sum p\.logProb/)
  const [equal, fewer, more] = vmap(kl)(f64([4, 4, 5]), f64([4, 5, 4])).tolist() as number[]
  expect(equal).toBeCloseTo(same, 12)
  expect([fewer, more]).toEqual([NaN, Infinity])
})
