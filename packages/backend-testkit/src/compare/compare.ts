import type { Tensor } from '@mapgrad/tensor'
import { isTensor } from '@mapgrad/tensor/plugin'
import type { HostTensor } from '../format/decode.ts'
import type { Tolerance } from './tolerance.ts'

/** What was computed on a device, and what it should be. */
export interface Comparison {
  readonly what: string
  readonly got: unknown
  readonly want: HostTensor | number | boolean | string
  /** the dtype that the output must have, as PyTorch names it; absent: not compared */
  readonly dtype?: string
  readonly tolerance: Tolerance
}

const integers = new Set(['uint8', 'int8', 'int16', 'int32', 'int64'])

/** int64 results may be int32 here: indices, counts and integer sums. Everything else must be the same. */
const sameDtype = (got: string, want: string): boolean => got === want || (want === 'int64' && got === 'int32')

/** What is wrong with an output, `null` if nothing is. */
export async function difference({ what, got, want, dtype, tolerance }: Comparison): Promise<string | null> {
  if (typeof want !== 'object') return scalarDifference(what, isTensor(got) ? await got.itemAsync() : got, want, tolerance)
  if (!isTensor(got)) return `${what}: expected a tensor of shape [${want.shape.join(', ')}], got ${String(got)}`
  if (dtype !== undefined && !sameDtype(got.dtype, dtype)) return `${what}: expected dtype ${dtype}, got ${got.dtype}`
  if (got.shape.length !== want.shape.length || got.shape.some((s, i) => s !== want.shape[i]))
    return `${what}: expected shape [${want.shape.join(', ')}], got [${got.shape.join(', ')}]`
  return numbersDifference(
    what,
    await numbersOf(got),
    want.numbers(),
    integers.has(got.dtype) || got.dtype === 'bool' ? null : tolerance,
    got.dtype === 'float32' ? Math.fround : (x) => x,
  )
}

/** The elements of a tensor as numbers, row-major. */
export async function numbersOf(x: Tensor): Promise<ArrayLike<number>> {
  const data = await x.data()
  return data instanceof BigInt64Array ? Float64Array.from(data, Number) : data
}

function scalarDifference(what: string, got: unknown, want: number | boolean | string, tolerance: Tolerance): string | null {
  if (typeof want === 'number' && (typeof got === 'number' || typeof got === 'bigint'))
    return numbersDifference(what, [Number(got)], [want], tolerance, (x) => x)
  return got === want ? null : `${what}: expected ${String(want)}, got ${String(got)}`
}

/** The worst element, if it lies outside the tolerance. NaN equals NaN; −0 equals 0. */
export function numbersDifference(
  what: string,
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  tolerance: Tolerance | null,
  round: (x: number) => number,
): string | null {
  if (got.length !== want.length) return `${what}: expected ${want.length} elements, got ${got.length}`
  let largest = 0
  for (let i = 0; i < want.length; i++) if (Number.isFinite(want[i]!)) largest = Math.max(largest, Math.abs(want[i]!))
  let worst = 0
  let at = -1
  let bad = 0
  for (let i = 0; i < want.length; i++) {
    const g = got[i]!
    const w = round(want[i]!)
    if (Object.is(g, w) || g === w || (Number.isNaN(g) && Number.isNaN(w))) continue
    const error = Math.abs(g - w)
    const allowed = tolerance ? tolerance.rtol * Math.abs(w) + tolerance.spread * largest + tolerance.atol : 0
    if (Number.isFinite(error) && error <= allowed) continue
    bad++
    const excess = Number.isFinite(error) ? error / (allowed || 1) : Infinity
    if (excess > worst || at < 0) {
      worst = excess
      at = i
    }
  }
  if (at < 0) return null
  const factor = tolerance && Number.isFinite(worst) ? `, ${worst.toPrecision(2)} times the tolerance` : ''
  return `${what}: ${bad} of ${want.length} differ, worst at ${at}: expected ${want[at]}, got ${got[at]}${factor}`
}
