// Types of vmap, control flow, rules of one's own, graphs, trees and values that are read. Checked by tsc; the calls run, too.
import { describe, expect, expectTypeOf, it } from 'vitest'
import {
  type FunctionContext,
  type GraphModule,
  type Key,
  type Nested,
  type Tensor,
  arange,
  associativeScan,
  autograd,
  checkpoint,
  cond,
  customJvp,
  customVjp,
  customVmap,
  forLoop,
  functionalize,
  grad,
  isTensor,
  jacrev,
  key,
  makeFx,
  map,
  noGrad,
  normal,
  ones,
  rand,
  scan,
  split,
  stopGradient,
  sum,
  tensor,
  tree,
  vmap,
  whileLoop,
  zeros,
  zerosLike,
} from '@mapgrad/func'

type Params = { w: Tensor; b: Tensor }
const loss = ({ w, b }: Params, x: Tensor): Tensor => w.mul(x).add(b).sum()
const params = (): Params => ({ w: ones(2), b: ones(2) })

describe('vmap', () => {
  it('keeps parameters and result', () => {
    const f = vmap(loss, [null, 0])
    expectTypeOf(f).toEqualTypeOf<(p: Params, x: Tensor) => Tensor>()
    const each = vmap(grad(loss), [null, 0])(params(), ones(3, 2))
    expectTypeOf(each).toEqualTypeOf<Params>()
    expect(each.w.shape).toEqual([3, 2])
    expectTypeOf(vmap(jacrev(loss, [0, 1]), [null, 0])(params(), ones(3, 2))).toEqualTypeOf<[Params, Tensor]>()
    // @ts-expect-error the arguments are those of the function
    expect(() => f(ones(2), ones(3, 2))).toThrow(/undefined/)
  })

  it('takes dims by position and by name, as trees, and undefined ones', () => {
    const f = (p: Params, x: Tensor): { y: Tensor; name: string } => ({ y: loss(p, x), name: 'y' })
    const out = vmap(f, [{ w: 0, b: null }, 0], { y: 0, name: null })({ w: ones(3, 2), b: ones(2) }, ones(3, 2))
    expectTypeOf(out).toEqualTypeOf<{ y: Tensor; name: string }>()
    const { chunkSize }: { chunkSize?: number } = {}
    const named = vmap(f, { inDims: [null, 0], outDims: { y: 0, name: null }, chunkSize, randomness: undefined })(params(), ones(3, 2))
    expect(named.y.shape).toEqual([3])
    expect(vmap((x: Tensor) => x.mul(2), 0, 0, { randomness: 'same', chunkSize: 2 })(ones(3)).shape).toEqual([3])
    // @ts-expect-error an axis is a number
    expect(() => vmap(f, ['0', 0])(params(), ones(3, 2))).toThrow(/inDim/)
  })
})

describe('control flow', () => {
  it('cond and whileLoop have the types of operands and branches', () => {
    const y = cond(
      true,
      (a: Tensor, p: Params) => ({ a, b: p.b }),
      (a, p) => ({ a: a.mul(2), b: p.w }),
      [ones(2), params()],
    )
    expectTypeOf(y).toEqualTypeOf<{ a: Tensor; b: Tensor }>()
    const [n, p] = whileLoop(
      (n) => n.lt(3),
      (n, p) => [n.add(1), { w: p.w.mul(2), b: p.b }],
      [tensor(0), params()],
    )
    expectTypeOf(n).toEqualTypeOf<Tensor>()
    expectTypeOf(p).toEqualTypeOf<Params>()
    expect(p.w.tolist()).toEqual([8, 8])
    expectTypeOf(forLoop(0, 3, (i, { w, b }) => ({ w: w.add(i), b }), params())).toEqualTypeOf<Params>()
  })

  it('scan, map and associativeScan have those of carry and slices', () => {
    const [carry, ys] = scan((c: Params, x: Tensor) => [c, { twice: x.mul(2) }], params(), ones(3, 2))
    expectTypeOf(carry).toEqualTypeOf<Params>()
    expectTypeOf(ys).toEqualTypeOf<{ twice: Tensor }>()
    expect(ys.twice.shape).toEqual([3, 2])
    const cell = (h: Tensor, x: Tensor) => [h.add(x), x] as const
    expectTypeOf(scan(cell, zeros(2), ones(3, 2))).toEqualTypeOf<[carry: Tensor, ys: Tensor]>()
    expectTypeOf(map((x: Tensor, by: Tensor) => ({ y: x.mul(by) }), ones(3), tensor(2))).toEqualTypeOf<{ y: Tensor }>()
    expectTypeOf(associativeScan((p: Params, q: Params) => ({ w: p.w.add(q.w), b: q.b }), params(), 0)).toEqualTypeOf<Params>()
  })
})

describe('rules of one’s own', () => {
  it('customVjp, customJvp and customVmap keep the type of the function, and infer those of the rules', () => {
    const f = customVjp((p: Params, x: Tensor) => loss(p, x), {
      forward: (p, x) => [loss(p, x), { p, x }],
      backward: ({ p, x }, ct) => [{ w: x.mul(ct), b: p.b.mul(0).add(ct) }, p.w.mul(ct)],
    })
    expectTypeOf(f).toEqualTypeOf<(p: Params, x: Tensor) => Tensor>()
    expect(grad(f)(params(), ones(2)).w.tolist()).toEqual([1, 1])
    const g = customJvp(
      (x: Tensor) => x.square(),
      ([x], [dx]) => [x.square(), x.mul(dx).mul(2)],
    )
    expectTypeOf(g).toEqualTypeOf<(x: Tensor) => Tensor>()
    const h = customVmap(
      (x: Tensor, y: Tensor) => x.mul(y),
      ({ batchSize }, [dx], x, y) => [x.mul(y).mul(batchSize), dx as number],
    )
    expectTypeOf(h).toEqualTypeOf<(x: Tensor, y: Tensor) => Tensor>()
    expect(vmap(h)(ones(3), ones(3)).tolist()).toEqual([3, 3, 3])
  })

  it('autograd.Function: apply has the type of forward, and what is saved that of the context', () => {
    class Scale extends autograd.Function {
      static forward(x: Tensor, by: Tensor | null): Tensor {
        return by ? x.mul(by) : x
      }
      static setupContext(ctx: FunctionContext, [x, by]: [Tensor, Tensor | null], _y: Tensor): void {
        ctx.saveForBackward(x, by)
      }
      static backward(ctx: FunctionContext<[Tensor, Tensor | null]>, ct: Tensor): (Tensor | null)[] {
        const [x, by] = ctx.savedTensors
        expectTypeOf(x).toEqualTypeOf<Tensor>()
        expectTypeOf(by).toEqualTypeOf<Tensor | null>()
        return [by ? ct.mul(by) : ct, by && ct.mul(x)]
      }
    }
    expectTypeOf(Scale.apply(ones(2), null)).toEqualTypeOf<Tensor>()
    expect(grad((x: Tensor) => Scale.apply(x, tensor(3)).sum())(ones(2)).tolist()).toEqual([3, 3])
    expect(grad((x: Tensor) => Scale.apply(x, null).sum())(ones(2)).tolist()).toEqual([1, 1])
    // @ts-expect-error the arguments are those of forward
    expect(() => Scale.apply(ones(2), 'x')).toThrow(/expected a Tensor/)
  })

  it('checkpoint, noGrad, stopGradient and functionalize give the function or value that they take', () => {
    expectTypeOf(checkpoint(loss)).toEqualTypeOf<typeof loss>()
    expectTypeOf(noGrad(loss)).toEqualTypeOf<typeof loss>()
    expectTypeOf(functionalize(loss)).toEqualTypeOf<typeof loss>()
    expectTypeOf(stopGradient(ones(2))).toEqualTypeOf<Tensor>()
    expect(functionalize(loss, { remove: undefined })(params(), ones(2)).item()).toBe(4)
  })

  it('makeFx: a function of the same arguments', () => {
    const g = makeFx(loss)(params(), ones(2))
    expectTypeOf(g).toEqualTypeOf<GraphModule<[p: Params, x: Tensor], Tensor>>()
    expect(g(params(), ones(2)).item()).toBe(4)
  })
})

describe('trees', () => {
  it('map: one type in, the same out; other leaves make another tree', () => {
    const doubled = tree.map((x) => x.mul(2), params())
    expectTypeOf(doubled).toEqualTypeOf<Params>()
    const next = tree.map((p, g) => p.sub(g.mul(0.5)), params(), doubled)
    expectTypeOf(next).toEqualTypeOf<Params>()
    expect(next.w.tolist()).toEqual([0, 0])
    const shapes = tree.map((x) => x.shape.length, { a: params(), m: new Map([['k', [ones(2)]]]), none: null })
    expectTypeOf(shapes).toEqualTypeOf<{ a: { w: number; b: number }; m: Map<string, number[]>; none: null }>()
    expect(shapes.a.b).toBe(1)
    const mixed = tree.map((x, n) => x.mul(n), [ones(2), [ones(2)]] as [Tensor, [Tensor]], [1, [2]])
    expectTypeOf(mixed).toEqualTypeOf<[Tensor, [Tensor]]>()
    expect(mixed[1][0].tolist()).toEqual([2, 2])
  })

  it('map: in generic code, and of what is unknown', () => {
    const sgd = <P>(p: P, g: P, rate: number): P => tree.map((a: Tensor, b: Tensor) => a.sub(b.mul(rate)), p, g)
    expectTypeOf(sgd(params(), params(), 1)).toEqualTypeOf<Params>()
    expect(sgd(params(), params(), 1).w.tolist()).toEqual([0, 0])
    const something: unknown = [ones(2)]
    expectTypeOf(tree.map((x: unknown) => (isTensor(x) ? x.tolist() : x), something)).toEqualTypeOf<unknown>()
  })

  it('leaves, flatten, unflatten and paths', () => {
    expectTypeOf(tree.leaves(params())).toEqualTypeOf<Tensor[]>()
    expectTypeOf(tree.leaves({ x: ones(2), n: [1, 'a'] as [number, string], f: undefined })).toEqualTypeOf<(Tensor | number | string)[]>()
    const [leaves, structure] = tree.flatten(params())
    expectTypeOf(leaves).toEqualTypeOf<Tensor[]>()
    const back = tree.unflatten(
      leaves.map((x) => x.mul(3)),
      structure,
    )
    expectTypeOf(back).toEqualTypeOf<Params>()
    expectTypeOf(structure.unflatten(['a', 'b'])).toEqualTypeOf<{ w: string; b: string }>()
    expect(back.b.tolist()).toEqual([3, 3])
    expectTypeOf(tree.paths(params())[0]!).toEqualTypeOf<[path: string, leaf: Tensor]>()
  })
})

describe('values', () => {
  it('item, tolist and data have the type that is named or expected', async () => {
    const x = arange(3).to('float32')
    expectTypeOf(sum(x).item()).toEqualTypeOf<number>()
    expectTypeOf(x.gt(0).any().item<boolean>()).toEqualTypeOf<boolean>()
    const big: bigint = tensor(3n).item()
    const row: number[] = x.tolist()
    expectTypeOf(x.tolist()).toEqualTypeOf<Nested>()
    expectTypeOf(await x.data<Float32Array>()).toEqualTypeOf<Float32Array>()
    const numbers = await x.data()
    expect([big, row, Math.max(...numbers), await x.at(1).itemAsync()]).toEqual([3n, [0, 1, 2], 2, 1])
    // @ts-expect-error no string is read from a tensor
    expect(x.at(0).item<string>()).toBe(0)
  })

  it('several results have names and places', () => {
    const { values, indices } = ones(2, 3).max(1)
    const [top, where] = ones(2, 3).topk(2)
    expectTypeOf([values, indices, top, where]).toEqualTypeOf<Tensor[]>()
    expect(where.dtype).toBe('int32')
  })

  it('options that are undefined are not given', () => {
    const o: { dim?: number; keepdim?: boolean; dtype?: 'float64' } = {}
    expect(ones(2, 3).sum({ dim: o.dim, keepdim: o.keepdim }).item()).toBe(6)
    expect(zeros(2, { dtype: o.dtype }).dtype).toBe('float32')
    const x = tensor([1, 2], { dtype: o.dtype, requiresGrad: undefined })
    expect(zerosLike(x, { dtype: o.dtype }).add(x, { alpha: undefined }).tolist()).toEqual([1, 2])
    expect(normal(0, 1, [2], { dtype: o.dtype, generator: undefined }).dtype).toBe('float32')
    const [k]: Iterable<Key> = split(key(0))
    expect(rand([2], { key: k }).shape).toEqual([2])
  })
})
