// After TestEagerFusionOpInfo of upstream's test_aotdispatch: every operator's samples through aotFunction, with both
// partitioners, give the operator's values and gradients. Left out: symbolic shapes (aotFunction compiles for each shape),
// and operators whose graph needs to know values, named below.
import { opSamples } from '@mapgrad/backend-testkit'
import { type Tensor, aotFunction, defaultPartition, manualSeed, minCutPartition, tensor, vjp } from '@mapgrad/func'
import { expect, test } from 'vitest'

let state = 53
const uniform = (): number => (state = (state * 16807) % 2147483647) / 2147483647

interface Spec {
  readonly kind: 'float' | 'int' | 'bool'
  readonly shape: readonly number[]
  readonly low: number
  readonly high: number
  readonly distinct?: boolean
  readonly fixed?: Tensor['dtype']
}
function draw({ kind, shape, low, high, distinct, fixed }: Spec): Tensor {
  const last = shape.at(-1) ?? 1
  const number = (i: number): number =>
    kind === 'float' ? low + uniform() * (high - low) : distinct ? low + (i % last) : Math.floor(low + uniform() * (high - low))
  return tensor(Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => number(i)))
    .to(fixed ?? (kind === 'float' ? 'float64' : kind === 'int' ? 'int32' : 'bool'))
    .reshape([...shape])
}
const isFloat = (x: Tensor): boolean => x.dtype.startsWith('float')
const read = (y: Tensor): unknown => [y.dtype, y.shape, Array.from(y.dataSync() as Float64Array)]
const listed = (out: unknown): Tensor[] => [out].flat() as Tensor[]

/** Operators some of whose samples no graph can hold without their values, and what is said then. */
const values: Readonly<Record<string, RegExp>> = {
  argwhere: /whose shape depends on data/,
  nonzero: /whose shape depends on data/,
  where: /whose shape depends on data/,
  at: /whose shape depends on data/,
  maskedSelect: /whose shape depends on data/,
  repeatInterleave: /whose shape depends on data/,
}

const samples = opSamples()
test.each([...new Set(samples.map((s) => s.op))])('%s', (op) => {
  let refused = 0
  for (const [k, { f, xs, note }] of samples.filter((s) => s.op === op).entries()) {
    const inputs = xs(3).map(draw)
    const floats = inputs.flatMap((x, i) => (isFloat(x) ? [i] : []))
    const all = (some: readonly Tensor[]): Tensor[] => inputs.map((x, i) => (floats.includes(i) ? some[floats.indexOf(i)]! : x))
    manualSeed(7)
    const whole = listed(f(...(inputs as never[])))
    const differentiable = floats.length > 0 && whole.some(isFloat)
    const behaviour = (g: (...ts: Tensor[]) => unknown): unknown => {
      manualSeed(7)
      if (!differentiable) return listed(g(...inputs)).map(read)
      const [ys, pull] = vjp(
        (...some: Tensor[]) => listed(g(...all(some))).filter(isFloat),
        floats.map((i) => inputs[i]!),
      )
      return [...ys, ...pull(ys.map((y) => y.mul(0.3).add(0.2)) as never)].map(read)
    }
    const want = differentiable ? behaviour(f as (...ts: Tensor[]) => unknown) : whole.map(read)
    for (const partitioner of k === 0 ? [defaultPartition, minCutPartition] : [k % 2 ? minCutPartition : defaultPartition]) {
      const compiled = aotFunction(f as (...ts: Tensor[]) => unknown, { fwCompiler: (g) => g, partitionFn: partitioner })
      let got: unknown
      try {
        got = behaviour(compiled)
      } catch (error) {
        expect((error as Error).message).toMatch(values[op] ?? /nothing is refused here/)
        refused++
        continue
      }
      expect([note, partitioner.name, got]).toEqual([note, partitioner.name, close(want)])
    }
  }
  expect(refused > 0).toBe(op in values)
})

/** The same up to the order in which gradients are added up. */
const close = (x: unknown): unknown =>
  Array.isArray(x) ? x.map(close) : typeof x === 'number' && Number.isFinite(x) ? (expect.closeTo(x, 9) as unknown) : x
