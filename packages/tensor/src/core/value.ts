import { type DType, bytesOf } from '@mapgrad/kernel'
import type { Backend, Storage } from './backend.ts'
import { TensorTypeError } from './errors.ts'
import { registry } from './registry.ts'
import { type Shape, contiguousStrides, numel } from './shape.ts'
import type { Trace } from './trace.ts'

/** Shape and dtype without data. */
export interface Aval {
  readonly shape: Shape
  readonly dtype: DType
}

/** What a tensor handle holds: an array, or a tracer standing for one. Values never change; handles do. */
export interface Value extends Aval {
  readonly backend: Backend
  /** the transform this value belongs to; `null` for arrays */
  readonly trace: Trace | null
  /** The array behind this value, for reading. Tracers that have no single array refuse, naming `what` was asked. */
  concrete(what: string): ArrayValue
  /** Every array this value keeps alive. */
  arrays(): readonly ArrayValue[]
  /** Text for printing: `inner` prints the wrapped value. */
  describe(inner: (v: Value) => string): string
}

/** A storage with the number of arrays that look into it. */
export interface Buffer {
  readonly storage: Storage
  readonly backend: Backend
  users: number
}

/**
 * An array: a strided look into a buffer, or one number repeated (`fill`), which needs no memory.
 * Strides and offset count elements.
 */
export class ArrayValue implements Value {
  readonly backend: Backend
  readonly dtype: DType
  readonly shape: Shape
  readonly strides: readonly number[]
  readonly offset: number
  readonly buffer: Buffer | null
  readonly fill: number | bigint
  readonly trace = null
  #disposed = false

  constructor(
    backend: Backend,
    dtype: DType,
    shape: Shape,
    strides: readonly number[],
    offset: number,
    buffer: Buffer | null,
    fill: number | bigint = 0,
  ) {
    this.backend = backend
    this.dtype = dtype
    this.shape = shape
    this.strides = strides
    this.offset = offset
    this.buffer = buffer
    this.fill = fill
    if (buffer) {
      buffer.users++
      registry().scope?.own(this)
    }
  }

  /** One number, repeated over `shape`. */
  static filled(backend: Backend, dtype: DType, shape: Shape, fill: number | bigint): ArrayValue {
    return new ArrayValue(backend, dtype, shape, new Array<number>(shape.length).fill(0), 0, null, fill)
  }

  /** Fresh row-major memory, not initialised. */
  static allocate(backend: Backend, dtype: DType, shape: Shape): ArrayValue {
    const storage = backend.alloc(numel(shape) * bytesOf(dtype))
    return new ArrayValue(backend, dtype, shape, contiguousStrides(shape), 0, { storage, backend, users: 0 })
  }

  /** The same buffer (or fill) under another shape. */
  view(shape: Shape, strides: readonly number[], offset: number): ArrayValue {
    return new ArrayValue(this.backend, this.dtype, shape, strides, offset, this.buffer, this.fill)
  }

  get disposed(): boolean {
    return this.#disposed
  }

  /** Whether elements lie in memory in row-major order without gaps. */
  get contiguous(): boolean {
    if (!this.buffer) return numel(this.shape) <= 1
    let n = 1
    for (let i = this.shape.length - 1; i >= 0; i--) {
      const size = this.shape[i]!
      if (size === 0) return true
      if (size !== 1 && this.strides[i] !== n) return false
      n *= size
    }
    return true
  }

  /** Lets go of the buffer; its memory is freed when no array looks into it any more. */
  dispose(): void {
    if (this.#disposed || !this.buffer) return
    this.#disposed = true
    if (--this.buffer.users === 0) this.backend.free(this.buffer.storage)
  }

  concrete(what: string): ArrayValue {
    if (this.#disposed)
      throw new TensorTypeError(
        `expected a live tensor, got one that was disposed (by dispose(), using, tidy(), or the transform that computed it); keep(x) or return it to use it later`,
        {
          op: what,
          code: 'DISPOSED',
        },
      )
    return this
  }

  arrays(): readonly ArrayValue[] {
    return [this]
  }

  describe(inner: (v: Value) => string): string {
    return inner(this)
  }
}
