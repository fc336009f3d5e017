import './default-device.ts'

export * from '@mapgrad/autodiff'
export * from '@mapgrad/graph'
export * from '@mapgrad/tensor'
export * from '@mapgrad/vmap'
export { type HessianOptions, type JacfwdOptions, type Jacobian, type JacobianOptions, hessian, jacfwd, jacrev } from './jacobian.ts'
