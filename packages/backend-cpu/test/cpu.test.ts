import { type DType, type Expr, type Loop, type View, bytesOf, defineLoop, elementsOf, expr as E } from '@mapgrad/kernel'
import type { Backend, Storage } from '@mapgrad/tensor/plugin'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { Machine } from '../src/cpu.ts'
import { createCpu, reference } from '../src/index.ts'
import { LoopRunner } from '../src/loops.ts'
import { actual, bytesFrom, difference, expected } from './loops.ts'
import { chooser, randomPointwise, randomReduction } from './random-loops.ts'

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

type Small = Pick<Backend, 'upload' | 'alloc' | 'run' | 'read'>
const x = E.input(0, 'float32')
const y = E.input(1, 'float32')
const add = defineLoop({ name: 'add', inputs: ['float32', 'float32'], body: E.add(x, y) })
const sum = defineLoop({ name: 'sum', inputs: ['float32'], body: x, reduce: 'sum' })
const view = (storage: Storage, strides: number[], dtype: DType = 'float32', offset = 0): View<Storage> => ({
  storage,
  dtype,
  offset,
  strides,
})

function compute(cpu: Small, loop: Loop, inputs: [DType, number[]][], n: number): number[] {
  const out = cpu.alloc(n * bytesOf(loop.output))
  const views = inputs.map(([d, values]) => view(cpu.upload(bytesFrom(d, values)), [1], d))
  cpu.run({ loop, sizes: [n], reducedAxes: 0, inputs: views, scalars: [], out: view(out, [1], loop.output) })
  const elements = elementsOf(cpu.read(out, 0, n * bytesOf(loop.output)), loop.output)
  return Array.from({ length: n }, (_, i) => Number(elements.get(i)))
}

describe('compilation', () => {
  test('a new shape compiles nothing; a new layout compiles once', () => {
    const cpu = new Machine(2 ** 24)
    const a = cpu.alloc(1e6)
    const run = (sizes: number[], strides: number[][]): void => {
      const [p, q, out] = strides as [number[], number[], number[]]
      cpu.run({ loop: add, sizes, reducedAxes: 0, inputs: [view(a, p), view(a, q)], scalars: [], out: view(a, out) })
    }
    run([8], [[1], [1], [1]])
    expect(cpu.loops.compiled).toBe(1)
    for (const n of [1, 2, 3, 4, 5, 100, 1001]) run([n], [[1], [1], [1]])
    run([], [[], [], []])
    run(
      [4, 5],
      [
        [5, 1],
        [5, 1],
        [5, 1],
      ],
    )
    run(
      [4, 1, 5],
      [
        [5, 7, 1],
        [6, 3, 1],
        [5, 9, 1],
      ],
    )
    run(
      [0, 3],
      [
        [3, 1],
        [3, 1],
        [3, 1],
      ],
    )
    expect(cpu.loops.compiled).toBe(1)
    run(
      [4, 5],
      [
        [5, 1],
        [5, 0],
        [5, 1],
      ],
    )
    expect(cpu.loops.compiled).toBe(2)
    run(
      [9, 2, 3],
      [
        [6, 3, 1],
        [0, 1, 0],
        [6, 3, 1],
      ],
    )
    expect(cpu.loops.compiled).toBe(2)
    // another loop of the same structure is the same function
    const again = defineLoop({ name: 'other', inputs: ['float32', 'float32'], body: E.add(x, y) })
    cpu.run({ loop: again, sizes: [3], reducedAxes: 0, inputs: [view(a, [1]), view(a, [1])], scalars: [], out: view(a, [1]) })
    expect(cpu.loops.compiled).toBe(2)
  })

  test('functions kept are bounded, and come back when needed', () => {
    const { heap } = new Machine(2 ** 24)
    const loops = new LoopRunner(heap, 8)
    const a = heap.alloc(64)
    const loop = (k: number): Loop => defineLoop({ name: 'k', inputs: [], body: E.constant(k, 'float32') })
    const run = (l: Loop): boolean => loops.run({ loop: l, sizes: [1], reducedAxes: 0, inputs: [], scalars: [], out: view(a, [1]) })
    const first = loop(0)
    for (let k = 0; k < 40; k++) {
      run(k === 0 ? first : loop(k))
      expect(loops.functions).toBeLessThanOrEqual(8)
    }
    expect(loops.compiled).toBe(40)
    for (let i = 0; i < 5; i++) run(first)
    expect(loops.compiled).toBe(41)
    expect(new Float32Array(heap.read(a, 0, 4).buffer)[0]).toBe(0)
  })
})

describe('where WebAssembly is refused', () => {
  test.each([
    [
      'a content security policy',
      () =>
        void vi.spyOn(WebAssembly, 'Module').mockImplementation(function () {
          throw new WebAssembly.CompileError('refused')
        }),
    ],
    ['a host without it', () => void vi.stubGlobal('WebAssembly', undefined)],
    ['a host without SIMD', () => void vi.spyOn(WebAssembly, 'validate').mockReturnValue(false)],
  ])('%s: the interpreter takes over with one notice', (_, refuse) => {
    refuse()
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const cpu = createCpu()
    expect(warn).not.toHaveBeenCalled()
    expect(
      compute(
        cpu,
        add,
        [
          ['float32', [1, 2, 3]],
          ['float32', [10, 20, 30]],
        ],
        3,
      ),
    ).toEqual([11, 22, 33])
    expect(
      compute(
        cpu,
        add,
        [
          ['float32', [1]],
          ['float32', [1]],
        ],
        1,
      ),
    ).toEqual([2])
    expect(cpu.kernels['matmul']).toBeTypeOf('function')
    expect(warn).toHaveBeenCalledTimes(1)
    expect(warn.mock.calls[0]![0]).toMatch(/^\[backend-cpu\] .*reference interpreter/)
  })
})

test('nothing is made before first use', () => {
  const memory = vi.spyOn(WebAssembly, 'Memory')
  const cpu = createCpu()
  expect(cpu.memory()).toEqual({ live: 0, spilled: 0, pooled: 0, storages: 0 })
  expect(memory).not.toHaveBeenCalled()
  cpu.alloc(8)
  expect(memory).toHaveBeenCalledTimes(1)
})

test('no addresses left for a memory: an error that says so', () => {
  vi.spyOn(WebAssembly, 'Memory').mockImplementation(function () {
    throw new RangeError('WebAssembly.Memory(): could not allocate memory')
  })
  expect(() => createCpu().alloc(8)).toThrow(
    /^\[backend-cpu\] createCpu: expected room for one more WebAssembly memory, got none .*use one CPU backend for the whole program/,
  )
})

test('the reference backend is the interpreter', () => {
  fc.assert(
    fc.property(fc.gen(), (g) => {
      const c = g(fc.boolean) ? randomPointwise(chooser(g)) : randomReduction(chooser(g))
      const want = expected(c)
      const got = actual(reference, { ...c, loop: c.loop })
      expect(got.ok).toBe(want.ok)
    }),
    { numRuns: 50 },
  )
  expect(
    compute(
      reference,
      add,
      [
        ['float32', [1, 2]],
        ['float32', [3, 4]],
      ],
      2,
    ),
  ).toEqual([4, 6])
  const s = reference.alloc(4)
  reference.free(s)
  expect(() => reference.read(s, 0, 4)).toThrow('freed')
})

test('named kernels run inside a bracket: scratch is given back, also after an error', () => {
  const cpu = new Machine(2 ** 22)
  const a = cpu.upload(bytesFrom('float32', [1, 2, 3, 4]))
  const out = cpu.alloc(16)
  const before = cpu.memory()
  const array = (storage: Storage) => ({ ...view(storage, [2, 1]), shape: [2, 2] })
  cpu.kernels['matmul']!([array(a), array(a)], {} as never, [array(out)])
  expect([...new Float32Array(cpu.read(out, 0, 16).buffer)]).toEqual([7, 10, 15, 22])
  expect(() => cpu.kernels['matmul']!([array(a)], {} as never, [array(out)])).toThrow(/./)
  expect(cpu.memory().live).toBe(before.live)
})

describe('sums of many float32', () => {
  const n = 10_000_000
  const data = new Float32Array(n).fill(0.1)
  const exact = n * data[0]!
  test.each([
    ['along a contiguous axis', [n], [1], 1],
    ['over rows of 1000', [n / 1000, 1000], [1000, 1], 2],
    ['over the first axis', [8, n / 8], [1, 8], 1],
    ['strided', [n / 2], [2], 1],
  ])('%s keep their digits', (_, sizes, strides, axes) => {
    const cpu = createCpu()
    const out = cpu.alloc(64)
    const input = cpu.upload(new Uint8Array(data.buffer))
    cpu.run({ loop: sum, sizes, reducedAxes: axes, inputs: [view(input, strides)], scalars: [], out: view(out, [1]) })
    const got = new Float32Array(cpu.read(out, 0, 4).buffer)[0]!
    const want = (exact * sizes.slice(-axes).reduce((p, q) => p * q, 1)) / n
    expect(Math.abs(got / want - 1)).toBeLessThan(3e-7)
  })
})

describe('functions within 4 ULP on the emitted code', () => {
  /** distance in units of the last place of float32 */
  const ulps = (got: number, want: number): number => {
    if (Object.is(got, want) || (got !== got && want !== want)) return 0
    const w = Math.fround(want)
    if (got === w) return 0
    const unit = Math.max(2 ** (Math.floor(Math.log2(Math.abs(Number.isFinite(w) ? w : 3.4e38) || 2 ** -149)) - 23), 2 ** -149)
    return Math.abs(got - want) / unit
  }
  const bits = new DataView(new ArrayBuffer(4))
  const anyFloat = (i: number): number => (bits.setInt32(0, Math.imul(i, 0x9e3779b1)), bits.getFloat32(0))
  const usual = (i: number): number => Math.fround(Math.sin(i) * 20)
  const n = 20_003
  const unary = ['exp', 'log', 'sin', 'cos', 'tanh'] as const
  test.each(unary)('%s', (name) => {
    const wrong: string[] = []
    const loop = defineLoop({ name, inputs: ['float32'], body: (E[name] as (e: Expr) => Expr)(x) })
    for (const make of [anyFloat, usual]) {
      const values = Array.from({ length: n }, (_, i) => make(i))
      compute(createCpu(), loop, [['float32', values]], n).forEach((got, i) => {
        const want = Math[name](values[i]!)
        if (!(ulps(got, want) <= 4)) wrong.push(`${name}(${values[i]}): got ${got}, expected ${want}`)
      })
    }
    expect(wrong).toEqual([])
  })
  test('pow', () => {
    const wrong: string[] = []
    const loop = defineLoop({ name: 'pow', inputs: ['float32', 'float32'], body: E.pow(x, y) })
    const bases = Array.from({ length: n }, (_, i) => Math.abs(usual(i)))
    const powers = Array.from({ length: n }, (_, i) => Math.fround(usual(i * 3) / 2))
    compute(
      createCpu(),
      loop,
      [
        ['float32', bases],
        ['float32', powers],
      ],
      n,
    ).forEach((got, i) => {
      const want = bases[i]! ** powers[i]!
      if (!(ulps(got, want) <= 4)) wrong.push(`${bases[i]} ** ${powers[i]}: got ${got}, expected ${want}`)
    })
    expect(wrong).toEqual([])
  })
})

test('a tail gives the same bits as the body', () => {
  const body = E.div(E.exp(x), E.add(E.sin(x), E.constant(3, 'float32')))
  const loop = defineLoop({ name: 'f', inputs: ['float32'], body })
  const values = Array.from({ length: 64 }, (_, i) => Math.fround(i / 7 - 3))
  const cpu = createCpu()
  const whole = compute(cpu, loop, [['float32', values]], 64)
  const parts = values.flatMap((v) => compute(cpu, loop, [['float32', [v]]], 1))
  expect(difference('float32', bytesFrom('float32', parts), bytesFrom('float32', whole))).toBe(null)
})
