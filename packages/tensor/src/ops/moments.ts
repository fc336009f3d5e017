import { isFloat } from '@mapgrad/kernel'
import { type Args, readArgs } from '../core/args.ts'
import { TensorTypeError } from '../core/errors.ts'
import { defineOp } from '../core/op.ts'
import { type Named, named } from '../core/outputs.ts'
import { checkTensor } from '../core/promote.ts'
import { keepDims, withoutDims } from '../core/shape.ts'
import { decompose } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { div, mul, sub } from './binary.ts'
import { cast } from './cast.ts'
import { type Dims, type Reduction, countOf, dimsOf, kept, readDims, sumDims, widened } from './reduce.ts'
import { rootFlat, square } from './unary.ts'
import { reshapeTo, unreduce } from './view.ts'

/** x minus its mean over `dims`. */
const centred = (x: Tensor, dims: readonly number[]): Tensor =>
  sub(x, reshapeTo(div(sumDims(x, dims), countOf(x.shape, dims)), keepDims(x.shape, dims)))

/** Σ (x − mean)² over `dims`, in two passes. */
export const squaresAround: Reduction = defineOp({
  name: 'sum_of_squared_deviations',
  args: readDims,
  result: ([x], { dims }) => ({ shape: withoutDims(x.shape, dims), dtype: x.dtype }),
  compute: decompose(([x], { dims }) => sumDims(square(centred(x, dims)), dims)),
  batch: 'leading',
  // the mean's own derivative drops out, since deviations sum to 0
  diff: {
    kind: 'custom',
    jvp: (_, [x], [dx], { dims }) => [dx ? mul(sumDims(mul(centred(x, dims), dx), dims), 2) : null],
    vjp: (_, [x], [ct], { dims }) => [ct ? mul(unreduce(mul(ct, 2), x.shape, dims), centred(x, dims)) : null],
  },
})

/** Arguments of `var`, `std` and kin. */
export interface VarOptions {
  readonly dim?: Dims
  /** `false` is a correction of 0 */
  readonly unbiased?: boolean
  readonly keepdim?: boolean
  /** what is subtracted from the number of elements before dividing by it; default 1 */
  readonly correction?: number | null
}
/** Arguments of `var`, `std` and kin, by position or by name. */
export type VarArgs = Args<[dim?: Dims, unbiased?: boolean, keepdim?: boolean], VarOptions> | [unbiased: boolean]

interface Moments {
  readonly variance: Tensor
  readonly mean: () => Tensor
  readonly shaped: (y: Tensor) => Tensor
}

function moments(op: string, x: Tensor, args: VarArgs): Moments {
  checkTensor(op, x)
  if (!isFloat(x.dtype))
    throw new TensorTypeError(`std and var only support floating point and complex dtypes, got ${x.dtype}. Convert with x.float()`, {
      op,
      code: 'DTYPE',
    })
  const { dim, unbiased, keepdim, correction } =
    typeof args[0] === 'boolean'
      ? readArgs<VarOptions>(op, args, ['unbiased'])
      : readArgs<VarOptions>(op, args, ['dim', 'unbiased', 'keepdim'], ['correction'])
  const dims = dimsOf(op, x, dim)
  const n = countOf(x.shape, dims)
  const y = widened(x)
  const less = correction ?? (unbiased === false ? 0 : 1)
  const shaped = (t: Tensor): Tensor => kept(cast(t, x.dtype), keepdim, x.shape, dims)
  return { variance: div(squaresAround(y, dims), Math.max(0, n - less)), mean: () => shaped(div(sumDims(y, dims), n)), shaped }
}

/** The variance over axes: Σ (x − mean)² / (n − correction). */
function variance(x: Tensor, ...args: VarArgs): Tensor {
  const { variance: v, shaped } = moments('var', x, args)
  return shaped(v)
}
export { variance as var }
/** The standard deviation over axes, √var; derivative 0 where it is 0. */
export function std(x: Tensor, ...args: VarArgs): Tensor {
  const { variance: v, shaped } = moments('std', x, args)
  return shaped(rootFlat(v))
}
/** The variance and the mean over axes. */
export function varMean(x: Tensor, ...args: VarArgs): Named<readonly ['var', 'mean']> {
  const { variance: v, shaped, mean } = moments('varMean', x, args)
  return named(['var', 'mean'], [shaped(v), mean()])
}
/** The standard deviation and the mean over axes. */
export function stdMean(x: Tensor, ...args: VarArgs): Named<readonly ['std', 'mean']> {
  const { variance: v, shaped, mean } = moments('stdMean', x, args)
  return named(['std', 'mean'], [shaped(rootFlat(v)), mean()])
}
