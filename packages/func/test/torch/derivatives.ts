import { type Tensor, eye, isTensor, mul, tensor, tree } from '@mapgrad/func'
import { expect } from 'vitest'
import { type F, along, distance, numbers, random } from '../rules.ts'

// What the suites of derivatives share.

/** Random numbers that do not lie row after row in memory. */
export const strided = (...shape: number[]): Tensor => {
  const back = shape.map((_, i) => shape.length - 1 - i)
  return random(...shape.toReversed()).permute(back)
}

/** A tree of tensors as a tree of numbers; what is no tensor as it is. */
export const plain = (x: unknown): unknown => tree.map((leaf: unknown) => (isTensor(leaf) ? leaf.tolist() : leaf), x)
/** A tree of tensors as a tree of shapes. */
export const shapes = (x: unknown): unknown => tree.map((leaf: Tensor) => [...leaf.shape].join('×'), x)

/** Expects two trees of tensors to have one structure, shapes and dtypes, and the same numbers up to `tolerance` of the largest. */
export function same(actual: unknown, expected: unknown, tolerance = 1e-12): void {
  const [a, as] = tree.flatten(actual)
  const [b, bs] = tree.flatten(expected)
  expect(as.text).toBe(bs.text)
  a.forEach((x, i) => {
    const [got, want] = [x as Tensor, b[i] as Tensor]
    expect([got.shape, got.dtype]).toEqual([want.shape, want.dtype])
    const [l, r] = [numbers(got), numbers(want)]
    const scale = Math.max(1, ...r.filter(Number.isFinite).map(Math.abs))
    const far = l.flatMap((v, k) => (Object.is(v, r[k]) || Math.abs(v - r[k]!) <= tolerance * scale ? [] : [[k, v, r[k]!]]))
    expect(far.slice(0, 3)).toEqual([])
  })
}

/** Expects exactly the same bits. */
export const sameBits = (actual: unknown, expected: unknown): void => same(actual, expected, 0)

/** The Jacobian of `f` at `x` by central differences, `[...out, ...in]`. */
export function differences(f: F, x: Tensor): Tensor {
  const n = x.numel()
  const basis = eye(n, { dtype: x.dtype }).reshape([n, ...x.shape])
  const columns = Array.from({ length: n }, (_, i) => along(f, x, basis.at(i)))
  const out = f(x).shape
  const flat = columns.map((c) => numbers(c))
  const size = flat[0]?.length ?? 0
  return tensor(Float64Array.from({ length: size * n }, (_, k) => flat[k % n]![Math.floor(k / n)]!)).reshape([...out, ...x.shape])
}

/** Expects `J` to be the Jacobian of `f` at `x`, by central differences. */
export const sameJacobian = (J: Tensor, f: F, x: Tensor): void => {
  expect(distance(J, differences(f, x))).toBeLessThan(1e-9)
}

/** The product of matrices and the like, with no derivative rule between: `Σ J[…, i…] v[i…]`. */
export const contract = (J: Tensor, v: Tensor): Tensor => {
  const axes = v.shape.map((_, i) => J.ndim - v.ndim + i)
  return axes.length ? mul(J, v).sum(axes) : mul(J, v)
}
