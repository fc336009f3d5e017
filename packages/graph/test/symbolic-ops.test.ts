import { opSamples } from '@mapgrad/backend-testkit'
import { vjp } from '@mapgrad/func'
import { type GraphModule, makeFx } from '@mapgrad/graph'
import { type Tensor, manualSeed, tensor, tree } from '@mapgrad/tensor'
import { expect, test } from 'vitest'
import { exact, uniform } from './support.ts'

// Every operator's samples, and their derivatives, traced for all sizes: the graph must be the operator at the sizes traced
// and at others, wherever the operator itself takes those, or refuse them.

interface Spec {
  readonly kind: 'float' | 'int' | 'bool'
  readonly shape: readonly number[]
  readonly low: number
  readonly high: number
  readonly distinct?: boolean
  readonly fixed?: Tensor['dtype']
}
function draw({ kind, low, high, distinct, fixed }: Spec, shape: readonly number[], whole = false): Tensor {
  const last = shape.at(-1) ?? 1
  const number = (i: number): number => {
    const u = low + ((uniform() + 1) / 2) * (high - low)
    return kind === 'float' ? (whole ? Math.round(4 * u) : u) : distinct ? low + (i % last) : Math.floor(u)
  }
  return tensor(Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => number(i)))
    .to(fixed ?? (kind === 'float' ? 'float32' : kind === 'int' ? 'int32' : 'bool'))
    .reshape([...shape])
}
const isFloat = (x: Tensor): boolean => x.dtype.startsWith('float')
type F = (...xs: Tensor[]) => unknown

/** The gradient of a function of these inputs in the direction of ones. */
const pulled =
  (f: F, inputs: readonly Tensor[]): F =>
  (...all) => {
    const floats = inputs.flatMap((x, i) => (isFloat(x) ? [i] : []))
    const [ys, pull] = vjp(
      (...some: Tensor[]) =>
        ([f(...all.map((x, i) => (floats.includes(i) ? some[floats.indexOf(i)]! : x)))].flat() as Tensor[]).filter(isFloat),
      floats.map((i) => all[i]!),
    )
    return pull(ys.map((y) => y.mul(2)) as never)
  }

/** In which order these multiply depends on sizes: of whole numbers every order gives the same. */
const ordered = ['bilinear', 'chainMatmul', 'linalg.multiDot', 'tensordot', 'einsum']

/** What is no one program for all sizes, by nature: what is said then. */
const program = /expected one program for all sizes/
const data = /whose shape depends on data/
const refused: Readonly<Record<string, RegExp>> = {
  // as many parts as there are rows
  split: program,
  unbind: program,
  argwhere: data,
  nonzero: data,
  where: data,
  at: data,
  maskedSelect: data,
  repeatInterleave: data,
}

const attempt = (f: () => unknown): string | null => {
  manualSeed(2)
  try {
    return tree
      .leaves(f())
      .map((y) => exact(y as Tensor))
      .join('; ')
  } catch {
    return null
  }
}

const samples = opSamples()
test.each([...new Set(samples.map((s) => s.op))])('%s', (op) => {
  let refusals = 0
  for (const [at, { f, xs, note }] of samples.filter((s) => s.op === op).entries()) {
    const specs = xs(3)
    const inputs = specs.map((s) => draw(s, s.shape, ordered.includes(op)))
    // the derivative of the first sample, and of what is refused for it
    for (const g of at === 0 || op in refused ? [f as F, pulled(f as F, inputs)] : [f as F]) {
      const want = attempt(() => g(...inputs))
      if (want === null) continue
      let m: GraphModule<Tensor[]>
      try {
        m = makeFx(g, { tracingMode: 'symbolic' })(...inputs) as GraphModule<Tensor[]>
      } catch (error) {
        expect((error as Error).message).toMatch(refused[op] ?? /nothing is refused here/)
        refusals++
        continue
      }
      m.graph.lint()
      expect([note, attempt(() => m(...inputs))]).toEqual([note, want])
      // a loop may not end at other sizes
      if (/[lL]oop/.test(op)) continue
      const dims = m.graph.placeholders.map((p) => p.aval.dims)
      for (const k of g === f ? [4, -1] : [4]) {
        const shapes = specs.map((s, i) =>
          s.shape.map((n, axis) => {
            const d = dims[i]?.[axis]
            return typeof d === 'object' ? Math.max(0, n + k + (k > 0 ? 2 * d.index : 0)) : n
          }),
        )
        const others = specs.map((s, i) => draw(s, shapes[i]!, ordered.includes(op)))
        const [eager, run] = [attempt(() => g(...others)), attempt(() => m(...others))]
        // never another result, and larger sizes are never refused
        if (run !== null || (eager !== null && k > 0)) expect([note, shapes, run]).toEqual([note, shapes, eager])
      }
    }
  }
  expect(refusals > 0).toBe(op in refused)
})
