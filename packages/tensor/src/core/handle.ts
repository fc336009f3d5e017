import type { DType } from '@mapgrad/kernel'
import type { Tensor } from '../tensor.ts'
import type { Alias } from './alias.ts'
import { registry } from './registry.ts'
import type { Shape } from './shape.ts'
import type { Value } from './value.ts'

// a string, so that it is the same in every copy of this package
const BRAND = '~mapgrad.tensor'

/**
 * What a user holds: a name for a value. Every operation makes new handles; an in-place operation gives this handle
 * another value. Methods are in the subclass `Tensor`; ops make their results with `wrap`, so that they need not import it.
 */
export abstract class Handle {
  #value: Value
  /** what it shares with its views, or with what it is a view of; `null` where there are none. For `core/alias.ts` alone */
  alias: Alias | null
  /** how many transforms had begun when it was made; what is older than a transform is captured by it */
  readonly born: number

  constructor(value: Value) {
    this.#value = value
    this.alias = null
    this.born = registry().epoch
  }

  get '~mapgrad.tensor'(): true {
    return true
  }

  /** The array or tracer this handle stands for now. */
  get value(): Value {
    return this.alias === null ? this.#value : this.alias.read(this as unknown as Tensor)
  }
  /** What it stands for as it was made, with all that was written since: `t_` and its kin, which only change the shape, undone. For transforms that lend handles. */
  get base(): Value {
    return this.alias === null ? this.#value : this.alias.all(this as unknown as Tensor)
  }
  /** Makes it stand for another one. For `core/alias.ts` alone: in-place operations go through `write`. */
  rebind(value: Value, alias: Alias | null): void {
    this.#value = value
    this.alias = alias
    registry().scope?.wrote(this, this.born, () => this.value.arrays())
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
