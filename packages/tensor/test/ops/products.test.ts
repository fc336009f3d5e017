import { cpu, reference } from '@mapgrad/backend-cpu'
import * as T from '@mapgrad/tensor'
import { type DType, type Tensor, setDefaultDevice, tensor } from '@mapgrad/tensor'
import type { Backend } from '@mapgrad/tensor/plugin'
import { vmap } from '@mapgrad/vmap'
import * as fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { checkBatching, checkDerivatives, expectClose, numbers, random } from '../checks.ts'
import stored from './products.json' with { type: 'json' }

beforeAll(() => setDefaultDevice(cpu))

interface Encoded {
  readonly shape: number[]
  readonly dtype: DType
  readonly data: number[]
}
type Product = (...args: unknown[]) => Tensor

const isTensor = (x: unknown): x is Encoded => typeof x === 'object' && x !== null && 'dtype' in x
function decode(x: unknown): unknown {
  if (isTensor(x)) return tensor(x.dtype === 'int64' ? x.data.map(BigInt) : x.data, { dtype: x.dtype }).reshape(x.shape)
  return typeof x === 'object' && x !== null && 'list' in x ? (x.list as unknown[]).map(decode) : x
}
const named = (name: string): Product => name.split('.').reduce<unknown>((o, k) => (o as Record<string, unknown>)[k], T) as Product
interface Case {
  readonly name: string
  readonly args: readonly unknown[]
  readonly options: object
}
const call = ({ name, args, options }: Case): Tensor => named(name)(...args.map(decode), ...(Object.keys(options).length ? [options] : []))
const title = ({ name, args }: Case): string =>
  `${name} ${args.map((a) => (isTensor(a) ? `[${a.shape}]` : JSON.stringify(a).slice(0, 40))).join(' ')}`

describe.each([cpu, reference])('PyTorch 2.13 on $name', (backend) => {
  test.each(stored.values.map((c) => [title(c), c] as const))('%s', (_, c) => {
    setDefaultDevice(backend)
    const y = call(c)
    const want = c.want as Encoded
    expect(y.dtype).toBe(want.dtype)
    expectClose(y, decode(want) as Tensor, 1e-6)
  })
})

test.each(stored.errors.map((c) => [title(c), c] as const))('refused as by PyTorch: %s', (_, c) => {
  setDefaultDevice(cpu)
  // spaces that PyTorch has too few or too many
  const plain = (s: string): string =>
    s
      .replace('1has', '1 has')
      .replace('dot :', 'dot:')
      .replace(/[.\s]+$/, '')
      .replace(/\.\s+(?=Target|Tensor)/g, '. ')
  let message = ''
  try {
    call(c)
  } catch (e) {
    message = (e as Error).message
  }
  expect(plain(message.replace(/\s+/g, ' '))).toContain(plain(c.error.replace(/\s+/g, ' ')))
})

const functions: [name: string, f: (...xs: Tensor[]) => Tensor, shapes: number[][]][] = [
  [
    'matmul',
    T.matmul as never,
    [
      [2, 3],
      [3, 4],
    ],
  ],
  ['matmul, vector on the right', T.matmul as never, [[2, 3], [3]]],
  ['matmul, vector on the left', T.matmul as never, [[3], [3, 2]]],
  [
    'matmul, a batch and a matrix',
    T.matmul as never,
    [
      [2, 2, 3],
      [3, 2],
    ],
  ],
  [
    'matmul, a matrix and a batch',
    T.matmul as never,
    [
      [2, 3],
      [2, 3, 2],
    ],
  ],
  [
    'matmul, batches that broadcast',
    T.matmul as never,
    [
      [2, 1, 2, 3],
      [3, 3, 2],
    ],
  ],
  ['matmul, a batch and a vector', T.matmul as never, [[2, 2, 3], [3]]],
  ['dot', T.dot as never, [[4], [4]]],
  ['mv', T.mv as never, [[2, 3], [3]]],
  [
    'inner',
    T.inner as never,
    [
      [2, 3],
      [4, 3],
    ],
  ],
  ['outer', T.outer as never, [[2], [3]]],
  ['addmm', (x, a, b) => T.addmm(x!, a!, b!, { beta: 0.5, alpha: 2 }), [[4], [2, 3], [3, 4]]],
  [
    'addbmm',
    T.addbmm as never,
    [
      [2, 4],
      [3, 2, 3],
      [3, 3, 4],
    ],
  ],
  ['linear', T.linear as never, [[2, 3], [4, 3], [4]]],
  [
    'bilinear',
    T.bilinear as never,
    [
      [2, 3],
      [2, 2],
      [4, 3, 2],
    ],
  ],
  [
    'tensordot',
    T.tensordot as never,
    [
      [2, 3, 4],
      [3, 4, 2],
    ],
  ],
  [
    'kron',
    T.kron as never,
    [
      [2, 3],
      [3, 2],
    ],
  ],
  [
    'linalg.vecdot',
    T.linalg.vecdot as never,
    [
      [2, 3],
      [2, 1, 3],
    ],
  ],
  [
    'linalg.cross',
    T.linalg.cross as never,
    [
      [2, 3],
      [2, 3],
    ],
  ],
  ['linalg.multiDot', (...xs) => T.linalg.multiDot(xs), [[2, 3], [3, 4], [4]]],
  [
    'einsum, three operands',
    (...xs) => T.einsum('bn,anm,bm->ba', ...xs),
    [
      [2, 3],
      [2, 3, 2],
      [2, 2],
    ],
  ],
  [
    'einsum, diagonals',
    (...xs) => T.einsum('iij,jk->ki', ...xs),
    [
      [2, 2, 3],
      [3, 2],
    ],
  ],
  ['einsum, ellipsis', (...xs) => T.einsum('...ij,...j->...i', ...xs), [[2, 2, 3], [3]]],
]
describe.each(functions)('%s', (_, f, shapes) => {
  test('derivatives against differences, to second order', () =>
    checkDerivatives(
      f,
      shapes.map((s) => random(s)),
    ))
  test('vmap against a loop', () => checkBatching(f, shapes))
})

/** Sums over all values of all letters. */
function naive(equation: string, shapes: number[][], data: number[][]): { shape: number[]; values: number[] } {
  const [left, right] = equation.split('->') as [string, string]
  const inputs = left.split(',')
  const size = new Map<string, number>()
  inputs.forEach((s, i) => [...s].forEach((c, d) => (shapes[i]![d] === 1 ? size.set(c, size.get(c) ?? 1) : size.set(c, shapes[i]![d]!))))
  const letters = [...size.keys()]
  const shape = [...right].map((c) => size.get(c)!)
  const values = new Array<number>(shape.reduce((a, b) => a * b, 1)).fill(0)
  const at = new Map<string, number>()
  const position = (s: string, sizes: readonly number[]): number =>
    [...s].reduce((p, c, d) => p * sizes[d]! + (sizes[d] === 1 ? 0 : at.get(c)!), 0)
  const go = (k: number): void => {
    if (k === letters.length) {
      values[position(right, shape)]! += inputs.reduce((p, s, i) => p * data[i]![position(s, shapes[i]!)]!, 1)
      return
    }
    for (let v = 0; v < size.get(letters[k]!)!; v++) {
      at.set(letters[k]!, v)
      go(k + 1)
    }
  }
  go(0)
  return { shape, values }
}

const equations = fc
  .record({
    inputs: fc.array(fc.array(fc.constantFrom<'a' | 'b' | 'c' | 'd' | 'E'>('a', 'b', 'c', 'd', 'E'), { maxLength: 4 }), {
      minLength: 1,
      maxLength: 4,
    }),
    sizes: fc.record({
      a: fc.integer({ min: 0, max: 3 }),
      b: fc.integer({ min: 1, max: 3 }),
      c: fc.integer({ min: 1, max: 4 }),
      d: fc.constant(2),
      E: fc.integer({ min: 1, max: 3 }),
    }),
    ones: fc.array(fc.boolean(), { minLength: 16, maxLength: 16 }),
    out: fc.shuffledSubarray<'a' | 'b' | 'c' | 'd' | 'E'>(['a', 'b', 'c', 'd', 'E']),
  })
  .map(({ inputs, sizes, ones, out }) => {
    const used = out.filter((c) => inputs.flat().includes(c)).join('')
    let k = 0
    // now and then a size of 1, which broadcasts; not where the operand takes a diagonal
    const shapes = inputs.map((s) =>
      s.map((c) => (ones[k++ % 16] && k % 5 === 0 && s.filter((o) => o === c).length === 1 && sizes[c] > 1 ? 1 : sizes[c])),
    )
    return { equation: `${inputs.map((s) => s.join('')).join(',')}->${used}`, shapes }
  })

test('einsum is the sum of products, for any equation', () => {
  fc.assert(
    fc.property(equations, ({ equation, shapes }) => {
      const xs = shapes.map((s) => random(s))
      const want = naive(equation, shapes, xs.map(numbers))
      expectClose(T.einsum(equation, ...xs), tensor(Float64Array.from(want.values)).reshape(want.shape), 1e-12)
    }),
    { numRuns: 500, seed: 1 },
  )
})

test('without an arrow, einsum gives the letters that occur once, capitals first', () => {
  const [x, y] = [random([2, 3]), random([3, 4])]
  expectClose(T.einsum('zB,BA', x, y), T.einsum('zB,BA->Az', x, y))
})

test('vmap of matmul is one kernel call', () => {
  let calls = 0
  const counting = Object.create(cpu, {
    name: { value: 'counting' },
    kernels: {
      value: {
        ...cpu.kernels,
        matmul: (...args: Parameters<(typeof cpu.kernels)['matmul' & string]>) => (calls++, cpu.kernels['matmul']!(...args)),
      },
    },
  }) as Backend
  const make = (...shape: number[]): Tensor => random(shape).to(counting)
  for (const [f, dims, shapes] of [
    [
      T.matmul,
      [0, 0],
      [
        [5, 2, 3],
        [5, 3, 4],
      ],
    ],
    [
      T.matmul,
      [1, null],
      [
        [2, 5, 3],
        [3, 4],
      ],
    ],
    [
      T.matmul,
      [null, 2],
      [
        [2, 3],
        [3, 4, 5],
      ],
    ],
    [
      (x: Tensor, y: Tensor) => T.einsum('ij,kj->ik', x, y),
      [0, 0],
      [
        [5, 2, 3],
        [5, 4, 3],
      ],
    ],
  ] as const) {
    calls = 0
    vmap(f as (x: Tensor, y: Tensor) => Tensor, [...dims])(make(...shapes[0]), make(...shapes[1]))
    expect(calls).toBe(1)
  }
})

test('beta 0 ignores the input, NaN included', () => {
  const y = T.addmm(tensor([Number.NaN]), T.ones(2, 2), T.ones(2, 2), { beta: 0 })
  expect(y.tolist()).toEqual([
    [2, 2],
    [2, 2],
  ])
})

test('products of bools and of two dtypes are refused', () => {
  const b = T.ones([2, 2], { dtype: 'bool' })
  for (const f of [T.matmul, T.mm, T.mv, T.dot]) expect(() => f(b, b)).toThrow("not implemented for 'bool'")
  expect(() => T.matmul(T.ones(2, 2), T.ones([2, 2], { dtype: 'int32' }))).toThrow(
    'expected m1 and m2 to have the same dtype, but got: float32 != int32',
  )
})

test('nothing stays in memory but the operands and the result', () => {
  const xs = [random([2, 3]), random([4, 3, 2])] as const
  const before = T.memory().storages
  T.matmul(...xs).dispose()
  T.tidy(() => void T.einsum('ij,bjk->kib', ...xs))
  T.tidy(() => void T.linear(xs[0], T.ones(4, 3, { dtype: 'float64' }), T.ones(4, { dtype: 'float64' })))
  expect(T.memory().storages).toBe(before)
})
