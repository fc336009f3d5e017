import { grad, vmap } from '@mapgrad/func'
import { eliminateCommonSubexpressions, eliminateDeadCode, foldConstants, makeFx, simplifyAlgebra } from '@mapgrad/graph'
import { type Tensor, cond, manualSeed, rand, scan } from '@mapgrad/tensor'
import { expect, test } from 'vitest'
import { type Program, programs, randomProgram } from '../programs.ts'
import { exact, random } from '../support.ts'

// A pass leaves nothing to do for itself, in branches inside of branches either.

const nested = (x: Tensor): Tensor =>
  cond(
    x.sum().gt(0),
    (y: Tensor) =>
      cond(
        y.prod().gt(0.1),
        (z: Tensor) => z.exp(),
        (z: Tensor) => z.sin().add(rand([2, 3])),
        [y],
      ),
    (y: Tensor) => scan((h: Tensor, r: Tensor) => [h.add(r), h.mul(r)] as const, y.at(0), y)[1],
    [x],
  )
const more: readonly Program[] = [
  { name: 'nested branches', f: (x) => nested(x!), fresh: () => [random(2, 3)] },
  { name: 'their gradient', f: (x) => grad((t: Tensor) => nested(nested(t)).sin().sum())(x!), fresh: () => [random(2, 3)] },
  {
    name: 'their gradient for each example',
    f: (x) =>
      vmap(
        grad((t: Tensor) => nested(t).sum()),
        0,
        0,
        { randomness: 'different' },
      )(x!),
    fresh: () => [random(4, 2, 3)],
  },
]
const passes = { eliminateDeadCode, eliminateCommonSubexpressions, foldConstants, simplifyAlgebra }
const all = [...programs, ...more, ...Array.from({ length: 10 }, (_, i) => randomProgram(2 + i))]

test.each(Object.entries(passes))('%s', (_, pass) => {
  for (const { name, f, fresh } of all) {
    const xs = fresh()
    const g = makeFx(f, { tracingMode: 'fake' })(...xs)
    const once = g.transform(pass)
    expect([name, once.transform(pass).graph.equals(once.graph)]).toEqual([name, true])
  }
})

test.each(more)('$name: without dead code the same', ({ f, fresh }) => {
  const xs = fresh()
  const run = (h: (...ts: Tensor[]) => unknown): string => {
    manualSeed(3)
    return exact(h(...xs) as Tensor)
  }
  const g = makeFx(f, { tracingMode: 'fake' })(...fresh())
  expect(run(g.transform(eliminateDeadCode) as never)).toBe(run(g as never))
  expect(run(g as never)).toBe(run(f))
})
