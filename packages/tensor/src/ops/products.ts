import { type Args, type End, checkEnd, readArgs } from '../core/args.ts'
import { TensorRangeError, TensorTypeError, describe, show } from '../core/errors.ts'
import { checkTensor } from '../core/promote.ts'
import { broadcastShapes, normalizeDim } from '../core/shape.ts'
import { chosen } from '../core/trace.ts'
import type { Tensor } from '../tensor.ts'
import { mul, sub } from './binary.ts'
import { batchedMatmul, checkProduct, dotOverLast } from './matmul.ts'
import { roll } from './arrange.ts'
import { expandTo, moveAxis, reshapeTo } from './view.ts'

interface DimOption {
  readonly dim?: number
}

/** Σ x̄ y along `dim` (the last by default) of operands that broadcast and promote. */
export function vecdot(x: Tensor, y: Tensor, ...args: Args<[dim?: number], DimOption>): Tensor {
  checkTensor('linalg.vecdot', x)
  checkTensor('linalg.vecdot', y)
  const { dim = -1 } = readArgs<DimOption>('linalg.vecdot', args, ['dim'])
  const shape = broadcastShapes('linalg.vecdot', x.shape, y.shape)
  const axis = normalizeDim('linalg.vecdot', dim, shape.length)
  const last = (t: Tensor): Tensor => (shape.length ? moveAxis(expandTo(t, shape), axis, shape.length - 1) : reshapeTo(t, [1]))
  return dotOverLast('linalg.vecdot', last(x), last(y))
}

function crossAlong(op: string, x: Tensor, y: Tensor, dim: number): Tensor {
  if (x.ndim !== y.ndim)
    throw new TensorRangeError(`${op}: inputs must have the same number of dimensions. Got ${show(x.shape)} and ${show(y.shape)}`, {
      op,
      code: 'RANK',
    })
  const axis = normalizeDim(op, dim, x.ndim)
  const [n, m] = [x.shape[axis], y.shape[axis]]
  if (n !== 3 || m !== 3)
    throw new TensorRangeError(`${op}: inputs dimension ${dim} must have length 3. Got ${n} and ${m}`, { op, code: 'SHAPE_MISMATCH' })
  const turn = (t: Tensor, by: number): Tensor => roll(t, by, axis)
  // (x × y)ᵢ = xᵢ₊₁ yᵢ₊₂ − xᵢ₊₂ yᵢ₊₁
  return sub(mul(turn(x, -1), turn(y, -2)), mul(turn(x, -2), turn(y, -1)))
}

/** The cross product of vectors of three along `dim`, the last by default; other axes broadcast. */
export function linalgCross(x: Tensor, y: Tensor, ...args: Args<[dim?: number], DimOption>): Tensor {
  checkTensor('linalg.cross', x)
  checkTensor('linalg.cross', y)
  return crossAlong('linalg.cross', x, y, readArgs<DimOption>('linalg.cross', args, ['dim']).dim ?? -1)
}
/** The cross product of vectors of three along `dim`, by default the first axis of size 3. */
export function cross(x: Tensor, y: Tensor, ...args: Args<[dim?: number], DimOption>): Tensor {
  checkTensor('cross', x)
  checkTensor('cross', y)
  const { dim = x.shape.indexOf(3) } = readArgs<DimOption>('cross', args, ['dim'])
  if (dim === -1 && !x.shape.includes(3))
    throw new TensorRangeError(`no dimension of size 3 in input, got shape ${show(x.shape)}`, { op: 'cross', code: 'SHAPE_MISMATCH' })
  return crossAlong('cross', x, y, dim)
}

/** The product of matrices in the order of fewest multiplications; the first and the last may be vectors. */
export function multiDot(tensors: readonly Tensor[], ...end: End): Tensor {
  checkEnd('linalg.multi_dot', end)
  const op = 'linalg.multi_dot'
  if (!Array.isArray(tensors))
    throw new TensorTypeError(`multi_dot(): expected an array of tensors, got ${describe(tensors)}`, { op, code: 'ARGUMENT' })
  const last = tensors.length - 1
  const bad = (message: string): TensorRangeError => new TensorRangeError(`multi_dot(): ${message}`, { op, code: 'SHAPE_MISMATCH' })
  if (last < 1) throw bad(`expected at least 2 tensors but got ${tensors.length}`)
  checkProduct(op, ...tensors)
  tensors.forEach((x, i) => {
    const end = i === 0 || i === last
    if (x.ndim !== 2 && !(end && x.ndim === 1))
      throw bad(
        end ? `the ${i ? 'last' : 'first'} tensor must be 1D or 2D but got ${x.ndim}D` : `tensor ${i} must be 2D but got ${x.ndim}D`,
      )
  })
  const xs = tensors.map((x, i) => (x.ndim === 2 ? x : reshapeTo(x, i === 0 ? [1, x.shape[0]!] : [x.shape[0]!, 1])))
  for (let i = 0; i < last; i++)
    if (xs[i]!.shape[1] !== xs[i + 1]!.shape[0])
      throw bad(`tensors ${i} and ${i + 1} with shapes ${show(tensors[i]!.shape)} and ${show(tensors[i + 1]!.shape)} cannot be multiplied`)
  const product = inBestOrder(xs)
  const [rows, columns] = product.shape as [number, number]
  return reshapeTo(product, [...(tensors[0]!.ndim === 1 ? [] : [rows]), ...(tensors[last]!.ndim === 1 ? [] : [columns])])
}

/** Cormen et al., "Introduction to Algorithms", 15.2: the cheapest place to cut every run of matrices, whose sizes are d. */
function bestCuts(d: readonly number[]): readonly (readonly number[])[] {
  const n = d.length - 1
  const cost = Array.from({ length: n }, () => new Array<number>(n).fill(0))
  const cut = cost.map((row) => [...row])
  for (let length = 1; length < n; length++)
    for (let i = 0; i + length < n; i++) {
      const j = i + length
      cost[i]![j] = Infinity
      for (let k = i; k < j; k++) {
        const c = cost[i]![k]! + cost[k + 1]![j]! + d[i]! * d[k + 1]! * d[j + 1]!
        if (c < cost[i]![j]!) {
          cost[i]![j] = c
          cut[i]![j] = k
        }
      }
    }
  return cut
}

function inBestOrder(xs: readonly Tensor[]): Tensor {
  const cut = chosen(`multi_dot of ${xs.length}`, () => bestCuts([xs[0]!.shape[0]!, ...xs.map((x) => x.shape[1]!)]))
  const go = (i: number, j: number): Tensor => (i === j ? xs[i]! : batchedMatmul(go(i, cut[i]![j]!), go(cut[i]![j]! + 1, j)))
  return go(0, xs.length - 1)
}

/** The product of matrices in the order of fewest multiplications. */
export function chainMatmul(...matrices: readonly Tensor[]): Tensor {
  if (matrices.length === 1) return matrices[0]!
  return multiDot(matrices)
}
