import { type Args, type End, checkEnd, readArgs } from '../core/args.ts'
import { TensorRangeError, TensorTypeError, describe, show } from '../core/errors.ts'
import { checkTensor } from '../core/promote.ts'
import { type Shape, sameShape } from '../core/shape.ts'
import type { Tensor } from '../tensor.ts'
import { add, mul } from './binary.ts'
import { contract } from './einsum.ts'
import { batchedMatmul, bmm, checkInner, checkProduct, checkRank, mT, matmul, mm, mv, outer } from './matmul.ts'
import { sumDims } from './reduce.ts'
import { expandTo, reshapeTo } from './view.ts'

/** Options of the `add…` products: beta · input + alpha · product. */
export interface AddProductOptions {
  /** multiplies the input; at 0 the input is ignored, NaN included. Default 1 */
  readonly beta?: number
  /** multiplies the product; default 1 */
  readonly alpha?: number
}

function expanded(op: string, x: Tensor, shape: Shape): Tensor {
  const lead = shape.length - x.ndim
  const d = lead < 0 ? 0 : x.shape.findLastIndex((n, i) => n !== 1 && n !== shape[lead + i])
  if (d >= 0 && !(lead >= 0 && sameShape(x.shape, shape)))
    throw new TensorRangeError(
      lead < 0
        ? `expand: the requested shape has too few dimensions! Target sizes: ${show(shape)}. Tensor sizes: ${show(x.shape)}`
        : `The expanded size of the tensor (${shape[lead + d]}) must match the existing size (${x.shape[d]}) at non-singleton dimension ${lead + d}. Target sizes: ${show(shape)}. Tensor sizes: ${show(x.shape)}`,
      { op, code: 'SHAPE_MISMATCH' },
    )
  return expandTo(x, shape)
}

function addProduct(op: string, x: Tensor, product: Tensor, { beta = 1, alpha = 1 }: AddProductOptions): Tensor {
  if (x.dtype !== product.dtype)
    throw new TensorTypeError(
      `self and mat2 must have the same dtype, but got ${x.dtype} and ${product.dtype}. Convert one of them with x.to(dtype)`,
      { op, code: 'DTYPE' },
    )
  const input = expanded(op, x, product.shape)
  const scaled = alpha === 1 ? product : mul(product, alpha)
  return beta === 0 ? scaled : add(scaled, beta === 1 ? input : mul(input, beta))
}

const KEYS = ['beta', 'alpha'] as const
const read = (op: string, args: readonly unknown[]): AddProductOptions => readArgs<AddProductOptions>(op, args, [], KEYS)

/** beta · x + alpha · (a b) of matrices `[m, k] × [k, n]`; x broadcasts to `[m, n]`. */
export function addmm(x: Tensor, a: Tensor, b: Tensor, ...options: [options?: AddProductOptions]): Tensor {
  checkTensor('addmm', x)
  checkProduct('addmm', a, b)
  checkRank('addmm', a, 2, 'mat1 must be a matrix')
  checkRank('addmm', b, 2, 'mat2 must be a matrix')
  checkInner('addmm', a, b)
  return addProduct('addmm', x, mm(a, b), read('addmm', options))
}
/** beta · x + alpha · (a v) of a matrix and a vector; x broadcasts to `[m]`. */
export function addmv(x: Tensor, a: Tensor, v: Tensor, ...options: [options?: AddProductOptions]): Tensor {
  checkTensor('addmv', x)
  return addProduct('addmv', x, mv(a, v), read('addmv', options))
}
/** beta · x + alpha · Σᵢ aᵢ bᵢ of two batches of matrices; x broadcasts to `[m, n]`. */
export function addbmm(x: Tensor, a: Tensor, b: Tensor, ...options: [options?: AddProductOptions]): Tensor {
  checkTensor('addbmm', x)
  checkProduct('addbmm', a, b)
  checkRank('addbmm', a, 3, 'batch1 must be a 3D tensor')
  checkRank('addbmm', b, 3, 'batch2 must be a 3D tensor')
  const [n, rows, k] = a.shape as [number, number, number]
  if (n !== b.shape[0])
    throw new TensorRangeError(`batch1 and batch2 must have same number of batches, got ${n} and ${b.shape[0]}`, {
      op: 'addbmm',
      code: 'SHAPE_MISMATCH',
    })
  if (k !== b.shape[1])
    throw new TensorRangeError(`Incompatible matrix sizes for bmm (${rows}x${k} and ${b.shape[1]}x${b.shape[2]})`, {
      op: 'addbmm',
      code: 'SHAPE_MISMATCH',
    })
  return addProduct(
    'addbmm',
    x,
    contract(
      [
        { x: a, labels: [0, 1, 2] },
        { x: b, labels: [0, 2, 3] },
      ],
      [1, 3],
    ),
    read('addbmm', options),
  )
}
/** beta · x + alpha · (aᵢ bᵢ) of two batches of matrices; x broadcasts to `[b, m, n]`. */
export function baddbmm(x: Tensor, a: Tensor, b: Tensor, ...options: [options?: AddProductOptions]): Tensor {
  checkTensor('baddbmm', x)
  return addProduct('baddbmm', x, bmm(a, b), read('baddbmm', options))
}
/** beta · x + alpha · (u ⊗ v) of two vectors; x broadcasts to `[n, m]`. */
export function addr(x: Tensor, u: Tensor, v: Tensor, ...options: [options?: AddProductOptions]): Tensor {
  checkTensor('addr', x)
  return addProduct('addr', x, outer(u, v), read('addr', options))
}

/** x Wᵀ + b: `[…, in] → […, out]` for a weight `[out, in]` and a bias `[out]`; a weight `[in]` gives `[…]`. */
export function linear(x: Tensor, weight: Tensor, ...args: Args<[bias?: Tensor | null], { readonly bias?: Tensor | null }>): Tensor {
  const { bias = null } = readArgs<{ readonly bias?: Tensor | null }>('linear', args, ['bias'])
  checkProduct('linear', x, weight, ...(bias ? [bias] : []))
  if (weight.ndim === 1) {
    const y = matmul(x, weight)
    return bias ? add(y, expanded('linear', bias, y.shape)) : y
  }
  checkRank('linear', weight, 2, 'mat2 must be a matrix')
  if (x.ndim === 0)
    throw new TensorRangeError('both arguments to linear need to be at least 1D, but the input is 0D', { op: 'linear', code: 'RANK' })
  const rows = x.ndim === 1 ? reshapeTo(x, [1, x.shape[0]!]) : x
  const w = mT(weight)
  checkInner('linear', rows, w)
  const product = batchedMatmul(rows, w)
  const y = x.ndim === 1 ? reshapeTo(product, [weight.shape[0]!]) : product
  return bias ? add(y, expanded('linear', bias, y.shape)) : y
}
/** x₁ᵀ Wₒ x₂ + bₒ for each output o: `[…, i], […, j] → […, o]` for a weight `[o, i, j]` and a bias `[o]`. */
export function bilinear(
  x: Tensor,
  y: Tensor,
  weight: Tensor,
  ...args: Args<[bias?: Tensor | null], { readonly bias?: Tensor | null }>
): Tensor {
  const { bias = null } = readArgs<{ readonly bias?: Tensor | null }>('bilinear', args, ['bias'])
  checkProduct('bilinear', x, y, weight, ...(bias ? [bias] : []))
  checkRank('bilinear', weight, 3, 'bilinear(): expected a weight of three axes')
  const lead = x.shape.slice(0, -1)
  if (!sameShape(lead, y.shape.slice(0, -1)))
    throw new TensorRangeError(`bilinear(): input batch dimensions do not match: got ${show(x.shape)} and ${show(y.shape)}`, {
      op: 'bilinear',
      code: 'SHAPE_MISMATCH',
    })
  for (const [i, t] of [x, y].entries())
    if (t.shape.at(-1) !== weight.shape[i + 1])
      throw new TensorRangeError(
        `bilinear(): input${i + 1} size does not match weight size: got ${t.shape.at(-1)} but expected ${weight.shape[i + 1]}`,
        { op: 'bilinear', code: 'SHAPE_MISMATCH' },
      )
  const batch = lead.map((_, i) => 3 + i)
  const product = contract(
    [
      { x, labels: [...batch, 1] },
      { x: weight, labels: [0, 1, 2] },
      { x: y, labels: [...batch, 2] },
    ],
    [...batch, 0],
  )
  return bias ? add(product, expanded('bilinear', bias, product.shape)) : product
}

/** The axes that `tensordot` sums over: a number (the last of x, the first of y), or a list for each. */
export type TensordotDims = number | readonly [x: number | readonly number[], y: number | readonly number[]]

/** The sum of products over pairs of axes; the result has the remaining axes of x, then those of y. */
export function tensordot(x: Tensor, y: Tensor, ...args: Args<[dims?: TensordotDims], { readonly dims?: TensordotDims }>): Tensor {
  checkProduct('tensordot', x, y)
  const { dims = 2 } = readArgs<{ dims?: TensordotDims }>('tensordot', args, ['dims'])
  const bad = (message: string): TensorRangeError => new TensorRangeError(message, { op: 'tensordot', code: 'DIMS' })
  let [dx, dy]: [readonly number[], readonly number[]] = [[], []]
  if (typeof dims === 'number') {
    if (!Number.isInteger(dims))
      throw new TensorTypeError(`expected dims to be a whole number or two lists, got ${describe(dims)}`, { op: 'tensordot', code: 'DIMS' })
    if (dims < 0) throw bad(`tensordot expects dims >= 0, but got dims=${dims}`)
    if (dims > Math.min(x.ndim, y.ndim)) throw bad(`tensordot expects dims < ndim_a or ndim_b, but got dims=${dims}`)
    ;[dx, dy] = [Array.from({ length: dims }, (_, i) => i - dims), Array.from({ length: dims }, (_, i) => i)]
  } else if (!Array.isArray(dims) || dims.length !== 2)
    throw new TensorTypeError(`expected dims to be a whole number or two lists, got ${describe(dims)}`, { op: 'tensordot', code: 'DIMS' })
  else [dx, dy] = dims.map((d) => (typeof d === 'number' ? [d] : d)) as [readonly number[], readonly number[]]
  if (dx.length !== dy.length) throw bad('both dimension lists should have same length')
  const axis = (d: number, t: Tensor): number => {
    if (!Number.isInteger(d) || d < -t.ndim || d >= t.ndim)
      throw bad(`Dimension out of range (expected to be in range of [${-t.ndim}, ${t.ndim - 1}], but got ${d})`)
    return d < 0 ? d + t.ndim : d
  }
  const xLabels = x.shape.map((_, i) => i)
  const yLabels = y.shape.map((_, i) => x.ndim + i)
  const [xOnly, yOnly]: [number[], number[]] = [[], []]
  dx.forEach((d, i) => {
    const [p, q] = [axis(d, x), axis(dy[i]!, y)]
    // an axis of one repeats along the other's, which is summed for it
    if (x.shape[p] !== y.shape[q] && x.shape[p] === 1) yOnly.push(q - y.ndim)
    else if (x.shape[p] !== y.shape[q] && y.shape[q] === 1) xOnly.push(p - x.ndim)
    else if (x.shape[p] !== y.shape[q])
      throw bad(
        `contracted dimensions need to match, but first has size ${x.shape[p]} in dim ${d} and second has size ${y.shape[q]} in dim ${dy[i]}`,
      )
    if (yLabels[q]! < x.ndim || yLabels.includes(p)) throw bad(`dim ${d} appears multiple times in the list of dims`)
    yLabels[q] = p
  })
  const summed = new Set(yLabels.filter((l) => l < x.ndim))
  const alone = (z: Tensor, dims: readonly number[]): Tensor =>
    dims.length
      ? reshapeTo(
          sumDims(
            z,
            dims.toSorted((a, b) => a - b),
          ),
          z.shape.map((n, i) => (dims.includes(i - z.ndim) ? 1 : n)),
        )
      : z
  return contract(
    [
      { x: alone(x, xOnly), labels: xLabels },
      { x: alone(y, yOnly), labels: yLabels },
    ],
    [...xLabels, ...yLabels].filter((l) => !summed.has(l)),
  )
}

/** The Kronecker product: every element of x times the whole of y, `[a, b] ⊗ [c, d] → [ac, bd]`, ranks padded with leading ones. */
export function kron(x: Tensor, y: Tensor, ...end: End): Tensor {
  checkEnd('kron', end)
  checkTensor('kron', x)
  checkTensor('kron', y)
  const rank = Math.max(x.ndim, y.ndim)
  const pad = (t: Tensor): number[] => [...new Array<number>(rank - t.ndim).fill(1), ...t.shape]
  const [a, b] = [pad(x), pad(y)]
  const product = mul(
    reshapeTo(
      x,
      a.flatMap((n) => [n, 1]),
    ),
    reshapeTo(
      y,
      b.flatMap((n) => [1, n]),
    ),
  )
  return reshapeTo(
    product,
    a.map((n, i) => n * b[i]!),
  )
}
