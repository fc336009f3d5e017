import { type DType, dtypes } from '@mapgrad/kernel'
import { type Args, isOptions, readArgs } from '../core/args.ts'
import { type Device, resolveDevice } from '../core/device.ts'
import { TensorTypeError } from '../core/errors.ts'
import { isTensor } from '../core/handle.ts'
import type { Tensor } from '../tensor.ts'
import { checkDTypeName } from '../create/host.ts'
import { cast } from './cast.ts'
import { moveTo } from './device.ts'
import { clone } from './view.ts'

/** What `x.to` takes beside a dtype and a device. */
interface ToFlags {
  /** kept for PyTorch's sake: what is read waits by itself */
  readonly nonBlocking?: boolean
  /** a new handle also where nothing changes */
  readonly copy?: boolean
}
interface ToOptions extends ToFlags {
  readonly dtype?: DType
  readonly device?: Device
}
type Flags = [nonBlocking?: boolean, copy?: boolean]
/** What `x.to` takes. */
export type To =
  | Args<[dtype: DType, ...Flags], ToOptions>
  | Args<[device: Device, dtype?: DType, ...Flags], ToOptions>
  | Args<[other: Tensor, ...Flags], ToFlags>
  | [options: ToOptions]

const FLAGS = ['nonBlocking', 'copy'] as const

/** `x` as what `x.to(...)` asks for; the conversion is done where there is less to move. */
export function convert(x: Tensor, args: To): Tensor {
  const [first, ...rest] = args as readonly unknown[]
  let o: ToOptions
  if (isTensor(first)) o = { ...readArgs<ToFlags>('to', rest, FLAGS), dtype: first.dtype, device: first.value.backend }
  else if (typeof first === 'string' && Object.hasOwn(dtypes, first)) o = readArgs<ToOptions>('to', args, ['dtype', ...FLAGS], ['device'])
  else if (first === undefined)
    throw new TensorTypeError('expected a dtype, a device, a Tensor or options, got nothing', { op: 'to', code: 'ARGUMENT' })
  // a device may be a plain object, too
  else if (isOptions(first) && !('alloc' in first)) o = readArgs<ToOptions>('to', args, [], ['dtype', 'device', ...FLAGS])
  else o = { ...readArgs<ToOptions>('to', rest, ['dtype', ...FLAGS]), device: first as Device }
  const { dtype, device } = o
  checkDTypeName('to', dtype)
  const target = device === undefined ? x.value.backend : resolveDevice(device, 'to')
  const early = dtype !== undefined && dtypes[dtype].bytes <= dtypes[x.dtype].bytes
  const y = early ? cast(x, dtype!) : x
  const moved = moveTo(y, target)
  const out = dtype === undefined || early ? moved : cast(moved, dtype)
  return o.copy && out === x ? clone(x) : out
}
