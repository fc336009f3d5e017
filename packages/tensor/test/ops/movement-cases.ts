import { cpu } from '@mapgrad/backend-cpu'
import * as api from '@mapgrad/tensor'
import { type DType, type Tensor, ellipsis, setDefaultDevice, slice, tensor } from '@mapgrad/tensor'
import { isTensor } from '@mapgrad/tensor/plugin'
import { expect } from 'vitest'
import file from './movement.json' with { type: 'json' }

setDefaultDevice(cpu)

/** A tensor as movement.py writes it. */
export interface Encoded {
  readonly shape: readonly number[]
  readonly dtype: string
  readonly data: readonly (number | boolean | string)[]
}
export interface Case {
  readonly f: string
  readonly args: readonly unknown[]
  readonly options?: Readonly<Record<string, unknown>>
  readonly out: Encoded | readonly Encoded[]
  readonly diff: boolean
  readonly vmap: boolean
}
export const cases = file.cases as unknown as readonly Case[]
export const errors = file.errors as unknown as readonly {
  f: string
  args: readonly unknown[]
  options?: Record<string, unknown>
  text: string
}[]

/** How the elements of an operand lie in memory. */
export type Layout = 'plain' | 'reversed' | 'gaps'

const isEncoded = (x: unknown): x is Encoded => typeof x === 'object' && x !== null && 'dtype' in x
const number = (v: number | boolean | string): number =>
  v === 'inf' ? Infinity : v === '-inf' ? -Infinity : v === 'nan' ? Number.NaN : Number(v)

/** The tensor that an encoding means. */
export function decode({ shape, dtype, data }: Encoded, layout: Layout = 'plain'): Tensor {
  const make = (values: number[], size: readonly number[]): Tensor => tensor(values, { dtype: dtype as DType }).reshape(size)
  const x = make(data.map(number), shape)
  if (layout === 'plain' || shape.length === 0) return x
  const axes = shape.map((_, i) => shape.length - 1 - i)
  if (layout === 'reversed') return make(Array.from(x.permute(axes).dataSync(), Number), [...shape].reverse()).permute(axes)
  const wide = data
    .map(number)
    .reverse()
    .flatMap((v) => [7, v])
  return make(wide, [...shape.slice(0, -1), shape.at(-1)! * 2])
    .at(ellipsis, slice(1, null, 2))
    .flip(axes)
}

type Nested = unknown

/** The arguments with every tensor replaced by what `f` gives for its encoding, in order. */
export function build(args: readonly unknown[], f: (x: Encoded) => unknown): Nested[] {
  const go = (a: unknown): unknown => {
    if (isEncoded(a)) return f(a)
    if (Array.isArray(a)) return a.map(go)
    if (a === '...') return ellipsis
    if (typeof a === 'object' && a !== null && 'slice' in a) return slice(...(a.slice as [number, number, number]))
    return a
  }
  return args.map(go)
}

/** The encoded tensors among the arguments, in order. */
export function operands(args: readonly unknown[]): Encoded[] {
  const out: Encoded[] = []
  build(args, (x) => out.push(x))
  return out
}

/** Calls the function of a case. */
export function call(f: string, args: readonly unknown[], options?: Readonly<Record<string, unknown>>): Tensor | readonly Tensor[] {
  const g = (api as unknown as Record<string, (...args: unknown[]) => Tensor | readonly Tensor[]>)[f]!
  return options ? g(...args, options) : g(...args)
}

export const listOf = (y: Tensor | readonly Tensor[]): readonly Tensor[] => (isTensor(y) ? [y] : y)
export const numbers = (x: Tensor): number[] => Array.from(x.dataSync() as Float64Array, Number)

/** Shape and elements agree, to rounding; NaN and infinities exactly. */
export function expectSame(x: Tensor, shape: readonly number[], want: readonly number[], what = '', tolerance = 1e-12): void {
  expect(x.shape, `shape ${what}`).toEqual([...shape])
  numbers(x).forEach((v, i) => {
    const w = want[i]!
    if (!Number.isFinite(w)) expect(v, `element ${i} ${what}`).toBe(w)
    else expect(Math.abs(v - w), `element ${i} ${what}: ${v} for ${w}`).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(w)))
  })
}

/** A short name of a case. */
export const title = (c: { readonly f: string; readonly args: readonly unknown[]; readonly options?: unknown }): string =>
  `${c.f}(${c.args
    .map(function text(a: unknown): string {
      return isEncoded(a) ? `${a.dtype}[${a.shape}]` : Array.isArray(a) ? `[${a.map(text).join(', ')}]` : JSON.stringify(a)
    })
    .join(', ')})${c.options ? JSON.stringify(c.options) : ''}`.slice(0, 120)

let state = 1
/** Uniform numbers in (−1, 1), the same in every run. */
export const uniform = (): number => {
  state = (state * 16807) % 2147483647
  return (state / 2147483647) * 2 - 1
}
/** A float64 tensor of random numbers. */
export const random = (shape: readonly number[]): Tensor =>
  tensor(Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, uniform)).reshape(shape)
export const dot = (x: Tensor, y: Tensor): number => {
  const b = numbers(y)
  return numbers(x).reduce((s, v, i) => s + v * b[i]!, 0)
}
