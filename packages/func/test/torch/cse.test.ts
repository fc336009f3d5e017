// After the passes' tests of upstream's test_memory_efficient_fusion: common subexpressions in graphs. What each program
// loses is how many nodes are fewer. Left out: fused kernels and their numerics (NNC on a GPU).
import {
  type Graph,
  type Tensor,
  cat,
  clamp,
  dropout,
  eliminateCommonSubexpressions,
  manualSeed,
  makeFx,
  ones,
  rand,
  randLike,
  randn,
  sum,
  tensor,
  tree,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'

let state = 43
const uniform = (): number => ((state = (state * 16807) % 2147483647) / 2147483647) * 2 - 1
const random = (...shape: number[]): Tensor =>
  tensor(Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, uniform)).reshape(shape)
const text = (y: unknown): unknown[] =>
  tree.leaves(y).map((t) => `${(t as Tensor).shape} ${Array.from((t as Tensor).dataSync() as Float32Array).join()}`)
/** Ops; numbers among the operands are no work. */
const size = (graph: Graph): number => graph.nodes.filter((n) => n.kind === 'call').length

/** How many ops the pass saves; the results stay, and a second pass saves none. */
function saved(f: (x: Tensor, ...rest: never[]) => unknown): number {
  const g = makeFx(f as (x: Tensor) => unknown)(random(2, 3))
  const h = g.transform(eliminateCommonSubexpressions)
  const again = h.transform(eliminateCommonSubexpressions)
  expect(size(again.graph.lint())).toBe(size(h.graph.lint()))
  const x = random(2, 3)
  manualSeed(3)
  const want = text(f(x))
  manualSeed(3)
  expect(text(h(x))).toEqual(want)
  return size(g.graph) - size(h.graph)
}

describe('nothing to save', () => {
  test.each<[string, (x: Tensor) => unknown]>([
    [
      'sums of different operands',
      (x) => {
        const a = x.add(1)
        const b = x.add(a)
        return b.add(x).add(a.mul(b))
      },
    ],
    ['no ops at all', () => []],
    ['draws like a tensor', (x) => randLike(x).add(randLike(x))],
    ['draws of a size', () => randn(4).add(randn(4))],
    [
      'numbers that are nearly the same: 1 and 1.0000001, 0 and −0, an integer and its half',
      (x) => {
        const width = x.shape[1]!
        return [
          clamp(x, 0, width - 1).mul((width - 1.0) / 4),
          x.mul(1).add(x.mul(1.0000002)),
          x.mul(0).add(x.mul(-0)),
          x.mul(2).sub(x.mul(2.5)),
        ]
      },
    ],
  ])('%s', (_name, f) => expect(saved(f)).toBe(0))
})

describe('saved', () => {
  test.each<[string, (x: Tensor) => unknown, number]>([
    ['sums over one axis and over all', (x) => [x.sum(1), x.sum(1), x.sum(), x.sum()], 2],
    ['sums over a list of axes', (x) => [sum(x, [0, 1]), sum(x, [0, 1]), sum(x, [1]), sum(x, 1)], 2],
    [
      'what follows from what was saved',
      (x) => {
        const [a, b] = [x.cos(), x.cos()]
        return a.add(a).mul(b.add(b))
      },
      2,
    ],
    ['one chain of three twice', (x) => x.cos().sin().add(1).mul(x.cos().sin().add(1)), 3],
    ['defaults said and not said', (x) => [x.sum(1), x.sum(1, { keepdim: false }), x.sum(-1, false), x.sum({ dim: 1 })], 3],
    [
      'a kept axis is a view of the sum without it (in PyTorch another sum: 2)',
      (x) => [x.sum(1, true), x.sum(1), x.sum(1, true), x.sum(1, { keepdim: false })],
      4,
    ],
    ['four times the same', (x) => [x.sum(), x.sum(), x.sum(), x.sum()], 3],
    ['lists of tensors', (x) => cat([x, x]).add(cat([x, x])), 1],
    ['operands by name', (x) => x.add(ones(2, 3)).mul(x.add(ones(2, 3))), 1],
  ])('%s', (_name, f, count) => expect(saved(f)).toBe(count))

  test('both outputs of one op', () => expect(saved((x) => [x.sort(1), x.sort(1), x.sort(0)])).toBe(1))
  test('not across numbers of other dtypes', () => expect(saved((x) => [x.add(1), x.double().add(1), x.to('int32').add(1)])).toBe(0))
})

test('what is random is drawn as often as before', () => {
  const f = (x: Tensor): unknown => [rand(3), rand(3), dropout(x, 0.5, true), dropout(x, 0.5, true), x.cos(), x.cos()]
  expect(saved(f)).toBe(1)
  // from one key the same is drawn: that may be one
  const g = makeFx((k: Tensor) => [rand(3, { key: k as never }), rand(3, { key: k as never })])
  const key = tensor([1, 2, 3, 4], { dtype: 'int32' })
  expect(size(g(key).transform(eliminateCommonSubexpressions).graph)).toBe(1)
})
