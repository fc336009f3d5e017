import { vjp } from '@mapgrad/autodiff'
import type { DType, Tensor } from '@mapgrad/tensor'
import { isTensor } from '@mapgrad/tensor/plugin'
import { vmap } from '@mapgrad/vmap'
import { type Comparison, numbersOf } from '../compare/compare.ts'
import type { Column } from '../compare/tolerance.ts'
import { HostTensor, decode } from '../format/decode.ts'
import { type Setting, compareTo, differentiable, primalsOf } from './columns.ts'
import { place } from '../operators/sample.ts'

// vmap against a loop over examples: for all operands batched in front, and for every combination of
// last axis and none but all-none (PyTorch's get_exhaustive_batched_inputs).

/** The number of examples. Not two: operands have axes of two often enough to hide a confusion of axes. */
const SIZE = 3
/** Above this number of operands, only all, each alone and all but each are batched. */
const EXHAUSTIVE = 4

/** How example `b` differs from example 0, from the most distinct to none. */
type Variant = (x: HostTensor, b: number) => HostTensor

const same: Variant = (x) => x
const scaled: Variant = (x, b) =>
  x.data instanceof Float32Array || x.data instanceof Float64Array
    ? new HostTensor(
        x.dtype,
        x.shape,
        x.data.map((v) => v * (1 - b / 8)),
      )
    : x
/** Rows of the first axis that is longer than one, turned around by `b`: stays in the domain of elementwise operators, and indices stay indices. */
const rolled: Variant = (x, b) => {
  const axis = x.shape.findIndex((s) => s > 1)
  if (axis < 0) return scaled(x, b)
  const block = x.data.length / x.shape.slice(0, axis + 1).reduce((n, s) => n * s, 1)
  const rows = x.shape[axis]!
  const data = x.data.slice()
  for (let r = 0; r < rows; r++) {
    const from = ((r + b) % rows) * block
    for (let i = 0; i < block; i++) data[r * block + i] = x.data[from + i]!
  }
  return new HostTensor(x.dtype, x.shape, data)
}
const variants: readonly Variant[] = [rolled, scaled, same]

/** Examples along a new axis at `dim`. */
function stacked(examples: readonly HostTensor[], dim: number): HostTensor {
  const { dtype, shape, data } = examples[0]!
  const out = new (data.constructor as new (n: number) => typeof data)(data.length * examples.length)
  const inner = dim === 0 ? data.length : 1
  examples.forEach((x, b) => {
    for (let i = 0; i < x.data.length; i++) out[inner === 1 ? i * examples.length + b : b * inner + i] = x.data[i]!
  })
  return new HostTensor(dtype, dim === 0 ? [examples.length, ...shape] : [...shape, examples.length], out)
}

/** Which operands are batched, and where. */
function placements(count: number): (0 | -1 | null)[][] {
  const out: (0 | -1 | null)[][] = [new Array<0>(count).fill(0)]
  const masks: number[] = []
  const all = 2 ** count - 1
  if (count <= EXHAUSTIVE) for (let m = all; m > 0; m--) masks.push(m)
  else {
    masks.push(all)
    for (let i = 0; i < count; i++) masks.push(2 ** i, all - 2 ** i)
  }
  for (const m of masks) out.push(Array.from({ length: count }, (_, i) => ((m >> i) & 1 ? -1 : null)))
  return out
}

/** A function of tensors to the outputs worth comparing. */
type Fn = (...xs: Tensor[]) => Tensor[]

interface Examples {
  readonly host: readonly (readonly HostTensor[])[]
  /** outputs of example `b` when only the operands of the mask differ from example 0 */
  readonly run: (mask: readonly boolean[], b: number) => Promise<HostTensor[]>
}

async function toHost(xs: readonly Tensor[]): Promise<HostTensor[]> {
  return await Promise.all(xs.map(async (x) => new HostTensor(x.dtype, x.shape, Float64Array.from(await numbersOf(x)))))
}

/** Outputs that became NaN or infinite tell that an example left the operator's domain. */
const leftDomain = (outs: readonly HostTensor[], like: readonly HostTensor[]): boolean =>
  outs.some((o, k) => (o.data as Float64Array).some((v, i) => !Number.isFinite(v) && Number.isFinite(Number(like[k]!.data[i]))))

async function examplesOf(f: Fn, operands: readonly HostTensor[], put: (x: HostTensor) => Tensor): Promise<Examples> {
  const base = await toHost(f(...operands.map(put)))
  for (const vary of variants) {
    const host = Array.from({ length: SIZE }, (_, b) => operands.map((x) => (b === 0 ? x : vary(x, b))))
    const known = new Map<string, HostTensor[]>()
    const run = async (mask: readonly boolean[], b: number): Promise<HostTensor[]> => {
      if (b === 0) return base
      const key = `${b}:${mask.map(Number).join('')}`
      let outs = known.get(key)
      if (!outs) known.set(key, (outs = await toHost(f(...operands.map((x, i) => put(mask[i] ? host[b]![i]! : x))))))
      return outs
    }
    if (vary === same) return { host, run }
    try {
      let fits = true
      for (const dims of placements(operands.length))
        for (let b = 1; b < SIZE && fits; b++) {
          const outs = await run(
            dims.map((d) => d !== null),
            b,
          )
          fits = !leftDomain(outs, base) && outs.every((o, i) => o.shape.join() === base[i]!.shape.join())
        }
      if (fits) return { host, run }
    } catch {
      // this variant is no valid call; the next one is tamer
    }
  }
  throw new Error('unreachable: identical examples always fit')
}

/** Compares `vmap(f)` with the loop for every placement of the batch axis. */
async function againstLoop(
  setting: Setting,
  column: Column,
  f: Fn,
  operands: readonly HostTensor[],
  put: (x: HostTensor) => Tensor,
  within: <R>(run: () => R) => R,
): Promise<Comparison[]> {
  const examples = await examplesOf((...xs) => within(() => f(...xs)), operands, put)
  const out: Comparison[] = []
  for (const dims of placements(operands.length)) {
    const mask = dims.map((d) => d !== null)
    const wants = await Promise.all(Array.from({ length: SIZE }, (_, b) => examples.run(mask, b)))
    const inputs = operands.map((x, i) =>
      put(
        dims[i] === null
          ? x
          : stacked(
              examples.host.map((e) => e[i]!),
              dims[i]!,
            ),
      ),
    )
    let got: Tensor[]
    try {
      got = within(() => vmap((...xs: Tensor[]) => f(...xs), [...dims], 0)(...inputs) as Tensor[])
    } catch (cause) {
      throw new Error(`with the batch axis at ${placement(dims)}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    }
    got.forEach((g, k) => {
      out.push(
        compareTo(
          setting,
          column,
          `output ${k} with the batch axis at ${placement(dims)}`,
          g,
          stacked(
            wants.map((w) => w[k]!),
            0,
          ),
          wants[0]![k]!.dtype,
        ),
      )
    })
  }
  return out
}

const placement = (dims: readonly (number | null)[]): string => `(${dims.map((d) => (d === null ? 'none' : d)).join(', ')})`

const putter =
  ({ backend }: Setting, dtype: DType) =>
  (x: HostTensor): Tensor =>
    place(x, backend, dtype)

/** The operator over a batch. */
export async function vmapColumn(setting: Setting, within: <R>(run: () => R) => R): Promise<Comparison[]> {
  const { sample, backend, dtype } = setting
  return await againstLoop(
    setting,
    'vmap',
    (...xs) => sample.apply(xs, backend).filter(isTensor),
    sample.operands,
    putter(setting, dtype),
    within,
  )
}

/** The operator's pullback over a batch, of operands and of cotangents. */
export async function vmapvjpColumn(setting: Setting, within: <R>(run: () => R) => R): Promise<Comparison[]> {
  const { sample, dtype } = setting
  const cts = sample.encoded.cotangents!.map((c) => decode(c) as HostTensor)
  const count = sample.operands.length
  const f: Fn = (...xs) => {
    const operands = xs.slice(0, count)
    const [ys, pull] = vjp(differentiable(setting, operands), primalsOf(setting, operands))
    return pull(xs.slice(count).map((ct, i) => ct.to(ys[i]!.dtype)))
  }
  const put = putter(setting, dtype)
  // cotangents have the dtype of their outputs
  const asOutput = cts.map((c, i) => new HostTensor(outputDtype(setting, i), c.shape, Float32Array.from(c.numbers())))
  return await againstLoop(setting, 'vmapvjp', f, [...sample.operands, ...asOutput], put, within)
}

const outputDtype = ({ sample }: Setting, i: number): string => sample.encoded.outDtypes[sample.encoded.diffOuts![i]!] ?? 'float32'
