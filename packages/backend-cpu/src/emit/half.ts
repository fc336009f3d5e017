import type { FunctionBuilder } from '../wasm/builder.ts'

/** i32 lanes with float16 bits → float32 */
export function fromFloat16(f: FunctionBuilder): void {
  const h = f.local('v128')
  const em = f.local('v128')
  // shifting the exponent into place leaves a value 2¹¹² too small, subnormals included; one exact product mends it
  f.set(h).get(h).i32x4(0x7fff).op('v128.and').i32(13).op('i32x4.shl').set(em)
  f.get(em).i32x4(0x77800000).op('f32x4.mul')
  f.get(em).i32x4(0x7f800000).op('v128.or')
  f.get(em).i32x4(0x0f800000).op('i32x4.lt_u').op('v128.bitselect')
  f.get(h).i32x4(0x8000).op('v128.and').i32(16).op('i32x4.shl').op('v128.or')
  f.release(h)
  f.release(em)
}

/** float32 → i32 lanes with float16 bits, ties to even */
export function toFloat16(f: FunctionBuilder): void {
  const x = f.local('v128')
  const a = f.local('v128')
  f.set(x).get(x).i32x4(0x7fffffff).op('v128.and').set(a)
  // normal: the rounding carry may run into the exponent, as it should; beyond 65520 infinity
  f.get(a)
    .get(a)
    .i32(13)
    .op('i32x4.shr_u')
    .i32x4(1)
    .op('v128.and')
    .op('i32x4.add')
    .i32x4(0xfff - 0x38000000)
    .op('i32x4.add')
    .i32(13)
    .op('i32x4.shr_u')
  f.i32x4(0x7c00).op('i32x4.min_u')
  // subnormal: adding ½ lets the hardware round at 2⁻²⁴
  f.get(a).i32x4(0x3f000000).op('f32x4.add').i32x4(0x3f000000).op('i32x4.sub')
  f.get(a).i32x4(0x38800000).op('i32x4.ge_u').op('v128.bitselect')
  f.i32x4(0x7e00)
  f.get(a).i32x4(0x7f800000).op('i32x4.le_u').op('v128.bitselect')
  f.get(x).i32(16).op('i32x4.shr_u').i32x4(0x8000).op('v128.and').op('v128.or')
  f.release(x)
  f.release(a)
}

/** i32 lanes with bfloat16 bits → float32 */
export function fromBfloat16(f: FunctionBuilder): void {
  f.i32(16).op('i32x4.shl')
}

/** float32 → i32 lanes with bfloat16 bits, ties to even */
export function toBfloat16(f: FunctionBuilder): void {
  const x = f.local('v128')
  f.set(x)
  f.get(x).get(x).i32(16).op('i32x4.shr_u').i32x4(1).op('v128.and').op('i32x4.add').i32x4(0x7fff).op('i32x4.add').i32(16).op('i32x4.shr_u')
  f.get(x).i32(16).op('i32x4.shr_u').i32x4(0x8000).op('v128.and').i32x4(0x7fc0).op('v128.or')
  f.get(x).get(x).op('f32x4.eq').op('v128.bitselect')
  f.release(x)
}
