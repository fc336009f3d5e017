// Where the packages are and on which floor each stands. A package imports only from lower floors.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
export const scope = '@mapgrad/'
export const sourceCondition = 'mapgrad-source'

const floors = {
  kernel: 0,
  tensor: 1,
  autodiff: 2,
  vmap: 2,
  graph: 2,
  func: 3,
  nn: 4,
  'functorch-compat': 5,
  optim: 5,
}

/** The floor of a package by its short name; backends share a floor, and so they never import each other. */
export function floorOf(shortName) {
  if (shortName.startsWith('backend-') && shortName !== 'backend-testkit') return 2
  return floors[shortName]
}

/** What the test kit may import: it stands beside the floors, and nothing but apps stands on it. */
export const testkit = { name: 'backend-testkit', mayImport: ['tensor', 'autodiff', 'vmap'] }

/** Packages that run in Node only; all others may not import Node's modules. */
export const nodeOnly = new Set([testkit.name])

/** How a source states the version of its package. */
export const versionLine = /^(export const VERSION(?:: string)? = ')([^']*)(')/m

export const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'))

/** Every package and app: `{ dir, name, short, kind, manifest }`. */
export function workspace(top = root) {
  const found = []
  const look = (folder, kind) => {
    if (!existsSync(join(top, folder))) return
    for (const entry of readdirSync(join(top, folder), { withFileTypes: true })) {
      const dir = join(top, folder, entry.name)
      if (!entry.isDirectory() || !existsSync(join(dir, 'package.json'))) continue
      const manifest = readJson(join(dir, 'package.json'))
      found.push({ dir, name: manifest.name, short: manifest.name.replace(scope, ''), kind, manifest })
    }
  }
  look('packages', 'package')
  look('apps', 'app')
  look('apps/examples', 'app')
  return found
}

/** Files below `dir` that `accept` takes, node_modules and build results aside, in a stable order. */
export function filesBelow(dir, accept) {
  if (!existsSync(dir)) return []
  return readdirSync(dir, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      if (entry.isDirectory()) {
        return ['node_modules', 'dist', '.cache', '.turbo'].includes(entry.name) ? [] : filesBelow(join(dir, entry.name), accept)
      }
      return accept(entry.name) ? [join(dir, entry.name)] : []
    })
}

/** The subpaths that a manifest exports from source: `[['.', 'index'], ['./plugin', 'plugin']]`. */
export function entriesOf(manifest) {
  return Object.entries(manifest.exports ?? {})
    .filter(([, target]) => target[sourceCondition])
    .map(([subpath, target]) => [subpath, target[sourceCondition].replace(/^\.\/src\//, '').replace(/\.ts$/, '')])
}
