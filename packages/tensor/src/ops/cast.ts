import { type DType, expr, isFloat } from '@mapgrad/kernel'
import { type Op, defineOp } from '../core/op.ts'
import { type Scalar, checkOperand, checkTensor, resultType } from '../core/promote.ts'
import { ArrayValue } from '../core/value.ts'
import { linear, pointwise, constant } from '../core/words.ts'
import { isTensor } from '../core/handle.ts'
import { TensorTypeError } from '../core/errors.ts'
import type { Tensor } from '../tensor.ts'

interface CastParams {
  readonly dtype: DType
}

const castTo = /* @__PURE__ */ new Map<DType, Op<[Tensor], CastParams, [Tensor]>>()

/** One op a target dtype, since a pointwise expression knows its operands' dtypes alone. */
export function castOp(dtype: DType): Op<[Tensor], CastParams, [Tensor]> {
  let op = castTo.get(dtype)
  if (!op) {
    op = defineOp<[Tensor], CastParams, [Tensor]>({
      name: `to_${dtype}`,
      args: (x) => [[x], { dtype }],
      result: ([x]) => ({ shape: x.shape, dtype }),
      compute: pointwise((x) => expr.cast(x!, dtype)),
      batch: 'pointwise',
      diff: isFloat(dtype) ? linear((ct, [x]) => cast(ct, x.dtype)) : constant,
    })
    castTo.set(dtype, op)
  }
  return op
}

/** `x` converted to `dtype`, elementwise; `x` itself where it has that dtype. Float → integer truncates towards zero. */
export function cast(x: Tensor, dtype: DType): Tensor {
  if (x.dtype === dtype) return x
  const { value } = x
  if (value instanceof ArrayValue && !value.buffer) return filledLike(x, value.fill, dtype, value.shape)
  return castOp(dtype)(x)
}

/** A number as a tensor on the device of `like`; it takes no memory. */
export function filledLike(like: Tensor, fill: Scalar, dtype: DType = like.dtype, shape: readonly number[] = []): Tensor {
  return like.wrap(ArrayValue.filled(like.value.backend, dtype, shape, convert(fill, dtype)))
}

/** A JavaScript scalar as `dtype` stores it. */
function convert(x: Scalar, dtype: DType): number | bigint {
  if (dtype === 'int64') return typeof x === 'bigint' ? x : BigInt(Math.trunc(Number(x)))
  const n = Number(x)
  if (dtype === 'bool') return n === 0 ? 0 : 1
  return isFloat(dtype) ? n : Math.trunc(n)
}

/** `x` where it is a float, else converted to the default float. */
export function toFloat(op: string, x: Tensor): Tensor {
  checkTensor(op, x)
  return isFloat(x.dtype) ? x : cast(x, 'float32')
}

type Operand = Tensor | Scalar

/** The operands of a pointwise op as tensors of one dtype: the promoted one, or `as` of it. */
export function promoted(op: string, xs: readonly Operand[], as: (dtype: DType) => DType = (d) => d): Tensor[] {
  let like: Tensor | undefined
  for (const x of xs) {
    checkOperand(op, x)
    if (!like && isTensor(x)) like = x
  }
  if (!like)
    throw new TensorTypeError('expected at least one Tensor, got only numbers. Wrap one in tensor(x)', { op, code: 'OPERAND_TYPE' })
  const dtype = as(resultType(...xs))
  const anchor = like
  return xs.map((x) => (isTensor(x) ? cast(x, dtype) : filledLike(anchor, x, dtype)))
}
