// Covers upstream's TestAutogradFunctionVmapAPI, what TestHelpers says of the gradients of arguments without examples, and trees as
// arguments of autograd.Function, customVjp, customJvp and customVmap (which torch.func does not track).
// Left out: tensors as keyword-only arguments (there are no such arguments), the wrapping of saved tensors (internal).

import {
  type FunctionContext,
  type Tensor,
  type VmapContext,
  add,
  autograd,
  customJvp,
  customVjp,
  customVmap,
  grad,
  jacrev,
  jvp,
  matmul,
  mul,
  ones,
  select,
  sin,
  square,
  stack,
  sum,
  tensor,
  tree,
  vjp,
  vmap,
  zeros,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { distance, f64, raised, random } from '../rules.ts'

const text = (f: () => unknown): string => raised(f).message
type Dims = readonly unknown[]

/** A function that nobody should run, with a batching rule. */
const ruled = (rule: (info: VmapContext, inDims: Dims, ...args: never[]) => unknown): { apply: (...args: unknown[]) => Tensor } => {
  class Ruled extends autograd.Function {
    static forward(): never {
      throw new Error('forward was called')
    }
    static setupContext(): void {}
    static vmap(info: VmapContext, inDims: Dims, ...args: never[]): unknown {
      return rule(info, inDims, ...args)
    }
  }
  return Ruled as never
}

describe('the vmap static method', () => {
  test('is told the number of examples and the randomness', () => {
    const seen: VmapContext[] = []
    const F = ruled((info, dims, x) => {
      seen.push(info)
      return [x, dims[0]]
    })
    const x = random(7, 3)
    for (const randomness of ['error', 'different', 'same'] as const) vmap((x: Tensor) => F.apply(x), { randomness })(x)
    expect(seen).toEqual(['error', 'different', 'same'].map((randomness) => ({ batchSize: 7, randomness })))
  })
  test('is told where the examples of each argument lie, in the structure of the arguments', () => {
    const seen: Dims[] = []
    const F = ruled((_, dims, x) => {
      seen.push(dims)
      return [x, dims[0]]
    })
    const x = random(3, 7)
    const f = (...xs: unknown[]): Tensor => F.apply(...xs)
    expect(distance(vmap(f, 1)(x), x.t())).toBe(0)
    expect(distance(vmap(f, [1])(x), x.t())).toBe(0)
    vmap(f, [-1])(x)
    vmap(f)(random(2), [random(2), random(2)])
    vmap(f, [0, { a: null, b: 1 }, null])(random(2), { a: random(3), b: random(4, 2) }, 'text')
    vmap(f, [0, null, null])(random(2), 3, null)
    expect(seen).toEqual([[1], [1], [1], [0, [0, 0]], [0, { a: null, b: 1 }, null], [0, null, null]])
  })
  test('is not called where no argument has examples of this level', () => {
    class Id extends autograd.Function {
      static forward(x: Tensor): Tensor {
        return mul(x, 2)
      }
      static setupContext(): void {}
      static vmap(): never {
        throw new Error('expected to not be called')
      }
    }
    const y = random(3)
    expect(distance(vmap((x: Tensor) => add(x, Id.apply(y)))(zeros(2, 3, { dtype: 'float64' })).at(1), mul(y, 2))).toBe(0)
    // an outer level has examples of it, the inner one none
    const calls: number[] = []
    class Counts extends Id {
      static override vmap(...[info, , x]: unknown[]): never {
        calls.push((info as VmapContext).batchSize)
        return [Counts.apply(x as Tensor), 0] as never
      }
    }
    const table = vmap((x: Tensor) => vmap((z: Tensor) => add(Counts.apply(x), mul(z, 0)))(random(5)))(y)
    expect([table.shape, calls]).toEqual([[3, 5], [3]])
  })
  test('may give outputs without examples: they are repeated', () => {
    const one = ruled((_, dims, x: Tensor) => {
      expect(dims).toEqual([0])
      return [zeros(x.shape.slice(1)), null]
    })
    expect(vmap((x: Tensor) => one.apply(x))(random(2, 3)).tolist()).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ])
    const two = ruled((_, __, x: Tensor) => [[ones(x.shape.slice(1)), x], null]) as unknown as { apply: (x: Tensor) => [Tensor, Tensor] }
    const [a, b] = vmap((x: Tensor) => two.apply(x))(random(2, 3))
    expect([a.shape, b.shape]).toEqual([
      [2, 3],
      [2, 2, 3],
    ])
    expect(vmap((x: Tensor) => two.apply(x), 0, [null, 1])(random(2, 3))[0].shape).toEqual([3])
  })
  test('what is wrong is named', () => {
    const run = (result: (x: Tensor) => unknown): string =>
      text(() => vmap((x: Tensor) => ruled((_, __, x: Tensor) => result(x)).apply(x))(random(2, 3)))
    expect(run((x) => x)).toContain(
      '[autodiff] Ruled: Expected the vmap static method to have two returns, an output and outDims with structure compatible with the output. Got a Tensor instead',
    )
    expect(run((x) => [x, x, 0, 0])).toContain('Got 4 returns instead')
    expect(run(() => undefined)).toContain('Got a undefined instead')
    expect(run((x) => [x, [null]])).toContain(
      "[autodiff] Ruled: The autograd.Function's vmap static method returned an incompatible (output, outDims) tuple. Expected outDims=[null] to be compatible with the structure of `output`. outDims has structure [null] but output has structure *.",
    )
    expect(run((x) => [[x], [0, 0]])).toContain(
      'Expected outDims=[0, 0] to be compatible with the structure of `output`. outDims has structure [*, *] but output has structure [*].',
    )
    expect(run((x) => [x, 'front'])).toContain('Expected outDims="front" to be compatible')
    expect(run((x) => [x, -3])).toContain('Dimension out of range (expected to be in range of [-2, 1], but got -3) in outDims')
    class Cube extends autograd.Function {
      static forward(x: Tensor): Tensor {
        return x
      }
      static setupContext(): void {}
    }
    expect(text(() => vmap((x: Tensor) => Cube.apply(x))(random(3)))).toContain(
      'You tried to vmap over Cube, but it does not have vmap support. Please override and implement the vmap static method or set generateVmapRule=true.',
    )
    class Two extends Cube {
      static generateVmapRule = true
      static vmap(): never {
        throw new Error('not called')
      }
    }
    expect(text(() => vmap((x: Tensor) => Two.apply(x))(random(3)))).toContain(
      'You tried to vmap over Two, but it has both generateVmapRule=true and an overridden vmap static method. Please set generateVmapRule=false or delete the overridden vmap static method to avoid ambiguity.',
    )
  })
})

/** W x + b for one example, with derivatives that are 10, 100 and 1000 times too large, so that one sees whose they are. */
class Affine extends autograd.Function {
  static generateVmapRule = true
  static forward(p: { W: Tensor; b: Tensor }, x: Tensor, k: number): { y: Tensor } {
    return { y: add(mul(matmul(p.W, x), k), p.b) }
  }
  static setupContext(ctx: FunctionContext, [p, x, k]: [{ W: Tensor; b: Tensor }, Tensor, number]): void {
    ctx.saveForBackward(p.W, x)
    ctx.saveForForward(p.W, x)
    ctx['k'] = k
  }
  static backward(ctx: FunctionContext, { y }: { y: Tensor }): unknown[] {
    const [W, x] = ctx.savedTensors as [Tensor, Tensor]
    const ct = mul(y, ctx['k'] as number)
    return [{ W: mul(mul(ct.unsqueeze(-1), x), 10), b: mul(y, 100) }, mul(matmul(ct, W), 1000), null]
  }
  static jvp(ctx: FunctionContext, dp: { W: Tensor; b: Tensor }, dx: Tensor): { y: Tensor } {
    const [W, x] = ctx.savedTensors as [Tensor, Tensor]
    const k = ctx['k'] as number
    return { y: add(mul(add(mul(matmul(dp.W, x), 10), mul(matmul(W, dx), 1000)), k), mul(dp.b, 100)) }
  }
}

describe('generateVmapRule', () => {
  const [W, b, x] = [random(4, 3), random(4), random(3)]
  const many = { W: random(5, 4, 3), b: random(5, 4), x: random(5, 3) }
  const f = (W: Tensor, b: Tensor, x: Tensor): Tensor => Affine.apply({ W, b }, x, 2).y
  type Args = [Tensor, Tensor, Tensor]
  // every choice of which arguments have examples, and where
  for (const [dW, db, dx] of [
    [0, 0, 0],
    [2, 1, 1],
    [0, null, null],
    [null, -1, null],
    [null, null, 0],
    [1, null, -1],
    [null, 0, 1],
    [-1, 0, null],
  ] as const) {
    const given = (all: Tensor, one: Tensor, d: number | null): Tensor => (d === null ? one : all.movedim(0, d))
    const args: Args = [given(many.W, W, dW), given(many.b, b, db), given(many.x, x, dx)]
    const dims = [dW, db, dx] as const
    const example = (k: number): Args => args.map((a, i) => (dims[i] === null ? a : select(a, dims[i]!, k))) as Args
    const each = <R>(g: (...xs: Args) => R): R[] => [0, 1, 2, 3, 4].map((k) => g(...example(k)))
    test(`examples at ${JSON.stringify(dims)}: what is shared gets the sum of the gradients`, () => {
      const ct = random(5, 4)
      const mapped = vmap(f, [...dims])
      expect(distance(mapped(...args), stack(each(f)))).toBeLessThan(1e-15)
      const grads = vjp(mapped, args)[1](ct)
      const parts = each((...xs) => xs).map((xs, k) => vjp(f, xs)[1](ct.at(k)))
      dims.forEach((d, i) => {
        const all = stack(parts.map((p) => p[i]!))
        expect(distance(grads[i]!, d === null ? sum(all, 0) : all.movedim(0, d))).toBeLessThan(1e-12)
      })
      const moves = args.map((a) => random(...a.shape)) as Args
      const [, dy] = jvp(mapped, args, moves)
      const at = (k: number): Args => moves.map((m, i) => (dims[i] === null ? m : select(m, dims[i]!, k))) as Args
      expect(distance(dy, stack([0, 1, 2, 3, 4].map((k) => jvp(f, example(k), at(k))[1])))).toBeLessThan(1e-12)
      const perExample = vmap(
        grad((...xs: Args) => sum(sin(f(...xs))), [0, 1, 2]),
        [...dims],
      )(...args)
      const want = each(grad((...xs: Args) => sum(sin(f(...xs))), [0, 1, 2]))
      perExample.forEach((g, i) => expect(distance(g, stack(want.map((w) => w[i]!)))).toBeLessThan(1e-12))
    })
  }
  test('a gradient with axes too many, or of broadcasting, is summed for each example', () => {
    class Add extends autograd.Function {
      static generateVmapRule = true
      static forward(x: Tensor, y: Tensor): Tensor {
        return add(x, y)
      }
      static setupContext(): void {}
      static backward(_: FunctionContext, ct: Tensor): Tensor[] {
        return [ct, stack([ct, ct])]
      }
    }
    const g = vmap(grad((x: Tensor, y: Tensor) => sum(mul(Add.apply(x, y), f64([1, 2, 3]))), [0, 1]))(random(4, 1), random(4, 2, 3))
    expect(g[0].tolist()).toEqual([[12], [12], [12], [12]])
    expect(g[1].shape).toEqual([4, 2, 3])
    expect(g[1].at(3, 1).tolist()).toEqual([2, 4, 6])
  })
  test('integers, booleans and what is no tensor are passed through; gradients that are null too', () => {
    class Pick extends autograd.Function {
      static generateVmapRule = true
      static forward(x: Tensor, i: Tensor, how: { negate: boolean }): Tensor {
        const y = x.indexSelect(0, i.reshape([1])).reshape([])
        return how.negate ? y.neg() : y
      }
      static setupContext(ctx: FunctionContext, [x, i, how]: [Tensor, Tensor, { negate: boolean }]): void {
        Object.assign(ctx, { i, how, n: x.shape[0] })
      }
      static backward(ctx: FunctionContext, ct: Tensor): unknown[] {
        const { i, how, n } = ctx as unknown as { i: Tensor; how: { negate: boolean }; n: number }
        const g = zeros(n, { dtype: 'float64' }).indexAdd(0, i.reshape([1]), ct.reshape([1]))
        return [how.negate ? g.neg() : g, null, null]
      }
    }
    const i = tensor([2, 0], { dtype: 'int32' })
    const f = (x: Tensor, i: Tensor): Tensor => Pick.apply(x, i, { negate: true })
    expect(vmap(grad(f), [null, 0])(f64([5, 6, 7]), i).tolist()).toEqual([
      [-0, -0, -1],
      [-1, -0, -0],
    ])
    expect(grad((x: Tensor) => sum(vmap(f, [null, 0])(x, i)))(f64([5, 6, 7])).tolist()).toEqual([-1, 0, -1])
  })
  test('rules that read numbers say why they cannot', () => {
    class Reads extends autograd.Function {
      static generateVmapRule = true
      static forward(x: Tensor): Tensor {
        return f64(x.tolist() as number[])
      }
      static setupContext(): void {}
    }
    expect(text(() => vmap((x: Tensor) => Reads.apply(x))(random(2, 3)))).toContain('vmap')
  })
})

describe('trees as arguments', () => {
  type P = { w: Tensor; rest: [Tensor, { k: number }]; more: Map<string, Tensor>; none: null }
  const p = (...shape: number[]): P => ({
    w: random(...shape),
    rest: [random(...shape), { k: 3 }],
    more: new Map([['a', random(...shape)]]),
    none: null,
  })
  const value = (p: P, x: Tensor): { y: Tensor; z: [Tensor] } => ({
    y: mul(mul(p.w, x), p.rest[1].k),
    z: [add(mul(p.rest[0], x), square(p.more.get('a')!))],
  })
  // twice the derivative
  const backward = (p: P, x: Tensor, y: Tensor, z: Tensor): unknown[] => [
    { w: mul(mul(y, x), 6), rest: [mul(mul(z, x), 2), { k: null }], more: new Map([['a', mul(mul(z, p.more.get('a')!), 4)]]), none: null },
    null,
  ]
  const forward = (p: P, x: Tensor, dp: P): { y: Tensor; z: [Tensor] } => ({
    y: mul(mul(dp.w, x), 6),
    z: [mul(add(mul(dp.rest[0], x), mul(mul(p.more.get('a')!, dp.more.get('a')!), 2)), 2)],
  })
  class Tree extends autograd.Function {
    static generateVmapRule = true
    static forward(p: P, x: Tensor): { y: Tensor; z: [Tensor] } {
      return value(p, x)
    }
    static setupContext(ctx: FunctionContext, [p, x]: [P, Tensor]): void {
      Object.assign(ctx, { p, x })
    }
    static backward(ctx: FunctionContext, { y, z: [z] }: { y: Tensor; z: [Tensor] }): unknown[] {
      return backward(ctx['p'] as P, ctx['x'] as Tensor, y, z)
    }
    static jvp(ctx: FunctionContext, dp: P): { y: Tensor; z: [Tensor] } {
      return forward(ctx['p'] as P, ctx['x'] as Tensor, dp)
    }
  }
  const functions: Record<string, (p: P, x: Tensor) => { y: Tensor; z: [Tensor] }> = {
    'autograd.Function': (p, x) => Tree.apply(p, x),
    customVjp: customVjp(value, {
      forward: (p, x) => [value(p, x), { p, x }],
      backward: ({ p, x }, { y, z: [z] }) => backward(p, x, y, z),
    }),
    customJvp: customJvp(value, ([p, x], [dp]) => [value(p, x), forward(p, x, dp)]),
    'customVmap of a function with a rule': customVmap(
      customVjp(value, { forward: (p, x) => [value(p, x), { p, x }], backward: ({ p, x }, { y, z: [z] }) => backward(p, x, y, z) }),
      ({ batchSize }, _, p, x) => [Tree.apply(p, x.expand([batchSize, 3])), 0],
    ),
  }
  const x = random(3)
  const pack = (w: Tensor, r: Tensor, a: Tensor): P => ({ w, rest: [r, { k: 3 }], more: new Map([['a', a]]), none: null })
  for (const [name, f] of Object.entries(functions))
    test(`${name}: derivatives by tensors inside, in both modes, mapped`, () => {
      const scalar =
        (f: (p: P, x: Tensor) => { y: Tensor; z: [Tensor] }) =>
        (w: Tensor, r: Tensor, a: Tensor): Tensor => {
          const { y, z } = f(pack(w, r, a), x)
          return sum(add(y, mul(z[0], 5)))
        }
      const one = p(3)
      const args: [Tensor, Tensor, Tensor] = [one.w, one.rest[0], one.more.get('a')!]
      const want = grad(scalar(value), [0, 1, 2])(...args).map((g) => mul(g, 2))
      grad(scalar(f), [0, 1, 2])(...args).forEach((g, i) => expect(distance(g, want[i]!)).toBeLessThan(1e-14))
      const moves: [Tensor, Tensor, Tensor] = [random(3), random(3), random(3)]
      const [v, dv] = jvp(scalar(f), args, moves)
      expect(distance(v, scalar(value)(...args))).toBeLessThan(1e-14)
      expect(
        distance(
          dv,
          moves.map((m, i) => sum(mul(m, want[i]!))).reduce((a, b) => add(a, b)),
        ),
      ).toBeLessThan(1e-13)
      const batch = [random(4, 3), random(4, 3), random(4, 3)] as const
      const each = vmap(grad(scalar(f), [0, 1, 2]))(...batch)
      const loop = vmap(grad(scalar(value), [0, 1, 2]))(...batch)
      each.forEach((g, i) => expect(distance(g, mul(loop[i]!, 2))).toBeLessThan(1e-13))
      expect(
        distance(jacrev((w: Tensor) => vmap(scalar(f), [0, null, null])(w, args[1], args[2]))(batch[0]).at(2, 2), each[0].at(2)),
      ).toBeLessThan(1e-13)
    })
  test('registered classes', () => {
    class Pair {
      readonly a: Tensor
      readonly b: Tensor
      constructor(a: Tensor, b: Tensor) {
        this.a = a
        this.b = b
      }
    }
    tree.register(Pair, { flatten: (p) => ({ children: [p.a, p.b] }), unflatten: ([a, b]) => new Pair(a as Tensor, b as Tensor) })
    const f = customVjp((p: Pair) => mul(p.a, p.b), {
      forward: (p) => [mul(p.a, p.b), p],
      backward: (p, ct) => [new Pair(mul(mul(ct, p.b), 10), mul(mul(ct, p.a), 10))],
    })
    const [g, { b }] = [grad((p: Pair) => sum(f(p)))(new Pair(f64([1, 2]), f64([3, 4]))), vmap(grad(f))(new Pair(f64([1, 2]), f64([3, 4])))]
    expect(g).toBeInstanceOf(Pair)
    expect([g.a.tolist(), g.b.tolist(), b.tolist()]).toEqual([
      [30, 40],
      [10, 20],
      [10, 20],
    ])
  })
  test('a customVmap that writes into what it is given is refused, its rule too', () => {
    const told =
      '[vmap] customVmap: expected a function that leaves its arguments as they are, got one that writes into them. Work on x.clone()'
    const f = customVmap(
      (x: Tensor) => x.mul_(2),
      (_, [at], x) => [x.mul_(2), at as number],
    )
    expect(text(() => vmap((x: Tensor) => f(mul(x, 1)))(random(3)))).toContain(told)
    expect(text(() => grad((x: Tensor) => f(mul(x, 1)))(f64(2)))).toContain(told)
  })
  test('a cotangent in another structure is refused', () => {
    const bad = customVjp((q: { a: Tensor; b: [Tensor] }) => add(q.a, q.b[0]), {
      forward: (q) => [add(q.a, q.b[0]), null],
      backward: (_, ct) => [{ a: ct, c: [ct] }],
    })
    expect(text(() => grad((a: Tensor) => bad({ a, b: [a] }))(f64(1)))).toContain(
      "[autodiff] customVjp: expected backward's result 0 to be a tree like the argument it belongs to, or null, got an object with keys a, c",
    )
  })
})
