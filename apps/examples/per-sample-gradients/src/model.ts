import { type Tensor, add, crossEntropy, grad, gradAndValue, matmul, mul, randn, relu, sqrt, sub, tidy, vmap, zeros } from '@mapgrad/func'

/** Weights of a perceptron with one hidden layer. A type alias, so that it is a tree for the transforms. */
export type Params = { w1: Tensor; b1: Tensor; w2: Tensor; b2: Tensor }

/** Normal weights scaled for relu (He et al. 2015), biases zero. */
export function init(inputs: number, hidden: number, classes: number): Params {
  return {
    w1: mul(randn(inputs, hidden), Math.sqrt(2 / inputs)),
    b1: zeros(hidden),
    w2: mul(randn(hidden, classes), Math.sqrt(2 / hidden)),
    b2: zeros(classes),
  }
}

/** Class scores: `[…, inputs] → […, classes]`. */
export function model({ w1, b1, w2, b2 }: Params, x: Tensor): Tensor {
  return add(matmul(relu(add(matmul(x, w1), b1)), w2), b2)
}

/** Mean cross entropy; of one example as well as of a batch. */
export const loss = (params: Params, x: Tensor, y: Tensor): Tensor => crossEntropy(model(params, x), y)

/** One gradient for every example: each leaf of the parameters with the examples in front. */
export const perSampleGradients: (params: Params, x: Tensor, y: Tensor) => Params = vmap(grad(loss), [null, 0, 0])

/** State of Adam: first and second moments of each parameter. */
export interface Adam {
  readonly params: Params
  readonly m: Params
  readonly v: Params
  readonly step: number
}

const KEYS = ['w1', 'b1', 'w2', 'b2'] as const
const each = (f: (key: keyof Params) => Tensor): Params => Object.fromEntries(KEYS.map((k) => [k, f(k)])) as Params

export const adam = (params: Params): Adam => ({ params, m: each((k) => mul(params[k], 0)), v: each((k) => mul(params[k], 0)), step: 0 })

/** One step of Adam (Kingma & Ba 2015, algorithm 1) on a batch, and the loss before it. */
export function trainStep({ params, m, v, step }: Adam, x: Tensor, y: Tensor, learningRate: number): [Adam, number] {
  const [b1, b2, eps] = [0.9, 0.999, 1e-8]
  const t = step + 1
  let value = NaN
  const next = tidy(() => {
    const [g, l] = gradAndValue(loss)(params, x, y)
    value = l.item() as number
    const m2 = each((k) => add(mul(m[k], b1), mul(g[k], 1 - b1)))
    const v2 = each((k) => add(mul(v[k], b2), mul(mul(g[k], g[k]), 1 - b2)))
    const rate = (learningRate * Math.sqrt(1 - b2 ** t)) / (1 - b1 ** t)
    return { params: each((k) => sub(params[k], mul(m2[k].div(add(sqrt(v2[k]), eps)), rate))), m: m2, v: v2 }
  })
  for (const old of [params, m, v]) for (const k of KEYS) old[k].dispose()
  return [{ ...next, step: t }, value]
}
