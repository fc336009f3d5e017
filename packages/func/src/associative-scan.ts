import { type Tensor, flip, movedim } from '@mapgrad/tensor'
import {
  TensorRangeError,
  TensorTypeError,
  type TreeSpec,
  callUser,
  type End,
  checkOptions,
  combineAlong,
  describe,
  isRecording,
  isTensor,
  refusePromise,
  runningPairs,
  show,
  treeFlatten,
} from '@mapgrad/tensor/plugin'
import { vmap } from '@mapgrad/vmap'

/** Options of `associativeScan`. */
export interface AssociativeScanOptions {
  /** from the last slice to the first; default false */
  readonly reverse?: boolean | undefined
  /** kept for PyTorch's sake: f may be any function on every device */
  readonly combineMode?: 'pointwise' | 'generic' | undefined
}

const fault = (message: string, code: string): TensorTypeError =>
  new TensorTypeError(message, { package: 'func', op: 'associativeScan', code })
type Slices = readonly Tensor[]

/**
 * All running combinations of the slices of xs along `dim`: `y₀ = x₀, yᵢ = f(yᵢ₋₁, xᵢ)`, for an associative f of two
 * trees like the slices. It takes about 2 log₂ n calls of f, each for many pairs at once (`vmap`), where `scan` takes n.
 * In a graph it is one node, whose reverse mode goes from slice to slice. With `reverse`, from the end: `yᵢ = f(yᵢ₊₁, xᵢ)`.
 * @throws TensorTypeError or TensorRangeError if f gives another structure, shape or dtype than a slice or writes into one, or xs has no slices
 */
export function associativeScan<X>(f: (x: X, y: X) => X, xs: X, dim: number, options: AssociativeScanOptions = {}, ...end: End): X {
  if (typeof f !== 'function') throw fault(`Combine_fn must be a callable, but got ${describe(f)}`, 'NOT_A_FUNCTION')
  if (!Number.isInteger(dim)) throw fault(`Dim must be an int, but got ${describe(dim)}`, 'DIM_TYPE')
  checkOptions('associativeScan', options as Record<string, unknown>, ['reverse', 'combineMode'], 'func', end)
  const { reverse = false, combineMode = 'pointwise' } = options
  if (typeof reverse !== 'boolean') throw fault(`Reverse must be a bool, but got ${describe(reverse)}`, 'REVERSE')
  if (combineMode !== 'pointwise' && combineMode !== 'generic')
    throw fault(`Combine_mode must either 'pointwise' or 'generic', but got ${describe(combineMode)}`, 'COMBINE_MODE')
  const [leaves, spec] = treeFlatten(xs)
  for (const x of leaves) if (!isTensor(x)) throw fault(`xs leaves must be a Tensor, but got ${describe(x)}`, 'NOT_A_TENSOR')
  if (leaves.length === 0) throw fault('Expected at least 1 xs leaf', 'NO_XS')
  const front = (leaves as Tensor[]).map((x) => {
    if (x.ndim === 0 || dim >= x.ndim || dim < -x.ndim || x.shape.at(dim) === 0)
      throw new TensorRangeError(
        `All xs leaves must at least have 'dim' number of dimensions and scan dimension > 0, got shape ${show(x.shape)} and dim ${dim}`,
        { package: 'func', op: 'associativeScan', code: 'DIM_RANGE' },
      )
    const y = movedim(x, dim, 0)
    return reverse ? flip(y, [0]) : y
  })
  const n = front[0]!.shape[0]!
  if (front.some((x) => x.shape[0] !== n))
    throw new TensorRangeError(
      `All xs leaves must have the same size along the scan dimension, got shapes [${(leaves as Tensor[]).map((x) => show(x.shape)).join(', ')}] and dim ${dim}`,
      { package: 'func', op: 'associativeScan', code: 'SIZES_DIFFER' },
    )
  const pair = (a: Slices, b: Slices): Slices => combined(f, spec, a, b)
  const ys = isRecording() ? combineAlong(pair, front) : runningPairs(vmap(pair, { randomness: 'different' }), front)
  return spec.unflatten(ys.map((y) => movedim(reverse ? flip(y, [0]) : y, 0, dim))) as X
}

/** f of two slices, checked. */
function combined<X>(f: (x: X, y: X) => X, spec: TreeSpec, a: Slices, b: Slices): Slices {
  const { out: given, written } = callUser([...a, ...b], (own) =>
    refusePromise('associativeScan', 'func', f(spec.unflatten(own.slice(0, a.length)) as X, spec.unflatten(own.slice(a.length)) as X)),
  )
  if (written.includes(true))
    throw fault(
      'Higher order ops do not support input mutation: combine_fn wrote into what it was given. Work on x.clone(), or use operations without an underscore',
      'INPUT_MUTATION',
    )
  const [out, got] = treeFlatten(given)
  if (!got.equals(spec)) throw fault(`expected combine_fn to return a tree like a slice of xs, ${spec}, got ${got}`, 'STRUCTURE')
  out.forEach((y, i) => {
    const x = a[i]!
    if (!isTensor(y) || y.dtype !== x.dtype || show(y.shape) !== show(x.shape))
      throw fault(`expected combine_fn to keep shape and dtype, ${x.dtype}${show(x.shape)}, got ${describe(y)}`, 'SHAPE_MISMATCH')
  })
  return out as Tensor[]
}
