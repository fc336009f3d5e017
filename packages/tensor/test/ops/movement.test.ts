import { isMapgradError } from '@mapgrad/tensor'
import { describe, expect, test } from 'vitest'
import { type Encoded, type Layout, build, call, cases, decode, errors, expectSame, listOf, title } from './movement-cases.ts'

const special = (v: number | boolean | string): number =>
  v === 'inf' ? Infinity : v === '-inf' ? -Infinity : v === 'nan' ? Number.NaN : Number(v)
const category = (dtype: string): string => (dtype.startsWith('float') ? dtype : dtype === 'bool' ? 'bool' : 'integer')

describe('values of PyTorch 2.13', () => {
  test.each(cases.map((c) => [title(c), c] as const))('%s', (_, c) => {
    const want = (Array.isArray(c.out) ? c.out : [c.out]) as readonly Encoded[]
    // view is about strides, which other layouts change
    for (const layout of (c.f === 'view' ? ['plain'] : ['plain', 'reversed', 'gaps']) as Layout[]) {
      const out = listOf(
        call(
          c.f,
          build(c.args, (x) => decode(x, layout)),
          c.options,
        ),
      )
      expect(out.length).toBe(want.length)
      out.forEach((y, i) => {
        expectSame(y, want[i]!.shape, want[i]!.data.map(special), layout)
        expect(category(y.dtype)).toBe(category(want[i]!.dtype))
      })
    }
  })
})

describe('refusals of PyTorch 2.13', () => {
  test.each(errors.map((c) => [title(c), c] as const))('%s', (_, c) => {
    let caught: unknown
    try {
      const out = call(
        c.f,
        build(c.args, (x) => decode(x)),
        c.options,
      )
      expect.unreachable(`expected an error, got ${String(out)}`)
    } catch (error) {
      caught = error
    }
    expect((caught as Error).message).toContain(c.text)
    expect(isMapgradError(caught)).toBe(true)
  })
})
