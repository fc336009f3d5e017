import { readFileSync } from 'node:fs'
import { jvpFlat, vjpFlat } from '@mapgrad/autodiff/plugin'
import { cpu } from '@mapgrad/backend-cpu'
import { type Tensor, distributions, isTensor, setDefaultDevice, stack, tensor } from '@mapgrad/tensor'
import { describe, expect, test } from 'vitest'
import { numbers } from '../checks.ts'

// Values and gradients of PyTorch 2.13, made by values.py.

type Numbers = number | Numbers[]
type Given = readonly Numbers[] | Readonly<Record<string, Numbers>>
interface Case {
  readonly name: keyof typeof distributions
  readonly args: Given
  readonly value: Numbers
  readonly batchShape: readonly number[]
  readonly eventShape: readonly number[]
  readonly logProb: Numbers
  readonly logProbGradients: Numbers[]
  readonly entropy: Numbers | null
  readonly entropyGradients?: Numbers[]
  readonly mean: Numbers
  readonly variance: Numbers
  readonly stddev: Numbers
  readonly cdf: Numbers | null
  readonly icdf: Numbers | null
}
interface Pair {
  readonly name: keyof typeof distributions
  readonly p: Given
  readonly q: Given
  readonly value: Numbers
  readonly gradients: Numbers[]
}
const read = (_: string, v: unknown): unknown => (v === 'Infinity' || v === '-Infinity' || v === 'NaN' ? Number(v) : v)
const { cases, kl } = JSON.parse(readFileSync(new URL('values.json', import.meta.url), 'utf8'), read) as { cases: Case[]; kl: Pair[] }

setDefaultDevice(cpu)

const f64 = (x: Numbers): Tensor => tensor(x, { dtype: 'float64' })
/** The arguments, lists as tensors; and what puts other tensors in their place. */
function parameters(args: Given): [xs: Tensor[], rebuild: (xs: readonly Tensor[]) => unknown[]] {
  const values = Object.values(args) as Numbers[]
  const keys = Object.keys(args)
  const xs = values.filter(Array.isArray).map((v) => f64(v as Numbers))
  const rebuild = (ys: readonly Tensor[]): unknown[] => {
    let k = 0
    const filled = values.map((v) => (Array.isArray(v) ? ys[k++]! : v))
    return Array.isArray(args) ? filled : [Object.fromEntries(keys.map((key, i) => [key, filled[i]]))]
  }
  return [xs, rebuild]
}
const classes: Readonly<Record<string, unknown>> = { ...distributions }
const make = (name: Case['name'], args: unknown[]): distributions.Distribution =>
  new (classes[name] as new (...a: unknown[]) => distributions.Distribution)(...args)
const flat = (x: Numbers): number[] => (Array.isArray(x) ? x.flatMap(flat) : [x])
const expectClose = (got: Tensor | number[], want: Numbers, what: string, tolerance = 1e-11): void => {
  const g = isTensor(got) ? numbers(got) : got
  const w = flat(want)
  expect(g.length, `${what}: how many`).toBe(w.length)
  g.forEach((x, i) => {
    if (Object.is(x, w[i]) || x === w[i]) return
    expect(Math.abs(x - w[i]!) / Math.max(1, Math.abs(w[i]!)), `${what}[${i}]: got ${x}, PyTorch ${w[i]}`).toBeLessThan(tolerance)
  })
}
/** PyTorch's trigamma is right to nine digits. */
const TRIGAMMA = 1e-8

/** Gradients of the sum of `f` by reverse mode; forward mode must agree along the ones. */
function gradients(f: (xs: readonly Tensor[]) => Tensor, xs: readonly Tensor[]): number[][] {
  const [[y], pull] = vjpFlat((ys) => [f(ys).sum()], xs)
  const cts = pull([y!.mul(0).add(1)]).map((ct, i) => (ct ? numbers(ct) : numbers(xs[i]!.mul(0))))
  const [, [dy]] = jvpFlat(
    (ys) => [f(ys).sum()],
    xs,
    xs.map((x) => x.mul(0).add(1)),
  )
  const total = cts.flat().reduce((a, b) => a + b, 0)
  if (Number.isFinite(total)) expect(Math.abs(Number(dy?.item() ?? 0) - total)).toBeLessThan(1e-9 * Math.max(1, Math.abs(total)))
  return cts
}

describe.each(cases.map((c) => [`${c.name}(${JSON.stringify(c.args)})`, c] as const))('%s', (_, c) => {
  const [xs, rebuild] = parameters(c.args)
  const d = (): distributions.Distribution => make(c.name, rebuild(xs))
  // categories are whole numbers
  const value = (): Tensor => (c.name === 'Categorical' ? tensor(c.value, { dtype: 'int32' }) : f64(c.value))

  test('shapes, mean, variance, deviation', () => {
    expect(d().batchShape).toEqual(c.batchShape)
    expect(d().eventShape).toEqual(c.eventShape)
    for (const what of ['mean', 'variance', 'stddev'] as const) expectClose(d()[what], c[what], what)
    expect(d().sample([2]).shape).toEqual([2, ...c.batchShape, ...c.eventShape])
  })
  test('logProb and its gradients', () => {
    expectClose(d().logProb(value()), c.logProb, 'logProb')
    const v = value()
    gradients((ys) => make(c.name, rebuild(ys)).logProb(v), xs).forEach((g, i) => expectClose(g, c.logProbGradients[i]!, `gradient ${i}`))
  })
  test('entropy and its gradients, cdf and icdf, or none as in PyTorch', () => {
    if (c.entropy === null) expect(() => d().entropy()).toThrow(/has no entropy/)
    else {
      expectClose(d().entropy(), c.entropy, 'entropy')
      gradients((ys) => make(c.name, rebuild(ys)).entropy(), xs).forEach((g, i) =>
        expectClose(g, c.entropyGradients![i]!, `gradient ${i}`, TRIGAMMA),
      )
    }
    if (c.cdf !== null) expectClose(d().cdf(value()), c.cdf, 'cdf')
    else expect(() => d().cdf(value())).toThrow(/has no cdf/)
    if (c.icdf !== null) expectClose(stack([0.05, 0.5, 0.9].map((p) => d().icdf(p))), c.icdf, 'icdf')
    else expect(() => d().icdf(f64(0.5))).toThrow(/has no icdf/)
  })
})

describe('klDivergence', () => {
  test.each(kl.map((c) => [`${c.name}(${JSON.stringify(c.p)} ‖ ${JSON.stringify(c.q)})`, c] as const))('%s', (_, c) => {
    const [ps, rebuildP] = parameters(c.p)
    const [qs, rebuildQ] = parameters(c.q)
    const f = (xs: readonly Tensor[]): Tensor =>
      distributions.klDivergence(make(c.name, rebuildP(xs.slice(0, ps.length))), make(c.name, rebuildQ(xs.slice(ps.length))))
    expectClose(f([...ps, ...qs]), c.value, 'kl')
    if (flat(c.value).every(Number.isFinite))
      gradients(f, [...ps, ...qs]).forEach((g, i) => expectClose(g, c.gradients[i]!, `gradient ${i}`, TRIGAMMA))
  })
})
