import type { Tensor } from '../tensor.ts'
import { add } from './binary.ts'
import { embedAxes, narrowAxis } from './slice.ts'

/** The inclusive scan of `combine` along the last axis by doubling: after step s each element has those at most s before it. */
export function scanned(x: Tensor, combine: (before: Tensor, y: Tensor) => Tensor): Tensor {
  const axis = x.ndim - 1
  const size = x.shape[axis]!
  let y = x
  for (let s = 1; s < size; s *= 2) {
    const both = combine(narrowAxis(y, axis, 0, size - s), narrowAxis(y, axis, s, size - s))
    y = add(placed(narrowAxis(y, axis, 0, s), 0, size), placed(both, s, size))
  }
  return y
}

const placed = (x: Tensor, start: number, size: number): Tensor =>
  embedAxes(x, [{ dim: -1, start, step: 1, length: x.shape[x.ndim - 1]!, size }])
