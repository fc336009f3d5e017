import { opSamples } from '@mapgrad/backend-testkit'
import { vjp } from '@mapgrad/func'
import {
  type GraphModule,
  eliminateCommonSubexpressions,
  eliminateDeadCode,
  foldConstants,
  graphFromJSON,
  makeFx,
  simplifyAlgebra,
} from '@mapgrad/graph'
import { type Tensor, manualSeed, tensor, tree } from '@mapgrad/tensor'
import { expect, test } from 'vitest'
import { Pasted } from './pasted.ts'
import { exact, uniform } from './support.ts'

// Every op there is, and what its derivative calls, is recorded, written down, read back and run.

const code = new Pasted('ops')

interface Spec {
  readonly kind: 'float' | 'int' | 'bool'
  readonly shape: readonly number[]
  readonly low: number
  readonly high: number
  readonly distinct?: boolean
  readonly fixed?: Tensor['dtype']
}
function draw({ kind, shape, low, high, distinct, fixed }: Spec): Tensor {
  const n = shape.reduce((a, b) => a * b, 1)
  const last = shape.at(-1) ?? 1
  const number = (i: number): number => {
    const u = low + ((uniform() + 1) / 2) * (high - low)
    return kind === 'float' ? u : distinct ? low + (i % last) : Math.floor(u)
  }
  return tensor(Float64Array.from({ length: n }, (_, i) => number(i)))
    .to(fixed ?? (kind === 'float' ? 'float32' : kind === 'int' ? 'int32' : 'bool'))
    .reshape([...shape])
}
/** The outputs that have a derivative. */
const smooth = (out: Tensor | readonly Tensor[]): Tensor[] => ([out].flat() as Tensor[]).filter((y) => y.dtype.includes('float'))
const text = (out: unknown): string[] => tree.leaves(out).map((y) => exact(y as Tensor))

const samples = opSamples()
const groups = [...new Set(samples.map((s) => s.op))]
test.each(groups)('%s', async (op) => {
  for (const { f, xs, note } of samples.filter((s) => s.op === op)) {
    const specs = xs(3)
    const inputs = specs.map(draw)
    const floats = inputs.flatMap((x, i) => (x.dtype.includes('float') ? [i] : []))
    const pulled = (...all: Tensor[]): unknown => {
      const [ys, pull] = vjp(
        (...some: Tensor[]) => smooth(f(...all.map((x, i) => (floats.includes(i) ? some[floats.indexOf(i)]! : x)))),
        floats.map((i) => all[i]!),
      )
      return pull(ys)
    }
    for (const g of [f, ...(floats.length && smooth(f(...inputs)).length ? [pulled] : [])]) {
      manualSeed(1)
      const run = (h: (...ts: Tensor[]) => unknown): string[] => {
        manualSeed(1)
        return text(h(...inputs))
      }
      const want = run(g as never)
      const traced: GraphModule<Tensor[]> = makeFx(g as (...ts: Tensor[]) => unknown)(...inputs)
      traced.graph.lint()
      const where = `${op} ${note ?? ''} ${g === f ? '' : 'pulled back'}`
      expect([where, ...run(traced)]).toEqual([where, ...want])
      expect([where, ...run(graphFromJSON(JSON.stringify(traced)))]).toEqual([where, ...want])
      const passed = traced.transform(eliminateDeadCode, eliminateCommonSubexpressions, foldConstants, simplifyAlgebra)
      expect([where, ...run(passed)]).toEqual([where, ...want])
      expect([where, ...run(await code.paste(traced.code))]).toEqual([where, ...want])
    }
  }
})
