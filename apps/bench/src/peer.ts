import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A PyTorch process that times the same workloads on request. */
export interface Peer {
  readonly version: string
  /** milliseconds a call */
  time(name: string, ms: number): Promise<number[]>
  close(): void
}

/** The Python with PyTorch in it: `--python`, or the first of the usual names that can import torch. */
export function findPython(asked: string | undefined): string | null {
  for (const python of asked ? [asked] : ['python3', 'python'])
    if (spawnSync(python, ['-c', 'import torch'], { stdio: 'ignore' }).status === 0) return python
  return null
}

export async function startPeer(python: string): Promise<Peer> {
  const child: ChildProcessWithoutNullStreams = spawn(python, [fileURLToPath(new URL('../peers/torch_peer.py', import.meta.url))], {
    env: { ...process.env, OMP_NUM_THREADS: '1', MKL_NUM_THREADS: '1' },
  })
  child.stderr.pipe(process.stderr)
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const next = async (): Promise<unknown> => {
    const { value, done } = await lines.next()
    if (done) throw new Error('the PyTorch process ended')
    return JSON.parse(value) as unknown
  }
  const { version, capability } = (await next()) as { version: string; capability: string }
  return {
    version: `PyTorch ${version} (${capability}, 1 thread)`,
    time: async (name, ms) => {
      child.stdin.write(`${JSON.stringify({ name, ms })}\n`)
      return ((await next()) as { times: number[] }).times
    },
    close: () => child.stdin.end(),
  }
}
