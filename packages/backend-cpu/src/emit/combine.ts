import { type DType, type ReduceOp, computeType, isFloat } from '@mapgrad/kernel'
import type { Local } from '../wasm/builder.ts'
import { swapLanes } from './body.ts'
import { type Emitter, constantVector, maskFrom32, registerOf, selectLanes, simd } from './lanes.ts'

/**
 * An accumulator: one vector; for argmax and argmin two (the value, its position); for the largest or smallest float three:
 * the number, a mask of NaN seen, and of all bits seen those that decide which zero it is, the conjunction for the largest
 * (−0 when every element has the sign) and the disjunction for the smallest. One instruction each, where IEEE's maximum
 * takes nine.
 */
export type Accumulator = readonly Local[]

/** How a reduction combines accumulators. Every element starts as an accumulator of its own. */
export class Combine {
  readonly e: Emitter
  readonly op: ReduceOp
  /** dtypes of the accumulator's vectors, in compute types */
  readonly parts: readonly DType[]

  constructor(e: Emitter, op: ReduceOp, body: DType) {
    this.e = e
    this.op = op
    const value = op === 'any' || op === 'all' ? 'bool' : computeType(body)
    if (this.positional) this.parts = [value === 'bool' ? 'int32' : value, 'int32']
    else this.parts = (op === 'max' || op === 'min') && isFloat(value) ? [value, value, value] : [value]
  }

  /** the largest or smallest of floats: a number, a mask of NaN, bits for the sign of zero */
  get inThree(): boolean {
    return this.parts.length === 3
  }

  get positional(): boolean {
    return this.op === 'argmax' || this.op === 'argmin'
  }

  /** float sums and products are combined pairwise over blocks */
  get pairwise(): boolean {
    const r = registerOf(this.parts[0]!)
    return (this.op === 'sum' || this.op === 'prod') && (r === 'f32' || r === 'f64')
  }

  make(): Accumulator {
    return this.parts.map(() => this.e.f.local('v128'))
  }
  release(a: Accumulator): void {
    for (const l of a) this.e.f.release(l)
  }

  /** sets the identity */
  reset(a: Accumulator): void {
    a.forEach((l, i) => {
      this.pushIdentity(i)
      this.e.f.set(l)
    })
  }

  pushIdentity(part: number): void {
    const dtype = this.parts[part]!
    if (part > 0 && this.inThree) return void this.e.f.i32x4(part === 2 && this.op === 'max' ? -1 : 0)
    constantVector(this.e, dtype, part === 1 ? 0x7fffffff : identity(this.op, dtype))
  }

  copy(to: Accumulator, from: Accumulator): void {
    to.forEach((l, i) => this.e.f.get(from[i]!).set(l))
  }

  /** the other parts of one element whose value is set */
  complete(a: Accumulator): void {
    if (!this.inThree) return
    const [value, nan, bits] = a as [Local, Local, Local]
    this.e.f.get(value).get(value).op(`${this.#float}.ne`).set(nan).get(value).set(bits)
  }

  /** a ⟵ a combined with b */
  merge(a: Accumulator, b: Accumulator): void {
    const { f } = this.e
    if (this.positional) return this.#mergePositional(a, b)
    if (this.inThree) return this.#mergeInThree(a, b)
    const x = a[0]!
    const r = registerOf(this.parts[0]!)
    f.get(x).get(b[0]!)
    switch (this.op) {
      case 'any':
        f.op('v128.or')
        break
      case 'all':
        f.op('v128.and')
        break
      default: {
        if (r === 'mask') f.op(this.op === 'sum' || this.op === 'max' ? 'v128.or' : 'v128.and')
        else if (this.op === 'sum') f.op(`${simd[r]}.add`)
        else if (this.op === 'prod') f.op(`${simd[r]}.mul`)
        else if (r === 'i32') f.op(this.op === 'max' ? 'i32x4.max_s' : 'i32x4.min_s')
        else
          f.get(x)
            .get(b[0]!)
            .op(this.op === 'max' ? 'i64x2.gt_s' : 'i64x2.lt_s')
            .op('v128.bitselect')
      }
    }
    f.set(x)
  }

  get #float(): 'f32x4' | 'f64x2' {
    return registerOf(this.parts[0]!) === 'f32' ? 'f32x4' : 'f64x2'
  }

  /** the number of `a` stays where that of `b` is NaN or equal, so it is never NaN */
  #mergeInThree(a: Accumulator, b: Accumulator): void {
    const { f } = this.e
    const steps = this.op === 'max' ? (['pmax', 'v128.and'] as const) : (['pmin', 'v128.or'] as const)
    const ops = [`${this.#float}.${steps[0]}`, 'v128.or', steps[1]] as const
    ops.forEach((op, i) => f.get(a[i]!).get(b[i]!).op(op).set(a[i]!))
  }

  /** the local with the reduced value; the accumulator is used up */
  result(a: Accumulator): Local {
    if (this.positional) return a[1]!
    if (!this.inThree) return a[0]!
    const { f } = this.e
    const [value, nan, bits] = a as [Local, Local, Local]
    const number = (x: number): void => constantVector(this.e, this.parts[0]!, x)
    // NaN where there was one, else a zero with the sign of the bits where it is zero, else the number
    number(NaN)
    f.get(bits)
    number(-0)
    f.op('v128.and').get(value).get(value)
    number(0)
    f.op(`${this.#float}.eq`).op('v128.bitselect').get(nan).op('v128.bitselect').set(value)
    return value
  }

  /** b wins when it is better, or NaN against a number, or equal (both NaN too) and earlier */
  #mergePositional([value, at]: Accumulator, [otherValue, otherAt]: Accumulator): void {
    const { f } = this.e
    const r = registerOf(this.parts[0]!) as 'f32' | 'f64' | 'i32' | 'i64'
    const v = value!
    const p = at!
    const w = otherValue!
    const q = otherAt!
    const wins = f.local('v128')
    const better = this.op === 'argmax' ? 'gt' : 'lt'
    const compare = (x: Local, y: Local, op: 'gt' | 'lt' | 'eq' | 'ne'): void => {
      f.get(x).get(y)
      if (r === 'f32' || r === 'f64') f.op(`${simd[r]}.${op}`)
      else f.op(op === 'eq' || op === 'ne' ? `${simd[r]}.${op}` : `${simd[r]}.${op}_s`)
      if (r === 'f32' || r === 'i32') maskFrom32(this.e)
    }
    const float = r === 'f32' || r === 'f64'
    // equal, both NaN included
    compare(v, w, 'eq')
    if (float) {
      compare(v, v, 'ne')
      compare(w, w, 'ne')
      f.op('v128.and').op('v128.or')
    }
    f.get(q).get(p).op('i32x4.lt_s')
    maskFrom32(this.e)
    f.op('v128.and')
    compare(w, v, better)
    f.op('v128.or')
    if (float) {
      compare(w, w, 'ne')
      compare(v, v, 'ne')
      f.op('v128.andnot').op('v128.or')
    }
    f.set(wins)
    f.get(w).get(v).get(wins)
    selectLanes(this.e, r)
    f.set(v)
    f.get(q).get(p).get(wins)
    selectLanes(this.e, 'i32')
    f.set(p)
    f.release(wins)
  }

  /** combines the lanes of a; the result is in lane 0 */
  fold(a: Accumulator): void {
    const { e } = this
    const b = this.make()
    for (let distance = e.lanes / 2; distance >= 1; distance /= 2) {
      a.forEach((l, i) => {
        e.f.get(l)
        swapLanes(e, this.parts[i]!, distance)
        e.f.set(b[i]!)
      })
      this.merge(a, b)
    }
    this.release(b)
  }
}

function identity(op: ReduceOp, dtype: DType): number | bigint {
  switch (op) {
    case 'sum':
    case 'any':
      return 0
    case 'prod':
    case 'all':
      return 1
    default: {
      const lowest = op === 'max' || op === 'argmax'
      if (dtype === 'bool') return lowest ? 0 : 1
      if (dtype === 'int64') return lowest ? -(2n ** 63n) : 2n ** 63n - 1n
      if (dtype === 'int32') return lowest ? -(2 ** 31) : 2 ** 31 - 1
      return lowest ? -Infinity : Infinity
    }
  }
}
