import { TensorTypeError, isMapgradError } from '../core/errors.ts'
import { isTensor } from '../core/handle.ts'
import type { Tensors } from '../core/op.ts'
import { readSync } from '../core/read.ts'
import { numel } from '../core/shape.ts'
import type { Tensor } from '../tensor.ts'
import { logicalAnd } from './binary.ts'
import { cast } from './cast.ts'
import { examplesOf, whereItHolds } from './settle.ts'
import { reshapeTo } from './view.ts'
import { where } from './where.ts'

// The course of a program where it can be read while it runs.

/** A condition: known, or one that differs between examples or is not known yet. */
export function decide(op: string, pred: unknown, refuse: () => string): boolean | Tensor {
  if (typeof pred === 'boolean') return pred
  if (!isTensor(pred) || numel(pred.shape) !== 1) throw new TensorTypeError(refuse(), { op, code: 'PREDICATE' })
  const flag = cast(pred, 'bool')
  const condition = flag.ndim === 0 ? flag : reshapeTo(flag, [])
  try {
    return readSync(condition.value.concrete(op), op)[0] !== 0
  } catch (e) {
    if (isMapgradError(e) && e.code === 'UNREADABLE') return condition
    throw e
  }
}

/** Calls a function of the user's on tensors under handles of its own, and refuses one that writes into them. */
export function lending<R>(op: string, what: string, xs: Tensors, f: (own: Tensors) => R): R {
  const own = xs.map((x) => x.wrap(x.value))
  const before = own.map((x) => x.value)
  const out = f(own)
  if (own.some((x, i) => x.value !== before[i]))
    throw new TensorTypeError(
      `Higher order ops do not support input mutation: ${what} wrote into what it was given. Work on x.clone(), or use operations without an underscore`,
      { op, code: 'INPUT_MUTATION' },
    )
  return out
}

/** `round` after round as long as the condition holds; where examples differ in it, those that are done keep what they have. */
export function untilDone(
  op: string,
  condition: (now: Tensors) => boolean | Tensor,
  round: (now: Tensors) => Tensors,
  start: Tensors,
  maxIterations: number,
): Tensors {
  let now = start
  /** for which examples the loop goes on; `null` as long as they agree */
  let active: Tensor | null = null
  for (let i = 0; i < maxIterations; i++) {
    const goes = condition(now)
    if (goes === false) break
    if (goes !== true) active = active ? logicalAnd(active, goes) : goes
    const seen = active ? examplesOf(op, active) : null
    if (active && !seen && maxIterations === Infinity)
      throw new TensorTypeError(
        'expected values that can be read while the loop runs, since they alone tell when it is done, got those of a device that reads asynchronously. Give { maxIterations }, or a fixed number of rounds with forLoop or scan',
        { op, code: 'UNREADABLE' },
      )
    if (seen && !seen.any) break
    if (!active || seen?.all) now = round(now)
    else {
      const [before, mask] = [now, active]
      now = whereItHolds(mask, () => round(before)).map((y, k) => where(mask, y, before[k]!))
    }
  }
  return now
}
