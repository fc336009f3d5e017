import type { DType } from '@mapgrad/kernel'
import { type Args, type End, checkEnd, readArgs } from '../core/args.ts'
import { leaf } from '../core/autograd.ts'
import { resolveDevice } from '../core/device.ts'
import { isTensor } from '../core/handle.ts'
import type { Scalar } from '../core/promote.ts'
import type { Shape } from '../core/shape.ts'
import { ArrayValue } from '../core/value.ts'
import { cast } from '../ops/cast.ts'
import { Tensor } from '../tensor.ts'
import { type TensorData, type TensorOptions, checkDTypeName } from './host.ts'
import { onDevice } from './like.ts'
import { type FullOptions, OPTIONS, type SizeArgs, readSize, sizeOf, stored } from './size.ts'
import { tensor } from './tensor.ts'

/** One number repeated; takes no memory. */
function filled(op: string, size: Shape, fill: Scalar, dtype: DType, o: TensorOptions): Tensor {
  return leaf(op, new Tensor(ArrayValue.filled(resolveDevice(o.device, op), dtype, size, stored(op, fill, dtype))), o)
}

/** The dtype that a fill value has by itself: booleans bool, bigints int64, numbers float32. */
const dtypeOfFill = (fill: Scalar): DType => (typeof fill === 'boolean' ? 'bool' : typeof fill === 'bigint' ? 'int64' : 'float32')

/** Zeros of a size: `zeros(2, 3)` or `zeros([2, 3])`. Takes no memory until written. */
export function zeros(...args: SizeArgs): Tensor {
  const [size, o] = readSize('zeros', args)
  return filled('zeros', size, 0, o.dtype ?? 'float32', o)
}
/** Ones of a size: `ones(2, 3)` or `ones([2, 3])`. Takes no memory until written. */
export function ones(...args: SizeArgs): Tensor {
  const [size, o] = readSize('ones', args)
  return filled('ones', size, 1, o.dtype ?? 'float32', o)
}
/** A tensor of a size whose values are of no interest; they are zeros. */
export function empty(...args: SizeArgs): Tensor {
  const [size, o] = readSize('empty', args)
  return filled('empty', size, 0, o.dtype ?? 'float32', o)
}
/** `fill` repeated over `size`. Numbers make float32, booleans bool, bigints int64. Takes no memory until written. */
export function full(...args: Args<[size: Shape | number, fillValue: Scalar], FullOptions>): Tensor {
  const { size, fillValue, ...o } = readArgs<FullOptions>('full', args, ['size', 'fillValue'], OPTIONS)
  checkDTypeName('full', o.dtype)
  return filled('full', sizeOf('full', size), fillValue as Scalar, o.dtype ?? dtypeOfFill(fillValue as Scalar), o)
}
/** A 0-d tensor of one number. */
export function scalarTensor(fill: Scalar, options: TensorOptions = {}, ...end: End): Tensor {
  checkEnd('scalarTensor', end)
  const [, o] = readSize<TensorOptions>('scalarTensor', [[], options])
  return filled('scalarTensor', [], fill, o.dtype ?? 'float32', o)
}

/** `data` as a tensor: a tensor of that dtype and device is given back itself, anything else is copied. */
export function asTensor(data: TensorData, options: TensorOptions = {}, ...end: End): Tensor {
  checkEnd('asTensor', end)
  const [, o] = readSize<TensorOptions>('asTensor', [[], options], ['dtype', 'device'])
  return isTensor(data) ? onDevice('asTensor', o.dtype ? cast(data, o.dtype) : data, o) : tensor(data, options)
}
