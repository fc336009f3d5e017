// The interpreter on lists of tensors, for authors of transforms and of test suites.
export { type Randomness, materialize, vmapFlat } from './batch.ts'
