import { cpu } from '@mapgrad/backend-cpu'
import {
  type Tensor,
  add,
  checkpoint,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jvp,
  linearize,
  makeFx,
  manualSeed,
  memory,
  mul,
  rand,
  scan,
  sin,
  square,
  stack,
  sum,
  vjp,
  vmap,
} from '@mapgrad/func'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { along, distance, f64, random } from './rules.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

/** Bytes in use at most while `f` runs, beyond those before. */
function peakOf(f: () => unknown): number {
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
  return peak
}

const x = random(60, 50)
const one = f64(1)
type G = (x: Tensor) => Tensor
/** Five steps that could be one. */
const steps: G = (x) => {
  for (let i = 0; i < 5; i++) x = mul(sin(x).exp(), 0.5)
  return x
}
const deep =
  (layer: G): G =>
  (x) => {
    for (let i = 0; i < 8; i++) x = layer(x)
    return sum(x)
  }
const few = random(2)
const transforms: Readonly<Record<string, (f: G) => unknown>> = {
  grad: (f) => grad(f)(x),
  vjp: (f) => vjp(f, [x])[1](one),
  backward: (f) => f(x.clone().requiresGrad_()).backward(),
  jvp: (f) => jvp(f, [x], [x]),
  linearize: (f) => linearize(f, [x])[1](x),
  jacrev: (f) => jacrev((x: Tensor) => stack([f(x), f(x)]))(x),
  jacfwd: (f) => jacfwd((v: Tensor) => f(mul(x, sum(v))))(few),
  hessian: (f) => hessian((v: Tensor) => f(mul(x, sum(v))))(few),
  'hessian, reverse over reverse': (f) => hessian((v: Tensor) => f(mul(x, sum(v))), { mode: 'reverse-over-reverse' })(few),
  'grad of grad': (f) => grad((x: Tensor) => sum(square(grad(f)(x))))(x),
  'jvp of grad': (f) => jvp(grad(f), [x], [x]),
  'grad of jvp': (f) => grad((x: Tensor) => jvp(f, [x], [x])[1])(x),
  'grad of vmap': (f) => grad((x: Tensor) => sum(vmap(f)(x)))(x),
  'vmap of grad': (f) => vmap(grad(f))(x),
  'grad of a scan': (f) => grad((x: Tensor) => sum(scan((c: Tensor, w: Tensor) => [mul(f(add(c, w)), c), w], x, few)[0]))(x),
}

describe('with checkpoints memory is less than half', () => {
  test.each(Object.entries(transforms))('%s', (_, transform) => {
    transform(deep(steps))
    expect(peakOf(() => transform(deep(checkpoint(steps))))).toBeLessThan(0.5 * peakOf(() => transform(deep(steps))))
  })
  test('what linearize keeps are the arguments', () => {
    const kept = (f: G): number => {
      const before = memory().live
      const [y, push] = linearize(f, [x])
      const held = memory().live - before
      expect(distance(push(x), jvp(deep(steps), [x], [x])[1])).toBeLessThan(1e-12)
      y.dispose()
      return held
    }
    // one array a layer, and the scalars
    expect(kept(deep(checkpoint(steps)))).toBeLessThan(10 * x.numel() * 8)
    expect(kept(deep(steps))).toBeGreaterThan(40 * x.numel() * 8)
  })
})

describe('linearize calls a checkpointed function again', () => {
  const v = random(3)
  /** the argument moves, what is closed over moves, one does, none, at two depths; one result is constant */
  const closing = (c: <A extends readonly unknown[], R>(f: (...args: A) => R) => (...args: A) => R) => (w: Tensor) => {
    const [a, b] = c((y: Tensor, k: number): [Tensor, Tensor] => [mul(sin(y), w).mul(k), mul(v, 2)])(mul(w, 2), 3)
    const d = c(() => c((z: Tensor) => mul(z, sum(w)))(square(w)))()
    return sum(add(mul(a, b), add(d, c((z: Tensor) => z.exp())(v))))
  }
  const none = <F>(f: F): F => f
  const w = random(3)
  describe.each<[string, G]>([
    ['one', closing(checkpoint)],
    ['one of them', checkpoint(closing(checkpoint))],
  ])('%s', (_, f) => {
    test('and gives the derivatives of what it closes over', () => {
      const [y, push] = linearize(f, [w])
      expect(distance(y, closing(none)(w))).toBe(0)
      expect(distance(push(v), along(closing(none), w, v))).toBeLessThan(1e-10)
      const twice = jvp(closing(none), [w], [v])[1]
      for (let i = 0; i < 2; i++) expect(distance(push(v), twice)).toBeLessThan(1e-15)
      const rows = random(4, 3)
      expect(distance(vmap(push)(rows), stack([...rows].map((r) => push(r))))).toBeLessThan(1e-15)
      expect(distance(grad((v: Tensor) => push(v))(v), grad(closing(none))(w))).toBeLessThan(1e-14)
    })
    test('inside of and around other transforms', () => {
      const plain = closing(none)
      const second = (g: G) => (w: Tensor) => linearize(g, [w])[1](sin(w))
      const rows = random(4, 3)
      expect(distance(grad(second(f))(w), grad(second(plain))(w))).toBeLessThan(1e-13)
      expect(distance(jvp(second(f), [w], [v])[1], along(second(plain), w, v))).toBeLessThan(1e-9)
      expect(distance(vmap(second(f))(rows), vmap(second(plain))(rows))).toBeLessThan(1e-14)
      expect(distance(vmap(hessian(f))(rows), vmap(hessian(plain))(rows))).toBeLessThan(1e-13)
      expect(distance(jacfwd(jacfwd(f))(w), hessian(plain)(w))).toBeLessThan(1e-13)
      expect(distance(jacfwd(jacrev(jacfwd(f)))(w), jacrev(jacrev(jacrev(plain)))(w))).toBeLessThan(1e-12)
      expect(distance(jacfwd(f, { chunkSize: 2 })(w), grad(plain)(w))).toBeLessThan(1e-14)
      expect(distance(makeFx(second(f))(w)(v), second(plain)(v))).toBeLessThan(1e-14)
      const leaf = w.clone().requiresGrad_()
      second(f)(leaf).backward()
      expect(distance(leaf.grad!, grad(second(plain))(w))).toBeLessThan(1e-13)
    })
  })
  test('with the draws of the first call', () => {
    const noisy = (c: typeof checkpoint) => c((x: Tensor) => sum(mul(square(x), rand(3, { dtype: 'float64' }))))
    const at = (c: typeof checkpoint): Tensor[] => {
      manualSeed(3)
      const [y, push] = linearize(noisy(c), [w])
      const after = rand(2)
      return [y, push(v), push(v), after.to('float64')]
    }
    at(checkpoint).forEach((x, i) => expect(distance(x, at(none as typeof checkpoint)[i]!)).toBeLessThan(1e-15))
  })
})
