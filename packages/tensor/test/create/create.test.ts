import { cpu, reference } from '@mapgrad/backend-cpu'
import * as T from '@mapgrad/tensor'
import {
  type DType,
  type Tensor,
  asTensor,
  empty,
  emptyLike,
  full,
  fullLike,
  memory,
  ones,
  onesLike,
  scalarTensor,
  setDefaultDevice,
  tensor,
  zeros,
  zerosLike,
} from '@mapgrad/tensor'
import type { Backend } from '@mapgrad/tensor/plugin'
import { vmap } from '@mapgrad/vmap'
import { beforeEach, describe, expect, test } from 'vitest'
import { numbers } from '../checks.ts'
import stored from './create.json' with { type: 'json' }

beforeEach(() => setDefaultDevice(cpu))

interface Case {
  readonly name: string
  readonly args: readonly unknown[]
  readonly options: object
}
const call = ({ name, args, options }: Case): Tensor =>
  (T as unknown as Record<string, (...a: unknown[]) => Tensor>)[name]!(...args, options)
const title = (c: Case): string => `${c.name}(${c.args.join(', ')}) ${Object.values(c.options).join()}`

describe('PyTorch 2.13', () => {
  test.each(stored.values.map((c) => [title(c), c] as const))('%s', (_, c) => {
    const x = call(c)
    expect([x.dtype, [...x.shape]]).toEqual([c.dtype, c.shape])
    const tolerance = { float64: 2e-16, float16: 1e-3, bfloat16: 8e-3 }[c.dtype] ?? 1.3e-7
    numbers(x).forEach((v, i) => expect(Math.abs(v - Number(c.data[i]))).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(v))))
    expect(numbers(x).length).toBe(c.data.length)
  })
  test.each(stored.errors.map((c) => [title(c), c] as const))('refused: %s', (_, c) => {
    expect(() => call(c)).toThrow(c.error.replace('got-1', 'got -1'))
  })
})

describe('one number repeated', () => {
  test('sizes one by one or as an array, options last', () => {
    for (const x of [zeros(2, 3), zeros([2, 3]), zeros(2, 3, {}), zeros([2, 3], { dtype: 'float32' })])
      expect(x.tolist()).toEqual([
        [0, 0, 0],
        [0, 0, 0],
      ])
    expect(zeros().shape.length).toBe(0)
    expect(zeros([]).item()).toBe(0)
    expect([...empty(0, 3).shape]).toEqual([0, 3])
    expect(ones(2, { dtype: 'int64' }).tolist()).toEqual([1n, 1n])
    expect(ones([1], { dtype: 'bool' }).tolist()).toEqual([true])
  })
  test('full takes the dtype of its value', () => {
    const cases: [T.Tensor, DType, unknown][] = [
      [full([1], 2), 'float32', 2],
      [full([1], true), 'bool', true],
      [full([1], 3n), 'int64', 3n],
      [full(1, 2.5, { dtype: 'int32' }), 'int32', 2],
      [full([1], -0, { dtype: 'float64' }), 'float64', -0],
      [full([1], Number.NaN), 'float32', Number.NaN],
      [full([1], 2, { dtype: 'bool' }), 'bool', true],
      [scalarTensor(5), 'float32', 5],
    ]
    for (const [x, dtype, value] of cases) {
      expect(x.dtype).toBe(dtype)
      expect([x.tolist()].flat()[0]).toBe(value)
    }
  })
  test('takes no memory', () => {
    const before = memory().live
    const x = zeros(1e5, 1e5)
    expect(memory().live).toBe(before)
    expect(x.sum(0).sum().item()).toBe(0)
  })
  test('like another tensor: shape, dtype and device of it', () => {
    const x = tensor([[1, 2]], { dtype: 'float64', device: reference })
    for (const y of [
      zerosLike(x),
      onesLike(x),
      fullLike(x, 3),
      emptyLike(x),
      x.newZeros(1, 2),
      x.newOnes([1, 2]),
      x.newFull([1, 2], 3),
      x.newEmpty(1, 2),
      x.newTensor([[5, 6]]),
    ]) {
      expect([[...y.shape], y.dtype, y.device]).toEqual([[1, 2], 'float64', x.device])
    }
    expect(zerosLike(x, { dtype: 'int32' }).dtype).toBe('int32')
    expect(fullLike(x, 3).tolist()).toEqual([[3, 3]])
    expect(x.newTensor([1, 2]).tolist()).toEqual([1, 2])
    expect(fullLike(x, 7, { device: cpu }).device).toBe('cpu')
  })
  test('inside vmap of a batched tensor, one for each example', () => {
    const text: string[] = []
    const y = vmap((x: Tensor) => {
      const z = x.newZeros(2)
      text.push(z.toString(), onesLike(x).toString())
      return z.add(x)
    })(tensor([1, 2, 3]))
    expect(y.tolist()).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
    ])
    expect(text[0]).toContain('BatchedTensor(lvl=1, bdim=0, value=\n    tensor([[0., 0.],')
    expect(text[1]).toContain('BatchedTensor(lvl=1, bdim=0, value=\n    tensor([1., 1., 1.])')
  })
  test('asTensor copies only what has to change', () => {
    const x = tensor([1, 2])
    expect(asTensor(x)).toBe(x)
    expect(asTensor(x, { dtype: 'float32' })).toBe(x)
    expect(asTensor(x, { dtype: 'int32' }).dtype).toBe('int32')
    expect(asTensor([1, 2]).tolist()).toEqual([1, 2])
  })

  test.each<[string, () => unknown, string]>([
    ['negative size', () => zeros(-1), 'Dimension size must be non-negative'],
    ['negative size in an array', () => ones([2, -3]), 'Dimension size must be non-negative'],
    ['fractional size', () => zeros(1.5), "argument 'size' must be integers, got 1.5 at position 0"],
    ['unknown option', () => zeros(2, { requireGrad: true } as never), "unknown option 'requireGrad'"],
    ['unknown dtype', () => zeros(2, { dtype: 'f32' as DType }), 'expected a dtype among'],
    ['unknown device', () => zeros(2, { device: 'tpu' }), "got 'tpu'"],
    ['NaN as an integer', () => full([2], Number.NaN, { dtype: 'int32' }), 'value cannot be converted to type int32 without overflow'],
    ['fill of text', () => full([2], 'a' as never), 'expected a number to fill with'],
    ['like a number', () => zerosLike(3 as never), 'expected a Tensor'],
    ['arange of NaN', () => T.arange(Number.NaN), 'unsupported range: 0 -> NaN'],
    ['arange of infinity', () => T.arange(Infinity), 'unsupported range: 0 -> Infinity'],
    ['arange of text', () => T.arange('3' as never), 'expected end to be a number'],
    ['linspace without steps', () => T.linspace(0, 1, undefined as never), 'expected a whole number'],
  ])('refused: %s', (_, f, message) => expect(f).toThrow(message))

  test('arguments by name', () => {
    expect(T.arange({ start: 1, end: 7, step: 2 }).tolist()).toEqual([1, 3, 5])
    expect(T.arange(1, { end: 3 }).tolist()).toEqual([1, 2])
    expect(T.linspace(0, 1, { steps: 3 }).tolist()).toEqual([0, 0.5, 1])
    expect(T.eye(2, { dtype: 'int64' }).tolist()).toEqual([
      [1n, 0n],
      [0n, 1n],
    ])
  })
})

describe('conversions', () => {
  const x = (): Tensor =>
    tensor([
      [1.5, -2.5],
      [0, 300],
    ])
  test('by name of the dtype', () => {
    const made: [Tensor, DType, unknown][] = [
      [
        x().float(),
        'float32',
        [
          [1.5, -2.5],
          [0, 300],
        ],
      ],
      [
        x().double(),
        'float64',
        [
          [1.5, -2.5],
          [0, 300],
        ],
      ],
      [
        x().half(),
        'float16',
        [
          [1.5, -2.5],
          [0, 300],
        ],
      ],
      [
        x().bfloat16(),
        'bfloat16',
        [
          [1.5, -2.5],
          [0, 300],
        ],
      ],
      [
        x().int(),
        'int32',
        [
          [1, -2],
          [0, 300],
        ],
      ],
      [
        x().long(),
        'int64',
        [
          [1n, -2n],
          [0n, 300n],
        ],
      ],
      [
        x().short(),
        'int16',
        [
          [1, -2],
          [0, 300],
        ],
      ],
      [tensor([1, -2]).char(), 'int8', [1, -2]],
      [tensor([1, 200]).byte(), 'uint8', [1, 200]],
      [
        x().bool(),
        'bool',
        [
          [true, true],
          [false, true],
        ],
      ],
    ]
    for (const [y, dtype, values] of made) expect([y.dtype, y.tolist()]).toEqual([dtype, values])
  })
  test('to: dtype, device, both, another tensor, options; itself where nothing changes', () => {
    const a = x()
    expect(a.to('float32')).toBe(a)
    expect(a.to('cpu')).toBe(a)
    expect(a.to({})).toBe(a)
    expect(a.cpu()).toBe(a)
    expect(a.to('float64').dtype).toBe('float64')
    const moved = a.to(reference)
    expect([moved.device, moved.tolist()]).toEqual([reference.name, a.tolist()])
    expect(moved.cpu().tolist()).toEqual(a.tolist())
    const both = a.to(reference, 'float64')
    expect([both.device, both.dtype]).toEqual([reference.name, 'float64'])
    expect(a.to({ dtype: 'int32', device: reference.name }).tolist()).toEqual([
      [1, -2],
      [0, 300],
    ])
    expect([a.to(both).device, a.typeAs(both).dtype]).toEqual([reference.name, 'float64'])
    expect(
      zeros(2)
        .to(reference)
        .add(ones([2], { device: reference }))
        .tolist(),
    ).toEqual([1, 1])
    expect(a.mT.to(reference).tolist()).toEqual(a.mT.tolist())
  })
  test('devices under vmap and derivatives', async () => {
    const { vjpFlat } = await import('@mapgrad/autodiff/plugin')
    expect(vmap((t: Tensor) => t.to(reference).mul(2), 1, 1)(x()).tolist()).toEqual(x().mul(2).tolist())
    const [, pull] = vjpFlat(([t]) => [t!.to(reference).mul(3)], [x()])
    const [g] = pull([ones([2, 2], { device: reference })])
    expect([g!.device, g!.tolist()]).toEqual([
      'cpu',
      [
        [3, 3],
        [3, 3],
      ],
    ])
  })
  test('detach cuts derivatives, clone keeps them', async () => {
    const { vjpFlat } = await import('@mapgrad/autodiff/plugin')
    const [, pull] = vjpFlat(([t]) => [t!.clone().mul(t!.detach())], [tensor([3])])
    expect(pull([ones(1)])[0]!.tolist()).toEqual([3])
  })
  test.each<[string, () => unknown, string]>([
    ['nothing', () => (x() as unknown as { to(): unknown }).to(), 'expected a dtype, a device, a Tensor or options'],
    ['an unknown name', () => x().to('float33'), "got 'float33'"],
    ['an unknown option', () => x().to({ dtyp: 'int32' } as never), "unknown option 'dtyp'"],
    ['an unknown dtype beside a device', () => x().to('cpu', 'f' as DType), 'expected a dtype among'],
    [
      'a device that cannot read at once',
      () => tensor([1], { device: Object.create(cpu, { name: { value: 'remote' }, syncRead: { value: false } }) as Backend }).cpu(),
      "expected a device that reads synchronously, got 'remote'",
    ],
  ])('refused: %s', (_, f, message) => expect(f).toThrow(message))
})
