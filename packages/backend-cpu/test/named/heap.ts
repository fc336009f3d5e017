import type { ArrayView, DType } from '@mapgrad/kernel'
import { bytesOf } from '@mapgrad/kernel'
import type { KernelContext, WasmFunction } from '../../src/context.ts'

interface Block {
  readonly address: number
}

/** A heap without a cache behind it: what kernels need of a backend, and nothing else. Blocks end in a guard. */
export class TestHeap implements KernelContext {
  readonly memory: WebAssembly.Memory = new WebAssembly.Memory({ initial: 16 })
  #top = 1024
  /** of the last `reset`, so that stale scratch is never zero by luck */
  reset(): void {
    new Uint8Array(this.memory.buffer).fill(0xcd)
    this.#top = 1024
  }
  mark(): number {
    return this.#top
  }
  /** gives back what was allocated since `mark` */
  release(mark: number): void {
    this.#top = mark
  }
  alloc(bytes: number): Block {
    const address = this.#top
    this.#top = (address + bytes + 64 + 63) & ~63
    const short = this.#top - this.memory.buffer.byteLength
    if (short > 0) this.memory.grow(Math.ceil(short / 65536) + 16)
    return { address }
  }
  pointer(view: ArrayView<object>): number {
    return (view.storage as Block).address + view.offset * bytesOf(view.dtype)
  }
  buffer(): ArrayBuffer {
    return this.memory.buffer
  }
  scratch(bytes: number): number {
    return this.alloc(bytes).address
  }
  instantiate(bytes: Uint8Array): Readonly<Record<string, WasmFunction>> {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>), { env: { memory: this.memory } })
    return instance.exports as unknown as Readonly<Record<string, WasmFunction>>
  }
  /** a fresh contiguous output, filled with rubbish */
  out(shape: readonly number[], dtype: DType): ArrayView<object> {
    const n = shape.reduce((x, y) => x * y, 1)
    const storage = this.alloc(n * bytesOf(dtype))
    new Uint8Array(this.memory.buffer, storage.address, n * bytesOf(dtype) + 32).fill(0xab)
    return { storage, dtype, offset: 0, shape, strides: contiguous(shape) }
  }
  /** whether the bytes behind `view` are as they were */
  guarded(view: ArrayView<object>): boolean {
    const n = view.shape.reduce((x, y) => x * y, 1)
    const end = (view.storage as Block).address + n * bytesOf(view.dtype)
    return new Uint8Array(this.memory.buffer, end, 32).every((b) => b === 0xab)
  }
  get(view: ArrayView<object>, at: number): number | bigint {
    const data = new DataView(this.memory.buffer)
    const p = (view.storage as Block).address + at * bytesOf(view.dtype)
    switch (view.dtype) {
      case 'bool':
      case 'uint8':
        return data.getUint8(p)
      case 'int8':
        return data.getInt8(p)
      case 'int16':
        return data.getInt16(p, true)
      case 'int32':
        return data.getInt32(p, true)
      case 'int64':
        return data.getBigInt64(p, true)
      case 'float16':
        return halfToNumber(data.getUint16(p, true))
      case 'bfloat16': {
        data.setUint32(0, data.getUint16(p, true) << 16, true)
        return data.getFloat32(0, true)
      }
      case 'float32':
        return data.getFloat32(p, true)
      case 'float64':
        return data.getFloat64(p, true)
    }
  }
  set(view: ArrayView<object>, at: number, value: number | bigint): void {
    const data = new DataView(this.memory.buffer)
    const p = (view.storage as Block).address + at * bytesOf(view.dtype)
    const x = Number(value)
    switch (view.dtype) {
      case 'bool':
      case 'uint8':
        return data.setUint8(p, x)
      case 'int8':
        return data.setInt8(p, x)
      case 'int16':
        return data.setInt16(p, x, true)
      case 'int32':
        return data.setInt32(p, x, true)
      case 'int64':
        return data.setBigInt64(p, BigInt(value), true)
      case 'float16':
        return data.setUint16(p, numberToHalf(x), true)
      case 'bfloat16':
        return data.setUint16(p, numberToBrain(x), true)
      case 'float32':
        return data.setFloat32(p, x, true)
      case 'float64':
        return data.setFloat64(p, x, true)
    }
  }
  /** all elements in row-major order */
  values(view: ArrayView<object>): (number | bigint)[] {
    return positions(view).map((at) => this.get(view, at))
  }
  /** a view of `shape` laid out as told, with the elements `value(i)` in row-major order */
  array(shape: readonly number[], dtype: DType, layout: Layout, value: (i: number) => number | bigint): ArrayView<object> {
    const order = layout.order ?? shape.map((_, i) => i)
    const strides = shape.map(() => 0)
    let size = layout.gap ?? 1
    for (const axis of order.toReversed()) {
      if (layout.repeat?.includes(axis)) continue
      strides[axis] = size
      size *= shape[axis]!
    }
    let offset = layout.offset ?? 0
    shape.forEach((n, axis) => {
      if (!layout.flip?.includes(axis) || n === 0) return
      offset += strides[axis]! * (n - 1)
      strides[axis] = -strides[axis]!
    })
    const view = { storage: this.alloc((size + (layout.offset ?? 0)) * bytesOf(dtype)), dtype, offset, shape, strides }
    positions(view).forEach((at, i) => this.set(view, at, value(i)))
    return view
  }
}

/** How an array lies in memory. */
export interface Layout {
  /** axes from the slowest to the fastest; row-major by default */
  readonly order?: readonly number[] | undefined
  /** axes with stride 0 */
  readonly repeat?: readonly number[] | undefined
  /** axes with a negative stride */
  readonly flip?: readonly number[] | undefined
  readonly offset?: number | undefined
  /** the smallest stride */
  readonly gap?: number | undefined
}

export function contiguous(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1)
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1]! * shape[i + 1]!
  return strides
}

/** element positions in storage, row-major */
export function positions(view: ArrayView<object>): number[] {
  let at = [view.offset]
  view.shape.forEach((n, axis) => {
    at = at.flatMap((p) => Array.from({ length: n }, (_, i) => p + i * view.strides[axis]!))
  })
  return at
}

function halfToNumber(h: number): number {
  const sign = h & 0x8000 ? -1 : 1
  const [e, m] = [(h >> 10) & 31, h & 1023]
  if (e === 31) return m ? NaN : sign * Infinity
  return sign * (e === 0 ? m * 2 ** -24 : (1 + m / 1024) * 2 ** (e - 15))
}

/** by search among all halves: slow and plainly right */
function numberToHalf(x: number): number {
  if (Number.isNaN(x)) return 0x7e00
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0
  const a = Math.abs(x)
  if (a >= 65520) return sign | 0x7c00
  let [low, high] = [0, 0x7c00]
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (halfToNumber(middle) <= a) low = middle
    else high = middle
  }
  const up = low === 0x7bff ? 65536 : halfToNumber(low + 1)
  const [down, rise] = [a - halfToNumber(low), up - a]
  return sign | (down < rise || (down === rise && low % 2 === 0) ? low : low + 1)
}

function numberToBrain(x: number): number {
  const bits = new Uint32Array(new Float32Array([x]).buffer)[0]!
  if (Number.isNaN(x)) return 0x7fc0
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff
}

/** The value that `dtype` holds for `x`. */
export function rounded(heap: TestHeap, dtype: DType, x: number | bigint): number | bigint {
  const view: ArrayView<object> = { storage: { address: 64 }, dtype, offset: 0, shape: [], strides: [] }
  heap.set(view, 0, x)
  return heap.get(view, 0)
}

/** A small deterministic generator: random data, the same in every run. */
export function random(seed: number): () => number {
  let s = seed >>> 0
  return () => {
    s = (s + 0x6d2b79f5) >>> 0
    let t = Math.imul(s ^ (s >>> 15), 1 | s)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
