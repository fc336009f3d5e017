import type { Local } from '../wasm/builder.ts'
import type { Accumulator, Combine } from './combine.ts'
import type { Frame } from './frame.ts'

/**
 * Pairwise combination in constant memory: sums of blocks go on a stack whose level l holds 2^l blocks, as the bits of a
 * binary counter do, so that a sum of n elements passes through log n additions beyond its block.
 */
export class PairwiseStack {
  readonly #frame: Frame
  readonly #combine: Combine
  readonly #blocks: Local
  readonly #entryBytes: number

  constructor(frame: Frame, combine: Combine, accumulators: number) {
    this.#frame = frame
    this.#combine = combine
    this.#blocks = frame.f.local('i32')
    this.#entryBytes = 16 * accumulators
  }

  reset(): void {
    this.#frame.f.i32(0).set(this.#blocks)
  }

  /** puts the accumulators, one an entry vector, on the stack */
  push(accumulators: readonly Accumulator[]): void {
    const { f } = this.#frame
    const bits = f.local('i32')
    const at = f.local('i32')
    f.get(this.#blocks).set(bits).get(this.#blocks).i32(1).op('i32.add').set(this.#blocks)
    this.#base(at)
    f.block((done) => {
      f.loop((carry) => {
        f.get(bits).i32(1).op('i32.and').op('i32.eqz').brIf(done)
        this.#mergeLevel(at, accumulators)
        this.#next(at, bits)
        f.br(carry)
      })
    })
    accumulators.forEach((a, i) =>
      f
        .get(at)
        .get(a[0]!)
        .mem('v128.store', 16 * i),
    )
    f.release(bits)
    f.release(at)
  }

  /** combines everything on the stack into the accumulators */
  collect(accumulators: readonly Accumulator[]): void {
    const { f } = this.#frame
    const bits = f.local('i32')
    const at = f.local('i32')
    f.get(this.#blocks).set(bits)
    this.#base(at)
    f.block((done) => {
      f.loop((again) => {
        f.get(bits).op('i32.eqz').brIf(done)
        f.get(bits)
          .i32(1)
          .op('i32.and')
          .if(() => this.#mergeLevel(at, accumulators))
        this.#next(at, bits)
        f.br(again)
      })
    })
    f.release(bits)
    f.release(at)
  }

  #base(at: Local): void {
    const { f, block, layout } = this.#frame
    f.get(block).i32(layout.stack).op('i32.add').set(at)
  }

  #next(at: Local, bits: Local): void {
    const { f } = this.#frame
    f.get(bits).i32(1).op('i32.shr_u').set(bits).get(at).i32(this.#entryBytes).op('i32.add').set(at)
  }

  #mergeLevel(at: Local, accumulators: readonly Accumulator[]): void {
    const { f } = this.#frame
    const level = [f.local('v128')]
    accumulators.forEach((a, i) => {
      f.get(at)
        .mem('v128.load', 16 * i)
        .set(level[0]!)
      this.#combine.merge(a, level)
    })
    f.release(level[0]!)
  }
}
