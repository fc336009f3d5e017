import * as fc from 'fast-check'
import { type DType, isFloat } from '../../src/dtype.ts'
import { type BasicOp, type CompareOp, type Expr, cast, constant, input, select } from '../../src/expr.ts'
import type { Value } from '../../src/semantics.ts'

const floatOps: BasicOp[] = ['add', 'sub', 'mul', 'div', 'rem', 'min', 'max', 'neg', 'abs', 'sqrt', 'floor', 'ceil', 'trunc', 'round']
const intOps: BasicOp[] = [
  'add',
  'sub',
  'mul',
  'div',
  'rem',
  'min',
  'max',
  'neg',
  'abs',
  'and',
  'or',
  'xor',
  'not',
  'shl',
  'shr',
  'shru',
  'floor',
  'round',
]
const boolOps: BasicOp[] = ['and', 'or', 'xor', 'not']
const unary = new Set<BasicOp>(['neg', 'abs', 'sqrt', 'floor', 'ceil', 'trunc', 'round', 'not'])
const compares: CompareOp[] = ['eq', 'ne', 'lt', 'le', 'gt', 'ge']

const floats = [
  0,
  -0,
  1,
  -1,
  0.5,
  2,
  -2,
  4,
  0.25,
  3,
  NaN,
  Infinity,
  -Infinity,
  1e-40,
  1e-45,
  3e38,
  2 ** -126,
  2 ** -127,
  2 ** 127,
  1.5,
  2.5,
  16777217,
  0.1,
]
const ints = [0, 1, -1, 2, 3, 4, 8, 31, -128, 127, 255, 256, 32767, -32768, 2 ** 31 - 1, -(2 ** 31), 100, -7]

export const valueOf = (dtype: DType): fc.Arbitrary<Value> => {
  if (dtype === 'bool') return fc.constantFrom(0, 1)
  if (isFloat(dtype)) return fc.oneof(fc.constantFrom(...floats), fc.double())
  const i = fc.oneof(fc.constantFrom(...ints), fc.integer())
  return dtype === 'int64' ? i.map((v) => BigInt(v) * (v % 3 === 0 ? 1n << 31n : 1n)) : i
}

const build = (op: BasicOp, args: Expr[]): Expr => ({ kind: 'basic', op, dtype: args[0]!.dtype, args })

/** Expressions of basic operations over one input of each dtype, at its place in the list; subexpressions are often shared. */
export function expressions(dtypes: readonly DType[], steps = 12): fc.Arbitrary<Expr> {
  const step = fc.record({
    what: fc.integer({ min: 0, max: 9 }),
    op: fc.nat(1000),
    at: fc.array(fc.nat(1000), { minLength: 3, maxLength: 3 }),
    dtype: fc.constantFrom(...dtypes),
    value: fc.nat(1000),
  })
  return fc.array(step, { minLength: 1, maxLength: steps }).map((list) => {
    const pool: Expr[] = dtypes.map((d, i) => input(i, d))
    const pick = (dtype: DType, n: number): Expr => {
      const of = pool.filter((e) => e.dtype === dtype)
      return of[(of.length * 2 - 1 - (n % (of.length + 2))) % of.length]!
    }
    for (const { what, op, at, dtype, value } of list) {
      const [x, y] = [pick(dtype, at[0]!), pick(dtype, at[1]!)]
      if (what < 2)
        pool.push(
          isFloat(dtype)
            ? constant(floats[value % floats.length]!, dtype)
            : constant(dtype === 'bool' ? value % 2 : ints[value % ints.length]!, dtype),
        )
      else if (what === 2) pool.push(cast(pick(dtypes[at[2]! % dtypes.length]!, at[0]!), dtype))
      else if (what === 3 && dtypes.includes('bool')) pool.push({ kind: 'compare', dtype: 'bool', op: compares[op % 6]!, args: [x, y] })
      else if (what === 4 && dtypes.includes('bool')) pool.push(select(pick('bool', at[2]!), x, y))
      else {
        const ops = dtype === 'bool' ? boolOps : isFloat(dtype) ? floatOps : intOps
        const name = ops[op % ops.length]!
        pool.push(build(name, unary.has(name) ? [x] : [x, y]))
      }
    }
    return pool.at(-1)!
  })
}
