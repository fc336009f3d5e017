// The interpreters on lists of tensors, for authors of transforms and of test suites.
export { normalizeArgnums, select } from './grad.ts'
export { jvpFlat } from './jvp.ts'
export { linearizeFlat } from './linearize.ts'
export { vjpFlat } from './vjp.ts'
