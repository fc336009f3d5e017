import { expect, test } from 'vitest'
import { ones, setDefaultDevice, tensor } from '../../src/index.ts'
import { cpu } from '@mapgrad/backend-cpu'

setDefaultDevice(cpu)

test('without enableAutograd() of @mapgrad/autodiff tensors have no gradients, and say how to get them', () => {
  const x = tensor([1, 2])
  expect([x.requiresGrad, x.isLeaf, x.grad, x.gradFn]).toEqual([false, true, null, null])
  const refused = [
    () => x.requiresGrad_(),
    () => tensor(1, { requiresGrad: true }),
    () => ones(2, { requiresGrad: true }),
    () => x.sum().backward(),
    () => x.retainGrad(),
    () => x.registerHook(() => {}),
  ]
  for (const f of refused)
    expect(f).toThrow(/expected somebody to compute gradients, got nobody\. Import @mapgrad\/func, or call enableAutograd\(\)/)
})
