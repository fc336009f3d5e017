// TestSliceArgnums of test_eager_transforms.py: which arguments a transform picks, and how it gives them back.
// The upstream class calls a private helper on tuples of numbers; here every transform that takes argnums is called.
// Left out: argnums as a list is refused upstream; an array is our tuple, so it is one of several arguments.
import { type Tensor, add, grad, gradAndValue, hessian, jacfwd, jacrev, mul, square, sum } from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { raised, random } from '../rules.ts'
import { same, shapes } from './derivatives.ts'

type Argnums = number | readonly number[]
type Any = (...args: unknown[]) => unknown
const transforms: readonly [string, (f: Any, argnums: Argnums) => Any][] = [
  ['grad', (f, argnums) => grad(f as never, argnums) as Any],
  ['grad, by name', (f, argnums) => grad(f as never, { argnums }) as Any],
  [
    'gradAndValue',
    (f, argnums) =>
      (...args) =>
        (gradAndValue(f as never, argnums) as unknown as (...args: unknown[]) => unknown[])(...args)[0],
  ],
  ['jacrev', (f, argnums) => jacrev(f as never, argnums) as Any],
  ['jacfwd', (f, argnums) => jacfwd(f as never, argnums) as Any],
  ['jacfwd, by name', (f, argnums) => jacfwd(f as never, { argnums }) as Any],
]
const product: Any = (x, y) => sum(mul(x as Tensor, y as Tensor))
const [x, y] = [random(3), random(3)]

describe.each([...transforms, ['hessian', (f, argnums) => hessian(f as never, argnums) as Any] as (typeof transforms)[number]])(
  '%s refuses',
  (_, transform) => {
    const says = (argnums: unknown, args: unknown[] = [x]): string => raised(() => transform(product, argnums as Argnums)(...args)).message
    test.each<[string, unknown, string]>([
      ['a fraction', 0.5, 'argnums must be int or Tuple[int, ...], got: 0.5'],
      ['text', '0', 'argnums must be int or Tuple[int, ...], got: "0"'],
      ['a fraction among several', [0.5], 'argnum must be int, got: 0.5'],
      ['text among several', ['0'], 'argnum must be int, got: "0"'],
      ['several within several', [[0, 1], 2], 'argnum must be int, got: [0, 1]'],
      ['none at all', [], 'argnums must be non-empty'],
      ['one past the end', 1, 'Got argnum=1, but only 1 positional inputs'],
      ['one before the start', -2, 'Got argnum=-2, but only 1 positional inputs'],
      ['one before the start, among several', [-2], 'Got argnum=-2, but only 1 positional inputs'],
    ])('%s', (_name, argnums, text) => {
      expect(says(argnums)).toContain(text)
    })
    test.each<[string, unknown]>([
      ['one argument twice', [0, 0]],
      ['one argument twice, once from the end', [0, -2]],
    ])('%s', (_name, argnums) => {
      expect(says(argnums, [x, y])).toContain('argnums elements must be unique, got (0, 0)')
    })
    test('any argument when there is none', () => {
      expect(says(0, [])).toContain('Got argnum=0, but only 0 positional inputs')
    })
  },
)

describe.each(transforms)('%s gives back', (_, transform) => {
  // the derivative by argument i is i + 1 everywhere
  const weighted: Any = (...args) => (args as Tensor[]).map((a, i) => sum(mul(a, i + 1))).reduce((s, a) => add(s, a))
  const five = [1, 2, 3, 4, 5].map((n) => random(n))
  const constant = (i: number): Tensor => five[i]!.mul(0).add(i + 1)

  test.each<[number, number]>([
    [0, 0],
    [4, 4],
    [-1, 4],
    [-5, 0],
  ])('for argnums %i: the derivative by argument %i, bare', (argnums, at) => {
    same(transform(weighted, argnums)(...five), constant(at))
  })
  test.each<[number[], number[]]>([
    [
      [0, 1, 2, 3, 4],
      [0, 1, 2, 3, 4],
    ],
    [
      [0, -3],
      [0, 2],
    ],
    [[3], [3]],
    [[-1], [4]],
    [
      [4, 0, 2],
      [4, 0, 2],
    ],
  ])('for argnums %j: an array of the derivatives by %j in that order', (argnums, at) => {
    same(transform(weighted, argnums)(...five), at.map(constant))
  })

  test('trees as they are, whatever the order they are asked in', () => {
    const args = [[random(), { a: random(2, 3) }], random(4), [random(1)]]
    const total: Any = (p, q, r) => {
      const [[b, { a }], [c]] = [p, r] as [[Tensor, { a: Tensor }], [Tensor]]
      return sum(square(a))
        .add(mul(b, sum(q as Tensor)))
        .add(sum(c))
    }
    const text = (argnums: Argnums): unknown => shapes(transform(total, argnums)(...args))
    expect(text(0)).toEqual(['', { a: '2×3' }])
    expect(text([0])).toEqual([['', { a: '2×3' }]])
    expect(text(-1)).toEqual(['1'])
    expect(text([0, -2])).toEqual([['', { a: '2×3' }], '4'])
    expect(text([1, 0])).toEqual(['4', ['', { a: '2×3' }]])
    expect(text([-1, 1, 0])).toEqual([['1'], '4', ['', { a: '2×3' }]])
  })
})
