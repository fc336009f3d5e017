import { type Device, type DType, type Tensor, tensor } from '@mapgrad/tensor'
import { reshapeTo } from '@mapgrad/tensor/plugin'
import type { Encoded, EncodedTensor } from './types.ts'

type Numbers = Float32Array | Float64Array | Int8Array | Int16Array | Int32Array | Uint8Array | BigInt64Array

/** An array on the host, of a dtype as PyTorch names it. */
export class HostTensor {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly data: Numbers
  constructor(dtype: string, shape: readonly number[], data: Numbers) {
    this.dtype = dtype
    this.shape = shape
    this.data = data
  }

  /** The same numbers on a device, in another dtype if one is given. */
  on(device: Device, dtype: DType = this.dtype as DType): Tensor {
    return reshapeTo(
      tensor(dtype === 'int64' || !(this.data instanceof BigInt64Array) ? this.data : Float64Array.from(this.data, Number), {
        dtype,
        device,
      }),
      this.shape,
    )
  }

  /** The elements as numbers. */
  numbers(): ArrayLike<number> {
    return this.data instanceof BigInt64Array ? Float64Array.from(this.data, Number) : this.data
  }
}

/** A scalar or a word of a call that is no tensor. */
export class Word {
  readonly kind: 'dtype' | 'slice' | 'ellipsis' | 'complex' | 'skip'
  readonly value: unknown
  constructor(kind: Word['kind'], value: unknown) {
    this.kind = kind
    this.value = value
  }
}

/** A value of a case, decoded. */
export type Decoded = number | string | boolean | null | HostTensor | Word | readonly Decoded[] | { readonly [key: string]: Decoded }

const arrays: Readonly<Record<string, new (buffer: ArrayBuffer) => Numbers>> = {
  bool: Uint8Array,
  uint8: Uint8Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  float16: Float32Array,
  bfloat16: Float32Array,
  float32: Float32Array,
  float64: Float64Array,
  complex64: Float32Array,
  complex128: Float64Array,
}

function decodeTensor({ dtype, shape, data }: EncodedTensor): HostTensor {
  const text = atob(data)
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
  const make = arrays[dtype]
  if (!make) throw new TypeError(`case file: expected a dtype among ${Object.keys(arrays).join(', ')}, got '${dtype}'`)
  const numbers = new make(bytes.buffer)
  const expected = shape.reduce((n, s) => n * s, dtype.startsWith('complex') ? 2 : 1)
  if (numbers.length !== expected)
    throw new RangeError(`case file: expected ${expected} numbers for shape [${shape.join(', ')}] of ${dtype}, got ${numbers.length}`)
  return new HostTensor(dtype, shape, numbers)
}

const specials: Readonly<Record<string, number>> = { nan: NaN, inf: Infinity, '-inf': -Infinity }

/** A value of a case file as host values. */
export function decode(x: Encoded): Decoded {
  if (x === null || typeof x !== 'object') return x
  if (Array.isArray(x)) return (x as readonly Encoded[]).map(decode)
  const key = Object.keys(x)[0]
  const o = x as { readonly [key: string]: unknown }
  switch (key) {
    case '$tensor':
      return decodeTensor(o[key] as EncodedTensor)
    case '$float':
      return specials[o[key] as string]!
    case '$dtype':
      return new Word('dtype', o[key])
    case '$slice':
      return new Word('slice', o[key])
    case '$ellipsis':
      return new Word('ellipsis', true)
    case '$complex':
      return new Word('complex', o[key])
    case '$skip':
      return new Word('skip', o[key])
  }
  return Object.fromEntries(Object.entries(o).map(([k, v]) => [k, decode(v as Encoded)]))
}

/** The leaves of a decoded value, in order; `null` is a leaf. */
export function leavesOf(x: Decoded, out: Decoded[] = []): Decoded[] {
  if (x === null || typeof x !== 'object' || x instanceof HostTensor || x instanceof Word) out.push(x)
  else for (const v of Array.isArray(x) ? (x as readonly Decoded[]) : Object.values(x)) leavesOf(v as Decoded, out)
  return out
}

/** A decoded value with its leaves, in the same order, replaced. */
export function replaceLeaves(x: Decoded, next: (leaf: Decoded) => unknown): unknown {
  if (x === null || typeof x !== 'object' || x instanceof HostTensor || x instanceof Word) return next(x)
  if (Array.isArray(x)) return (x as readonly Decoded[]).map((v) => replaceLeaves(v, next))
  return Object.fromEntries(Object.entries(x).map(([k, v]) => [k, replaceLeaves(v as Decoded, next)]))
}
