import type { Tensor } from '@mapgrad/tensor'
import {
  type End,
  TensorRangeError,
  type TensorTypeError,
  Tracer,
  type Value,
  checkEnd,
  checkOptions,
  describe,
  isFloating,
  isTensor,
  refusePromise,
  registry,
  sameShape,
  show,
  traceStack,
} from '@mapgrad/tensor/plugin'
import { fault } from './call.ts'
import { checkFunction } from './flat.ts'
import { LevelTrace } from './level.ts'
import { Pair, bare } from './pair.ts'

/** Options of the functions of `forwardAd`. */
export interface DualLevelOptions {
  /** the level that `enterDualLevel` gave; default: the one that is open */
  readonly level?: number | null | undefined
}

/** An open level, for `using`: it ends with the block. */
export interface DualLevel {
  readonly level: number
  /** Leaves the level. */
  [Symbol.dispose](): void
}

/** A tensor taken apart: `{ primal, tangent }`, and an array of the two. */
export type UnpackedDual = readonly [primal: Tensor, tangent: Tensor | null] & {
  readonly primal: Tensor
  readonly tangent: Tensor | null
}

/** There is one level at a time, as in PyTorch, and this is its number. */
const LEVEL = 0
let open: LevelTrace | null = null

/** The level that is open: not one that was left open by a transform that is over. */
function current(): LevelTrace | null {
  if (open && open.parent && !open.parent.open) open = null
  return open
}

function readLevel(op: string, options: DualLevelOptions | undefined, end: readonly unknown[]): number {
  if (options !== undefined) checkOptions(op, options as Readonly<Record<string, unknown>>, ['level'], 'autodiff', end)
  const level = options?.level ?? null
  if (level !== null && !Number.isInteger(level)) throw fault(op, `expected level to be a whole number, got ${describe(level)}`, 'LEVEL')
  return level ?? (current() ? LEVEL : -1)
}
const invalid = (op: string, level: number): TensorTypeError =>
  fault(op, `Invalid level given to ${op}, ${level}: the level that is open is ${current() ? LEVEL : 'none'}`, 'LEVEL')

/**
 * Begins to follow tangents: from now on `makeDual` gives tensors with tangents, and every operation computes tangents of its results. Gives the level's number.
 * @throws TensorTypeError if a level is open already
 */
export function enterDualLevel(...end: End): number {
  checkEnd('enterDualLevel', end, [], 'autodiff')
  if (current())
    throw fault(
      'enterDualLevel',
      'Nested forward mode AD is not supported at the moment. Nest jvp, which may be called in a level',
      'NESTED',
    )
  open = new LevelTrace(registry().top === null)
  open.enter()
  return LEVEL
}

/**
 * Ends the level: all tensors lose their tangents and are what they are without.
 * @throws TensorTypeError if `level` is not the one that is open, or a transform around the call began inside of it
 */
export function exitDualLevel(options?: DualLevelOptions, ...end: End): void {
  const op = 'exitDualLevel'
  const level = readLevel(op, options, end)
  const trace = current()
  if (level < 0) throw fault(op, 'Dual level must be a positive number. No level is open: call enterDualLevel() first', 'NO_LEVEL')
  if (!trace || level !== LEVEL || !trace.innermost)
    throw fault(op, 'Trying to exit a forward AD level that was not the last one that was created. This is not supported.', 'LEVEL')
  open = null
  trace.exit()
}

/**
 * Follows tangents while `f` runs, which gets the level's number; gives what `f` returns, without tangents. Without `f` the level stays open until
 * `[Symbol.dispose]` of the result is called: `using level = dualLevel()` keeps it open to the end of the block.
 * @throws TensorTypeError if a level is open already, or `f` returns a Promise
 */
export function dualLevel(): DualLevel
export function dualLevel<R>(f: (level: number) => R, ...end: End): R
export function dualLevel<R>(f?: (level: number) => R, ...end: End): R | DualLevel {
  checkEnd('dualLevel', end, [], 'autodiff')
  if (f !== undefined) checkFunction('dualLevel', f)
  const level = enterDualLevel()
  const trace = open!
  const leave = (): void => {
    // not what was left by exitDualLevel meanwhile
    if (open === trace) exitDualLevel()
  }
  if (f === undefined) return { level, [Symbol.dispose]: leave }
  try {
    return refusePromise('dualLevel', 'autodiff', f(level))
  } finally {
    leave()
  }
}

/** Whether there is a tangent of an open level in a value. */
const moves = (value: Value): boolean => {
  if (!(value instanceof Tracer)) return false
  return (value instanceof Pair && value.tangent !== null) || value.parts.some((x) => moves(x.value))
}

/** Refuses values of transforms that began inside of the level. */
function checkPlace(op: string, x: Tensor, trace: LevelTrace): void {
  const own = x.value.trace
  if (own && own.level > trace.level)
    throw fault(
      op,
      `expected a tensor that is at hand where the level was opened, got one of ${own.name} (level ${own.level}) in ${traceStack()}. Call ${op} outside of that function, or open the level inside of it`,
      'INSIDE',
    )
}

/**
 * A tensor with the values of `tensor` and the tangent `tangent`, of the same shape and dtype. What is computed from it has tangents as long as the level is open.
 * @throws TensorTypeError without an open level, for tensors that are no floating-point tensors, or that have a tangent; TensorRangeError if shapes differ
 */
export function makeDual(tensor: Tensor, tangent: Tensor, options?: DualLevelOptions, ...end: End): Tensor {
  const op = 'makeDual'
  const level = readLevel(op, options, end)
  const trace = current()
  for (const [what, x] of [
    ['primal', tensor],
    ['tangent', tangent],
  ] as const)
    if (!isTensor(x)) throw fault(op, `expected the ${what} to be a Tensor, got ${describe(x)}`, 'NOT_A_TENSOR')
  if (level < 0)
    throw fault(op, 'Trying to create a dual Tensor for forward AD but no level exists, make sure to enterDualLevel() first.', 'NO_LEVEL')
  if (!trace || level !== LEVEL) throw invalid(op, level)
  for (const [what, x] of [
    ['primal', tensor],
    ['tangent', tangent],
  ] as const) {
    if (!isFloating(x)) throw fault(op, `Expected ${what} to be floating point or complex, but got: ${x.dtype}`, 'DTYPE')
    checkPlace(op, x, trace)
  }
  if (trace.tangent(tensor))
    throw fault(
      op,
      `Making a dual Tensor based on a Tensor that already has a forward gradient at the same level ${level} is not supported. Take its primal: unpackDual(x).primal`,
      'DUAL',
    )
  if (trace.tangent(tangent))
    throw fault(
      op,
      `Setting a forward grad that itself has a forward gradient at the same level ${level} is not supported. Take its primal: unpackDual(x).primal`,
      'DUAL',
    )
  if (!sameShape(tensor.shape, tangent.shape))
    throw new TensorRangeError(
      `Trying to set a forward gradient that has a different size than that of the original Tensor, this is not supported. Tensor is of size ${show(tensor.shape)} while the given forward gradient is of size ${show(tangent.shape)}.`,
      { package: 'autodiff', op, code: 'SHAPE_MISMATCH' },
    )
  if (tensor.dtype !== tangent.dtype)
    throw fault(
      op,
      `expected a tangent of the dtype of its primal, ${tensor.dtype}, got ${tangent.dtype}. Convert with x.to('${tensor.dtype}')`,
      'DTYPE_MISMATCH',
    )
  const plain = (x: Tensor): Tensor => x.wrap(bare(x.value))
  return tensor.wrap(trace.dual(plain(tensor), plain(tangent)))
}

/**
 * The values and the tangent of a tensor: `{ primal, tangent }`, also as an array; `tangent` is `null` where there is none, as without an open level.
 * @throws TensorTypeError for a level that is not open, or inside of a transform that began in the level
 */
export function unpackDual(tensor: Tensor, options?: DualLevelOptions, ...end: End): UnpackedDual {
  const op = 'unpackDual'
  const level = readLevel(op, options, end)
  if (!isTensor(tensor)) throw fault(op, `expected a Tensor, got ${describe(tensor)}`, 'NOT_A_TENSOR')
  if (level < 0) return unpacked(tensor, null)
  const trace = current()
  if (!trace || level !== LEVEL) throw invalid(op, level)
  const own = trace.own(tensor)
  if (!own && moves(tensor.value)) checkPlace(op, tensor, trace)
  const tangent = own?.tangent ?? null
  return unpacked(tensor.wrap(own ? own.primal.value : tensor.value), tangent && tangent.wrap(tangent.value))
}

function unpacked(primal: Tensor, tangent: Tensor | null): UnpackedDual {
  const out = [primal, tangent] as const
  // not enumerable, so that trees and printing see a plain array
  Object.defineProperties(out, { primal: { value: primal }, tangent: { value: tangent } })
  return out as UnpackedDual
}

/** The names of `torch.autograd.forward_ad`. */
export interface ForwardAd {
  readonly enterDualLevel: typeof enterDualLevel
  readonly exitDualLevel: typeof exitDualLevel
  readonly dualLevel: typeof dualLevel
  readonly makeDual: typeof makeDual
  readonly unpackDual: typeof unpackDual
}
/** Forward mode without functions: tensors that carry tangents along, between `enterDualLevel` and `exitDualLevel`. */
export const forwardAd: ForwardAd = { enterDualLevel, exitDualLevel, dualLevel, makeDual, unpackDual }
