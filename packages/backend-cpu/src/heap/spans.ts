/** Pages of one address space, handed out in runs. Free neighbours always merge. */
export class SpanAllocator {
  /** length of the free run that starts or ends at a page; 0 in use */
  #length: Int32Array = new Int32Array(0)
  #next: Int32Array = new Int32Array(0)
  #previous: Int32Array = new Int32Array(0)
  readonly #bins: Int32Array = new Int32Array(BINS).fill(-1)
  /** pages there are */
  pages = 0
  /** pages in free runs */
  free = 0

  /** first page of a run of `n` pages, or −1 */
  take(n: number): number {
    let found = this.#bins[binOf(n)]!
    if (found < 0 || this.#length[found]! < n) {
      found = -1
      for (let bin = binOf(roundUp(n)); bin < BINS && found < 0; bin++) found = this.#bins[bin]!
      if (found < 0) return -1
    }
    const length = this.#length[found]!
    this.#unlink(found, length)
    if (length > n) this.#link(found + n, length - n)
    this.free -= n
    return found
  }

  give(page: number, n: number): void {
    this.free += n
    let start = page
    let length = n
    const after = page + n
    if (after < this.pages && this.#length[after]! > 0) {
      const l = this.#length[after]!
      this.#unlink(after, l)
      length += l
    }
    if (page > 0 && this.#length[page - 1]! > 0) {
      const l = this.#length[page - 1]!
      start = page - l
      this.#unlink(start, l)
      length += l
    }
    this.#link(start, length)
  }

  /** the free run at the end of the space, which growth would lengthen */
  get tail(): number {
    return this.pages > 0 ? this.#length[this.pages - 1]! : 0
  }

  extend(n: number): void {
    const at = this.pages
    this.pages += n
    if (this.pages > this.#length.length) {
      const room = Math.max(this.pages, this.#length.length * 2)
      this.#length = grown(this.#length, room)
      this.#next = grown(this.#next, room)
      this.#previous = grown(this.#previous, room)
    }
    this.give(at, n)
  }

  #link(start: number, length: number): void {
    this.#length[start] = length
    this.#length[start + length - 1] = length
    const bin = binOf(length)
    const head = this.#bins[bin]!
    this.#next[start] = head
    this.#previous[start] = -1
    if (head >= 0) this.#previous[head] = start
    this.#bins[bin] = start
  }

  #unlink(start: number, length: number): void {
    this.#length[start] = 0
    this.#length[start + length - 1] = 0
    const next = this.#next[start]!
    const previous = this.#previous[start]!
    if (next >= 0) this.#previous[next] = previous
    if (previous >= 0) this.#next[previous] = next
    else this.#bins[binOf(length)] = next
  }
}

/** one bin a length below 16, then eight a power of two, up to 2²⁰ pages */
const BINS = 16 + 17 * 8

function binOf(n: number): number {
  if (n < 16) return n
  const e = 31 - Math.clz32(n)
  return 16 + (e - 4) * 8 + ((n >> (e - 3)) & 7)
}

/** the least length whose bin holds no shorter run */
function roundUp(n: number): number {
  return n < 16 ? n : n + (1 << (28 - Math.clz32(n))) - 1
}

function grown(a: Int32Array, length: number): Int32Array {
  const b = new Int32Array(length)
  b.set(a)
  return b
}
