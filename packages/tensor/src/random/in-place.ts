import { type DType, dtypes } from '@mapgrad/kernel'
import { type Args, readArgs } from '../core/args.ts'
import { TensorRangeError, TensorTypeError } from '../core/errors.ts'
import { isTensor } from '../core/handle.ts'
import { assign } from '../ops/assign.ts'
import { add, mul } from '../ops/binary.ts'
import { cast, toFloat } from '../ops/cast.ts'
import { exp, floor, tan } from '../ops/unary.ts'
import { expandTo } from '../ops/view.ts'
import type { Tensor } from '../tensor.ts'
import type { Draw } from './draw.ts'
import { NORMAL, type RandomOptions, UNIFORM, bernoulli, drawnLike, exponential, integers } from './like.ts'

// Tensors filled with random numbers in place.

/** Where random numbers come from. */
export type DrawOptions = Pick<RandomOptions, 'generator' | 'key'>
const SOURCE = ['generator', 'key'] as const
const drawn = { random: true } as const

function draw(op: string, x: Tensor, kind: Draw, o: DrawOptions): Tensor {
  if (dtypes[x.dtype].category !== 'float')
    throw new TensorTypeError(`expected a float dtype, got ${x.dtype}. Convert with x.float(), or use random_`, { op, code: 'DTYPE' })
  return drawnLike(op, x, x.shape, x.dtype, kind, o)
}

/** Arguments of `normal_` and `logNormal_`. */
export interface NormalFill extends DrawOptions {
  readonly mean?: number
  readonly std?: number
}

/** Normal numbers. */
export function fillNormal(x: Tensor, ...args: Args<[mean?: number, std?: number], NormalFill>): Tensor {
  const { mean = 0, std = 1, ...o } = readArgs<NormalFill>('normal_', args, ['mean', 'std'], SOURCE)
  if (!(std >= 0)) throw new TensorRangeError(`normal expects std >= 0.0, but found std ${std}`, { op: 'normal_', code: 'STD' })
  const z = draw('normal_', x, NORMAL, o)
  return assign(x, 'normal_', add(std === 1 ? z : mul(z, std), mean), drawn)
}

/** Numbers whose logarithm is normal. */
export function fillLogNormal(x: Tensor, ...args: Args<[mean?: number, std?: number], NormalFill>): Tensor {
  const { mean = 1, std = 2, ...o } = readArgs<NormalFill>('logNormal_', args, ['mean', 'std'], SOURCE)
  if (!(std > 0)) throw new TensorRangeError(`log_normal_ expects std > 0.0, but found std=${std}`, { op: 'logNormal_', code: 'STD' })
  return assign(x, 'logNormal_', exp(add(mul(draw('logNormal_', x, NORMAL, o), std), mean)), drawn)
}

/** Arguments of `uniform_`. */
export interface UniformFill extends DrawOptions {
  readonly from?: number
  readonly to?: number
}

/** Uniform numbers in [from, to). */
export function fillUniform(x: Tensor, ...args: Args<[from?: number, to?: number], UniformFill>): Tensor {
  const { from = 0, to = 1, ...o } = readArgs<UniformFill>('uniform_', args, ['from', 'to'], SOURCE)
  if (!(from <= to))
    throw new TensorRangeError(`uniform_ expects to return a [from, to) range, but found from=${from} > to=${to}`, {
      op: 'uniform_',
      code: 'RANGE',
    })
  return assign(x, 'uniform_', add(mul(draw('uniform_', x, UNIFORM, o), to - from), from), drawn)
}

/** Arguments of `cauchy_`. */
export interface CauchyFill extends DrawOptions {
  readonly median?: number
  readonly sigma?: number
}

/** Cauchy numbers: median + sigma·tan(π(u − ½)). */
export function fillCauchy(x: Tensor, ...args: Args<[median?: number, sigma?: number], CauchyFill>): Tensor {
  const { median = 0, sigma = 1, ...o } = readArgs<CauchyFill>('cauchy_', args, ['median', 'sigma'], SOURCE)
  if (!(sigma > 0)) throw new TensorRangeError(`cauchy_ expects sigma > 0.0, but found sigma=${sigma}`, { op: 'cauchy_', code: 'SIGMA' })
  return assign(x, 'cauchy_', add(mul(tan(mul(add(draw('cauchy_', x, UNIFORM, o), -0.5), Math.PI)), sigma), median), drawn)
}

/** Exponential numbers of a rate. */
export function fillExponential(x: Tensor, ...args: Args<[lambd?: number], DrawOptions & { readonly lambd?: number }>): Tensor {
  const { lambd = 1, ...o } = readArgs<DrawOptions & { readonly lambd?: number }>('exponential_', args, ['lambd'], SOURCE)
  return assign(x, 'exponential_', exponential(x, lambd, o), drawn)
}

/** How many trials of probability p it takes to the first success. */
export function fillGeometric(x: Tensor, ...args: Args<[p: number], DrawOptions & { readonly p?: number }>): Tensor {
  const { p = NaN, ...o } = readArgs<DrawOptions & { readonly p?: number }>('geometric_', args, ['p'], SOURCE)
  if (!(p > 0 && p < 1))
    throw new TensorRangeError(`geometric_ expects p to be in (0, 1), but got p=${p}`, { op: 'geometric_', code: 'PROBABILITY' })
  const float = dtypes[x.dtype].category === 'float' ? x : toFloat('geometric_', x)
  return assign(x, 'geometric_', cast(add(floor(exponential(float, -Math.log1p(-p), o)), 1), x.dtype), drawn)
}

// the whole numbers that each dtype has without gaps, as far as JavaScript counts
// oxfmt-ignore
const LARGEST: Readonly<Record<DType, number>> = {
  bool: 1, uint8: 255, int8: 127, int16: 32767, int32: 2 ** 31 - 1, int64: Number.MAX_SAFE_INTEGER - 1,
  float16: 2 ** 11, bfloat16: 2 ** 8, float32: 2 ** 24, float64: 2 ** 31 - 2,
}

/** Arguments of `random_`. */
export interface RandomFill extends DrawOptions {
  readonly from?: number
  readonly to?: number | null
}

/** Whole numbers in [from, to), or in [0, to) of `random_(to)`; without `to`, up to the largest that the dtype has without gaps. */
export function fillRandom(x: Tensor, ...args: Args<[from?: number, to?: number | null], RandomFill>): Tensor {
  const { from, to, ...o } = readArgs<RandomFill>('random_', args, ['from', 'to'], SOURCE)
  const largest = LARGEST[x.dtype] + 1
  const [low, high] = from !== undefined && to === undefined ? [0, from] : [from ?? 0, to ?? largest]
  return assign(
    x,
    'random_',
    integers('random_', low, high, x.shape, x.dtype, (shape, dtype, kind) => drawnLike('random_', x, shape, dtype, kind, o)),
    drawn,
  )
}

/** 1 with probability p, a number or a tensor that broadcasts to the shape, else 0. */
export function fillBernoulli(x: Tensor, ...args: Args<[p?: number | Tensor], DrawOptions & { readonly p?: number | Tensor }>): Tensor {
  const { p = 0.5, ...o } = readArgs<DrawOptions & { readonly p?: number | Tensor }>('bernoulli_', args, ['p'], SOURCE)
  const y = isTensor(p) ? cast(bernoulli(expandTo(p, x.shape), o), x.dtype) : bernoulli(x, p, o)
  return assign(x, 'bernoulli_', y, drawn)
}
