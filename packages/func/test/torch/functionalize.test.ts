// After TestFunctionalize of upstream's test_eager_transforms: functions that mutate and alias give the same with their
// mutations removed, alone and with other transforms, and their traces hold no mutation. Here graphs are pure whether or not
// a function went through `functionalize`: golden traces are our own, pinned for both values of `remove` and for none.
// Left out: `out=` arguments (there are none), resize_ and set_ (there are none), tensors with a functional wrapper inside
// (there is no wrapper that could leak), real `{view}_copy` nodes: a view in a graph is an op on values that never change, so
// that it is one already.
import {
  type FunctionContext,
  type Tensor,
  arange,
  autograd,
  grad,
  gradAndValue,
  functionalize,
  jacrev,
  jvp,
  linearize,
  makeFx,
  ones,
  slice,
  tensor,
  vjp,
  vmap,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'

let state = 29
const uniform = (): number => ((state = (state * 16807) % 2147483647) / 2147483647) * 2 - 1
const random = (...shape: number[]): Tensor =>
  tensor(Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, uniform)).reshape(shape)
const exact = (x: Tensor): string => `${x.dtype}[${x.shape}] ${Array.from(x.dataSync() as Float32Array).join()}`
const list = (x: unknown): unknown => (Array.isArray(x) ? x.map(list) : exact(x as Tensor))

const removes = ['mutations', 'mutations_and_views'] as const
type Remove = (typeof removes)[number]

// values by PyTorch 2.13: functionalize(f, remove=…) gives the same for both
const programs: readonly [name: string, f: (x: Tensor) => Tensor, x: () => Tensor, result: unknown][] = [
  [
    'a write through a view',
    (x) => {
      x.view(4, 2).add_(ones(2))
      return x
    },
    () => arange(8).float(),
    [1, 2, 3, 4, 5, 6, 7, 8],
  ],
  [
    'a write through the diagonal of one part of a split',
    (x) => {
      x.split(2)[0]!.diagonal().add_(ones(2))
      return x
    },
    () => arange(8).float().view(4, 2),
    [
      [1, 1],
      [2, 4],
      [4, 5],
      [6, 7],
    ],
  ],
  [
    'a view that is itself transposed and unsqueezed in place',
    (x) => {
      const y = x.view(4, 2)
      y.transpose_(0, 1)
      y.unsqueeze_(1)
      y.add_(arange(4).float())
      return x
    },
    () => arange(8).float(),
    [0, 1, 3, 4, 6, 7, 9, 10],
  ],
  [
    'views of views, squeezed in place, of which one part is written',
    (x) => {
      const z = x.view(8).reshape(2, 4).transpose(1, 0)
      z.unsqueeze_(0)
      z.squeeze_()
      z.split(2)[0]!.add_(tensor([10, 20]))
      return x
    },
    () => arange(8).float().view(4, 2),
    [
      [10, 11],
      [2, 3],
      [24, 25],
      [6, 7],
    ],
  ],
  [
    'tensors as indices, read and written',
    (x) => {
      const b = x.clone()
      const i = tensor([0, 2], { dtype: 'int32' })
      b.indexPut_(
        [i],
        b
          .at(slice(), tensor([1, 0], { dtype: 'int32' }))
          .sum(1)
          .at(i)
          .unsqueeze(1),
      )
      return b
    },
    () => arange(6).float().view(3, 2),
    [
      [1, 1],
      [2, 3],
      [9, 9],
    ],
  ],
]

describe.each(removes)('remove: %s', (remove: Remove) => {
  test.each(programs)('%s', (_name, f, make, result) => {
    const h = functionalize(f, { remove })
    const [x, y] = [make(), make()]
    expect(h(x).tolist()).toEqual(result)
    f(y)
    // the caller sees what the function did to its argument
    expect(exact(x)).toBe(exact(y))
  })
  test.each(programs)('%s: under vmap, in a graph, twice', (_name, f, make) => {
    const h = functionalize(f, { remove })
    const batch = vmap((x: Tensor) => make().add(x))(tensor([0, 0.5, 2]))
    expect(exact(vmap((x: Tensor) => h(x.clone()))(batch))).toBe(exact(vmap((x: Tensor) => f(x.clone()))(batch)))
    const g = makeFx(h)(make())
    const [a, b] = [make().mul(2), make().mul(2)]
    expect(exact(g(a))).toBe(exact(f(b)))
    expect(exact(a)).toBe(exact(b))
    const once = makeFx(h)(make()).graph
    expect(makeFx(functionalize(h, { remove }))(make()).graph.equals(once)).toBe(true)
    expect(makeFx(functionalize(h, { remove: removes[1 - removes.indexOf(remove)]! }))(make()).graph.equals(once)).toBe(true)
    expect(once.nodes.filter((n) => n.op?.name.endsWith('_')).length).toBe(0)
  })

  const add = (x: Tensor): Tensor => {
    const y = x.add(x)
    y.view(-1).at(0).mul_(3)
    y.t().add_(1)
    return y
  }
  const loss = (x: Tensor): Tensor => add(x).square().sum()
  const fix = <A extends readonly unknown[], R>(f: (...args: A) => R): ((...args: A) => R) => functionalize(f, { remove })

  test('of grad, and grad of it', () => {
    const x = random(2, 3)
    const want = exact(grad(loss)(x))
    // 2 · 2(2x + 1) everywhere, 6 · 2(6x + 1) in front
    const byHand = x.mul(8).add(4).tolist() as number[][]
    byHand[0]![0] = 12 * (6 * (x.tolist() as number[][])[0]![0]! + 1)
    expect((grad(fix(loss))(x).tolist() as number[][]).flat()).toEqual(byHand.flat().map((v) => expect.closeTo(v, 4) as number))
    expect(exact(grad(fix(loss))(x))).toBe(want)
    expect(exact(fix(grad(loss))(x))).toBe(want)
    expect(exact(fix(grad(fix(loss)))(x))).toBe(want)
    expect(list(gradAndValue(fix(loss))(x))).toEqual(list(gradAndValue(loss)(x)))
  })
  test('of jvp, vjp, linearize and jacrev, and those of it', () => {
    const [x, dx] = [random(2, 3), random(2, 3)]
    const want = list(jvp(add, [x], [dx]))
    expect(list(jvp(fix(add), [x], [dx]))).toEqual(want)
    expect(list(fix((a: Tensor, b: Tensor) => jvp(add, [a], [b]))(x, dx))).toEqual(want)
    expect(list(vjp(fix(add), [x])[1](dx))).toEqual(list(vjp(add, [x])[1](dx)))
    expect(list(fix((a: Tensor, b: Tensor) => vjp(add, [a])[1](b))(x, dx))).toEqual(list(vjp(add, [x])[1](dx)))
    expect(list(linearize(fix(add), [x])[1](dx))).toEqual(list(linearize(add, [x])[1](dx)))
    expect(exact(jacrev(fix(add))(x))).toBe(exact(jacrev(add)(x)))
    expect(exact(fix(jacrev(add))(x))).toBe(exact(jacrev(add)(x)))
  })
  test('of vmap, and vmap of it; vmap of it of jvp', () => {
    const [x, dx] = [random(4, 2, 3), random(4, 2, 3)]
    const want = exact(vmap(add)(x))
    expect(exact(vmap(fix(add))(x))).toBe(want)
    expect(exact(fix(vmap(add))(x))).toBe(want)
    const along = (a: Tensor, b: Tensor): readonly Tensor[] =>
      jvp(
        (t: Tensor) => {
          const y = t.add(t)
          const z = y.view(-1)
          z.add_(1)
          return z
        },
        [a],
        [b],
      )
    expect(list(vmap(fix(along))(x, dx))).toEqual(list(vmap(along)(x, dx)))
    expect(list(vmap(along)(x, dx))).toEqual([exact(x.mul(2).add(1).view(4, 6)), exact(dx.mul(2).view(4, 6))])
  })
  test('a function with rules of its own inside, which PyTorch cannot do', () => {
    class Square extends autograd.Function {
      static forward(x: Tensor): Tensor {
        return x.mul(x)
      }
      static setupContext(ctx: FunctionContext, [x]: [Tensor]): void {
        ctx.saveForBackward(x)
      }
      static backward(ctx: FunctionContext, ct: Tensor): Tensor {
        return ctx.savedTensors[0]!.mul(ct).mul(2)
      }
    }
    const f = (x: Tensor): Tensor => {
      const y = (Square.apply(x) as Tensor).clone()
      y.add_(1)
      return y.sum()
    }
    const x = random(3)
    expect(exact(grad(fix(f))(x))).toBe(exact(x.mul(2)))
  })
  test('a tensor that is captured and returned is that tensor or a copy, never a wrapper', () => {
    const captured = random(2)
    const y = fix(() => captured)()
    expect(exact(y)).toBe(exact(captured))
    expect(y === captured).toBe(remove === 'mutations')
  })
})

describe('golden traces', () => {
  const f = (a: Tensor): Tensor => {
    const b = a.add(1)
    const c = b.view(-1)
    c.add_(1)
    return b
  }
  const transposed = (a: Tensor): Tensor => {
    const b = a.transpose(1, 0)
    b.add_(1)
    return b
  }
  const several = (a: Tensor, b: Tensor): Tensor => {
    const { values } = a.add(b).sort(1)
    values.at(0).zero_()
    return values
  }
  const input = (a: Tensor): Tensor => {
    const c = a.view(-1)
    c.add_(1)
    return a.mul(2)
  }
  const table = (g: (...xs: Tensor[]) => unknown, ...xs: Tensor[]): string[] =>
    makeFx(g)(...xs)
      .print({ output: false })
      .split('\n')
      .slice(1)
      .map((l) => l.replace(/ {2,}/g, ' ').trim())

  const versions: readonly [string, <F extends (...xs: never[]) => unknown>(g: F) => F][] = [
    ['as it is', (g) => g],
    ...removes.map((remove) => [remove, (g: never) => functionalize(g as never, { remove })] as never),
  ]
  // a write through a view is the view, the addition, and the way back: PyTorch's add, view, add, view, view
  test.each(versions)('%s: a view of a result is written', (_name, fix) => {
    expect(table(fix(f) as never, ones(4, 2))).toEqual([
      'placeholder arg0 float32[4, 2]',
      'call add add arg0, 1 float32[4, 2]',
      'call view view add { shape: [8] } float32[8]',
      'call add_1 add view, 1 float32[8]',
      'call reshape reshape add_1 { shape: [4, 2] } float32[4, 2]',
      'output reshape float32[4, 2]',
    ])
  })
  test.each(versions)('%s: a transposed argument is written', (_name, fix) => {
    expect(table(fix(transposed) as never, ones(4, 2))).toEqual([
      'placeholder arg0 float32[4, 2]',
      'call permute permute arg0 { dims: [1, 0] } float32[2, 4]',
      'call add add permute, 1 float32[2, 4]',
      'call permute_1 permute add { dims: [1, 0] } float32[4, 2]',
      'call contiguous contiguous permute_1 float32[4, 2]',
      'write arg0 copy_ contiguous',
      'output add float32[2, 4]',
    ])
  })
  test.each(versions)('%s: a part of one of several results is written', (_name, fix) => {
    const lines = table(fix(several) as never, ones(4, 2), ones(2))
    expect(lines.map((l) => l.split(' ').slice(0, 2).join(' '))).toEqual([
      'placeholder arg0',
      'placeholder arg1',
      'call add',
      'call sort',
      'item sort_0',
      'item sort_1',
      'call slice',
      'call reshape',
      'call slice_1',
      'call sliceScatter',
      'output sliceScatter',
    ])
  })
  test.each(versions)('%s: an argument is written through a view: the last step copies into it', (_name, fix) => {
    expect(table(fix(input) as never, ones(4, 2))).toEqual([
      'placeholder arg0 float32[4, 2]',
      'call view view arg0 { shape: [8] } float32[8]',
      'call add add view, 1 float32[8]',
      'call reshape reshape add { shape: [4, 2] } float32[4, 2]',
      'call mul mul reshape, 2 float32[4, 2]',
      'write arg0 copy_ reshape',
      'output mul float32[4, 2]',
    ])
    expect(makeFx(fix(input) as typeof input)(ones(4, 2)).code).toMatch(/arg0_in\.copy_\(reshape\)\n {2}return mul\n/)
  })
})

test('another `remove`', () => {
  expect(() => functionalize((x: Tensor) => x, { remove: 'blah' as never })).toThrow(
    "functionalize(f, { remove: 'mutations' }): received invalid argument for remove=blah. Valid options are:",
  )
})
