import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'per-sample-gradients-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Runs the example against the sources, in a folder of its own. */
function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ['-C', 'mapgrad-source', main, ...args], { cwd: folder, encoding: 'utf8' })
}

/** Two kinds of pictures, 4 × 4: a bar that stands and a bar that lies, with some noise. */
const rows = (n: number): string[] =>
  Array.from({ length: n }, (_, i) => {
    const pixels = Array.from({ length: 16 }, (_p, k) =>
      (i % 2 === 0 ? k % 4 === 1 : k >> 2 === 1) ? 200 + (i % 50) : (i * 7 + k * 13) % 30,
    )
    return [i % 2, ...pixels].join(',')
  })

test("a user's own pictures are learned, and the page shows them", () => {
  writeFileSync(join(folder, 'bars.csv'), rows(200).join('\n'))
  const { status, stdout, stderr } = run('--csv', 'bars.csv', '--out', 'sub/page.html', '--epochs', '12')
  expect(stderr).not.toContain('Error')
  expect(status).toBe(0)
  const accuracy = Number(/test accuracy ([\d.]+) %/.exec(stdout)?.[1])
  expect(accuracy).toBeGreaterThanOrEqual(95)
  const html = readFileSync(join(folder, 'sub', 'page.html'), 'utf8')
  for (const part of ['<svg', 'data:image/png;base64,', 'vmap(grad(loss))', 'bars.csv']) expect(html).toContain(part)
  expect(readdirSync(join(folder, 'sub'))).toEqual(['page.html'])
}, 60_000)

test('a malformed row is refused with its line, and nothing is written', () => {
  const lines = rows(40)
  lines[29] = '1,2,three'
  writeFileSync(join(folder, 'bad.csv'), lines.join('\n'))
  const { status, stderr } = run('--csv', 'bad.csv', '--out', 'page.html')
  expect(status).toBe(1)
  expect(stderr).toContain('bad.csv, line 30: expected a label and 16 pixels as in the first row, got 3 values')
  expect(stderr).not.toContain('    at ')
  expect(existsSync(join(folder, 'page.html'))).toBe(false)
  expect(readdirSync(folder)).toEqual(['bad.csv'])
})

test.each([
  [['--epochs', '0'], '--epochs: expected an integer from 1 on, got 0'],
  [['--csv', 'nowhere.csv'], '--csv: there is no file'],
  [['--colour', 'red'], "Unknown option '--colour'"],
])('%j is refused in a sentence', (args, message) => {
  const { status, stderr } = run(...args)
  expect(status).toBe(1)
  expect(stderr).toContain(message)
  expect(stderr).not.toContain('    at ')
})
