import type { KernelContext, WasmFunction } from '../../context.ts'
import { ModuleBuilder } from '../../wasm/builder.ts'
import { defineBlock } from './micro.ts'
import { definePack } from './pack.ts'
import type { Tile } from './tile.ts'
import { defineDots, defineGather, defineSmall, defineSums } from './vector.ts'

/** The compiled functions of one compute type. */
export interface Routines {
  readonly tile: Tile
  readonly block: WasmFunction
  readonly packA: WasmFunction
  readonly packB: WasmFunction
  readonly dots: WasmFunction
  readonly sums: WasmFunction
  readonly small: WasmFunction
  readonly gather: WasmFunction
}

export function compile(context: KernelContext, tile: Tile): Routines {
  const m = new ModuleBuilder()
  defineBlock(m, tile)
  definePack(m, 'packA', tile.lanes, tile.rows)
  definePack(m, 'packB', tile.lanes, tile.cols)
  defineDots(m, tile)
  defineSums(m, tile)
  defineSmall(m, tile)
  defineGather(m, tile)
  const e = context.instantiate(m.encode())
  return {
    tile,
    block: e['block']!,
    packA: e['packA']!,
    packB: e['packB']!,
    dots: e['dots']!,
    sums: e['sums']!,
    small: e['small']!,
    gather: e['gather']!,
  }
}
