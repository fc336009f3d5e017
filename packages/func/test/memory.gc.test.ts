import {
  type Tensor,
  crossEntropy,
  grad,
  gradAndValue,
  hessian,
  jacfwd,
  jacrev,
  matmul,
  memory,
  mul,
  randn,
  relu,
  sin,
  sum,
  tensor,
  tidy,
  vmap,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'

const w = randn(40, 30)
const x = randn(30)
const y = tensor([1, 0, 2], { dtype: 'int32' })
type Params = { w1: Tensor; w2: Tensor }
const params: Params = { w1: randn(12, 8), w2: randn(8, 3) }
const five = randn(5)
const batch = randn(3, 12)
const loss = (p: Params, x: Tensor, y: Tensor): Tensor => crossEntropy(matmul(relu(matmul(x, p.w1)), p.w2), y)
const free = (p: Params): void => [p.w1, p.w2].forEach((t) => t.dispose())

/** Bytes and storages that many calls leave behind. */
function left(f: () => void): [bytes: number, storages: number] {
  f()
  const before = memory()
  for (let i = 0; i < 1000; i++) f()
  const after = memory()
  return [after.live - before.live, after.storages - before.storages]
}

describe('a thousand calls leave nothing behind', () => {
  test.each<[string, () => void]>([
    ['grad', () => grad((w: Tensor) => sum(sin(mul(w, w))))(w).dispose()],
    ['grad of a loss with integer labels', () => free(grad(loss)(params, batch, y))],
    [
      'gradAndValue',
      () => {
        const [g, value] = gradAndValue(loss)(params, batch, y)
        free(g)
        value.dispose()
      },
    ],
    ['vmap', () => vmap((r: Tensor) => sum(sin(r)))(w).dispose()],
    ['vmap of grad', () => free(vmap(grad(loss), [null, 0, 0])(params, batch, y))],
    ['jacrev', () => jacrev((x: Tensor) => sin(matmul(w, x)))(x).dispose()],
    ['jacfwd', () => jacfwd((x: Tensor) => sin(matmul(w, x)))(x).dispose()],
    ['hessian', () => hessian((x: Tensor) => sum(sin(mul(x, x))))(five).dispose()],
    ['tidy', () => void tidy(() => sum(sin(mul(w, w))).item())],
  ])('%s', (_, f) => {
    expect(left(f)).toEqual([0, 0])
  })
})
