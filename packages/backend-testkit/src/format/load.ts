import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import type { CaseFile } from './types.ts'

const ending = '.json.gz'

/** The folder of the cases that come with this package. */
export const ownCases = (): string => fileURLToPath(new URL('../../data/cases', import.meta.url))

/** The operators of a folder of case files, with their variants, in alphabetical order. */
export function operatorsIn(dir: string): string[] {
  let names: string[]
  try {
    names = readdirSync(dir)
  } catch (cause) {
    throw new Error(`[backend-testkit] cases: expected a folder of case files (*${ending}), got '${dir}', which cannot be read`, { cause })
  }
  const ops = names.filter((n) => n.endsWith(ending)).map((n) => n.slice(0, -ending.length))
  if (ops.length === 0)
    throw new Error(`[backend-testkit] cases: expected a folder of case files (*${ending}), got '${dir}', which has none`)
  return ops.sort()
}

/** The cases of one operator. */
export function loadCases(dir: string, op: string): CaseFile {
  const path = join(dir, op + ending)
  try {
    return JSON.parse(gunzipSync(readFileSync(path)).toString('utf8')) as CaseFile
  } catch (cause) {
    throw new Error(`[backend-testkit] cases: expected gzipped JSON as in the package's README, got '${path}', which is not`, { cause })
  }
}
