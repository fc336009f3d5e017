import type { Backend } from '../core/backend.ts'
import { type Op, defineOp } from '../core/op.ts'
import { encode, readSync } from '../core/read.ts'
import { contiguousStrides } from '../core/shape.ts'
import { ArrayValue } from '../core/value.ts'
import { decompose, linear, sameAval } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'

interface DeviceParams {
  readonly backend: Backend
}

function copyTo(x: ArrayValue, backend: Backend): ArrayValue {
  if (!x.buffer) return ArrayValue.filled(backend, x.dtype, x.shape, x.fill)
  const storage = backend.upload(encode(x.dtype, readSync(x, 'to(device)') as ArrayLike<number>))
  return new ArrayValue(backend, x.dtype, x.shape, contiguousStrides(x.shape), 0, { storage, backend, users: 0 })
}

export const copied: Op<[x: Tensor], DeviceParams, [x: Tensor, backend: Backend]> = defineOp({
  name: 'to_device',
  args: (x: Tensor, backend: Backend): readonly [[Tensor], DeviceParams] => [[x], { backend }],
  result: sameAval,
  compute: decompose(([x], { backend }) => x!.wrap(copyTo(x!.value.concrete('to(device)'), backend))),
  batch: ([x], [dim], { backend }) => [copied(x, backend), dim],
  diff: linear((ct, [x]) => moveTo(ct, x.value.backend)),
})

/** `x` on another device; `x` itself where it is there. Devices that cannot read synchronously refuse, and name `data()`. */
export const moveTo = (x: Tensor, backend: Backend): Tensor => (x.value.backend === backend ? x : copied(x, backend))
