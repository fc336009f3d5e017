// Whatever a function is given that is not what it takes, it says so by name: no error of the language's own comes through.
import * as func from '@mapgrad/func'
import { Tensor, isMapgradError, ones, tensor } from '@mapgrad/func'
import { describe, expect, test } from 'vitest'

type Anything = (...args: unknown[]) => unknown

/** Functions that take graphs alone, or make a function that only the library calls, or change how the library works. */
const others = new Set(
  (
    'defaultPartition minCutPartition minCutRematerializationPartition eliminateCommonSubexpressions eliminateDeadCode foldConstants simplifyAlgebra graphFromJSON ' +
    'onceDifferentiable setPrintOptions setDefaultDevice setDetectAnomaly detectAnomaly tidy'
  ).split(' '),
)

const x = ones(2, 3)
const wrong: readonly (readonly [text: string, value: unknown])[] = [
  ['undefined', undefined],
  ['null', null],
  ["'a'", 'a'],
  ['1.5', 1.5],
  ['{}', {}],
  ['[]', []],
  ['[1]', [1]],
  ['() => 1', () => 1],
  ['x', x],
  ['int', tensor([1], { dtype: 'int32' })],
]
type Args = (typeof wrong)[number][]
const one = ['1', 1] as const
const identity = ['(t) => t', (t: Tensor) => t] as const

/** Arguments, right and wrong ones. */
function* calls(): Generator<Args> {
  yield []
  for (const a of wrong) {
    yield [a]
    for (const b of wrong) yield [a, b]
    yield [['x', x], a, one]
    yield [identity, a, a]
    yield [['x', x], ['x', x], a]
  }
}

function* functions(of: object, path = '', all = false): Generator<[string, Anything]> {
  for (const [name, f] of Object.entries(of)) {
    if (typeof f === 'function') {
      // classes are made with new
      if ((all || !others.has(name)) && !/^[A-Z]/.test(name)) yield [path + name, f as Anything]
    } else if (typeof f === 'object' && f !== null && Object.getPrototypeOf(f) === Object.prototype)
      yield* functions(f as object, `${path}${name}.`, all)
  }
}

function* methods(): Generator<string> {
  for (let p: object | null = Tensor.prototype as object; p && p !== Object.prototype; p = Object.getPrototypeOf(p) as object | null)
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(p)))
      if (name !== 'constructor' && typeof value === 'function') yield name
}

describe('wrong arguments of methods are named errors', () => {
  test.each([...new Set(methods())])('%s', (name) => {
    const unnamed: string[] = []
    for (const args of calls())
      try {
        const x = ones(2, 3).mul(2) as unknown as Record<string, Anything>
        const out = x[name]!(...args.map(([, value]) => value))
        if (out instanceof Promise) out.catch(() => {})
      } catch (e) {
        if (!isMapgradError(e)) unnamed.push(`(${args.map(([text]) => text).join(', ')}): ${String(e)}`)
      }
    expect(unnamed).toEqual([])
  })
})

describe('wrong arguments of functions are named errors', () => {
  test('what is left out is there', () => {
    const names = [...functions(func, '', true)].map(([name]) => name.split('.').at(-1)!)
    for (const name of others) expect(names).toContain(name)
  })
  test.each([...functions(func)])('%s', (_, f) => {
    const unnamed: string[] = []
    for (const args of calls())
      try {
        const out = f(...args.map(([, value]) => value))
        // what a transform gave
        if (typeof out === 'function') (out as Anything)(x)
      } catch (e) {
        if (!isMapgradError(e)) unnamed.push(`(${args.map(([text]) => text).join(', ')}): ${String(e)}`)
      }
    expect(unnamed).toEqual([])
  })
})
