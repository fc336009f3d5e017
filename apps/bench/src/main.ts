import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { findPython, startPeer } from './peer.ts'
import { type Workload, workloads } from './workloads.ts'

const HELP = `Times mapgrad beside PyTorch, turn by turn in one run, one thread each.

  pnpm bench -- [options]

  --filter TEXT    only workloads whose name contains it
  --ms N           milliseconds a turn (default 250)
  --rounds N       turns of each (default 4)
  --python FILE    a Python with PyTorch; without one only mapgrad runs
  --json FILE      write the figures
  --markdown FILE  write the table
`
const { values } = parseArgs({
  args: process.argv.slice(2).filter((a) => a !== '--'),
  options: {
    filter: { type: 'string' },
    ms: { type: 'string' },
    rounds: { type: 'string' },
    python: { type: 'string' },
    json: { type: 'string' },
    markdown: { type: 'string' },
    help: { type: 'boolean' },
  },
})
if (values.help) {
  console.log(HELP)
  process.exit(0)
}
const turn = Number(values.ms ?? 250)
const rounds = Number(values.rounds ?? 4)

const median = (xs: readonly number[]): number => xs.toSorted((a, b) => a - b)[xs.length >> 1]!

/** Milliseconds a call, in groups long enough for the clock. */
function time(f: () => unknown, ms: number): number[] {
  f()
  const once = performance.now()
  f()
  const group = Math.max(1, Math.floor(0.2 / Math.max(performance.now() - once, 1e-4)))
  const times: number[] = []
  const start = performance.now()
  while (performance.now() - start < ms || times.length < 5) {
    const t = performance.now()
    for (let i = 0; i < group; i++) f()
    times.push((performance.now() - t) / group)
  }
  return times
}

interface Row {
  readonly name: string
  readonly ms: number
  readonly peer: number | null
  readonly ratio: number | null
  readonly gflops: number | null
  readonly target: string
  readonly met: boolean | null
}

function judge({ target }: Workload, ms: number, ratio: number | null, gflops: number | null): Pick<Row, 'target' | 'met'> {
  if (target?.ratio !== undefined) return { target: `≤ ${target.ratio}×`, met: ratio === null ? null : ratio <= target.ratio }
  if (target?.us !== undefined) return { target: `≤ ${target.us} µs`, met: ms * 1e3 <= target.us }
  if (target?.gflops !== undefined) return { target: `≥ ${target.gflops} GFLOP/s`, met: gflops! >= target.gflops }
  return { target: '', met: null }
}

const show = (ms: number): string => (ms < 0.1 ? `${(ms * 1e3).toFixed(2)} µs` : `${ms.toPrecision(3)} ms`)
const cells = (r: Row): string[] => [
  r.name,
  show(r.ms),
  r.peer === null ? '–' : show(r.peer),
  r.ratio === null ? '–' : `${r.ratio.toFixed(2)}×`,
  r.gflops === null ? '' : r.gflops.toFixed(1),
  r.target,
  r.met === null ? '' : r.met ? 'yes' : 'no',
]

const python = findPython(values.python)
const peer = python ? await startPeer(python) : null
const machine = `${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.versions.node}${peer ? `, ${peer.version}` : ''}`
console.log(machine)
if (!peer) console.log('no Python with PyTorch found (--python): mapgrad alone')

const rows: Row[] = []
for (const w of workloads) {
  if (values.filter && !w.name.includes(values.filter)) continue
  const f = w.make()
  const ours: number[] = []
  const theirs: number[] = []
  for (let i = 0; i < rounds; i++) {
    const t = time(f, turn)
    if (i > 0 || rounds === 1) ours.push(...t) // the first turn warms both up
    const p = peer ? await peer.time(w.name, turn) : []
    if (i > 0 || rounds === 1) theirs.push(...p)
    await new Promise((resolve) => setTimeout(resolve, 0)) // lets finalizers run
  }
  const ms = median(ours)
  const other = theirs.length ? median(theirs) : null
  const ratio = other === null ? null : ms / other
  const gflops = w.flops ? w.flops / (ms * 1e6) : null
  const row: Row = { name: w.name, ms, peer: other, ratio, gflops, ...judge(w, ms, ratio, gflops) }
  rows.push(row)
  console.log(
    cells(row)
      .map((c, i) => (i ? c.padStart(14) : c.padEnd(36)))
      .join(' '),
  )
}
peer?.close()

if (values.json) writeFileSync(values.json, `${JSON.stringify({ machine, date: new Date().toISOString().slice(0, 10), rows }, null, 2)}\n`)
if (values.markdown) {
  const head = ['workload', 'mapgrad', 'PyTorch', 'ratio', 'GFLOP/s', 'promised', 'kept']
  const table = [head, head.map((_, i) => (i ? '--:' : '---')), ...rows.map(cells)].map((r) => `| ${r.join(' | ')} |`)
  writeFileSync(
    values.markdown,
    `# Benchmarks\n\nMedians of calls timed turn by turn beside PyTorch in one run, one thread each; a ratio below 1 means that mapgrad is faster. Regenerate with \`pnpm bench -- --markdown docs/benchmarks.md\`.\n\n${machine}; ${new Date().toISOString().slice(0, 10)}.\n\n${table.join('\n')}\n`,
  )
}
