import { ByteWriter } from './encoder.ts'
import {
  type LaneMemoryOp,
  type LaneOp,
  type MemoryOp,
  type PlainOp,
  laneMemory,
  lanes,
  memory,
  plain,
  saturating,
  vector,
  vectorMemory,
} from './opcodes.ts'

export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128'

const typeCode: Record<ValueType, number> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b }

/** A local variable or a parameter. */
export interface Local {
  readonly index: number
  readonly type: ValueType
}

/** Where `br` jumps: the end of a block, the head of a loop. */
export interface Label {
  readonly depth: number
}

/** A function that can be called: an import, or one of the module's own. */
export interface FunctionRef {
  readonly params: readonly ValueType[]
  readonly results: readonly ValueType[]
  /** position among the module's imports, then among its own */
  readonly index: () => number
}

/** Writes the instructions of one function. Operands are on WebAssembly's stack; every method appends one instruction. */
export class FunctionBuilder implements FunctionRef {
  readonly params: readonly ValueType[]
  readonly results: readonly ValueType[]
  readonly index: () => number
  readonly #code: ByteWriter = new ByteWriter()
  readonly #locals: ValueType[] = []
  readonly #free: Map<ValueType, Local[]> = new Map()
  #depth = 0

  constructor(params: readonly ValueType[], results: readonly ValueType[], index: () => number) {
    this.params = params
    this.results = results
    this.index = index
  }

  param(i: number): Local {
    return { index: i, type: this.params[i]! }
  }

  /** a new local, zero at entry */
  local(type: ValueType): Local {
    const free = this.#free.get(type)?.pop()
    if (free) return free
    this.#locals.push(type)
    return { index: this.params.length + this.#locals.length - 1, type }
  }

  /** lets a later `local` reuse this one, with whatever value it holds */
  release(local: Local): void {
    const list = this.#free.get(local.type)
    if (list) list.push(local)
    else this.#free.set(local.type, [local])
  }

  get(l: Local): this {
    return this.#immediate(0x20, l.index)
  }
  set(l: Local): this {
    return this.#immediate(0x21, l.index)
  }
  tee(l: Local): this {
    return this.#immediate(0x22, l.index)
  }

  /** an instruction without an immediate */
  op(name: PlainOp): this {
    const w = this.#code
    const code = (plain as Partial<Record<PlainOp, number>>)[name]
    if (code !== undefined) {
      w.byte(code)
      return this
    }
    const sat = (saturating as Partial<Record<PlainOp, number>>)[name]
    w.byte(sat === undefined ? 0xfd : 0xfc)
    w.u32(sat ?? (vector as Partial<Record<PlainOp, number>>)[name]!)
    return this
  }

  /** a load or a store at the address on the stack plus `offset` */
  mem(name: MemoryOp, offset = 0): this {
    const w = this.#code
    const scalar = (memory as Partial<Record<MemoryOp, readonly [number, number]>>)[name]
    const [code, align] = scalar ?? (vectorMemory as Partial<Record<MemoryOp, readonly [number, number]>>)[name]!
    if (!scalar) w.byte(0xfd)
    w.u32(code)
    // alignment is a hint; it is never promised, since views start anywhere
    w.u32(scalar ? Math.min(align, 2) : 0)
    w.u32(offset)
    return this
  }

  lane(name: LaneOp, lane: number): this {
    this.#code.byte(0xfd)
    this.#code.u32(lanes[name])
    this.#code.byte(lane)
    return this
  }

  /** a load into, or a store from, one lane of the vector on the stack above the address */
  memLane(name: LaneMemoryOp, lane: number, offset = 0): this {
    const w = this.#code
    w.byte(0xfd)
    w.u32(laneMemory[name][0])
    w.u32(0)
    w.u32(offset)
    w.byte(lane)
    return this
  }

  i32(n: number): this {
    this.#code.byte(0x41)
    this.#code.s32(n)
    return this
  }
  i64(n: bigint): this {
    this.#code.byte(0x42)
    this.#code.s64(n)
    return this
  }
  f32(x: number): this {
    this.#code.byte(0x43)
    this.#code.f32(x)
    return this
  }
  f64(x: number): this {
    this.#code.byte(0x44)
    this.#code.f64(x)
    return this
  }
  v128(bytes: ArrayLike<number>): this {
    this.#code.byte(0xfd)
    this.#code.u32(0x0c)
    this.#code.bytes(bytes)
    return this
  }
  /** the same 32 bits in every lane */
  i32x4(n: number): this {
    return this.v128(new Uint8Array(new Int32Array(4).fill(n).buffer))
  }
  i64x2(n: bigint): this {
    return this.v128(new Uint8Array(new BigInt64Array(2).fill(n).buffer))
  }
  f32x4(x: number): this {
    return this.v128(new Uint8Array(new Float32Array(4).fill(x).buffer))
  }
  f64x2(x: number): this {
    return this.v128(new Uint8Array(new Float64Array(2).fill(x).buffer))
  }
  /** bytes 0–15 of the first vector, 16–31 of the second */
  shuffle(bytes: ArrayLike<number>): this {
    this.#code.byte(0xfd)
    this.#code.u32(0x0d)
    this.#code.bytes(bytes)
    return this
  }

  call(f: FunctionRef): this {
    return this.#immediate(0x10, f.index())
  }

  /** `body` with a label at its end; with a `result`, the body leaves one value */
  block(body: (end: Label) => void, result?: ValueType): this {
    return this.#structured(0x02, body, result)
  }
  /** `body` with a label at its head; falling off the end leaves the loop */
  loop(body: (head: Label) => void, result?: ValueType): this {
    return this.#structured(0x03, body, result)
  }
  /** takes an i32 off the stack */
  if(then: (end: Label) => void, otherwise?: () => void, result?: ValueType): this {
    this.#open(0x04, result)
    then({ depth: this.#depth })
    if (otherwise) {
      this.#code.byte(0x05)
      otherwise()
    }
    return this.#close()
  }
  br(to: Label): this {
    return this.#immediate(0x0c, this.#depth - to.depth)
  }
  /** jumps when the i32 on the stack is not zero */
  brIf(to: Label): this {
    return this.#immediate(0x0d, this.#depth - to.depth)
  }

  #immediate(code: number, n: number): this {
    this.#code.byte(code)
    this.#code.u32(n)
    return this
  }
  #structured(code: number, body: (label: Label) => void, result: ValueType | undefined): this {
    this.#open(code, result)
    body({ depth: this.#depth })
    return this.#close()
  }
  #open(code: number, result: ValueType | undefined): void {
    this.#code.byte(code)
    this.#code.byte(result ? typeCode[result] : 0x40)
    this.#depth++
  }
  #close(): this {
    this.#code.byte(0x0b)
    this.#depth--
    return this
  }

  /** the code section's entry */
  write(w: ByteWriter): void {
    w.sized((body) => {
      body.u32(this.#locals.length)
      for (const type of this.#locals) {
        body.u32(1)
        body.byte(typeCode[type])
      }
      body.bytes(this.#code.view())
      body.byte(0x0b)
    })
  }
}

/** A module with one imported memory, `env.memory`, imported functions `env.<name>`, and exported functions. */
export class ModuleBuilder {
  readonly #imports: { readonly name: string; readonly ref: FunctionRef }[] = []
  readonly #functions: { readonly name: string | null; readonly f: FunctionBuilder }[] = []

  import(name: string, params: readonly ValueType[], results: readonly ValueType[]): FunctionRef {
    const known = this.#imports.find((i) => i.name === name)
    if (known) return known.ref
    const at = this.#imports.length
    const ref: FunctionRef = { params, results, index: () => at }
    this.#imports.push({ name, ref })
    return ref
  }

  /** a function, exported when it has a name; declare every import before writing a call */
  function(name: string | null, params: readonly ValueType[], results: readonly ValueType[]): FunctionBuilder {
    const at = this.#functions.length
    const f = new FunctionBuilder(params, results, () => this.#imports.length + at)
    this.#functions.push({ name, f })
    return f
  }

  encode(): Uint8Array<ArrayBuffer> {
    const w = new ByteWriter()
    w.bytes([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])
    const refs = [...this.#imports.map((i) => i.ref), ...this.#functions.map((x) => x.f)]
    section(w, 1, refs, (s, f) => {
      s.byte(0x60)
      s.u32(f.params.length)
      for (const t of f.params) s.byte(typeCode[t])
      s.u32(f.results.length)
      for (const t of f.results) s.byte(typeCode[t])
    })
    section(w, 2, [null, ...this.#imports], (s, i, at) => {
      s.name('env')
      s.name(i ? i.name : 'memory')
      if (i) {
        s.byte(0)
        s.u32(at - 1)
      } else {
        s.byte(2)
        s.byte(0)
        s.u32(0)
      }
    })
    section(w, 3, this.#functions, (s, _, at) => s.u32(this.#imports.length + at))
    section(
      w,
      7,
      this.#functions.filter((x) => x.name !== null),
      (s, x) => {
        s.name(x.name!)
        s.byte(0)
        s.u32(x.f.index())
      },
    )
    section(w, 10, this.#functions, (s, x) => x.f.write(s))
    return w.view()
  }
}

function section<T>(w: ByteWriter, id: number, items: readonly T[], write: (s: ByteWriter, item: T, at: number) => void): void {
  if (items.length === 0) return
  w.byte(id)
  w.sized((s) => {
    s.u32(items.length)
    items.forEach((item, at) => write(s, item, at))
  })
}
