import { type DType, isFloat } from '@mapgrad/kernel'
import { checkOptions, isOptions } from '../core/args.ts'
import { type Device, resolveDevice } from '../core/device.ts'
import { TensorRangeError, TensorTypeError, describe } from '../core/errors.ts'
import { type Op, defineOp } from '../core/op.ts'
import { type Scalar, checkTensor } from '../core/promote.ts'
import type { Shape } from '../core/shape.ts'
import { ArrayValue } from '../core/value.ts'
import { constant, decompose } from '../core/words.ts'
import { cast, filledLike } from '../ops/cast.ts'
import { Tensor } from '../tensor.ts'
import { type TensorData, type TensorOptions, checkDTypeName, tensor } from './tensor.ts'

/** Sizes as several numbers or one array, and options. */
export type SizeArgs<O = TensorOptions> = [...size: number[]] | [...size: number[], options: O | undefined] | [size: Shape, options?: O]

const KNOWN = ['dtype', 'device']

/** Sizes and options of a creation function. `known` are the names of its options. */
export function readSize<O extends TensorOptions>(op: string, args: readonly unknown[], known: readonly string[] = KNOWN): [size: Shape, options: O] {
  let n = args.length
  while (n > 0 && args[n - 1] === undefined) n--
  let options: Record<string, unknown> = {}
  if (n > 0 && isOptions(args[n - 1])) {
    options = args[--n] as Record<string, unknown>
    checkOptions(op, options, known)
  }
  checkDTypeName(op, options['dtype'] as DType | undefined)
  const size = n === 1 && Array.isArray(args[0]) ? (args[0] as unknown[]) : args.slice(0, n)
  return [checkSizes(op, size), options as O]
}

/** A size list, checked in PyTorch's words. */
export function checkSizes(op: string, size: readonly unknown[]): Shape {
  for (const [i, s] of size.entries()) {
    if (typeof s !== 'number' || !Number.isInteger(s)) throw new TensorTypeError(`argument 'size' must be integers, got ${describe(s)} at position ${i}. Give sizes one by one or as one array`, { op, code: 'SIZE' })
    if (s < 0) throw new TensorRangeError(`Dimension size must be non-negative, got ${describe(size)}`, { op, code: 'SIZE' })
  }
  return size as Shape
}

/** A JavaScript scalar as `dtype` stores it. */
function stored(op: string, fill: Scalar, dtype: DType): number | bigint {
  if (typeof fill !== 'number' && typeof fill !== 'boolean' && typeof fill !== 'bigint') throw new TensorTypeError(`expected a number to fill with, got ${describe(fill)}`, { op, code: 'FILL' })
  if (dtype === 'bool') return fill ? 1 : 0
  if (isFloat(dtype)) return Number(fill)
  if (!Number.isFinite(Number(fill))) throw new TensorRangeError(`value cannot be converted to type ${dtype} without overflow, got ${fill}`, { op, code: 'FILL' })
  return dtype === 'int64' ? (typeof fill === 'bigint' ? fill : BigInt(Math.trunc(Number(fill)))) : Math.trunc(Number(fill))
}

/** One number repeated; takes no memory. */
function filled(op: string, size: Shape, fill: Scalar, dtype: DType, device: Device | undefined): Tensor {
  return new Tensor(ArrayValue.filled(resolveDevice(device, op), dtype, size, stored(op, fill, dtype)))
}

/** The dtype that a fill value has by itself: booleans bool, bigints int64, numbers float32. */
const dtypeOfFill = (fill: Scalar): DType => (typeof fill === 'boolean' ? 'bool' : typeof fill === 'bigint' ? 'int64' : 'float32')

/** Zeros of a size: `zeros(2, 3)` or `zeros([2, 3])`. Takes no memory until written. */
export function zeros(...args: SizeArgs): Tensor {
  const [size, o] = readSize('zeros', args)
  return filled('zeros', size, 0, o.dtype ?? 'float32', o.device)
}
/** Ones of a size: `ones(2, 3)` or `ones([2, 3])`. Takes no memory until written. */
export function ones(...args: SizeArgs): Tensor {
  const [size, o] = readSize('ones', args)
  return filled('ones', size, 1, o.dtype ?? 'float32', o.device)
}
/** A tensor of a size whose values are of no interest; they are zeros. */
export function empty(...args: SizeArgs): Tensor {
  const [size, o] = readSize('empty', args)
  return filled('empty', size, 0, o.dtype ?? 'float32', o.device)
}
/** `fill` repeated over `size`. Numbers make float32, booleans bool, bigints int64. Takes no memory until written. */
export function full(size: Shape | number, fill: Scalar, options: TensorOptions = {}): Tensor {
  const [shape, o] = readSize<TensorOptions>('full', [typeof size === 'number' ? [size] : size, options])
  return filled('full', shape, fill, o.dtype ?? dtypeOfFill(fill), o.device)
}
/** A 0-d tensor of one number. */
export function scalarTensor(fill: Scalar, options: TensorOptions = {}): Tensor {
  const [, o] = readSize<TensorOptions>('scalarTensor', [[], options])
  return filled('scalarTensor', [], fill, o.dtype ?? 'float32', o.device)
}

interface FillParams {
  readonly shape: Shape
  readonly fill: number | bigint
  readonly dtype: DType
}

/** One number repeated, on the device and in the transforms of `like`: inside vmap, each example gets its own. */
export const newFilled: Op<[like: Tensor], FillParams, [like: Tensor, params: FillParams]> = defineOp({
  name: 'new_full',
  args: (like: Tensor, params: FillParams): readonly [[Tensor], FillParams] => [[like], params],
  result: (_, { shape, dtype }) => ({ shape, dtype }),
  compute: decompose(([like], { shape, fill, dtype }) => filledLike(like!, fill, dtype, shape)),
  batch: ([like], _, p, { size }) => [newFilled(like, { ...p, shape: [size, ...p.shape] }), 0],
  diff: constant,
})

function like(op: string, x: Tensor, shape: Shape, fill: Scalar, o: TensorOptions): Tensor {
  const dtype = o.dtype ?? x.dtype
  return onDevice(op, newFilled(x, { shape, fill: stored(op, fill, dtype), dtype }), o)
}
function onDevice(op: string, x: Tensor, { device }: TensorOptions): Tensor {
  if (device === undefined || resolveDevice(device, op) === x.value.backend) return x
  return x.to({ device })
}
function likeOptions(op: string, x: Tensor, options: TensorOptions): TensorOptions {
  checkTensor(op, x)
  return readSize<TensorOptions>(op, [[], options])[1]
}

/** Zeros of the shape and dtype of `x`. */
export const zerosLike = (x: Tensor, options: TensorOptions = {}): Tensor => like('zerosLike', x, x.shape, 0, likeOptions('zerosLike', x, options))
/** Ones of the shape and dtype of `x`. */
export const onesLike = (x: Tensor, options: TensorOptions = {}): Tensor => like('onesLike', x, x.shape, 1, likeOptions('onesLike', x, options))
/** A tensor of the shape and dtype of `x` whose values are of no interest. */
export const emptyLike = (x: Tensor, options: TensorOptions = {}): Tensor => like('emptyLike', x, x.shape, 0, likeOptions('emptyLike', x, options))
/** `fill` repeated over the shape of `x`, in its dtype. */
export const fullLike = (x: Tensor, fill: Scalar, options: TensorOptions = {}): Tensor => like('fullLike', x, x.shape, fill, likeOptions('fullLike', x, options))

/** Zeros of a size with the dtype and device of `x`; inside vmap of a batched `x`, one for each example. */
export function newZeros(x: Tensor, ...args: SizeArgs): Tensor {
  const [size, o] = readSize('newZeros', args)
  return like('newZeros', x, size, 0, o)
}
/** Ones of a size with the dtype and device of `x`; inside vmap of a batched `x`, one for each example. */
export function newOnes(x: Tensor, ...args: SizeArgs): Tensor {
  const [size, o] = readSize('newOnes', args)
  return like('newOnes', x, size, 1, o)
}
/** A tensor of a size with the dtype and device of `x`, its values of no interest. */
export function newEmpty(x: Tensor, ...args: SizeArgs): Tensor {
  const [size, o] = readSize('newEmpty', args)
  return like('newEmpty', x, size, 0, o)
}
/** `fill` repeated over `size`, with the dtype and device of `x`. */
export function newFull(x: Tensor, size: Shape | number, fill: Scalar, options: TensorOptions = {}): Tensor {
  const [shape, o] = readSize<TensorOptions>('newFull', [typeof size === 'number' ? [size] : size, options])
  return like('newFull', x, shape, fill, o)
}
/** A tensor of `data` with the dtype and device of `x`. */
export function newTensor(x: Tensor, data: TensorData, options: TensorOptions = {}): Tensor {
  const [, o] = readSize<TensorOptions>('newTensor', [[], options])
  return tensor(data, { dtype: o.dtype ?? x.dtype, device: o.device ?? x.value.backend })
}
/** `data` as a tensor: a tensor of that dtype and device is given back itself, anything else is copied. */
export function asTensor(data: TensorData, options: TensorOptions = {}): Tensor {
  const [, o] = readSize<TensorOptions>('asTensor', [[], options])
  return data instanceof Tensor ? onDevice('asTensor', o.dtype ? cast(data, o.dtype) : data, o) : tensor(data, options)
}
