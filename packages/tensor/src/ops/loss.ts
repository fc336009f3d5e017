import { expr as e } from '@mapgrad/kernel'
import { type Args, readArgs } from '../core/args.ts'
import { TensorRangeError, TensorTypeError, describe, show } from '../core/errors.ts'
import { type Op, defineOp } from '../core/op.ts'
import { checkTensor } from '../core/promote.ts'
import { sameShape } from '../core/shape.ts'
import { broadcastAval, elementwise, pointwise } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { logsigmoid } from './activation.ts'
import { add, div, maximum, mul, sub } from './binary.ts'
import { xlogy } from './binary-extra.ts'
import { promoted } from './cast.ts'
import { type Parametric, floating, number, parametric } from './families.ts'
import { mean, sum } from './reduce.ts'
import { clamp } from './ternary.ts'
import { abs, exp, log, log1p, neg, square } from './unary.ts'

/** What becomes of the elements' losses. */
export type LossReduction = 'none' | 'mean' | 'sum'

/** Arguments of losses; `sizeAverage` and `reduce` are PyTorch's older spelling of `reduction`. */
export interface LossOptions {
  readonly reduction?: LossReduction
  /** @deprecated give `reduction` */
  readonly sizeAverage?: boolean | null
  /** @deprecated give `reduction` */
  readonly reduce?: boolean | null
}
/** Arguments of losses with a weight for each element. */
export interface WeightedLossOptions extends LossOptions {
  readonly weight?: Tensor | null
}

/** The reduction that was asked for, in the new spelling or the old. */
export function reductionOf(
  op: string,
  { reduction = 'mean', sizeAverage, reduce }: LossOptions,
  known: readonly string[] = ['none', 'mean', 'sum'],
): LossReduction {
  if ((reduce ?? null) !== null && typeof reduce !== 'boolean')
    throw new TensorTypeError(`expected reduce to be a boolean, got ${describe(reduce)}`, { op, code: 'BOOLEAN' })
  if ((sizeAverage ?? null) !== null || (reduce ?? null) !== null) return reduce === false ? 'none' : sizeAverage === false ? 'sum' : 'mean'
  if (!known.includes(reduction))
    throw new TensorTypeError(
      `${String(reduction)} is not a valid value for reduction. Expected one of ${known.map((k) => `'${k}'`).join(', ')}`,
      { op, code: 'REDUCTION' },
    )
  return reduction
}

/** Losses of the elements as they are, their mean or their sum. */
export const reduceLoss = (losses: Tensor, reduction: LossReduction): Tensor =>
  reduction === 'none' ? losses : reduction === 'sum' ? sum(losses) : mean(losses)

type Pair = readonly [input: Tensor, target: Tensor]
/** Input and target as floats of one dtype. Broadcasting is PyTorch's, which only warns of it. */
function pair(op: string, input: Tensor, target: Tensor): Pair {
  checkTensor(op, input, 'the input to be a Tensor')
  checkTensor(op, target, 'the target to be a Tensor')
  return promoted(op, [input, target], floating) as unknown as Pair
}

function weightedMean(
  op: string,
  losses: Tensor,
  input: Tensor,
  weight: Tensor | null | undefined,
  reduction: LossReduction,
  by: 'weight' | 'count' = 'weight',
): Tensor {
  if (weight === null || weight === undefined) return reduceLoss(losses, reduction)
  checkTensor(op, weight, 'weight to be a Tensor')
  if (!sameShape(weight.shape, input.shape))
    throw new TensorRangeError(`Weights and input must have the same size, got ${show(weight.shape)} and ${show(input.shape)}.`, {
      op,
      code: 'SHAPE_MISMATCH',
    })
  const weighted = mul(losses, weight)
  return reduction === 'mean' && by === 'weight' ? div(sum(weighted), sum(weight)) : reduceLoss(weighted, reduction)
}

const old = ['sizeAverage', 'reduce', 'reduction'] as const

/** (input − target)², averaged over all elements. */
export function mseLoss(
  input: Tensor,
  target: Tensor,
  ...args: Args<
    [sizeAverage?: boolean | null, reduce?: boolean | null, reduction?: LossReduction, weight?: Tensor | null],
    WeightedLossOptions
  >
): Tensor {
  const options = readArgs<WeightedLossOptions>('mseLoss', args, [...old, 'weight'])
  const [x, t] = pair('mseLoss', input, target)
  return weightedMean('mseLoss', square(sub(x, t)), input, options.weight, reductionOf('mseLoss', options))
}

/** |input − target|, averaged over all elements. */
export function l1Loss(
  input: Tensor,
  target: Tensor,
  ...args: Args<
    [sizeAverage?: boolean | null, reduce?: boolean | null, reduction?: LossReduction, weight?: Tensor | null],
    WeightedLossOptions
  >
): Tensor {
  const options = readArgs<WeightedLossOptions>('l1Loss', args, [...old, 'weight'])
  const [x, t] = pair('l1Loss', input, target)
  return weightedMean('l1Loss', abs(sub(x, t)), input, options.weight, reductionOf('l1Loss', options))
}

const half = 0.5
/** d²/2β where |d| < β, else |d| − β/2. */
export const smooth: Parametric = parametric(
  'smooth_l1',
  (d, beta) =>
    e.select(e.lt(e.abs(d), beta!), e.div(e.mul(number(half, d), e.mul(d, d)), beta!), e.sub(e.abs(d), e.mul(number(half, d), beta!))),
  (_, [d, beta]) => clamp(div(d, beta!), -1, 1),
)
/** d²/2 where |d| ≤ δ, else δ (|d| − δ/2). */
export const huber: Parametric = parametric(
  'huber',
  (d, delta) =>
    e.select(e.le(e.abs(d), delta!), e.mul(number(half, d), e.mul(d, d)), e.mul(delta!, e.sub(e.abs(d), e.mul(number(half, d), delta!)))),
  (_, [d, delta]) => clamp(d, neg(delta!), delta!),
)

/** Arguments of `smoothL1Loss`. */
export interface SmoothL1Options extends LossOptions {
  readonly beta?: number
}
/** (input − target)² / 2β below β, |input − target| − β/2 above, averaged over all elements. β = 0 is `l1Loss`. */
export function smoothL1Loss(
  input: Tensor,
  target: Tensor,
  ...args: Args<[sizeAverage?: boolean | null, reduce?: boolean | null, reduction?: LossReduction, beta?: number], SmoothL1Options>
): Tensor {
  const options = readArgs<SmoothL1Options>('smoothL1Loss', args, [...old, 'beta'])
  const { beta = 1 } = options
  if (beta < 0)
    throw new TensorRangeError('smooth_l1_loss does not support negative values for beta.', { op: 'smoothL1Loss', code: 'BETA' })
  const [x, t] = pair('smoothL1Loss', input, target)
  const d = sub(x, t)
  return reduceLoss(beta === 0 ? abs(d) : smooth(d, beta), reductionOf('smoothL1Loss', options))
}

/** Arguments of `huberLoss`. */
export interface HuberOptions {
  readonly reduction?: LossReduction
  readonly delta?: number
  readonly weight?: Tensor | null
}
/** (input − target)² / 2 up to δ, δ (|input − target| − δ/2) above, averaged over all elements. */
export function huberLoss(
  input: Tensor,
  target: Tensor,
  ...args: Args<[reduction?: LossReduction, delta?: number, weight?: Tensor | null], HuberOptions>
): Tensor {
  const options = readArgs<HuberOptions>('huberLoss', args, ['reduction', 'delta', 'weight'])
  const { delta = 1 } = options
  if (!(delta > 0))
    throw new TensorRangeError('huber_loss does not support non-positive values for delta.', { op: 'huberLoss', code: 'DELTA' })
  const [x, t] = pair('huberLoss', input, target)
  return weightedMean('huberLoss', huber(sub(x, t), delta), input, options.weight, reductionOf('huberLoss', options), 'count')
}

const floor = -100
/** −(t log x + (1 − t) log(1 − x)) with logarithms of at least −100, as PyTorch has them. */
export const bce: Op<[x: Tensor, t: Tensor]> = defineOp({
  name: 'binary_cross_entropy',
  result: broadcastAval('binary_cross_entropy'),
  compute: pointwise((x, t) => {
    const one = number(1, x!)
    const low = number(floor, x!)
    return e.sub(e.mul(e.sub(t!, one), e.max(e.log1p(e.neg(x!)), low)), e.mul(t!, e.max(e.log(x!), low)))
  }),
  batch: 'pointwise',
  diff: elementwise(
    (_, [x, t]) => div(sub(x, t), maximum(mul(sub(1, x), x), 1e-12)),
    (_, [x]) => sub(maximum(log1p(neg(x)), floor), maximum(log(x), floor)),
  ),
})

/** Arguments of `binaryCrossEntropy`. */
export interface BinaryCrossEntropyOptions extends WeightedLossOptions {}

/** −(t log x + (1 − t) log(1 − x)) of probabilities x, averaged over all elements; logarithms are at least −100. */
export function binaryCrossEntropy(
  input: Tensor,
  target: Tensor,
  ...args: Args<
    [weight?: Tensor | null, sizeAverage?: boolean | null, reduce?: boolean | null, reduction?: LossReduction],
    BinaryCrossEntropyOptions
  >
): Tensor {
  const options = readArgs<BinaryCrossEntropyOptions>('binaryCrossEntropy', args, ['weight', ...old])
  const [x, t] = pair('binaryCrossEntropy', input, target)
  if (!sameShape(input.shape, target.shape))
    throw new TensorRangeError(
      `Using a target size (${show(target.shape)}) that is different to the input size (${show(input.shape)}) is deprecated. Please ensure they have the same size.`,
      { op: 'binaryCrossEntropy', code: 'SHAPE_MISMATCH' },
    )
  const losses = bce(x, t)
  return reduceLoss(options.weight ? mul(losses, options.weight) : losses, reductionOf('binaryCrossEntropy', options))
}

/** Arguments of `binaryCrossEntropyWithLogits`. */
export interface BinaryCrossEntropyWithLogitsOptions extends WeightedLossOptions {
  /** how much positive targets count, broadcast over the classes */
  readonly posWeight?: Tensor | null
}
/** `binaryCrossEntropy` of sigmoid(input), computed from the logits without overflow. */
export function binaryCrossEntropyWithLogits(
  input: Tensor,
  target: Tensor,
  ...args: Args<
    [weight?: Tensor | null, sizeAverage?: boolean | null, reduce?: boolean | null, reduction?: LossReduction, posWeight?: Tensor | null],
    BinaryCrossEntropyWithLogitsOptions
  >
): Tensor {
  const op = 'binaryCrossEntropyWithLogits'
  const options = readArgs<BinaryCrossEntropyWithLogitsOptions>(op, args, ['weight', ...old, 'posWeight'])
  const [x, t] = pair(op, input, target)
  if (!sameShape(input.shape, target.shape))
    throw new TensorRangeError(`Target size (${show(target.shape)}) must be the same as input size (${show(input.shape)})`, {
      op,
      code: 'SHAPE_MISMATCH',
    })
  const { posWeight, weight } = options
  const logs = logsigmoid(x)
  const losses = sub(mul(sub(1, t), x), posWeight ? mul(add(mul(sub(posWeight, 1), t), 1), logs) : logs)
  return reduceLoss(weight ? mul(losses, weight) : losses, reductionOf(op, options))
}

/** Arguments of `klDiv`. */
export interface KlDivOptions {
  /** `'batchmean'` divides the sum by the first size */
  readonly reduction?: LossReduction | 'batchmean'
  /** whether the target holds logarithms too */
  readonly logTarget?: boolean
  /** @deprecated give `reduction` */
  readonly sizeAverage?: boolean | null
  /** @deprecated give `reduction` */
  readonly reduce?: boolean | null
}
/** t (log t − input), the Kullback–Leibler divergence of log-probabilities from target probabilities, averaged over all elements. */
export function klDiv(
  input: Tensor,
  target: Tensor,
  ...args: Args<
    [sizeAverage?: boolean | null, reduce?: boolean | null, reduction?: LossReduction | 'batchmean', logTarget?: boolean],
    KlDivOptions
  >
): Tensor {
  const options = readArgs<KlDivOptions>('klDiv', args, [...old, 'logTarget'])
  const [x, t] = pair('klDiv', input, target)
  const reduction = reductionOf('klDiv', options as LossOptions, ['none', 'batchmean', 'mean', 'sum']) as LossReduction | 'batchmean'
  const losses = options.logTarget ? mul(exp(t), sub(t, x)) : sub(xlogy(t, t), mul(t, x))
  if (reduction !== 'batchmean') return reduceLoss(losses, reduction)
  return x.ndim ? div(sum(losses), x.shape[0]!) : sum(losses)
}
