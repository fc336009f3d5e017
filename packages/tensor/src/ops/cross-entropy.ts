import { isFloat } from '@mapgrad/kernel'
import { type Args, readArgs } from '../core/args.ts'
import { TensorRangeError, TensorTypeError, isMapgradError, show } from '../core/errors.ts'
import { composed } from '../core/memory.ts'
import { checkTensor } from '../core/promote.ts'
import { numel, sameShape } from '../core/shape.ts'
import type { Tensor } from '../tensor.ts'
import { add, div, mul } from './binary.ts'
import { cast } from './cast.ts'
import { eq } from './compare.ts'
import { gather } from './gather.ts'
import { type LossOptions, type LossReduction, reduceLoss, reductionOf } from './loss.ts'
import { sum } from './reduce.ts'
import { logSoftmax } from './softmax.ts'
import { logicalNot, neg } from './unary.ts'
import { reshapeTo } from './view.ts'
import { where } from './where.ts'

/** Arguments of `nllLoss`. */
export interface NllLossOptions extends LossOptions {
  /** [C], how much each class counts */
  readonly weight?: Tensor | null
  /** targets with this class count nothing; default −100 */
  readonly ignoreIndex?: number
}
/** Arguments of `crossEntropy`. */
export interface CrossEntropyOptions extends NllLossOptions {
  /** this share of each target is spread evenly over all classes; 0 … 1 */
  readonly labelSmoothing?: number
}
type Legacy = boolean | null

const names = ['weight', 'sizeAverage', 'ignoreIndex', 'reduce', 'reduction'] as const

/** [N, C, …] has its classes at 1, [C] at 0. */
const classAxis = (x: Tensor): number => (x.ndim === 1 ? 0 : 1)

function checkWeight(op: string, weight: Tensor | null | undefined, classes: number): void {
  if (!weight) return
  checkTensor(op, weight, 'the weight to be a Tensor')
  if (weight.ndim !== 1 || weight.shape[0] !== classes)
    throw new TensorRangeError(
      `weight tensor should be defined either for all ${classes} classes or no classes but got weight tensor of shape: ${show(weight.shape)}`,
      { op, code: 'SHAPE_MISMATCH' },
    )
}

function checkShapes(op: string, x: Tensor, target: Tensor): void {
  if (x.ndim === 0)
    throw new TensorRangeError('expected input of shape [C], [N, C] or [N, C, d1, …], got a 0-d tensor', { op, code: 'RANK' })
  if (target.ndim !== x.ndim - 1)
    throw new TensorRangeError(
      x.ndim > 2
        ? `Expected target size ${show(x.shape.filter((_, i) => i !== 1))}, got ${show(target.shape)}`
        : `0D or 1D target tensor expected, multi-target not supported; got input ${show(x.shape)} and target ${show(target.shape)}`,
      { op, code: 'SHAPE_MISMATCH' },
    )
  if (x.ndim > 1 && x.shape[0] !== target.shape[0])
    throw new TensorRangeError(`Expected input batch_size (${x.shape[0]}) to match target batch_size (${target.shape[0]}).`, {
      op,
      code: 'SHAPE_MISMATCH',
    })
  const expected = x.shape.filter((_, i) => i !== classAxis(x))
  if (!sameShape(expected, target.shape))
    throw new TensorRangeError(`Expected target size ${show(expected)}, got ${show(target.shape)}`, { op, code: 'SHAPE_MISMATCH' })
}

/** Log-probabilities of the target classes, and which targets count. */
interface Picked {
  readonly losses: Tensor
  readonly ignored: Tensor
  /** the weight of each target, 0 where it is ignored; `null` where all count the same */
  readonly weights: Tensor | null
}

function pick(op: string, x: Tensor, target: Tensor, weight: Tensor | null | undefined, ignoreIndex: number): Picked {
  checkShapes(op, x, target)
  if (isFloat(target.dtype) || target.dtype === 'bool')
    throw new TensorTypeError(
      `expected scalar type Long for the target but found ${target.dtype}; class indices are integers. Convert with target.int()`,
      { op, code: 'DTYPE' },
    )
  const axis = classAxis(x)
  checkWeight(op, weight, x.shape[axis]!)
  const index = target.dtype === 'int64' ? target : cast(target, 'int32')
  const ignored = eq(index, ignoreIndex)
  const classes = where(ignored, 0, index)
  const shape = x.shape.map((n, i) => (i === axis ? 1 : n))
  const losses = where(ignored, 0, neg(reshapeTo(atClasses(op, x, axis, reshapeTo(classes, shape)), target.shape)))
  if (!weight) return { losses, ignored, weights: null }
  const weights = where(
    ignored,
    0,
    reshapeTo(atClasses(op, cast(weight, x.dtype), 0, reshapeTo(classes, [numel(target.shape)])), target.shape),
  )
  return { losses, ignored, weights }
}

/** `gather`, whose complaint about an index is told in terms of what the user passed. */
function atClasses(op: string, x: Tensor, axis: number, classes: Tensor): Tensor {
  try {
    return gather(x, axis, classes)
  } catch (e) {
    if (!isMapgradError(e) || e.code !== 'INDEX_RANGE') throw e
    const target = /index (-?\d+)/.exec(e.message)?.[1] ?? ''
    throw new TensorRangeError(`Target ${target} is out of bounds. Expected classes from 0 to ${x.shape[axis]! - 1}, or ignoreIndex`, {
      op,
      code: 'INDEX_RANGE',
      cause: e,
    })
  }
}

const totalWeight = ({ weights, ignored }: Picked): Tensor => sum(weights ?? logicalNot(ignored))

function reducePicked(picked: Picked, losses: Tensor, reduction: LossReduction): Tensor {
  return reduction === 'mean' ? div(sum(losses), totalWeight(picked)) : reduceLoss(losses, reduction)
}

/**
 * −log-probabilities at the target classes: input [N, C], [N, C, d1, …] or [C], target [N], [N, d1, …] or [] of class indices.
 * The mean is over the targets that count, by their weights.
 * @throws TensorRangeError for a class that is not there
 */
export function nllLoss(
  input: Tensor,
  target: Tensor,
  ...args: Args<
    [weight?: Tensor | null, sizeAverage?: Legacy, ignoreIndex?: number, reduce?: Legacy, reduction?: LossReduction],
    NllLossOptions
  >
): Tensor {
  const op = 'nllLoss'
  const options = readArgs<NllLossOptions>(op, args, names)
  checkTensor(op, input, 'the input to be a Tensor')
  checkTensor(op, target, 'the target to be a Tensor')
  return composed(() => {
    const picked = pick(op, input, target, options.weight, options.ignoreIndex ?? -100)
    const { losses, weights } = picked
    return reducePicked(picked, weights ? mul(losses, weights) : losses, reductionOf(op, options))
  })
}

/**
 * The cross entropy of softmax(input) and the target: class indices (one axis less than input) or probabilities (input's shape).
 * Input is [N, C], [N, C, d1, …] or [C]; computed from log-softmax, so finite logits of any size give finite losses.
 * @throws TensorRangeError for a class that is not there
 */
export function crossEntropy(
  input: Tensor,
  target: Tensor,
  ...args: Args<
    [
      weight?: Tensor | null,
      sizeAverage?: Legacy,
      ignoreIndex?: number,
      reduce?: Legacy,
      reduction?: LossReduction,
      labelSmoothing?: number,
    ],
    CrossEntropyOptions
  >
): Tensor {
  const op = 'crossEntropy'
  const options = readArgs<CrossEntropyOptions>(op, args, [...names, 'labelSmoothing'])
  checkTensor(op, input, 'the input to be a Tensor')
  checkTensor(op, target, 'the target to be a Tensor')
  return composed(() => entropyOf(op, input, target, options))
}

function entropyOf(op: string, input: Tensor, target: Tensor, options: CrossEntropyOptions): Tensor {
  const { weight, ignoreIndex = -100, labelSmoothing: smoothing = 0 } = options
  const reduction = reductionOf(op, options)
  if (!(smoothing >= 0 && smoothing <= 1))
    throw new TensorRangeError(`label_smoothing must be between 0.0 and 1.0. Got: ${smoothing}`, { op, code: 'LABEL_SMOOTHING' })
  if (input.ndim === 0)
    throw new TensorRangeError('expected input of shape [C], [N, C] or [N, C, d1, …], got a 0-d tensor', { op, code: 'RANK' })
  const axis = classAxis(input)
  const logs = logSoftmax(input, axis)
  const classes = input.shape[axis]!
  if (sameShape(input.shape, target.shape))
    return ofProbabilities(logs, target, { weight: weight ?? null, smoothing, reduction, classes, axis })
  const picked = pick(op, logs, target, weight, ignoreIndex)
  const { losses, weights, ignored } = picked
  const sharp = reducePicked(picked, weights ? mul(losses, weights) : losses, reduction)
  if (smoothing === 0) return sharp
  const even = where(ignored, 0, neg(sum(weight ? mul(logs, alongClasses(weight, logs, axis)) : logs, axis)))
  return add(mul(sharp, 1 - smoothing), mul(reducePicked(picked, even, reduction), smoothing / classes))
}

/** The classes' weights [C] in the shape that multiplies x. */
const alongClasses = (weight: Tensor, x: Tensor, axis: number): Tensor =>
  reshapeTo(
    cast(weight, x.dtype),
    x.shape.map((n, i) => (i === axis ? n : 1)),
  )

interface Soft {
  readonly weight: Tensor | null
  readonly smoothing: number
  readonly reduction: LossReduction
  readonly classes: number
  readonly axis: number
}
function ofProbabilities(logs: Tensor, target: Tensor, { weight, smoothing, reduction, classes, axis }: Soft): Tensor {
  const op = 'crossEntropy'
  if (!isFloat(target.dtype))
    throw new TensorTypeError(
      `Expected floating point type for target with class probabilities, got ${target.dtype}. Give class indices with one axis less, or convert with target.float()`,
      { op, code: 'DTYPE' },
    )
  checkWeight(op, weight, classes)
  const t = smoothing > 0 ? add(mul(target, 1 - smoothing), smoothing / classes) : target
  const terms = mul(logs, t)
  const losses = neg(sum(weight ? mul(terms, alongClasses(weight, terms, axis)) : terms, axis))
  return reduction === 'mean' ? div(sum(losses), numel(logs.shape) / classes) : reduceLoss(losses, reduction)
}
