import { type DType, isFloat } from '@mapgrad/kernel'
import { type Args, readArgs } from '../core/args.ts'
import { leaf } from '../core/autograd.ts'
import { type Device } from '../core/device.ts'
import { TensorRangeError, TensorTypeError, describe } from '../core/errors.ts'
import { isTensor } from '../core/handle.ts'
import { add, mul, pow, sub } from '../ops/binary.ts'
import { cast } from '../ops/cast.ts'
import { where } from '../ops/where.ts'
import type { Tensor } from '../tensor.ts'
import { type TensorOptions, checkDTypeName } from './host.ts'
import { fromHost } from './tensor.ts'

const KEYWORDS = ['dtype', 'device', 'requiresGrad'] as const

interface RangeOptions extends TensorOptions {
  readonly start?: number | undefined
  readonly end?: number | undefined
  readonly step?: number | undefined
}

function checkNumber(op: string, name: string, x: unknown): asserts x is number {
  if (typeof x !== 'number') throw new TensorTypeError(`expected ${name} to be a number, got ${describe(x)}`, { op, code: 'ARGUMENT' })
}
function checkCount(op: string, x: unknown, message: string): asserts x is number {
  if (typeof x !== 'number' || !Number.isInteger(x))
    throw new TensorTypeError(`expected a whole number, got ${describe(x)}`, { op, code: 'ARGUMENT' })
  if (x < 0) throw new TensorRangeError(`${message}, got ${x}`, { op, code: 'SIZE' })
}

/** Numbers of the host as a tensor; integers and bools by truncation. */
function upload(values: Float64Array, shape: readonly number[], dtype: DType, device: Device | undefined, op: string): Tensor {
  if (dtype === 'int64')
    return fromHost(
      BigInt64Array.from(values, (v) => BigInt(Math.trunc(v))),
      shape,
      dtype,
      device,
      op,
    )
  return fromHost(dtype === 'bool' ? values.map(Math.trunc) : values, shape, dtype, device, op)
}

/** f(0), …, f(n − 1). */
function listed(n: number, f: (i: number) => number): Float64Array {
  const values = new Float64Array(n)
  for (let i = 0; i < n; i++) values[i] = f(i)
  return values
}

/**
 * `start, start + step, …` up to but not including `end`: `arange(end)`, `arange(start, end)`, `arange(start, end, step)`.
 * int32 if all are integers, else float32.
 */
export function arange(end: number, options?: TensorOptions): Tensor
export function arange(...args: Args<[start: number, end?: number, step?: number], RangeOptions>): Tensor
export function arange(...args: readonly unknown[]): Tensor {
  const o = readArgs<RangeOptions>('arange', args, ['start', 'end', 'step'], KEYWORDS)
  checkDTypeName('arange', o.dtype)
  const [start, end] = o.end === undefined ? [0, o.start] : [o.start ?? 0, o.end]
  const step = o.step ?? 1
  checkNumber('arange', 'start', start)
  checkNumber('arange', 'end', end)
  checkNumber('arange', 'step', step)
  if (!Number.isFinite(start) || !Number.isFinite(end))
    throw new TensorRangeError(`unsupported range: ${start} -> ${end}`, { op: 'arange', code: 'RANGE' })
  if (step === 0 || Number.isNaN(step)) throw new TensorRangeError('step must be nonzero', { op: 'arange', code: 'RANGE' })
  if ((step > 0 && start > end) || (step < 0 && start < end))
    throw new TensorRangeError(`upper bound and lower bound inconsistent with step sign, got start ${start}, end ${end}, step ${step}`, {
      op: 'arange',
      code: 'RANGE',
    })
  const dtype = o.dtype ?? ([start, end, step].every(Number.isInteger) ? 'int32' : 'float32')
  // as PyTorch: an integer range is one of truncated arguments
  const whole = isFloat(dtype) || [start, end, step].every(Number.isInteger)
  const [a, b, d] = whole ? [start, end, step] : [Math.trunc(start), Math.trunc(end), Math.trunc(step)]
  if (d === 0) throw new TensorRangeError('step must be nonzero', { op: 'arange', code: 'RANGE' })
  // and, but for int64, as many as the fractional ones ask for
  const n = dtype === 'int64' ? Math.ceil((b - a) / d) : Math.ceil((end - start) / step)
  const numbers = listed(n, (i) => a + i * d)
  return leaf('arange', upload(numbers, [n], dtype, o.device, 'arange'), o)
}

/** A bound of `linspace` and `logspace`: a number, or a tensor without axes. */
export type Bound = number | Tensor

interface SpaceOptions extends TensorOptions {
  readonly start?: Bound | undefined
  readonly end?: Bound | undefined
  readonly steps?: number | undefined
  readonly base?: number | undefined
}

function spaced(op: string, o: SpaceOptions, value: (x: number) => number, values: (x: Tensor) => Tensor): Tensor {
  const { start, end, steps } = o
  checkDTypeName(op, o.dtype)
  if (isTensor(start) || isTensor(end)) return leaf(op, spacedBetween(op, o, values), o)
  checkNumber(op, 'start', start)
  checkNumber(op, 'end', end)
  checkCount(op, steps, 'number of steps must be non-negative')
  const dtype = o.dtype ?? 'float32'
  const step = (end - start) / (steps - 1)
  // from both ends, so that the last value is exact and the whole symmetric, as PyTorch does
  const at = (i: number): number => (i < steps / 2 ? start + i * step : end - (steps - 1 - i) * step)
  const numbers = listed(steps, (i) => value(steps === 1 ? start : at(i)))
  return leaf(op, upload(numbers, [steps], dtype, o.device, op), o)
}

/** The same of tensor bounds: it has derivatives, and each example of a batch has bounds of its own. */
function spacedBetween(op: string, { start, end, steps, dtype = 'float32' }: SpaceOptions, values: (x: Tensor) => Tensor): Tensor {
  checkCount(op, steps, 'number of steps must be non-negative')
  const { backend } = (isTensor(start) ? start : (end as Tensor)).value
  const float = backend.dtypes.includes('float64') ? 'float64' : 'float32'
  const bound = (name: string, x: unknown): Tensor => {
    if (!isTensor(x)) {
      checkNumber(op, name, x)
      return fromHost([x], [], float, backend, op)
    }
    if (x.ndim !== 0)
      throw new TensorRangeError(`${op} only supports 0-dimensional start and end tensors, but got ${name} with ${x.ndim} dimension(s).`, {
        op,
        code: 'RANK',
      })
    return cast(x, float)
  }
  const [a, b] = [bound('start', start), bound('end', end)]
  const low = (i: number): boolean => i < steps / 2 || steps === 1
  const first = fromHost(
    listed(steps, (i) => (low(i) ? 1 : 0)),
    [steps],
    'bool',
    backend,
    op,
  )
  const count = fromHost(
    listed(steps, (i) => (low(i) ? i : i + 1 - steps)),
    [steps],
    float,
    backend,
    op,
  )
  return cast(values(add(where(first, a, b), mul(count, mul(sub(b, a), 1 / Math.max(1, steps - 1))))), dtype)
}

/**
 * `steps` numbers from `start` to `end`, both included, at equal distances. Tensor bounds have no axes.
 * @throws TensorRangeError for negative steps
 */
export function linspace(...args: Args<[start: Bound, end: Bound, steps: number], SpaceOptions>): Tensor {
  return spaced(
    'linspace',
    readArgs<SpaceOptions>('linspace', args, ['start', 'end', 'steps'], KEYWORDS),
    (x) => x,
    (x) => x,
  )
}
/** `base` to the powers that `linspace(start, end, steps)` gives; base 10 by default. */
export function logspace(...args: Args<[start: Bound, end: Bound, steps: number, base?: number], SpaceOptions>): Tensor {
  const o = readArgs<SpaceOptions>('logspace', args, ['start', 'end', 'steps', 'base'], KEYWORDS)
  return spaced(
    'logspace',
    o,
    (x) => (o.base ?? 10) ** x,
    (x) => pow(o.base ?? 10, x),
  )
}

interface EyeOptions extends TensorOptions {
  readonly n?: number | undefined
  readonly m?: number | undefined
}

/** Ones on the diagonal of an `n × m` matrix (square by default), zeros elsewhere. */
export function eye(...args: Args<[n: number, m?: number], EyeOptions>): Tensor {
  const o = readArgs<EyeOptions>('eye', args, ['n', 'm'], KEYWORDS)
  const { n, m = n, dtype = 'float32' } = o
  checkDTypeName('eye', dtype)
  checkCount('eye', n, 'n must be greater or equal to 0')
  checkCount('eye', m, 'm must be greater or equal to 0')
  const values = new Float64Array(n * m)
  for (let i = 0; i < Math.min(n, m); i++) values[i * m + i] = 1
  return leaf('eye', upload(values, [n, m], dtype, o.device, 'eye'), o)
}

interface TriangleOptions extends TensorOptions {
  readonly row?: number | undefined
  readonly col?: number | undefined
  readonly offset?: number | undefined
}

function triangle(op: string, args: readonly unknown[], inside: (i: number, j: number, offset: number) => boolean): Tensor {
  const {
    row,
    col,
    offset = 0,
    dtype = 'int32',
    device,
  } = readArgs<TriangleOptions>(op, args, ['row', 'col', 'offset'], ['dtype', 'device'])
  checkDTypeName(op, dtype)
  checkCount(op, row, 'row must be non-negative')
  checkCount(op, col, 'col must be non-negative')
  const rows: number[] = []
  const columns: number[] = []
  for (let i = 0; i < row; i++)
    for (let j = 0; j < col; j++)
      if (inside(i, j, offset)) {
        rows.push(i)
        columns.push(j)
      }
  return upload(Float64Array.from([...rows, ...columns]), [2, rows.length], dtype, device, op)
}

/** Row and column indices `[2, n]` of the lower triangle of a `row × col` matrix, on and below the diagonal `offset`. */
export function trilIndices(...args: Args<[row: number, col: number, offset?: number], TriangleOptions>): Tensor {
  return triangle('trilIndices', args, (i, j, offset) => j - i <= offset)
}
/** Row and column indices `[2, n]` of the upper triangle of a `row × col` matrix, on and above the diagonal `offset`. */
export function triuIndices(...args: Args<[row: number, col: number, offset?: number], TriangleOptions>): Tensor {
  return triangle('triuIndices', args, (i, j, offset) => j - i >= offset)
}
