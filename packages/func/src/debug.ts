import type { Tensor } from '@mapgrad/tensor'
import { type End, TensorTypeError, Tracer, checkOptions, describe, isTensor } from '@mapgrad/tensor/plugin'

/** Options of `debugUnwrap`. */
export interface DebugUnwrapOptions {
  /** take off the wrappers of all transforms (default), or of the innermost alone */
  readonly recurse?: boolean | undefined
}

/**
 * What a tensor inside transforms is made of: under `vmap` all examples at once, of shape and axes as they lie there; under `grad`, `jvp` and the like the
 * value without its derivative. A plain tensor is itself. For looking at while debugging: what is computed from it, no transform sees.
 * @throws TensorTypeError for what is no tensor
 */
export function debugUnwrap(x: Tensor, options: DebugUnwrapOptions = {}, ...end: End): Tensor {
  checkOptions('debugUnwrap', options as Record<string, unknown>, ['recurse'], 'func', end)
  if (!isTensor(x))
    throw new TensorTypeError(`expected a tensor, got ${describe(x)}`, { package: 'func', op: 'debugUnwrap', code: 'NOT_A_TENSOR' })
  const { recurse = true } = options
  let below = x
  // what records gradients outside of transforms (level 0) wraps nothing
  while (below.value instanceof Tracer && below.value.trace.level > 0) {
    const part = below.value.parts[0]
    if (!part) break
    below = part
    if (!recurse) break
  }
  // a handle of its own: nobody writes into what transforms remember
  return below === x ? x : below.wrap(below.value)
}
