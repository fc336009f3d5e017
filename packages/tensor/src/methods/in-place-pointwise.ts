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
  neg_(this: Tensor): Tensor { return assign(this, 'neg_', unary.neg(this)) }
  abs_(this: Tensor): Tensor { return assign(this, 'abs_', unary.abs(this)) }
  sign_(this: Tensor): Tensor { return assign(this, 'sign_', unary.sign(this)) }
  square_(this: Tensor): Tensor { return assign(this, 'square_', unary.square(this)) }
  exp_(this: Tensor): Tensor { return assign(this, 'exp_', unary.exp(this)) }
  exp2_(this: Tensor): Tensor { return assign(this, 'exp2_', unary.exp2(this)) }
  expm1_(this: Tensor): Tensor { return assign(this, 'expm1_', unary.expm1(this)) }
  log_(this: Tensor): Tensor { return assign(this, 'log_', unary.log(this)) }
  log2_(this: Tensor): Tensor { return assign(this, 'log2_', unary.log2(this)) }
  log10_(this: Tensor): Tensor { return assign(this, 'log10_', unary.log10(this)) }
  log1p_(this: Tensor): Tensor { return assign(this, 'log1p_', unary.log1p(this)) }
  sqrt_(this: Tensor): Tensor { return assign(this, 'sqrt_', unary.sqrt(this)) }
  rsqrt_(this: Tensor): Tensor { return assign(this, 'rsqrt_', unary.rsqrt(this)) }
  reciprocal_(this: Tensor): Tensor { return assign(this, 'reciprocal_', unary.reciprocal(this)) }
  sin_(this: Tensor): Tensor { return assign(this, 'sin_', unary.sin(this)) }
  cos_(this: Tensor): Tensor { return assign(this, 'cos_', unary.cos(this)) }
  tan_(this: Tensor): Tensor { return assign(this, 'tan_', unary.tan(this)) }
  asin_(this: Tensor): Tensor { return assign(this, 'asin_', unary.asin(this)) }
  acos_(this: Tensor): Tensor { return assign(this, 'acos_', unary.acos(this)) }
  atan_(this: Tensor): Tensor { return assign(this, 'atan_', unary.atan(this)) }
  sinh_(this: Tensor): Tensor { return assign(this, 'sinh_', unary.sinh(this)) }
  cosh_(this: Tensor): Tensor { return assign(this, 'cosh_', unary.cosh(this)) }
  tanh_(this: Tensor): Tensor { return assign(this, 'tanh_', unary.tanh(this)) }
  asinh_(this: Tensor): Tensor { return assign(this, 'asinh_', unary.asinh(this)) }
  acosh_(this: Tensor): Tensor { return assign(this, 'acosh_', unary.acosh(this)) }
  atanh_(this: Tensor): Tensor { return assign(this, 'atanh_', unary.atanh(this)) }
  erf_(this: Tensor): Tensor { return assign(this, 'erf_', unary.erf(this)) }
  erfc_(this: Tensor): Tensor { return assign(this, 'erfc_', unary.erfc(this)) }
  sigmoid_(this: Tensor): Tensor { return assign(this, 'sigmoid_', unary.sigmoid(this)) }
  floor_(this: Tensor): Tensor { return assign(this, 'floor_', unary.floor(this)) }
  ceil_(this: Tensor): Tensor { return assign(this, 'ceil_', unary.ceil(this)) }
  trunc_(this: Tensor): Tensor { return assign(this, 'trunc_', unary.trunc(this)) }
  frac_(this: Tensor): Tensor { return assign(this, 'frac_', unary.frac(this)) }
  logicalNot_(this: Tensor): Tensor { return assign(this, 'logicalNot_', unary.logicalNot(this)) }
  bitwiseNot_(this: Tensor): Tensor { return assign(this, 'bitwiseNot_', unary.bitwiseNot(this)) }
  relu_(this: Tensor): Tensor { return assign(this, 'relu_', unary.relu(this)) }
  absolute_(this: Tensor): Tensor { return assign(this, 'abs_', unary.abs(this)) }
  negative_(this: Tensor): Tensor { return assign(this, 'neg_', unary.neg(this)) }
  arcsin_(this: Tensor): Tensor { return assign(this, 'asin_', unary.asin(this)) }
  arccos_(this: Tensor): Tensor { return assign(this, 'acos_', unary.acos(this)) }
  arctan_(this: Tensor): Tensor { return assign(this, 'atan_', unary.atan(this)) }
  arcsinh_(this: Tensor): Tensor { return assign(this, 'asinh_', unary.asinh(this)) }
  arccosh_(this: Tensor): Tensor { return assign(this, 'acosh_', unary.acosh(this)) }
  arctanh_(this: Tensor): Tensor { return assign(this, 'atanh_', unary.atanh(this)) }
  fix_(this: Tensor): Tensor { return assign(this, 'trunc_', unary.trunc(this)) }
  sgn_(this: Tensor): Tensor { return assign(this, 'sign_', unary.sign(this)) }
  sinc_(this: Tensor): Tensor { return assign(this, 'sinc_', unaryExtra.sinc(this)) }
  deg2rad_(this: Tensor): Tensor { return assign(this, 'deg2rad_', unaryExtra.deg2rad(this)) }
  rad2deg_(this: Tensor): Tensor { return assign(this, 'rad2deg_', unaryExtra.rad2deg(this)) }
  round_(this: Tensor, options?: binary.RoundOptions): Tensor { return assign(this, 'round_', binary.round(this, options)) }
  logit_(this: Tensor, ...args: Tail<typeof unaryExtra.logit>): Tensor { return assign(this, 'logit_', unaryExtra.logit(this, ...args)) }
  nanToNum_(this: Tensor, ...args: Tail<typeof unaryExtra.nanToNum>): Tensor { return assign(this, 'nanToNum_', unaryExtra.nanToNum(this, ...args)) }
  add_(this: Tensor, y: Operand, options?: binary.AlphaOptions): Tensor { return assign(this, 'add_', binary.add(this, y, options)) }
  sub_(this: Tensor, y: Operand, options?: binary.AlphaOptions): Tensor { return assign(this, 'sub_', binary.sub(this, y, options)) }
  subtract_(this: Tensor, y: Operand, options?: binary.AlphaOptions): Tensor { return assign(this, 'sub_', binary.sub(this, y, options)) }
  div_(this: Tensor, y: Operand, options?: binary.DivOptions): Tensor { return assign(this, 'div_', binary.div(this, y, options)) }
  divide_(this: Tensor, y: Operand, options?: binary.DivOptions): Tensor { return assign(this, 'div_', binary.div(this, y, options)) }
  trueDivide_(this: Tensor, y: Operand): Tensor { return assign(this, 'div_', binary.div(this, y)) }
  mul_(this: Tensor, y: Operand): Tensor { return assign(this, 'mul_', binary.mul(this, y)) }
  multiply_(this: Tensor, y: Operand): Tensor { return assign(this, 'mul_', binary.mul(this, y)) }
  clampMin_(this: Tensor, y: Operand): Tensor { return assign(this, 'clampMin_', binary.clampMin(this, y)) }
  clampMax_(this: Tensor, y: Operand): Tensor { return assign(this, 'clampMax_', binary.clampMax(this, y)) }
  floorDivide_(this: Tensor, y: Operand): Tensor { return assign(this, 'floorDivide_', binary.floorDivide(this, y)) }
  fmod_(this: Tensor, y: Operand): Tensor { return assign(this, 'fmod_', binary.fmod(this, y)) }
  remainder_(this: Tensor, y: Operand): Tensor { return assign(this, 'remainder_', binary.remainder(this, y)) }
  pow_(this: Tensor, y: Operand): Tensor { return assign(this, 'pow_', binary.pow(this, y)) }
  atan2_(this: Tensor, y: Operand): Tensor { return assign(this, 'atan2_', binary.atan2(this, y)) }
  arctan2_(this: Tensor, y: Operand): Tensor { return assign(this, 'atan2_', binary.atan2(this, y)) }
  logicalAnd_(this: Tensor, y: Operand): Tensor { return assign(this, 'logicalAnd_', binary.logicalAnd(this, y)) }
  logicalOr_(this: Tensor, y: Operand): Tensor { return assign(this, 'logicalOr_', binary.logicalOr(this, y)) }
  logicalXor_(this: Tensor, y: Operand): Tensor { return assign(this, 'logicalXor_', binary.logicalXor(this, y)) }
  bitwiseAnd_(this: Tensor, y: Operand): Tensor { return assign(this, 'bitwiseAnd_', binary.bitwiseAnd(this, y)) }
  bitwiseOr_(this: Tensor, y: Operand): Tensor { return assign(this, 'bitwiseOr_', binary.bitwiseOr(this, y)) }
  bitwiseXor_(this: Tensor, y: Operand): Tensor { return assign(this, 'bitwiseXor_', binary.bitwiseXor(this, y)) }
  bitwiseLeftShift_(this: Tensor, y: Operand): Tensor { return assign(this, 'bitwiseLeftShift_', binary.bitwiseLeftShift(this, y)) }
  bitwiseRightShift_(this: Tensor, y: Operand): Tensor { return assign(this, 'bitwiseRightShift_', binary.bitwiseRightShift(this, y)) }
  xlogy_(this: Tensor, y: Operand): Tensor { return assign(this, 'xlogy_', binaryExtra.xlogy(this, y)) }
  hypot_(this: Tensor, y: Operand): Tensor { return assign(this, 'hypot_', binaryExtra.hypot(this, y)) }
  copysign_(this: Tensor, y: Operand): Tensor { return assign(this, 'copysign_', binaryExtra.copysign(this, y)) }
  heaviside_(this: Tensor, y: Operand): Tensor { return assign(this, 'heaviside_', binaryExtra.heaviside(this, y)) }
  floatPower_(this: Tensor, y: Operand): Tensor { return assign(this, 'floatPower_', binaryExtra.floatPower(this, y)) }
  ldexp_(this: Tensor, y: Tensor): Tensor { return assign(this, 'ldexp_', binaryExtra.ldexp(this, y)) }
  eq_(this: Tensor, y: Operand): Tensor { return assign(this, 'eq_', compare.eq(this, y)) }
  ne_(this: Tensor, y: Operand): Tensor { return assign(this, 'ne_', compare.ne(this, y)) }
  lt_(this: Tensor, y: Operand): Tensor { return assign(this, 'lt_', compare.lt(this, y)) }
  le_(this: Tensor, y: Operand): Tensor { return assign(this, 'le_', compare.le(this, y)) }
  gt_(this: Tensor, y: Operand): Tensor { return assign(this, 'gt_', compare.gt(this, y)) }
  ge_(this: Tensor, y: Operand): Tensor { return assign(this, 'ge_', compare.ge(this, y)) }
  notEqual_(this: Tensor, y: Operand): Tensor { return assign(this, 'ne_', compare.ne(this, y)) }
  less_(this: Tensor, y: Operand): Tensor { return assign(this, 'lt_', compare.lt(this, y)) }
  lessEqual_(this: Tensor, y: Operand): Tensor { return assign(this, 'le_', compare.le(this, y)) }
  greater_(this: Tensor, y: Operand): Tensor { return assign(this, 'gt_', compare.gt(this, y)) }
  greaterEqual_(this: Tensor, y: Operand): Tensor { return assign(this, 'ge_', compare.ge(this, y)) }
  clamp_(this: Tensor, ...args: ternary.ClampArgs): Tensor { return assign(this, 'clamp_', ternary.clamp(this, ...args)) }
  clip_(this: Tensor, ...args: ternary.ClampArgs): Tensor { return assign(this, 'clamp_', ternary.clamp(this, ...args)) }
  lerp_(this: Tensor, end: Tensor, ...args: Tail2<typeof ternary.lerp>): Tensor { return assign(this, 'lerp_', ternary.lerp(this, end, ...args)) }
  addcmul_(this: Tensor, a: Tensor, b: Tensor, options?: ternary.ValueOptions): Tensor { return assign(this, 'addcmul_', ternary.addcmul(this, a, b, options)) }
  addcdiv_(this: Tensor, a: Tensor, b: Tensor, options?: ternary.ValueOptions): Tensor { return assign(this, 'addcdiv_', ternary.addcdiv(this, a, b, options)) }
}
