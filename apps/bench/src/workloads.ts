import {
  type Tensor,
  abs,
  amax,
  arange,
  crossEntropy,
  cumsum,
  exp,
  grad,
  gradAndValue,
  hessian,
  jacfwd,
  jacrev,
  jvp,
  log,
  matmul,
  remainder,
  sin,
  softmax,
  sort,
  square,
  sum,
  tanh,
  tidy,
  vmap,
  zeros,
} from '@mapgrad/func'
import { rnd } from './data.ts'

/** A call to time, and the arithmetic it does where that is the measure. */
export interface Workload {
  readonly name: string
  readonly make: () => () => unknown
  readonly flops?: number
  /** what the project promises: our time ÷ PyTorch's at most, or microseconds at most, or GFLOP/s at least */
  readonly target?: { readonly ratio?: number; readonly us?: number; readonly gflops?: number }
}

const mm = (m: number, k = m, n = m): Omit<Workload, 'name' | 'target'> => ({
  make: () => {
    const a = rnd([m, k], 1)
    const b = rnd([k, n], 2)
    return () => matmul(a, b)
  },
  flops: 2 * m * k * n,
})
const million = (f: (x: Tensor) => Tensor): (() => () => unknown) => {
  return () => {
    const x = rnd([1_000_000])
    return () => f(x)
  }
}
const square1024 = (f: (x: Tensor) => unknown): (() => () => unknown) => {
  return () => {
    const x = rnd([1024, 1024])
    return () => f(x)
  }
}
const tiny = (f: (x: Tensor) => unknown, ...shape: number[]): (() => () => unknown) => {
  return () => {
    const x = rnd(shape)
    return () => f(x)
  }
}

type Layer = [w: Tensor, b: Tensor]
const sizes = [784, 512, 512, 10]
const layers = (): Layer[] => sizes.slice(1).map((o, k) => [rnd([sizes[k]!, o], k + 1, 1 / Math.sqrt(sizes[k]!)), zeros(o)])
const mlp = (ps: Layer[], x: Tensor): Tensor =>
  ps.reduce((h, [w, b], i) => {
    const y = matmul(h, w).add(b)
    return i < ps.length - 1 ? y.relu() : y
  }, x)
const mlpLoss = (ps: Layer[], x: Tensor, y: Tensor): Tensor => crossEntropy(mlp(ps, x), y)
const labels = (n: number): Tensor => remainder(arange(n), 10)

/** The Jacobian of one layer. */
const layer = (ins: number, outs: number, transform: (f: (v: Tensor) => Tensor) => (x: Tensor) => Tensor): (() => () => unknown) => {
  return () => {
    const w = rnd([outs, ins], 3, 0.1)
    const x = rnd([ins], 4)
    const f = transform((v: Tensor) => tanh(matmul(w, v)))
    return () => f(x)
  }
}
const auto = (f: (v: Tensor) => Tensor): ((x: Tensor) => Tensor) => jacrev(f, { mode: 'auto' })
/** `Σ tanh(w v)² + Σ v⁴` of `n` numbers. */
const quartic = (n: number): [f: (v: Tensor) => Tensor, x: Tensor] => {
  const w = rnd([n, n], 3, 0.2)
  return [(v) => sum(square(tanh(matmul(w, v)))).add(sum(square(square(v)))), rnd([n], 4)]
}

export const workloads: readonly Workload[] = [
  { name: 'matmul 256', ...mm(256) },
  { name: 'matmul 257', ...mm(257) },
  { name: 'matmul 511', ...mm(511), target: { gflops: 45 } },
  { name: 'matmul 512', ...mm(512), target: { gflops: 45 } },
  { name: 'matmul 1001', ...mm(1001) },
  { name: 'matmul 1024', ...mm(1024) },
  { name: 'matmul 128x784x512', ...mm(128, 784, 512) },
  {
    name: 'batched matmul 8x256',
    flops: 8 * 2 * 256 ** 3,
    make: () => {
      const [a, b] = [rnd([8, 256, 256], 1), rnd([8, 256, 256], 2)]
      return () => matmul(a, b)
    },
  },
  {
    name: 'vmapped matmul 8x256',
    flops: 8 * 2 * 256 ** 3,
    make: () => {
      const [a, b] = [rnd([8, 256, 256], 1), rnd([8, 256, 256], 2)]
      const f = vmap(matmul)
      return () => f(a, b)
    },
  },
  { name: 'exp 1e6', make: million(exp), target: { ratio: 2.5 } },
  { name: 'log 1e6', make: million((x) => log(abs(x))) },
  { name: 'sin 1e6', make: million(sin) },
  { name: 'tanh 1e6', make: million(tanh) },
  { name: 'add 1e6', make: million((x) => x.add(x)) },
  { name: 'sum 1024x1024', make: square1024((x) => sum(x)), target: { ratio: 3 } },
  { name: 'sum 1024x1024 dim 0', make: square1024((x) => sum(x, 0)) },
  { name: 'sum 1024x1024 dim 1', make: square1024((x) => sum(x, 1)) },
  { name: 'amax 1024x1024 dim 1', make: square1024((x) => amax(x, 1)) },
  { name: 'softmax 1024x1024', make: square1024((x) => softmax(x, -1)) },
  { name: 'transposed copy 1024x1024', make: square1024((x) => x.t().contiguous()) },
  { name: 'cumsum 1024x1024', make: square1024((x) => cumsum(x, 1)) },
  { name: 'sort 1024x1024', make: square1024((x) => sort(x, 1)) },
  {
    name: '[8] + [8]',
    make: () => {
      const [x, y] = [rnd([8], 1), rnd([8], 2)]
      return () => x.add(y)
    },
    target: { us: 3 },
  },
  { name: 'grad(sin)', make: tiny(grad(sin)), target: { ratio: 0.3 } },
  { name: 'vmap(sin)', make: tiny(vmap(sin), 8), target: { ratio: 0.3 } },
  { name: 'vmap(grad(sin))', make: tiny(vmap(grad(sin)), 8), target: { ratio: 0.3 } },
  { name: 'jvp(sin)', make: tiny((x) => jvp(sin, [x], [x]), 8), target: { ratio: 0.3 } },
  { name: 'jacrev(sin)', make: tiny(jacrev(sin), 8), target: { ratio: 0.3 } },
  { name: 'jacrev 256x256', make: layer(256, 256, jacrev) },
  { name: 'jacfwd 256x256', make: layer(256, 256, jacfwd) },
  { name: 'jacfwd 32→2048', make: layer(32, 2048, jacfwd) },
  { name: 'jacobian 32→2048, picked by auto', make: layer(32, 2048, auto) },
  { name: 'jacrev 2048→32', make: layer(2048, 32, jacrev) },
  { name: 'jacobian 2048→32, picked by auto', make: layer(2048, 32, auto) },
  {
    name: 'hessian 64',
    make: () => {
      const [f, x] = quartic(64)
      const h = hessian(f)
      return () => h(x)
    },
  },
  {
    name: 'hvp 2048',
    make: () => {
      const [f, x] = quartic(2048)
      return () => jvp(grad(f), [x], [x])
    },
  },
  {
    name: 'MLP 784-512-512-10 step, batch 128',
    make: () => {
      const ps = layers()
      const [x, y] = [rnd([128, 784], 9), labels(128)]
      const step = gradAndValue(mlpLoss)
      return () =>
        tidy(() => {
          const [g] = step(ps, x, y)
          return ps.map(([w, b], i) => [w.sub(g[i]![0].mul(0.01)), b.sub(g[i]![1].mul(0.01))])
        })
    },
  },
  {
    name: 'per-sample gradients, batch 64',
    make: () => {
      const ps = layers()
      const [x, y] = [rnd([64, 784], 9), labels(64)]
      const f = vmap(grad(mlpLoss), [null, 0, 0])
      return () => f(ps, x, y)
    },
  },
]
