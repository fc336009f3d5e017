import type { DType } from '@mapgrad/kernel'
import type { FunctionBuilder, FunctionRef, Local } from '../wasm/builder.ts'

/** How many elements a vector holds in one function: four when every type in it has at most 32 bits, else two. */
export type LaneCount = 2 | 4

/**
 * What a vector holds. With two lanes, 32-bit values live in the low half and the high half holds anything.
 * A mask has lanes of 128 / lanes bits, all ones or all zeros, whatever was compared.
 */
export type Register = 'f32' | 'f64' | 'i32' | 'i64' | 'mask'

/** The register of a dtype: half floats are computed in float32, small integers in int32. */
export function registerOf(d: DType): Register {
  switch (d) {
    case 'bool':
      return 'mask'
    case 'float64':
      return 'f64'
    case 'int64':
      return 'i64'
    case 'float16':
    case 'bfloat16':
    case 'float32':
      return 'f32'
    default:
      return 'i32'
  }
}

export const isWide = (d: DType): boolean => d === 'float64' || d === 'int64'

/** bytes of one lane of a register */
export const laneBytes = (r: Register, lanes: LaneCount): number => (r === 'mask' ? 16 / lanes : r === 'f64' || r === 'i64' ? 8 : 4)

/** The function being written, and what its pieces share. */
export interface Emitter {
  readonly f: FunctionBuilder
  readonly lanes: LaneCount
  /** a function of the host, float64 in and out, imported on first use */
  readonly host: (name: HostName) => FunctionRef
}

export type HostName = 'sin' | 'cos' | 'tan' | 'fmod'

/** The SIMD shape of a register. */
export const simd = { f32: 'f32x4', f64: 'f64x2', i32: 'i32x4', i64: 'i64x2' } as const

/** Vector → vector, lane by lane on scalars; `step` finds lane `lane` of each operand on the stack and leaves a scalar. */
export function perLane(
  e: Emitter,
  from: Exclude<Register, 'mask'>,
  to: Exclude<Register, 'mask'>,
  operands: number,
  step: (lane: number) => void,
): void {
  const { f } = e
  const args: Local[] = []
  for (let i = 0; i < operands; i++) args.push(f.local('v128'))
  for (const a of [...args].reverse()) f.set(a)
  f.i32x4(0)
  for (let lane = 0; lane < e.lanes; lane++) {
    for (const a of args) f.get(a).lane(`${simd[from]}.extract_lane`, lane)
    step(lane)
    f.lane(`${simd[to]}.replace_lane`, lane)
  }
  for (const a of args) f.release(a)
}

/** widens the low two 32-bit mask lanes to two 64-bit ones where masks are that wide */
export function maskFrom32(e: Emitter): void {
  if (e.lanes === 2) e.f.op('i64x2.extend_low_i32x4_s')
}

/** a mask as 32-bit lanes, for selecting among 32-bit values */
export function maskTo32(e: Emitter): void {
  if (e.lanes === 2) lowHalves(e)
}

/** the low 32 bits of both 64-bit lanes, in the low half */
export function lowHalves({ f }: Emitter): void {
  const v = f.local('v128')
  f.set(v).get(v).get(v).shuffle([0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11])
  f.release(v)
}

/** [then, otherwise, mask] on the stack → the selected vector of `register` */
export function selectLanes(e: Emitter, register: Register): void {
  if (register === 'f32' || register === 'i32') maskTo32(e)
  e.f.op('v128.bitselect')
}

/** the number `value` in every lane, as a vector of the dtype's register */
export function constantVector({ f, lanes }: Emitter, dtype: DType, value: number | bigint): void {
  switch (registerOf(dtype)) {
    case 'f32':
      return void f.f32x4(Number(value))
    case 'f64':
      return void f.f64x2(Number(value))
    case 'i32':
      return void f.i32x4(Number(value))
    case 'i64':
      return void f.i64x2(BigInt(value))
    case 'mask':
      return void (lanes === 2 ? f.i64x2(value ? -1n : 0n) : f.i32x4(value ? -1 : 0))
  }
}
