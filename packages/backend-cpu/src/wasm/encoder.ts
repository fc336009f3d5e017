/** A growing run of bytes with WebAssembly's number encodings. */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(256)
  #view: DataView = new DataView(this.#bytes.buffer)
  length = 0

  #room(n: number): void {
    if (this.length + n <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.length + n))
    grown.set(this.#bytes)
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
  }

  byte(b: number): void {
    this.#room(1)
    this.#bytes[this.length++] = b
  }

  /** unsigned LEB128 of a number below 2³² */
  u32(n: number): void {
    for (n >>>= 0; n > 0x7f; n >>>= 7) this.byte((n & 0x7f) | 0x80)
    this.byte(n)
  }

  /** signed LEB128 of a 32-bit integer */
  s32(n: number): void {
    n |= 0
    for (;;) {
      const low = n & 0x7f
      n >>= 7
      if ((n === 0 && (low & 0x40) === 0) || (n === -1 && (low & 0x40) !== 0)) return this.byte(low)
      this.byte(low | 0x80)
    }
  }

  /** signed LEB128 of a 64-bit integer */
  s64(n: bigint): void {
    n = BigInt.asIntN(64, n)
    for (;;) {
      const low = Number(n & 0x7fn)
      n >>= 7n
      if ((n === 0n && (low & 0x40) === 0) || (n === -1n && (low & 0x40) !== 0)) return this.byte(low)
      this.byte(low | 0x80)
    }
  }

  f32(x: number): void {
    this.#room(4)
    this.#view.setFloat32(this.length, x, true)
    this.length += 4
  }

  f64(x: number): void {
    this.#room(8)
    this.#view.setFloat64(this.length, x, true)
    this.length += 8
  }

  bytes(b: ArrayLike<number>): void {
    this.#room(b.length)
    this.#bytes.set(b, this.length)
    this.length += b.length
  }

  /** length-prefixed ASCII */
  name(s: string): void {
    this.u32(s.length)
    for (let i = 0; i < s.length; i++) this.byte(s.charCodeAt(i))
  }

  /** a section or a function body: what `write` wrote, behind its length */
  sized(write: (w: ByteWriter) => void): void {
    const inner = new ByteWriter()
    write(inner)
    this.u32(inner.length)
    this.bytes(inner.view())
  }

  view(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.length)
  }
}
