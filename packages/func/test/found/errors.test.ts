// Calls that made no sense to random arguments either, and ended in errors of JavaScript.
import { expect, test } from 'vitest'
import { type Tensor, aotFunction, autograd, huberLoss, tensor, tidy } from '@mapgrad/func'

const x = tensor([1, 2])
const f = (y: Tensor): Tensor => y.sin()

test('a function is asked for by name', () => {
  expect(() => tidy(undefined as never)).toThrow(/\[tensor\] tidy: expected a function, got undefined/)
  expect(() => autograd.detectAnomaly(-1 as never)).toThrow(/\[tensor\] detectAnomaly: expected a function, got -1/)
})

test('aotFunction: what a partitioner or a compiler gives that is neither', () => {
  const asIs = <G>(graph: G): G => graph
  for (const partitionFn of [() => undefined, () => ({}), () => 1])
    expect(() => aotFunction(f, { fwCompiler: asIs, partitionFn: partitionFn as never })(x)).toThrow(
      /\[graph\] aotFunction: expected partitionFn to return \{ forward, backward \}, two graphs, got undefined in it/,
    )
  expect(() => aotFunction(f, { fwCompiler: (() => 1) as never })(x)).toThrow(
    /aotFunction: expected fwCompiler to return a function of the graph's inputs, got 1/,
  )
})

test('huberLoss: a delta that is no number', () => {
  expect(() => huberLoss(x, x, 'mean', Symbol('d') as never)).toThrow(/huberLoss: expected delta to be a number, got Symbol\(d\)/)
})
