import { Handle } from './core/handle.ts'
import type { Value } from './core/value.ts'

/** A multi-dimensional array that functions on it can be transformed over. */
export class Tensor extends Handle {
  override wrap(value: Value): Tensor {
    return new Tensor(value)
  }
}
