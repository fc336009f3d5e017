import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createCpu } from '../../src/index.ts'
import { type Case, actual, difference, expected } from '../loops.ts'
import { chooser, randomDense, randomPointwise, randomReduction } from '../random-loops.ts'

const cpu = createCpu()

function check(c: Case): void {
  const want = expected(c)
  const got = actual(cpu, c)
  expect(got.ok).toBe(want.ok)
  if (!want.ok) return
  const wrong = difference(c.out.dtype, got.bytes, want.bytes)
  if (wrong)
    expect.fail(
      `${wrong}\nsizes ${c.sizes} reduced ${c.reducedAxes} strides ${c.inputs.map((i) => `[${i.strides}]`)} → [${c.out.strides}]\n${c.loop.key}`,
    )
}

test('pointwise loops of random expressions, shapes and layouts', () => {
  fc.assert(
    fc.property(fc.gen(), (g) => check(randomPointwise(chooser(g)))),
    { numRuns: 2000 },
  )
})

test('reductions of random shapes and layouts', () => {
  fc.assert(
    fc.property(fc.gen(), (g) => check(randomReduction(chooser(g)))),
    { numRuns: 1000 },
  )
})

test('contiguous loops of random expressions, reduced or not', () => {
  fc.assert(
    fc.property(fc.gen(), (g) => check(randomDense(chooser(g)))),
    { numRuns: 500 },
  )
})
