import { type DType, type Expr, expr as e } from '@mapgrad/kernel'
import { type Op, defineOp } from '../core/op.ts'
import { checkTensor } from '../core/promote.ts'
import { TensorRangeError } from '../core/errors.ts'
import { broadcastAval, elementwise, pointwise, unsupported } from '../core/words.ts'
import { div } from '../ops/binary.ts'
import { digammaFormula } from '../ops/gamma.ts'
import { sum } from '../ops/reduce.ts'
import type { Tensor } from '../tensor.ts'
import { Stream, type SourceOptions, checkParameter, computedIn, elementWords, firstAccepted, readSource } from './attempts.ts'

/** One attempt in twenty fails at worst. What none of six decides, once in 10⁸, takes the last candidate's place. */
const ATTEMPTS = 6
const SMALLEST: Readonly<Partial<Record<DType, number>>> = { float64: 2 ** -1022, float16: 2 ** -14 }

/** G. Marsaglia and W. W. Tsang, "A simple method for generating gamma variables", ACM TOMS 26 (2000). */
function gammaFrom(alpha: Expr, words: readonly [Expr, Expr], dtype: DType): Expr {
  const stream = new Stream(words, alpha.dtype)
  const n = (v: number): Expr => e.constant(v, alpha.dtype)
  const below1 = e.lt(alpha, n(1))
  const d = e.sub(e.select(below1, e.add(alpha, n(1)), alpha), n(1 / 3))
  const c = e.div(n(1), e.sqrt(e.mul(n(9), d)))
  let last = n(1)
  const attempts = Array.from({ length: ATTEMPTS }, () => {
    const z = stream.normal()
    const t = e.add(n(1), e.mul(c, z))
    const v = e.mul(t, e.mul(t, t))
    last = v
    const bound = e.add(e.mul(n(0.5), e.mul(z, z)), e.mul(d, e.add(e.sub(n(1), v), e.log(v))))
    return [v, e.and(e.gt(t, n(0)), e.lt(e.log(stream.positive()), bound))] as const
  })
  const drawn = e.mul(d, firstAccepted(attempts, e.max(last, n(0))))
  // Γ(α) is Γ(α + 1) · U^(1/α)
  const small = e.mul(drawn, e.exp(e.div(e.log(stream.positive()), alpha)))
  const value = e.max(e.select(below1, small, drawn), n(SMALLEST[dtype] ?? 2 ** -126))
  return e.select(e.ge(alpha, n(0)), value, n(NaN))
}

type Drawn = [alpha: Tensor, a: Tensor, b: Tensor]

/** A gamma number of shape α from two random words; its derivative moves the sample along its distribution function. */
export const gammaOf: Op<Drawn> = defineOp<Drawn>({
  name: 'standard_gamma',
  result: broadcastAval('standard_gamma'),
  compute: pointwise((alpha, a, b) => e.cast(gammaFrom(e.cast(alpha!, computedIn(alpha!.dtype)), [a!, b!], alpha!.dtype), alpha!.dtype)),
  batch: 'pointwise',
  diff: elementwise((y, [alpha]) => standardGammaGrad(alpha, y), null, null),
})

/** log(x/α) and log α → the logarithm of the derivative as a quotient: PyTorch 2.13, ATen/native/Distributions.h */
// oxfmt-ignore
const rational = [
  [0.16009398, -0.094634809, 0.025146376, -0.0030648343, 1, 0.32668115, 0.10406089, 0.0014179084],
  [0.53487893, 0.1298071, 0.065735949, -0.0015649758, 0.16639465, 0.020070113, -0.0035938915, -0.00058392623],
  [0.040121004, -0.0065914022, -0.0026286047, -0.0013441777, 0.017050642, -0.0021309326, 0.00085092367, -1.5247877e-7],
] as const

/** −(∂F/∂α) / f of the gamma distribution in float64: the approximations of PyTorch 2.13, ATen/native/Distributions.h. */
function gammaGradient(alpha: Expr, x: Expr): Expr {
  const n = (v: number): Expr => e.constant(v, 'float64')
  const horner = (at: Expr, [first, ...rest]: readonly Expr[]): Expr => (rest.length ? e.add(first!, e.mul(at, horner(at, rest))) : first!)

  // Taylor for a small x
  let numerator = n(1)
  let s1 = e.div(n(1), alpha)
  let s2 = e.mul(s1, s1)
  for (let i = 1; i <= 5; i++) {
    numerator = e.mul(numerator, e.div(e.neg(x), n(i)))
    const r = e.div(n(1), e.add(alpha, n(i)))
    s1 = e.add(s1, e.mul(numerator, r))
    s2 = e.add(s2, e.mul(numerator, e.mul(r, r)))
  }
  const taylor = e.mul(e.mul(x, e.exp(x)), e.sub(s2, e.mul(e.sub(e.log(x), digammaFormula(alpha)), s1)))

  // Rice's saddle point for a large α, and its limit near x = α
  const near = e.and(e.le(e.mul(n(0.9), alpha), x), e.le(x, e.mul(n(1.1), alpha)))
  const n1 = e.add(n(1), e.mul(e.mul(n(24), alpha), e.add(n(1), e.mul(n(12), alpha))))
  const a2 = e.mul(alpha, alpha)
  const n2 = e.add(
    e.sub(e.add(e.mul(n(1440), a2), e.mul(e.mul(n(6), x), e.sub(n(53), e.mul(n(120), x)))), e.div(e.mul(n(65), e.mul(x, x)), alpha)),
    e.mul(alpha, e.add(n(107), e.mul(n(3600), x))),
  )
  const limit = e.div(e.mul(n1, n2), e.mul(n(1244160), e.mul(a2, a2)))
  const root = e.sqrt(e.mul(n(8), alpha))
  const logRatio = e.log(e.div(x, alpha))
  const away = e.sub(alpha, x)
  const gap = e.sub(e.neg(away), e.mul(alpha, logRatio))
  const term3 = e.div(n(1), e.mul(gap, e.sqrt(gap)))
  const term2 = e.div(root, away)
  const term23 = e.select(e.lt(x, alpha), e.sub(term2, term3), e.add(term2, term3))
  const term1 = e.sub(e.mul(logRatio, term23), e.div(e.mul(e.sqrt(e.div(n(2), alpha)), e.add(alpha, x)), e.mul(away, away)))
  const r = e.div(n(1 / 12), alpha)
  const stirling = e.add(n(1), e.mul(r, e.add(n(1), e.mul(n(0.5), r))))
  const rice = e.neg(e.div(e.mul(stirling, e.mul(x, term1)), root))

  // a rational function elsewhere
  const v = e.log(alpha)
  const coefficients = rational[0].map((_, i) =>
    horner(
      logRatio,
      rational.map((row) => n(row[i]!)),
    ),
  )
  const between = e.exp(e.div(horner(v, coefficients.slice(0, 4)), horner(v, coefficients.slice(4))))

  const large = e.select(near, limit, rice)
  const value = e.select(e.lt(x, n(0.8)), taylor, e.select(e.gt(alpha, n(8)), large, between))
  return e.select(e.ne(value, value), n(0), value)
}

/** How a gamma number x moves with its shape α along its distribution function: ∂x/∂α, with an error below 10⁻³. */
export const standardGammaGrad: Op<[alpha: Tensor, x: Tensor]> = defineOp<[alpha: Tensor, x: Tensor]>({
  name: 'standard_gamma_grad',
  result: broadcastAval('standard_gamma_grad'),
  compute: pointwise((alpha, x) => e.cast(gammaGradient(e.cast(alpha!, 'float64'), e.cast(x!, 'float64')), alpha!.dtype)),
  batch: 'pointwise',
  diff: unsupported('the derivative of a gamma sample is an approximation that is not differentiated again'),
})

/**
 * Gamma numbers of shape `alpha` (a float tensor, positive) and rate 1, one for each element, in its dtype. Differentiable in
 * alpha by implicit reparameterisation, as `torch._standard_gamma` is.
 */
export function standardGamma(alpha: Tensor, ...args: [options?: SourceOptions]): Tensor {
  const op = 'standardGamma'
  checkTensor(op, alpha)
  checkParameter(op, 'alpha', alpha)
  return gammaOf(alpha, ...elementWords(op, alpha, alpha.shape, readSource(op, args)))
}

/**
 * Points of the simplex of a Dirichlet distribution, `[…, k] → […, k]`: gamma numbers over their sum. Differentiable in
 * alpha through them.
 */
export function sampleDirichlet(alpha: Tensor, ...args: [options?: SourceOptions]): Tensor {
  const op = 'sampleDirichlet'
  checkTensor(op, alpha)
  checkParameter(op, 'alpha', alpha)
  if (alpha.ndim === 0) throw new TensorRangeError('expected alpha with at least one axis, [..., k], got a number', { op, code: 'SHAPE' })
  const g = gammaOf(alpha, ...elementWords(op, alpha, alpha.shape, readSource(op, args)))
  return div(g, sum(g, -1, true))
}
