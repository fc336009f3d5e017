// Links between the pages of this repository lead to files and headings that are there.
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { filesBelow, root, workspace } from '../workspace.mjs'

const isMarkdown = (name) => name.endsWith('.md')
const pages = [
  ...['README.md', 'CONTRIBUTING.md'].map((name) => join(root, name)),
  ...filesBelow(join(root, 'docs'), isMarkdown),
  ...workspace().map(({ dir }) => join(dir, 'README.md')),
].filter((path) => existsSync(path))

/** What a page says outside of fenced code. */
export const prose = (text) => text.replace(/^(`{3,}).*?^\1$/gms, '')

/** The name by which GitHub links to a heading. */
export const anchorOf = (heading) =>
  heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/[`*]/g, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-')

const anchorsIn = (text) => {
  const seen = new Map()
  return [...prose(text).matchAll(/^#{1,6} (.*)$/gm)].map(([, heading]) => {
    const anchor = anchorOf(heading)
    const times = seen.get(anchor) ?? 0
    seen.set(anchor, times + 1)
    return times === 0 ? anchor : `${anchor}-${times}`
  })
}

/** Where a package's README, which is read on its own, finds the pages of this repository. */
const published = 'https://github.com/mapgrad/mapgrad/blob/main/'

/** The links of a page that lead nowhere. */
export function deadLinks(page, text = readFileSync(page, 'utf8')) {
  return [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link]) => {
    const here = link.startsWith(published)
    if (/^[a-z]+:/.test(link) && !here) return []
    const [path, anchor] = (here ? link.slice(published.length) : link).split('#')
    const target = path === '' ? page : resolve(here ? root : dirname(page), path)
    if (!existsSync(target)) return [link]
    if (anchor === undefined || !isMarkdown(target) || statSync(target).isDirectory()) return []
    return anchorsIn(target === page ? text : readFileSync(target, 'utf8')).includes(anchor) ? [] : [link]
  })
}

describe('links', () => {
  it('finds those that lead nowhere', () => {
    const page = join(root, 'README.md')
    const text = [
      '# A `b`, c',
      '## A `b`, c',
      '[x](#a-b-c) [y](#a-b-c-1) [z](#a-b-c-2) [file](nowhere.md) [out](https://example.com)',
      `[own](${published}gone.md) [docs](${published}docs/README.md#guide)`,
      '```',
      '[code](gone.md)',
      '```',
    ].join('\n')
    expect(deadLinks(page, text)).toEqual(['#a-b-c-2', 'nowhere.md', `${published}gone.md`])
  })

  it.each(pages.map((page) => [relative(root, page), page]))('%s', (_, page) => {
    expect(deadLinks(page)).toEqual([])
  })

  it('every page of the guide and of the transforms can be reached from the index', () => {
    const index = readFileSync(join(root, 'docs', 'README.md'), 'utf8')
    const linked = new Set([...index.matchAll(/\]\(([^)#\s]+)/g)].map(([, link]) => link))
    const all = filesBelow(join(root, 'docs'), isMarkdown).map((path) => relative(join(root, 'docs'), path).replaceAll('\\', '/'))
    const inIndex = all.filter((path) => path !== 'README.md' && !/^(reference|adr)\/./.test(path))
    expect(inIndex.filter((path) => !linked.has(path))).toEqual([])
  })
})
