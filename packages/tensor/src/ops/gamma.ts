import { type DType, type Expr, expr as e } from '@mapgrad/kernel'
import { type Args, type End, checkEnd, readArgs } from '../core/args.ts'
import { TensorRangeError, TensorTypeError, describe } from '../core/errors.ts'
import { isTensor } from '../core/handle.ts'
import { type Partial, defineOp } from '../core/op.ts'
import { checkTensor } from '../core/promote.ts'
import { elementwise, pointwise, sameAval } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { add, mul } from './binary.ts'
import { toFloat } from './cast.ts'
import { type Unary, exp, square } from './unary.ts'

// The gamma function's logarithm and its derivatives, and the inverse of erf. All are computed in float64 and rounded once.

/** A float function of each element by a formula for float64; integers give float32. */
/* @__NO_SIDE_EFFECTS__ */
function wide(name: string, formula: (x: Expr) => Expr, partial: Partial<[x: Tensor], null>): Unary {
  return defineOp<[x: Tensor]>({
    name,
    args: (x, ...end: End) => {
      checkEnd(name, end)
      return [[toFloat(name, x)], null]
    },
    result: sameAval,
    compute: pointwise((x) => e.cast(formula(e.cast(x!, 'float64')), x!.dtype)),
    batch: 'pointwise',
    diff: elementwise(partial),
  })
}

const f64: DType = 'float64'
const num = (v: number): Expr => e.constant(v, f64)
const horner = (x: Expr, coefficients: readonly number[]): Expr =>
  coefficients.slice(0, -1).reduceRight<Expr>((sum, c) => e.add(e.mul(sum, x), num(c)), num(coefficients.at(-1)!))
/** Inside [−½, ½]: x less the nearest whole number. */
const offset = (x: Expr): Expr => e.sub(x, e.round(x))
const isWhole = (x: Expr): Expr => e.eq(x, e.floor(x))

/** lgamma(2 + t) / t = 1 − γ + Σ (ζ(k) − 1) (−t)ᵏ⁻¹ / k, which needs these for |t| ≤ ½ */
// oxfmt-ignore
const around2 = [
  0.42278433509846713, 0.3224670334241132, -0.0673523010531981, 0.020580808427784546, -0.007385551028673986, 0.0028905103307415234,
  -0.001192753911703261, 0.0005096695247430425, -0.00022315475845357939, 9.945751278180853e-5, -4.492623673813314e-5, 2.050721277567069e-5,
  -9.439488275268397e-6, 4.374866789907488e-6, -2.039215753801366e-6, 9.55141213040742e-7, -4.492469198764566e-7, 2.1207184805554665e-7,
  -1.0043224823968099e-7, 4.7698101693639804e-8, -2.2711094608943164e-8, 1.0838659214896955e-8, -5.183475041970047e-9, 2.4836745438024785e-9,
  -1.1921401405860912e-9, 5.731367241678862e-10, -2.7595228851242334e-10,
]
/** B₂ₖ for k from 1 */
// oxfmt-ignore
const bernoulli = [
  1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330, 854513 / 138, -236364091 / 2730,
]
/** Where Stirling's series begins. */
const LARGE = 8

function lgammaFormula(x: Expr): Expr {
  const reflected = e.lt(x, num(0.5))
  const y = e.select(reflected, e.sub(num(1), x), x)
  const large = e.ge(y, num(LARGE))
  // ½ ≤ y < 8 is brought to [1.5, 2.5] by Γ(y + 1) = y Γ(y)
  const small = e.lt(y, num(1.5))
  let t = e.select(small, e.add(y, num(1)), y)
  let product = e.select(small, y, num(1))
  for (let i = 0; i < LARGE - 2; i++) {
    const above = e.gt(t, num(2.5))
    t = e.select(above, e.sub(t, num(1)), t)
    product = e.select(above, e.mul(product, t), product)
  }
  // y − 1 is exact
  t = e.select(small, e.sub(y, num(1)), e.sub(t, num(2)))
  const logarithm = e.log(e.select(large, y, product))
  const near = e.add(e.select(small, e.neg(logarithm), logarithm), e.mul(t, horner(t, around2)))
  // (y − ½) log y − y + ½ log 2π + Σ B₂ₖ / (2k (2k − 1) y²ᵏ⁻¹)
  const r = e.div(num(1), y)
  const series = e.mul(
    r,
    horner(
      e.mul(r, r),
      bernoulli.slice(0, 8).map((b, i) => b / ((2 * i + 2) * (2 * i + 1))),
    ),
  )
  const half = num(0.5 * Math.log(2 * Math.PI))
  const stirling = e.add(e.add(e.sub(e.mul(e.sub(y, num(0.5)), e.sub(logarithm, num(1))), num(0.5)), half), series)
  const positive = e.select(e.eq(y, num(Infinity)), y, e.select(large, stirling, near))
  // Γ(x) Γ(1 − x) = π / sin πx
  const sine = e.abs(e.sin(e.mul(num(Math.PI), offset(x))))
  const negative = e.sub(e.log(e.div(num(Math.PI), sine)), positive)
  const pole = e.and(isWhole(x), e.le(x, num(0)))
  return e.select(e.or(pole, e.eq(e.abs(x), num(Infinity))), num(Infinity), e.select(reflected, negative, positive))
}

/** How far arguments of digamma and its derivatives are moved up. */
const STEPS = 10

/** digamma of a float64. */
export function digammaFormula(x: Expr): Expr {
  const zero = num(0)
  const reflected = e.lt(x, zero)
  const y = e.select(reflected, e.sub(num(1), x), x)
  const z = e.add(y, num(STEPS))
  let sum = zero
  // the smallest first
  for (let i = STEPS - 1; i >= 0; i--) sum = e.add(sum, e.div(num(1), e.add(y, num(i))))
  const r = e.div(num(1), z)
  const r2 = e.mul(r, r)
  const series = e.mul(
    r2,
    horner(
      r2,
      bernoulli.slice(0, 7).map((b, i) => b / (2 * i + 2)),
    ),
  )
  const asymptotic = e.sub(e.sub(e.log(z), e.mul(num(0.5), r)), series)
  const positive = e.sub(asymptotic, sum)
  // ψ(1 − x) − ψ(x) = π cot πx
  const negative = e.sub(positive, e.div(num(Math.PI), e.tan(e.mul(num(Math.PI), offset(x)))))
  const value = e.select(reflected, e.select(isWhole(x), num(NaN), negative), positive)
  return e.select(e.eq(x, zero), e.div(num(-1), x), value)
}

const power = (x: Expr, n: number): Expr => {
  if (n === 1) return x
  const half = power(x, n >> 1)
  const square = e.mul(half, half)
  return n % 2 ? e.mul(square, x) : square
}
const factorial = (n: number): number => (n <= 1 ? 1 : n * factorial(n - 1))

/** Coefficients in c of dⁿ cot u / duⁿ, c = cot u: dc/du = −(1 + c²). */
function cotDerivative(n: number): number[] {
  if (n === 0) return [0, 1]
  const out = new Array<number>(n + 2).fill(0)
  cotDerivative(n - 1).forEach((a, i) => {
    if (i === 0) return
    out[i - 1]! -= a * i
    out[i + 1]! -= a * i
  })
  return out
}

/** n! ζ(n + 1, y) by Euler and Maclaurin's formula from y + 10 on. */
function hurwitz(y: Expr, n: number): Expr {
  const s = n + 1
  const z = e.add(y, num(STEPS))
  let sum = num(0)
  for (let i = STEPS - 1; i >= 0; i--) sum = e.add(sum, e.div(num(1), power(e.add(y, num(i)), s)))
  const r = e.div(num(1), z)
  // in r²: B₂ₖ / (2k)! · s (s + 1) … (s + 2k − 2)
  let rising = s
  const terms = bernoulli.map((b, i) => {
    const term = (b * rising) / factorial(2 * i + 2)
    rising *= (s + 2 * i + 1) * (s + 2 * i + 2)
    return term
  })
  const rn = power(r, n)
  const rest = e.mul(rn, e.add(num(1 / n), e.mul(r, e.add(num(0.5), e.mul(r, horner(e.mul(r, r), terms))))))
  return e.mul(num(factorial(n)), e.add(sum, rest))
}

function polygammaFormula(n: number): (x: Expr) => Expr {
  return (x) => {
    const reflected = e.lt(x, num(0))
    const y = e.select(reflected, e.sub(num(1), x), x)
    const zeta = hurwitz(y, n)
    const signed = n % 2 ? zeta : e.neg(zeta)
    // ψₙ(x) = (−1)ⁿ ψₙ(1 − x) − π dⁿ cot(πx) / dxⁿ
    const cot = e.div(num(1), e.tan(e.mul(num(Math.PI), offset(x))))
    const derivative = e.mul(num(Math.PI ** (n + 1)), horner(cot, cotDerivative(n)))
    const negative = e.sub(e.neg(zeta), derivative)
    const atPole = num(n % 2 ? Infinity : -Infinity)
    const pole = e.and(isWhole(x), e.le(x, num(0)))
    return e.select(pole, atPole, e.select(reflected, negative, signed))
  }
}

const derivatives = /* @__PURE__ */ new Map<number, Unary>()

/** The n-th derivative of digamma. */
export function polygammaOf(n: number): Unary {
  let op = derivatives.get(n)
  if (!op) {
    op = wide(n ? `polygamma_${n}` : 'digamma', n ? polygammaFormula(n) : digammaFormula, (_, [x]) => polygammaOf(n + 1)(x))
    derivatives.set(n, op)
  }
  return op
}

/** log|Γ(x)|; Inf at 0 and negative whole numbers. */
export const lgamma: Unary = /* @__PURE__ */ wide('lgamma', lgammaFormula, (_, [x]) => digamma(x))
/** The derivative of lgamma; NaN at negative whole numbers, and ∓Inf at ±0. */
export function digamma(x: Tensor, ...end: End): Tensor {
  checkEnd('digamma', end)
  return polygammaOf(0)(x)
}
/** Arguments of the method `polygamma`. */
export interface PolygammaOptions {
  /** the order of the derivative, from 0 on */
  readonly n?: number
}
/** The n-th derivative of digamma: `polygamma(n, x)`, as `torch.polygamma` has it. */
export function polygamma(n: number, x: Tensor, ...end: End): Tensor {
  checkEnd('polygamma', end)
  if (isTensor(n)) throw new TensorTypeError('expected the order before the tensor: polygamma(n, x)', { op: 'polygamma', code: 'ARGUMENT' })
  checkTensor('polygamma', x)
  if (typeof n !== 'number' || !Number.isInteger(n))
    throw new TensorTypeError(`expected a whole number as order, got ${describe(n)}`, { op: 'polygamma', code: 'ARGUMENT' })
  if (n < 0) throw new TensorRangeError(`polygamma(n, x) does not support negative n, got ${n}.`, { op: 'polygamma', code: 'ORDER' })
  return polygammaOf(n)(x)
}
/** `polygamma` with the tensor first, for the method. */
export const polygammaMethod = (x: Tensor, ...args: Args<[n: number], PolygammaOptions>): Tensor =>
  polygamma(readArgs<PolygammaOptions>('polygamma', args, ['n']).n!, x)

/** (p/2)(p − 1)/2 · log π + Σᵢ lgamma(x − i/2), i < p: the logarithm of the multivariate gamma function. */
export function mvlgamma(x: Tensor, ...args: Args<[p: number], { readonly p?: number }>): Tensor {
  const { p } = readArgs<{ readonly p?: number }>('mvlgamma', args, ['p'])
  if (typeof p !== 'number' || !Number.isInteger(p) || p < 1)
    throw new TensorRangeError(`p has to be greater than or equal to 1, got ${describe(p)}`, { op: 'mvlgamma', code: 'ORDER' })
  let sum = lgamma(x)
  for (let i = 1; i < p; i++) sum = add(sum, lgamma(add(x, -i / 2)))
  return add(sum, (p * (p - 1) * Math.log(Math.PI)) / 4)
}

// the first approximation of MATLAB 2's erfinv.m, G. L. Pavlis 1996
const centre = [
  [0.886226899, -1.645349621, 0.914624893, -0.140543331],
  [1, -2.118377725, 1.442710462, -0.329097515, 0.012229801],
] as const
const tail = [
  [-1.970840454, -1.624906493, 3.429567803, 1.641345311],
  [1, 3.5438892, 1.6370678],
] as const

function erfinvFormula(y: Expr): Expr {
  const a = e.abs(y)
  const inner = e.le(a, num(0.7))
  const z2 = e.mul(a, a)
  const z = e.sqrt(e.neg(e.log(e.mul(e.sub(num(1), a), num(0.5)))))
  let x = e.select(inner, e.div(e.mul(a, horner(z2, centre[0])), horner(z2, centre[1])), e.div(horner(z, tail[0]), horner(z, tail[1])))
  // Halley's steps; 1 − a is exact where a ≥ ½, and erfc keeps the digits that erf loses
  for (let i = 0; i < 2; i++) {
    const error = e.select(inner, e.sub(e.erf(x), a), e.sub(e.sub(num(1), a), e.erfc(x)))
    const step = e.div(error, e.mul(num(2 / Math.sqrt(Math.PI)), e.exp(e.neg(e.mul(x, x)))))
    x = e.sub(x, e.div(step, e.add(num(1), e.mul(x, step))))
  }
  const inside = e.select(e.lt(y, num(0)), e.neg(x), x)
  const edge = e.select(e.eq(a, num(1)), e.mul(y, num(Infinity)), num(NaN))
  return e.select(e.lt(a, num(1)), e.select(e.eq(y, num(0)), y, inside), edge)
}

/** The x whose erf is y; ±Inf at ±1, NaN beyond. */
export const erfinv: Unary = /* @__PURE__ */ wide('erfinv', erfinvFormula, (y) => mul(exp(square(y)), Math.sqrt(Math.PI) / 2))
