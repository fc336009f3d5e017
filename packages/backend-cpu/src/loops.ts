import type { Loop, LoopCall } from '@mapgrad/kernel'
import type { Storage } from '@mapgrad/tensor/plugin'
import { writeArguments } from './arguments.ts'
import { emitLoop, hostFunctions } from './emit/compile.ts'
import { layoutOf } from './emit/layout.ts'
import type { Block } from './heap/block.ts'
import type { Heap } from './heap/heap.ts'
import { lowerLoop } from './lower-loop.ts'
import { type LoopShape, MAX_AXES, Plan, loopShape } from './plan.ts'

type Compiled = (block: number) => number

/** A loop's functions, by nest and stride classes. */
interface Entry {
  readonly shape: LoopShape
  readonly functions: Map<number, Compiled>
  lastKey: number
  last: Compiled | null
  used: number
}

/** functions kept at most; those of the loops used least recently go first */
const MAX_FUNCTIONS = 2048

/** Runs loops in WebAssembly: compiles what is new, writes the arguments, calls. */
export class LoopRunner {
  readonly #heap: Heap
  readonly #byLoop: WeakMap<Loop, Entry> = new WeakMap()
  readonly #byKey: Map<string, Entry> = new Map()
  readonly #plan: Plan = new Plan()
  readonly #part: Plan = new Plan()
  #offsets: Int32Array = new Int32Array(16)
  readonly #imports: WebAssembly.Imports
  readonly #maxFunctions: number
  #block: Block
  #clock = 0
  /** kept now */
  functions = 0
  /** modules compiled so far */
  compiled = 0

  constructor(heap: Heap, maxFunctions: number = MAX_FUNCTIONS) {
    this.#heap = heap
    this.#maxFunctions = maxFunctions
    this.#imports = { env: { memory: heap.memory, ...hostFunctions } }
    this.#block = heap.take(32768)
  }

  /** false when a checked coordinate was out of range */
  run(call: LoopCall<Storage>): boolean {
    const entry = this.#byLoop.get(call.loop) ?? this.#find(call.loop)
    const plan = this.#plan
    if (!plan.read(call, entry.shape)) return true
    plan.choose(entry.shape)
    entry.used = ++this.#clock
    const f = plan.key === entry.lastKey ? entry.last! : this.#function(entry, plan)
    const axis = plan.axes < 2 ? -1 : plan.tilingAxis(entry.shape)
    if (axis >= 0) return this.#tiled(call, entry.shape, f, axis)
    writeArguments(this.#heap, this.#block.pointer, call, plan, entry.shape)
    return f(this.#block.pointer) === 0
  }

  /** whole tiles, then what is left on either side */
  #tiled(call: LoopCall<Storage>, shape: LoopShape, f: Compiled, axis: number): boolean {
    const n = shape.units.length
    if (this.#offsets.length < n) this.#offsets = new Int32Array(n)
    let status = 0
    for (let i = 0; i < 4; i++) {
      if (!this.#part.tileOf(this.#plan, axis, (i & 1) !== 0, (i & 2) !== 0, this.#offsets)) continue
      writeArguments(this.#heap, this.#block.pointer, call, this.#part, shape, this.#offsets)
      status |= f(this.#block.pointer)
    }
    return status === 0
  }

  #find(loop: Loop): Entry {
    let entry = this.#byKey.get(loop.key)
    if (!entry) {
      const lowered = lowerLoop(loop)
      const layout = layoutOf(lowered)
      entry = { shape: loopShape(lowered, layout), functions: new Map(), lastKey: -1, last: null, used: 0 }
      this.#byKey.set(loop.key, entry)
      const bytes = layout.table + layout.rowBytes * MAX_AXES
      if (bytes > this.#block.bytes) {
        this.#heap.give(this.#block)
        this.#block = this.#heap.take(bytes * 2)
      }
    }
    this.#byLoop.set(loop, entry)
    return entry
  }

  #function(entry: Entry, plan: Plan): Compiled {
    let f = entry.functions.get(plan.key)
    if (!f) {
      if (this.functions >= this.#maxFunctions) this.#forget(entry)
      const { shape } = entry
      const classes = shape.units.map((_, k) => plan.classOf(k, shape))
      const module = new WebAssembly.Module(emitLoop(shape.loop, shape.layout, plan.nest, classes))
      f = new WebAssembly.Instance(module, this.#imports).exports['run'] as Compiled
      entry.functions.set(plan.key, f)
      this.functions++
      this.compiled++
    }
    entry.lastKey = plan.key
    entry.last = f
    return f
  }

  /** drops the functions of the loops not used for longest, half of all */
  #forget(except: Entry): void {
    const entries = [...this.#byKey].sort((a, b) => a[1].used - b[1].used)
    for (const [key, e] of entries) {
      if (this.functions <= this.#maxFunctions / 2) break
      if (e === except) continue
      this.functions -= e.functions.size
      e.functions.clear()
      e.lastKey = -1
      e.last = null
      this.#byKey.delete(key)
    }
  }
}
