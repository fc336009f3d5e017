import { type DType, isFloat } from '@mapgrad/kernel'
import { checkOptions, isOptions, readArgs } from '../core/args.ts'
import { resolveDevice } from '../core/device.ts'
import { TensorRangeError, TensorTypeError, describe } from '../core/errors.ts'
import { isTensor } from '../core/handle.ts'
import { checkTensor } from '../core/promote.ts'
import { registry } from '../core/registry.ts'
import { type Shape, broadcastShapes } from '../core/shape.ts'
import { type SizeArgs, checkSizes, readSize } from '../create/fill.ts'
import { type TensorOptions, checkDTypeName } from '../create/tensor.ts'
import { add, div, logicalAnd, maximum, mul, sub } from '../ops/binary.ts'
import { cast } from '../ops/cast.ts'
import { ge, le, lt } from '../ops/compare.ts'
import { log, log1p, neg } from '../ops/unary.ts'
import { Tensor } from '../tensor.ts'
import { type Draw, checkFloat, drawShared, drawWith } from './draw.ts'
import { type Generator, checkKey, nextKey } from './generator.ts'

/** How a random tensor is made, beyond its dtype and device. */
export interface RandomOptions extends TensorOptions {
  /** draws from this generator instead of the default one */
  readonly generator?: Generator
  /** draws from this key, which alone decides the numbers; no generator moves on */
  readonly key?: Tensor
}

/** The names of those options. */
export const RANDOM_OPTIONS = ['dtype', 'device', 'generator', 'key'] as const
const KNOWN = RANDOM_OPTIONS
type Source = Pick<RandomOptions, 'device' | 'generator' | 'key'>

/** A draw of a shape: from the key if one is given, else from the generator, on the device of `like` if that is given. */
export function drawn(op: string, shape: Shape, dtype: DType, draw: Draw, source: Source, like?: Tensor): Tensor {
  const { key, generator, device } = source
  const params = { shape, dtype, draw }
  if (key) {
    checkKey(op, key)
    if (generator) throw new TensorTypeError('expected a key or a generator, got both', { op, code: 'RANDOM_SOURCE' })
    return new Tensor(drawWith(key, params).value)
  }
  const backend = device === undefined ? (like?.value.backend ?? resolveDevice(generator?.device, op)) : resolveDevice(device, op)
  const state = nextKey(generator, backend)
  const out = drawShared(state, params)
  // nothing can have recorded it
  if (!registry().top) state.dispose()
  return out
}

const UNIFORM: Draw = { kind: 'uniform' }
const NORMAL: Draw = { kind: 'normal' }

function real(op: string, args: readonly unknown[], draw: Draw): Tensor {
  const [size, o] = readSize<RandomOptions>(op, args, KNOWN)
  const dtype = o.dtype ?? 'float32'
  checkFloat(op, dtype)
  return drawn(op, size, dtype, draw, o)
}

/** Uniform numbers in [0, 1): `rand(2, 3)` or `rand([2, 3])`. */
export function rand(...args: SizeArgs<RandomOptions>): Tensor {
  return real('rand', args, UNIFORM)
}
/** Normal numbers of mean 0 and variance 1: `randn(2, 3)` or `randn([2, 3])`. */
export function randn(...args: SizeArgs<RandomOptions>): Tensor {
  return real('randn', args, NORMAL)
}

const like = (op: string, x: Tensor, options: RandomOptions): RandomOptions & { readonly dtype: DType } => {
  checkTensor(op, x)
  checkOptions(op, options as Record<string, unknown>, KNOWN)
  checkDTypeName(op, options.dtype)
  return { ...options, dtype: options.dtype ?? x.dtype }
}

/** Uniform numbers in [0, 1) of the shape and dtype of `x`. */
export function randLike(x: Tensor, options: RandomOptions = {}): Tensor {
  const o = like('randLike', x, options)
  checkFloat('randLike', o.dtype)
  return drawn('randLike', x.shape, o.dtype, UNIFORM, o, x)
}
/** Standard normal numbers of the shape and dtype of `x`. */
export function randnLike(x: Tensor, options: RandomOptions = {}): Tensor {
  const o = like('randnLike', x, options)
  checkFloat('randnLike', o.dtype)
  return drawn('randnLike', x.shape, o.dtype, NORMAL, o, x)
}

const LIMITS: Partial<Record<DType, readonly [number, number]>> = { bool: [0, 1], uint8: [0, 255], int8: [-128, 127], int16: [-32768, 32767], int32: [-(2 ** 31), 2 ** 31 - 1] }

function integers(op: string, low: unknown, high: unknown, shape: Shape, dtype: DType, source: Source, x?: Tensor): Tensor {
  for (const [name, n] of [['low', low], ['high', high]] as const)
    if (typeof n !== 'number' || !Number.isSafeInteger(n)) throw new TensorTypeError(`expected ${name} to be a whole number, got ${describe(n)}`, { op, code: 'ARGUMENT' })
  const [from, to] = [low as number, high as number]
  if (from >= to) throw new TensorRangeError(`random_ expects 'from' to be less than 'to', but got from=${from} >= to=${to}`, { op, code: 'RANGE' })
  const stored = isFloat(dtype) ? 'int32' : dtype
  const limits = LIMITS[stored]
  if (limits && (from < limits[0] || to - 1 > limits[1]))
    throw new TensorRangeError(`${from < limits[0] ? 'from' : 'to - 1'} is out of bounds for ${stored}, got [${from}, ${to}). Ask for { dtype: 'int64' }`, { op, code: 'RANGE' })
  const out = drawn(op, shape, stored, { kind: 'integer', low: from, range: to - from }, source, x)
  return cast(out, dtype)
}

interface IntegerOptions extends RandomOptions {
  readonly low?: number
  readonly high?: number
  readonly size?: Shape
}

/** Uniform integers in [low, high), int32 unless a dtype is given: `randint(high, size)` or `randint(low, high, size)`, the size an array. */
export function randint(high: number, size: Shape, options?: RandomOptions): Tensor
export function randint(low: number, high: number, size: Shape, options?: RandomOptions): Tensor
export function randint(options: IntegerOptions): Tensor
export function randint(...args: readonly unknown[]): Tensor {
  const o = readArgs<IntegerOptions>('randint', typeof args[1] === 'number' || isOptions(args[0]) ? args : [0, ...args], ['low', 'high', 'size'], KNOWN)
  checkDTypeName('randint', o.dtype)
  if (!Array.isArray(o.size)) throw new TensorTypeError(`expected the size as an array, got ${describe(o.size)}: randint(low, high, [2, 3])`, { op: 'randint', code: 'SIZE' })
  return integers('randint', o.low ?? 0, o.high, checkSizes('randint', o.size), o.dtype ?? 'int32', o)
}
/** Uniform integers in [low, high) of the shape and dtype of `x`: `randintLike(x, high)` or `randintLike(x, low, high)`. */
export function randintLike(x: Tensor, ...args: [high: number, options?: RandomOptions] | [low: number, high: number, options?: RandomOptions]): Tensor {
  const o = readArgs<IntegerOptions>('randintLike', typeof args[1] === 'number' ? args : [0, ...args], ['low', 'high'], KNOWN)
  const p = like('randintLike', x, { ...(o.dtype && { dtype: o.dtype }) })
  return integers('randintLike', o.low ?? 0, o.high, x.shape, p.dtype, o, x)
}

/** Refuses a condition that is false somewhere, where the device can tell at once. */
export function refuseUnless(op: string, ok: Tensor, message: string): void {
  const { value } = ok
  if (value.trace || !value.backend.syncRead) return
  if (ok.dataSync().some((v) => !v)) throw new TensorRangeError(message, { op, code: 'PROBABILITY' })
}

/** 1 with probability p, else 0: p is a float tensor of probabilities, or `x` gives the shape and `p` the probability of all. In the dtype of `x`. */
export function bernoulli(x: Tensor, ...args: [p?: number | Tensor, options?: Omit<RandomOptions, 'dtype' | 'device'>] | [options?: Omit<RandomOptions, 'dtype' | 'device'> & { readonly p?: number | Tensor }]): Tensor {
  checkTensor('bernoulli', x)
  const o = readArgs<{ p?: number | Tensor } & Source>('bernoulli', args, ['p'], ['generator', 'key'])
  const p = o.p ?? x
  if (typeof p === 'number') {
    if (!(p >= 0 && p <= 1)) throw new TensorRangeError(`bernoulli_ expects p to be in [0, 1], but got p=${p}`, { op: 'bernoulli', code: 'PROBABILITY' })
    return drawn('bernoulli', x.shape, x.dtype, { kind: 'either', p, below: 1, above: 0 }, o, x)
  }
  if (!isFloat(p.dtype)) throw new TensorTypeError(`expected probabilities of a float dtype, got ${p.dtype}. Convert with x.float()`, { op: 'bernoulli', code: 'DTYPE' })
  refuseUnless('bernoulli', inUnitInterval(p), 'Expected p_in >= 0 && p_in <= 1 to be true, but got false. Probabilities lie between 0 and 1')
  return cast(lt(drawn('bernoulli', x.shape, p.dtype === 'float64' ? 'float64' : 'float32', UNIFORM, o, x), p), x.dtype)
}
const inUnitInterval = (p: Tensor): Tensor => logicalAnd(ge(p, 0), le(p, 1))

/** Shape, dtype and device of a draw whose parameters are numbers or tensors. */
function parameters(op: string, given: Readonly<Record<string, number | Tensor>>, o: { readonly size?: Shape; readonly dtype?: DType }): [shape: Shape, dtype: DType, like: Tensor | undefined] {
  checkDTypeName(op, o.dtype)
  const names = Object.keys(given)
  for (const name of names)
    if (typeof given[name] !== 'number' && !isTensor(given[name])) throw new TensorTypeError(`expected ${name} to be a number or a Tensor, got ${describe(given[name])}`, { op, code: 'ARGUMENT' })
  const tensors = Object.values(given).filter(isTensor)
  const [x] = tensors
  if (!x && !o.size) throw new TensorTypeError(`expected a size where ${names.join(' and ')} are numbers: ${op}(0, 1, [2, 3])`, { op, code: 'SIZE' })
  const shape = o.size ? checkSizes(op, o.size) : tensors.reduce<Shape>((s, t) => broadcastShapes(op, s, t.shape), [])
  const dtype = o.dtype ?? x?.dtype ?? 'float32'
  checkFloat(op, dtype)
  return [shape, dtype, x]
}

interface NormalOptions extends RandomOptions {
  readonly std?: number | Tensor
  readonly size?: Shape
}

/**
 * Normal numbers: `normal(mean, std, size)` of numbers, or `normal(mean, std)` where one of them is a tensor, with a
 * draw for each element of their broadcast shape. `std` is 1 by default.
 */
export function normal(mean: number | Tensor, ...args: [std?: number | Tensor, size?: Shape, options?: RandomOptions] | [std: number | Tensor, options: NormalOptions] | [options: NormalOptions]): Tensor {
  const o = readArgs<NormalOptions>('normal', args, ['std', 'size'], KNOWN)
  const std = o.std ?? 1
  const [shape, dtype, x] = parameters('normal', { mean, std }, o)
  if (typeof std === 'number' && !(std >= 0)) throw new TensorRangeError(`normal expects std >= 0.0, but found std ${std}`, { op: 'normal', code: 'STD' })
  if (isTensor(std)) refuseUnless('normal', ge(std, 0), 'normal expects all elements of std >= 0.0')
  const z = drawn('normal', shape, dtype, NORMAL, o, x)
  return add(std === 1 ? z : mul(z, std), mean)
}

/** Exponential numbers of the shape and dtype of `x`, with density rate·exp(−rate·t): −log(1 − u) / rate. Never 0. */
export function exponential(x: Tensor, rate = 1, options: Omit<RandomOptions, 'dtype' | 'device'> = {}): Tensor {
  if (!(rate > 0)) throw new TensorRangeError(`exponential_ expects lambda > 0.0, but found lambda=${rate}`, { op: 'exponential', code: 'RATE' })
  const u = randLike(x, options)
  // half of the smallest step of u stands for 0
  const least = { float64: 2 ** -54, float16: 2 ** -12, bfloat16: 2 ** -9 }[u.dtype as string] ?? 2 ** -25
  return div(maximum(neg(log1p(neg(u))), least), rate)
}
/** Standard Gumbel numbers of the shape and dtype of `x`: −log(e) of exponential e. */
export function gumbel(x: Tensor, options: Omit<RandomOptions, 'dtype' | 'device'> = {}): Tensor {
  return neg(log(exponential(x, 1, options)))
}

interface UniformOptions extends RandomOptions {
  readonly high?: number | Tensor
  readonly size?: Shape
}

/** Uniform numbers in [low, high): `uniform(low, high, size)` of numbers, or `uniform(low, high)` where one of them is a tensor. */
export function uniform(low: number | Tensor, ...args: [high?: number | Tensor, size?: Shape, options?: RandomOptions] | [high: number | Tensor, options: UniformOptions] | [options: UniformOptions]): Tensor {
  const o = readArgs<UniformOptions>('uniform', args, ['high', 'size'], KNOWN)
  const high = o.high ?? 1
  const [shape, dtype, x] = parameters('uniform', { low, high }, o)
  if (typeof low === 'number' && typeof high === 'number' && low > high) throw new TensorRangeError(`uniform_ expects to return a [from, to) range, but found from=${low} > to=${high}`, { op: 'uniform', code: 'RANGE' })
  return add(mul(drawn('uniform', shape, dtype, UNIFORM, o, x), typeof low === 'number' && typeof high === 'number' ? high - low : sub(high, low)), low)
}

/**
 * Each element zero with probability p, else scaled by 1/(1 − p); x itself when not training. One draw decides for the
 * value and its derivatives.
 */
export function dropout(x: Tensor, ...args: [p?: number, training?: boolean, options?: Omit<RandomOptions, 'dtype' | 'device'>] | [p: number, options: DropoutOptions] | [options?: DropoutOptions]): Tensor {
  checkTensor('dropout', x)
  const o = readArgs<DropoutOptions>('dropout', args, ['p', 'training'], ['generator', 'key'])
  const p = o.p ?? 0.5
  if (typeof p !== 'number' || !(p >= 0 && p <= 1)) throw new TensorRangeError(`dropout probability has to be between 0 and 1, but got ${describe(p)}`, { op: 'dropout', code: 'PROBABILITY' })
  if (o.training === false || p === 0) return x
  if (!isFloat(x.dtype)) throw new TensorTypeError(`result type float32 can't be cast to the desired output type ${x.dtype}. Convert with x.float()`, { op: 'dropout', code: 'DTYPE' })
  if (p === 1) return mul(x, 0)
  return mul(x, drawn('dropout', x.shape, x.dtype, { kind: 'either', p, below: 0, above: 1 / (1 - p) }, o, x))
}
/** Options of `dropout`. */
export interface DropoutOptions extends Omit<RandomOptions, 'dtype' | 'device'> {
  /** the probability of zero; default 0.5 */
  readonly p?: number
  /** default true */
  readonly training?: boolean
}
