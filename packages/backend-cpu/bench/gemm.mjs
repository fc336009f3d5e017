// GFLOP/s of the named kernel `matmul`, and milliseconds of `sort`, on one core.
// node -C mapgrad-source packages/backend-cpu/bench/gemm.mjs [part of a name]; Node 20, which reads no TypeScript, after
// esbuild --bundle --format=esm --platform=node --conditions=mapgrad-source
import { named } from '../src/named/index.ts'
import { TestHeap, random } from '../test/named/heap.ts'

const only = process.argv[2] ?? ''
const heap = new TestHeap()
const kernels = named(heap)
const r = random(1)

/** median time in ms of at least 20 runs and 100 ms, after warming up */
function time(run) {
  for (let i = 0, t = performance.now(); i < 5 || performance.now() - t < 60; i++) run()
  const times = []
  const t0 = performance.now()
  while (times.length < 20 || performance.now() - t0 < 150) {
    const t = performance.now()
    run()
    times.push(performance.now() - t)
    if (performance.now() - t0 > 3000) break
  }
  return times.sort((x, y) => x - y)[times.length >> 1]
}

/** Shape and, slowest first, the order of the axes in memory, and axes that repeat. */
function array(shape, dtype = 'float32', layout = {}) {
  const view = heap.array(
    shape.map((n, i) => (layout.repeat?.includes(i) ? 1 : n)),
    dtype,
    { order: layout.order },
    () => 0,
  )
  const n = shape.reduce((x, y, i) => x * (layout.repeat?.includes(i) ? 1 : y), 1)
  const data =
    dtype === 'float64' ? new Float64Array(heap.buffer(), heap.pointer(view), n) : new Float32Array(heap.buffer(), heap.pointer(view), n)
  for (let i = 0; i < n; i++) data[i] = r() - 0.5
  return { ...view, shape, strides: view.strides.map((s, i) => (layout.repeat?.includes(i) ? 0 : s)) }
}

function matmul(name, a, b) {
  if (!name.includes(only)) return
  const [m, k, n] = [a.shape.at(-2), a.shape.at(-1), b.shape.at(-1)]
  const batch = a.shape.slice(0, -2)
  const out = heap.out([...batch, m, n], a.dtype)
  const inner = m * n * k < 1e5 ? 100 : 1
  const mark = heap.mark()
  const ms =
    time(() => {
      for (let i = 0; i < inner; i++) {
        heap.release(mark)
        kernels.matmul([a, b], {}, [out])
      }
    }) / inner
  const flops = 2 * m * n * k * batch.reduce((x, y) => x * y, 1)
  console.log(name.padEnd(44), (ms * 1000).toFixed(2).padStart(10), 'µs', (flops / ms / 1e6).toFixed(1).padStart(7), 'GFLOP/s')
}

console.log(`node ${process.version}`)
for (const n of [64, 100, 128, 250, 256, 257, 511, 512, 513, 1001, 1024]) matmul(`square ${n}`, array([n, n]), array([n, n]))
for (const n of [64, 256, 511, 512]) matmul(`float64 square ${n}`, array([n, n], 'float64'), array([n, n], 'float64'))
const turned = { order: [1, 0] }
matmul('512 transposed A', array([512, 512], 'float32', turned), array([512, 512]))
matmul('512 transposed B', array([512, 512]), array([512, 512], 'float32', turned))
matmul('512 transposed A and B', array([512, 512], 'float32', turned), array([512, 512], 'float32', turned))
matmul('batched 8 x 256', array([8, 256, 256]), array([8, 256, 256]))
matmul(
  'batched 8 x 256, vmapped axes 1 and 2',
  array([8, 256, 256], 'float32', { order: [1, 0, 2] }),
  array([8, 256, 256], 'float32', { order: [1, 2, 0] }),
)
matmul(
  'batched 8 x 256, last axis batched',
  array([8, 256, 256], 'float32', { order: [1, 2, 0] }),
  array([8, 256, 256], 'float32', { order: [1, 2, 0] }),
)
matmul('batched 8 x 256, shared B', array([8, 256, 256]), array([8, 256, 256], 'float32', { repeat: [0] }))
matmul('batched 8 x 256, shared A', array([8, 256, 256], 'float32', { repeat: [0] }), array([8, 256, 256]))
matmul('64 x [10,128]@[128,1]', array([64, 10, 128]), array([64, 128, 1]))
matmul('64 x [128,10]@[10,1] (A transposed)', array([64, 128, 10], 'float32', { order: [0, 2, 1] }), array([64, 10, 1]))
matmul('64 x [784,1]@[1,128] outer', array([64, 784, 1]), array([64, 1, 128]))
matmul('64 x shared [128,784]@[784,1]', array([64, 128, 784], 'float32', { repeat: [0] }), array([64, 784, 1]))
matmul('1000 x [4,4]@[4,4]', array([1000, 4, 4]), array([1000, 4, 4]))
matmul('1000 x [16,16]@[16,16]', array([1000, 16, 16]), array([1000, 16, 16]))
matmul('100 x [32,32]@[32,32]', array([100, 32, 32]), array([100, 32, 32]))
matmul('MLP [128,784]@[784,128]', array([128, 784]), array([784, 128]))
matmul('MLP [128,784]@[784,512]', array([128, 784]), array([784, 512]))
matmul('MLP [128,128]@[128,10]', array([128, 128]), array([128, 10]))
matmul('MLP weight gradient [784,128]t@[128,128]', array([784, 128], 'float32', turned), array([128, 128]))
matmul('matvec [1024,1024]@[1024,1]', array([1024, 1024]), array([1024, 1]))
matmul('vecmat [1,1024]@[1024,1024]', array([1, 1024]), array([1024, 1024]))
matmul('matvec [64,64]@[64,1]', array([64, 64]), array([64, 1]))
matmul('dot 10000', array([1, 10000]), array([10000, 1]))
for (const m of [2, 4, 8, 16]) matmul(`skinny [${m},512]@[512,512]`, array([m, 512]), array([512, 512]))
for (const n of [2, 4, 8, 16]) matmul(`skinny [512,512]@[512,${n}]`, array([512, 512]), array([512, n]))
for (const k of [1, 2, 4, 8, 16]) matmul(`skinny [512,${k}]@[${k},512]`, array([512, k]), array([k, 512]))
for (const n of [1, 2, 4, 6, 8, 10, 12, 16, 24, 32]) matmul(`tiny ${n}`, array([n, n]), array([n, n]))
matmul('tiny [2,3]@[3,4]', array([2, 3]), array([3, 4]))

if (kernels.sort && 'sort'.includes(only)) {
  const x = array([1024, 1024])
  const [values, indices] = [heap.out([1024, 1024], 'float32'), heap.out([1024, 1024], 'int32')]
  const mark = heap.mark()
  console.log(
    'sort 1024 x 1024',
    time(() => (heap.release(mark), kernels.sort([x], { descending: false }, [values, indices]))).toFixed(2),
    'ms',
  )
}
