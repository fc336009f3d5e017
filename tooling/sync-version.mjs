// After `changeset version`: writes the new version into the sources that state it (`export const VERSION = '0.1.0'`).
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { filesBelow, versionLine, workspace } from './workspace.mjs'

for (const { dir, manifest } of workspace()) {
  for (const file of filesBelow(join(dir, 'src'), (name) => name.endsWith('.ts'))) {
    const text = readFileSync(file, 'utf8')
    const now = text.replace(versionLine, `$1${manifest.version}$3`)
    if (now !== text) writeFileSync(file, now)
  }
}
