import { TensorTypeError, describe } from '../core/errors.ts'
import { isTensor } from '../core/handle.ts'
import { div, logicalAnd, sub } from '../ops/binary.ts'
import { eq, ge, le } from '../ops/compare.ts'
import { sum } from '../ops/reduce.ts'
import { logSoftmax, softmax } from '../ops/softmax.ts'
import { clamp } from '../ops/ternary.ts'
import { log, log1p, neg, sigmoid } from '../ops/unary.ts'
import type { Tensor } from '../tensor.ts'
import { type DistributionOptions, type Parameter, broadcastAll } from './distribution.ts'

/** Arguments by name of a distribution with probabilities or their logits. */
export interface OddsOptions<P = Parameter> extends DistributionOptions {
  readonly probs?: P | null
  readonly logits?: P | null
}

/** Refuses both, or neither. */
export function checkOdds(op: string, { probs, logits }: { readonly probs?: unknown; readonly logits?: unknown }): void {
  if (((probs ?? null) === null) === ((logits ?? null) === null))
    throw new TensorTypeError('Either `probs` or `logits` must be specified, but not both.', { op, code: 'ARGUMENT' })
  const given = probs ?? logits
  if (typeof given !== 'number' && !isTensor(given))
    throw new TensorTypeError(`expected probs or logits to be a number or a Tensor, got ${describe(given)}`, { op, code: 'ARGUMENT' })
}

const EPSILON: Readonly<Record<string, number>> = { float64: 2 ** -52, float16: 2 ** -10, bfloat16: 2 ** -7 }
const inside = (p: Tensor): Tensor => {
  const eps = EPSILON[p.dtype] ?? 2 ** -23
  return clamp(p, eps, 1 - eps)
}
/** The constraints that probabilities and logits have. */
export const UNIT: readonly [string, (x: Tensor) => Tensor] = [
  'Interval(lowerBound=0, upperBound=1)',
  (x) => logicalAnd(ge(x, 0), le(x, 1)),
]
export const REAL: readonly [string, (x: Tensor) => Tensor] = ['Real()', (x) => eq(x, x)]

/** One of the two, of a yes-or-no distribution, with other parameters broadcast. */
export function binaryOdds(
  op: string,
  o: OddsOptions,
  others: Readonly<Record<string, Parameter>> = {},
): { readonly given: 'probs' | 'logits'; readonly all: readonly Tensor[] } {
  checkOdds(op, o)
  const given = (o.probs ?? null) === null ? 'logits' : 'probs'
  return { given, all: broadcastAll(op, { ...others, [given]: o[given]! }) }
}
export const binaryLogits = (probs: Tensor): Tensor => {
  const p = inside(probs)
  return sub(log(p), log1p(neg(p)))
}
export const binaryProbs = (logits: Tensor): Tensor => sigmoid(logits)

/** Probabilities that sum to 1 along the last axis, and their logarithms. */
export const normalized = (probs: Tensor): Tensor => div(probs, sum(probs, -1, true))
export const logarithms = (probs: Tensor): Tensor => log(inside(probs))
export const normalizedLogits = (logits: Tensor): Tensor => logSoftmax(logits, -1)
export const probabilities = (logits: Tensor): Tensor => softmax(logits, -1)
