import { ModuleBuilder } from '../../wasm/builder.ts'
import type { PlainOp } from '../../wasm/opcodes.ts'
import { type Compute, type Lanes, lanesOf } from '../number.ts'

/** The part of C that is held in registers, and how its values are multiplied. */
export interface Tile {
  readonly compute: Compute
  readonly lanes: Lanes
  readonly rows: number
  readonly cols: number
  /** fused multiply-add, where this machine has it */
  readonly madd: PlainOp | null
}

/**
 * Measured on Zen 5 with V8's 16 vector registers: 4 × 2 vectors are the most that plain multiply and add keep free of spills
 * (6 × 2 halves the speed); with a fused multiply-add no product waits in a register, and 6 × 2 is best.
 */
export function tileFor(compute: Compute, relaxed: boolean): Tile {
  const lanes = lanesOf[compute]
  const madd = relaxed ? lanes.madd : null
  return { compute, lanes, rows: madd ? 6 : 4, cols: 2 * lanes.lanes, madd }
}

/** Whether this engine has relaxed SIMD: one answer a process, so that every kernel rounds alike. */
export function hasRelaxedSimd(): boolean {
  const m = new ModuleBuilder()
  const f = m.function('f', [], ['v128'])
  f.f32x4(0).f32x4(0).f32x4(0).op('f32x4.relaxed_madd')
  return WebAssembly.validate(m.encode())
}
