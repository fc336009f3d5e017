import type { Dim, Tensors } from './op.ts'
import { registry } from './registry.ts'

/** `f` of many examples at once, which lie along those axes of the operands; results have them in front. Draws differ. */
export type Mapping = (f: (xs: Tensors) => Tensors, xs: Tensors, dims: readonly Dim[], size: number) => Tensors

/** Says how functions are applied to many examples at once, for packages that cannot import `vmap`. */
export function provideMapping(mapping: Mapping): void {
  registry().mapping = mapping
}
