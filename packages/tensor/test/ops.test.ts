import * as ops from '@mapgrad/tensor/ops'
import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'

type AnyOp = { readonly def: { readonly name: string; readonly home: string | null } }
const isOp = (x: unknown): x is AnyOp => typeof x === 'function' && 'def' in x
const camel = (name: string): string => name.replace(/_+(\w)/g, (_, c: string) => c.toUpperCase())
const table = Object.entries(ops) as [string, AnyOp][]

test('every op is exported under its name, and says where from', () => {
  expect(table.map(([name]) => name)).toEqual(table.map(([, { def }]) => camel(def.name)))
  expect(new Set(table.map(([, { def }]) => def.home))).toEqual(new Set(['@mapgrad/tensor/ops']))
})

test('no two ops share a name', () => {
  expect(new Set(table.map(([, { def }]) => def)).size).toBe(table.length)
})

test('every op that a file exports is among them: add new ones to src/ops.ts', async () => {
  const known = new Set(table.map(([, { def }]) => def))
  const missing: string[] = []
  for (const folder of ['ops', 'random', 'create']) {
    const dir = new URL(`../src/${folder}/`, import.meta.url)
    for (const file of readdirSync(dir)) {
      const module = (await import(new URL(file, dir).href)) as Record<string, unknown>
      for (const [name, x] of Object.entries(module)) if (isOp(x) && !known.has(x.def)) missing.push(`${folder}/${file}: ${name}`)
    }
  }
  expect(missing).toEqual([])
})
