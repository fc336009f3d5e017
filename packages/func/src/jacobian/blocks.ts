import { type Tensor, cat, eye } from '@mapgrad/tensor'
import {
  type Shape,
  type Tangent,
  type Tensors,
  bytesOf,
  cast,
  filledLike,
  inStretches,
  internally,
  moveAxis,
  numel,
  registry,
  reshapeTo,
} from '@mapgrad/tensor/plugin'
import { type Randomness, materialize, vmapFlat } from '@mapgrad/vmap/plugin'
import { sizesAreOpen } from './mode.ts'

// A Jacobian is computed in blocks, one a pair of output and leaf, from unit vectors in batches.

/** Whether there is one element and no other number of them. */
const isOne = (x: Tensor): boolean => x.ndim === 0 || (numel(x.shape) === 1 && !sizesAreOpen())

/** `count` rows, from the row `from` on (which may lie before the first), of the identity over the elements of `x`: `[count, ...x.shape]`. No more than these is made. */
export function units(x: Tensor, from: number, count: number): Tensor {
  return internally(() => {
    const n = numel(x.shape)
    const fill = (value: number, ...shape: number[]): Tensor => filledLike(x, value, x.dtype, shape)
    if (isOne(x) && count === 1 && from === 0) return fill(1, 1, ...x.shape)
    const first = Math.max(from, 0)
    const some = Math.max(Math.min(from + count, n) - first, 0)
    const square = eye(some, { dtype: x.dtype, device: x.value.backend })
    const row = n === some ? square : cat([fill(0, some, first), square, fill(0, some, n - first - some)], 1)
    const rows = some === count ? row : cat([fill(0, first - from, n), row, fill(0, count - some - first + from, n)], 0)
    return reshapeTo(rows, [count, ...x.shape])
  })
}

/** A batch of one as it is, without its axis. */
const single = (x: Tensor): Tensor => reshapeTo(x, x.shape.slice(1))
const zeros = (x: Tensor): Tensor => filledLike(x, 0, x.dtype, x.shape)

/** What all rows of a batch may take together before it is cheaper to have fewer of them: measured, see docs/adr/0014-jacobian-mode.md. */
const BATCH_BYTES = 2 ** 22
const FEWEST = 128
/** How many rows at a time are cheapest, where nobody said. Inside another transform temporaries stay anyway. */
function bestChunk(n: number, like: Tensors): number {
  if (registry().top !== null) return n
  const bytes = Math.max(1, ...like.map((y) => numel(y.shape) * bytesOf(y.dtype)))
  return Math.max(FEWEST, Math.floor(BATCH_BYTES / bytes))
}

/**
 * `linear` applied to each unit vector of `x`, at most `chunk` at a time, the results stacked in front: of the shapes and dtypes of `like`
 * where it gives nothing. One at a time is a plain loop, that has none of the limits of `vmap`.
 */
export function stacked(x: Tensor, chunk: number | null, like: Tensors, linear: (d: Tensor) => readonly Tangent[]): readonly Tensor[] {
  const n = numel(x.shape)
  const one = (d: Tensor): Tensor[] => linear(d).map((y, i) => y ?? zeros(like[i]!))
  const dims = like.map(() => 0)
  const loop = isOne(x) || (chunk === 1 && n > 0)
  const [joined] = inStretches(n, chunk ?? bestChunk(n, like), (from, count) => {
    const d = units(x, from, count)
    const parts = loop
      ? internally(() => one(single(d)).map((y) => reshapeTo(y, [1, ...y.shape])))
      : vmapFlat(([v], trace) => internally(() => one(v!).map((y) => materialize(trace, y, 0))), [d], [0], count, 'error')
    return { parts, dims, rest: null }
  })
  return joined
}

/** Rows stacked in front as one block of a Jacobian: `[...y, ...x]`. */
export const fromRows = (rows: Tensor, y: Shape, x: Shape): Tensor => reshapeTo(rows, [...y, ...x])
/** Columns stacked in front as one block of a Jacobian: `[...y, ...x]`. */
export const fromColumns = (columns: Tensor, y: Shape, x: Shape): Tensor => reshapeTo(moveAxis(columns, 0, columns.ndim - 1), [...y, ...x])
/** A block that is zero. */
export const noBlock = (y: Shape, x: Shape, like: Tensor): Tensor => filledLike(like, 0, like.dtype, [...y, ...x])
export const inDtype = (x: Tensor, like: Tensor): Tensor => cast(x, like.dtype)

/** Runs `f` where random draws do what `randomness` says, as under `vmap`, though nothing is mapped. */
export function besideVmap<R>(randomness: Randomness, f: () => R): R {
  let out: { readonly r: R } | undefined
  vmapFlat(
    () => {
      out = { r: f() }
      return []
    },
    [],
    [],
    1,
    randomness === 'different' ? 'same' : randomness,
  )
  return out!.r
}
