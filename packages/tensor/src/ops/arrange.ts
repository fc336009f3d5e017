import { type Args, isOptions, readArgs } from '../core/args.ts'
import { TensorRangeError, TensorTypeError, describe, show } from '../core/errors.ts'
import { checkTensor } from '../core/promote.ts'
import { normalizeDim, numel } from '../core/shape.ts'
import type { Tensor } from '../tensor.ts'
import { concat } from './join.ts'
import { type Numbers, checkInteger, checkIntegers, readNumbers } from './integers.ts'
import { tensorsOf, transpose } from './shape.ts'
import { flip, narrowAxis } from './slice.ts'
import { apart, atLeast1, clone, expandTo, moveAxis, reshapeTo } from './view.ts'

// Elements repeated, rotated, or spread over a grid.

/** The tensor repeated as a whole, `repeats[i]` times along axis i; more repeats than axes make leading axes. */
export function repeat(x: Tensor, ...repeats: Numbers<'repeats'>): Tensor {
  checkTensor('repeat', x)
  const times = readNumbers('repeat', repeats, 'repeats')
  const lead = times.length - x.ndim
  if (lead < 0)
    throw new TensorRangeError(
      `Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor, got repeats ${show(times)} for shape ${show(x.shape)}`,
      { op: 'repeat', code: 'RANK' },
    )
  const sizes = times.map((_, i) => x.shape[i - lead] ?? 1)
  const shape = times.map((n, i) => n * sizes[i]!)
  const bad = times.findIndex((n) => n < 0)
  if (bad >= 0)
    throw new TensorRangeError(`Trying to create tensor with negative dimension ${shape[bad]}: ${show(shape)}`, {
      op: 'repeat',
      code: 'SIZE',
    })
  return apart(
    reshapeTo(
      expandTo(
        reshapeTo(
          x,
          sizes.flatMap((n) => [1, n]),
        ),
        sizes.flatMap((n, i) => [times[i]!, n]),
      ),
      shape,
    ),
  )
}

/** `repeat` where fewer repeats than axes mean the last axes. */
export function tile(x: Tensor, ...dims: Numbers<'dims'>): Tensor {
  checkTensor('tile', x)
  const list = readNumbers('tile', dims, 'dims')
  return repeat(x, [...new Array<number>(Math.max(x.ndim - list.length, 0)).fill(1), ...list])
}

/** Arguments of `roll`. */
export interface RollOptions {
  readonly shifts?: number | readonly number[]
  readonly dims?: number | readonly number[] | null
}

/** Elements moved `shifts` places along `dims`, those that leave at the end entering at the start; without dims, along the flattened tensor. */
export function roll(
  x: Tensor,
  ...args: Args<[shifts: number | readonly number[], dims?: number | readonly number[] | null], RollOptions>
): Tensor {
  const { shifts, dims } = readArgs<RollOptions>('roll', args, ['shifts', 'dims'])
  checkTensor('roll', x)
  const list = (v: unknown): unknown => (typeof v === 'number' ? [v] : (v ?? []))
  const by = checkIntegers('roll', 'shifts', list(shifts))
  const along = checkIntegers('roll', 'dims', list(dims), 'DIM_TYPE')
  if (by.length === 0) throw new TensorRangeError('`shifts` required', { op: 'roll', code: 'SHIFTS' })
  if (along.length === 0 && by.length === 1) return reshapeTo(roll(reshapeTo(x, [numel(x.shape)]), by, 0), x.shape)
  if (by.length !== along.length)
    throw new TensorRangeError(`shifts and dimensions must align. shifts: ${by.length}, dims:${along.length}`, {
      op: 'roll',
      code: 'SHIFTS',
    })
  let y = x
  along.forEach((d, i) => {
    const axis = normalizeDim('roll', d, x.ndim)
    const n = x.shape[axis] ?? 1
    const cut = n === 0 ? 0 : ((-checkInteger('roll', 'shifts', by[i]) % n) + n) % n
    if (cut !== 0) y = concat([narrowAxis(y, axis, cut, n - cut), narrowAxis(y, axis, 0, cut)], axis - x.ndim)
  })
  return y === x ? clone(x) : y
}

/** Arguments of `rot90`. */
export interface Rot90Options {
  readonly k?: number
  readonly dims?: readonly number[]
}

/** Turned `k` times by 90° in the plane of `dims` (default [0, 1]), from the first towards the second. A view. */
export function rot90(x: Tensor, ...args: Args<[k?: number, dims?: readonly number[]], Rot90Options>): Tensor {
  const { k = 1, dims = [0, 1] } = readArgs<Rot90Options>('rot90', args, ['k', 'dims'])
  checkTensor('rot90', x)
  checkIntegers('rot90', 'dims', dims)
  if (dims.length !== 2)
    throw new TensorRangeError(`expected total rotation dims == 2, but got dims = ${dims.length}`, { op: 'rot90', code: 'DIMS' })
  if (x.ndim < 2) throw new TensorRangeError(`expected total dims >= 2, but got total dims = ${x.ndim}`, { op: 'rot90', code: 'RANK' })
  const [a, b] = dims.map((d) => normalizeDim('rot90', d, x.ndim)) as [number, number]
  if (a === b)
    throw new TensorRangeError(`expected rotation dims to be different, but got dim0 = ${dims[0]} and dim1 = ${dims[1]}`, {
      op: 'rot90',
      code: 'DIMS',
    })
  switch (((checkInteger('rot90', 'k', k) % 4) + 4) % 4) {
    case 1:
      return transpose(flip(x, b), a, b)
    case 2:
      return flip(x, a, b)
    case 3:
      return transpose(flip(x, a), a, b)
    default:
      return clone(x)
  }
}

/** Options of `meshgrid`. */
export interface MeshgridOptions {
  /** `'ij'` (default): axis i of the grids is that of the i-th vector; `'xy'`: the first two exchanged */
  readonly indexing?: 'ij' | 'xy'
}

/** Grids of coordinates: each of the vectors repeated along the axes of the others. Views. */
export function meshgrid(...args: readonly (Tensor | readonly Tensor[] | MeshgridOptions)[]): Tensor[] {
  const last = args.at(-1)
  const options = isOptions(last) ? readArgs<MeshgridOptions>('meshgrid', [last], [], ['indexing']) : {}
  const xs = tensorsOf('meshgrid', (isOptions(last) ? args.slice(0, -1) : args) as readonly (Tensor | readonly Tensor[])[])
  const { indexing = 'ij' } = options
  if (xs.length === 0) throw new TensorRangeError('meshgrid expects a non-empty TensorList', { op: 'meshgrid', code: 'EMPTY_LIST' })
  for (const x of xs) {
    if (x.ndim > 1)
      throw new TensorRangeError(`torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got shape ${show(x.shape)}`, {
        op: 'meshgrid',
        code: 'RANK',
      })
    if (x.dtype !== xs[0]!.dtype)
      throw new TensorTypeError(`meshgrid expects all tensors to have the same dtype, got ${xs[0]!.dtype} and ${x.dtype}`, {
        op: 'meshgrid',
        code: 'DTYPE',
      })
  }
  if (indexing !== 'ij' && indexing !== 'xy')
    throw new TensorTypeError(`torch.meshgrid: indexing must be one of "xy" or "ij", but received: ${describe(indexing)}`, {
      op: 'meshgrid',
      code: 'INDEXING',
    })
  const shape = xs.map((x) => x.shape[0] ?? 1)
  const grids = xs.map((x, i) =>
    expandTo(
      reshapeTo(
        atLeast1(x),
        shape.map((n, d) => (d === i ? n : 1)),
      ),
      shape,
    ),
  )
  return indexing === 'xy' && xs.length > 1 ? grids.map((g) => moveAxis(g, 1, 0)) : grids
}
