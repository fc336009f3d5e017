import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'

/** A folder of a test file's own for printed code, gone when its tests have run. */
export class Pasted {
  readonly folder: string
  /** how many files there are: 0.ts, 1.ts, … */
  files = 0

  constructor(name: string) {
    this.folder = fileURLToPath(new URL(`./.cache/${name}/`, import.meta.url))
    rmSync(this.folder, { recursive: true, force: true })
    mkdirSync(this.folder, { recursive: true })
    afterAll(() => rmSync(this.folder, { recursive: true, force: true }))
  }

  /** The function that printed code is, once pasted into a file. */
  async paste<F = (...args: unknown[]) => unknown>(code: string): Promise<F> {
    const file = `${this.folder}${this.files++}.ts`
    writeFileSync(file, code)
    return ((await import(/* @vite-ignore */ file)) as { forward: F }).forward
  }
}
