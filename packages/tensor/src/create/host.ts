import { type DType, dtypes, isFloat } from '@mapgrad/kernel'
import { meantDType } from '../core/dtype-names.ts'
import type { Backend } from '../core/backend.ts'
import type { Device } from '../core/device.ts'
import { TensorRangeError, TensorTypeError, describe, show } from '../core/errors.ts'
import { type TypedArray, encode } from '../core/read.ts'
import { contiguousStrides, numel } from '../core/shape.ts'
import { ArrayValue } from '../core/value.ts'
import type { Tensor } from '../tensor.ts'

/** Where and as what a tensor is made. */
export interface TensorOptions {
  readonly dtype?: DType | undefined
  /** a backend, or the name of one in use; the default device if absent */
  readonly device?: Device | undefined
  /** asks for its gradient, see `requiresGrad_`; default false */
  readonly requiresGrad?: boolean | undefined
}

/** What `tensor` takes: a number, boolean, bigint, nested arrays of them, a typed array, or a tensor. */
export type TensorData = number | boolean | bigint | readonly TensorData[] | TypedArray | Uint16Array | Uint32Array | Float64Array | Tensor

/** Refuses a dtype that does not exist. */
export function checkDTypeName(op: string, dtype: DType | undefined): void {
  if (dtype !== undefined && !Object.hasOwn(dtypes, dtype))
    throw new TensorTypeError(`expected a dtype among ${Object.keys(dtypes).join(', ')}, got ${describe(dtype)}${meantDType(dtype)}`, {
      op,
      code: 'DTYPE_NAME',
    })
}

/** Host numbers as an array on a device. */
export function hostArray(
  data: ArrayLike<number> | ArrayLike<bigint>,
  shape: readonly number[],
  dtype: DType,
  backend: Backend,
): ArrayValue {
  const storage = backend.upload(encode(dtype, data))
  return new ArrayValue(backend, dtype, shape, contiguousStrides(shape), 0, { storage, backend, users: 0 })
}

function typedArrayType(x: ArrayBufferView): DType {
  if (x instanceof Float32Array) return 'float32'
  if (x instanceof Float64Array) return 'float64'
  if (x instanceof Int32Array) return 'int32'
  if (x instanceof Int16Array) return 'int16'
  if (x instanceof Int8Array) return 'int8'
  if (x instanceof Uint8Array || x instanceof Uint8ClampedArray) return 'uint8'
  if (x instanceof BigInt64Array) return 'int64'
  throw new TensorTypeError(
    `expected a typed array of a dtype mapgrad has (Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Uint8Array, BigInt64Array), got ${describe(x)}. Give a dtype with { dtype }`,
    {
      op: 'tensor',
      code: 'DATA_TYPE',
    },
  )
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
      throw new TensorTypeError(`expected numbers, booleans or bigints, got ${describe(data)} at data${path}. Convert it first`, {
        op: 'tensor',
        code: 'DATA_TYPE',
      })
  }
  out.kinds.add(typeof data)
}

const ragged = (expected: string, got: string, path: string): TensorRangeError =>
  new TensorRangeError(`expected ${expected}, got ${got} at data${path}: nested arrays must be rectangular. Pad the short ones`, {
    op: 'tensor',
    code: 'RAGGED',
  })

/** Numbers, nested arrays or a typed array as an array on a device, in `asked` or the dtype that they have by themselves. */
export function parseData(data: Exclude<TensorData, Tensor>, asked: DType | undefined, backend: Backend): ArrayValue {
  if (ArrayBuffer.isView(data)) {
    const array = data as TypedArray
    const dtype = asked ?? typedArrayType(array)
    return hostArray(checked(array as ArrayLike<number>, dtype), [array.length], dtype, backend)
  }
  const out: Flat = { values: [], shape: null, kinds: new Set() }
  const shape: number[] = []
  const done = { depth: -1 }
  flatten(data, 0, '', out, shape, done)
  if (done.depth > 0 && shape.length > done.depth) throw ragged('a number as in its neighbours', `an array of ${shape[done.depth]}`, '')
  const dtype = asked ?? inferred(out.kinds)
  const values = out.values as number[]
  if (numel(shape) !== values.length) throw ragged('rectangular arrays', `${values.length} numbers for shape ${show(shape)}`, '')
  return hostArray(
    checked(out.kinds.size > 1 || (out.kinds.has('bigint') && dtype !== 'int64') ? values.map(Number) : values, dtype),
    shape,
    dtype,
    backend,
  )
}

function inferred(kinds: ReadonlySet<string>): DType {
  if (kinds.size === 1) return kinds.has('boolean') ? 'bool' : kinds.has('bigint') ? 'int64' : 'float32'
  if (kinds.has('bigint') && kinds.has('number'))
    throw new TensorTypeError('expected numbers or bigints, got both. Give { dtype } to say which is meant', {
      op: 'tensor',
      code: 'DATA_TYPE',
    })
  return kinds.has('bigint') ? 'int64' : 'float32'
}

/** Refuses what an integer dtype would silently change: NaN, infinities, fractions keep PyTorch's truncation. */
function checked(data: ArrayLike<number>, dtype: DType): ArrayLike<number> {
  if (isFloat(dtype) || dtype === 'bool') return data
  for (let i = 0; i < data.length; i++) {
    const v = data[i]!
    if (typeof v === 'number' && !Number.isFinite(v))
      throw new TensorRangeError(`expected numbers that ${dtype} can hold, got ${v} at position ${i}`, { op: 'tensor', code: 'DATA_RANGE' })
  }
  return dtype === 'int64' ? (Array.from(data, (v) => (typeof v === 'bigint' ? v : BigInt(Math.trunc(v)))) as unknown as number[]) : data
}
