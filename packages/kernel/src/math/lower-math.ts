import { type Expr, type MathOp, cast, rewrite } from '../expr.ts'
import { erf, erfc } from './erf.ts'
import { exp, exp2, expm1, tanh } from './exp.ts'
import { acosh, asinh, atanh, cosh, sinh } from './hyperbolic.ts'
import { acos, asin, atan, atan2 } from './inverse-trig.ts'
import { log, log10, log1p, log2 } from './log.ts'
import { pow } from './pow.ts'
import { cos, sin, tan } from './trig.ts'

type Formula = (...args: readonly [Expr, Expr]) => Expr

/** A formula for float64, and for float32 by computing there: one rounding, and for functions that are rarely the bottleneck. */
const wide =
  (formula: Formula): Formula =>
  (x, y) =>
    x.dtype === 'float64' ? formula(x, y) : cast(formula(cast(x, 'float64'), y && cast(y, 'float64')), x.dtype)

const formulas: Readonly<Record<MathOp, Formula>> = {
  exp: (x) => exp(x),
  exp2,
  expm1,
  log,
  log1p,
  sin,
  cos,
  tan,
  tanh,
  erf,
  pow,
  log2: wide(log2),
  log10: wide(log10),
  asin: wide(asin),
  acos: wide(acos),
  atan: wide(atan),
  atan2: wide(atan2),
  sinh: wide(sinh),
  cosh: wide(cosh),
  asinh: wide(asinh),
  acosh: wide(acosh),
  atanh: wide(atanh),
  erfc: wide(erfc),
}

/** Replaces float functions by basic operations, in the dtype of the node; half floats are computed in float32 and cast back. */
export const lowerMath = (e: Expr): Expr =>
  rewrite(e, (node) => {
    if (node.kind !== 'math') return node
    const formula = formulas[node.op]
    const [x, y] = node.args as readonly [Expr, Expr]
    if (node.dtype === 'float32' || node.dtype === 'float64') return formula(x, y)
    return cast(formula(cast(x, 'float32'), y && cast(y, 'float32')), node.dtype)
  })
