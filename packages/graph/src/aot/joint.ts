import type { Tensor } from '@mapgrad/tensor'
import { type Op, type Value, autogradOf, defineOp, isFloating, elementwise, pointwise, sameAval, withTrace } from '@mapgrad/tensor/plugin'
import type { Graph } from '../graph.ts'
import { eliminateCommonSubexpressions } from '../passes/common-subexpressions.ts'
import { eliminateDeadCode } from '../passes/dead-code.ts'
import { GraphTrace } from '../trace.ts'

/** Forward and backward of a function as one graph, and what its inputs and outputs are. */
export interface Joint {
  /** placeholders: the primals, then a tangent for each float output; outputs: those of the function, then gradients */
  readonly graph: Graph
  /** the number of primals */
  readonly primals: number
  /** the number of the function's outputs, new values of inputs that it changes included: they are the last ones */
  readonly outputs: number
}

/** A joint graph, which of the function's outputs have a tangent, and for each primal which gradient is its own (`null`: none). */
export interface TracedJoint extends Joint {
  readonly tangents: readonly number[]
  readonly gradients: readonly (number | null)[]
  /** the primals that the function changes in place */
  readonly mutated: readonly number[]
}

/** What the function sees in place of an input: a value that may be changed in place, which a leaf may not. No graph keeps it. */
const entered: Op<[x: Tensor]> = /* @__PURE__ */ defineOp<[x: Tensor]>({
  name: 'entered',
  result: sameAval,
  compute: /* @__PURE__ */ pointwise((x) => x!),
  batch: 'pointwise',
  diff: /* @__PURE__ */ elementwise('one'),
})

/** The joint graph of `f` at inputs like these. `f` may change its inputs in place. */
export function traceJoint(f: (xs: readonly Tensor[]) => readonly Tensor[], inputs: readonly Tensor[]): TracedJoint {
  return withTrace(new GraphTrace(false), (trace) => {
    const primals = inputs.map((x, i) => trace.input(x, `primals_${i + 1}`))
    const mutated: number[] = []
    const [ys, pull] = autogradOf('aotFunction').vjp((...leaves) => {
      const xs = leaves.map((x) => (isFloating(x) ? entered(x) : x.wrap(x.value)))
      const before: Value[] = xs.map((x) => x.value)
      const out = [...f(xs)]
      xs.forEach((x, i) => {
        if (x.value === before[i]) return
        mutated.push(i)
        out.push(x)
      })
      return out
    }, primals)
    const tangents = ys.flatMap((y, i) => (isFloating(y) ? [i] : []))
    const cts = new Map(tangents.map((i, k) => [i, trace.input(ys[i]!, `tangents_${k + 1}`)]))
    const grads = pull(ys.map((_, i) => cts.get(i) ?? null))
    let count = 0
    const gradients = inputs.map((x, i) => (isFloating(x) && grads[i] ? count++ : null))
    const all = [...ys, ...grads.flatMap((g, i) => (g && gradients[i] !== null ? [g] : []))]
    const whole = trace.finish(all)
    for (const node of whole.nodes) if (node.op === entered.def) whole.replaceAllUsesWith(node, node.inputs[0]!)
    const graph = eliminateCommonSubexpressions(eliminateDeadCode(whole))
    return { graph, primals: inputs.length, outputs: ys.length, tangents, gradients, mutated }
  })
}
