import { type Tensor, tensor } from '@mapgrad/func'

let state = 7
const uniform = (): number => ((state = (state * 16807) % 2147483647) / 2147483647) * 2 - 1
/** A float64 tensor of random numbers in (−1, 1), the same in every run. */
export const random = (...shape: number[]): Tensor =>
  tensor(Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, uniform)).reshape(shape)
/** Elements as numbers. */
export const numbers = (x: Tensor): number[] => Array.from(x.dataSync() as Float64Array, Number)
/** A float64 tensor of given numbers. */
export const f64 = (data: Parameters<typeof tensor>[0]): Tensor => tensor(data, { dtype: 'float64' })

/** The largest difference, relative to what is larger than 1; shapes must agree. */
export function distance(x: Tensor, y: Tensor): number {
  if (`${x.shape}` !== `${y.shape}`) throw new Error(`shapes [${x.shape}] and [${y.shape}] differ`)
  const b = numbers(y)
  const size = Math.max(1, ...b.map(Math.abs))
  const worst = numbers(x).map((v, i) => Math.abs(v - b[i]!) / size)
  return worst.some(Number.isNaN) ? Number.NaN : Math.max(0, ...worst)
}

export type F = (x: Tensor) => Tensor

const h = 1e-4
/** The derivative of `f` at `x` along `v` by five-point central differences, from values alone. */
export const along = (f: F, x: Tensor, v: Tensor): Tensor => {
  const at = (k: number): Tensor => f(x.add(v.mul(k * h)))
  return at(-2)
    .sub(at(2))
    .add(at(1).sub(at(-1)).mul(8))
    .div(12 * h)
}
/** The error that `f` raises. */
export function raised(f: () => unknown): Error & { code?: string } {
  try {
    f()
  } catch (e) {
    return e as Error
  }
  throw new Error('nothing was raised')
}
