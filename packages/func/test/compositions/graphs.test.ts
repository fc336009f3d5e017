// Branches and bodies of loops in graphs are recorded, and reverse mode in them calls functions again while another
// recording goes on: each transform must then stand inside of that, in the order in which they were.
import { type Tensor, makeFx } from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { byDuals } from './dual.ts'
import { layers, numbers, tensors } from './functions.ts'
import { loops, rules } from './special.ts'
import { type Transform, transformsOf } from './transforms.ts'

const named = (name: string): Transform => transformsOf([0, 1], [0]).find((t) => t.name === name)!
const reverse = ['grad', 'vjp', 'jacrev', 'linearize', 'vmap', 'checkpoint'].map(named)

describe.each([layers, rules, loops])('graphs of $name', (f) => {
  const [xs, at] = [tensors(f), numbers(f)]
  for (const outer of ['cond', 'while', 'scan'].map(named))
    test(`${outer.name} of two transforms`, () => {
      for (const middle of reverse)
        for (const inner of reverse) {
          const graph = makeFx(outer.ours(middle.ours(inner.ours(f.ours))))(...xs)
          const expected = outer.oracle(middle.oracle(inner.oracle(f.plain, byDuals), byDuals), byDuals)(...at) as number[]
          const got = (graph(...xs) as Tensor).dataSync() as Float64Array
          const worst = Math.max(...expected.map((v, i) => Math.abs(v - got[i]!) / Math.max(1, Math.abs(v))))
          expect([middle.name, inner.name, got.length === expected.length && worst < 1e-11]).toEqual([middle.name, inner.name, true])
        }
    })
})
