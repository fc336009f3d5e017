import { cpu } from '@mapgrad/backend-cpu'
import { expect, test } from 'vitest'
import { type Tensor, add, matmul, mul, setDefaultDevice, tensor } from '../../src/index.ts'
import { associativeScan } from '../../src/ops.ts'
import { provideMapping, registry } from '../../src/plugin.ts'

setDefaultDevice(cpu)

// The op that graphs have, where nobody provides a way to combine many pairs at once (printed code may import no more than this package).

const combined = (combine: (...xs: Tensor[]) => Tensor[], xs: readonly Tensor[], count: number): readonly Tensor[] =>
  associativeScan.bind(xs, { combine, xs: count, draws: false })

test.each([1, 2, 3, 4, 5, 8, 9])('%i slices, one after the other', (n) => {
  expect(registry().mapping).toBe(null)
  const x = tensor(Float64Array.from({ length: n * 4 }, (_, i) => Math.sin(i + 1))).reshape(n, 2, 2)
  const w = tensor([0.5, -1], { dtype: 'float64' })
  const [y, z] = combined(
    (a, b, c, d, v) => [matmul(a!, c!), add(mul(b!, v!), d!)],
    [x, x.at(Array.from({ length: n }, (_, i) => i)), w],
    2,
  )
  let [want, other] = [x.at(0), x.at(0)]
  for (let i = 0; i < n; i++) {
    if (i > 0) [want, other] = [matmul(want, x.at(i)), add(mul(other, w), x.at(i))]
    expect(y!.at(i).tolist()).toEqual(want.tolist())
    expect(z!.at(i).tolist()).toEqual(other.tolist())
  }
})

test('what is provided is asked for pairs, about twice the logarithm as often', () => {
  const asked: number[] = []
  provideMapping((f, xs, dims, size) => {
    asked.push(size)
    expect(dims).toEqual([0, 0])
    // pointwise functions take whole batches
    return f(xs)
  })
  try {
    const x = tensor([1, 2, 3, 4, 5, 6, 7])
    expect(combined((a, b) => [mul(a!, b!)], [x], 1)[0]!.tolist()).toEqual([1, 2, 6, 24, 120, 720, 5040])
    expect(asked).toEqual([3, 1, 1, 3])
  } finally {
    registry().mapping = null
  }
})
