// Empty projects that packages are installed into, and programs run in them as a user would.
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'

const exec = promisify(execFile)

/** Makes an empty project in `folder`. */
export function emptyProject(folder, registryUrl) {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "name": "a-user", "private": true, "type": "module" }\n')
  // npm knows no other registry here: whatever is not one of our packages cannot be installed
  writeFileSync(join(folder, '.npmrc'), `registry=${registryUrl}\naudit=false\nfund=false\nupdate-notifier=false\ncache=${folder}/.npm\n`)
  return folder
}

export const npmInstall = (project, names) => exec('npm', ['install', ...names], { cwd: project })

/** The packages of the scope that an install brought: `['func', 'tensor']`. */
export const installed = (project) => readdirSync(join(project, 'node_modules', '@mapgrad')).sort()

/** Copies a program into the project and runs it: `{ ok, output }`. */
export async function runProgram(node, project, program, args = []) {
  const file = join(project, basename(program))
  cpSync(program, file)
  return runFile(node, project, file, args)
}

export async function runFile(node, project, file, args = []) {
  try {
    const { stdout, stderr } = await exec(node, [file, ...args], { cwd: project, timeout: 120_000 })
    return { ok: true, output: stdout + stderr }
  } catch (error) {
    return { ok: false, output: `${error.stdout ?? ''}${error.stderr ?? ''}` || error.message }
  }
}

/** The Node of the user, which may be older, and the one of our tools: `[{ name, path }]`. */
export async function nodes() {
  const paths = [process.env.MAPGRAD_USER_NODE ?? (await otherNode()), process.execPath]
  const found = []
  for (const path of new Set(paths.filter(Boolean))) {
    const { stdout } = await exec(path, ['--version'])
    if (!found.some(({ name }) => name === `Node ${stdout.trim()}`)) found.push({ name: `Node ${stdout.trim()}`, path })
  }
  return found
}

/** The first `node` on the path that is not the one of our tools. */
async function otherNode() {
  for (const folder of process.env.PATH.split(':').filter((path) => !path.includes('node_modules'))) {
    const path = join(folder, 'node')
    const runs = await exec(path, ['--version']).then(
      () => true,
      () => false,
    )
    if (runs) return path
  }
  return undefined
}
