import { afterEach, describe, expect, test } from 'vitest'
import { type Tensor, autograd, grad, isAnomalyEnabled, jvp, makeFx, setDetectAnomaly, tensor, vmap } from '@mapgrad/func'

const message = (f: () => unknown): string => {
  try {
    f()
  } catch (e) {
    expect((e as { code?: string }).code).toBe('ANOMALY')
    return (e as Error).message
  }
  throw new Error('expected an anomaly')
}
/** `file:line` of the caller's line below this call. */
const nextLine = (): string => {
  const place = /anomaly\.test\.ts:(\d+)/.exec(new Error('here').stack!.split('\n')[2]!)!
  return `anomaly.test.ts:${Number(place[1]) + 1}:`
}

afterEach(() => setDetectAnomaly(false))

describe('anomaly mode names the op and the line', () => {
  test('forward: the first op that makes NaN, Inf or −Inf of finite numbers', () => {
    for (const [f, op, what] of [
      [(x: Tensor) => x.sub(2).log().mul(3).sum(), 'log', '-Inf'],
      [(x: Tensor) => x.mul(1000).exp().sub(1), 'exp', 'Inf'],
      [(x: Tensor) => x.neg().sqrt().add(1), 'sqrt', 'NaN'],
    ] as const) {
      const text = message(() => autograd.detectAnomaly(f)(tensor([0.5, 2, 1])))
      expect(text).toMatch(new RegExp(`^\\[tensor\\] ${op}: expected finite numbers from finite operands, got `))
      expect(text).toContain(op === 'log' ? 'got NaN in its result of shape [3] at [0]' : `got ${what} in its result of shape [3]`)
      expect(text).toMatch(/called at .*anomaly\.test\.ts:\d+:\d+/)
    }
  })
  test('the line is that of the call, in whatever transform', () => {
    let line = ''
    const f = (x: Tensor): Tensor => {
      line = nextLine()
      const y = x.log()
      return y.sum()
    }
    const bad = tensor([0, 1])
    const calls: (() => unknown)[] = [
      () => f(bad),
      () => vmap(f)(bad.reshape(2, 1)),
      () => grad(f)(bad),
      () => jvp(f, [bad], [bad]),
      () => vmap(grad(f))(bad.reshape(2, 1)),
    ]
    for (const call of calls) {
      const text = message(() => autograd.detectAnomaly(call)())
      expect(text).toContain('log:')
      expect(text).toContain(line)
    }
  })
  test('backward: also the forward op and its line', () => {
    let line = ''
    const f = (x: Tensor): Tensor => {
      line = nextLine()
      const y = x.sqrt()
      return y.sum()
    }
    const x = tensor([0, 4], { requiresGrad: true })
    for (const run of [() => grad(f)(tensor([0, 4])), () => f(x).backward(), () => vmap(grad(f))(tensor([[0], [4]]))]) {
      const text = message(() => autograd.detectAnomaly(run)())
      expect(text).toMatch(/got Inf in its result of shape \[.*\] at \[0.*\], in the backward pass of sqrt, which was called at/)
      expect(text).toContain(line)
    }
  })
  test('forward mode: the tangent', () => {
    expect(message(() => autograd.detectAnomaly(() => jvp((x: Tensor) => x.sqrt(), [tensor([0, 4])], [tensor([1, 1])]))())).toMatch(
      /got Inf/,
    )
  })
  test('inside a graph that runs', () => {
    const graph = makeFx((x: Tensor) => x.log().sum())(tensor([1, 2]))
    expect(message(() => autograd.detectAnomaly(graph)(tensor([0, 1])))).toContain('log: ')
  })
  test('what goes in bad is not an anomaly, nor what is made so', () => {
    const f = autograd.detectAnomaly((x: Tensor) =>
      x
        .add(tensor([NaN, Infinity]))
        .mul(2)
        .sum(),
    )
    expect(f(tensor([1, 2])).item()).toBeNaN()
    const masked = autograd.detectAnomaly((x: Tensor) => x.maskedFill(x.lt(0), -Infinity).softmax(0))
    expect(masked(tensor([-1, 1])).tolist()).toEqual([0, 1])
    expect(
      autograd
        .detectAnomaly((x: Tensor) => x.add(1))(tensor([1, 2], { dtype: 'int32' }))
        .tolist(),
    ).toEqual([2, 3])
  })
  test('on until it is switched off, and only around the call', () => {
    expect(isAnomalyEnabled()).toBe(false)
    setDetectAnomaly(true)
    expect(isAnomalyEnabled()).toBe(true)
    expect(() => tensor(-1).log()).toThrow(/got NaN/)
    setDetectAnomaly(false)
    expect(tensor(-1).log().item()).toBeNaN()
    expect(autograd.detectAnomaly(isAnomalyEnabled)()).toBe(true)
    expect(isAnomalyEnabled()).toBe(false)
  })
  test('of several the first', () => {
    expect(message(() => autograd.detectAnomaly((x: Tensor) => x.mul(1e30).mul(1e30).max(0))(tensor([1, 2])))).toMatch(/mul: .*got Inf/)
  })
})
