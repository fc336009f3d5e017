import type { DType } from '@mapgrad/tensor'
import type { Backend } from '@mapgrad/tensor/plugin'
import { type CasesOptions, EXPECTED, cases } from './cases.ts'
import { type Column, columns } from './compare/tolerance.ts'
import { expectedFailures } from './operators/expected.ts'
import type { Status } from './run/sample.ts'

/** The verdicts on one sample; `reasons` has one for each column that did not pass. */
export type SampleReport = { readonly sample: number; readonly dtype: DType; readonly reasons: Partial<Record<Column, string>> } & Readonly<
  Record<Column, Status>
>

/** Counts of what passed, failed and was skipped, by column. */
export interface Totals {
  pass: number
  fail: number
  skip: number
}

/** What a run found, as the command writes it. */
export interface Report {
  readonly backend: string
  /** a folder's name, or `null` for the cases of the package */
  readonly cases: string | null
  readonly totals: Record<Column, Totals>
  /** `op[.variant]` → its samples */
  readonly operators: Record<string, SampleReport[]>
  /** expected failures that did not fail: remove them from the list */
  readonly stale: string[]
}

/** Runs cases one after another. `onSample` sees each verdict as it comes. */
export async function conformance(
  backend: Backend,
  options: CasesOptions = {},
  onSample?: (op: string, sample: SampleReport) => void,
): Promise<Report> {
  const totals = Object.fromEntries(columns.map((c) => [c, { pass: 0, fail: 0, skip: 0 }])) as Record<Column, Totals>
  const operators: Record<string, SampleReport[]> = {}
  for (const one of cases(options)) {
    const verdicts = await one.report(backend)
    const reasons: Partial<Record<Column, string>> = {}
    for (const c of columns) {
      totals[c][verdicts[c].status]++
      if (verdicts[c].reason !== undefined) reasons[c] = verdicts[c].reason
    }
    const status = Object.fromEntries(columns.map((c) => [c, verdicts[c].status])) as Record<Column, Status>
    const sample: SampleReport = { sample: one.sample, dtype: one.dtype, ...status, reasons }
    ;(operators[one.op] ??= []).push(sample)
    onSample?.(one.op, sample)
  }
  return {
    backend: backend.name,
    cases: options.dir ?? null,
    totals,
    operators,
    stale: options.dir === undefined && !options.samples && !options.level ? staleExpectations(backend.name, operators) : [],
  }
}

/** Entries of the list of expected failures for which nothing failed, among the operators that were run. */
function staleExpectations(backend: string, operators: Report['operators']): string[] {
  const out: string[] = []
  for (const e of expectedFailures()) {
    const samples = operators[e.op]
    if (!samples || (e.backend !== undefined && e.backend !== backend)) continue
    for (const c of e.columns) if (!samples.some((s) => s.reasons[c]?.startsWith(EXPECTED))) out.push(`${e.op} ${c}: ${e.reason}`)
  }
  return out
}

/** Whether a run is a success: nothing failed, and every expected failure failed. */
export const succeeded = (report: Report): boolean => report.stale.length === 0 && columns.every((c) => report.totals[c].fail === 0)
