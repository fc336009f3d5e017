// func alone: one import has it all, and the CPU is the device
import { grad, hessian, mul, sum, tensor, vmap } from '@mapgrad/func'
import assert from 'node:assert/strict'

const x = tensor([
  [1, 2],
  [3, 4],
])
const f = (v) => sum(mul(v, mul(v, v)))
assert.equal(x.device, 'cpu')
assert.deepEqual(vmap(grad(f))(x).tolist(), [
  [3, 12],
  [27, 48],
])
assert.deepEqual(hessian(f)(tensor([1, 2])).tolist(), [
  [6, 0],
  [0, 12],
])
console.log('ok')
