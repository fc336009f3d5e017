import { grad, jvp } from '@mapgrad/func'
import { functionalize, graphFromJSON, makeFx } from '@mapgrad/graph'
import { type Tensor, tensor } from '@mapgrad/tensor'
import { vmap } from '@mapgrad/vmap'
import { describe, expect, test } from 'vitest'
import { Pasted } from './pasted.ts'
import { exact, opsOf, random } from './support.ts'

const code = new Pasted('functionalize')

/** PyTorch's own example: b changes through its view c. */
const f = (a: Tensor): Tensor => {
  const b = a.add(1)
  const c = b.view(-1)
  c.add_(1)
  return b
}
/** Changes its argument. */
const g = (a: Tensor, b: Tensor): Tensor => {
  const before = a.clone()
  a.mul_(b)
  a.at(0).add_(10)
  return before.add(a)
}

const remove = ['mutations', 'mutations_and_views'] as const

describe('in graphs', () => {
  test('no op mutates, with functionalize and without, once and twice', () => {
    const x = random(2, 2)
    const want = 'add view add_1 reshape'
    expect(opsOf(makeFx(f)(x).graph)).toBe(want)
    for (const r of remove) {
      const h = functionalize(f, { remove: r })
      expect(opsOf(makeFx(h)(x).graph)).toBe(want)
      expect(opsOf(makeFx(functionalize(h, { remove: r }))(x).graph)).toBe(want)
      expect(exact(makeFx(h)(x)(x))).toBe(exact(f(x)))
    }
  })
  test('arguments that are changed get their elements at the end of each run, and not while tracing', async () => {
    const [x, b] = [
      tensor([
        [1, 2],
        [3, 4],
      ]),
      tensor([
        [2, 2],
        [2, 2],
      ]),
    ]
    const m = makeFx(g)(x, b)
    expect(x.tolist()).toEqual([
      [1, 2],
      [3, 4],
    ])
    expect(m.signature.mutated).toEqual([0])
    const forward = await code.paste<typeof g>(m.code)
    for (const h of [
      g,
      m,
      graphFromJSON(JSON.stringify(m)) as unknown as typeof g,
      functionalize(g),
      functionalize(g, { remove: 'mutations_and_views' }),
      forward,
    ]) {
      const a = tensor([
        [1, 2],
        [3, 4],
      ])
      const row = a.at(1)
      expect(h(a, b).tolist()).toEqual([
        [13, 16],
        [9, 12],
      ])
      expect(a.tolist()).toEqual([
        [12, 14],
        [6, 8],
      ])
      // a view of the argument from outside sees it too
      expect(row.tolist()).toEqual([6, 8])
    }
  })
  test('an argument that becomes another shape is refused', () => {
    expect(() => makeFx((a: Tensor) => a.unsqueeze_(0))(random(2))).toThrow(
      '[graph] makeFx: expected in-place operations on arguments to keep their shape, got arg0 of shape [2] made into one of [1, 2]',
    )
  })
  test('an argument that is changed and shares its elements with another is refused', () => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ])
    const text = 'expected an argument that is changed in place to be no other argument and no view of one, got tensors 0 and 1'
    expect(() => makeFx(g)(x, x)).toThrow(`[graph] makeFx: ${text}`)
    const m = makeFx(g)(x, x.clone())
    expect(() => m(x, x)).toThrow(`[graph] g: ${text}`)
    expect(() => m(x, x.permute(0, 1))).toThrow(text)
    expect(() => makeFx((a: Tensor, b: Tensor) => a.mul(b))(x, x)(x, x)).not.toThrow()
  })
  test('results of a run stand alone', () => {
    const m = makeFx((a: Tensor) => [a, a.add_(1), a])(tensor([1, 2]))
    const a = tensor([1, 2])
    for (const y of m(a)) y.dispose()
    expect(a.tolist()).toEqual([2, 3])
  })
})

describe('called', () => {
  test('under transforms and around them', () => {
    const x = random(2, 2)
    const loss = (h: (a: Tensor) => Tensor) => (a: Tensor) => h(a).square().sum()
    for (const r of remove) {
      const h = functionalize(f, { remove: r })
      expect(exact(grad(loss(h))(x))).toBe(exact(grad(loss(f))(x)))
      expect(exact(functionalize(grad(loss(f)), { remove: r })(x))).toBe(exact(grad(loss(f))(x)))
      expect(exact(vmap(h)(x))).toBe(exact(vmap(f)(x)))
      expect(exact(jvp(h, [x], [x])[1])).toBe(exact(x))
      expect(opsOf(makeFx(vmap(h))(x).graph)).toBe(opsOf(makeFx(vmap(f))(x).graph))
    }
  })
  test('views removed: results share nothing that can be written', () => {
    const both = (a: Tensor): [Tensor, Tensor] => [a, a.view(-1)]
    const written = (h: typeof both): number[] => {
      const a = tensor([1, 2])
      const [y, z] = h(a)
      z.add_(1)
      return [a, y, z].map((t) => t.at(0).item() as number)
    }
    expect(written(functionalize(both))).toEqual([2, 2, 2])
    expect(written(functionalize(both, { remove: 'mutations_and_views' }))).toEqual([1, 1, 2])
  })
  test('bad arguments', () => {
    expect(() => functionalize(f, { remove: 'views' as never })).toThrow(
      "received invalid argument for remove=views. Valid options are:\n     remove: 'mutations': all inplace and out= operators will be removed",
    )
    expect(() => functionalize(f, { keep: 1 } as never)).toThrow("unknown option 'keep'")
    expect(() => functionalize(2 as never)).toThrow('expected a function, got 2')
    expect(functionalize(f).name).toBe('f')
  })
})
