/** A run of pages cut into pieces of one size. */
export interface Slab {
  readonly start: number
  readonly pieceBytes: number
  readonly capacity: number
  readonly sizeClass: number
  used: number
  /** pieces below this one were handed out at least once */
  fresh: number
  /** address of the piece given back last, which holds the address of the one before; 0 none */
  free: number
  next: Slab | null
  previous: Slab | null
  /** in the list of slabs with room */
  listed: boolean
}

export const SLAB_BYTES = 65536
/** larger pieces are whole pages */
export const MAX_PIECE = 8192

/** 64 … 512 in steps of 64, then four steps a doubling */
const sizes: readonly number[] = [
  64, 128, 192, 256, 320, 384, 448, 512, 640, 768, 896, 1024, 1280, 1536, 1792, 2048, 2560, 3072, 3584, 4096, 5120, 6144, 7168, 8192,
]

export const sizeOf = (sizeClass: number): number => sizes[sizeClass]!
export const CLASSES = 24

export function sizeClassOf(bytes: number): number {
  if (bytes <= 512) return (bytes - 1) >> 6
  const n = bytes - 1
  const e = 31 - Math.clz32(n)
  return 8 + (e - 9) * 4 + ((n >> (e - 2)) & 3)
}

/** Small pieces: of each size the slabs that have room, most recently used first. */
export class SlabAllocator {
  readonly #withRoom: (Slab | null)[] = new Array<Slab | null>(CLASSES).fill(null)
  readonly #newRun: () => number
  readonly #giveRun: (start: number) => void
  words: Int32Array = new Int32Array(0)

  constructor(newRun: () => number, giveRun: (start: number) => void) {
    this.#newRun = newRun
    this.#giveRun = giveRun
  }

  /** a slab with room, or null when there is no run of pages for a new one */
  slabFor(sizeClass: number): Slab | null {
    const slab = this.#withRoom[sizeClass]
    if (slab) return slab
    const start = this.#newRun()
    if (start === 0) return null
    const pieceBytes = sizeOf(sizeClass)
    const made: Slab = {
      start,
      pieceBytes,
      capacity: Math.floor(SLAB_BYTES / pieceBytes),
      sizeClass,
      used: 0,
      fresh: 0,
      free: 0,
      next: null,
      previous: null,
      listed: false,
    }
    this.#list(made)
    return made
  }

  /** the address of a piece of a slab with room */
  take(slab: Slab): number {
    let address = slab.free
    if (address !== 0) slab.free = this.words[address >>> 2]!
    else address = slab.start + slab.fresh++ * slab.pieceBytes
    if (++slab.used === slab.capacity) this.#unlist(slab)
    return address
  }

  give(slab: Slab, address: number): void {
    this.words[address >>> 2] = slab.free
    slab.free = address
    slab.used--
    if (!slab.listed) this.#list(slab)
    // an empty slab goes back unless it is the only one of its size
    else if (slab.used === 0 && (slab.next || slab.previous)) {
      this.#unlist(slab)
      this.#giveRun(slab.start)
    }
  }

  #list(slab: Slab): void {
    const head = this.#withRoom[slab.sizeClass]!
    slab.next = head
    slab.previous = null
    if (head) head.previous = slab
    this.#withRoom[slab.sizeClass] = slab
    slab.listed = true
  }

  #unlist(slab: Slab): void {
    if (slab.next) slab.next.previous = slab.previous
    if (slab.previous) slab.previous.next = slab.next
    else this.#withRoom[slab.sizeClass] = slab.next
    slab.next = slab.previous = null
    slab.listed = false
  }
}
