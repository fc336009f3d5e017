import type { Tensor } from '@mapgrad/tensor'
import { ArrayValue, type Backend, isOptions, resolveDevice } from '@mapgrad/tensor/plugin'
import { fault } from './faults.ts'
import type { GraphNode } from './node.ts'
import { Size, type SizeJSON, sizeFromJSON } from './symbolic/size.ts'

// Params of ops and constants as text and as JSON, bit for bit.

/** A tensor as JSON (`dims` and `size` where its sizes or its number follow from the sizes of inputs): one repeated number, or its bytes, little endian in base64. Half floats are float32 there, bools bytes. */
export interface TensorJSON {
  readonly dtype: Tensor['dtype']
  readonly shape: readonly number[]
  readonly fill?: unknown
  readonly data?: string
  readonly dims?: readonly SizeJSON[]
  readonly size?: SizeJSON
}

/** The number that a constant repeats, if it is such a one. */
export function fillOf(x: Tensor): number | bigint | undefined {
  const { value } = x
  return value instanceof ArrayValue && !value.buffer ? value.fill : undefined
}

const isBackend = (x: unknown): x is Backend => typeof x === 'object' && x !== null && 'kernels' in x && 'alloc' in x && 'name' in x

/** Why a value cannot be written down. */
export function unwritable(where: string, x: unknown): never {
  throw fault(
    where,
    `expected params of numbers, strings, arrays, plain objects and devices, got ${typeof x === 'function' ? `a function${x.name ? ` '${x.name}'` : ''}` : `a ${(x as object).constructor?.name ?? 'object'}`}. Such a graph runs here, but cannot be written down`,
    'UNSERIALIZABLE',
  )
}

/** A value as JSON holds it; what JSON has no word for is an object with one key that starts with $. */
export function encodeValue(x: unknown, opaque: (x: object) => unknown = (v) => unwritable('toJSON', v)): unknown {
  if (x === null || typeof x === 'boolean' || typeof x === 'string') return x
  if (x === undefined) return { $undefined: true }
  if (typeof x === 'number') return Number.isFinite(x) && !Object.is(x, -0) ? x : { $number: Object.is(x, -0) ? '-0' : String(x) }
  if (typeof x === 'bigint') return { $bigint: String(x) }
  if (Array.isArray(x)) return x.map((v) => encodeValue(v, opaque))
  if (isBackend(x)) return { $device: x.name }
  if (x instanceof Size) return { $size: x.toJSON() }
  if (isOptions(x)) return Object.fromEntries(Object.entries(x).map(([k, v]) => [k.startsWith('$') ? `$${k}` : k, encodeValue(v, opaque)]))
  return opaque(x as object)
}

/** The value that `encodeValue` encoded; `graph` reads graphs in it. */
export function decodeValue(x: unknown, graph?: (json: unknown) => unknown): unknown {
  if (Array.isArray(x)) return x.map((v) => decodeValue(v, graph))
  if (typeof x !== 'object' || x === null) return x
  const entries = Object.entries(x)
  const [key, value] = entries[0] ?? ['', null]
  if (entries.length === 1) {
    if (key === '$undefined') return undefined
    if (key === '$number') return Number(value)
    if (key === '$bigint') return BigInt(value as string)
    if (key === '$size') return sizeFromJSON(value as SizeJSON)
    if (key === '$graph' && graph) return graph(value)
    if (key === '$device') return resolveDevice(value as string, 'graphFromJSON')
  }
  return Object.fromEntries(entries.map(([k, v]) => [k.startsWith('$$') ? k.slice(1) : k, decodeValue(v, graph)]))
}

const isName = (key: string): boolean => /^[A-Za-z_$][\w$]*$/.test(key)

/** A value as a TypeScript expression. */
export function literal(
  x: unknown,
  device: (name: string) => string,
  opaque: (x: object) => string,
  size: (x: Size) => string = String,
): string {
  if (x === undefined) return 'undefined'
  if (typeof x === 'number') return Object.is(x, -0) ? '-0' : String(x)
  if (typeof x === 'bigint') return `${x}n`
  if (typeof x === 'string') return `'${JSON.stringify(x).slice(1, -1).replace(/\\"/g, '"').replace(/'/g, "\\'")}'`
  if (x === null || typeof x === 'boolean') return String(x)
  if (Array.isArray(x)) return `[${x.map((v) => literal(v, device, opaque, size)).join(', ')}]`
  if (isBackend(x)) return device(x.name)
  if (x instanceof Size) return size(x)
  if (!isOptions(x)) return opaque(x as object)
  const entries = Object.entries(x).map(([k, v]) => `${isName(k) ? k : JSON.stringify(k)}: ${literal(v, device, opaque, size)}`)
  return entries.length ? `{ ${entries.join(', ')} }` : '{}'
}

const CHUNK = 0x8000

/** The bytes of an array of numbers in base64. */
export function toBase64({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  const bytes = new Uint8Array(buffer, byteOffset, byteLength)
  let text = ''
  for (let i = 0; i < bytes.length; i += CHUNK) text += String.fromCharCode(...bytes.subarray(i, i + CHUNK))
  return btoa(text)
}
/** The bytes that base64 text stands for. */
// without a type argument: TypeScript before 5.7 knows none
export const fromBase64 = (text: string): Uint8Array => Uint8Array.from(atob(text), (c) => c.charCodeAt(0))

/** A constant as JSON. */
export function encodeTensor(x: Tensor): TensorJSON {
  const fill = fillOf(x)
  const { dtype, shape } = x
  if (fill !== undefined) return { dtype, shape, fill: encodeValue(fill) }
  if (x.value.trace)
    throw fault(
      'toJSON',
      'expected constants that are plain tensors, got a value of a transform that is running. Pass it to the function as an argument instead of capturing it',
      'UNSERIALIZABLE',
    )
  return { dtype, shape, data: toBase64(x.dataSync()) }
}

/** A constant node as JSON. */
export const encodeConstant = ({ value, fill, aval: { dims } }: GraphNode): TensorJSON => ({
  ...encodeTensor(value!),
  ...(dims && { dims: dims.map((d) => (typeof d === 'number' ? d : d.toJSON())) }),
  ...(fill && { size: fill.toJSON() }),
})

type ReadDType = Exclude<Tensor['dtype'], never>
/** The typed array that reading a dtype gives, by name. */
export const arrayOf: Readonly<Record<ReadDType, string>> = {
  bool: 'Uint8Array',
  uint8: 'Uint8Array',
  int8: 'Int8Array',
  int16: 'Int16Array',
  int32: 'Int32Array',
  int64: 'BigInt64Array',
  float16: 'Float32Array',
  bfloat16: 'Float32Array',
  float32: 'Float32Array',
  float64: 'Float64Array',
}
