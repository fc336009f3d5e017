import { type Args, type End, checkEnd, readArgs } from '../core/args.ts'
import { leaf } from '../core/autograd.ts'
import type { DType } from '@mapgrad/kernel'
import { resolveDevice } from '../core/device.ts'
import { isTensor } from '../core/handle.ts'
import { type Op, defineOp } from '../core/op.ts'
import { type Scalar, checkTensor } from '../core/promote.ts'
import type { Shape } from '../core/shape.ts'
import { constant, decompose } from '../core/words.ts'
import { cast, filledLike } from '../ops/cast.ts'
import { stopGradient } from '../ops/unary.ts'
import { apart } from '../ops/view.ts'
import type { Tensor } from '../tensor.ts'
import { type TensorData, type TensorOptions, checkDTypeName, parseData } from './host.ts'
import { type FullOptions, OPTIONS, type SizeArgs, readSize, sizeOf, stored } from './size.ts'

// Tensors made like another one: results are made by its class, so `Tensor` can have these as methods.

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
  checkTensor(op, x)
  const dtype = o.dtype ?? x.dtype
  return leaf(op, onDevice(op, newFilled(x, { shape, fill: stored(op, fill, dtype), dtype }), o), o)
}
export function onDevice(op: string, x: Tensor, { device }: TensorOptions): Tensor {
  if (device === undefined || resolveDevice(device, op) === x.value.backend) return x
  return x.to({ device })
}
type LikeArgs = [options?: TensorOptions]
function same(op: string, x: Tensor, fill: Scalar, args: LikeArgs): Tensor {
  checkTensor(op, x)
  const o = readArgs<TensorOptions>(op, args, [], OPTIONS)
  checkDTypeName(op, o.dtype)
  return like(op, x, x.shape, fill, o)
}

/** Zeros of the shape and dtype of `x`. */
export const zerosLike = (x: Tensor, ...args: LikeArgs): Tensor => same('zerosLike', x, 0, args)
/** Ones of the shape and dtype of `x`. */
export const onesLike = (x: Tensor, ...args: LikeArgs): Tensor => same('onesLike', x, 1, args)
/** A tensor of the shape and dtype of `x` whose values are of no interest. */
export const emptyLike = (x: Tensor, ...args: LikeArgs): Tensor => same('emptyLike', x, 0, args)
/** `fill` repeated over the shape of `x`, in its dtype. */
export function fullLike(x: Tensor, ...args: Args<[fillValue: Scalar], Omit<FullOptions, 'size'>>): Tensor {
  checkTensor('fullLike', x)
  const { fillValue, ...o } = readArgs<Omit<FullOptions, 'size'>>('fullLike', args, ['fillValue'], OPTIONS)
  checkDTypeName('fullLike', o.dtype)
  return like('fullLike', x, x.shape, fillValue as Scalar, o)
}

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
export function newFull(x: Tensor, ...args: Args<[size: Shape | number, fillValue: Scalar], FullOptions>): Tensor {
  const { size, fillValue, ...o } = readArgs<FullOptions>('newFull', args, ['size', 'fillValue'], OPTIONS)
  checkDTypeName('newFull', o.dtype)
  return like('newFull', x, sizeOf('newFull', size), fillValue as Scalar, o)
}
/** A tensor of `data` with the dtype and device of `x`. */
export function newTensor(x: Tensor, data: TensorData, options: TensorOptions = {}, ...end: End): Tensor {
  checkEnd('newTensor', end)
  checkTensor('newTensor', x)
  const [, o] = readSize<TensorOptions>('newTensor', [[], options])
  if (isTensor(data))
    return leaf(
      'newTensor',
      onDevice('newTensor', cast(apart(stopGradient(data)), o.dtype ?? x.dtype), { device: o.device ?? x.value.backend }),
      o,
    )
  return leaf('newTensor', x.wrap(parseData(data, o.dtype ?? x.dtype, resolveDevice(o.device ?? x.value.backend, 'newTensor'))), o)
}
