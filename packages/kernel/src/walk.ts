import { type Expr, argsOf } from './expr.ts'
import type { Loop, LoopCall, View } from './loop.ts'

/**
 * How a loop call is walked: the same points as the call's, over fewer axes. `sizes` and each row of `strides` have
 * `kept + reduced` entries, kept axes first; those of the output have `kept`. There is at least one kept axis and, with
 * a reduction, at least one reduced axis, of size 1 where the call had none. Offsets and coordinates are the call's.
 */
export interface Walk {
  kept: number
  reduced: number
  readonly sizes: number[]
  /** one row a view: the inputs in order, then the output */
  readonly strides: number[][]
  /** elements of the output */
  points: number
  /** elements reduced into each; 1 without a reduction */
  depth: number
  /** nothing to write. An empty reduction (depth 0) is not this: it writes the identity */
  empty: boolean
}

/** A walk to be filled by `prepare`. */
export const emptyWalk = (): Walk => ({ kept: 0, reduced: 0, sizes: [], strides: [], points: 0, depth: 1, empty: false })

interface Uses {
  /** the loop names an axis, so axes must stay as they are */
  readonly index: boolean
  /** the loop counts elements, so their order must stay */
  readonly position: boolean
}

const usesOf = new WeakMap<Loop, Uses>()

/** Whether a loop reads its index or position, in its body or in a computed coordinate. */
function uses(loop: Loop): Uses {
  let found = usesOf.get(loop)
  if (!found) {
    const seen = new Set<Expr>()
    const kinds = new Set<Expr['kind']>()
    const visit = (e: Expr): void => {
      if (seen.has(e)) return
      seen.add(e)
      kinds.add(e.kind)
      argsOf(e).forEach(visit)
    }
    visit(loop.body)
    for (const a of loop.inputs) for (const c of a.coordinates) visit(c.expr)
    usesOf.set(loop, (found = { index: kinds.has('index'), position: kinds.has('position') }))
  }
  return found
}

/**
 * Prepares a call for execution: drops axes of size 1, merges neighbours that every view walks as one axis, and puts
 * the axis with most unit strides innermost where the order of elements is free. Fills and gives `walk`, which is
 * reused from call to call: this is on the path of every eager op, hence no closures and no allocation.
 */
export function prepare<S>(call: LoopCall<S>, walk: Walk): Walk {
  const { sizes, reducedAxes, inputs } = call
  const rank = sizes.length
  const kept = rank - reducedAxes
  const views = inputs.length
  const { strides } = walk
  while (strides.length <= views) strides.push([])
  strides.length = views + 1

  const free = uses(call.loop)
  walk.kept = free.index ? copy(call, walk, kept) : merge(call, walk, 0, kept, 0)
  walk.reduced = reducedAxes || call.loop.reduce ? merge(call, walk, kept, rank, walk.kept) : 0
  const axes = walk.kept + walk.reduced
  walk.sizes.length = axes
  for (let v = 0; v < views; v++) strides[v]!.length = axes
  strides[views]!.length = walk.kept
  if (walk.kept > 1 && !free.index && !free.position) reorder(walk, views)

  let points = 1
  for (let i = 0; i < walk.kept; i++) points *= walk.sizes[i]!
  let depth = 1
  for (let i = walk.kept; i < walk.kept + walk.reduced; i++) depth *= walk.sizes[i]!
  walk.points = points
  walk.depth = depth
  walk.empty = points === 0
  return walk
}

/** Kept axes as they are; gives how many. */
function copy<S>({ sizes, inputs, out }: LoopCall<S>, walk: Walk, kept: number): number {
  for (let v = 0; v <= inputs.length; v++) {
    const from = v < inputs.length ? inputs[v]!.strides : out.strides
    for (let i = 0; i < kept; i++) walk.strides[v]![i] = from[i]!
  }
  for (let i = 0; i < kept; i++) walk.sizes[i] = sizes[i]!
  if (kept > 0) return kept
  for (let v = 0; v <= inputs.length; v++) walk.strides[v]![0] = 0
  walk.sizes[0] = 1
  return 1
}

/** Merges the call's axes [from, to) into the walk's axes from `at` on; gives how many those are, at least one. */
function merge<S>({ sizes, inputs, out }: LoopCall<S>, walk: Walk, from: number, to: number, at: number): number {
  const views = inputs.length
  const { strides } = walk
  // the reduced axes do not move the output
  const all = from === 0 ? views + 1 : views
  let last = at - 1
  for (let axis = from; axis < to; axis++) {
    const size = sizes[axis]!
    if (size === 1) continue
    let joins = last >= at
    for (let v = 0; joins && v < all; v++) {
      const s = v < views ? inputs[v]!.strides[axis]! : out.strides[axis]!
      joins = strides[v]![last] === s * size
    }
    if (joins) walk.sizes[last]! *= size
    else walk.sizes[++last] = size
    for (let v = 0; v < all; v++) strides[v]![last] = v < views ? inputs[v]!.strides[axis]! : out.strides[axis]!
  }
  if (last >= at) return last - at + 1
  walk.sizes[at] = 1
  for (let v = 0; v < all; v++) strides[v]![at] = 0
  return 1
}

/** Moves the kept axis with most strides 0 or 1 innermost; on a tie the later axis stays. Merges again if it moved. */
function reorder(walk: Walk, views: number): void {
  const { kept, strides, sizes } = walk
  let best = kept - 1
  let most = -1
  for (let i = kept - 1; i >= 0; i--) {
    let count = 0
    for (let v = 0; v <= views; v++) {
      const s = strides[v]![i]!
      if (s === 1 || (s === 0 && v < views)) count++
    }
    if (count > most) {
      most = count
      best = i
    }
  }
  const last = kept - 1
  if (best === last) return
  move(sizes, best, last)
  for (let v = 0; v <= views; v++) move(strides[v]!, best, last)
  // where the axis was, its neighbours may now be one; and it with the one before it
  for (let i = last; i > 0; i--) {
    let joins = true
    for (let v = 0; joins && v <= views; v++) joins = strides[v]![i - 1] === strides[v]![i]! * sizes[i]!
    if (!joins) continue
    sizes[i]! *= sizes[i - 1]!
    sizes.splice(i - 1, 1)
    for (let v = 0; v <= views; v++) strides[v]!.splice(i - 1, 1)
    walk.kept--
  }
}

/** Moves one entry to a later place. */
function move(a: number[], from: number, to: number): void {
  const x = a[from]!
  for (let i = from; i < to; i++) a[i] = a[i + 1]!
  a[to] = x
}

/** The call that a walk describes: equal in every element it writes. For an interpreter, and to test `prepare`. */
export function walked<S>(call: LoopCall<S>, walk: Walk): LoopCall<S> {
  const along = (view: View<S>, row: number): View<S> => ({ ...view, strides: [...walk.strides[row]!] })
  return {
    ...call,
    sizes: [...walk.sizes],
    reducedAxes: walk.reduced,
    inputs: call.inputs.map(along),
    out: along(call.out, call.inputs.length),
  }
}
