// Port of TestVmapOperatorsOpInfo (test_vmap.py), its hand-written cases of indexing. Ops under every choice of mapped axes with PyTorch's
// own samples are the conformance suite of @mapgrad/backend-testkit. The other hand-written cases are in vmap-opinfo.test.ts.
import { type Index, type Tensor, arange, at, ellipsis, indexFill, indexPut, ones, slice, tensor, vmap, zeros } from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { type Dim, type F, checkVmap, expectClose, expectLikeLoop, loop, random } from './harness.ts'

const ints = (data: Parameters<typeof tensor>[0]): Tensor => tensor(data, { dtype: 'int32' })
/** Indices along the first axis for several examples, all in range. */
const spread = (x: Tensor, n: number): Tensor[] =>
  Array.from({ length: n }, (_, i) =>
    x.dtype === 'int32' ? x.add(i).remainder(3) : x.dtype === 'bool' ? x.logicalXor(i % 2 === 1) : x.mul(1 + i),
  )

describe('indexFill', () => {
  const x = random(3, 4, 5)
  const index = ints([0, 2])
  const cases: readonly (readonly [string, F, readonly unknown[]])[] = [
    ['a number', (a: Tensor, i: Tensor) => indexFill(a, 0, i, 7), [x, index]],
    ['a number along the last axis', (a: Tensor, i: Tensor) => indexFill(a, -1, i, 7), [x, index]],
    ['a number, an index without axes', (a: Tensor, i: Tensor) => indexFill(a, 1, i, -2), [x, ints(1)]],
    ['a tensor', (a: Tensor, i: Tensor, v: Tensor) => indexFill(a, 0, i, v), [x, index, tensor(3.5, { dtype: 'float64' })]],
    [
      'a tensor along the middle',
      (a: Tensor, i: Tensor, v: Tensor) => indexFill(a, -2, i, v),
      [x, index, tensor(-1, { dtype: 'float64' })],
    ],
    [
      'a tensor without axes',
      (a: Tensor, i: Tensor, v: Tensor) => indexFill(a, 0, i, v),
      [tensor(2, { dtype: 'float64' }), ints(0), tensor(3, { dtype: 'float64' })],
    ],
    ['in place, a number', (a: Tensor, i: Tensor) => a.mul(i.sum().mul(0).add(1)).indexFill_(0, i, 7), [x, index]],
    [
      'in place, a tensor',
      (a: Tensor, i: Tensor, v: Tensor) => a.mul(i.sum().mul(0).add(1)).add(v.mul(0)).indexFill_(1, i, v),
      [x, index, tensor(4, { dtype: 'float64' })],
    ],
  ]
  test.each(cases)('by %s, everything mapped in any way', (name, f, args) => {
    // an index of one number stays within its axis
    const some = name.includes('without axes')
      ? (y: Tensor, n: number) => Array.from({ length: n }, (_, i) => (y.dtype === 'int32' ? y.mul(1) : y.mul(1 + i)))
      : spread
    checkVmap(f, args, { spread: some })
  })
  test('in place into a tensor that examples share is refused, whichever of the others is mapped', () => {
    for (const [i, v, dims] of [
      [ints([[0], [1]]), tensor(3), [null, 0, null]],
      [index, tensor([3, 4]), [null, null, 0]],
    ] as const)
      expect(() => vmap((a: Tensor, j: Tensor, w: Tensor) => a.indexFill_(0, j, w), [...dims])(x.clone().float(), i, v)).toThrow(
        /is not possible because there exists a Tensor `other` in extra_args that has more elements than `self`/,
      )
  })
})

describe('indexPut', () => {
  const n = 2
  const x = random(n, 5, 3)
  const index = ints([
    [0, 4, 2],
    [1, 1, 3],
  ])
  const values = random(n, 3, 3)
  const shared = { x: random(5, 3), index: ints([0, 4, 2]), values: random(3, 3) }

  // the nine choices of upstream: which of self, index and values are mapped
  const choices: readonly (readonly [readonly Dim[], boolean])[] = [
    [[0, 0, 0], true],
    [[0, 0, null], true],
    [[0, null, 0], true],
    [[0, null, null], true],
    [[null, 0, 0], false],
    [[null, 0, null], false],
    [[null, null, 0], false],
    [[-1, 0, 0], true],
    [[-1, null, -1], true],
  ]
  const arg = (full: Tensor, part: Tensor, d: Dim | undefined): Tensor => (d === null ? part : d === -1 ? full.movedim(0, -1) : full)
  const at9 = (dims: readonly Dim[]): [Tensor, Tensor, Tensor] => [
    arg(x, shared.x, dims[0]),
    arg(index, shared.index, dims[1]),
    arg(values, shared.values, dims[2]),
  ]
  test.each(choices)('of self, index, values mapped along %j', (dims, inPlace) => {
    for (const accumulate of [false, true]) {
      // repeated places are written in no order, so that only sums are told
      const f = (a: Tensor, i: Tensor, v: Tensor): Tensor =>
        indexPut(a, [accumulate ? i : i.sort().values], accumulate ? v : v.mul(0).add(i.sum()), accumulate)
      expectLikeLoop(f as F, dims, 0, n, at9(dims))
      const g = (a: Tensor, i: Tensor, v: Tensor): Tensor => a.indexPut_([i], v, accumulate)
      const run = (): Tensor => vmap(g, [...dims])(...(at9(dims).map((t) => t.clone()) as [Tensor, Tensor, Tensor]))
      if (!inPlace)
        expect(run).toThrow(/is not possible because there exists a Tensor `other` in extra_args that has more elements than `self`/)
      else if (accumulate)
        expectClose(run(), loop(((a: Tensor, i: Tensor, v: Tensor) => a.clone().indexPut_([i], v, true)) as F, dims, 0, n, ...at9(dims)))
    }
  })

  test('through slices, as x[…] = v', () => {
    const v = random(3)
    const writes: readonly (readonly [string, readonly Index[], Tensor])[] = [
      ['a row', [1], v],
      ['rows with a step', [slice(0, 5, 2)], v],
      ['a column', [ellipsis, 0], tensor(3, { dtype: 'float64' })],
      ['a corner', [slice(1, 3), slice(0, 2)], random(2, 2)],
      ['a new axis', [null, slice(2, 4)], random(1, 2, 3)],
      ['indices and a slice', [ints([0, 3]), slice(1)], random(2, 2)],
      ['a slice and indices', [slice(), ints([2, 0])], random(5, 2)],
    ]
    for (const [, where, value] of writes) {
      const f = (a: Tensor, b: Tensor): Tensor => {
        const y = a.mul(2).add(b.sum().mul(0))
        return y.set(...where, b)
      }
      checkVmap(f as F, [shared.x, value])
    }
  })
  test('through a mask of bools that all examples share', () => {
    const mask = tensor([true, false, true, true, false])
    checkVmap(((a: Tensor, b: Tensor) => indexPut(a.add(b.sum().mul(0)), [mask], b)) as F, [shared.x, tensor(9, { dtype: 'float64' })])
    checkVmap(((a: Tensor, b: Tensor) => indexPut(a.add(b.sum().mul(0)), [mask], b)) as F, [shared.x, random(3, 3)])
  })
  test('through a mask of each example, which may show any number of elements', () => {
    const masks = tensor([
      [true, false, true, true, false],
      [false, false, false, true, false],
    ])
    const f = (a: Tensor, m: Tensor): Tensor => indexPut(a, [m], tensor(9, { dtype: 'float64' }))
    expectLikeLoop(f as F, [null, 0], 0, 2, [shared.x, masks])
    expectLikeLoop(f as F, [0, 0], 0, 2, [x, masks])
    // values that are one an element have no place to come from
    expect(() => vmap((a: Tensor, m: Tensor) => indexPut(a, [m], random(3, 3)), [null, 0])(shared.x, masks)).toThrow(/mask|shape|dynamic/i)
  })
  test('values that broadcast', () => {
    for (const v of [random(), random(1), random(3), random(1, 3), random(3, 1), random(3, 3)])
      checkVmap(((a: Tensor, b: Tensor) => indexPut(a.add(b.sum().mul(0)), [shared.index], b)) as F, [shared.x, v])
    // two indices that broadcast with one another
    const [i, j] = [ints([[0], [2], [4]]), ints([0, 2])]
    for (const v of [random(), random(2), random(3, 1), random(3, 2)])
      checkVmap(((a: Tensor, b: Tensor, k: Tensor) => indexPut(a.add(b.sum().add(k.sum()).mul(0)), [k, j], b)) as F, [shared.x, v, i], {
        spread,
      })
  })
  test('of tensors without axes', () => {
    const f = (a: Tensor, b: Tensor): Tensor => indexPut(a.add(b.mul(0)), [tensor(true)], b)
    expectLikeLoop(f as F, [0, 0], 0, 3, [random(3), random(3)])
    expectLikeLoop(((a: Tensor, i: Tensor) => indexPut(a, [i], tensor(5, { dtype: 'float64' }))) as F, [0, 0], 0, 3, [
      random(3, 4),
      ints([0, 2, 3]),
    ])
    // an index that examples share, a value that each has
    expectLikeLoop(((a: Tensor, v: Tensor) => indexPut(a.add(v.mul(0)), [ints(1)], v)) as F, [null, 0], 0, 3, [random(4), random(3)])
    const g = vmap((a: Tensor, v: Tensor) => a.newZeros(3).indexPut_([ints(2)], v))(random(2, 3), random(2))
    expect(g.shape).toEqual([2, 3])
  })
})

describe('advanced indexing', () => {
  const x = random(3, 4, 5)
  const [i, j] = [ints([0, 2, 1]), ints([1, 2, 0])]
  const cases: readonly (readonly [string, F, readonly unknown[]])[] = [
    ['one index in front', (a: Tensor, p: Tensor) => at(a, p), [x, i]],
    ['one index last', (a: Tensor, p: Tensor) => at(a, ellipsis, p), [x, i]],
    ['two side by side', (a: Tensor, p: Tensor, q: Tensor) => at(a, p, q), [x, i, j]],
    ['two around a slice', (a: Tensor, p: Tensor, q: Tensor) => at(a, p, slice(1, 3), q), [x, i, j]],
    ['an index and a number', (a: Tensor, p: Tensor) => at(a, p, slice(), 2), [x, i]],
    ['an index behind a new axis', (a: Tensor, p: Tensor) => at(a, null, p), [x, i]],
    ['two that broadcast', (a: Tensor, p: Tensor, q: Tensor) => at(a, p.unsqueeze(1), q), [x, i, j]],
    ['three', (a: Tensor, p: Tensor, q: Tensor) => at(a, p, q, p), [x, i, j]],
    ['a mask that examples share', (a: Tensor) => at(a, tensor([true, false, true])), [x]],
    ['a mask and an index', (a: Tensor, p: Tensor) => at(a, slice(), tensor([false, true, true, true]), p), [x, i]],
  ]
  test.each(cases)('%s: tensor and indices mapped in any way', (_, f, args) => {
    checkVmap(f, args, { spread })
  })
  test('within two levels of vmap', () => {
    const f = (a: Tensor, p: Tensor, q: Tensor): Tensor => at(a, p, slice(), q)
    const [many, rows, columns] = [random(6, 3, 4, 5), i.add(arange(7).unsqueeze(1)).remainder(3), j]
    const nested = vmap(vmap(f, [null, 0, null]), [0, null, null])(many, rows, columns)
    const want = loop(((a: Tensor) => loop(((p: Tensor) => f(a, p, columns)) as F, 0, 0, 7, rows)) as F, 0, 0, 6, many)
    expectClose(nested, want)
    const swapped = vmap(vmap(f, [0, null, null]), [null, 0, null])(many, rows, columns)
    expectClose(swapped, (want as Tensor).transpose(0, 1))
  })
  test('writes through two levels of vmap', () => {
    const f = (p: Tensor, v: Tensor): Tensor => {
      const y = v.newZeros(3, 2)
      return y.set(p, v)
    }
    const [rows, v] = [
      ints([
        [0, 2],
        [1, 0],
      ]),
      random(4, 2, 2),
    ]
    const nested = vmap(vmap(f, [0, null]), [null, 0])(rows, v)
    const want = loop(
      ((w: Tensor) => loop(((p: Tensor) => zeros(3, 2, { dtype: 'float64' }).set(p, w)) as F, 0, 0, 2, rows)) as F,
      0,
      0,
      4,
      v,
    )
    expectClose(nested, want)
  })
  test('a mask of each example has no shape of its own, unless it is written through', () => {
    const mask = ones(2, 3, { dtype: 'bool' })
    expect(() => vmap((a: Tensor, m: Tensor) => at(a, m), [null, 0])(x, mask)).toThrow(/dynamic shape/)
  })
})
