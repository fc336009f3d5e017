import { type DType, type Tensor, add, cat, eq, lt, mul, sub, where } from '@mapgrad/tensor'
import { positions } from '@mapgrad/tensor/ops'
import { cast, filledLike, numel, reshapeTo, withTrace } from '@mapgrad/tensor/plugin'
import { fault } from '../faults.ts'
import { rewrite } from '../graph.ts'
import type { GraphNode } from '../node.ts'
import { GraphTrace } from '../trace.ts'
import { type Recording, isFill, sameConstant } from './compare.ts'

// Tensors of host numbers whose size changes, `arange(n)` and `eye(n)`, as ops that make them.

/** Makes the tensor of a constant by ops on its device; `null` for a constant that the recipe does not make. */
type Recipe = (node: GraphNode) => ((like: Tensor) => Tensor) | null

const dataOf = (node: GraphNode): ArrayLike<number | bigint> => node.value!.dataSync() as ArrayLike<number | bigint>

/** What JavaScript numbers become in a dtype. */
function storedAs(dtype: DType): (x: number) => number | bigint {
  if (dtype === 'int64') return (x) => BigInt(Math.trunc(x))
  if (dtype === 'float32') return Math.fround
  return (x) => x
}

/** The number that a float32 was rounded from, most likely. */
function spelled(x: number | bigint): number {
  if (typeof x === 'bigint' || Number.isInteger(x)) return Number(x)
  for (let digits = 1; digits < 9; digits++) if (Math.fround(Number(x.toPrecision(digits))) === x) return Number(x.toPrecision(digits))
  return x
}

const range = (like: Tensor, n: number): Tensor => positions(like, n)
/** 0, 1, … in a dtype that holds products with fractions as JavaScript's numbers do. */
const wide = (like: Tensor, n: number, dtype: DType): Tensor =>
  cast(range(like, n), dtype === 'int64' ? 'int64' : dtype.startsWith('int') ? 'int32' : 'float64')

/** The identity, or a part of it: `eye(n, m)`. */
const identity: Recipe = (node) => {
  const { shape, dtype } = node.aval
  const [n, m] = shape as [number, number]
  if (shape.length !== 2) return null
  const data = dataOf(node)
  for (let i = 0; i < n * m; i++) if (Number(data[i]) !== (i % (m + 1) === 0 && i < m * m ? 1 : 0)) return null
  return (like) => cast(eq(reshapeTo(range(like, n), [n, 1]), range(like, m)), dtype)
}

/** `arange(a, b, d)`, the same d at every size. */
const counting =
  (d: number, fromZero: boolean): Recipe =>
  (node) => {
    const { shape, dtype } = node.aval
    const n = shape[0]!
    if (shape.length !== 1) return null
    const data = dataOf(node)
    const stored = storedAs(dtype)
    const a = n === 0 ? 0 : spelled(data[0]!)
    // at all sizes or at none: the ops must be the same
    if (fromZero && a !== 0) return null
    for (let i = 0; i < n; i++) if (data[i] !== stored(a + i * d)) return null
    return (like) => {
      const scaled = d === 1 ? wide(like, n, dtype) : mul(wide(like, n, dtype), d)
      return cast(fromZero ? scaled : add(scaled, a), dtype)
    }
  }

/** `linspace(a, b, n)`. */
const spaced =
  (fromZero: boolean): Recipe =>
  (node) => {
    const { shape, dtype } = node.aval
    const n = shape[0]!
    if (shape.length !== 1 || n < 2) return null
    const data = dataOf(node)
    const stored = storedAs(dtype)
    const [a, b] = [spelled(data[0]!), spelled(data[n - 1]!)]
    if (fromZero && a !== 0) return null
    const step = (b - a) / (n - 1)
    for (let i = 0; i < n; i++) if (data[i] !== stored(i < n / 2 ? a + i * step : b - (n - 1 - i) * step)) return null
    return (like) => {
      const i = wide(like, n, 'float64')
      const rising = mul(i, step)
      return cast(where(lt(i, n / 2), fromZero ? rising : add(rising, a), sub(b, mul(sub(n - 1, i), step))), dtype)
    }
  }

const sizeText = (node: GraphNode): string => `[${node.aval.shape.join(', ')}]`
/** The error for host numbers that differ between sizes. */
export const otherData = (node: GraphNode, other: GraphNode): Error =>
  fault(
    'makeFx',
    `expected tensors that f makes of JavaScript numbers to be the same at all sizes, or of zeros, ones, full, or, outside of loops and branches, of arange, linspace or eye, got ${node.name} of shape ${sizeText(node)} at one size and ${sizeText(other)} at another. Make it with ops`,
    'SIZE_DEPENDENT',
  )

/** Integers that rise or fall evenly for a while: what padding and rolling copy from. */
interface Run {
  readonly from: number
  readonly step: number
  readonly length: number
}
function runsOf(data: ArrayLike<number | bigint>): Run[] {
  const runs: Run[] = []
  for (let i = 0; i < data.length;) {
    const step = i + 1 < data.length ? Number(data[i + 1]) - Number(data[i]) : 0
    let length = 1
    while (i + length < data.length && Number(data[i + length]) - Number(data[i + length - 1]) === step) length++
    // a jump is no run of two
    if (length === 2 && Math.abs(step) > 1) length = 1
    runs.push({ from: Number(data[i]), step: length === 1 ? 0 : step, length })
    i += length
  }
  return runs
}
const MOST_RUNS = 8

/** Runs of integers with these steps, joined. */
const joined =
  (steps: readonly number[]): Recipe =>
  (node) => {
    const { shape, dtype } = node.aval
    if (shape.length !== 1 || !dtype.startsWith('int') || steps.length > MOST_RUNS) return null
    const runs = runsOf(dataOf(node))
    if (runs.map((r) => r.step).join() !== steps.join()) return null
    return (like) =>
      cat(
        runs.map(({ from, step, length }) => add(mul(wide(like, length, dtype), step), from)),
        0,
      )
  }

/** For each constant that is not the same tensor at all sizes, by its place, how to make it. */
export function recipesFor(recordings: readonly Recording[]): Map<number, Recipe> {
  const recipes = new Map<number, Recipe>()
  recordings[0]!.graph.nodes.forEach((node, i) => {
    const nodes = recordings.map((r) => r.graph.nodes[i]!)
    if (node.kind !== 'constant' || node.value!.value.trace !== null) return
    if (nodes.every((n) => isFill(n)) || nodes.every((n) => sameConstant(node, n))) return
    const longest = nodes.reduce((a, b) => (numel(b.aval.shape) > numel(a.aval.shape) ? b : a))
    const data = dataOf(longest)
    const steps = data.length > 1 ? [Number(data[1]) - Number(data[0]), spelled(Math.fround(Number(data[1]) - Number(data[0])))] : []
    const known = [
      identity,
      ...steps.flatMap((d) => [counting(d, true), counting(d, false)]),
      spaced(true),
      spaced(false),
      joined(runsOf(data).map((r) => r.step)),
    ]
    const recipe = known.find((r) => nodes.every((n) => r(n) !== null))
    if (!recipe)
      throw otherData(
        node,
        nodes.find((n) => !sameConstant(node, n))!,
      )
    recipes.set(i, recipe)
  })
  return recipes
}
/** A recording with those constants made by ops; `null` if one of them is something else here. */
export function madeByOps(recording: Recording, recipes: ReadonlyMap<number, Recipe>): Recording | null {
  if (recipes.size === 0) return recording
  const makes = new Map<GraphNode, (like: Tensor) => Tensor>()
  for (const [i, recipe] of recipes) {
    const node = recording.graph.nodes[i]!
    const make = recipe(node)
    if (!make) return null
    makes.set(node, make)
  }
  const graph = rewrite(recording.graph, (node, _inputs, to, copy) => {
    const make = makes.get(node)
    if (!make) return node.kind === 'constant' ? to.addConstant(node.value!, node.name, { kept: false }) : copy()
    return withTrace(new GraphTrace(false, new Map(), true, to), (trace) => trace.node(make(filledLike(node.value!, 0, 'int32'))))
  })
  return { ...recording, graph }
}
