import type { View } from '@mapgrad/kernel'
import type { Storage } from '@mapgrad/tensor/plugin'

/** A host function that a module imports: numbers in, a number out. */
export type HostFunction = (...args: number[]) => number | void

/**
 * What a named kernel gets besides its operands. The table is built once a backend, `named(context)`; its kernels run one at
 * a time, each inside a call that the backend opens and closes around it:
 * every address and every scratch area is valid until the kernel returns, and operands are never moved meanwhile.
 * A kernel that throws leaves nothing pinned. WebAssembly may be assumed: without it the table is not used.
 */
export interface KernelContext {
  /** byte address in `memory` of the element at `view.offset`; the view's storage is in the heap and pinned for this call */
  pointer(view: View<Storage>): number
  /** the heap's memory as it is now; `scratch`, `pointer` and nothing else may replace the buffer, so read it after them */
  buffer(): ArrayBuffer
  /** byte address of `bytes` bytes, 64-byte aligned, uninitialised, given back when the call ends */
  scratch(bytes: number): number
  /**
   * Compiles a module and gives its exports. It imports the heap as `env.memory`; `imports` are its functions `env.<name>`.
   * Keep what you get: nothing is cached here.
   */
  instantiate(bytes: Uint8Array, imports?: Readonly<Record<string, HostFunction>>): Readonly<Record<string, WasmFunction>>
}

/** An exported function: addresses, sizes and flags in, a status out. */
export type WasmFunction = (...args: number[]) => number
