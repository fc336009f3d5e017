import {
  type FunctionContext,
  type HessianMode,
  type JacobianMode,
  type Tensor,
  add,
  autograd,
  checkpoint,
  cond,
  cumsum,
  customJvp,
  customVjp,
  exp,
  grad,
  hessian,
  jacfwd,
  jacobian,
  jacrev,
  manualSeed,
  matmul,
  mul,
  rand,
  scan,
  sin,
  softmax,
  square,
  sum,
  tanh,
  tensor,
  vmap,
  whileLoop,
} from '@mapgrad/func'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { type F, along, distance, f64, raised, random } from './rules.ts'
import { sameJacobian } from './torch/derivatives.ts'

const modes: readonly JacobianMode[] = ['auto', 'forward', 'reverse']
const hessianModes: readonly HessianMode[] = [
  'auto',
  'forward-over-reverse',
  'reverse-over-reverse',
  'forward-over-forward',
  'reverse-over-forward',
]
const chunks = [null, 1, 3] as const

const W = random(3, 4)
const reverse = customVjp((x: Tensor) => exp(x), {
  forward: (x) => {
    const y = exp(x)
    return [y, y]
  },
  backward: (y, ct) => [mul(y, ct)],
})
const forward: F = customJvp(
  (x: Tensor) => exp(x),
  ([x], [dx]) => {
    const y = forward(x)
    return [y, mul(y, dx)]
  },
)
/** [4] → [3] functions, with what makes derivatives hard. */
const functions: readonly (readonly [string, F])[] = [
  ['products and softmax', (x) => softmax(tanh(matmul(W, x)), 0)],
  ['a checkpoint', (x) => checkpoint((y: Tensor) => sin(matmul(W, y)))(sin(x))],
  ['reverse mode by hand', (x) => reverse(matmul(W, x))],
  ['forward mode by hand', (x) => forward(matmul(W, x))],
  ['a branch', (x) => cond(sum(x).gt(-100), (y: Tensor) => matmul(W, square(y)), (y: Tensor) => matmul(W, y), [x])], // prettier-ignore
  ['a branch for each example', (x) => vmap((w: Tensor) => cond(sum(mul(w, x)).gt(0), (y: Tensor) => sum(sin(y)), (y: Tensor) => sum(square(y)), [x]))(W)], // prettier-ignore
  ['loops', (x) => matmul(W, scan((h: Tensor, r: Tensor) => [add(h, mul(h, r)), sin(h)], f64(0.5), x)[1])],
  ['a loop of a length that is computed', (x) => matmul(W, whileLoop((y: Tensor) => sum(square(y)).gt(0.1), (y: Tensor) => [mul(y, sin(y))], [x])[0])], // prettier-ignore
  ['in-place writes', (x) => matmul(W, x.clone().mul_(x).add_(sin(x)))],
]

describe.each(functions)('%s', (_, f) => {
  const x = random(4)
  test('Jacobians in all modes and chunks', () => {
    sameJacobian(jacrev(f)(x), f, x)
    for (const mode of modes)
      for (const chunkSize of chunks) {
        sameJacobian(jacrev(f, { mode, chunkSize })(x), f, x)
        sameJacobian(jacfwd(f, { mode, chunkSize })(x), f, x)
        sameJacobian(jacobian(f, x, { mode, chunkSize }), f, x)
      }
  })
  test('Hessians in all modes and chunks', () => {
    const g = (x: Tensor): Tensor => sum(square(f(x)))
    for (const mode of hessianModes)
      for (const chunkSize of chunks) {
        sameJacobian(hessian(g, { mode, chunkSize })(x), grad(g), x)
        if (chunkSize === null)
          expect(distance(hessian(f, { mode })(x), hessian(f, { mode: 'forward-over-reverse' })(x))).toBeLessThan(1e-13)
      }
    expect(
      distance(
        matmul(hessian(g)(x), x),
        along((y) => grad(g)(y), x, x),
      ),
    ).toBeLessThan(1e-9)
  })
})

describe('the choice', () => {
  /** x → [n] values, noting each pullback: by rows in chunks of 1 there is one a row, by columns one in all */
  const noted = (n: number): [f: F, pulls: () => number, runs: () => number] => {
    let [pulls, runs] = [0, 0]
    const note = customVjp((y: Tensor) => y, {
      forward: (y) => [y, null],
      backward: (_, ct) => {
        pulls++
        return [ct]
      },
    })
    const w = random(n, 1)
    return [
      (x) => {
        runs++
        return note(sum(mul(w, sin(x)), 1))
      },
      () => pulls,
      () => runs,
    ]
  }
  test.each([
    [3, 2, 2],
    [3, 60, 60],
    [3, 70, 1],
    [70, 3, 3],
    [70, 70, 70],
    [2, 200, 1],
  ])('jacrev of %i → %i: %i pullbacks; the function runs once', (ins, outs, expected) => {
    const [f, pulls, runs] = noted(outs)
    const x = random(ins)
    const J = jacrev(f, { mode: 'auto', chunkSize: 1 })(x)
    expect([pulls(), runs()]).toEqual([expected, 1])
    expect(distance(J, jacfwd(f)(x))).toBeLessThan(1e-14)
    jacobian(f, x, { chunkSize: 1 })
    expect(pulls() - expected).toBe(expected + 1) // jacfwd's is one
    jacobian(f, x, { chunkSize: 1, strategy: 'reverse-mode' })
    expect(pulls()).toBe(2 * expected + 1 + outs)
  })
  test('once, too, where jacfwd turns it round, and where there are many leaves', () => {
    for (const [ins, outs] of [
      [200, 2],
      [2, 200],
    ] as const) {
      // prettier-ignore
      const [f, , runs] = noted(outs)
      const x = random(ins)
      const J = jacfwd(f, { mode: 'auto' })(x)
      expect(runs()).toBe(1)
      expect(distance(J, jacrev(f)(x))).toBeLessThan(1e-14)
      const g = (p: { a: Tensor; b: Tensor }): [Tensor, Tensor] => [f(p.a), mul(sum(p.a), p.b)]
      const [first, second] = jacrev(g, { mode: 'auto' })({ a: x, b: random(3) })
      expect(runs()).toBe(3)
      expect([first.a.shape, first.b.shape, second.a.shape, second.b.shape]).toEqual([[outs, ins], [outs, 3], [3, ins], [3, 3]]) // prettier-ignore
      expect([distance(first.a, J), first.b.abs().sum().item()]).toEqual([0, 0])
    }
  })
  test.each([5, 40])('hessian runs the function once, of %i numbers', (n) => {
    const x = random(n)
    for (const out of [(y: Tensor) => sum(y), (y: Tensor) => y.narrow(0, 0, 3)]) {
      let runs = 0
      const f = (x: Tensor): Tensor => {
        runs++
        return out(sin(mul(x, x)))
      }
      hessian(f)(x)
      expect(runs).toBe(1)
    }
  })
  test('trees, argnums and aux in all modes', () => {
    const f = ({ a, b }: { a: Tensor; b: [Tensor] }, s: string, y: Tensor): [{ u: Tensor; v: Tensor }, Tensor] => [
      { u: mul(sum(a), sin(y)), v: s === 'v' ? matmul(b[0], a) : a },
      square(y),
    ]
    const args = [{ a: random(3), b: [random(2, 3)] as [Tensor] }, 'v', random(70)] as const
    const whole = jacrev(f, { argnums: [0, 2], hasAux: true })(...args)
    for (const jac of [jacrev, jacfwd as unknown as typeof jacrev])
      for (const mode of modes)
        for (const chunkSize of chunks) {
          const [J, aux] = jac(f, { argnums: [0, 2], hasAux: true, mode, chunkSize })(...args)
          expectTypeOf(J.u[0].b[0]).toEqualTypeOf<Tensor>()
          expect(distance(aux, square(args[2]))).toBe(0)
          for (const key of ['u', 'v'] as const)
            for (const pick of [(r: typeof J.u) => r[0].a, (r: typeof J.u) => r[0].b[0], (r: typeof J.u) => r[1]])
              expect(distance(pick(J[key]), pick(whole[0][key]))).toBeLessThan(1e-13)
        }
  })
  test('dtypes are those of the function asked, whichever way', () => {
    const f = (x: Tensor): Tensor => tanh(x).to('float64')
    const x = tensor([1, 2])
    for (const mode of modes) expect([jacrev(f, { mode })(x).dtype, jacfwd(f, { mode })(x).dtype]).toEqual(['float32', 'float64'])
  })
  test('outputs that are integers: refused by jacrev, zero in jacfwd, whichever way', () => {
    const f = (x: Tensor): [Tensor, Tensor] => [x.gt(0).to('int32'), mul(x, 2)]
    const x = random(3)
    for (const mode of modes) {
      expect(() => jacrev(f, { mode })(x)).toThrow(
        /All outputs of f must be floating-point or complex Tensors, got Tensor with dtype int32/,
      )
      const [a, b] = jacfwd(f, { mode })(x)
      expect([a.dtype, a.shape, a.abs().sum().item(), b.at(1, 1).item()]).toEqual(['int32', [3, 3], 0, 2])
    }
  })
  test('sizes of zero', () => {
    for (const mode of modes)
      for (const chunkSize of [null, 1])
        for (const [ins, outs] of [
          [0, 3],
          [3, 0],
          [0, 0],
        ] as const) {
          // prettier-ignore
          const f = (x: Tensor): Tensor => add(sum(x), f64(Array.from({ length: outs }, () => 1)))
          expect(jacrev(f, { mode, chunkSize })(random(ins)).shape).toEqual([outs, ins])
          expect(jacfwd(f, { mode, chunkSize })(random(ins)).shape).toEqual([outs, ins])
          expect(hessian(f, { chunkSize })(random(ins)).shape).toEqual([outs, ins, ins])
        }
  })
  test('inside other transforms', () => {
    const f = (x: Tensor): Tensor => sin(matmul(W, x))
    const xs = random(2, 4)
    for (const mode of modes) {
      const J = vmap(jacrev(f, { mode }))(xs)
      expect([J.shape, distance(J.at(1), jacrev(f)(xs.at(1)))]).toEqual([[2, 3, 4], 0])
      const g = (x: Tensor): Tensor => sum(square(jacfwd(f, { mode })(x)))
      sameJacobian(grad(g)(xs.at(0)), g, xs.at(0))
    }
    const h = (x: Tensor): Tensor => sum(square(hessian((x: Tensor) => sum(exp(f(x))))(x)))
    sameJacobian(grad(h)(xs.at(0)), h, xs.at(0))
    expect(distance(vmap(hessian(f))(xs).at(1), hessian(f)(xs.at(1)))).toBeLessThan(1e-14)
  })
  test('unknown modes', () => {
    expect(raised(() => jacrev(sin, { mode: 'rows' as never })).message).toBe(
      "[func] jacrev: expected mode to be one of 'auto', 'forward', 'reverse', got \"rows\"",
    )
    expect(raised(() => hessian(sin, { mode: 'forward' as never })).message).toContain(
      "[func] hessian: expected mode to be one of 'auto', 'forward-over-reverse', 'reverse-over-reverse', 'forward-over-forward', 'reverse-over-forward', got \"forward\"",
    )
    expect(raised(() => jacobian(sin, random(2), { mode: 'auto', strategy: 'forward-mode' })).message).toContain(
      'expected one of strategy and mode, got both',
    )
    // @ts-expect-error no such mode
    expect(() => jacfwd(sin, { mode: 'fast' })).toThrow(/expected mode/)
  })
})

describe('Hessians of many numbers', () => {
  const w = random(3, 40)
  const x = random(40)
  const f: F = (x) => sin(matmul(w, checkpoint((y: Tensor) => mul(reverse(y), y))(x)))
  const g: F = (x) => sum(square(add(f(x), forward(x.narrow(0, 2, 3)))))
  test.each([null, 3, 16])('in chunks of %s', (chunkSize) => {
    const H = hessian(g, { chunkSize })(x)
    sameJacobian(H, grad(g), x)
    const some = chunkSize === 3 ? hessianModes.slice(0, 3) : hessianModes
    for (const mode of some) expect(distance(hessian(g, { chunkSize, mode })(x), H)).toBeLessThan(1e-13)
    const many = hessian(f, { chunkSize })(x)
    expect(many.shape).toEqual([3, 40, 40])
    sameJacobian(many, jacrev(f), x)
  })
  test('by several arguments, inside other transforms, of integers', () => {
    const h = (p: { a: Tensor }, s: string, b: Tensor): Tensor => sum(mul(sin(matmul(w, p.a)), s === 'b' ? b : 1))
    const b = random(3)
    const [{ a: [{ a: aa }, ab] }, [{ a: ba }, bb]] = hessian(h, [0, 2])({ a: x }, 'b', b) // prettier-ignore
    sameJacobian(aa, (a) => grad((a: Tensor) => h({ a }, 'b', b))(a), x)
    sameJacobian(ab, (b) => grad((a: Tensor) => h({ a }, 'b', b))(x), b)
    expect([distance(ba, ab.t()), bb.abs().sum().item()]).toEqual([0, 0])
    const xs = random(2, 40)
    expect(distance(vmap(hessian(g))(xs).at(1), hessian(g)(xs.at(1)))).toBeLessThan(1e-13)
    const square_: F = (x) => sum(square(hessian(g)(x)))
    expect(distance(sum(mul(grad(square_)(x), x)), along(square_, x, x))).toBeLessThan(1e-9)
    expect(() => hessian((x: Tensor) => sum(x))(tensor(Array.from({ length: 40 }, () => 1)).to('int32'))).toThrow(/floating point/)
  })
})

describe('random draws', () => {
  const f = (x: Tensor): Tensor => mul(x, rand(x.shape, { dtype: 'float64' }))
  const diagonal = (J: Tensor): number => J.sub(J.diag().diag()).abs().sum().item() as number
  test('one run draws once, so that rows and columns agree', () => {
    for (const mode of modes)
      for (const chunkSize of chunks) {
        manualSeed(3)
        const J = jacrev(f, { mode, chunkSize })(f64([1, 1, 1]))
        manualSeed(3)
        expect([distance(J.diag(), rand(3, { dtype: 'float64' })), diagonal(J)]).toEqual([0, 0])
      }
  })
  test('jacfwd and hessian refuse them in every mode, unless told otherwise', () => {
    const text = /called random operation while in randomness error mode/
    const x = f64([1, 2, 3])
    for (const mode of modes) for (const chunkSize of chunks) expect(() => jacfwd(f, { mode, chunkSize })(x)).toThrow(text)
    for (const mode of ['auto', 'forward-over-reverse', 'forward-over-forward'] as const)
      expect(() => hessian(f, { mode })(x)).toThrow(text)
    expect(() => hessian(f)(random(40))).toThrow(text)
    expect(() => vmap(hessian(f), { randomness: 'different' })(random(2, 3))).toThrow(text)
  })
  test("'same': all columns, chunks and leaves see one draw", () => {
    const g = (x: Tensor, y: Tensor): Tensor => mul(add(x, y), rand(3, { dtype: 'float64' }))
    for (const mode of modes)
      for (const chunkSize of chunks) {
        manualSeed(5)
        const [jx, jy] = jacfwd(g, { argnums: [0, 1], randomness: 'same', mode, chunkSize })(f64([1, 2, 3]), f64([0, 0, 0]))
        manualSeed(5)
        const drawn = rand(3, { dtype: 'float64' })
        expect([distance(jx.diag(), drawn), distance(jy, jx), diagonal(jx)]).toEqual([0, 0, 0])
      }
  })
})

describe('rules of one mode alone', () => {
  class Backward extends autograd.Function {
    static generateVmapRule = true
    static forward(x: Tensor): Tensor {
      return exp(x)
    }
    static setupContext(ctx: FunctionContext, _inputs: unknown, y: Tensor): void {
      ctx.saveForBackward(y)
    }
    static backward: (ctx: FunctionContext, ct: Tensor) => Tensor = (ctx, ct) => mul(ctx.savedTensors[0]!, ct)
  }
  class Once extends Backward {
    static override backward = autograd.onceDifferentiable((ctx: FunctionContext, ct: Tensor) => mul(ctx.savedTensors[0]!, ct))
  }
  test('a Function without jvp, and one whose backward has no derivative: jacrev finds its way', () => {
    const x = random(2)
    const want = (f: F): Tensor => jacrev((x: Tensor) => f(exp(x)))(x)
    const wide: F = (y) => matmul(random(100, 1), sum(y).unsqueeze(0))
    for (const Rule of [Backward, Once]) {
      const w = random(100, 2)
      const f: F = (y) => matmul(w, y)
      expect(distance(jacrev((x: Tensor) => f(Rule.apply(x)), { mode: 'auto' })(x), want(f))).toBeLessThan(1e-14)
      expect(jacobian((x: Tensor) => wide(Rule.apply(x)), x).shape).toEqual([100, 2])
    }
    expect(() => jacfwd((x: Tensor) => Backward.apply(x))(x)).toThrow(/You must implement the jvp function/)
  })
  test('chunks of 1 are a plain loop, with none of the limits of vmap', () => {
    class Unmapped extends autograd.Function {
      static forward(x: Tensor): Tensor {
        return mul(x, 2)
      }
      static setupContext(): void {}
      static backward(_ctx: FunctionContext, ct: Tensor): Tensor {
        return Unmapped.apply(ct)
      }
      static jvp(_ctx: FunctionContext, dx: Tensor): Tensor {
        return Unmapped.apply(dx)
      }
    }
    const f: F = (x) => sin(Unmapped.apply(x))
    const x = random(3)
    const want = jacrev((x: Tensor) => sin(mul(x, 2)))(x)
    for (const mode of modes) expect(distance(jacrev(f, { mode, chunkSize: 1 })(x), want)).toBeLessThan(1e-15)
    expect(distance(jacfwd(f, { chunkSize: 1 })(x), want)).toBeLessThan(1e-15)
    expect(() => jacfwd(f)(x)).toThrow(/does not have vmap support/)
    expect(() => jacrev(f, { chunkSize: 2 })(x)).toThrow(/does not have vmap support/)
    // a pullback that reads its cotangent
    const reading = customVjp((x: Tensor) => exp(x), {
      forward: (x) => [exp(x), exp(x)],
      backward: (y, ct) => [Number(ct.abs().sum().item()) > 0 ? mul(y, ct) : ct],
    })
    expect(distance(jacrev((x: Tensor) => reading(x), { chunkSize: 1 })(x), exp(x).diag())).toBe(0)
    expect(() => jacrev((x: Tensor) => reading(x))(x)).toThrow(/We don't support vmap over calling .item\(\)/)
  })
  test('a cumulative product of cumulative sums, the same in all modes', () => {
    const f: F = (x) => cumsum(mul(x, cumsum(x, 0)), 0)
    const x = random(6)
    for (const mode of modes) sameJacobian(jacrev(f, { mode })(x), f, x)
  })
})
