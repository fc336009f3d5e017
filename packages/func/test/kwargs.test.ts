import { type Tensor, grad, hessian, jacfwd, jacrev, jvp, linearize, mul, scan, sin, sum, tensor, vjp, vmap } from '@mapgrad/func'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { distance, f64, raised, random } from './rules.ts'

const x = random(3)

describe('named arguments of vjp, jvp and linearize', () => {
  const f = (x: Tensor, y: Tensor, { scale, shift, mode }: { scale: number; shift: Tensor; mode: 'sin' | 'same' }): Tensor =>
    mul(mode === 'sin' ? sin(mul(x, y)) : mul(x, y), scale).add(shift)
  const kwargs = { scale: 3, shift: f64([1, 2, 3]), mode: 'sin' } as const
  const plain = (x: Tensor, y: Tensor): Tensor => f(x, y, kwargs)
  const y = random(3)

  test('come last, and are not differentiated', () => {
    const [out, pull] = vjp(f, [x, y], { kwargs })
    expectTypeOf(out).toEqualTypeOf<Tensor>()
    expectTypeOf(pull).returns.toEqualTypeOf<[Tensor, Tensor]>()
    const ct = random(3)
    const [want, wanted] = vjp(plain, [x, y])
    expect(distance(out, want)).toBe(0)
    expect(pull(ct).map((g, i) => distance(g, wanted(ct)[i]!))).toEqual([0, 0])

    const [dx, dy] = [random(3), random(3)]
    const tangent = jvp(plain, [x, y], [dx, dy])[1]
    expect(distance(jvp(f, [x, y], [dx, dy], { kwargs })[1], tangent)).toBe(0)
    const [, push] = linearize(f, [x, y], { kwargs })
    expectTypeOf(push).parameters.toEqualTypeOf<[Tensor, Tensor]>()
    expect(distance(push(dx, dy), tangent)).toBeLessThan(1e-15)
  })
  test('with aux and strict', () => {
    const g = (x: Tensor, { n }: { n: number }): [Tensor, Tensor] => [mul(x, n), mul(x, 2)]
    const [out, pull, aux] = vjp(g, [x], { hasAux: true, kwargs: { n: 5 } })
    expect([distance(out, mul(x, 5)), distance(pull(x)[0], mul(x, 5)), distance(aux, mul(x, 2))]).toEqual([0, 0, 0])
    const [, dy, more] = jvp(g, [x], [x], { hasAux: true, strict: true, kwargs: { n: 5 } })
    expect([distance(dy, mul(x, 5)), distance(more, mul(x, 2))]).toEqual([0, 0])
    expect(raised(() => jvp((_: Tensor, { c }: { c: Tensor }) => c, [x], [x], { strict: true, kwargs: { c: y } })).message).toContain(
      'The output of f is independent of the inputs',
    )
  })
  test('inside other transforms, with tensors that those differentiate or map', () => {
    const inner = (s: Tensor): Tensor => sum(vjp((x: Tensor, { s }: { s: Tensor }) => sin(mul(x, s)), [x], { kwargs: { s } })[1](x)[0])
    // Σ xᵢ s cos(s xᵢ)
    const slope = (s: Tensor): Tensor => sum(x.mul(x.mul(s).cos()).sub(x.mul(x).mul(s).mul(x.mul(s).sin())))
    const s = f64(0.7)
    expect(distance(grad(inner)(s), slope(s))).toBeLessThan(1e-14)
    const many = f64([0.7, -0.2])
    expect(distance(vmap(inner)(many), f64([inner(f64(0.7)).item(), inner(f64(-0.2)).item()] as number[]))).toBeLessThan(1e-14)
  })
  test('must be a plain object, of the type that the function takes', () => {
    const text = 'expected kwargs to be a plain object of named arguments, got '
    expect(raised(() => vjp(f, [x, y], { kwargs: 3 as never })).message).toContain(`[autodiff] vjp: ${text}number`)
    expect(raised(() => jvp(f, [x, y], [x, y], { kwargs: x as never })).message).toContain(`[autodiff] jvp: ${text}Tensor`)
    expect(raised(() => linearize(f, [x, y], { kwargs: null as never })).message).toContain(`[autodiff] linearize: ${text}null`)
    // @ts-expect-error a name is missing
    expect(() => vjp(f, [x, y], { kwargs: { scale: 1, mode: 'sin' } })).toThrow(/add: /)
    // @ts-expect-error no named arguments given
    expect(() => linearize(f, [x, y])).toThrow(/scale/)
  })
})

describe('arguments that are not differentiated are of any kind', () => {
  class Options {
    readonly power: number
    constructor(power: number) {
      this.power = power
    }
  }
  const f = (
    x: Tensor,
    name: string,
    g: (x: Tensor) => Tensor,
    more: { readonly by: number; readonly none: null; readonly at: undefined },
    flag: boolean,
    list: readonly (number | string)[],
    options: Options,
    big: bigint,
    date: Date,
    symbol: symbol,
  ): Tensor => {
    expect([name, more, flag, list, big, date.getTime(), symbol]).toEqual([
      'sum',
      { by: 2, none: null, at: undefined },
      true,
      [1, 'b'],
      3n,
      5,
      mark,
    ])
    expect(options).toBeInstanceOf(Options)
    return g(x.pow(options.power)).mul(more.by)
  }
  const mark = Symbol('mark')
  const rest = [
    'sum',
    (x: Tensor) => sum(x),
    { by: 2, none: null, at: undefined },
    true,
    [1, 'b'],
    new Options(3),
    3n,
    new Date(5),
    mark,
  ] as const

  test('grad, jacrev, jacfwd, hessian', () => {
    const slope = x.mul(x).mul(6)
    expect(distance(grad(f)(x, ...rest), slope)).toBeLessThan(1e-14)
    for (const mode of ['auto', 'forward', 'reverse'] as const) {
      expect(distance(jacrev(f, { mode })(x, ...rest), slope)).toBeLessThan(1e-14)
      expect(distance(jacfwd(f, { mode, chunkSize: 2 })(x, ...rest), slope)).toBeLessThan(1e-14)
    }
    expect(distance(hessian(f)(x, ...rest), x.mul(12).diag())).toBeLessThan(1e-14)
    expect(distance(hessian(f, { mode: 'forward-over-forward' })(x, ...rest), x.mul(12).diag())).toBeLessThan(1e-14)
  })
  test('argnums that leave them between', () => {
    const g = (a: string, x: Tensor, b: null, y: Tensor): Tensor => (a === 'times' && b === null ? mul(x, y) : x)
    const y = random(3)
    const [jx, jy] = jacrev(g, [1, 3])('times', x, null, y)
    expect([distance(jx, y.diag()), distance(jy, x.diag())]).toEqual([0, 0])
    const [[, hxy]] = hessian((a: string, x: Tensor, b: null, y: Tensor) => sum(g(a, x, b, y)), [1, 3])('times', x, null, y)
    expect(distance(hxy, tensor([1, 1, 1], { dtype: 'float64' }).diag())).toBe(0)
    // @ts-expect-error an argument is missing
    expect(() => jacrev(g, 1)('times', x, null)).toThrow(/mul: /)
  })
  test('through a loop', () => {
    const g = (x: Tensor, n: number): Tensor => scan((h: Tensor, r: Tensor) => [mul(h, r), h], f64(1), x.narrow(0, 0, n))[0]
    expect(jacfwd(g)(f64([2, 3, 5]), 2).tolist()).toEqual([3, 2, 0])
  })
})
