import { type DType, computeType } from '@mapgrad/kernel'
import type { FunctionBuilder, Local, ValueType } from '../wasm/builder.ts'
import type { LaneOp, MemoryOp, PlainOp } from '../wasm/opcodes.ts'

/** The types that values are computed in; every dtype has one of them. */
export type Compute = 'i32' | 'i64' | 'f32' | 'f64'

export function computeOf(dtype: DType): Compute {
  switch (computeType(dtype)) {
    case 'float32':
      return 'f32'
    case 'float64':
      return 'f64'
    case 'int64':
      return 'i64'
    default:
      return 'i32'
  }
}

/** How a compute type is spelled in WebAssembly, as a scalar and as a vector of `lanes`. */
export interface Lanes {
  readonly type: ValueType
  readonly bytes: number
  readonly lanes: number
  readonly load: MemoryOp
  readonly store: MemoryOp
  readonly loadSplat: MemoryOp
  readonly add: PlainOp
  readonly mul: PlainOp
  readonly vectorAdd: PlainOp
  readonly vectorMul: PlainOp
  readonly extract: LaneOp
  /** fused multiply and add, where there is one */
  readonly madd: PlainOp | null
}

export const lanesOf: Readonly<Record<Compute, Lanes>> = {
  i32: {
    type: 'i32',
    bytes: 4,
    lanes: 4,
    load: 'i32.load',
    store: 'i32.store',
    loadSplat: 'v128.load32_splat',
    madd: null,
    add: 'i32.add',
    mul: 'i32.mul',
    vectorAdd: 'i32x4.add',
    vectorMul: 'i32x4.mul',
    extract: 'i32x4.extract_lane',
  },
  i64: {
    type: 'i64',
    bytes: 8,
    lanes: 2,
    load: 'i64.load',
    store: 'i64.store',
    loadSplat: 'v128.load64_splat',
    madd: null,
    add: 'i64.add',
    mul: 'i64.mul',
    vectorAdd: 'i64x2.add',
    vectorMul: 'i64x2.mul',
    extract: 'i64x2.extract_lane',
  },
  f32: {
    type: 'f32',
    bytes: 4,
    lanes: 4,
    load: 'f32.load',
    store: 'f32.store',
    loadSplat: 'v128.load32_splat',
    madd: 'f32x4.relaxed_madd',
    add: 'f32.add',
    mul: 'f32.mul',
    vectorAdd: 'f32x4.add',
    vectorMul: 'f32x4.mul',
    extract: 'f32x4.extract_lane',
  },
  f64: {
    type: 'f64',
    bytes: 8,
    lanes: 2,
    load: 'f64.load',
    store: 'f64.store',
    loadSplat: 'v128.load64_splat',
    madd: 'f64x2.relaxed_madd',
    add: 'f64.add',
    mul: 'f64.mul',
    vectorAdd: 'f64x2.add',
    vectorMul: 'f64x2.mul',
    extract: 'f64x2.extract_lane',
  },
}

/** Leaves `value` on the stack. */
export function constant(f: FunctionBuilder, type: Compute, value: number): void {
  if (type === 'i32') f.i32(value)
  else if (type === 'i64') f.i64(BigInt(value))
  else if (type === 'f32') f.f32(value)
  else f.f64(value)
}

/** `local += step`, of an i32 or of an address */
export function advance(f: FunctionBuilder, local: Local, step: number | Local): void {
  f.get(local)
  if (typeof step === 'number') f.i32(step)
  else f.get(step)
  f.op('i32.add').set(local)
}

/** Runs `body` `count` times, and counts `count` down to 0. */
export function repeat(f: FunctionBuilder, count: Local, body: () => void): void {
  f.block((end) => {
    f.get(count).op('i32.eqz').brIf(end)
    f.loop((head) => {
      body()
      f.get(count).i32(1).op('i32.sub').tee(count).brIf(head)
    })
  })
}

/** Runs `body` while `count ≥ step` (unsigned), and takes `step` off `count` each time. */
export function repeatBy(f: FunctionBuilder, count: Local, step: number, body: () => void): void {
  f.block((end) => {
    f.loop((head) => {
      f.get(count).i32(step).op('i32.lt_u').brIf(end)
      body()
      f.get(count).i32(step).op('i32.sub').set(count).br(head)
    })
  })
}
