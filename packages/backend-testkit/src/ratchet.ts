import { EXPECTED, NOT_THERE } from './cases.ts'
import { type Column, columns } from './compare/tolerance.ts'
import type { Report } from './report.ts'

/**
 * Verdicts in short, to be committed: operator → its samples, and for each column one letter a sample: `p` pass, `f` fail,
 * `x` expected failure, `-` nothing to say, `.` the operator is not there.
 */
export type Ratchet = Record<string, { readonly samples: readonly number[] } & Readonly<Record<Column, string>>>

function letter(status: string, reason: string | undefined): string {
  if (status === 'pass') return 'p'
  if (status === 'fail') return 'f'
  return reason === NOT_THERE ? '.' : reason?.startsWith(EXPECTED) ? 'x' : '-'
}

/** A report in short. */
export function ratchetOf(report: Report): Ratchet {
  const out: Ratchet = {}
  for (const [op, samples] of Object.entries(report.operators))
    out[op] = {
      samples: samples.map((s) => s.sample),
      ...(Object.fromEntries(columns.map((c) => [c, samples.map((s) => letter(s[c], s.reasons[c])).join('')])) as Record<Column, string>),
    }
  return out
}

/** What passed before and does not pass now, among the samples of both. */
export function lost(before: Ratchet, now: Ratchet): string[] {
  const out: string[] = []
  for (const [op, was] of Object.entries(before)) {
    const is = now[op]
    if (!is) continue
    was.samples.forEach((sample, i) => {
      const j = is.samples.indexOf(sample)
      if (j < 0) return
      for (const c of columns) if (was[c][i] === 'p' && is[c][j] !== 'p') out.push(`${op}[${sample}] ${c}`)
    })
  }
  return out
}
