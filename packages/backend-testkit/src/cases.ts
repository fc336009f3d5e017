import type { DType } from '@mapgrad/tensor'
import { type Backend, checkOptions } from '@mapgrad/tensor/plugin'
import { type Column, columns } from './compare/tolerance.ts'
import { loadCases, operatorsIn, ownCases } from './format/load.ts'
import type { CaseFile } from './format/types.ts'
import { type Expected, expectedFailure } from './operators/expected.ts'
import { type Library, type Operator, resolve } from './operators/resolve.ts'
import { Sample } from './operators/sample.ts'
import { type Verdicts, runSample } from './run/sample.ts'

/** How much of an operator is run: 1 the operator itself, 2 also its derivatives, 3 also the second order and batches. */
export type Level = 1 | 2 | 3

/** Which cases to run. */
export interface CasesOptions {
  /** operators by PyTorch's name, with or without variant: `['add', 'div.floor_rounding', 'linalg.det']`; default all */
  readonly ops?: readonly string[]
  /** what the float32 operands of the cases are run in; default `['float32']` */
  readonly dtypes?: readonly DType[]
  /** default 3 */
  readonly level?: Level
  /** a folder of case files; default those of this package */
  readonly dir?: string
  /** at most so many samples an operator; default all */
  readonly samples?: number
  /** functions that `@mapgrad/tensor` does not export: `{ functional }` of `@mapgrad/nn` for `torch.nn.functional` */
  readonly functions?: Library
}

/** One operator, one sample, one dtype. */
export interface Case {
  /** `linalg.det[3] float32` */
  readonly name: string
  readonly op: string
  readonly sample: number
  readonly dtype: DType
  /** the verdict on every column; never rejects for a wrong result */
  report(backend: Backend): Promise<Verdicts>
  /** rejects with a `ConformanceError` if a column fails that is not expected to; resolves to the verdicts otherwise */
  run(backend: Backend): Promise<Verdicts>
}

/** A backend or an operator does not do what PyTorch does; the message has one line a failing column. */
export class ConformanceError extends Error {
  readonly verdicts: Verdicts
  constructor(name: string, verdicts: Verdicts, failing: readonly Column[]) {
    super([`${name}:`, ...failing.map((c) => `  ${c}: ${verdicts[c].reason}`)].join('\n'))
    this.name = 'ConformanceError'
    this.verdicts = verdicts
  }
}

const columnsOf: Readonly<Record<Level, readonly Column[]>> = { 1: ['forward'], 2: ['forward', 'vjp', 'jvp'], 3: columns }

export const NOT_THERE = 'not in this version'
const absent = (): Verdicts => Object.fromEntries(columns.map((c) => [c, { status: 'skip', reason: NOT_THERE }])) as Verdicts

/** The operators that the options choose, in the folder's order. */
export function chosenOperators({ ops, dir = ownCases() }: CasesOptions): string[] {
  const all = operatorsIn(dir)
  if (!ops) return all
  const chosen = all.filter((op) => ops.some((o) => op === o || op.startsWith(`${o}.`)))
  const missing = ops.filter((o) => !all.some((op) => op === o || op.startsWith(`${o}.`)))
  if (missing.length)
    throw new RangeError(`[backend-testkit] cases: expected operators with a case file in '${dir}', got ${missing.join(', ')}`)
  return chosen
}

/**
 * Every sample of every chosen operator. Files are read when the iteration comes to them.
 * An operator that this version does not have yields cases whose columns are all `skip`.
 */
export function* cases(options: CasesOptions = {}): Generator<Case, void, undefined> {
  checkOptions('cases', options as Record<string, unknown>, ['ops', 'dtypes', 'level', 'dir', 'samples', 'functions'], 'backend-testkit')
  const { dir = ownCases(), dtypes = ['float32'], level = 3, samples = Infinity, functions } = options
  for (const file of chosenOperators(options)) {
    const loaded: CaseFile = loadCases(dir, file)
    const operator = resolve(loaded.name, functions)
    for (const encoded of loaded.samples.slice(0, samples))
      for (const dtype of dtypes) yield caseOf(loaded, operator, encoded, dtype, columnsOf[level])
  }
}

function caseOf(
  file: CaseFile,
  operator: Operator | undefined,
  encoded: CaseFile['samples'][number],
  dtype: DType,
  wanted: readonly Column[],
): Case {
  const { op } = file
  const name = `${op}[${encoded.sample}] ${dtype}`
  const report = async (backend: Backend): Promise<Verdicts> => {
    if (!operator) return absent()
    const verdicts = await runSample({ op, sample: new Sample(op, operator, encoded), backend, dtype }, wanted)
    return markExpected(op, backend, verdicts)
  }
  const run = async (backend: Backend): Promise<Verdicts> => {
    const verdicts = await report(backend)
    const failing = columns.filter((c) => verdicts[c].status === 'fail')
    if (failing.length) throw new ConformanceError(`${name} on ${backend.name}`, verdicts, failing)
    return verdicts
  }
  return { name, op, sample: encoded.sample, dtype, report, run }
}

/** The mark of a failure that is expected, before its reason. */
export const EXPECTED = 'expected failure: '

function markExpected(op: string, backend: Backend, verdicts: Verdicts): Verdicts {
  const out = { ...verdicts }
  for (const c of columns) {
    const entry: Expected | undefined =
      verdicts[c].status === 'fail' ? expectedFailure(op, c, backend.name, verdicts[c].reason ?? '') : undefined
    if (entry) out[c] = { status: 'skip', reason: `${EXPECTED}${entry.reason} (${verdicts[c].reason})` }
  }
  return out
}
