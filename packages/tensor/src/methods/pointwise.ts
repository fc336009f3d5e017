import type { End } from '../core/args.ts'
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
  neg(this: Tensor, ...end: End): Tensor {
    return unary.neg(this, ...end)
  }
  abs(this: Tensor, ...end: End): Tensor {
    return unary.abs(this, ...end)
  }
  sign(this: Tensor, ...end: End): Tensor {
    return unary.sign(this, ...end)
  }
  square(this: Tensor, ...end: End): Tensor {
    return unary.square(this, ...end)
  }
  exp(this: Tensor, ...end: End): Tensor {
    return unary.exp(this, ...end)
  }
  exp2(this: Tensor, ...end: End): Tensor {
    return unary.exp2(this, ...end)
  }
  expm1(this: Tensor, ...end: End): Tensor {
    return unary.expm1(this, ...end)
  }
  log(this: Tensor, ...end: End): Tensor {
    return unary.log(this, ...end)
  }
  log2(this: Tensor, ...end: End): Tensor {
    return unary.log2(this, ...end)
  }
  log10(this: Tensor, ...end: End): Tensor {
    return unary.log10(this, ...end)
  }
  log1p(this: Tensor, ...end: End): Tensor {
    return unary.log1p(this, ...end)
  }
  sqrt(this: Tensor, ...end: End): Tensor {
    return unary.sqrt(this, ...end)
  }
  rsqrt(this: Tensor, ...end: End): Tensor {
    return unary.rsqrt(this, ...end)
  }
  reciprocal(this: Tensor, ...end: End): Tensor {
    return unary.reciprocal(this, ...end)
  }
  sin(this: Tensor, ...end: End): Tensor {
    return unary.sin(this, ...end)
  }
  cos(this: Tensor, ...end: End): Tensor {
    return unary.cos(this, ...end)
  }
  tan(this: Tensor, ...end: End): Tensor {
    return unary.tan(this, ...end)
  }
  asin(this: Tensor, ...end: End): Tensor {
    return unary.asin(this, ...end)
  }
  acos(this: Tensor, ...end: End): Tensor {
    return unary.acos(this, ...end)
  }
  atan(this: Tensor, ...end: End): Tensor {
    return unary.atan(this, ...end)
  }
  sinh(this: Tensor, ...end: End): Tensor {
    return unary.sinh(this, ...end)
  }
  cosh(this: Tensor, ...end: End): Tensor {
    return unary.cosh(this, ...end)
  }
  tanh(this: Tensor, ...end: End): Tensor {
    return unary.tanh(this, ...end)
  }
  asinh(this: Tensor, ...end: End): Tensor {
    return unary.asinh(this, ...end)
  }
  acosh(this: Tensor, ...end: End): Tensor {
    return unary.acosh(this, ...end)
  }
  atanh(this: Tensor, ...end: End): Tensor {
    return unary.atanh(this, ...end)
  }
  erf(this: Tensor, ...end: End): Tensor {
    return unary.erf(this, ...end)
  }
  erfc(this: Tensor, ...end: End): Tensor {
    return unary.erfc(this, ...end)
  }
  sigmoid(this: Tensor, ...end: End): Tensor {
    return unary.sigmoid(this, ...end)
  }
  floor(this: Tensor, ...end: End): Tensor {
    return unary.floor(this, ...end)
  }
  ceil(this: Tensor, ...end: End): Tensor {
    return unary.ceil(this, ...end)
  }
  trunc(this: Tensor, ...end: End): Tensor {
    return unary.trunc(this, ...end)
  }
  frac(this: Tensor, ...end: End): Tensor {
    return unary.frac(this, ...end)
  }
  isnan(this: Tensor, ...end: End): Tensor {
    return unary.isnan(this, ...end)
  }
  isinf(this: Tensor, ...end: End): Tensor {
    return unary.isinf(this, ...end)
  }
  isfinite(this: Tensor, ...end: End): Tensor {
    return unary.isfinite(this, ...end)
  }
  logicalNot(this: Tensor, ...end: End): Tensor {
    return unary.logicalNot(this, ...end)
  }
  bitwiseNot(this: Tensor, ...end: End): Tensor {
    return unary.bitwiseNot(this, ...end)
  }
  relu(this: Tensor, ...end: End): Tensor {
    return unary.relu(this, ...end)
  }
  absolute(this: Tensor, ...end: End): Tensor {
    return unary.abs(this, ...end)
  }
  negative(this: Tensor, ...end: End): Tensor {
    return unary.neg(this, ...end)
  }
  arcsin(this: Tensor, ...end: End): Tensor {
    return unary.asin(this, ...end)
  }
  arccos(this: Tensor, ...end: End): Tensor {
    return unary.acos(this, ...end)
  }
  arctan(this: Tensor, ...end: End): Tensor {
    return unary.atan(this, ...end)
  }
  arcsinh(this: Tensor, ...end: End): Tensor {
    return unary.asinh(this, ...end)
  }
  arccosh(this: Tensor, ...end: End): Tensor {
    return unary.acosh(this, ...end)
  }
  arctanh(this: Tensor, ...end: End): Tensor {
    return unary.atanh(this, ...end)
  }
  fix(this: Tensor, ...end: End): Tensor {
    return unary.trunc(this, ...end)
  }
  sgn(this: Tensor, ...end: End): Tensor {
    return unary.sign(this, ...end)
  }
  sinc(this: Tensor, ...end: End): Tensor {
    return unaryExtra.sinc(this, ...end)
  }
  deg2rad(this: Tensor, ...end: End): Tensor {
    return unaryExtra.deg2rad(this, ...end)
  }
  rad2deg(this: Tensor, ...end: End): Tensor {
    return unaryExtra.rad2deg(this, ...end)
  }
  signbit(this: Tensor, ...end: End): Tensor {
    return unaryExtra.signbit(this, ...end)
  }
  isposinf(this: Tensor, ...end: End): Tensor {
    return unaryExtra.isposinf(this, ...end)
  }
  isneginf(this: Tensor, ...end: End): Tensor {
    return unaryExtra.isneginf(this, ...end)
  }
  isreal(this: Tensor, ...end: End): Tensor {
    return unaryExtra.isreal(this, ...end)
  }
  positive(this: Tensor, ...end: End): Tensor {
    return unaryExtra.positive(this, ...end)
  }
  round(this: Tensor, options?: binary.RoundOptions, ...end: End): Tensor {
    return binary.round(this, options, ...end)
  }
  logit(this: Tensor, ...args: Tail<typeof unaryExtra.logit>): Tensor {
    return unaryExtra.logit(this, ...args)
  }
  nanToNum(this: Tensor, ...args: Tail<typeof unaryExtra.nanToNum>): Tensor {
    return unaryExtra.nanToNum(this, ...args)
  }
  add(this: Tensor, y: Operand, options?: binary.AlphaOptions, ...end: End): Tensor {
    return binary.add(this, y, options, ...end)
  }
  sub(this: Tensor, y: Operand, options?: binary.AlphaOptions, ...end: End): Tensor {
    return binary.sub(this, y, options, ...end)
  }
  subtract(this: Tensor, y: Operand, options?: binary.AlphaOptions, ...end: End): Tensor {
    return binary.sub(this, y, options, ...end)
  }
  div(this: Tensor, y: Operand, options?: binary.DivOptions, ...end: End): Tensor {
    return binary.div(this, y, options, ...end)
  }
  divide(this: Tensor, y: Operand, options?: binary.DivOptions, ...end: End): Tensor {
    return binary.div(this, y, options, ...end)
  }
  trueDivide(this: Tensor, y: Operand, ...end: End): Tensor {
    return binary.div(this, y, ...end)
  }
  rsub(this: Tensor, y: Operand, options?: binary.AlphaOptions, ...end: End): Tensor {
    return binaryExtra.rsub(this, y, options, ...end)
  }
  mul(this: Tensor, y: Operand, ...end: End): Tensor {
    return binary.mul(this, y, ...end)
  }
  maximum(this: Tensor, y: Operand, ...end: End): Tensor {
    return binary.maximum(this, y, ...end)
  }
  minimum(this: Tensor, y: Operand, ...end: End): Tensor {
    return binary.minimum(this, y, ...end)
  }
  clampMin(this: Tensor, y: Operand, ...end: End): Tensor {
    return binary.clampMin(this, y, ...end)
  }
  clampMax(this: Tensor, y: Operand, ...end: End): Tensor {
    return binary.clampMax(this, y, ...end)
  }
  floorDivide(this: Tensor, y: Operand, ...end: End): Tensor {
    return binary.floorDivide(this, y, ...end)
  }
  fmod(this: Tensor, y: Operand, ...end: End): Tensor {
    return binary.fmod(this, y, ...end)
  }
  remainder(this: Tensor, y: Operand, ...end: End): Tensor {
    return binary.remainder(this, y, ...end)
  }
  pow(this: Tensor, ...args: Tail<typeof binary.pow>): Tensor {
    return binary.pow(this, ...args)
  }
  atan2(this: Tensor, y: Operand, ...end: End): Tensor {
    return binary.atan2(this, y, ...end)
  }
  logicalAnd(this: Tensor, y: Operand, ...end: End): Tensor {
    return binary.logicalAnd(this, y, ...end)
  }
  logicalOr(this: Tensor, y: Operand, ...end: End): Tensor {
    return binary.logicalOr(this, y, ...end)
  }
  logicalXor(this: Tensor, y: Operand, ...end: End): Tensor {
    return binary.logicalXor(this, y, ...end)
  }
  bitwiseAnd(this: Tensor, y: Operand, ...end: End): Tensor {
    return binary.bitwiseAnd(this, y, ...end)
  }
  bitwiseOr(this: Tensor, y: Operand, ...end: End): Tensor {
    return binary.bitwiseOr(this, y, ...end)
  }
  bitwiseXor(this: Tensor, y: Operand, ...end: End): Tensor {
    return binary.bitwiseXor(this, y, ...end)
  }
  bitwiseLeftShift(this: Tensor, y: Operand, ...end: End): Tensor {
    return binary.bitwiseLeftShift(this, y, ...end)
  }
  bitwiseRightShift(this: Tensor, y: Operand, ...end: End): Tensor {
    return binary.bitwiseRightShift(this, y, ...end)
  }
  multiply(this: Tensor, y: Operand, ...end: End): Tensor {
    return binary.mul(this, y, ...end)
  }
  arctan2(this: Tensor, y: Operand, ...end: End): Tensor {
    return binary.atan2(this, y, ...end)
  }
  fmax(this: Tensor, y: Operand, ...end: End): Tensor {
    return binaryExtra.fmax(this, y, ...end)
  }
  fmin(this: Tensor, y: Operand, ...end: End): Tensor {
    return binaryExtra.fmin(this, y, ...end)
  }
  xlogy(this: Tensor, y: Operand, ...end: End): Tensor {
    return binaryExtra.xlogy(this, y, ...end)
  }
  hypot(this: Tensor, y: Operand, ...end: End): Tensor {
    return binaryExtra.hypot(this, y, ...end)
  }
  copysign(this: Tensor, y: Operand, ...end: End): Tensor {
    return binaryExtra.copysign(this, y, ...end)
  }
  logaddexp(this: Tensor, y: Operand, ...end: End): Tensor {
    return binaryExtra.logaddexp(this, y, ...end)
  }
  logaddexp2(this: Tensor, y: Operand, ...end: End): Tensor {
    return binaryExtra.logaddexp2(this, y, ...end)
  }
  heaviside(this: Tensor, y: Operand, ...end: End): Tensor {
    return binaryExtra.heaviside(this, y, ...end)
  }
  floatPower(this: Tensor, y: Operand, ...end: End): Tensor {
    return binaryExtra.floatPower(this, y, ...end)
  }
  ldexp(this: Tensor, y: Tensor, ...end: End): Tensor {
    return binaryExtra.ldexp(this, y, ...end)
  }
  isclose(this: Tensor, y: Tensor, ...args: Tail2<typeof binaryExtra.isclose>): Tensor {
    return binaryExtra.isclose(this, y, ...args)
  }
  eq(this: Tensor, y: Operand, ...end: End): Tensor {
    return compare.eq(this, y, ...end)
  }
  ne(this: Tensor, y: Operand, ...end: End): Tensor {
    return compare.ne(this, y, ...end)
  }
  lt(this: Tensor, y: Operand, ...end: End): Tensor {
    return compare.lt(this, y, ...end)
  }
  le(this: Tensor, y: Operand, ...end: End): Tensor {
    return compare.le(this, y, ...end)
  }
  gt(this: Tensor, y: Operand, ...end: End): Tensor {
    return compare.gt(this, y, ...end)
  }
  ge(this: Tensor, y: Operand, ...end: End): Tensor {
    return compare.ge(this, y, ...end)
  }
  notEqual(this: Tensor, y: Operand, ...end: End): Tensor {
    return compare.ne(this, y, ...end)
  }
  less(this: Tensor, y: Operand, ...end: End): Tensor {
    return compare.lt(this, y, ...end)
  }
  lessEqual(this: Tensor, y: Operand, ...end: End): Tensor {
    return compare.le(this, y, ...end)
  }
  greater(this: Tensor, y: Operand, ...end: End): Tensor {
    return compare.gt(this, y, ...end)
  }
  greaterEqual(this: Tensor, y: Operand, ...end: End): Tensor {
    return compare.ge(this, y, ...end)
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
  addcmul(this: Tensor, a: Tensor, b: Tensor, options?: ternary.ValueOptions, ...end: End): Tensor {
    return ternary.addcmul(this, a, b, options, ...end)
  }
  addcdiv(this: Tensor, a: Tensor, b: Tensor, options?: ternary.ValueOptions, ...end: End): Tensor {
    return ternary.addcdiv(this, a, b, options, ...end)
  }
  where(this: Tensor, condition: Tensor, y: Operand, ...end: End): Tensor {
    return selection.where(condition, this, y, ...end)
  }
  hardshrink(this: Tensor, ...args: Tail<typeof activation.hardshrink>): Tensor {
    return activation.hardshrink(this, ...args)
  }
  prelu(this: Tensor, weight: Tensor, ...end: End): Tensor {
    return activation.prelu(this, weight, ...end)
  }
}
