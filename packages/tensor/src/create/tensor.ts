import { type DType, dtypes, isFloat } from '@mapgrad/kernel'
import { checkOptions } from '../core/args.ts'
import { type Device, resolveDevice } from '../core/device.ts'
import { TensorRangeError, TensorTypeError, describe, show } from '../core/errors.ts'
import { isTensor } from '../core/handle.ts'
import { type TypedArray, encode } from '../core/read.ts'
import { contiguousStrides, numel } from '../core/shape.ts'
import { ArrayValue } from '../core/value.ts'
import { cast } from '../ops/cast.ts'
import { stopGradient } from '../ops/unary.ts'
import { Tensor } from '../tensor.ts'

/** Where and as what a tensor is made. */
export interface TensorOptions {
  readonly dtype?: DType
  /** a backend, or the name of one in use; the default device if absent */
  readonly device?: Device
}

/** What `tensor` takes: a number, boolean, bigint, nested arrays of them, a typed array, or a tensor. */
export type TensorData = number | boolean | bigint | readonly TensorData[] | TypedArray | Uint16Array | Uint32Array | Float64Array | Tensor

const options = ['dtype', 'device']

/** Refuses a dtype that does not exist. */
export function checkDTypeName(op: string, dtype: DType | undefined): void {
  if (dtype !== undefined && !Object.hasOwn(dtypes, dtype))
    throw new TensorTypeError(`expected a dtype among ${Object.keys(dtypes).join(', ')}, got ${describe(dtype)}`, { op, code: 'DTYPE_NAME' })
}

/** Host numbers as a tensor. */
export function fromHost(data: ArrayLike<number> | ArrayLike<bigint>, shape: readonly number[], dtype: DType, device?: Device | null, op = 'tensor'): Tensor {
  const backend = resolveDevice(device, op)
  const storage = backend.upload(encode(dtype, data))
  return new Tensor(new ArrayValue(backend, dtype, shape, contiguousStrides(shape), 0, { storage, backend, users: 0 }))
}

function typedArrayType(x: ArrayBufferView): DType {
  if (x instanceof Float32Array) return 'float32'
  if (x instanceof Float64Array) return 'float64'
  if (x instanceof Int32Array) return 'int32'
  if (x instanceof Int16Array) return 'int16'
  if (x instanceof Int8Array) return 'int8'
  if (x instanceof Uint8Array || x instanceof Uint8ClampedArray) return 'uint8'
  if (x instanceof BigInt64Array) return 'int64'
  throw new TensorTypeError(`expected a typed array of a dtype mapgrad has (Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Uint8Array, BigInt64Array), got ${describe(x)}. Give a dtype with { dtype }`, {
    op: 'tensor',
    code: 'DATA_TYPE',
  })
}

interface Flat {
  readonly values: (number | bigint)[]
  shape: number[] | null
  kinds: Set<string>
}

/** Row-major scalars of nested arrays; every array at one depth must have one length. */
function flatten(data: unknown, depth: number, path: string, out: Flat, shape: number[], done: { depth: number }): void {
  if (Array.isArray(data)) {
    if (done.depth >= 0 && depth >= done.depth) throw ragged(`a number as in its neighbours`, `an array of ${data.length}`, path)
    if (shape.length === depth) shape.push(data.length)
    else if (shape[depth] !== data.length) throw ragged(`length ${shape[depth]} as in its neighbours`, `length ${data.length}`, path)
    for (let i = 0; i < data.length; i++) flatten(data[i], depth + 1, `${path}[${i}]`, out, shape, done)
    return
  }
  if (done.depth < 0) done.depth = depth
  else if (depth !== done.depth) throw ragged(`an array as in its neighbours`, describe(data), path)
  switch (typeof data) {
    case 'number':
    case 'bigint':
      out.values.push(data)
      break
    case 'boolean':
      out.values.push(data ? 1 : 0)
      break
    default:
      throw new TensorTypeError(`expected numbers, booleans or bigints, got ${describe(data)} at data${path}. Convert it first`, { op: 'tensor', code: 'DATA_TYPE' })
  }
  out.kinds.add(typeof data)
}

const ragged = (expected: string, got: string, path: string): TensorRangeError =>
  new TensorRangeError(`expected ${expected}, got ${got} at data${path}: nested arrays must be rectangular. Pad the short ones`, { op: 'tensor', code: 'RAGGED' })

/**
 * A tensor of `data`. JavaScript numbers make float32, booleans bool, bigints int64, typed arrays their own dtype;
 * `dtype` asks for another one. Data are copied.
 * @throws TensorRangeError for ragged nested arrays, TensorTypeError for data that are no numbers
 */
export function tensor(data: TensorData, opts: TensorOptions = {}): Tensor {
  checkOptions('tensor', opts as Record<string, unknown>, options)
  checkDTypeName('tensor', opts.dtype)
  if (isTensor(data)) {
    const x = stopGradient(data)
    return opts.dtype ? cast(x, opts.dtype) : x
  }
  if (ArrayBuffer.isView(data)) {
    const array = data as TypedArray
    const dtype = opts.dtype ?? typedArrayType(array)
    return fromHost(checked(array as ArrayLike<number>, dtype), [array.length], dtype, opts.device)
  }
  const out: Flat = { values: [], shape: null, kinds: new Set() }
  const shape: number[] = []
  const done = { depth: -1 }
  flatten(data, 0, '', out, shape, done)
  if (done.depth > 0 && shape.length > done.depth) throw ragged('a number as in its neighbours', `an array of ${shape[done.depth]}`, '')
  const dtype = opts.dtype ?? inferred(out.kinds)
  const values = out.values as number[]
  if (numel(shape) !== values.length) throw ragged('rectangular arrays', `${values.length} numbers for shape ${show(shape)}`, '')
  return fromHost(checked(out.kinds.size > 1 || (out.kinds.has('bigint') && dtype !== 'int64') ? values.map(Number) : values, dtype), shape, dtype, opts.device)
}

function inferred(kinds: ReadonlySet<string>): DType {
  if (kinds.size === 1) return kinds.has('boolean') ? 'bool' : kinds.has('bigint') ? 'int64' : 'float32'
  if (kinds.has('bigint') && kinds.has('number')) throw new TensorTypeError('expected numbers or bigints, got both. Give { dtype } to say which is meant', { op: 'tensor', code: 'DATA_TYPE' })
  return kinds.has('bigint') ? 'int64' : 'float32'
}

/** Refuses what an integer dtype would silently change: NaN, infinities, fractions keep PyTorch's truncation. */
function checked(data: ArrayLike<number>, dtype: DType): ArrayLike<number> {
  if (isFloat(dtype) || dtype === 'bool') return data
  for (let i = 0; i < data.length; i++) {
    const v = data[i]!
    if (typeof v === 'number' && !Number.isFinite(v)) throw new TensorRangeError(`expected numbers that ${dtype} can hold, got ${v} at position ${i}`, { op: 'tensor', code: 'DATA_RANGE' })
  }
  return dtype === 'int64' ? (Array.from(data, (v) => (typeof v === 'bigint' ? v : BigInt(Math.trunc(v)))) as unknown as number[]) : data
}
