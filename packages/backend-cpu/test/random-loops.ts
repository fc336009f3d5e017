import {
  type Access,
  type BasicOp,
  type CompareOp,
  type DType,
  type Expr,
  type OutOfRange,
  type ReduceOp,
  bytesOf,
  defineLoop,
  dtypes,
  expr as E,
  isFloat,
} from '@mapgrad/kernel'
import fc from 'fast-check'
import type { Case, Operand } from './loops.ts'
import { bytesFrom } from './loops.ts'
import { special } from './special.ts'

const all = Object.keys(dtypes) as DType[]

/** A source of choices that fast-check can shrink. */
export interface Choose {
  int(min: number, max: number): number
  of<T>(items: readonly T[]): T
}

export function chooser(g: fc.GeneratorValue): Choose {
  return {
    int: (min, max) => g(fc.integer, { min, max }),
    of: (items) => items[g(fc.integer, { min: 0, max: items.length - 1 })]!,
  }
}

/** Random expression trees of basic operations; inputs and scalars are made as they are needed. */
class Trees {
  readonly choose: Choose
  readonly rank: number
  readonly inputs: Access[] = []
  readonly scalars: DType[] = []
  readonly made: Expr[] = []
  readonly gathers: boolean

  constructor(choose: Choose, rank: number, gathers: boolean) {
    this.choose = choose
    this.rank = rank
    this.gathers = gathers
  }

  tree(dtype: DType, depth: number): Expr {
    const same = this.made.filter((e) => e.dtype === dtype)
    if (same.length > 0 && this.choose.int(0, 3) === 0) return this.choose.of(same)
    const e = depth === 0 || this.choose.int(0, 4) === 0 ? this.leaf(dtype) : this.node(dtype, depth)
    this.made.push(e)
    return e
  }

  leaf(dtype: DType): Expr {
    const kind = this.choose.int(0, 7)
    if (kind === 0) return E.constant(this.choose.of(special(dtype)), dtype)
    if (kind === 1) return E.scalar(this.scalars.push(dtype) - 1, dtype)
    if (kind === 2 && dtype === 'int32')
      return this.rank > 0 && this.choose.int(0, 1) === 0 ? E.index(-this.choose.int(1, this.rank)) : E.position
    if (kind === 3 && this.gathers) {
      return this.gather(dtype, 'zero')
    }
    return E.input(this.inputs.push({ dtype, coordinates: [] }) - 1, dtype)
  }

  gather(dtype: DType, outOfRange: OutOfRange): Expr {
    const coordinates = Array.from({ length: this.choose.int(1, 2) }, () => ({ expr: this.tree('int32', 1), outOfRange }))
    return E.input(this.inputs.push({ dtype, coordinates }) - 1, dtype)
  }

  node(dtype: DType, depth: number): Expr {
    const sub = (d = dtype): Expr => this.tree(d, depth - 1)
    const kind = this.choose.int(0, 5)
    if (kind === 0) return E.select(sub('bool'), sub(), sub())
    if (kind === 1) {
      const from = this.choose.of(all)
      return E.cast(sub(from), dtype)
    }
    if (dtype === 'bool') {
      if (kind === 2) return E.not(sub())
      if (kind === 3) return E[this.choose.of(['and', 'or', 'xor', 'min', 'max'] as const)](sub(), sub())
      const of = this.choose.of(all)
      return E[this.choose.of(['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as CompareOp[])](sub(of), sub(of)) as Expr
    }
    const floats: BasicOp[] = ['add', 'sub', 'mul', 'div', 'rem', 'min', 'max', 'neg', 'abs', 'sqrt', 'floor', 'ceil', 'trunc', 'round']
    const ints: BasicOp[] = ['add', 'sub', 'mul', 'div', 'rem', 'min', 'max', 'neg', 'abs', 'and', 'or', 'xor', 'not', 'shl', 'shr', 'shru']
    // half floats are not rounded between operations, which comparisons and casts would show
    const op = this.choose.of(isFloat(dtype) ? floats : ints)
    const one = ['neg', 'abs', 'sqrt', 'floor', 'ceil', 'trunc', 'round', 'not'].includes(op)
    if (kind === 2 && (dtype === 'float32' || dtype === 'float64'))
      return E.rare(this.choose.of(['sin', 'cos', 'tan'] as const), sub(), sub('bool'), sub())
    return one ? (E[op as 'add'] as (x: Expr) => Expr)(sub()) : E[op as 'add'](sub(), sub())
  }
}

/** An array that a loop over `sizes` can walk: axes in any order of memory, gaps, negative and repeated ones. */
function operand(
  choose: Choose,
  dtype: DType,
  sizes: readonly number[],
  values: readonly (number | bigint)[],
  out: boolean,
  coordinates = 0,
): Operand {
  const rank = sizes.length
  const order = Array.from({ length: rank }, (_, i) => i)
  if (choose.int(0, 1) === 0)
    for (let i = rank - 1; i > 0; i--) {
      const j = choose.int(0, i)
      ;[order[i], order[j]] = [order[j]!, order[i]!]
    }
  const strides = new Array<number>(rank).fill(0)
  const plain = choose.int(0, 1) === 0
  const walked: { stride: number; size: number }[] = []
  let extent = 1
  let offset = plain ? 0 : choose.int(0, 5)
  for (let i = 0; i < coordinates; i++) {
    const size = choose.int(0, 5)
    walked.push({ stride: extent, size })
    extent *= Math.max(size, 1)
  }
  for (let i = rank - 1; i >= 0; i--) {
    const axis = order[i]!
    const size = Math.max(sizes[axis]!, 1)
    const how = plain ? 0 : choose.int(0, 5)
    if (how === 1 && !out) continue
    const step = how === 2 ? 2 : 1
    strides[axis] = extent * step * (how === 3 ? -1 : 1)
    if (how === 3) offset += extent * step * (size - 1)
    extent *= size * step
  }
  const count = offset + extent + 8
  const bytes = out
    ? new Uint8Array(count * bytesOf(dtype)).fill(0xa5)
    : bytesFrom(
        dtype,
        Array.from({ length: count }, (_, i) => values[(i * 7 + (i >> 3)) % values.length]!),
      )
  return { dtype, bytes, offset, strides, ...(coordinates > 0 && { coordinates: walked }) }
}

const lengths = [0, 1, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 33, 70]

function sizesOf(choose: Choose, rank: number): number[] {
  const sizes: number[] = []
  let total = 1
  for (let i = 0; i < rank; i++) {
    const fits = lengths.filter((n) => n * total <= 3000)
    const n = choose.of(fits)
    total *= Math.max(n, 1)
    sizes.push(n)
  }
  return sizes
}

/** A pointwise loop over anything. */
export function randomPointwise(choose: Choose): Case {
  const rank = choose.int(0, 4)
  const sizes = sizesOf(choose, rank)
  const trees = new Trees(choose, rank, true)
  const dtype = choose.of(all)
  // a checked gather is never under a condition here: whether an unneeded element may be out of range is not said
  const body = choose.int(0, 5) === 0 ? E.max(trees.gather(dtype, 'error'), trees.tree(dtype, 2)) : trees.tree(dtype, 3)
  const loop = defineLoop({ name: 'random', inputs: trees.inputs, scalars: trees.scalars, body })
  return {
    loop,
    sizes,
    reducedAxes: 0,
    inputs: trees.inputs.map((a) => operand(choose, a.dtype, sizes, special(a.dtype), false, a.coordinates.length)),
    scalars: trees.scalars.map((d) => choose.of(special(d))),
    out: operand(choose, body.dtype, sizes, [], true),
  }
}

/** Values whose sums, or products, are exact in any order. */
function exactValues(op: ReduceOp, dtype: DType): (number | bigint)[] {
  if (!isFloat(dtype)) return special(dtype)
  if (op === 'sum') return [0, 1, -1, 2, -3, 0.5]
  if (op === 'prod') return [1, -1, 1, 1, -1, 1]
  return special(dtype)
}

/** A reduction whose answer does not depend on the order. */
export function randomReduction(choose: Choose): Case {
  const op = choose.of(['sum', 'prod', 'max', 'min', 'any', 'all', 'argmax', 'argmin'] as const)
  const rank = choose.int(1, 4)
  const reducedAxes = choose.int(1, rank)
  let sizes = sizesOf(choose, rank)
  if (op !== 'sum' && op !== 'prod' && op !== 'any' && op !== 'all')
    sizes = sizes.map((n, i) => (i >= rank - reducedAxes ? Math.max(n, 1) : n))
  const dtype = op === 'any' || op === 'all' ? 'bool' : choose.of(op === 'sum' || op === 'prod' ? all.filter((d) => d !== 'bool') : all)
  const inputs: Access[] = [{ dtype, coordinates: [] }]
  let body: Expr = E.input(0, dtype)
  const how = choose.int(0, 3)
  if (how === 0 && op !== 'prod') {
    inputs.push({ dtype, coordinates: [] })
    body = E.max(body, E.input(1, dtype))
  }
  if (how === 1) body = E.select(E.lt(E.position, E.constant(5, 'int32')), body, E.constant(1, dtype))
  const value: DType = op === 'argmax' || op === 'argmin' ? 'int32' : dtype
  const epilogue =
    choose.int(0, 2) === 0 ? (value === 'bool' ? E.not(E.reduced(value)) : E.add(E.reduced(value), E.scalar(0, value))) : null
  const scalars = epilogue && value !== 'bool' ? [value] : []
  const loop = defineLoop({ name: 'random', inputs, scalars, body, reduce: op, ...(epilogue && { epilogue }) })
  return {
    loop,
    sizes,
    reducedAxes,
    inputs: inputs.map((a) => operand(choose, a.dtype, sizes, exactValues(op, dtype), false)),
    scalars: scalars.map((d) => choose.of(exactValues('sum', d))),
    out: operand(choose, loop.output, sizes.slice(0, rank - reducedAxes), [], true),
  }
}

/** A loop over anything whose arrays are contiguous along its innermost axis: what is computed several vectors at once. */
export function randomDense(choose: Choose): Case {
  const sizes = [choose.int(1, 9), choose.int(14, 70)]
  const reduce = choose.of([null, 'max', 'min', 'any', 'all', 'argmax'] as const)
  const trees = new Trees(choose, reduce ? 1 : 2, false)
  // half floats are not rounded before they are tested or compared
  const rounded = reduce === null || reduce === 'max' || reduce === 'min'
  const dtype = choose.of(rounded ? all : all.filter((d) => d !== 'float16' && d !== 'bfloat16'))
  const body = trees.tree(dtype, 4)
  const loop = defineLoop({ name: 'random', inputs: trees.inputs, scalars: trees.scalars, body, ...(reduce && { reduce }) })
  // the axis reduced is the innermost one, or the one around it
  const around = reduce !== null && choose.int(0, 1) === 0
  const walked = around ? sizes.toReversed() : sizes
  const strides = around ? [1, walked[0]!] : [walked[1]!, 1]
  const count = sizes[0]! * sizes[1]!
  const make = (dtype: DType, values: readonly (number | bigint)[]): Operand => {
    const start = choose.int(0, values.length - 1)
    const bytes = bytesFrom(
      dtype,
      Array.from({ length: count }, (_, i) => values[(start + i * 7 + (i >> 3)) % values.length]!),
    )
    return { dtype, bytes, offset: 0, strides }
  }
  const kept = reduce ? walked[0]! : count
  return {
    loop,
    sizes: walked,
    reducedAxes: reduce ? 1 : 0,
    inputs: trees.inputs.map((a) => make(a.dtype, special(a.dtype))),
    scalars: trees.scalars.map((d) => choose.of(special(d))),
    out: { dtype: loop.output, bytes: new Uint8Array(kept * bytesOf(loop.output)), offset: 0, strides: reduce ? [1] : strides },
  }
}
