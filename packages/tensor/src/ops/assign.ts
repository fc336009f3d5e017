import { type DType, dtypes } from '@mapgrad/kernel'
import { type Writing, become, write } from '../core/alias.ts'
import { type Args, checkEnd, readArgs } from '../core/args.ts'
import { TensorRangeError, TensorTypeError, show } from '../core/errors.ts'
import { isTensor } from '../core/handle.ts'
import { type Scalar, checkOperand, checkTensor } from '../core/promote.ts'
import { broadcastShapes, numel, sameShape } from '../core/shape.ts'
import { checkAlive } from '../core/trace.ts'
import { ArrayValue } from '../core/value.ts'
import type { Tensor } from '../tensor.ts'
import { type AnyIndex, type Index, at, setAt, valuesAt } from './at.ts'
import { cast, filledLike } from './cast.ts'
import { meaningOf } from './indexer.ts'
import { contiguous, expandTo, reshapeTo } from './view.ts'

// In-place operations: the functional op, whose result the handle then stands for.

// oxfmt-ignore
const NAMES: Readonly<Record<DType, string>> = {
  bool: 'Bool', uint8: 'Byte', int8: 'Char', int16: 'Short', int32: 'Int', int64: 'Long',
  float16: 'Half', bfloat16: 'BFloat16', float32: 'Float', float64: 'Double',
}
const RANK = { bool: 0, int: 1, float: 2 } as const

/** Whether a result of one dtype may be stored as another: floats not as integers, numbers not as booleans. */
export const storable = (from: DType, to: DType): boolean => RANK[dtypes[from].category] <= RANK[dtypes[to].category]

/**
 * Gives `x` the elements of `y`, what `op` computed for it, in x's dtype; views of `x`, and what it is a view of, show them too.
 * @throws TensorRangeError if `y` has another shape, TensorTypeError if x's dtype cannot store it
 */
export function assign(x: Tensor, op: string, y: Tensor, how: Writing = {}): Tensor {
  checkAlive(op, y.value)
  if (!sameShape(x.shape, y.shape))
    throw new TensorRangeError(
      `output with shape ${show(x.shape)} doesn't match the broadcast shape ${show(y.shape)}. The result of an in-place operation keeps the shape; use ${op.slice(0, -1)}`,
      { op, code: 'SHAPE_MISMATCH' },
    )
  if (!storable(y.dtype, x.dtype))
    throw new TensorTypeError(
      `result type ${NAMES[y.dtype]} can't be cast to the desired output type ${NAMES[x.dtype]}. Use ${op.slice(0, -1)}, or convert first`,
      { op, code: 'DTYPE' },
    )
  const same = cast(y, x.dtype)
  // so that what asks for views of x finds it in rows without gaps, as it was
  const { value } = same
  write(x, op, value instanceof ArrayValue && value.buffer && !value.contiguous ? contiguous(same) : same, how)
  return x
}

/** Gives `x` the shape of its view `y`: the handle now stands for that view. */
export function reshaped(x: Tensor, op: string, y: Tensor): Tensor {
  become(x, op, y)
  return x
}

/** The elements of `source`, broadcast and converted. */
export function copyInto(x: Tensor, source: Tensor | Scalar, end: readonly unknown[] = []): Tensor {
  checkEnd('copy_', end)
  checkOperand('copy_', source)
  if (!isTensor(source)) return assign(x, 'copy_', filledLike(x, source, x.dtype, x.shape))
  const shape = broadcastShapes('copy_', x.shape, source.shape)
  const y = cast(source, x.dtype)
  return assign(x, 'copy_', sameShape(shape, y.shape) ? y : contiguous(expandTo(y, shape)))
}

/** One number everywhere: a JavaScript number or a 0-d tensor. */
export function fillWith(x: Tensor, op: string, value: Tensor | Scalar, end: readonly unknown[] = []): Tensor {
  checkEnd(op, end)
  checkOperand(op, value)
  if (!isTensor(value)) return assign(x, op, filledLike(x, value, x.dtype, x.shape), { uniform: true, placed: true })
  if (value.ndim > 0)
    throw new TensorRangeError(`fill_ only supports 0-dimension value tensor but got tensor with ${value.ndim} dimensions.`, {
      op,
      code: 'RANK',
    })
  return assign(x, op, contiguous(expandTo(cast(value, x.dtype), x.shape)), { uniform: true, placed: true })
}

/** `value` at the places that the indices select. */
export function setIn(x: Tensor, args: readonly [...index: AnyIndex[], value: Tensor | Scalar]): Tensor {
  checkTensor('set', x)
  if (args.length < 1) throw new TensorTypeError('expected indices and a value: x.set(0, 1) for x[0] = 1', { op: 'set', code: 'ARGUMENT' })
  const index = args.slice(0, -1) as AnyIndex[]
  const value = args.at(-1) as Tensor | Scalar
  if (meaningOf(index) || index.some((i) => isTensor(i) || Array.isArray(i) || typeof i === 'boolean'))
    return assign(x, 'set', setAt(x, index, value), { placed: true })
  const part = at(x, ...(index as Index[]))
  checkOperand('set', value)
  assign(part, 'set', contiguous(valuesAt('set', part, isTensor(value) ? cast(value, x.dtype) : value)))
  return x
}

/** `value` on the main diagonal; of a tall matrix, with `wrap`, again below it after one row. */
export function fillDiagonal(
  x: Tensor,
  ...args: Args<[value: number, wrap?: boolean], { readonly value?: number; readonly wrap?: boolean }>
): Tensor {
  const { value, wrap = false } = readArgs<{ readonly value?: number; readonly wrap?: boolean }>('fillDiagonal_', args, ['value', 'wrap'])
  const op = 'fillDiagonal_'
  checkOperand(op, value)
  if (x.ndim < 2) throw new TensorRangeError('dimensions must larger than 1', { op, code: 'RANK' })
  if (x.ndim > 2 && x.shape.some((n) => n !== x.shape[0]))
    throw new TensorRangeError('all dimensions of input must be of equal length', { op, code: 'SHAPE_MISMATCH' })
  const [rows, columns] = [x.shape[0]!, x.shape[1]!]
  const flat = reshapeTo(x, [numel(x.shape)])
  const step = x.shape.slice(1).reduce((s, n) => s * n + 1, 1)
  const stop = x.ndim === 2 && !(wrap && rows > columns + 1) ? Math.min(rows, columns) * columns : numel(x.shape)
  return assign(
    x,
    op,
    reshapeTo(setAt(flat, [{ '~mapgrad.slice': true, start: 0, stop, step: Math.max(step, 1) }], value as Scalar), x.shape),
  )
}
