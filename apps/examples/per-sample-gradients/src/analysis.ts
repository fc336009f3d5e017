import { type Tensor, abs, add, argmax, eq, grad, max, square, sqrt, stack, sub, sum, tensor, tidy } from '@mapgrad/func'
import { type Digits, pick } from './data.ts'
import { type Params, loss, model, perSampleGradients } from './model.ts'

const KEYS = ['w1', 'b1', 'w2', 'b2'] as const

export const inputsOf = ({ pixels, labels, size }: Digits): [x: Tensor, y: Tensor] => [
  tensor(pixels).reshape(labels.length, size),
  tensor(labels),
]

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

/** Calls `f` with the digits `step` at a time. */
function batches<R>(all: Digits, step: number, f: (part: Digits) => R): R[] {
  const out: R[] = []
  for (let at = 0; at < all.labels.length; at += step) out.push(f(pick(all, range(at, Math.min(at + step, all.labels.length)))))
  return out
}

/** The share of digits whose highest score is their label. */
export function accuracy(params: Params, digits: Digits): number {
  const right = batches(digits, 500, (part) =>
    tidy(() => {
      const [x, y] = inputsOf(part)
      return sum(eq(argmax(model(params, x), 1), y)).item() as number
    }),
  )
  return right.reduce((a, b) => a + b, 0) / digits.labels.length
}

export interface Comparison {
  readonly examples: number
  /** milliseconds, median of the runs */
  readonly vmapped: number
  readonly loop: number
  /** largest absolute difference between the two, over all entries of all gradients */
  readonly difference: number
}

const median = (xs: readonly number[]): number => xs.toSorted((a, b) => a - b)[xs.length >> 1]!

function time<R>(runs: number, f: () => R, done: (r: R) => void): number {
  const ms: number[] = []
  for (let i = 0; i <= runs; i++) {
    const start = performance.now()
    const r = f()
    if (i > 0) ms.push(performance.now() - start) // the first run warms up
    done(r)
  }
  return median(ms)
}

const dispose = (p: Params): void => KEYS.forEach((k) => p[k].dispose())

/** Per-sample gradients of a batch by `vmap(grad)`, against a loop of `grad` over its examples. */
export function compare(params: Params, digits: Digits): Comparison {
  const [x, y] = inputsOf(digits)
  const n = digits.labels.length
  const one = grad(loss)
  const loop = (): Params => {
    const each = range(0, n).map((i) => one(params, x.at(i), y.at(i)))
    const joined = Object.fromEntries(KEYS.map((k) => [k, stack(each.map((g) => g[k]))])) as Params
    each.forEach(dispose)
    return joined
  }
  const difference = tidy(() => {
    const a = perSampleGradients(params, x, y)
    const b = loop()
    return Math.max(...KEYS.map((k) => max(abs(sub(a[k], b[k]))).item() as number))
  })
  const vmapped = time(5, () => perSampleGradients(params, x, y), dispose)
  return { examples: n, vmapped, loop: time(2, loop, dispose), difference }
}

export interface Ranked {
  /** gradient norm of every digit */
  readonly norms: readonly number[]
  readonly predicted: readonly number[]
}

/** The Euclidean norm of each digit's gradient, and what the model takes it for. */
export function gradientNorms(params: Params, digits: Digits): Ranked {
  const parts = batches(digits, 128, (part) =>
    tidy(() => {
      const [x, y] = inputsOf(part)
      const g = perSampleGradients(params, x, y)
      const squares = KEYS.map((k) => sum(square(g[k]).flatten(1), 1)).reduce((a, b) => add(a, b))
      return { norms: sqrt(squares).tolist() as number[], predicted: argmax(model(params, x), 1).tolist() as number[] }
    }),
  )
  return { norms: parts.flatMap((p) => p.norms), predicted: parts.flatMap((p) => p.predicted) }
}
