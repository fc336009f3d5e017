// Everything that is exported, and every method of Tensor, refuses an option that it does not know and an argument too many.
import { createCpu } from '@mapgrad/backend-cpu'
import * as func from '@mapgrad/func'
import { type MapgradError, Tensor, distributions, isMapgradError, manualSeed, rand, tensor } from '@mapgrad/func'
import { beforeEach, describe, expect, test } from 'vitest'
import { type Arguments, functions, guesses, methods } from './calls.ts'

type Anything = (...args: readonly unknown[]) => unknown

const isClass = (f: unknown): boolean => /^class\b/.test(Function.prototype.toString.call(f))

function* exported(of: object, path = ''): Generator<[name: string, f: Anything]> {
  for (const [name, f] of Object.entries(of)) {
    if (typeof f === 'function') {
      if (!isClass(f)) yield [path + name, f as Anything]
    } else if (typeof f === 'object' && f !== null && [Object.prototype, null].includes(Object.getPrototypeOf(f) as object))
      yield* exported(f as object, `${path}${name}.`)
  }
}

function* methodNames(): Generator<string> {
  for (let p: object | null = Tensor.prototype as object; p && p !== Object.prototype; p = Object.getPrototypeOf(p) as object | null)
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(p)))
      if (name !== 'constructor' && typeof value === 'function') yield name
}

/** Each of their arguments is one more tensor, index or tree: an object among them is refused as such, by its keys. */
const variadic = new Set('at atleast1d atleast2d atleast3d broadcastTensors chainMatmul einsum rearrange set tree.map'.split(' '))
/** What stands behind their arguments is a tree of the user's. */
const trees = new Set(['vmap'])
/** Predicates, which are asked about anything; what calls a function on all that follows; what the language calls; what handles are made with. */
const others = new Set('isTensor explain isMapgradError toString toJSON wrap rebind'.split(' '))

function error(f: () => unknown): Promise<MapgradError | undefined> | MapgradError | undefined {
  try {
    const out = f()
    return out instanceof Promise
      ? out.then(
          () => undefined,
          (e: MapgradError) => e,
        )
      : undefined
  } catch (e) {
    return e as MapgradError
  }
}

/** The first arguments that `call` takes. */
function argumentsFor(call: Anything, named: Arguments | undefined): Arguments {
  if (named) return named
  const found = guesses.find((args) => {
    const e = error(() => call(...args()))
    return e === undefined || e instanceof Promise
  })
  if (!found) throw new Error('takes none of the guesses: give arguments that it takes an entry in calls.ts')
  return found
}

/** What is wrong with how a function takes what stands behind its arguments. */
async function complaints(name: string, call: Anything, args: Arguments): Promise<string[]> {
  const out: string[] = []
  const complain = (about: string, e: unknown): void => void out.push(`${about}: ${String(e)}`)
  const valid = await error(() => call(...args()))
  if (valid) complain('its arguments', valid)
  const unknown = await error(() => call(...args(), { bogus: 1 }))
  if (!isMapgradError(unknown) || !unknown.message.includes('bogus')) complain('an unknown option', unknown)
  if (variadic.has(name)) return out
  if (unknown?.code !== 'UNKNOWN_OPTION' || !/expected options among .+, got unknown option 'bogus'/.test(unknown.message))
    complain('the options it knows', unknown)
  const behind = await error(() => call(...args(), {}, { bogus: 1 }))
  if (!trees.has(name) && !isMapgradError(behind)) complain('something behind the options', behind)
  const more = await error(() => call(...args(), ...Array.from({ length: 9 }, () => 'x')))
  if (!isMapgradError(more)) complain('arguments too many', more)
  return out
}

beforeEach(() => manualSeed(0))

describe('functions refuse unknown options and arguments too many', () => {
  test.each([...exported(func)].filter(([name]) => !others.has(name)))('%s', async (name, f) => {
    expect(await complaints(name, f, argumentsFor(f, functions[name]))).toEqual([])
  })
})

/** Looked at when the function that was made is called, or the slice is taken; a table of any kind. */
const later = new Set('argnums inDims outDims start stop step ops'.split(' '))

describe('options of a wrong kind are named errors', () => {
  test.each([...exported(func)].filter(([name]) => !others.has(name)))('%s', async (name, f) => {
    const args = argumentsFor(f, functions[name])
    const unknown = await error(() => f(...args(), { bogus: 1 }))
    const known = /expected options among (.+), got unknown option/.exec(unknown?.message ?? '')?.[1]?.split(', ') ?? []
    for (const key of known.filter((k) => k !== '(none)' && !later.has(k))) {
      let e: MapgradError | undefined
      // by name what was given by position, too
      for (let n = args().length; n >= 0; n--) {
        e = await error(() => f(...args().slice(0, n), { [key]: new Date(0) }))
        if (e?.code !== 'ARGUMENT_TWICE') break
      }
      expect(isMapgradError(e), `${key}: ${String(e)}`).toBe(true)
    }
  })
  test('what they should be is told', () => {
    const x = rand(2, 3)
    const sum = func.sum as (...args: unknown[]) => unknown
    expect(() => sum(x, 'a')).toThrow('[tensor] sum: expected dim to be an integer or an array of integers, got "a"')
    expect(() => sum(x, { dim: 0, keepdim: 1 })).toThrow('[tensor] sum: expected keepdim to be a boolean, got 1')
    expect(() => sum(x, 0, 'true')).toThrow('[tensor] sum: expected keepdim to be a boolean, got "true"')
    expect(() => sum(x, { dtype: 'float' })).toThrow('[tensor] sum: expected a dtype among bool, uint8')
    expect(() => sum(x, 0, { dim: 0 })).toThrow('[tensor] sum: expected dim once, got it both by position and by name')
    expect(() => sum(x, 0, true, 'float32', 1)).toThrow(
      '[tensor] sum: expected at most 2 arguments after the tensors (dim, keepdim), got 4',
    )
    expect(() => func.split(x, 1, { splitSize: 1 } as never)).toThrow('expected one of splitSizeOrSections and splitSize, got both')
  })
})

describe('methods refuse unknown options and arguments too many', () => {
  const call =
    (name: string): Anything =>
    (self, ...args) =>
      (self as Record<string, Anything>)[name]!(...args)
  test.each([...new Set(methodNames())].filter((name) => !others.has(name)))('%s', async (name) => {
    const given = methods[name] ?? functions[name] ?? functions[name.replace(/_$/, '')]
    expect(await complaints(name, call(name), argumentsFor(call(name), given))).toEqual([])
  })
})

describe('distributions refuse unknown options', () => {
  const { Normal } = distributions
  const named: Readonly<Record<string, Arguments>> = {
    Independent: () => [new Normal(rand(3), 1), 1],
    Binomial: () => [5, rand(3)],
    Multinomial: () => [5, rand(3)],
    NegativeBinomial: () => [5, rand(3)],
    Uniform: () => [0, 1],
  }
  type Constructor = new (...args: readonly unknown[]) => object
  const classes = Object.entries(distributions).filter(([name, value]) => isClass(value) && name !== 'Distribution')
  test.each(classes as unknown as [string, Constructor][])('%s', async (name, Class) => {
    const make: Anything = (...args) => new Class(...args)
    const args = argumentsFor(make, named[name])
    expect(await complaints(name, make, args)).toEqual([])
    const made = make(...args()) as Record<string, Anything> & { sample(): Tensor }
    const methods: Readonly<Record<string, Arguments>> = {
      ...Object.fromEntries(['sample', 'rsample', 'entropy', 'perplexity', 'enumerateSupport'].map((n) => [n, () => []])),
      ...Object.fromEntries(['logProb', 'cdf', 'icdf'].map((n) => [n, () => [n === 'icdf' ? 0.5 : made.sample()]])),
      expand: () => [[2, 3]],
    }
    for (const [n, given] of Object.entries(methods)) {
      const call: Anything = (...a) => made[n]!(...a)
      // not all of them have all of these
      if (error(() => call(...given())) === undefined) expect([n, await complaints(n, call, given)]).toEqual([n, []])
    }
  })
})

describe('generators, graphs, backends and pullbacks refuse unknown options', () => {
  const generator = new func.Generator()
  const module = func.makeFx(func.sin)(rand(3))
  const [, pullback] = func.vjp(func.sin, [rand(3)])
  const calls: readonly (readonly [name: string, f: unknown, args: Arguments])[] = [
    ['Generator', (...args: []) => new func.Generator(...args), () => ['cpu']],
    ['manualSeed', generator.manualSeed.bind(generator), () => [1]],
    ['seed', generator.seed.bind(generator), () => []],
    ['initialSeed', generator.initialSeed.bind(generator), () => []],
    ['getState', generator.getState.bind(generator), () => []],
    ['setState', generator.setState.bind(generator), () => [generator.getState()]],
    ['print', module.print, () => []],
    ['toDot', module.toDot, () => []],
    ['lint', module.graph.lint.bind(module.graph), () => []],
    ['copy', module.graph.copy.bind(module.graph), () => []],
    ['vjpFn', pullback, () => [rand(3)]],
  ]
  test.each(calls)('%s', async (name, f, args) => {
    expect((await complaints(name, f as Anything, args)).filter((c) => !c.startsWith('something behind the options'))).toEqual([])
  })
  test('createCpu', () => {
    expect(() => createCpu({ heapbytes: 1 } as never)).toThrow(
      "[backend-cpu] createCpu: expected options among heapBytes, got unknown option 'heapbytes'",
    )
  })
})

test('names in calls.ts are those of functions and methods', () => {
  const all = new Set([...exported(func)].map(([name]) => name))
  const own = new Set(methodNames())
  expect(Object.keys(functions).filter((name) => !all.has(name) && !own.has(name))).toEqual([])
  expect(Object.keys(methods).filter((name) => !own.has(name))).toEqual([])
})

describe('callbacks', () => {
  const xs = [tensor([1, 2]), tensor([3, 4])]
  test('functions of tensors alone can be given to map and reduce, which add an index and the array', () => {
    expect(xs.map(func.neg).map((x) => x.tolist())).toEqual([
      [-1, -2],
      [-3, -4],
    ])
    expect(xs.map(func.mish)).toHaveLength(2)
    expect(xs.map(func.nonzero as (x: Tensor) => Tensor)).toHaveLength(2)
    expect(xs.reduce(func.mul).tolist()).toEqual([3, 8])
    expect(xs.reduce(func.dot as (x: Tensor, y: Tensor) => Tensor).tolist()).toEqual(11)
    expect(xs.reduce(func.add as (x: Tensor, y: Tensor) => Tensor).tolist()).toEqual([4, 6])
    expect(func.tree.map(func.neg, { a: xs[0], b: [xs[1]] })).toMatchObject({ b: [{ shape: [2] }] })
    expect([[xs[0]], xs].flatMap(func.tree.leaves)).toHaveLength(3)
  })
  test('functions with parameters are not: the index would be one', () => {
    expect(() => xs.map(func.sum as never)).toThrow(
      "[tensor] sum: expected dim, keepdim, got an index and an array, as Array.map and Array.reduce add them to their callback's arguments. Write (x) => sum(x)",
    )
    expect(() => Array.from(xs, func.sin as (x: Tensor) => Tensor)).toThrow(
      '[tensor] sin: expected no further arguments, got 0. If it is the index that a callback is given, wrap the call: (...) => sin(...)',
    )
  })
})
