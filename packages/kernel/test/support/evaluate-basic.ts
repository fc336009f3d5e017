import type { DType } from '../../src/dtype.ts'
import { type Expr, argsOf } from '../../src/expr.ts'

/** The functions that generated code calls; each is exact in its dtype. */
const runtime = {
  min: (x: number, y: number): number => Math.min(x, y),
  max: (x: number, y: number): number => Math.max(x, y),
  round(x: number): number {
    const r = Math.round(x)
    return Object.is(r, 0) && x < 0 ? -0 : r - x === 0.5 && r % 2 !== 0 ? r - 1 : r
  },
  mulhi: (x: number, y: number): number => Number((BigInt(x >>> 0) * BigInt(y >>> 0)) >> 32n) | 0,
  saturate: (x: number): number => (Number.isNaN(x) ? 0 : Math.trunc(Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, x)))),
  saturate64: (x: number): bigint =>
    Number.isNaN(x) ? 0n : x >= 2 ** 63 ? 2n ** 63n - 1n : x < -(2 ** 63) ? -(2n ** 63n) : BigInt(Math.trunc(x)),
}
const f32 = new Float32Array(1)
const i32 = new Int32Array(f32.buffer)
const f64 = new Float64Array(1)
const i64 = new BigInt64Array(f64.buffer)

/** Rounds a JavaScript expression to a dtype. */
function wrap(code: string, d: DType): string {
  switch (d) {
    case 'float32':
      return `Math.fround(${code})`
    case 'int32':
      return `(${code}) | 0`
    case 'int64':
      return `BigInt.asIntN(64, ${code})`
    default:
      return code
  }
}

const infix: Record<string, string> = {
  add: '+',
  sub: '-',
  mul: '*',
  div: '/',
  rem: '%',
  and: '&',
  or: '|',
  xor: '^',
  shl: '<<',
  shr: '>>',
  shru: '>>>',
  eq: '===',
  ne: '!==',
  lt: '<',
  le: '<=',
  gt: '>',
  ge: '>=',
}

function literal(value: number | bigint, d: DType): string {
  if (d === 'bool') return value ? 'true' : 'false'
  if (typeof value === 'bigint') return `${value}n`
  return Object.is(value, -0) ? '-0' : String(value)
}

function code(e: Expr, a: readonly string[]): string {
  const integer = e.dtype === 'int32' || e.dtype === 'int64'
  switch (e.kind) {
    case 'const':
      return literal(e.value, e.dtype)
    case 'input':
      return `in${e.slot}`
    case 'compare':
      return `${a[0]} ${infix[e.op]} ${a[1]}`
    case 'select':
      return `${a[0]} ? ${a[1]} : ${a[2]}`
    case 'rare':
      return `${a[1]} ? ${wrap(`Math.${e.host}(${a[2]})`, e.dtype)} : ${a[0]}`
    case 'bitcast':
      if (e.dtype === 'int32') return `(f32[0] = ${a[0]}, i32[0])`
      if (e.dtype === 'float32') return `(i32[0] = ${a[0]}, f32[0])`
      if (e.dtype === 'int64') return `(f64[0] = ${a[0]}, i64[0])`
      return `(i64[0] = ${a[0]}, f64[0])`
    case 'cast': {
      const from = e.args[0].dtype
      const x = a[0]!
      if (e.dtype === 'bool') return from === 'int64' ? `${x} !== 0n` : `${x} !== 0`
      if (e.dtype === 'int64') return from === 'float32' || from === 'float64' ? `saturate64(${x})` : `BigInt(${x})`
      if (e.dtype === 'int32')
        return from === 'int64'
          ? `Number(BigInt.asIntN(32, ${x}))`
          : from === 'int32' || from === 'bool'
            ? `Number(${x})`
            : `saturate(${x})`
      return wrap(`Number(${x})`, e.dtype)
    }
    case 'basic':
      if (e.dtype === 'bool')
        return e.op === 'not'
          ? `!${a[0]}`
          : e.op === 'and'
            ? `${a[0]} && ${a[1]}`
            : e.op === 'or'
              ? `${a[0]} || ${a[1]}`
              : `${a[0]} !== ${a[1]}`
      if (e.op === 'neg') return wrap(`-${a[0]}`, e.dtype)
      if (e.op === 'not') return `~${a[0]}`
      if (e.op === 'mulhi') return `mulhi(${a[0]}, ${a[1]})`
      if (e.op === 'min' || e.op === 'max' || e.op === 'round') return `${e.op}(${a.join()})`
      if (e.op in infix) {
        if (e.dtype === 'int32' && e.op === 'mul') return `Math.imul(${a[0]}, ${a[1]})`
        if (integer && (e.op === 'div' || e.op === 'rem')) throw new Error('not used by math')
        if (e.dtype === 'int64' && e.op === 'shru') return `BigInt.asIntN(64, BigInt.asUintN(64, ${a[0]}) >> ${a[1]})`
        return wrap(`${a[0]} ${infix[e.op]} ${a[1]}`, e.dtype)
      }
      return wrap(`Math.${e.op}(${a[0]})`, e.dtype)
    default:
      throw new Error(`evaluateBasic: ${e.kind}`)
  }
}

/** Compiles an expression of basic operations to JavaScript that rounds after every operation, as SIMD does. Test code only: it evaluates text. */
export function evaluateBasic(root: Expr): (...inputs: number[]) => number {
  const names = new Map<Expr, string>()
  const lines: string[] = []
  const visit = (e: Expr): string => {
    const known = names.get(e)
    if (known) return known
    const a = argsOf(e).map(visit)
    const name = `v${names.size}`
    names.set(e, name)
    lines.push(`const ${name} = ${code(e, a)}`)
    return name
  }
  const result = visit(root)
  const keys = Object.keys(runtime)
  const source = `return function (in0, in1) {\n${lines.join('\n')}\nreturn ${result}\n}`
  return new Function('f32', 'i32', 'f64', 'i64', ...keys, source)(f32, i32, f64, i64, ...Object.values(runtime)) as (
    ...inputs: number[]
  ) => number
}

/** Distinct nodes that cost something: constants, inputs and bitcasts do not. */
export function nodeCount(root: Expr): number {
  const seen = new Set<Expr>()
  const visit = (e: Expr): void => {
    if (seen.has(e)) return
    seen.add(e)
    argsOf(e).forEach(visit)
  }
  visit(root)
  return [...seen].filter((e) => !['const', 'input', 'bitcast'].includes(e.kind)).length
}
