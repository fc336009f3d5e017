#!/usr/bin/env node
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { DType } from '@mapgrad/tensor'
import { loadBackend } from './backend.ts'
import type { CasesOptions, Level } from './cases.ts'
import { columns } from './compare/tolerance.ts'
import { markdown } from './markdown.ts'
import { conformance, succeeded } from './report.ts'

const usage = `mapgrad-conformance --backend <module>[#export] [options]

Runs PyTorch's operator cases on a backend.

  --backend <module>   import specifier or path of a module that exports a backend
                       (default export, or 'backend', 'cpu', 'reference'; or #name)
  --cases <dir>        folder of case files; default: those of this package
  --ops <a,b>          only these operators
  --dtypes <a,b>       run float32 operands in these dtypes; default float32
  --level <1|2|3>      1 operator, 2 also derivatives, 3 also second order and batches; default 3
  --samples <n>        at most n samples an operator
  --report <file>      write the verdicts as JSON
  --markdown <file>    write the table as Markdown
  --quiet              print totals only
  --help

Exits with 1 if a case fails, 2 if it was called wrongly.`

const list = (text: string | undefined): string[] | undefined =>
  text
    ?.split(',')
    .map((s) => s.trim())
    .filter(Boolean)

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      backend: { type: 'string' },
      cases: { type: 'string' },
      ops: { type: 'string' },
      dtypes: { type: 'string' },
      level: { type: 'string' },
      samples: { type: 'string' },
      report: { type: 'string' },
      markdown: { type: 'string' },
      quiet: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  if (values.help) {
    console.log(usage)
    return 0
  }
  if (!values.backend) throw new Error(`[backend-testkit] expected --backend <module>\n\n${usage}`)
  const level = values.level === undefined ? undefined : Number(values.level)
  if (level !== undefined && ![1, 2, 3].includes(level))
    throw new Error(`[backend-testkit] --level: expected 1, 2 or 3, got ${values.level}`)
  const samples = values.samples === undefined ? undefined : Number(values.samples)
  if (samples !== undefined && !(Number.isInteger(samples) && samples > 0))
    throw new Error(`[backend-testkit] --samples: expected a positive whole number, got ${values.samples}`)
  const ops = list(values.ops)
  const options: CasesOptions = {
    ...(ops && { ops }),
    ...(values.cases !== undefined && { dir: values.cases }),
    ...(values.dtypes !== undefined && { dtypes: list(values.dtypes) as DType[] }),
    ...(level !== undefined && { level: level as Level }),
    ...(samples !== undefined && { samples }),
  }
  const backend = await loadBackend(values.backend)
  const report = await conformance(backend, options, (op, sample) => {
    if (values.quiet) return
    for (const c of columns) if (sample[c] === 'fail') console.log(`${op}[${sample.sample}] ${sample.dtype} ${c}: ${sample.reasons[c]}`)
  })
  for (const line of report.stale) console.log(`expected to fail, and does not: ${line}`)
  for (const c of columns)
    console.log(`${c.padEnd(8)} ${report.totals[c].pass} pass, ${report.totals[c].fail} fail, ${report.totals[c].skip} skip`)
  if (values.report !== undefined) writeFileSync(values.report, `${JSON.stringify(report, null, 1)}\n`)
  if (values.markdown !== undefined) writeFileSync(values.markdown, markdown([report], `Conformance of ${backend.name}`))
  return succeeded(report) ? 0 : 1
}

main().then(
  (code) => {
    process.exitCode = code
  },
  (e: unknown) => {
    console.error(e instanceof Error ? e.message : e)
    process.exitCode = 2
  },
)
