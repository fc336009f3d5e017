// tensor + backend-cpu + vmap
import { cpu } from '@mapgrad/backend-cpu'
import { matmul, setDefaultDevice, tensor } from '@mapgrad/tensor'
import { vmap } from '@mapgrad/vmap'
import assert from 'node:assert/strict'

setDefaultDevice(cpu)
const xs = tensor([
  [1, 2],
  [3, 4],
])
const dot = (x, y) => matmul(x, y)
assert.deepEqual(vmap(dot)(xs, xs).tolist(), [5, 25])
assert.deepEqual(vmap(dot, [0, null])(xs, tensor([1, 10])).tolist(), [21, 43])
console.log('ok')
