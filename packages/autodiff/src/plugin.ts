// The interpreters on lists of tensors, for authors of transforms and of test suites.
export { normalizeArgnums, select } from './grad.ts'
export { type GradientArgs, type GradientOptions, type Unused, gradients } from './autograd.ts'
export { several } from './eager.ts'
export { Loans, auxLeaves, outputs, splitAux } from './flat.ts'
export { jvpFlat } from './jvp.ts'
export { linearizeFlat } from './linearize.ts'
export { vjpFlat } from './vjp.ts'
export {
  type FunctionalOptions,
  type FunctionOf,
  type OneOrMore,
  functional,
  inForm,
  inputList,
  outputOf,
  refuseConstants,
  refuseLinear,
  rowsOf,
  scalarGradient,
} from './functional.ts'
