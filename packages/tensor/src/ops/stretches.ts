import type { Tensor } from '../tensor.ts'
import { cat } from './join.ts'
import { narrow } from './slice.ts'
import { copyTo } from '../core/evaluate.ts'
import { owning } from '../core/memory.ts'
import type { Tensors } from '../core/op.ts'
import { registry } from '../core/registry.ts'
import { ArrayValue } from '../core/value.ts'

/** One stretch of a computation along an axis: what is to be joined, along which axis each, and what is wanted of the first stretch alone. */
export interface Stretch<X> {
  readonly parts: Tensors
  readonly dims: readonly number[]
  readonly rest: X
}

/** What parts along an axis add up to. */
class Join {
  readonly #total: number
  readonly #dim: number
  #from = 0
  /** memory for the whole, filled so far to `#from` */
  #whole: ArrayValue | null = null
  /** one number repeated, as long as all parts are */
  #fill: ArrayValue | null = null
  #like: Tensor | null = null
  /** parts that belong to a transform, and with them all others */
  #parts: Tensor[] = []

  constructor(total: number, dim: number) {
    this.#total = total
    this.#dim = dim
  }

  /** Whether the part's elements were taken over, so that nobody needs it any more. */
  add(part: Tensor): boolean {
    const { value } = part
    if (!(value instanceof ArrayValue) || registry().top !== null || this.#parts.length > 0) {
      if (this.#whole || this.#fill) this.#parts.push(narrow(this.#soFar(), this.#dim, 0, this.#from))
      this.#whole = this.#fill = null
      this.#parts.push(part)
      return false
    }
    this.#like ??= part
    if (!this.#whole && !value.buffer && (this.#fill ? Object.is(this.#fill.fill, value.fill) : this.#from === 0)) this.#fill = value
    else {
      this.#whole ??= this.#allocate(value)
      if (this.#fill) this.#put(this.#fill, 0, this.#from)
      this.#fill = null
      this.#put(value, this.#from, value.shape[this.#dim]!)
    }
    this.#from += value.shape[this.#dim]!
    return true
  }

  get result(): Tensor {
    return this.#parts.length ? cat(this.#parts, this.#dim) : this.#soFar()
  }

  #soFar(): Tensor {
    const { backend, dtype, shape, fill } = (this.#whole ?? this.#fill)!
    return this.#like!.wrap(this.#whole ?? ArrayValue.filled(backend, dtype, shape.with(this.#dim, this.#total), fill))
  }
  #allocate({ backend, dtype, shape }: ArrayValue): ArrayValue {
    return ArrayValue.allocate(backend, dtype, shape.with(this.#dim, this.#total))
  }
  #put(part: ArrayValue, from: number, count: number): void {
    const { strides } = this.#whole!
    const place = { shape: part.shape.with(this.#dim, count), strides, offset: from * strides[this.#dim]! }
    copyTo(part.buffer ? part : ArrayValue.filled(part.backend, part.dtype, place.shape, part.fill), this.#whole!, place)
  }
}

/**
 * For transforms: what `make` computes for `total` of something, at most `step` at a time, joined; `rest` is the first's. Outside of other
 * transforms it takes the memory of the results and of one stretch, whose temporaries are freed at its end.
 */
export function inStretches<X>(
  total: number,
  step: number,
  make: (from: number, count: number) => Stretch<X>,
): [joined: readonly Tensor[], rest: X] {
  if (step >= total) {
    const { parts, rest } = make(0, total)
    return [parts, rest]
  }
  const r = registry()
  const around = r.scope
  let joins: readonly Join[] | undefined
  let rest: X | undefined
  for (let from = 0; from < total; from += step)
    owning(() => {
      const made = make(from, Math.min(step, total - from))
      joins ??= made.dims.map((d) => new Join(total, d))
      const inner = r.scope
      // the results outlive the stretch
      r.scope = around
      try {
        const left = made.parts.filter((p, i) => !joins![i]!.add(p))
        if (from > 0) return left
        rest = made.rest
        return [left, rest]
      } finally {
        r.scope = inner
      }
    })
  return [joins!.map((j) => j.result), rest as X]
}
