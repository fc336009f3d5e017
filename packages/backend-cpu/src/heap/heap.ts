import { Block, CpuStorage, type Ticket } from './block.ts'
import { MAX_PIECE, SLAB_BYTES, SlabAllocator, sizeClassOf } from './slabs.ts'
import { SpanAllocator } from './spans.ts'

const PAGE = 4096
const WASM_PAGE = 65536
/** blocks in the heap at most: what a synchronous loop of tiny tensors may leave behind */
const MAX_BLOCKS = 1 << 16
/** storages that may wait for the collector before small ones are no longer counted */
const MAX_TICKETS = 1 << 20
/** storages this small wait in a nursery before they are registered with the collector: most are freed before */
const NURSERY_BYTES = 65536
const NURSERY = 256
/** blocks this small are spilled together */
const SHARED_SPILL = 2048
const SPILL_PAGE = 16384

/** What is used of a WebAssembly.Memory: named here, so that published types need none of the host's. */
export interface LinearMemory {
  readonly buffer: ArrayBuffer
  grow(pages: number): number
}

/**
 * One WebAssembly memory as a cache over storage that the garbage collector owns. A block can always be copied to an
 * ordinary ArrayBuffer and dropped, least recently used first: garbage costs at most one copy, and nobody has to free.
 */
export class Heap {
  readonly memory: LinearMemory
  readonly budget: number
  words: Int32Array
  floats: Float32Array
  doubles: Float64Array
  longs: BigInt64Array
  bytes: Uint8Array
  /** the running call; blocks used in it stay where they are */
  call = 1

  readonly #spans: SpanAllocator = new SpanAllocator()
  readonly #slabs: SlabAllocator
  #oldest: Block | null = null
  #newest: Block | null = null
  #blocks = 0
  /** bytes of the heap taken by blocks */
  #inUse = 0
  #live = 0
  #spilled = 0
  #storages = 0
  #tickets = 0
  #spillPage: ArrayBuffer | null = null
  #spillAt = 0
  readonly #registry: FinalizationRegistry<Ticket>
  readonly #nursery: (CpuStorage | null)[] = new Array<CpuStorage | null>(NURSERY).fill(null)
  #nurseryAt = 0
  #flushing = false
  readonly #flush: () => void

  constructor(budget: number) {
    this.budget = budget
    this.memory = reserve()
    this.words = new Int32Array(this.memory.buffer)
    this.floats = new Float32Array(this.memory.buffer)
    this.doubles = new Float64Array(this.memory.buffer)
    this.longs = new BigInt64Array(this.memory.buffer)
    this.bytes = new Uint8Array(this.memory.buffer)
    this.#slabs = new SlabAllocator(
      () => this.#run(SLAB_BYTES),
      (start) => this.#spans.give(start / PAGE, SLAB_BYTES / PAGE),
    )
    this.#slabs.words = this.words
    this.#spans.extend((16 * WASM_PAGE) / PAGE)
    // address 0 is nobody's: pointer 0 means "not in the heap"
    this.#spans.take(1)
    this.#registry = new FinalizationRegistry((ticket) => this.#collected(ticket))
    this.#flush = () => {
      this.#flushing = false
      for (let i = 0; i < NURSERY; i++) {
        const s = this.#nursery[i]
        if (s) this.#register(s)
        this.#nursery[i] = null
      }
    }
  }

  alloc(bytes: number): CpuStorage {
    const block = new Block(bytes)
    const storage = new CpuStorage(block)
    this.#live += bytes
    this.#storages++
    if (bytes > 0) {
      // not pinned: whoever allocates many arrays in a row may have the first ones spilled
      block.used = this.call - 1
      // before it is placed: it must not go itself, its address is about to be written to
      if (this.#blocks >= MAX_BLOCKS) this.#evict(MAX_BLOCKS - (MAX_BLOCKS >> 4), Infinity)
      this.#place(block)
    }
    if (bytes > NURSERY_BYTES) this.#register(storage)
    else {
      const at = this.#nurseryAt
      const grown = this.#nursery[at]
      if (grown) this.#register(grown)
      this.#nursery[at] = storage
      this.#nurseryAt = (at + 1) & (NURSERY - 1)
      if (!this.#flushing) {
        this.#flushing = true
        queueMicrotask(this.#flush)
      }
    }
    return storage
  }

  /** gives the memory back at once */
  free(storage: CpuStorage): void {
    const { block } = storage
    if (block.freed) return
    block.freed = true
    if (block.ticket) {
      block.ticket.done = true
      block.ticket.block = null
    }
    this.#forget(block)
  }

  /** the address of a block's contents, in the heap and pinned until the next call */
  pin(block: Block): number {
    block.used = this.call
    return block.pointer !== 0 ? block.pointer : this.#restore(block)
  }

  /** `bytes` bytes in the heap that belong to no storage */
  take(bytes: number): Block {
    const block = new Block(bytes)
    this.#makeRoom(block)
    return block
  }
  give(block: Block): void {
    this.#releaseRoom(block)
  }

  /** a copy of part of a storage, wherever it is */
  read(storage: CpuStorage, at: number, bytes: number): Uint8Array {
    const { block } = storage
    checkUsable(block)
    if (block.pointer !== 0) return this.bytes.slice(block.pointer + at, block.pointer + at + bytes)
    if (block.spilled) return new Uint8Array(block.spilled, block.spilledAt + at, bytes).slice()
    return new Uint8Array(0)
  }

  info(): { live: number; spilled: number; pooled: number; storages: number } {
    return { live: this.#live, spilled: this.#spilled, pooled: this.#spans.pages * PAGE - this.#inUse, storages: this.#storages }
  }

  #register(storage: CpuStorage): void {
    const { block } = storage
    if (block.freed) return
    if (this.#tickets >= MAX_TICKETS) {
      // counted only while it is in the heap; the collector owns it all the same
      block.counted = false
      if (block.spilled) this.#uncount(block)
      return
    }
    this.#tickets++
    block.ticket = { bytes: block.bytes, block: block.pointer === 0 ? null : block, done: false }
    this.#registry.register(storage, block.ticket)
  }

  #uncount(block: Block): void {
    this.#live -= block.bytes
    this.#spilled -= block.bytes
    this.#storages--
  }

  #collected(ticket: Ticket): void {
    this.#tickets--
    if (ticket.done) return
    if (ticket.block) return this.#forget(ticket.block)
    this.#live -= ticket.bytes
    this.#storages--
    this.#spilled -= ticket.bytes
  }

  #forget(block: Block): void {
    if (block.pointer !== 0) {
      this.#unlink(block)
      this.#releaseRoom(block)
    } else if (block.spilled) {
      block.spilled = null
      if (!block.counted) return
      this.#spilled -= block.bytes
    }
    this.#live -= block.bytes
    this.#storages--
  }

  #place(block: Block): void {
    this.#makeRoom(block)
    block.queued = block.used
    this.#link(block)
  }

  #makeRoom(block: Block): void {
    const { bytes } = block
    const small = bytes <= MAX_PIECE
    const sizeClass = small ? sizeClassOf(bytes) : 0
    const room = small ? 0 : Math.ceil(bytes / PAGE) * PAGE
    if (this.#inUse + bytes > this.budget) this.#evict(Infinity, this.budget - bytes)
    if (small) {
      const slab = this.#slabs.slabFor(sizeClass)
      if (!slab) throw outOfMemory(bytes)
      block.slab = slab
      block.room = slab.pieceBytes
      block.pointer = this.#slabs.take(slab)
    } else {
      block.pointer = this.#run(room)
      if (block.pointer === 0) throw outOfMemory(bytes)
      block.room = room
    }
    this.#inUse += block.room
  }

  #releaseRoom(block: Block): void {
    if (block.slab) this.#slabs.give(block.slab, block.pointer)
    else this.#spans.give(block.pointer / PAGE, block.room / PAGE)
    this.#inUse -= block.room
    block.slab = null
    block.pointer = 0
    block.room = 0
  }

  /** address of a run of pages: from the pool, else by growing within the budget, else by eviction, else by growing; 0 when all fail */
  #run(bytes: number): number {
    const pages = bytes / PAGE
    let page = this.#spans.take(pages)
    if (page < 0) {
      const limit = this.budget + (this.budget >> 2)
      while (page < 0 && this.#spans.pages * PAGE + bytes > limit && this.#evict(this.#blocks - 1, Infinity)) page = this.#spans.take(pages)
      if (page < 0) {
        while (!this.#grow(bytes)) if (!this.#evict(this.#blocks - 1, Infinity)) return 0
        page = this.#spans.take(pages)
      }
    }
    return page < 0 ? 0 : page * PAGE
  }

  #grow(bytes: number): boolean {
    const missing = bytes - this.#spans.tail * PAGE
    const size = this.memory.buffer.byteLength
    const step = Math.max(missing, Math.min(size >> 2, 1 << 25, this.budget - size))
    for (const want of [step, missing]) {
      const pages = Math.ceil(want / WASM_PAGE)
      try {
        this.memory.grow(pages)
      } catch {
        continue
      }
      const { buffer } = this.memory
      this.words = new Int32Array(buffer)
      this.floats = new Float32Array(buffer)
      this.doubles = new Float64Array(buffer)
      this.longs = new BigInt64Array(buffer)
      this.bytes = new Uint8Array(buffer)
      this.#slabs.words = this.words
      this.#spans.extend((pages * WASM_PAGE) / PAGE)
      return true
    }
    return false
  }

  /** spills blocks that the running call does not use, least recently used first, down to a number of blocks and of bytes; whether any went */
  #evict(blocks: number, bytes: number): boolean {
    let any = false
    for (let seen = this.#blocks; seen > 0 && (this.#blocks > blocks || this.#inUse > bytes); seen--) {
      const b = this.#oldest!
      if (b.used === this.call || b.used !== b.queued) {
        if (b.used !== this.call) seen++
        this.#unlink(b)
        b.queued = b.used
        this.#link(b)
        continue
      }
      this.#spill(b)
      any = true
    }
    return any
  }

  #spill(block: Block): void {
    const { pointer, bytes } = block
    if (bytes <= SHARED_SPILL) {
      if (!this.#spillPage || this.#spillAt + bytes > SPILL_PAGE) {
        this.#spillPage = new ArrayBuffer(SPILL_PAGE)
        this.#spillAt = 0
      }
      new Uint8Array(this.#spillPage).set(this.bytes.subarray(pointer, pointer + bytes), this.#spillAt)
      block.spilled = this.#spillPage
      block.spilledAt = this.#spillAt
      this.#spillAt += bytes
    } else {
      block.spilled = this.memory.buffer.slice(pointer, pointer + bytes)
      block.spilledAt = 0
    }
    this.#unlink(block)
    this.#releaseRoom(block)
    this.#spilled += bytes
    if (block.ticket) block.ticket.block = null
    else if (!block.counted) this.#uncount(block)
  }

  #restore(block: Block): number {
    checkUsable(block)
    if (block.bytes === 0) return PAGE >> 1
    const from = block.spilled!
    this.#place(block)
    this.bytes.set(new Uint8Array(from, block.spilledAt, block.bytes), block.pointer)
    block.spilled = null
    if (!block.counted) {
      this.#live += block.bytes
      this.#storages++
    } else this.#spilled -= block.bytes
    if (block.ticket) block.ticket.block = block
    return block.pointer
  }

  #link(block: Block): void {
    block.older = this.#newest
    block.newer = null
    if (this.#newest) this.#newest.newer = block
    else this.#oldest = block
    this.#newest = block
    this.#blocks++
  }

  #unlink(block: Block): void {
    if (block.older) block.older.newer = block.newer
    else this.#oldest = block.newer
    if (block.newer) block.newer.older = block.older
    else this.#newest = block.older
    block.older = block.newer = null
    this.#blocks--
  }
}

function checkUsable(block: Block): void {
  if (block.freed)
    throw new TypeError('[backend-cpu] expected a storage in use, got one that was freed; do not use a tensor after dispose()')
}

const outOfMemory = (bytes: number): RangeError =>
  new RangeError(
    `[backend-cpu] alloc: expected room for ${bytes} bytes, got none in the 4 GiB that WebAssembly addresses; work on smaller pieces`,
  )

/** Hosts reserve the addresses that a memory could grow to, 8 to 10 GiB for each: what runs out is addresses, not bytes. */
function reserve(): LinearMemory {
  try {
    return new WebAssembly.Memory({ initial: 16 })
  } catch (e) {
    throw new RangeError(
      '[backend-cpu] createCpu: expected room for one more WebAssembly memory, got none (each reserves up to 10 GiB of addresses, not of memory); use one CPU backend for the whole program, or raise the limit of addresses (ulimit -v)',
      { cause: e },
    )
  }
}
