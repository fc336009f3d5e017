export { vmapFlat } from './batch.ts'
