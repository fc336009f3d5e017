import type { Slab } from './slabs.ts'

/** What the finalizer of a storage needs. It never leads to spilled contents, which only the storage itself keeps alive. */
export interface Ticket {
  readonly bytes: number
  /** the block while it is in the heap */
  block: Block | null
  /** freed by hand */
  done: boolean
}

/** The contents of one storage: in the heap, or spilled to an ordinary ArrayBuffer. */
export class Block {
  readonly bytes: number
  /** address in the heap; 0 when spilled or freed */
  pointer = 0
  /** bytes taken in the heap */
  room = 0
  slab: Slab | null = null
  spilled: ArrayBuffer | null = null
  spilledAt = 0
  /** the call that used it last, and that time when it was last queued */
  used = 0
  queued = 0
  freed = false
  /** counted in the totals */
  counted = true
  ticket: Ticket | null = null
  older: Block | null = null
  newer: Block | null = null

  constructor(bytes: number) {
    this.bytes = bytes
  }
}

/** What `Backend.alloc` gives. The heap's lists hold blocks, never storages, so a storage that nobody uses is collected. */
export class CpuStorage {
  readonly block: Block
  constructor(block: Block) {
    this.block = block
  }
}
