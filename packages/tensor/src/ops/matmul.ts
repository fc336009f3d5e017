import { type End, checkEnd } from '../core/args.ts'
import { expr as e } from '@mapgrad/kernel'
import { TensorRangeError, TensorTypeError, show } from '../core/errors.ts'
import { broadcastStrides } from '../core/evaluate.ts'
import { type Layout, type Op, defineOp } from '../core/op.ts'
import { checkTensor } from '../core/promote.ts'
import { type Shape, broadcastShapes, numel } from '../core/shape.ts'
import { kernel, multilinear, reduction } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { mul } from './binary.ts'
import { promoted } from './cast.ts'
import { batchFirst, expandTo, permuteDims, reshapeTo } from './view.ts'

type XY = [x: Tensor, y: Tensor]

/** The last two axes exchanged; a view. */
export function mT(x: Tensor): Tensor {
  const n = x.ndim
  return permuteDims(
    x,
    Array.from({ length: n }, (_, i) => (i === n - 2 ? n - 1 : i === n - 1 ? n - 2 : i)),
  )
}

const batchShape = (x: { readonly shape: Shape }): Shape => x.shape.slice(0, -2)
const rowsOf = (x: { readonly shape: Shape }): number => x.shape.at(-2)!
const columnsOf = (x: { readonly shape: Shape }): number => x.shape.at(-1)!
const isSingle = (x: Tensor): boolean => numel(batchShape(x)) === 1

/** All matrices of a batch as one: their rows below each other. */
const stackRows = (x: Tensor): Tensor => reshapeTo(x, [numel(x.shape.slice(0, -1)), columnsOf(x)])

/** `[…, m, k] × […, k, n] → […, m, n]` of one dtype; leading axes broadcast. One kernel call, whatever the batch. */
export const batchedMatmul: Op<XY> = defineOp<XY>({
  name: 'matmul',
  result: ([x, y]) => ({ shape: [...broadcastShapes('matmul', batchShape(x), batchShape(y)), rowsOf(x), columnsOf(y)], dtype: x.dtype }),
  compute: kernel(
    'matmul',
    () => ({}),
    (xs, _, out) => {
      const batch = batchShape(out)
      return xs.map((x: Layout) => {
        const shape = [...batch, ...x.shape.slice(-2)]
        return { shape, strides: broadcastStrides(x, shape), offset: x.offset }
      })
    },
  ),
  batch: 'leading',
  // d(xy) = dx y + x dy. Where one matrix meets a whole batch, the sum over the batch is part of the product
  diff: multilinear(
    (ct, [x, y]) =>
      isSingle(x) && !isSingle(y) ? reshapeTo(batchedMatmul(mT(stackRows(mT(ct))), stackRows(mT(y))), x.shape) : batchedMatmul(ct, mT(y)),
    (ct, [x, y]) =>
      isSingle(y) && !isSingle(x) ? reshapeTo(batchedMatmul(mT(stackRows(x)), stackRows(ct)), y.shape) : batchedMatmul(mT(x), ct),
  ),
})

/** Σ x·y over the last axis, of operands of one dtype and shape. One loop, without the products in memory. */
export const dotLast: Op<XY, { readonly dims: readonly number[] }, XY> = defineOp({
  name: 'vecdot',
  args: (x: Tensor, y: Tensor): readonly [XY, { readonly dims: readonly number[] }] => {
    const shape = broadcastShapes('vecdot', x.shape, y.shape)
    return [[expandTo(x, shape), expandTo(y, shape)], { dims: [-1] }]
  },
  result: ([x, y]) => ({ shape: broadcastShapes('vecdot', x.shape, y.shape).slice(0, -1), dtype: x.dtype }),
  compute: reduction('sum', (x, y) => e.mul(x!, y!)),
  // examples have one shape, so a batched operand is of one rank more, and the other repeats
  batch: ([x, y], [dx, dy]) => [dotLast(dx === null ? x : batchFirst(x, dx), dy === null ? y : batchFirst(y, dy)), 0],
  diff: multilinear(
    (ct, [, y]) => mul(asColumn(ct), y),
    (ct, [x]) => mul(asColumn(ct), x),
  ),
})

const asColumn = (x: Tensor): Tensor => reshapeTo(x, [...x.shape, 1])
const squeeze = (x: Tensor, dim: -1 | -2): Tensor =>
  reshapeTo(
    x,
    x.shape.filter((_, i) => i !== x.ndim + dim),
  )

/** Refuses operands of products that are no tensors, bools, or of several dtypes, which PyTorch does not promote here. */
export function checkProduct(op: string, ...xs: readonly Tensor[]): void {
  const [x] = xs
  for (const y of xs) {
    checkTensor(op, y)
    if (y.dtype !== x!.dtype) {
      const [a, b] =
        op === 'dot' || op === 'vdot'
          ? ['expected both vectors to have same dtype, but found', ' and ']
          : ['expected m1 and m2 to have the same dtype, but got:', ' != ']
      throw new TensorTypeError(`${a} ${x!.dtype}${b}${y.dtype}. Convert one of them with x.to(dtype)`, { op, code: 'DTYPE' })
    }
  }
  if (x!.dtype === 'bool')
    throw new TensorTypeError(`"${op}" not implemented for 'bool'. Convert with x.to('int32')`, { op, code: 'DTYPE' })
}

// batches below each other, as PyTorch multiplies them
const size2 = (x: Tensor): string => `${numel(x.shape.slice(0, -1))}x${columnsOf(x)}`
function mismatch(op: string, message: string, remedy: string): TensorRangeError {
  return new TensorRangeError(`${message}. ${remedy}`, { op, code: 'SHAPE_MISMATCH' })
}
const TRANSPOSE = 'The columns of the first must be as many as the rows of the second; transpose one of them with x.mT, or reshape it'

/** Refuses matrices whose inner sizes differ. */
export function checkInner(op: string, x: Tensor, y: Tensor): void {
  if (columnsOf(x) !== rowsOf(y))
    throw mismatch(op, `mat1 and mat2 shapes cannot be multiplied (${size2(x)} and ${rowsOf(y)}x${columnsOf(y)})`, TRANSPOSE)
}

/** Refuses a rank other than `rank`, in PyTorch's words. */
export function checkRank(op: string, x: Tensor, rank: number, message: string): void {
  if (x.ndim !== rank)
    throw new TensorRangeError(`${message}, got ${x.ndim}-D tensor of shape ${show(x.shape)}. Reshape it with x.reshape(...)`, {
      op,
      code: 'RANK',
    })
}

/**
 * Matrix product, PyTorch's rules: two vectors give their dot product, a vector counts as a row on the left and as a column
 * on the right, and axes before the last two broadcast.
 * @throws TensorRangeError where inner sizes differ, TensorTypeError where dtypes do
 */
export function matmul(x: Tensor, y: Tensor, ...end: End): Tensor {
  checkEnd('matmul', end)
  checkProduct('matmul', x, y)
  if (x.ndim === 0 || y.ndim === 0)
    throw new TensorRangeError(
      `both arguments to matmul need to be at least 1D, but they are ${x.ndim}D and ${y.ndim}D. Use mul for products with a number`,
      { op: 'matmul', code: 'RANK' },
    )
  if (x.ndim === 1 && y.ndim === 1) return dot(x, y)
  if (y.ndim === 1) return matrixTimesVector('matmul', x, y)
  const rows = x.ndim === 1 ? reshapeTo(x, [1, x.shape[0]!]) : x
  if (rows.ndim > 2 && y.ndim > 2 && columnsOf(rows) !== rowsOf(y))
    throw mismatch(
      'matmul',
      `Expected size for first two dimensions of batch2 tensor to be: ${show([numel(broadcastShapes('matmul', batchShape(rows), batchShape(y))), columnsOf(rows)])} but got: ${show([numel(batchShape(y)), rowsOf(y)])}; the shapes are ${show(x.shape)} and ${show(y.shape)}`,
      TRANSPOSE,
    )
  checkInner('matmul', rows, y)
  const out = batchedMatmul(rows, y)
  return x.ndim === 1 ? squeeze(out, -2) : out
}

function matrixTimesVector(op: string, x: Tensor, y: Tensor): Tensor {
  const k = y.shape[0]!
  if (columnsOf(x) !== k)
    throw mismatch(
      op,
      `size mismatch, got input (${numel(x.shape.slice(0, -1))}), mat (${numel(x.shape.slice(0, -1))}x${columnsOf(x)}), vec (${k})`,
      'The matrix must have as many columns as the vector has elements',
    )
  // one matrix: the vector as a row, so that a batch of vectors is a matrix
  return x.ndim === 2 ? squeeze(batchedMatmul(reshapeTo(y, [1, k]), mT(x)), -2) : squeeze(batchedMatmul(x, reshapeTo(y, [k, 1])), -1)
}

/** Product of two matrices, `[m, k] × [k, n] → [m, n]`. */
export function mm(x: Tensor, y: Tensor, ...end: End): Tensor {
  checkEnd('mm', end)
  checkProduct('mm', x, y)
  checkRank('mm', x, 2, 'self must be a matrix')
  checkRank('mm', y, 2, 'mat2 must be a matrix')
  checkInner('mm', x, y)
  return batchedMatmul(x, y)
}

/** Products of two batches of matrices, `[b, m, k] × [b, k, n] → [b, m, n]`, without broadcasting. */
export function bmm(x: Tensor, y: Tensor, ...end: End): Tensor {
  checkEnd('bmm', end)
  checkProduct('bmm', x, y)
  checkRank('bmm', x, 3, 'batch1 must be a 3D tensor')
  checkRank('bmm', y, 3, 'batch2 must be a 3D tensor')
  if (x.shape[0] !== y.shape[0] || columnsOf(x) !== rowsOf(y))
    throw mismatch(
      'bmm',
      `Expected size for first two dimensions of batch2 tensor to be: ${show([x.shape[0]!, columnsOf(x)])} but got: ${show(y.shape.slice(0, 2))}`,
      'Use matmul to broadcast the batch',
    )
  return batchedMatmul(x, y)
}

/** Product of a matrix and a vector, `[m, k] × [k] → [m]`. */
export function mv(x: Tensor, y: Tensor, ...end: End): Tensor {
  checkEnd('mv', end)
  checkProduct('mv', x, y)
  if (x.ndim !== 2 || y.ndim !== 1)
    throw new TensorRangeError(`vector + matrix @ vector expected, got ${x.ndim}D and ${y.ndim}D tensors. Use matmul for other ranks`, {
      op: 'mv',
      code: 'RANK',
    })
  return matrixTimesVector('mv', x, y)
}

/** Σ xᵢ yᵢ of two vectors of one size. */
export function dot(x: Tensor, y: Tensor, ...end: End): Tensor {
  checkEnd('dot', end)
  return vectors('dot', x, y)
}
/** Σ x̄ᵢ yᵢ of two vectors of one size; `dot` for real dtypes. */
export function vdot(x: Tensor, y: Tensor, ...end: End): Tensor {
  checkEnd('vdot', end)
  return vectors('vdot', x, y)
}
function vectors(op: string, x: Tensor, y: Tensor): Tensor {
  checkProduct(op, x, y)
  if (x.ndim !== 1 || y.ndim !== 1)
    throw new TensorRangeError(
      `1D tensors expected, but got ${x.ndim}D and ${y.ndim}D tensors. Use matmul, or linalg.vecdot along an axis`,
      { op, code: 'RANK' },
    )
  const [n, m] = [x.shape[0]!, y.shape[0]!]
  if (n !== m)
    throw mismatch(
      op,
      `inconsistent tensor size, expected tensor [${n}] and src [${m}] to have the same number of elements, but got ${n} and ${m} elements respectively`,
      'Give vectors of one size',
    )
  return dotLast(x, y)
}

/** Σ x·y over the last axis of operands that broadcast and promote. */
export function dotOverLast(op: string, x: Tensor, y: Tensor): Tensor {
  const [a, b] = promoted(op, [x, y], (d) => (d === 'bool' ? 'int32' : d)) as XY
  return dotLast(a, b)
}

/** Products over the last axes: `[…, k] · [---, k] → […, ---]`. A 0-d operand multiplies. */
export function inner(x: Tensor, y: Tensor, ...end: End): Tensor {
  checkEnd('inner', end)
  checkTensor('inner', x)
  checkTensor('inner', y)
  if (x.ndim === 0 || y.ndim === 0) return mul(x, y)
  checkProduct('inner', x, y)
  const k = columnsOf(x)
  if (k !== columnsOf(y))
    throw mismatch(
      'inner',
      `inner() the last dimension must match on both input tensors but got shapes ${show(x.shape)} and ${show(y.shape)}`,
      'Transpose or reshape one of them',
    )
  if (x.ndim === 1 && y.ndim === 1) return dotLast(x, y)
  return reshapeTo(batchedMatmul(stackRows(x), mT(stackRows(y))), [...x.shape.slice(0, -1), ...y.shape.slice(0, -1)])
}

/** xᵢ yⱼ of two vectors, `[n] × [m] → [n, m]`, in the promoted dtype. */
export function outer(x: Tensor, y: Tensor, ...end: End): Tensor {
  checkEnd('outer', end)
  checkTensor('outer', x)
  checkTensor('outer', y)
  if (x.ndim !== 1)
    throw new TensorRangeError(`outer: Expected 1-D argument self, but got ${x.ndim}-D. Flatten it with x.flatten()`, {
      op: 'outer',
      code: 'RANK',
    })
  if (y.ndim !== 1)
    throw new TensorRangeError(`outer: Expected 1-D argument vec2, but got ${y.ndim}-D. Flatten it with x.flatten()`, {
      op: 'outer',
      code: 'RANK',
    })
  return mul(asColumn(x), y)
}
/** Another name of `outer`. */
export const ger: (x: Tensor, y: Tensor) => Tensor = outer
