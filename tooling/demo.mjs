// Builds what the per-sample-gradients example needs and runs it against the built packages, as a user would.
// Arguments go to the example; it runs in the folder the user is in, so that paths mean what they say.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { root } from './workspace.mjs'

const example = join(root, 'apps', 'examples', 'per-sample-gradients')
const run = (command, args, options) => {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', ...options })
  if (error) throw error
  if (status !== 0) process.exit(status ?? 1)
}

run('turbo', ['run', 'build', '--filter=@mapgrad/example-per-sample-gradients^...', '--output-logs=errors-only'], { cwd: root })
run('node', [join(example, 'src', 'main.ts'), ...process.argv.slice(2)], { cwd: process.env.INIT_CWD ?? root })
