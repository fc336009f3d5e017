// tensor + a backend + backend-testkit: the author of a backend runs the conformance suite
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const command = 'node_modules/.bin/mapgrad-conformance'
const args = ['--backend', '@mapgrad/backend-cpu', '--ops', 'exp,matmul', '--report', 'report.json', '--quiet']
execFileSync(process.execPath, [command, ...args])
const { totals, operators } = JSON.parse(readFileSync('report.json', 'utf8'))
assert.deepEqual(Object.keys(operators).sort(), ['exp', 'matmul'])
for (const column of ['forward', 'vjp', 'jvp', 'vjpvjp', 'vmap', 'vmapvjp']) {
  const { pass, fail } = totals[column]
  assert.ok(pass > 0 && fail === 0, `${column}: ${pass} pass, ${fail} fail`)
}
console.log('ok')
