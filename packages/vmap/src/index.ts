export { type InDims, type InDimsTree, type OutDims, type VmapOptions, vmap } from './vmap.ts'
export type { Randomness } from './batch.ts'
export { vmapFlat } from './batch.ts'
