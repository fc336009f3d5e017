// torch/_functorch and functorch's test_rearrange.py (identity, equivalent and expanded patterns, ellipsis, composition, stacking,
// decomposition, errors) and test_parsing.py (names, brackets, anonymous axes, dots). Left out: the parser's own classes
// (AnonymousAxis, comma strings for first-class dims), which are no part of torch.func.
import { describe, expect, test } from 'vitest'
import { type Tensor, arange, grad, jvp, makeFx, randn, rearrange, tensor, vmap, zeros } from '@mapgrad/func'

const message = (f: () => unknown): string => {
  try {
    f()
  } catch (e) {
    return (e as Error).message
  }
  throw new Error('expected an error')
}
const F64 = { dtype: 'float64' } as const
/** A tensor whose elements differ, of a shape. */
const of = (...shape: number[]): Tensor => arange(shape.reduce((a, b) => a * b, 1)).reshape(shape)
const same = (a: Tensor, b: Tensor): void => {
  expect(a.shape).toEqual(b.shape)
  expect(a.tolist()).toEqual(b.tolist())
}

describe('what patterns mean', () => {
  test.each([
    '...->...',
    'a b c d e-> a b c d e',
    'a b c d e ...-> ... a b c d e',
    'a b c d e ...-> a ... b c d e',
    '... a b c d e -> ... a b c d e',
    'a ... e-> a ... e',
    'a ... -> a ...',
    'a ... c d e -> a (...) c d e',
  ])('%s changes nothing', (pattern) => {
    const x = of(2, 3, 4, 5, 6)
    same(rearrange(x, pattern), x)
  })

  test.each([
    ['a b c d e -> (a b) c d e', 'a b ... -> (a b) ...'],
    ['a b c d e -> a b (c d) e', '... c d e -> ... (c d) e'],
    ['a b c d e -> a b c d e', '... -> ...'],
    ['a b c d e -> (a b c d e)', '... -> (...)'],
    ['a b c d e -> b (c d e) a', 'a b ... -> b (...) a'],
    ['a b c d e -> b (a c d) e', 'a b ... e -> b (a ...) e'],
  ])('%s is %s', (one, other) => {
    const x = of(2, 3, 4, 5, 6)
    same(rearrange(x, one), rearrange(x, other))
  })

  test('beside reshape and permute', () => {
    const x = of(2, 6, 4)
    same(rearrange(x, 'a b c -> c b a'), x.permute(2, 1, 0))
    same(rearrange(x, 'a b c -> a (b c)'), x.reshape(2, 24))
    same(rearrange(x, 'a b c -> (c a) b'), x.permute(2, 0, 1).reshape(8, 6))
    same(rearrange(x, 'a (h w) c -> w a h c', { h: 3 }), x.reshape(2, 3, 2, 4).permute(2, 0, 1, 3))
    same(rearrange(x, 'a (h w) c -> (h a) (c w)', { w: 3 }), x.reshape(2, 2, 3, 4).permute(1, 0, 3, 2).reshape(4, 12))
    same(rearrange(x, 'a (h w v) c -> a h (w v) c', { h: 1, v: 2 }), x.reshape(2, 1, 6, 4))
    same(rearrange(x, 'a b c -> a 1 b () c 1'), x.reshape(2, 1, 6, 1, 4, 1))
    same(rearrange(x.reshape(2, 1, 6, 4), 'a 1 b c -> c b a'), x.permute(2, 1, 0))
    same(rearrange(x, '  a   b c ->c b   a '), x.permute(2, 1, 0))
    same(rearrange(x, 'a b c -> b a c', { a: 2 }), x.permute(1, 0, 2))
    same(rearrange(x, 'größe B_2 c1 -> c1 B_2 größe'), x.permute(2, 1, 0))
  })
  test('a single 1 on the right is an axis, and one on the left must be one', () => {
    expect(rearrange(zeros([]), '-> 1').shape).toEqual([1])
    expect(rearrange(zeros(1, 1), '1 1 ->').shape).toEqual([])
    expect(rearrange(zeros(2, 1, 4), 'a 1 b -> b 1 a 1').shape).toEqual([4, 1, 2, 1])
    expect(message(() => rearrange(of(2, 3, 4), 'a 1 b -> a b'))).toMatch(/expected an axis of size 1 .* got 3: the shape is \[2, 3, 4\]/)
  })
  test('there and back', () => {
    const x = of(2, 12, 4)
    const y = rearrange(x, 'b (h w) c -> (b h) (w c)', { h: 3 })
    same(rearrange(y, '(b h) (w c) -> b (h w) c', { h: 3, c: 4 }), x)
    for (const p of ['a b c', 'a c b', 'b a c', 'b c a', 'c a b', 'c b a'])
      same(rearrange(rearrange(x, `a b c -> ${p}`), `${p} -> a b c`), x)
  })
  test('several tensors are stacked, so that they can be joined along any axis', () => {
    const xs = [of(2, 3), of(2, 3).add(10), of(2, 3).add(20)]
    expect(rearrange(xs, 'n a b -> a n b').tolist()).toEqual([
      [
        [0, 1, 2],
        [10, 11, 12],
        [20, 21, 22],
      ],
      [
        [3, 4, 5],
        [13, 14, 15],
        [23, 24, 25],
      ],
    ])
    expect(rearrange(xs, 'n a b -> (n a) b').shape).toEqual([6, 3])
    expect(message(() => rearrange([of(2), of(3)], 'n a -> a n'))).toMatch(/stack expects each tensor to be equal size/)
  })
  test('empty and 0-d tensors', () => {
    expect(rearrange(zeros(0, 3), 'a b -> (a b)').shape).toEqual([0])
    expect(rearrange(zeros(0, 3), '(a c) b -> a c b', { a: 2 }).shape).toEqual([2, 0, 3])
    expect(rearrange(zeros([]), '... -> ...').shape).toEqual([])
    expect(rearrange(zeros([]), '... -> (...)').shape).toEqual([1])
  })
})

describe('under transforms', () => {
  test('grad, jvp, vmap, makeFx', () => {
    const x = randn(2, 6, F64)
    const w = randn(3, 4, F64)
    const f = (x: Tensor): Tensor => rearrange(x, 'a (b c) -> b (a c)', { c: 2 }).mul(w).sum()
    same(grad(f)(x), rearrange(w, 'b (a c) -> a (b c)', { c: 2 }))
    expect(jvp(f, [x], [x])[1].item()).toBeCloseTo(f(x).item() as number, 12)
    same(vmap((y: Tensor) => rearrange(y, 'a b -> b a'), 1)(of(2, 5, 3)), of(2, 5, 3).permute(1, 2, 0))
    expect(makeFx(f)(x)(x).item()).toBe(f(x).item())
  })
})

test.each<[string, Readonly<Record<string, unknown>>, RegExp]>([
  ['a b -> a b', {}, /Number of dimensions in pattern \(2\) must be equal to the number of dimensions in the tensor \(3\)/],
  ['a b c d ... -> a b c d ...', {}, /Number of dimensions in pattern \(4\)/],
  ['a b c -> a b', {}, /Identifiers only on one side of rearrange expression \(should be on both\): \{'c'\}/],
  ['a b c -> a b c d', {}, /should be on both\): \{'d'\}/],
  ['a b c ->', {}, /should be on both\): \{'a', 'b', 'c'\}/],
  ['a b c a b c', {}, /Pattern must contain a single '->' separator/],
  ['a -> b -> c', {}, /Pattern must contain a single '->' separator/],
  ['a b c - > a b c', {}, /Pattern must contain a single '->' separator/],
  ['', {}, /Pattern must contain a single '->' separator/],
  ['a b c -> a b c', { z: 3 }, /Identifiers not found in rearrange expression: \{'z'\}/],
  ['a b c -> a b c', { a: 'x' }, /rearrange axis lengths must be integers, got: "x" for 'a'/],
  ['a b c -> a b c', { a: 2.5 }, /rearrange axis lengths must be integers, got: 2.5/],
  ['a b c -> a b c', { a: -2 }, /rearrange axis lengths must be non-negative, got -2/],
  ['a b c -> a b c', { a: 5 }, /Dimension sizes do not match \(2 != 5\) when matching \(a\)/],
  ['a (b c) d -> a b c d', { b: 2, c: 2 }, /Dimension sizes do not match \(3 != 4\) when matching \(b c\)/],
  ['(...) b -> ... b', {}, /Ellipsis is parenthesis in the left side is not allowed/],
  ['a (b ...) c -> a b ... c', {}, /Ellipsis is parenthesis in the left side is not allowed/],
  ['a b c -> ... a b c', {}, /Ellipsis found in right side, but not left side of a pattern a b c -> \.\.\. a b c/],
  ['a ... -> a', {}, /Ellipsis found in left side, but not right side/],
  ['a a b -> a b', {}, /Indexing expression contains duplicate dimension 'a'/],
  ['a (b (c d)) e -> a', {}, /Axis composition is one-level \(brackets inside brackets not allowed\)/],
  ['(a b c -> a b c', {}, /Imbalanced parentheses in expression: '\(a b c '/],
  ['a b) c -> a b c', {}, /Brackets are not balanced/],
  ['_a b c -> b c _a', {}, /Invalid axis identifier: _a\naxis name should not start or end with underscore/],
  ['a_ b c -> b c a_', {}, /Invalid axis identifier: a_/],
  ['a b 1c -> a b', {}, /Invalid axis identifier: 1c/],
  ['a . b -> a b', {}, /Expression may contain dots only inside ellipsis \(\.\.\.\)/],
  ['a .. b -> a b', {}, /Expression may contain dots only inside ellipsis \(\.\.\.\)/],
  ['... a ... -> a', {}, /only one ellipsis for tensor/],
  ['a b c! -> a b c', {}, /Unknown character '!'/],
  ['a b 2 -> a b 2', {}, /rearrange only supports unnamed axes of size 1, got 2/],
  ['a b c -> a b 3 c', {}, /rearrange only supports unnamed axes of size 1/],
  ['a b 0 -> a b', {}, /Anonymous axis should have positive length, not 0/],
  ['(a b) c d -> a b c d', {}, /cannot infer the sizes of two dimensions at once a and b/],
  ['(a b) c d -> a b c d', { a: 4 }, /inferred dimension does not evenly fit into larger dimension: 2 vs \(4, '\?'\)/],
  ['(a b) c d -> a b c d', { a: 0 }, /inferred dimension does not evenly fit into larger dimension: 2 vs \(0, '\?'\)/],
])("'%s' with %j is refused", (pattern, lengths, text) => {
  expect(message(() => rearrange(of(2, 3, 4), pattern, lengths as Record<string, number>))).toMatch(text)
})
test('what is no tensor and no pattern', () => {
  expect(message(() => rearrange(5 as never, 'a -> a'))).toMatch(/expected a tensor or an array of tensors, got 5/)
  expect(message(() => rearrange(tensor([1]), 5 as never))).toMatch(/expected the pattern to be a string/)
})
