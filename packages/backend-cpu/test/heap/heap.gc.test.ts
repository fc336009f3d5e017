import { defineLoop, expr as E } from '@mapgrad/kernel'
import { expect, test } from 'vitest'
import { createCpu } from '../../src/index.ts'

const gc = globalThis.gc!
const MB4 = 4 * 2 ** 20
const iota = defineLoop({ name: 'iota', inputs: [], scalars: ['float32'], body: E.add(E.cast(E.position, 'float32'), E.scalar(0, 'float32')) })

async function settle(): Promise<void> {
  for (let i = 0; i < 4; i++) {
    gc()
    await new Promise((done) => setTimeout(done, 5))
  }
}

test('10,000 synchronous steps that each drop 4 MB stay under 600 MB, with right contents', () => {
  const cpu = createCpu()
  const step = (n: number, k: number) => {
    const storage = cpu.alloc(n * 4)
    cpu.run({ loop: iota, sizes: [n], reducedAxes: 0, inputs: [], scalars: [k], out: { storage, dtype: 'float32', offset: 0, strides: [1] } })
    return storage
  }
  const kept = step(MB4 / 4, -5)
  const sample: [number, object][] = []
  let top = 0
  for (let i = 0; i < 10_000; i++) {
    const s = step(MB4 / 4, i)
    if (i % 1000 === 3) sample.push([i, s])
    if (i % 50 === 0) top = Math.max(top, process.memoryUsage().rss)
  }
  const first = (s: object, at: number) => new Float32Array(cpu.read(s, at * 4, 4).buffer)[0]
  for (const [i, s] of sample) expect([first(s, 0), first(s, 777_777)]).toEqual([i, Math.fround(i + 777_777)])
  expect([first(kept, 0), first(kept, 1)]).toEqual([-5, -4])
  console.log(`resident ${(top / 1e6).toFixed(0)} MB`)
  expect(top).toBeLessThan(600e6)
})

test('a million small storages dropped synchronously', () => {
  const cpu = createCpu()
  const before = process.memoryUsage().rss
  let last = cpu.alloc(32)
  for (let i = 0; i < 1_000_000; i++) last = cpu.alloc(32 + (i % 3) * 500)
  expect(cpu.read(last, 0, 4)).toHaveLength(4)
  const growth = process.memoryUsage().rss - before
  console.log(`grew by ${(growth / 1e6).toFixed(0)} MB`)
  expect(growth).toBeLessThan(1000e6)
})

test('what nobody holds is freed: memory() returns to where it was', async () => {
  const cpu = createCpu({ heapBytes: 2 ** 20 })
  const held = [cpu.alloc(100), cpu.alloc(300_000)]
  await settle()
  const before = cpu.memory()
  for (let i = 0; i < 300; i++) cpu.alloc(i % 2 ? 100 + i : 200_000)
  expect(cpu.memory().storages).toBe(302)
  expect(cpu.memory().spilled).toBeGreaterThan(10e6)
  await settle()
  const { live, storages } = cpu.memory()
  expect([live, storages]).toEqual([before.live, before.storages])
  expect(cpu.memory().spilled).toBeLessThanOrEqual(300_100)
  expect(held).toHaveLength(2)
})
