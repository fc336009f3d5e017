import type { Tensor } from '../tensor.ts'
import { celu, selu, threshold } from './activation.ts'
import { assign } from './assign.ts'

// What PyTorch has in place as functions, and not as methods.

type Rest<F> = F extends (x: Tensor, ...rest: infer R) => unknown ? R : never

/** `celu` in place. */
export function celu_(x: Tensor, ...args: Rest<typeof celu>): Tensor {
  return assign(x, 'celu_', celu(x, ...args))
}
/** `selu` in place. */
export function selu_(x: Tensor, ...args: Rest<typeof selu>): Tensor {
  return assign(x, 'selu_', selu(x, ...args))
}
/** `threshold` in place. */
export function threshold_(x: Tensor, ...args: Rest<typeof threshold>): Tensor {
  return assign(x, 'threshold_', threshold(x, ...args))
}
