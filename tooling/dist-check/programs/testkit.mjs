// tensor + a backend + backend-testkit: the author of a backend runs the conformance suite
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const command = 'node_modules/.bin/mapgrad-conformance'
const args = ['--backend', '@mapgrad/backend-cpu', '--ops', 'exp,matmul', '--report', 'report.json', '--quiet']
execFileSync(process.execPath, [command, ...args])
const report = readFileSync('report.json', 'utf8')
for (const word of ['exp', 'matmul', 'forward', 'vjp', 'jvp', 'vjpvjp', 'vmap', 'vmapvjp', 'pass'])
  assert.ok(report.includes(`"${word}"`), word)
assert.ok(!report.includes('"fail"'), report)
console.log('ok')
