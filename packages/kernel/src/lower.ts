import { roundTo } from './convert.ts'
import { type DType, computeType, dtypes, isFloat } from './dtype.ts'
import { type Expr, and, argsOf, cast, constant, max, min, shl, shr, withArgs } from './expr.ts'
import { roundToHalf } from './math/half.ts'
import { lowerMath } from './math/lower-math.ts'

/** A node in its compute type. Of a small integer `wrapped` says whether the value is already in its range. */
interface Lowered {
  readonly value: Expr
  readonly wrapped: boolean
}

/** Wraps an int32 into the range of a smaller integer. */
function wrap(x: Expr, dtype: DType): Expr {
  if (dtype === 'uint8') return and(x, constant(0xff, 'int32'))
  const bits = constant(32 - 8 * dtypes[dtype].bytes, 'int32')
  return shr(shl(x, bits), bits)
}

/** Operations whose low bits depend on the operands' low bits only; the others need operands in range. */
const lowBits = new Set(['add', 'sub', 'mul', 'neg', 'and', 'or', 'xor', 'not', 'shl'])
/** Operations that stay in range when their operands are. */
const closed = new Set(['rem', 'min', 'max', 'and', 'or', 'xor', 'shr'])

/**
 * The same expression over the types backends compute in: bool, int32, int64, float32, float64.
 * Half floats are computed in float32 and rounded where the expression says so (a cast, the end); small integers in
 * int32, wrapped before an operation that would see the difference. A narrow type is left in two places: an input,
 * directly under a cast, and a cast at the root. `scalar` and `reduced` nodes get the compute type.
 */
export function lowerTypes(root: Expr): Expr {
  const done = new Map<Expr, Lowered>()
  const go = (e: Expr): Lowered => {
    let out = done.get(e)
    if (!out) done.set(e, (out = lowerNode(e)))
    return out
  }
  const inRange = (e: Expr): Expr => {
    const { value, wrapped } = go(e)
    return wrapped ? value : wrap(value, e.dtype)
  }

  const lowerCast = (e: Expr, from: Expr, atRoot = false): Lowered => {
    const to = e.dtype
    const target = computeType(to)
    if (target === to) return { value: cast(inRange(from), to), wrapped: true }
    if (to === 'float16' || to === 'bfloat16') {
      const value = cast(inRange(from), 'float32')
      return { value: atRoot ? value : roundToHalf(value, to), wrapped: true }
    }
    if (!isFloat(from.dtype)) {
      // only int16 is wider than another storage type, and it holds all of their values
      const widens = dtypes[from.dtype].bytes < dtypes[to].bytes
      return { value: cast(widens ? inRange(from) : go(from).value, 'int32'), wrapped: widens || from.dtype === 'bool' }
    }
    const { bytes, signed } = dtypes[to]
    const low = signed ? -(2 ** (8 * bytes - 1)) : 0
    const high = low + 2 ** (8 * bytes) - 1
    return { value: min(max(cast(inRange(from), 'int32'), constant(low, 'int32')), constant(high, 'int32')), wrapped: true }
  }

  const lowerNode = (e: Expr): Lowered => {
    const narrow = computeType(e.dtype) !== e.dtype
    const dtype = computeType(e.dtype)
    if (e.kind === 'cast') return lowerCast(e, e.args[0])
    if (e.kind === 'input') return { value: cast(e, dtype), wrapped: true }
    if (e.kind === 'const') return { value: narrow ? constant(roundTo(e.value, e.dtype), dtype) : e, wrapped: true }
    const args = argsOf(e)
    if (!narrow || isFloat(e.dtype)) {
      const lowered = args.map(inRange)
      return { value: narrow || lowered.some((a, i) => a !== args[i]) ? ({ ...withArgs(e, lowered), dtype } as Expr) : e, wrapped: true }
    }
    if (e.kind === 'basic') {
      if (e.op === 'mulhi') throw new TypeError(`[kernel] mulhi: expected int32, got ${e.dtype}; insert a cast`)
      let operands = args.map((a) => (lowBits.has(e.op) ? go(a).value : inRange(a)))
      // a logical shift must not see the sign bits above
      if (e.op === 'shru') operands = [and(operands[0]!, constant(2 ** (8 * dtypes[e.dtype].bytes) - 1, 'int32')), operands[1]!]
      return { value: { ...e, dtype, args: operands } as Expr, wrapped: closed.has(e.op) && args.every((a) => go(a).wrapped) }
    }
    const lowered = e.kind === 'select' ? args.map((a) => go(a).value) : args.map(inRange)
    return {
      value: { ...withArgs(e, lowered), dtype } as Expr,
      wrapped: e.kind !== 'select' || (go(args[1]!).wrapped && go(args[2]!).wrapped),
    }
  }

  const value = root.kind === 'cast' ? lowerCast(root, root.args[0], true).value : go(root).value
  return cast(value, root.dtype)
}

/** All that a backend needs before it emits: compute types, then math as basic operations. */
export const lower = (e: Expr): Expr => lowerMath(lowerTypes(e))
