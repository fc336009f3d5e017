import { type DType, dtypes } from '@mapgrad/kernel'
import { checkEnd, checkOptions, isOptions, readArgs } from '../core/args.ts'
import { type Device, resolveDevice } from '../core/device.ts'
import { TensorTypeError } from '../core/errors.ts'
import { isTensor } from '../core/handle.ts'
import type { Tensor } from '../tensor.ts'
import { checkDTypeName } from '../create/host.ts'
import { cast } from './cast.ts'
import { moveTo } from './device.ts'

/** What `x.to` takes. */
export type To =
  | [dtype: DType]
  | [device: Device]
  | [device: Device, dtype: DType]
  | [device: Device, options: { readonly dtype?: DType }]
  | [other: Tensor]
  | [options: { readonly dtype?: DType; readonly device?: Device }]

/** `x` as what `x.to(...)` asks for; the conversion is done where there is less to move. */
export function convert(x: Tensor, args: To): Tensor {
  const [first, ...rest] = args as readonly unknown[]
  let dtype: DType | undefined
  let device: Device | undefined
  if (isTensor(first)) {
    dtype = first.dtype
    device = first.value.backend
    checkEnd('to', rest)
  } else if (isOptions(first) && !('alloc' in first)) {
    checkOptions('to', first, ['dtype', 'device'])
    dtype = first['dtype'] as DType | undefined
    device = first['device'] as Device | undefined
    checkEnd('to', rest)
  } else if (typeof first === 'string' && Object.hasOwn(dtypes, first)) {
    dtype = first as DType
    checkEnd('to', rest)
  } else if (first === undefined)
    throw new TensorTypeError('expected a dtype, a device, a Tensor or options, got nothing', { op: 'to', code: 'ARGUMENT' })
  else {
    device = first as Device
    dtype = readArgs<{ readonly dtype?: DType }>('to', rest, ['dtype']).dtype
  }
  checkDTypeName('to', dtype)
  const target = device === undefined ? x.value.backend : resolveDevice(device, 'to')
  const early = dtype !== undefined && dtypes[dtype].bytes <= dtypes[x.dtype].bytes
  const y = early ? cast(x, dtype!) : x
  const moved = moveTo(y, target)
  return dtype === undefined || early ? moved : cast(moved, dtype)
}
