import { type Tensor, Tensor as TensorClass, slice } from '@mapgrad/tensor'
import { describe, permuteDims, reshapeTo } from '@mapgrad/tensor/plugin'
import { isDim, isDimList } from './brand.ts'
import { DimensionBindError, typeFault } from './errors.ts'
import type { AxisSpec } from './order.ts'
import { type Owner, behind, bindAxes, dimsIn, layoutOf, owner, quietly, repeated } from './trace.ts'
import type { Dim, DimTensor } from './types.ts'

/** What `index` is told to index: an axis, or several as one. */
export type IndexSpec = AxisSpec | readonly AxisSpec[]

/** The axis of `layout` that is meant. */
function find(layout: readonly (Owner | number)[], rank: number, axis: unknown): number {
  if (!isDim(axis) && !(typeof axis === 'number' && Number.isInteger(axis)))
    throw typeFault('index', `expected a dimension specifier but found ${describe(axis)}`, 'DIM_TYPE')
  const at = layout.indexOf(isDim(axis) ? owner(axis) : axis < 0 ? axis + rank : axis)
  if (at < 0)
    throw typeFault(
      'index',
      isDim(axis) ? `dimension ${axis.name} not in tensor` : `dimension ${axis} not in tensor of ${rank} dimensions`,
      'DIM_MISSING',
    )
  return at
}

/**
 * `x` indexed along the axes given: `dims` are Dims that it has, or positional axes; `indices` what `x.at` takes, one each. An
 * array in place of one dim makes one axis of several, one in place of an index splits.
 * @throws TensorTypeError for a dim that `x` does not have
 */
export function index(x: Tensor, dims: IndexSpec | readonly IndexSpec[], indices: unknown): DimTensor {
  const pairs = Array.isArray(dims) && Array.isArray(indices)
  if (pairs && dims.length !== indices.length)
    throw typeFault('index', `dims (${dims.length}) and indices (${indices.length}) must have the same length`, 'ARGUMENT')
  const specs: readonly unknown[] = pairs ? dims : [dims]
  const given: readonly unknown[] = pairs ? indices : [indices]
  const layout = layoutOf(x.value)
  // the axes that are indexed, each with those that are joined to it
  const joined = new Map<number, readonly number[]>()
  const by = new Map<number, unknown>()
  const seen = new Set<number>()
  specs.forEach((spec, k) => {
    const axes = (Array.isArray(spec) ? (spec as readonly unknown[]) : isDimList(spec) ? [...spec] : [spec]).map((a) =>
      find(layout, x.ndim, a),
    )
    const [first] = axes
    if (first === undefined) throw typeFault('index', 'expected a dimension specifier but found an empty list', 'DIM_TYPE')
    for (const a of axes) {
      const d = layout[a]!
      if (seen.has(a)) throw typeFault('index', `dimension ${typeof d === 'number' ? d : d.name} was specified twice`, 'DIM_TWICE')
      seen.add(a)
    }
    joined.set(first, axes)
    by.set(first, given[k])
  })
  const gone = new Set([...joined.values()].flatMap((axes) => axes.slice(1)))
  const kept = layout.flatMap((_, a) => (gone.has(a) ? [] : [a]))
  const base = behind(x)
  const y = quietly(() => {
    const order = kept.flatMap((a) => joined.get(a) ?? [a])
    const moved = order.every((a, i) => a === i) ? base : permuteDims(base, order)
    const shape = kept.map((a) => (joined.get(a) ?? [a]).reduce((n, i) => n * base.shape[i]!, 1))
    return bindAxes(
      x.wrap((shape.length === layout.length ? moved : reshapeTo(moved, shape)).value),
      kept.map((a) => (joined.has(a) ? 0 : layout[a]!)),
    )
  })
  const positional = kept.filter((a) => joined.has(a) || typeof layout[a] === 'number')
  return y.at(...positional.map((a) => (by.has(a) ? by.get(a) : slice()) as number)) as DimTensor
}

/** `x` repeated along dims that it does not have; with sizes in their place, what `expand` of every tensor does. */
export function expand(x: Tensor, ...args: readonly unknown[]): Tensor {
  if (args.length === 0 || !args.every(isDim)) return TensorClass.prototype.expand.apply(x, args as never)
  const dims = args as readonly Dim[]
  const there: unknown[] = dimsIn(x.value)
  for (const d of dims) {
    if (there.includes(d)) throw new DimensionBindError(`expanding dimension ${d.name} already exists in tensor with dims`, 'expand')
    there.push(d)
  }
  return quietly(() => dims.reduceRight<Tensor>((y, d) => repeated(y, owner(d)), x))
}
