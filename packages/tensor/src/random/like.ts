import { type DType, isFloat } from '@mapgrad/kernel'
import { type Args, isOptions, readArgs } from '../core/args.ts'
import { leaf } from '../core/autograd.ts'
import { resolveDevice } from '../core/device.ts'
import { TensorRangeError, TensorTypeError, describe } from '../core/errors.ts'
import { checkTensor } from '../core/promote.ts'
import { registry } from '../core/registry.ts'
import type { Shape } from '../core/shape.ts'
import { amid } from '../core/trace.ts'
import type { Value } from '../core/value.ts'
import { type TensorOptions, checkDTypeName } from '../create/host.ts'
import { div, logicalAnd, maximum, mul } from '../ops/binary.ts'
import { cast } from '../ops/cast.ts'
import { ge, le, lt } from '../ops/compare.ts'
import { log, log1p, neg } from '../ops/unary.ts'
import type { Tensor } from '../tensor.ts'
import { type Draw, checkFloat, drawShared, drawWith } from './draw.ts'
import { type Generator, checkKey, keyWords } from './generator.ts'

// Draws that have a tensor to be like: results are made by its class, so `Tensor` can have these as methods.

/** How a random tensor is made, beyond its dtype and device. */
export interface RandomOptions extends TensorOptions {
  /** draws from this generator instead of the default one */
  readonly generator?: Generator | undefined
  /** draws from this key, which alone decides the numbers; no generator moves on */
  readonly key?: Tensor | undefined
}

/** The names of those options. */
export const RANDOM_OPTIONS = ['dtype', 'device', 'generator', 'key'] as const
const KNOWN = RANDOM_OPTIONS
const SOURCE = ['generator', 'key'] as const
type SourceOptions = Omit<RandomOptions, 'dtype' | 'device'>
export type Source = Pick<RandomOptions, 'device' | 'generator' | 'key'>

/** A draw of a shape, in a handle made by `wrap`: from the key if one is given, else from the generator, on the device of `like` if that is given. */
export function drawn(
  op: string,
  shape: Shape,
  dtype: DType,
  draw: Draw,
  source: Source,
  like: Tensor | null,
  wrap: (v: Value) => Tensor,
): Tensor {
  const { key, generator, device } = source
  const params = { shape, dtype, draw }
  if (key) {
    checkKey(op, key)
    if (generator) throw new TensorTypeError('expected a key or a generator, got both', { op, code: 'RANDOM_SOURCE' })
    return wrap(drawWith(key, params).value)
  }
  if (generator && typeof generator.next !== 'function')
    throw new TensorTypeError(
      `expected a Generator as generator, got ${describe(generator)}. Make one with new Generator(); a key goes in { key }`,
      { op, code: 'RANDOM_SOURCE' },
    )
  const backend = device === undefined ? (like?.value.backend ?? resolveDevice(generator?.device, op)) : resolveDevice(device, op)
  const state = wrap(keyWords(generator, backend))
  const out = like ? amid(like.value, () => drawShared(state, params)) : drawShared(state, params)
  // nothing can have recorded it
  if (!registry().top && !registry().tape) state.dispose()
  return out
}

/** `drawn` for a result like `x`. */
export const drawnLike = (op: string, x: Tensor, shape: Shape, dtype: DType, draw: Draw, source: Source): Tensor =>
  drawn(op, shape, dtype, draw, source, x, (v) => x.wrap(v))

export const UNIFORM: Draw = { kind: 'uniform' }
export const NORMAL: Draw = { kind: 'normal' }

type LikeArgs = [options?: RandomOptions]
const like = (op: string, x: Tensor, args: LikeArgs): RandomOptions & { readonly dtype: DType } => {
  checkTensor(op, x)
  const options = readArgs<RandomOptions>(op, args, [], [...KNOWN, 'requiresGrad'])
  checkDTypeName(op, options.dtype)
  return { ...options, dtype: options.dtype ?? x.dtype }
}

/** Uniform numbers in [0, 1) of the shape and dtype of `x`. */
export function randLike(x: Tensor, ...args: LikeArgs): Tensor {
  const o = like('randLike', x, args)
  checkFloat('randLike', o.dtype)
  return leaf('randLike', drawnLike('randLike', x, x.shape, o.dtype, UNIFORM, o), o)
}
/** Standard normal numbers of the shape and dtype of `x`. */
export function randnLike(x: Tensor, ...args: LikeArgs): Tensor {
  const o = like('randnLike', x, args)
  checkFloat('randnLike', o.dtype)
  return leaf('randnLike', drawnLike('randnLike', x, x.shape, o.dtype, NORMAL, o), o)
}

const LIMITS: Partial<Record<DType, readonly [number, number]>> = {
  bool: [0, 1],
  uint8: [0, 255],
  int8: [-128, 127],
  int16: [-32768, 32767],
  int32: [-(2 ** 31), 2 ** 31 - 1],
}

export function integers(
  op: string,
  low: unknown,
  high: unknown,
  shape: Shape,
  dtype: DType,
  draw: (shape: Shape, dtype: DType, draw: Draw) => Tensor,
): Tensor {
  for (const [name, n] of [
    ['low', low],
    ['high', high],
  ] as const)
    if (typeof n !== 'number' || !Number.isSafeInteger(n))
      throw new TensorTypeError(`expected ${name} to be a whole number, got ${describe(n)}`, { op, code: 'ARGUMENT' })
  const [from, to] = [low as number, high as number]
  if (from >= to)
    throw new TensorRangeError(`random_ expects 'from' to be less than 'to', but got from=${from} >= to=${to}`, { op, code: 'RANGE' })
  const stored = isFloat(dtype) ? 'int32' : dtype
  const limits = LIMITS[stored]
  if (limits && (from < limits[0] || to - 1 > limits[1]))
    throw new TensorRangeError(
      `${from < limits[0] ? 'from' : 'to - 1'} is out of bounds for ${stored}, got [${from}, ${to}). Ask for { dtype: 'int64' }`,
      { op, code: 'RANGE' },
    )
  const out = draw(shape, stored, { kind: 'integer', low: from, range: to - from })
  return cast(out, dtype)
}

/** Bounds and size of random integers, by name. */
export interface IntegerOptions extends RandomOptions {
  readonly low?: number | undefined
  readonly high?: number | undefined
  readonly size?: Shape | undefined
}

/** Uniform integers in [low, high) of the shape and dtype of `x`: `randintLike(x, high)` or `randintLike(x, low, high)`. */
export function randintLike(
  x: Tensor,
  ...args: [high: number, options?: RandomOptions] | [low: number, high: number, options?: RandomOptions] | [options: IntegerOptions]
): Tensor {
  const o = readArgs<IntegerOptions>(
    'randintLike',
    typeof args[1] === 'number' || isOptions(args[0]) ? args : [0, ...args],
    ['low', 'high'],
    KNOWN,
  )
  const p = like('randintLike', x, [{ ...(o.dtype && { dtype: o.dtype }) }])
  return integers('randintLike', o.low ?? 0, o.high, x.shape, p.dtype, (shape, dtype, draw) =>
    drawnLike('randintLike', x, shape, dtype, draw, o),
  )
}

/** Refuses a condition that is false somewhere, where the device can tell at once. */
export function refuseUnless(op: string, ok: Tensor, message: string): void {
  const { value } = ok
  if (value.trace || !value.backend.syncRead) return
  if (ok.dataSync().some((v) => !v)) throw new TensorRangeError(message, { op, code: 'PROBABILITY' })
}

/** 1 with probability p, else 0: p is a float tensor of probabilities, or `x` gives the shape and `p` the probability of all. In the dtype of `x`. */
export function bernoulli(
  x: Tensor,
  ...args:
    | [p?: number | Tensor, options?: Omit<RandomOptions, 'dtype' | 'device'>]
    | [options?: Omit<RandomOptions, 'dtype' | 'device'> & { readonly p?: number | Tensor }]
): Tensor {
  checkTensor('bernoulli', x)
  const o = readArgs<{ p?: number | Tensor } & Source>('bernoulli', args, ['p'], ['generator', 'key'])
  const p = o.p ?? x
  if (typeof p === 'number') {
    if (!(p >= 0 && p <= 1))
      throw new TensorRangeError(`bernoulli_ expects p to be in [0, 1], but got p=${p}`, { op: 'bernoulli', code: 'PROBABILITY' })
    return drawnLike('bernoulli', x, x.shape, x.dtype, { kind: 'either', p, below: 1, above: 0 }, o)
  }
  checkTensor('bernoulli', p, 'p to be a number or a Tensor')
  if (!isFloat(p.dtype))
    throw new TensorTypeError(`expected probabilities of a float dtype, got ${p.dtype}. Convert with x.float()`, {
      op: 'bernoulli',
      code: 'DTYPE',
    })
  refuseUnless(
    'bernoulli',
    inUnitInterval(p),
    'Expected p_in >= 0 && p_in <= 1 to be true, but got false. Probabilities lie between 0 and 1',
  )
  return cast(lt(drawnLike('bernoulli', x, x.shape, p.dtype === 'float64' ? 'float64' : 'float32', UNIFORM, o), p), x.dtype)
}
const inUnitInterval = (p: Tensor): Tensor => logicalAnd(ge(p, 0), le(p, 1))

/** Exponential numbers of the shape and dtype of `x`, with density rate·exp(−rate·t): −log(1 − u) / rate. Never 0. */
export function exponential(x: Tensor, ...args: Args<[rate?: number], SourceOptions & { readonly rate?: number }>): Tensor {
  const { rate = 1, ...options } = readArgs<SourceOptions & { readonly rate?: number }>('exponential', args, ['rate'], SOURCE)
  if (!(rate > 0))
    throw new TensorRangeError(`exponential_ expects lambda > 0.0, but found lambda=${rate}`, { op: 'exponential', code: 'RATE' })
  const u = randLike(x, options)
  // half of the smallest step of u stands for 0
  const least = { float64: 2 ** -54, float16: 2 ** -12, bfloat16: 2 ** -9 }[u.dtype as string] ?? 2 ** -25
  return div(maximum(neg(log1p(neg(u))), least), rate)
}
/** Standard Gumbel numbers of the shape and dtype of `x`: −log(e) of exponential e. */
export function gumbel(x: Tensor, ...args: [options?: SourceOptions]): Tensor {
  return neg(log(exponential(x, 1, readArgs<SourceOptions>('gumbel', args, [], SOURCE))))
}

/**
 * Each element zero with probability p, else scaled by 1/(1 − p); x itself when not training. One draw decides for the
 * value and its derivatives.
 */
export function dropout(
  x: Tensor,
  ...args:
    | [p?: number, training?: boolean, options?: Omit<RandomOptions, 'dtype' | 'device'>]
    | [p: number, options: DropoutOptions]
    | [options?: DropoutOptions]
): Tensor {
  checkTensor('dropout', x)
  const o = readArgs<DropoutOptions>('dropout', args, ['p', 'training'], ['generator', 'key'])
  const p = o.p ?? 0.5
  if (typeof p !== 'number' || !(p >= 0 && p <= 1))
    throw new TensorRangeError(`dropout probability has to be between 0 and 1, but got ${describe(p)}`, {
      op: 'dropout',
      code: 'PROBABILITY',
    })
  if (o.training === false || p === 0) return x
  if (!isFloat(x.dtype))
    throw new TensorTypeError(`result type float32 can't be cast to the desired output type ${x.dtype}. Convert with x.float()`, {
      op: 'dropout',
      code: 'DTYPE',
    })
  if (p === 1) return mul(x, 0)
  return mul(x, drawnLike('dropout', x, x.shape, x.dtype, { kind: 'either', p, below: 0, above: 1 / (1 - p) }, o))
}
/** Options of `dropout`. */
export interface DropoutOptions extends Omit<RandomOptions, 'dtype' | 'device'> {
  /** the probability of zero; default 0.5 */
  readonly p?: number | undefined
  /** default true */
  readonly training?: boolean | undefined
}
