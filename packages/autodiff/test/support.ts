import { cpu } from '@mapgrad/backend-cpu'
import { type Tensor, setDefaultDevice, tensor } from '@mapgrad/tensor'

setDefaultDevice(cpu)

let state = 1
/** Uniform numbers in (−1, 1), the same in every run. */
export const uniform = (): number => {
  state = (state * 16807) % 2147483647
  return (state / 2147483647) * 2 - 1
}
const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

/** A float64 tensor of random numbers. */
export const random = (...shape: number[]): Tensor => tensor(Float64Array.from({ length: count(shape) }, uniform)).reshape(shape)
/** A float64 tensor of given numbers. */
export const f64 = (data: Parameters<typeof tensor>[0]): Tensor => tensor(data, { dtype: 'float64' })
/** Elements as numbers. */
export const numbers = (x: Tensor): number[] => Array.from(x.dataSync() as Float64Array, Number)
export const dot = (x: Tensor, y: Tensor): number => numbers(x).reduce((s, v, i) => s + v * numbers(y)[i]!, 0)

/** The largest absolute difference; shapes must agree. */
export function distance(x: Tensor, y: Tensor): number {
  if (`${x.shape}` !== `${y.shape}`) throw new Error(`shapes [${x.shape}] and [${y.shape}] differ`)
  const b = numbers(y)
  return Math.max(0, ...numbers(x).map((v, i) => Math.abs(v - b[i]!)))
}

/** The derivative of `f` at `x` along `dx` by central differences, from values alone. */
export function differences(f: (x: Tensor) => Tensor, x: Tensor, dx: Tensor, h = 1e-6): Tensor {
  return f(x.add(dx.mul(h)))
    .sub(f(x.sub(dx.mul(h))))
    .div(2 * h)
}
