import { TensorRangeError, TensorTypeError, describe, isMapgradError, show } from '../core/errors.ts'
import { checkOptions, type End, checkEnd } from '../core/args.ts'
import { isTensor } from '../core/handle.ts'
import type { Tensors } from '../core/op.ts'
import { readSync } from '../core/read.ts'
import { refusePromise } from '../core/trace.ts'
import { type TreeSpec, treeFlatten } from '../core/tree.ts'
import { tensor } from '../create/tensor.ts'
import type { Tensor } from '../tensor.ts'
import { add } from './binary.ts'
import { branches } from './branch.ts'
import { cast } from './cast.ts'
import { lt } from './compare.ts'
import { decide, lending, untilDone } from './course.ts'
import { isRecording } from './program.ts'
import { repeat } from './repeat.ts'
import { rounds } from './rounds.ts'
import { examplesOf, whereItHolds } from './settle.ts'
import { logicalNot } from './unary.ts'
import { apart } from './view.ts'
import { where } from './where.ts'

// Branches and loops whose course may depend on tensors. Where the course can be read, the branch runs as if it stood
// there: every transform sees its ops, and what it closes over needs no care. Where it differs between the examples of a
// batch, all ways run and each example takes its own. Where a program is being recorded, it is an op with programs.

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
 * on the values of examples that take it, and each example has the values and derivatives of its own. In a graph it is one
 * node with both branches, of which a run computes one.
 * @throws TensorTypeError if `pred` is no boolean, number or tensor of one element, the branches differ, or one writes into an operand
 */
export function cond<A extends readonly unknown[], R>(
  pred: boolean | number | Tensor,
  trueFn: (...operands: A) => R,
  falseFn: (...operands: A) => R,
  operands?: readonly [...A],
  ...end: End
): R {
  checkEnd('cond', end)
  const shown = isTensor(pred) ? `tensor of shape ${show(pred.shape)}` : typeof pred === 'string' ? pred : describe(pred)
  const chosen = decide('cond', typeof pred === 'number' ? pred !== 0 : pred, () =>
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
  const operandTree = tensorsIn(
    'cond',
    given,
    (x) => `Expect operands to be a tuple of possibly nested dict/list/tuple that only consists of tensor leaves, but got ${describe(x)}.`,
  )
  const run = (f: (...operands: A) => R, xs: Tensors = operandTree.leaves): Tensorial =>
    tensorsIn(
      'cond',
      lending('cond', 'a branch', xs, (own) => f(...(operandTree.spec.unflatten(own) as unknown as A))),
      (x) => `expected branches to return trees of tensors, got ${describe(x)}. Wrap numbers in tensor(x)`,
    )
  const both = (yes: Tensorial, no: Tensorial): Tensorial => {
    checkLike('cond', "falseFn's result", no, "trueFn's result", yes)
    return no
  }
  const whole = ({ leaves, spec }: Tensorial): R => spec.unflatten(leaves) as R
  if (typeof chosen === 'boolean') return whole(run(chosen ? trueFn : falseFn))
  if (isRecording()) {
    let result: Tensorial | undefined
    const branch =
      (f: (...operands: A) => R) =>
      (xs: Tensors): Tensors => {
        const out = run(f, xs)
        result = result ? both(result, out) : out
        return out.leaves
      }
    const ys = branches(chosen, branch(trueFn), branch(falseFn), operandTree.leaves)
    return result!.spec.unflatten(ys) as R
  }
  const seen = examplesOf('cond', chosen)
  if (seen && (seen.all || !seen.any)) return whole(run(seen.all ? trueFn : falseFn))
  const yes = whereItHolds(chosen, () => run(trueFn))
  const no = both(
    yes,
    whereItHolds(logicalNot(chosen), () => run(falseFn)),
  )
  return yes.spec.unflatten(yes.leaves.map((y, i) => where(chosen, y, no.leaves[i]!))) as R
}

/** A where it shall not be inferred from. */
type Fixed<A extends readonly unknown[]> = Extract<A, readonly unknown[]>

/** Options of `whileLoop`. */
export interface WhileLoopOptions {
  /** ends the loop after so many rounds at the latest; default: no bound */
  readonly maxIterations?: number | undefined
}

/**
 * `carried = bodyFn(...carried)` as long as `condFn(...carried)` holds. `carried` is an array of trees of tensors, whose
 * structure, shapes and dtypes the body keeps. Under `vmap` the loop ends when the last example is done; an example that is
 * done keeps what it has. Reverse mode keeps what each round computed; wrap the body in `checkpoint` to keep its arguments alone.
 * In a graph it is one node; its reverse mode is another, which goes through the rounds again or, with `maxIterations`, keeps so many.
 * @throws TensorTypeError if `condFn` gives no boolean and no scalar, or the body gives something else or writes into what it is given
 */
export function whileLoop<A extends readonly unknown[]>(
  condFn: (...carried: Fixed<A>) => boolean | Tensor,
  bodyFn: (...carried: Fixed<A>) => Readonly<Fixed<A>>,
  carried: readonly [...A],
  options: WhileLoopOptions = {},
  ...end: End
): [...A] {
  const op = 'whileLoop'
  for (const [name, f] of [
    ['cond_fn', condFn],
    ['body_fn', bodyFn],
  ] as const)
    if (typeof f !== 'function') throw fault(op, `${name} must be callable, got ${describe(f)}`, 'NOT_A_FUNCTION')
  if (!Array.isArray(carried)) throw fault(op, `carried_inputs must be a tuple (an array), got ${describe(carried)}`, 'CARRIED')
  checkOptions(op, options as Record<string, unknown>, ['maxIterations'], 'tensor', end)
  const { maxIterations = Infinity } = options
  if (typeof maxIterations !== 'number' || !(maxIterations >= 0))
    throw new TensorRangeError(`expected maxIterations to be a number ≥ 0, got ${describe(maxIterations)}`, { op, code: 'MAX_ITERATIONS' })
  const start = tensorsIn(op, carried, (x) => `carried_inputs must be trees of tensors, got ${describe(x)}. Wrap numbers in tensor(x)`)
  const { leaves, spec } = start
  const tree = (now: Tensors): [...A] => spec.unflatten(now) as [...A]
  const condition = (now: Tensors): boolean | Tensor => {
    const pred = refusePromise<unknown>(
      op,
      'tensor',
      lending(op, 'cond_fn', now, (own) => condFn(...(tree(own) as unknown as Fixed<A>))),
    )
    const refuse = (): string =>
      `cond_fn must return a boolean scalar tensor or a boolean but got ${isTensor(pred) ? avalText(pred) : describe(pred)}`
    // a loss or a counter would go on for ever
    if (isTensor(pred) && (pred.dtype !== 'bool' || pred.ndim !== 0)) throw fault(op, refuse(), 'PREDICATE')
    return decide(op, pred, refuse)
  }
  const round = (now: Tensors): Tensors => {
    const out: unknown = lending(op, 'body_fn', now, (own) => bodyFn(...(tree(own) as unknown as Fixed<A>)))
    refusePromise(op, 'tensor', out)
    if (!Array.isArray(out) || out.length !== carried.length)
      throw fault(
        op,
        `body_fn should return the same number of elements as carried_inputs, ${carried.length}, got ${Array.isArray(out) ? out.length : describe(out)}`,
        'CARRIED',
      )
    const next = tensorsIn(op, out, (x) => `body_fn should return trees of tensors, got ${describe(x)}. Wrap numbers in tensor(x)`)
    checkLike(op, "body_fn's result", next, 'carried_inputs', start)
    return next.leaves
  }
  const first = isRecording() ? recorded(condition, round, leaves, maxIterations) : undefined
  return tree(typeof first === 'object' ? first : ended(untilDone(op, answering(condition, first), round, leaves, maxIterations), leaves))
}

/** The loop as one op of the program that is being recorded; or what its condition said for good, being no tensor of that program. */
function recorded(
  condition: (now: Tensors) => boolean | Tensor,
  round: (now: Tensors) => Tensors,
  start: Tensors,
  maxIterations: number,
): Tensors | boolean {
  const known: boolean[] = []
  try {
    return repeat(
      (now) => {
        const goes = condition(now)
        if (typeof goes !== 'boolean') return [goes]
        known.push(goes)
        throw known
      },
      round,
      start,
      [],
      maxIterations === Infinity ? null : maxIterations,
    )
  } catch (error) {
    if (error === known) return known[0]!
    throw error
  }
}

/** A condition that was asked once already. */
function answering<A, B>(ask: (a: A) => B, first: B | undefined): (a: A) => B {
  let next = first
  return (a) => {
    const answer = next ?? ask(a)
    next = undefined
    return answer
  }
}

/**
 * `carry = bodyFn(i, carry)` for i from `lower` up to, not including, `upper`; i is an int32 tensor. Bounds may be tensors
 * that differ between the examples of a `vmap`. In a graph it is one node.
 */
export function forLoop<C>(lower: number | Tensor, upper: number | Tensor, bodyFn: (i: Tensor, carry: C) => C, init: C, ...end: End): C {
  checkEnd('forLoop', end)
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
  const step = (i: Tensor, carry: Tensors): Tensorial => {
    const next = tensorsIn(
      op,
      lending(op, 'body_fn', carry, (own) => bodyFn(i, tree(own))),
      (x) => `body_fn should return a tree of tensors, got ${describe(x)}. Wrap numbers in tensor(x)`,
    )
    checkLike(op, "body_fn's result", next, 'init', like)
    return next
  }
  const tree = (leaves: Tensors): C => like.spec.unflatten(leaves) as C
  const [from, to] = [bound(lower), bound(upper)]
  if (isTensor(from) || isTensor(to)) {
    const end = isTensor(to) ? cast(to, 'int32') : at(to)
    const [, ends] = whileLoop(
      (i: Tensor) => lt(i, end),
      (i: Tensor, carry: Tensors) => [add(i, 1), step(i, carry).leaves] as const,
      [isTensor(from) ? cast(from, 'int32') : at(from), like.leaves] as const,
    )
    return tree(ends)
  }
  if (from < to && isRecording()) {
    const [[, ...ends]] = rounds(([i, ...carry]) => [[add(i!, 1), ...step(i!, carry).leaves], []], {
      name: op,
      carry: [at(from), ...like.leaves],
      length: to - from,
      reverse: false,
    })
    return tree(ends)
  }
  let { leaves } = like
  for (let i = from; i < to; i++) leaves = step(at(i), leaves).leaves
  return tree(ended(leaves, like.leaves))
}

/** What a loop ends with: what it only handed on is a tensor of its own all the same, which may be written. */
const ended = (leaves: Tensors, given: Tensors): Tensors => leaves.map((x) => (given.includes(x) ? apart(x) : x))

/** A bound as a number, where a graph may be made for it. */
function bound(x: number | Tensor): number | Tensor {
  if (!isTensor(x) || !isRecording()) return x
  try {
    return Number(readSync(x.value.concrete('forLoop'), 'forLoop')[0])
  } catch (e) {
    if (isMapgradError(e) && e.code === 'UNREADABLE') return x
    throw e
  }
}
