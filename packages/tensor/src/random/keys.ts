import { type End, checkEnd, checkOptions } from '../core/args.ts'
import type { Device } from '../core/device.ts'
import { TensorRangeError, describe } from '../core/errors.ts'
import { isTensor } from '../core/handle.ts'
import { checkTensor } from '../core/promote.ts'
import type { Value } from '../core/value.ts'
import { fromHost } from '../create/tensor.ts'
import { cast, filledLike } from '../ops/cast.ts'
import { reshapeTo } from '../ops/view.ts'
import { Tensor } from '../tensor.ts'
import { foldKeys, splitKeys } from './draw.ts'
import type { Backend } from '../core/backend.ts'
import { type Generator, checkKey, checkSeed, keyWords, wordsOf } from './generator.ts'

/**
 * The key of a stream of random numbers that depends on nothing but the key: an int32 tensor `[…, 4]`, seed and offset.
 * Split it for independent streams; draw with `rand(shape, { key })`. Being data, it can be mapped over by vmap.
 */
export type Key = { readonly '~mapgrad.key': true; [Symbol.iterator](): IterableIterator<Key> } & Tensor

let made: (new (value: Value) => Tensor) | undefined

/** The class of keys; made at first use, since `Tensor` may not exist yet when this module is loaded. */
function asKey({ value }: Tensor): Key {
  made ??= class extends Tensor {
    readonly '~mapgrad.key' = true
    // rows and examples of keys are keys
    override wrap(v: Value): Tensor {
      return v.dtype === 'int32' && v.shape.at(-1) === 4 ? new made!(v) : new Tensor(v)
    }
  }
  return new made(value) as Key
}

/** Whether a tensor came from `key`. */
export const isKey = (x: unknown): x is Key => isTensor(x) && '~mapgrad.key' in x

/** The key of a seed. */
export function key(seed: number | bigint, options: { readonly device?: Device } = {}, ...end: End): Key {
  checkOptions('key', options as Record<string, unknown>, ['device'], 'tensor', end)
  return asKey(fromHost([...wordsOf(checkSeed('key', seed)), 0, 0], [4], 'int32', options.device, 'key'))
}

/** `n` independent keys from a key, `[…, 4] → […, n, 4]`; the key itself should not be used any more. */
export function splitKey(k: Tensor, n = 2): Key {
  checkKey('split', k)
  if (!Number.isInteger(n) || n < 0)
    throw new TensorRangeError(`expected a whole number of keys, got ${describe(n)}`, { op: 'split', code: 'SIZE' })
  return asKey(splitKeys(k, n))
}

/** The key for item `data` (a whole number, or an int32 tensor, one number a key) of what `k` is the key of. */
export function foldIn(k: Tensor, data: number | Tensor, ...end: End): Key {
  checkEnd('foldIn', end)
  checkKey('foldIn', k)
  if (typeof data === 'number') {
    if (!Number.isInteger(data))
      throw new TensorRangeError(`expected a whole number to fold in, got ${data}`, { op: 'foldIn', code: 'FOLD_IN' })
    return asKey(foldKeys(k, filledLike(k, data | 0, 'int32', [1])))
  }
  checkTensor('foldIn', data)
  return asKey(foldKeys(k, reshapeTo(cast(data, 'int32'), [...data.shape, 1])))
}

/** The key of the next draw of `generator`, the default one if absent, as graphs that draw take it anew each time. */
export function nextKey(generator: Generator | undefined, backend: Backend): Tensor {
  return new Tensor(keyWords(generator, backend))
}
