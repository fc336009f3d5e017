// Builds the package in the current directory into dist/: tsc writes declarations there and JavaScript to .cache/,
// rollup makes one file per entry of it, with the code that entries share in chunks, and marks top-level calls as pure;
// methods get the documentation of their functions.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, sep } from 'node:path'
import { rollup } from 'rollup'
import { documentMethods } from './method-docs.mjs'
import { pureCalls } from './rollup/pure-calls.mjs'
import { entriesOf, readJson } from './workspace.mjs'

const dir = process.cwd()
const manifest = readJson(join(dir, 'package.json'))

// An entry is what package.json exports or runs, and each file that it lists as having side effects: those stay apart.
const distNames = [...Object.values(manifest.bin ?? {}), ...(Array.isArray(manifest.sideEffects) ? manifest.sideEffects : [])]
const entries = new Set([
  ...entriesOf(manifest).map(([, entry]) => entry),
  ...distNames.filter((path) => path.startsWith('./dist/')).map((path) => path.slice('./dist/'.length).replace(/\.js$/, '')),
])
const present = [...entries].filter((entry) => existsSync(join(dir, 'src', `${entry}.ts`)))
const missing = [...entries].filter((entry) => !present.includes(entry))
if (missing.length > 0) {
  console.error(`${manifest.name}: package.json names ${missing.map((entry) => `src/${entry}.ts`).join(', ')}, which does not exist`)
  process.exit(1)
}

const stage = join(dir, '.cache', 'js')
rmSync(join(dir, 'dist'), { recursive: true, force: true })
rmSync(stage, { recursive: true, force: true })
mkdirSync(stage, { recursive: true })

const config = {
  extends: '../tsconfig.json',
  compilerOptions: {
    // Dependencies are read as they are published: from their dist.
    customConditions: [],
    noEmit: false,
    noEmitOnError: true,
    rootDir: '../src',
    outDir: 'js',
    declarationDir: '../dist',
    sourceMap: true,
  },
}
writeFileSync(join(dir, '.cache', 'tsconfig.build.json'), JSON.stringify(config))
const tsc = spawnSync('tsc', ['-p', '.cache/tsconfig.build.json'], { stdio: 'inherit', shell: process.platform === 'win32' })
if (tsc.status !== 0) process.exit(tsc.status ?? 1)

/** Hands rollup the maps that tsc wrote, so that dist maps back to src. */
const tscMaps = {
  name: 'tsc-maps',
  load: (id) => ({
    code: readFileSync(id, 'utf8').replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n'),
    map: readFileSync(`${id}.map`, 'utf8'),
  }),
}

/**
 * A file keeps its place: `new URL('../data', import.meta.url)` means in dist what it means in src, in whichever chunk it ends. Where
 * `import.meta.url` only says where the code came from it stays alone: bundlers take a `new URL` for a file that must be there.
 */
const placeOfFile = {
  name: 'place-of-file',
  resolveImportMeta(property, { chunkId, moduleId }) {
    const place = relative(stage, moduleId).split(sep).join('/')
    const resolves = property === 'url' && dirname(place) !== dirname(chunkId) && readFileSync(moduleId, 'utf8').includes('new URL(')
    return resolves ? `new URL('./${place}', import.meta.url).href` : null
  },
}

/** What index.ts has of another entry, as a namespace, it imports by the package's name: bundlers then drop the members that nobody uses. */
const namespacesApart = {
  name: 'namespaces-apart',
  resolveId(id, importer) {
    if (importer !== join(stage, 'index.js')) return null
    const [path] = entriesOf(manifest).find(([, entry]) => join(stage, id) === join(stage, `${entry}.js`)) ?? []
    return path ? { id: manifest.name + path.slice(1), external: true } : null
  },
}

const harmless = new Set([
  'UNUSED_EXTERNAL_IMPORT', // a class that is imported for its type alone
  'THIS_IS_UNDEFINED', // in a helper that tsc writes for import(path)
  'CIRCULAR_DEPENDENCY', // check-packages.mjs knows which circles do no harm
])
const bundle = await rollup({
  input: Object.fromEntries(present.map((entry) => [entry, join(stage, `${entry}.js`)])),
  external: (id) => /^(@|node:|[a-z])/.test(id),
  plugins: [namespacesApart, tscMaps, placeOfFile, pureCalls()],
  onwarn(warning) {
    if (!harmless.has(warning.code)) throw new Error(`rollup: ${warning.message}`)
  },
})
const { output } = await bundle.write({
  dir: join(dir, 'dist'),
  format: 'es',
  chunkFileNames: 'shared.js',
  hoistTransitiveImports: false,
  sourcemap: true,
  sourcemapExcludeSources: true,
})
await bundle.close()
documentMethods(join(dir, 'dist'))

const size = (file) => `${basename(file)} ${(statSync(join(dir, 'dist', file)).size / 1000).toFixed(1)} kB`
console.log(
  `${manifest.name}: ${output
    .filter((file) => file.type === 'chunk')
    .map((file) => size(file.fileName))
    .join(', ')}`,
)
