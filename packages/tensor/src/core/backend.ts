import type { DType, LoopCall, NamedKernel } from '@mapgrad/kernel'

/** A block of memory on a backend. What it is, only the backend knows. */
export type Storage = object

/** What a backend holds, in bytes. */
export interface MemoryInfo {
  /** in storages that are in use, wherever they are */
  readonly live: number
  /** the part of `live` that was moved out of the backend's own heap */
  readonly spilled: number
  /** kept for reuse, in use by nothing */
  readonly pooled: number
  /** number of storages in use */
  readonly storages: number
}

/**
 * A device: storage, one function that runs loops, and the named kernels it writes by hand.
 * A backend is a value. It is passed in or set as default; importing it registers nothing.
 */
export interface Backend {
  /** the device name that users see, such as 'cpu' */
  readonly name: string
  readonly dtypes: readonly DType[]
  /** whether `read` exists: whether this device can hand data over synchronously */
  readonly syncRead: boolean
  /** `bytes` of uninitialised memory */
  alloc(bytes: number): Storage
  /** a storage that holds a copy of `data` */
  upload(data: Uint8Array): Storage
  /** a copy of `bytes` bytes from `byteOffset` on */
  read(storage: Storage, byteOffset: number, bytes: number): Uint8Array
  readAsync(storage: Storage, byteOffset: number, bytes: number): Promise<Uint8Array>
  /** gives the memory back at once; the storage must not be used again. Never a duty: what the garbage collector finds is freed too */
  free(storage: Storage): void
  /** runs a loop nest; `false` when a checked coordinate was out of range */
  run(call: LoopCall<Storage>): boolean | void
  /** kernels written by hand, by the name that ops ask for */
  readonly kernels: Readonly<Record<string, NamedKernel<Storage>>>
  memory(): MemoryInfo
}
