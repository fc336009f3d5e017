import { auxLeaves, outputs, splitAux } from '@mapgrad/autodiff/plugin'
import type { Tensors, TreeSpec } from '@mapgrad/tensor/plugin'

export type Op = 'jacrev' | 'jacfwd'
/** The call that does the work, as PyTorch writes it in messages. */
const CALLS: Readonly<Record<Op, string>> = { jacrev: 'vjp(f, *primals)', jacfwd: 'jvp(f, primals, tangents)' }

/** What a function gave, taken apart. */
export interface Result {
  readonly ys: Tensors
  readonly spec: TreeSpec
  readonly aux: Tensors
  readonly auxSpec: TreeSpec | null
}

/** What the user's function returned, taken apart and checked. */
export function readResult(op: Op, out: unknown, hasAux: boolean): Result {
  const [value, extra] = splitAux(op, CALLS[op], out, hasAux)
  const [ys, spec] = outputs(op, CALLS[op], value)
  const [aux, auxSpec] = hasAux ? auxLeaves(op, extra) : [[], null]
  return { ys, spec, aux, auxSpec }
}

/** Blocks put into the trees of the outputs and of the arguments: `blocks[k][j]` is of output k and leaf j. */
export function assemble(blocks: readonly Tensors[], result: Result, restore: (leaves: Tensors) => unknown): unknown {
  const jacobian = result.spec.unflatten(blocks.map((row) => restore(row)))
  return result.auxSpec ? [jacobian, result.auxSpec.unflatten(result.aux)] : jacobian
}
