import { type Expr, expr as e } from '@mapgrad/kernel'
import { TensorTypeError } from '../core/errors.ts'
import { type Op, defineOp } from '../core/op.ts'
import { checkTensor } from '../core/promote.ts'
import { broadcastShapes } from '../core/shape.ts'
import { broadcastAval, constant, pointwise } from '../core/words.ts'
import { ge } from '../ops/compare.ts'
import { expandTo } from '../ops/view.ts'
import type { Tensor } from '../tensor.ts'
import { Stream, type SourceOptions, checkParameter, computedIn, elementWords, firstAccepted, readSource } from './attempts.ts'
import { refuseUnless } from './like.ts'

// Counts below a mean of ten come from one uniform number by inversion, others by W. Hörmann's transformed rejection: "The
// transformed rejection method for generating Poisson random variables" (PTRS) and "The generation of binomial random
// variates" (BTRS), 1993. Probabilities are Loader's saddle-point form, which keeps its digits in float32.

/** The mean from which on rejection works. */
const LARGE = 10
/** Three attempts in ten fail at worst. What none decides, less than once in 10⁷, is the likeliest count. */
const ATTEMPTS = 14
/** No count of a mean below ten is larger in 10¹⁵ draws. */
const STEPS = 48

const number = (v: number, like: Expr): Expr => e.constant(v, like.dtype)

/** How many of the tail probabilities Σ_{i > j} pᵢ, j from 0 on, are above s; the smallest are added first. */
function invert(s: Expr, first: Expr, ratio: (j: number) => Expr): Expr {
  const masses = [first]
  for (let j = 1; j < STEPS; j++) masses.push(e.mul(masses[j - 1]!, ratio(j)))
  let tail = number(0, s)
  let count = number(0, s)
  for (let j = STEPS - 1; j > 0; j--) {
    tail = e.add(tail, masses[j]!)
    count = e.add(count, e.cast(e.gt(tail, s), s.dtype))
  }
  return count
}

/** log k! less Stirling's formula, for k ≥ 1. */
function stirlingError(k: Expr): Expr {
  const n = (v: number): Expr => number(v, k)
  const r = e.div(n(1), k)
  const r2 = e.mul(r, r)
  return e.mul(r, e.add(n(1 / 12), e.mul(r2, e.add(n(-1 / 360), e.mul(r2, e.add(n(1 / 1260), e.mul(r2, n(-1 / 1680))))))))
}
/** k log(k/m) + m − k. */
function deviance(k: Expr, m: Expr): Expr {
  const x = e.div(e.sub(k, m), m)
  return e.mul(m, e.sub(e.mul(e.add(number(1, x), x), e.log1p(x)), x))
}
const LOG_2PI = Math.log(2 * Math.PI)

/** What the transformed rejection asks of a distribution: its mean-like centre, the spread, and the test of a candidate. */
interface Shape {
  readonly a: Expr
  readonly b: Expr
  readonly centre: Expr
  readonly accept: (k: Expr, v: Expr) => Expr
  readonly otherwise: Expr
}
function transformedRejection(stream: Stream, { a, b, centre, accept, otherwise }: Shape): Expr {
  const n = (v: number): Expr => e.constant(v, stream.dtype)
  const attempts = Array.from({ length: ATTEMPTS }, () => {
    const u = e.sub(stream.uniform(), n(0.5))
    const s = e.sub(n(0.5), e.abs(u))
    const k = e.floor(e.add(e.mul(e.add(e.div(e.mul(n(2), a), s), b), u), centre))
    return [k, accept(k, e.div(stream.positive(), e.add(e.div(a, e.mul(s, s)), b)))] as const
  })
  return firstAccepted(attempts, otherwise)
}

function poissonFrom(given: Expr, words: readonly [Expr, Expr]): Expr {
  const stream = new Stream(words, given.dtype)
  const n = (v: number): Expr => number(v, given)
  const small = e.lt(given, n(LARGE))
  const few = e.select(small, given, n(1))
  const rate = e.select(small, n(LARGE), given)
  const counted = invert(stream.positive(), e.exp(e.neg(few)), (j) => e.mul(few, n(1 / j)))

  const b = e.add(n(0.931), e.mul(n(2.53), e.sqrt(rate)))
  const scale = e.add(n(1.1239), e.div(n(1.1328), e.sub(b, n(3.4))))
  const mass = (k: Expr): Expr =>
    e.select(
      e.eq(k, n(0)),
      e.neg(rate),
      e.neg(e.add(e.add(deviance(k, rate), stirlingError(k)), e.mul(n(0.5), e.add(e.log(k), n(LOG_2PI))))),
    )
  const rejected = transformedRejection(stream, {
    a: e.add(n(-0.059), e.mul(n(0.02483), b)),
    b,
    centre: e.add(rate, n(0.43)),
    accept: (k, v) => e.and(e.ge(k, n(0)), e.le(e.log(e.mul(v, scale)), mass(k))),
    otherwise: e.floor(rate),
  })
  const finite = e.and(e.ge(given, n(0)), e.lt(given, n(Infinity)))
  return e.select(finite, e.select(small, counted, rejected), n(NaN))
}

function binomialFrom(count: Expr, given: Expr, words: readonly [Expr, Expr]): Expr {
  const stream = new Stream(words, given.dtype)
  const n = (v: number): Expr => number(v, given)
  const flipped = e.gt(given, n(0.5))
  const p = e.select(flipped, e.sub(n(1), given), given)
  const small = e.lt(e.mul(count, p), n(LARGE))
  // each half is computed on numbers that it is made for
  const [total, few] = [e.select(small, n(40), count), e.select(small, count, n(1))]
  const [likely, rare] = [e.select(small, n(0.5), p), e.select(small, p, n(0.5))]

  const odds = e.div(rare, e.sub(n(1), rare))
  const counted = invert(stream.positive(), e.exp(e.mul(few, e.log1p(e.neg(rare)))), (j) =>
    e.mul(odds, e.mul(e.max(e.sub(few, n(j - 1)), n(0)), n(1 / j))),
  )

  const fail = e.sub(n(1), likely)
  const mean = e.mul(total, likely)
  const spread = e.sqrt(e.mul(mean, fail))
  const b = e.add(n(1.15), e.mul(n(2.53), spread))
  const mass = (k: Expr): Expr => {
    const rest = e.sub(total, k)
    const inside = e.sub(
      e.mul(n(0.5), e.sub(e.log(e.div(total, e.mul(k, rest))), n(LOG_2PI))),
      e.add(e.add(stirlingError(k), stirlingError(rest)), e.add(deviance(k, mean), deviance(rest, e.mul(total, fail)))),
    )
    const all = e.sub(e.mul(total, e.log(likely)), stirlingError(total))
    const none = e.sub(e.mul(total, e.log1p(e.neg(likely))), stirlingError(total))
    return e.select(e.eq(k, n(0)), none, e.select(e.eq(rest, n(0)), all, inside))
  }
  const mode = e.floor(e.mul(e.add(total, n(1)), likely))
  const atMode = mass(mode)
  const scale = e.mul(e.add(n(2.83), e.div(n(5.1), b)), spread)
  const rejected = transformedRejection(stream, {
    a: e.add(n(-0.0873), e.add(e.mul(n(0.0248), b), e.mul(n(0.01), likely))),
    b,
    centre: e.add(mean, n(0.5)),
    accept: (k, v) => e.and(e.and(e.ge(k, n(0)), e.le(k, total)), e.le(e.log(e.mul(v, scale)), e.sub(mass(k), atMode))),
    otherwise: mode,
  })
  const drawn = e.select(small, counted, rejected)
  const value = e.select(flipped, e.sub(count, drawn), drawn)
  const edge = e.select(e.ge(given, n(1)), count, e.select(e.eq(given, given), value, n(NaN)))
  return e.select(e.or(e.le(count, n(0)), e.le(given, n(0))), n(0), edge)
}

/** A count of mean `rate` from two random words. */
export const poissonOf: Op<[rate: Tensor, a: Tensor, b: Tensor]> = defineOp<[rate: Tensor, a: Tensor, b: Tensor]>({
  name: 'poisson',
  result: broadcastAval('poisson'),
  compute: pointwise((rate, a, b) => e.cast(poissonFrom(e.cast(rate!, computedIn(rate!.dtype)), [a!, b!]), rate!.dtype)),
  batch: 'pointwise',
  diff: constant,
})

/** How many of `count` trials of probability `prob` succeed, from two random words. */
export const binomialOf: Op<[count: Tensor, prob: Tensor, a: Tensor, b: Tensor]> = defineOp<
  [count: Tensor, prob: Tensor, a: Tensor, b: Tensor]
>({
  name: 'binomial',
  result: broadcastAval('binomial'),
  compute: pointwise((count, prob, a, b) => {
    const dtype = computedIn(prob!.dtype)
    return e.cast(binomialFrom(e.cast(count!, dtype), e.cast(prob!, dtype), [a!, b!]), count!.dtype)
  }),
  batch: 'pointwise',
  diff: constant,
})

/** Poisson counts of mean `rate`, a float tensor that is nowhere negative, one for each element, in its dtype. The derivative is zero. */
export function poisson(rate: Tensor, ...args: [options?: SourceOptions]): Tensor {
  const op = 'poisson'
  checkTensor(op, rate)
  checkParameter(op, 'rate', rate)
  refuseUnless(op, ge(rate, 0), 'invalid Poisson rate, expected rate to be non-negative')
  return poissonOf(rate, ...elementWords(op, rate, rate.shape, readSource(op, args)))
}

/**
 * How many of `count` trials succeed that each do with probability `prob`: float tensors of one dtype that broadcast, one draw for
 * each element. The derivative is zero.
 */
export function binomial(count: Tensor, prob: Tensor, ...args: [options?: SourceOptions]): Tensor {
  const op = 'binomial'
  checkTensor(op, count)
  checkTensor(op, prob)
  checkParameter(op, 'count', count)
  if (count.dtype !== prob.dtype)
    throw new TensorTypeError(`expected count and prob of one dtype, got ${count.dtype} and ${prob.dtype}. Convert with x.to(dtype)`, {
      op,
      code: 'DTYPE',
    })
  const shape = broadcastShapes(op, count.shape, prob.shape)
  return binomialOf(expandTo(count, shape), prob, ...elementWords(op, count, shape, readSource(op, args)))
}
