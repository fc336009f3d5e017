// Upstream: test_vmap.py, TestVmapAPI: what vmap refuses before and after it runs the function, the whole text of each error, and
// which of several errors comes first. What is refused inside the function is in vmap-api-body.test.ts.
// Left out: `Tensor.data` and memory formats (neither exists), out= (no operator takes it).
import { type Tensor, add, isMapgradError, mul, ones, randn, sin, sum, tensor, vmap } from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { loosely, raised, random } from './harness.ts'

const x = random(2, 3)
const foo = (a: Tensor): Tensor => a
/** The text after the package and name, and the code. */
function refusal(f: () => unknown): [message: string, code: string | undefined, name: string] {
  const e = raised(f)
  expect(isMapgradError(e)).toBe(true)
  expect(e.message.startsWith('[vmap] vmap: ')).toBe(true)
  return [e.message.slice('[vmap] vmap: '.length), e.code, e.name]
}

describe('when vmap is called', () => {
  test.each(['x', 'ERROR', 1, true, null])('randomness %s', (randomness) => {
    expect(refusal(() => loosely(foo, 0, 0, { randomness }))).toEqual([
      `Only allowed values for randomness are 'error', 'different', or 'same'. Got ${randomness}`,
      'RANDOMNESS',
      'TensorTypeError',
    ])
  })
  test.each([0, -1, 1.5, Number.NaN, '2'])('chunkSize %s', (chunkSize) => {
    const [message, code] = refusal(() => loosely(foo, 0, 0, { chunkSize }))
    expect(message).toBe(`chunkSize should be null or greater than 0. (got ${typeof chunkSize === 'string' ? '"2"' : chunkSize})`)
    expect(code).toBe('CHUNK_SIZE')
  })
  test('null and undefined are the default chunk, as is what is left out', () => {
    for (const chunkSize of [null, undefined]) expect(vmap(foo, 0, 0, { chunkSize: chunkSize as null })(x).shape).toEqual([2, 3])
    expect(vmap(foo, {})(x).shape).toEqual([2, 3])
  })
  test('what is no function, an option that there is not', () => {
    expect(refusal(() => loosely(x))).toEqual([
      'expected a function, got a float64 tensor of shape [2, 3]',
      'NOT_A_FUNCTION',
      'TensorTypeError',
    ])
    expect(refusal(() => loosely(foo, { inDim: 0 }))[0]).toBe(
      "expected options among inDims, outDims, randomness, chunkSize, got unknown option 'inDim'. Did you mean inDims?",
    )
    expect(refusal(() => loosely(foo, 0, 0, { outDims: 0 }))[0]).toBe(
      "expected options among randomness, chunkSize, got unknown option 'outDims'",
    )
  })
  test('nothing else is looked at yet', () => {
    for (const how of [[null], [0, 'lol'], ['lol', 'lol']]) expect(typeof loosely(foo, ...how)).toBe('function')
  })
})

describe('inDims', () => {
  const start = (dims: string): string => `vmap(foo, inDims=${dims}, ...)(<inputs>)`
  const expected = 'expected `inDims` to be int or a (potentially nested) tuple matching the structure of inputs, got: '
  test.each<[unknown, string]>([
    [null, 'null.'],
    ['lol', '"lol".'],
    [true, 'true.'],
    [new Set([0]), 'a Set.'],
    [x, 'a float64 tensor of shape [2, 3].'],
  ])('of another type: %s', (inDims, text) => {
    const [message, code] = refusal(() => vmap(foo, inDims as never)(x))
    expect(message.endsWith(`...)(<inputs>): ${expected}${text}`)).toBe(true)
    expect(code).toBe('IN_DIMS')
  })
  test.each<[string, unknown, unknown[], string, string, string]>([
    ['too few', [0], [x, x], '[0]', '[*]', '[*, *]'],
    ['too many', [0, 0, 0], [x, x], '[0, 0, 0]', '[*, *, *]', '[*, *]'],
    ['null among them', [0, null], [x], '[0, null]', '[*, *]', '[*]'],
    ['too few in a list', [[0]], [[x, x]], '[[0]]', '[[*]]', '[[*, *]]'],
    ['a list for an object', [[0, 0]], [{ a: x, b: x }], '[[0, 0]]', '[[*, *]]', '[{a: *, b: *}]'],
    ['an object for a list', [{ a: 0 }], [[x]], '[{a: 0}]', '[{a: *}]', '[[*]]'],
    ['other keys', [{ a: 0, b: null }], [{ a: x, c: x }], '[{a: 0, b: null}]', '[{a: *, b: *}]', '[{a: *, c: *}]'],
    ['a list for a tensor', [[0]], [x], '[[0]]', '[[*]]', '[*]'],
  ])('of another structure: %s', (_, inDims, args, text, dims, inputs) => {
    expect(refusal(() => loosely(foo, inDims)(...args))).toEqual([
      `${start(text)}: inDims is not compatible with the structure of \`inputs\`. inDims has structure ${dims} but inputs has structure ${inputs}.`,
      'IN_DIMS',
      'TensorTypeError',
    ])
  })
  test.each<[unknown, string]>([
    ['a', 'a'],
    [0.5, '0.5'],
    [Number.NaN, 'NaN'],
    [true, 'true'],
    [0n, '0n'],
  ])('a leaf that is no integer: %s', (dim, text) => {
    expect(refusal(() => loosely(foo, [0, dim])(x, x))[0]).toBe(
      `${start(`[0, ${text}]`)}: Got inDim=${text} for an input but inDim must be either an integer dimension or null.`,
    )
  })
  test.each<[string, unknown, unknown[], string]>([
    ['a number', 0, [x, 0], 'number'],
    ['a number', [0, 0], [x, 0], 'number'],
    ['a number in a list', [[0, 0]], [[x, 1]], 'number'],
    ['a boolean', 0, [x, true], 'boolean'],
    ['a string', -1, ['a'], 'string'],
    ['an instance of a class', [0], [new Date()], 'object'],
    ['a function', [0], [foo], 'function'],
  ])('an axis for %s (%j)', (_, inDims, args, type) => {
    const [message] = refusal(() => loosely(sum, inDims)(...args))
    expect(message).toContain(
      `Got inDim=${inDims === -1 ? -1 : 0} for an input but the input is of type ${type}. We cannot vmap over non-Tensor arguments, please use null as the respective inDim`,
    )
  })
  test('null instead is what such arguments need', () => {
    expect(loosely(sum, [0, null])(x, 0)).toBeDefined()
    expect(loosely(sum, [0, { dim: null }])(x, { dim: 0 })).toBeDefined()
  })
  test.each<[unknown, unknown[], number, number]>([
    [2, [x], 2, 2],
    [-3, [x], -3, 2],
    [[2], [x], 2, 2],
    [[[3, 0]], [[x, x]], 3, 2],
    [0, [ones()], 0, 0],
    [-1, [ones()], -1, 0],
    [[0, 1], [x, ones(2)], 1, 1],
  ])('out of range: %j', (inDims, args, dim, rank) => {
    const [message, code, name] = refusal(() => loosely(foo, inDims)(...args))
    expect(message).toContain(
      `: Got inDim=${dim} for some input, but that input is a Tensor of dimensionality ${rank} so expected inDim to satisfy -${rank} <= inDim < ${rank}.`,
    )
    expect([code, name]).toEqual(['IN_DIMS', 'TensorRangeError'])
  })
})

describe('batch sizes', () => {
  const text = (...sizes: number[]): string =>
    `Expected all tensors to have the same size in the mapped dimension, got sizes [${sizes.join(', ')}] for the mapped dimension. Give null in inDims for what all examples share: vmap(f, [null, 0])`
  test('that differ, in the order of the leaves', () => {
    const [a, b] = [randn(2), randn(3)]
    expect(refusal(() => vmap(mul)(a, b))).toEqual([text(2, 3), 'SIZES_DIFFER', 'TensorRangeError'])
    expect(refusal(() => vmap(([p, q]: [Tensor, Tensor]) => add(p, q), [[0, 0]])([b, a]))[0]).toBe(text(3, 2))
    expect(refusal(() => vmap(({ p, q }: { p: Tensor; q: Tensor }) => add(p, q), [{ q: 0, p: 0 }])({ p: a, q: b }))[0]).toBe(text(2, 3))
    expect(refusal(() => loosely(foo, [0, null, 1, -1])(randn(2, 3), b, randn(4, 5), randn(2, 2)))[0]).toBe(text(2, 5, 2))
    expect(refusal(() => vmap(mul)(randn(0), randn(1)))[0]).toBe(text(0, 1))
  })
  test('nothing mapped, nothing given', () => {
    expect(refusal(() => vmap(foo, [null])(x))[0]).toMatch(/^Expected at least one Tensor to vmap over/)
    expect(refusal(() => loosely(foo, [null])(1))[0]).toMatch(/^Expected at least one Tensor to vmap over/)
    expect(refusal(() => loosely(foo, [])([]))[1]).toBe('IN_DIMS')
    expect(refusal(() => loosely(foo)([]))[1]).toBe('NOTHING_MAPPED')
    const nothing =
      'vmap(foo)(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are trying to vmap over a function with no inputs. The latter is unsupported.'
    expect(refusal(() => loosely(foo)())).toEqual([nothing, 'NO_INPUTS', 'TensorTypeError'])
    expect(refusal(() => loosely(() => ones(2))())[0]).toBe(nothing.replace('foo', 'anonymous'))
  })
})

describe('outDims', () => {
  const mustBe =
    '`outDims` must be an int, null or a collection of ints representing where in the outputs the vmapped dimension should appear.'
  test.each<[unknown, string]>([
    ['lol', 'lol'],
    [['lol'], '[lol]'],
    [[0, [1, 'a']], '[0, [1, a]]'],
    [{ a: 0, b: true }, '{a: 0, b: true}'],
    [1.5, '1.5'],
    [Number.NaN, 'NaN'],
    [new Set([0]), 'a Set'],
  ])('of another type: %j', (outDims, text) => {
    expect(refusal(() => loosely(foo, 0, outDims)(x))).toEqual([
      `vmap(foo, ..., outDims=${text}): ${mustBe}`,
      'OUT_DIMS',
      'TensorTypeError',
    ])
  })
  test.each<[string, (a: Tensor) => unknown, unknown, string, string, string]>([
    ['two for one result', (a) => a, [0, 0], '[0, 0]', '[*, *]', '*'],
    ['too many', (a) => [a, a, a], [0, 0, 0, 0], '[0, 0, 0, 0]', '[*, *, *, *]', '[*, *, *]'],
    ['too few', (a) => [a, a, a], [0, 0], '[0, 0]', '[*, *]', '[*, *, *]'],
    ['one for two', (a) => [a, a], [0], '[0]', '[*]', '[*, *]'],
    ['null among them', (a) => [a, a], [null], '[null]', '[*]', '[*, *]'],
    ['a list of a list for one result', (a) => a, [[0]], '[[0]]', '[[*]]', '*'],
    ['none for one result', (a) => a, [], '[]', '[]', '*'],
    ['a list for an object', (a) => ({ y: a }), [0], '[0]', '[*]', '{y: *}'],
    ['other keys', (a) => ({ y: a }), { z: 0 }, '{z: 0}', '{z: *}', '{y: *}'],
    ['a word for a list', () => 'word', [0, 0], '[0, 0]', '[*, *]', '*'],
  ])('of another structure: %s', (_, f, outDims, text, dims, outputs) => {
    const named = Object.defineProperty((a: Tensor) => f(a), 'name', { value: 'f' })
    expect(refusal(() => loosely(named, 0, outDims)(x))).toEqual([
      `vmap(f, ..., outDims=${text})(<inputs>): outDims is not compatible with the structure of \`outputs\`. outDims has structure ${dims} but outputs has structure ${outputs}.`,
      'OUT_DIMS',
      'TensorTypeError',
    ])
  })
  test.each([3, -4, 17])('out of range: %i', (dim) => {
    const [message, , name] = refusal(() => vmap(foo, 0, dim)(random(2, 3, 5)))
    expect(message).toBe(`Dimension out of range (expected to be in range of [-3, 2], but got ${dim})`)
    expect(name).toBe('TensorRangeError')
    expect(() => vmap((a: Tensor) => [a, a.sum()], 0, [0, 1])(x)).toThrow('(expected to be in range of [-1, 0], but got 1)')
  })
  test('null for a result that depends on the example', () => {
    const text = 'vmap(foo, ...): `foo` can not return a BatchedTensor when outDim is null'
    expect(refusal(() => vmap(foo, 0, null)(x))).toEqual([text, 'OUT_DIMS', 'TensorTypeError'])
    expect(refusal(() => vmap(foo, 0, [null])(x))[0]).toBe(text)
    expect(() => vmap((a: Tensor) => ({ a, b: sin(a) }), 0, { a: 0, b: null })(x)).toThrow('can not return a BatchedTensor')
  })
  test.each<[string, unknown, string]>([
    ['a number', 3.5, 'number'],
    ['nothing', null, 'null'],
    ['a list with a number', [ones(1), 3], 'number'],
    ['a word', { y: 'word' }, 'string'],
    ['a function', [[foo]], 'function'],
    ['an instance of a class', new Date(), 'object'],
  ])('%s that is no tensor', (_, out, type) => {
    const f = (): unknown => out
    expect(refusal(() => loosely(f)(x))).toEqual([
      `vmap(f, ...): \`f\` must only return Tensors, got type ${type}. Did you mean to set outDims= to null for output?`,
      'OUTPUT_TYPE',
      'TensorTypeError',
    ])
  })
})

describe('the first of several', () => {
  const first = (f: () => unknown): string => raised(f).message
  test('randomness, then chunkSize, before anything of the call', () => {
    expect(first(() => loosely(foo, null, 'lol', { randomness: 'q', chunkSize: 0 }))).toContain('Only allowed values for randomness')
    expect(first(() => loosely(foo, null, 'lol', { chunkSize: 0 }))).toContain('chunkSize should be')
  })
  test('the type of outDims, the type of inDims, no inputs, their structure', () => {
    expect(first(() => loosely(foo, null, 'lol')())).toContain('`outDims` must be')
    expect(first(() => loosely(foo, null)())).toContain('expected `inDims` to be')
    expect(first(() => loosely(foo, [0, 0])())).toContain('got no inputs')
    expect(first(() => loosely(foo, [9, 'a', 0])(x, 3))).toContain('inDims is not compatible')
  })
  test('leaf by leaf: what kind of dim, what kind of input, its range; then sizes', () => {
    expect(first(() => loosely(foo, [9, 'a'])(x, 3))).toContain('Got inDim=9 for some input')
    expect(first(() => loosely(foo, ['a', 9])(x, 3))).toContain('Got inDim=a for an input')
    expect(first(() => loosely(foo, ['a', 0])(3, 3))).toContain('Got inDim=a for an input')
    expect(first(() => loosely(foo, [0, 0, 5])(x, ones(5), x))).toContain('Got inDim=5 for some input')
    expect(first(() => loosely(foo, [0, 0, 7])(x, ones(5), 7))).toContain('Got inDim=7 for an input but the input is of type')
  })
  test('what the function itself raises, then the structure of outDims, then leaf by leaf', () => {
    const own = new Error('its own')
    const raises = (): never => {
      throw own
    }
    expect(raised(() => loosely(raises, 0, [0, 0])(x))).toBe(own)
    expect(first(() => loosely((a: Tensor) => [a, 3], 0, [9])(x))).toContain('outDims is not compatible')
    expect(first(() => loosely((a: Tensor) => [a, 3], 0, [null, 0])(x))).toContain('can not return a BatchedTensor')
    expect(first(() => loosely((a: Tensor) => [3, a], 0, [0, 9])(x))).toContain('must only return Tensors')
    expect(first(() => loosely((a: Tensor) => [a, 3], 0, [9, 0])(x))).toContain('Dimension out of range')
  })
  test('the function does not run if the call is refused', () => {
    let runs = 0
    const f = (a: Tensor): Tensor => (runs++, a)
    for (const how of [[2], [null], [0, 'lol'], [[0, 0]]]) expect(() => loosely(f, ...how)(x)).toThrow(/vmap/)
    expect(runs).toBe(0)
  })
  test('chunks change none of it', () => {
    const chunked = (f: unknown, inDims: unknown, outDims: unknown = 0): ((...xs: unknown[]) => unknown) =>
      loosely(f, inDims, outDims, { chunkSize: 1 })
    expect(first(() => chunked(foo, 5)(x))).toContain('Got inDim=5 for some input')
    expect(first(() => chunked(foo, 0, [0, 0])(x))).toContain('outDims is not compatible with the structure of `outputs`')
    expect(first(() => chunked(foo, 0, 3)(x))).toContain('Dimension out of range (expected to be in range of [-2, 1], but got 3)')
    expect(first(() => chunked(foo, 0, null)(x))).toContain('can not return a BatchedTensor')
    expect(first(() => chunked(() => 3, 0)(x))).toContain('must only return Tensors, got type number')
    expect(first(() => chunked(mul, 0)(x, ones(3)))).toContain('got sizes [2, 3]')
  })
  test('after a refusal nothing is left behind', () => {
    for (const f of [() => vmap(foo, 0, 9)(x), () => vmap((a: Tensor) => a.add(ones(7)))(x), () => vmap((a: Tensor) => a.item())(x)])
      expect(f).toThrow(Error)
    expect(vmap(sin)(tensor([0])).tolist()).toEqual([0])
    expect(x.sum().item()).toBeTypeOf('number')
  })
})
