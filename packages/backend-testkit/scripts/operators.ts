// Writes docs/operators.md and docs/operators.json: every case on the reference backend and on cpu.
//   node -C mapgrad-source packages/backend-testkit/scripts/operators.ts
import { writeFileSync } from 'node:fs'
import { type Ratchet, conformance, loadBackend, markdown, ratchetOf } from '../src/index.ts'

const docs = new URL('../../../docs/', import.meta.url)
const backends = process.argv.slice(2)
const reports = []
const ratchet: Record<string, Ratchet> = {}
for (const name of backends.length ? backends : ['reference', 'cpu']) {
  const backend = await loadBackend(`@mapgrad/backend-cpu#${name}`)
  const report = { ...(await conformance(backend)), backend: name }
  reports.push(report)
  ratchet[name] = ratchetOf(report)
  console.log(name, JSON.stringify(report.totals), report.stale.join('\n'))
}
const entries = Object.entries(ratchet).map(
  ([name, ops]) =>
    `${JSON.stringify(name)}: {\n${Object.entries(ops)
      .map(([op, o]) => `${JSON.stringify(op)}: ${JSON.stringify(o)}`)
      .join(',\n')}\n}`,
)
writeFileSync(new URL('operators.json', docs), `{\n${entries.join(',\n')}\n}\n`)
writeFileSync(new URL('operators.md', docs), markdown(reports))
