import type { Tensor } from '@mapgrad/tensor'
import { permuteDims, reshapeTo } from '@mapgrad/tensor/plugin'
import { rangeFault, typeFault } from './errors.ts'
import { isDim, isDimList } from './brand.ts'
import type { DimList } from './list.ts'
import { type Owner, behind, bindAxes, layoutOf, owner, quietly } from './trace.ts'
import type { Dim, DimTensor } from './types.ts'

/** A Dim, or a positional axis. */
export type AxisSpec = Dim | number
/** What `order` takes: an axis each, or several that become one. */
export type OrderSpec = AxisSpec | DimList | readonly AxisSpec[]

/** Which axis of `layout` is meant; each is there once. */
function take(left: (Owner | number | null)[], rank: number, axis: unknown): number {
  if (isDim(axis)) {
    const at = left.indexOf(owner(axis))
    if (at < 0) throw rangeFault('order', `tensor does not contain dim ${axis.name} or it was specified twice`, 'DIM_MISSING')
    left[at] = null
    return at
  }
  if (typeof axis !== 'number' || !Number.isInteger(axis)) throw typeFault('order', 'expected a Dim or int', 'DIM_TYPE')
  const at = left.indexOf(axis < 0 ? axis + rank : axis)
  if (at < 0)
    throw rangeFault(
      'order',
      `tensor has ${rank} positional dimensions, but ${axis < 0 ? axis + rank : axis} specified, or it was specified twice`,
      'DIM_MISSING',
    )
  left[at] = null
  return at
}

/**
 * Dims of `x` as positional axes again: those given, in this order, in front of the positional ones that are left. An array of them becomes
 * one axis. Numbers are positional axes of `x`.
 * @throws TensorRangeError for a Dim that `x` does not have, or one given twice
 */
export function order(x: Tensor, ...dims: readonly OrderSpec[]): DimTensor {
  const { value, ndim } = x
  const layout = layoutOf(value)
  const left: (Owner | number | null)[] = [...layout]
  const groups = dims.flatMap((d) => {
    if (isDimList(d)) return [...d].map((one) => [take(left, ndim, one)])
    if (typeof d === 'number' || isDim(d)) return [[take(left, ndim, d)]]
    if (!Array.isArray(d)) throw typeFault('order', 'expected a Dim, Dim[] or a list of dims', 'DIM_TYPE')
    return [(d as readonly unknown[]).map((one) => take(left, ndim, one))]
  })
  const base = behind(x)
  const stays = left.flatMap((a, i) => (a !== null && typeof a !== 'number' ? [i] : []))
  const rest = left.flatMap((a, i) => (typeof a === 'number' ? [i] : []))
  const permutation = [...stays, ...groups.flat(), ...rest]
  return quietly(() => {
    let y = permutation.every((d, i) => d === i) ? base : permuteDims(base, permutation)
    if (groups.some((g) => g.length !== 1)) {
      const size = (i: number): number => base.shape[i]!
      y = reshapeTo(y, [...stays.map(size), ...groups.map((g) => g.reduce((n, i) => n * size(i), 1)), ...rest.map(size)])
    }
    return bindAxes(
      x.wrap(y.value),
      stays.map((i) => layout[i]!),
    )
  }) as DimTensor
}
