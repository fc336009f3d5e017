import { EXPECTED, NOT_THERE } from './cases.ts'
import { type Column, columns } from './compare/tolerance.ts'
import type { Report } from './report.ts'

const heading: Readonly<Record<Column, string>> = {
  forward: 'forward',
  vjp: 'vjp',
  jvp: 'jvp',
  vjpvjp: 'second order',
  vmap: 'vmap',
  vmapvjp: 'vmap of vjp',
}

/** One operator's column in one report, in short: `6/6`, `5/6 ✗`, or why there is nothing. */
function cell(report: Report, op: string, column: Column): string {
  const samples = report.operators[op] ?? []
  let pass = 0
  let fail = 0
  let expectedFailures = 0
  for (const s of samples) {
    if (s[column] === 'pass') pass++
    else if (s[column] === 'fail') fail++
    else if (s.reasons[column]?.startsWith(EXPECTED)) expectedFailures++
  }
  const ran = pass + fail + expectedFailures
  if (ran === 0) return '–'
  return `${pass}/${ran}${fail ? ' ✗' : ''}${expectedFailures ? ' (expected)' : ''}`
}

const absentIn = (report: Report, op: string): boolean => (report.operators[op] ?? []).every((s) => s.reasons.forward === NOT_THERE)

/** Tables of reports of several backends over the same cases, as Markdown. */
export function markdown(reports: readonly Report[], title = 'Operators'): string {
  const ops = [...new Set(reports.flatMap((r) => Object.keys(r.operators)))].sort()
  const there = ops.filter((op) => !reports.every((r) => absentIn(r, op)))
  const absent = ops.filter((op) => !there.includes(op))
  const lines = [`# ${title}`, '', `${there.length} of ${ops.length} operators of PyTorch's operator database are there.`, '']
  lines.push(`| samples | ${columns.map((c) => heading[c]).join(' | ')} |`, `| --- | ${columns.map(() => '--- |').join(' ')}`)
  for (const r of reports) {
    for (const status of ['pass', 'fail', 'skip'] as const)
      lines.push(`| ${r.backend}: ${status} | ${columns.map((c) => r.totals[c][status]).join(' | ')} |`)
  }
  lines.push('', 'Each cell says how many samples pass of those that have a reference value; `–` where none has. `✗` marks a failure.')
  for (const r of reports) {
    lines.push(
      '',
      `## ${r.backend}`,
      '',
      `| operator | ${columns.map((c) => heading[c]).join(' | ')} |`,
      `| --- | ${columns.map(() => '--- |').join(' ')}`,
    )
    for (const op of there) lines.push(`| ${op.replaceAll('_', '\\_')} | ${columns.map((c) => cell(r, op, c)).join(' | ')} |`)
  }
  const notes = new Map<string, string>()
  for (const r of reports)
    for (const op of there)
      for (const s of r.operators[op] ?? [])
        for (const c of columns) {
          const reason = s.reasons[c]
          const key = `${op} ${heading[c]}`
          if (reason?.startsWith(EXPECTED) && !notes.has(key)) notes.set(key, reason.slice(EXPECTED.length))
        }
  if (notes.size) {
    lines.push('', '## Expected failures', '')
    for (const [key, reason] of notes) lines.push(`- ${key}: ${reason}`)
  }
  if (absent.length) lines.push('', `## Not there yet (${absent.length})`, '', absent.map((op) => `\`${op}\``).join(', '))
  return lines.join('\n') + '\n'
}
