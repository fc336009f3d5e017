// tensor + backend-cpu + autodiff
import { grad, jvp, vjp } from '@mapgrad/autodiff'
import { cpu } from '@mapgrad/backend-cpu'
import { mul, setDefaultDevice, sum, tensor } from '@mapgrad/tensor'
import assert from 'node:assert/strict'

setDefaultDevice(cpu)
const x = tensor([1, 2, 3])
const f = (v) => sum(mul(v, mul(v, v)))
assert.deepEqual(grad(f)(x).tolist(), [3, 12, 27])
const [y, pullback] = vjp(f, [x])
assert.equal(y.item(), 36)
assert.deepEqual(pullback(tensor(2))[0].tolist(), [6, 24, 54])
assert.equal(jvp(f, [x], [tensor([1, 0, 0])])[1].item(), 3)
console.log('ok')
