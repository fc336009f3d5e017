import type { ValuesIndices, Named } from '../core/outputs.ts'
import * as extreme from '../ops/extreme.ts'
import * as reduce from '../ops/reduce.ts'
import * as soft from '../ops/softmax.ts'
import type { Tensor } from '../tensor.ts'
import { PointwiseMethods } from './pointwise.ts'
import type { Args } from '../core/args.ts'

/** Reductions, scans, sorting and the softmax family as methods; each is the function of the same name with the tensor first. */
export abstract class ReduceMethods extends PointwiseMethods {
  sum(this: Tensor, ...args: reduce.ReduceAsArgs): Tensor { return reduce.sum(this, ...args) }
  nansum(this: Tensor, ...args: reduce.ReduceAsArgs): Tensor { return reduce.nansum(this, ...args) }
  mean(this: Tensor, ...args: reduce.ReduceAsArgs): Tensor { return reduce.mean(this, ...args) }
  nanmean(this: Tensor, ...args: reduce.ReduceAsArgs): Tensor { return reduce.nanmean(this, ...args) }
  prod(this: Tensor, ...args: reduce.ReduceAsArgs): Tensor { return reduce.prod(this, ...args) }
  any(this: Tensor, ...args: reduce.ReduceArgs): Tensor { return reduce.any(this, ...args) }
  all(this: Tensor, ...args: reduce.ReduceArgs): Tensor { return reduce.all(this, ...args) }
  countNonzero(this: Tensor, ...args: Args<[dim?: reduce.Dims], reduce.CountNonzeroOptions>): Tensor { return reduce.countNonzero(this, ...args) }
  amax(this: Tensor, ...args: reduce.ReduceArgs): Tensor { return extreme.amax(this, ...args) }
  amin(this: Tensor, ...args: reduce.ReduceArgs): Tensor { return extreme.amin(this, ...args) }
  aminmax(this: Tensor, options?: extreme.AminmaxOptions): Named<readonly ['min', 'max']> { return extreme.aminmax(this, options) }
  argmax(this: Tensor, ...args: extreme.OneDimArgs): Tensor { return extreme.argmax(this, ...args) }
  argmin(this: Tensor, ...args: extreme.OneDimArgs): Tensor { return extreme.argmin(this, ...args) }
  max(this: Tensor): Tensor
  max(this: Tensor, other: Tensor): Tensor
  max(this: Tensor, ...args: extreme.AlongArgs): ValuesIndices
  max(this: Tensor, ...args: readonly unknown[]): Tensor | ValuesIndices { return extreme.max(this, ...(args as extreme.AlongArgs)) }
  min(this: Tensor): Tensor
  min(this: Tensor, other: Tensor): Tensor
  min(this: Tensor, ...args: extreme.AlongArgs): ValuesIndices
  min(this: Tensor, ...args: readonly unknown[]): Tensor | ValuesIndices { return extreme.min(this, ...(args as extreme.AlongArgs)) }
  softmax(this: Tensor, ...args: soft.SoftmaxArgs): Tensor { return soft.softmax(this, ...args) }
  logSoftmax(this: Tensor, ...args: soft.SoftmaxArgs): Tensor { return soft.logSoftmax(this, ...args) }
  logsumexp(this: Tensor, ...args: reduce.ReduceArgs): Tensor { return soft.logsumexp(this, ...args) }
}
