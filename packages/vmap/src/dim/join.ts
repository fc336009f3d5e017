import { type Tensor, Tensor as TensorClass, cat as catAll, narrow, stack as stackAll } from '@mapgrad/tensor'
import { describe, normalizeDim } from '@mapgrad/tensor/plugin'
import { freed } from './axes.ts'
import { isDim } from './brand.ts'
import { rangeFault, typeFault } from './errors.ts'
import type { AxisSpec } from './order.ts'
import { bindAxis, dimsIn, owner, quietly, repeated } from './trace.ts'
import type { Dim, DimTensor } from './types.ts'

const has = (x: Tensor, d: Dim): boolean => dimsIn(x.value).includes(owner(d))

function checkList(op: string, tensors: readonly Tensor[]): void {
  if (!Array.isArray(tensors) || tensors.length === 0) throw rangeFault(op, `${op} expects a non-empty sequence of tensors`, 'EMPTY_LIST')
}

/**
 * Tensors one after the other along a new Dim, which gets their number as its size; with a number in its place, along a new
 * positional axis. The result has the dims of all of them.
 * @throws TensorRangeError for no tensors
 */
export function stack(tensors: readonly Tensor[], newDim: AxisSpec = 0): DimTensor {
  checkList('stack', tensors)
  if (!isDim(newDim)) return stackAll([...tensors], newDim) as DimTensor
  newDim.length = tensors.length
  const y = stackAll([...tensors], 0)
  return quietly(() => bindAxis(y, 0, owner(newDim))) as DimTensor
}

/**
 * Tensors joined along a Dim or positional axis `dim`, which becomes `newDim`: a Dim of as many places as they have together, or an
 * axis of the result.
 */
export function cat(tensors: readonly Tensor[], dim: AxisSpec, newDim: AxisSpec): DimTensor {
  checkList('cat', tensors)
  let axis = 0
  let parts = tensors
  if (isDim(dim)) {
    if (!tensors.some((t) => has(t, dim))) throw typeFault('cat', `Dimension ${dim.name} does not exist in inputs`, 'DIM_MISSING')
    parts = tensors.map((t) =>
      freed(
        quietly(() => (has(t, dim) ? t : repeated(t, owner(dim)))),
        [dim],
      ),
    )
    axis = parts[0]!.ndim - 1
  } else axis = normalizeDim('cat', dim, tensors[0]!.ndim)
  const y = catAll([...parts], axis)
  if (isDim(newDim)) return quietly(() => bindAxis(y, axis, owner(newDim))) as DimTensor
  return y.movedim(axis, newDim) as DimTensor
}

/**
 * `x` cut along a Dim or positional axis into pieces that are each bound to a Dim of their own. Dims without a size share what the others leave;
 * sizes in their place do what `split` of every tensor does.
 * @throws TensorTypeError if the sizes do not add up
 */
export function split(x: Tensor, sizes: unknown, dim?: AxisSpec): readonly Tensor[] {
  const list: readonly unknown[] = Array.isArray(sizes) ? sizes : [sizes]
  const dims = list.filter(isDim)
  if (dims.length === 0) {
    if (isDim(dim)) throw typeFault('split', 'when dim is specified as a Dim object, split sizes must also be dimensions.', 'DIM_TYPE')
    return TensorClass.prototype.split.apply(x, [sizes, dim ?? 0] as never)
  }
  if (dims.length !== list.length) throw typeFault('split', `split list must be ints or dims but got a mix: ${describe(sizes)}`, 'DIM_TYPE')
  if (!isDim(dim) && x.ndim === 0) throw typeFault('split', 'split expects at least a 1-dimension tensor', 'DIM_MISSING')
  if (isDim(dim) && !has(x, dim)) throw typeFault('split', `tensor does not contain dimension ${dim.name}`, 'DIM_MISSING')
  const y = isDim(dim) ? freed(x, [dim]) : x
  const axis = isDim(dim) ? y.ndim - 1 : normalizeDim('split', dim ?? 0, x.ndim)
  const whole = y.shape[axis]!
  const open = dims.filter((d) => !d.isBound)
  let left = whole - dims.reduce((n, d) => (d.isBound ? n + d.length : n), 0)
  if (open.length > 0 && left < 0)
    throw typeFault('split', `sizes of target dimensions add up to more (${whole - left}) than source dim (${whole})`, 'SIZES')
  if (open.length === 0 && left !== 0)
    throw typeFault('split', `sum of sizes of target dimensions (${whole - left}) do not match the source dim (${whole})`, 'SIZES')
  const share = Math.ceil(left / open.length)
  for (const d of open) {
    d.length = Math.min(share, left)
    left -= d.length
  }
  let from = 0
  return dims.map((d) => {
    const piece = quietly(() => bindAxis(narrow(y, axis, from, d.length), axis, owner(d)))
    from += d.length
    return piece
  })
}
