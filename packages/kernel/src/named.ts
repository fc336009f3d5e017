import type { View } from './loop.ts'

/** A view with its shape: what named kernels take. */
export interface ArrayView<S> extends View<S> {
  readonly shape: readonly number[]
}

/**
 * A kernel that is not a loop. It fills `outs`, which are fresh and contiguous, from `inputs`, which may be strided,
 * broadcast (stride 0) or transposed. It never computes shapes, never sees a tracer.
 * It gives `false` when an index was out of range, so that the caller can name the op; anything else is success.
 */
export type NamedKernel<S> = (inputs: readonly ArrayView<S>[], params: never, outs: readonly ArrayView<S>[]) => boolean | void

/** What a scan or a scatter combines with. */
export type CombineOp = 'sum' | 'prod' | 'max' | 'min'

/** Parameters of the named kernels, by name. */
export interface KernelParams {
  /** `[…, m, k] × […, k, n] → […, m, n]`; both batches already have the output's batch shape (strides 0 where repeated) */
  matmul: Record<string, never>
  /** stable, along the last axis, NaN last (first when descending): `x → values, indices` (int32) */
  sort: { readonly descending: boolean }
  /** inclusive, along the last axis; `sum` and `prod`: `x → y`; `max` and `min`: `x → values, indices` (int32, the latest of ties; NaN wins and stays) */
  scan: { readonly op: CombineOp; readonly reverse: boolean }
  /** `(x, index, src) → y`: y starts as x, then along the negative axis `dim`, for each point p of index: y[p with p[dim] = index[p]] ⟵ src[p], in row-major order of p. `set` overwrites */
  scatter: { readonly dim: number; readonly op: CombineOp | 'set' }
}

/** Names of the kernels that backends write by hand. */
export type KernelName = keyof KernelParams
