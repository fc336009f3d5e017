import { type DType, expr as e, isFloat } from '@mapgrad/kernel'
import { type Op, defineOp } from '../core/op.ts'
import { withoutDims } from '../core/shape.ts'
import { linear, reduction } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { unreduce } from './view.ts'

type X = [x: Tensor]
interface Dims {
  readonly dims: readonly number[]
}

/** The dtype that sums of `dtype` have: integers below int32 and bools are summed as int32, the default integer. */
export const sumType = (dtype: DType): DType => (isFloat(dtype) || dtype === 'int64' ? dtype : 'int32')

/** The sum over the (negative, ascending) axes `dims`, which disappear. */
export const sumDims: Op<X, Dims, [x: Tensor, dims: readonly number[]]> = defineOp({
  name: 'sum',
  args: (x: Tensor, dims: readonly number[]): readonly [X, Dims] => [[x], { dims }],
  result: ([x], { dims }) => ({ shape: withoutDims(x.shape, dims), dtype: sumType(x.dtype) }),
  compute: reduction('sum', (x) => e.cast(x!, sumType(x!.dtype))),
  batch: 'leading',
  diff: linear((ct, [x], { dims }) => unreduce(ct, x.shape, dims)),
})
