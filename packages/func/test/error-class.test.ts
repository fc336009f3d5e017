import { type Tensor, MapgradError, add, grad, isMapgradError, jacrev, tensor, vmap } from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { raised } from './rules.ts'

describe('errors', () => {
  const two = tensor([1, 2])
  const mismatch = (x: Tensor): Tensor => add(x, tensor([1, 2, 3]))
  test('are instances of MapgradError, and of the class of the language that fits', () => {
    const range = raised(() => mismatch(two))
    const type = raised(() => vmap((x: Tensor) => x.item() as never)(two))
    for (const e of [range, type]) expect([e instanceof MapgradError, isMapgradError(e)]).toEqual([true, true])
    expect([range instanceof RangeError, type instanceof RangeError]).toEqual([true, false])
    expect([range instanceof TypeError, type instanceof TypeError]).toEqual([false, true])
    for (const other of [new TypeError('[tensor] add: '), {}, null, 'text', undefined]) expect(other instanceof MapgradError).toBe(false)
    expect(() => mismatch(two)).toThrow(MapgradError)
  })
  test('outside of transforms name none', () => {
    expect(raised(() => mismatch(two)).message).toMatch(/sizes agree or are 1$/)
  })
  test('name the transforms in flight, the outermost first', () => {
    const rows = tensor([[1, 2]])
    const inner = (x: Tensor): Tensor => mismatch(x).sum()
    expect(raised(() => grad(inner)(two)).message).toMatch(/^\[tensor] add: The size of tensor a .* \(in grad\(level 1\)\)$/)
    expect(raised(() => vmap(grad(inner))(rows)).message).toMatch(/ \(in vmap\(level 1\) > grad\(level 2\)\)$/)
    expect(raised(() => jacrev(vmap(inner))(rows)).message).toMatch(/ \(in grad\(level 1\) > vmap\(level 2\)\)$/)
    // a transform alone that refuses something says who it is
    expect(raised(() => grad((x: Tensor) => x)(two)).message).toMatch(/^\[autodiff] grad: .*instead\?$/)
    // once, also where the text has them already
    const twice = raised(() => vmap((x: Tensor) => x.requiresGrad_())(two)).message
    expect(twice.split('vmap(level 1)').length).toBe(2)
  })
  test('are as before when a transform ended in one', () => {
    raised(() => vmap(grad((x: Tensor) => mismatch(x).sum()))(tensor([[1, 2]])))
    expect(raised(() => mismatch(two)).message).not.toContain('level')
  })
})
