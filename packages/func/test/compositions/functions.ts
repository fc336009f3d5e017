import { type Tensor, add, exp, matmul, mul, sin, sum, tanh, tensor } from '@mapgrad/func'
import * as d from './dual.ts'
import type { Num, Plain } from './dual.ts'
import type { Ours } from './transforms.ts'

/** A function of several tensors of differing shapes to a vector, and the same on numbers. */
export interface Case {
  readonly name: string
  readonly ours: Ours
  readonly plain: Plain
  /** where: data and shape of each argument */
  readonly at: readonly { readonly data: readonly number[]; readonly shape: readonly number[] }[]
}

export const f64 = (data: readonly number[], shape: readonly number[]): Tensor => tensor(Float64Array.from(data)).reshape(shape)
const rows = (m: readonly Num[], width: number): Num[][] =>
  Array.from({ length: m.length / width }, (_, i) => m.slice(i * width, (i + 1) * width))
export const times = (m: readonly Num[], x: readonly Num[]): Num[] => rows(m, x.length).map((r) => d.dot(r, x))

const W = [0.6, -0.4, 0.3, 0.5, -0.7, 0.2]
const V = [0.8, -0.3, 0.4, 0.35, 0.6, -0.5]
const B = [0.2, -0.4, 0.3]

/** [2], [1, 2] → [2]: neither square nor symmetric, every derivative unlike the others. */
export const layers: Case = {
  name: 'two layers of a vector and a matrix of one row',
  ours: (x, m) => {
    const h = tanh(add(matmul(f64(W, [3, 2]), x!), f64(B, [3])))
    return mul(matmul(f64(V, [2, 3]), h), exp(sin(matmul(m!, x!))))
  },
  plain: (x, m) => {
    const h = times(W, x!).map((v, i) => d.tanh(d.add(v, B[i]!)))
    const [scale] = times(m!, x!)
    return times(V, h).map((y) => d.mul(y, d.exp(d.sin(scale!))))
  },
  at: [
    { data: [0.7, 0.5], shape: [2] },
    { data: [-0.6, 0.7], shape: [1, 2] },
  ],
}

/** [3], [], [2, 1] → [2] with broadcasting, a reduction and powers. */
export const products: Case = {
  name: 'products of a vector, a number and a column',
  ours: (x, s, c) => {
    const table = mul(sin(mul(x!, f64([1, -0.5, 2], [3]))), add(c!, s!))
    return sum(mul(table, mul(exp(mul(x!, -0.5)), s!)), 1)
  },
  plain: (x, s, c) => {
    const terms = x!.map((v, i) => d.mul(d.mul(d.sin(d.mul(v, [1, -0.5, 2][i]!)), d.exp(d.mul(v, -0.5))), s![0]!))
    return c!.map((v) => d.mul(d.add(v, s![0]!), d.sum(terms)))
  },
  at: [
    { data: [0.8, -0.3, 0.7], shape: [3] },
    { data: [0.9], shape: [] },
    { data: [-0.2, 0.6], shape: [2, 1] },
  ],
}

/** The arguments as tensors. */
export const tensors = ({ at }: Case): Tensor[] => at.map(({ data, shape }) => f64(data, shape))
/** The arguments as numbers. */
export const numbers = ({ at }: Case): number[][] => at.map(({ data }) => [...data])
