import { describe } from '@mapgrad/tensor/plugin'
import { isDim } from './brand.ts'
import { Dim } from './dim.ts'
import { DimensionBindError, rangeFault, typeFault } from './errors.ts'
import { indexing } from './indexing.ts'

/** A list of Dims whose number may be left open: in `x.at(i, rest)` it takes the axes that the others leave. */
export class DimList implements Iterable<Dim> {
  readonly name: string | null
  #dims: readonly Dim[] | null = null

  /** With the number of its dims, or with a size, a name or a Dim each; without either it is bound later. */
  constructor(dims: number | readonly (number | string | Dim | null)[] | null = null, name: string | null = null) {
    this.name = name
    if (typeof dims === 'number') this.bindLen(dims)
    else if (dims !== null)
      this.#dims = dims.map((d, i) => (isDim(d) ? d : typeof d === 'string' ? new Dim(d) : new Dim(this.#nameOf(i), d)))
  }
  #nameOf(i: number): string {
    return `${this.name ?? 'dim'}${i}`
  }
  #bound(): readonly Dim[] {
    if (!this.#dims)
      throw new DimensionBindError('DimList not bound. It gets its length where it is first used as an index, or by bindLen(2)', 'DimList')
    return this.#dims
  }

  get '~mapgrad.index'(): typeof indexing {
    return indexing
  }
  get '~mapgrad.dimlist'(): true {
    return true
  }
  /** Whether it is known how many dims it has. */
  get isBound(): boolean {
    return this.#dims !== null
  }
  /** How many dims it has. */
  get length(): number {
    return this.#bound().length
  }
  /** Says how many dims it has. */
  bindLen(count: number): void {
    if (!Number.isInteger(count) || count < 0) throw rangeFault('DimList', `expected the number of dims, got ${describe(count)}`, 'SIZE')
    if (this.#dims && this.#dims.length !== count)
      throw new DimensionBindError(`Dimlist has size ${this.#dims.length} but it is being bound to size ${count}`, 'DimList')
    this.#dims ??= Array.from({ length: count }, (_, i) => new Dim(this.#nameOf(i)))
  }
  /** Says the size of each of its dims; `null` leaves one open. */
  bind(sizes: readonly (number | null)[]): void {
    if (!Array.isArray(sizes)) throw typeFault('DimList', `expected a sequence, got ${describe(sizes)}`, 'ARGUMENT')
    this.bindLen(sizes.length)
    sizes.forEach((n: number | null, i) => {
      if (n !== null) this.#dims![i]!.length = n
    })
  }
  /** The dim at a place; negative places count from the end. */
  at(place: number): Dim {
    const dims = this.#bound()
    const d = dims.at(place)
    if (!Number.isInteger(place) || !d)
      throw rangeFault('DimList', `index out of bounds: ${describe(place)} of ${dims.length}`, 'INDEX_RANGE')
    return d
  }
  /** Some of its dims, as of an array. */
  slice(start?: number, end?: number): Dim[] {
    return this.#bound().slice(start, end)
  }
  [Symbol.iterator](): Iterator<Dim> {
    return this.#bound()[Symbol.iterator]()
  }
  toString(): string {
    return this.#dims ? `(${this.#dims.map((d) => d.name).join(', ')})` : this.name === null ? '<unbound_dimlist>' : `*${this.name}`
  }
}
