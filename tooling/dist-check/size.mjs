// What a user's bundle weighs, minified and gzipped, for what one imports and each bundler; no more than the ceilings in
// tooling/size-ceilings.json. Builds nothing: run `turbo run build` first.
//
//   node tooling/dist-check/size.mjs              compares
//   node tooling/dist-check/size.mjs --update     writes the ceilings anew: what is measured, and 5 % room
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { readJson, root, workspace } from '../workspace.mjs'
import { bundle, bundlerNames } from './bundlers.mjs'

const ceilingsFile = join(root, 'tooling', 'size-ceilings.json')

const scenarios = {
  'tensor: one op': "export { exp } from '@mapgrad/tensor'",
  'tensor: tensor, matmul': "export { matmul, tensor } from '@mapgrad/tensor'",
  'tensor + backend-cpu': "export { cpu } from '@mapgrad/backend-cpu'\nexport { matmul, setDefaultDevice, tensor } from '@mapgrad/tensor'",
  vmap: "export { vmap } from '@mapgrad/vmap'",
  'vmap: dims': "export { dims } from '@mapgrad/vmap/dim'",
  'autodiff: grad': "export { grad } from '@mapgrad/autodiff'",
  'graph: makeFx': "export { makeFx } from '@mapgrad/graph'",
  'func: grad, vmap': "export { grad, tensor, vmap } from '@mapgrad/func'",
  'func: everything': "export * from '@mapgrad/func'",
}

// a project whose node_modules are the built packages
const project = join(root, '.cache', 'size')
rmSync(project, { recursive: true, force: true })
mkdirSync(join(project, 'node_modules', '@mapgrad'), { recursive: true })
for (const { dir, short, kind } of workspace()) {
  if (kind === 'package') symlinkSync(dir, join(project, 'node_modules', '@mapgrad', short), 'junction')
}

const update = process.argv.includes('--update')
const ceilings = existsSync(ceilingsFile) ? readJson(ceilingsFile) : {}
const measured = {}
const over = []
const kB = (bytes) => `${(bytes / 1000).toFixed(1)} kB`
for (const [name, code] of Object.entries(scenarios)) {
  measured[name] = {}
  for (const bundler of bundlerNames) {
    const bytes = gzipSync(await bundle(bundler, project, code, { minify: true }), { level: 9 }).length
    const ceiling = ceilings[name]?.[bundler]
    measured[name][bundler] = bytes
    if (!update && (ceiling === undefined || bytes > ceiling)) {
      over.push(`${name}, ${bundler}: ${bytes} B is over its ceiling of ${ceiling ?? 'none'} B`)
    }
  }
  const cells = bundlerNames.map(
    (bundler) => `${bundler} ${kB(measured[name][bundler])} of ${update ? 'new' : kB(ceilings[name]?.[bundler] ?? 0)}`,
  )
  console.log(`  ${name.padEnd(24)} ${cells.join('   ')}`)
}
if (update) {
  const room = (bytes) => Math.ceil((bytes * 1.05) / 100) * 100
  const fresh = Object.fromEntries(
    Object.entries(measured).map(([name, sizes]) => [
      name,
      Object.fromEntries(Object.entries(sizes).map(([bundler, bytes]) => [bundler, room(bytes)])),
    ]),
  )
  writeFileSync(ceilingsFile, `${JSON.stringify(fresh, null, 2)}\n`)
  console.log(`written: ${ceilingsFile}`)
} else if (over.length > 0) {
  console.error(`\n${over.join('\n')}\nIf the growth is worth it, \`node tooling/dist-check/size.mjs --update\` and say why in the commit.`)
  process.exitCode = 1
}
