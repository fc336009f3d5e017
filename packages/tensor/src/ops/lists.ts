import type { AnyOp, BatchContext, Dim, Fn, Linearize, Tangent, Tensors, Vjp } from '../core/op.ts'
import { isFloating } from '../core/promote.ts'
import { drawsRandomly } from '../core/trace.ts'
import type { Aval } from '../core/value.ts'
import { diffOf } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { filledLike } from './cast.ts'
import type { Like } from './program.ts'

// Lists of operands of which some are differentiated or mapped: what the rules of ops with programs share.

export const zerosLike = (x: Tensor, { shape, dtype }: Aval = x): Tensor => filledLike(x, 0, dtype, shape)
export const orZeros = (d: Tangent | undefined, x: Tensor): Tensor => d ?? zerosLike(x)
/** Those of a list for which it holds. */
export const those = <T>(list: readonly T[], holds: readonly boolean[]): T[] => list.filter((_, i) => holds[i])
/** A list with these in the places for which it holds, the others `null`. */
export function spread<T>(some: readonly T[], holds: readonly boolean[]): (T | null)[] {
  let k = 0
  return holds.map((h) => (h ? some[k++]! : null))
}
/** `all` with others in the places for which it holds. */
export const replaced = (all: Tensors, holds: readonly boolean[], by: Tensors): Tensor[] => spread(by, holds).map((y, i) => y ?? all[i]!)

/**
 * What `f` gives as a derivative with respect to those operands computes it: a rule of the user's may bring a computation of its own,
 * which is what derivatives around it follow.
 */
export const valuesAlong = (f: Fn, along: Vjp | Linearize, all: Tensors, holds: readonly boolean[]): Tensors =>
  holds.includes(true) ? along((...some) => f(...replaced(all, holds, some)), those(all, holds))[0] : (f(...all) as Tensors)

/** For how many of a list it holds. */
export const count = (holds: readonly boolean[]): number => holds.filter(Boolean).length

/** Says of an op whether what makes its operands special makes its output so; `any` says whether some operand is. */
export type Passes = (op: AnyOp, params: unknown, any: boolean, out: Aval) => boolean
/** What depends on what moves, moves, through ops that have a derivative. */
export const moves: Passes = (op, _params, any, out) => any && isFloating(out) && diffOf(op).kind !== 'constant'
/** What differs between examples: what depends on something that does, and draws that shall. */
export const differs =
  ({ randomness }: BatchContext): Passes =>
  (op, params, any) =>
    any || (randomness === 'different' && drawsRandomly(op, params))

/** An operand like one example of this tensor. */
export const likeExample = (tensor: Tensor, dim: Dim): Like => ({
  tensor,
  aval: { shape: dim === null ? tensor.shape : tensor.shape.toSpliced(dim, 1), dtype: tensor.dtype },
})
/** What a condition gives. */
export const scalarFlag: Aval = { shape: [], dtype: 'bool' }
/** Shape and dtype of slices along the first axis. */
export const sliceOf = ({ shape, dtype }: Aval): Aval => ({ shape: shape.slice(1), dtype })
