// tensor + backend-cpu: a small array library
import { cpu } from '@mapgrad/backend-cpu'
import { add, exp, matmul, setDefaultDevice, sum, tensor } from '@mapgrad/tensor'
import assert from 'node:assert/strict'

setDefaultDevice(cpu)
const a = tensor([
  [1, 2],
  [3, 4],
])
assert.deepEqual(matmul(a, a).tolist(), [
  [7, 10],
  [15, 22],
])
assert.deepEqual(add(a, 1).tolist(), [
  [2, 3],
  [4, 5],
])
assert.equal(sum(a).item(), 10)
assert.deepEqual(a.sum(0).tolist(), [4, 6])
assert.ok(Math.abs(exp(tensor(1)).item() - Math.E) < 1e-6)
console.log('ok')
