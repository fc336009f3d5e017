import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { elementsOf } from '../src/convert.ts'
import { add, constant, index, input, mul, position, type Expr } from '../src/expr.ts'
import { interpret } from '../src/interpret.ts'
import { type LoopCall, type ReduceOp, type View, defineLoop } from '../src/loop.ts'
import { emptyWalk, prepare, walked } from '../src/walk.ts'

const a = input(0, 'int32')
const b = input(1, 'int32')
const bodies: Record<string, Expr> = {
  plain: add(mul(a, constant(7, 'int32')), b),
  position: add(mul(a, position), b),
  index: add(mul(a, index(-1)), b),
}

/** A call over random sizes: inputs permuted, broadcast, reversed or contiguous; the output permuted. */
const calls = fc
  .record({
    sizes: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 5 }),
    reducedAxes: fc.integer({ min: 0, max: 2 }),
    reduce: fc.constantFrom<ReduceOp[]>('sum', 'max', 'argmax'),
    body: fc.constantFrom('plain', 'position', 'index'),
    layouts: fc.array(
      fc.record({ order: fc.constantFrom('row', 'column', 'shuffled'), zero: fc.integer({ min: -6, max: 4 }), flip: fc.boolean() }),
      { minLength: 3, maxLength: 3 },
    ),
    gather: fc.constantFrom(null, 'error', 'zero'),
    seed: fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 64, maxLength: 64 }),
  })
  .map(({ sizes, reducedAxes, reduce, body, layouts, gather, seed }) => {
    const reduced = Math.min(reducedAxes, sizes.length - 1)
    const kept = sizes.length - reduced
    const coordinate = {
      expr: body === 'index' ? index(-1) : add(input(1, 'int32'), constant(0, 'int32')),
      outOfRange: gather ?? ('zero' as const),
    }
    const loop = defineLoop({
      name: 'test',
      inputs: [gather ? { dtype: 'int32', coordinates: [coordinate] } : 'int32', 'int32'],
      body: bodies[body]!,
      ...(reduced ? { reduce } : {}),
    })
    const view = (i: number, axes: number): View<Uint8Array> => {
      const { order, zero, flip } = layouts[i]!
      const strides = Array<number>(axes).fill(0)
      const walk = [...strides.keys()]
      if (order === 'row') walk.reverse()
      if (order === 'shuffled') walk.sort((p, q) => ((p * 7 + 3) % 5) - ((q * 7 + 3) % 5))
      let step = 1
      let offset = 3
      for (const axis of walk) {
        if (i < 2 && axis === zero) continue
        strides[axis] = step
        step *= Math.max(sizes[axis]!, 1)
      }
      if (flip && i < 2 && axes > 0) {
        offset += strides[0]! * Math.max(sizes[0]! - 1, 0)
        strides[0] = -strides[0]!
      }
      const storage = new Uint8Array(4 * (step + 8))
      const elements = elementsOf(storage, 'int32')
      for (let k = 0; k < step + 8; k++) elements.set(k, i === 2 ? -1 : (seed[k % 64]! + k) % (i === 1 && gather ? 3 : 100))
      return { storage, dtype: 'int32', offset, strides, ...(i === 0 && gather ? { coordinates: [{ stride: 1, size: 3 }] } : {}) }
    }
    const call: LoopCall<Uint8Array> = {
      loop,
      sizes,
      reducedAxes: reduced,
      inputs: [view(0, sizes.length), view(1, sizes.length)],
      scalars: [],
      out: view(2, kept),
    }
    return call
  })

const run = (call: LoopCall<Uint8Array>): [boolean, Uint8Array] => {
  const storage = call.out.storage.slice()
  const ok = interpret({ ...call, out: { ...call.out, storage } })
  return [ok, storage]
}

describe('prepare', () => {
  test('describes the same elements', () => {
    const walk = emptyWalk()
    let shorter = 0
    fc.assert(
      fc.property(calls, (call) => {
        prepare(call, walk)
        const after = walked(call, walk)
        if (after.sizes.length < call.sizes.length) shorter++
        const [ok, bytes] = run(call)
        const [same, got] = run(after)
        expect(same).toBe(ok)
        // after a failure the elements written before it depend on the order
        expect(ok ? got : null).toEqual(ok ? bytes : null)
        const reduced = call.sizes.slice(call.sizes.length - call.reducedAxes).reduce((x, y) => x * y, 1)
        expect(walk.depth).toBe(reduced)
        expect(walk.empty).toBe(walk.points === 0)
      }),
      { numRuns: 1500 },
    )
    expect(shorter).toBeGreaterThan(100)
  })

  const view = (strides: number[], offset = 0): View<null> => ({ storage: null, dtype: 'float32', offset, strides })
  const loop = defineLoop({ name: 'add', inputs: ['float32', 'float32'], body: add(input(0, 'float32'), input(1, 'float32')) })
  const walkOf = (sizes: number[], x: number[], y: number[], out: number[], over = loop) =>
    prepare({ loop: over, sizes, reducedAxes: 0, inputs: [view(x), view(y)], scalars: [], out: view(out) }, emptyWalk())

  test('contiguous arrays are one axis', () => {
    const w = walkOf([2, 1, 3, 4], [12, 99, 4, 1], [12, 12, 4, 1], [12, 12, 4, 1])
    expect([w.kept, w.sizes, w.strides]).toEqual([1, [24], [[1], [1], [1]]])
  })
  test('an array of rank 0 has one axis of size 1', () => {
    const w = walkOf([], [], [], [])
    expect([w.kept, w.reduced, w.sizes, w.points]).toEqual([1, 0, [1], 1])
  })
  test('transposed arrays are walked along memory, and merge there', () => {
    const w = walkOf([3, 5], [1, 3], [1, 3], [1, 3])
    expect([w.sizes, w.strides]).toEqual([[15], [[1], [1], [1]]])
  })
  test('most unit strides go innermost', () => {
    const w = walkOf([3, 5], [1, 3], [1, 3], [5, 1])
    expect([w.sizes, w.strides]).toEqual([
      [5, 3],
      [
        [3, 1],
        [3, 1],
        [1, 5],
      ],
    ])
  })
  test('a loop that reads its index keeps its axes; one that reads its position keeps their order', () => {
    const indexed = defineLoop({ name: 'i', inputs: ['int32', 'int32'], body: add(index(-1), index(-2)) })
    expect(walkOf([2, 1, 3], [3, 3, 1], [3, 3, 1], [3, 3, 1], indexed).sizes).toEqual([2, 1, 3])
    const counted = defineLoop({ name: 'p', inputs: ['int32', 'int32'], body: position })
    expect(walkOf([3, 5], [1, 3], [1, 3], [1, 3], counted).sizes).toEqual([3, 5])
    expect(walkOf([3, 1, 5], [5, 0, 1], [5, 0, 1], [5, 0, 1], counted).sizes).toEqual([15])
  })
  test('an axis of size 0 is empty', () => {
    expect(walkOf([3, 0], [0, 1], [0, 1], [0, 1]).empty).toBe(true)
  })
})
