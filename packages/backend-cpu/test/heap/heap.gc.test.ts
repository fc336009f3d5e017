import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Backend } from '@mapgrad/tensor/plugin'
import { expect, test } from 'vitest'
import { createCpu } from '../../src/index.ts'

const gc = globalThis.gc!
/** collects until the count of storages is as expected; finalizers run when the event loop gets to them */
async function settle(cpu: Backend, storages: number): Promise<void> {
  for (let i = 0; i < 200 && cpu.memory().storages !== storages; i++) {
    gc()
    await new Promise((done) => setTimeout(done, 10))
  }
}

test('10,000 synchronous steps that each drop 4 MB stay under 600 MB, with right contents', () => {
  // a process of its own: the test runner has memory of its own
  const script = fileURLToPath(new URL('./drop-steps.mjs', import.meta.url))
  const { top, wrong } = JSON.parse(execFileSync(process.execPath, ['-C', 'mapgrad-source', script], { encoding: 'utf8' })) as {
    top: number
    wrong: number
  }
  expect(wrong).toBe(0)
  expect(top).toBeLessThan(600e6)
})

test('a million small storages dropped synchronously', () => {
  const cpu = createCpu()
  const before = process.memoryUsage().rss
  let last = cpu.alloc(32)
  for (let i = 0; i < 1_000_000; i++) last = cpu.alloc(32 + (i % 3) * 500)
  expect(cpu.read(last, 0, 4)).toHaveLength(4)
  const growth = process.memoryUsage().rss - before
  expect(growth).toBeLessThan(1000e6)
})

test('what nobody holds is freed: memory() returns to where it was', async () => {
  const cpu = createCpu({ heapBytes: 2 ** 20 })
  const held = [cpu.alloc(100), cpu.alloc(300_000)]
  await settle(cpu, 2)
  const before = cpu.memory()
  for (let i = 0; i < 300; i++) cpu.alloc(i % 2 ? 100 + i : 200_000)
  expect(cpu.memory().storages).toBe(302)
  expect(cpu.memory().spilled).toBeGreaterThan(10e6)
  await settle(cpu, 2)
  const { live, storages } = cpu.memory()
  expect([live, storages]).toEqual([before.live, before.storages])
  expect(cpu.memory().spilled).toBeLessThanOrEqual(300_100)
  expect(held).toHaveLength(2)
})
