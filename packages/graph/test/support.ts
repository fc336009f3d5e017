import { cpu } from '@mapgrad/backend-cpu'
import type { Graph } from '@mapgrad/graph'
import { type Tensor, setDefaultDevice, tensor } from '@mapgrad/tensor'

setDefaultDevice(cpu)

/** The ops of a graph in order, with how many results: what goldens pin. */
export const opsOf = (graph: Graph): string => graph.nodes.flatMap((n) => (n.kind === 'call' ? [n.name] : [])).join(' ')

/** Every element as it is, NaN, ±Inf and −0 included. */
export const exact = (x: Tensor): string =>
  `${x.dtype}[${x.shape}] ${Array.from(x.dataSync() as Float64Array, (v) => (Object.is(v, -0) ? '-0' : String(v))).join()}`

let state = 11
/** Uniform numbers in (−1, 1), the same in every run. */
export const uniform = (): number => {
  state = (state * 16807) % 2147483647
  return (state / 2147483647) * 2 - 1
}
/** A float32 tensor of such numbers. */
export const random = (...shape: number[]): Tensor =>
  tensor(Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, uniform)).reshape(shape)
