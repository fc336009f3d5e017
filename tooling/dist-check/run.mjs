// Pick and choose: are the packages, packed as they will be published, what a user of any selection of them needs?
// Builds nothing: run `turbo run build` first. Prints one line per check; exits 1 if one fails.
//
//   node tooling/dist-check/run.mjs [part of a check's name ...]
import { execFile } from 'node:child_process'
import { cpSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { entriesOf, nodeOnly, root, sourceCondition, workspace } from '../workspace.mjs'
import { browser, findChromium, policies } from './browser.mjs'
import { bundle, bundlerNames, statementsOf } from './bundlers.mjs'
import { emptyProject, installed, nodes, npmInstall, runFile, runProgram } from './project.mjs'
import { manifestIn, namesIn, packAll, serve, tensorOfTomorrow } from './registry.mjs'

const exec = promisify(execFile)
const folder = join(root, '.cache', 'dist-check')
const programs = join(import.meta.dirname, 'programs')
const only = process.argv.slice(2)
let passed = 0
let failed = 0

async function check(name, body) {
  if (only.length > 0 && !only.some((part) => name.includes(part))) return
  const start = performance.now()
  try {
    await body()
    passed++
    console.log(`  ok    ${name} (${Math.round(performance.now() - start)} ms)`)
  } catch (error) {
    failed++
    console.log(
      `  FAIL  ${name}\n${String(error.stdout ?? '')}${String(error.stderr ?? '')}${error.message ?? error}`.replace(/\n/g, '\n        '),
    )
  }
}

const refuse = (message) => {
  throw new Error(message)
}

/** A package with all that it depends on, by short names. */
function closureOf(short) {
  const all = workspace()
  const found = new Set([short])
  for (const name of found) {
    const { dependencies, peerDependencies } = all.find((pkg) => pkg.short === name).manifest
    for (const dependency of Object.keys({ ...dependencies, ...peerDependencies })) found.add(dependency.replace('@mapgrad/', ''))
  }
  return [...found].sort()
}

/** What one may pick: what is asked of npm, what must then be there, and a program. */
const selections = [
  { pick: ['tensor'], brings: ['kernel', 'tensor'], program: 'no-backend.mjs' },
  { pick: ['tensor', 'backend-cpu'], brings: ['backend-cpu', 'kernel', 'tensor'], program: 'tensor-cpu.mjs' },
  { pick: ['tensor', 'backend-cpu', 'vmap'], brings: ['backend-cpu', 'kernel', 'tensor', 'vmap'], program: 'vmap.mjs' },
  { pick: ['tensor', 'backend-cpu', 'graph'], brings: ['backend-cpu', 'graph', 'kernel', 'tensor'], program: 'graph.mjs' },
  { pick: ['tensor', 'backend-cpu', 'autodiff'], brings: ['autodiff', 'backend-cpu', 'kernel', 'tensor'], program: 'autodiff.mjs' },
  {
    pick: ['tensor', 'backend-cpu', 'backend-testkit'],
    brings: ['autodiff', 'backend-cpu', 'backend-testkit', 'kernel', 'tensor', 'vmap'],
    program: 'testkit.mjs',
    bundled: false,
  },
  // all that it declares, and what that declares
  { pick: ['func'], brings: closureOf('func'), program: 'func.mjs' },
]
// `import` of a package runs no statement but this one, in this file
const onlyEffect = {
  package: '@mapgrad/func',
  file: 'default-device.js',
  statements: [/^setDefaultDevice\(\w+\);$/, /^enableAutograd\(\);$/, /^provideMapping\(.*\);$/],
}

const scoped = (name) => `@mapgrad/${name}`
const packages = workspace().filter(({ kind }) => kind === 'package')
const unbuilt = packages.filter(({ dir }) => !existsSync(join(dir, 'dist')))
if (unbuilt.length > 0) {
  console.error(`not built: ${unbuilt.map(({ name }) => name).join(', ')}; run \`turbo run build\``)
  process.exit(1)
}

rmSync(folder, { recursive: true, force: true })
const tarballs = packAll(join(folder, 'tarballs'))
const registry = await serve(tarballs)
const onNodes = await nodes()
console.log(`${tarballs.length} packages packed; programs run on ${onNodes.map(({ name }) => name).join(' and ')}`)

for (const { name, file } of tarballs) {
  await check(`${name}: what is in the package`, () => {
    const names = namesIn(file)
    const { exports, dependencies, peerDependencies, bin } = manifestIn(file)
    for (const wanted of ['LICENSE', 'README.md', 'package.json', 'dist/index.js', 'dist/index.d.ts', 'src/index.ts']) {
      if (!names.includes(wanted)) refuse(`has no ${wanted}`)
    }
    const stray = names.filter((path) => /\.test\.|tsbuildinfo|node_modules|^test\/|^\.cache/.test(path))
    if (stray.length > 0) refuse(`ships ${stray.join(', ')}`)
    if (JSON.stringify(exports).includes(sourceCondition)) refuse(`publishes the condition ${sourceCondition}`)
    for (const path of Object.values(bin ?? {})) if (!names.includes(path.replace(/^\.\//, ''))) refuse(`bin ${path} is not there`)
    for (const [dependency, range] of Object.entries({ ...dependencies, ...peerDependencies })) {
      if (dependency.startsWith('@mapgrad/') && !/^\^\d+\.\d+\.\d+$/.test(range)) refuse(`asks for ${dependency} as "${range}"`)
    }
  })
  await check(`${name}: publint`, () => exec('publint', ['run', file, '--strict']))
  await check(`${name}: attw`, () => exec('attw', [file, '--profile', 'esm-only']))
}

for (const { pick, brings, program } of selections) {
  const name = pick.join(' + ')
  await check(`${name}: install and run`, async () => {
    const project = emptyProject(join(folder, program.replace('.mjs', '')), registry.url)
    await npmInstall(project, pick.map(scoped))
    const there = installed(project)
    if (String(there) !== String(brings)) refuse(`the install brought ${there.join(', ')}, and not ${brings.join(', ')}`)
    for (const node of onNodes) {
      const { ok, output } = await runProgram(node.path, project, join(programs, program))
      if (!ok || output.trim() !== 'ok') refuse(`on ${node.name}:\n${output}`)
    }
  })
}

await check('two incompatible copies of tensor: refused by name', async () => {
  const tensor = tarballs.find(({ name }) => name === scoped('tensor'))
  const next = tensorOfTomorrow(tensor, join(folder, 'next'))
  const both = await serve([...tarballs, next])
  try {
    const project = emptyProject(join(folder, 'two-copies'), both.url)
    await npmInstall(project, [`${next.name}@${next.version}`, scoped('func')])
    const sentence =
      /two incompatible copies of @mapgrad\/tensor are loaded: (\S+) \(protocol \d+\) from (\S+) and (\S+) \(protocol \d+\) from (\S+); run `npm ls @mapgrad\/tensor`/
    for (const node of onNodes) {
      const { ok, output } = await runProgram(node.path, project, join(programs, 'two-copies.mjs'))
      if (ok) refuse(`the program ran on ${node.name}:\n${output}`)
      const [said, version1, path1, version2, path2] =
        sentence.exec(output) ?? refuse(`not the sentence that names both copies:\n${output}`)
      if (String([version1, version2].sort()) !== String([tensor.version, next.version]) || path1 === path2)
        refuse(`names the wrong copies: ${said}`)
    }
  } finally {
    await both.close()
  }
})

const everything = emptyProject(join(folder, 'everything'), registry.url)
await npmInstall(
  everything,
  packages.map(({ name }) => name),
)

// TypeScript of today, and the oldest that reads the declarations
const compilers = [
  ['TypeScript', 'tsc', []],
  ['the oldest TypeScript', process.execPath, [join(import.meta.dirname, 'node_modules', 'typescript', 'bin', 'tsc')]],
]
for (const [resolution, module, [compiler, command, first]] of [
  ...compilers.map((c) => ['nodenext', 'nodenext', c]),
  ...compilers.map((c) => ['bundler', 'esnext', c]),
]) {
  await check(`declarations: a user of ${compiler}, lib es2022, skipLibCheck off, moduleResolution ${resolution}`, async () => {
    cpSync(join(import.meta.dirname, 'consumer.ts'), join(everything, 'consumer.ts'))
    const compilerOptions = {
      target: 'es2022',
      lib: ['es2022'],
      types: [],
      module,
      moduleResolution: resolution,
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: false,
      noEmit: true,
    }
    writeFileSync(join(everything, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['consumer.ts'] }))
    await exec(command, [...first, '-p', everything])
  })
}

for (const { name, manifest } of packages) {
  await check(`${name}: importing it runs nothing`, async () => {
    for (const [subpath] of entriesOf(manifest)) {
      const specifier = name + subpath.slice(1)
      for (const bundler of bundlerNames) {
        const external = new RegExp(`^node:|${onlyEffect.file.replace('.', '\\.')}$`)
        const left = statementsOf(
          await bundle(bundler, everything, `import ${JSON.stringify(specifier)}\n`, { ignoreFlags: true, external }),
        )
        const allowed = left.filter(
          (line) => name === onlyEffect.package && /^import ".*default-device\.js";?$/.test(line.replaceAll("'", '"')),
        )
        if (left.length > allowed.length) refuse(`${bundler} keeps of import '${specifier}':\n${left.slice(0, 30).join('\n')}`)
      }
    }
  })
}

await check(`${onlyEffect.package}: its statements are the only ones`, () => {
  const file = join(everything, 'node_modules', onlyEffect.package, 'dist', onlyEffect.file)
  const statements = statementsOf(readFileSync(file, 'utf8')).filter((line) => !line.startsWith('import '))
  if (statements.length !== onlyEffect.statements.length || !onlyEffect.statements.every((s, i) => s.test(statements[i])))
    refuse(`${onlyEffect.file} runs\n${statements.join('\n')}`)
})

for (const { pick, program, bundled = true } of selections) {
  if (!bundled) continue
  for (const bundler of bundlerNames) {
    await check(`${pick.join(' + ')}: runs when bundled by ${bundler}`, async () => {
      const code = readFileSync(join(programs, program), 'utf8')
      const file = join(everything, `bundled-${bundler}-${program}`)
      writeFileSync(file, await bundle(bundler, everything, code, { minify: true }))
      const { ok, output } = await runFile(onNodes[0].path, everything, file)
      if (!ok || output.trim() !== 'ok') refuse(output)
    })
  }
}

for (const format of ['cjs', 'iife']) {
  await check(`func: runs when bundled as ${format}, which has no import.meta`, async () => {
    const code = `import { grad, tensor } from '@mapgrad/func'\nconsole.log(grad((x) => x.mul(x))(tensor(3)).item() === 6 ? 'ok' : 'wrong')\n`
    const file = join(everything, `bundled-${format}.cjs`)
    writeFileSync(file, await bundle('esbuild', everything, code, { format }))
    const { ok, output } = await runFile(onNodes[0].path, everything, file)
    if (!ok || output.trim() !== 'ok') refuse(output)
  })
}

await check('files that a package names by their place are there', () => {
  for (const { name } of packages) {
    // webpack looks for these while it bundles; packages for Node alone are not bundled
    if (nodeOnly.has(name.replace('@mapgrad/', ''))) continue
    const dist = join(everything, 'node_modules', name, 'dist')
    for (const script of readdirSync(dist).filter((path) => path.endsWith('.js'))) {
      const text = readFileSync(join(dist, script), 'utf8')
      for (const [, path] of text.matchAll(/new URL\('([^']*)', import\.meta\.url\)/g))
        if (!existsSync(join(dist, path))) refuse(`${name}/dist/${script} names ${path}`)
    }
  }
})

const executable = findChromium()
// one that was found by chance may be no more than a stub
const chromium = await (executable && browser(executable))?.catch((error) => {
  if (process.env.MAPGRAD_CHROMIUM) throw error
  console.log(`  skip  in a browser: ${executable} cannot be used: ${String(error).split('\n')[0]}`)
  return null
})
if (chromium === undefined) console.log('  skip  in a browser: no Chromium or Chrome is installed here (MAPGRAD_CHROMIUM names one)')
if (chromium) {
  const script = new Map()
  for (const name of bundlerNames)
    script.set(name, await bundle(name, everything, readFileSync(join(programs, 'browser.mjs'), 'utf8'), { minify: true }))
  const inPage = (what, name, options = {}, interpreted = false) =>
    check(`in Chromium ${chromium.version}: ${what}`, async () => {
      const { answer, said, isolated } = await chromium.run(script.get(name), options)
      const warned = said.length === 1 && /WebAssembly is refused here/.test(said[0])
      if (answer !== 'ok' || (interpreted ? !warned : said.length > 0)) refuse([answer, ...said].join('\n'))
      if (options.headers === policies['cross-origin isolation'] && !isolated) refuse('the page is not isolated')
    })
  for (const name of bundlerNames) await inPage(`bundled by ${name}`, name)
  await inPage('in a worker', 'esbuild', { worker: true })
  await inPage('under a strict policy, by the interpreter', 'esbuild', { headers: policies['a strict policy'] }, true)
  await inPage("under a strict policy with 'wasm-unsafe-eval'", 'esbuild', { headers: policies["a strict policy with 'wasm-unsafe-eval'"] })
  await inPage('isolated from other origins', 'esbuild', { headers: policies['cross-origin isolation'] })
  await chromium.close()
}

await registry.close()
console.log(`${passed} checks passed, ${failed} failed`)
process.exit(failed > 0 ? 1 : 0)
