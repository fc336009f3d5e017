import type { DType } from '@mapgrad/kernel'
import { type End, checkOptions } from '../core/args.ts'
import { leaf } from '../core/autograd.ts'
import { type Device, resolveDevice } from '../core/device.ts'
import { isTensor } from '../core/handle.ts'
import { cast } from '../ops/cast.ts'
import { stopGradient } from '../ops/unary.ts'
import { apart } from '../ops/view.ts'
import { Tensor } from '../tensor.ts'
import { type TensorData, type TensorOptions, checkDTypeName, hostArray, parseData } from './host.ts'

/** Host numbers as a tensor. */
export function fromHost(
  data: ArrayLike<number> | ArrayLike<bigint>,
  shape: readonly number[],
  dtype: DType,
  device?: Device | null,
  op = 'tensor',
): Tensor {
  return new Tensor(hostArray(data, shape, dtype, resolveDevice(device, op)))
}

/**
 * A tensor of `data`. JavaScript numbers make float32, booleans bool, bigints int64, typed arrays their own dtype;
 * `dtype` asks for another one. Data are copied. `requiresGrad` makes it a leaf that `backward` gives a `grad`.
 * @throws TensorRangeError for ragged nested arrays, TensorTypeError for data that are no numbers
 */
export function tensor(data: TensorData, opts: TensorOptions = {}, ...end: End): Tensor {
  checkOptions('tensor', opts as Record<string, unknown>, ['dtype', 'device', 'requiresGrad'], 'tensor', end)
  checkDTypeName('tensor', opts.dtype)
  if (isTensor(data)) {
    const x = apart(stopGradient(data))
    return leaf('tensor', opts.dtype ? cast(x, opts.dtype) : x, opts)
  }
  return leaf('tensor', new Tensor(parseData(data, opts.dtype, resolveDevice(opts.device, 'tensor'))), opts)
}
