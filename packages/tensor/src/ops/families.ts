import { type End, checkEnd } from '../core/args.ts'
import { type DType, type Expr, expr as e, isFloat } from '@mapgrad/kernel'
import { TensorRangeError, TensorTypeError, describe } from '../core/errors.ts'
import { type Diff, type Op, type Partial, type Tensors, defineOp } from '../core/op.ts'
import type { Scalar } from '../core/promote.ts'
import { ArrayValue } from '../core/value.ts'
import { broadcastAval, constant, elementwise, pointwise } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { filledLike, promoted, toFloat } from './cast.ts'

// Makers of pointwise ops. They are function declarations, so that the op files, which import each other, can call them
// in any order.

type Parameterized = [x: Tensor, ...params: Tensor[]]
/** A float function of one tensor and some numbers. The numbers are operands that no kernel is compiled for and nobody differentiates. */
export type Parametric = Op<Parameterized, null, [x: Tensor, ...params: number[]]>

/** A constant in the dtype of an expression. */
export function number(value: number, like: Expr): Expr {
  return e.constant(value, like.dtype)
}

/** A function of each element and some numbers, and its derivative; integers are computed as float32. */
/* @__NO_SIDE_EFFECTS__ */
export function parametric(
  name: string,
  build: (x: Expr, ...params: Expr[]) => Expr,
  partial: Partial<Parameterized, null>,
  word: typeof elementwise = elementwise,
): Parametric {
  return defineOp<Parameterized, null, [x: Tensor, ...params: number[]]>({
    name,
    args: (x, ...params) => {
      const y = toFloat(name, x)
      return [[y, ...params.map((p) => filledLike(y, checkNumber(name, p)))], null]
    },
    result: broadcastAval(name),
    compute: pointwise((x, ...params) => build(x!, ...params)),
    batch: 'pointwise',
    diff: word<Parameterized, null>(partial),
  })
}

function checkNumber(op: string, x: unknown): number {
  if (typeof x !== 'number') throw new TensorTypeError(`expected a number, got ${describe(x)}`, { op, code: 'NUMBER' })
  return x
}

/** A weight 0 or 1 that a condition on the operands decides, in their dtype; it has no derivative. */
/* @__NO_SIDE_EFFECTS__ */
export function indicator<X extends Tensors>(name: string, condition: (...xs: Expr[]) => Expr): Op<X> {
  return weight(name, (...xs) => e.cast(condition(...xs), xs[0]!.dtype))
}

/** A number that the operands decide and that has no derivative, in their dtype. */
/* @__NO_SIDE_EFFECTS__ */
export function weight<X extends Tensors>(name: string, build: (...xs: Expr[]) => Expr): Op<X> {
  return defineOp<X>({ name, result: broadcastAval(name), compute: pointwise(build), batch: 'pointwise', diff: constant })
}

/** A tensor, or a JavaScript scalar where PyTorch takes a Python one. */
export type Operand = Tensor | Scalar
export type XY = [x: Tensor, y: Tensor]
/** An op of two operands that broadcast, elementwise, in their promoted dtype. */
export type Binary = Op<XY, null, [x: Operand, y: Operand]>

export interface BinaryRule {
  readonly build: (x: Expr, y: Expr) => Expr
  readonly diff: Diff<XY, null>
  /** the dtype to compute in, from the promoted one */
  readonly as?: (dtype: DType) => DType
  /** the second operand divides: an integer division by a JavaScript 0 is refused */
  readonly divides?: boolean
}

/** A function of two operands, elementwise over their broadcast shape. */
/* @__NO_SIDE_EFFECTS__ */
export function binary(name: string, { build, diff, as, divides }: BinaryRule): Binary {
  return defineOp<XY, null, [x: Operand, y: Operand]>({
    name,
    args: (x, y, ...end: End) => {
      checkEnd(name, end)
      const xs = promoted(name, [x, y], as) as XY
      if (divides && typeof y !== 'object' && !Number(y) && !isFloat(xs[0].dtype))
        throw new TensorRangeError(`ZeroDivisionError: expected an integer tensor to be divided by anything but 0, got ${String(y)}`, {
          op: name,
          code: 'ZERO_DIVISION',
        })
      return [xs, null]
    },
    result: broadcastAval(name),
    compute: pointwise((x, y) => build(x!, y!)),
    batch: 'pointwise',
    diff,
  })
}

/** The dtype that float functions of `dtype` have. */
export function floating(dtype: DType): DType {
  return isFloat(dtype) ? dtype : 'float32'
}
/** Refuses bools, as PyTorch does for this op. */
export function numbers(name: string): (dtype: DType) => DType {
  return (dtype) => {
    if (dtype === 'bool')
      throw new TensorTypeError(
        "expected at least one number dtype, got only bool. Convert with x.to('int32'), or use logicalXor, bitwiseAnd",
        { op: name, code: 'DTYPE' },
      )
    return dtype
  }
}
/** Refuses floats, as PyTorch does for this op. */
export function integral(name: string): (dtype: DType) => DType {
  return (dtype) => {
    if (isFloat(dtype)) throw new TensorTypeError(`expected integer or bool dtypes, got ${dtype}`, { op: name, code: 'DTYPE' })
    return dtype
  }
}

/** The number that a tensor repeats, where it is known to be one: a JavaScript scalar's operand. */
export function knownNumber(x: Tensor): number | bigint | undefined {
  return x.value instanceof ArrayValue && !x.value.buffer ? x.value.fill : undefined
}
