import type { DType } from '@mapgrad/kernel'
import type { FunctionBuilder } from '../wasm/builder.ts'

/** Address → value: an element of `dtype` in the type it is computed in. */
export function load(f: FunctionBuilder, dtype: DType, offset = 0): void {
  switch (dtype) {
    case 'bool':
    case 'uint8':
      f.mem('i32.load8_u', offset)
      return
    case 'int8':
      f.mem('i32.load8_s', offset)
      return
    case 'int16':
      f.mem('i32.load16_s', offset)
      return
    case 'int32':
      f.mem('i32.load', offset)
      return
    case 'int64':
      f.mem('i64.load', offset)
      return
    case 'float32':
      f.mem('f32.load', offset)
      return
    case 'float64':
      f.mem('f64.load', offset)
      return
    case 'bfloat16':
      f.mem('i32.load16_u', offset).i32(16).op('i32.shl').op('f32.reinterpret_i32')
      return
    case 'float16':
      f.mem('i32.load16_u', offset)
      decodeHalf(f)
  }
}

/** Address, value → nothing: rounds or wraps to `dtype`. */
export function store(f: FunctionBuilder, dtype: DType, offset = 0): void {
  switch (dtype) {
    case 'bool':
    case 'uint8':
    case 'int8':
      f.mem('i32.store8', offset)
      return
    case 'int16':
      f.mem('i32.store16', offset)
      return
    case 'int32':
      f.mem('i32.store', offset)
      return
    case 'int64':
      f.mem('i64.store', offset)
      return
    case 'float32':
      f.mem('f32.store', offset)
      return
    case 'float64':
      f.mem('f64.store', offset)
      return
    case 'bfloat16':
      encodeBrain(f)
      f.mem('i32.store16', offset)
      return
    case 'float16':
      encodeHalf(f)
      f.mem('i32.store16', offset)
  }
}

/** i32 → f32: 2¹¹² rescales exponent and subnormals alike; infinity and NaN keep an exponent of all ones. */
function decodeHalf(f: FunctionBuilder): void {
  const h = f.local('i32')
  f.tee(h).i32(0x7fff).op('i32.and').i32(13).op('i32.shl')
  const bits = f.local('i32')
  f.tee(bits)
    .op('f32.reinterpret_i32')
    .f32(2 ** 112)
    .op('f32.mul')
    .op('i32.reinterpret_f32')
  f.get(bits).i32(0x7f800000).op('i32.or')
  f.get(h).i32(0x7c00).op('i32.and').i32(0x7c00).op('i32.ne').op('select')
  f.get(h).i32(0x8000).op('i32.and').i32(16).op('i32.shl').op('i32.or').op('f32.reinterpret_i32')
  f.release(h)
  f.release(bits)
}

/** f32 → i32, to nearest even */
function encodeHalf(f: FunctionBuilder): void {
  const [bits, sign] = [f.local('i32'), f.local('i32')]
  f.op('i32.reinterpret_f32').tee(bits).i32(16).op('i32.shr_u').i32(0x8000).op('i32.and').set(sign)
  f.get(bits).i32(0x7fffffff).op('i32.and').set(bits)
  // beyond 2¹⁶: infinity or NaN. Below 2⁻¹⁴: adding ½ leaves the rounded subnormal in the low bits
  f.get(bits)
    .i32(0x47800000)
    .op('i32.ge_u')
    .if(
      () => f.i32(0x7e00).i32(0x7c00).get(bits).i32(0x7f800000).op('i32.gt_u').op('select'),
      () =>
        f
          .get(bits)
          .i32(0x38800000)
          .op('i32.lt_u')
          .if(
            () => f.get(bits).op('f32.reinterpret_i32').f32(0.5).op('f32.add').op('i32.reinterpret_f32').i32(0x3f000000).op('i32.sub'),
            () =>
              f
                .get(bits)
                .i32(0x37fff001)
                .op('i32.sub')
                .get(bits)
                .i32(13)
                .op('i32.shr_u')
                .i32(1)
                .op('i32.and')
                .op('i32.add')
                .i32(13)
                .op('i32.shr_u'),
            'i32',
          ),
      'i32',
    )
  f.get(sign).op('i32.or')
  f.release(bits)
  f.release(sign)
}

/** f32 → i32, to nearest even */
function encodeBrain(f: FunctionBuilder): void {
  const bits = f.local('i32')
  f.op('i32.reinterpret_f32').set(bits)
  f.get(bits).get(bits).i32(16).op('i32.shr_u').i32(1).op('i32.and').op('i32.add').i32(0x7fff).op('i32.add').i32(16).op('i32.shr_u')
  f.get(bits).i32(16).op('i32.shr_u').i32(0x40).op('i32.or')
  f.get(bits).i32(0x7fffffff).op('i32.and').i32(0x7f800000).op('i32.le_u').op('select')
  f.release(bits)
}
