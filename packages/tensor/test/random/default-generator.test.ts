import { cpu } from '@mapgrad/backend-cpu'
import { Generator, defaultGenerator, getRngState, initialSeed, manualSeed, rand, setDefaultDevice, setRngState } from '@mapgrad/tensor'
import { describe, expect, test } from 'vitest'

setDefaultDevice(cpu)

describe('the default generator as a value', () => {
  test('manualSeed gives it; naming it is naming none', () => {
    const g = manualSeed(7)
    expect(g).toBe(defaultGenerator)
    expect([g.isDefault, new Generator().isDefault]).toEqual([true, false])
    const [a, b] = [rand(3).tolist(), rand(3).tolist()]
    manualSeed(7)
    expect([rand([3], { generator: g }).tolist(), rand(3).tolist()]).toEqual([a, b])
    g.manualSeed(7)
    expect([initialSeed(), g.initialSeed()]).toEqual([7, 7])
    expect(rand(3).tolist()).toEqual(a)
  })
  test('has the state that getRngState gives', () => {
    manualSeed(3)
    rand(2)
    expect(defaultGenerator.getState()).toEqual(getRngState())
    const state = getRngState()
    const next = rand(2).tolist()
    defaultGenerator.setState(state)
    expect(rand(2).tolist()).toEqual(next)
    setRngState(state)
    expect(rand([2], { generator: defaultGenerator }).tolist()).toEqual(next)
    const s = defaultGenerator.seed()
    expect(initialSeed()).toBe(s)
  })
  test('cloneState goes on apart', () => {
    const g = manualSeed(5)
    rand(4)
    const other = g.cloneState()
    expect(other.isDefault).toBe(false)
    const next = rand(4).tolist()
    expect(rand([4], { generator: other }).tolist()).toEqual(next)
    rand([4], { generator: other })
    const own = new Generator().manualSeed(1)
    const twin = own.cloneState()
    expect(rand([4], { generator: own }).tolist()).toEqual(rand([4], { generator: twin }).tolist())
    expect(rand(4).tolist()).not.toEqual(next)
  })
})
