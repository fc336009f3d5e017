export { type InDims, type InDimsTree, type OutDims, type VmapOptions, vmap } from './vmap.ts'
export { type VmapInfo, type VmapRule, customVmap } from './custom.ts'
export type { Randomness } from './batch.ts'
export { type ExplainedOp, Explanation, type HowMapped, explain } from './explain.ts'
