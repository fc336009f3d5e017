import type { Indexing, Tensor } from '@mapgrad/tensor'
import type { DimList } from './list.ts'
import type { IndexSpec } from './arrange.ts'
import type { AxisSpec, OrderSpec } from './order.ts'

/** A parameter that may be a Dim where it may be the number of an axis. */
type Param<T> = T extends number
  ? T | Dim
  : T extends readonly number[]
    ? T | readonly AxisSpec[] | DimList
    : T extends Tensor | ((...args: never[]) => unknown) | readonly unknown[]
      ? T
      : T extends object
        ? { [K in keyof T]: Param<T[K]> }
        : T
type Params<A extends readonly unknown[]> = { [K in keyof A]: Param<A[K]> }

type Several<R> = R extends { readonly values: Tensor; readonly indices: Tensor }
  ? readonly [values: DimTensor, indices: DimTensor] & { readonly values: DimTensor; readonly indices: DimTensor }
  : R extends { readonly min: Tensor; readonly max: Tensor }
    ? readonly [min: DimTensor, max: DimTensor] & { readonly min: DimTensor; readonly max: DimTensor }
    : R
/** A result that has dims where a tensor has none. */
type Result<R> = R extends Tensor ? DimTensor : R extends Tensor[] ? DimTensor[] : Several<R>

type Lifted<M> = M extends (...args: infer A extends readonly unknown[]) => infer R ? (...args: Params<A>) => Result<R> : M

/** What only tensors with dims have. */
export interface DimMembers {
  readonly '~mapgrad.index': Indexing<DimTensor>
  /** the Dims it has, in the order of its axes */
  readonly dims: readonly Dim[]
  /** Its dims as positional axes again: see `order`. */
  order(...dims: readonly OrderSpec[]): DimTensor
  /** Indexed along its dims: see `index`. */
  index(dims: IndexSpec | readonly IndexSpec[], indices: unknown): DimTensor
  /** Repeated along dims that it does not have. */
  expand(...dims: readonly Dim[]): DimTensor
  expand(...sizes: readonly (number | readonly number[])[]): DimTensor
  /** Cut along a dim: see `split`. */
  split(sizes: readonly Dim[] | Dim, dim?: AxisSpec): DimTensor[]
  split(sizes: number | readonly number[], dim?: number): DimTensor[]
  /** The order of its axes: the same as `order` where a Dim is given. */
  permute(...dims: readonly (OrderSpec | readonly number[])[]): DimTensor
  max(dim: Dim): readonly [values: DimTensor, indices: DimTensor] & { readonly values: DimTensor; readonly indices: DimTensor }
  max(other?: Tensor): DimTensor
  min(dim: Dim): readonly [values: DimTensor, indices: DimTensor] & { readonly values: DimTensor; readonly indices: DimTensor }
  min(other?: Tensor): DimTensor
}

/** A tensor some of whose axes are Dims. It has the methods of every tensor, which take a Dim where they take the number of an axis. */
export type DimTensor = DimMembers & { readonly [K in Exclude<keyof Tensor, keyof DimMembers | 'at'>]: Lifted<Tensor[K]> } & Tensor

/** A dimension as an object: an index that binds an axis, an axis where methods take its number, and as a value its own index, `0, 1, …`. */
export type Dim = DimTensor & {
  /** for printing and messages */
  readonly name: string
  /** Its size; it can be set once. PyTorch's name is `size`, which is a method of every tensor. */
  length: number
  /** whether it has a size */
  readonly isBound: boolean
  readonly '~mapgrad.dim': true
}
