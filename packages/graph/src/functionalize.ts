import { type End, checkOptions, describe, isTensor, refusePromise, treeFlatten } from '@mapgrad/tensor/plugin'
import { fault } from './faults.ts'

/** Options of `functionalize`. */
export interface FunctionalizeOptions {
  /** `'mutations'` (default): in-place operations become pure ones; `'mutations_and_views'`: and no result is a view of an argument or of another result */
  readonly remove?: 'mutations' | 'mutations_and_views' | undefined
}

/**
 * `f` without mutation: the same results, and arguments that it changes in place are changed all the same, at the end. In-place
 * operations are pure underneath here (they give a handle another value, and views their part of it), so that a graph of
 * `f` holds none of them even without `functionalize`, and its views are ops that give other values: nothing in it can alias. With
 * views removed, results stand alone: writing to one shows in no argument and no other result. Twice is the same as once.
 * @throws TensorTypeError for another `remove`
 */
export function functionalize<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  options: FunctionalizeOptions = {},
  ...end: End
): (...args: A) => R {
  if (typeof f !== 'function') throw fault('functionalize', `expected a function, got ${describe(f)}`, 'NOT_A_FUNCTION')
  checkOptions('functionalize', options as Record<string, unknown>, ['remove'], 'graph', end)
  const { remove = 'mutations' } = options
  if (remove !== 'mutations' && remove !== 'mutations_and_views')
    throw fault(
      'functionalize',
      `functionalize(f, { remove: 'mutations' }): received invalid argument for remove=${String(remove)}. Valid options are:\n     remove: 'mutations': all inplace and out= operators will be removed from the program, and replaced with their out-of-place equivalents.\n     remove: 'mutations_and_views': In addition to the above, all aliasing operators {view} will be replaced with their non-aliasing counterparts, {view}_copy.`,
      'REMOVE',
    )
  const pure = (...args: A): R => {
    const out = refusePromise('functionalize', 'graph', f(...args))
    if (remove === 'mutations') return out
    const [leaves, spec] = treeFlatten(out)
    return spec.unflatten(leaves.map((y) => (isTensor(y) ? y.wrap(y.value) : y))) as R
  }
  return Object.defineProperty(pure, 'name', { value: f.name, configurable: true })
}
