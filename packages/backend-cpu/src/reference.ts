import {
  type ArrayView,
  type DType,
  type KernelName,
  type KernelParams,
  type LoopCall,
  type NamedKernel,
  type View,
  dtypes,
  interpret,
  interpretNamed,
} from '@mapgrad/kernel'
import type { Backend, MemoryInfo, Storage } from '@mapgrad/tensor/plugin'

/** What the collector is told of a storage. */
interface Ticket {
  readonly bytes: number
  done: boolean
}

/** Storage of the reference: ordinary bytes, which the garbage collector owns. */
class Bytes {
  data: Uint8Array | null
  readonly ticket: Ticket
  constructor(data: Uint8Array) {
    this.data = data
    this.ticket = { bytes: data.byteLength, done: false }
  }
}

function dataOf(storage: Storage): Uint8Array {
  const { data } = storage as Bytes
  if (!data) throw new TypeError('[backend-cpu] expected a storage in use, got one that was freed; do not use a tensor after dispose()')
  return data
}

const bytesView = (v: View<Storage>): View<Uint8Array> => ({ ...v, storage: dataOf(v.storage) })
const bytesArray = (v: ArrayView<Storage>): ArrayView<Uint8Array> => ({ ...v, storage: dataOf(v.storage) })

const names: readonly KernelName[] = ['matmul', 'sort', 'scan', 'scatter']

/** The interpreter as a backend: slow, in float64 throughout, and the meaning of every kernel. */
export function createReference(name = 'reference'): Backend {
  let live = 0
  let storages = 0
  const forget = (ticket: Ticket): void => {
    if (ticket.done) return
    ticket.done = true
    live -= ticket.bytes
    storages--
  }
  const registry = new FinalizationRegistry<Ticket>(forget)
  const make = (data: Uint8Array): Storage => {
    const storage = new Bytes(data)
    live += data.byteLength
    storages++
    registry.register(storage, storage.ticket)
    return storage
  }
  const read = (storage: Storage, at: number, bytes: number): Uint8Array => dataOf(storage).slice(at, at + bytes)
  const kernels = Object.fromEntries(
    names.map((kernel): [string, NamedKernel<Storage>] => [
      kernel,
      (inputs, params, outs) => interpretNamed(kernel, inputs.map(bytesArray), params as KernelParams[KernelName], outs.map(bytesArray)),
    ]),
  )
  return {
    name,
    dtypes: Object.keys(dtypes) as DType[],
    syncRead: true,
    alloc: (bytes) => make(new Uint8Array(bytes)),
    upload: (data) => make(data.slice()),
    read,
    readAsync: async (storage, at, bytes) => read(storage, at, bytes),
    free(storage) {
      forget((storage as Bytes).ticket)
      ;(storage as Bytes).data = null
    },
    run: (call: LoopCall<Storage>) => interpret({ ...call, inputs: call.inputs.map(bytesView), out: bytesView(call.out) }),
    kernels,
    memory: (): MemoryInfo => ({ live, spilled: 0, pooled: 0, storages }),
  }
}

/** The meaning of every kernel, computed in float64 by the interpreter: what other backends are compared with. */
export const reference: Backend = /* @__PURE__ */ createReference()
