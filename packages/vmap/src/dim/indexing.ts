import { type Indexing, Tensor, arange, ellipsis, indexPut, slice } from '@mapgrad/tensor'
import { type Rebase, cast, expandTo, follow, isTensor, numel, permuteDims, reshapeTo } from '@mapgrad/tensor/plugin'
import { isDim, isDimList } from './brand.ts'
import { DimensionBindError, rangeFault } from './errors.ts'
import type { DimList } from './list.ts'
import { order } from './order.ts'
import { type Owner, behind, bindAxes, dimsIn, layoutOf, owner, quietly } from './trace.ts'
import type { Dim, DimTensor } from './types.ts'

type Scalar = number | bigint | boolean
/** Several Dims in place of one axis. */
const isPack = (x: unknown): x is readonly Dim[] => Array.isArray(x) && x.length > 0 && x.every(isDim)
const isMask = (x: unknown): x is Tensor => isTensor(x) && !isDim(x) && (x.dtype === 'bool' || x.dtype === 'uint8')
/** How many axes an index takes up. */
const uses = (i: unknown): number => (i === null || typeof i === 'boolean' ? 0 : isMask(i) ? i.ndim : 1)

/** A handle without dims' own meaning of `at`. */
const plain = (x: Tensor): Tensor => new Tensor(x.value)

/** The indices with ellipses and lists of dims written out. */
function written(x: Tensor, index: readonly unknown[]): unknown[] {
  let open = -1
  let used = 0
  index.forEach((i, at) => {
    if (i === ellipsis || (isDimList(i) && !i.isBound)) {
      if (open >= 0)
        throw new DimensionBindError(
          `at most one ... or unbound dimension list can exist in indexing list but found 2 at offsets ${open} and ${at}`,
          'at',
        )
      open = at
    } else used += isDimList(i) ? i.length : uses(i)
  })
  const { ndim } = x
  if (used > ndim)
    throw rangeFault('at', `at least ${used} indices were supplied but the tensor only has ${ndim} dimensions`, 'TOO_MANY_INDICES')
  return index.flatMap((i) => {
    if (i === ellipsis) return Array.from({ length: ndim - used }, () => slice())
    if (!isDimList(i)) return [i]
    const list: DimList = i
    if (!list.isBound) list.bindLen(ndim - used)
    return [...list]
  })
}

/** Gives the dims of a pack the sizes that split an axis of `size`; one may be inferred. */
function bindPack(size: number, pack: readonly Dim[]): void {
  const open = pack.filter((d) => !d.isBound)
  if (open.length > 1)
    throw new DimensionBindError(`cannot infer the sizes of two dimensions at once ${open[0]!.name} and ${open[1]!.name}`, 'at')
  const known = pack.reduce((n, d) => (d.isBound ? n * d.length : n), 1)
  const [one] = open
  if (one) {
    if (known === 0 || size % known !== 0)
      throw new DimensionBindError(
        `inferred dimension does not evenly fit into larger dimension: ${size} vs (${pack.map((d) => (d.isBound ? d.length : "'?'")).join(', ')})`,
        'at',
      )
    one.length = size / known
  } else if (known !== size)
    throw new DimensionBindError(
      `Dimension sizes to do not match (${size} != ${known}) when matching dimension pack (${pack.map((d) => d.name).join(', ')})`,
      'at',
    )
}

const isWhole = (i: unknown): boolean =>
  typeof i === 'object' &&
  i !== null &&
  '~mapgrad.slice' in i &&
  'start' in i &&
  i.start === null &&
  'stop' in i &&
  i.stop === null &&
  'step' in i &&
  i.step === null

type Axes = readonly (Owner | number)[]

/** `v`, which has what dims `axes` names, with them as positional axes again. */
function unbound(v: Tensor, axes: Axes): Tensor {
  const layout = layoutOf(v.value)
  const stays = layout.flatMap((a, i) => (typeof a === 'number' || axes.includes(a) ? [] : [i]))
  let positional = 0
  const back = axes.map((a) => layout.indexOf(typeof a === 'number' ? positional++ : a))
  return bindAxes(
    v.wrap(permuteDims(behind(v), [...stays, ...back]).value),
    stays.map((i) => layout[i]!),
  )
}

/** A bound axis is a view: what is written into it reaches the tensor. */
const binding: Rebase = {
  view: ({ shape, strides, offset }, axes) => {
    const kept = (_: number, i: number): boolean => typeof (axes as Axes)[i] === 'number'
    return { shape: shape.filter(kept), strides: strides.filter(kept), offset }
  },
  again: (x, axes) => bindAxes(x, axes as Axes),
  put: (_, v, axes) => quietly(() => unbound(v, axes as Axes)),
}

/** `x` with its axes bound to dims, and what is left to index it by. */
interface Binding {
  readonly x: Tensor
  readonly rest: readonly unknown[]
}

function bind(x: Tensor, index: readonly unknown[]): Binding {
  const entries = written(x, index)
  // those of the other indices, too: `x.at(i.add(1), i)` is one loop over i
  const had = [x, ...entries.filter((i): i is Tensor => isTensor(i) && !isDim(i))].flatMap((t) => dimsIn(t.value))
  const sizes: number[] = []
  const axes: (Owner | number)[] = []
  const rest: unknown[] = []
  let next = 0
  // a dim that is there already is the loop's index
  const place = (d: Dim, size: number): void => {
    sizes.push(size)
    const again = entries.filter((i) => i === d).length > 1
    if (had.includes(owner(d)) || (again && d.isBound && d.length !== size)) {
      axes.push(axes.length)
      rest.push(plain(d))
    } else {
      owner(d).bound(size)
      had.push(owner(d))
      axes.push(owner(d))
    }
  }
  const whole = (): void => {
    axes.push(axes.length)
    sizes.push(x.shape[next++]!)
  }
  for (const i of entries) {
    if (isDim(i)) place(i, x.shape[next++]!)
    else if (isPack(i)) {
      bindPack(x.shape[next++]!, i)
      for (const d of i) place(d, d.length)
    } else {
      rest.push(isTensor(i) ? plain(i) : i)
      for (let n = uses(i); n > 0; n--) whole()
    }
  }
  while (next < x.ndim) whole()
  const split = sizes.length === x.ndim ? x : reshapeTo(x, sizes)
  const y = quietly(() => bindAxes(split, axes))
  return { x: follow(split, binding, axes, y), rest: rest.every(isWhole) ? [] : rest }
}

function at(x: Tensor, index: readonly unknown[]): DimTensor {
  const { x: y, rest } = bind(x, index)
  return (rest.length === 0 ? y : y.at(...(rest as []))) as DimTensor
}

/** `x` with the dims of `outer` in front of its positional axes; those that it does not have, of size 1. */
function inFront(x: Tensor, outer: readonly Owner[]): Tensor {
  const there = dimsIn(x.value)
  const y = order(x, ...(outer.filter((d) => there.includes(d)) as unknown as Dim[]))
  return reshapeTo(y, [...outer.map((d) => (there.includes(d) ? d.length : 1)), ...x.shape])
}

function put(x: Tensor, index: readonly unknown[], values: Tensor | Scalar, accumulate: boolean): Tensor {
  // where each element that the indices select lies, told by indexing positions in its place
  const positions = at(reshapeTo(arange(numel(x.shape)), x.shape), index)
  const around = dimsIn(x.value)
  const outer = dimsIn(positions.value).filter((d) => !around.includes(d))
  const places = quietly(() => inFront(positions, outer))
  let v = values
  if (isTensor(values)) {
    for (const d of dimsIn(values.value))
      if (!outer.includes(d) && !around.includes(d))
        throw new DimensionBindError(
          `rhs of setitem contains dimension ${d.name} which is not in the dimension on the left (${[...outer, ...around].map((o) => o.name).join(', ')})`,
          'set',
        )
    const whole = expandTo(cast(values, x.dtype), positions.shape)
    v = reshapeTo(expandTo(inFront(whole, outer), places.shape), [numel(places.shape)])
  }
  const y = indexPut(reshapeTo(x, [numel(x.shape)]), [plain(reshapeTo(places, [numel(places.shape)]))], v, accumulate)
  return reshapeTo(y, x.shape)
}

/** What indexing with dims means: each is bound to the axis where it stands. */
export const indexing: Indexing<DimTensor> = { at, put }
