import { type DType, type Tensor } from '@mapgrad/tensor'
import type { Backend } from '@mapgrad/tensor/plugin'
import { HostTensor } from '../format/decode.ts'
import type { Spec } from '../samples/spec.ts'

/** A small generator of numbers in [0, 1): the same seed gives the same numbers everywhere. */
export function generator(seed: number): () => number {
  let s = seed >>> 0
  return () => {
    s = (s + 0x6d2b79f5) | 0
    let t = Math.imul(s ^ (s >>> 15), 1 | s)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A seed from a name. */
export function seedOf(name: string): number {
  let h = 2166136261
  for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 16777619)
  return h
}

const count = (shape: readonly number[]): number => shape.reduce((n, s) => n * s, 1)

function shuffled(n: number, next: () => number): number[] {
  const order = Array.from({ length: n }, (_, i) => i)
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1))
    ;[order[i], order[j]] = [order[j]!, order[i]!]
  }
  return order
}

/** Numbers for an operand. Floats lie on a jittered grid, so no two are close: differences never step over a tie. */
export function draw(spec: Spec, next: () => number): HostTensor {
  const n = count(spec.shape)
  const out = new Float64Array(n)
  const span = spec.high - spec.low
  if (spec.kind === 'float') {
    const order = shuffled(n, next)
    for (let i = 0; i < n; i++) out[i] = Math.fround(spec.low + (span * (order[i]! + 0.5 + (next() - 0.5) * 0.5)) / n)
  } else if (spec.distinct) {
    const rows = spec.shape.at(-1) ?? 1
    for (let r = 0; r < n; r += rows)
      shuffled(span, next)
        .slice(0, rows)
        .forEach((v, i) => (out[r + i] = spec.low + v))
  } else for (let i = 0; i < n; i++) out[i] = spec.low + Math.floor(next() * span)
  return new HostTensor(spec.fixed ?? (spec.kind === 'float' ? 'float64' : spec.kind === 'int' ? 'int32' : 'bool'), spec.shape, out)
}

/** A direction: independent numbers in [−1, 1] of a shape. */
export function direction(shape: readonly number[], next: () => number): HostTensor {
  return new HostTensor(
    'float64',
    shape,
    Float64Array.from({ length: count(shape) }, () => next() * 2 - 1),
  )
}

/** An operand on a backend. Floats are put in `dtype`, unless the spec fixes theirs. */
export const put = (spec: Spec, x: HostTensor, backend: Backend, dtype: DType): Tensor =>
  x.on(backend, spec.fixed ?? (spec.kind === 'float' ? dtype : (x.dtype as DType)))

/** Float operands that a derivative is taken of. */
export const isVariable = (spec: Spec): boolean => spec.kind === 'float' && spec.fixed === undefined
