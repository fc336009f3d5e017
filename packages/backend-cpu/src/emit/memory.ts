import type { DType } from '@mapgrad/kernel'
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from './half.ts'
import type { FunctionBuilder, Local } from '../wasm/builder.ts'
import { type Emitter, maskFrom32, maskTo32 } from './lanes.ts'

/** [address] → the element there in lane 0; the other lanes hold anything harmless */
export function loadOne(e: Emitter, dtype: DType): void {
  rawLoad(e, dtype, 0)
  widen(e, dtype)
}

/** [address] → the element there in every lane */
export function loadSplat(e: Emitter, dtype: DType): void {
  const { f } = e
  switch (dtype) {
    case 'float32':
    case 'int32':
      return void f.mem('v128.load32_splat')
    case 'float64':
    case 'int64':
      return void f.mem('v128.load64_splat')
    default:
      rawLoad(e, dtype, 0)
      widen(e, dtype)
  }
}

/** [address] → the elements there and behind */
export function loadContiguous(e: Emitter, dtype: DType, offset: number): void {
  const { f, lanes } = e
  switch (dtype) {
    case 'float32':
    case 'int32':
      return void f.mem(lanes === 4 ? 'v128.load' : 'v128.load64_zero', offset)
    case 'float64':
    case 'int64':
      return void f.mem('v128.load', offset)
    case 'int16':
    case 'float16':
    case 'bfloat16': {
      const signed = dtype === 'int16'
      if (lanes === 4) f.mem(signed ? 'v128.load16x4_s' : 'v128.load16x4_u', offset)
      else f.mem('v128.load32_zero', offset).op(signed ? 'i32x4.extend_low_i16x8_s' : 'i32x4.extend_low_i16x8_u')
      return widen(e, dtype)
    }
    default: {
      if (lanes === 4) f.mem('v128.load32_zero', offset)
      else f.mem('i32.load16_u', offset).op('i32x4.splat')
      if (dtype === 'int8') f.op('i16x8.extend_low_i8x16_s').op('i32x4.extend_low_i16x8_s')
      else f.op('i16x8.extend_low_i8x16_u').op('i32x4.extend_low_i16x8_u')
      widen(e, dtype)
    }
  }
}

/** the elements at `address`, `address` + `steps[0]`, … */
export function loadStrided(e: Emitter, dtype: DType, address: Local, steps: readonly Local[]): void {
  const { f, lanes } = e
  const at = (lane: number): void => {
    f.get(address)
    if (lane > 0) f.get(steps[lane - 1]!).op('i32.add')
  }
  switch (dtype) {
    case 'float32':
    case 'int32':
    case 'float64':
    case 'int64': {
      for (let lane = lanes - 1; lane >= 0; lane--) at(lane)
      rawLoad(e, dtype, 0)
      for (let lane = 1; lane < lanes; lane++)
        f.memLane(dtype === 'float64' || dtype === 'int64' ? 'v128.load64_lane' : 'v128.load32_lane', lane)
      return
    }
    default:
      at(0)
      rawLoad(e, dtype, 0)
      for (let lane = 1; lane < lanes; lane++) {
        at(lane)
        f.mem(narrowLoad(dtype)).lane('i32x4.replace_lane', lane)
      }
      widen(e, dtype)
  }
}

/** [address] → `target` with the element there in one lane, before `widen`: for gathers, which decide lane by lane */
export function loadRawLane(e: Emitter, dtype: DType, target: Local, lane: number): void {
  const { f } = e
  switch (dtype) {
    case 'float32':
    case 'int32':
      return void f.get(target).memLane('v128.load32_lane', lane).set(target)
    case 'float64':
    case 'int64':
      return void f.get(target).memLane('v128.load64_lane', lane).set(target)
    default: {
      const x = f.local('i32')
      f.mem(narrowLoad(dtype)).set(x).get(target).get(x).lane('i32x4.replace_lane', lane).set(target)
      f.release(x)
    }
  }
}

/** the raw bits of the elements, in lanes of at least 32 bits → values */
export function widen(e: Emitter, dtype: DType): void {
  const { f } = e
  if (dtype === 'float16') fromFloat16(f)
  else if (dtype === 'bfloat16') fromBfloat16(f)
  else if (dtype === 'bool') {
    f.i32x4(0).op('i32x4.ne')
    maskFrom32(e)
  }
}

function rawLoad({ f }: Emitter, dtype: DType, offset: number): void {
  switch (dtype) {
    case 'float32':
    case 'int32':
      return void f.mem('v128.load32_zero', offset)
    case 'float64':
    case 'int64':
      return void f.mem('v128.load64_zero', offset)
    default:
      f.mem(narrowLoad(dtype), offset).op('i32x4.splat')
  }
}

function narrowLoad(dtype: DType): 'i32.load8_s' | 'i32.load8_u' | 'i32.load16_s' | 'i32.load16_u' {
  switch (dtype) {
    case 'int8':
      return 'i32.load8_s'
    case 'int16':
      return 'i32.load16_s'
    case 'float16':
    case 'bfloat16':
      return 'i32.load16_u'
    default:
      return 'i32.load8_u'
  }
}

/** values → the bits to store, in lanes of 32 or 64 bits */
export function narrow(e: Emitter, dtype: DType): void {
  const { f } = e
  if (dtype === 'float16') toFloat16(f)
  else if (dtype === 'bfloat16') toBfloat16(f)
  else if (dtype === 'bool') {
    maskTo32(e)
    f.i32x4(1).op('v128.and')
  }
}

/** [address, narrowed vector] → stores every lane, one behind the other */
export function storeContiguous({ f, lanes }: Emitter, dtype: DType, offset: number): void {
  switch (dtype) {
    case 'float32':
    case 'int32':
      return void (lanes === 4 ? f.mem('v128.store', offset) : f.memLane('v128.store64_lane', 0, offset))
    case 'float64':
    case 'int64':
      return void f.mem('v128.store', offset)
    case 'int16':
    case 'float16':
    case 'bfloat16':
      compact(f, 2)
      return void (lanes === 4 ? f.memLane('v128.store64_lane', 0, offset) : f.memLane('v128.store32_lane', 0, offset))
    default:
      compact(f, 1)
      return void (lanes === 4 ? f.memLane('v128.store32_lane', 0, offset) : f.memLane('v128.store16_lane', 0, offset))
  }
}

/** [address, narrowed vector] → stores one lane */
export function storeLane({ f }: Emitter, dtype: DType, lane: number): void {
  switch (dtype) {
    case 'float32':
    case 'int32':
      return void f.memLane('v128.store32_lane', lane)
    case 'float64':
    case 'int64':
      return void f.memLane('v128.store64_lane', lane)
    case 'int16':
    case 'float16':
    case 'bfloat16':
      return void f.memLane('v128.store16_lane', lane * 2)
    default:
      f.memLane('v128.store8_lane', lane * 4)
  }
}

/** the low `bytes` bytes of each 32-bit lane, moved together at the front */
function compact(f: FunctionBuilder, bytes: 1 | 2): void {
  const v = f.local('v128')
  const order: number[] = []
  for (let i = 0; i < 16; i++) order.push(bytes === 1 ? (i % 4) * 4 : ((i >> 1) % 4) * 4 + (i & 1))
  f.set(v).get(v).get(v).shuffle(order)
  f.release(v)
}
