import type { Scalar } from '../core/promote.ts'
import type { Tensor } from '../tensor.ts'

/** What indexing means with an index of another package, which sees all indices of the call. */
export interface Indexing<R = Tensor> {
  readonly at: (x: Tensor, index: readonly unknown[]) => R
  /** x with `values` written, or added, at the places that the indices select */
  readonly put: (x: Tensor, index: readonly unknown[], values: Tensor | Scalar, accumulate: boolean) => Tensor
}
/** An index that says itself what it means, alone or in an array. */
export interface Indexer<R = Tensor> {
  readonly '~mapgrad.index': Indexing<R>
}
/** What indexing by these gives: a Tensor, unless one of them says otherwise. */
export type Indexed<I> = [Meant<I>] extends [never] ? Tensor : Meant<I>
type Meant<I> = I extends Indexer<infer R> | readonly Indexer<infer R>[] ? R : never

/** The first index that says itself what indexing means. */
export function meaningOf(index: readonly unknown[]): Indexing<unknown> | undefined {
  for (const i of index) {
    const one: unknown = Array.isArray(i) ? i[0] : i
    if (typeof one === 'object' && one !== null && '~mapgrad.index' in one) return (one as Indexer<unknown>)['~mapgrad.index']
  }
  return undefined
}
