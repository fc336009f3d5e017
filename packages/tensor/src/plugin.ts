export { defineOp } from './core/op.ts'
