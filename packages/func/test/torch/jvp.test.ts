// TestJvp of test_eager_transforms.py. no-grad.test.ts has what upstream does by switching forward mode off.
// Left out: primals or tangents as a list instead of a tuple (an array is our tuple); jvp inside forward and backward of an old-style Function.
import {
  type Tensor,
  add,
  cos,
  exp,
  grad,
  jvp,
  matmul,
  mul,
  neg,
  newTensor,
  ones,
  rand,
  randn,
  sin,
  square,
  stack,
  sum,
  tan,
  tensor,
  vjp,
  vmap,
  zeros,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { along, f64, raised, random } from '../rules.ts'
import { contract, differences, plain, same, sameBits, shapes, strided } from './derivatives.ts'

const text = (f: () => unknown): string => raised(f).message
const double = { dtype: 'float64' } as const

describe('jvp gives', () => {
  const [x, y, tx, ty] = [strided(2, 3), strided(2, 3), random(2, 3), random(2, 3)]
  test('the output and its tangent', () => {
    same(jvp(sin, [x], [tx]), [sin(x), mul(cos(x), tx)], 1e-15)
    const f = (x: Tensor): Tensor => matmul(x.softmax(0), x.t())
    const [out, tangent] = jvp(f, [x], [tx])
    sameBits(out, f(x))
    same(tangent, along(f, x, tx), 1e-9)
    same(tangent, contract(differences(f, x), tx), 1e-9)
  })
  test('for several inputs: the sum of what each moves', () => {
    same(jvp(mul, [x, y], [tx, ty]), [mul(x, y), add(mul(y, tx), mul(x, ty))], 1e-15)
  })
  test('for trees of inputs', () => {
    const f = ([a, b]: [Tensor, Tensor], y: Tensor, { z }: { z: Tensor }): Tensor => a.add(b.mul(2)).add(y.mul(3)).add(z.mul(4))
    const one = f64(1)
    expect(plain(jvp(f, [[one, one], one, { z: one }], [[one, one], one, { z: one }]))).toEqual([10, 10])
    expect(plain(jvp(f, [[one, one], one, { z: one }], [[one, f64(0)], f64(0), { z: f64(-1) }]))).toEqual([10, -3])
  })
  test('several outputs, each with its tangent, in one structure', () => {
    const f = (x: Tensor): [Tensor, Tensor] => [sin(x), cos(x)]
    same(jvp(f, [x], [tx]), [f(x), [mul(cos(x), tx), mul(neg(sin(x)), tx)]], 1e-15)
    const g = (x: Tensor, y: Tensor): [Tensor, Tensor] => [x.mul(2).add(y.mul(3)), x.mul(4).add(y.mul(5))]
    same(jvp(g, [x, y], [tx, ty]), [g(x, y), g(tx, ty)], 1e-15)
  })
  test.each<[string, (x: Tensor) => unknown]>([
    ['an array', (x) => [x, x.sum()]],
    ['an object', (x) => ({ x, total: x.sum() })],
    ['a Map', (x) => new Map([['x', x]])],
    ['trees in trees', (x) => [[x.sum(), { a: x, out: [x, x.sum()] }]]],
  ])('%s of outputs', (_, f) => {
    const [out, tangent] = jvp(f, [x], [tx])
    same(out, f(x), 1e-15)
    // what is linear moves as it is
    same(tangent, f(tx), 1e-15)
  })
  test('zero for what does not move', () => {
    const f = (x: Tensor, _y: Tensor): Tensor => x
    same(jvp(f, [x, y], [tx, ty]), [x, tx], 0)
    same(
      jvp((_x: Tensor) => y, [x], [tx]),
      [y, zeros(2, 3, double)],
      0,
    )
    same(jvp((x: Tensor) => [x, f64([1])], [x], [tx])[1], [tx, f64([0])], 0)
  })
  test('zero for zero tangents', () => {
    const z = random(10, 3)
    const f = (x: Tensor): Tensor => x.add(newTensor(x, 0.5))
    sameBits(jvp(f, [z], [zeros(10, 3, double)]), [z.add(0.5), zeros(10, 3, double)])
  })
  test.each(['float16', 'bfloat16', 'float32', 'float64'] as const)('the dtypes of the output: %s', (dtype) => {
    const x = tensor([1, 2, -3], { dtype })
    const v = tensor([1, 0, 2], { dtype })
    const [y, dy] = jvp((x: Tensor) => mul(x, x), [x], [v])
    expect([y.dtype, dy.dtype, plain(dy)]).toEqual([dtype, dtype, [2, 0, -12]])
    const [z, dz] = jvp((x: Tensor) => x.to('float64'), [x], [v])
    expect([z.dtype, dz.dtype, plain(dz)]).toEqual(['float64', 'float64', [1, 0, 2]])
    const [n, dn] = jvp((x: Tensor) => [x.int(), x.gt(0)], [x], [v])
    expect(plain([n, dn])).toEqual([
      [
        [1, 2, -3],
        [true, true, false],
      ],
      [
        [0, 0, 0],
        [false, false, false],
      ],
    ])
    expect(dn.map((d) => d.dtype)).toEqual(['int32', 'bool'])
  })
  test('shapes without elements, and without axes', () => {
    expect(shapes(jvp(square, [zeros(0, 3)], [zeros(0, 3)]))).toEqual(['0×3', '0×3'])
    expect(plain(jvp((x: Tensor) => sum(x), [zeros(0, 3)], [zeros(0, 3)]))).toEqual([0, 0])
    expect(plain(jvp(square, [f64(3)], [f64(2)]))).toEqual([9, 12])
  })
})

describe('aux of jvp', () => {
  const [x, t] = [random(3), random(3)]
  test('a tensor, a tree', () => {
    const f = (z: Tensor): [Tensor, Tensor] => [sin(z), cos(z)]
    same(jvp(f, [x], [t], { hasAux: true }), [sin(x), mul(t, cos(x)), cos(x)], 1e-15)
    const g = (x: Tensor): [Tensor, { a: Tensor; b: [Tensor] }] => [sin(x), { a: cos(x), b: [tan(x)] }]
    const [out, tangent, aux] = jvp(g, [x], [t], { hasAux: true })
    same([out, aux], g(x), 1e-15)
    same(tangent, mul(t, cos(x)), 1e-15)
    expect(aux.a.toString()).toMatch(/^tensor/)
    expect(jvp((x: Tensor): [Tensor, unknown] => [x, []], [x], [t], { hasAux: true })[2]).toEqual([])
  })
  test('strict looks at the output alone', () => {
    const f = (x: Tensor): [Tensor, Tensor] => [x, f64(1)]
    same(jvp(f, [x], [t], { hasAux: true, strict: true }), [x, t, f64(1)], 0)
  })
  test.each<[string, unknown]>([
    ['one tensor', (t: Tensor) => t],
    ['an array of three', (t: Tensor) => [t, add(t, 2), add(t, 3)]],
    ['an object', (t: Tensor) => ({ t })],
  ])('%s is no pair', (_, f) => {
    expect(text(() => jvp(f as (x: Tensor) => [Tensor, Tensor], [x], [t], { hasAux: true }))).toContain(
      'jvp(f, primals, tangents): output of function f should be a tuple: (output, aux) if has_aux is True',
    )
  })
  test.each<[unknown, string]>([
    [1, 'number'],
    ['abc', 'string'],
    [true, 'boolean'],
    [null, 'null'],
    [undefined, 'undefined'],
  ])('%j in aux is refused', (aux, kind) => {
    for (const tree of [aux, [x, aux]])
      expect(text(() => jvp((x: Tensor): [Tensor, unknown] => [x, tree], [x], [t], { hasAux: true }))).toContain(
        `Expected tensors, got unsupported type ${kind}`,
      )
  })
})

describe('jvp refuses', () => {
  const [x, t] = [random(2, 3), random(2, 3)]
  const loose = jvp as unknown as (f: unknown, primals: unknown, tangents: unknown, options?: object) => unknown
  const id = (x: Tensor): Tensor => x
  const STRUCTURE =
    'jvp(f, primals, tangents): Expected primals and tangents to have the same python structure. For example, if primals is a tuple of 3 tensors, tangents also must be.'
  test.each<[string, unknown, unknown, string]>([
    [
      'primals that are no array',
      x,
      t,
      'jvp(f, primals, tangents): Expected primals to be a tuple. E.g. it should be valid to call f(*primals).',
    ],
    ['primals that are no array, with tangents that are one', x, [t], 'Expected primals to be a tuple'],
    ['tangents that are no array', [x], t, `${STRUCTURE} Got primals with structure [*] and tangents with structure *`],
    ['fewer tangents', [x, x], [t], `${STRUCTURE} Got primals with structure [*, *] and tangents with structure [*]`],
    ['more tangents', [x], [t, t], `${STRUCTURE} Got primals with structure [*] and tangents with structure [*, *]`],
    ['tangents of another tree', [[x, x], x], [t, t], STRUCTURE],
    ['tangents under other names', [{ a: x }], [{ b: t }], STRUCTURE],
    ['a number among the primals', [[x, x], 1], [[t, t], t], 'Expected primals to only contain Tensors, got number'],
    ['a number in a tree of tangents', [[x, x], x], [[1, t], t], 'Expected tangents to only contain Tensors, got number'],
    ['a number for a primal', [1], [t], 'Expected primals to only contain Tensors, got number'],
    ['a number for a tangent', [x], [1], 'Expected tangents to only contain Tensors, got number'],
    ['no tensor at all', [[]], [[]], 'jvp(f, primals, tangents): Expected primals to contain at least one Tensor.'],
    ['no primals', [], [], 'jvp(f, primals, tangents): Expected primals to contain at least one Tensor.'],
    [
      'a tangent of another shape',
      [ones(3)],
      [ones(2)],
      'Trying to set a forward gradient that has a different size than that of the original Tensor, this is not supported. Tensor is of size [3] while the given forward gradient is of size [2].',
    ],
    ['a tangent that would broadcast', [ones(3)], [ones(1)], 'while the given forward gradient is of size [1].'],
    ['an integer primal', [tensor([1], { dtype: 'int64' })], [ones(1)], 'Expected primal to be floating point or complex, but got: int64'],
    [
      'an integer tangent',
      [ones(1)],
      [tensor([1], { dtype: 'int64' })],
      'Expected tangent to be floating point or complex, but got: int64',
    ],
    ['a tangent of another dtype', [ones(1)], [ones(1, double)], 'expected tangents of the dtype of their primals, float32, got float64'],
  ])('%s', (_, primals, tangents, says) => {
    expect(text(() => loose(id, primals, tangents))).toContain(says)
  })
  test.each<[string, unknown, string]>([
    ['null', null, 'Expected f to be a function that has non-empty output'],
    ['an empty array', [], 'Expected f to be a function that has non-empty output'],
    ['a number', 1, 'expected f(*primals) to return only tensors, got unsupported type number'],
    ['a boolean', true, 'expected f(*primals) to return only tensors, got unsupported type boolean'],
    ['text', 'abc', 'expected f(*primals) to return only tensors, got unsupported type string'],
    ['an array of numbers', [12.2], 'expected f(*primals) to return only tensors, got unsupported type number'],
  ])('%s for an output', (_, output, says) => {
    expect(text(() => loose(() => output, [x], [t]))).toContain(`jvp(f, primals, tangents): ${says}`)
  })
  test('an output that does not move, if strict', () => {
    const says =
      'jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs. This is not allowed with strict=True.'
    expect(text(() => loose((x: Tensor) => [x, t], [x], [t], { strict: true }))).toContain(says)
    expect(text(() => loose((x: Tensor) => x.detach(), [x], [t], { strict: true }))).toContain(says)
    expect(text(() => loose((x: Tensor) => x.int(), [x], [t], { strict: true }))).toContain(says)
    same(jvp(id, [x], [t], { strict: true }), [x, t], 0)
  })
  test('a captured tensor written in place', () => {
    const captured = random(3)
    const f = (x: Tensor): Tensor => (captured.copy_(x), sum(mul(x, captured)))
    for (const run of [() => jvp(f, [random(3)], [random(3)]), () => vmap((x: Tensor) => jvp(f, [x], [x])[1])(random(2, 3))])
      expect(text(run)).toContain('that would mutate a captured Tensor. This is not supported')
  })
  test('a function that is none, unknown options', () => {
    expect(text(() => loose(3, [x], [t]))).toContain('expected a function, got 3')
    expect(text(() => loose(id, [x], [t], { strct: true }))).toContain("got unknown option 'strct'")
    expect(text(() => loose(id, [x], [t], true as never))).toContain(
      'expected options by name in an object ({ strict, hasAux, kwargs }), got true',
    )
    same(loose(id, [x], [t], null as never), [x, t], 0)
  })
})

describe('jvp with other transforms', () => {
  const [x, v] = [random(3), random(3)]
  test('in itself: derivatives of higher order along one direction', () => {
    const d = (f: (x: Tensor) => Tensor) => (x: Tensor) => jvp(f, [x], [v])[1]
    same(d(d(d(sin)))(x), mul(neg(cos(x)), v.pow(3)), 1e-15)
    same(d(d(exp))(x), mul(exp(x), square(v)), 1e-15)
  })
  test('of grad, and grad of it, by the primal and by the tangent', () => {
    const f = (x: Tensor): Tensor => sin(x).sum().mul(x.at(0))
    same(jvp(grad(f), [x], [v])[1], along(grad(f), x, v), 1e-9)
    same(grad((x: Tensor) => jvp(f, [x], [v])[1])(x), along(grad(f), x, v), 1e-9)
    same(grad((v: Tensor) => jvp(f, [x], [v])[1])(v), differences(f, x), 1e-9)
    same(vjp((v: Tensor) => jvp(sin, [x], [v])[1], [v])[1](x)[0], mul(cos(x), x), 1e-15)
  })
  test('perturbations of two levels do not mix', () => {
    const inner = (x: Tensor): Tensor => jvp((y: Tensor) => mul(x, y), [f64(1)], [f64(1)])[1]
    expect(jvp((x: Tensor) => mul(x, inner(x)), [f64(3)], [f64(1)])[1].item()).toBe(6)
    const constant = (x: Tensor): Tensor => jvp((_y: Tensor) => x, [f64(1)], [f64(1)])[1]
    expect(jvp((x: Tensor) => mul(x, constant(x)), [f64(3)], [f64(1)])[1].item()).toBe(0)
  })
  test('in vmap of vmap, where only some arguments are mapped', () => {
    const xs = random(4, 2, 3)
    const covariance = (x: Tensor): Tensor => {
      const centred = x.sub(x.mean(1, true))
      return matmul(centred, centred.t()).div(x.shape[1]! - 1)
    }
    const tangent = random(2, 3)
    const push = (_dummy: Tensor, x: Tensor): [Tensor, Tensor] => jvp(covariance, [x], [tangent])
    const [values, tangents] = vmap(vmap(push, [0, null]))(ones(4, 1), xs)
    const each = Array.from({ length: 4 }, (_, i) => xs.at(i))
    same(values, stack(each.map(covariance)).unsqueeze(1), 1e-14)
    same(tangents, stack(each.map((x) => along(covariance, x, tangent))).unsqueeze(1), 1e-9)
  })
  test('random draws are fresh in each call, and move with what they are multiplied by', () => {
    const f = (x: Tensor): Tensor => mul(x, rand(3, double))
    const [y, dy] = jvp(f, [x], [x])
    sameBits(y, dy)
    expect(plain(jvp(f, [x], [x])[0])).not.toEqual(plain(y))
    expect(text(() => vmap((x: Tensor) => jvp((x: Tensor) => mul(x, randn([], double)), [x], [x])[0])(x))).toContain('randomness')
  })
})
