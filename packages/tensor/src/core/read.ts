import { type DType, bfloat16ToNumber, bytesOf, float16ToNumber, numberToBfloat16, numberToFloat16 } from '@mapgrad/kernel'
import { contiguousCopy } from './evaluate.ts'
import { TensorTypeError } from './errors.ts'
import { numel } from './shape.ts'
import type { ArrayValue } from './value.ts'

/** Row-major elements as JavaScript has them: half floats as float32, bools as bytes 0 and 1. */
export type TypedArray = Float32Array | Float64Array | Int32Array | Int16Array | Int8Array | Uint8Array | BigInt64Array
/** What holds elements that are numbers: those of every dtype but int64. */
export type NumberArray = Exclude<TypedArray, BigInt64Array>

/** The elements of the typed array that reading `dtype` gives. */
export interface TypedArrayOf {
  bool: Uint8Array
  uint8: Uint8Array
  int8: Int8Array
  int16: Int16Array
  int32: Int32Array
  int64: BigInt64Array
  float16: Float32Array
  bfloat16: Float32Array
  float32: Float32Array
  float64: Float64Array
}

/** Bytes of one dtype as a typed array of numbers. */
export function decode(dtype: DType, bytes: Uint8Array): TypedArray {
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice()
  const { buffer, byteOffset } = aligned
  const n = aligned.byteLength / bytesOf(dtype)
  switch (dtype) {
    case 'bool':
    case 'uint8':
      return new Uint8Array(buffer, byteOffset, n)
    case 'int8':
      return new Int8Array(buffer, byteOffset, n)
    case 'int16':
      return new Int16Array(buffer, byteOffset, n)
    case 'int32':
      return new Int32Array(buffer, byteOffset, n)
    case 'int64':
      return new BigInt64Array(buffer, byteOffset, n)
    case 'float32':
      return new Float32Array(buffer, byteOffset, n)
    case 'float64':
      return new Float64Array(buffer, byteOffset, n)
    case 'float16':
    case 'bfloat16':
      return Float32Array.from(new Uint16Array(buffer, byteOffset, n), dtype === 'float16' ? float16ToNumber : bfloat16ToNumber)
  }
}

const viewBytes = (a: TypedArray | Uint16Array): Uint8Array => new Uint8Array(a.buffer, a.byteOffset, a.byteLength)

/** Numbers (bigints for int64) as the bytes that `dtype` stores: integers wrap, floats round to nearest. May be a view of `data`. */
export function encode(dtype: DType, data: ArrayLike<number> | ArrayLike<bigint>): Uint8Array {
  const numbers = data as ArrayLike<number>
  switch (dtype) {
    case 'bool':
      return Uint8Array.from(numbers, (v) => (v ? 1 : 0))
    case 'uint8':
      return data instanceof Uint8Array ? data : new Uint8Array(numbers)
    case 'int8':
      return viewBytes(data instanceof Int8Array ? data : new Int8Array(numbers))
    case 'int16':
      return viewBytes(data instanceof Int16Array ? data : new Int16Array(numbers))
    case 'int32':
      return viewBytes(data instanceof Int32Array ? data : new Int32Array(numbers))
    case 'int64':
      return viewBytes(data instanceof BigInt64Array ? data : BigInt64Array.from(data as ArrayLike<bigint>, (v) => BigInt(v)))
    case 'float32':
      return viewBytes(data instanceof Float32Array ? data : new Float32Array(numbers))
    case 'float64':
      return viewBytes(data instanceof Float64Array ? data : new Float64Array(numbers))
    case 'float16':
    case 'bfloat16':
      return viewBytes(Uint16Array.from(numbers, dtype === 'float16' ? numberToFloat16 : numberToBfloat16))
  }
}

const filled = (x: ArrayValue): TypedArray => {
  const one = decode(x.dtype, encode(x.dtype, [x.fill] as number[]))[0]!
  const out = decode(x.dtype, new Uint8Array(numel(x.shape) * bytesOf(x.dtype)))
  return (out as Float64Array).fill(one as number)
}

/** The elements, row-major, read at once. Refused on devices that cannot. */
export function readSync(x: ArrayValue, what: string): TypedArray {
  if (!x.buffer) return filled(x)
  if (!x.backend.syncRead)
    throw new TensorTypeError(
      `expected a device that reads synchronously, got '${x.backend.name}'. Use \`await x.data()\`, \`await x.itemAsync()\` or \`await x.tolistAsync()\``,
      { op: what, code: 'SYNC_READ' },
    )
  const size = bytesOf(x.dtype)
  if (x.contiguous) return decode(x.dtype, x.backend.read(x.buffer.storage, x.offset * size, numel(x.shape) * size))
  const copy = contiguousCopy(x)
  const out = decode(x.dtype, x.backend.read(copy.buffer!.storage, 0, numel(x.shape) * size))
  copy.dispose()
  return out
}

/** The elements, row-major. */
export async function readAsync(x: ArrayValue): Promise<TypedArray> {
  if (!x.buffer) return filled(x)
  const size = bytesOf(x.dtype)
  if (x.contiguous) return decode(x.dtype, await x.backend.readAsync(x.buffer.storage, x.offset * size, numel(x.shape) * size))
  const copy = contiguousCopy(x)
  const out = decode(x.dtype, await x.backend.readAsync(copy.buffer!.storage, 0, numel(x.shape) * size))
  copy.dispose()
  return out
}

/** Elements as `tolist` gives them. */
export type Nested = number | boolean | bigint | readonly Nested[]

/** Row-major elements as nested arrays of numbers, bigints (int64) or booleans. */
export function nest(data: TypedArray, shape: readonly number[], dtype: DType): Nested {
  let at = 0
  const leaf = (): number | boolean | bigint => (dtype === 'bool' ? data[at++] !== 0 : (data[at++] as number | bigint))
  const go = (axis: number): Nested => (axis === shape.length ? leaf() : Array.from({ length: shape[axis]! }, () => go(axis + 1)))
  return go(0)
}
