// Upstream: test_vmap.py, TestVmapOperators: operators that work element by element, in and out of place; arithmetic with type promotion;
// comparisons; fill, copy, conversions. Also the random draws of test_mode_key.
// Left out: conj, conj_bit, real, imag, view_as_real, view_as_complex, is_complex (no complex dtypes); memory formats of clone and
// contiguous (absent); silu_backward as an operator (it is the gradient of silu here). Random operators: their own suite.
import {
  type Tensor,
  type Unary,
  add,
  clamp,
  clampMax,
  clampMin,
  eq,
  ge,
  grad,
  gt,
  le,
  lt,
  manualSeed,
  mul,
  ne,
  ones,
  pow,
  randn,
  rsub,
  silu,
  tensor,
  vmap,
  where,
  zeros,
} from '@mapgrad/func'
import * as func from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { B0, B1, checkVmap, expectClose, random } from './harness.ts'
import { type Draw, above1, check, checkBinary, checkInPlace, checkUnary, positive, shareMemory } from './operators.ts'

const unary = {
  any: 'abs atan ceil cos cosh erf erfc exp exp2 expm1 floor frac neg relu round sigmoid sign sin sinh square tan tanh trunc asinh sinc deg2rad rad2deg softsign silu mish',
  positive: 'acos asin digamma lgamma sqrt erfinv atanh log1p',
  above1: 'acosh log log10 log2 reciprocal rsqrt',
}
const draws = { any: random, positive, above1 }
/** Where there is one, the method that writes. */
const inPlace = (name: string): ((x: Tensor) => Tensor) | undefined => {
  const method = (ones(1) as unknown as Record<string, ((this: Tensor) => Tensor) | undefined>)[`${name}_`]
  return method && ((x) => method.call(x))
}

describe.each(['any', 'positive', 'above1'] as const)('of one tensor, drawn from %s', (domain) => {
  test.each(unary[domain].split(' '))('%s, and in place', (name) => {
    const op = (func as unknown as Record<string, Unary>)[name]!
    checkUnary((x) => op(x), draws[domain] as Draw)
    const write = inPlace(name)
    if (write) checkInPlace(write, draws[domain] as Draw)
  })
})
test('all of PyTorch’s list have a method that writes', () => {
  const upstream =
    'abs acos asin atan ceil cos cosh digamma exp expm1 floor frac lgamma log log10 log1p log2 neg reciprocal relu round rsqrt sigmoid sign sin sinh sqrt tan tanh trunc'
  expect(upstream.split(' ').filter((name) => !inPlace(name))).toEqual([])
})

describe('clones', () => {
  test('clone and contiguous', () => {
    checkUnary((x) => x.clone())
    checkUnary((x) => x.contiguous())
    // nothing to copy: each example lies in rows
    const x = random(3, 2, 5, 7).movedim(0, 2)
    expect(shareMemory(vmap((v: Tensor) => v.contiguous(), 2, 2)(x), x)).toBe(true)
  })
  test('a clone is its own tensor', () => {
    const x = random(3, 2)
    const y = vmap((v: Tensor) => v.clone().add_(1))(x)
    expectClose(y, x.add(1))
  })
})

describe('clamp', () => {
  test.each<[string, (x: Tensor) => Tensor]>([
    ['min', (x) => clamp(x, -0.5)],
    ['max', (x) => clamp(x, { max: 0.5 })],
    ['both', (x) => clamp(x, -0.5, 0.5)],
    ['clampMin', (x) => clampMin(x, -0.5)],
    ['clampMax', (x) => clampMax(x, 0.5)],
  ])('%s, and in place', (name, op) => {
    checkUnary(op)
    if (name.startsWith('clampM')) checkInPlace(name === 'clampMin' ? (x) => x.clampMin_(-0.5) : (x) => x.clampMax_(0.5))
    else checkInPlace((x) => x.copy_(op(x)))
  })
  test.each([
    ['clampMin', clampMin, (x: Tensor, y: Tensor) => x.clampMin_(y)],
    ['clampMax', clampMax, (x: Tensor, y: Tensor) => x.clampMax_(y)],
  ] as const)('%s by tensors', (_, op, write) => {
    checkBinary((x, y) => op(x, y))
    const f = (x: Tensor, y: Tensor): Tensor => write(x.clone(), y)
    check(f, [random(B0, 3), random(B0, 3)])
    check(f, [random(B0), random(B0)])
    check(f, [random(2, B0, 3), random(2, B0, 3)], 1)
    check(f, [random(B0, 2, 3), random(2, B0, 3)], [0, 1], { outDim: 1 })
    check(f, [random(B0, 2, 3), random(1, 1)], [0, null])
    check(vmap(f), [random(B0, B1, 2, 3), random(B0, B1, 1, 3)])
  })
  test('limits of which one is mapped and one shared', () => {
    checkVmap((x: Tensor, lo: Tensor, hi: Tensor) => clamp(x, lo, hi), [random(2, 3), random(3).sub(1), random(2, 1).add(1)])
  })
})

/** Binary operators, and numbers from where their tensors come. */
const arithmetic: readonly [
  string,
  (x: Tensor, y: Tensor) => Tensor,
  Draw,
  ((x: Tensor, k: number) => Tensor)?,
  ((k: number, x: Tensor) => Tensor)?,
][] = [
  ['add', (x, y) => x.add(y), random, (x, k) => x.add(k), (k, x) => x.add(k)],
  ['sub', (x, y) => x.sub(y), random, (x, k) => x.sub(k), (k, x) => rsub(x, k)],
  ['mul', (x, y) => x.mul(y), random, (x, k) => x.mul(k)],
  ['div', (x, y) => x.div(y), above1, (x, k) => x.div(k), (k, x) => x.reciprocal().mul(k)],
  ['pow', (x, y) => x.pow(y), above1, (x, k) => x.pow(k), (k, x) => pow(k, x)],
  ['rsub', (x, y) => rsub(x, y), random, (x, k) => rsub(x, k)],
  ['atan2', (x, y) => x.atan2(y), above1],
  ['maximum', (x, y) => x.maximum(y), random],
  ['minimum', (x, y) => x.minimum(y), random],
  ['fmod', (x, y) => x.fmod(y), above1, (x, k) => x.fmod(k)],
  ['remainder', (x, y) => x.remainder(y), above1, (x, k) => x.remainder(k)],
  ['hypot', (x, y) => x.hypot(y), above1],
  ['xlogy', (x, y) => x.xlogy(y), above1, (x, k) => x.xlogy(k)],
  ['logaddexp', (x, y) => x.logaddexp(y), random],
  ['copysign', (x, y) => x.copysign(y), random, (x, k) => x.copysign(k)],
]

describe('arithmetic', () => {
  test.each(arithmetic)('%s of tensors, of numbers', (_, op, draw, right, left) => {
    checkBinary(op, draw)
    if (right) checkUnary((x) => right(x, 1.75), draw)
    if (left) checkUnary((x) => left(1.75, x), draw)
  })
  test.each(arithmetic)('%s promotes types by the rank of one example', (_, op, draw) => {
    const f32: Draw = (...shape) => draw(...shape).float()
    const i32 = (...shape: number[]): Tensor =>
      draw(...shape)
        .mul(4)
        .int()
        .abs()
        .add(1)
    const pairs: readonly [Tensor, Tensor, string][] = [
      // two numbers, two vectors
      [f32(B0), draw(B0), 'float64'],
      [draw(B0), f32(B0), 'float64'],
      [f32(B0), f32(B0), 'float32'],
      [f32(B0, 2), draw(B0, 2), 'float64'],
      // a vector and a number of the same kind: the vector's type
      [f32(B0, 2), draw(B0), 'float32'],
      [draw(B0), f32(B0, 2), 'float32'],
      // integers with floats
      [i32(B0, 2), draw(B0), 'float64'],
      [i32(B0, 2), f32(B0), 'float32'],
      [f32(B0), i32(B0, 2), 'float32'],
      [draw(B0, 2), i32(B0), 'float64'],
      [f32(B0), i32(B0), 'float32'],
    ]
    for (const [x, y, dtype] of pairs) {
      check(op, [x, y], 0, { gradient: false, tolerance: { relative: 1e-6, absolute: 1e-6 } })
      expect((vmap(op)(x, y) as Tensor).dtype).toBe(dtype)
      // one of them shared by all examples
      check(op, [x, y.at(0)], [0, null], { gradient: false, tolerance: { relative: 1e-6, absolute: 1e-6 } })
      expect((vmap(op, [null, 0])(x.at(0), y) as Tensor).dtype).toBe(dtype)
    }
  })
  test('a mapped number is a number under two maps too', () => {
    const [x, k] = [ones(2, 3, 4), random(2, 3)]
    expect(vmap(vmap(mul))(x, k).dtype).toBe('float32')
    expect(vmap(vmap(mul), [null, 0])(ones(3, 4), k).dtype).toBe('float32')
    expect(vmap(vmap(mul, [null, 0]))(ones(2, 4), k).dtype).toBe('float32')
    // one axis left: no number
    expect(vmap(mul)(x, k.unsqueeze(2)).dtype).toBe('float64')
  })
  test('powers of numbers and gradients of both operands', () => {
    checkVmap((x: Tensor, y: Tensor) => pow(x, y), [above1(2, 3), random(3)])
    checkVmap(grad((x: Tensor, y: Tensor) => pow(x, y).sum(), 1) as never, [above1(2, 3), random(3)])
  })
})

describe('comparisons', () => {
  const ops = { eq, ne, gt, ge, lt, le }
  test.each(Object.keys(ops) as (keyof typeof ops)[])('%s of tensors and numbers', (name) => {
    const op = ops[name]
    const coarse: Draw = (...shape) =>
      random(...shape)
        .mul(2)
        .round()
    checkBinary((x, y) => op(x, y), coarse)
    checkUnary((x) => op(x, 1), coarse)
    checkBinary((x, y) => op(x, y.where(y.gt(0), Number.NaN)), coarse)
    expect(vmap((x: Tensor, y: Tensor) => op(x, y))(tensor([1, 2]), tensor([1, 1])).dtype).toBe('bool')
  })
  test('where: conditions, values and numbers mapped or shared', () => {
    checkVmap((c: Tensor, x: Tensor, y: Tensor) => where(c.gt(0), x, y), [random(2, 3), random(3), random(2, 1)])
    checkVmap((c: Tensor, x: Tensor) => where(c.gt(0), x, 0), [random(2, 3), random()])
  })
})

describe('fill_, zero_, copy_', () => {
  test.each<[string, (x: Tensor) => Tensor]>([
    ['fill_', (x) => x.fill_(0.1)],
    ['fill_ by a tensor', (x) => x.fill_(tensor(0.25))],
    ['zero_', (x) => x.zero_()],
  ])('%s', (_, op) => checkInPlace(op))
  test('fill_ by a mapped value', () => {
    check((x: Tensor, v: Tensor) => x.clone().fill_(v), [random(3, 5), random(3)])
    check(
      vmap((x: Tensor, v: Tensor) => x.clone().fill_(v), [1, null]),
      [random(3, 5, 2), random(3)],
    )
    expect(() => vmap((x: Tensor, v: Tensor) => x.fill_(v), [null, 0])(random(3, 5), random(3))).toThrow(
      'fill_(self, *extra_args) is not possible',
    )
    expect(() => vmap((x: Tensor, v: Tensor) => x.fill_(v))(random(3, 5), random(3, 5))).toThrow(
      'fill_ only supports 0-dimension value tensor but got tensor with 1 dimensions.',
    )
  })
  test('copy_ broadcasts and converts one example', () => {
    check((x: Tensor, v: Tensor) => x.clone().copy_(v), [random(3, 2, 5), random(3, 5)])
    const x = zeros(3, 2, { dtype: 'int32' })
    vmap((r: Tensor, v: Tensor) => r.copy_(v))(x, tensor([1.5, -2.5, 3]))
    expect([x.tolist(), x.dtype]).toEqual([
      [
        [1, 1],
        [-2, -2],
        [3, 3],
      ],
      'int32',
    ])
  })
})

describe('conversions', () => {
  test('to a dtype, a device, like another tensor; by name', () => {
    check((x: Tensor) => x.to('cpu'), [random(B0)])
    check((x: Tensor) => x.to('float64'), [random(B0).float()])
    check((x: Tensor, o: Tensor) => x.to(o), [random(B0).float(), random(B0)])
    check((x: Tensor, o: Tensor) => x.to(o), [random(B0).float(), random(B0)], [0, null])
    check(
      vmap((x: Tensor) => x.to('float64')),
      [random(B0, B1, 3).float()],
    )
    for (const f of [
      (x: Tensor) => x.double(),
      (x: Tensor) => x.float(),
      (x: Tensor) => x.half(),
      (x: Tensor) => x.mul(9).int(),
      (x: Tensor) => x.mul(9).long(),
      (x: Tensor) => x.bool(),
    ])
      check(f, [random(B0)], 0, { gradient: false })
  })
  test('the dtype of a result is that of one example’s operands', () => {
    const promoted = (x: Tensor, y: Tensor | number): Tensor => ones([], { dtype: add(x, y).dtype })
    const [f, d, i] = [random(2).float(), random(2), ones(2, { dtype: 'int64' })]
    check(promoted, [f, d])
    check(promoted, [f, i])
    check(promoted, [f, 1])
    check(promoted, [i, 1.5])
    check(promoted, [f.unsqueeze(1), d])
    check(promoted, [f.unsqueeze(1), d.unsqueeze(1)])
    check(promoted, [i.unsqueeze(1), f])
    check((x: Tensor) => promoted(x, tensor(1.5, { dtype: 'float64' })), [f])
    check((x: Tensor) => promoted(x, tensor(1.5, { dtype: 'float64' })), [f.unsqueeze(1)])
  })
})

describe('in compositions', () => {
  test('the gradient of silu', () => {
    const slope = (g: Tensor, x: Tensor): Tensor => mul(grad((z: Tensor) => silu(z).sum())(x), g)
    check(slope, [above1(B0, 3), above1(B0, 3)])
    check(slope, [above1(), above1(B0)], [null, 0])
    check(slope, [above1(2, B0), above1(2)], [1, null])
  })
  test('draws of nested maps are those of one draw of the whole batch', () => {
    const noisy = (x: Tensor): Tensor => add(x, randn([]))
    const twice = vmap(vmap(noisy, { randomness: 'different' }), { randomness: 'different' })
    for (const shape of [
      [2, 3],
      [2, 3, 4],
    ]) {
      manualSeed(0)
      const got = twice(ones(shape))
      manualSeed(0)
      expectClose(got, ones(shape).add(randn(shape.length === 2 ? [2, 3] : [2, 3, 1])))
    }
    expect(randn([]).ndim).toBe(0)
  })
})
