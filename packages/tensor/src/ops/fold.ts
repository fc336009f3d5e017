import { withoutDims } from '../core/shape.ts'
import type { Tensor } from '../tensor.ts'
import { add, mul } from './binary.ts'
import { filledLike } from './cast.ts'
import { countOf } from './reduce.ts'
import { embedAxes, narrowAxis } from './slice.ts'
import { permuteDims, reshapeTo } from './view.ts'

// Reductions and scans as programs of pairwise operations. They compute what the kernels compute, and through them every
// derivative of every order comes out right where a closed formula would divide by zero.

/** The product over the (negative) axes `dims`: halves of them are multiplied until one element is left. */
export function product(x: Tensor, dims: readonly number[]): Tensor {
  const rest = withoutDims(x.shape, dims)
  const order = Array.from({ length: x.ndim }, (_, i) => i).filter((i) => !dims.includes(i - x.ndim))
  const flat = reshapeTo(permuteDims(x, [...order, ...dims.map((d) => d + x.ndim)]), [...rest, countOf(x.shape, dims)])
  const axis = rest.length
  let y = flat
  let odd: Tensor | null = null
  for (let n = y.shape[axis]!; n > 1; n = n >> 1) {
    if (n % 2) {
      const last = narrowAxis(y, axis, n - 1, 1)
      odd = odd ? mul(odd, last) : last
    }
    y = mul(narrowAxis(y, axis, 0, n >> 1), narrowAxis(y, axis, n >> 1, n >> 1))
  }
  if (y.shape[axis] === 0) return filledLike(x, 1, x.dtype, rest)
  return reshapeTo(odd ? mul(y, odd) : y, rest)
}

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
