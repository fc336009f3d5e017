// 10,000 synchronous steps that each drop a storage of 4 MB; prints the largest resident size and how many contents were wrong
import { createCpu } from '@mapgrad/backend-cpu'
import { defineLoop, expr as E } from '@mapgrad/kernel'

const cpu = createCpu()
const n = 2 ** 20
const loop = defineLoop({
  name: 'iota',
  inputs: [],
  scalars: ['float32'],
  body: E.add(E.cast(E.position, 'float32'), E.scalar(0, 'float32')),
})
const step = (k) => {
  const storage = cpu.alloc(4 * n)
  cpu.run({ loop, sizes: [n], reducedAxes: 0, inputs: [], scalars: [k], out: { storage, dtype: 'float32', offset: 0, strides: [1] } })
  return storage
}
const held = [[-5, step(-5)]]
let top = 0
for (let i = 0; i < 10_000; i++) {
  const s = step(i)
  if (i % 1000 === 3) held.push([i, s])
  if (i % 20 === 0) top = Math.max(top, process.memoryUsage().rss)
}
let wrong = 0
for (const [k, s] of held) {
  const data = new Float32Array(cpu.read(s, 0, 4 * n).buffer)
  for (let j = 0; j < n; j++) if (data[j] !== Math.fround(j + k)) wrong++
}
console.log(JSON.stringify({ top, wrong }))
