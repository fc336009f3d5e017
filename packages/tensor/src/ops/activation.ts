import { expr as e } from '@mapgrad/kernel'
import { type Args, type End, checkEnd, checkGiven, readArgs } from '../core/args.ts'
import { TensorRangeError, TensorTypeError, describe } from '../core/errors.ts'
import type { Op } from '../core/op.ts'
import { gates } from '../core/words.ts'
import { checkTensor } from '../core/promote.ts'
import { normalizeDim } from '../core/shape.ts'
import type { Tensor } from '../tensor.ts'
import { add, div, minimum, mul, sub } from './binary.ts'
import { toFloat } from './cast.ts'
import { gt, le } from './compare.ts'
import { type Parametric, indicator, number, parametric } from './families.ts'
import { narrowAxis } from './slice.ts'
import { clamp } from './ternary.ts'
import { abs, erfc, exp, neg, sigmoid, tanh } from './unary.ts'
import { reshapeTo } from './view.ts'
import { where } from './where.ts'

/** log(sigmoid(x)) = min(x, 0) − log(1 + e^−|x|). */
export const logOfSigmoid: Parametric = parametric(
  'logsigmoid',
  (x) => e.sub(e.min(x, number(0, x)), e.log1p(e.exp(e.neg(e.abs(x))))),
  (_, [x]) => sigmoid(neg(x)),
)
/** log(sigmoid(x)), without overflow. */
export function logsigmoid(x: Tensor, ...end: End): Tensor {
  checkEnd('logsigmoid', end)
  return logOfSigmoid(x)
}

const SQRT_HALF = Math.SQRT1_2
const INV_SQRT_2PI = 1 / Math.sqrt(2 * Math.PI)
// Φ(x) + x φ(x)
export const geluExact: Parametric = parametric(
  'gelu',
  (x) => e.mul(e.mul(x, number(0.5, x)), e.erfc(e.mul(x, number(-SQRT_HALF, x)))),
  (_, [x]) => add(mul(erfc(mul(x, -SQRT_HALF)), 0.5), mul(mul(exp(mul(mul(x, x), -0.5)), x), INV_SQRT_2PI)),
)
const K = Math.sqrt(2 / Math.PI)
const C = 0.044715
export const geluTanh: Parametric = parametric(
  'gelu_tanh',
  (x) => {
    const u = e.mul(number(K, x), e.mul(x, e.add(number(1, x), e.mul(number(C, x), e.mul(x, x)))))
    return e.mul(e.mul(x, number(0.5, x)), e.add(number(1, x), e.tanh(u)))
  },
  (_, [x]) => {
    const x2 = mul(x, x)
    const t = tanh(mul(mul(x, K), add(mul(x2, C), 1)))
    return add(mul(add(t, 1), 0.5), mul(mul(mul(x, 0.5), sub(1, mul(t, t))), mul(add(mul(x2, 3 * C), 1), K)))
  },
)

/** Options of `gelu`. */
export interface GeluOptions {
  /** `'tanh'` computes 0.5 x (1 + tanh(√(2/π)(x + 0.044715 x³))) instead */
  readonly approximate?: 'none' | 'tanh'
}
/** x Φ(x) with the standard normal distribution Φ. */
export function gelu(x: Tensor, ...args: Args<[approximate?: 'none' | 'tanh'], GeluOptions>): Tensor {
  const { approximate = 'none' } = readArgs<GeluOptions>('gelu', args, ['approximate'])
  if (approximate === 'none') return geluExact(x)
  if (approximate === 'tanh') return geluTanh(x)
  throw new TensorTypeError(`approximate argument must be either none or tanh, got ${describe(approximate)}`, {
    op: 'gelu',
    code: 'APPROXIMATE',
  })
}

// σ(x) (1 + x (1 − σ(x)))
export const swish: Parametric = parametric(
  'silu',
  (x) => e.div(x, e.add(number(1, x), e.exp(e.neg(x)))),
  (_, [x]) => {
    const s = sigmoid(x)
    return mul(s, add(mul(x, sub(1, s)), 1))
  },
)
/** x sigmoid(x). */
export function silu(x: Tensor, ...end: End): Tensor {
  checkEnd('silu', end)
  return swish(x)
}

export const softplusOf: Parametric = parametric(
  'softplus',
  (x, beta, threshold) => {
    const z = e.mul(x, beta!)
    return e.select(e.gt(z, threshold!), x, e.div(e.log1p(e.exp(z)), beta!))
  },
  (_, [x, beta, threshold]) => {
    const z = mul(x, beta!)
    return where(gt(z, threshold!), 1, sigmoid(z))
  },
)
/** Arguments of `softplus`. */
export interface SoftplusOptions {
  readonly beta?: number
  /** where beta · x is above it, the result is x */
  readonly threshold?: number
}
/** log(1 + e^(beta x)) / beta. */
export function softplus(x: Tensor, ...args: Args<[beta?: number, threshold?: number], SoftplusOptions>): Tensor {
  const { beta = 1, threshold = 20 } = readArgs<SoftplusOptions>('softplus', args, ['beta', 'threshold'])
  return softplusOf(x, beta, threshold)
}

export const leaky: Parametric = parametric(
  'leaky_relu',
  (x, slope) => e.select(e.gt(x, number(0, x)), x, e.mul(x, slope!)),
  (_, [x, slope]) => where(gt(x, 0), 1, slope!),
)
/** Arguments of `leakyRelu`. */
export interface LeakyReluOptions {
  readonly negativeSlope?: number
}
/** x where x > 0, else negativeSlope · x. */
export function leakyRelu(x: Tensor, ...args: Args<[negativeSlope?: number], LeakyReluOptions>): Tensor {
  return leaky(x, readArgs<LeakyReluOptions>('leakyRelu', args, ['negativeSlope']).negativeSlope ?? 0.01)
}

/** scale · (x where x > 0, else α (e^(x·inner) − 1)). */
export const eluOf: Parametric = parametric(
  'elu',
  (x, alpha, scale, inner) => e.mul(scale!, e.select(e.gt(x, number(0, x)), x, e.mul(alpha!, e.expm1(e.mul(x, inner!))))),
  // min keeps e^x finite where x > 0, which the derivative of `where` would meet as 0 · Inf
  (_, [x, alpha, scale, inner]) => mul(where(gt(x, 0), 1, mul(mul(exp(mul(minimum(x, 0), inner!)), alpha!), inner!)), scale!),
)
/** Arguments of `elu` and `celu`. */
export interface AlphaShapeOptions {
  readonly alpha?: number
}
/** x where x > 0, else alpha (eˣ − 1). */
export function elu(x: Tensor, ...args: Args<[alpha?: number], AlphaShapeOptions>): Tensor {
  return eluOf(x, readArgs<AlphaShapeOptions>('elu', args, ['alpha']).alpha ?? 1, 1, 1)
}
/** x where x > 0, else alpha (e^(x/alpha) − 1). */
export function celu(x: Tensor, ...args: Args<[alpha?: number], AlphaShapeOptions>): Tensor {
  const { alpha = 1 } = readArgs<AlphaShapeOptions>('celu', args, ['alpha'])
  if (alpha === 0) throw new TensorRangeError('ZeroDivisionError: alpha cannot be 0 for CELU', { op: 'celu', code: 'ALPHA' })
  return eluOf(x, alpha, 1, 1 / alpha)
}
/** 1.0507 (x where x > 0, else 1.6733 (eˣ − 1)), the self-normalising constants. */
export function selu(x: Tensor, ...end: End): Tensor {
  checkEnd('selu', end)
  return eluOf(x, 1.6732632423543772848170429916717, 1.0507009873554804934193349852946, 1)
}
// at a bound 0, unlike clamp
export const hardTanhOf: Parametric = parametric(
  'hardtanh',
  (x, low, high) => e.min(e.max(x, low!), high!),
  (_, [x, low, high]) => strictlyInside(x, low!, high!),
  gates,
)
export const strictlyInside: Op<[x: Tensor, low: Tensor, high: Tensor]> = indicator('strictly_inside', (x, low, high) =>
  e.and(e.gt(x!, low!), e.lt(x!, high!)),
)
/** Arguments of `hardtanh`. */
export interface HardtanhOptions {
  readonly minVal?: number
  readonly maxVal?: number
}
/** x moved into [minVal, maxVal], by default [−1, 1]; derivative 0 at the bounds. */
export function hardtanh(x: Tensor, ...args: Args<[minVal?: number, maxVal?: number], HardtanhOptions>): Tensor {
  const { minVal = -1, maxVal = 1 } = readArgs<HardtanhOptions>('hardtanh', args, ['minVal', 'maxVal'])
  if (minVal > maxVal) throw new TensorRangeError('min_val cannot be greater than max_val', { op: 'hardtanh', code: 'BOUNDS' })
  return hardTanhOf(x, minVal, maxVal)
}
/** x moved into [0, 6]; derivative 0 at the bounds. */
export function relu6(x: Tensor, ...end: End): Tensor {
  checkEnd('relu6', end)
  return hardTanhOf(x, 0, 6)
}
/** (x + 3) / 6 moved into [0, 1]. */
export function hardsigmoid(x: Tensor, ...end: End): Tensor {
  checkEnd('hardsigmoid', end)
  return div(hardTanhOf(add(x, 3), 0, 6), 6)
}
/** x · hardsigmoid(x). */
export function hardswish(x: Tensor, ...end: End): Tensor {
  checkEnd('hardswish', end)
  return mul(toFloat('hardswish', x), hardsigmoid(x))
}
/** Arguments of `hardshrink` and `softshrink`. */
export interface LambdOptions {
  readonly lambd?: number
}
/** 0 where |x| ≤ lambd, else x. */
export function hardshrink(x: Tensor, ...args: Args<[lambd?: number], LambdOptions>): Tensor {
  const { lambd = 0.5 } = readArgs<LambdOptions>('hardshrink', args, ['lambd'])
  return where(le(abs(x), lambd), 0, x)
}
/** x moved towards 0 by lambd, and 0 where that crosses it. */
export function softshrink(x: Tensor, ...args: Args<[lambd?: number], LambdOptions>): Tensor {
  const { lambd = 0.5 } = readArgs<LambdOptions>('softshrink', args, ['lambd'])
  if (lambd < 0)
    throw new TensorRangeError(`lambda must be greater or equal to 0, but found to be ${lambd}.`, { op: 'softshrink', code: 'LAMBD' })
  return where(le(abs(x), lambd), 0, sub(x, clamp(x, -lambd, lambd)))
}
/** x / (1 + |x|). */
export function softsign(x: Tensor, ...end: End): Tensor {
  checkEnd('softsign', end)
  return div(x, add(abs(x), 1))
}
/** x − tanh(x). */
export function tanhshrink(x: Tensor, ...end: End): Tensor {
  checkEnd('tanhshrink', end)
  return sub(x, tanh(x))
}
/** Arguments of `threshold`. */
export interface ThresholdOptions {
  readonly threshold?: number
  readonly value?: number
}
/** `value` where x ≤ threshold, else x. */
export function threshold(x: Tensor, ...args: Args<[threshold: number, value: number], ThresholdOptions>): Tensor {
  checkTensor('threshold', x)
  const o = readArgs<ThresholdOptions>('threshold', args, ['threshold', 'value'])
  checkGiven('threshold', o, 'threshold', 'value')
  return where(le(x, o.threshold!), o.value!, x)
}
/** x tanh(softplus(x)). */
export function mish(x: Tensor, ...end: End): Tensor {
  checkEnd('mish', end)
  return mul(toFloat('mish', x), tanh(softplus(x)))
}
/** x where x > 0, else weight · x; weight has one number, or one for each element of axis 1. */
export function prelu(x: Tensor, ...args: Args<[weight: Tensor], { readonly weight: Tensor }>): Tensor {
  checkTensor('prelu', x)
  const { weight } = readArgs<{ weight: Tensor }>('prelu', args, ['weight'])
  checkTensor('prelu', weight, 'the weight to be a Tensor')
  const n = weight.numel()
  if (n !== 1 && n !== (x.shape[1] ?? 1))
    throw new TensorRangeError(
      `Mismatch of parameter numbers and input channel size. Found parameter numbers = ${n} and channel size = ${x.shape[1] ?? 1}.`,
      { op: 'prelu', code: 'SHAPE_MISMATCH' },
    )
  const w =
    n === 1
      ? reshapeTo(weight, [])
      : reshapeTo(
          weight,
          x.shape.map((_, i) => (i === 1 ? n : 1)),
        )
  return where(gt(x, 0), x, mul(w, x))
}

/** Arguments of `glu`. */
export interface GluOptions {
  readonly dim?: number
}
/** The first half of x along `dim` times the sigmoid of the second. */
export function glu(x: Tensor, ...args: Args<[dim?: number], GluOptions>): Tensor {
  checkTensor('glu', x)
  const { dim = -1 } = readArgs<GluOptions>('glu', args, ['dim'])
  if (x.ndim === 0) throw new TensorRangeError('glu does not support 0-dimensional tensors', { op: 'glu', code: 'RANK' })
  const axis = normalizeDim('glu', dim, x.ndim)
  const n = x.shape[axis]!
  if (n % 2)
    throw new TensorRangeError(`Halving dimension must be even, but dimension ${axis} is size ${n}`, { op: 'glu', code: 'SHAPE_MISMATCH' })
  return mul(narrowAxis(x, axis, 0, n / 2), sigmoid(narrowAxis(x, axis, n / 2, n / 2)))
}
