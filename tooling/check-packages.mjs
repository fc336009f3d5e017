// The rules of CONTRIBUTING.md that a machine can hold: direction of imports, declared dependencies, no cycles between
// files, file length, and words that do not belong in a source. Prints every violation; exits 1 if there is one.
import { existsSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { parseSync } from 'rolldown/utils'
import { filesBelow, floorOf, nodeOnly, root, scope, sourceCondition, testkit, versionLine, workspace } from './workspace.mjs'

const maxLines = 400
/** Ops name each other in their rules (the transpose of sum is expand, and the other way round), inside functions. */
const mayRefer = (path) => path.startsWith('packages/tensor/src/ops/')
const isSource = (name) => /\.[mc]?ts$/.test(name)
const isCode = (name) => /\.(ts|mts|mjs|js)$/.test(name)

/** Why `from` may not import `to` (short names), or undefined. */
export function directionFault(from, to) {
  if (from === to) return undefined
  if (from === testkit.name) {
    return testkit.mayImport.includes(to) ? undefined : `${from} may import only ${testkit.mayImport.join(', ')}`
  }
  if (to === testkit.name) return `only apps and tests may import ${testkit.name}`
  const [a, b] = [floorOf(from), floorOf(to)]
  if (a === undefined) return `${from} has no floor: give it one in tooling/workspace.mjs`
  if (b === undefined) return `${to} has no floor: give it one in tooling/workspace.mjs`
  return b < a ? undefined : `${from} (floor ${a}) may import only from lower floors, and ${to} is on floor ${b}`
}

/** Runs `visit(node, inFunction)` on every node; `inFunction`: it does not run when the module loads. */
function walk(node, visit, inFunction = false) {
  if (node === null || typeof node !== 'object') return
  if (Array.isArray(node)) {
    for (const child of node) walk(child, visit, inFunction)
    return
  }
  if (node.type) visit(node, inFunction)
  const isMember = node.type === 'MethodDefinition' || (node.type === 'PropertyDefinition' && !node.static)
  for (const key in node) {
    const later =
      inFunction || node.type === 'FunctionDeclaration' || node.type === 'FunctionExpression' || node.type === 'ArrowFunctionExpression'
    walk(node[key], visit, later || (isMember && key === 'value'))
  }
}

/**
 * What a file imports: the specifier, its line, whether only types are imported, and whether what is imported is used
 * while the module loads (`now`) or only inside functions.
 */
export function importsOf(path, text) {
  const { program, errors } = parseSync(path, text)
  if (errors.length > 0) throw new Error(`${path}: ${errors[0].message}`)
  const found = []
  const byName = new Map()
  const lineAt = (offset) => text.slice(0, offset).split('\n').length
  const add = (node, { typeOnly = false, now = false } = {}) => {
    if (node.source?.type !== 'Literal') return undefined
    found.push({ specifier: node.source.value, line: lineAt(node.start), typeOnly, now })
    return found.at(-1)
  }
  walk(program, (node) => {
    switch (node.type) {
      case 'ImportDeclaration': {
        const entry = add(node, { typeOnly: node.importKind === 'type', now: node.specifiers.length === 0 })
        for (const { local, importKind } of node.specifiers) if (importKind !== 'type') byName.set(local.name, entry)
        break
      }
      case 'ExportNamedDeclaration':
      case 'ExportAllDeclaration':
        add(node, { typeOnly: node.exportKind === 'type' })
        break
      case 'ImportExpression':
        add(node, { now: true })
        break
      case 'TSImportType':
        add(node, { typeOnly: true })
        break
    }
  })
  const statements = program.body.filter(({ type, source }) => type !== 'ImportDeclaration' && !source)
  walk(statements.map(withoutTypes), (node, inFunction) => {
    if (node.type === 'Identifier' && !inFunction && byName.has(node.name)) byName.get(node.name).now = true
  })
  return found
}

/** The tree without type annotations, property names and the names of an export list, which use nothing. */
function withoutTypes(node) {
  if (node === null || typeof node !== 'object') return node
  if (Array.isArray(node)) return node.map(withoutTypes)
  const wraps = ['TSAsExpression', 'TSSatisfiesExpression', 'TSNonNullExpression', 'TSTypeAssertion', 'TSInstantiationExpression']
  if (wraps.includes(node.type)) return withoutTypes(node.expression)
  if (node.type?.startsWith('TS') || node.type === 'ExportSpecifier') return null
  const plain = {}
  for (const key in node) {
    const isName =
      (key === 'key' && !node.computed && !node.shorthand) || (key === 'property' && node.type === 'MemberExpression' && !node.computed)
    if (!isName) plain[key] = withoutTypes(node[key])
  }
  return plain
}

/** The knots of a graph `file → files`: the sets of files that reach each other (Tarjan). */
export function knotsOf(edges) {
  const index = new Map()
  const low = new Map()
  const stack = []
  const knots = []
  const visit = (file) => {
    index.set(file, index.size)
    low.set(file, index.get(file))
    stack.push(file)
    for (const next of edges.get(file) ?? []) {
      if (!index.has(next)) visit(next)
      if (stack.includes(next)) low.set(file, Math.min(low.get(file), low.get(next)))
    }
    if (low.get(file) !== index.get(file)) return
    const knot = stack.splice(stack.indexOf(file))
    if (knot.length > 1 || edges.get(file)?.includes(file)) knots.push(knot)
  }
  for (const file of edges.keys()) if (!index.has(file)) visit(file)
  return knots
}

/** A shortest way in a graph `from → … → to`, of at least one step. */
export function wayFrom(from, to, edges) {
  const ways = [[from]]
  const seen = new Set()
  for (const way of ways) {
    for (const next of edges.get(way.at(-1)) ?? []) {
      if (next === to) return [...way, next]
      if (!seen.has(next)) ways.push([...way, next])
      seen.add(next)
    }
  }
  return undefined
}

/** Says what is wrong with the knots of a package, whose imports are given as `file → [{ target, now, line }]`. */
function checkCycles(pkg, imports, packages, report) {
  const edges = new Map([...imports].map(([file, list]) => [file, list.map(({ target }) => target)]))
  const short = (file) => relative(join(pkg.dir, 'src'), file)
  for (const knot of knotsOf(edges)) {
    const inside = new Set(knot)
    const where = (file) => relative(packages.top, file)
    const outsider = knot.find((file) => !mayRefer(where(file)))
    if (outsider) {
      const way = wayFrom(outsider, outsider, edges)
      report(where(way[0]), `import cycle: ${way.map(short).join(' → ')} (break it, or import only types)`)
      continue
    }
    for (const file of knot) {
      for (const { target, now, line } of imports.get(file)) {
        if (!now || !inside.has(target)) continue
        const back = wayFrom(target, file, edges).map(short).join(' → ')
        report(
          `${where(file)}:${line}`,
          `uses ${short(target)} while it loads, which imports it back (${back}): refer to it only inside functions`,
        )
      }
    }
  }
}

function checkManifest(pkg, packages, report) {
  const { manifest, short } = pkg
  const where = relative(packages.top, join(pkg.dir, 'package.json'))
  const groups = ['dependencies', 'peerDependencies', 'devDependencies', 'optionalDependencies']
  for (const group of groups) {
    for (const [name, range] of Object.entries(manifest[group] ?? {})) {
      if (!name.startsWith(scope)) {
        const optionalPeer = group === 'peerDependencies' && manifest.peerDependenciesMeta?.[name]?.optional
        if (pkg.kind === 'package' && group !== 'devDependencies' && !optionalPeer) {
          report(where, `${group} has ${name}: a published package has no run-time dependency outside ${scope}*`)
        }
        if (range !== 'catalog:' && group !== 'peerDependencies')
          report(where, `${group}.${name} is "${range}": versions stand in the catalog`)
        continue
      }
      if (range !== 'workspace:^') report(where, `${group}.${name} is "${range}", and must be "workspace:^"`)
      const fault = pkg.kind === 'package' && directionFault(short, name.slice(scope.length))
      if (fault) report(where, `${group} has ${name}: ${fault}`)
    }
  }
  for (const name of Object.keys(manifest.peerDependencies ?? {})) {
    if (name.startsWith(scope) && !manifest.devDependencies?.[name]) {
      report(where, `the peer ${name} must be a devDependency too, so that it is linked here`)
    }
  }
}

function checkPublished(pkg, packages, report) {
  const { manifest } = pkg
  const where = relative(packages.top, join(pkg.dir, 'package.json'))
  const expect = (holds, what) => holds || report(where, what)
  expect(manifest.type === 'module', '"type" must be "module"')
  expect(manifest.license === 'MIT' && existsSync(join(pkg.dir, 'LICENSE')), 'needs "license": "MIT" and a LICENSE file')
  expect(manifest.repository?.directory === relative(packages.top, pkg.dir), '"repository.directory" must be the package folder')
  expect(manifest.keywords?.length > 0, 'needs "keywords"')
  expect(
    manifest.publishConfig?.access === 'public' && manifest.publishConfig?.provenance === true,
    '"publishConfig" must say access public, provenance true',
  )
  expect(manifest.exports?.['./package.json'], '"exports" must have "./package.json"')
  expect(!manifest.scripts?.postinstall && !manifest.scripts?.install && !manifest.scripts?.preinstall, 'ships an install script')
  const published = JSON.parse(JSON.stringify(manifest.exports ?? {}, (key, value) => (key === sourceCondition ? undefined : value)))
  expect(
    isDeepStrictEqual(manifest.publishConfig?.exports, published),
    `"publishConfig.exports" must be "exports" without ${sourceCondition}`,
  )
}

function checkImport(pkg, file, found, packages, report) {
  const { specifier, line } = found
  const at = `${relative(packages.top, file)}:${line}`
  const inSource = relative(pkg.dir, file).startsWith('src')
  if (specifier.startsWith('.')) {
    const target = resolve(dirname(file), specifier)
    if (relative(pkg.dir, target).startsWith('..') && !target.startsWith(join(packages.top, 'tooling'))) {
      report(at, `imports ${specifier}, a file of another package: import the package by its name`)
    } else if (isSource(file) && !/\.[a-z]+$/.test(specifier)) {
      report(at, `imports ${specifier} without its extension: write the .ts`)
    }
    return
  }
  if (isBuiltin(specifier)) {
    if (pkg.kind === 'package' && inSource && !nodeOnly.has(pkg.short)) report(at, `imports ${specifier}: packages run outside Node too`)
    return
  }
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
  if (name.startsWith(scope)) {
    const subpath = `.${specifier.slice(name.length)}`
    const target = packages.byName.get(name)
    if (!target) report(at, `imports ${name}, which is not a package here`)
    else if (target.kind === 'package' && !target.manifest.exports?.[subpath])
      report(at, `imports ${specifier}: ${name} does not export "${subpath}"`)
    const fault = pkg.kind === 'package' && inSource && directionFault(pkg.short, name.slice(scope.length))
    if (fault) return report(at, `imports ${name}: ${fault}`)
    if (pkg.name === name && inSource) report(at, `imports its own package by name: use a relative path`)
  }
  if (inSource) {
    const { dependencies, peerDependencies } = pkg.manifest
    if (!dependencies?.[name] && !peerDependencies?.[name] && name !== pkg.name) {
      report(at, `imports ${name}, which ${pkg.name} does not declare as a dependency or a peer`)
    }
    pkg.used.add(name)
  }
}

const forbidden = [
  [/\bas any\b(?!\s*[,}])/, 'casts to any'],
  [/@ts-(ignore|nocheck)\b/, 'silences the compiler: use @ts-expect-error with a reason'],
  [/\b(TODO|FIXME|XXX)\b(?!.*#\d)/, 'has a TODO without an issue number (#12)'],
  [/\b(it|test|describe|suite|bench)(\.\w+)*\.(skip|only|todo)\b/, 'skips a test or runs only one'],
  [/\bArray\.fromAsync\b|\bObject\.groupBy\b|\bPromise\.withResolvers\b/, 'uses what Node 20 lacks', /^packages\/[^/]+\/src\//],
  [/^\s*(await )?using \w/, 'uses `using`, which Node 20 lacks: dispose in finally', /^packages\/[^/]+\/src\//],
]

function checkWords(path, text, report) {
  text.split('\n').forEach((line, i) => {
    for (const [pattern, what, only] of forbidden) {
      if (pattern.test(line) && (!only || only.test(path))) report(`${path}:${i + 1}`, `${what}: ${line.trim().slice(0, 80)}`)
    }
  })
}

/** Checks the workspace at `top`; returns `{ problems, files }`. */
export function checkWorkspace(top = root) {
  const list = workspace(top).map((pkg) => ({ ...pkg, used: new Set() }))
  const packages = { top, list, byName: new Map(list.map((pkg) => [pkg.name, pkg])) }
  const problems = []
  const report = (where, what) => problems.push(`${where}: ${what}`)
  let count = 0

  for (const pkg of list) {
    checkManifest(pkg, packages, report)
    if (pkg.kind === 'package') checkPublished(pkg, packages, report)
    const within = new Map()
    const sources = filesBelow(join(pkg.dir, 'src'), isCode)
    for (const file of [...sources, ...['test', 'bench'].flatMap((folder) => filesBelow(join(pkg.dir, folder), isCode))]) {
      const text = readFileSync(file, 'utf8')
      const inSource = sources.includes(file)
      const path = relative(top, file)
      count++
      checkWords(path, text, report)
      const lines = text.trimEnd().split('\n').length
      if (inSource && lines > maxLines) report(path, `has ${lines} lines; at most ${maxLines}: one family or one interpreter a file`)
      const stated = inSource && versionLine.exec(text)?.[2]
      if (stated && stated !== pkg.manifest.version) report(path, `states version ${stated}, and package.json ${pkg.manifest.version}`)
      const imports = importsOf(file, text)
      for (const found of imports) checkImport(pkg, file, found, packages, report)
      if (inSource) {
        const local = imports.filter(({ specifier, typeOnly }) => specifier.startsWith('.') && !typeOnly)
        within.set(
          file,
          local.map(({ specifier, ...rest }) => ({ ...rest, target: resolve(dirname(file), specifier) })),
        )
      }
    }
    checkCycles(pkg, within, packages, report)
    if (pkg.kind === 'package' && sources.length > 0) {
      for (const name of Object.keys({ ...pkg.manifest.dependencies, ...pkg.manifest.peerDependencies })) {
        if (name.startsWith(scope) && !pkg.used.has(name))
          report(relative(top, join(pkg.dir, 'package.json')), `declares ${name} and never imports it`)
      }
    }
  }
  return { problems, files: count, packages: list.length }
}

if (import.meta.filename === process.argv[1]) {
  const { problems, files, packages } = checkWorkspace()
  for (const problem of problems) console.error(problem)
  console.log(
    problems.length > 0
      ? `${problems.length} problems in ${files} files`
      : `${packages} packages, ${files} files: all imports go down, no cycles`,
  )
  process.exitCode = problems.length > 0 ? 1 : 0
}
