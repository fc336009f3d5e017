import { isOptions } from '@mapgrad/tensor/plugin'
import { fault } from '../faults.ts'
import { type Graph, copyNode, rewrite } from '../graph.ts'
import { fillOf } from '../literal.ts'
import type { GraphAval, GraphNode } from '../node.ts'
import type { Structure } from '../structure.ts'
import { atSizes, dimsOf, shapeAt } from './bind.ts'
import type { Recording } from './compare.ts'
import { type Samples, fit } from './fit.ts'
import { type Dim, Size } from './size.ts'

// One graph of several that are the same but for numbers.

/** Numbers that differ between samples as expressions, each found once. */
class Fitter {
  readonly #samples: Samples
  readonly #known = new Map<string, number | Size>()
  constructor(samples: Samples) {
    this.#samples = samples
  }

  /** One value of several. `where` names it in messages. */
  merge(xs: readonly unknown[], where: string): unknown {
    const [first] = xs
    if (xs.every((x) => Object.is(x, first))) return first
    if (typeof first === 'number') return this.number(xs as number[], where)
    if (typeof first === 'bigint') {
      const size = this.number(xs.map(Number), where)
      return typeof size === 'number' ? first : new Size('bigint', [size])
    }
    if (Array.isArray(first))
      return first.map((_, i) =>
        this.merge(
          xs.map((x) => (x as unknown[])[i]),
          `${where}[${i}]`,
        ),
      )
    if (!isOptions(first)) return first
    return Object.fromEntries(
      Object.keys(first).map((k) => [
        k,
        this.merge(
          xs.map((x) => (x as Record<string, unknown>)[k]),
          `${where}.${k}`,
        ),
      ]),
    )
  }

  number(xs: readonly number[], where: string): number | Size {
    if (xs.every((x) => Object.is(x, xs[0]))) return xs[0]!
    const key = xs.join()
    let size: number | Size | null | undefined = this.#known.get(key)
    if (size === undefined) {
      size = fit(xs, this.#samples)
      if (size === null)
        throw fault(
          'makeFx',
          `expected every number in the graph to follow from sizes as s0*s1, ceil(s0/2) or 1/s0 do, got ${where} = ${xs.slice(0, 5).join(', ')} at ${this.#samples
            .slice(0, 5)
            .map((s) => `(${s.map((v, i) => `s${i} = ${v}`).join(', ')})`)
            .join(', ')}. Compute it with ops, or trace with { tracingMode: 'fake' } for these sizes alone`,
          'SIZE_DEPENDENT',
        )
      this.#known.set(key, size)
    }
    return size
  }

  /** One aval of several, the first of which says what the sizes were. */
  aval(avals: readonly GraphAval[], where: string): GraphAval {
    const { shape, dtype } = avals[0]!
    const dims = this.merge(
      avals.map((a) => a.shape),
      `${where}.shape`,
    ) as readonly Dim[]
    return dims.some((d) => d instanceof Size) ? { shape, dtype, dims } : { shape, dtype }
  }

  structure(list: readonly Structure[], where: string): Structure {
    const first = list[0]!
    if (first.kind === 'tensor') return first
    if (first.kind === 'leaf')
      return {
        kind: 'leaf',
        value: this.merge(
          list.map((s) => (s as { readonly value: unknown }).value),
          where,
        ),
      }
    const children = first.children.map((_, i) =>
      this.structure(
        list.map((s) => (s as typeof first).children[i]!),
        `${where}[${i}]`,
      ),
    )
    return { ...first, children }
  }
}

/** Traces of one form at these sizes as one, whose numbers are expressions of the sizes. */
export function merge(recordings: readonly Recording[], samples: Samples): Recording {
  const fitter = new Fitter(samples)
  const [first] = recordings as readonly [Recording]
  const place = new Map(first.graph.nodes.map((n, i) => [n, i]))
  const graph = rewrite(first.graph, (node, inputs, to) => {
    const nodes = recordings.map((r) => r.graph.nodes[place.get(node)!]!)
    const avals = node.avals.map((_, k) =>
      fitter.aval(
        nodes.map((n) => n.avals[k]!),
        node.name,
      ),
    )
    switch (node.kind) {
      case 'placeholder':
        return to.addPlaceholder(avals[0]!, node.name)
      case 'constant': {
        const fills = nodes.map((n) => fillOf(n.value!))
        if (fills[0] === undefined) return copyNode(to, node, inputs)
        const fill = fitter.merge(fills, node.name)
        return to.addConstant(node.value!, node.name, { dims: avals[0]!.dims, fill: fill instanceof Size ? fill : null })
      }
      case 'call':
        return to.addCall(
          node.op!,
          inputs,
          fitter.merge(
            nodes.map((n) => n.params),
            `${node.name}'s params`,
          ),
          {
            name: node.name,
            result: node.many ? avals : avals[0]!,
          },
        )
      default:
        return copyNode(to, node, inputs)
    }
  })
  return {
    graph,
    result: fitter.structure(
      recordings.map((r) => r.result),
      'the result',
    ),
    mutated: first.mutated,
  }
}

const sameValue = (a: unknown, b: unknown): boolean => {
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((x, i) => sameValue(x, b[i]))
  if (isOptions(a)) return isOptions(b) && Object.keys(a).every((k) => sameValue(a[k], b[k]))
  return Object.is(a, b)
}
const leaves = (s: Structure): unknown[] => (s.kind === 'leaf' ? [s.value] : s.kind === 'tensor' ? [] : s.children.flatMap(leaves))

/** The first place where a merged trace at these sizes is not `other`, which was traced at them; `null` if it is. */
export function mismatch(merged: Recording, other: Recording, sizes: readonly number[]): string | null {
  const at = (node: GraphNode, n: GraphNode): boolean =>
    node.avals.every((a, i) => sameValue([...shapeAt(a, sizes)], [...n.avals[i]!.shape])) &&
    sameValue(atSizes(node.params, sizes), n.params) &&
    (node.kind !== 'constant' || sameValue(node.fill?.at(sizes) ?? fillOf(node.value!), fillOf(n.value!)))
  try {
    const wrong = merged.graph.nodes.findIndex((node, i) => !at(node, other.graph.nodes[i]!))
    if (wrong >= 0) return describeNode(merged.graph.nodes[wrong]!, other.graph.nodes[wrong]!)
    return sameValue(atSizes(leaves(merged.result), sizes), leaves(other.result)) ? null : 'the result'
  } catch (error) {
    return (error as Error).message
  }
}

const describeNode = (node: GraphNode, other: GraphNode): string =>
  `${node.name}, [${dimsOf(node.aval).join(', ')}] and there [${other.aval.shape.join(', ')}]`

/** Whether anything in a graph follows from sizes. */
export const isSymbolic = (graph: Graph): boolean => graph.placeholders.some((p) => p.aval.dims)
