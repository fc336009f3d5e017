// Runs every ```ts block of README.md, docs/ and packages/*/README.md against the sources, after type-checking them all.
//
// A ```text block that follows, or that `<!-- prints -->` precedes, is what the block must print, exactly.
// `<!-- continues -->` before a block: it goes on where the block before it stopped. `<!-- no-run: reason -->`: it is not run.
import { execFile, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import { filesBelow, root, sourceCondition, workspace } from './workspace.mjs'

const run = promisify(execFile)

/** The blocks of a Markdown text: `{ line, code, continues, noRun, prints }`. */
export function blocksOf(markdown) {
  const blocks = []
  const lines = markdown.split('\n')
  let notes = []
  let adjacent = false
  for (let i = 0; i < lines.length; i++) {
    const fence = /^(`{3,})(\w*)/.exec(lines[i])
    if (!fence) {
      const note = /^<!--\s*(.*?)\s*-->$/.exec(lines[i].trim())
      if (note) notes.push(note[1])
      else if (lines[i].trim() !== '') {
        notes = []
        adjacent = false
      }
      continue
    }
    const [, ticks, language] = fence
    const start = i + 1
    while (++i < lines.length && lines[i].trim() !== ticks);
    const code = lines.slice(start, i).join('\n')
    if (language === 'ts') {
      const noRun = notes.find((note) => note.startsWith('no-run'))
      blocks.push({
        line: start,
        code,
        continues: notes.includes('continues'),
        noRun: noRun && (noRun.replace(/^no-run:?\s*/, '') || 'no reason given'),
        prints: undefined,
      })
    } else if (language === 'text' && blocks.length > 0 && (adjacent || notes.includes('prints'))) {
      blocks.at(-1).prints = code
    }
    adjacent = language === 'ts'
    notes = []
  }
  return blocks
}

const marker = '\u0001 here the block begins'

/** The program of block `i`: the blocks that it continues, then itself; what they print ends with the marker. */
export function programOf(blocks, i) {
  let first = i
  while (first > 0 && blocks[first].continues) first--
  const before = blocks.slice(first, i).map(({ code }) => code)
  return [...before, ...(first < i ? [`console.log(${JSON.stringify(marker)})`] : []), blocks[i].code, 'export {}', ''].join('\n')
}

/** What the block itself printed. */
export function ownOutput(stdout) {
  const at = stdout.lastIndexOf(marker)
  return (at < 0 ? stdout : stdout.slice(at + marker.length + 1)).trimEnd()
}

async function main() {
  const isMarkdown = (name) => name.endsWith('.md')
  const pages = [
    join(root, 'README.md'),
    ...filesBelow(join(root, 'docs'), isMarkdown),
    ...workspace().map(({ dir }) => join(dir, 'README.md')),
  ].filter(existsSync)
  const only = process.argv.slice(2)
  const folder = join(root, '.cache', 'doc-blocks')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })

  const jobs = []
  const left = []
  for (const page of pages) {
    const path = relative(root, page)
    if (only.length > 0 && !only.some((part) => path.startsWith(part))) continue
    const blocks = blocksOf(readFileSync(page, 'utf8'))
    blocks.forEach((block, i) => {
      const where = `${path}:${block.line}`
      if (block.noRun) return left.push(`${where} is not run: ${block.noRun}`)
      const file = join(folder, `${path.replace(/[/.]/g, '-')}-${block.line}.ts`)
      writeFileSync(file, programOf(blocks, i))
      jobs.push({ where, file, prints: block.prints })
    })
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n')
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: '../../tsconfig.test.json',
      compilerOptions: { noUnusedLocals: false, noUnusedParameters: false },
      files: ['../../tooling/test-env.d.ts'],
      include: ['*.ts'],
    }),
  )
  if (jobs.length > 0 && spawnSync('tsc', ['-p', folder], { stdio: 'inherit', cwd: root }).status !== 0) process.exit(1)

  let failures = 0
  const work = async () => {
    for (let job = jobs.shift(); job; job = jobs.shift()) {
      const fail = (what) => {
        failures++
        console.error(`${job.where}: ${what}\n`)
      }
      try {
        const { stdout } = await run('node', ['-C', sourceCondition, job.file], { cwd: folder, timeout: 60_000 })
        const printed = ownOutput(stdout)
        if (job.prints !== undefined && printed !== job.prints.trimEnd()) fail(`should print\n${job.prints}\nbut prints\n${printed}`)
      } catch (error) {
        fail(error.stderr || error.message)
      }
    }
  }
  const total = jobs.length
  const compared = jobs.filter(({ prints }) => prints !== undefined).length
  await Promise.all([work(), work()])
  for (const line of left) console.log(line)
  console.log(
    `${pages.length} pages, ${total} blocks run, ${compared} with their output compared, ${left.length} not run, ${failures} failed`,
  )
  process.exitCode = failures > 0 ? 1 : 0
}

if (import.meta.filename === process.argv[1]) await main()
