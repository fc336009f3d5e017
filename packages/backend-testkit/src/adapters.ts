import type { Backend } from '@mapgrad/tensor/plugin'
import { type Case, type CasesOptions, cases } from './cases.ts'

/** The part of a test runner that the adapters use; vitest's and node:test's `describe` and `test` fit. */
export interface Runner {
  readonly describe: (name: string, body: () => void) => unknown
  readonly test: (name: string, body: () => Promise<void>) => unknown
}

/** Whatever has a name and can be run on a backend: cases and properties. */
export interface Runnable {
  readonly name: string
  readonly op: string
  run(backend: Backend): Promise<unknown>
}

/**
 * One test an operator, each running all its cases, under the given runner:
 * `import { describe, test } from 'vitest'; suite({ describe, test }, backend)`, or the same from `node:test`.
 */
export function suite({ describe, test }: Runner, backend: Backend, what: CasesOptions | Iterable<Runnable> = {}): void {
  const byOp = new Map<string, Runnable[]>()
  for (const one of Symbol.iterator in what ? (what as Iterable<Runnable>) : (cases(what as CasesOptions) as Iterable<Case>)) {
    let list = byOp.get(one.op)
    if (!list) byOp.set(one.op, (list = []))
    list.push(one)
  }
  describe(`conformance of ${backend.name}`, () => {
    for (const [op, list] of byOp)
      test(op, async () => {
        const failures: string[] = []
        for (const one of list) {
          try {
            await one.run(backend)
          } catch (e) {
            failures.push(e instanceof Error ? e.message : String(e))
          }
        }
        if (failures.length) throw new Error(failures.join('\n'))
      })
  })
}
