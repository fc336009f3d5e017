import { type End, checkEnd } from '../core/args.ts'
import { type Expr, dtypes, expr as e } from '@mapgrad/kernel'
import { TensorTypeError } from '../core/errors.ts'
import { type Op, type Partial, defineOp } from '../core/op.ts'
import { checkTensor, oneTensor } from '../core/promote.ts'
import { broadcastAval, constant, elementwise, gates, linear, multilinear, pointwise, sameAval, steps, view } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { add, div, mul, sub } from './binary.ts'
import { cast, filledLike, toFloat } from './cast.ts'
import { lt } from './compare.ts'

type X = [x: Tensor]
/** An op of one tensor, elementwise. */
export type Unary = Op<X>

/** A float function of each element; integers and bools are computed as float32. */
const float = /* @__NO_SIDE_EFFECTS__ */ (name: string, build: (x: Expr) => Expr, partial: Partial<X, null>): Unary =>
  defineOp<X>({
    name,
    args: (x, ...end: End) => {
      checkEnd(name, end)
      return [[toFloat(name, x)], null]
    },
    result: sameAval,
    compute: pointwise((x) => build(x!)),
    batch: 'pointwise',
    diff: elementwise(partial),
  })

/** A function of each element that keeps the dtype. Bools are refused, as PyTorch refuses them. */
const numeric = /* @__NO_SIDE_EFFECTS__ */ (name: string, build: (x: Expr) => Expr, diff: ReturnType<typeof elementwise<X, null>>): Unary =>
  defineOp<X>({
    name,
    args: (x, ...end: End) => {
      checkTensor(name, x)
      checkEnd(name, end)
      if (x.dtype === 'bool') throw new TensorTypeError(refusal(name), { op: name, code: 'DTYPE' })
      return [[x], null]
    },
    result: sameAval,
    compute: pointwise((x) => build(x!)),
    batch: 'pointwise',
    diff,
  })

/** PyTorch's sentence where it has one. */
const refusal = (name: string): string =>
  name === 'neg'
    ? 'Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use the `bitwiseNot()` or `logicalNot()` function instead.'
    : "expected a number dtype, got bool. Convert with x.to('int32'), or use logicalNot"

/** Rounds each element by `build`; integers are whole already. */
const rounding = /* @__NO_SIDE_EFFECTS__ */ (name: string, build: (x: Expr) => Expr): Unary =>
  numeric(name, (x) => (dtypes[x.dtype].category === 'float' ? build(x) : x), steps)

const number = (value: number, like: Expr): Expr => e.constant(value, like.dtype)

/** −x. */
export const neg: Unary = numeric(
  'neg',
  e.neg,
  linear((ct) => neg(ct)),
)
/** |x|; derivative 0 at 0. */
export const abs: Unary = numeric(
  'abs',
  (x) => (dtypes[x.dtype].signed ? e.abs(x) : x),
  elementwise((_, [x]) => sign(x)),
)
/** −1, 0 or 1 by the sign of x; NaN gives 0, as in PyTorch. Bools stay as they are. */
export const sign: Unary = defineOp<X>({
  name: 'sign',
  args: (x, ...end: End) => {
    checkTensor('sign', x)
    checkEnd('sign', end)
    return [[x], null]
  },
  result: sameAval,
  compute: pointwise((x) =>
    x!.dtype === 'bool' ? x! : e.sub(e.cast(e.gt(x!, number(0, x!)), x!.dtype), e.cast(e.lt(x!, number(0, x!)), x!.dtype)),
  ),
  batch: 'pointwise',
  diff: steps,
})
/** x². */
export const square: Unary = numeric(
  'square',
  (x) => e.mul(x, x),
  elementwise((_, [x]) => mul(x, 2)),
)

/** eˣ. */
export const exp: Unary = float('exp', e.exp, (y) => y)
/** 2ˣ. */
export const exp2: Unary = float('exp2', e.exp2, (y) => mul(y, Math.LN2))
/** eˣ − 1, accurate near 0. */
export const expm1: Unary = float('expm1', e.expm1, (y) => add(y, 1))
/** Natural logarithm. */
export const log: Unary = float('log', e.log, (_, [x]) => reciprocal(x))
/** Logarithm to base 2. */
export const log2: Unary = float('log2', e.log2, (_, [x]) => reciprocal(mul(x, Math.LN2)))
/** Logarithm to base 10. */
export const log10: Unary = float('log10', e.log10, (_, [x]) => reciprocal(mul(x, Math.LN10)))
/** log(1 + x), accurate near 0. */
export const log1p: Unary = float('log1p', e.log1p, (_, [x]) => reciprocal(add(x, 1)))
/** ct · d, and 0 where ct is 0 although d may be Inf: what a branch not taken contributes. */
export const unlessZero: Op<[ct: Tensor, d: Tensor]> = defineOp<[ct: Tensor, d: Tensor]>({
  name: 'unless_zero',
  result: broadcastAval('unless_zero'),
  compute: pointwise((ct, d) => e.select(e.eq(ct!, number(0, ct!)), number(0, ct!), e.mul(ct!, d!))),
  batch: 'pointwise',
  diff: multilinear(
    (ct, [, d]) => unlessZero(ct, d),
    (ct, [x]) => unlessZero(x, ct),
  ),
})

/** √x. Its derivative at 0 is Inf, unless nothing depends on it there: `where(x > 0, sqrt(x), 0)` has derivative 0. */
export const sqrt: Unary = defineOp<X>({
  name: 'sqrt',
  args: (x, ...end: End) => {
    checkEnd('sqrt', end)
    return [[toFloat('sqrt', x)], null]
  },
  result: sameAval,
  compute: pointwise((x) => e.sqrt(x!)),
  batch: 'pointwise',
  diff: {
    kind: 'custom',
    jvp: ([y], _, [dx]) => [dx ? unlessZero(dx, div(0.5, y!)) : null],
    vjp: ([y], _, [ct]) => [ct ? unlessZero(ct, div(0.5, y!)) : null],
  },
})
/** √x with derivative 0 where x is 0, for norms and deviations. */
export const rootFlat: Unary = float('root_flat', e.sqrt, (y) => flatHalf(y))
// 1/2y, and 0 where y is 0
export const flatHalf: Unary = float(
  'half_reciprocal',
  (y) => e.select(e.eq(y, number(0, y)), number(0, y), e.div(number(0.5, y), y)),
  (h) => mul(mul(h, h), -2),
)
/** 1/√x. */
export const rsqrt: Unary = float(
  'rsqrt',
  (x) => e.div(number(1, x), e.sqrt(x)),
  (y) => mul(mul(mul(y, y), y), -0.5),
)
/** 1/x. */
export const reciprocal: Unary = float(
  'reciprocal',
  (x) => e.div(number(1, x), x),
  (y) => neg(mul(y, y)),
)
/** Sine of x in radians. */
export const sin: Unary = float('sin', e.sin, (_, [x]) => cos(x))
/** Cosine of x in radians. */
export const cos: Unary = float('cos', e.cos, (_, [x]) => neg(sin(x)))
/** Tangent of x in radians. */
export const tan: Unary = float('tan', e.tan, (y) => add(mul(y, y), 1))
/** Inverse sine, in radians. */
export const asin: Unary = float('asin', e.asin, (_, [x]) => rsqrt(sub(1, mul(x, x))))
/** Inverse cosine, in radians. */
export const acos: Unary = float('acos', e.acos, (_, [x]) => neg(rsqrt(sub(1, mul(x, x)))))
/** Inverse tangent, in radians. */
export const atan: Unary = float('atan', e.atan, (_, [x]) => reciprocal(add(mul(x, x), 1)))
/** Hyperbolic sine. */
export const sinh: Unary = float('sinh', e.sinh, (_, [x]) => cosh(x))
/** Hyperbolic cosine. */
export const cosh: Unary = float('cosh', e.cosh, (_, [x]) => sinh(x))
/** Hyperbolic tangent. */
export const tanh: Unary = float('tanh', e.tanh, (y) => sub(1, mul(y, y)))
/** Inverse hyperbolic sine. */
export const asinh: Unary = float('asinh', e.asinh, (_, [x]) => rsqrt(add(mul(x, x), 1)))
/** Inverse hyperbolic cosine. */
export const acosh: Unary = float('acosh', e.acosh, (_, [x]) => mul(rsqrt(sub(x, 1)), rsqrt(add(x, 1))))
/** Inverse hyperbolic tangent. */
export const atanh: Unary = float('atanh', e.atanh, (_, [x]) => reciprocal(sub(1, mul(x, x))))
/** Error function 2/√π ∫₀ˣ exp(−t²) dt. */
export const erf: Unary = float('erf', e.erf, (_, [x]) => mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI)))
/** 1 − erf(x), accurate for large x. */
export const erfc: Unary = float('erfc', e.erfc, (_, [x]) => mul(exp(neg(mul(x, x))), -2 / Math.sqrt(Math.PI)))
/** 1 / (1 + e⁻ˣ). */
export const sigmoid: Unary = float(
  'sigmoid',
  (x) => e.div(number(1, x), e.add(e.exp(e.neg(x)), number(1, x))),
  (y) => mul(y, sub(1, y)),
)

/** The largest integer ≤ x. */
export const floor: Unary = rounding('floor', e.floor)
/** The smallest integer ≥ x. */
export const ceil: Unary = rounding('ceil', e.ceil)
/** x without its fraction. */
export const trunc: Unary = rounding('trunc', e.trunc)
/** The nearest integer, halves to even. */
export const roundHalfEven: Unary = rounding('round', e.round)

/** x − trunc(x). */
export function frac(x: Tensor, ...end: End): Tensor {
  checkEnd('frac', end)
  return sub(x, trunc(x))
}

/** The same values with no derivative: what follows sees a constant. */
export const stopGradient: Unary = defineOp<X>({
  name: 'detach',
  args: oneTensor('detach'),
  result: sameAval,
  compute: view((x) => x, { severs: (x, v): Tensor => revalued(x, v) }),
  batch: 'pointwise',
  diff: constant,
  handsOver: true,
})

/** The values of `v` with the derivative of `x`: what a write to `x.detach()` makes of `x`. */
export const revalued: Op<[x: Tensor, v: Tensor]> = defineOp<[x: Tensor, v: Tensor]>({
  name: 'revalued',
  result: sameAval,
  compute: pointwise((_, v) => v!),
  batch: 'pointwise',
  diff: { kind: 'custom', jvp: (_, __, [dx]) => [dx], vjp: (_, __, [ct]) => [ct!, null] },
})

const test = /* @__NO_SIDE_EFFECTS__ */ (name: string, build: (x: Expr) => Expr, onIntegers: boolean): Unary =>
  defineOp<X>({
    name,
    args: oneTensor(name),
    result: ([x]) => ({ shape: x.shape, dtype: 'bool' }),
    compute: pointwise((x) => (dtypes[x!.dtype].category === 'float' ? build(x!) : e.constant(onIntegers, 'bool'))),
    batch: 'pointwise',
    diff: constant,
  })

/** Whether each element is NaN. */
export const isnan: Unary = test('isnan', (x) => e.ne(x, x), false)
/** Whether each element is ±Inf. */
export const isinf: Unary = test('isinf', (x) => e.eq(e.abs(x), number(Infinity, x)), false)
/** Whether each element is neither NaN nor ±Inf. */
export const isfinite: Unary = test('isfinite', (x) => e.lt(e.abs(x), number(Infinity, x)), true)

/** `not x` of each element taken as a bool. */
export const logicalNot: Unary = defineOp<X>({
  name: 'logical_not',
  args: (x, ...end: End) => {
    checkTensor('logical_not', x)
    checkEnd('logical_not', end)
    return [[cast(x, 'bool')], null]
  },
  result: sameAval,
  compute: pointwise((x) => e.not(x!)),
  batch: 'pointwise',
  diff: constant,
})

/** Bitwise not of integers, logical not of bools. */
export const bitwiseNot: Unary = defineOp<X>({
  name: 'bitwise_not',
  args: (x, ...end: End) => {
    checkTensor('bitwise_not', x)
    checkEnd('bitwise_not', end)
    if (dtypes[x.dtype].category === 'float')
      throw new TensorTypeError(`expected an integer or bool dtype, got ${x.dtype}`, { op: 'bitwise_not', code: 'DTYPE' })
    return [[x], null]
  },
  result: sameAval,
  compute: pointwise((x) => e.not(x!)),
  batch: 'pointwise',
  diff: constant,
})

/** max(x, 0); derivative 0 at 0, NaN stays NaN. */
export const relu: Unary = numeric(
  'relu',
  (x) => e.max(x, number(0, x)),
  gates((y) => cast(lt(filledLike(y, 0), y), y.dtype)),
)
