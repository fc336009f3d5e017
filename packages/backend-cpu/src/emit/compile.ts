import type { Loop } from '@mapgrad/kernel'
import { ModuleBuilder } from '../wasm/builder.ts'
import { Frame } from './frame.ts'
import type { Emitter, HostName } from './lanes.ts'
import type { Layout, Nest, StrideClass } from './layout.ts'
import { emitPointwise } from './pointwise.ts'
import { emitReduction } from './reduce.ts'

/**
 * The module of one loop for one nest and one stride class a stream. It exports `run(block) → status`: 0, or 1 when a
 * checked coordinate was out of range. The loop's expressions must be lowered to basic operations.
 */
export function emitLoop(loop: Loop, layout: Layout, nest: Nest, classes: readonly StrideClass[]): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder()
  const f = module.function('run', ['i32'], ['i32'])
  const host = (name: HostName) => module.import(name, name === 'fmod' ? ['f64', 'f64'] : ['f64'], ['f64'])
  const e: Emitter = { f, lanes: layout.lanes, host }
  const frame = new Frame(e, loop, layout, nest, classes)
  if (nest === 'pointwise') emitPointwise(frame)
  else emitReduction(frame)
  f.get(frame.status)
  return module.encode()
}

/** The host's functions that a module may import. */
export const hostFunctions: Readonly<Record<HostName, (...xs: number[]) => number>> = {
  sin: (x) => Math.sin(x!),
  cos: (x) => Math.cos(x!),
  tan: (x) => Math.tan(x!),
  fmod: (x, y) => x! % y!,
}
