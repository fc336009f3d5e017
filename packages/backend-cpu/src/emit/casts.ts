import type { DType } from '@mapgrad/kernel'
import { type Emitter, lowHalves, maskFrom32, maskTo32, perLane, registerOf } from './lanes.ts'

/**
 * [a vector of `from`] → the same values as `to`. Expressions are lowered: floats go to narrow types through float32 and
 * clamped int32, so that only integers are narrowed here.
 */
export function emitCast(e: Emitter, from: DType, to: DType): void {
  if (from === to) return
  const { f } = e
  const a = registerOf(from)
  const b = registerOf(to)
  if (b === 'mask') {
    switch (a) {
      case 'mask':
        return
      case 'f32':
        f.f32x4(0).op('f32x4.ne')
        return maskFrom32(e)
      case 'f64':
        return void f.f64x2(0).op('f64x2.ne')
      case 'i32':
        f.i32x4(0).op('i32x4.ne')
        return maskFrom32(e)
      case 'i64':
        return void f.i64x2(0n).op('i64x2.ne')
    }
  }
  switch (a) {
    case 'mask':
      if (b === 'i64') return void f.i64x2(1n).op('v128.and')
      if (b === 'f64') return void f.f64x2(1).op('v128.and')
      maskTo32(e)
      return void (b === 'f32' ? f.f32x4(1) : f.i32x4(1)).op('v128.and')
    case 'f32':
    case 'f64':
      fromFloat(e, a, to)
      break
    case 'i32':
      if (b === 'f32') f.op('f32x4.convert_i32x4_s')
      else if (b === 'f64') f.op('f64x2.convert_low_i32x4_s')
      else if (b === 'i64') f.op('i64x2.extend_low_i32x4_s')
      else wrapTo(e, to)
      break
    case 'i64':
      if (b === 'f32') perLane(e, 'i64', 'f32', 1, () => f.op('f32.convert_i64_s'))
      else if (b === 'f64') perLane(e, 'i64', 'f64', 1, () => f.op('f64.convert_i64_s'))
      else if (b === 'i32') {
        lowHalves(e)
        wrapTo(e, to)
      }
      break
  }
}

/** floats to ints truncate and saturate; NaN gives 0 */
function fromFloat(e: Emitter, a: 'f32' | 'f64', to: DType): void {
  const { f } = e
  switch (registerOf(to)) {
    case 'f32':
      if (a === 'f64') f.op('f32x4.demote_f64x2_zero')
      return
    case 'f64':
      if (a === 'f32') f.op('f64x2.promote_low_f32x4')
      return
    case 'i64':
      return perLane(e, a, 'i64', 1, () => f.op(a === 'f32' ? 'i64.trunc_sat_f32_s' : 'i64.trunc_sat_f64_s'))
    case 'i32':
      f.op(a === 'f32' ? 'i32x4.trunc_sat_f32x4_s' : 'i32x4.trunc_sat_f64x2_s_zero')
  }
}

/** reduces i32 lanes to the values of a small integer type */
function wrapTo({ f }: Emitter, dtype: DType): void {
  if (dtype === 'uint8') f.i32x4(0xff).op('v128.and')
  else if (dtype === 'int8') f.i32(24).op('i32x4.shl').i32(24).op('i32x4.shr_s')
  else if (dtype === 'int16') f.i32(16).op('i32x4.shl').i32(16).op('i32x4.shr_s')
}
