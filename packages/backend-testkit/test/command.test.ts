import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { loadCases } from '../src/format/load.ts'
import type { CaseFile } from '../src/format/types.ts'
import { ConformanceError, type Report, cases, lost, ownCases, ratchetOf } from '@mapgrad/backend-testkit'
import { cpu } from '@mapgrad/backend-cpu'
import { describe, expect, test } from 'vitest'

const run = promisify(execFile)
const cli = fileURLToPath(new URL('../src/cli.ts', import.meta.url))
const root = fileURLToPath(new URL('../../../', import.meta.url))

async function command(...args: string[]): Promise<{ code: number; out: string }> {
  try {
    const { stdout, stderr } = await run(process.execPath, ['-C', 'mapgrad-source', cli, ...args], { cwd: root })
    return { code: 0, out: stdout + stderr }
  } catch (e) {
    const { code, stdout, stderr } = e as { code: number; stdout: string; stderr: string }
    return { code, out: stdout + stderr }
  }
}

/** A folder with one case file, changed. */
function folder(op: string, change: (file: CaseFile) => CaseFile): string {
  const dir = mkdtempSync(join(tmpdir(), 'mapgrad-cases-'))
  writeFileSync(join(dir, `${op}.json.gz`), gzipSync(JSON.stringify(change(loadCases(ownCases(), op)))))
  return dir
}
const firstOnly = (f: CaseFile): CaseFile => ({ ...f, samples: f.samples.slice(0, 1) })

describe('mapgrad-conformance', () => {
  test('runs chosen operators, and writes the verdicts as JSON and as a table', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'mapgrad-report-'))
    const { code, out } = await command(
      '--backend',
      '@mapgrad/backend-cpu',
      '--ops',
      'sin,div',
      '--report',
      join(dir, 'r.json'),
      '--markdown',
      join(dir, 'r.md'),
    )
    expect(out).toContain('vmapvjp')
    expect(code).toBe(0)
    const report = JSON.parse(readFileSync(join(dir, 'r.json'), 'utf8')) as Report
    expect(Object.keys(report.operators)).toEqual(['div.floor_rounding', 'div.no_rounding_mode', 'div.trunc_rounding', 'sin'])
    expect(report.operators['sin']![0]).toMatchObject({
      forward: 'pass',
      vjp: 'pass',
      jvp: 'pass',
      vjpvjp: 'pass',
      vmap: 'pass',
      vmapvjp: 'pass',
    })
    expect(readFileSync(join(dir, 'r.md'), 'utf8')).toContain('| sin | 1/1 | 1/1 | 1/1 | 1/1 | 1/1 | 1/1 |')
  })

  test('runs another folder of cases, and fails on a wrong gradient in the column of gradients alone', async () => {
    const dir = folder('sin', (f) => ({ ...f, samples: f.samples.slice(0, 1).map((s) => ({ ...s, vjp: s.jvp! })) }))
    const { code, out } = await command('--backend', '@mapgrad/backend-cpu#cpu', '--cases', dir)
    expect(code).toBe(1)
    expect(out).toContain('sin[0] float32 vjp: gradient 0:')
    expect(out).toContain('forward  1 pass, 0 fail')
    expect(out).toContain('vjp      0 pass, 1 fail')
    expect(out).toContain('jvp      1 pass, 0 fail')
  })

  test('a backend of a file', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'mapgrad-backend-'))
    const file = join(dir, 'b.mjs')
    writeFileSync(
      file,
      `import { createCpu } from '${new URL('../../backend-cpu/src/index.ts', import.meta.url).href}'\nexport default Promise.resolve(createCpu())\n`,
    )
    expect((await command('--backend', file, '--cases', folder('exp', firstOnly))).code).toBe(0)
  })

  test.each([
    [[], 'expected --backend <module>'],
    [['--backend', './nowhere.mjs'], "expected a module that can be imported, got './nowhere.mjs'"],
    [['--backend', 'node:os'], "expected 'node:os' to export a backend as 'default', 'backend', 'cpu', 'reference', got exports"],
    [
      ['--backend', '@mapgrad/backend-cpu', '--cases', './nowhere'],
      "expected a folder of case files (*.json.gz), got './nowhere', which cannot be read",
    ],
    [['--backend', '@mapgrad/backend-cpu', '--ops', 'sinn'], 'got sinn'],
    [['--backend', '@mapgrad/backend-cpu', '--level', '7'], '--level: expected 1, 2 or 3, got 7'],
    [['--backend', '@mapgrad/backend-cpu', '--colour'], 'colour'],
  ])('wrong use: %j', async (args, text) => {
    const { code, out } = await command(...args)
    expect(out).toContain(text)
    expect(code).toBe(2)
  })
})

describe('cases', () => {
  test('a case that fails rejects with one line a column', async () => {
    const dir = folder('sin', (f) => ({ ...f, samples: f.samples.slice(0, 1).map((s) => ({ ...s, out: s.jvp! })) }))
    const [one] = [...cases({ dir })]
    await expect(one!.run(cpu)).rejects.toThrow(ConformanceError)
    await expect(one!.run(cpu)).rejects.toThrow(/sin\[0\] float32 on cpu:\n {2}forward: output 0: \d+ of \d+ differ/)
  })

  test('an operator that is not there is skipped, with the reason', async () => {
    const [one] = [...cases({ ops: ['linalg.svd'] })]
    const { forward } = await one!.run(cpu)
    expect(forward).toEqual({ status: 'skip', reason: 'not in this version' })
  })

  test('float64 operands are compared at the accuracy of float64', async () => {
    for (const one of cases({ ops: ['exp', 'matmul', 'softmax'], dtypes: ['float64'], samples: 2 })) {
      const verdicts = await one.run(cpu)
      expect(verdicts.forward.status).toBe('pass')
    }
  })
})

describe('the committed table', () => {
  test('a pass that is lost is named', () => {
    const was = { sin: { samples: [0, 1], forward: 'pp', vjp: 'pp', jvp: 'pp', vjpvjp: 'pp', vmap: 'pp', vmapvjp: 'pp' } }
    const is = { sin: { ...was.sin, vjp: 'pf', vmap: '-p' } }
    expect(lost(was, is)).toEqual(['sin[0] vmap', 'sin[1] vjp'])
    expect(lost(is, was)).toEqual([])
    expect(ratchetOf({ operators: {} } as unknown as Report)).toEqual({})
  })
})
