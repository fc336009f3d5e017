// `npm test`: every check in the order of their cost, each with a heading and its time. Stops at the first that fails.
//
//   node tooling/check.mjs [step ...]     only these steps
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { readJson, root } from './workspace.mjs'

const vitestReport = join(root, '.cache', 'vitest.json')

// turbo starts pnpm for each task and looks for it on the path, where `pnpm exec` puts it
const turbo = ['npx', '--yes', readJson(join(root, 'package.json')).packageManager, 'exec', 'turbo']

/** A step is a name, a command, and how many checks it stands for: one, if it does not say. */
const steps = [
  ['format', ['oxfmt', '--check']],
  ['lint', ['oxlint', '--deny-warnings']],
  ['packages', ['node', 'tooling/check-packages.mjs']],
  ['typecheck', [...turbo, 'run', 'typecheck', '--continue', '--output-logs=errors-only']],
  ['build', [...turbo, 'run', 'build', '--output-logs=new-only']],
  ['unit', ['vitest', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${vitestReport}`], countVitest],
  ['docs', ['node', 'tooling/run-doc-blocks.mjs']],
  ['reference', ['node', 'tooling/reference/reference.mjs', '--check']],
  ['dist', ['node', 'tooling/dist-check/run.mjs']],
  ['size', ['node', 'tooling/dist-check/size.mjs']],
]

function countVitest() {
  const { numPassedTests, numPendingTests, numTodoTests } = readJson(vitestReport)
  return { passed: numPassedTests, skipped: numPendingTests + numTodoTests }
}

const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`
const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !steps.some(([step]) => step === name))
if (unknown.length > 0) {
  console.error(`no step ${unknown.join(', ')}; there are ${steps.map(([name]) => name).join(', ')}`)
  process.exit(2)
}

mkdirSync(join(root, '.cache'), { recursive: true })
rmSync(vitestReport, { force: true })
const begin = performance.now()
const done = []
let passed = 0
let skipped = 0
for (const [name, [command, ...args], count] of steps) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  console.log(`\n== ${name}`)
  const start = performance.now()
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' })
  if (error) console.error(error.message)
  if (status !== 0) {
    console.error(`\n== ${name} failed after ${seconds(start)}; ${done.length} of ${steps.length} steps had passed`)
    console.log(`${passed} passed, 1 failed`)
    process.exit(status || 1)
  }
  const counted = count?.() ?? { passed: 1, skipped: 0 }
  passed += counted.passed
  skipped += counted.skipped
  done.push(`${name} ${seconds(start)}`)
  console.log(`== ${name}: ${seconds(start)}`)
}
console.log(`\n== all passed in ${seconds(begin)}: ${done.join(', ')}`)
console.log(`${passed} passed, 0 failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
