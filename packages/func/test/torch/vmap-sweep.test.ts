// Beside upstream: every function that this package exports, called with a tensor and a few small numbers after it, inside vmap and in a
// loop: either both refuse, or both give the same. Most calls make no sense, which is the point: what a function does with a number for
// one example without axes, with an axis that is not there, with a keepdim in the wrong place, it must do inside vmap too.
// New functions are swept without being listed.
import * as func from '@mapgrad/func'
import { type DType, type Tensor, arange, isTensor, stack, tensor, tree, vmap } from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { expectClose } from './harness.ts'

// what sets the state of the library, what runs functions, what looks at the level below on purpose
const left = new Set(
  'manualSeed seed setDefaultDevice setPrintOptions setRngState setDetectAnomaly tidy keep memory debugUnwrap explain'.split(' '),
)
const functions = Object.entries(func as unknown as Record<string, unknown>).filter(
  ([name, f]) => typeof f === 'function' && !/^[A-Z]/.test(name) && !left.has(name),
) as [string, (...args: unknown[]) => unknown][]

const at = tensor([0], { dtype: 'int32' })
const rests: readonly (readonly unknown[])[] = [
  [],
  [0],
  [-1],
  [1],
  [-2],
  [[0]],
  [[-1]],
  [[]],
  [0, 0],
  [0, -1],
  [1, 0],
  [1, -1],
  [2, 0],
  [0, true],
  [0, 0, 1],
  [at],
  [0, at],
  [0, at.at(0), tensor(2, { dtype: 'float64' })],
]
/** Refusals that vmap adds: values and shapes that cannot be asked of one example, draws without a say. */
const ADDED = /random operation|dynamic shape|It looks like you're calling|Cannot ask for different|num_classes/

interface Outcome {
  readonly value?: unknown
  readonly error?: string
}
const outcome = (f: () => unknown): Outcome => {
  try {
    return { value: f() }
  } catch (e) {
    return { error: (e as Error).message }
  }
}

describe('every function', () => {
  test.each<[string, number[], DType]>([
    ['numbers', [], 'float64'],
    ['whole numbers', [], 'int32'],
    ['vectors of one', [1], 'float64'],
    ['vectors of nothing', [0], 'float64'],
    ['matrices', [2, 3], 'float64'],
  ])('of %s', (_, shape, dtype) => {
    const n = shape.reduce((a, b) => a * b, 1)
    const examples = [0.5, -1.5].map((k) =>
      arange(n)
        .double()
        .sub(1.25)
        .mul(k * 2)
        .reshape(shape)
        .to(dtype),
    )
    let same = 0
    for (const [name, f] of functions)
      for (const rest of rests) {
        const one = (x: Tensor): unknown => {
          // what writes must leave the examples as they are for the next call
          const y = f(name.endsWith('_') ? x.clone() : x, ...rest)
          if (tree.leaves(y).length === 0 || !tree.leaves(y).every(isTensor)) throw new Error('gives no tensors')
          return y
        }
        const what = `${name}(x, ${rest.map((r) => (isTensor(r) ? `tensor of [${r.shape}]` : JSON.stringify(r))).join(', ')})`
        const loop = outcome(() => {
          const [a, b] = examples.map(one)
          return tree.map((p: Tensor, q: Tensor) => stack([p, q]), a, b)
        })
        const mapped = outcome(() => vmap(one)(stack(examples)))
        if (mapped.error !== undefined && (loop.error !== undefined || ADDED.test(mapped.error))) continue
        expect([what, mapped.error, loop.error]).toEqual([what, undefined, undefined])
        expectClose(mapped.value, loop.value, {}, what)
        same++
      }
    expect(same).toBeGreaterThan(200)
  })
})
