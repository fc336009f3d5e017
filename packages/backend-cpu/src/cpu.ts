import { type ArrayView, type DType, type LoopCall, type NamedKernel, type View, bytesOf, dtypes } from '@mapgrad/kernel'
import type { Backend, MemoryInfo, Storage } from '@mapgrad/tensor/plugin'
import type { HostFunction, KernelContext, WasmFunction } from './context.ts'
import type { Block, CpuStorage } from './heap/block.ts'
import { Heap } from './heap/heap.ts'
import { LoopRunner } from './loops.ts'
import { named } from './named/index.ts'

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

export interface CpuOptions {
  /** how large the heap may grow before the least recently used arrays are moved out of it; 256 MiB unless told */
  readonly heapBytes?: number
}

/** A CPU backend with a heap of its own. Nothing is made before its first use. */
export function createCpu(options: CpuOptions = {}): Backend {
  let made: Machine | null = null
  const machine = (): Machine => (made ??= new Machine(options.heapBytes ?? 2 ** 28))
  return {
    name: 'cpu',
    dtypes: Object.keys(dtypes) as DType[],
    syncRead: true,
    alloc: (bytes) => (made ?? machine()).heap.alloc(bytes),
    upload(data) {
      const { heap } = machine()
      const storage = heap.alloc(data.byteLength)
      if (data.byteLength > 0) heap.bytes.set(data, storage.block.pointer)
      return storage
    },
    read: (storage, at, bytes) => machine().heap.read(storage as CpuStorage, at, bytes),
    readAsync: async (storage, at, bytes) => machine().heap.read(storage as CpuStorage, at, bytes),
    free: (storage) => machine().heap.free(storage as CpuStorage),
    run: (call) => (made ?? machine()).run(call),
    get kernels() {
      return machine().kernels
    },
    memory: (): MemoryInfo => made?.heap.info() ?? { live: 0, spilled: 0, pooled: 0, storages: 0 },
  }
}
