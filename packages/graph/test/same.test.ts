import {
  type GraphModule,
  eliminateCommonSubexpressions,
  eliminateDeadCode,
  foldConstants,
  graphFromJSON,
  makeFx,
  simplifyAlgebra,
} from '@mapgrad/graph'
import { tree, type Tensor } from '@mapgrad/tensor'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { type Program, programs, randomProgram } from './programs.ts'
import { Pasted } from './pasted.ts'
import { exact } from './support.ts'

// Whatever is done to a graph, it computes what its function computes, bit for bit.

const code = new Pasted('same')

const text = (out: unknown): string[] => tree.leaves(out).map((y) => exact(y as Tensor))
const passes = { eliminateDeadCode, eliminateCommonSubexpressions, foldConstants, simplifyAlgebra }

async function check({ f, fresh }: Program): Promise<void> {
  const g = makeFx(f)(...fresh()) as GraphModule<Tensor[], unknown>
  g.graph.lint()
  const all = g.transform(...Object.values(passes))
  const fake = makeFx(f, { tracingMode: 'fake' })(...fresh())
  expect(fake.graph.equals(g.graph)).toBe(true)
  const variants: Record<string, (...xs: Tensor[]) => unknown> = {
    traced: g,
    json: graphFromJSON(JSON.stringify(g)),
    all,
    pasted: await code.paste(g.code),
    'pasted after passes': await code.paste(all.code),
  }
  for (const [name, pass] of Object.entries(passes)) variants[name] = g.transform(pass)
  expect((variants['json'] as GraphModule).graph.equals(g.graph)).toBe(true)
  for (let run = 0; run < 2; run++) {
    const xs = fresh()
    const want = text(f(...xs))
    for (const [name, h] of Object.entries(variants)) expect([name, ...text(h(...xs))]).toEqual([name, ...want])
  }
}

test.each(programs.map((p) => [p.name, p] as const))('%s', (_, program) => check(program))

test('random programs', async () => {
  for (let i = 0; i < 60; i++) await check(randomProgram(1 + (i % 12)))
}, 60_000)

test('printed code is TypeScript', () => {
  writeFileSync(
    `${code.folder}tsconfig.json`,
    JSON.stringify({
      extends: '../../../../../tsconfig.test.json',
      compilerOptions: { noUnusedLocals: false, noUnusedParameters: false },
      files: [...Array(code.files).keys()].slice(0, 2 * programs.length).map((i) => `${i}.ts`),
    }),
  )
  const tsc = fileURLToPath(new URL('../../../node_modules/typescript/bin/tsc', import.meta.url))
  const { stdout, error } = spawnSync(process.execPath, [tsc, '-p', code.folder], { encoding: 'utf8' })
  expect(error).toBeUndefined()
  expect(stdout.split('\n').filter((line) => line.includes('.cache'))).toEqual([])
}, 60_000)
