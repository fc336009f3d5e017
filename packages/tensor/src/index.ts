export { Tensor } from './tensor.ts'
export * from './ops/unary.ts'
export * from './ops/binary.ts'
export * from './ops/view.ts'
