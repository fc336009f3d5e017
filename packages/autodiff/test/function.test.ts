import { type Tensor, add, exp, isTensor, mul, sin, square, sum, tensor } from '@mapgrad/tensor'
import { describe, expect, test } from 'vitest'
import { type FunctionContext, autograd, checkpoint, grad, hvp, jvp, vhp, vjp } from '../src/index.ts'
import { distance, f64, random } from './support.ts'

const message = (f: () => unknown): string => {
  try {
    f()
  } catch (e) {
    return (e as Error).message
  }
  throw new Error('nothing was raised')
}

class Cube extends autograd.Function {
  static forward(x: Tensor): [Tensor, Tensor] {
    return [mul(mul(x, x), x), mul(square(x), 3)]
  }
  static setupContext(ctx: FunctionContext, [x]: [Tensor], [, dx]: [Tensor, Tensor]): void {
    ctx.saveForBackward(x, dx)
    ctx.saveForForward(x, dx)
    ctx['factor'] = 6
  }
  static backward(ctx: FunctionContext, ct: Tensor, ctDx: Tensor): Tensor {
    const [x, dx] = ctx.savedTensors
    return add(mul(ct, dx!), mul(mul(ctDx, x!), ctx['factor'] as number))
  }
  static jvp(ctx: FunctionContext, t: Tensor): [Tensor, Tensor] {
    const [x, dx] = ctx.savedTensors
    return [mul(t, dx!), mul(mul(t, x!), ctx['factor'] as number)]
  }
}
const cube = (x: Tensor): Tensor => Cube.apply(x)[0]

describe('autograd.Function', () => {
  test('forward, backward, jvp; derivatives of higher order in every nesting of modes', () => {
    const d = (f: (x: Tensor) => Tensor) => (x: Tensor) => jvp(f, [x], [f64(1)])[1]
    const x = f64(2)
    expect(Cube.apply(x).map((y) => y.item())).toEqual([8, 12])
    for (const [f, want] of [
      [grad(cube), 12],
      [d(cube), 12],
      [grad(grad(cube)), 12],
      [d(d(cube)), 12],
      [d(grad(cube)), 12],
      [grad(d(cube)), 12],
      [d(d(d(cube))), 6],
      [grad(grad(grad(cube))), 6],
    ] as const)
      expect(f(x).item()).toBe(want)
  })
  test('nested forward mode, where torch.func gives zeros: x⁴ at 3', () => {
    class Fourth extends autograd.Function {
      static forward(x: Tensor): Tensor {
        return square(square(x))
      }
      static setupContext(ctx: FunctionContext, [x]: [Tensor]): void {
        ctx.saveForForward(x)
      }
      static jvp(ctx: FunctionContext, t: Tensor): Tensor {
        const [x] = ctx.savedTensors
        return mul(mul(t, 4), mul(square(x!), x!))
      }
    }
    const d = (f: (x: Tensor) => Tensor) => (x: Tensor) => jvp(f, [x], [f64(1)])[1]
    const f = (x: Tensor): Tensor => Fourth.apply(x)
    expect([d(f), d(d(f)), d(d(d(f)))].map((g) => g(f64(3)).item())).toEqual([108, 108, 72])
    expect(message(() => grad(f)(f64(3)))).toContain(
      '[autodiff] Fourth: You must implement either the backward or vjp method for your custom autograd.Function to use it with backward mode AD.',
    )
  })
  test('trees of arguments and outputs; numbers; needsInputGrad, at each level', () => {
    const needs: (readonly boolean[])[] = []
    class Affine extends autograd.Function {
      static forward(p: { w: Tensor; b: [Tensor] }, k: number, x: Tensor): { y: Tensor } {
        return { y: add(mul(mul(p.w, x), k), p.b[0]) }
      }
      static setupContext(ctx: FunctionContext, [p, k, x]: [{ w: Tensor; b: [Tensor] }, number, Tensor]): void {
        ctx.saveForBackward(p.w, x)
        ctx['k'] = k
        needs.push(ctx.needsInputGrad)
      }
      static vjp(ctx: FunctionContext, { y }: { y: Tensor }): unknown[] {
        const [w, x] = ctx.savedTensors
        const k = ctx['k'] as number
        return [{ w: mul(mul(y, x!), k), b: [y] }, null, mul(mul(y, w!), k)]
      }
    }
    const f = (p: { w: Tensor; b: [Tensor] }, x: Tensor): Tensor => sum(Affine.apply(p, 3, x).y)
    const [p, x] = [{ w: f64([2, 5]), b: [f64(1)] as [Tensor] }, f64([4, 7])]
    const [gp, gx] = grad(f, [0, 1])(p, x)
    expect([gp.w.tolist(), gp.b[0].item(), gx.tolist()]).toEqual([[12, 21], 2, [6, 15]])
    expect(grad((x: Tensor) => sum(grad(f)(p, x).w))(x).tolist()).toEqual([3, 3])
    expect(needs).toEqual([
      [true, false, true],
      [false, false, true],
      [true, false, false],
    ])
  })
  test('outputs marked as not differentiable; structural zeros as null', () => {
    const seen: boolean[][] = []
    class Pair extends autograd.Function {
      static forward(x: Tensor): [Tensor, Tensor, Tensor] {
        return [mul(x, 2), mul(x, 3), mul(x, 5)]
      }
      static setupContext(ctx: FunctionContext, _: unknown, [, y]: [Tensor, Tensor, Tensor]): void {
        ctx.markNonDifferentiable(y)
        ctx.setMaterializeGrads(false)
      }
      static backward(_: FunctionContext, ...cts: (Tensor | null)[]): Tensor {
        seen.push(cts.map((c) => isTensor(c)))
        return mul(cts[0] ?? cts[2]!, 10)
      }
    }
    const x = f64([1, 2])
    expect(grad((x: Tensor) => sum(Pair.apply(x)[0]))(x).tolist()).toEqual([10, 10])
    expect(grad((x: Tensor) => sum(Pair.apply(x)[1]))(x).tolist()).toEqual([0, 0])
    expect(grad((x: Tensor) => sum(add(Pair.apply(x)[2], Pair.apply(x)[1])))(x).tolist()).toEqual([10, 10])
    expect(seen).toEqual([
      [true, false, false],
      [false, false, true],
    ])
  })
  test('an input returned as it is', () => {
    class Same extends autograd.Function {
      static forward(x: Tensor): Tensor {
        return x
      }
      static setupContext(ctx: FunctionContext, [x]: [Tensor], y: Tensor): void {
        ctx.saveForBackward(x, y)
      }
      static backward(ctx: FunctionContext, ct: Tensor): Tensor {
        return mul(ct, add(ctx.savedTensors[0]!, ctx.savedTensors[1]!))
      }
    }
    expect(grad((x: Tensor) => Same.apply(x))(f64(3)).item()).toBe(6)
    // d(x + y), where the rule says dy = (x + y) dx
    expect(grad((x: Tensor) => grad((y: Tensor) => Same.apply(y))(x))(f64(3)).item()).toBe(7)
  })
  test('a backward marked with onceDifferentiable gives first derivatives and refuses second ones', () => {
    class Once extends autograd.Function {
      static forward(x: Tensor): Tensor {
        return square(x)
      }
      static setupContext(ctx: FunctionContext, [x]: [Tensor]): void {
        ctx.saveForBackward(x)
        ctx.saveForForward(x)
      }
      static jvp(ctx: FunctionContext, t: Tensor): Tensor {
        return mul(mul(t, 2), ctx.savedTensors[0]!)
      }
      static backward: (ctx: FunctionContext, ct: Tensor) => Tensor = autograd.onceDifferentiable((ctx: FunctionContext, ct: Tensor) =>
        mul(mul(ct, 2), ctx.savedTensors[0]!),
      )
    }
    const f = (x: Tensor): Tensor => Once.apply(x)
    expect(grad(f)(f64(3)).item()).toBe(6)
    expect(message(() => grad(grad(f))(f64(3)))).toContain(
      'trying to differentiate twice a function that was marked with onceDifferentiable',
    )
    expect(message(() => jvp(grad(f), [f64(3)], [f64(1)]))).toContain('trying to differentiate twice')
    // the gradient is a value like any other where nobody differentiates it
    expect(grad((x: Tensor) => mul(x, grad(f)(f64(3))))(f64(1)).item()).toBe(6)
  })
  test('inside checkpoint', () => {
    expect(grad(checkpoint(cube))(f64(2)).item()).toBe(12)
  })
  test('what is wrong is named', () => {
    const x = f64(2)
    class Legacy extends autograd.Function {
      static forward(x: Tensor): Tensor {
        return x
      }
      static backward(_: FunctionContext, ct: Tensor): Tensor {
        return ct
      }
    }
    expect(message(() => grad((x: Tensor) => Legacy.apply(x))(x))).toContain(
      '[autodiff] Legacy: In order to use an autograd.Function with functorch transforms (vmap, grad, jvp, jacrev, ...), it must override the setupContext static method.',
    )
    expect(Legacy.apply(x).item()).toBe(2)
    class Two extends Legacy {
      static setupContext(): void {}
      static override backward(_: FunctionContext, ct: Tensor): never {
        return [ct, ct] as never
      }
    }
    expect(message(() => grad((x: Tensor) => Two.apply(x))(x))).toContain(
      'function TwoBackward returned an incorrect number of gradients (expected 1, got 2)',
    )
    expect(message(() => jvp((x: Tensor) => Two.apply(x), [x], [x]))).toContain(
      'You must implement the jvp function for custom autograd.Function to use it with forward mode AD.',
    )
    class Both extends Legacy {
      static setupContext(): void {}
      static vjp(_: FunctionContext, ct: Tensor): Tensor {
        return ct
      }
    }
    expect(message(() => Both.apply(x))).toContain("Implementing both 'backward' and 'vjp' for a custom Function is not allowed")
  })
})

describe('autograd.functional', () => {
  const { functional } = autograd
  const f = (x: Tensor, y: Tensor): Tensor => mul(exp(x), sin(y))
  const [x, y, v] = [random(3), random(3), random(3)]
  test('vjp and jvp, of one Tensor and of several', () => {
    const [out, [gx, gy]] = functional.vjp(f, [x, y] as const, v)
    const [want, pull] = vjp(f, [x, y])
    expect([distance(out, want), distance(gx, pull(v)[0]), distance(gy, pull(v)[1])]).toEqual([0, 0, 0])
    expect(functional.vjp((x: Tensor) => sum(square(x)), x)[1].shape).toEqual([3])
    const [, t] = functional.jvp(f, [x, y] as const, [v, y] as const)
    expect(distance(t, jvp(f, [x, y], [v, y])[1])).toBe(0)
    expect(functional.jvp((x: Tensor) => [square(x), mul(x, 2)] as const, f64(3))[1].map((t) => t.item())).toEqual([6, 2])
  })
  test('hvp and vhp', () => {
    const g = (x: Tensor, y: Tensor): Tensor => sum(mul(f(x, y), square(x)))
    const [a, b] = [hvp(g, [x, y] as const, [v, y] as const), vhp(g, [x, y] as const, [v, y] as const)]
    expect(a[0].item()).toBe(g(x, y).item())
    for (const i of [0, 1] as const) {
      const want = jvp((x: Tensor, y: Tensor) => grad(g, i)(x, y), [x, y], [v, y])[1]
      expect(distance(a[1][i], want)).toBeLessThan(1e-14)
      expect(distance(b[1][i], want)).toBeLessThan(1e-14)
    }
    expect(hvp((x: Tensor) => mul(square(x), x), f64(2))[1].item()).toBe(12)
    expect(functional.hvp).toBe(hvp)
    expect(hvp((x: Tensor) => mul(square(x), x), f64([2]))[1].tolist()).toEqual([12])
    expect(functional.vjp((x: Tensor) => square(x), f64([[2]]))[1].tolist()).toEqual([[4]])
  })
  test('what does not depend: zeros, or refused in strict mode', () => {
    expect(functional.vjp((x: Tensor) => sum(x), [x, y] as const)[1][1].tolist()).toEqual([0, 0, 0])
    expect(message(() => functional.vjp((x: Tensor) => sum(x), [x, y] as const, null, { strict: true }))).toContain(
      'The output of the user-provided function is independent of input 1. This is not allowed in strict mode.',
    )
    expect(hvp((x: Tensor) => sum(x), x, v)[1].tolist()).toEqual([0, 0, 0])
    expect(message(() => vhp((x: Tensor) => sum(mul(x, 2)), x, v, { strict: true }))).toContain(
      'found that the jacobian of the user-provided function with respect to input 0 is independent of the input. This is not allowed in strict mode.',
    )
  })
  test('what is wrong is named', () => {
    expect(message(() => functional.vjp(sin, x))).toContain(
      'The vector v can only be None if the user-provided function returns a single Tensor with a single element.',
    )
    expect(message(() => functional.jvp(sin, x))).toContain(
      'The vector v can only be None if the input to the user-provided function is a single Tensor with a single element.',
    )
    expect(message(() => functional.vjp(sin, x, f64([1, 2])))).toContain('v has invalid size: should be [3] but got [2].')
    expect(message(() => functional.jvp(f, [x, y] as const, [x, f64([1, 2])] as const))).toContain(
      'Entry 1 in v has invalid size: should be [3] but got [2].',
    )
    expect(message(() => functional.jvp(f, [x, y] as const, [x] as never))).toContain(
      'v is a tuple of invalid length: should be 2 but got 1.',
    )
    expect(message(() => functional.vjp(sin, 1.5 as never))).toContain(
      'The inputs given to vjp must be either a Tensor or a tuple of Tensors but the given inputs has type number.',
    )
    expect(message(() => functional.vjp(f, [x, 3] as never))).toContain('but the value at index 1 has type number.')
    expect(message(() => hvp(sin, x, v))).toContain('The Tensor returned by the function given to hvp should contain a single element')
    expect(message(() => hvp((x: Tensor) => [x] as never, x, v))).toContain('The function given to hvp should return a single Tensor')
    expect(message(() => functional.vjp(sum, tensor([1, 2], { dtype: 'int32' })))).toContain(
      'only Tensors of floating point dtype can require gradients, got int32',
    )
  })
})
