import { type DType, dtypes, isFloat } from '@mapgrad/kernel'
import { type End, checkEnd } from './args.ts'
import { TensorTypeError, describe } from './errors.ts'
import type { Tensor } from '../tensor.ts'
import { isTensor } from './handle.ts'

/** A JavaScript number, boolean or bigint standing where a tensor can stand. Its type is weak: it never widens a tensor's dtype within its category. */
export type Scalar = number | boolean | bigint

const order: readonly DType[] = ['bool', 'uint8', 'int8', 'int16', 'int32', 'int64', 'float16', 'bfloat16', 'float32', 'float64']

/** The smallest dtype that both convert to, PyTorch's table (2.13). */
export function promoteTypes(a: DType, b: DType): DType {
  if (a === b) return a
  const [x, y] = order.indexOf(a) < order.indexOf(b) ? [a, b] : [b, a]
  if (x === 'uint8' && y === 'int8') return 'int16'
  if (x === 'float16' && y === 'bfloat16') return 'float32'
  return y
}

/** The dtype of a JavaScript scalar alone: booleans bool, bigints int64, integral numbers int32, others float32. */
export function scalarType(x: Scalar): DType {
  if (typeof x === 'boolean') return 'bool'
  if (typeof x === 'bigint') return 'int64'
  return Number.isInteger(x) && Math.abs(x) <= 0x7fffffff ? 'int32' : 'float32'
}

const rank = { bool: 0, int: 1, float: 2 } as const
const category = (d: DType): number => rank[dtypes[d].category]

type Operand = { readonly dtype: DType; readonly shape: readonly number[] } | Scalar

/**
 * The dtype an operation of these operands computes in, PyTorch's rule: tensors with axes decide; 0-d tensors count only
 * if their category is higher, JavaScript scalars only if theirs is higher still.
 */
export function resultType(...xs: readonly Operand[]): DType {
  let dimmed: DType | null = null
  let zero: DType | null = null
  let weak: DType | null = null
  for (const x of xs) {
    if (typeof x === 'object') {
      if (x.shape.length) dimmed = dimmed ? promoteTypes(dimmed, x.dtype) : x.dtype
      else zero = zero ? promoteTypes(zero, x.dtype) : x.dtype
    } else {
      const t = scalarType(x)
      weak = weak ? promoteTypes(weak, t) : t
    }
  }
  let out = dimmed
  if (zero && (!out || category(zero) > category(out))) out = zero
  if (weak && (!out || category(weak) > category(out))) out = weak
  return out ?? 'float32'
}

/** Refuses what is neither a tensor nor a JavaScript scalar. */
export function checkOperand(op: string, x: unknown): void {
  if (isTensor(x) || typeof x === 'number' || typeof x === 'boolean' || typeof x === 'bigint') return
  const hint =
    Array.isArray(x) || ArrayBuffer.isView(x)
      ? 'Wrap data in tensor(data)'
      : x === undefined
        ? 'A function may lack its return'
        : 'Convert it first'
  throw new TensorTypeError(`expected a Tensor or a number, got ${describe(x)}. ${hint}`, { op, code: 'OPERAND_TYPE' })
}

/** Refuses what is not a tensor. */
export function checkTensor(op: string, x: unknown, what = 'a Tensor'): void {
  if (isTensor(x)) return
  throw new TensorTypeError(`expected ${what}, got ${describe(x)}. Wrap data in tensor(data)`, { op, code: 'OPERAND_TYPE' })
}

/** The arguments of an op of one tensor, checked. */
export const oneTensor =
  /* @__NO_SIDE_EFFECTS__ */
  (op: string): ((x: Tensor, ...end: End) => readonly [[x: Tensor], null]) =>
    (x, ...end) => {
      checkTensor(op, x)
      checkEnd(op, end)
      return [[x], null]
    }

/** Whether a tensor has a floating point dtype, and so can have a derivative. */
export const isFloating = (x: { readonly dtype: DType }): boolean => isFloat(x.dtype)
