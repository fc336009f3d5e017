import type { End } from '../core/args.ts'
import { assign } from '../ops/assign.ts'
import * as binary from '../ops/binary.ts'
import * as binaryExtra from '../ops/binary-extra.ts'
import * as compare from '../ops/compare.ts'
import * as ternary from '../ops/ternary.ts'
import * as unary from '../ops/unary.ts'
import * as unaryExtra from '../ops/unary-extra.ts'
import type { Tensor } from '../tensor.ts'
import { ConvertMethods } from './convert.ts'

type Operand = binary.Operand
type Tail<F> = F extends (x: Tensor, ...rest: infer R) => unknown ? R : never
type Tail2<F> = F extends (x: Tensor, y: Tensor, ...rest: infer R) => unknown ? R : never

// oxfmt-ignore
/** The pointwise functions in place: the tensor itself gets the result, in its own dtype and shape. */
export abstract class InPlacePointwiseMethods extends ConvertMethods {
  neg_(this: Tensor, ...end: End): Tensor { return assign(this, 'neg_', unary.neg(this, ...end)) }
  abs_(this: Tensor, ...end: End): Tensor { return assign(this, 'abs_', unary.abs(this, ...end)) }
  sign_(this: Tensor, ...end: End): Tensor { return assign(this, 'sign_', unary.sign(this, ...end)) }
  square_(this: Tensor, ...end: End): Tensor { return assign(this, 'square_', unary.square(this, ...end)) }
  exp_(this: Tensor, ...end: End): Tensor { return assign(this, 'exp_', unary.exp(this, ...end)) }
  exp2_(this: Tensor, ...end: End): Tensor { return assign(this, 'exp2_', unary.exp2(this, ...end)) }
  expm1_(this: Tensor, ...end: End): Tensor { return assign(this, 'expm1_', unary.expm1(this, ...end)) }
  log_(this: Tensor, ...end: End): Tensor { return assign(this, 'log_', unary.log(this, ...end)) }
  log2_(this: Tensor, ...end: End): Tensor { return assign(this, 'log2_', unary.log2(this, ...end)) }
  log10_(this: Tensor, ...end: End): Tensor { return assign(this, 'log10_', unary.log10(this, ...end)) }
  log1p_(this: Tensor, ...end: End): Tensor { return assign(this, 'log1p_', unary.log1p(this, ...end)) }
  sqrt_(this: Tensor, ...end: End): Tensor { return assign(this, 'sqrt_', unary.sqrt(this, ...end)) }
  rsqrt_(this: Tensor, ...end: End): Tensor { return assign(this, 'rsqrt_', unary.rsqrt(this, ...end)) }
  reciprocal_(this: Tensor, ...end: End): Tensor { return assign(this, 'reciprocal_', unary.reciprocal(this, ...end)) }
  sin_(this: Tensor, ...end: End): Tensor { return assign(this, 'sin_', unary.sin(this, ...end)) }
  cos_(this: Tensor, ...end: End): Tensor { return assign(this, 'cos_', unary.cos(this, ...end)) }
  tan_(this: Tensor, ...end: End): Tensor { return assign(this, 'tan_', unary.tan(this, ...end)) }
  asin_(this: Tensor, ...end: End): Tensor { return assign(this, 'asin_', unary.asin(this, ...end)) }
  acos_(this: Tensor, ...end: End): Tensor { return assign(this, 'acos_', unary.acos(this, ...end)) }
  atan_(this: Tensor, ...end: End): Tensor { return assign(this, 'atan_', unary.atan(this, ...end)) }
  sinh_(this: Tensor, ...end: End): Tensor { return assign(this, 'sinh_', unary.sinh(this, ...end)) }
  cosh_(this: Tensor, ...end: End): Tensor { return assign(this, 'cosh_', unary.cosh(this, ...end)) }
  tanh_(this: Tensor, ...end: End): Tensor { return assign(this, 'tanh_', unary.tanh(this, ...end)) }
  asinh_(this: Tensor, ...end: End): Tensor { return assign(this, 'asinh_', unary.asinh(this, ...end)) }
  acosh_(this: Tensor, ...end: End): Tensor { return assign(this, 'acosh_', unary.acosh(this, ...end)) }
  atanh_(this: Tensor, ...end: End): Tensor { return assign(this, 'atanh_', unary.atanh(this, ...end)) }
  erf_(this: Tensor, ...end: End): Tensor { return assign(this, 'erf_', unary.erf(this, ...end)) }
  erfc_(this: Tensor, ...end: End): Tensor { return assign(this, 'erfc_', unary.erfc(this, ...end)) }
  sigmoid_(this: Tensor, ...end: End): Tensor { return assign(this, 'sigmoid_', unary.sigmoid(this, ...end)) }
  floor_(this: Tensor, ...end: End): Tensor { return assign(this, 'floor_', unary.floor(this, ...end)) }
  ceil_(this: Tensor, ...end: End): Tensor { return assign(this, 'ceil_', unary.ceil(this, ...end)) }
  trunc_(this: Tensor, ...end: End): Tensor { return assign(this, 'trunc_', unary.trunc(this, ...end)) }
  frac_(this: Tensor, ...end: End): Tensor { return assign(this, 'frac_', unary.frac(this, ...end)) }
  logicalNot_(this: Tensor, ...end: End): Tensor { return assign(this, 'logicalNot_', unary.logicalNot(this, ...end)) }
  bitwiseNot_(this: Tensor, ...end: End): Tensor { return assign(this, 'bitwiseNot_', unary.bitwiseNot(this, ...end)) }
  relu_(this: Tensor, ...end: End): Tensor { return assign(this, 'relu_', unary.relu(this, ...end)) }
  absolute_(this: Tensor, ...end: End): Tensor { return assign(this, 'abs_', unary.abs(this, ...end)) }
  negative_(this: Tensor, ...end: End): Tensor { return assign(this, 'neg_', unary.neg(this, ...end)) }
  arcsin_(this: Tensor, ...end: End): Tensor { return assign(this, 'asin_', unary.asin(this, ...end)) }
  arccos_(this: Tensor, ...end: End): Tensor { return assign(this, 'acos_', unary.acos(this, ...end)) }
  arctan_(this: Tensor, ...end: End): Tensor { return assign(this, 'atan_', unary.atan(this, ...end)) }
  arcsinh_(this: Tensor, ...end: End): Tensor { return assign(this, 'asinh_', unary.asinh(this, ...end)) }
  arccosh_(this: Tensor, ...end: End): Tensor { return assign(this, 'acosh_', unary.acosh(this, ...end)) }
  arctanh_(this: Tensor, ...end: End): Tensor { return assign(this, 'atanh_', unary.atanh(this, ...end)) }
  fix_(this: Tensor, ...end: End): Tensor { return assign(this, 'trunc_', unary.trunc(this, ...end)) }
  sgn_(this: Tensor, ...end: End): Tensor { return assign(this, 'sign_', unary.sign(this, ...end)) }
  sinc_(this: Tensor, ...end: End): Tensor { return assign(this, 'sinc_', unaryExtra.sinc(this, ...end)) }
  deg2rad_(this: Tensor, ...end: End): Tensor { return assign(this, 'deg2rad_', unaryExtra.deg2rad(this, ...end)) }
  rad2deg_(this: Tensor, ...end: End): Tensor { return assign(this, 'rad2deg_', unaryExtra.rad2deg(this, ...end)) }
  round_(this: Tensor, options?: binary.RoundOptions, ...end: End): Tensor { return assign(this, 'round_', binary.round(this, options, ...end)) }
  logit_(this: Tensor, ...args: Tail<typeof unaryExtra.logit>): Tensor { return assign(this, 'logit_', unaryExtra.logit(this, ...args)) }
  nanToNum_(this: Tensor, ...args: Tail<typeof unaryExtra.nanToNum>): Tensor { return assign(this, 'nanToNum_', unaryExtra.nanToNum(this, ...args)) }
  add_(this: Tensor, y: Operand, options?: binary.AlphaOptions, ...end: End): Tensor { return assign(this, 'add_', binary.add(this, y, options, ...end)) }
  sub_(this: Tensor, y: Operand, options?: binary.AlphaOptions, ...end: End): Tensor { return assign(this, 'sub_', binary.sub(this, y, options, ...end)) }
  subtract_(this: Tensor, y: Operand, options?: binary.AlphaOptions, ...end: End): Tensor { return assign(this, 'sub_', binary.sub(this, y, options, ...end)) }
  div_(this: Tensor, y: Operand, options?: binary.DivOptions, ...end: End): Tensor { return assign(this, 'div_', binary.div(this, y, options, ...end)) }
  divide_(this: Tensor, y: Operand, options?: binary.DivOptions, ...end: End): Tensor { return assign(this, 'div_', binary.div(this, y, options, ...end)) }
  trueDivide_(this: Tensor, y: Operand, ...end: End): Tensor { return assign(this, 'div_', binary.div(this, y, ...end)) }
  mul_(this: Tensor, y: Operand, ...end: End): Tensor { return assign(this, 'mul_', binary.mul(this, y, ...end)) }
  multiply_(this: Tensor, y: Operand, ...end: End): Tensor { return assign(this, 'mul_', binary.mul(this, y, ...end)) }
  clampMin_(this: Tensor, y: Operand, ...end: End): Tensor { return assign(this, 'clampMin_', binary.clampMin(this, y, ...end)) }
  clampMax_(this: Tensor, y: Operand, ...end: End): Tensor { return assign(this, 'clampMax_', binary.clampMax(this, y, ...end)) }
  floorDivide_(this: Tensor, y: Operand, ...end: End): Tensor { return assign(this, 'floorDivide_', binary.floorDivide(this, y, ...end)) }
  fmod_(this: Tensor, y: Operand, ...end: End): Tensor { return assign(this, 'fmod_', binary.fmod(this, y, ...end)) }
  remainder_(this: Tensor, y: Operand, ...end: End): Tensor { return assign(this, 'remainder_', binary.remainder(this, y, ...end)) }
  pow_(this: Tensor, ...args: Tail<typeof binary.pow>): Tensor { return assign(this, 'pow_', binary.pow(this, ...args)) }
  atan2_(this: Tensor, y: Operand, ...end: End): Tensor { return assign(this, 'atan2_', binary.atan2(this, y, ...end)) }
  arctan2_(this: Tensor, y: Operand, ...end: End): Tensor { return assign(this, 'atan2_', binary.atan2(this, y, ...end)) }
  logicalAnd_(this: Tensor, y: Operand, ...end: End): Tensor { return assign(this, 'logicalAnd_', binary.logicalAnd(this, y, ...end)) }
  logicalOr_(this: Tensor, y: Operand, ...end: End): Tensor { return assign(this, 'logicalOr_', binary.logicalOr(this, y, ...end)) }
  logicalXor_(this: Tensor, y: Operand, ...end: End): Tensor { return assign(this, 'logicalXor_', binary.logicalXor(this, y, ...end)) }
  bitwiseAnd_(this: Tensor, y: Operand, ...end: End): Tensor { return assign(this, 'bitwiseAnd_', binary.bitwiseAnd(this, y, ...end)) }
  bitwiseOr_(this: Tensor, y: Operand, ...end: End): Tensor { return assign(this, 'bitwiseOr_', binary.bitwiseOr(this, y, ...end)) }
  bitwiseXor_(this: Tensor, y: Operand, ...end: End): Tensor { return assign(this, 'bitwiseXor_', binary.bitwiseXor(this, y, ...end)) }
  bitwiseLeftShift_(this: Tensor, y: Operand, ...end: End): Tensor { return assign(this, 'bitwiseLeftShift_', binary.bitwiseLeftShift(this, y, ...end)) }
  bitwiseRightShift_(this: Tensor, y: Operand, ...end: End): Tensor { return assign(this, 'bitwiseRightShift_', binary.bitwiseRightShift(this, y, ...end)) }
  xlogy_(this: Tensor, y: Operand, ...end: End): Tensor { return assign(this, 'xlogy_', binaryExtra.xlogy(this, y, ...end)) }
  hypot_(this: Tensor, y: Operand, ...end: End): Tensor { return assign(this, 'hypot_', binaryExtra.hypot(this, y, ...end)) }
  copysign_(this: Tensor, y: Operand, ...end: End): Tensor { return assign(this, 'copysign_', binaryExtra.copysign(this, y, ...end)) }
  heaviside_(this: Tensor, y: Operand, ...end: End): Tensor { return assign(this, 'heaviside_', binaryExtra.heaviside(this, y, ...end)) }
  floatPower_(this: Tensor, y: Operand, ...end: End): Tensor { return assign(this, 'floatPower_', binaryExtra.floatPower(this, y, ...end)) }
  ldexp_(this: Tensor, y: Tensor, ...end: End): Tensor { return assign(this, 'ldexp_', binaryExtra.ldexp(this, y, ...end)) }
  eq_(this: Tensor, y: Operand, ...end: End): Tensor { return assign(this, 'eq_', compare.eq(this, y, ...end)) }
  ne_(this: Tensor, y: Operand, ...end: End): Tensor { return assign(this, 'ne_', compare.ne(this, y, ...end)) }
  lt_(this: Tensor, y: Operand, ...end: End): Tensor { return assign(this, 'lt_', compare.lt(this, y, ...end)) }
  le_(this: Tensor, y: Operand, ...end: End): Tensor { return assign(this, 'le_', compare.le(this, y, ...end)) }
  gt_(this: Tensor, y: Operand, ...end: End): Tensor { return assign(this, 'gt_', compare.gt(this, y, ...end)) }
  ge_(this: Tensor, y: Operand, ...end: End): Tensor { return assign(this, 'ge_', compare.ge(this, y, ...end)) }
  notEqual_(this: Tensor, y: Operand, ...end: End): Tensor { return assign(this, 'ne_', compare.ne(this, y, ...end)) }
  less_(this: Tensor, y: Operand, ...end: End): Tensor { return assign(this, 'lt_', compare.lt(this, y, ...end)) }
  lessEqual_(this: Tensor, y: Operand, ...end: End): Tensor { return assign(this, 'le_', compare.le(this, y, ...end)) }
  greater_(this: Tensor, y: Operand, ...end: End): Tensor { return assign(this, 'gt_', compare.gt(this, y, ...end)) }
  greaterEqual_(this: Tensor, y: Operand, ...end: End): Tensor { return assign(this, 'ge_', compare.ge(this, y, ...end)) }
  clamp_(this: Tensor, ...args: ternary.ClampArgs): Tensor { return assign(this, 'clamp_', ternary.clamp(this, ...args)) }
  clip_(this: Tensor, ...args: ternary.ClampArgs): Tensor { return assign(this, 'clamp_', ternary.clamp(this, ...args)) }
  lerp_(this: Tensor, end: Tensor, ...args: Tail2<typeof ternary.lerp>): Tensor { return assign(this, 'lerp_', ternary.lerp(this, end, ...args)) }
  addcmul_(this: Tensor, a: Tensor, b: Tensor, options?: ternary.ValueOptions, ...end: End): Tensor { return assign(this, 'addcmul_', ternary.addcmul(this, a, b, options, ...end)) }
  addcdiv_(this: Tensor, a: Tensor, b: Tensor, options?: ternary.ValueOptions, ...end: End): Tensor { return assign(this, 'addcdiv_', ternary.addcdiv(this, a, b, options, ...end)) }
}
