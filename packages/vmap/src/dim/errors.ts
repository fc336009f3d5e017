import { TensorRangeError, TensorTypeError } from '@mapgrad/tensor/plugin'

/** Sizes of dims that do not go together, or a dim that stands where it cannot. */
export class DimensionBindError extends TensorRangeError {
  constructor(message: string, op: string) {
    super(message, { package: 'vmap', op, code: 'DIM_BIND' })
    this.name = 'DimensionBindError'
  }
}

export const rangeFault = (op: string, message: string, code: string): TensorRangeError =>
  new TensorRangeError(message, { package: 'vmap', op, code })
export const typeFault = (op: string, message: string, code: string): TensorTypeError =>
  new TensorTypeError(message, { package: 'vmap', op, code })
