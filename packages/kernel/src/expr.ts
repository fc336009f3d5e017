/**
 * Makes scalar expressions: constants, inputs, arithmetic, comparisons, functions, conversions.
 * @module
 */
import { type DType, isFloat } from './dtype.ts'

/**
 * What every backend implements directly. On floats `min`/`max` propagate NaN, `rem` is C's fmod; on integers
 * `div` and `rem` truncate towards zero (division by zero gives 0), arithmetic wraps.
 * `and or xor not` are bitwise on integers and logical on bool; `shr` is arithmetic, `shru` logical;
 * `mulhi` is the high half of the unsigned 32×32-bit product of two int32.
 * `round` rounds half to even.
 */
export type BasicOp =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'rem'
  | 'min'
  | 'max'
  | 'neg'
  | 'abs'
  | 'sqrt'
  | 'floor'
  | 'ceil'
  | 'trunc'
  | 'round'
  | 'and'
  | 'or'
  | 'xor'
  | 'not'
  | 'shl'
  | 'shr'
  | 'shru'
  | 'mulhi'

/** Comparisons give bool; any comparison with NaN is false but `ne`, which is true. */
export type CompareOp = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge'

/** Float functions with an accuracy contract of 4 ULP; `math/` lowers them to basic operations. */
export type MathOp =
  | 'exp'
  | 'exp2'
  | 'expm1'
  | 'log'
  | 'log2'
  | 'log10'
  | 'log1p'
  | 'sin'
  | 'cos'
  | 'tan'
  | 'asin'
  | 'acos'
  | 'atan'
  | 'sinh'
  | 'cosh'
  | 'tanh'
  | 'asinh'
  | 'acosh'
  | 'atanh'
  | 'erf'
  | 'erfc'
  | 'pow'
  | 'atan2'

/** Lane-wise calls out to the host's float64 function: slow, and right for arguments the polynomials do not cover. */
export type HostOp = 'sin' | 'cos' | 'tan'

/**
 * A scalar expression: what one element of the output is, from one element of each input.
 * Nodes are immutable and may be shared; a backend evaluates a shared node once.
 */
export type Expr =
  | { readonly kind: 'const'; readonly dtype: DType; readonly value: number | bigint }
  /** the element of input `slot` at that input's access */
  | { readonly kind: 'input'; readonly dtype: DType; readonly slot: number }
  /** a number passed with the call, so that no parameter value ever compiles anything */
  | { readonly kind: 'scalar'; readonly dtype: DType; readonly slot: number }
  /** the loop index along `axis`, a negative number: counted from the end of the kept axes (−1 is the last) */
  | { readonly kind: 'index'; readonly dtype: 'int32'; readonly axis: number }
  /** the row-major position of the element among the kept axes */
  | { readonly kind: 'position'; readonly dtype: 'int32' }
  /** inside an epilogue: the reduced value */
  | { readonly kind: 'reduced'; readonly dtype: DType }
  | { readonly kind: 'basic'; readonly dtype: DType; readonly op: BasicOp; readonly args: readonly Expr[] }
  | { readonly kind: 'compare'; readonly dtype: 'bool'; readonly op: CompareOp; readonly args: readonly [Expr, Expr] }
  | { readonly kind: 'math'; readonly dtype: DType; readonly op: MathOp; readonly args: readonly Expr[] }
  | { readonly kind: 'select'; readonly dtype: DType; readonly args: readonly [cond: Expr, then: Expr, otherwise: Expr] }
  /** value conversion; float → int truncates and saturates (NaN → 0), int → int wraps, anything → bool is `≠ 0` */
  | { readonly kind: 'cast'; readonly dtype: DType; readonly args: readonly [Expr] }
  /** the same bits read as another type of the same size (float32 ↔ int32, float64 ↔ int64) */
  | { readonly kind: 'bitcast'; readonly dtype: DType; readonly args: readonly [Expr] }
  /** `args[0]` where `args[1]` is false in every lane a backend computes at once, else per lane: the host's function of `args[2]` where true */
  | { readonly kind: 'rare'; readonly dtype: DType; readonly host: HostOp; readonly args: readonly [fast: Expr, when: Expr, of: Expr] }

export const constant = (value: number | bigint | boolean, dtype: DType): Expr => ({
  kind: 'const',
  dtype,
  value: dtype === 'int64' ? BigInt(value) : Number(value),
})
export const input = (slot: number, dtype: DType): Expr => ({ kind: 'input', dtype, slot })
export const scalar = (slot: number, dtype: DType): Expr => ({ kind: 'scalar', dtype, slot })
export const index = (axis: number): Expr => ({ kind: 'index', dtype: 'int32', axis })
export const position: Expr = { kind: 'position', dtype: 'int32' }
export const reduced = (dtype: DType): Expr => ({ kind: 'reduced', dtype })

function basic(op: BasicOp, ...args: Expr[]): Expr {
  const dtype = args[0]!.dtype
  for (const a of args)
    if (a.dtype !== dtype)
      throw new TypeError(`[kernel] ${op}: expected operands of one dtype, got ${args.map((x) => x.dtype).join(', ')}; insert a cast`)
  return { kind: 'basic', dtype, op, args }
}
function compare(op: CompareOp, x: Expr, y: Expr): Expr {
  if (x.dtype !== y.dtype) throw new TypeError(`[kernel] ${op}: expected operands of one dtype, got ${x.dtype}, ${y.dtype}; insert a cast`)
  return { kind: 'compare', dtype: 'bool', op, args: [x, y] }
}
function math(op: MathOp, ...args: Expr[]): Expr {
  const dtype = args[0]!.dtype
  if (!isFloat(dtype)) throw new TypeError(`[kernel] ${op}: expected a float, got ${dtype}; insert a cast`)
  return { kind: 'math', dtype, op, args }
}

type Unary = (x: Expr) => Expr
type Binary = (x: Expr, y: Expr) => Expr

export const add: Binary = (x, y) => basic('add', x, y)
export const sub: Binary = (x, y) => basic('sub', x, y)
export const mul: Binary = (x, y) => basic('mul', x, y)
export const div: Binary = (x, y) => basic('div', x, y)
export const rem: Binary = (x, y) => basic('rem', x, y)
export const min: Binary = (x, y) => basic('min', x, y)
export const max: Binary = (x, y) => basic('max', x, y)
export const neg: Unary = (x) => basic('neg', x)
export const abs: Unary = (x) => basic('abs', x)
export const sqrt: Unary = (x) => basic('sqrt', x)
export const floor: Unary = (x) => basic('floor', x)
export const ceil: Unary = (x) => basic('ceil', x)
export const trunc: Unary = (x) => basic('trunc', x)
export const round: Unary = (x) => basic('round', x)
export const and: Binary = (x, y) => basic('and', x, y)
export const or: Binary = (x, y) => basic('or', x, y)
export const xor: Binary = (x, y) => basic('xor', x, y)
export const not: Unary = (x) => basic('not', x)
export const shl: Binary = (x, y) => basic('shl', x, y)
export const shr: Binary = (x, y) => basic('shr', x, y)
export const shru: Binary = (x, y) => basic('shru', x, y)
export const mulhi: Binary = (x, y) => basic('mulhi', x, y)

export const eq: Binary = (x, y) => compare('eq', x, y)
export const ne: Binary = (x, y) => compare('ne', x, y)
export const lt: Binary = (x, y) => compare('lt', x, y)
export const le: Binary = (x, y) => compare('le', x, y)
export const gt: Binary = (x, y) => compare('gt', x, y)
export const ge: Binary = (x, y) => compare('ge', x, y)

export const exp: Unary = (x) => math('exp', x)
export const exp2: Unary = (x) => math('exp2', x)
export const expm1: Unary = (x) => math('expm1', x)
export const log: Unary = (x) => math('log', x)
export const log2: Unary = (x) => math('log2', x)
export const log10: Unary = (x) => math('log10', x)
export const log1p: Unary = (x) => math('log1p', x)
export const sin: Unary = (x) => math('sin', x)
export const cos: Unary = (x) => math('cos', x)
export const tan: Unary = (x) => math('tan', x)
export const asin: Unary = (x) => math('asin', x)
export const acos: Unary = (x) => math('acos', x)
export const atan: Unary = (x) => math('atan', x)
export const sinh: Unary = (x) => math('sinh', x)
export const cosh: Unary = (x) => math('cosh', x)
export const tanh: Unary = (x) => math('tanh', x)
export const asinh: Unary = (x) => math('asinh', x)
export const acosh: Unary = (x) => math('acosh', x)
export const atanh: Unary = (x) => math('atanh', x)
export const erf: Unary = (x) => math('erf', x)
export const erfc: Unary = (x) => math('erfc', x)
export const pow: Binary = (x, y) => math('pow', x, y)
export const atan2: Binary = (y, x) => math('atan2', y, x)

export function select(cond: Expr, then: Expr, otherwise: Expr): Expr {
  if (cond.dtype !== 'bool' || then.dtype !== otherwise.dtype)
    throw new TypeError(`[kernel] select: expected (bool, T, T), got (${cond.dtype}, ${then.dtype}, ${otherwise.dtype}); insert a cast`)
  return { kind: 'select', dtype: then.dtype, args: [cond, then, otherwise] }
}
export const cast = (x: Expr, dtype: DType): Expr => (x.dtype === dtype ? x : { kind: 'cast', dtype, args: [x] })
export const bitcast = (x: Expr, dtype: DType): Expr => (x.dtype === dtype ? x : { kind: 'bitcast', dtype, args: [x] })
export const rare = (host: HostOp, fast: Expr, when: Expr, of: Expr): Expr => ({
  kind: 'rare',
  dtype: fast.dtype,
  host,
  args: [fast, when, of],
})

/** The operands of a node, in order. */
export const argsOf = (e: Expr): readonly Expr[] => ('args' in e ? e.args : [])

/** The same node over other operands. */
export function withArgs(e: Expr, args: readonly Expr[]): Expr {
  return 'args' in e ? ({ ...e, args } as Expr) : e
}

/** Rebuilds an expression bottom-up; a shared node is visited once and stays shared. */
export function rewrite(root: Expr, f: (e: Expr) => Expr): Expr {
  const done = new Map<Expr, Expr>()
  const go = (e: Expr): Expr => {
    const seen = done.get(e)
    if (seen) return seen
    const old = argsOf(e)
    const args = old.map(go)
    const out = f(args.some((a, i) => a !== old[i]) ? withArgs(e, args) : e)
    done.set(e, out)
    return out
  }
  return go(root)
}

/** A node's own part of its structural key: all of it but the operands. −0, NaN and bigints are told apart. */
export function detail(e: Expr): string | number {
  switch (e.kind) {
    case 'const':
      return Object.is(e.value, -0) ? '-0' : String(e.value)
    case 'input':
    case 'scalar':
      return e.slot
    case 'index':
      return e.axis
    case 'basic':
    case 'compare':
    case 'math':
      return e.op
    case 'rare':
      return e.host
    default:
      return ''
  }
}
