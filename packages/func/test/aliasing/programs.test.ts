import { cpu, reference } from '@mapgrad/backend-cpu'
import { type Tensor, grad, hessian, jacrev, jvp, linearize, ones, setDefaultDevice, stack, tensor, vjp, vmap } from '@mapgrad/func'
import { beforeEach, describe, expect, it } from 'vitest'
import { type Program, programs, run, start, weighted } from './programs.ts'

// −0 is 0 here: which of them max(−0, 0) is, PyTorch leaves to the processor
const plain = (x: unknown): unknown => JSON.parse(JSON.stringify(x))
const skip = (): void => {}
const each = (of: readonly Program[]): (readonly [number, Program])[] => of.map((p) => [programs.indexOf(p), p] as const)

describe.each([
  ['cpu', cpu],
  ['reference', reference],
] as const)('on %s', (_, device) => {
  it.each(each(programs))('program %i leaves every tensor as PyTorch does', (_i, program) => {
    setDefaultDevice(device)
    const end = run(program, start(program), (step, f) => expect(f).toThrow(step.error!.slice(0, 60)))
    expect(plain(end.map((t) => t.tolist()))).toEqual(plain(program.values))
  })
})

describe('under transforms', () => {
  beforeEach(() => setDefaultDevice(cpu))

  const differentiable = programs.filter((p) => p.gradient !== null)
  const smooth = (p: Program) => (x: Tensor) => weighted(run(p, x, skip))

  it.each(each(differentiable))('%i: its gradient is PyTorch’s, by grad, vjp and jacrev; jvp and linearize agree', (_, p) => {
    const f = smooth(p)
    const x = start(p)
    const g = grad(f)(x)
    expect(plain(g.tolist())).toEqual(plain(p.gradient))
    expect(plain(vjp(f, [x])[1](tensor(1))[0].tolist())).toEqual(plain(p.gradient))
    expect(plain(jacrev(f)(x).tolist())).toEqual(plain(p.gradient))
    const t = ones(x.shape).add(x.mul(0.25))
    const want = g.mul(t).sum().item() as number
    const [, dy] = jvp(f, [x], [t])
    expect(dy.item()).toBeCloseTo(want, 1)
    expect(linearize(f, [x])[1](t).item()).toBeCloseTo(want, 1)
  })

  const mappable = programs.filter((p) => p.steps.every((s) => s.error === undefined))
  it.each(each(mappable).slice(0, 250))('%i: mapped over examples along any axis, it does what it does to each', (i, p) => {
    const x = start(p)
    const examples = [x, x.mul(2).sub(3), x.neg()]
    const axis = i % (x.ndim + 1)
    const f = (e: Tensor): Tensor[] => run(p, e, skip)
    const all = vmap(f, axis)(stack(examples, axis))
    const loop = examples.map(f)
    all.forEach((y, k) => expect(plain(y.tolist())).toEqual(plain(loop.map((l) => l[k]!.tolist()))))
  })

  it.each(each(differentiable).filter((_, k) => k % 4 === 0))(
    '%i: gradients of each example, and the Hessian of a square of it',
    (_, p) => {
      const x = start(p)
      const examples = stack([x, x.mul(2)])
      const f = smooth(p)
      expect(plain(vmap(grad(f))(examples).tolist())).toEqual(plain([grad(f)(x).tolist(), grad(f)(x.mul(2)).tolist()]))
      // of f²/2 where f is linear nearby: ∇f ∇fᵀ
      const g = grad(f)(x)
      const scale = 1e-3
      const h = hessian((y: Tensor) => f(y).mul(scale).square().div(2))(x)
      const n = x.numel()
      const outer = g.mul(scale).reshape(n, 1).mul(g.mul(scale).reshape(1, n))
      expect(h.reshape(n, n).sub(outer).abs().max().item() as number).toBeLessThanOrEqual(
        1e-4 * Math.max(1, outer.abs().max().item() as number),
      )
    },
  )
})
