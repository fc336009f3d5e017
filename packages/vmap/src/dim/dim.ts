import { type Tensor, arange, keep } from '@mapgrad/tensor'
import { TensorTypeError, type Value, describe } from '@mapgrad/tensor/plugin'
import { DimensionBindError, rangeFault } from './errors.ts'
import { FirstClass } from './tensor.ts'
import { DimTrace, Place, nextLevel } from './trace.ts'
import type { Dim as PublicDim } from './types.ts'

export type Dim = PublicDim

/** The value of a Dim without a size: whatever is asked of it, there is none. */
class Unbound implements Value {
  readonly #name: string
  constructor(name: string) {
    this.#name = name
  }
  #refuse(): never {
    throw rangeFault(
      'Dim',
      `dimension ${this.#name} is unbound. It gets a size where it is first bound, x.at(${this.#name}), or by ${this.#name}.length = 3`,
      'DIM_UNBOUND',
    )
  }
  get shape(): never {
    return this.#refuse()
  }
  get dtype(): never {
    return this.#refuse()
  }
  get backend(): never {
    return this.#refuse()
  }
  get trace(): never {
    return this.#refuse()
  }
  concrete(): never {
    return this.#refuse()
  }
  arrays(): readonly [] {
    return []
  }
  describe(): string {
    return this.#name
  }
}

/** A dimension as an object. As a value it is its own index: 0, 1, … along itself. */
class NamedDim extends FirstClass {
  readonly name: string
  readonly #level: number
  #length: number | null = null
  #trace: DimTrace | null = null
  #range: Value | null = null

  constructor(name: string, size: number | null = null) {
    super(new Unbound(name))
    if (typeof name !== 'string')
      throw new TensorTypeError(`expected a name, got ${describe(name)}`, { package: 'vmap', op: 'Dim', code: 'ARGUMENT' })
    this.name = name
    this.#level = nextLevel()
    if (size !== null) this.length = size
  }

  get '~mapgrad.dim'(): true {
    return true
  }
  get isBound(): boolean {
    return this.#length !== null
  }
  get length(): number {
    if (this.#length === null) void super.value.shape
    return this.#length!
  }
  set length(size: number) {
    if (!Number.isInteger(size) || size < 0)
      throw rangeFault('Dim', `expected the size of ${this.name} to be a whole number, got ${describe(size)}`, 'SIZE')
    if (this.#length !== null && this.#length !== size)
      throw new DimensionBindError(
        `Dim '${this.name}' previously bound to a dimension of size ${this.#length} cannot bind to a dimension of size ${size}`,
        'Dim',
      )
    this.#length = size
  }
  bound(size: number): DimTrace {
    this.length = size
    return (this.#trace ??= new DimTrace(this, size, this.#level))
  }

  // what a transform lends its function for a Dim is the Dim
  override wrap(value: Value): Tensor {
    return value instanceof Unbound || (value instanceof Place && value.trace === this.#trace) ? this : super.wrap(value)
  }
  override get value(): Value {
    if (this.#length === null) return super.value
    const held = this.#range
    if (held && held.arrays().every((v) => !v.disposed)) return held
    const range = arange(this.#length)
    const value = new Place(this.bound(this.#length), range, 0)
    // what a program being recorded made is that program's
    if (range.value.trace === null) {
      keep(range)
      this.#range = value
    }
    return value
  }
  override toString(): string {
    return this.name
  }
}

/**
 * A dimension as an object: `new Dim(name, size?)`, or `dims('i', 'j')`. As a value it is its own index, int32 of `0, 1, …` along itself. Its size is set
 * once: here, by `length`, or where it is first bound.
 * @throws DimensionBindError for another size than it has, TensorRangeError for a size that is none or is not known
 */
export const Dim: new (name: string, size?: number | null) => Dim = NamedDim as unknown as new (name: string, size?: number | null) => Dim

/** A tuple of `N` of `T`; an array where `N` is no one number. */
export type TupleOf<T, N extends number, A extends readonly T[] = []> = number extends N
  ? T[]
  : A['length'] extends N
    ? A
    : TupleOf<T, N, readonly [...A, T]>
