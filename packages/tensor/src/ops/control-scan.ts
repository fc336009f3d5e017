import { TensorRangeError, describe, show } from '../core/errors.ts'
import { type End, checkOptions } from '../core/args.ts'
import type { Tensors } from '../core/op.ts'
import { refusePromise } from '../core/trace.ts'
import { normalizeDim } from '../core/shape.ts'
import { type Tensorial, checkLike, fault, tensorsIn } from './control.ts'
import { lending } from './course.ts'
import { stack } from './join.ts'
import { isRecording } from './program.ts'
import { rounds } from './rounds.ts'
import { select } from './slice.ts'
import { movedim } from './shape.ts'

// Loops over the slices of tensors.

/** Options of `scan`. */
export interface ScanLoopOptions {
  /** the axis of every tensor of xs that is walked; default 0 */
  readonly dim?: number | undefined
  /** from the last slice to the first; default false */
  readonly reverse?: boolean | undefined
  /** the number of rounds, where xs has no tensors that would tell */
  readonly length?: number | undefined
}

/** A tree of results, each with a new leading axis: one entry a round. */
function stacked(results: readonly Tensorial[]): unknown {
  const [first] = results
  return first!.spec.unflatten(
    first!.leaves.map((_, i) =>
      stack(
        results.map((r) => r.leaves[i]!),
        0,
      ),
    ),
  )
}

/**
 * `[carry, y] = f(carry, x)` for every slice x of xs along `dim`; gives the last carry and all y, stacked in front in the
 * order of xs. Carry, xs and y are trees of tensors (y may be `null`); f keeps the carry's structure, shapes and dtypes.
 * Reverse mode keeps what each round computed; wrap f in `checkpoint` to keep the carries alone. In a graph it is one node.
 * @throws TensorTypeError or TensorRangeError if the carry changes its form, f writes into what it is given, or the lengths of xs differ or are 0
 */
export function scan<C, X, Y>(
  f: (carry: C, x: X) => readonly [carry: C, y: Y],
  init: C,
  xs: X,
  options: ScanLoopOptions = {},
  ...end: End
): [carry: C, ys: Y] {
  const op = 'scan'
  if (typeof f !== 'function') throw fault(op, `Combine_fn must be a callable, but got ${describe(f)}`, 'NOT_A_FUNCTION')
  checkOptions(op, options as Record<string, unknown>, ['dim', 'reverse', 'length'], 'tensor', end)
  const { dim = 0, reverse = false, length } = options
  if (typeof reverse !== 'boolean') throw fault(op, `Reverse must be a bool, but got ${describe(reverse)}`, 'REVERSE')
  if (!Number.isInteger(dim)) throw fault(op, `Dim must be an int, but got ${describe(dim)}`, 'DIM_TYPE')
  const start = tensorsIn(op, init, (x) => `All init leaves must be a Tensor, but got ${describe(x)}`)
  const all = tensorsIn(op, xs, (x) => `All xs leaves must be a Tensor, but got ${describe(x)}`)
  const n = scanLength(op, all, dim, length)
  const step = (carry: Tensors, slices: Tensors): readonly [carry: Tensorial, y: Tensorial] => {
    const out: unknown = lending(op, 'combine_fn', [...carry, ...slices], (own) =>
      f(start.spec.unflatten(own.slice(0, carry.length)) as C, all.spec.unflatten(own.slice(carry.length)) as X),
    )
    refusePromise(op, 'tensor', out)
    if (!Array.isArray(out) || out.length !== 2)
      throw fault(op, `Combine_fn must return [carry, y], but got ${describe(out)}`, 'COMBINE_OUTPUT')
    const next = tensorsIn(op, out[0], (v) => `the new_carry must be a tree of tensors, but got ${describe(v)}. Wrap numbers in tensor(x)`)
    checkLike(op, 'the new_carry', next, 'init', start)
    return [next, tensorsIn(op, out[1], (v) => `y must be a tree of tensors, but got ${describe(v)}. Wrap numbers in tensor(x)`)]
  }
  if (isRecording()) {
    let like: Tensorial | undefined
    const [end, stacks] = rounds(
      (carry, slices) => {
        const [next, y] = step(carry, slices)
        like = y
        return [next.leaves, y.leaves]
      },
      { carry: start.leaves, xs: all.leaves.map((t) => (dim === 0 ? t : movedim(t, dim, 0))), length: n, reverse },
    )
    return [start.spec.unflatten(end) as C, like!.spec.unflatten(stacks) as Y]
  }
  let carry = start.leaves
  const ys = new Array<Tensorial>(n)
  for (let k = 0; k < n; k++) {
    const i = reverse ? n - 1 - k : k
    const [next, y] = step(
      carry,
      all.leaves.map((t) => select(t, dim, i)),
    )
    carry = next.leaves
    ys[i] = y
    if (k > 0) checkLike(op, 'y', y, 'the first y', ys[reverse ? n - 1 : 0]!)
  }
  return [start.spec.unflatten(carry) as C, stacked(ys) as Y]
}

function scanLength(op: string, { leaves }: Tensorial, dim: number, length: number | undefined): number {
  if (leaves.length === 0) {
    if (length === undefined || !Number.isInteger(length) || length < 1)
      throw fault(op, `expected xs with a tensor, or { length } ≥ 1 without one, got length ${describe(length)}`, 'NO_XS')
    return length
  }
  for (const x of leaves) {
    if (x.ndim === 0 || dim >= x.ndim || dim < -x.ndim)
      throw new TensorRangeError(
        `All xs leaves must at least have 'dim' number of dimensions and scan dimension > 0, got shape ${show(x.shape)} and dim ${dim}`,
        { op, code: 'DIM_RANGE' },
      )
  }
  const sizes = leaves.map((x) => x.shape[normalizeDim(op, dim, x.ndim)]!)
  if (sizes.some((s) => s !== sizes[0]))
    throw new TensorRangeError(
      `All xs leaves must have the same size along the scan dimension, got shapes [${leaves.map((x) => show(x.shape)).join(', ')}] and dim ${dim}`,
      { op, code: 'SIZES_DIFFER' },
    )
  if (sizes[0] === 0)
    throw new TensorRangeError(
      `All xs leaves must at least have 'dim' number of dimensions and scan dimension > 0, got shape ${show(leaves[0]!.shape)} and dim ${dim}`,
      { op, code: 'EMPTY' },
    )
  if (length !== undefined && length !== sizes[0])
    throw new TensorRangeError(`expected length to be the size of xs along the scan dimension, ${sizes[0]}, got ${length}`, {
      op,
      code: 'SIZES_DIFFER',
    })
  return sizes[0]!
}

/**
 * `f(x, ...args)` for every slice x of xs along the first axis, one after the other; results are stacked in front. Like
 * `vmap` in what it gives, like a loop in its memory. In a graph it is one node.
 * @throws TensorTypeError or TensorRangeError if xs has leaves that are no tensors, or their lengths differ or are 0
 */
export function map<X, A extends readonly unknown[], R>(f: (x: X, ...args: A) => R, xs: X, ...args: A): R {
  const op = 'map'
  if (typeof f !== 'function') throw fault(op, `expected f to be callable, got ${describe(f)}`, 'NOT_A_FUNCTION')
  const all = tensorsIn(op, xs, (x) => `Mapped xs can only consist of tensors. Got xs ${describe(x)}`)
  const { leaves } = all
  if (leaves.length === 0) throw fault(op, `Mapped xs can only consist of tensors. Got xs ${describe(xs)}`, 'NOT_A_TENSOR')
  if (leaves.some((x) => x.ndim === 0 || x.shape[0] !== leaves[0]!.shape[0]))
    throw new TensorRangeError(
      `Leading dimensions of mapped xs must be consistent. Got shapes [${leaves.map((x) => show(x.shape)).join(', ')}].`,
      { op, code: 'SIZES_DIFFER' },
    )
  if (leaves[0]!.shape[0] === 0) throw new TensorRangeError('Leading dimensions of mapped xs cannot be 0.', { op, code: 'EMPTY' })
  const each = (slices: Tensors): Tensorial =>
    tensorsIn(
      op,
      lending(op, 'f', slices, (own) => f(all.spec.unflatten(own) as X, ...args)),
      (y) => `expected f to return a tree of tensors, got ${describe(y)}. Wrap numbers in tensor(x)`,
    )
  const n = leaves[0]!.shape[0]!
  if (isRecording()) {
    let like: Tensorial | undefined
    const [, ys] = rounds((_, slices) => [[], (like = each(slices)).leaves], { name: op, carry: [], xs: leaves, length: n, reverse: false })
    return like!.spec.unflatten(ys) as R
  }
  const results: Tensorial[] = []
  for (let i = 0; i < n; i++) {
    const out = each(leaves.map((t) => select(t, 0, i)))
    if (i > 0) checkLike(op, "f's result", out, 'its first result', results[0]!)
    results.push(out)
  }
  return stacked(results) as R
}
