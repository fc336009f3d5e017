import { type DType, type Expr, type Loop, bytesOf } from '@mapgrad/kernel'
import type { FunctionBuilder, Local } from '../wasm/builder.ts'
import { Body, type Leaves, type Rate } from './body.ts'
import { type Emitter, registerOf } from './lanes.ts'
import { BROADCAST, CONTIGUOUS, type Layout, type Nest, STRIDED, type Stream, type StrideClass } from './layout.ts'
import { loadContiguous, loadOne, loadRawLane, loadSplat, loadStrided, narrow, storeContiguous, storeLane, widen } from './memory.ts'

/** Which elements a body works on: a full vector, or the first lane alone (what is left of an axis). */
export type Mode = 'vector' | 'one'

/** One stream in the function: where it is, and how it moves. */
export interface Cursor {
  readonly stream: Stream
  readonly cls: StrideClass
  /** address in the innermost loop, or the value of a counter */
  readonly at: Local
  readonly stride: Local | null
  /** stride × 1 … lanes − 1 */
  readonly steps: readonly Local[]
  /** stride × lanes */
  readonly vectorStep: Local | null
  /** for a counter: [0, 1, 2, 3] × stride */
  readonly ramp: Local | null
}

/** The function of one loop, nest and set of stride classes, while it is being written. */
export class Frame {
  readonly e: Emitter
  readonly f: FunctionBuilder
  readonly loop: Loop
  readonly layout: Layout
  readonly nest: Nest
  readonly block: Local
  readonly status: Local
  readonly cursors: readonly Cursor[]
  /** size, and stride in bytes, of each coordinate */
  readonly #coordinates: readonly { readonly size: Local; readonly stride: Local }[]
  readonly #positionOf: (node: Expr) => Cursor

  constructor(e: Emitter, loop: Loop, layout: Layout, nest: Nest, classes: readonly StrideClass[]) {
    this.e = e
    this.f = e.f
    this.loop = loop
    this.layout = layout
    this.nest = nest
    this.block = e.f.param(0)
    this.status = e.f.local('i32')
    this.cursors = layout.streams.map((stream, k) => this.#cursor(stream, classes[k]!, layout.strides + 4 * k))
    this.#coordinates = layout.coordinates.map((_, i) => ({
      size: this.word(layout.coordinateSlots + 8 * i),
      stride: this.word(layout.coordinateSlots + 8 * i + 4),
    }))
    this.#positionOf = (node) =>
      this.cursors.find(({ stream: s }) => (node.kind === 'index' ? s.kind === 'index' && s.axis === node.axis : s.kind === 'position'))!
  }

  get out(): Cursor {
    return this.cursors[this.cursors.length - 1]!
  }

  /** a local with the block's word at a byte offset */
  word(offset: number): Local {
    const l = this.f.local('i32')
    this.f.get(this.block).mem('i32.load', offset).set(l)
    return l
  }

  #cursor(stream: Stream, cls: StrideClass, offset: number): Cursor {
    const { f, e } = this
    const at = f.local('i32')
    if (cls !== STRIDED) return { stream, cls, at, stride: null, steps: [], vectorStep: null, ramp: null }
    const stride = this.word(offset)
    const times = (n: number): Local => {
      const l = f.local('i32')
      f.get(stride).i32(n).op('i32.mul').set(l)
      return l
    }
    const steps = e.lanes === 4 ? [stride, times(2), times(3)] : [stride]
    let ramp: Local | null = null
    if (stream.kind !== 'input' && stream.kind !== 'out') {
      ramp = f.local('v128')
      f.get(stride).op('i32x4.splat').v128([0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]).op('i32x4.mul').set(ramp)
    }
    return { stream, cls, at, stride, steps, vectorStep: times(e.lanes), ramp }
  }

  /** a copy of every cursor's position */
  save(): Local[] {
    return this.cursors.map((c) => {
      const l = this.f.local('i32')
      this.f.get(c.at).set(l)
      return l
    })
  }
  copyPositions(from: readonly Local[]): void {
    this.cursors.forEach((c, k) => this.f.get(from[k]!).set(c.at))
  }
  loadPositions(to: readonly Local[]): void {
    to.forEach((l, k) =>
      this.f
        .get(this.block)
        .mem('i32.load', this.layout.pointers + 4 * k)
        .set(l),
    )
  }

  /** moves along the innermost axis: broadcast streams stay, strided ones by `strided`, contiguous ones by `elements` */
  advance(elements: number, strided: 'element' | 'vector' | 'none'): void {
    const { f } = this
    for (const c of this.cursors) {
      if (c.cls === CONTIGUOUS && elements > 0 && 'dtype' in c.stream)
        f.get(c.at)
          .i32(elements * bytesOf(c.stream.dtype))
          .op('i32.add')
          .set(c.at)
      if (c.cls === STRIDED && strided !== 'none')
        f.get(c.at)
          .get(strided === 'element' ? c.stride! : c.vectorStep!)
          .op('i32.add')
          .set(c.at)
    }
  }

  /**
   * Steps `positions` to the next point of the axes of a table, the first row the fastest; jumps back to `again` unless
   * every axis is through, when all its rows are as they were before.
   */
  nextRow(tableStart: () => void, tableEnd: Local, positions: readonly Local[], again: () => void): void {
    const { f } = this
    const row = f.local('i32')
    const left = f.local('i32')
    tableStart()
    f.set(row)
    f.block((done) => {
      f.loop((find) => {
        f.get(row).get(tableEnd).op('i32.eq').brIf(done)
        f.get(row).mem('i32.load', 4).i32(1).op('i32.sub').tee(left)
        f.if(
          () => {
            f.get(row).get(left).mem('i32.store', 4)
            positions.forEach((p, k) =>
              f
                .get(p)
                .get(row)
                .mem('i32.load', 8 + 4 * k)
                .op('i32.add')
                .set(p),
            )
            again()
          },
          () => {
            f.get(row).get(row).mem('i32.load', 0).mem('i32.store', 4)
            f.get(row).i32(this.layout.rowBytes).op('i32.add').set(row)
            f.br(find)
          },
        )
      })
    })
    f.release(row)
    f.release(left)
  }

  /** how often the leaves change; `rows`: whether something is hoisted out of the innermost loop */
  rateOf(leaf: Expr, rows: boolean): Rate {
    switch (leaf.kind) {
      case 'scalar':
        return 'call'
      case 'input': {
        const c = this.cursors[leaf.slot]!
        return rows && c.cls === BROADCAST && !('gather' in c.stream && c.stream.gather) ? 'row' : 'element'
      }
      case 'index':
      case 'position':
        return rows && this.#positionOf(leaf).cls === BROADCAST ? 'row' : 'element'
      default:
        return 'element'
    }
  }

  /** leaves of the `u`-th vector of an unrolled body; `body` evaluates coordinates */
  leaves(mode: Mode, u: number, rows: boolean, body: () => Body): Leaves {
    return {
      rate: (leaf) => this.rateOf(leaf, rows),
      emit: (leaf) => {
        switch (leaf.kind) {
          case 'input':
            return this.#input(leaf.slot, mode, u, body)
          case 'scalar':
            return this.#scalar(leaf.slot, leaf.dtype)
          case 'index':
          case 'position':
            return this.counter(this.#positionOf(leaf), mode)
          default:
            throw new TypeError(
              `[backend-cpu] expected a leaf of this loop, got ${leaf.kind}; this is a fault of mapgrad, please report it`,
            )
        }
      },
    }
  }

  counter(c: Cursor, mode: Mode): void {
    this.f.get(c.at).op('i32x4.splat')
    if (c.ramp && mode === 'vector') this.f.get(c.ramp).op('i32x4.add')
  }

  #scalar(slot: number, dtype: DType): void {
    const { f } = this
    f.get(this.block)
      .i32(this.layout.scalars + 8 * slot)
      .op('i32.add')
    switch (registerOf(dtype)) {
      case 'f32':
      case 'i32':
        return void f.mem('v128.load32_splat')
      case 'f64':
      case 'i64':
        return void f.mem('v128.load64_splat')
      case 'mask':
        return loadSplat(this.e, 'bool')
    }
  }

  #input(slot: number, mode: Mode, u: number, body: () => Body): void {
    const { f, e } = this
    const c = this.cursors[slot]!
    const s = c.stream as Stream & { kind: 'input' }
    if (s.gather) return this.#gather(slot, c, mode, body)
    if (c.cls === BROADCAST) {
      f.get(c.at)
      return loadSplat(e, s.dtype)
    }
    if (mode === 'one') {
      f.get(c.at)
      return loadOne(e, s.dtype)
    }
    if (c.cls === CONTIGUOUS) {
      f.get(c.at)
      return loadContiguous(e, s.dtype, u * e.lanes * bytesOf(s.dtype))
    }
    loadStrided(e, s.dtype, c.at, c.steps)
  }

  /** lane by lane: a computed address that is checked before it is read */
  #gather(slot: number, c: Cursor, mode: Mode, body: () => Body): void {
    const { f, e } = this
    const dtype = this.loop.inputs[slot]!.dtype
    const mine = this.layout.coordinates.map((x, i) => ({ ...x, ...this.#coordinates[i]! })).filter((x) => x.stream === slot)
    const vectors = mine.map((x) => {
      const v = f.local('v128')
      body().emit(x.expr)
      f.set(v)
      return v
    })
    const result = f.local('v128')
    const address = f.local('i32')
    const coordinate = f.local('i32')
    const inside = f.local('i32')
    const good = f.local('i32')
    f.i32x4(0).set(result)
    for (let lane = 0; lane < (mode === 'one' ? 1 : e.lanes); lane++) {
      f.get(c.at)
      if (lane > 0 && c.cls === STRIDED) f.get(c.steps[lane - 1]!).op('i32.add')
      f.set(address).i32(1).set(good)
      mine.forEach((x, i) => {
        f.get(vectors[i]!)
          .lane('i32x4.extract_lane', lane)
          .tee(coordinate)
          .get(x.size)
          .op('i32.lt_u')
          .tee(inside)
          .get(good)
          .op('i32.and')
          .set(good)
        if (x.outOfRange === 'error') f.get(this.status).get(inside).op('i32.eqz').op('i32.or').set(this.status)
        f.get(address).get(coordinate).get(x.stride).op('i32.mul').op('i32.add').set(address)
      })
      f.get(good).if(() => {
        f.get(address)
        loadRawLane(e, dtype, result, lane)
      })
    }
    f.get(result)
    widen(e, dtype)
    for (const l of [...vectors, result, address, coordinate, inside, good]) f.release(l)
  }

  /** stores a value of the output's dtype that `value` leaves on the stack */
  store(mode: Mode, u: number, value: () => void): void {
    const { f, e, out } = this
    const dtype = this.loop.output
    const direct = mode === 'one' || out.cls === CONTIGUOUS
    if (direct) {
      f.get(out.at)
      value()
      narrow(e, dtype)
      return mode === 'one' ? storeLane(e, dtype, 0) : storeContiguous(e, dtype, u * e.lanes * bytesOf(dtype))
    }
    const v = f.local('v128')
    value()
    narrow(e, dtype)
    f.set(v)
    for (let lane = 0; lane < e.lanes; lane++) {
      f.get(out.at)
      if (lane > 0) f.get(out.steps[lane - 1]!).op('i32.add')
      f.get(v)
      storeLane(e, dtype, lane)
    }
    f.release(v)
  }

  /** a body over this frame's leaves */
  body(mode: Mode, u: number, rows: boolean, hoisted: ConstructorParameters<typeof Body>[2]): Body {
    const body: Body = new Body(
      this.e,
      this.leaves(mode, u, rows, () => body),
      hoisted,
    )
    return body
  }
}
