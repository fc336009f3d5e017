import { cpu } from '@mapgrad/backend-cpu'
import { aotFunction } from '@mapgrad/graph'
import { type Tensor, setDefaultDevice, tensor } from '@mapgrad/tensor'
import { expect, test } from 'vitest'

test('aotFunction without a package that computes gradients says how to get one', () => {
  setDefaultDevice(cpu)
  const f = aotFunction((x: Tensor) => x.sin(), { fwCompiler: (graph) => graph })
  expect(() => f(tensor([1, 2]))).toThrow(
    '[tensor] aotFunction: expected somebody to compute gradients, got nobody. Import @mapgrad/func, or call enableAutograd() of @mapgrad/autodiff',
  )
})
