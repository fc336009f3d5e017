// Covers what upstream's TestAutogradFunction says of onceDifferentiable (an expected failure there), and of a backward or jvp that computes
// with numbers: first derivatives are right, second ones raise instead of being zero.

import {
  type FunctionContext,
  type Tensor,
  autograd,
  cond,
  customVjp,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jvp,
  linearize,
  mul,
  noGrad,
  ones,
  square,
  tensor,
  vjp,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { f64, numbers, raised } from '../rules.ts'

const text = (f: () => unknown): string => raised(f).message
type F = (x: Tensor) => Tensor
const d = (f: F): F => (x) => jvp(f, [x], [ones(x.shape, { dtype: 'float64' })])[1] // prettier-ignore

describe('a backward that cannot be differentiated', () => {
  /** x³ with numbers from the host. */
  class Once extends autograd.Function {
    static forward(x: Tensor): [Tensor, number[]] {
      const v = numbers(x)
      return [f64(v.map((a) => a ** 3)).reshape(x.shape), v]
    }
    static setupContext(ctx: FunctionContext, _: unknown, [, v]: [Tensor, number[]]): void {
      ctx['v'] = v
    }
    static jvp(ctx: FunctionContext, dx: Tensor): [Tensor, null] {
      return [mul(dx, f64((ctx['v'] as number[]).map((a) => 3 * a * a)).reshape(dx.shape)), null]
    }
    static backward: (ctx: FunctionContext, ct: Tensor) => Tensor = autograd.onceDifferentiable((ctx: FunctionContext, ct: Tensor) =>
      mul(ct, f64((ctx['v'] as number[]).map((a) => 3 * a * a)).reshape(ct.shape)),
    )
  }
  const f = (x: Tensor): Tensor => Once.apply(x)[0]
  test('marked: first derivatives are right, second ones raise in every composition, by the input and by the cotangent', () => {
    const x = f64(2)
    const twice = 'trying to differentiate twice a function that was marked with onceDifferentiable'
    expect(grad(f)(x).item()).toBe(12)
    expect(jacrev(f)(f64([1, 2])).tolist()).toEqual([
      [3, 0],
      [0, 12],
    ])
    const pulled = (x: Tensor, ct: Tensor): Tensor => vjp(f, [x])[1](ct)[0]
    for (const argnums of [0, 1] as const) expect(text(() => grad(pulled, argnums)(x, f64(1)))).toContain(twice)
    for (const t of [grad, jacrev, jacfwd, d] as ((f: F) => F)[]) expect(text(() => t(grad(f))(x))).toContain(twice)
    expect(text(() => hessian(f)(x))).toContain(twice)
    expect(text(() => linearize(grad(f), [x])[1](x))).toContain(twice)
  })
  test('unmarked, made of numbers that were read: the same, where PyTorch raises too', () => {
    class Reads extends autograd.Function {
      static forward(x: Tensor): Tensor {
        return square(x)
      }
      static setupContext(ctx: FunctionContext, [x]: [Tensor]): void {
        ctx.saveForBackward(x)
        ctx.saveForForward(x)
      }
      static backward(ctx: FunctionContext, ct: Tensor): Tensor {
        const [a, b] = [numbers(ct), numbers(ctx.savedTensors[0]!)]
        return f64(a.map((v, i) => 2 * v * b[i]!)).reshape(ct.shape)
      }
      static jvp(ctx: FunctionContext, dx: Tensor): Tensor {
        const [a, b] = [numbers(dx), numbers(ctx.savedTensors[0]!)]
        return f64(a.map((v, i) => 2 * v * b[i]!)).reshape(dx.shape)
      }
    }
    class ReadsEarly extends Reads {
      static override setupContext(ctx: FunctionContext, [x]: [Tensor]): void {
        ctx['b'] = numbers(x)
        ctx.saveForForward(x)
      }
      static override backward(ctx: FunctionContext, ct: Tensor): Tensor {
        return f64((ctx['b'] as number[]).map((v) => 2 * v)).reshape(ct.shape)
      }
    }
    const hand = customVjp((x: Tensor) => square(x), {
      forward: (x) => [square(x), x],
      backward: (x, ct) => [f64(numbers(x).map((v, i) => 2 * v * numbers(ct)[i]!)).reshape(ct.shape)],
    })
    const told = 'read numbers out of a tensor that is being differentiated'
    const x = f64(3)
    for (const f of [(x: Tensor) => Reads.apply(x), (x: Tensor) => ReadsEarly.apply(x), hand] as F[]) {
      expect(grad(f)(x).item()).toBe(6)
      expect(text(() => grad(grad(f))(x))).toContain(told)
      expect(text(() => d(grad(f))(x))).toContain(told)
      // a value like any other where nobody differentiates it
      expect(grad((y: Tensor) => mul(y, grad(f)(x)))(f64(1)).item()).toBe(6)
      expect(grad((y: Tensor) => mul(y, grad(f)(noGrad((z: Tensor) => z)(y))))(x).item()).toBe(6)
    }
    const g = (x: Tensor): Tensor => Reads.apply(x)
    expect(d(g)(x).item()).toBe(6)
    expect(text(() => d(d(g))(x))).toContain(told)
    expect(text(() => grad(d(g))(x))).toContain(told)
  })
  test('the same outside of transforms, for tensors that require gradients', () => {
    class Reads extends autograd.Function {
      static forward(x: Tensor): Tensor {
        return square(x)
      }
      static setupContext(ctx: FunctionContext, [x]: [Tensor]): void {
        ctx.saveForBackward(x)
      }
      static backward(ctx: FunctionContext, ct: Tensor): Tensor {
        return f64(2 * (ct.item() as number) * (ctx.savedTensors[0]!.item() as number))
      }
    }
    for (const [g, told] of [
      [f, 'trying to differentiate twice'],
      [(x: Tensor) => Reads.apply(x), 'read numbers out of a tensor that is being differentiated'],
    ] as const) {
      const first = tensor(3, { dtype: 'float64', requiresGrad: true })
      g(first).backward()
      expect(first.grad!.item()).toBe(g === f ? 27 : 6)
      const [x, ct] = [tensor(3, { dtype: 'float64', requiresGrad: true }), tensor(1, { dtype: 'float64', requiresGrad: true })]
      const [again] = autograd.grad(g(x), [x], null, { createGraph: true })
      expect(text(() => again!.backward())).toContain(told)
      // of a pullback made under a transform
      expect(text(() => vjp(g, [x])[1](ct)[0].backward())).toContain(told)
    }
  })
  test('reading to choose a way is no harm, where tensors are what is returned', () => {
    class Chooses extends autograd.Function {
      static forward(x: Tensor): Tensor {
        return x.abs()
      }
      static setupContext(ctx: FunctionContext, [x]: [Tensor]): void {
        ctx.saveForBackward(x)
      }
      static backward(ctx: FunctionContext, ct: Tensor): Tensor {
        const [x] = ctx.savedTensors as [Tensor]
        return (x.item() as number) > 0 ? mul(ct, square(x)) : ct.neg()
      }
    }
    expect(grad(grad((x: Tensor) => Chooses.apply(x)))(f64(3)).item()).toBe(6)
    class Conds extends Chooses {
      static override backward(ctx: FunctionContext, ct: Tensor): Tensor {
        return cond(ctx.savedTensors[0]!.gt(0), (c: Tensor) => mul(c, 1), (c: Tensor) => c.neg(), [ct]) // prettier-ignore
      }
    }
    expect(grad(grad((x: Tensor) => Conds.apply(x)))(f64(3)).item()).toBe(0)
  })
})
