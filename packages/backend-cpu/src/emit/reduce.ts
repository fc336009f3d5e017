import type { Frame } from './frame.ts'

export function emitReduction(_frame: Frame): void {
  throw new TypeError('not yet')
}
