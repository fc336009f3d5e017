import { Handle } from '../core/handle.ts'
import * as activation from '../ops/activation.ts'
import * as binary from '../ops/binary.ts'
import * as binaryExtra from '../ops/binary-extra.ts'
import * as compare from '../ops/compare.ts'
import * as ternary from '../ops/ternary.ts'
import * as unary from '../ops/unary.ts'
import * as unaryExtra from '../ops/unary-extra.ts'
import * as selection from '../ops/where.ts'
import type { Tensor } from '../tensor.ts'

type Operand = binary.Operand
type Tail<F> = F extends (x: Tensor, ...rest: infer R) => unknown ? R : never
type Tail2<F> = F extends (x: Tensor, y: Tensor, ...rest: infer R) => unknown ? R : never

/** The pointwise functions as methods; each is the function of the same name with the tensor first. */
export abstract class PointwiseMethods extends Handle {
  neg(this: Tensor): Tensor {
    return unary.neg(this)
  }
  abs(this: Tensor): Tensor {
    return unary.abs(this)
  }
  sign(this: Tensor): Tensor {
    return unary.sign(this)
  }
  square(this: Tensor): Tensor {
    return unary.square(this)
  }
  exp(this: Tensor): Tensor {
    return unary.exp(this)
  }
  exp2(this: Tensor): Tensor {
    return unary.exp2(this)
  }
  expm1(this: Tensor): Tensor {
    return unary.expm1(this)
  }
  log(this: Tensor): Tensor {
    return unary.log(this)
  }
  log2(this: Tensor): Tensor {
    return unary.log2(this)
  }
  log10(this: Tensor): Tensor {
    return unary.log10(this)
  }
  log1p(this: Tensor): Tensor {
    return unary.log1p(this)
  }
  sqrt(this: Tensor): Tensor {
    return unary.sqrt(this)
  }
  rsqrt(this: Tensor): Tensor {
    return unary.rsqrt(this)
  }
  reciprocal(this: Tensor): Tensor {
    return unary.reciprocal(this)
  }
  sin(this: Tensor): Tensor {
    return unary.sin(this)
  }
  cos(this: Tensor): Tensor {
    return unary.cos(this)
  }
  tan(this: Tensor): Tensor {
    return unary.tan(this)
  }
  asin(this: Tensor): Tensor {
    return unary.asin(this)
  }
  acos(this: Tensor): Tensor {
    return unary.acos(this)
  }
  atan(this: Tensor): Tensor {
    return unary.atan(this)
  }
  sinh(this: Tensor): Tensor {
    return unary.sinh(this)
  }
  cosh(this: Tensor): Tensor {
    return unary.cosh(this)
  }
  tanh(this: Tensor): Tensor {
    return unary.tanh(this)
  }
  asinh(this: Tensor): Tensor {
    return unary.asinh(this)
  }
  acosh(this: Tensor): Tensor {
    return unary.acosh(this)
  }
  atanh(this: Tensor): Tensor {
    return unary.atanh(this)
  }
  erf(this: Tensor): Tensor {
    return unary.erf(this)
  }
  erfc(this: Tensor): Tensor {
    return unary.erfc(this)
  }
  sigmoid(this: Tensor): Tensor {
    return unary.sigmoid(this)
  }
  floor(this: Tensor): Tensor {
    return unary.floor(this)
  }
  ceil(this: Tensor): Tensor {
    return unary.ceil(this)
  }
  trunc(this: Tensor): Tensor {
    return unary.trunc(this)
  }
  frac(this: Tensor): Tensor {
    return unary.frac(this)
  }
  isnan(this: Tensor): Tensor {
    return unary.isnan(this)
  }
  isinf(this: Tensor): Tensor {
    return unary.isinf(this)
  }
  isfinite(this: Tensor): Tensor {
    return unary.isfinite(this)
  }
  logicalNot(this: Tensor): Tensor {
    return unary.logicalNot(this)
  }
  bitwiseNot(this: Tensor): Tensor {
    return unary.bitwiseNot(this)
  }
  relu(this: Tensor): Tensor {
    return unary.relu(this)
  }
  absolute(this: Tensor): Tensor {
    return unary.abs(this)
  }
  negative(this: Tensor): Tensor {
    return unary.neg(this)
  }
  arcsin(this: Tensor): Tensor {
    return unary.asin(this)
  }
  arccos(this: Tensor): Tensor {
    return unary.acos(this)
  }
  arctan(this: Tensor): Tensor {
    return unary.atan(this)
  }
  arcsinh(this: Tensor): Tensor {
    return unary.asinh(this)
  }
  arccosh(this: Tensor): Tensor {
    return unary.acosh(this)
  }
  arctanh(this: Tensor): Tensor {
    return unary.atanh(this)
  }
  fix(this: Tensor): Tensor {
    return unary.trunc(this)
  }
  sgn(this: Tensor): Tensor {
    return unary.sign(this)
  }
  sinc(this: Tensor): Tensor {
    return unaryExtra.sinc(this)
  }
  deg2rad(this: Tensor): Tensor {
    return unaryExtra.deg2rad(this)
  }
  rad2deg(this: Tensor): Tensor {
    return unaryExtra.rad2deg(this)
  }
  signbit(this: Tensor): Tensor {
    return unaryExtra.signbit(this)
  }
  isposinf(this: Tensor): Tensor {
    return unaryExtra.isposinf(this)
  }
  isneginf(this: Tensor): Tensor {
    return unaryExtra.isneginf(this)
  }
  isreal(this: Tensor): Tensor {
    return unaryExtra.isreal(this)
  }
  positive(this: Tensor): Tensor {
    return unaryExtra.positive(this)
  }
  round(this: Tensor, options?: binary.RoundOptions): Tensor {
    return binary.round(this, options)
  }
  logit(this: Tensor, ...args: Tail<typeof unaryExtra.logit>): Tensor {
    return unaryExtra.logit(this, ...args)
  }
  nanToNum(this: Tensor, ...args: Tail<typeof unaryExtra.nanToNum>): Tensor {
    return unaryExtra.nanToNum(this, ...args)
  }
  add(this: Tensor, y: Operand, options?: binary.AlphaOptions): Tensor {
    return binary.add(this, y, options)
  }
  sub(this: Tensor, y: Operand, options?: binary.AlphaOptions): Tensor {
    return binary.sub(this, y, options)
  }
  subtract(this: Tensor, y: Operand, options?: binary.AlphaOptions): Tensor {
    return binary.sub(this, y, options)
  }
  div(this: Tensor, y: Operand, options?: binary.DivOptions): Tensor {
    return binary.div(this, y, options)
  }
  divide(this: Tensor, y: Operand, options?: binary.DivOptions): Tensor {
    return binary.div(this, y, options)
  }
  trueDivide(this: Tensor, y: Operand): Tensor {
    return binary.div(this, y)
  }
  rsub(this: Tensor, y: Operand, options?: binary.AlphaOptions): Tensor {
    return binaryExtra.rsub(this, y, options)
  }
  mul(this: Tensor, y: Operand): Tensor {
    return binary.mul(this, y)
  }
  maximum(this: Tensor, y: Operand): Tensor {
    return binary.maximum(this, y)
  }
  minimum(this: Tensor, y: Operand): Tensor {
    return binary.minimum(this, y)
  }
  clampMin(this: Tensor, y: Operand): Tensor {
    return binary.clampMin(this, y)
  }
  clampMax(this: Tensor, y: Operand): Tensor {
    return binary.clampMax(this, y)
  }
  floorDivide(this: Tensor, y: Operand): Tensor {
    return binary.floorDivide(this, y)
  }
  fmod(this: Tensor, y: Operand): Tensor {
    return binary.fmod(this, y)
  }
  remainder(this: Tensor, y: Operand): Tensor {
    return binary.remainder(this, y)
  }
  pow(this: Tensor, y: Operand): Tensor {
    return binary.pow(this, y)
  }
  atan2(this: Tensor, y: Operand): Tensor {
    return binary.atan2(this, y)
  }
  logicalAnd(this: Tensor, y: Operand): Tensor {
    return binary.logicalAnd(this, y)
  }
  logicalOr(this: Tensor, y: Operand): Tensor {
    return binary.logicalOr(this, y)
  }
  logicalXor(this: Tensor, y: Operand): Tensor {
    return binary.logicalXor(this, y)
  }
  bitwiseAnd(this: Tensor, y: Operand): Tensor {
    return binary.bitwiseAnd(this, y)
  }
  bitwiseOr(this: Tensor, y: Operand): Tensor {
    return binary.bitwiseOr(this, y)
  }
  bitwiseXor(this: Tensor, y: Operand): Tensor {
    return binary.bitwiseXor(this, y)
  }
  bitwiseLeftShift(this: Tensor, y: Operand): Tensor {
    return binary.bitwiseLeftShift(this, y)
  }
  bitwiseRightShift(this: Tensor, y: Operand): Tensor {
    return binary.bitwiseRightShift(this, y)
  }
  multiply(this: Tensor, y: Operand): Tensor {
    return binary.mul(this, y)
  }
  arctan2(this: Tensor, y: Operand): Tensor {
    return binary.atan2(this, y)
  }
  fmax(this: Tensor, y: Operand): Tensor {
    return binaryExtra.fmax(this, y)
  }
  fmin(this: Tensor, y: Operand): Tensor {
    return binaryExtra.fmin(this, y)
  }
  xlogy(this: Tensor, y: Operand): Tensor {
    return binaryExtra.xlogy(this, y)
  }
  hypot(this: Tensor, y: Operand): Tensor {
    return binaryExtra.hypot(this, y)
  }
  copysign(this: Tensor, y: Operand): Tensor {
    return binaryExtra.copysign(this, y)
  }
  logaddexp(this: Tensor, y: Operand): Tensor {
    return binaryExtra.logaddexp(this, y)
  }
  logaddexp2(this: Tensor, y: Operand): Tensor {
    return binaryExtra.logaddexp2(this, y)
  }
  heaviside(this: Tensor, y: Operand): Tensor {
    return binaryExtra.heaviside(this, y)
  }
  floatPower(this: Tensor, y: Operand): Tensor {
    return binaryExtra.floatPower(this, y)
  }
  ldexp(this: Tensor, y: Tensor): Tensor {
    return binaryExtra.ldexp(this, y)
  }
  isclose(this: Tensor, y: Tensor, ...args: Tail2<typeof binaryExtra.isclose>): Tensor {
    return binaryExtra.isclose(this, y, ...args)
  }
  eq(this: Tensor, y: Operand): Tensor {
    return compare.eq(this, y)
  }
  ne(this: Tensor, y: Operand): Tensor {
    return compare.ne(this, y)
  }
  lt(this: Tensor, y: Operand): Tensor {
    return compare.lt(this, y)
  }
  le(this: Tensor, y: Operand): Tensor {
    return compare.le(this, y)
  }
  gt(this: Tensor, y: Operand): Tensor {
    return compare.gt(this, y)
  }
  ge(this: Tensor, y: Operand): Tensor {
    return compare.ge(this, y)
  }
  notEqual(this: Tensor, y: Operand): Tensor {
    return compare.ne(this, y)
  }
  less(this: Tensor, y: Operand): Tensor {
    return compare.lt(this, y)
  }
  lessEqual(this: Tensor, y: Operand): Tensor {
    return compare.le(this, y)
  }
  greater(this: Tensor, y: Operand): Tensor {
    return compare.gt(this, y)
  }
  greaterEqual(this: Tensor, y: Operand): Tensor {
    return compare.ge(this, y)
  }
  clamp(this: Tensor, ...args: ternary.ClampArgs): Tensor {
    return ternary.clamp(this, ...args)
  }
  clip(this: Tensor, ...args: ternary.ClampArgs): Tensor {
    return ternary.clamp(this, ...args)
  }
  lerp(this: Tensor, end: Tensor, ...args: Tail2<typeof ternary.lerp>): Tensor {
    return ternary.lerp(this, end, ...args)
  }
  addcmul(this: Tensor, a: Tensor, b: Tensor, options?: ternary.ValueOptions): Tensor {
    return ternary.addcmul(this, a, b, options)
  }
  addcdiv(this: Tensor, a: Tensor, b: Tensor, options?: ternary.ValueOptions): Tensor {
    return ternary.addcdiv(this, a, b, options)
  }
  where(this: Tensor, condition: Tensor, y: Operand): Tensor {
    return selection.where(condition, this, y)
  }
  hardshrink(this: Tensor, ...args: Tail<typeof activation.hardshrink>): Tensor {
    return activation.hardshrink(this, ...args)
  }
  prelu(this: Tensor, weight: Tensor): Tensor {
    return activation.prelu(this, weight)
  }
}
