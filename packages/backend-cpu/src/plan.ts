import type { Loop, LoopCall } from '@mapgrad/kernel'
import type { Storage } from '@mapgrad/tensor/plugin'
import { BROADCAST, CONTIGUOUS, type Layout, type Nest, STRIDED, type StrideClass, unitOf } from './emit/layout.ts'

/** axes a loop may have after merging; the block has room for as many */
export const MAX_AXES = 64
/** what tiling adds */
const TILE_AXES = 2

/** elements along each side of a tile */
const TILE = 16

/** size of a tile, number of tiles, start: of the whole tiles of an axis, or of the rest of it */
function part(size: number, rest: boolean): [size: number, tiles: number, start: number] {
  const whole = size - (size % TILE)
  return rest ? [size - whole, 1, whole] : [whole > 0 ? TILE : 0, whole / TILE, 0]
}

/** What planning knows of a loop before it sees sizes. */
export interface LoopShape {
  readonly loop: Loop
  readonly layout: Layout
  /** bytes, or units of a counter, that one element takes, by stream */
  readonly units: readonly number[]
  /** streams that never load contiguously: gathers and counters */
  readonly scattered: readonly boolean[]
}

export function loopShape(loop: Loop, layout: Layout): LoopShape {
  return {
    loop,
    layout,
    units: layout.streams.map(unitOf),
    scattered: layout.streams.map(
      (s) => s.kind === 'index' || s.kind === 'position' || s.kind === 'reducedPosition' || (s.kind === 'input' && s.gather),
    ),
  }
}

/**
 * Turns the axes of a call into the axes of a loop nest: axes of size one are dropped, axes that every stream walks alike
 * are merged, the innermost one is chosen. One plan is used for all calls and allocates nothing.
 */
export class Plan {
  nest: Nest = 'pointwise'
  /** stands for nest and stride classes */
  key = 0
  /** axes, the fastest first: the reduced ones, then the kept ones */
  readonly sizes: Int32Array = new Int32Array(MAX_AXES)
  axes = 0
  reduced = 0
  emptyReduction = false
  /** the vectorised axis, −1 for none: one element */
  inner = -1
  /** in a nest around a kept axis, the innermost reduced one, −1 for none */
  innerReduced = -1
  #strides: Int32Array = new Int32Array(MAX_AXES * 8)
  #streams = 0

  stride(stream: number, axis: number): number {
    return this.#strides[axis * this.#streams + stream]!
  }

  /** reads sizes and strides; false when there is nothing to compute */
  read(call: LoopCall<Storage>, { layout }: LoopShape): boolean {
    const { streams } = layout
    const n = streams.length
    this.#streams = n
    if (this.#strides.length < n * MAX_AXES) this.#strides = new Int32Array(n * MAX_AXES)
    const strides = this.#strides
    const given = call.sizes
    const kept = given.length - call.reducedAxes
    this.axes = this.reduced = 0
    this.emptyReduction = false
    let count = 0
    let position = 1
    for (let a = given.length - 1; a >= 0; a--) {
      const isKept = a < kept
      if (a === kept - 1) {
        this.reduced = count
        position = 1
      }
      const size = given[a]!
      if (size === 0) {
        if (isKept) return false
        this.emptyReduction = true
      }
      if (size === 1) continue
      const row = count * n
      let merges = count > (isKept ? this.reduced : 0)
      for (let k = 0; k < n; k++) {
        const s = streams[k]!
        let stride = 0
        switch (s.kind) {
          case 'input':
            stride = call.inputs[k]!.strides[a]!
            break
          case 'out':
            stride = isKept ? call.out.strides[a]! : 0
            break
          case 'index':
            stride = a === kept + s.axis ? 1 : 0
            break
          case 'position':
            stride = isKept ? position : 0
            break
          case 'reducedPosition':
            stride = isKept ? 0 : position
        }
        strides[row + k] = stride
        if (merges && stride !== strides[row - n + k]! * this.sizes[count - 1]!) merges = false
      }
      position *= size
      if (merges) this.sizes[count - 1] = this.sizes[count - 1]! * size
      else {
        if (count === MAX_AXES - TILE_AXES)
          throw new RangeError(
            `[backend-cpu] ${call.loop.name}: expected at most ${MAX_AXES - TILE_AXES} axes that do not merge, got more; make the operands contiguous`,
          )
        this.sizes[count++] = size
      }
    }
    if (kept === 0) this.reduced = count
    this.axes = count
    return true
  }

  /** chooses nest, innermost axis and stride classes */
  choose(shape: LoopShape): void {
    this.innerReduced = -1
    if (!shape.loop.reduce) {
      this.nest = 'pointwise'
      this.inner = this.axes > 0 ? 0 : -1
    } else this.#chooseReduction(shape)
    let key = this.nest === 'pointwise' ? 0 : this.nest === 'alongReduced' ? 1 : 2
    for (let k = 0; k < this.#streams; k++) key = key * 3 + this.classOf(k, shape)
    this.key = key
  }

  /**
   * The axis to tile the innermost one with, or −1: one along which an input is contiguous that is strided along the
   * innermost axis. Walked row by row, such an input would touch a cache line for every element.
   */
  tilingAxis({ layout, scattered }: LoopShape): number {
    if (this.nest !== 'pointwise' || this.axes < 2 || this.sizes[0]! < TILE) return -1
    for (let k = 0; k < layout.streams.length; k++) {
      if (layout.streams[k]!.kind !== 'input' || scattered[k]! || Math.abs(this.stride(k, 0)) < 16) continue
      for (let a = 1; a < this.axes; a++) if (Math.abs(this.stride(k, a)) === 1 && this.sizes[a]! >= TILE) return a
    }
    return -1
  }

  /**
   * Makes this the plan of one part of another: of its innermost axis and of `axis` either the whole tiles or what is
   * left. Gives false for an empty part; `offsets` gets where the part starts, in elements of each stream.
   */
  tileOf(from: Plan, axis: number, innerRest: boolean, axisRest: boolean, offsets: Int32Array): boolean {
    const n = from.#streams
    const [inner, innerTiles, innerStart] = part(from.sizes[0]!, innerRest)
    const [outer, outerTiles, outerStart] = part(from.sizes[axis]!, axisRest)
    if (inner === 0 || outer === 0) return false
    this.#streams = n
    if (this.#strides.length < n * MAX_AXES) this.#strides = new Int32Array(n * MAX_AXES)
    this.nest = 'pointwise'
    this.key = from.key
    this.reduced = this.inner = 0
    this.innerReduced = -1
    this.emptyReduction = false
    this.axes = 0
    this.#push(from, 0, inner, 1)
    this.#push(from, axis, outer, 1)
    this.#push(from, 0, innerTiles, TILE)
    this.#push(from, axis, outerTiles, TILE)
    for (let a = 1; a < from.axes; a++) if (a !== axis) this.#push(from, a, from.sizes[a]!, 1)
    for (let k = 0; k < n; k++) offsets[k] = innerStart * from.stride(k, 0) + outerStart * from.stride(k, axis)
    return true
  }

  #push(from: Plan, axis: number, size: number, times: number): void {
    if (size === 1 && this.axes > 0) return
    const n = this.#streams
    this.sizes[this.axes] = size
    for (let k = 0; k < n; k++) this.#strides[this.axes * n + k] = from.stride(k, axis) * times
    this.axes++
  }

  classOf(stream: number, shape: LoopShape): StrideClass {
    const outside = this.nest === 'alongReduced' && stream === this.#streams - 1
    if (outside) return BROADCAST
    // one element, or none: any class would do
    const stride = this.inner < 0 ? 1 : this.stride(stream, this.inner)
    return stride === 0 ? BROADCAST : stride === 1 && !shape.scattered[stream]! ? CONTIGUOUS : STRIDED
  }

  #chooseReduction(shape: LoopShape): void {
    let reduced = -1
    let kept = -1
    let total = 1
    for (let a = 0; a < this.axes; a++) {
      if (a < this.reduced) {
        total *= this.sizes[a]!
        if (reduced < 0 || this.#score(a, shape) > this.#score(reduced, shape)) reduced = a
      } else if (kept < 0 || this.#score(a, shape) > this.#score(kept, shape)) kept = a
    }
    const wide = kept >= 0 && this.sizes[kept]! >= 4
    const around =
      !this.emptyReduction &&
      wide &&
      (reduced < 0 || (total < 8 && this.sizes[kept]! >= 8) || this.#score(kept, shape) > this.#score(reduced, shape))
    if (!around) {
      this.nest = 'alongReduced'
      this.inner = reduced
      return
    }
    this.nest = 'alongKept'
    this.inner = kept
    for (let a = 0; a < this.reduced; a++)
      if (this.innerReduced < 0 || this.sizes[a]! > this.sizes[this.innerReduced]!) this.innerReduced = a
  }

  /** how well an axis vectorises */
  #score(axis: number, { layout, scattered }: LoopShape): number {
    let score = 0
    for (let k = 0; k < layout.streams.length; k++) {
      if (layout.streams[k]!.kind !== 'input') continue
      const stride = this.stride(k, axis)
      if (stride === 0) score += 1
      else if (stride === 1 && !scattered[k]!) score += 2
    }
    return score
  }
}
