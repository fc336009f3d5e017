// What the tests of gaps share: gradients by differences, maps by loops.
import { type Tensor, stack, tensor } from '@mapgrad/func'
import { along } from './harness.ts'

export type F = (x: Tensor) => Tensor

/** The gradient of a scalar function of a vector or matrix by differences. */
export const slopes = (f: F, x: Tensor): Tensor =>
  stack(
    Array.from({ length: x.numel() }, (_, i) =>
      along(f, x, tensor(Float64Array.from({ length: x.numel() }, (_v, k) => Number(k === i))).reshape(x.shape)),
    ),
  ).reshape(x.shape)
export const rows = (x: Tensor): Tensor[] => [...x]
export const loop = (f: F, x: Tensor): Tensor => stack(rows(x).map((r) => f(r)))
