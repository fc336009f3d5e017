// Writes docs/reference: every public name of every package with its docstring, one page an entry point.
// `--check` writes nothing: it fails if a page is stale or a public name has no docstring.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Application, ReflectionKind } from 'typedoc'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '..', '..')
const out = join(root, 'docs', 'reference')
const check = process.argv.includes('--check')

/** What users import, lowest floor first. */
const entries = [
  ['@mapgrad/func', 'packages/func/src/index.ts'],
  ['@mapgrad/func/dim', 'packages/func/src/dim.ts'],
  ['@mapgrad/tensor', 'packages/tensor/src/index.ts'],
  ['@mapgrad/tensor/distributions', 'packages/tensor/src/distributions.ts'],
  ['@mapgrad/tensor/plugin', 'packages/tensor/src/plugin.ts'],
  ['@mapgrad/autodiff', 'packages/autodiff/src/index.ts'],
  ['@mapgrad/autodiff/plugin', 'packages/autodiff/src/plugin.ts'],
  ['@mapgrad/vmap', 'packages/vmap/src/index.ts'],
  ['@mapgrad/vmap/dim', 'packages/vmap/src/dim.ts'],
  ['@mapgrad/vmap/plugin', 'packages/vmap/src/plugin.ts'],
  ['@mapgrad/graph', 'packages/graph/src/index.ts'],
  ['@mapgrad/graph/plugin', 'packages/graph/src/plugin.ts'],
  ['@mapgrad/backend-cpu', 'packages/backend-cpu/src/index.ts'],
  ['@mapgrad/backend-testkit', 'packages/backend-testkit/src/index.ts'],
  ['@mapgrad/kernel', 'packages/kernel/src/index.ts'],
]

const app = await Application.bootstrap({
  entryPoints: entries.map(([, file]) => join(root, file)),
  tsconfig: join(here, 'tsconfig.json'),
  skipErrorChecking: true,
  logLevel: 'Error',
  excludeExternals: false,
  excludePrivate: true,
  excludeProtected: true,
  disableSources: false,
  sourceLinkTemplate: '{path}#{line}',
  gitRevision: 'main',
  disableGit: true,
  basePath: root,
})
const project = await app.convert()
if (!project) process.exit(1)

const text = (comment) =>
  comment
    ? [
        ...comment.summary,
        ...(comment.blockTags ?? []).flatMap((t) => [{ text: ` ${t.tag === '@throws' ? 'Raises' : t.tag.slice(1)} ` }, ...t.content]),
      ]
        .map((p) => p.text)
        .join('')
        .trim()
    : ''
const target = (r) => (r.kind === ReflectionKind.Reference ? (r.tryGetTargetReflectionDeep() ?? r) : r)
const docOf = (r) =>
  text(r.comment) ||
  (r.signatures ?? []).map((s) => text(s.comment)).find(Boolean) ||
  text(r.type?.declaration?.comment) ||
  (r.type?.declaration?.signatures ?? []).map((s) => text(s.comment)).find(Boolean) ||
  ''
const signatures = (r) => {
  const all = r.signatures ?? r.type?.declaration?.signatures
  if (!all) return []
  return all.map((s) =>
    `${r.name}(${(s.parameters ?? [])
      .filter((p) => String(p.type) !== 'End')
      .map((p) => `${p.flags.isRest ? '...' : ''}${p.name}${p.flags.isOptional || p.defaultValue ? '?' : ''}: ${p.type}`)
      .join(', ')}): ${s.type}`.replaceAll(/\s+/g, ' '),
  )
}
const group = (r) =>
  r.kind & (ReflectionKind.Function | ReflectionKind.Variable)
    ? 'Functions and values'
    : r.kind & ReflectionKind.Class
      ? 'Classes'
      : r.kind & ReflectionKind.Namespace
        ? 'Namespaces'
        : 'Types'

const pages = new Map()
const undocumented = []
const index = []
for (const [name, file] of entries) {
  const module =
    project.children.find((c) => c.sources?.[0]?.fileName === file) ??
    project.children.find((c) => file.includes(`packages/${c.name.replace(/^packages\//, '').replace('/src', '/src')}`))
  if (!module) throw new Error(`typedoc found no module for ${file}`)
  const members = module.children.map((r) => [r.name, target(r)]).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const lines = [`# \`${name}\``, '', '<!-- written by tooling/reference from the docstrings; change those -->', '']
  for (const heading of ['Functions and values', 'Classes', 'Namespaces', 'Types']) {
    const some = members.filter(([, r]) => group(r) === heading)
    if (some.length === 0) continue
    lines.push(`## ${heading}`, '')
    for (const [exported, r] of some) {
      const doc = docOf(r)
      if (!doc) undocumented.push(`${name}: ${exported} (${r.sources?.[0]?.fileName ?? file})`)
      const source = r.sources?.[0]
      const link = source ? ` · [source](${relative(out, join(root, source.fileName)).replaceAll('\\', '/')})` : ''
      lines.push(`### ${exported}`, '', `${doc}${link}`, '')
      const calls = signatures(r).slice(0, 4)
      if (calls.length) lines.push('```', ...calls.map((c) => (c.length > 400 ? `${c.slice(0, 400)}…` : c)), '```', '')
      if (heading === 'Namespaces') {
        const inside = (r.children ?? []).map((m) => [m.name, docOf(target(m))])
        lines.push(...inside.map(([member, text]) => `- \`${exported}.${member}\`${text && `: ${text}`}`), '')
      }
      if (heading === 'Classes') {
        const methods = (r.children ?? []).filter(
          (m) =>
            m.kind & (ReflectionKind.Method | ReflectionKind.Property | ReflectionKind.Accessor) &&
            !m.name.startsWith('~') &&
            !m.name.startsWith('#') &&
            !m.name.startsWith('['),
        )
        lines.push(methods.map((m) => `\`${m.name}\``).join(' '), '')
      }
    }
  }
  const page = `${name.replace('@mapgrad/', '').replace('/', '-')}.md`
  pages.set(
    page,
    `${lines
      .join('\n')
      .replaceAll(/\n{3,}/g, '\n\n')
      .trimEnd()}\n`,
  )
  index.push(`| [\`${name}\`](${page}) | ${members.length} |`)
}
pages.set(
  'README.md',
  `# Reference\n\nEvery public name, from the docstrings in the sources.\n\n| import | names |\n| --- | --: |\n${index.join('\n')}\n`,
)

if (undocumented.length) {
  console.error(`public names without a docstring:\n  ${undocumented.join('\n  ')}`)
  process.exitCode = 1
}
if (check) {
  const stale = [...pages].filter(([page, content]) => !existsSync(join(out, page)) || readFileSync(join(out, page), 'utf8') !== content)
  if (stale.length) {
    console.error(`stale pages in docs/reference: ${stale.map(([p]) => p).join(', ')}; run \`pnpm reference\``)
    process.exitCode = 1
  } else console.log(`${pages.size} pages are up to date`)
} else {
  rmSync(out, { recursive: true, force: true })
  mkdirSync(out, { recursive: true })
  for (const [page, content] of pages) writeFileSync(join(out, page), content)
  console.log(`wrote ${pages.size} pages`)
}
