import type { Args, End } from '../core/args.ts'
import type { Named, ValuesIndices } from '../core/outputs.ts'
import * as extreme from '../ops/extreme.ts'
import * as moments from '../ops/moments.ts'
import * as norms from '../ops/norm.ts'
import * as reduce from '../ops/reduce.ts'
import * as scan from '../ops/scan.ts'
import * as sorting from '../ops/sort.ts'
import * as soft from '../ops/softmax.ts'
import type { Tensor } from '../tensor.ts'
import { PointwiseMethods } from './pointwise.ts'

type Tail<F> = F extends (x: Tensor, ...rest: infer R) => unknown ? R : never
type Tail2<F> = F extends (x: Tensor, y: Tensor, ...rest: infer R) => unknown ? R : never

/** Reductions, scans, sorting and the softmax family as methods; each is the function of the same name with the tensor first. */
export abstract class ReduceMethods extends PointwiseMethods {
  sum(this: Tensor, ...args: reduce.ReduceAsArgs): Tensor {
    return reduce.sum(this, ...args)
  }
  nansum(this: Tensor, ...args: reduce.ReduceAsArgs): Tensor {
    return reduce.nansum(this, ...args)
  }
  mean(this: Tensor, ...args: reduce.ReduceAsArgs): Tensor {
    return reduce.mean(this, ...args)
  }
  nanmean(this: Tensor, ...args: reduce.ReduceAsArgs): Tensor {
    return reduce.nanmean(this, ...args)
  }
  prod(this: Tensor, ...args: reduce.ReduceAsArgs): Tensor {
    return reduce.prod(this, ...args)
  }
  any(this: Tensor, ...args: reduce.ReduceArgs): Tensor {
    return reduce.any(this, ...args)
  }
  all(this: Tensor, ...args: reduce.ReduceArgs): Tensor {
    return reduce.all(this, ...args)
  }
  countNonzero(this: Tensor, ...args: Args<[dim?: reduce.Dims], reduce.CountNonzeroOptions>): Tensor {
    return reduce.countNonzero(this, ...args)
  }
  amax(this: Tensor, ...args: reduce.ReduceArgs): Tensor {
    return extreme.amax(this, ...args)
  }
  amin(this: Tensor, ...args: reduce.ReduceArgs): Tensor {
    return extreme.amin(this, ...args)
  }
  aminmax(this: Tensor, options?: extreme.AminmaxOptions, ...end: End): Named<readonly ['min', 'max']> {
    return extreme.aminmax(this, options, ...end)
  }
  argmax(this: Tensor, ...args: extreme.OneDimArgs): Tensor {
    return extreme.argmax(this, ...args)
  }
  argmin(this: Tensor, ...args: extreme.OneDimArgs): Tensor {
    return extreme.argmin(this, ...args)
  }
  max(this: Tensor): Tensor
  max(this: Tensor, other: Tensor): Tensor
  max(this: Tensor, ...args: extreme.AlongArgs): ValuesIndices
  max(this: Tensor, ...args: readonly unknown[]): Tensor | ValuesIndices {
    return extreme.max(this, ...(args as extreme.AlongArgs))
  }
  min(this: Tensor): Tensor
  min(this: Tensor, other: Tensor): Tensor
  min(this: Tensor, ...args: extreme.AlongArgs): ValuesIndices
  min(this: Tensor, ...args: readonly unknown[]): Tensor | ValuesIndices {
    return extreme.min(this, ...(args as extreme.AlongArgs))
  }
  var(this: Tensor, ...args: moments.VarArgs): Tensor {
    return moments.var(this, ...args)
  }
  std(this: Tensor, ...args: moments.VarArgs): Tensor {
    return moments.std(this, ...args)
  }
  norm(this: Tensor, ...args: norms.NormArgs): Tensor {
    return norms.norm(this, ...args)
  }
  dist(this: Tensor, y: Tensor, ...args: Tail2<typeof norms.dist>): Tensor {
    return norms.dist(this, y, ...args)
  }
  cumsum(this: Tensor, ...args: scan.ScanArgs): Tensor {
    return scan.cumsum(this, ...args)
  }
  cumprod(this: Tensor, ...args: scan.ScanArgs): Tensor {
    return scan.cumprod(this, ...args)
  }
  logcumsumexp(this: Tensor, ...args: Tail<typeof scan.logcumsumexp>): Tensor {
    return scan.logcumsumexp(this, ...args)
  }
  cummax(this: Tensor, ...args: Tail<typeof scan.cummax>): ValuesIndices {
    return scan.cummax(this, ...args)
  }
  cummin(this: Tensor, ...args: Tail<typeof scan.cummin>): ValuesIndices {
    return scan.cummin(this, ...args)
  }
  sort(this: Tensor, ...args: sorting.SortArgs): ValuesIndices {
    return sorting.sort(this, ...args)
  }
  argsort(this: Tensor, ...args: sorting.SortArgs): Tensor {
    return sorting.argsort(this, ...args)
  }
  msort(this: Tensor, ...end: End): Tensor {
    return sorting.msort(this, ...end)
  }
  topk(this: Tensor, ...args: Tail<typeof sorting.topk>): ValuesIndices {
    return sorting.topk(this, ...args)
  }
  kthvalue(this: Tensor, ...args: Tail<typeof sorting.kthvalue>): ValuesIndices {
    return sorting.kthvalue(this, ...args)
  }
  mode(this: Tensor, ...args: Tail<typeof sorting.mode>): ValuesIndices {
    return sorting.mode(this, ...args)
  }
  median(this: Tensor): Tensor
  median(this: Tensor, ...args: sorting.ChooseArgs): ValuesIndices
  median(this: Tensor, ...args: readonly unknown[]): Tensor | ValuesIndices {
    return sorting.median(this, ...(args as sorting.ChooseArgs))
  }
  nanmedian(this: Tensor): Tensor
  nanmedian(this: Tensor, ...args: sorting.ChooseArgs): ValuesIndices
  nanmedian(this: Tensor, ...args: readonly unknown[]): Tensor | ValuesIndices {
    return sorting.nanmedian(this, ...(args as sorting.ChooseArgs))
  }
  softmax(this: Tensor, ...args: soft.SoftmaxArgs): Tensor {
    return soft.softmax(this, ...args)
  }
  logSoftmax(this: Tensor, ...args: soft.SoftmaxArgs): Tensor {
    return soft.logSoftmax(this, ...args)
  }
  logsumexp(this: Tensor, ...args: reduce.ReduceArgs): Tensor {
    return soft.logsumexp(this, ...args)
  }
}
