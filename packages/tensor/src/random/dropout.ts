import { isFloat } from '@mapgrad/kernel'
import { type Args, readArgs } from '../core/args.ts'
import { TensorRangeError, TensorTypeError, describe, show } from '../core/errors.ts'
import { checkTensor } from '../core/promote.ts'
import type { Shape } from '../core/shape.ts'
import { leakyRelu } from '../ops/activation.ts'
import { assign } from '../ops/assign.ts'
import { add, mul } from '../ops/binary.ts'
import { le } from '../ops/compare.ts'
import { where } from '../ops/where.ts'
import type { Tensor } from '../tensor.ts'
import { type DropoutOptions, type RandomOptions, UNIFORM, drawnLike, dropout } from './like.ts'

type DropoutArgs = Args<[p?: number, training?: boolean], DropoutOptions>

interface Plan {
  readonly p: number
  /** 1 with probability 1 − p, else 0 */
  readonly keep: (shape: Shape) => Tensor
}

/** What is to be drawn; `null` where x stays as it is. */
function plan(op: string, x: Tensor, args: DropoutArgs): Plan | null {
  checkTensor(op, x)
  const o = readArgs<DropoutOptions>(op, args, ['p', 'training'], ['generator', 'key'])
  const p = o.p ?? 0.5
  if (typeof p !== 'number' || !(p >= 0 && p <= 1))
    throw new TensorRangeError(`dropout probability has to be between 0 and 1, but got ${describe(p)}`, { op, code: 'PROBABILITY' })
  if (o.training === false || p === 0) return null
  if (!isFloat(x.dtype))
    throw new TensorTypeError(`result type float32 can't be cast to the desired output type ${x.dtype}. Convert with x.float()`, {
      op,
      code: 'DTYPE',
    })
  return { p, keep: (shape) => drawnLike(op, x, shape, x.dtype, { kind: 'either', p, below: 0, above: 1 }, o) }
}

/** One number for each channel of each example. */
function features(op: string, { shape }: Tensor): Shape {
  if (shape.length < 2)
    throw new TensorRangeError(`Feature dropout requires at least 2 dimensions in the input, got shape ${show(shape)}`, {
      op,
      code: 'SHAPE',
    })
  return shape.map((n, i) => (i < 2 ? n : 1))
}

/** −λα of SELU: what a dropped element becomes before it is scaled. */
const DROPPED = -1.7580993408473766

/** Dropped elements become SELU's lower bound, and all are moved and scaled so that mean 0 and variance 1 stay. */
function alpha(x: Tensor, { p, keep }: Plan, shape: Shape): Tensor {
  if (p === 1) return mul(x, 0)
  const scale = 1 / Math.sqrt((DROPPED * DROPPED * p + 1) * (1 - p))
  const mask = keep(shape)
  // scale · (x · mask + DROPPED · (1 − mask)) − scale · DROPPED · p
  return add(mul(x, mul(mask, scale)), add(mul(mask, -DROPPED * scale), DROPPED * scale * (1 - p)))
}

/** Dropout that keeps mean 0 and variance 1, for networks of `selu`; x itself when not training. */
export function alphaDropout(x: Tensor, ...args: DropoutArgs): Tensor {
  const made = plan('alphaDropout', x, args)
  return made ? alpha(x, made, x.shape) : x
}
/** `alphaDropout` of whole channels: x is `[n, c, …]`, and one draw decides for all that lies behind. */
export function featureAlphaDropout(x: Tensor, ...args: DropoutArgs): Tensor {
  const made = plan('featureAlphaDropout', x, args)
  return made ? alpha(x, made, features('featureAlphaDropout', x)) : x
}
/** `dropout` of whole channels: x is `[n, c, …]`, and one draw decides for all that lies behind. x itself when not training. */
export function featureDropout(x: Tensor, ...args: DropoutArgs): Tensor {
  const made = plan('featureDropout', x, args)
  if (!made) return x
  const mask = made.keep(features('featureDropout', x))
  return made.p === 1 ? mul(x, 0) : mul(x, mul(mask, 1 / (1 - made.p)))
}

/** Options of `rrelu`. */
export interface RreluOptions extends Pick<RandomOptions, 'generator' | 'key'> {
  /** default 1/8 */
  readonly lower?: number | undefined
  /** default 1/3 */
  readonly upper?: number | undefined
  /** default false: the slope is the middle of the bounds */
  readonly training?: boolean | undefined
}
type RreluArgs = Args<[lower?: number, upper?: number, training?: boolean], RreluOptions>
/** x where it is positive, else x times a slope: when training a uniform one in [lower, upper) for each element. */
export function rrelu(x: Tensor, ...args: RreluArgs): Tensor {
  const op = 'rrelu'
  checkTensor(op, x)
  const {
    lower = 1 / 8,
    upper = 1 / 3,
    training = false,
    ...o
  } = readArgs<RreluOptions>(op, args, ['lower', 'upper', 'training'], ['generator', 'key'])
  if (!(lower <= upper))
    throw new TensorRangeError(`Lower bound should be less than or equal to the upper bound, got ${lower} and ${upper}`, {
      op,
      code: 'RANGE',
    })
  if (!training) return leakyRelu(x, (lower + upper) / 2)
  if (!isFloat(x.dtype))
    throw new TensorTypeError(`"rrelu" not implemented for '${x.dtype}': expected a float dtype. Convert with x.float()`, {
      op,
      code: 'DTYPE',
    })
  const slope = add(mul(drawnLike(op, x, x.shape, x.dtype, UNIFORM, o), upper - lower), lower)
  return where(le(x, 0), mul(x, slope), x)
}

const DRAWN = { random: true } as const

/** `dropout` in place. */
export function dropout_(x: Tensor, ...args: typeof dropout extends (x: Tensor, ...rest: infer R) => Tensor ? R : never): Tensor {
  return assign(x, 'dropout_', dropout(x, ...args), DRAWN)
}
/** `alphaDropout` in place. */
export function alphaDropout_(x: Tensor, ...args: DropoutArgs): Tensor {
  return assign(x, 'alphaDropout_', alphaDropout(x, ...args), DRAWN)
}
/** `featureDropout` in place. */
export function featureDropout_(x: Tensor, ...args: DropoutArgs): Tensor {
  return assign(x, 'featureDropout_', featureDropout(x, ...args), DRAWN)
}
/** `featureAlphaDropout` in place. */
export function featureAlphaDropout_(x: Tensor, ...args: DropoutArgs): Tensor {
  return assign(x, 'featureAlphaDropout_', featureAlphaDropout(x, ...args), DRAWN)
}
/** `rrelu` in place. */
export function rrelu_(x: Tensor, ...args: RreluArgs): Tensor {
  return assign(x, 'rrelu_', rrelu(x, ...args), DRAWN)
}
