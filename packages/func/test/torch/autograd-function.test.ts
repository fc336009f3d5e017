// Covers upstream's TestAutogradFunction, and what its guide says of autograd.Function under transforms: what the context does, in-place
// functions, inputs returned as they are. Rules that cannot be differentiated: -once; errors: -errors.
// Left out: unwrapping of dead wrappers and the name of the generated backward class (internals); `requires_grad` of the
// tensors that the samples start from (the tape outside of transforms has its own tests).

import {
  type FunctionContext,
  type Tensor,
  add,
  autograd,
  checkpoint,
  customJvp,
  customVjp,
  customVmap,
  exp,
  grad,
  isTensor,
  jacfwd,
  jacrev,
  jvp,
  linearize,
  mul,
  noGrad,
  ones,
  select,
  sin,
  square,
  stack,
  sum,
  tensor,
  vjp,
  vmap,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { distance, f64, raised, random } from '../rules.ts'
import { HostExp_ } from './host-functions.ts'

const text = (f: () => unknown): string => raised(f).message
type F = (x: Tensor) => Tensor
const d = (f: F): F => (x) => jvp(f, [x], [ones(x.shape, { dtype: 'float64' })])[1] // prettier-ignore

describe('the context', () => {
  test('without materialized gradients, what nobody uses arrives as null, at every level', () => {
    const seen: boolean[][] = []
    class Both extends autograd.Function {
      static forward(x: Tensor, y: Tensor): [Tensor, Tensor] {
        return [x, y]
      }
      static setupContext(ctx: FunctionContext): void {
        ctx.setMaterializeGrads(false)
      }
      static backward(_: FunctionContext, gx: Tensor | null, gy: Tensor | null): (Tensor | null)[] {
        seen.push([isTensor(gx), isTensor(gy)])
        return [gx, gy]
      }
    }
    const f = (y: Tensor, x: Tensor): Tensor => square(Both.apply(x, y)[0])
    expect(grad(f)(f64(3), f64(2)).item()).toBe(0)
    expect(grad(grad(f))(f64(3), f64(2)).item()).toBe(0)
    expect(grad(f, 1)(f64(3), f64(2)).item()).toBe(4)
    expect(grad(grad(f, 1), 1)(f64(3), f64(2)).item()).toBe(2)
    expect(seen.length).toBeGreaterThan(3)
    expect(seen.every(([x, y]) => x && !y)).toBe(true)
  })
  test('with them, zeros arrive', () => {
    const seen: unknown[] = []
    class Both extends autograd.Function {
      static forward(x: Tensor): [Tensor, { b: Tensor }] {
        return [mul(x, 2), { b: mul(x, 3) }]
      }
      static setupContext(): void {}
      static backward(_: FunctionContext, ga: Tensor, { b }: { b: Tensor }): Tensor {
        seen.push(ga.tolist(), b.tolist())
        return add(mul(ga, 2), mul(b, 3))
      }
    }
    expect(grad((x: Tensor) => sum(Both.apply(x)[1].b))(f64([1, 2])).tolist()).toEqual([3, 3])
    expect(seen).toEqual([
      [0, 0],
      [1, 1],
    ])
  })
  test('what is no tensor has null for a cotangent and for a tangent, inside of trees too', () => {
    const seen: unknown[] = []
    type P = { w: Tensor; k: number; names: string[] }
    class Mixed extends autograd.Function {
      static forward(p: P, how: string, n: Tensor): [Tensor, number[], { y: Tensor; note: string }] {
        return [mul(p.w, p.k), [1, 2], { y: add(p.w, n), note: how }]
      }
      static setupContext(): void {}
      static backward(_: FunctionContext, a: Tensor, numbers: unknown, { y, note }: { y: Tensor; note: unknown }): unknown[] {
        seen.push(numbers, note)
        return [{ w: add(mul(a, 3), y), k: null, names: null }, null, null]
      }
      static jvp(_: FunctionContext, { w, k, names }: P, how: unknown, n: unknown): unknown[] {
        seen.push(k, names, how, n)
        return [mul(w, 3), null, { y: w, note: null }]
      }
    }
    const f = (w: Tensor): Tensor => {
      const [a, ns, { y, note }] = Mixed.apply({ w, k: 3, names: ['a'] }, 'plain', tensor(2, { dtype: 'int32' }))
      expect([ns, note]).toEqual([[1, 2], 'plain'])
      return add(a, y)
    }
    expect(f(f64(5)).item()).toBe(22)
    expect(grad(f)(f64(5)).item()).toBe(4)
    expect(d(f)(f64(5)).item()).toBe(4)
    expect(seen).toEqual([null, null, null, [null], null, null])
  })
  test('needsInputGrad is about the level that asks', () => {
    const seen: (readonly boolean[])[] = []
    class Product extends autograd.Function {
      static forward(x: Tensor, y: Tensor): Tensor {
        return mul(x, y)
      }
      static setupContext(): void {}
      static backward(ctx: FunctionContext): (Tensor | null)[] {
        seen.push(ctx.needsInputGrad)
        return [null, null]
      }
    }
    const f = (x: Tensor, y: Tensor): Tensor => Product.apply(x, y)
    expect(grad(f)(f64(2), f64(3)).item()).toBe(0)
    grad(grad(f))(f64(2), f64(3))
    expect(seen.every(([x, y]) => x && !y)).toBe(true)
    seen.length = 0
    // the outer level differentiates by y alone
    grad((y: Tensor) => grad(f)(f64(2), y))(f64(3))
    expect(seen[0]).toEqual([true, false])
    seen.length = 0
    grad(f, [0, 1])(f64(2), f64(3))
    expect(seen).toEqual([[true, true]])
  })
  test('outputs without a derivative, in both modes', () => {
    class Split extends autograd.Function {
      static forward(x: Tensor): [Tensor, Tensor, Tensor] {
        return [mul(x, 2), mul(x, 100), x.to('int32')]
      }
      static setupContext(ctx: FunctionContext, _: unknown, [, y]: [Tensor, Tensor, Tensor]): void {
        ctx.markNonDifferentiable(y)
      }
      static backward(_: FunctionContext, ct: Tensor): Tensor {
        return mul(ct, 2)
      }
      static jvp(_: FunctionContext, dx: Tensor): (Tensor | null)[] {
        return [mul(dx, 2), mul(dx, 100), null]
      }
    }
    const f = (x: Tensor): Tensor => {
      const [a, b, c] = Split.apply(x)
      return sum(add(mul(a, b), c))
    }
    const x = f64([1.5, 2.5])
    expect(grad(f)(x).tolist()).toEqual([300, 500])
    expect(jvp(f, [x], [f64([1, 0])])[1].item()).toBe(300)
    expect(linearize(f, [x])[1](f64([0, 1])).item()).toBe(500)
    expect(jacfwd(f)(x).tolist()).toEqual([300, 500])
  })
  test('what is saved for one mode is not there in the other', () => {
    const saved: number[] = []
    class Mode extends autograd.Function {
      static forward(x: Tensor): Tensor {
        return exp(x)
      }
      static setupContext(ctx: FunctionContext, [x]: [Tensor], y: Tensor): void {
        ctx.saveForBackward(x, y, null)
        ctx.saveForForward(y)
        ctx['note'] = { kept: 1 }
      }
      static backward(ctx: FunctionContext, ct: Tensor): Tensor {
        saved.push(ctx.savedTensors.length)
        return mul(ct, ctx.savedTensors[(ctx['note'] as { kept: number }).kept]!)
      }
      static jvp(ctx: FunctionContext, dx: Tensor): Tensor {
        saved.push(ctx.savedTensors.length)
        return mul(dx, ctx.savedTensors[0]!)
      }
    }
    const f = (x: Tensor): Tensor => Mode.apply(x)
    expect(grad(f)(f64(0.5)).item()).toBe(Math.exp(0.5))
    expect(d(f)(f64(0.5)).item()).toBe(Math.exp(0.5))
    expect(saved).toEqual([3, 1])
    expect(d(d(d(f)))(f64(0.5)).item()).toBe(Math.exp(0.5))
  })
})

describe('an input returned as it is', () => {
  // 24 ways: inside another transform or not, by mode, by what is saved, marked as dirty or not
  for (const nested of [false, true])
    for (const mode of ['jvp', 'vjp'] as const)
      for (const save of ['input', 'output', 'neither'] as const)
        for (const dirty of [false, true])
          test(`${mode}, saves ${save}${dirty ? ', marked as dirty' : ''}${nested ? ', inside of grad' : ''}`, () => {
            class Same extends autograd.Function {
              static forward(x: Tensor): Tensor {
                return x
              }
              static setupContext(ctx: FunctionContext, [x]: [Tensor], y: Tensor): void {
                if (dirty) ctx.markDirty(x)
                const kept = save === 'input' ? [x] : save === 'output' ? [y] : []
                if (mode === 'jvp') ctx.saveForForward(...kept)
                else ctx.saveForBackward(...kept)
              }
              static backward(ctx: FunctionContext, ct: Tensor): Tensor {
                return mul(ct, ctx.savedTensors[0] ?? 5)
              }
              static jvp(ctx: FunctionContext, dx: Tensor): Tensor {
                return mul(dx, ctx.savedTensors[0] ?? 5)
              }
            }
            const same: boolean[] = []
            const f = (x: Tensor): Tensor => {
              const c = x.clone()
              const y = Same.apply(c)
              same.push(y === c)
              return y
            }
            const slope = mode === 'vjp' ? grad(f) : d(f)
            const at = save === 'neither' ? 5 : 2
            // the rule at the outer level, which saves nothing for backward in forward mode, says how the output moves
            const moves = save === 'neither' ? 0 : save === 'input' && !dirty ? 1 : mode === 'vjp' ? 2 : 5
            expect((nested ? grad(slope) : slope)(f64(2)).item()).toBe(nested ? moves : at)
            expect(same.every((s) => s === dirty)).toBe(true)
          })
  test('saved and differentiated twice: the input moves with 1, the output with the rule', () => {
    const saving = (which: 0 | 1): F => {
      class Same extends autograd.Function {
        static forward(x: Tensor): Tensor {
          return x
        }
        static setupContext(ctx: FunctionContext, [x]: [Tensor], y: Tensor): void {
          ctx.saveForBackward([x, y][which]!)
        }
        static backward(ctx: FunctionContext, ct: Tensor): Tensor {
          return mul(ct, ctx.savedTensors[0]!)
        }
      }
      return (x) => Same.apply(x)
    }
    expect([grad(grad(saving(0)))(f64(3)).item(), grad(grad(saving(1)))(f64(3)).item()]).toEqual([1, 3])
  })
})

describe('a function that writes into its argument', () => {
  const x = random(3)
  test('gives back the tensor that it was given, which has the new values and their derivative', () => {
    const f = (x: Tensor): Tensor => {
      const c = mul(x, 2)
      const y = HostExp_.apply(c)
      expect(y).toBe(c)
      return mul(c, x)
    }
    const want = (x: Tensor): Tensor => mul(exp(mul(x, 2)), x)
    expect(distance(f(x), want(x))).toBeLessThan(1e-15)
    expect(distance(grad((x: Tensor) => sum(f(x)))(x), grad((x: Tensor) => sum(want(x)))(x))).toBeLessThan(1e-14)
    expect(distance(d(f)(x), d(want)(x))).toBeLessThan(1e-14)
    expect(distance(d(d(f))(x), d(d(want))(x))).toBeLessThan(1e-13)
    expect(distance(vmap(f)(x), want(x))).toBeLessThan(1e-15)
    expect(distance(vmap(grad(f))(x), vmap(grad(want))(x))).toBeLessThan(1e-14)
  })
  test('of a view: what it is a view of has the new values', () => {
    const f = (x: Tensor): Tensor => {
      const c = mul(x, 2)
      HostExp_.apply(select(c, 0, 1))
      return c
    }
    const want = (x: Tensor): Tensor => stack([mul(x.at(0), 2), exp(mul(x.at(1), 2)), mul(x.at(2), 2)])
    expect(distance(f(x), want(x))).toBeLessThan(1e-15)
    expect(distance(jacrev(f)(x), jacrev(want)(x))).toBeLessThan(1e-14)
    expect(distance(jacfwd(f)(x), jacfwd(want)(x))).toBeLessThan(1e-14)
  })
  test('leaves and captured tensors are refused, as for any operation in place', () => {
    expect(text(() => grad((x: Tensor) => sum(HostExp_.apply(x)))(x))).toContain(
      'a leaf Variable that requires grad is being used in an in-place operation',
    )
    const captured = random(3)
    expect(text(() => grad((x: Tensor) => sum(mul(x, HostExp_.apply(captured))))(x))).toContain(
      'that would mutate a captured Tensor. This is not supported',
    )
  })
  test('what is written into must be returned', () => {
    class Lost extends autograd.Function {
      static forward(x: Tensor): Tensor {
        x.mul_(2)
        return sum(x)
      }
      static setupContext(): void {}
      static backward(_: FunctionContext, ct: Tensor): Tensor {
        return ct
      }
    }
    const message =
      '[autodiff] Lost: Some elements marked as dirty during the forward method were not returned as output. The inputs that are modified inplace must all be outputs of the Function.'
    expect(text(() => grad((x: Tensor) => Lost.apply(mul(x, 2)))(x))).toContain(message)
    class Marked extends autograd.Function {
      static forward(x: Tensor): Tensor {
        return sum(x)
      }
      static setupContext(ctx: FunctionContext, [x]: [Tensor]): void {
        ctx.markDirty(x)
      }
    }
    expect(text(() => grad((x: Tensor) => Marked.apply(mul(x, 2)))(x))).toContain(message.replace('Lost', 'Marked'))
  })
  test('rules may work in place, through views too, on what they are given and what they make', () => {
    class Scaled extends autograd.Function {
      static generateVmapRule = true
      static forward(x: Tensor): Tensor {
        const y = x.clone()
        select(y, 0, 0).mul_(10)
        return y
      }
      static setupContext(): void {}
      static backward(_: FunctionContext, ct: Tensor): Tensor {
        select(ct, 0, 0).mul_(10)
        return ct
      }
      static jvp(_: FunctionContext, dx: Tensor): Tensor {
        select(dx, 0, 0).mul_(10)
        return dx
      }
    }
    const f: F = (x) => add(Scaled.apply(x), x)
    const want = (x: Tensor): Tensor => add(mul(x, f64([10, 1, 1])), x)
    const xs = random(4, 3)
    expect(distance(vjp(f, [x])[0], want(x))).toBe(0)
    for (const j of [jacrev, jacfwd]) expect(distance(j(f)(x), j(want)(x))).toBe(0)
    expect(distance(vmap(f)(xs), vmap(want)(xs))).toBe(0)
    expect(distance(vmap(grad((x: Tensor) => sum(sin(f(x)))))(xs), vmap(grad((x: Tensor) => sum(sin(want(x)))))(xs))).toBeLessThan(1e-14)
    // the same of the other functions that take functions
    const written = (x: Tensor): Tensor => {
      const y = mul(x, 2)
      select(y, 0, 0).mul_(10)
      return y
    }
    expect(grad((x: Tensor) => sum(checkpoint(written)(x)))(x).tolist()).toEqual([20, 2, 2])
    expect(vmap(customVmap((x: Tensor) => x, (_, __, x) => [written(x.movedim(0, 0)), 0]))(ones(3, 1)).tolist()).toEqual([[20], [2], [2]]) // prettier-ignore
    expect(grad((x: Tensor) => sum(mul(x, noGrad(written)(x))))(x).tolist()).toEqual(written(x).tolist())
    const hand = customVjp(written, { forward: (x) => [written(x), null], backward: (_, ct) => [written(ct)] })
    expect(distance(vjp(hand, [x])[0], written(x))).toBe(0)
    expect(grad((x: Tensor) => sum(hand(x)))(x).tolist()).toEqual([20, 2, 2])
    const pushed = customJvp(written, ([x], [dx]) => [written(x), written(dx)])
    expect(d(pushed)(x).tolist()).toEqual([20, 2, 2])
    expect(text(() => grad((x: Tensor) => sum(checkpoint((x: Tensor) => x.mul_(2))(mul(x, 1))))(x))).toContain(
      '[autodiff] checkpoint: expected a function that leaves its arguments as they are, since it may be called again, got one that writes into them. Work on x.clone()',
    )
  })
})
