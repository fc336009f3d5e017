import { inspect } from 'node:util'
import { cpu } from '@mapgrad/backend-cpu'
import { vjpFlat } from '@mapgrad/autodiff/plugin'
import {
  type DType,
  type PrintSettings,
  arange,
  full,
  getPrintOptions,
  isMapgradError,
  mul,
  ones,
  setDefaultDevice,
  setPrintOptions,
  tensor,
  zeros,
} from '@mapgrad/tensor'
import { type Backend, expandTo, permuteDims, reshapeTo } from '@mapgrad/tensor/plugin'
import { vmapFlat } from '@mapgrad/vmap/plugin'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import cases from './print.json' with { type: 'json' }

beforeAll(() => setDefaultDevice(cpu))
afterEach(() => setPrintOptions({ profile: 'default' }))

const number = (v: unknown): number | boolean =>
  v === '-0' ? -0 : v === 'inf' ? Infinity : v === '-inf' ? -Infinity : v === 'nan' ? Number.NaN : (v as number)

describe('texts of PyTorch 2.13', () => {
  test.each(cases)('$name', ({ shape, dtype, data, options, text }) => {
    setPrintOptions(options as PrintSettings)
    const x = tensor(data.map(number), { dtype: dtype as DType })
    expect(String(reshapeTo(x, shape))).toBe(text)
  })
})

test('strided and repeated values print like copies', () => {
  expect(String(permuteDims(reshapeTo(arange(6), [2, 3]), [1, 0]))).toBe('tensor([[0, 3],\n        [1, 4],\n        [2, 5]])')
  expect(String(zeros(1e6, 1e6))).toContain('[0., 0., 0.,  ..., 0., 0., 0.]')
  expect(String(expandTo(full([2], 0.5), [2, 2]))).toBe('tensor([[0.5000, 0.5000],\n        [0.5000, 0.5000]])')
})

test('tracers show their levels, indented', () => {
  const seen: string[] = []
  vmapFlat(([x]) => (seen.push(x!.toString(), inspect(x)), [x!]), [ones(2, 3)], [1], 3, 'error')
  expect(seen).toEqual(Array(2).fill('BatchedTensor(lvl=1, bdim=1, value=\n    tensor([[1., 1., 1.],\n            [1., 1., 1.]])\n)'))
  vjpFlat(([x]) => vmapFlat(([y]) => (seen.push(mul(y!, 1).toString()), [y!]), [x!], [0], 2, 'error'), [ones(2)])
  expect(seen[2]).toBe('BatchedTensor(lvl=2, bdim=0, value=\n    GradTrackingTensor(lvl=1, value=\n        tensor([1., 1.])\n    )\n)')
})

test('devices other than cpu are named', () => {
  const other = Object.create(cpu, { name: { value: 'other' } }) as Backend
  expect(String(tensor([1], { device: other }))).toBe("tensor([1.], device='other')")
})

test('a device that cannot read at once prints what it can', () => {
  const remote = Object.create(cpu, { name: { value: 'remote' }, syncRead: { value: false } }) as Backend
  expect(String(tensor([[1, 2]], { device: remote, dtype: 'float64' }))).toBe("tensor(..., device='remote', size=(1, 2), dtype=float64)")
})

test('a disposed tensor prints without its values', () => {
  const x = tensor([1, 2])
  x.dispose()
  expect(inspect(x)).toBe('tensor(<disposed>, size=(2,))')
  expect(`${x}`).toBe('tensor(<disposed>, size=(2,))')
})

test('hosts find their hooks', () => {
  const x = tensor([1.5])
  expect(inspect({ x })).toBe('{ x: tensor([1.5000]) }')
  const hooks = x as unknown as Record<symbol, () => unknown>
  expect(hooks[Symbol.for('Deno.customInspect')]!()).toBe('tensor([1.5000])')
  expect(hooks[Symbol.for('Jupyter.display')]!()).toEqual({ 'text/plain': 'tensor([1.5000])' })
})

describe('as JavaScript primitives', () => {
  test('one element is its number', () => {
    const x = tensor([2.5]) as unknown as number
    expect(+x).toBe(2.5)
    expect(x * 2).toBe(5)
    expect(`${tensor(3)}`).toBe('tensor(3.)')
    expect(+(tensor(3n) as unknown as number)).toBe(3)
  })
  test('several elements are refused', () => {
    expect(() => +(ones(2) as unknown as number)).toThrow('only tensors with one element can be converted to JavaScript numbers')
  })
  test('inside vmap every use raises', () => {
    for (const use of [(x: unknown) => +(x as number), (x: unknown) => `${x as string}`, (x: unknown) => (x as number) > 1]) {
      let caught: unknown
      vmapFlat(
        ([x]) => {
          try {
            use(x)
          } catch (e) {
            caught = e
          }
          return [x!]
        },
        [ones(3)],
        [0],
        3,
        'error',
      )
      expect(isMapgradError(caught) && caught.code).toBe('UNREADABLE')
    }
  })
  test('under grad of concrete values the number is there', () => {
    const [[y]] = vjpFlat(([x]) => [mul(x!, +(x as unknown as number))], [tensor(3)])
    expect(y!.item()).toBe(9)
  })
})

test('JSON.stringify writes the elements', () => {
  expect(
    JSON.stringify({
      x: tensor([
        [1.5, 2],
        [3, 4],
      ]),
      on: tensor(true),
    }),
  ).toBe('{"x":[[1.5,2],[3,4]],"on":true}')
  const asJSON: unknown[] = []
  const read = (x: unknown): void => {
    try {
      asJSON.push(JSON.stringify(x))
    } catch (e) {
      asJSON.push(isMapgradError(e) && e.code)
    }
  }
  vmapFlat(([x]) => (read(x), [x!]), [ones(3)], [0], 3, 'error')
  vjpFlat(([x]) => (read(x), [x!]), [tensor([1, 2])])
  expect(asJSON).toEqual(['UNREADABLE', '[1,2]'])
})

test('using frees at the end of the block', () => {
  let kept
  {
    using x = tensor([1, 2])
    kept = x
  }
  expect(() => kept.tolist()).toThrow('disposed')
})

test('options are checked and can be read', () => {
  setPrintOptions({ precision: 2, edgeitems: 5 })
  expect(getPrintOptions()).toEqual({ precision: 2, threshold: 1000, edgeitems: 5, linewidth: 80, sciMode: null })
  expect(() => setPrintOptions({ precision: -1 })).toThrow('precision')
  expect(() => setPrintOptions({ digits: 2 } as PrintSettings)).toThrow("unknown option 'digits'")
})
