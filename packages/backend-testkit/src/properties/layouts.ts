import type { ArrayValue } from '@mapgrad/tensor/plugin'
import type { DType, Tensor } from '@mapgrad/tensor'
import type { Backend } from '@mapgrad/tensor/plugin'
import { HostTensor } from '../format/decode.ts'

// The same array under layouts that are not row-major.

/** Row-major numbers of `x` after reading it in another order of elements: element `i` of the result is `x[place(i)]`. */
function laidOut(x: HostTensor, backend: Backend, dtype: DType, length: number, strides: readonly number[], offset: number): Tensor {
  const memory = new Float64Array(length).fill(77)
  const { shape } = x
  const n = x.data.length
  const numbers = x.numbers()
  const index = new Array<number>(shape.length).fill(0)
  for (let i = 0; i < n; i++) {
    memory[index.reduce((p, k, d) => p + k * strides[d]!, offset)] = numbers[i]!
    for (let d = shape.length - 1; d >= 0; d--) {
      if (++index[d]! < shape[d]!) break
      index[d] = 0
    }
  }
  const flat = new HostTensor(dtype, [length], dtype === 'bool' ? Float64Array.from(memory, (v) => (v ? 1 : 0)) : memory).on(backend, dtype)
  return flat.wrap((flat.value as ArrayValue).view(shape, strides, offset))
}

/** The axes in memory in the opposite order. */
export function transposed(x: HostTensor, backend: Backend, dtype: DType): Tensor {
  const strides: number[] = []
  let s = 1
  for (const size of x.shape) {
    strides.push(s)
    s *= size
  }
  return laidOut(x, backend, dtype, Math.max(1, x.data.length), strides, 0)
}

/** Every second element of every axis of a larger array, from the second on. */
export function sliced(x: HostTensor, backend: Backend, dtype: DType): Tensor {
  const strides = new Array<number>(x.shape.length)
  let s = 1
  let offset = 0
  for (let d = x.shape.length - 1; d >= 0; d--) {
    strides[d] = 2 * s
    offset += s
    s *= 2 * x.shape[d]!
  }
  return laidOut(x, backend, dtype, Math.max(1, s), strides, x.data.length ? offset : 0)
}

/** The first entry of the first axis repeated along it, with stride 0. */
export function expanded(x: HostTensor, backend: Backend, dtype: DType): Tensor {
  const one = firstRow(x)
  const small = one.on(backend, dtype)
  const strides = contiguous(x.shape)
  strides[0] = 0
  return small.wrap((small.value as ArrayValue).view(x.shape, strides, 0))
}

/** The array that `expanded` shows, in memory of its own. */
export function repeated(x: HostTensor): HostTensor {
  const row = firstRow(x).numbers()
  return new HostTensor(
    x.dtype,
    x.shape,
    Float64Array.from({ length: x.data.length }, (_, i) => row[i % row.length]!),
  )
}

function firstRow(x: HostTensor): HostTensor {
  const n = x.data.length / x.shape[0]!
  return new HostTensor(
    x.dtype,
    [1, ...x.shape.slice(1)],
    Float64Array.from({ length: n }, (_, i) => x.numbers()[i]!),
  )
}

function contiguous(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length)
  let s = 1
  for (let d = shape.length - 1; d >= 0; d--) {
    strides[d] = s
    s *= shape[d]!
  }
  return strides
}
