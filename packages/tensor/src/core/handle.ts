import type { DType } from '@mapgrad/kernel'
import type { Tensor } from '../tensor.ts'
import type { Shape } from './shape.ts'
import type { Value } from './value.ts'

// a string, so that it is the same in every copy of this package
const BRAND = '~mapgrad.tensor'

/**
 * What a user holds: a name for a value. Every operation makes new handles; an in-place operation gives this handle
 * another value. Methods are in the subclass `Tensor`; ops make their results with `wrap`, so that they need not import it.
 */
export abstract class Handle {
  /** the array or tracer this handle stands for */
  value: Value
  readonly '~mapgrad.tensor' = true

  constructor(value: Value) {
    this.value = value
  }

  /** A plain tensor for a value. Not the subclass: results of ops on a parameter are no parameters. */
  abstract wrap(value: Value): Tensor

  /** Sizes of the axes. Inside a transform: of one example. */
  get shape(): Shape {
    return this.value.shape
  }
  /** The element type, such as 'float32'. */
  get dtype(): DType {
    return this.value.dtype
  }
  /** The name of the device that holds the data, such as 'cpu'. */
  get device(): string {
    return this.value.backend.name
  }
  /** The number of axes. */
  get ndim(): number {
    return this.value.shape.length
  }
}

/** Whether `x` is a tensor, of whichever copy of this package. */
export const isTensor = (x: unknown): x is Tensor => typeof x === 'object' && x !== null && BRAND in x
