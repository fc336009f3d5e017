export { jvpFlat } from './jvp.ts'
export { vjpFlat } from './vjp.ts'
