// Upstream: test_vmap.py, TestVmapOperators: operators that show the elements of one tensor under another shape. Each case says whether the
// result must lie in the memory of the input, as views of a batch are views of the whole.
// Left out: stride, is_contiguous, storage offsets and new_empty_strided (strides are not part of the API; as_strided counts elements of
// one example, so upstream's nine layouts are one case each here); views of complex numbers.
import {
  type Tensor,
  asStrided,
  chunk,
  diagonal,
  expandAs,
  movedim,
  narrow,
  permute,
  reshape,
  reshapeAs,
  select,
  slice,
  split,
  squeeze,
  t,
  tensorSplit,
  transpose,
  unbind,
  unflatten,
  unfold,
  unsqueeze,
  view,
  viewAs,
  vmap,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { B0, B1, checkVmap, expectClose, loop, random } from './harness.ts'
import { check, shareMemory } from './operators.ts'

const B2 = 5
const seen = { view: true }
const one = [0, null, null, null, null]
const dims = (d: number, count: number): (number | null)[] => [d, ...one.slice(1, count)]

describe('axes taken away and put in', () => {
  test('select', () => {
    check((x: Tensor) => select(x, 0, 0), [random(B0, 2, 5)], 0, seen)
    check((x: Tensor) => select(x, 1, 1), [random(2, B0, 5)], 1, seen)
    check(select, [random(2, B0, 5), 1, -1], dims(1, 3), seen)
    check(
      vmap((x: Tensor) => select(x, 1, 1)),
      [random(B1, 2, B0, 5)],
      2,
      seen,
    )
    check(vmap(vmap((x: Tensor) => select(x, 1, 1), 1)), [random(3, 2, B0, B2, 5)], 2, seen)
  })
  test('indices and slices', () => {
    check((x: Tensor) => x.at(slice(0, 1)), [random(B0, 3, 5)], 0, seen)
    check((x: Tensor) => x.at(slice(), slice(1, 3)), [random(3, 5, B0)], 2, seen)
    check((x: Tensor) => x.at(slice(null, null, 2), -1), [random(3, 5, B0)], 2, seen)
    check((x: Tensor) => x.at(null, 1), [random(3, 5, B0)], 2, seen)
    check(
      vmap((x: Tensor) => x.at(slice(), slice(0, 1)), 2),
      [random(3, 5, B0, B1)],
      2,
      seen,
    )
    check(
      vmap(
        vmap((x: Tensor) => x.at(slice(0, 1)), 2),
        2,
      ),
      [random(3, 5, 2, 4, B2)],
      2,
      seen,
    )
  })
  test('narrow', () => {
    check(narrow, [random(B0, 2, 5), -1, 1, 3], dims(0, 4), seen)
    check(narrow, [random(2, B0, 5), 1, 1, 3], dims(1, 4), seen)
    check(vmap(narrow, dims(0, 4)), [random(B1, 2, B0, 5), 1, 0, 0], dims(2, 4), { gradient: false })
    check(vmap(vmap(narrow, dims(2, 4)), dims(0, 4)), [random(3, 2, B0, 5, B2), -1, 2, 3], dims(2, 4), seen)
  })
  test('unsqueeze', () => {
    for (const [shape, d] of [
      [[B0, 2, 5], 0],
      [[2, B0, 5], 1],
      [[2, 5, B0], -1],
    ] as const)
      for (const at of [0, 2, -1, 1, -3]) check(unsqueeze, [random(...shape), at], dims(d, 2), seen)
    for (const at of [0, -1])
      for (const [shape, outer, inner] of [
        [[B0, B1, 2], 0, 0],
        [[B1, 2, B0], 2, 0],
        [[2, B1, B0], 2, 1],
      ] as const)
        check(
          vmap((x: Tensor) => unsqueeze(x, at), inner),
          [random(...shape)],
          outer,
          seen,
        )
    for (const at of [0, -1]) expect(vmap((x: Tensor) => unsqueeze(x, at))(random(3)).shape).toEqual([3, 1])
  })
  test.each<[string, (x: Tensor) => Tensor, number]>([
    ['all axes of one', (x) => squeeze(x), 1],
    ['the first axis', (x) => squeeze(x, 0), 1],
    ['the second', (x) => squeeze(x, 1), 2],
    ['the last', (x) => squeeze(x, -1), 2],
    ['the last but one', (x) => squeeze(x, -2), 3],
  ])('squeeze of %s: never of the batch', (_, op, rank) => {
    if (rank <= 1) {
      // one example is a number: nothing to squeeze, whatever the size of the batch
      for (const n of [1, B1]) {
        check(op, [random(n)], 0, seen)
        expect(vmap(op)(random(n)).shape).toEqual([n])
      }
      check(vmap(op), [random(1, B1, 1)], 0, seen)
      check(vmap(op), [random(B1, 1, 1)], 2, seen)
    }
    check(op, [random(1, 3, 5)], 0, seen)
    check(op, [random(1, 1, 5)], 1, seen)
    check(op, [random(1, 0, 1, 5, 1)], 0, { gradient: false })
    check(op, [random(1, 1, 1, 1, 1)], 0, seen)
    if (rank <= 3) check(vmap(op), [random(1, B1, 1, 3, 4)], 0, seen)
    if (rank <= 3) check(vmap(op), [random(B1, 1, 1, 4, 5)], 2, seen)
  })
  test('squeeze out of range names the range of one example', () => {
    expect(() => squeeze(random(10), 1)).toThrow('(expected to be in range of [-1, 0], but got 1)')
    expect(() => vmap((x: Tensor) => squeeze(x, 1))(random(10))).toThrow('(expected to be in range of [-1, 0], but got 1)')
    expect(() => vmap((x: Tensor) => unsqueeze(x, 2))(random(10))).toThrow('(expected to be in range of [-1, 0], but got 2)')
    expect(() => vmap((x: Tensor) => x.select(1, 0))(random(10, 2))).toThrow('(expected to be in range of [-1, 0], but got 1)')
  })
})

describe('axes moved', () => {
  test('transpose', () => {
    check((x: Tensor) => transpose(x, 0, 1), [random(B0, 2, 5)], 0, seen)
    check((x: Tensor) => transpose(x, -1, -2), [random(B0, 2, 5)], 0, seen)
    check((x: Tensor) => transpose(x, 3, 1), [random(B0, 2, 5, 4, 6)], 0, seen)
    check((x: Tensor) => transpose(x, 1, 0), [random(2, B0, 5)], 1, seen)
    check(
      vmap((x: Tensor) => transpose(x, 0, 1)),
      [random(B1, 2, B0, 5)],
      2,
      seen,
    )
    check(vmap(vmap((x: Tensor) => transpose(x, 0, 1), 2)), [random(3, 2, B0, 5, B2)], 2, seen)
  })
  test('transpose of numbers: the axes 0 and −1 of nothing', () => {
    for (const a of [0, -1])
      for (const b of [0, -1]) {
        const x = random(B0)
        const y = vmap((v: Tensor) => transpose(v, a, b))(x)
        expectClose(y, x)
        expect(shareMemory(y, x)).toBe(true)
      }
    expect(() => vmap((v: Tensor) => transpose(v, 0, 1))(random(B0))).toThrow('(expected to be in range of [-1, 0], but got 1)')
  })
  test('t, T and mT', () => {
    for (const op of [(x: Tensor) => t(x), (x: Tensor) => x.mT, (x: Tensor) => x.T]) {
      check(op, [random(B0, 2, 5)], 0, seen)
      check(op, [random(2, B0, 5)], 1, seen)
      check(vmap(op), [random(B1, 2, B0, 5)], 2, seen)
      check(vmap(vmap(op, 2)), [random(3, 2, B0, 5, B2)], 2, seen)
    }
    check((x: Tensor) => x.T, [random(B0, 2, 3, 5)], 0, seen)
    check((x: Tensor) => x.T, [random(2, B0, 3, 5)], 1, seen)
    check(
      vmap((x: Tensor) => x.T),
      [random(B1, 2, B0, 3, 5)],
      2,
      seen,
    )
    check(t, [random(B0, 3)], 0, seen)
    check(t, [random(B0)], 0, seen)
    expect(() => vmap(t)(random(B0, 2, 3, 5))).toThrow('t() expects a tensor with <= 2 dimensions, but self is 3D')
  })
  test('movedim of one axis, of several', () => {
    check(movedim, [random(B0, 2, 5), 0, 1], dims(0, 3), seen)
    check(movedim, [random(2, B0, 5), 0, 1], dims(1, 3), seen)
    check(vmap(movedim, dims(0, 3)), [random(B1, 2, B0, 5), 0, 1], dims(2, 3), seen)
    check(vmap(vmap(movedim, dims(2, 3)), dims(0, 3)), [random(3, 2, B0, 5, B2), 0, 1], dims(2, 3), seen)
    const several = (x: Tensor): Tensor => movedim(x, [1, 0], [0, 2])
    check(several, [random(B0, 2, 3, 5)], 0, seen)
    check(several, [random(2, 3, B0, 5)], 2, seen)
    check(
      vmap((x: Tensor) => movedim(x, [0, 1], [1, 0])),
      [random(B1, 2, B0, 5)],
      2,
      seen,
    )
    check(vmap(vmap((x: Tensor) => movedim(x, [0, 1], [1, 0]), 2)), [random(3, 2, B0, 5, B2)], 2, seen)
  })
  test('permute', () => {
    check((x: Tensor) => permute(x, [2, 0, 1]), [random(2, 3, B0, 5)], 2, seen)
    check(
      vmap((x: Tensor) => permute(x, [-1, 0]), 1),
      [random(2, 3, B0, 5)],
      2,
      { ...seen, outDim: -1 },
    )
  })
  test('diagonal', () => {
    const x = random(3, 5, 7, 2, 4)
    check(diagonal, [x, 1, 0, 1], dims(0, 4), seen)
    check(diagonal, [x, 0, 2, -1], dims(0, 4), seen)
    check(diagonal, [x, 2, 1, 2], dims(1, 4), seen)
    check(diagonal, [x, 0, -2, -1], dims(1, 4), { ...seen, outDim: 1 })
    check(
      vmap((v: Tensor) => diagonal(v, 0, 0, -1)),
      [x],
      1,
      { ...seen, outDim: 1 },
    )
    check(
      vmap(
        vmap((v: Tensor) => diagonal(v, 0, 0, 1), 1),
        3,
      ),
      [x],
      1,
      { ...seen, outDim: 1 },
    )
  })
})

describe('sizes changed', () => {
  test('expandAs', () => {
    check(expandAs, [random(B0, 1, 5), random(B0, 2, 3, 5)], 0, seen)
    check(expandAs, [random(B0, 1, 5), random(2, 3, 5)], [0, null], seen)
    check(expandAs, [random(1, 5), random(B0, 2, 3, 5)], [null, 0], seen)
    check(vmap(expandAs), [random(B0, B1, 1, 5), random(B0, B1, 2, 3, 5)], 0, seen)
    check(vmap(expandAs), [random(B0, B1, 1, 5), random(B1, B0, 2, 3, 5)], [0, 1], seen)
    check(vmap(expandAs), [random(B0, B1), random(B1, 2, 3, 5)], [0, null], seen)
    check(vmap(vmap(expandAs)), [random(2, 3, B2), random(2, 3, B2, 2, 3, 5)], 0, seen)
  })
  test('reshape: a view where one example is one', () => {
    check((x: Tensor) => reshape(x, [2, 5]), [random(B0, 10)], 0, seen)
    check((x: Tensor) => reshape(x, [1, 1, 10]), [random(2, B0, 5)], 1)
    check(
      vmap((x: Tensor) => reshape(x, [-1])),
      [random(B0, B1, 2, 5)],
      0,
      seen,
    )
    check(
      vmap(
        vmap((x: Tensor) => reshape(x, [-1]), 2),
        1,
      ),
      [random(3, 4, 2, B2, 5, B0)],
      5,
    )
    check((x: Tensor) => unflatten(x, 1, [2, -1]), [random(3, 10, B0)], 2, seen)
  })
  test('reshapeAs', () => {
    check(reshapeAs, [random(B0, 10), random(B0, 2, 5)], 0, seen)
    check(reshapeAs, [random(10), random(B0, 2, 5)], [null, 0], seen)
    check(reshapeAs, [random(B0, 10), random(2, 5)], [0, null], seen)
    check(reshapeAs, [random(2, B0, 5), random(1, 1, 10)], [1, null])
    check(vmap(reshapeAs), [random(B0, B1, 2, 5), random(B0, B1, 10)], 0, seen)
    check(vmap(vmap(reshapeAs, [2, null]), [1, null]), [random(3, 4, 2, B2, 5, B0), random(B0, 30)], [5, 0])
  })
  test('view, and what one example cannot be viewed as', () => {
    check((x: Tensor) => view(x, [2, 5]), [random(B0, 10)], 0, seen)
    check((x: Tensor) => view(x, [1, 2, 1, 10]), [random(B0, 4, 5)], 0, seen)
    check(
      vmap((x: Tensor) => view(x, [-1])),
      [random(B0, B1, 2, 5, 3)],
      0,
      seen,
    )
    check(
      vmap(
        vmap((x: Tensor) => reshape(x, [-1])),
        1,
      ),
      [random(B2, B0, 4, 3, 2, 5)],
      1,
      seen,
    )
    const refused = "view size is not compatible with input tensor's size and stride"
    // each example lies in two pieces
    expect(() => vmap((x: Tensor) => view(x, 10), 1)(random(2, B0, 5))).toThrow(refused)
    const apart = (x: Tensor): Tensor => view(x.transpose(0, 1), 10)
    expect(() => vmap(apart)(random(B0, 2, 5))).toThrow(refused)
    expect(() => vmap((x: Tensor) => vmap(apart)(x))(random(2, B0, 2, 5))).toThrow(refused)
  })
  test('viewAs', () => {
    check(viewAs, [random(B0, 10), random(B0, 2, 5)], 0, seen)
    check(viewAs, [random(10), random(B0, 2, 5)], [null, 0], seen)
    check(viewAs, [random(B0, 10), random(2, 5)], [0, null], seen)
    check(viewAs, [random(B0, 4, 5), random(2, 1, 1, 10)], [0, null], seen)
    check(vmap(viewAs), [random(B0, B1, 2, 5), random(B0, B1, 10)], 0, seen)
    check(vmap(vmap(viewAs, [0, null]), [0, null]), [random(B1, 3, B0, 3, 2, 5), random(B0, 30)], [2, 0], seen)
    expect(() => vmap(viewAs, [1, 0])(random(2, B0, 5), random(B0, 10))).toThrow('view size is not compatible')
    expect(() => vmap((x: Tensor, y: Tensor) => viewAs(x.t(), y))(random(B0, 2, 5), random(B0, 10))).toThrow('view size is not compatible')
  })
  test('unfold', () => {
    check(unfold, [random(3, 7, 11), 0, 2, 1], dims(0, 4), seen)
    check(unfold, [random(7, 3, 11), 1, 4, 2], dims(1, 4), seen)
    check(vmap(unfold, dims(0, 4)), [random(2, 7, 3, 11), 1, 5, 1], dims(2, 4), seen)
    check(vmap(vmap(unfold, dims(2, 4)), dims(0, 4)), [random(2, 7, 3, 11, 5), -1, 2, 4], dims(2, 4), seen)
    expect(vmap((x: Tensor) => unfold(x, 0, 1, 1))(random(3)).shape).toEqual([3, 1])
  })
  test('asStrided: sizes and steps over the elements of one example, wherever they lie', () => {
    const layouts = [
      random(5, 2, 3),
      random(5, 3, 2).transpose(1, 2),
      random(3, 2, 5).movedim(-1, 0).transpose(1, 2),
      random(2, 5, 2, 3).at(1),
      random(2, 2, 5, 3).at(1).movedim(1, 0),
      random(5, 2, 4, 3, 7).at(slice(), slice(), 2, slice(), 1),
      random(2, 4, 3, 7, 5).movedim(-1, 0).at(slice(), slice(), 2, slice(), 1),
    ]
    const cases: readonly [number[], number[], number, (x: Tensor) => Tensor][] = [
      [[5, 5, 2, 3], [0, 0, 3, 1], 0, (x) => x.expand(5, 5, 2, 3)],
      [[3, 2], [1, 3], 0, (x) => x.transpose(0, 1)],
      [[2], [3], 1, (x) => x.select(1, 1)],
      [[2], [4], 0, (x) => x.diagonal()],
      [[2], [2], 0, (x) => x.at(0, slice(0, null, 2))],
    ]
    for (const x of layouts)
      for (const [size, stride, offset, same] of cases) {
        expectClose(vmap((v: Tensor) => asStrided(v, size, stride, offset))(x), vmap(same)(x))
        expectClose(vmap((v: Tensor) => asStrided(v, size, stride, offset), -1)(x.movedim(0, -1)), vmap(same)(x))
      }
    const x = random(4, 5, 2, 3)
    expectClose(
      vmap(
        vmap((v: Tensor) => asStrided(v, [5, 2, 3], [0, 3, 1])),
        1,
      )(x),
      vmap(
        vmap((v: Tensor) => v.expand(5, 2, 3)),
        1,
      )(x),
    )
    checkVmap((v: Tensor) => asStrided(v, [2, 2, 2], [1, 1, 2], 1), [random(2, 3)])
  })
})

describe('pieces', () => {
  const long = 24
  test('chunk', () => {
    check((x: Tensor) => chunk(x, 5, -1), [random(B0, 2, long)], 0, seen)
    check(chunk, [random(2, B0, long), 9, 1], dims(1, 3), seen)
    check(vmap(chunk, dims(0, 3)), [random(B1, 23, B0, 5), 4, 0], dims(2, 3), seen)
    check(vmap(vmap((x: Tensor) => chunk(x, 4, 1), 2)), [random(3, 2, B0, 6, B2)], 2, seen)
  })
  test('split by a size, by sizes', () => {
    check((x: Tensor) => split(x, 7, -1), [random(B0, 2, long)], 0, seen)
    check((x: Tensor) => split(x, 10, 1), [random(2, B0, long)], 1, seen)
    check(
      vmap((x: Tensor) => split(x, 6, 0)),
      [random(B1, 23, B0, 5)],
      2,
      seen,
    )
    check((x: Tensor) => split(x, [1, 20, 3], -1), [random(B0, 2, long)], 0, seen)
    check((x: Tensor) => split(x, [5, 5, 5, 0, 9], 1), [random(2, B0, long)], 1, { gradient: false })
    check(vmap(vmap((x: Tensor) => split(x, [1, 2, 3], 1), 2)), [random(3, 2, B0, 6, B2)], 2, seen)
  })
  test('tensorSplit by a number of pieces, by places', () => {
    check(tensorSplit, [random(B0, 2, long), 5, -1], dims(0, 3), seen)
    check((x: Tensor) => tensorSplit(x, 50, 1), [random(2, B0, long)], 1, { gradient: false })
    check((x: Tensor) => tensorSplit(x, [5, 10, 17, 23], -1), [random(B0, 2, long)], 0, seen)
    check((x: Tensor) => tensorSplit(x, [5, 10, 22, 25, 0, 27, 29], 1), [random(2, B0, long)], 1, { gradient: false })
    check(vmap(vmap((x: Tensor) => tensorSplit(x, [1, 2, 4], 1), 2)), [random(3, 2, B0, 6, B2)], 2, seen)
  })
  test('unbind, rows', () => {
    check((x: Tensor) => unbind(x, -1), [random(B0, 2, long)], 0, seen)
    check((x: Tensor) => unbind(x), [random(B0, 2, 0)], 0, { gradient: false })
    check((x: Tensor) => unbind(x, 0), [random(2, B0, 4)], 1, seen)
    check(
      vmap((x: Tensor) => unbind(x, 1)),
      [random(B1, 3, B0, 5)],
      2,
      seen,
    )
    check(vmap(vmap((x: Tensor) => unbind(x, 1), 2)), [random(3, 2, B0, 4, B2)], 2, seen)
    check((x: Tensor) => [...x], [random(2, B0, 4)], 1, seen)
  })
})

test('a chain of views shows the first tensor', () => {
  const x = random(4, 3, 5, 2)
  const f = (v: Tensor): Tensor => v.transpose(0, 2).at(slice(), 1).unsqueeze(0).movedim(1, -1).diagonal(0, 1, 2)
  const y = vmap(f, 1, -1)(x)
  expectClose(y, loop(f, 1, -1, 3, x))
  expect(shareMemory(y, x)).toBe(true)
})
