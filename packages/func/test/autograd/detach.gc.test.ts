import { type Tensor, memory, mul, sum, tensor, zeros } from '@mapgrad/func'
import { expect, test } from 'vitest'

const gc = globalThis.gc!

test('what was detached keeps nothing of the tape it came from', async () => {
  const w = zeros(10_000).add(1).requiresGrad_()
  const kept: Tensor[] = []
  const step = (): void => {
    const y = mul(w, 2)
    const written = y.detach()
    written.at(0).add_(1)
    kept.push(sum(mul(y, y)).detach(), written.at(0).add(tensor(0)))
  }
  step()
  const before = memory().live
  for (let i = 0; i < 50; i++) step()
  const limit = before + 200_000
  for (let i = 0; i < 100 && memory().live > limit; i++) {
    gc()
    await new Promise((done) => setTimeout(done, 10))
  }
  // each step computes 120 kB and keeps two numbers
  expect(memory().live).toBeLessThan(limit)
  expect(kept.map((x) => x.item())).toEqual(Array.from({ length: 102 }, (_, i) => (i % 2 ? 3 : 40_005)))
})
