import { type Args, type End, checkEnd, readArgs } from '../core/args.ts'
import { TensorTypeError } from '../core/errors.ts'
import { normalizeDim } from '../core/shape.ts'
import * as arrange from '../ops/arrange.ts'
import * as shape from '../ops/shape.ts'
import * as slices from '../ops/slice.ts'
import * as splits from '../ops/split.ts'
import * as strided from '../ops/strided.ts'
import * as triangular from '../ops/triangular.ts'
import * as views from '../ops/view.ts'
import type { Tensor } from '../tensor.ts'
import { ReduceMethods } from './reduce.ts'

/** The parameters of a function after its tensor. */
type Rest<F> = F extends (...args: infer P) => unknown ? (P extends readonly [Tensor, ...infer A] ? A : never) : never

/** Shapes, views and parts as methods; each is the function of the same name with the tensor first. */
export abstract class ShapeMethods extends ReduceMethods {
  reshape(this: Tensor, ...args: Rest<typeof shape.reshape>): Tensor {
    return shape.reshape(this, ...args)
  }
  reshapeAs(this: Tensor, ...args: Rest<typeof shape.reshapeAs>): Tensor {
    return shape.reshapeAs(this, ...args)
  }
  view(this: Tensor, ...args: Rest<typeof shape.view>): Tensor {
    return shape.view(this, ...args)
  }
  viewAs(this: Tensor, ...args: Rest<typeof shape.viewAs>): Tensor {
    return shape.viewAs(this, ...args)
  }
  ravel(this: Tensor, ...args: Rest<typeof shape.ravel>): Tensor {
    return shape.ravel(this, ...args)
  }
  flatten(this: Tensor, ...args: Rest<typeof shape.flatten>): Tensor {
    return shape.flatten(this, ...args)
  }
  unflatten(this: Tensor, ...args: Rest<typeof shape.unflatten>): Tensor {
    return shape.unflatten(this, ...args)
  }
  squeeze(this: Tensor, ...args: Rest<typeof shape.squeeze>): Tensor {
    return shape.squeeze(this, ...args)
  }
  unsqueeze(this: Tensor, ...args: Rest<typeof shape.unsqueeze>): Tensor {
    return shape.unsqueeze(this, ...args)
  }
  permute(this: Tensor, ...args: Rest<typeof shape.permute>): Tensor {
    return shape.permute(this, ...args)
  }
  transpose(this: Tensor, ...args: Rest<typeof shape.transpose>): Tensor {
    return shape.transpose(this, ...args)
  }
  swapdims(this: Tensor, ...args: Rest<typeof shape.swapdims>): Tensor {
    return shape.swapdims(this, ...args)
  }
  swapaxes(this: Tensor, ...args: Rest<typeof shape.swapaxes>): Tensor {
    return shape.swapaxes(this, ...args)
  }
  t(this: Tensor, ...args: Rest<typeof shape.t>): Tensor {
    return shape.t(this, ...args)
  }
  adjoint(this: Tensor, ...args: Rest<typeof shape.adjoint>): Tensor {
    return shape.adjoint(this, ...args)
  }
  movedim(this: Tensor, ...args: Rest<typeof shape.movedim>): Tensor {
    return shape.movedim(this, ...args)
  }
  moveaxis(this: Tensor, ...args: Rest<typeof shape.moveaxis>): Tensor {
    return shape.moveaxis(this, ...args)
  }
  expand(this: Tensor, ...args: Rest<typeof shape.expand>): Tensor {
    return shape.expand(this, ...args)
  }
  expandAs(this: Tensor, ...args: Rest<typeof shape.expandAs>): Tensor {
    return shape.expandAs(this, ...args)
  }
  broadcastTo(this: Tensor, ...args: Rest<typeof shape.broadcastTo>): Tensor {
    return shape.broadcastTo(this, ...args)
  }
  repeat(this: Tensor, ...args: Rest<typeof arrange.repeat>): Tensor {
    return arrange.repeat(this, ...args)
  }
  tile(this: Tensor, ...args: Rest<typeof arrange.tile>): Tensor {
    return arrange.tile(this, ...args)
  }
  roll(this: Tensor, ...args: Rest<typeof arrange.roll>): Tensor {
    return arrange.roll(this, ...args)
  }
  rot90(this: Tensor, ...args: Rest<typeof arrange.rot90>): Tensor {
    return arrange.rot90(this, ...args)
  }
  narrow(this: Tensor, ...args: Rest<typeof slices.narrow>): Tensor {
    return slices.narrow(this, ...args)
  }
  select(this: Tensor, ...args: Rest<typeof slices.select>): Tensor {
    return slices.select(this, ...args)
  }
  flip(this: Tensor, ...args: Rest<typeof slices.flip>): Tensor {
    return slices.flip(this, ...args)
  }
  fliplr(this: Tensor, ...args: Rest<typeof slices.fliplr>): Tensor {
    return slices.fliplr(this, ...args)
  }
  flipud(this: Tensor, ...args: Rest<typeof slices.flipud>): Tensor {
    return slices.flipud(this, ...args)
  }
  split(this: Tensor, ...args: Rest<typeof splits.split>): Tensor[] {
    return splits.split(this, ...args)
  }
  splitWithSizes(this: Tensor, ...args: Rest<typeof splits.splitWithSizes>): Tensor[] {
    return splits.splitWithSizes(this, ...args)
  }
  chunk(this: Tensor, ...args: Rest<typeof splits.chunk>): Tensor[] {
    return splits.chunk(this, ...args)
  }
  tensorSplit(this: Tensor, ...args: Rest<typeof splits.tensorSplit>): Tensor[] {
    return splits.tensorSplit(this, ...args)
  }
  unbind(this: Tensor, ...args: Rest<typeof splits.unbind>): Tensor[] {
    return splits.unbind(this, ...args)
  }
  hsplit(this: Tensor, ...args: Rest<typeof splits.hsplit>): Tensor[] {
    return splits.hsplit(this, ...args)
  }
  vsplit(this: Tensor, ...args: Rest<typeof splits.vsplit>): Tensor[] {
    return splits.vsplit(this, ...args)
  }
  dsplit(this: Tensor, ...args: Rest<typeof splits.dsplit>): Tensor[] {
    return splits.dsplit(this, ...args)
  }
  diagonal(this: Tensor, ...args: Rest<typeof triangular.diagonal>): Tensor {
    return triangular.diagonal(this, ...args)
  }
  diagEmbed(this: Tensor, ...args: Rest<typeof triangular.diagEmbed>): Tensor {
    return triangular.diagEmbed(this, ...args)
  }
  diag(this: Tensor, ...args: Rest<typeof triangular.diag>): Tensor {
    return triangular.diag(this, ...args)
  }
  diagflat(this: Tensor, ...args: Rest<typeof triangular.diagflat>): Tensor {
    return triangular.diagflat(this, ...args)
  }
  diagonalScatter(this: Tensor, ...args: Rest<typeof triangular.diagonalScatter>): Tensor {
    return triangular.diagonalScatter(this, ...args)
  }
  tril(this: Tensor, ...args: Rest<typeof triangular.tril>): Tensor {
    return triangular.tril(this, ...args)
  }
  triu(this: Tensor, ...args: Rest<typeof triangular.triu>): Tensor {
    return triangular.triu(this, ...args)
  }
  trace(this: Tensor, ...args: Rest<typeof triangular.trace>): Tensor {
    return triangular.trace(this, ...args)
  }
  unfold(this: Tensor, ...args: Rest<typeof strided.unfold>): Tensor {
    return strided.unfold(this, ...args)
  }
  asStrided(this: Tensor, ...args: Rest<typeof strided.asStrided>): Tensor {
    return strided.asStrided(this, ...args)
  }
  /** The elements in row-major order in memory: this tensor where they lie so, else a copy. */
  contiguous(this: Tensor, ...end: End): Tensor {
    return views.contiguous(this, ...end)
  }

  /** All axes reversed; of a matrix, its transpose. A view. */
  get T(): Tensor {
    return shape.reversedAxes(this as unknown as Tensor)
  }
  /** The last two axes exchanged. A view. */
  get mT(): Tensor {
    return shape.matrixTranspose(this as unknown as Tensor)
  }
  /** The conjugate transpose of a matrix; for real tensors its transpose. A view. */
  get H(): Tensor {
    return shape.matrixTranspose(this as unknown as Tensor, 'H')
  }
  /** `mT`, conjugated; for real tensors `mT`. A view. */
  get mH(): Tensor {
    return shape.matrixTranspose(this as unknown as Tensor, 'mH')
  }

  /** The shape, or the size of one axis. */
  size(): readonly number[]
  size(...dim: Args<[dim: number], { readonly dim: number }>): number
  size(...args: readonly unknown[]): number | readonly number[] {
    const { dim } = readArgs<{ readonly dim?: number }>('size', args, ['dim'])
    return dim === undefined ? this.shape : this.shape[normalizeDim('size', dim, this.shape.length)]!
  }
  /** The number of axes. */
  dim(...end: End): number {
    checkEnd('dim', end)
    return this.shape.length
  }
  /** The size of the first axis: how often `for (const row of x)` runs. */
  len(...end: End): number {
    checkEnd('len', end)
    if (this.shape.length === 0) throw new TensorTypeError('len() of a 0-d tensor. Use x.numel()', { op: 'len', code: 'RANK' })
    return this.shape[0]!
  }
  /** The elements of the first axis, one by one. Views. */
  *[Symbol.iterator](): Generator<Tensor, void, undefined> {
    if (this.shape.length === 0) throw new TensorTypeError('iteration over a 0-d tensor. Use x.item()', { op: 'iteration', code: 'RANK' })
    const x = this as unknown as Tensor
    for (let i = 0; i < this.shape[0]!; i++) yield slices.selectAxis(x, 0, i)
  }
}
