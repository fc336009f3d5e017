import { TensorRangeError, TensorTypeError } from '@mapgrad/tensor/plugin'

/** A wrong kind of thing, said by this package. */
export const fault = (op: string, message: string, code: string): TensorTypeError =>
  new TensorTypeError(message, { package: 'graph', op, code })
/** A wrong value, said by this package. */
export const rangeFault = (op: string, message: string, code: string): TensorRangeError =>
  new TensorRangeError(message, { package: 'graph', op, code })
