import { readArgs } from '../core/args.ts'
import { split as splitTensor } from '../ops/split.ts'
import type { Tensor } from '../tensor.ts'
import { type Key, isKey, splitKey } from './keys.ts'

type SplitArgs = Parameters<typeof splitTensor> extends [Tensor, ...infer R] ? R : never

/** `n` (default 2) independent keys from a key, `[…, 4] → […, n, 4]`; iterate over them, or vmap. The key itself should not be used any more. */
export function split(key: Key, n?: number): Key
/** Parts of an axis of `splitSize` elements each (the last may be smaller), or of the listed sizes. Views. */
export function split(x: Tensor, ...args: SplitArgs): Tensor[]
export function split(x: Tensor, ...args: readonly unknown[]): Key | Tensor[] {
  return isKey(x) ? splitKey(x, readArgs<{ n?: number }>('split', args, ['n']).n) : splitTensor(x, ...(args as SplitArgs))
}
