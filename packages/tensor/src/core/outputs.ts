import type { Tensor } from '../tensor.ts'

/** Several outputs: an array in PyTorch's order that has PyTorch's field names as properties too. */
export type Named<K extends readonly string[]> = { readonly [I in keyof K]: Tensor } & { readonly [N in K[number]]: Tensor }

/** Outputs by position and by name: `const [values, indices] = y`, `y.values`. */
export function named<const K extends readonly string[]>(names: K, outputs: readonly Tensor[]): Named<K> {
  const out = [...outputs] as unknown as Record<string, Tensor>
  names.forEach((name, i) => {
    // not enumerable, so that trees and printing see a plain array
    Object.defineProperty(out, name, { value: outputs[i] })
  })
  return out as unknown as Named<K>
}

/** What `max(x, dim)` and its kin give. */
export type ValuesIndices = Named<readonly ['values', 'indices']>
