import { isOptions } from '@mapgrad/tensor/plugin'
import { fault } from '../faults.ts'
import type { Graph } from '../graph.ts'
import type { GraphAval } from '../node.ts'
import type { Structure } from '../structure.ts'
import { type Subgraph, isSubgraph, subgraph } from '../subgraph.ts'
import { type Samples, fit } from './fit.ts'
import { type Dim, Size } from './size.ts'

/** Numbers that differ between samples as expressions, each found once. */
export class Fitter {
  readonly #samples: Samples
  readonly #known = new Map<string, number | Size>()
  readonly #graphs: (graphs: readonly Graph[], fitter: Fitter) => Graph
  /** @param graphs makes one of graphs among params */
  constructor(samples: Samples, graphs: (graphs: readonly Graph[], fitter: Fitter) => Graph = ([first]) => first!) {
    this.#samples = samples
    this.#graphs = graphs
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
    if (isSubgraph(first))
      return subgraph(
        this.#graphs(
          xs.map((x) => (x as Subgraph).graph),
          this,
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
