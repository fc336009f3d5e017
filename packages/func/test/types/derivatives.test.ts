// Types of grad, vjp, jvp, linearize and the Jacobians follow the trees. Checked by tsc; the calls run, too, so that types and values agree.
import { describe, expect, expectTypeOf, it } from 'vitest'
import {
  type Tensor,
  grad,
  gradAndValue,
  hessian,
  hvp,
  jacfwd,
  jacobian,
  jacrev,
  jvp,
  linearize,
  ones,
  tensor,
  vhp,
  vjp,
} from '@mapgrad/func'

type Params = { w: Tensor; layers: { b: Tensor }[] }
interface Named {
  readonly w: Tensor
  b?: Tensor
}
const params = (): Params => ({ w: ones(2), layers: [{ b: ones(2) }, { b: ones(2) }] })
const loss = (p: Params, x: Tensor): Tensor => p.layers.reduce((h, { b }) => h.mul(b), p.w.mul(x)).sum()
const withAux = (p: Params, x: Tensor): [Tensor, { seen: Tensor; name: string[] }] => [loss(p, x), { seen: x, name: [] }]

describe('grad', () => {
  it('has the type of the argument that it differentiates', () => {
    const g = grad(loss)(params(), ones(2))
    expectTypeOf(g).toEqualTypeOf<Params>()
    expect(g.layers[1]!.b.shape).toEqual([2])
    expectTypeOf(grad(loss)).parameters.toEqualTypeOf<[p: Params, x: Tensor]>()
  })

  it('takes interfaces, readonly trees, tuples and Maps', () => {
    const named = grad(({ w, b }: Named) => (b ? w.mul(b) : w).sum())({ w: ones(2), b: ones(2) })
    expectTypeOf(named).toEqualTypeOf<Named>()
    expect(named.b!.shape).toEqual([2])
    const pair = grad(([a, b]: readonly [Tensor, Tensor]) => a.mul(b).sum())([ones(2), ones(2)])
    expectTypeOf(pair).toEqualTypeOf<readonly [Tensor, Tensor]>()
    const map = grad((m: Map<string, Tensor>) => m.get('a')!.sum())(new Map([['a', ones(2)]]))
    expectTypeOf(map).toEqualTypeOf<Map<string, Tensor>>()
    expect(map.get('a')!.tolist()).toEqual([1, 1])
  })

  it('chooses arguments by position, from the end, and several', () => {
    const f = (p: Params, x: Tensor, y: { z: Tensor }): Tensor => loss(p, x).mul(y.z)
    const args = [params(), ones(2), { z: tensor(2) }] as const
    expectTypeOf(grad(f, 1)(...args)).toEqualTypeOf<Tensor>()
    expectTypeOf(grad(f, -1)(...args)).toEqualTypeOf<{ z: Tensor }>()
    expectTypeOf(grad(f, -3)(...args)).toEqualTypeOf<Params>()
    expectTypeOf(grad(f, { argnums: 2 })(...args)).toEqualTypeOf<{ z: Tensor }>()
    const several = grad(f, [0, 2])(...args)
    expectTypeOf(several).toEqualTypeOf<[Params, { z: Tensor }]>()
    expectTypeOf(grad(f, [-1, 1] as const)(...args)).toEqualTypeOf<[{ z: Tensor }, Tensor]>()
    expectTypeOf(grad(f, { argnums: [1] })(...args)).toEqualTypeOf<[Tensor]>()
    expect(several[1].z.item()).toBe(2)
    expect(grad(f, -1)(...args).z.item()).toBe(2)
    const later: number = 1 as number
    expectTypeOf(grad(f, later)(...args)).toEqualTypeOf<Params | Tensor | { z: Tensor }>()
  })

  it('counts arguments with defaults as given', () => {
    const f = (x: Tensor, scale: Tensor = tensor(2)): Tensor => x.mul(scale).sum()
    expectTypeOf(grad(f, 1)(ones(2), tensor(3))).toEqualTypeOf<Tensor>()
    expectTypeOf(grad(f, [0, 1])(ones(2), tensor(3))).toEqualTypeOf<[Tensor, Tensor]>()
    expect(grad(f)(ones(2)).tolist()).toEqual([2, 2])
  })

  it('gives what comes beside the loss', () => {
    const [g, aux] = grad(withAux, { hasAux: true })(params(), ones(2))
    expectTypeOf(g).toEqualTypeOf<Params>()
    expectTypeOf(aux).toEqualTypeOf<{ seen: Tensor; name: string[] }>()
    expect(aux.seen.shape).toEqual([2])
    const [[gp, gx], more] = grad(withAux, [0, 1], true)(params(), ones(2))
    expectTypeOf(gp).toEqualTypeOf<Params>()
    expectTypeOf(gx).toEqualTypeOf<Tensor>()
    expectTypeOf(more.name).toEqualTypeOf<string[]>()
    // a function written in place needs no annotation of its result
    const [h, extra] = grad((x: Tensor) => [x.sum(), { twice: x.mul(2) }], { hasAux: true })(ones(2))
    expectTypeOf(h).toEqualTypeOf<Tensor>()
    expectTypeOf(extra).toEqualTypeOf<{ twice: Tensor }>()
  })

  it('takes options that may be undefined', () => {
    const o: { argnums?: 1 } = {}
    expect(grad(loss, { argnums: o.argnums, hasAux: undefined })(params(), ones(2))).toBeDefined()
  })

  it('gives the value too', () => {
    const [g, value] = gradAndValue(loss)(params(), ones(2))
    expectTypeOf(g).toEqualTypeOf<Params>()
    expectTypeOf(value).toEqualTypeOf<Tensor>()
    const [[gx], [v, aux]] = gradAndValue(withAux, { argnums: [1], hasAux: true })(params(), ones(2))
    expectTypeOf(gx).toEqualTypeOf<Tensor>()
    expectTypeOf(v).toEqualTypeOf<Tensor>()
    expectTypeOf(aux.seen).toEqualTypeOf<Tensor>()
    expect(v.item()).toBe(2)
  })

  it('refuses what is no loss, and arguments of another type', () => {
    // @ts-expect-error a loss is a tensor
    expect(() => grad((x: Tensor) => ({ y: x }))(ones(2))).toThrow(/Tensor/)
    // @ts-expect-error [loss, aux] needs hasAux
    expect(() => grad(withAux)(params(), ones(2))).toThrow(/hasAux/)
    // @ts-expect-error the second argument is a tensor
    expect(() => grad(loss, 1)(params(), 'x')).toThrow(/Tensor/)
    // @ts-expect-error no such option
    expect(() => grad(loss, { argnum: 1 })).toThrow(/argnum/)
  })
})

describe('vjp, jvp and linearize', () => {
  const f = (p: Params, x: Tensor): { y: Tensor; z: [Tensor, Tensor] } => ({ y: loss(p, x), z: [x.mul(2), x] })

  it('vjp: cotangents like the output, one entry a primal', () => {
    const [out, vjpFn] = vjp(f, [params(), ones(2)])
    expectTypeOf(out).toEqualTypeOf<{ y: Tensor; z: [Tensor, Tensor] }>()
    const grads = vjpFn({ y: tensor(1), z: [ones(2), ones(2)] })
    expectTypeOf(grads).toEqualTypeOf<[p: Params, x: Tensor]>()
    expect(grads[1].shape).toEqual([2])
    // @ts-expect-error a cotangent is missing
    expect(() => vjpFn({ y: tensor(1) })).toThrow(/structure/i)
    const [, , aux] = vjp((x: Tensor) => [x.sum(), { n: x }], [ones(2)], { hasAux: true })
    expectTypeOf(aux).toEqualTypeOf<{ n: Tensor }>()
  })

  it('vjp: keyword arguments come last and have no cotangent', () => {
    const [, pull] = vjp((x: Tensor, { by }: { by: number }) => x.mul(by), [ones(2)], { kwargs: { by: 3 } })
    const [gx] = pull(ones(2))
    expectTypeOf(gx).toEqualTypeOf<Tensor>()
    expect(gx.tolist()).toEqual([3, 3])
  })

  it('jvp: tangents like the primals, a tangent like the output', () => {
    const [out, dot] = jvp(f, [params(), ones(2)], [params(), ones(2)])
    expectTypeOf(out).toEqualTypeOf<typeof dot>()
    expectTypeOf(dot.z).toEqualTypeOf<[Tensor, Tensor]>()
    const [y, dy, aux] = jvp((x: Tensor) => [x.sum(), x.gt(0)], [ones(2)], [ones(2)], { hasAux: true, strict: true })
    expectTypeOf([y, dy]).toEqualTypeOf<Tensor[]>()
    expectTypeOf(aux).toEqualTypeOf<Tensor>()
    expect(dy.item()).toBe(2)
    // @ts-expect-error one tangent a primal
    expect(() => jvp(f, [params(), ones(2)], [params()])).toThrow(/tangents/)
  })

  it('linearize: a function of the tangents', () => {
    const [out, push] = linearize(f, [params(), ones(2)])
    expectTypeOf(push).toEqualTypeOf<(p: Params, x: Tensor) => typeof out>()
    expect(push(params(), ones(2)).z[0].tolist()).toEqual([2, 2])
  })
})

describe('Jacobians', () => {
  const layer = (p: { w: Tensor; b: Tensor }, x: Tensor): { y: Tensor; norms: [Tensor, Tensor] } => ({
    y: p.w.mul(x).add(p.b),
    norms: [p.w.sum(), x.sum()],
  })
  const at = (): [{ w: Tensor; b: Tensor }, Tensor] => [{ w: ones(3), b: ones(3) }, ones(3)]

  it('for each tensor of the output, the tree of the argument', () => {
    const j = jacrev(layer)(...at())
    expectTypeOf(j.y).toEqualTypeOf<{ w: Tensor; b: Tensor }>()
    expectTypeOf(j.norms[1]).toEqualTypeOf<{ w: Tensor; b: Tensor }>()
    expect(j.y.w.shape).toEqual([3, 3])
    const both = jacfwd(layer, [0, 1])(...at())
    expectTypeOf(both.norms[1]).toEqualTypeOf<[{ w: Tensor; b: Tensor }, Tensor]>()
    expect(both.norms[1][1].shape).toEqual([3])
    expectTypeOf(jacfwd(layer, -1)(...at()).y).toEqualTypeOf<Tensor>()
    expectTypeOf(jacrev((x: Tensor) => x.mul(2))(ones(3))).toEqualTypeOf<Tensor>()
  })

  it('of Maps and of optional outputs', () => {
    const m = jacrev((x: Tensor) => new Map([['a', x.mul(2)]]))(ones(2))
    expectTypeOf(m).toEqualTypeOf<Map<string, Tensor>>()
    expect(m.get('a')!.shape).toEqual([2, 2])
    const o = jacrev((x: Tensor): { a: Tensor; b?: Tensor } => ({ a: x.mul(2) }))(ones(2))
    expectTypeOf(o.a).toEqualTypeOf<Tensor>()
    expect(o.b).toBeUndefined()
  })

  it('with options and with aux', () => {
    const [j, aux] = jacrev((x: Tensor) => [x.mul(2), { x }], { hasAux: true, chunkSize: 1, mode: 'auto' })(ones(2))
    expectTypeOf(j).toEqualTypeOf<Tensor>()
    expectTypeOf(aux).toEqualTypeOf<{ x: Tensor }>()
    const [k] = jacfwd((x: Tensor) => [x.mul(2), x], { hasAux: true, randomness: 'same', chunkSize: null })(ones(2))
    expectTypeOf(k).toEqualTypeOf<Tensor>()
    expect(j.tolist()).toEqual(k.tolist())
    // @ts-expect-error jacrev draws what the function draws
    expect(() => jacrev((x: Tensor) => x, { randomness: 'same' })).toThrow(/randomness/)
  })

  it('hessian: trees of trees', () => {
    const f = (p: { w: Tensor; b: Tensor }, x: Tensor): Tensor => p.w.mul(x).mul(p.b).sum()
    const h = hessian(f)(...at())
    expectTypeOf(h.w).toEqualTypeOf<{ w: Tensor; b: Tensor }>()
    expect(h.w.b.shape).toEqual([3, 3])
    const all = hessian(f, [0, 1])(...at())
    expectTypeOf(all[1]).toEqualTypeOf<[{ w: Tensor; b: Tensor }, Tensor]>()
    expectTypeOf(hessian(f, { argnums: 1, mode: 'reverse-over-reverse' })(...at())).toEqualTypeOf<Tensor>()
    expect(all[1][0].w.shape).toEqual([3, 3])
  })

  it('by the names of torch.autograd.functional', () => {
    const one = jacobian((x: Tensor) => x.mul(2), ones(2))
    expectTypeOf(one).toEqualTypeOf<Tensor>()
    const some = jacobian((x: Tensor, y: Tensor) => x.mul(y), [ones(2), ones(2)])
    expect(some[1]!.shape).toEqual([2, 2])
    const [value, product] = hvp((x: Tensor) => x.square().sum(), ones(2), ones(2))
    expectTypeOf(value).toEqualTypeOf<Tensor>()
    expectTypeOf(product).toEqualTypeOf<Tensor>()
    expect(vhp((x: Tensor) => x.square().sum(), ones(2), ones(2))[1].tolist()).toEqual(product.tolist())
  })
})
