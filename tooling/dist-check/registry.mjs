// Packs every package and serves the tarballs to npm from this machine, so that an install in an empty project resolves
// names and ranges as it will when they are published, and can get nothing else.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { readJson, root, workspace } from '../workspace.mjs'

const { packageManager } = readJson(join(root, 'package.json'))

/** Packs all packages into `folder`: `[{ name, version, file }]`. */
export function packAll(folder) {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  return workspace()
    .filter(({ kind }) => kind === 'package')
    .map(({ dir, name, manifest }) => {
      execFileSync('npx', ['--yes', packageManager, 'pack', '--pack-destination', folder], {
        cwd: dir,
        stdio: ['ignore', 'ignore', 'inherit'],
      })
      const file = join(folder, `${name.slice(1).replace('/', '-')}-${manifest.version}.tgz`)
      return { name, version: manifest.version, file }
    })
}

export const manifestIn = (tarball) => JSON.parse(execFileSync('tar', ['-xzOf', tarball, 'package/package.json'], { encoding: 'utf8' }))

export const namesIn = (tarball) =>
  execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((path) => path.replace(/^package\//, ''))

/** A copy of packed `tensor` that will not do with today's: the next minor version, with the next protocol. */
export function tensorOfTomorrow(tarball, folder) {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  execFileSync('tar', ['-xzf', tarball.file, '-C', folder])
  const [major, minor] = tarball.version.split('.').map(Number)
  const version = `${major}.${minor + 1}.0`
  const dist = join(folder, 'package', 'dist')
  const scripts = readdirSync(dist).filter((name) => name.endsWith('.js'))
  let patched = 0
  for (const file of [join(folder, 'package', 'package.json'), ...scripts.map((name) => join(dist, name))]) {
    const text = readFileSync(file, 'utf8')
      .replace(/\bPROTOCOL = (\d+);/, (_, protocol) => (patched++, `PROTOCOL = ${Number(protocol) + 1};`))
      .replace(/\bVERSION = '[^']*';/, `VERSION = '${version}';`)
      .replace(/"version": "[^"]*"/, `"version": "${version}"`)
    writeFileSync(file, text)
  }
  if (patched !== 1) throw new Error(`expected one place where dist states its PROTOCOL, found ${patched}`)
  const file = join(folder, `next-${version}.tgz`)
  execFileSync('tar', ['-czf', file, '-C', folder, 'package'])
  return { name: tarball.name, version, file }
}

/** An npm registry on the loopback interface that has these tarballs and nothing else: `{ url, asked, close }`. */
export async function serve(tarballs) {
  const files = new Map()
  const packuments = new Map()
  const asked = []
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, 'http://localhost').pathname).slice(1)
    const file = files.get(path)
    if (file) return response.end(file)
    asked.push(path)
    const packument = packuments.get(path)
    response.statusCode = packument ? 200 : 404
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(packument ?? { error: 'not found' }))
  })
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready))
  const url = `http://127.0.0.1:${server.address().port}/`

  for (const { name, version, file } of tarballs) {
    const bytes = readFileSync(file)
    const path = `tarballs/${name.replace('/', '-')}-${version}.tgz`
    files.set(path, bytes)
    const packument = packuments.get(name) ?? { name, 'dist-tags': {}, versions: {} }
    packuments.set(name, packument)
    packument['dist-tags'].latest ??= version
    packument.versions[version] = {
      ...manifestIn(file),
      dist: {
        tarball: url + path,
        shasum: createHash('sha1').update(bytes).digest('hex'),
        integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
      },
    }
  }
  return { url, asked, close: () => new Promise((closed) => server.close(closed)) }
}
