import {
  type FunctionContext,
  type Tensor,
  type VmapContext,
  add,
  autograd,
  grad,
  jacrev,
  jvp,
  mul,
  rand,
  sin,
  square,
  stack,
  sum,
  vjp,
  vmap,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { distance, f64, raised, random } from './rules.ts'

const text = (f: () => unknown): string => raised(f).message

/** w·x, with a gradient by w that is ten times too large. */
class Dot extends autograd.Function {
  static generateVmapRule = true
  static forward(w: Tensor, x: Tensor): Tensor {
    return sum(mul(w, x))
  }
  static setupContext(ctx: FunctionContext, [w, x]: [Tensor, Tensor]): void {
    ctx.saveForBackward(w, x)
    ctx.saveForForward(w, x)
  }
  static backward(ctx: FunctionContext, ct: Tensor): Tensor[] {
    const [w, x] = ctx.savedTensors
    return [mul(ct, mul(x!, 10)), mul(ct, w!)]
  }
  static jvp(ctx: FunctionContext, dw: Tensor, dx: Tensor): Tensor {
    const [w, x] = ctx.savedTensors
    return add(mul(sum(mul(dw, x!)), 10), sum(mul(w!, dx)))
  }
}
const dot = (w: Tensor, x: Tensor): Tensor => Dot.apply(w, x)

describe('autograd.Function under vmap', () => {
  const [w, xs] = [random(3), random(5, 3)]
  test('generateVmapRule maps forward, backward and jvp; gradients of what is shared are summed', () => {
    expect(distance(vmap(dot, [null, 0])(w, xs), stack([...xs].map((x) => sum(mul(w, x)))))).toBeLessThan(1e-15)
    expect(distance(vmap(grad(dot), [null, 0])(w, xs), mul(xs, 10))).toBeLessThan(1e-15)
    expect(distance(grad((w: Tensor) => sum(vmap(dot, [null, 0])(w, xs)))(w), mul(sum(xs, 0), 10))).toBeLessThan(1e-14)
    expect(distance(jvp((w: Tensor) => vmap(dot, [null, 1])(w, xs.t()), [w], [w])[1], mul(vmap(dot, [null, 0])(w, xs), 10))).toBeLessThan(
      1e-14,
    )
    expect(distance(jacrev((x: Tensor) => vmap(dot, [null, 0])(w, x))(xs).at(1, 1), w)).toBe(0)
    expect(distance(vmap(vmap(dot, [null, 0]), [0, null])(random(2, 3).mul(0).add(1), xs).at(1), sum(xs, 1))).toBeLessThan(1e-15)
  })
  const calls: [VmapContext, unknown][] = []
  class Own extends autograd.Function {
    static forward(p: { x: Tensor }, k: number, y: Tensor): [Tensor] {
      return [add(mul(p.x, k), y)]
    }
    static setupContext(): void {}
    static vmap(
      info: VmapContext,
      inDims: [{ x: number | null }, null, number | null],
      p: { x: Tensor },
      k: number,
      y: Tensor,
    ): [[Tensor], [number]] {
      calls.push([info, inDims])
      const front = (t: Tensor, d: number | null): Tensor => (d === null ? t : t.movedim(d, 0))
      return [[mul(add(mul(front(p.x, inDims[0].x), k), front(y, inDims[2])), 100).t()], [1]]
    }
  }
  test('a vmap of its own: what it is told, where the examples lie, not called where nothing is mapped', () => {
    const y = f64([1, 2, 3])
    expect(
      distance(vmap((x: Tensor) => Own.apply({ x }, 2, y)[0], 1, 0, { randomness: 'same' })(xs.t()), mul(add(mul(xs, 2), y), 100)),
    ).toBeLessThan(1e-13)
    expect(calls).toEqual([[{ batchSize: 5, randomness: 'same' }, [{ x: 1 }, null, null]]])
    calls.length = 0
    expect(vmap((a: Tensor) => add(a, Own.apply({ x: y }, 2, y)[0]))(xs).shape).toEqual([5, 3])
    expect(calls).toEqual([])
  })
  test('what is wrong is named', () => {
    const run = (F: object): string => text(() => vmap((x: Tensor) => (F as typeof Dot).apply(x, x))(xs))
    class No extends autograd.Function {
      static forward(x: Tensor): Tensor {
        return sin(x)
      }
      static setupContext(): void {}
    }
    expect(run(No)).toContain(
      '[autodiff] No: You tried to vmap over No, but it does not have vmap support. Please override and implement the vmap static method or set generateVmapRule=true.',
    )
    class Both extends Dot {
      static vmap(): void {}
    }
    expect(run(Both)).toContain(
      'You tried to vmap over Both, but it has both generateVmapRule=true and an overridden vmap static method. Please set generateVmapRule=false or delete the overridden vmap static method to avoid ambiguity.',
    )
    const giving = (result: (x: Tensor) => unknown): string => {
      class Gives extends No {
        static vmap(_: VmapContext, __: unknown, x: Tensor): unknown {
          return result(x)
        }
      }
      return run(Gives)
    }
    expect(giving((x) => x)).toContain(
      'Expected the vmap static method to have two returns, an output and outDims with structure compatible with the output. Got a Tensor instead',
    )
    expect(giving((x) => [x, 0, 0])).toContain('Got 3 returns instead')
    expect(giving((x) => [x, [null]])).toContain(
      "Gives: The autograd.Function's vmap static method returned an incompatible (output, outDims) tuple.",
    )
    expect(giving((x) => [x, 2])).toContain('Dimension out of range (expected to be in range of [-2, 1], but got 2)')
  })
  test('a vmap of its own that calls another Function is differentiated through it', () => {
    class Sum extends autograd.Function {
      static forward(x: Tensor): Tensor {
        return sum(square(x))
      }
      static setupContext(ctx: FunctionContext, [x]: [Tensor]): void {
        ctx.saveForBackward(x)
      }
      static backward(ctx: FunctionContext, ct: Tensor): Tensor {
        return mul(mul(ct, 2), ctx.savedTensors[0]!)
      }
      static vmap(_: VmapContext, [d]: [number], x: Tensor): [Tensor, number] {
        return [sum(square(x), 1 - d), 0]
      }
    }
    expect(distance(grad((x: Tensor) => sum(vmap((x: Tensor) => Sum.apply(x))(x)))(xs), mul(xs, 2))).toBeLessThan(1e-15)
    expect(distance(vmap(grad((x: Tensor) => Sum.apply(x)))(xs), mul(xs, 2))).toBeLessThan(1e-15)
  })
  test('draws in forward follow the randomness of the map', () => {
    class Noise extends autograd.Function {
      static generateVmapRule = true
      static forward(x: Tensor): Tensor {
        return add(x, rand(3))
      }
      static setupContext(): void {}
    }
    const y = vmap((x: Tensor) => Noise.apply(x), 0, 0, { randomness: 'different' })(random(2, 3).to('float32').mul(0))
    expect(distance(y.at(0), y.at(1))).toBeGreaterThan(0)
    expect(text(() => vmap((x: Tensor) => Noise.apply(x))(xs))).toContain('randomness error mode')
  })
  test('vjp over everything at once', () => {
    const f = (w: Tensor): Tensor => vmap((x: Tensor) => mul(dot(w, x), sin(dot(w, x))))(xs)
    const [y, pull] = vjp(f, [w])
    expect(distance(pull(y)[0], sum(mul(jacrev(f)(w), y.reshape([5, 1])), 0))).toBeLessThan(1e-13)
  })
})
