// Covers what upstream's TestAutogradFunction and TestComposability say of an autograd.Function that lacks a rule or whose rules
// give something else, with PyTorch's texts.
// Left out: the saved-tensor hooks (there are none; checkpoint has its own tests).

import {
  type FunctionContext,
  type Tensor,
  autograd,
  functionalize,
  grad,
  gradAndValue,
  hessian,
  jacfwd,
  jacrev,
  jvp,
  linearize,
  ones,
  sin,
  sum,
  tensor,
  vjp,
  vmap,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { distance, raised, random } from '../rules.ts'

const text = (f: () => unknown): string => raised(f).message
type F = (x: Tensor) => Tensor
const d = (f: F): F => (x) => jvp(f, [x], [ones(x.shape, { dtype: 'float64' })])[1] // prettier-ignore

describe('what is wrong is named', () => {
  const x = random(3)
  const transforms: Record<string, (f: F) => (x: Tensor) => unknown> = {
    vmap,
    grad,
    jacrev,
    jacfwd,
    gradAndValue,
    hessian,
    linearize: (f) => (x) => linearize(f, [x]),
  }
  class Legacy extends autograd.Function {
    static forward(x: Tensor): Tensor {
      return sin(x)
    }
    static backward(_: FunctionContext, ct: Tensor): Tensor {
      return ct
    }
  }
  for (const [name, transform] of Object.entries(transforms))
    test(`without setupContext under ${name}`, () => {
      expect(text(() => transform((x) => Legacy.apply(x))(x))).toContain(
        '[autodiff] Legacy: In order to use an autograd.Function with functorch transforms (vmap, grad, jvp, jacrev, ...), it must override the setupContext static method.',
      )
    })
  test('without setupContext it runs where no transform asks for a rule', () => {
    expect(distance(Legacy.apply(x), sin(x))).toBe(0)
    expect(distance(functionalize((x: Tensor) => Legacy.apply(x))(x), sin(x))).toBe(0)
  })
  const giving = (backward: (ct: Tensor) => unknown, forward: (x: Tensor) => unknown = sin): typeof Legacy => {
    class Gives extends autograd.Function {
      static forward(x: Tensor): Tensor {
        return forward(x) as Tensor
      }
      static setupContext(): void {}
      static backward(_: FunctionContext, ct: Tensor): Tensor {
        return backward(ct) as Tensor
      }
      static jvp(_: FunctionContext, dx: Tensor): Tensor {
        return backward(dx) as Tensor
      }
    }
    return Gives
  }
  const back = (f: (ct: Tensor) => unknown): string => text(() => vjp((x: Tensor) => giving(f).apply(x), [x])[1](x))
  const forth = (f: (ct: Tensor) => unknown): string => text(() => jvp((x: Tensor) => giving(f).apply(x), [x], [x]))
  test('what backward gives', () => {
    expect(back((ct) => [ct, ct])).toContain(
      '[autodiff] Gives: function GivesBackward returned an incorrect number of gradients (expected 1, got 2)',
    )
    expect(back(() => [])).toContain('(expected 1, got 0)')
    expect(back(() => undefined)).toContain(
      '[autodiff] Gives: expected backward to return one gradient an argument (a tree like it, or null), got undefined. Is a return missing?',
    )
    expect(back(() => 3)).toContain("expected backward's result 0 to be a Tensor or null, got number")
    expect(back(() => random(2))).toContain(
      "expected backward's result 0 of the shape of its argument: got [2] but expected shape compatible with [3]",
    )
    expect(vjp((x: Tensor) => giving((ct) => [ct, null, null]).apply(x), [x])[1](x)[0].tolist()).toEqual(x.tolist())
    expect(vjp((x: Tensor) => giving(() => null).apply(x), [x])[1](x)[0].tolist()).toEqual([0, 0, 0])
  })
  test('what jvp gives', () => {
    expect(forth(() => undefined)).toContain('expected jvp to return the tangent of the output (a tree like it, or null), got undefined')
    expect(forth(() => 3)).toContain("[autodiff] Gives: expected jvp's result to be a Tensor or null, got number")
    expect(forth((dx) => [dx])).toContain("expected jvp's result to be a Tensor or null, got an array of 1")
    expect(forth(() => random(2))).toContain("expected jvp's result of the shape of its output: got [2] but expected [3]")
    // a gradient may have axes too many, a tangent may not
    expect(forth(() => random(2, 3))).toContain('got [2, 3] but expected [3]')
    expect(jvp((x: Tensor) => giving(() => null).apply(x), [x], [x])[1].tolist()).toEqual([0, 0, 0])
    const two = giving((dx) => [dx], (x) => [x, x]) // prettier-ignore
    expect(text(() => jvp((x: Tensor) => two.apply(x), [x], [x]))).toContain(
      "expected jvp's result to be a tree like the output it belongs to, or null, got an array of 1",
    )
  })
  test('a rule that is missing, both names of one, an instance', () => {
    class None extends autograd.Function {
      static generateVmapRule = true
      static forward(x: Tensor): Tensor {
        return sin(x)
      }
      static setupContext(): void {}
    }
    const none: F = (x) => None.apply(x)
    for (const f of [grad((x: Tensor) => sum(none(x))), jacrev(none), vmap(grad((x: Tensor) => None.apply(x)))])
      expect(text(() => f(x))).toContain(
        'You must implement either the backward or vjp method for your custom autograd.Function to use it with backward mode AD.',
      )
    for (const f of [d(none), jacfwd(none)])
      expect(text(() => f(x))).toContain('You must implement the jvp function for custom autograd.Function to use it with forward mode AD.')
    class Two extends None {
      static backward(): void {}
      static vjp(): void {}
    }
    expect(text(() => grad((x: Tensor) => sum(Two.apply(x)))(x))).toContain(
      "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should only implement one of them.",
    )
    expect(text(() => new None())).toContain(
      '[autodiff] None: should not be instantiated. Methods on autograd functions are all static, so you should invoke them on the class itself: None.apply(...)',
    )
    class Async extends None {
      static override forward(x: Tensor): Tensor {
        return Promise.resolve(x) as never
      }
    }
    expect(text(() => grad((x: Tensor) => Async.apply(x))(x))).toContain('expected a synchronous function, got one that returned a Promise')
  })
  test('an error in a rule is the caller’s, and leaves nothing behind', () => {
    const broken = giving(() => {
      throw new Error('my own')
    })
    expect(text(() => grad((x: Tensor) => sum(broken.apply(x)))(x))).toBe('my own')
    expect(text(() => d((x) => broken.apply(x))(x))).toBe('my own')
    expect(grad((x: Tensor) => sum(sin(x)))(tensor([0])).tolist()).toEqual([1])
  })
})
