import { cpu } from '@mapgrad/backend-cpu'
import { type Tensor, hessian, jacfwd, jacrev, memory, mul, sin, sum, tensor, vmap } from '@mapgrad/func'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { distance, random } from './rules.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

/** Bytes in use at most while `f` runs, beyond those before, and those of its result. */
function peakOf(f: () => Tensor): [peak: number, result: number] {
  const before = memory().live
  let peak = 0
  const { alloc } = cpu
  vi.spyOn(cpu, 'alloc').mockImplementation((bytes) => {
    const storage = alloc(bytes)
    peak = Math.max(peak, memory().live - before)
    return storage
  })
  f()
  vi.restoreAllMocks()
  return [peak, memory().live - before]
}

const N = 240
const x = random(N)
const f = (x: Tensor): Tensor => sin(mul(sin(sin(mul(x, 2))), x))
const bytes = N * N * 8

describe('chunks take memory for the result and one chunk', () => {
  test.each<[string, (chunkSize: number | null) => (x: Tensor) => Tensor]>([
    ['jacrev', (chunkSize) => jacrev(f, { chunkSize })],
    ['jacrev by columns', (chunkSize) => jacrev(f, { chunkSize, mode: 'forward' })],
    ['jacfwd', (chunkSize) => jacfwd(f, { chunkSize })],
    ['jacfwd by rows', (chunkSize) => jacfwd(f, { chunkSize, mode: 'reverse' })],
    ['hessian', (chunkSize) => hessian((x: Tensor) => sum(f(x)), { chunkSize })],
    ['hessian, forward over reverse', (chunkSize) => hessian((x: Tensor) => sum(f(x)), { chunkSize, mode: 'forward-over-reverse' })],
    ['vmap', (chunkSize) => (x) => vmap((a: Tensor) => f(mul(a, x)), { chunkSize })(x)],
  ])('%s', (_, make) => {
    make(null)(x).dispose()
    const [whole, left] = peakOf(() => make(null)(x))
    expect(left).toBe(bytes)
    const temporaries = whole - bytes
    expect(temporaries).toBeGreaterThan(2 * bytes)
    for (const chunks of [4, 12]) {
      const [peak, kept] = peakOf(() => make(N / chunks)(x))
      expect(kept).toBe(bytes)
      // what a chunk computes, and vectors that do not grow with it
      expect(peak - bytes).toBeLessThan(temporaries / chunks + bytes / chunks + 64 * N * 8)
    }
    const [one] = peakOf(() => make(1)(x))
    expect(one - bytes).toBeLessThan(100 * N * 8)
  })

  test('large ones are computed in chunks without being told, and their temporaries are not as large', () => {
    const n = 1500
    const y = random(n)
    const [peak, kept] = peakOf(() => jacrev(f)(y))
    expect(kept).toBe(n * n * 8)
    expect(peak).toBeLessThan(3 * kept)
    const [outer] = peakOf(() => jacrev(f, { mode: 'forward' })(y))
    expect(outer).toBeLessThan(3 * kept)
  })
  test('an identity is never made whole', () => {
    const sizes: number[] = []
    const { alloc } = cpu
    vi.spyOn(cpu, 'alloc').mockImplementation((n) => {
      sizes.push(n)
      return alloc(n)
    })
    const J = jacrev(f, { chunkSize: 8 })(x)
    // the result alone is as large
    expect(sizes.filter((n) => n >= bytes)).toEqual([bytes])
    expect(J.shape).toEqual([N, N])
  })
  test('blocks that are zero take none', () => {
    const y = random(N)
    const before = memory().live
    const [dx, dy] = jacrev((x: Tensor, _y: Tensor) => sin(x), { argnums: [0, 1], chunkSize: 50 })(x, y)
    expect(memory().live - before).toBe(bytes)
    expect([dx.shape, dy.shape, dy.at(3, 4).item()]).toEqual([[N, N], [N, N], 0])
  })
  test('what a chunk gives may be memory of the caller, which stays', () => {
    const same = vmap((a: Tensor) => a, { chunkSize: 100 })(x)
    const shared = vmap((_a: Tensor, b: Tensor) => b, [0, null], 0, { chunkSize: 100 })(x, tensor([1, 2]))
    const [out, once] = vmap((a: Tensor, b: Tensor) => [sin(a), mul(b, 2)] as const, [0, null], [0, null], { chunkSize: 7 })(x, x)
    expect([same.at(N - 1).item(), shared.shape, once.at(5).item()]).toEqual([x.at(N - 1).item(), [N, 2], Number(x.at(5).item()) * 2])
    expect(out.at(9).item()).toBe(sin(x.at(9)).item())
    expect(x.at(0).item()).toBe(same.at(0).item())
  })
  test('gradients outside of transforms go through chunks', () => {
    const chain: ((w: Tensor, chunkSize: number | null) => Tensor)[] = [
      (w, chunkSize) => vmap((r: Tensor) => sum(sin(mul(r, w))), { chunkSize })(x.narrow(0, 0, 12).reshape([4, 3])),
      (w, chunkSize) => jacrev((v: Tensor) => sin(mul(v, w)), { chunkSize })(x.narrow(0, 0, 3)),
      (w, chunkSize) => jacfwd((v: Tensor) => sin(mul(v, w)), { chunkSize })(x.narrow(0, 0, 3)),
      (w, chunkSize) => hessian((v: Tensor) => sum(sin(mul(v, w))), { chunkSize })(x.narrow(0, 0, 3)),
    ]
    for (const f of chain) {
      const [whole, ...others] = ([null, 1, 2] as const).map((chunkSize) => {
        const w = tensor([0.5, -1, 2], { dtype: 'float64', requiresGrad: true })
        f(w, chunkSize).sum().backward()
        return w.grad!
      })
      for (const other of others) expect(distance(other, whole!)).toBeLessThan(1e-15)
      expect(whole!.abs().sum().item()).toBeGreaterThan(0)
    }
  })
})
