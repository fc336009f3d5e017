// TestGradTransform of test_eager_transforms.py, what concerns grad and gradAndValue; vjp.test.ts has the rest of the class, no-grad.test.ts its
// cases with noGrad, repr.test.ts those that print, slice-argnums.test.ts the invalid argnums.
// Left out: sparse layouts and complex numbers (absent here); functional_init and modules; the depth of upstream's stack of layers (an internal
// function; "an error leaves nothing open" stands for it); `is_cuda` is `device`.
import {
  type Tensor,
  add,
  cos,
  crossEntropy,
  flatten,
  grad,
  gradAndValue,
  linear,
  manualSeed,
  matmul,
  mul,
  neg,
  ones,
  randnLike,
  relu,
  sin,
  slice,
  square,
  sum,
  tan,
  tensor,
  tree,
  vjp,
  zeros,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { f64, raised, random } from '../rules.ts'
import { differences, plain, same, strided } from './derivatives.ts'

/** The gradient of a scalar function by central differences. */
const slope = (f: (x: Tensor) => Tensor, x: Tensor): Tensor => differences(f, x)

describe('grad of', () => {
  test('one operator', () => {
    const x = random()
    same(grad(sin)(x), cos(x), 1e-15)
  })
  test('a reshape and a sum', () => {
    const x = strided(2, 3, 5)
    same(grad((x: Tensor) => flatten(x).sum())(x), ones(2, 3, 5, { dtype: 'float64' }), 0)
  })
  test('a matrix product', () => {
    const [x, y] = [strided(3), strided(3, 5)]
    same(
      grad((x: Tensor, y: Tensor) => matmul(x, y).sum())(x, y),
      slope((x) => matmul(x, y).sum(), x),
      1e-9,
    )
  })
  test('a loss with integer labels', () => {
    const [logits, labels] = [strided(2, 5), tensor([4, 0], { dtype: 'int64' })]
    same(
      grad((y: Tensor, t: Tensor) => crossEntropy(y, t))(logits, labels),
      slope((y) => crossEntropy(y, labels), logits),
      1e-9,
    )
  })
  test('linear on more axes than two, with an activation in place, by all three arguments', () => {
    const [x, w, b] = [strided(2, 3, 4), strided(5, 4), random(5)]
    const f = (x: Tensor, w: Tensor, b: Tensor): Tensor => linear(x, w, b).relu_().sum()
    const g = (x: Tensor, w: Tensor, b: Tensor): Tensor => relu(matmul(x, w.t()).add(b)).sum()
    same(grad(f, [0, 1, 2])(x, w, b), [slope((x) => g(x, w, b), x), slope((w) => g(x, w, b), w), slope((b) => g(x, w, b), b)], 1e-9)
  })
  test('a gradient', () => {
    const x = random()
    same(grad(grad(sin))(x), neg(sin(x)), 1e-15)
  })
  test('a function with further arguments in a trailing object', () => {
    const [x, y] = [random(3), random(3)]
    const f = (x: Tensor, { y, scale }: { y: Tensor; scale: number }): Tensor => sum(mul(x, y).mul(scale))
    same(grad(f)(x, { y, scale: 2 }), mul(y, 2), 0)
  })
  test('a view of the input', () => {
    const x = random()
    same(grad((x: Tensor) => sin(x.view([])))(x), cos(x), 1e-15)
  })
  test('a function that makes tensors of its own', () => {
    expect(grad((x: Tensor) => mul(x, tensor(2, { dtype: 'float64' })))(f64(3.14)).item()).toBe(2)
  })
  test('a function that sets the seed', () => {
    const x = random()
    const f = (x: Tensor): Tensor => (manualSeed(3), mul(x, randnLike(x)))
    const g = grad(f)(x)
    manualSeed(3)
    same(g, randnLike(x), 0)
  })
})

describe('inside grad', () => {
  test('shape, dtype, device, ndim, size and number of elements are those outside', () => {
    const x = strided(2, 3, 5)
    const look = (x: Tensor): unknown[] => [x.shape, x.dtype, x.device, x.ndim, x.size(), x.size(-1), x.numel()]
    let seen: unknown[] = []
    grad((x: Tensor) => {
      seen = look(x)
      return x.sum()
    })(x)
    expect(seen).toEqual(look(x))
  })
  test('a copy can be written in place', () => {
    const x = random()
    same(grad((x: Tensor) => x.clone().sin_())(x), cos(x), 1e-15)
  })
  test('a view of a copy can be written: what it is a view of has it', () => {
    const x = random(3)
    const f = (x: Tensor): Tensor => {
      const y = x.clone()
      y.at(0).sin_()
      return y.sum()
    }
    same(grad(f)(x), slope(f, x), 1e-9)
    expect(plain(grad(f)(x).at(slice(1)))).toEqual([1, 1])
  })
  test('a copy can be written: its view has it', () => {
    const x = random(3)
    const f = (x: Tensor): Tensor => {
      const y = x.clone()
      const first = y.at(0)
      y.sin_()
      return first
    }
    same(grad(f)(x), mul(cos(x), f64([1, 0, 0])), 1e-15)
  })
  test('a view of all of a copy can be written', () => {
    const x = random()
    same(
      grad((x: Tensor) => {
        const y = x.clone()
        y.view([]).sin_()
        return y
      })(x),
      cos(x),
      1e-15,
    )
  })
  test('masks write what grad does not follow, and cut off what it does', () => {
    const other = (x: Tensor): Tensor => {
      const logProb = ones([])
      logProb.set(zeros([]).gt(0), 0)
      return mul(x, 1)
    }
    expect(grad(other)(random()).item()).toBe(1)
    const x = random(31)
    const positive = (x: Tensor): Tensor => {
      const y = x.clone()
      y.set(y.gt(0), 0)
      return y.sum()
    }
    expect(plain(grad(positive)(x))).toEqual(plain(x.le(0).to('float64')))
  })
  test('a captured tensor cannot be written, with the input or by a constant', () => {
    const captured = random(3)
    const before = plain(captured)
    for (const write of [(x: Tensor) => captured.copy_(x), () => captured.zero_(), (x: Tensor) => captured.at(0).add_(x.at(0))])
      expect(() => grad((x: Tensor) => (write(x), sum(mul(x, captured))))(random(3))).toThrow('that would mutate a captured Tensor')
    expect(plain(captured)).toEqual(before)
  })
})

describe('grad gives', () => {
  const [x, y] = [random(), random()]
  test('by argnums: one bare, several in their order', () => {
    same(grad(mul)(x, y), y, 0)
    same(grad(mul, 0)(x, y), y, 0)
    same(grad(mul, 1)(x, y), x, 0)
    same(grad(mul, -2)(x, y), y, 0)
    same(grad(mul, [0])(x, y), [y], 0)
    same(grad(mul, [0, 1])(x, y), [y, x], 0)
    same(grad(mul, [1, 0])(x, y), [x, y], 0)
    same(grad(mul, [-2, -1])(x, y), [y, x], 0)
  })
  test('trees like the arguments', () => {
    const f = ([a, b]: [Tensor, Tensor], { foo }: { foo: Tensor }): Tensor => add(add(mul(a, 1), mul(b, 2)), mul(foo, 3))
    const args = [[x, x], { foo: x }] as const as unknown as [[Tensor, Tensor], { foo: Tensor }]
    expect(plain(grad(f)(...args))).toEqual([1, 2])
    expect(plain(grad(f, [0])(...args))).toEqual([[1, 2]])
    expect(plain(grad(f, [0, 1])(...args))).toEqual([[1, 2], { foo: 3 }])
  })
  test('Maps for Maps, and empty trees for empty trees', () => {
    const g = grad((m: Map<string, Tensor>) => mul(m.get('a')!, m.get('b')!))(
      new Map([
        ['b', f64(2)],
        ['a', f64(3)],
      ]),
    )
    expect([...g].map(([k, v]) => [k, v.item()])).toEqual([
      ['b', 3],
      ['a', 2],
    ])
    expect(grad((_x: object) => f64(1))({ a: [], b: {} })).toEqual({ a: [], b: {} })
  })
  test('instances for instances of classes that are trees', () => {
    class Line {
      readonly slope: Tensor
      readonly offset: Tensor
      constructor(slope: Tensor, offset: Tensor) {
        this.slope = slope
        this.offset = offset
      }
    }
    tree.register(Line, { flatten: (l) => ({ children: [l.slope, l.offset] }), unflatten: ([a, b]) => new Line(a as Tensor, b as Tensor) })
    const f = (l: Line, x: Tensor): Tensor => mul(l.slope, x).add(l.offset)
    const g = grad(f)(new Line(f64(2), f64(3)), f64(5))
    expect([g instanceof Line, plain([g.slope, g.offset])]).toEqual([true, [5, 1]])
    const [out, pull] = vjp((l: Line) => new Line(mul(l.slope, 3), l.offset), [new Line(f64(2), f64(3))])
    expect(plain([out.slope, pull(out)[0].slope, pull(out)[0].offset])).toEqual([6, 18, 3])
  })
  test('one gradient each for one tensor given twice', () => {
    const z = f64(3)
    expect(plain(grad((a: Tensor, b: Tensor) => mul(a, b).mul(a), [0, 1])(z, z))).toEqual([18, 9])
    expect(plain(grad(({ a, b }: { a: Tensor; b: Tensor }) => mul(a, b).mul(a))({ a: z, b: z }))).toEqual({ a: 18, b: 9 })
  })
  test('zeros for leaves that are not used, and where the result is another tensor', () => {
    const g = grad((p: { a: Tensor; b: Tensor }) => square(p.a).sum())({ a: random(7), b: random(3, 2) })
    expect(plain(g.b)).toEqual(plain(zeros(3, 2)))
    expect(Math.abs(g.a.sum().item() as number)).toBeGreaterThan(0)
    expect(plain(grad((_x: Tensor): Tensor => y)(random(2, 3)))).toEqual(plain(zeros(2, 3)))
  })
  test.each(['float16', 'bfloat16', 'float32', 'float64'] as const)('the dtype of the argument: %s', (dtype) => {
    const x = tensor([1, 2, -3], { dtype })
    const [g, value] = gradAndValue((x: Tensor) => mul(x, x).sum())(x)
    expect([g.dtype, value.dtype, plain(g)]).toEqual([dtype, dtype, [2, 4, -6]])
    // through another dtype and back
    expect(grad((x: Tensor) => mul(x.double(), x).sum())(x).dtype).toBe(dtype)
    expect(grad((p: { x: Tensor; s: Tensor }) => mul(p.x, p.s).sum())({ x, s: f64(2) }).x.dtype).toBe(dtype)
  })
  test('nothing of a function that throws: no transform stays open', () => {
    const boom = new Error('boom')
    const f = (x: Tensor): Tensor => {
      grad((_x: Tensor): Tensor => {
        throw boom
      })(x)
      return x
    }
    expect(raised(() => grad(f)(x))).toBe(boom)
    expect(raised(() => vjp(f, [x]))).toBe(boom)
    expect(raised(() => grad((a: Tensor) => grad(f)(a))(x))).toBe(boom)
    let level = ''
    grad((a: Tensor) => ((level = a.toString()), a))(x)
    expect(level).toMatch(/^GradTrackingTensor\(lvl=1,/)
  })
})

describe('aux', () => {
  const x = random(3)
  type WithAux = (x: Tensor) => [Tensor, unknown]
  test('a tensor, a tree, an empty tree: values outside the transform', () => {
    const f = (x: Tensor): [Tensor, Tensor] => [sin(x).sum(), cos(x)]
    same(grad(f, { hasAux: true })(x), [cos(x), cos(x)], 1e-15)
    const g = (x: Tensor): [Tensor, { a: Tensor; b: [Tensor] }] => [sin(x).sum(), { a: cos(x), b: [tan(x)] }]
    const [gradient, aux] = grad(g, 0, true)(x)
    same(gradient, cos(x), 1e-15)
    same(aux, { a: cos(x), b: [tan(x)] }, 0)
    expect(aux.a.toString()).toMatch(/^tensor/)
    expect(grad(((x: Tensor) => [x.sum(), []]) as WithAux, { hasAux: true })(x)[1]).toEqual([])
    expect(gradAndValue(((x: Tensor) => [x.sum(), { a: [] }]) as WithAux, { hasAux: true })(x)[1][1]).toEqual({ a: [] })
  })
  test('the input itself as aux, and the value again', () => {
    const [g, [value, [a, b]]] = gradAndValue(
      (x: Tensor): [Tensor, [Tensor, Tensor]] => {
        const y = square(x).sum()
        return [y, [x, y]]
      },
      { hasAux: true },
    )(x)
    same(g, mul(x, 2), 0)
    same([a, b], [x, value], 0)
  })
  test('aux of a gradient of a gradient', () => {
    const inner = (x: Tensor): Tensor => {
      const [g, aux] = grad((x: Tensor): [Tensor, Tensor] => [mul(x, x).mul(x), mul(x, x)], { hasAux: true })(x)
      return add(g, aux)
    }
    expect(grad(inner)(f64(2)).item()).toBe(16)
  })
  test.each<[string, unknown]>([
    ['one tensor', (x: Tensor) => x.sum()],
    ['an array of one', (x: Tensor) => [x.sum()]],
    ['an array of three', (x: Tensor) => [x.sum(), x, x]],
    ['an object', (x: Tensor) => ({ 0: x.sum(), 1: x })],
  ])('%s is no pair', (_, f) => {
    for (const transform of [grad, gradAndValue])
      expect(raised(() => transform(f as WithAux, { hasAux: true })(x)).message).toContain(
        'grad_and_value(f)(*args): output of function f should be a tuple: (output, aux) if has_aux is True',
      )
  })
  test.each<[string, unknown, string]>([
    ['a number', 1, 'number'],
    ['text', 'abc', 'string'],
    ['a boolean', true, 'boolean'],
    ['a function', () => 0, 'function'],
  ])('%s in aux is refused', (_, aux, kind) => {
    for (const transform of [grad, gradAndValue])
      for (const tree of [aux, [x, aux], { deep: [{ aux }] }])
        expect(raised(() => transform((x: Tensor): [Tensor, unknown] => [x.sum(), tree], { hasAux: true })(x)).message).toContain(
          `Expected tensors, got unsupported type ${kind}`,
        )
  })
})

describe('grad refuses', () => {
  const x = random(3)
  test.each<[string, (x: Tensor) => unknown, string]>([
    [
      'an output of one axis',
      (x) => x,
      'Expected f(*args) to return a scalar Tensor, got tensor with 1 dims. Maybe you wanted to use the vjp or jacrev APIs instead?',
    ],
    ['one element on one axis', (x) => x.sum(0, true), 'Expected f(*args) to return a scalar Tensor, got tensor with 1 dims.'],
    [
      'one element on three axes',
      (x) => x.sum().reshape([1, 1, 1]),
      'Expected f(*args) to return a scalar Tensor, got tensor with 3 dims.',
    ],
    ['an array of a tensor', (x) => [x.sum()], 'Expected f(*args) to return a Tensor, got an array of 1'],
    ['a number', (x) => x.sum().item(), 'Expected f(*args) to return a Tensor, got number'],
    ['undefined', () => undefined, 'Expected f(*args) to return a Tensor, got undefined'],
    ['a promise', async (x) => x.sum(), 'expected a synchronous function, got one that returned a Promise'],
  ])('%s', (_, f, text) => {
    for (const transform of [grad, gradAndValue]) {
      const { message } = raised(() => transform(f as (x: Tensor) => Tensor)(x))
      expect(message).toContain(text)
      if (!text.startsWith('expected a sync')) expect(message).toContain('grad_and_value(f)(*args): ')
    }
  })
  test('integer and boolean arguments, alone and in trees', () => {
    const f = (_x: unknown): Tensor => f64(1)
    for (const bad of [tensor([1], { dtype: 'int32' }), tensor([true]), tensor([1], { dtype: 'int64' })]) {
      expect(() => grad(f)(bad)).toThrow(`only Tensors of floating point dtype can require gradients, got ${bad.dtype}`)
      expect(() => grad(f)({ a: x, b: [bad] })).toThrow(`only Tensors of floating point dtype can require gradients, got ${bad.dtype}`)
    }
  })
  test('what is no tensor in a differentiated argument', () => {
    const f = (_x: unknown): Tensor => f64(1)
    expect(() => grad(f)(2.5)).toThrow('Thing passed to transform API must be Tensor, got number')
    expect(() => grad(f)('a')).toThrow('Thing passed to transform API must be Tensor, got string')
    expect(() => grad(f)([x, 1n])).toThrow('Thing passed to transform API must be Tensor, got bigint')
    expect(() => grad(f)([[1, 2]])).toThrow('Thing passed to transform API must be Tensor, got number')
    expect(() => grad(f)(new Float32Array(2))).toThrow('Thing passed to transform API must be Tensor, got a Float32Array')
    expect(() => grad(f)(f as never)).toThrow('Thing passed to transform API must be Tensor, got function')
  })
  test('trees that contain themselves', () => {
    const ring: Record<string, unknown> = { x }
    ring['again'] = [ring]
    for (const run of [
      () => grad((_x: unknown) => f64(1))(ring),
      () => grad((x: Tensor, _ring: unknown) => x.sum())(x, ring),
      () => tree.paths(ring),
    ])
      expect(raised(run).message).toContain('an array or object that contains itself')
  })
  test('unknown options', () => {
    expect(() => grad(sin, { argnum: 0 } as never)).toThrow("expected options among argnums, hasAux, got unknown option 'argnum'")
  })
})
