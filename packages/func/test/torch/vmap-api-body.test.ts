// Upstream: test_vmap.py, TestVmapAPI and parts of TestVmapOperators and TestVmapOperatorsOpInfo: what holds inside a mapped function:
// in-place operations, views, side effects. What is forbidden there is in vmap-api-forbidden.test.ts.
// Left out: Tensor.data, storage() and memory formats (none exists).
import { type Tensor, add, arange, asStrided, ones, slice, stack, tensor, vmap, zeros } from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { expectClose, loop, random } from './harness.ts'

const x = random(2, 3)
const NOT_POSSIBLE =
  'inplace arithmetic(self, *extra_args) is not possible because there exists a Tensor `other` in extra_args that has more elements than `self`. This happened due to `other` being vmapped over but `self` not being vmapped over in a vmap. Please try to use out-of-place operators instead of inplace arithmetic'

describe('in-place operations', () => {
  test('what writes by indices or a mask, or fills, is refused by its name', () => {
    const at = tensor([2, 0], { dtype: 'int32' })
    const mask = tensor([true, false, true])
    const writes: Record<string, (shared: Tensor, v: Tensor) => Tensor> = {
      indexPut_: (s, v) => s.indexPut_([at], v.narrow(0, 0, 2)),
      scatter_: (s, v) => s.scatter_(0, at, v),
      scatterAdd_: (s, v) => s.scatterAdd_(0, at, v),
      scatterReduce_: (s, v) => s.scatterReduce_(0, at, v, 'prod'),
      indexAdd_: (s, v) => s.indexAdd_(0, at, v.narrow(0, 0, 2)),
      indexCopy_: (s, v) => s.indexCopy_(0, at, v.narrow(0, 0, 2)),
      indexFill_: (s, v) => s.indexFill_(0, at, v.at(0)),
      indexReduce_: (s, v) => s.indexReduce_(0, at, v.narrow(0, 0, 2), 'amax'),
      put_: (s, v) => s.put_(at, v.narrow(0, 0, 2)),
      maskedFill_: (s, v) => s.maskedFill_(mask, v.at(1)),
      fill_: (s, v) => s.fill_(v.at(1)),
    }
    for (const [name, write] of Object.entries(writes)) {
      const shared = zeros(3, { dtype: 'float64' })
      expect(() => vmap((v: Tensor) => write(shared, v))(x)).toThrow(
        `[vmap] ${name}: ${NOT_POSSIBLE.replaceAll('inplace arithmetic', name)}`,
      )
      expect(shared.tolist()).toEqual([0, 0, 0])
      // a tensor for each example can be written
      expectClose(
        vmap((v: Tensor) => write(v.newZeros(3), v))(x),
        loop((v: Tensor) => write(v.newZeros(3), v), 0, 0, 2, x),
      )
    }
  })
  test('on a mapped argument write the caller’s tensor, along whichever axis, and return the examples', () => {
    for (const [inDim, outDim] of [
      [0, 0],
      [1, 0],
      [-1, 1],
      [2, -1],
    ] as const) {
      const orig = random(4, 5, 3).abs().mul(0.9)
      const y = orig.clone()
      const out = vmap((a: Tensor) => a.acos_(), inDim, outDim)(y)
      expectClose(y, orig.acos())
      expectClose(out, orig.acos().movedim(inDim, outDim))
    }
    const orig = random(2, 3, 5).abs().mul(0.9)
    const y = orig.clone()
    expectClose(
      vmap(
        vmap((a: Tensor) => a.acos_(), 1),
        1,
      )(y),
      orig.acos().permute(1, 2, 0),
    )
    expectClose(y, orig.acos())
  })
  test('with another operand mapped at the same levels', () => {
    const [a, b] = [random(7, 11, 5), random(5, 7, 11)]
    const y = a.clone()
    vmap((p: Tensor, q: Tensor) => p.atan2_(q), [2, 0])(y, b)
    expectClose(y, a.atan2(b.movedim(0, 2)))
    const [c, d] = [random(7, 11, 5), random(5, 7, 11)]
    const z = c.clone()
    vmap(
      vmap((p: Tensor, q: Tensor) => p.atan2_(q)),
      [2, 0],
    )(z, d)
    expectClose(z, c.atan2(d.permute(1, 2, 0)))
  })
  test('with an operand that is mapped at fewer levels', () => {
    const [a, b] = [random(2, 7), random(7)]
    const y = a.clone()
    vmap((p: Tensor, q: Tensor) => p.atan2_(q), [0, null])(y, b)
    expectClose(y, a.atan2(b))
    const [c, d] = [random(2, 3, 7), random(2, 7)]
    const z = c.clone()
    vmap(vmap((p: Tensor, q: Tensor) => p.atan2_(q), [0, null]))(z, d)
    expectClose(z, c.atan2(d.unsqueeze(1)))
  })
  test('with an operand that is mapped where the written one is not: refused at any level', () => {
    const f = (p: Tensor, q: Tensor): Tensor => p.atan2_(q)
    const refused: (() => unknown)[] = [
      () => vmap(f, [null, 0])(random(7), random(2, 7)),
      () => vmap(vmap(f, [0, null]), [null, 0])(random(3, 7), random(2, 7)),
      () => vmap(vmap(f, [0, null]), [null, 1])(random(3, 7), random(7, 2)),
      () => vmap(vmap(f, [null, 0]))(random(2, 7), random(2, 3, 7)),
    ]
    for (const call of refused) expect(call).toThrow(NOT_POSSIBLE)
  })
  const unmapped = zeros(3)
  test.each<[string, (s: Tensor, v: Tensor) => unknown]>([
    ['add_', (s, v) => s.add_(v)],
    ['mul_', (s, v) => s.mul_(v)],
    ['copy_', (s, v) => s.copy_(v)],
    ['fill_', (s, v) => s.fill_(v.at(0))],
    ['set', (s, v) => s.set(0, v.at(0))],
    ['set of a slice', (s, v) => s.set(slice(1), v.at(slice(1)))],
    ['indexPut_', (s, v) => s.indexPut_([tensor([0, 2], { dtype: 'int32' })], v.at(slice(1)))],
    ['maskedFill_ by a mapped mask', (s, v) => s.maskedFill_(v.gt(0), 1)],
    ['scatter_', (s, v) => s.scatter_(0, tensor([0, 1, 2], { dtype: 'int32' }), v)],
    ['a view', (s, v) => s.narrow(0, 1, 2).add_(v.at(slice(1)))],
    ['a view of a view', (s, v) => s.unsqueeze(0).select(1, 2).sub_(v.sum())],
  ])('%s of mapped values on a tensor that all examples share: refused, nothing written', (_, write) => {
    for (const call of [() => vmap(write, [null, 0])(unmapped, ones(2, 3)), () => vmap((v: Tensor) => write(unmapped, v))(ones(2, 3))])
      expect(call).toThrow(NOT_POSSIBLE.slice('inplace arithmetic'.length, -'inplace arithmetic'.length))
    expect(unmapped.tolist()).toEqual([0, 0, 0])
  })
  test('a mapped tensor that an inner map shares and writes with its own examples: refused', () => {
    const y = ones(2, 3)
    const f = (row: Tensor): Tensor => vmap((v: Tensor) => row.add_(v))(ones(4, 3))
    expect(() => vmap(f)(y)).toThrow(NOT_POSSIBLE)
    // with values of the level that the tensor belongs to, it is written once
    const g = (row: Tensor): Tensor => vmap((v: Tensor) => (row.add_(1), add(v, row)))(ones(4, 3))
    expectClose(vmap(g)(y), ones(2, 4, 3).mul(3))
    expect(y.tolist()).toEqual([
      [2, 2, 2],
      [2, 2, 2],
    ])
  })
  test('unmapped values on unmapped tensors: once, however many examples; arguments and captured ones alike', () => {
    const [counter, captured] = [zeros(2), zeros(2)]
    const f = (s: Tensor, v: Tensor): Tensor => {
      s.add_(1)
      captured.at(0).sub_(tensor(5))
      return add(v, s)
    }
    expect(vmap(f, [null, 0])(counter, zeros(3)).tolist()).toEqual([
      [1, 1],
      [1, 1],
      [1, 1],
    ])
    expect([counter.tolist(), captured.tolist()]).toEqual([
      [1, 1],
      [-5, 0],
    ])
  })
  test('the result keeps the shape of one example, whatever the batch', () => {
    expect(() => vmap((a: Tensor, b: Tensor) => a.add_(b))(zeros(3, 1), zeros(3, 3))).toThrow(
      "output with shape [1] doesn't match the broadcast shape [3]",
    )
    expect(() => vmap((a: Tensor, b: Tensor) => a.add_(b), [0, null])(zeros(3, 1), zeros(3, 3))).toThrow(
      "output with shape [1] doesn't match the broadcast shape [3, 3]",
    )
    expect(() => vmap((a: Tensor, b: Tensor) => a.mul_(b))(zeros(3, 2, { dtype: 'int32' }), ones(3))).toThrow(
      "result type Float can't be cast to the desired output type Int",
    )
  })
  test('copy_ and fill_ of shared and mapped values', () => {
    const y = random(3, 2)
    const v = random(3)
    vmap((a: Tensor, b: Tensor) => a.copy_(b), [1, null])(y, v)
    expectClose(y, v.unsqueeze(1).expand(3, 2))
    vmap((a: Tensor, b: Tensor) => a.copy_(b))(y, v)
    expectClose(y, v.unsqueeze(1).expand(3, 2))
    const w = random(2)
    vmap((a: Tensor, b: Tensor) => a.fill_(b), [1, 0])(y, w)
    expectClose(y, w.expand(3, 2))
  })
  test('allocated inside: newZeros and its kin give each example its own; so do zeros', () => {
    const makes: ((v: Tensor) => Tensor)[] = [
      (v) => v.newZeros(3, 3),
      (v) => v.newZeros([3, 3]),
      (v) => v.newEmpty(3, 3).zero_(),
      (v) => v.newFull([3, 3], 0),
      (v) => v.newOnes(3, 3).sub_(1),
      () => zeros(3, 3, { dtype: 'float64' }),
    ]
    for (const make of makes) {
      const embed = (v: Tensor): Tensor => {
        const out = make(v)
        out.diagonal().copy_(v)
        return out
      }
      expectClose(vmap(embed)(x), x.diagEmbed())
      expectClose(vmap(vmap(embed), -1)(random(2, 3, 4).mul(0).add(1)), ones(4, 2, 3, { dtype: 'float64' }).diagEmbed())
    }
    expect(vmap((v: Tensor) => v.newZeros(2, 5))(ones(3, { dtype: 'int32' }))).toMatchObject({ shape: [3, 2, 5], dtype: 'int32' })
    expect(vmap((v: Tensor) => v.newZeros([]))(x).shape).toEqual([2])
  })
  test('a tensor that is given twice is one tensor, as in a loop', () => {
    for (const chunkSize of [1, 2, 100]) {
      const y = x.clone()
      const f = (a: Tensor, [b]: readonly [Tensor]): Tensor => {
        a.add_(1)
        b.mul_(2)
        return a.add(b)
      }
      expectClose(vmap(f, 0, 0, { chunkSize })(y, [y]), x.add(1).mul(4))
      expectClose(y, x.add(1).mul(2))
    }
    // along different axes, the function sees two
    const square = random(3, 3)
    expectClose(vmap((a: Tensor, b: Tensor) => a.mul(b), [0, 1])(square, square), square.mul(square.t()))
  })
  test('a loop that fills rows one by one', () => {
    const f = (v: Tensor): Tensor => {
      const out = v.newZeros(3, 2)
      for (let i = 0; i < 3; i++) out.set(i, stack([v.at(i), v.at(i).square()]))
      out.at(1).neg_()
      return out
    }
    expectClose(vmap(f)(x), loop(f, 0, 0, 2, x))
  })
})

describe('views', () => {
  test('of an example see what is written to it, and write it', () => {
    const views: Record<string, (v: Tensor) => Tensor> = {
      transpose: (v) => v.transpose(0, 1),
      view: (v) => v.view(4, 2, 2),
      select: (v) => v.select(1, 2),
      slice: (v) => v.at(slice(), slice(0, 3, 2)),
      diagonal: (v) => v.diagonal(1),
      unfold: (v) => v.unfold(1, 2, 2),
      asStrided: (v) => asStrided(v, [2, 2], [4, 1], 1),
      split: (v) => v.split(2, 1)[1]!,
      unsqueeze: (v) => v.unsqueeze(1),
    }
    for (const [name, view] of Object.entries(views))
      for (const inDim of [0, 1, 2]) {
        const y = random(4, 4, 4)
        const written = y.clone()
        const f = (v: Tensor): readonly [Tensor, Tensor] => {
          const part = view(v)
          v.add_(1)
          part.mul_(2)
          return [part, v]
        }
        const got = vmap(f, inDim)(written)
        expectClose(
          got,
          loop((v: Tensor) => f(v.clone()), inDim, 0, 4, y),
          {},
          name,
        )
        expectClose(written, got[1].movedim(0, inDim), {}, name)
      }
  })
  test('with size and strides that do not belong together, or reach out of the example', () => {
    const out = /result = tensor\.as_strided\(.*can access memory outside of `tensor`.*This is not supported inside of vmap/
    const y = random(5, 3)
    expect(() => vmap((v: Tensor) => asStrided(v, [1, 1, 1], [1, 1]))(y)).toThrow('mismatch in length of strides and shape')
    expect(() => vmap((v: Tensor) => asStrided(v, [3], [1], 1))(y)).toThrow(
      'result = tensor.as_strided([3], [1], 1) can access memory outside of `tensor`. `result` can access some memory in range [1, 4], but `tensor` can only access some memory in range [0, 3]. This is not supported inside of vmap, please try to rewrite the `as_strided` call as a sequence of PyTorch view operations',
    )
    expect(() => vmap((v: Tensor) => asStrided(v, [4, 4], [4, 1], 0))(random(5, 3, 5))).toThrow(out)
    expect(() => vmap(vmap((v: Tensor) => asStrided(v, [4, 4], [4, 1])))(random(5, 7, 3, 5))).toThrow(out)
    expect(() => vmap((v: Tensor) => asStrided(v, [3], [1]))(random(5, 0, 3))).toThrow(out)
    expect(() => asStrided(random(3), [3], [1], 1)).toThrow('are out of bounds for storage of size 3')
    expect(vmap((v: Tensor) => asStrided(v, [0], [1], 9))(y).shape).toEqual([5, 0])
  })
  test('view refuses what would be no view of one example', () => {
    expect(() => vmap((v: Tensor) => v.transpose(0, 1).view(10))(random(7, 2, 5))).toThrow('view size is not compatible')
    expect(() => vmap((v: Tensor) => v.view(7))(x)).toThrow("shape '[7]' is invalid for input of size 3")
  })
})

describe('an example', () => {
  test('has the shape, sizes, rows and count of one', () => {
    vmap((v: Tensor) => {
      expect([v.shape, v.ndim, v.size(), v.size(-1), v.numel(), v.dtype, v.device]).toEqual([[2, 5], 2, [2, 5], 5, 10, 'float64', 'cpu'])
      expect([...v].map((row) => row.shape)).toEqual([[5], [5]])
      return v
    }, 1)(random(2, 7, 5))
    expectClose(vmap((v: Tensor) => add(...([...v] as [Tensor, Tensor])))(random(3, 2)).shape, [3])
    expect(() => vmap((v: Tensor) => [...v])(random(3))).toThrow('iteration over a 0-d tensor')
  })
  test('is of dtype and kind, not of value: what asks for these runs', () => {
    const kind = (v: Tensor): Tensor => (v.dtype.startsWith('float') ? tensor(1) : tensor(0))
    expect(vmap(kind)(tensor([1, 2, 3])).tolist()).toEqual([1, 1, 1])
    expect(vmap(kind)(arange(3)).tolist()).toEqual([0, 0, 0])
  })
  test('prints its level, axis and values', () => {
    let text = ''
    vmap(
      (v: Tensor) => ((text = v.toString()), v),
      1,
    )(
      tensor([
        [1, 2],
        [3, 4],
      ]),
    )
    expect(text).toMatch(/^BatchedTensor\(lvl=1, bdim=1, value=\n\s+tensor\(\[\[1\., 2\.\],\n\s+\[3\., 4\.\]\]\)\n\)$/)
    vmap(vmap((v: Tensor) => ((text = v.toString()), v)))(tensor([[1]]))
    expect(text).toMatch(/^BatchedTensor\(lvl=2, bdim=0, value=\n\s+BatchedTensor\(lvl=1, bdim=0, value=/)
  })
})
