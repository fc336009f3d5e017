import type { DType } from '@mapgrad/kernel'
import { leaf } from '../core/autograd.ts'
import { type Args, isOptions, readArgs } from '../core/args.ts'
import { TensorRangeError, TensorTypeError, describe } from '../core/errors.ts'
import { isTensor } from '../core/handle.ts'
import { type Shape, broadcastShapes } from '../core/shape.ts'
import { checkDTypeName } from '../create/host.ts'
import { type SizeArgs, checkSizes, readSize } from '../create/size.ts'
import { add, mul, sub } from '../ops/binary.ts'
import { cast } from '../ops/cast.ts'
import { ge } from '../ops/compare.ts'
import { gather } from '../ops/gather.ts'
import { selectAxis } from '../ops/slice.ts'
import { argsort } from '../ops/sort.ts'
import { Tensor } from '../tensor.ts'
import { type Draw, checkFloat } from './draw.ts'
import {
  type IntegerOptions,
  NORMAL,
  RANDOM_OPTIONS as KNOWN,
  type RandomOptions,
  type Source,
  UNIFORM,
  drawn,
  integers,
  refuseUnless,
} from './like.ts'

const drawPlain = (op: string, shape: Shape, dtype: DType, draw: Draw, source: Source, like?: Tensor): Tensor =>
  drawn(op, shape, dtype, draw, source, like ?? null, (v) => new Tensor(v))

function real(op: string, args: readonly unknown[], draw: Draw): Tensor {
  const [size, o] = readSize<RandomOptions>(op, args, [...KNOWN, 'requiresGrad'])
  const dtype = o.dtype ?? 'float32'
  checkFloat(op, dtype)
  return leaf(op, drawPlain(op, size, dtype, draw, o), o)
}

/** Uniform numbers in [0, 1): `rand(2, 3)` or `rand([2, 3])`. */
export function rand(...args: SizeArgs<RandomOptions>): Tensor {
  return real('rand', args, UNIFORM)
}
/** Normal numbers of mean 0 and variance 1: `randn(2, 3)` or `randn([2, 3])`. */
export function randn(...args: SizeArgs<RandomOptions>): Tensor {
  return real('randn', args, NORMAL)
}

/** Uniform integers in [low, high), int32 unless a dtype is given: `randint(high, size)` or `randint(low, high, size)`, the size an array. */
export function randint(high: number, size: Shape, options?: RandomOptions): Tensor
export function randint(low: number, high: number, size: Shape, options?: RandomOptions): Tensor
export function randint(options: IntegerOptions): Tensor
export function randint(...args: readonly unknown[]): Tensor {
  const o = readArgs<IntegerOptions>(
    'randint',
    typeof args[1] === 'number' || isOptions(args[0]) ? args : [0, ...args],
    ['low', 'high', 'size'],
    KNOWN,
  )
  checkDTypeName('randint', o.dtype)
  if (!Array.isArray(o.size))
    throw new TensorTypeError(`expected the size as an array, got ${describe(o.size)}: randint(low, high, [2, 3])`, {
      op: 'randint',
      code: 'SIZE',
    })
  return integers('randint', o.low ?? 0, o.high, checkSizes('randint', o.size), o.dtype ?? 'int32', (shape, dtype, draw) =>
    drawPlain('randint', shape, dtype, draw, o),
  )
}
/** Shape, dtype and device of a draw whose parameters are numbers or tensors. */
function parameters(
  op: string,
  given: Readonly<Record<string, number | Tensor>>,
  o: { readonly size?: Shape | undefined; readonly dtype?: DType | undefined },
): [shape: Shape, dtype: DType, like: Tensor | undefined] {
  checkDTypeName(op, o.dtype)
  const names = Object.keys(given)
  for (const name of names)
    if (typeof given[name] !== 'number' && !isTensor(given[name]))
      throw new TensorTypeError(`expected ${name} to be a number or a Tensor, got ${describe(given[name])}`, { op, code: 'ARGUMENT' })
  const tensors = Object.values(given).filter(isTensor)
  const [x] = tensors
  if (!x && !o.size)
    throw new TensorTypeError(`expected a size where ${names.join(' and ')} are numbers: ${op}(0, 1, [2, 3])`, { op, code: 'SIZE' })
  const shape = o.size ? checkSizes(op, o.size) : tensors.reduce<Shape>((s, t) => broadcastShapes(op, s, t.shape), [])
  const dtype = o.dtype ?? x?.dtype ?? 'float32'
  checkFloat(op, dtype)
  return [shape, dtype, x]
}

interface NormalOptions extends RandomOptions {
  readonly std?: number | Tensor | undefined
  readonly size?: Shape | undefined
}

/**
 * Normal numbers: `normal(mean, std, size)` of numbers, or `normal(mean, std)` where one of them is a tensor, with a
 * draw for each element of their broadcast shape. `std` is 1 by default.
 */
export function normal(
  mean: number | Tensor,
  ...args:
    | [std?: number | Tensor, size?: Shape, options?: RandomOptions]
    | [std: number | Tensor, options: NormalOptions]
    | [options: NormalOptions]
): Tensor {
  const o = readArgs<NormalOptions>('normal', args, ['std', 'size'], KNOWN)
  const std = o.std ?? 1
  const [shape, dtype, x] = parameters('normal', { mean, std }, o)
  if (typeof std === 'number' && !(std >= 0))
    throw new TensorRangeError(`normal expects std >= 0.0, but found std ${std}`, { op: 'normal', code: 'STD' })
  if (isTensor(std)) refuseUnless('normal', ge(std, 0), 'normal expects all elements of std >= 0.0')
  const z = drawPlain('normal', shape, dtype, NORMAL, o, x)
  return add(std === 1 ? z : mul(z, std), mean)
}

interface UniformOptions extends RandomOptions {
  readonly high?: number | Tensor | undefined
  readonly size?: Shape | undefined
}

/** Uniform numbers in [low, high): `uniform(low, high, size)` of numbers, or `uniform(low, high)` where one of them is a tensor. */
export function uniform(
  low: number | Tensor,
  ...args:
    | [high?: number | Tensor, size?: Shape, options?: RandomOptions]
    | [high: number | Tensor, options: UniformOptions]
    | [options: UniformOptions]
): Tensor {
  const o = readArgs<UniformOptions>('uniform', args, ['high', 'size'], KNOWN)
  const high = o.high ?? 1
  const [shape, dtype, x] = parameters('uniform', { low, high }, o)
  if (typeof low === 'number' && typeof high === 'number' && low > high)
    throw new TensorRangeError(`uniform_ expects to return a [from, to) range, but found from=${low} > to=${high}`, {
      op: 'uniform',
      code: 'RANGE',
    })
  return add(
    mul(
      drawPlain('uniform', shape, dtype, UNIFORM, o, x),
      typeof low === 'number' && typeof high === 'number' ? high - low : sub(high, low),
    ),
    low,
  )
}

/** Up to so many, 32 random bits a place leave no two alike, but once in a thousand draws. */
const FEW = 4096

interface PermutationOptions extends RandomOptions {
  readonly n?: number | undefined
}

/** The numbers 0 to n − 1 in random order, int32 unless a dtype is given. */
export function randperm(...args: Args<[n: number], PermutationOptions>): Tensor {
  const o = readArgs<PermutationOptions>('randperm', args, ['n'], KNOWN)
  checkDTypeName('randperm', o.dtype)
  const { n } = o
  if (typeof n !== 'number' || !Number.isInteger(n))
    throw new TensorTypeError(`expected a whole number, got ${describe(n)}`, { op: 'randperm', code: 'ARGUMENT' })
  if (n < 0) throw new TensorRangeError(`Trying to create tensor with negative dimension ${n}: [${n}]`, { op: 'randperm', code: 'SIZE' })
  const words = n > FEW ? 2 : 1
  const bits = drawPlain('randperm', [words, n], 'int32', { kind: 'bits' }, o)
  const row = (i: number): Tensor => selectAxis(bits, bits.ndim - 2, i)
  let order = argsort(row(0))
  // sorting is stable: by the second word of equal first ones
  if (words === 2) order = gather(order, -1, argsort(gather(row(1), -1, order)))
  return cast(order, o.dtype ?? 'int32')
}
