// node -C mapgrad-source packages/backend-cpu/bench/loops.mjs
import { createCpu } from '@mapgrad/backend-cpu'
import { defineLoop, expr as E } from '@mapgrad/kernel'

const cpu = createCpu()
const f32 = 'float32'
const x = E.input(0, f32)
const y = E.input(1, f32)
const loops = {
  copy: defineLoop({ name: 'copy', inputs: [f32], body: x }),
  add: defineLoop({ name: 'add', inputs: [f32, f32], body: E.add(x, y) }),
  sum: defineLoop({ name: 'sum', inputs: [f32], body: x, reduce: 'sum' }),
  max: defineLoop({ name: 'max', inputs: [f32], body: x, reduce: 'max' }),
  argmax: defineLoop({ name: 'argmax', inputs: [f32], body: x, reduce: 'argmax' }),
  ...Object.fromEntries(['exp', 'log', 'sin', 'tanh'].map((name) => [name, defineLoop({ name, inputs: [f32], body: E[name](x) })])),
}

const random = (n) => cpu.upload(new Uint8Array(Float32Array.from({ length: n }, () => Math.random() * 4 - 2).buffer))
const view = (storage, strides, offset = 0) => ({ storage, dtype: f32, offset, strides })

function time(name, f, work) {
  for (let i = 0; i < 20; i++) f()
  const times = []
  for (let i = 0; i < 60; i++) {
    const t = performance.now()
    f()
    times.push(performance.now() - t)
  }
  times.sort((a, b) => a - b)
  const ms = times[30]
  console.log(name.padEnd(34), ms.toFixed(4).padStart(9), 'ms', work ? `${(work / ms / 1e6).toFixed(1)} GB/s` : '')
}

const N = 1e6
const a = random(1 << 20)
const b = random(1 << 20)
const o = cpu.alloc(4 << 20)
const pointwise = (loop, sizes, inputs, out) => cpu.run({ loop, sizes, reducedAxes: 0, inputs, scalars: [], out })
for (const name of ['exp', 'log', 'sin', 'tanh'])
  time(`${name} 10^6`, () => pointwise(loops[name], [N], [view(a, [1])], view(o, [1])), 8 * N)
time('add 10^6', () => pointwise(loops.add, [N], [view(a, [1]), view(b, [1])], view(o, [1])), 12 * N)
time('add 1024² + row', () => pointwise(loops.add, [1024, 1024], [view(a, [1024, 1]), view(b, [0, 1])], view(o, [1024, 1])), 8 * 2 ** 20)
time('add 1024² + column', () => pointwise(loops.add, [1024, 1024], [view(a, [1024, 1]), view(b, [1, 0])], view(o, [1024, 1])), 8 * 2 ** 20)
time(
  'add 1024² + transposed',
  () => pointwise(loops.add, [1024, 1024], [view(a, [1024, 1]), view(b, [1, 1024])], view(o, [1024, 1])),
  12 * 2 ** 20,
)
time('transposed copy 1024²', () => pointwise(loops.copy, [1024, 1024], [view(a, [1, 1024])], view(o, [1024, 1])), 8 * 2 ** 20)
time('transposed copy 1000²', () => pointwise(loops.copy, [1000, 1000], [view(a, [1, 1000])], view(o, [1000, 1])), 8 * 1e6)
time('copy of every second column', () => pointwise(loops.copy, [1024, 512], [view(a, [1024, 2])], view(o, [512, 1])), 6 * 2 ** 20)
const reduce = (loop, sizes, axes, strides) =>
  cpu.run({ loop, sizes, reducedAxes: axes, inputs: [view(a, strides)], scalars: [], out: view(o, [1].slice(0, sizes.length - axes)) })
for (const name of ['sum', 'max', 'argmax']) {
  time(`${name} 1024², all`, () => reduce(loops[name], [1024, 1024], 2, [1024, 1]), 4 * 2 ** 20)
  time(`${name} 1024², last axis`, () => reduce(loops[name], [1024, 1024], 1, [1024, 1]), 4 * 2 ** 20)
  time(`${name} 1024², first axis`, () => reduce(loops[name], [1024, 1024], 1, [1, 1024]), 4 * 2 ** 20)
}
time('sum [100000, 10], last axis', () => reduce(loops.sum, [100000, 10], 1, [10, 1]), 4e6)
time('sum [100000, 3], first axis', () => reduce(loops.sum, [3, 100000], 1, [1, 3]), 1.2e6)

const small = { loop: loops.add, sizes: [8], reducedAxes: 0, inputs: [view(a, [1]), view(b, [1])], scalars: [], out: view(o, [1]) }
const each = (name, f) => {
  for (let round = 0; round < 3; round++) for (let i = 0; i < 2e5; i++) f()
  const t = performance.now()
  for (let i = 0; i < 1e6; i++) f()
  console.log(name.padEnd(34), (performance.now() - t).toFixed(1).padStart(9), 'ns')
}
each('run [8] + [8]', () => cpu.run(small))
each('alloc + free 32 bytes', () => cpu.free(cpu.alloc(32)))
each('alloc + free 4 kB', () => cpu.free(cpu.alloc(4096)))
each('alloc + free 64 kB', () => cpu.free(cpu.alloc(65536)))
