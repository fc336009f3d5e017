import type { DType, Tensor } from '@mapgrad/tensor'

/** An operand to be drawn: its shape, kind and range. Floats are distinct, so that maxima and orders are unique. */
export interface Spec {
  readonly kind: 'float' | 'int' | 'bool'
  readonly shape: readonly number[]
  readonly low: number
  readonly high: number
  /** ints without repetition along the last axis, as scatters without ties need them */
  readonly distinct?: boolean
  /** keeps this dtype whatever dtype the sample is run in */
  readonly fixed?: DType
}

const spec =
  (kind: Spec['kind'], low: number, high: number) =>
  (...shape: number[]): Spec => ({ kind, shape, low, high })

/** Floats of both signs. */
export const float: (...shape: number[]) => Spec = /* @__PURE__ */ spec('float', -2, 2)
/** Floats well above zero. */
export const positive: (...shape: number[]) => Spec = /* @__PURE__ */ spec('float', 0.3, 2.5)
/** Floats inside (−1, 1). */
export const unit: (...shape: number[]) => Spec = /* @__PURE__ */ spec('float', -0.9, 0.9)
/** Floats above one. */
export const aboveOne: (...shape: number[]) => Spec = /* @__PURE__ */ spec('float', 1.2, 3)
/** An operand of random bools. */
export const bool: (...shape: number[]) => Spec = /* @__PURE__ */ spec('bool', 0, 2)
/** Small whole numbers other than zero. */
export const int: (...shape: number[]) => Spec = /* @__PURE__ */ spec('int', 1, 8)
/** Positions in an axis of `size`. */
export const index = (size: number, ...shape: number[]): Spec => ({ kind: 'int', shape, low: 0, high: size, fixed: 'int32' })
/** Positions in an axis of `size`, no two alike along the last axis. */
export const distinctIndex = (size: number, ...shape: number[]): Spec => ({ ...index(size, ...shape), distinct: true })
/** An operand of given numbers. */
export const fixed = (s: Spec, dtype: DType): Spec => ({ ...s, fixed: dtype })

/** An op at work: what it is called with, and the function of its tensor operands. Adding an op adds one of these. */
export interface OpSample {
  /** the public name, as in `linalg.det` */
  readonly op: string
  /** what distinguishes this sample from others of the op */
  readonly note?: string
  readonly f: (...xs: Tensor[]) => Tensor | readonly Tensor[]
  /** operands for a leading size of `n`: every property runs at the default size, one at the sizes of `sizes` */
  readonly xs: (n: number) => readonly Spec[]
  /** leading sizes that the op takes beside the default; default 0 and 1 */
  readonly sizes?: readonly number[]
  /** whether float operands have derivatives to check; default true. Ops that are constant have, namely zero */
  readonly differentiable?: boolean
  /** dtypes of the operands beside float32 that it takes; default every dtype the backend has, where refusal by a named error counts as an answer */
  readonly dtypes?: readonly DType[]
  /** why numbers near the ends of the dtype may give another result on each backend */
  readonly noExtremes?: string
  /** the shape of the result does not come from shapes alone, or it is random: no batching property */
  readonly unbatched?: string
}

/** The default leading size. */
export const SIZE = 3
