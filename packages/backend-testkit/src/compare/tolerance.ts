import type { DType } from '@mapgrad/tensor'

/** The columns of a report: the operator itself, its derivatives, and both over a batch. */
export type Column = 'forward' | 'vjp' | 'jvp' | 'vjpvjp' | 'vmap' | 'vmapvjp'
/** The six things that are compared of each sample. */
export const columns: readonly Column[] = ['forward', 'vjp', 'jvp', 'vjpvjp', 'vmap', 'vmapvjp']

/** How far a number may lie from the expected one: `rtol·|want| + spread·max|want| + atol`. */
export interface Tolerance {
  readonly rtol: number
  /** relative to the largest number of the output, where terms of that size cancel */
  readonly spread: number
  readonly atol: number
}

const epsilon: Readonly<Record<string, number>> = { float64: 2 ** -52, float32: 2 ** -23, float16: 2 ** -10, bfloat16: 2 ** -7 }

/** Multiples of the dtype's epsilon. */
interface Bound {
  readonly rtol?: number
  readonly spread?: number
  readonly atol?: number
}

const base: Readonly<Record<Column, Required<Bound>>> = {
  forward: { rtol: 16, spread: 4, atol: 2 },
  vjp: { rtol: 64, spread: 16, atol: 8 },
  jvp: { rtol: 64, spread: 16, atol: 8 },
  vjpvjp: { rtol: 128, spread: 64, atol: 16 },
  vmap: { rtol: 32, spread: 8, atol: 4 },
  vmapvjp: { rtol: 64, spread: 16, atol: 8 },
}

/** Derivatives of the gamma function's logarithm: PyTorch's trigamma ends its series early. */
const trigamma = { reference: 1e-9, reason: "PyTorch's trigamma is 5e-10 off in float64" }

/** Operators that need more, with the reason; `reference` is how far PyTorch's own float64 numbers are off, relative to the largest. */
const table: Readonly<Record<string, Bound & { readonly reason: string; readonly reference?: number }>> = {
  logcumsumexp: {
    spread: 256,
    reference: 2e-6,
    reason:
      'derivatives are exponentials of differences of numbers near 100; PyTorch in float32 is 1.5e-3 off, its tangents in float64 1e-6',
  },
  'nn.functional.binary_cross_entropy': { reference: 1e-10, reason: 'PyTorch adds 1e-12 to the denominator of the gradient' },
  digamma: trigamma,
  lgamma: trigamma,
  'mvlgamma.mvlgamma_p_1': trigamma,
  'mvlgamma.mvlgamma_p_3': trigamma,
  'mvlgamma.mvlgamma_p_5': trigamma,
  'polygamma.polygamma_n_0': trigamma,
  'polygamma.polygamma_n_1': trigamma,
  'polygamma.polygamma_n_2': trigamma,
  'polygamma.polygamma_n_3': trigamma,
  'polygamma.polygamma_n_4': trigamma,
  'nn.functional.hardsigmoid': { reference: 1e-7, reason: 'PyTorch has 1/6 in float32' },
}

/** The tolerance of an operator's column in a dtype, for inputs of `terms` elements. */
export function toleranceOf(op: string, column: Column, dtype: DType | string, terms: number): Tolerance {
  const eps = epsilon[dtype] ?? 0
  const b = base[column]
  const own = table[op]
  // pairwise sums lose about log₂(n) roundings of the largest partial sum
  const growth = 1 + Math.log2(Math.max(1, terms)) / 8
  return {
    rtol: eps * (b.rtol + (own?.rtol ?? 0)),
    spread: eps * (b.spread + (own?.spread ?? 0)) * growth + (own?.reference ?? 0),
    atol: eps * (b.atol + (own?.atol ?? 0)) + (own?.reference ?? 0),
  }
}
