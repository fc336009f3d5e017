import { type DType } from '@mapgrad/tensor'
import { type Backend, isTensor } from '@mapgrad/tensor/plugin'
import { type Comparison, difference } from '../compare/compare.ts'
import { type Column, columns } from '../compare/tolerance.ts'
import { type Sample, dtypesOf } from '../operators/sample.ts'
import { type Setting, forward, jvpColumn, vjpColumn, vjpvjpColumn } from './columns.ts'
import { vmapColumn, vmapvjpColumn } from './batched.ts'
import { onDevice } from './device.ts'

/** What came of one column of one sample. */
export type Status = 'pass' | 'fail' | 'skip'
/** The verdict on one column, with the reason unless it passed. */
export interface Verdict {
  readonly status: Status
  readonly reason?: string
}
/** What came of each column of one sample. */
export type Verdicts = Readonly<Record<Column, Verdict>>

const run: Readonly<Record<Column, (setting: Setting, within: <R>(f: () => R) => R) => Comparison[] | Promise<Comparison[]>>> = {
  forward: (s, within) => within(() => forward(s)),
  vjp: (s, within) => within(() => vjpColumn(s)),
  jvp: (s, within) => within(() => jvpColumn(s)),
  vjpvjp: (s, within) => within(() => vjpvjpColumn(s)),
  vmap: vmapColumn,
  vmapvjp: vmapvjpColumn,
}

const known = new Set<string>(['bool', 'uint8', 'int8', 'int16', 'int32', 'int64', 'float16', 'bfloat16', 'float32', 'float64'])

/** Why a column of a sample has nothing to say; `null` if it has. */
function notApplicable(column: Column, { encoded, operands }: Sample): string | null {
  switch (column) {
    case 'forward':
      return null
    case 'vjp':
    case 'vjpvjp':
    case 'jvp':
      return encoded[column]
        ? null
        : encoded.vjp
          ? `no reference: PyTorch gave none, being zero everywhere or refused`
          : 'not differentiable in PyTorch'
    case 'vmap':
      return operands.length ? null : 'no tensor operands'
    case 'vmapvjp':
      return encoded.vjp ? null : 'not differentiable in PyTorch'
  }
}

/** Why a sample cannot run on a backend at all. */
export function unsupported(sample: Sample, backend: Backend, dtype: DType): string | null {
  const needed = dtypesOf(sample)
  for (const d of needed) if (d.startsWith('complex')) return `${d}: complex numbers are not in this version`
  if (dtype !== 'float32') needed.add(dtype)
  for (const d of needed) if (known.has(d) && d !== 'int64' && !backend.dtypes.includes(d as DType)) return `${backend.name} has no ${d}`
  return null
}

/** Runs the wanted columns of a sample. */
export async function runSample(setting: Setting, wanted: readonly Column[]): Promise<Verdicts> {
  const none = unsupported(setting.sample, setting.backend, setting.dtype)
  const within = <R>(f: () => R): R => onDevice(setting.backend, f)
  const out = {} as Record<Column, Verdict>
  for (const column of columns) {
    const reason = none ?? (wanted.includes(column) ? notApplicable(column, setting.sample) : 'not asked for')
    out[column] = reason === null ? await verdict(() => run[column](setting, within)) : { status: 'skip', reason }
  }
  return out
}

async function verdict(f: () => Comparison[] | Promise<Comparison[]>): Promise<Verdict> {
  try {
    const comparisons = await f()
    try {
      for (const c of comparisons) {
        const reason = await difference(c)
        if (reason !== null) return { status: 'fail', reason }
      }
    } finally {
      for (const { got } of comparisons) if (isTensor(got)) got.dispose()
    }
    return { status: 'pass' }
  } catch (e) {
    return { status: 'fail', reason: e instanceof Error ? `${e.name}: ${e.message}` : String(e) }
  }
}
