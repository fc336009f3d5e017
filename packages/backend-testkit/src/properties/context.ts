import type { DType, Tensor } from '@mapgrad/tensor'
import { type Backend, isTensor } from '@mapgrad/tensor/plugin'
import { numbersDifference, numbersOf } from '../compare/compare.ts'
import type { Tolerance } from '../compare/tolerance.ts'
import { HostTensor } from '../format/decode.ts'
import { onDevice } from '../run/device.ts'
import { type OpSample, SIZE, type Spec } from '../samples/spec.ts'
import { draw, generator, isVariable, put, seedOf } from './values.ts'

/** What a property is checked on: one sample, its operands drawn, on one backend. */
export interface Context {
  readonly backend: Backend
  /** a backend whose results are trusted, where one was given */
  readonly reference: Backend | undefined
  readonly sample: OpSample
  /** the most exact float dtype of the backend */
  readonly dtype: DType
  readonly specs: readonly Spec[]
  readonly host: readonly HostTensor[]
  readonly next: () => number
}

export function contextOf(sample: OpSample, backend: Backend, reference: Backend | undefined, size: number = SIZE): Context {
  const next = generator(seedOf(nameOf(sample)) + size)
  const specs = sample.xs(size)
  return {
    backend,
    reference,
    sample,
    dtype: backend.dtypes.includes('float64') ? 'float64' : 'float32',
    specs,
    host: specs.map((s) => draw(s, next)),
    next,
  }
}

export const nameOf = ({ op, note }: OpSample): string => (note === undefined ? op : `${op} (${note})`)

/** A property does not hold. */
export class PropertyError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'PropertyError'
  }
}

export const operands = (c: Context, backend: Backend = c.backend, dtype: DType = c.dtype): Tensor[] =>
  c.host.map((x, i) => put(c.specs[i]!, x, backend, dtype))

/** The outputs of the sample's function, as a list. */
export const outputs = (sample: OpSample, xs: readonly Tensor[]): Tensor[] => {
  const out = sample.f(...xs)
  return isTensor(out) ? [out] : [...out]
}

/** Positions of the operands that a derivative is taken of. */
export const variables = (c: Context): number[] => c.specs.flatMap((s, i) => (isVariable(s) ? [i] : []))

/** The float outputs as a function of the variables, the other operands held. */
export function ofVariables(c: Context, held: readonly Tensor[], at: readonly number[] = variables(c)): (...xs: Tensor[]) => Tensor[] {
  return (...xs) => {
    const all = [...held]
    at.forEach((k, i) => (all[k] = xs[i]!))
    return outputs(c.sample, all).filter((y) => y.dtype.includes('float'))
  }
}

export const onBackend = <R>(c: Context, f: () => R): R => onDevice(c.backend, f)

export async function toHost(x: Tensor): Promise<HostTensor> {
  return new HostTensor(x.dtype, x.shape, Float64Array.from(await numbersOf(x)))
}

/** Refuses arrays that differ in shape or by more than the tolerance. */
export function same(what: string, got: HostTensor, want: HostTensor, tolerance: Tolerance): void {
  if (got.shape.join() !== want.shape.join())
    throw new PropertyError(`${what}: expected shape [${want.shape.join(', ')}], got [${got.shape.join(', ')}]`)
  const wrong = numbersDifference(what, got.numbers(), want.numbers(), tolerance, (x) => x)
  if (wrong !== null) throw new PropertyError(wrong)
}

export const epsilonOf = (dtype: string): number =>
  ({ float64: 2 ** -52, float32: 2 ** -23, float16: 2 ** -10, bfloat16: 2 ** -7 })[dtype] ?? 0
/** A tolerance of so many epsilons of a dtype, of the largest number. */
export const within = (dtype: string, epsilons: number): Tolerance => ({
  rtol: 0,
  spread: epsilonOf(dtype) * epsilons,
  atol: epsilonOf(dtype) * epsilons,
})
