import { type ArrayView, type DType, type LoopCall, type NamedKernel, type View, bytesOf, dtypes } from '@mapgrad/kernel'
import type { Backend, MemoryInfo, Storage } from '@mapgrad/tensor/plugin'
import type { HostFunction, KernelContext, WasmFunction } from './context.ts'
import type { Block, CpuStorage } from './heap/block.ts'
import { Heap } from './heap/heap.ts'
import { LoopRunner } from './loops.ts'
import { named } from './named/index.ts'
import { createReference } from './reference.ts'
import { ModuleBuilder } from './wasm/builder.ts'

/** What runs in WebAssembly, made when the backend is first used. */
export class Machine implements KernelContext {
  readonly heap: Heap
  readonly loops: LoopRunner
  readonly kernels: Readonly<Record<string, NamedKernel<Storage>>>
  readonly #scratch: Block[] = []
  #depth = 0

  constructor(heapBytes: number) {
    this.heap = new Heap(heapBytes)
    this.loops = new LoopRunner(this.heap)
    this.kernels = Object.fromEntries(Object.entries(named(this)).map(([name, kernel]) => [name, this.#bracket(kernel)]))
  }

  run(call: LoopCall<Storage>): boolean {
    if (this.#depth === 0) this.heap.call++
    return this.loops.run(call)
  }

  alloc(bytes: number): Storage {
    return this.heap.alloc(bytes)
  }

  upload(data: Uint8Array): Storage {
    const storage = this.heap.alloc(data.byteLength)
    if (data.byteLength > 0) this.heap.bytes.set(data, storage.block.pointer)
    return storage
  }

  read(storage: Storage, at: number, bytes: number): Uint8Array {
    return this.heap.read(storage as CpuStorage, at, bytes)
  }

  free(storage: Storage): void {
    this.heap.free(storage as CpuStorage)
  }

  memory(): MemoryInfo {
    return this.heap.info()
  }

  pointer(view: View<Storage>): number {
    return this.heap.pin((view.storage as CpuStorage).block) + view.offset * bytesOf(view.dtype)
  }

  buffer(): ArrayBuffer {
    return this.heap.memory.buffer
  }

  scratch(bytes: number): number {
    const block = this.heap.take(Math.max(bytes, 64))
    this.#scratch.push(block)
    return block.pointer
  }

  instantiate(bytes: Uint8Array, imports: Readonly<Record<string, HostFunction>> = {}): Readonly<Record<string, WasmFunction>> {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory: this.heap.memory, ...imports } })
    return instance.exports as Record<string, WasmFunction>
  }

  /** opens a call around a named kernel: operands stay pinned and scratch stays taken until it returns */
  #bracket(kernel: NamedKernel<Storage>): NamedKernel<Storage> {
    return (inputs: readonly ArrayView<Storage>[], params: never, outs: readonly ArrayView<Storage>[]) => {
      if (this.#depth === 0) this.heap.call++
      this.#depth++
      const from = this.#scratch.length
      try {
        return kernel(inputs, params, outs)
      } finally {
        this.#depth--
        while (this.#scratch.length > from) this.heap.give(this.#scratch.pop()!)
      }
    }
  }
}

/**
 * V8 lets some 100 to 200 MB of dropped ArrayBuffers gather before it frees them: with this a process that only drops
 * arrays stays near 500 MB.
 */
const DEFAULT_HEAP = 192 * 2 ** 20

/** Options of `createCpu`. */
export interface CpuOptions {
  /** how large the heap may grow before the least recently used arrays are moved out of it; 192 MiB unless told */
  readonly heapBytes?: number
}

/** A CPU backend with a heap of its own. Nothing is made before its first use. */
export function createCpu(options: CpuOptions = {}): Backend {
  for (const key of Object.keys(options))
    if (key !== 'heapBytes') throw new TypeError(`[backend-cpu] createCpu: expected options among heapBytes, got unknown option '${key}'`)
  let made: Machine | Backend | null = null
  const start = (): Machine | Backend => {
    const reason = refusal()
    if (reason === null) return (made = new Machine(options.heapBytes ?? DEFAULT_HEAP))
    console.warn(`[backend-cpu] ${reason}. Computing with the reference interpreter instead: right, and some thousand times slower`)
    return (made = createReference('cpu'))
  }
  return {
    name: 'cpu',
    dtypes: Object.keys(dtypes) as DType[],
    syncRead: true,
    alloc: (bytes) => (made ?? start()).alloc(bytes),
    upload: (data) => (made ?? start()).upload(data),
    read: (storage, at, bytes) => (made ?? start()).read(storage, at, bytes),
    readAsync: async (storage, at, bytes) => (made ?? start()).read(storage, at, bytes),
    free: (storage) => (made ?? start()).free(storage),
    run: (call) => (made ?? start()).run(call),
    get kernels() {
      return (made ?? start()).kernels
    },
    memory: () => made?.memory() ?? { live: 0, spilled: 0, pooled: 0, storages: 0 },
  }
}

/** Why WebAssembly cannot be used here, or null when it can. */
function refusal(): string | null {
  if (typeof WebAssembly === 'undefined') return 'This host has no WebAssembly'
  const module = new ModuleBuilder()
  module.function('f', [], []).i32x4(0).op('i32x4.abs').op('drop')
  const bytes = module.encode()
  if (!WebAssembly.validate(bytes)) return 'The WebAssembly of this host has no SIMD'
  try {
    new WebAssembly.Module(bytes)
    return null
  } catch {
    return "WebAssembly is refused here (a page allows it with 'wasm-unsafe-eval' in its Content-Security-Policy)"
  }
}
