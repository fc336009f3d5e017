import { type DType, type ReduceOp, computeType } from '@mapgrad/kernel'
import type { Local } from '../wasm/builder.ts'
import { swapLanes } from './body.ts'
import { type Emitter, constantVector, maskFrom32, registerOf, selectLanes, simd } from './lanes.ts'

/** An accumulator: one vector, or two for argmax and argmin (the value, its position). */
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
    this.parts = this.positional ? [value === 'bool' ? 'int32' : value, 'int32'] : [value]
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
    constantVector(this.e, dtype, part === 1 ? 0x7fffffff : identity(this.op, dtype))
  }

  copy(to: Accumulator, from: Accumulator): void {
    to.forEach((l, i) => this.e.f.get(from[i]!).set(l))
  }

  /** a ⟵ a combined with b */
  merge(a: Accumulator, b: Accumulator): void {
    const { f } = this.e
    if (this.positional) return this.#mergePositional(a, b)
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
        else this.#extreme(r, this.op as 'max' | 'min', x, b[0]!)
      }
    }
    f.set(x)
  }

  /** [x, y] → the larger or smaller; floats give NaN where either is */
  #extreme(r: 'f32' | 'f64' | 'i32' | 'i64', op: 'max' | 'min', x: Local, y: Local): void {
    const { f } = this.e
    if (r === 'i32') f.op(op === 'max' ? 'i32x4.max_s' : 'i32x4.min_s')
    else if (r === 'i64')
      f.get(x)
        .get(y)
        .op(op === 'max' ? 'i64x2.gt_s' : 'i64x2.lt_s')
        .op('v128.bitselect')
    else f.op(op === 'max' ? `${simd[r]}.max` : `${simd[r]}.min`)
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
    const isFloat = r === 'f32' || r === 'f64'
    // equal, both NaN included
    compare(v, w, 'eq')
    if (isFloat) {
      compare(v, v, 'ne')
      compare(w, w, 'ne')
      f.op('v128.and').op('v128.or')
    }
    f.get(q).get(p).op('i32x4.lt_s')
    maskFrom32(this.e)
    f.op('v128.and')
    compare(w, v, better)
    f.op('v128.or')
    if (isFloat) {
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
