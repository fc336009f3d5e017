import type { AnyOp, Aval } from '@mapgrad/tensor/plugin'
import type { GraphAval, GraphNode } from '../node.ts'
import { type Symbols, atSizes, hasSizes, shapeAt, tracedSizes } from './bind.ts'
import { Fitter } from './fitter.ts'

/** Sizes near those that a graph was traced with: each alone, then several together. */
function* nearby(traced: readonly number[]): Iterable<readonly number[]> {
  yield traced
  for (const i of traced.keys()) for (const m of [1, 2, 3, 5, 8]) yield traced.with(i, traced[i]! + m)
  for (const i of traced.keys()) for (const m of [2, 3, 4]) yield traced.with(i, traced[i]! * m)
  for (let k = 1; k <= 12; k++) yield traced.map((n, i) => n + ((k * (2 * i + 3)) % 11))
  for (let k = 2; k <= 5; k++) yield traced.map((n, i) => n * (((k * (i + 1)) % 5) + 1))
}

/** What an op gives in a graph: shape and dtype, and expressions of the sizes where its operands or params have some. */
export function resultIn(graph: Symbols, op: AnyOp, inputs: readonly GraphNode[], params: unknown): GraphAval | readonly GraphAval[] {
  type Result = Aval | readonly Aval[]
  const avals = inputs.map((x) => x.aval)
  const traced = tracedSizes(graph)
  if (!traced || !(hasSizes(params) || avals.some((a) => a.dims))) return op.result(avals, params) as Result
  const at = (sizes: readonly number[]): Result =>
    op.result(
      avals.map((a) => ({ dtype: a.dtype, shape: shapeAt(a, sizes) })),
      atSizes(params, sizes),
    ) as Result
  const samples = [traced]
  const results = [at(traced)]
  for (const sizes of nearby(traced))
    try {
      results.push(at(sizes))
      samples.push([...sizes])
    } catch {
      // the op does not work at these
    }
  const fitter = new Fitter(samples)
  const first = results[0]!
  return Array.isArray(first)
    ? (first as readonly Aval[]).map((_, i) =>
        fitter.aval(
          results.map((r) => (r as readonly Aval[])[i]!),
          op.name,
        ),
      )
    : fitter.aval(results as readonly Aval[], op.name)
}
