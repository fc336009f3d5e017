import { type Aval, isOptions, sameShape, show } from '@mapgrad/tensor/plugin'
import { fault, rangeFault } from '../faults.ts'
import type { GraphAval, GraphNode } from '../node.ts'
import { isSubgraph } from '../subgraph.ts'
import { type Dim, Size, dimsText } from './size.ts'

/** What is known of the sizes for which a graph was made, beside the expressions in it. */
export interface SizeBounds {
  /** for each symbol the smallest size at which the function was seen to be this graph, `null` for numbers where none was too small */
  readonly least: readonly (number | null)[]
  /** and the largest, `null` where none was too large */
  readonly most: readonly (number | null)[]
  /** pairs of symbols whose sizes must differ: where they are equal the function is another one */
  readonly apart: readonly (readonly [number, number])[]
}

/** An argument that is a whole number, and a symbol of the graph as sizes are. */
export interface NumberInput {
  /** which symbol it is: `s2` */
  readonly symbol: number
  /** where it comes in, as inputs are named */
  readonly name: string
  /** what it was while the function was traced */
  readonly traced: number
}

/** What has symbols: inputs, and numbers beside them. */
export interface Symbols {
  readonly placeholders: readonly GraphNode[]
  readonly numbers: readonly NumberInput[]
}
interface Sized extends Symbols {
  readonly bounds: SizeBounds | null
}

/** The sizes of a tensor of a graph: numbers, and expressions where it has them. */
export const dimsOf = ({ dims, shape }: GraphAval): readonly Dim[] => dims ?? shape

/** Everything in `x` with its expressions as numbers: arrays and plain objects are looked into; `other` says what becomes of the rest. */
export function atSizes<T>(x: T, values: readonly number[], other: (x: unknown, values: readonly number[]) => unknown = (y) => y): T {
  if (x instanceof Size) return x.at(values) as T
  if (Array.isArray(x)) return x.map((v: unknown) => atSizes(v, values, other)) as T
  if (isOptions(x)) return Object.fromEntries(Object.entries(x).map(([k, v]) => [k, atSizes(v, values, other)])) as T
  return other(x, values) as T
}
/** The shape that an aval stands for. */
export const shapeAt = ({ dims, shape }: GraphAval, values: readonly number[] | null): readonly number[] =>
  dims && values ? dims.map((d) => (typeof d === 'number' ? d : Number(d.at(values)))) : shape
/** Whether there is an expression in `x`. */
export function hasSizes(x: unknown): boolean {
  if (x instanceof Size) return true
  if (Array.isArray(x)) return x.some(hasSizes)
  if (isSubgraph(x)) return x.graph.nodes.some(isSized)
  return isOptions(x) && Object.values(x).some(hasSizes)
}
/** Whether a node is another one at other sizes. */
export function isSized(node: GraphNode): boolean {
  return node.fill !== null || node.avals.some((a) => a.dims) || hasSizes(node.params)
}

/** Where a graph's inputs have the size of each symbol. */
export function symbolsOf(placeholders: readonly GraphNode[]): Map<number, { readonly node: GraphNode; readonly dim: number }> {
  const found = new Map<number, { readonly node: GraphNode; readonly dim: number }>()
  for (const node of placeholders)
    node.aval.dims?.forEach((d, dim) => {
      if (d instanceof Size && d.op === null && !found.has(d.index)) found.set(d.index, { node, dim })
    })
  return found
}
/** Where a symbol comes in, for messages. */
export function placeOf({ placeholders, numbers }: Symbols, index: number): string {
  const at = symbolsOf(placeholders).get(index)
  return at ? `${at.node.name}.shape[${at.dim}]` : (numbers.find((n) => n.symbol === index)?.name ?? `s${index}`)
}

/** The value of each symbol where the inputs and the numbers beside them are these; `null` for a graph without symbols. */
export function valuesOf({ placeholders, numbers }: Symbols, inputs: readonly Aval[], given: readonly number[]): number[] | null {
  const symbols = symbolsOf(placeholders)
  if (symbols.size + numbers.length === 0) return null
  const values: number[] = []
  numbers.forEach(({ symbol }, i) => (values[symbol] = given[i]!))
  for (const [index, { node, dim }] of symbols) values[index] = inputs[placeholders.indexOf(node)]!.shape[dim]!
  return values
}
/** The sizes that a graph was traced with. */
export const tracedSizes = ({ placeholders, numbers }: Symbols): number[] | null =>
  valuesOf(
    { placeholders, numbers },
    placeholders.map((p) => p.aval),
    numbers.map((n) => n.traced),
  )

const PRIMES = [1009, 2003, 3001, 4001, 5003, 6007, 7001, 8009]
/** A size for each symbol that is equal to no other by chance, and a multiple of what sizes are divided by. */
export const GENERIC: readonly number[] = /* @__PURE__ */ Array.from(
  { length: 64 },
  (_, i) => PRIMES[i % 8]! * (Math.floor(i / 8) + 1) * 10080,
)

/** The value of each symbol for these inputs, checked against what the graph is for. */
export function bindSizes({ placeholders, numbers, bounds }: Sized, inputs: readonly Aval[], given: readonly number[]): number[] | null {
  if (given.length !== numbers.length || !given.every((n) => Number.isSafeInteger(n)))
    throw fault(
      'Graph.run',
      `expected ${numbers.length} whole numbers (${numbers.map((n) => n.name).join(', ')}) behind the tensors, got [${given.join(', ')}]`,
      'INPUT_COUNT',
    )
  const values = valuesOf({ placeholders, numbers }, inputs, given)
  placeholders.forEach(({ name, aval }, i) => {
    const { dtype, shape } = inputs[i]!
    const ranked = dtype === aval.dtype && shape.length === aval.shape.length
    if (!ranked || !(aval.dims ?? aval.shape).every((d, k) => d instanceof Size || d === shape[k]))
      throw rangeFault(
        'Graph.run',
        `expected ${name} to be ${aval.dtype}${aval.dims ? dimsText(aval.dims) : show(aval.shape)} as it was traced, got ${dtype}${show(shape)}. Trace the function again for other shapes and dtypes`,
        'INPUT_MISMATCH',
      )
  })
  if (values) checkValues({ placeholders, numbers, bounds }, inputs, values)
  return values
}

function checkValues({ placeholders, numbers, bounds }: Sized, inputs: readonly Aval[], values: readonly number[]): void {
  const where = (index: number): string => placeOf({ placeholders, numbers }, index)
  placeholders.forEach(({ name, aval }, i) => {
    if (!aval.dims || sameShape(shapeAt(aval, values), inputs[i]!.shape)) return
    const k = aval.dims.findIndex((d, axis) => Number(d instanceof Size ? d.at(values) : d) !== inputs[i]!.shape[axis])
    const size = aval.dims[k] as Size
    throw rangeFault(
      'Graph.run',
      `expected ${name}.shape[${k}] to be ${Number(size.at(values))}, as ${size.op === null ? where(size.index) : String(size)} is, got ${inputs[i]!.shape[k]}. Sizes that were equal when the function was traced are one symbol (${String(size)}): trace it with different ones`,
      'SIZE_MISMATCH',
    )
  })
  const beyond = (index: number, limit: string, which: string): never => {
    throw rangeFault(
      'Graph.run',
      `expected ${where(index)} (s${index}) to be at ${limit}, got ${values[index]}: at ${which} sizes the function was not seen to be this program. Trace it at that size`,
      'SIZE_MISMATCH',
    )
  }
  for (const [index, value] of values.entries()) {
    const [least, most] = [bounds?.least[index] ?? -Infinity, bounds?.most[index] ?? Infinity]
    if (value < least) beyond(index, `least ${least}`, 'smaller')
    if (value > most) beyond(index, `most ${most}`, 'larger')
  }
  for (const [a, b] of bounds?.apart ?? [])
    if (values[a] === values[b])
      throw rangeFault(
        'Graph.run',
        `expected ${where(a)} (s${a}) and ${where(b)} (s${b}) to differ, got ${values[a]} for both: the function is another program where they are equal. Trace it with equal sizes`,
        'SIZE_MISMATCH',
      )
}

/** Checks the number of inputs. */
export function checkCount(placeholders: readonly GraphNode[], inputs: readonly unknown[]): void {
  if (inputs.length !== placeholders.length)
    throw fault(
      'Graph.run',
      `expected ${placeholders.length} tensors (${placeholders.map((p) => p.name).join(', ')}), got ${inputs.length}`,
      'INPUT_COUNT',
    )
}
