import { jvp, vjp } from '@mapgrad/autodiff'
import type { DType, Tensor } from '@mapgrad/tensor'
import { type Backend, isTensor } from '@mapgrad/tensor/plugin'
import { type Comparison } from '../compare/compare.ts'
import { type Column, type Tolerance, toleranceOf } from '../compare/tolerance.ts'
import { HostTensor, Word, decode } from '../format/decode.ts'
import type { Encoded } from '../format/types.ts'
import { type Sample, operandsOn, place } from '../operators/sample.ts'

/** One sample on one backend, its floats in `dtype`. */
export interface Setting {
  readonly op: string
  readonly sample: Sample
  readonly backend: Backend
  readonly dtype: DType
}

/** The number of elements behind an output, for the growth of errors of sums. */
export const termsOf = (sample: Sample): number => sample.operands.reduce((n, x) => Math.max(n, x.data.length), 1)

/** The least exact dtype decides: of what came, of what was stored, and of those that the call names. */
function tolerant({ op, sample }: Setting, column: Column, got: unknown, want: HostTensor | number | boolean | string): Tolerance {
  const dtypes = [isTensor(got) ? got.dtype : 'float64', ...(typeof want === 'object' ? [want.dtype] : []), ...namedDtypes(sample)]
  const all = dtypes.map((d) => toleranceOf(op, column, d, termsOf(sample)))
  return all.reduce((a, b) => (a.rtol >= b.rtol ? a : b))
}

const namedDtypes = ({ leaves }: Sample): string[] =>
  leaves.flatMap((l) => (l instanceof Word && l.kind === 'dtype' ? [l.value as string] : []))

export function compareTo(
  setting: Setting,
  column: Column,
  what: string,
  got: unknown,
  want: HostTensor | number | boolean | string,
  dtype?: string,
): Comparison {
  return { what, got, want, tolerance: tolerant(setting, column, got, want), ...(dtype !== undefined && { dtype }) }
}

/** The outputs of the call itself. */
export function forward(setting: Setting): Comparison[] {
  const { sample, backend, dtype } = setting
  const outs = sample.apply(operandsOn(sample, backend, dtype), backend)
  const wants = sample.encoded.out.map(decode).filter((w) => w !== null)
  if (outs.length !== wants.length) throw new RangeError(`expected ${wants.length} outputs, got ${outs.length}`)
  return wants.map((want, i) =>
    compareTo(
      setting,
      'forward',
      `output ${i}`,
      outs[i],
      want as HostTensor,
      dtype === 'float32' ? sample.encoded.outDtypes[i] : undefined,
    ),
  )
}

/** The call as a function of its differentiated operands, to its differentiated outputs. */
export function differentiable({ sample, backend }: Setting, operands: readonly Tensor[]): (...xs: Tensor[]) => Tensor[] {
  const at = sample.encoded.diffArgs!.map((leaf) => sample.operandOf(leaf))
  return (...xs) => {
    const all = [...operands]
    at.forEach((k, i) => (all[k] = xs[i]!))
    const outs = sample.apply(all, backend)
    return sample.encoded.diffOuts!.map((k) => outs[k] as Tensor)
  }
}

/** The differentiated operands among all. */
export const primalsOf = ({ sample }: Setting, operands: readonly Tensor[]): Tensor[] =>
  sample.encoded.diffArgs!.map((leaf) => operands[sample.operandOf(leaf)]!)

/** Cotangents or tangents of a case, in the dtypes of what they belong to. */
export function placed({ backend }: Setting, encoded: readonly Encoded[], like: readonly { readonly dtype: DType }[]): Tensor[] {
  return encoded.map((e, i) => {
    const x = decode(e)
    if (!(x instanceof HostTensor)) throw new TypeError('case file: expected cotangents and tangents to be tensors')
    return x.on(backend, like[i]!.dtype)
  })
}

/** Gradients against those of the case; `null` there means no dependence, which is zero here. */
function compareGradients(setting: Setting, column: Column, what: string, got: readonly Tensor[], want: readonly Encoded[]): Comparison[] {
  if (got.length !== want.length) throw new RangeError(`expected ${want.length} ${what}s, got ${got.length}`)
  return got.map((g, i) => {
    const w = decode(want[i]!)
    return compareTo(
      setting,
      column,
      `${what} ${i}`,
      g,
      w === null ? new HostTensor('float64', g.shape, new Float64Array(g.numel())) : (w as HostTensor),
      g.dtype,
    )
  })
}

function prepared(setting: Setting): { f: (...xs: Tensor[]) => Tensor[]; primals: Tensor[] } {
  const operands = operandsOn(setting.sample, setting.backend, setting.dtype)
  return { f: differentiable(setting, operands), primals: primalsOf(setting, operands) }
}

/** Gradients of the operands for the case's cotangents. */
export function vjpColumn(setting: Setting): Comparison[] {
  const { f, primals } = prepared(setting)
  const { cotangents, vjp: want } = setting.sample.encoded
  const [ys, pull] = vjp(f, primals)
  return compareGradients(setting, 'vjp', 'gradient', pull(placed(setting, cotangents!, ys)), want!)
}

/** Tangents of the outputs for the case's tangents. */
export function jvpColumn(setting: Setting): Comparison[] {
  const { f, primals } = prepared(setting)
  const { tangents, jvp: want } = setting.sample.encoded
  const [, dys] = jvp(f, primals, placed(setting, tangents!, primals))
  return compareGradients(setting, 'jvp', 'tangent', dys, want!)
}

/** Gradient of Σ⟨vjp, tangents⟩: the pullback of the pullback. */
export function vjpvjpColumn(setting: Setting): Comparison[] {
  const { f, primals } = prepared(setting)
  const { cotangents, tangents, vjpvjp: want } = setting.sample.encoded
  const [, pull] = vjp((...xs: Tensor[]) => {
    const [ys, inner] = vjp(f, xs)
    return inner(placed(setting, cotangents!, ys))
  }, primals)
  return compareGradients(setting, 'vjpvjp', 'second-order gradient', pull(placed(setting, tangents!, primals)), want!)
}

export { place }
