import './default-device.ts'

export * from '@mapgrad/autodiff'
export * from '@mapgrad/graph'
export * from '@mapgrad/tensor'
export * from '@mapgrad/vmap'
export { type AssociativeScanOptions, associativeScan } from './associative-scan.ts'
export { type DebugUnwrapOptions, debugUnwrap } from './debug.ts'
export { hessian, jacfwd, jacrev } from './jacobian.ts'
export type { HessianMode, HessianOptions, JacfwdOptions, Jacobian, JacobianMode, JacobianOptions } from './jacobian/options.ts'
export {
  type FullAutograd,
  type FunctionalHessianOptions,
  type FunctionalJacobianOptions,
  type JacobianOf,
  autograd,
  jacobian,
} from './functional.ts'
export type { BatchedGradOptions, GradOfTensors } from './autograd-grad.ts'
export { rearrange } from './rearrange/rearrange.ts'
