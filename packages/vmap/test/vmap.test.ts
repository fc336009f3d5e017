import { type Tensor, add, cat, matmul, mul, sin, stack, sum, tensor, tree, zeros } from '@mapgrad/tensor'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { vmap } from '../src/index.ts'
import { distance, f64, random } from './support.ts'

/** The examples one by one, stacked: what vmap must equal. */
const loop =
  (f: (...xs: Tensor[]) => Tensor, dims: readonly (number | null)[], size: number, out = 0) =>
  (...xs: Tensor[]): Tensor =>
    stack(
      Array.from({ length: size }, (_, i) => f(...xs.map((x, k) => (dims[k] === null ? x : x.select(dims[k]!, i))))),
      out,
    )

const f = (x: Tensor, y: Tensor): Tensor => add(matmul(x, y), sum(sin(x)))

describe('vmap equals a loop', () => {
  const B = 5
  const shapes = [
    [2, 3],
    [3, 4],
  ] as const
  const at = (shape: readonly number[], dim: number | null): Tensor =>
    dim === null ? random(...shape) : random(...shape.slice(0, dim), B, ...shape.slice(dim))
  for (const dx of [null, 0, 1, 2])
    for (const dy of [null, 0, 1, 2])
      if (dx !== null || dy !== null)
        test.each([0, 1, -1])(`inDims [${dx}, ${dy}], outDims %i`, (out) => {
          const [x, y] = [at(shapes[0], dx), at(shapes[1], dy)]
          expect(distance(vmap(f, [dx, dy], out)(x, y), loop(f, [dx, dy], B, out)(x, y))).toBeLessThan(1e-14)
        })
  test('negative inDims', () => {
    const x = random(3, B)
    expect(distance(vmap(sin, -1)(x), sin(x).t())).toBe(0)
  })
  test('nested: outer product, and captured values of the outer level', () => {
    const [x, y] = [random(3), random(4)]
    expect(distance(vmap(vmap(mul, [null, 0]), [0, null])(x, y), mul(x.unsqueeze(1), y))).toBe(0)
    const captured = vmap((a: Tensor) => vmap((b: Tensor) => sin(mul(a, b)))(y))(x)
    expect(distance(captured, sin(mul(x.unsqueeze(1), y)))).toBe(0)
  })
  test('broadcasting is per example, whatever the batch size', () => {
    const [x, y] = [random(3, 3), random(3)] // the batch has the size of the axes
    expect(distance(vmap(add)(x, y), add(x, y.unsqueeze(1)))).toBe(0)
    expect(distance(vmap(add, [0, null])(x, y), add(x, y))).toBe(0)
    expect(distance(vmap(add, [1, 0])(x, y), add(x.t(), y.unsqueeze(1)))).toBe(0)
  })
  test.each([0, 1])('a batch of %i', (n) => {
    const x = random(n, 3)
    expect(vmap((r: Tensor) => sum(sin(r)))(x).shape).toEqual([n])
    expect(vmap((r: Tensor) => matmul(r, random(3, 2)))(x).shape).toEqual([n, 2])
  })
})

describe('structure', () => {
  test('trees of inputs, prefix trees of dims, trees of outputs', () => {
    const args = { a: random(4, 2), b: [random(2, 4), random(2)] as const }
    const g = ({ a, b: [b, c] }: { a: Tensor; b: readonly [Tensor, Tensor] }): { s: Tensor; t: [Tensor] } => ({
      s: add(a, b),
      t: [mul(a, c)],
    })
    const mapped = vmap(g, [{ a: 0, b: [1, null] }], { s: 1, t: 0 })
    expectTypeOf(mapped).toEqualTypeOf<typeof g>()
    const out = mapped(args)
    expect(distance(out.s, add(args.a.t(), args.b[0]))).toBe(0)
    expect(distance(out.t[0], mul(args.a, args.b[1]))).toBe(0)
    expect(tree.map((x: Tensor) => x.shape, vmap(g, [{ a: 0, b: [1, null] }])(args))).toEqual({ s: [4, 2], t: [[4, 2]] })
  })
  test('an output that depends on no example is repeated, or returned as it is where outDims is null', () => {
    const x = random(3)
    expect(vmap((() => f64([1, 2])) as (x: Tensor) => Tensor)(x).tolist()).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ])
    const [y, name] = vmap((x: Tensor) => [sin(x), 'anything'] as const, 0, [0, null])(x)
    expect([y.shape, name]).toEqual([[3], 'anything'])
  })
  test('side effects happen once; the name stays; numbers are shared', () => {
    let runs = 0
    const named = (x: Tensor, k: number): Tensor => (runs++, mul(x, k))
    const mapped = vmap(named, [0, null])
    expect(mapped(f64([1, 2]), 3).tolist()).toEqual([3, 6])
    expect([runs, mapped.name]).toEqual([1, 'named'])
  })
  test('an example knows its own shape alone', () => {
    vmap((x: Tensor) => {
      expect([x.shape, x.ndim, x.numel(), x.dtype]).toEqual([[2, 3], 2, 6, 'float64'])
      return x
    }, 1)(random(2, 5, 3))
  })
  test('all options by name', () => {
    const x = random(2, 3)
    expect(distance(vmap(sin, { inDims: 1, outDims: 1, randomness: 'same', chunkSize: 2 })(x), sin(x))).toBe(0)
  })
  test('empty outputs', () => {
    expect(vmap((() => []) as (x: Tensor) => Tensor[])(random(3))).toEqual([])
  })
})

describe('chunkSize', () => {
  const x = random(7, 3)
  const w = random(3)
  test.each([1, 2, 3, 7, 100])('%i', (chunkSize) => {
    const g = (r: Tensor, w: Tensor): [Tensor, { t: Tensor; k: Tensor }] => [mul(r, w), { t: sum(r), k: w }]
    const [a, { t, k }] = vmap(g, [0, null], [1, { t: 0, k: null }], { chunkSize })(x, w)
    expect(distance(a, mul(x, w).t())).toBe(0)
    expect(distance(t, x.sum(1))).toBeLessThan(1e-15)
    expect(distance(k, w)).toBe(0)
  })
  test('an empty batch', () => {
    expect(vmap(sin, 0, 0, { chunkSize: 2 })(random(0, 3)).shape).toEqual([0, 3])
  })
})

describe('vmap refuses', () => {
  const x = random(2, 3)
  const foo = (x: Tensor): Tensor => x
  const call = (...args: Parameters<typeof vmap>) => vmap(...args) as (...xs: unknown[]) => unknown
  test.each<[string, () => unknown, string]>([
    [
      'sizes that differ',
      () => vmap(add)(random(2), random(3)),
      '[vmap] vmap: Expected all tensors to have the same size in the mapped dimension, got sizes [2, 3] for the mapped dimension',
    ],
    [
      'no arguments',
      () => call(foo as never)(),
      '[vmap] vmap: vmap(foo)(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are trying to vmap over a function with no inputs. The latter is unsupported.',
    ],
    ['nothing mapped', () => vmap(foo, [null])(x), '[vmap] vmap: Expected at least one Tensor to vmap over'],
    [
      'inDims null',
      () => vmap(foo, null as never)(x),
      'vmap(foo, inDims=null, ...)(<inputs>): expected `inDims` to be int or a (potentially nested) tuple matching the structure of inputs, got: null.',
    ],
    [
      'inDims of another structure',
      () => vmap(foo, [0, 0])(x),
      'vmap(foo, inDims=[0, 0], ...)(<inputs>): inDims is not compatible with the structure of `inputs`. inDims has structure [*, *] but inputs has structure [*].',
    ],
    [
      'an inDim that is no integer',
      () => vmap(foo, ['a' as never])(x),
      'vmap(foo, inDims=[a], ...)(<inputs>): Got inDim=a for an input but inDim must be either an integer dimension or null.',
    ],
    [
      'an inDim for a number',
      () => call(foo as never)(3),
      'Got inDim=0 for an input but the input is of type number. We cannot vmap over non-Tensor arguments, please use null as the respective inDim',
    ],
    [
      'an inDim out of range',
      () => vmap(foo, 2)(x),
      'vmap(foo, inDims=2, ...)(<inputs>): Got inDim=2 for some input, but that input is a Tensor of dimensionality 2 so expected inDim to satisfy -2 <= inDim < 2.',
    ],
    [
      'an inDim for a 0-d tensor',
      () => vmap(foo)(f64(1)),
      'but that input is a Tensor of dimensionality 0 so expected inDim to satisfy -0 <= inDim < 0.',
    ],
    [
      'outDims of another type',
      () => vmap(foo, 0, 'lol' as never)(x),
      'vmap(foo, ..., outDims=lol): `outDims` must be an int, null or a collection of ints representing where in the outputs the vmapped dimension should appear.',
    ],
    [
      'outDims of another structure',
      () => vmap((x: Tensor) => [x, x], 0, [0])(x),
      'outDims is not compatible with the structure of `outputs`. outDims has structure [*] but outputs has structure [*, *].',
    ],
    ['an outDim out of range', () => vmap(foo, 0, 3)(x), 'Dimension out of range (expected to be in range of [-2, 1], but got 3)'],
    [
      'outDims null for a mapped output',
      () => vmap(foo, 0, null)(x),
      'vmap(foo, ...): `foo` can not return a BatchedTensor when outDim is null',
    ],
    [
      'an output that is no tensor',
      () => vmap((() => 1.5) as never)(x as never),
      'must only return Tensors, got type number. Did you mean to set outDims= to null for output?',
    ],
    [
      'a wrong randomness',
      () => vmap(foo, 0, 0, { randomness: 'x' as never }),
      "[vmap] vmap: Only allowed values for randomness are 'error', 'different', or 'same'. Got x",
    ],
    ['a wrong chunkSize', () => vmap(foo, 0, 0, { chunkSize: 0 }), '[vmap] vmap: chunkSize should be null or greater than 0. (got 0)'],
    [
      'an unknown option',
      () => vmap(foo, { inDim: 0 } as never),
      "[vmap] vmap: expected options among inDims, outDims, randomness, chunkSize, got unknown option 'inDim'",
    ],
    [
      'a number read inside',
      () => vmap((x: Tensor) => mul(x, x.sum().item() as number))(x),
      "[vmap] item: It looks like you're calling .item() on a Tensor. We don't support vmap over calling .item() on a Tensor, please try to rewrite what you're doing with other operations",
    ],
    [
      'an async function',
      () => vmap((async (x: Tensor) => x) as never)(x as never),
      '[vmap] vmap: expected a synchronous function, got one that returned a Promise',
    ],
    ['no function', () => vmap(undefined as never), '[vmap] vmap: expected a function, got undefined'],
  ])('%s', (_, f, message) => {
    expect(f).toThrow(message)
  })
  test('a value that escaped; what follows still works', () => {
    let leaked!: Tensor
    vmap((x: Tensor) => (leaked = x))(x)
    expect(() => add(leaked, 1)).toThrow('one that escaped from vmap (level 1), which has already returned')
    expect(() => leaked.tolist()).toThrow('tolist: expected values of transforms that are still running')
    expect(vmap(sin)(x).shape).toEqual([2, 3])
  })
  test('a failure inside leaves no transform behind', () => {
    expect(() => vmap((x: Tensor) => add(x, zeros(7)))(x)).toThrow('must match the size of tensor b (7)')
    expect(cat([x, x]).shape).toEqual([4, 3])
    expect(vmap(sin)(tensor([1])).shape).toEqual([1])
  })
})
