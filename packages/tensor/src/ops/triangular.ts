import { expr as e } from '@mapgrad/kernel'
import { type Args, type End, checkEnd, readArgs } from '../core/args.ts'
import { TensorRangeError, show } from '../core/errors.ts'
import { type Layout, type Op, defineOp } from '../core/op.ts'
import { checkTensor } from '../core/promote.ts'
import { normalizeDim, numel, sameShape } from '../core/shape.ts'
import { linear, loop, pieces, sameAval, view } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { cast, filledLike } from './cast.ts'
import { checkInteger } from './integers.ts'
import { sumDims } from './reduce.ts'
import { apart, permuteDims, reshapeTo } from './view.ts'
import { where } from './where.ts'

type X = [x: Tensor]
interface DiagonalParams {
  readonly offset: number
  readonly rows: number
  readonly columns: number
}

const lengthOf = ({ offset, rows, columns }: DiagonalParams): number =>
  Math.max(0, Math.min(rows + Math.min(offset, 0), columns - Math.max(offset, 0)))

/** Where the diagonals of the matrices in the last two axes lie. */
function along(x: Layout, params: DiagonalParams): Layout {
  const [row, column] = x.strides.slice(-2) as [number, number]
  const length = lengthOf(params)
  const start = length === 0 ? 0 : params.offset < 0 ? -params.offset * row : params.offset * column
  return { shape: [...x.shape.slice(0, -2), length], strides: [...x.strides.slice(0, -2), row + column], offset: x.offset + start }
}

/** `[…, m, n] → […, k]`: the diagonals of matrices, `offset` above the main one. A view. */
export const diagonalOf: Op<X, DiagonalParams, [x: Tensor, params: DiagonalParams]> = defineOp({
  name: 'diagonal',
  args: (x: Tensor, params: DiagonalParams): readonly [X, DiagonalParams] => [[x], params],
  result: ([x], params) => ({ shape: [...x.shape.slice(0, -2), lengthOf(params)], dtype: x.dtype }),
  compute: view((x, params) => along(x, params), { put: (x, v, params) => replaceDiagonal(x, v, params) }),
  batch: 'leading',
  diff: linear((ct, _, params) => embedDiagonal(ct, params)),
})

/** `[…, k] → […, m, n]`: the transpose of `diagonalOf`, zero beside the diagonals. */
export const embedDiagonal: Op<X, DiagonalParams, [x: Tensor, params: DiagonalParams]> = defineOp({
  name: 'diag_embed',
  args: (x: Tensor, params: DiagonalParams): readonly [X, DiagonalParams] => [[x], params],
  result: ([x], { rows, columns }) => ({ shape: [...x.shape.slice(0, -1), rows, columns], dtype: x.dtype }),
  compute: pieces((_, params, out) => [along(out, params)], { cover: false }),
  batch: 'leading',
  diff: linear((ct, _, params) => diagonalOf(ct, params)),
})

/** x with the diagonals that `diagonalOf` gives replaced by v. */
function replaceDiagonal(x: Tensor, v: Tensor, params: DiagonalParams): Tensor {
  const on = embedDiagonal(filledLike(v, true, 'bool', v.shape), params)
  return where(on, embedDiagonal(cast(v, x.dtype), params), x)
}

/** Arguments of `diagonal` and `diagEmbed`. */
export interface DiagonalOptions {
  readonly offset?: number
  readonly dim1?: number
  readonly dim2?: number
}

function twoDims(op: string, dim1: number, dim2: number, rank: number): [number, number] {
  const [a, b] = [normalizeDim(op, dim1, rank), normalizeDim(op, dim2, rank)]
  if (a === b) throw new TensorRangeError(`diagonal dimensions cannot be identical ${dim1}, ${dim2}`, { op, code: 'DIM_REPEATED' })
  return [a, b]
}

/** The diagonals of the matrices in axes `dim1`, `dim2` (default 0, 1), `offset` above the main one, as a new last axis. A view. */
export function diagonal(x: Tensor, ...args: Args<[offset?: number, dim1?: number, dim2?: number], DiagonalOptions>): Tensor {
  const { offset = 0, dim1 = 0, dim2 = 1 } = readArgs<DiagonalOptions>('diagonal', args, ['offset', 'dim1', 'dim2'])
  checkTensor('diagonal', x)
  const [a, b] = twoDims('diagonal', dim1, dim2, x.ndim)
  const rest = x.shape.map((_, i) => i).filter((i) => i !== a && i !== b)
  return diagonalOf(permuteDims(x, [...rest, a, b]), {
    offset: checkInteger('diagonal', 'offset', offset),
    rows: x.shape[a]!,
    columns: x.shape[b]!,
  })
}

/** Matrices in axes `dim1`, `dim2` (default −2, −1) of the result with the last axis of x as their diagonals, zero elsewhere. */
export function diagEmbed(x: Tensor, ...args: Args<[offset?: number, dim1?: number, dim2?: number], DiagonalOptions>): Tensor {
  const { offset = 0, dim1 = -2, dim2 = -1 } = readArgs<DiagonalOptions>('diagEmbed', args, ['offset', 'dim1', 'dim2'])
  checkTensor('diagEmbed', x)
  const rank = x.ndim + 1
  const [a, b] = twoDims('diagEmbed', dim1, dim2, rank)
  const n = x.shape.at(-1)! + Math.abs(checkInteger('diagEmbed', 'offset', offset))
  const y = embedDiagonal(x, { offset, rows: n, columns: n })
  const order: number[] = []
  let next = 0
  for (let i = 0; i < rank; i++) order.push(i === a ? rank - 2 : i === b ? rank - 1 : next++)
  return permuteDims(y, order)
}

/** Arguments of `diagonalScatter`. */
export interface DiagonalScatterOptions extends DiagonalOptions {
  readonly src?: Tensor
}

/** x with the diagonal that `diagonal` would give replaced by src. */
export function diagonalScatter(
  x: Tensor,
  ...args: Args<[src: Tensor, offset?: number, dim1?: number, dim2?: number], DiagonalScatterOptions>
): Tensor {
  const {
    src,
    offset = 0,
    dim1 = 0,
    dim2 = 1,
  } = readArgs<DiagonalScatterOptions>('diagonalScatter', args, ['src', 'offset', 'dim1', 'dim2'])
  checkTensor('diagonalScatter', x)
  checkTensor('diagonalScatter', src, 'src to be a Tensor')
  const { shape } = diagonal(x, offset, dim1, dim2)
  if (!sameShape(src!.shape, shape))
    throw new TensorRangeError(
      `expected src to have a size equal to the slice of self. src size = ${show(src!.shape)}, slice size = ${show(shape)}`,
      { op: 'diagonalScatter', code: 'SHAPE_MISMATCH' },
    )
  const [a, b] = twoDims('diagonalScatter', dim1, dim2, x.ndim)
  const order = [...x.shape.map((_, i) => i).filter((i) => i !== a && i !== b), a, b]
  const params: DiagonalParams = { offset, rows: x.shape[a]!, columns: x.shape[b]! }
  const y = replaceDiagonal(permuteDims(x, order), src!, params)
  return permuteDims(
    y,
    order.map((_, i) => order.indexOf(i)),
  )
}

interface Diagonal {
  readonly diagonal?: number
}

/** Of a vector, the matrix with it as diagonal; of a matrix, its diagonal. */
export function diag(x: Tensor, ...args: Args<[diagonal?: number], Diagonal>): Tensor {
  const { diagonal: offset = 0 } = readArgs<Diagonal>('diag', args, ['diagonal'])
  checkTensor('diag', x)
  if (x.ndim !== 1 && x.ndim !== 2)
    throw new TensorRangeError(`diag(): Supports 1D or 2D tensors. Got ${x.ndim}D`, { op: 'diag', code: 'RANK' })
  return x.ndim === 1 ? diagEmbed(x, offset) : apart(diagonal(x, offset))
}
/** `diagEmbed` of the flattened tensor. */
export function diagflat(x: Tensor, ...args: Args<[offset?: number], { readonly offset?: number }>): Tensor {
  const { offset = 0 } = readArgs<{ readonly offset?: number }>('diagflat', args, ['offset'])
  checkTensor('diagflat', x)
  return diagEmbed(reshapeTo(x, [numel(x.shape)]), offset)
}

type Triangle = Op<X, { readonly diagonal: number }, [x: Tensor, ...args: Args<[diagonal?: number], Diagonal>]>

/** The matrices in the last two axes with zeros on one side of a diagonal. Its own transpose. */
const triangle = /* @__NO_SIDE_EFFECTS__ */ (name: 'tril' | 'triu'): Triangle => {
  const op: Triangle = defineOp<X, { readonly diagonal: number }, [x: Tensor, ...args: Args<[diagonal?: number], Diagonal>]>({
    name,
    args: (x, ...args) => {
      const { diagonal = 0 } = readArgs<Diagonal>(name, args, ['diagonal'])
      checkTensor(name, x)
      if (x.ndim < 2)
        throw new TensorRangeError(`${name}: input tensor must have at least 2 dimensions, got shape ${show(x.shape)}`, {
          op: name,
          code: 'RANK',
        })
      return [[x], { diagonal: checkInteger(name, 'diagonal', diagonal) }]
    },
    result: sameAval,
    compute: loop(([x], { diagonal }) => ({
      variant: '',
      loop: () => {
        const above = e.sub(e.index(-1), e.index(-2))
        const k = e.scalar(0, 'int32')
        return {
          inputs: [x.dtype],
          scalars: ['int32'],
          body: e.select(name === 'tril' ? e.le(above, k) : e.ge(above, k), e.input(0, x.dtype), e.constant(0, x.dtype)),
        }
      },
      inputs: [{ strides: x.strides, offset: x.offset }],
      scalars: [diagonal],
    })),
    batch: 'leading',
    diff: linear((ct, _, params) => op.bind([ct], params)),
  })
  return op
}

/** The matrices in the last two axes with zeros above the diagonal that lies `diagonal` above the main one. */
export const tril: Triangle = triangle('tril')
/** The matrices in the last two axes with zeros below the diagonal that lies `diagonal` above the main one. */
export const triu: Triangle = triangle('triu')

/** The sum of a matrix's diagonal. */
export function trace(x: Tensor, ...end: End): Tensor {
  checkEnd('trace', end)
  checkTensor('trace', x)
  if (x.ndim !== 2) throw new TensorRangeError(`trace: expected a matrix, but got tensor with dim ${x.ndim}`, { op: 'trace', code: 'RANK' })
  return sumDims(diagonal(x), [-1])
}
