// `npm run demo` and `npm test` start here, on a machine that has Node ≥ 20, npm and git and nothing else.
// It installs the workspace with the pnpm that package.json pins, Node 24 for the tools included, then runs
// `pnpm run <script>` under that Node. Plain JavaScript, no dependencies.
//
//   node tooling/bootstrap.mjs <script> [arguments]
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const [script, ...args] = process.argv.slice(2)
if (!script) {
  console.error('usage: node tooling/bootstrap.mjs <script> [arguments]')
  process.exit(2)
}
const [major] = process.versions.node.split('.').map(Number)
if (major < 20) {
  console.error(`mapgrad needs Node 20 or newer, and this is Node ${process.versions.node}`)
  process.exit(1)
}

const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

const env = {
  ...process.env,
  // the Node that users have, for the checks that run what is published
  MAPGRAD_USER_NODE: process.env.MAPGRAD_USER_NODE ?? process.execPath,
  DO_NOT_TRACK: '1',
  TURBO_TELEMETRY_DISABLED: '1',
  npm_config_update_notifier: 'false',
  npm_config_fund: 'false',
}

function pnpm(...words) {
  const result = spawnSync('npx', ['--yes', packageManager, ...words], {
    cwd: root,
    env,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  if (result.error) throw result.error
  return result.status ?? 1
}

/** What an install depends on: the lockfile, the settings, every manifest. */
function installKey() {
  const hash = createHash('sha256')
  const manifests = ['packages', 'apps', 'apps/examples'].flatMap((folder) =>
    existsSync(join(root, folder)) ? readdirSync(join(root, folder)).map((name) => join(folder, name, 'package.json')) : [],
  )
  for (const path of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json', ...manifests.sort()]) {
    if (existsSync(join(root, path))) hash.update(`${path}\n`).update(readFileSync(join(root, path)))
  }
  return hash.update(process.platform + process.arch).digest('hex')
}

const stamp = join(root, 'node_modules', '.mapgrad-installed')
const tools = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node')
const key = installKey()
if (!existsSync(tools) || !existsSync(stamp) || readFileSync(stamp, 'utf8') !== key) {
  console.log(`\n== install (${packageManager})`)
  const status = pnpm('install', '--frozen-lockfile')
  if (status !== 0) process.exit(status)
  writeFileSync(stamp, key)
}
process.exit(pnpm('run', script, ...args))
