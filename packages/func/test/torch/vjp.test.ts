// TestGradTransform of test_eager_transforms.py, what concerns vjp: its outputs, cotangents, aux, texts; and gradients of pullbacks.
import {
  type Tensor,
  type VjpFnOptions,
  add,
  cos,
  grad,
  jacrev,
  jvp,
  matmul,
  mul,
  neg,
  ones,
  onesLike,
  sin,
  square,
  sum,
  tan,
  tensor,
  vjp,
  vmap,
  zeros,
  zerosLike,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { f64, raised, random } from '../rules.ts'
import { contract, differences, plain, same, shapes, strided } from './derivatives.ts'

const unit = (): Tensor => ones([], { dtype: 'float64' })
const text = (f: () => unknown): string => raised(f).message

describe('vjp gives', () => {
  test('the output, and a pullback that gives one cotangent a primal in an array', () => {
    const [x, v] = [random(), random()]
    const [y, pull] = vjp(sin, [x])
    same(y, sin(x), 0)
    same(pull(v), [mul(v, cos(x))], 1e-15)
  })
  test('the product of a cotangent with the Jacobian', () => {
    const [a, b, v] = [strided(3, 5), strided(5, 2), strided(3, 2)]
    const [, pull] = vjp(matmul, [a, b])
    const Ja = differences((a) => matmul(a, b), a)
    const Jb = differences((b) => matmul(a, b), b)
    same(pull(v), [contract(Ja.permute([2, 3, 0, 1]), v), contract(Jb.permute([2, 3, 0, 1]), v)], 1e-9)
  })
  test('a pullback that can be called again', () => {
    const [, pull] = vjp(square, [f64(3)])
    expect([pull(unit()), pull(f64(2)), pull(unit())].map(plain)).toEqual([[6], [12], [6]])
  })
  test('two outputs that are one tensor', () => {
    const [[a, b], pull] = vjp((x: Tensor): [Tensor, Tensor] => [x, x], [f64(1)])
    expect(plain([a, b])).toEqual([1, 1])
    expect(plain(pull([a, b]))).toEqual([2])
  })
  test('nothing for no primals', () => {
    const [y, pull] = vjp(() => f64([1, 2]), [])
    expect(plain(y)).toEqual([1, 2])
    expect(pull(f64([3, 4]))).toEqual([])
  })
  test('trees of cotangents for trees of primals: an unused leaf has zero', () => {
    const [x, v] = [random(), random()]
    const [y, pull] = vjp(([a, [b]]: [Tensor, [Tensor, Tensor]]) => mul(a, b), [[x, [x, x]]])
    same(y, square(x), 0)
    same(pull(v), [[mul(x, v), [mul(x, v), f64(0)]]], 0)
  })
  test('trees of outputs: their cotangents add up', () => {
    const [x, v1, v2, v3] = [random(), random(), random(), random()]
    const [, pull] = vjp((x: Tensor): [Tensor, [Tensor, Tensor]] => [x, [x, x]], [x])
    same(pull([v1, [v2, v3]]), [add(add(v1, v2), v3)], 1e-15)
  })
  test.each<[string, (x: Tensor) => unknown, (t: Tensor) => unknown]>([
    ['an array', (x) => [x, x.sum()], (t) => [t, t.sum()]],
    ['an object', (x) => ({ x, total: x.sum() }), (t) => ({ x: t, total: t.sum() })],
    ['arrays in objects in arrays', (x) => [[x.sum(), { a: x, out: [x, x.sum()] }]], (t) => [[t.sum(), { a: t, out: [t, t.sum()] }]]],
    ['a Map', (x) => new Map([['x', x]]), (t) => new Map([['x', t]])],
  ])('%s of outputs', (_, f, of) => {
    const [x, t] = [random(2, 3), random(2, 3)]
    const [y, pull] = vjp(f, [x])
    same(y, f(x), 0)
    same(pull(of(t))[0], grad((x: Tensor) => inner(f(x), of(t)))(x), 1e-14)
  })
  test('zeros where an output depends on no primal', () => {
    const y = f64(2)
    const [out, pull] = vjp((_x: Tensor) => y, [f64(1)])
    expect([plain(out), plain(pull(unit()))]).toEqual([2, [0]])
    const several = vjp((_w: Tensor, x: Tensor) => [y, y, x], [f64(3), f64(4)])
    expect(plain(several[1]([unit(), unit(), unit()]))).toEqual([0, 1])
    expect(shapes(vjp((_w: Tensor, x: Tensor) => x, [zeros(2, 3), f64(4)])[1](unit()))).toEqual(['2×3', ''])
  })
  test('zeros for the second derivative of a linear function', () => {
    const W = random(5, 3)
    expect(plain(jacrev(jacrev((x: Tensor) => matmul(W, x)))(random(3)))).toEqual(plain(zeros(5, 3, 3)))
  })
  test('cotangents of the dtype of each primal', () => {
    const [half, double] = [tensor([1, 2], { dtype: 'float16' }), f64([3, 4])]
    const [y, pull] = vjp(mul, [half, double])
    expect(y.dtype).toBe('float64')
    const cts = pull(f64([1, 1]))
    expect(cts.map((c) => [c.dtype, plain(c)])).toEqual([
      ['float16', [3, 4]],
      ['float64', [1, 2]],
    ])
  })
})

/** Σ over the leaves of two trees, which have one structure, of the sum of their products. */
function inner(a: unknown, b: unknown): Tensor {
  const pairs: Tensor[] = []
  const go = (p: unknown, q: unknown): void => {
    if (p instanceof Map) for (const k of p.keys()) go(p.get(k), (q as Map<unknown, unknown>).get(k))
    else if (Array.isArray(p)) for (const [i, v] of p.entries()) go(v, (q as unknown[])[i])
    else if (typeof p === 'object' && p && !('shape' in p)) for (const k of Object.keys(p)) go((p as never)[k], (q as never)[k])
    else pairs.push(sum(mul(p as Tensor, q as Tensor)))
  }
  go(a, b)
  return pairs.reduce((s, x) => add(s, x))
}

describe('gradients and pullbacks of each other', () => {
  const [x, y] = [random(), random()]
  test('grad of a pullback, by the cotangent', () => {
    const [, pull] = vjp(sin, [x])
    same(grad((y: Tensor) => pull(y)[0])(y), cos(x), 1e-15)
  })
  test('vjp of a gradient', () => {
    const [, pull] = vjp(grad(sin), [x])
    same(pull(y)[0], neg(mul(y, sin(x))), 1e-15)
  })
  test('grad of the pullback of a gradient', () => {
    const [, pull] = vjp(
      grad((x: Tensor) => neg(cos(x))),
      [x],
    )
    same(grad((y: Tensor) => pull(y)[0])(y), cos(x), 1e-15)
  })
  test('pullback of a pullback', () => {
    const z = random(3)
    const [, pull] = vjp(sin, [z])
    const [out, again] = vjp((v: Tensor) => pull(v)[0], [z])
    same(out, mul(z, cos(z)), 1e-15)
    same(again(z)[0], mul(z, cos(z)), 1e-15)
  })
  test('grad through vjp by the primal and the cotangent', () => {
    const z = random(3)
    const f = (z: Tensor): Tensor => vjp(sin, [z])[1](z)[0].sum()
    same(grad(f)(z), differences(f, z), 1e-9)
  })
  test('jvp of a pullback, vmap of a pullback, one made inside vmap', () => {
    const [z, vs] = [random(3), random(5, 3)]
    const [, pull] = vjp(sin, [z])
    same(jvp((v: Tensor) => pull(v)[0], [z], [z])[1], mul(z, cos(z)), 1e-15)
    same(vmap((v: Tensor) => pull(v)[0])(vs), mul(vs, cos(z)), 1e-15)
    same(vmap((z: Tensor) => vjp(sin, [z])[1](z)[0])(vs), mul(vs, cos(vs)), 1e-15)
    same(vmap(pull)(vs), [mul(vs, cos(z))], 1e-15)
  })
})

describe('aux of vjp', () => {
  const [x, v] = [random(3), random(3)]
  test('a tensor, a tree', () => {
    const [out, pull, aux] = vjp((t: Tensor): [Tensor, Tensor] => [sin(t), cos(t)], [x], { hasAux: true })
    same([out, aux], [sin(x), cos(x)], 0)
    same(pull(v), [mul(v, cos(x))], 1e-15)
    const f = (x: Tensor): [Tensor, { a: Tensor; b: [Tensor] }] => [sin(x), { a: cos(x), b: [tan(x)] }]
    same(vjp(f, [x], { hasAux: true })[2], f(x)[1], 0)
    expect(vjp((x: Tensor): [Tensor, unknown] => [x, [[], {}]], [x], { hasAux: true })[2]).toEqual([[], {}])
  })
  test('an output that is a tree, an aux that holds the input', () => {
    const [out, pull, aux] = vjp((x: Tensor): [[Tensor, Tensor], Tensor] => [[x, square(x)], x], [x], { hasAux: true })
    same([out, aux], [[x, square(x)], x], 0)
    same(pull([v, v]), [add(v, mul(v, mul(x, 2)))], 1e-15)
    expect(aux.toString()).toMatch(/^tensor/)
  })
  test.each<[string, unknown]>([
    ['one tensor', (t: Tensor) => t],
    ['an array of three', (t: Tensor) => [t, add(t, 2), add(t, 3)]],
    ['an object', (t: Tensor) => ({ t })],
  ])('%s is no pair', (_, f) => {
    expect(text(() => vjp(f as () => [Tensor, Tensor], [x] as never, { hasAux: true }))).toContain(
      'vjp(f, *primals): output of function f should be a tuple: (output, aux) if has_aux is True',
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
      expect(text(() => vjp((x: Tensor): [Tensor, unknown] => [x, tree], [x], { hasAux: true }))).toContain(
        `Expected tensors, got unsupported type ${kind}`,
      )
  })
})

describe('the function that vjp gives', () => {
  const x = random(3)
  test('says so when it was called for the last time', () => {
    const [, pull] = vjp((x: Tensor) => sin(x), [x])
    const [first] = pull(x)
    same(pull(x, { retainGraph: true }), [first])
    same(pull(x, { retainGraph: false }), [first])
    expect(text(() => pull(x))).toContain('[autodiff] vjp: Trying to backward through the graph a second time')
  })
  test('records what it computes for transforms around, unless told otherwise', () => {
    const at = (options?: VjpFnOptions) => (x: Tensor) => sum(vjp((x: Tensor) => sin(x), [x])[1](onesLike(x), options)[0])
    same(grad(at())(x), neg(sin(x)), 1e-12)
    same(grad(at({ createGraph: true }))(x), neg(sin(x)), 1e-12)
    same(grad(at({ createGraph: false }))(x), zerosLike(x))
    expect(text(() => vjp(sin, [x])[1](x, { retain: true } as VjpFnOptions))).toContain("unknown option 'retain'")
  })
})

describe('vjp refuses', () => {
  const x = random(2, 3)
  test.each<[string, unknown]>([
    ['null', null],
    ['undefined', undefined],
    ['an empty array', []],
    ['trees without leaves', [{}, [[]]]],
  ])('%s for an output', (_, output) => {
    expect(text(() => vjp(() => output, [x] as never))).toContain(
      'vjp(f, *primals): Expected f to be a function that has non-empty output (got output = ',
    )
  })
  test.each<[unknown, string]>([
    [1, 'number'],
    [true, 'boolean'],
    [12.2, 'number'],
    ['abc', 'string'],
    [[1, 2], 'number'],
  ])('%j for an output', (output, kind) => {
    expect(text(() => vjp(() => output, [x] as never))).toContain(
      `vjp(f, *primals): expected f(*primals) to return only tensors, got unsupported type ${kind}`,
    )
  })
  test.each(['int32', 'int64', 'bool', 'uint8'] as const)('an output of %s, among others', (dtype) => {
    const says = `vjp(f, ...): All outputs of f must be floating-point or complex Tensors, got Tensor with dtype ${dtype}`
    expect(text(() => vjp((x: Tensor) => x.to(dtype), [x]))).toContain(says)
    expect(text(() => vjp((x: Tensor) => ({ a: x, b: [x.to(dtype)] }), [x]))).toContain(says)
  })
  test('integer primals, and what is no tensor', () => {
    expect(text(() => vjp(sin, [tensor([1], { dtype: 'int64' })]))).toContain(
      'only Tensors of floating point dtype can require gradients, got int64',
    )
    expect(text(() => vjp(sin, [2.5 as never]))).toContain('Thing passed to transform API must be Tensor, got number')
    expect(text(() => vjp(sin, [x], true as never))).toContain('expected options by name in an object ({ hasAux, kwargs }), got true')
    expect(text(() => vjp(sin, x as never))).toContain('vjp(f, *primals): Expected primals to be a tuple.')
  })
  test('cotangents of another structure', () => {
    const [, pull] = vjp((x: Tensor): [Tensor, [Tensor, Tensor]] => [x, [x, x]], [x])
    const wrong = pull as unknown as (ct: unknown) => unknown
    for (const ct of [x, [x, x, x], [[x, [x, x]]], { 0: x, 1: [x, x] }, [x, x], null])
      expect(text(() => wrong(ct))).toMatch(
        /Expected pytree structure of cotangents to be the same as pytree structure of outputs to the function\. cotangents: .*, primal output: \[\*, \[\*, \*\]\]/,
      )
  })
  test('cotangents of another shape, with no broadcasting', () => {
    const [, pull] = vjp((x: Tensor) => [x, x.sum()], [x])
    expect(text(() => pull([ones(3), ones([])]))).toContain(
      'Mismatch in shape: grad_output[0] has a shape of [3] and output[0] has a shape of [2, 3].',
    )
    expect(text(() => pull([x, ones(1, { dtype: 'float64' })]))).toContain(
      'Mismatch in shape: grad_output[1] has a shape of [1] and output[1] has a shape of [].',
    )
  })
  test('cotangents of another dtype, instead of converting them silently', () => {
    const [, pull] = vjp(sin, [x])
    expect(text(() => pull(ones(2, 3)))).toContain('expected cotangents of the dtype of what they belong to, float64, got float32')
  })
  test('a cotangent that is no tensor', () => {
    const [, pull] = vjp(sin, [x])
    expect(text(() => pull(1 as never))).toContain('expected cotangents to be tensors, got number')
  })
})
