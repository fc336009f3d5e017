// Dims are no transforms in flight and hold nothing: transforms around them free what they free without them, and the rest is garbage.
import { type Tensor, grad, memory, rand, vmap } from '@mapgrad/func'
import { type Dim, dims } from '@mapgrad/func/dim'
import { describe, expect, test } from 'vitest'

const X = rand(30, 50)
const W = rand(50)
const gc = (globalThis as { readonly gc?: () => void }).gc!

describe('hundreds of calls leave nothing behind', () => {
  const softmax = (x: Tensor): Tensor => {
    const [i, f] = dims('i', 'f')
    const logits = x.at(i, f).mul(W.at(f)).sum(f).tanh()
    return logits.softmax(i).mul(logits.exp()).sum(i)
  }
  const doubled = (x: Tensor): Tensor => {
    const [f] = dims('f')
    return x.at(f).mul(2).sin().order(f)
  }
  test.each<[string, () => void]>([
    ['grad', () => grad(softmax)(X).dispose()],
    ['vmap', () => vmap(doubled)(X).dispose()],
    ['vmap of grad', () => vmap(grad((x: Tensor) => doubled(x).sum()))(X).dispose()],
  ])('%s', (_, f) => {
    f()
    const before = memory()
    for (let n = 0; n < 300; n++) f()
    expect([memory().live - before.live, memory().storages - before.storages]).toEqual([0, 0])
  })
})

test('dims, and what was bound to them, are garbage when nobody holds them', async () => {
  const refs: WeakRef<object>[] = []
  for (let n = 0; n < 50; n++) {
    const [i, f]: readonly Dim[] = dims('i', 'f')
    const x = X.at(i!, f!)
    refs.push(new WeakRef(i!), new WeakRef(x), new WeakRef(x.mul(x).add(f!)))
  }
  for (let n = 0; n < 5; n++) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    gc()
  }
  expect(refs.filter((r) => r.deref() !== undefined).length).toBeLessThan(6)
})
