import { vjpFlat } from '@mapgrad/autodiff/plugin'
import { type Graph, eliminateCommonSubexpressions, eliminateDeadCode } from '@mapgrad/graph'
import { GraphTrace } from '@mapgrad/graph/plugin'
import type { Tensor } from '@mapgrad/tensor'
import { withTrace } from '@mapgrad/tensor/plugin'

/** Forward and backward of a function as one graph, and what its inputs and outputs are. */
export interface Joint {
  /** placeholders: the primals, then a tangent for each float output; outputs: those of the function, then gradients */
  readonly graph: Graph
  /** the number of primals */
  readonly primals: number
  /** the number of the function's outputs */
  readonly outputs: number
}

/** A joint graph, which of the function's outputs have a tangent, and for each primal which gradient is its own (`null`: none). */
export interface TracedJoint extends Joint {
  readonly tangents: readonly number[]
  readonly gradients: readonly (number | null)[]
}

const isFloating = (x: Tensor): boolean => x.dtype.includes('float')

/** The joint graph of `f` at inputs like these. */
export function traceJoint(f: (xs: readonly Tensor[]) => readonly Tensor[], inputs: readonly Tensor[]): TracedJoint {
  return withTrace(new GraphTrace(false), (trace) => {
    const primals = inputs.map((x, i) => trace.input(x, `primals_${i + 1}`))
    const [ys, pull] = vjpFlat(f, primals)
    const tangents = ys.flatMap((y, i) => (isFloating(y) ? [i] : []))
    const cts = new Map(tangents.map((i, k) => [i, trace.input(ys[i]!, `tangents_${k + 1}`)]))
    const grads = pull(ys.map((_, i) => cts.get(i) ?? null))
    let count = 0
    const gradients = inputs.map((x, i) => (isFloating(x) && grads[i] ? count++ : null))
    const all = [...ys, ...grads.flatMap((g, i) => (g && gradients[i] !== null ? [g] : []))]
    const graph = eliminateCommonSubexpressions(eliminateDeadCode(trace.finish(all)))
    return { graph, primals: inputs.length, outputs: ys.length, tangents, gradients }
  })
}
