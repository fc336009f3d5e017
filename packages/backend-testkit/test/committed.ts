import { readFileSync } from 'node:fs'
import type { Backend } from '@mapgrad/tensor/plugin'
import { afterAll, describe, expect, test } from 'vitest'
import { type CasesOptions, type Report, conformance, lost, ratchetOf } from '@mapgrad/backend-testkit'
import { chosenOperators } from '../src/cases.ts'
import { columns } from '../src/compare/tolerance.ts'

/** Runs every operator's cases as one test an operator, then compares with the committed table, which only grows. */
export function everyOperator(name: string, backend: Backend, options: CasesOptions = {}): void {
  const committed = JSON.parse(readFileSync(new URL('../../../docs/operators.json', import.meta.url), 'utf8')) as Record<
    string,
    ReturnType<typeof ratchetOf>
  >
  describe(`PyTorch's operator cases on ${name}`, () => {
    const seen: Report['operators'] = {}
    const stale: string[] = []
    // a name takes its variants along
    const all = chosenOperators(options)
    for (const op of all.filter((o) => !all.some((p) => o.startsWith(`${p}.`))))
      test(op, async () => {
        const report = await conformance(backend, { ...options, ops: [op] })
        Object.assign(seen, report.operators)
        stale.push(...report.stale)
        const failures = Object.entries(report.operators).flatMap(([o, samples]) =>
          samples.flatMap((s) => columns.filter((c) => s[c] === 'fail').map((c) => `${o}[${s.sample}] ${c}: ${s.reasons[c]}`)),
        )
        expect(failures).toEqual([])
      })
    test('nothing that passed is lost: docs/operators.json only grows', () => {
      expect(lost(committed[name] ?? {}, ratchetOf({ operators: seen } as Report))).toEqual([])
    })
    test('what is expected to fail fails', () => {
      expect(stale).toEqual([])
    })
    afterAll(() => {
      expect(Object.keys(seen).length).toBe(all.length)
    })
  })
}
