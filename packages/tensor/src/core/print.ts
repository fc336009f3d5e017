import { isFloat } from '@mapgrad/kernel'
import { type End, checkEnd, checkOptions } from './args.ts'
import { TensorRangeError, describe } from './errors.ts'
import { readSync } from './read.ts'
import { numel } from './shape.ts'
import type { ArrayValue, Value } from './value.ts'

// The layout is PyTorch's (torch/_tensor_str.py, 2.13), to the character.

/** How tensors print. */
export interface PrintOptions {
  /** digits after the decimal point; default 4 */
  readonly precision: number
  /** more elements than this are summarised; default 1000 */
  readonly threshold: number
  /** how many elements a summary shows at each end of an axis; default 3 */
  readonly edgeitems: number
  /** where lines are broken; default 80 */
  readonly linewidth: number
  /** scientific notation: always, never, or (`null`, the default) where the range of the values asks for it */
  readonly sciMode: boolean | null
}

const PROFILES = {
  default: { precision: 4, threshold: 1000, edgeitems: 3, linewidth: 80 },
  short: { precision: 2, threshold: 1000, edgeitems: 2, linewidth: 80 },
  full: { precision: 4, threshold: Infinity, edgeitems: 3, linewidth: 80 },
} as const

let current: PrintOptions = { precision: 4, threshold: 1000, edgeitems: 3, linewidth: 80, sciMode: null }

/** What `setPrintOptions` takes: some of the options, over a profile if one is named. */
export interface PrintSettings extends Partial<PrintOptions> {
  readonly profile?: 'default' | 'short' | 'full'
}

/** Changes how tensors print. What is not given stays as it is, but `sciMode`, which goes back to automatic, as in PyTorch. */
export function setPrintOptions(settings: PrintSettings, ...end: End): void {
  const known = ['precision', 'threshold', 'edgeitems', 'linewidth', 'sciMode', 'profile']
  checkOptions('setPrintOptions', settings as Record<string, unknown>, known, 'tensor', end)
  const { profile, sciMode = null, ...rest } = settings
  if (profile !== undefined && !Object.hasOwn(PROFILES, profile))
    throw new TensorRangeError(`expected a profile among default, short, full, got ${describe(profile)}`, {
      op: 'setPrintOptions',
      code: 'ARGUMENT',
    })
  for (const [name, n] of Object.entries(rest))
    if (typeof n !== 'number' || !(n >= 0))
      throw new TensorRangeError(`expected ${name} to be a non-negative number, got ${describe(n)}`, {
        op: 'setPrintOptions',
        code: 'ARGUMENT',
      })
  current = { ...current, ...(profile && PROFILES[profile]), ...rest, sciMode }
}
/** How tensors print now. */
export function getPrintOptions(...end: End): PrintOptions {
  checkEnd('getPrintOptions', end)
  return current
}
type Element = number | bigint

/** Digits of a tie go to the even neighbour, as in Python; JavaScript takes the larger. */
function settle(rounded: string, exact: string, kept: number, exponent = ''): string {
  const tail = exact.slice(kept)
  const cut = exact.slice(0, kept)
  return /^50*$/.test(tail) && Number(cut.at(-1) === '.' ? cut.at(-2) : cut.at(-1)) % 2 === 0 ? cut.replace(/\.$/, '') + exponent : rounded
}

/** Digits enough to write any tie out in full. */
const ALL = 100

/** Python's `{x:.nf}`. */
function fixed(x: number, digits: number): string {
  if (!Number.isFinite(x)) return nonFinite(x)
  const a = Math.abs(x)
  const sign = x < 0 || Object.is(x, -0) ? '-' : ''
  if (a >= 1e21) return `${sign}${BigInt(a)}${digits ? `.${'0'.repeat(digits)}` : ''}`
  const exact = a.toFixed(ALL)
  return sign + settle(a.toFixed(digits), exact, exact.indexOf('.') + 1 + digits)
}

/** Python's `{x:.ne}`: an exponent has two digits at least. */
function scientific(x: number, digits: number): string {
  if (!Number.isFinite(x)) return nonFinite(x)
  const a = Math.abs(x)
  const [exact, power] = a.toExponential(ALL).split('e') as [string, string]
  const text = settle(a.toExponential(digits), exact, 2 + digits, `e${power}`)
  return (x < 0 || Object.is(x, -0) ? '-' : '') + text.replace(/e([+-])(\d)$/, 'e$10$2')
}

const nonFinite = (x: number): string => (Number.isNaN(x) ? 'nan' : x > 0 ? 'inf' : '-inf')

/** One notation and one width for all the values shown. */
function formatter(
  values: readonly Element[],
  kind: 'float' | 'int' | 'bool',
  o: PrintOptions,
): { readonly width: number; readonly format: (x: Element) => string } {
  let text: (x: number) => string
  let width = 1
  const measure = (xs: readonly number[], extra = 0): void => {
    for (const x of xs) width = Math.max(width, text(x).length + extra)
  }
  if (kind !== 'float') {
    text = kind === 'bool' ? (x) => (x ? 'True' : 'False') : (x) => String(x)
    measure(values as number[])
  } else {
    const finite = (values as number[]).filter((v) => Number.isFinite(v) && v !== 0)
    const whole = finite.every((v) => v === Math.ceil(v))
    let [smallest, largest] = [Infinity, 0]
    for (const v of finite) [smallest, largest] = [Math.min(smallest, Math.abs(v)), Math.max(largest, Math.abs(v))]
    const wide = largest / smallest > 1000 || largest > 1e8 || smallest < 1e-4
    if (finite.length && (o.sciMode ?? wide)) {
      text = (x) => scientific(x, o.precision)
      measure(finite)
    } else if (whole) {
      text = (x) => (Number.isFinite(x) ? `${fixed(x, 0)}.` : nonFinite(x))
      measure(finite)
    } else {
      text = (x) => fixed(x, o.precision)
      measure(finite)
    }
  }
  return { width, format: (x) => text(x as number).padStart(width) }
}

/** The elements that are shown: all, or the ends of every axis. */
interface Shown {
  readonly shape: readonly number[]
  readonly values: readonly Element[]
}

function shown(x: ArrayValue, summarize: boolean, o: PrintOptions): Shown {
  if (!summarize) return { shape: x.shape, values: Array.from(readSync(x, 'toString') as ArrayLike<number>) }
  const edge = o.edgeitems
  const places = x.shape.map((n) =>
    n > 2 * edge ? [...Array(edge).keys(), ...Array.from({ length: edge }, (_, i) => n - edge + i)] : [...Array(n).keys()],
  )
  const values: Element[] = []
  const last = x.shape.length - 1
  const read = (offset: number, n: number): void => {
    const part = x.view([n], [x.strides[last]!], offset)
    values.push(...(readSync(part, 'toString') as ArrayLike<number> as number[]))
    part.dispose()
  }
  const go = (axis: number, offset: number): void => {
    if (axis < last) {
      for (const i of places[axis]!) go(axis + 1, offset + i * x.strides[axis]!)
      return
    }
    const n = x.shape[last]!
    if (n > 2 * edge) {
      read(offset, edge)
      read(offset + (n - edge) * x.strides[last]!, edge)
    } else read(offset, n)
  }
  go(0, x.offset)
  return { shape: places.map((p) => p.length), values }
}

function contents(x: ArrayValue, indent: number, o: PrintOptions): string {
  const summarize = numel(x.shape) > o.threshold
  if (summarize && o.edgeitems === 0) return '[...]'
  const { shape, values } = shown(x, summarize, o)
  const { width, format } = formatter(values, isFloat(x.dtype) ? 'float' : x.dtype === 'bool' ? 'bool' : 'int', o)
  let at = 0
  const cut = (axis: number, parts: string[], dots: string): string[] =>
    summarize && x.shape[axis]! > 2 * o.edgeitems ? [...parts.slice(0, o.edgeitems), dots, ...parts.slice(o.edgeitems)] : parts
  const go = (axis: number, depth: number): string => {
    if (axis === shape.length) return format(values[at++]!)
    const parts = Array.from({ length: shape[axis]! }, () => go(axis + 1, depth + 1))
    const pad = ' '.repeat(depth + 1)
    if (axis < shape.length - 1) return `[${cut(axis, parts, '...').join(`,${'\n'.repeat(shape.length - 1 - axis)}${pad}`)}]`
    const items = cut(axis, parts, ' ...')
    const perLine = Math.max(1, Math.floor((o.linewidth - depth) / (width + 2)))
    const lines: string[] = []
    for (let i = 0; i < items.length; i += perLine) lines.push(items.slice(i, i + perLine).join(', '))
    return `[${lines.join(`,\n${pad}`)}]`
  }
  return go(0, indent)
}

const tuple = (shape: readonly number[]): string => `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`

function printArray(x: ArrayValue, o: PrintOptions): string {
  const prefix = 'tensor('
  const suffixes: string[] = []
  const unseen = x.disposed || (x.buffer !== null && !x.backend.syncRead)
  const empty = numel(x.shape) === 0
  if (x.backend.name !== 'cpu') suffixes.push(`device='${x.backend.name}'`)
  if (unseen || (empty && x.shape.length !== 1) || (!empty && o.edgeitems === 0)) suffixes.push(`size=${tuple(x.shape)}`)
  if (x.dtype !== 'float32' && (unseen || empty || (x.dtype !== 'int32' && x.dtype !== 'bool'))) suffixes.push(`dtype=${x.dtype}`)
  let text = prefix + (x.disposed ? '<disposed>' : unseen ? '...' : empty ? '[]' : contents(x, prefix.length, o))
  let length = text.length - text.lastIndexOf('\n') + 1
  for (const suffix of suffixes) {
    if (length + suffix.length + 2 > o.linewidth) {
      text += `,\n${' '.repeat(prefix.length)}${suffix}`
      length = prefix.length + suffix.length
    } else {
      text += `, ${suffix}`
      length += suffix.length + 2
    }
  }
  return `${text})`
}

/** A value as text: an array with its elements, a tracer with its level and the value it holds, indented. */
export function print(value: Value, options: PrintOptions = current): string {
  if (!value.trace) return printArray(value as ArrayValue, options)
  return value.describe((inner) => `\n${print(inner, options).replace(/^(?=.)/gm, '    ')}\n`)
}
