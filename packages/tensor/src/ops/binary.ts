import { type End, checkEnd, checkExtra, isOptions, readArgs } from '../core/args.ts'
import { type Expr, dtypes, expr as e, isFloat } from '@mapgrad/kernel'
import { TensorTypeError } from '../core/errors.ts'
import { isTensor } from '../core/handle.ts'
import type { Op } from '../core/op.ts'
import { constant, elementwise, gates, multilinear, steps } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { eq, ge } from './compare.ts'
import {
  type Binary,
  type Operand,
  type XY,
  binary,
  floating,
  indicator,
  integral,
  knownNumber,
  number,
  numbers,
  weight,
} from './families.ts'
import { floor, log, neg, reciprocal, roundHalfEven, rsqrt, sqrt, trunc } from './unary.ts'
import { where } from './where.ts'

export type { Binary, Operand } from './families.ts'

export const plus: Binary = binary('add', {
  build: (x, y) => (x.dtype === 'bool' ? e.or(x, y) : e.add(x, y)),
  diff: elementwise('one', 'one'),
})
export const minus: Binary = binary('sub', { build: e.sub, diff: elementwise('one', 'minusOne'), as: numbers('sub') })

/** x · y. */
export const mul: Binary = binary('mul', {
  build: (x, y) => (x.dtype === 'bool' ? e.and(x, y) : e.mul(x, y)),
  diff: multilinear(
    (ct, [, y]) => mul(ct, y),
    (ct, [x]) => mul(ct, x),
  ),
})

/** Options of `add` and `sub`. */
export interface AlphaOptions {
  /** multiplies the second operand; default 1 */
  readonly alpha?: number | undefined
}

/** x + alpha · y. */
export function add(x: Operand, y: Operand, options?: AlphaOptions, ...end: End): Tensor {
  checkExtra('add', options, ['alpha'], end)
  return plus(x, options?.alpha === undefined ? y : scaled(y, options.alpha))
}
/** x − alpha · y. */
export function sub(x: Operand, y: Operand, options?: AlphaOptions, ...end: End): Tensor {
  checkExtra('sub', options, ['alpha'], end)
  return minus(x, options?.alpha === undefined ? y : scaled(y, options.alpha))
}
const scaled = (y: Operand, alpha: number): Operand => (typeof y === 'object' ? mul(y, alpha) : Number(y) * alpha)

export const divide: Binary = binary('div', {
  build: e.div,
  as: floating,
  // d(x/y) = dx/y − (x/y)/y dy
  diff: elementwise(
    (_, [, y]) => divide(1, y),
    (q, [, y]) => neg(divide(q, y)),
  ),
})

/** Options of `div`. */
export interface DivOptions {
  /** `'trunc'` rounds towards zero, `'floor'` down; by default true division in floats */
  readonly roundingMode?: 'trunc' | 'floor' | null | undefined
}

/** x / y. Integers divide to float32 unless a rounding mode is given; x / 0 is ±Inf or NaN in floats. */
export function div(x: Operand, y: Operand, options?: DivOptions, ...end: End): Tensor {
  checkExtra('div', options, ['roundingMode'], end)
  switch (options?.roundingMode ?? null) {
    case null:
      return divide(x, y)
    case 'floor':
      return floorDivide(x, y)
    case 'trunc':
      return truncDivide(x, y)
    default:
      throw new TensorTypeError(
        `div expected rounding_mode to be one of null, 'trunc', or 'floor' but found '${String(options?.roundingMode)}'`,
        { op: 'div', code: 'ROUNDING_MODE' },
      )
  }
}

export const truncDivide: Binary = binary('div_trunc', {
  build: (x, y) => (isFloat(x.dtype) ? e.trunc(e.div(x, y)) : e.div(x, y)),
  diff: steps,
  as: numbers('div'),
  divides: true,
})

const zero = (x: Expr): Expr => e.constant(0, x.dtype)
/** whether the remainder of truncated division has to be moved to the divisor's side */
const wrongSide = (r: Expr, y: Expr): Expr => e.and(e.ne(r, zero(r)), e.xor(e.lt(r, zero(r)), e.lt(y, zero(y))))

/** ⌊x / y⌋, in the promoted dtype. Integers divided by a tensor's 0 give 0 or −1; by a JavaScript 0, an error. */
export const floorDivide: Binary = binary('floor_divide', {
  build: (x, y) => {
    const r = e.rem(x, y)
    if (!isFloat(x.dtype)) return e.sub(e.div(x, y), e.cast(wrongSide(r, y), x.dtype))
    // CPython's float floor division: the quotient from the exact remainder, then the nearest integer to it
    const q = e.div(e.sub(x, r), y)
    const down = e.select(wrongSide(r, y), e.sub(q, e.constant(1, q.dtype)), q)
    const near = e.floor(down)
    const snapped = e.select(e.gt(e.sub(down, near), e.constant(0.5, q.dtype)), e.add(near, e.constant(1, q.dtype)), near)
    const whole = e.select(e.eq(down, zero(down)), e.mul(zero(q), e.div(x, y)), snapped)
    return e.select(e.eq(y, zero(y)), e.div(x, y), whole)
  },
  diff: steps,
  as: numbers('floor_divide'),
  divides: true,
})

/** The remainder of truncated division, with the sign of x (C's fmod). */
export const fmod: Binary = binary('fmod', {
  build: e.rem,
  diff: elementwise('one', (_, [x, y]) => neg(trunc(divide(x, y)))),
  as: numbers('fmod'),
  divides: true,
})
/** The remainder of floored division, with the sign of y. */
export const remainder: Binary = binary('remainder', {
  build: (x, y) => {
    const r = e.rem(x, y)
    return e.select(wrongSide(r, y), e.add(r, y), r)
  },
  diff: elementwise('one', (_, [x, y]) => neg(floor(divide(x, y)))),
  as: numbers('remainder'),
  divides: true,
})

// where operands tie, each gets half, as in PyTorch; a NaN gives both the whole
export const share: Op<XY> = weight('share', (x, y) =>
  e.select(e.lt(x!, y!), number(0, x!), e.select(e.eq(x!, y!), number(0.5, x!), number(1, x!))),
)

/** The larger of x and y; NaN if either is. Ties share the derivative. */
export const maximum: Binary = binary('maximum', {
  build: (x, y) => (x.dtype === 'bool' ? e.or(x, y) : e.max(x, y)),
  diff: gates(
    (_, [x, y]) => share(x, y),
    (_, [x, y]) => share(y, x),
  ),
})
/** The smaller of x and y; NaN if either is. Ties share the derivative. */
export const minimum: Binary = binary('minimum', {
  build: (x, y) => (x.dtype === 'bool' ? e.and(x, y) : e.min(x, y)),
  diff: gates(
    (_, [x, y]) => share(y, x),
    (_, [x, y]) => share(x, y),
  ),
})

export const notAbove: Op<XY> = indicator('not_above', (x, y) => e.le(x!, y!))
export const isAbove: Op<XY> = indicator('is_above', (x, y) => e.gt(x!, y!))

/** The larger of x and a bound; NaN if either is. At the bound x has the derivative. */
export const clampMin: Binary = binary('clamp_min', {
  build: (x, y) => (x.dtype === 'bool' ? e.or(x, y) : e.max(x, y)),
  diff: gates(
    (_, [x, low]) => notAbove(low, x),
    (_, [x, low]) => isAbove(low, x),
  ),
})
/** The smaller of x and a bound; NaN if either is. At the bound x has the derivative. */
export const clampMax: Binary = binary('clamp_max', {
  build: (x, y) => (x.dtype === 'bool' ? e.and(x, y) : e.min(x, y)),
  diff: gates(
    (_, [x, high]) => notAbove(x, high),
    (_, [x, high]) => isAbove(x, high),
  ),
})

export const power: Binary = binary('pow', {
  build: (x, y) => (isFloat(x.dtype) ? e.pow(x, y) : integerPower(x, y)),
  // d(xʸ) = y xʸ⁻¹ dx + xʸ log x dy, with 0 at x = y = 0 and at x = 0, y ≥ 0
  diff: elementwise(
    (_, [x, y]) => {
      const k = knownNumber(y)
      if (k !== undefined) return k === 0 ? mul(x, 0) : mul(pow(x, Number(k) - 1), Number(k))
      return mul(y, power(x, where(bothZero(x, y), 1, sub(y, 1))))
    },
    (z, [x, y]) => mul(z, log(where(flatZero(x, y), 1, x))),
  ),
  as: numbers('pow'),
})

const bothZero = (x: Tensor, y: Tensor): Tensor => logicalAnd(eq(x, 0), eq(y, 0))
const flatZero = (x: Tensor, y: Tensor): Tensor => logicalAnd(eq(x, 0), ge(y, 0))

/** xʸ of integers by squaring; wraps. Negative exponents give the truncated reciprocal. */
function integerPower(x: Expr, y: Expr): Expr {
  const one = e.constant(1, x.dtype)
  let result = one
  let base = x
  const bits = x.dtype === 'int64' ? 63 : 31
  for (let i = 0; i < bits; i++) {
    const bit = e.ne(e.and(e.shr(y, e.constant(i, y.dtype)), e.constant(1, y.dtype)), zero(y))
    result = e.select(bit, e.mul(result, base), result)
    if (i + 1 < bits) base = e.mul(base, base)
  }
  const minusOne = e.constant(-1, x.dtype)
  const odd = e.ne(e.and(y, e.constant(1, y.dtype)), zero(y))
  const reciprocal = e.select(e.eq(x, one), one, e.select(e.eq(x, minusOne), e.select(odd, minusOne, one), zero(x)))
  return e.select(e.lt(y, zero(y)), reciprocal, result)
}

const exponentOf = (given: unknown): Operand =>
  (isOptions(given) ? readArgs<{ readonly exponent?: Operand }>('pow', [given], ['exponent']).exponent : given) as Operand

/** x to the power y, which may be given by name: `{ exponent }`. Integer bases with a negative JavaScript exponent are refused, as in PyTorch. */
export function pow(x: Operand, exponent: Operand | { readonly exponent: Operand }, ...end: End): Tensor {
  checkEnd('pow', end)
  const y = typeof exponent === 'object' && !isTensor(exponent) ? exponentOf(exponent) : exponent
  if (typeof y !== 'number' || !isTensor(x)) return power(x, y)
  if (isFloat(x.dtype)) {
    // as PyTorch: these are exact or better conditioned
    if (y === 1) return mul(x, 1)
    if (y === 2) return mul(x, x)
    if (y === 3) return mul(mul(x, x), x)
    if (y === 0.5) return sqrt(x)
    if (y === -0.5) return rsqrt(x)
    if (y === -1) return reciprocal(x)
  } else if (y < 0 && Number.isInteger(y))
    throw new TensorTypeError('Integers to negative integer powers are not allowed. Convert the base with x.float()', {
      op: 'pow',
      code: 'DTYPE',
    })
  return power(x, y)
}

/** The angle of the point (x, y) = (second, first operand), in radians in [−π, π]. */
export const atan2: Binary = binary('atan2', {
  build: e.atan2,
  as: floating,
  // dθ = (x dy − y dx) / (x² + y²), 0 at the origin
  diff: elementwise(
    (_, [y, x]) => overNorm(x, y, x),
    (_, [y, x]) => neg(overNorm(y, y, x)),
  ),
})
function overNorm(n: Tensor, y: Tensor, x: Tensor): Tensor {
  const norm = add(mul(x, x), mul(y, y))
  return divide(n, where(eq(norm, 0), 1, norm))
}

const logical = /* @__NO_SIDE_EFFECTS__ */ (name: string, build: (x: Expr, y: Expr) => Expr): Binary =>
  binary(name, { build, diff: constant, as: () => 'bool' })
/** Both, taken as bools. */
export const logicalAnd: Binary = logical('logical_and', e.and)
/** Either, taken as bools. */
export const logicalOr: Binary = logical('logical_or', e.or)
/** Exactly one, taken as bools. */
export const logicalXor: Binary = logical('logical_xor', e.xor)

const bitwise = /* @__NO_SIDE_EFFECTS__ */ (name: string, build: (x: Expr, y: Expr) => Expr): Binary =>
  binary(name, { build, diff: constant, as: integral(name) })
/** Bitwise and of integers, logical and of bools. */
export const bitwiseAnd: Binary = bitwise('bitwise_and', e.and)
/** Bitwise or of integers, logical or of bools. */
export const bitwiseOr: Binary = bitwise('bitwise_or', e.or)
/** Bitwise exclusive or of integers, logical of bools. */
export const bitwiseXor: Binary = bitwise('bitwise_xor', e.xor)

const shift = /* @__NO_SIDE_EFFECTS__ */ (name: string, build: (x: Expr, y: Expr) => Expr): Binary =>
  binary(name, { build, diff: constant, as: (dtype) => numbers(name)(integral(name)(dtype)) })
/** x · 2ʸ of integers; 0 where y is negative or has more bits than the dtype. */
export const bitwiseLeftShift: Binary = shift('bitwise_left_shift', (x, y) => e.select(inWidth(y), e.shl(x, y), zero(x)))
/** ⌊x / 2ʸ⌋ of integers; where y is negative or has more bits than the dtype, 0 or −1 by the sign of x. */
export const bitwiseRightShift: Binary = shift('bitwise_right_shift', (x, y) =>
  e.shr(x, e.select(inWidth(y), y, number(dtypes[x.dtype].bytes * 8 - 1, y))),
)
const inWidth = (y: Expr): Expr => e.and(e.ge(y, zero(y)), e.lt(y, number(dtypes[y.dtype].bytes * 8, y)))

/** Options of `round`. */
export interface RoundOptions {
  /** digits after the decimal point; default 0, negative rounds to tens, hundreds, … */
  readonly decimals?: number | undefined
}
/** The nearest integer, halves to even; with `decimals`, to that many digits. */
export function round(x: Tensor, options?: RoundOptions, ...end: End): Tensor {
  checkExtra('round', options, ['decimals'], end)
  const decimals = options?.decimals ?? 0
  if (decimals === 0) return roundHalfEven(x)
  const scale = 10 ** Math.abs(decimals)
  return decimals > 0 ? divide(roundHalfEven(mul(x, scale)), scale) : mul(roundHalfEven(divide(x, scale)), scale)
}
