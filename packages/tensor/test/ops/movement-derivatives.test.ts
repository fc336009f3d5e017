import { jvpFlat, vjpFlat } from '@mapgrad/autodiff/plugin'
import { type Tensor, zeros } from '@mapgrad/tensor'
import { describe, expect, test } from 'vitest'
import {
  type Case,
  type Encoded,
  build,
  call,
  cases,
  decode,
  dot,
  expectSame,
  listOf,
  numbers,
  operands,
  random,
  title,
} from './movement-cases.ts'

const isFloat = (x: { readonly dtype: string }): boolean => x.dtype === 'float64'

/** The function of a case, of its float operands, giving its float results. */
function asFunction(c: Case): { f: (xs: readonly Tensor[]) => readonly Tensor[]; xs: readonly Tensor[] } {
  const floats = operands(c.args).filter(isFloat)
  const f = (xs: readonly Tensor[]): readonly Tensor[] => {
    let next = 0
    return listOf(
      call(
        c.f,
        build(c.args, (x: Encoded) => (isFloat(x) ? xs[next++]! : decode(x))),
        c.options,
      ),
    ).filter(isFloat)
  }
  return { f, xs: floats.map((x) => decode(x)) }
}

const differentiable = cases.filter(
  (c) => c.diff && operands(c.args).some(isFloat) && (Array.isArray(c.out) ? c.out : [c.out]).some(isFloat),
)
const h = 1e-5
const shifted = (xs: readonly Tensor[], dxs: readonly Tensor[], by: number): Tensor[] => xs.map((x, i) => x.add(dxs[i]!.mul(by)))

/** The derivative along dxs from values alone. */
const differences = (f: (xs: readonly Tensor[]) => readonly Tensor[], xs: readonly Tensor[], dxs: readonly Tensor[]): Tensor[] => {
  const before = f(shifted(xs, dxs, -h))
  return f(shifted(xs, dxs, h)).map((y, i) => y.sub(before[i]!).div(2 * h))
}

describe('derivatives', () => {
  test.each(differentiable.map((c) => [title(c), c] as const))('%s', (_, c) => {
    const { f, xs } = asFunction(c)
    const dxs = xs.map((x) => random(x.shape))
    const [ys, dys] = jvpFlat(f, xs, dxs)
    const want = differences(f, xs, dxs)
    ys.forEach((y, i) => expectSame(dys[i] ?? zeros(y.shape, { dtype: 'float64' }), y.shape, numbers(want[i]!), 'jvp', 1e-7))
    // ⟨ct, J dx⟩ = ⟨Jᵀ ct, dx⟩
    const cts = ys.map((y) => random(y.shape))
    const pulled = vjpFlat(f, xs)[1](cts)
    const forward = ys.reduce((s, _y, i) => s + dot(cts[i]!, want[i]!), 0)
    const reverse = xs.reduce((s, x, i) => {
      if (pulled[i]) expect(pulled[i].shape).toEqual(x.shape)
      return s + (pulled[i] ? dot(pulled[i], dxs[i]!) : 0)
    }, 0)
    expect(Math.abs(forward - reverse)).toBeLessThan(1e-7 * Math.max(1, Math.abs(forward)))
    // forward over reverse, and reverse over reverse
    const pull = (xs: readonly Tensor[]): readonly Tensor[] =>
      vjpFlat(f, xs)[1](cts).map((g, i) => g ?? zeros(xs[i]!.shape, { dtype: 'float64' }))
    const second = differences(pull, xs, dxs)
    const [gs, dgs] = jvpFlat(pull, xs, dxs)
    gs.forEach((g, i) => expectSame(dgs[i] ?? zeros(g.shape, { dtype: 'float64' }), g.shape, numbers(second[i]!), 'jvp of vjp', 1e-6))
    const us = gs.map((g) => random(g.shape))
    const again = vjpFlat(pull, xs)[1](us)
    const left = gs.reduce((s, _g, i) => s + dot(us[i]!, second[i]!), 0)
    const right = xs.reduce((s, _x, i) => s + (again[i] ? dot(again[i], dxs[i]!) : 0), 0)
    expect(Math.abs(left - right)).toBeLessThan(1e-6 * Math.max(1, Math.abs(left)))
  })
})
