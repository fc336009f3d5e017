import { jvpFlat, vjpFlat } from '@mapgrad/autodiff/plugin'
import { type DType, type Tensor, tensor } from '@mapgrad/tensor'
import { vmap } from '@mapgrad/vmap'
import { expect } from 'vitest'

// What every function must satisfy, for any choice of it: both derivatives against differences, vmap against a loop.

let state = 1
/** Uniform numbers in (−1, 1), the same in every run. */
export const uniform = (): number => {
  state = (state * 16807) % 2147483647
  return (state / 2147483647) * 2 - 1
}
const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)
/** A tensor of random numbers, float64 by default. */
export const random = (shape: readonly number[], dtype: DType = 'float64'): Tensor =>
  tensor(Float64Array.from({ length: count(shape) }, uniform), { dtype }).reshape(shape)
/** Elements as numbers. */
export const numbers = (x: Tensor): number[] => Array.from(x.dataSync() as Float64Array, Number)

/** The same shape, and elements within `tolerance` of each other, relative to the larger of 1 and their size. */
export function expectClose(got: Tensor, want: Tensor, tolerance = 1e-10): void {
  expect([...got.shape]).toEqual([...want.shape])
  const [a, b] = [numbers(got), numbers(want)]
  a.forEach((v, i) => {
    const w = b[i]!
    if (!(Object.is(v, w) || Math.abs(v - w) <= tolerance * Math.max(1, Math.abs(w)))) expect.fail(`element ${i}: got ${v}, want ${w}`)
  })
}

const dot = (x: Tensor, y: Tensor): number => numbers(x).reduce((s, v, i) => s + v * numbers(y)[i]!, 0)

/** jvp against central differences, vjp against jvp, and the derivative of the vjp against differences of it. */
export function checkDerivatives(f: (...xs: Tensor[]) => Tensor, xs: readonly Tensor[], order = 2): void {
  const dxs = xs.map((x) => random(x.shape))
  const h = 1e-5
  const at = (s: number): Tensor => f(...xs.map((x, i) => x.add(dxs[i]!.mul(s))))
  const [[y], [tangent]] = jvpFlat((a) => [f(...a)], xs, dxs) as [Tensor[], (Tensor | null)[]]
  // a structural zero is none
  const dy = tangent ?? y!.mul(0)
  expectClose(
    dy,
    at(h)
      .sub(at(-h))
      .div(2 * h),
    1e-7,
  )
  const ct = random(y!.shape)
  const [, pull] = vjpFlat((a) => [f(...a)], xs)
  const grads = pull([ct]).map((g, i) => g ?? xs[i]!.mul(0))
  grads.forEach((g, i) => expect([...g.shape]).toEqual([...xs[i]!.shape]))
  const along = grads.reduce((s, g, i) => s + dot(g, dxs[i]!), 0)
  expect(along).toBeCloseTo(dot(ct, dy), 8)
  if (order > 1)
    xs.forEach((_, i) =>
      checkDerivatives(
        (...a) => {
          const [, back] = vjpFlat((b) => [f(...b)], a)
          return back([ct])[i] ?? a[i]!.mul(0)
        },
        xs,
        order - 1,
      ),
    )
}

/** Every way to batch some of the operands: the examples first, in the middle, last, or none. */
export function checkBatching(
  f: (...xs: Tensor[]) => Tensor,
  shapes: readonly (readonly number[])[],
  size = 3,
  dtype: DType = 'float64',
): void {
  const places = (rank: number): (number | null)[] => [...new Set([null, 0, Math.ceil(rank / 2), rank])]
  const choices = shapes.reduce<(number | null)[][]>((all, s) => all.flatMap((c) => places(s.length).map((p) => [...c, p])), [[]])
  for (const dims of choices) {
    if (dims.every((d) => d === null)) continue
    const xs = shapes.map((s, i) => random(dims[i] === null ? s : [...s.slice(0, dims[i]!), size, ...s.slice(dims[i]!)], dtype))
    const ys = vmap(f, dims)(...xs)
    for (let b = 0; b < size; b++)
      expectClose(ys.select(0, b), f(...xs.map((x, i) => (dims[i] === null ? x : x.select(dims[i]!, b)))), 1e-12)
  }
}
