// Covers upstream's TestExamplesCorrectness on plain trees: maml_regression, lennard_jones_batched_jac by jacrev and by jacfwd,
// ensemble_regression, find_learning_rate_ensembling. Values by PyTorch without transforms (examples.py), or by loops.
// Left out: maml_omniglot, update_batch_norm, resnet18 per-sample gradients (convolutions and modules).

import { readFileSync } from 'node:fs'
import {
  type Tensor,
  alphaDropout,
  dropout,
  featureAlphaDropout,
  grad,
  gradAndValue,
  jacfwd,
  jacrev,
  linspace,
  logSoftmax,
  manualSeed,
  matmul,
  mean,
  mseLoss,
  mul,
  nllLoss,
  outer,
  relu,
  select,
  sin,
  stack,
  sub,
  sum,
  tanh,
  tensor,
  tree,
  vmap,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { distance, f64, numbers } from '../rules.ts'

interface Expected {
  readonly maml: { readonly losses: number[]; readonly norms: number[] }
  readonly lennardJones: { readonly loss: number; readonly forces: number[]; readonly norms: number[] }
  readonly ensemble: readonly { readonly losses: number[]; readonly norms: number[] }[]
}
const expected = JSON.parse(readFileSync(new URL('./examples.json', import.meta.url), 'utf8')) as Expected

/** The generator of examples.py. */
const uniform =
  (state: number) =>
  (...shape: number[]): Tensor =>
    // prettier-ignore
    f64(Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => ((state = (state * 16807) % 2147483647) / 2147483647) * 2 - 1)).reshape(shape)

interface Layer {
  readonly w: Tensor
  readonly b: Tensor
}
type Params = readonly Layer[]
const mlp = (u: ReturnType<typeof uniform>, ...sizes: number[]): Params =>
  sizes.slice(1).map((out, k) => ({ w: u(out, sizes[k]!).div(Math.sqrt(sizes[k]!)), b: u(out).mul(0.1) }))
const run = (params: Params, x: Tensor, act: (x: Tensor) => Tensor): Tensor =>
  params.reduce((x, { w, b }, k) => {
    const y = matmul(x, w.t()).add(b)
    return k < params.length - 1 ? act(y) : y
  }, x)
const step = (params: Params, grads: Params, rate: number | Tensor): Params =>
  tree.map((p: Tensor, g: Tensor) => sub(p, mul(g, rate)), params, grads) as Params
const norms = (params: Params): number[] => (tree.leaves(params) as Tensor[]).map((p) => Math.sqrt(numbers(sum(mul(p, p)))[0]!))
const compare = (got: readonly number[], want: readonly number[]): void => {
  expect(got).toHaveLength(want.length)
  got.forEach((v, i) => expect(v).toBeCloseTo(want[i]!, 10))
}

test('maml_regression: gradients through inner gradient steps, mapped over tasks', () => {
  const u = uniform(11)
  const params = mlp(u, 1, 40, 40, 1)
  const [tasks, k] = [4, 10]
  const [amplitudes, phases] = [u(tasks).mul(2.45).add(2.55), u(tasks).add(1).mul(Math.PI / 2)] // prettier-ignore
  const inputs = Array.from({ length: tasks }, () => [u(k, 1).mul(5), u(k, 1).mul(5)] as const)
  const taskLoss = (params: Params, x1: Tensor, x2: Tensor, a: Tensor, p: Tensor): Tensor => {
    const wave = (x: Tensor): Tensor => mul(sin(x.add(p)), a)
    const loss = (params: Params, x: Tensor): Tensor => mseLoss(run(params, x, relu), wave(x))
    return loss(step(params, grad(loss)(params, x1), 0.1), x2)
  }
  const [x1, x2] = [0, 1].map((i) => stack(inputs.map((t) => t[i]!))) as [Tensor, Tensor]
  const losses = vmap(taskLoss, [null, 0, 0, 0, 0])
  compare(numbers(losses(params, x1, x2, amplitudes, phases)), expected.maml.losses)
  const [g, value] = gradAndValue((params: Params) => mean(losses(params, x1, x2, amplitudes, phases)))(params)
  compare(norms(g), expected.maml.norms)
  compare(numbers(value), [expected.maml.losses.reduce((a, b) => a + b) / tasks])
})

describe.each([
  ['jacrev', jacrev],
  ['jacfwd', jacfwd],
] as const)('lennard_jones_batched_jac by %s', (_, jac) => {
  test('forces of a network as the derivative of its energies, and the gradient of what they are off by', () => {
    const params = mlp(uniform(12), 1, 16, 16, 16, 16, 1)
    const [sigma, epsilon] = [0.5, 4]
    const r = linspace(0.5, 1, 20, { dtype: 'float64' }).reshape([-1, 1])
    const drs = outer(r.reshape([-1]), f64([1, 0, 0]))
    const energies = r.reciprocal().mul(sigma).pow(12).sub(r.reciprocal().mul(sigma).pow(6)).mul(epsilon)
    const magnitudes = r.pow(-13).mul(-12 * sigma ** 12).add(r.pow(-7).mul(6 * sigma ** 6)).mul(-epsilon) // prettier-ignore
    const predict = (params: Params): [energies: Tensor, forces: Tensor] => {
      const model = (r: Tensor): Tensor => run(params, r, tanh)
      const slopes = vmap(jac(model))(r).reshape([-1, 1])
      return [model(r), slopes.neg().mul(drs).div(r)]
    }
    const loss = (params: Params): Tensor => {
      const [e, f] = predict(params)
      return mseLoss(energies, e).add(mseLoss(mul(magnitudes, drs), f).mul(0.01 / 3))
    }
    compare(numbers(select(predict(params)[1], 1, 0)), expected.lennardJones.forces)
    const [g, value] = gradAndValue(loss)(params)
    compare(numbers(value), [expected.lennardJones.loss])
    compare(norms(g), expected.lennardJones.norms)
  })
})

/** Parameters of several models in one tree, and one of them again. */
const stacked = (models: readonly Params[]): Params =>
  tree.map((...leaves: Tensor[]) => stack(leaves), models[0]!, ...models.slice(1)) as Params
const modelOf = (all: Params, k: number): Params => tree.map((p: Tensor) => p.at(k), all) as Params

test('ensemble_regression: several models trained at once, each as alone', () => {
  const u = uniform(13)
  const n = 30
  const ts = linspace(0, 1, n, { dtype: 'float64' }).sqrt()
  const signs = u(n).sign()
  const labels = signs.gt(0).to('int64')
  const angle = ts.mul(2 * Math.PI)
  const points = stack([mul(mul(ts, signs), angle.cos()), mul(mul(ts, signs), angle.sin())], 1)
  const loss = (params: Params): Tensor => nllLoss(logSoftmax(run(params, points, relu), -1), labels)
  const train = (params: Params): [loss: Tensor, params: Params] => {
    const [g, value] = gradAndValue(loss)(params)
    return [value, step(params, g, 0.2)]
  }
  let all = stacked(expected.ensemble.map(() => mlp(u, 2, 32, 2)))
  const losses: Tensor[] = []
  for (let i = 0; i < 3; i++) {
    const [value, next] = vmap(train)(all)
    losses.push(value)
    all = next
  }
  expected.ensemble.forEach((want, k) => {
    compare(
      losses.map((l) => numbers(l)[k]!),
      want.losses,
    )
    compare(norms(modelOf(all, k)), want.norms)
  })
})

describe.each([
  ['dropout', dropout],
  ['alphaDropout', alphaDropout],
  ['featureAlphaDropout', featureAlphaDropout],
] as const)('find_learning_rate_ensembling: one model, many learning rates, the same %s', (_, drop) => {
  const u = uniform(14)
  const params = mlp(u, 16, 32, 2)
  const points = u(20, 2, 2, 2, 2)
  const labels = u(20).gt(0).to('int64')
  const rates = tensor([0.2, 0.4, 0.6, 0.8, 1], { dtype: 'float64' })
  const train = (params: Params, rate: Tensor): [Tensor, Params] => {
    const loss = (params: Params): Tensor => nllLoss(logSoftmax(run(params, drop(points, 0.5).flatten(1), relu), -1), labels)
    const [g, value] = gradAndValue(loss)(params)
    return [value, step(params, g, rate)]
  }
  test('each is as if it were alone with the same seed', () => {
    const all = stacked([0, 1, 2, 3, 4].map(() => params))
    manualSeed(7)
    const [losses, trained] = vmap(train, { randomness: 'same' })(all, rates)
    numbers(rates).forEach((_, k) => {
      manualSeed(7)
      const [loss, alone] = train(modelOf(all, k), rates.at(k))
      expect(distance(losses.at(k), loss)).toBeLessThan(1e-14)
      ;(tree.leaves(alone) as Tensor[]).forEach((p, i) =>
        expect(distance((tree.leaves(modelOf(trained, k)) as Tensor[])[i]!, p)).toBeLessThan(1e-14),
      )
    })
  })
  test('with one set of parameters for all of them the draws are the same too', () => {
    manualSeed(7)
    const [losses, trained] = vmap(train, [null, 0], { randomness: 'same' })(params, rates)
    expect(new Set(numbers(losses)).size).toBe(1)
    manualSeed(7)
    const [, alone] = train(params, rates.at(3))
    expect(distance(modelOf(trained, 3)[0]!.w, alone[0]!.w)).toBeLessThan(1e-14)
  })
  test('with different draws the models part', () => {
    const [losses] = vmap(train, [null, 0], { randomness: 'different' })(params, rates)
    expect(new Set(numbers(losses)).size).toBe(5)
  })
})
