import { type Tensor, add, cos, exp, mul, sin, square, stopGradient, sum, tensor } from '@mapgrad/tensor'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { grad, gradAndValue, jvp, linearize, vjp } from '../src/index.ts'
import { differences, distance, dot, f64, numbers, random } from './support.ts'

const cube = (x: Tensor): Tensor => sum(mul(mul(x, x), x))

describe('grad', () => {
  test('of a scalar function, against differences', () => {
    const x = random(3, 5)
    const v = random(3, 5)
    const f = (x: Tensor): Tensor => sum(mul(sin(x), exp(mul(x, x))))
    expect(dot(grad(f)(x), v)).toBeCloseTo(differences(f, x, v).item() as number, 7)
  })
  test('derivatives of sin to the fifth order', () => {
    let f: (x: Tensor) => Tensor = sin
    const expected = [Math.cos(2), -Math.sin(2), -Math.cos(2), Math.sin(2), Math.cos(2)]
    for (const value of expected) {
      f = grad(f)
      expect(f(f64(2)).item()).toBeCloseTo(value, 14)
    }
  })
  test('levels do not mix: the classic perturbation-confusion programs', () => {
    const one = grad((x: Tensor) => mul(x, grad((y: Tensor) => add(x, y))(f64(1))))
    expect(one(f64(1)).item()).toBe(1)
    const six = grad((x: Tensor) => mul(x, grad((y: Tensor) => mul(x, y))(f64(1))))
    expect(six(f64(3)).item()).toBe(6)
  })
  test('mirrors the tree of the argument; unused leaves get zeros', () => {
    type P = { a: Tensor; deep: [Tensor, { c: Tensor }] }
    const p: P = { a: f64([1, 2]), deep: [f64(3), { c: f64([[4]]) }] }
    const g = grad((p: P) => sum(mul(p.a, p.deep[0])))(p)
    expectTypeOf(g).toEqualTypeOf<P>()
    expect([g.a.tolist(), g.deep[0].tolist(), g.deep[1].c.tolist()]).toEqual([[3, 3], 3, [[0]]])
  })
  test('argnums: one, several, negative; the result has their structure', () => {
    const f = (x: Tensor, y: Tensor, z: Tensor): Tensor => sum(add(mul(x, y), mul(z, 5)))
    const [x, y, z] = [f64([1, 2]), f64([3, 4]), f64([5, 6])]
    expect(grad(f)(x, y, z).tolist()).toEqual([3, 4])
    expect(grad(f, 1)(x, y, z).tolist()).toEqual([1, 2])
    expect(grad(f, -1)(x, y, z).tolist()).toEqual([5, 5])
    const [gz, gx] = grad(f, [2, 0])(x, y, z)
    expect([gz.tolist(), gx.tolist()]).toEqual([
      [5, 5],
      [3, 4],
    ])
    expect(grad(f, [1])(x, y, z).map((g) => g.tolist())).toEqual([[1, 2]])
    expect(grad(f, { argnums: 1 })(x, y, z).tolist()).toEqual([1, 2])
  })
  test('aux passes through, as values of the level below', () => {
    const f = (x: Tensor): [Tensor, { twice: Tensor; none: [] }] => [sum(mul(x, x)), { twice: mul(x, 2), none: [] }]
    const [g, aux] = grad(f, 0, true)(f64([1, 2]))
    expect([g.tolist(), aux.twice.tolist(), aux.none]).toEqual([[2, 4], [2, 4], []])
    const [g2, [value, aux2]] = gradAndValue(f, { hasAux: true })(f64([1, 2]))
    expect([g2.tolist(), value.item(), aux2.twice.tolist()]).toEqual([[2, 4], 5, [2, 4]])
  })
  test('value and gradient', () => {
    const [g, value] = gradAndValue(cube)(f64([1, 2]))
    expect([g.tolist(), value.item()]).toEqual([[3, 12], 9])
  })
  test('independent, cut and integer outputs give zeros', () => {
    const x = f64([1, 2])
    expect(grad((() => f64(7)) as (x: Tensor) => Tensor)(x).tolist()).toEqual([0, 0])
    expect(grad((x: Tensor) => sum(mul(stopGradient(x), x)))(x).tolist()).toEqual([1, 2])
    expect(grad((x: Tensor) => sum(x).to('int32'))(x).tolist()).toEqual([0, 0])
  })
  test('broadcasting is undone', () => {
    const f = (x: Tensor, y: Tensor): Tensor => sum(mul(x, y))
    const [gx, gy] = grad(f, [0, 1])(random(1, 3), random(4, 2, 1))
    expect([gx.shape, gy.shape]).toEqual([
      [1, 3],
      [4, 2, 1],
    ])
  })
  test('numbers of traced values can be read, and steer the program', () => {
    const f = (x: Tensor): Tensor => ((x.item() as number) > 0 ? mul(x, x) : mul(x, 3))
    expect([grad(f)(f64(2)).item(), grad(f)(f64(-2)).item()]).toEqual([4, 3])
  })
  test('empty tensors', () => {
    expect(grad(cube)(tensor(new Float64Array(0)).reshape([0, 3])).shape).toEqual([0, 3])
  })
  test('the function keeps its name', () => {
    expect(grad(cube).name).toBe('cube')
  })
})

describe('grad refuses', () => {
  const x = f64([1, 2])
  test.each<[string, () => unknown, string]>([
    [
      'a vector output',
      () => grad(sin)(x),
      '[autodiff] grad: grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got tensor with 1 dims. Maybe you wanted to use the vjp or jacrev APIs instead?',
    ],
    ['shape [1]', () => grad((x: Tensor) => x.reshape([2, 1]).sum(0))(x), 'got tensor with 1 dims'],
    [
      'a number as output',
      () => grad((() => 3) as never)(x),
      '[autodiff] grad: grad_and_value(f)(*args): Expected f(*args) to return a Tensor, got number',
    ],
    ['an array as output', () => grad((x: Tensor) => [x.sum()] as never)(x), 'Expected f(*args) to return a Tensor, got an array of 1'],
    [
      'an integer argument',
      () => grad(cube)(tensor([1, 2], { dtype: 'int32' })),
      '[autodiff] grad: only Tensors of floating point dtype can require gradients, got int32',
    ],
    [
      'a number as argument',
      () => grad(cube as never)(3 as never),
      '[autodiff] grad: Thing passed to transform API must be Tensor, got number',
    ],
    ['an argnum too far', () => grad(cube, 2)(x), '[autodiff] grad: Got argnum=2, but only 1 positional inputs'],
    ['no argnums', () => grad(cube, [])(x), '[autodiff] grad: argnums must be non-empty'],
    ['repeated argnums', () => grad(cube, [0, 0])(x), '[autodiff] grad: argnums elements must be unique, got (0, 0)'],
    ['a float argnum', () => grad(cube, 0.5 as 0)(x), '[autodiff] grad: argnums must be int or Tuple[int, ...], got: 0.5'],
    ['argnums of another type', () => grad(cube, 'x' as never)(x), '[autodiff] grad: argnums must be int or Tuple[int, ...], got: "x"'],
    [
      'an unknown option',
      () => grad(cube, { argnum: 0 } as never),
      "[autodiff] grad: expected options among argnums, hasAux, got unknown option 'argnum'",
    ],
    ['missing aux', () => grad(cube as never, 0, true)(x), 'output of function f should be a tuple: (output, aux) if has_aux is True'],
    [
      'a number in aux',
      () => grad(((x: Tensor) => [x.sum(), 1]) as never, 0, true)(x),
      '[autodiff] grad: Expected tensors, got unsupported type number in aux',
    ],
    [
      'an async function',
      () => grad((async (x: Tensor) => x) as never)(x),
      '[autodiff] grad: expected a synchronous function, got one that returned a Promise',
    ],
    ['no function', () => grad(3 as never), '[autodiff] grad: expected a function, got 3'],
  ])('%s', (_, f, message) => {
    expect(f).toThrow(message)
  })
  test('a value that escaped', () => {
    let leaked!: Tensor
    grad((x: Tensor) => sum((leaked = mul(x, 2))))(x)
    expect(() => add(leaked, 1)).toThrow(
      '[tensor] add: expected values of transforms that are still running, got one that escaped from grad (level 1), which has already returned',
    )
    expect(leaked.shape).toEqual([2])
  })
})

describe('vjp', () => {
  test('one entry a primal; repeated use; trees', () => {
    const f = (x: Tensor, p: { y: Tensor }): { a: Tensor; b: [Tensor] } => ({ a: mul(x, p.y), b: [sin(x)] })
    const [x, y] = [random(2, 3), random(3)]
    const [out, pull] = vjp(f, [x, { y }])
    const ct = { a: random(2, 3), b: [random(2, 3)] as [Tensor] }
    const [gx, gp] = pull(ct)
    expect(distance(out.a, mul(x, y))).toBe(0)
    expect(distance(gx, add(mul(ct.a, y), mul(ct.b[0], cos(x))))).toBeLessThan(1e-15)
    expect(gp.y.shape).toEqual([3])
    expect(distance(pull(ct)[0], gx)).toBe(0)
  })
  test('no primals', () => {
    const [, pull] = vjp(() => f64(2), [])
    expect(pull(f64(1))).toEqual([])
  })
  test('the pullback can be differentiated', () => {
    const [x, v] = [random(4), random(4)]
    const f = (ct: Tensor): Tensor => sum(mul(vjp(sin, [x])[1](ct)[0], v))
    expect(distance(grad(f)(random(4)), mul(cos(x), v))).toBeLessThan(1e-15)
  })
  test('aux', () => {
    const [out, , aux] = vjp((x: Tensor) => [sin(x), mul(x, 2)] as const, [f64(1)], { hasAux: true })
    expect([out.item(), aux.item()]).toEqual([Math.sin(1), 2])
  })
  test.each<[string, () => unknown, string]>([
    [
      'another structure',
      () => vjp(sin, [f64(1)])[1]([f64(1)] as never),
      '[autodiff] vjp: Expected pytree structure of cotangents to be the same as pytree structure of outputs to the function. cotangents: [*], primal output: *',
    ],
    [
      'another shape',
      () => vjp(sin, [f64([1, 2, 3])])[1](f64([1, 2])),
      '[autodiff] vjp: Mismatch in shape: grad_output[0] has a shape of [2] and output[0] has a shape of [3].',
    ],
    [
      'another dtype',
      () => vjp(sin, [f64(1)])[1](tensor(1)),
      '[autodiff] vjp: expected cotangents of the dtype of what they belong to, float64, got float32',
    ],
    [
      'an empty output',
      () => vjp((() => []) as never, [f64(1)]),
      'vjp(f, *primals): Expected f to be a function that has non-empty output (got output = [])',
    ],
    [
      'an integer output',
      () => vjp((x: Tensor) => x.to('int32'), [f64(1)]),
      'vjp(f, ...): All outputs of f must be floating-point or complex Tensors, got Tensor with dtype int32',
    ],
    [
      'a number output',
      () => vjp((() => [1]) as never, [f64(1)]),
      'vjp(f, *primals): expected f(*primals) to return only tensors, got unsupported type number',
    ],
    ['primals that are no array', () => vjp(sin, f64(1) as never), '[autodiff] vjp: vjp(f, *primals): Expected primals to be a tuple'],
  ])('refuses %s', (_, f, message) => {
    expect(f).toThrow(message)
  })
})

describe('jvp', () => {
  test('against differences, and with the pullback', () => {
    const f = (x: Tensor): Tensor => mul(exp(x), sin(square(x)))
    const [x, v, ct] = [random(2, 3), random(2, 3), random(2, 3)]
    const [y, dy] = jvp(f, [x], [v])
    expect(distance(y, f(x))).toBe(0)
    expect(distance(dy, differences(f, x, v))).toBeLessThan(1e-8)
    expect(dot(ct, dy)).toBeCloseTo(dot(vjp(f, [x])[1](ct)[0], v), 12)
  })
  test('nested three deep', () => {
    const d = (f: (x: Tensor) => Tensor) => (x: Tensor) => jvp(f, [x], [f64(1)])[1]
    expect(d(d(d((x) => mul(mul(x, x), mul(x, x)))))(f64(3)).item()).toBe(72)
  })
  test('an independent output has tangent zero, or is refused when strict', () => {
    const f = (x: Tensor): [Tensor, Tensor] => [sin(x), f64([7, 7])]
    const [, [, zero]] = jvp(f, [f64(1)], [f64(1)])
    expect(zero.tolist()).toEqual([0, 0])
    expect(() => jvp(f, [f64(1)], [f64(1)], { strict: true })).toThrow(
      'jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs. This is not allowed with strict=True.',
    )
  })
  test.each<[string, () => unknown, string]>([
    ['a primal that is no array', () => jvp(sin, f64(1) as never, [f64(1)]), 'Expected primals to be a tuple'],
    [
      'another structure',
      () => jvp(sin as never, [f64(1)] as never, [f64(1), f64(1)] as never),
      'Expected primals and tangents to have the same python structure. For example, if primals is a tuple of 3 tensors, tangents also must be. Got primals with structure [*] and tangents with structure [*, *]',
    ],
    [
      'no tensor',
      () => jvp((() => f64(1)) as never, [], []),
      'jvp(f, primals, tangents): Expected primals to contain at least one Tensor.',
    ],
    [
      'a number',
      () => jvp(sin as never, [1] as never, [1] as never),
      'jvp(f, primals, tangents): Expected primals to only contain Tensors, got number',
    ],
    [
      'another shape',
      () => jvp(sin, [f64([1, 2, 3])], [f64([1, 2])]),
      'Trying to set a forward gradient that has a different size than that of the original Tensor, this is not supported. Tensor is of size [3] while the given forward gradient is of size [2].',
    ],
    [
      'integers',
      () => jvp(sin, [tensor([1], { dtype: 'int32' })], [f64([1])]),
      'Expected primal to be floating point or complex, but got: int32',
    ],
    ['another dtype', () => jvp(sin, [f64(1)], [tensor(1)]), 'expected tangents of the dtype of their primals, float64, got float32'],
  ])('refuses %s', (_, f, message) => {
    expect(f).toThrow(message)
  })
})

describe('linearize', () => {
  const f = (x: Tensor): Tensor => mul(exp(x), sin(x))
  test('is jvp at fixed primals, evaluated once', () => {
    let runs = 0
    const [x, v] = [random(3), random(3)]
    const [y, push] = linearize((x: Tensor) => (runs++, f(x)), [x])
    expect(distance(y, f(x))).toBe(0)
    for (const t of [v, random(3)]) expect(distance(push(t), jvp(f, [x], [t])[1])).toBeLessThan(1e-15)
    expect(runs).toBe(1)
  })
  test('the linear map can be differentiated and so can what calls linearize', () => {
    const x = random(3)
    const [, push] = linearize(f, [x])
    expect(distance(grad((v: Tensor) => sum(push(v)))(random(3)), vjp(f, [x])[1](f64([1, 1, 1]))[0])).toBeLessThan(1e-14)
    // torch.func gives garbage here
    expect(grad((x: Tensor) => linearize(sin, [x])[1](x))(f64(2)).item()).toBeCloseTo(Math.cos(2) - 2 * Math.sin(2), 14)
    expect(jvp((x: Tensor) => linearize(sin, [x])[1](x), [f64(2)], [f64(1)])[1].item()).toBeCloseTo(Math.cos(2) - 2 * Math.sin(2), 14)
  })
  test('refuses tangents of another structure or shape', () => {
    const [, push] = linearize(sin, [f64([1, 2, 3])])
    expect(() => push(random(1, 3))).toThrow(
      "[autodiff] linearize: tangent:0 with shape [1, 3] in flattened pytree doesn't match the shape [3] of the corresponding primal.",
    )
    expect(() => (push as never as (...a: Tensor[]) => void)(random(3), random(3))).toThrow(
      'Expected the tangents [*, *] to have the same argspec as the primals [*]',
    )
  })
})

test('every number of a gradient is finite where PyTorch says so', () => {
  expect(numbers(grad((x: Tensor) => sum(mul(x, x)))(f64([0, -0, 1e300])))).toEqual([0, -0, 2e300])
})
