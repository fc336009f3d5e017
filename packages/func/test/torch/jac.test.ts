// TestJac of test_eager_transforms.py: jacrev and jacfwd alike. jac-chunk.test.ts has its cases with chunks, jac-reference.test.ts those against
// torch.autograd.functional, slice-argnums.test.ts the invalid argnums.
// Left out: complex numbers (absent here); other devices; `_preallocate_and_copy` (chunks are always written in place).
import {
  type Tensor,
  cos,
  diagflat,
  eye,
  full,
  hessian,
  jacfwd,
  jacrev,
  mul,
  neg,
  ones,
  sin,
  slice,
  square,
  stack,
  sum,
  take,
  tan,
  tensor,
  unsqueeze,
  vmap,
  vstack,
  zeros,
} from '@mapgrad/func'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { raised, random } from '../rules.ts'
import { differences, plain, same, sameJacobian, shapes, strided } from './derivatives.ts'

const double = { dtype: 'float64' } as const
const scalar = (n: number): Tensor => full([], n, double)
const diagonal = (n: number, value: number): Tensor => mul(eye(n, double), value)
const text = (f: () => unknown): string => raised(f).message
const transforms: readonly (readonly [string, typeof jacrev])[] = [
  ['jacrev', jacrev],
  ['jacfwd', jacfwd],
]

describe.each(transforms)('%s', (name, jac) => {
  describe('of one tensor', () => {
    test('a vector', () => {
      const x = random(3)
      same(jac(sin)(x), diagflat(cos(x)), 1e-15)
    })
    test('a matrix: the axes of the output, then those of the input', () => {
      const x = strided(2, 3)
      same(jac(sin)(x), diagflat(cos(x).reshape([-1])).reshape([2, 3, 2, 3]), 1e-15)
    })
    test('other axes in the output than in the input', () => {
      const x = random(2, 4)
      const expected = zeros(3, 1, 2, 4, double)
      for (const i of [0, 1, 2]) expected.set(i, 0, 0, i + 1, 1)
      same(jac((x: Tensor) => unsqueeze(x.at(0, slice(1)), -1))(x), expected, 0)
    })
    test('elements taken several times', () => {
      const x = random(5)
      const f = (x: Tensor): Tensor => take(x, tensor([1, 1, 4], { dtype: 'int64' }))
      sameJacobian(jac(f)(x), f, x)
    })
    test('no axes', () => {
      const id = (x: Tensor): Tensor => x
      same(jac(id)(random()), scalar(1), 0)
      same(jac(id)(random(1)), ones(1, 1, double), 0)
      same(jac((x: Tensor) => x.reshape([1]))(random()), ones(1, double), 0)
      same(jac((x: Tensor) => x.reshape([]))(random(1, 1)), ones(1, 1, double), 0)
    })
    test('the same by differences, for functions that mix all elements', () => {
      const f = (x: Tensor): Tensor => x.softmax(1).matmul(x.t()).cumsum(0)
      const x = strided(3, 4)
      sameJacobian(jac(f)(x), f, x)
    })
  })

  describe('by several arguments', () => {
    const [x, y] = [random(3), random(3)]
    test('the second', () => {
      same(jac(mul as (x: Tensor, y: Tensor) => Tensor, 1)(x, y), diagflat(x), 0)
    })
    test('both: an array; one in an array: an array of one; one: bare; none given: the first', () => {
      const f = (x: Tensor, y: Tensor): Tensor => mul(x, y)
      same(jac(f, [0, 1])(x, y), [diagflat(y), diagflat(x)], 0)
      same(jac(f, [0])(x, y), [diagflat(y)], 0)
      same(jac(f, 0)(x, y), diagflat(y), 0)
      same(jac(f)(x, y), diagflat(y), 0)
      same(jac(f, -1)(x, y), diagflat(x), 0)
      same(jac(f, [1, 0])(x, y), [diagflat(x), diagflat(y)], 0)
    })
    test('of one size or another', () => {
      const f = (a: Tensor, b: Tensor): Tensor => a.matmul(b)
      const [a, b] = [strided(2, 3), strided(3, 4)]
      const [ja, jb] = jac(f, [0, 1])(a, b)
      sameJacobian(ja, (a) => f(a, b), a)
      sameJacobian(jb, (b) => f(a, b), b)
    })
    test('trees', () => {
      const f = ([a0, a1]: [Tensor, Tensor], b: Tensor, c: Tensor): Tensor => a0.add(a1.mul(2)).add(b.mul(3)).add(c.mul(4))
      const z = random()
      expect(plain(jac(f, [0, 1, 2])([z, z], z, z))).toEqual([[1, 2], 3, 4])
      expect(plain(jac(f, [0])([z, z], z, z))).toEqual([[1, 2]])
      expect(plain(jac(f)([z, z], z, z))).toEqual([1, 2])
    })
    test('zeros by one that is not used', () => {
      const [a, b] = [random(2, 3), random(2, 1)]
      same(jac((a: Tensor, _b: Tensor) => a, [0, 1])(a, b), [eye(6, double).reshape([2, 3, 2, 3]), zeros(2, 3, 2, 1, double)], 0)
    })
    test('numbers, text and options go along', () => {
      const f = (t: Tensor, n: number, o: { power: number }): Tensor => t.add(n).pow(o.power)
      const t = random(3, 2)
      sameJacobian(jac(f)(t, 3, { power: 2 }), (t) => f(t, 3, { power: 2 }), t)
      sameJacobian(jac((t: Tensor, n?: number) => mul(t, n ?? 3))(t), (t) => mul(t, 3), t)
    })
  })

  describe('of several outputs', () => {
    const [x, y] = [random(3), random(3)]
    const f = (x: Tensor, y: Tensor): [Tensor, Tensor] => [x.mul(2).add(y.mul(3)), x.mul(4).add(y.mul(5))]
    const [two, three, four, five] = [2, 3, 4, 5].map((n) => diagonal(3, n))
    test('an array by output, in it one by argument', () => {
      same(
        jac(f, [0, 1])(x, y),
        [
          [two, three],
          [four, five],
        ],
        0,
      )
      same(jac(f, 0)(x, y), [two, four], 0)
      same(jac(f, [0])(x, y), [[two], [four]], 0)
    })
    test('an object', () => {
      const g = (x: Tensor, y: Tensor): { left: Tensor; right: Tensor } => ({ left: f(x, y)[0], right: f(x, y)[1] })
      same(jac(g, [0, 1])(x, y), { left: [two, three], right: [four, five] }, 0)
    })
    test('trees of outputs with trees of inputs in each', () => {
      const g = ([a0, a1]: [Tensor, Tensor], b: Tensor, c: Tensor): [Tensor, { foo: Tensor }] => [
        a0.add(a1.mul(2)),
        { foo: b.mul(3).add(c.mul(4)) },
      ]
      const z = random()
      expect(plain(jac(g)([z, z], z, z))).toEqual([[1, 2], { foo: [0, 0] }])
      expect(plain(jac(g, [0])([z, z], z, z))).toEqual([[[1, 2]], { foo: [[0, 0]] }])
      expect(plain(jac(g, [0, 1])([z, z], z, z))).toEqual([[[1, 2], 0], { foo: [[0, 0], 3] }])
    })
    test('objects in objects, of more axes', () => {
      const g = ({ a, b }: { a: Tensor; b: Tensor }): { c: Tensor; d: Tensor } => ({ c: sin(a), d: cos(b) })
      const none = zeros(3, 3, double)
      same(jac(g)({ a: x, b: x }), { c: { a: diagflat(cos(x)), b: none }, d: { a: none, b: diagflat(neg(sin(x))) } }, 1e-15)
    })
    test('zeros of one that depends on nothing', () => {
      const c = random(2, 1)
      same(jac((_x: Tensor) => c)(random(2, 3)), zeros(2, 1, 2, 3, double), 0)
      same(jac((x: Tensor) => [c, sum(x)])(random(3)), [zeros(2, 1, 3, double), ones(3, double)], 0)
    })
    test('any tree', () => {
      const x = random(2, 3)
      const all = (x: Tensor): unknown => [[sum(x), { a: x, out: [x, sum(x)] }], new Map([['m', x.at(0)]])]
      const [[total, { a, out }], m] = jac(all)(x) as unknown as [[Tensor, { a: Tensor; out: [Tensor, Tensor] }], Map<string, Tensor>]
      expect([shapes(total), shapes(a), shapes(out), shapes(m.get('m'))]).toEqual(['2×3', '2×3×2×3', ['2×3×2×3', '2×3'], '3×2×3'])
    })
  })

  describe('aux', () => {
    const x = random(3)
    type WithAux = (x: Tensor) => [Tensor, unknown]
    test('a tensor, a tree, with other options', () => {
      same(
        jac(
          (x: Tensor): [Tensor, Tensor] => {
            const y = x.clone()
            return [y, cos(y)]
          },
          { hasAux: true },
        )(x),
        [eye(3, double), cos(x)],
        0,
      )
      const f = (x: Tensor, y: Tensor): [Tensor, { a: Tensor; b: [Tensor] }] => [mul(x, y), { a: cos(x), b: [tan(y)] }]
      const y = random(3)
      for (const chunkSize of [null, 1, 2])
        same(jac(f, { argnums: [1], hasAux: true, chunkSize })(x, y), [[diagflat(x)], { a: cos(x), b: [tan(y)] }], 1e-15)
    })
    test.each<[unknown, string]>([
      [1, 'number'],
      ['abc', 'string'],
      [true, 'boolean'],
      [null, 'null'],
      [undefined, 'undefined'],
    ])('%j in it is refused', (aux, kind) => {
      for (const tree of [aux, [x, aux]])
        expect(text(() => jac(((x: Tensor) => [x, tree]) as WithAux, { hasAux: true })(x))).toContain(
          `Expected tensors, got unsupported type ${kind}`,
        )
    })
    test('a result that is no pair', () => {
      const call = name === 'jacrev' ? 'vjp(f, *primals)' : 'jvp(f, primals, tangents)'
      for (const f of [sin, (x: Tensor) => [x], (x: Tensor) => [x, x, x]])
        expect(text(() => jac(f as unknown as WithAux, { hasAux: true })(x))).toContain(
          `${call}: output of function f should be a tuple: (output, aux) if has_aux is True`,
        )
    })
  })

  describe('nested and mapped', () => {
    test('a Jacobian of a Jacobian', () => {
      const x = random(3)
      same(jac(jac((x: Tensor) => sin(x).sum()))(x), diagflat(neg(sin(x))), 1e-15)
      const f = (x: Tensor): Tensor => mul(x.at(0), square(x))
      sameJacobian(jac(jac(f))(x), jac(f), x)
    })
    test('for each of a batch, along any axis', () => {
      const x = random(2, 3)
      const each = stack([0, 1].map((i) => diagflat(cos(x.at(i)))))
      same(vmap(jac(sin))(x), each, 1e-15)
      same(vmap(jac(sin), 1)(x.t()), each, 1e-15)
      same(vmap(jac(sin), 0, 2)(x), each.movedim(0, 2), 1e-15)
    })
    test('by one argument of several that are mapped', () => {
      const [x, y] = [random(4, 3), random(2, 3)]
      const f = (x: Tensor, y: Tensor): Tensor => x.matmul(y).sin()
      same(vmap(jac(f, 1), [null, 0])(x, y), stack([0, 1].map((i) => differences((y) => f(x, y), y.at(i)))), 1e-9)
    })
  })

  describe('in place', () => {
    test('another argument is written with the one that is differentiated', () => {
      const [x, y] = [random(2), random(2)]
      same(jac((x: Tensor, y: Tensor) => y.copy_(x))(x, y), eye(2, double), 0)
      same(y, x, 0)
    })
    test('part of one argument is written with another', () => {
      const [x, y, z] = [random(3), random(2), random(2)]
      const g = (x: Tensor, y: Tensor, z: Tensor): Tensor => {
        x.set(slice(null, 2), y)
        return vstack([square(x).sum(), z.pow(3).sum()])
      }
      const [byY, byZ] = jac(g, [1, 2])(x, y, z)
      same(byY, stack([y.mul(2), zeros(2, double)]).unsqueeze(1), 1e-15)
      same(byZ, stack([zeros(2, double), square(z).mul(3)]).unsqueeze(1), 1e-15)
    })
  })

  describe('dtypes', () => {
    test.each(['float16', 'bfloat16', 'float32', 'float64'] as const)('%s', (dtype) => {
      const x = tensor([1, 2, -3], { dtype })
      const J = jac((x: Tensor) => mul(x, x))(x)
      expect([J.dtype, plain(J.diagonal())]).toEqual([dtype, [2, 4, -6]])
    })
    test('another dtype in the output: values alike', () => {
      const x = tensor([1, 2, -3])
      expect(plain(jac((x: Tensor) => square(x).double())(x).diagonal())).toEqual([2, 4, -6])
      expect(plain(jac((x: Tensor) => square(x).half(), { chunkSize: 2 })(x).diagonal())).toEqual([2, 4, -6])
    })
  })

  describe('refuses', () => {
    const x = random(2, 3)
    const prefix = name === 'jacrev' ? 'vjp(f, *primals)' : 'jvp(f, primals, tangents)'
    test.each<[string, unknown]>([
      ['null', null],
      ['[]', []],
      ['a tree without leaves', { a: [] }],
    ])('%s for an output', (_, output) => {
      expect(text(() => jac((_x: Tensor) => output)(x))).toContain(`${prefix}: Expected f to be a function that has non-empty output`)
    })
    test.each<[unknown, string]>([
      [1, 'number'],
      [true, 'boolean'],
      ['abc', 'string'],
      [[1, 2], 'number'],
    ])('%j for an output', (output, kind) => {
      expect(text(() => jac((_x: Tensor) => output)(x))).toContain(
        `${prefix}: expected f(*primals) to return only tensors, got unsupported type ${kind}`,
      )
    })
    test('what is no function', () => {
      expect(text(() => jac(3 as never))).toContain('expected a function, got 3')
    })
    test('chunks of no size', () => {
      for (const chunkSize of [0, -2, 0.5, Number.NaN])
        expect(text(() => jac(sin, { chunkSize }))).toContain(`${name}: \`chunkSize\` should be greater than 0`)
    })
    test('options it does not have, and values they cannot have', () => {
      expect(text(() => jac(sin, { mode: 'sideways' as never }))).toContain("expected mode to be one of 'auto', 'forward', 'reverse'")
      expect(text(() => jacfwd(sin, { randomness: 'often' as never }))).toContain(
        "Only allowed values for randomness are 'error', 'different', or 'same'. Got often",
      )
      expect(text(() => jac(sin, { chunk: 2 } as never))).toContain("got unknown option 'chunk'")
    })
  })
})

test('types follow the arguments, the outputs and the options', () => {
  const [x, y] = [random(3), random(2)]
  const f = (x: Tensor, p: { y: Tensor }): [Tensor, { z: Tensor }] => [x, { z: p.y }]
  const p = { y }
  expectTypeOf(jacrev(f)(x, p)).toEqualTypeOf<[Tensor, { z: Tensor }]>()
  expectTypeOf(jacrev(f, { chunkSize: 2 })(x, p)).toEqualTypeOf<[Tensor, { z: Tensor }]>()
  expectTypeOf(jacfwd(f, { randomness: 'same' })(x, p)).toEqualTypeOf<[Tensor, { z: Tensor }]>()
  expectTypeOf(jacfwd(f, 1)(x, p)).toEqualTypeOf<[{ y: Tensor }, { z: { y: Tensor } }]>()
  expectTypeOf(jacrev(f, { argnums: [1, 0], mode: 'auto' })(x, p)).toEqualTypeOf<
    [[{ y: Tensor }, Tensor], { z: [{ y: Tensor }, Tensor] }]
  >()
  expectTypeOf(jacrev(f, { hasAux: true })(x, p)).toEqualTypeOf<[Tensor, { z: Tensor }]>()
  const loss = (x: Tensor, p: { y: Tensor }): Tensor => x.sum().mul(p.y.sum())
  expectTypeOf(hessian(loss)(x, p)).toEqualTypeOf<Tensor>()
  expectTypeOf(hessian(loss, { chunkSize: 1 })(x, p)).toEqualTypeOf<Tensor>()
  expectTypeOf(hessian(loss, [0, 1])(x, p)).toEqualTypeOf<[[Tensor, { y: Tensor }], { y: [Tensor, { y: Tensor }] }]>()
  expect(shapes(hessian(loss, [0, 1])(x, p))).toEqual([['3×3', { y: '3×2' }], { y: ['2×3', { y: '2×2' }] }])
})
