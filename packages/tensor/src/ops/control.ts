import { TensorRangeError, TensorTypeError, describe, isMapgradError, show } from '../core/errors.ts'
import { checkOptions } from '../core/args.ts'
import { isTensor } from '../core/handle.ts'
import { readSync } from '../core/read.ts'
import { refusePromise } from '../core/trace.ts'
import { numel } from '../core/shape.ts'
import { type TreeSpec, treeFlatten } from '../core/tree.ts'
import { add, logicalAnd } from './binary.ts'
import { cast } from './cast.ts'
import { lt } from './compare.ts'
import { examplesOf, whereItHolds } from './settle.ts'
import { reshapeTo } from './view.ts'
import { logicalNot } from './unary.ts'
import { where } from './where.ts'
import { tensor } from '../create/tensor.ts'
import type { Tensor } from '../tensor.ts'

// Branches and loops whose course may depend on tensors. Where the course can be read, the branch runs as if it stood
// there: every transform sees its ops, and what it closes over needs no care. Where it differs between the examples of a
// batch, all ways run and each example takes its own.

export const fault = (op: string, message: string, code: string): TensorTypeError => new TensorTypeError(message, { op, code })

/** A tree whose leaves are tensors. */
export interface Tensorial {
  readonly leaves: readonly Tensor[]
  readonly spec: TreeSpec
}

/** The tensors of a tree that must have no other leaves. */
export function tensorsIn(op: string, tree: unknown, refuse: (leaf: unknown) => string): Tensorial {
  refusePromise(op, 'tensor', tree)
  const [leaves, spec] = treeFlatten(tree)
  for (const x of leaves) if (!isTensor(x)) throw fault(op, refuse(x), 'NOT_A_TENSOR')
  return { leaves: leaves as Tensor[], spec }
}

/** A condition: known, or one that differs between examples. */
function decide(op: string, pred: unknown, refuse: () => string): boolean | Tensor {
  if (typeof pred === 'boolean') return pred
  if (!isTensor(pred) || numel(pred.shape) !== 1) throw fault(op, refuse(), 'PREDICATE')
  const condition = reshapeTo(cast(pred, 'bool'), [])
  try {
    return readSync(condition.value.concrete(op), op)[0] !== 0
  } catch (e) {
    if (isMapgradError(e) && e.code === 'UNREADABLE') return condition
    throw e
  }
}

const avalText = (x: Tensor): string => `${x.dtype}${show(x.shape)}`

/** Refuses results that differ in structure, shape or dtype from what they stand in for. */
export function checkLike(op: string, what: string, got: Tensorial, whatElse: string, like: Tensorial): void {
  if (!got.spec.equals(like.spec))
    throw fault(op, `expected ${what} in the structure of ${whatElse}, ${like.spec}, got ${got.spec}`, 'STRUCTURE')
  got.leaves.forEach((x, i) => {
    const y = like.leaves[i]!
    if (x.dtype !== y.dtype)
      throw fault(
        op,
        `The dtype of ${what}[${i}] must be that of ${whatElse}[${i}]: got ${avalText(x)} and ${avalText(y)}. Convert with .to('${y.dtype}')`,
        'DTYPE_MISMATCH',
      )
    if (show(x.shape) !== show(y.shape))
      throw new TensorRangeError(`The shape of ${what}[${i}] must be that of ${whatElse}[${i}]: got ${avalText(x)} and ${avalText(y)}`, {
        op,
        code: 'SHAPE_MISMATCH',
      })
  })
}

/**
 * `trueFn(...operands)` where `pred` holds, else `falseFn(...operands)`. Both give trees of tensors of one structure, shape
 * and dtype. Where `pred` can be read, one of them runs; where it differs between the examples of a `vmap`, both run, each
 * on the values of examples that take it, and each example has the values and derivatives of its own.
 * @throws TensorTypeError if `pred` is no boolean and no tensor of one element, or the branches differ
 */
export function cond<A extends readonly unknown[], R>(
  pred: boolean | Tensor,
  trueFn: (...operands: A) => R,
  falseFn: (...operands: A) => R,
  operands?: readonly [...A],
): R {
  const shown = isTensor(pred) ? `tensor of shape ${show(pred.shape)}` : typeof pred === 'string' ? pred : describe(pred)
  const chosen = decide('cond', pred, () =>
    isTensor(pred)
      ? `Expected pred to be bool or single-element tensor, but got ${shown}.`
      : `Expected pred to be bool or tensor, but got ${shown}.`,
  )
  if (typeof trueFn !== 'function' || typeof falseFn !== 'function')
    throw fault('cond', 'Expect both branches to be callable.', 'NOT_A_FUNCTION')
  const given = (operands ?? []) as unknown as A
  if (!Array.isArray(given))
    throw fault(
      'cond',
      `Expect operands to be a tuple of possibly nested dict/list/tuple that only consists of tensor leaves, but got ${describe(operands)}.`,
      'OPERANDS',
    )
  tensorsIn(
    'cond',
    given,
    (x) => `Expect operands to be a tuple of possibly nested dict/list/tuple that only consists of tensor leaves, but got ${describe(x)}.`,
  )
  const run = (f: (...operands: A) => R): Tensorial =>
    tensorsIn(
      'cond',
      f(...(given as unknown as A)),
      (x) => `expected branches to return trees of tensors, got ${describe(x)}. Wrap numbers in tensor(x)`,
    )
  if (typeof chosen === 'boolean') {
    const { leaves, spec } = run(chosen ? trueFn : falseFn)
    return spec.unflatten(leaves) as R
  }
  const seen = examplesOf('cond', chosen)
  if (seen && (seen.all || !seen.any)) {
    const { leaves, spec } = run(seen.all ? trueFn : falseFn)
    return spec.unflatten(leaves) as R
  }
  const yes = whereItHolds(chosen, () => run(trueFn))
  const no = whereItHolds(logicalNot(chosen), () => run(falseFn))
  checkLike('cond', "falseFn's result", no, "trueFn's result", yes)
  return yes.spec.unflatten(yes.leaves.map((y, i) => where(chosen, y, no.leaves[i]!))) as R
}

/** A where it shall not be inferred from. */
type Fixed<A extends readonly unknown[]> = Extract<A, readonly unknown[]>

/** Options of `whileLoop`. */
export interface WhileLoopOptions {
  /** ends the loop after so many rounds at the latest; default: no bound */
  readonly maxIterations?: number
}

/**
 * `carried = bodyFn(...carried)` as long as `condFn(...carried)` holds. `carried` is an array of trees of tensors, whose
 * structure, shapes and dtypes the body keeps. Under `vmap` the loop ends when the last example is done; an example that is
 * done keeps what it has. Reverse mode keeps what each round computed; wrap the body in `checkpoint` to keep its arguments alone.
 * @throws TensorTypeError if `condFn` gives no boolean and no scalar, or the body changes what is carried
 */
export function whileLoop<A extends readonly unknown[]>(
  condFn: (...carried: Fixed<A>) => boolean | Tensor,
  bodyFn: (...carried: Fixed<A>) => Readonly<Fixed<A>>,
  carried: readonly [...A],
  options: WhileLoopOptions = {},
): [...A] {
  const op = 'whileLoop'
  for (const [name, f] of [
    ['cond_fn', condFn],
    ['body_fn', bodyFn],
  ] as const)
    if (typeof f !== 'function') throw fault(op, `${name} must be callable, got ${describe(f)}`, 'NOT_A_FUNCTION')
  if (!Array.isArray(carried)) throw fault(op, `carried_inputs must be a tuple (an array), got ${describe(carried)}`, 'CARRIED')
  checkOptions(op, options as Record<string, unknown>, ['maxIterations'])
  const { maxIterations = Infinity } = options
  if (typeof maxIterations !== 'number' || !(maxIterations >= 0))
    throw new TensorRangeError(`expected maxIterations to be a number ≥ 0, got ${describe(maxIterations)}`, { op, code: 'MAX_ITERATIONS' })
  let now = tensorsIn(op, carried, (x) => `carried_inputs must be trees of tensors, got ${describe(x)}. Wrap numbers in tensor(x)`)
  const tree = (): [...A] => now.spec.unflatten(now.leaves) as [...A]
  const round = (): Tensorial => {
    const out: unknown = bodyFn(...(tree() as unknown as Fixed<A>))
    refusePromise(op, 'tensor', out)
    if (!Array.isArray(out) || out.length !== carried.length)
      throw fault(
        op,
        `body_fn should return the same number of elements as carried_inputs, ${carried.length}, got ${Array.isArray(out) ? out.length : describe(out)}`,
        'CARRIED',
      )
    const next = tensorsIn(op, out, (x) => `body_fn should return trees of tensors, got ${describe(x)}. Wrap numbers in tensor(x)`)
    checkLike(op, "body_fn's result", next, 'carried_inputs', now)
    return next
  }
  /** for which examples the loop goes on; `null` as long as they agree */
  let active: Tensor | null = null
  for (let i = 0; i < maxIterations; i++) {
    const pred = refusePromise<unknown>(op, 'tensor', condFn(...(tree() as unknown as Fixed<A>)))
    const goes = decide(
      op,
      pred,
      () => `cond_fn must return a boolean scalar tensor or a boolean but got ${isTensor(pred) ? avalText(pred) : describe(pred)}`,
    )
    if (goes === false) break
    if (goes !== true) active = active ? logicalAnd(active, goes) : goes
    const seen = active ? examplesOf(op, active) : null
    if (active && !seen && maxIterations === Infinity)
      throw fault(
        op,
        'expected values that can be read while the loop runs, since they alone tell when it is done, got values of a graph that is being traced or of a device that reads asynchronously. Give { maxIterations }, or a fixed number of rounds with forLoop or scan',
        'UNREADABLE',
      )
    if (seen && !seen.any) break
    if (!active || seen?.all) now = round()
    else {
      const mask = active
      const next = whereItHolds(mask, round)
      now = { spec: now.spec, leaves: next.leaves.map((y, k) => where(mask, y, now.leaves[k]!)) }
    }
  }
  return tree()
}

/**
 * `carry = bodyFn(i, carry)` for i from `lower` up to, not including, `upper`; i is an int32 tensor. Bounds may be tensors
 * that differ between the examples of a `vmap`.
 */
export function forLoop<C>(lower: number | Tensor, upper: number | Tensor, bodyFn: (i: Tensor, carry: C) => C, init: C): C {
  const op = 'forLoop'
  if (typeof bodyFn !== 'function') throw fault(op, `body_fn must be callable, got ${describe(bodyFn)}`, 'NOT_A_FUNCTION')
  for (const [name, x] of [
    ['lower', lower],
    ['upper', upper],
  ] as const)
    if (isTensor(x) ? x.ndim !== 0 || x.dtype.includes('float') : !Number.isInteger(x))
      throw fault(op, `expected ${name} to be an integer or an integer scalar tensor, got ${describe(x)}`, 'BOUND')
  const like = tensorsIn(op, init, (x) => `expected init to be a tree of tensors, got ${describe(x)}. Wrap numbers in tensor(x)`)
  const device = like.leaves[0]?.value.backend
  const at = (i: number): Tensor => tensor(i, { dtype: 'int32', ...(device && { device }) })
  const step = (i: Tensor, carry: C): C => {
    const next = bodyFn(i, carry)
    checkLike(
      op,
      "body_fn's result",
      tensorsIn(op, next, (x) => `body_fn should return a tree of tensors, got ${describe(x)}. Wrap numbers in tensor(x)`),
      'init',
      like,
    )
    return next
  }
  if (isTensor(lower) || isTensor(upper)) {
    const end = isTensor(upper) ? cast(upper, 'int32') : at(upper)
    return whileLoop(
      (i: Tensor) => lt(i, end),
      (i: Tensor, carry: C) => [add(i, 1), step(i, carry)] as const,
      [isTensor(lower) ? cast(lower, 'int32') : at(lower), init] as const,
    )[1]
  }
  let carry = init
  for (let i = lower; i < upper; i++) carry = step(at(i), carry)
  return carry
}
