import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Backend } from '@mapgrad/tensor/plugin'

const isBackend = (x: unknown): x is Backend =>
  typeof x === 'object' && x !== null && 'alloc' in x && typeof x.alloc === 'function' && 'name' in x && typeof x.name === 'string'

const names = ['default', 'backend', 'cpu', 'reference'] as const

/**
 * The backend of a module: its default export, or its export `backend`, `cpu` or `reference`; a promise of one, or a
 * function that gives one, will do. `module#name` takes the export of that name. Paths are relative to the working folder.
 */
export async function loadBackend(module: string): Promise<Backend> {
  const [specifier, wanted] = module.split('#') as [string, string | undefined]
  const url = /^\.{0,2}\//.test(specifier) || /^[A-Za-z]:[\\/]/.test(specifier) ? pathToFileURL(resolve(specifier)).href : specifier
  let exports: Record<string, unknown>
  try {
    exports = (await import(url)) as Record<string, unknown>
  } catch (cause) {
    throw new Error(
      `[backend-testkit] --backend: expected a module that can be imported, got '${specifier}': ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    )
  }
  for (const name of wanted === undefined ? names : [wanted]) {
    let found: unknown = await exports[name]
    if (typeof found === 'function') found = await (found as () => unknown)()
    if (isBackend(found)) return found
  }
  throw new Error(
    `[backend-testkit] --backend: expected '${specifier}' to export a backend as ${(wanted === undefined ? names : [wanted]).map((n) => `'${n}'`).join(', ')}, got exports ${Object.keys(exports).join(', ') || '(none)'}`,
  )
}
