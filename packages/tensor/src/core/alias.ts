import type { Tensor } from '../tensor.ts'
import { TensorRangeError } from './errors.ts'
import { tidy } from './memory.ts'
import type { Layout, Rebase } from './op.ts'
import { registry } from './registry.ts'
import { contiguousStrides, numel } from './shape.ts'
import type { Trace } from './trace.ts'
import { ArrayValue, type Value } from './value.ts'

// Values never change, so views are kept at the handles: a handle that others look into, or that looks into another,
// has an `Alias`. All aliases of one whole share a `Whole`. Nothing of this exists for a tensor that has no views.

/** What several handles look into. */
interface Whole {
  value: Value
  /** how often it was written */
  version: number
  /** when the first of its handles was made */
  readonly born: number
  /** what it shares with `x.detach()`, or with what it is the `detach()` of; `null` where there is nothing of the kind */
  base: Base | null
  /** the version of the base that `value` is of */
  synced: number
}

/** The numbers of a tensor that both it and its `detach()` show, each with a derivative of its own. It knows of neither, so that `losses.push(loss.detach())` keeps no tape. */
interface Base {
  /** a value of its own, that no handle disposes of; `null` before the first write */
  value: Value | null
  version: number
  /** the op that gives the values without their derivative, and gives a derivative other values */
  readonly op: Rebase
}

/** One step on the way from a whole to a part of it. */
interface Step {
  readonly before: Step | null
  readonly op: Rebase
  readonly params: unknown
}

/** What one handle sees of a whole. */
export class Alias {
  readonly whole: Whole
  readonly path: Step | null
  readonly born: number
  /** which elements of the whole, counted in rows, it sees: says whether a shape is a view or a copy, whatever the values lie in by now */
  readonly layout: Layout
  #value: Value
  #version: number

  constructor(whole: Whole, path: Step | null, born: number, value: Value, layout: Layout) {
    this.whole = whole
    this.path = path
    this.born = born
    this.layout = layout
    this.#value = value
    this.#version = whole.version
  }

  /** The value that `x`, the handle of this alias, has now: read again from the whole if that was written since. */
  read(x: Tensor): Value {
    const value = current(this.whole, x)
    if (this.#version !== this.whole.version) {
      const look = (): Tensor => at(value.trace, () => again(x.wrap(value), this.path))
      this.seen((value.trace === null ? tidy(look) : look()).value)
    }
    return this.#value
  }

  /** What the whole is now. */
  all(x: Tensor): Value {
    return current(this.whole, x)
  }

  /** Takes `value` for what this alias sees now. */
  seen(value: Value): void {
    this.#value = value
    this.#version = this.whole.version
    registry().scope?.wrote(this, this.born, () => this.#value.arrays())
  }
}

/** The way from the whole, first step first. */
function stepsOf(path: Step | null): Step[] {
  const steps: Step[] = []
  for (let s = path; s; s = s.before) steps.push(s)
  return steps.reverse()
}

const again = (whole: Tensor, path: Step | null): Tensor => stepsOf(path).reduce((y, { op, params }) => op.again(y, params), whole)

/** Runs `f` as if `trace` were the innermost transform: a value of its level is made of one of its level, whatever records above it. */
function at<R>(trace: Trace | null, f: () => R): R {
  const r = registry()
  const { current } = r
  r.current = trace
  try {
    return f()
  } finally {
    r.current = current
  }
}

/** The whole with `next` in place of what the alias sees. */
function replaced(whole: Tensor, { path, layout }: Alias, next: Tensor): Tensor {
  const steps = stepsOf(path)
  for (const { op } of steps) if (op.place) return op.place(whole, next, layout)
  const parts = [whole]
  for (const { op, params } of steps.slice(0, -1)) parts.push(op.again(parts.at(-1)!, params))
  return steps.reduceRight((y, { op, params }, i) => op.put!(parts[i]!, y, params), next)
}

const rows = ({ shape }: Layout | Tensor): Layout => ({ shape, strides: contiguousStrides(shape), offset: 0 })

/** Makes `y`, which an op that looks into its operand made of `x`, a view of it, unless that was a copy. */
export function follow(x: Tensor, op: Rebase, params: unknown, y: Tensor): Tensor {
  const r = registry()
  // only what the user's own code holds can be written
  if (r.current !== r.home || r.internal > r.inside || x === y) return y
  if (op.severs) return sever(x, op, y)
  const { trace } = x.value
  // a value of another transform
  if (trace !== null && y.value.trace !== trace && !trace.aside && !y.value.trace?.floats) return y
  const from = x.alias?.layout ?? rows(x)
  let layout: Layout | null
  try {
    layout = op.view(from, params, y.shape)
  } catch (error) {
    // inside a transform the memory may lie otherwise than one example suggests
    if (trace === null) throw error
    layout = rows(y)
  }
  if (!layout) return y
  const { whole, path } = aliasOf(x)
  y.alias = new Alias(whole, { before: path, op, params }, y.born, y.value, layout)
  return y
}

/** How `x` shows its whole: from now on something that others may show, too. */
const aliasOf = (x: Tensor): Alias =>
  (x.alias ??= new Alias({ value: x.value, version: 0, born: x.born, base: null, synced: 0 }, null, x.born, x.value, rows(x)))

/** `value` without its derivative, to be kept and disposed of apart. */
const severed = (op: Rebase, x: Tensor, value: Value): Value => at(value.trace, () => op.again(x.wrap(value), null)).value

/** Makes `y`, which is `x` without its derivative, share the numbers of `x`. */
function sever(x: Tensor, op: Rebase, y: Tensor): Tensor {
  const alias = aliasOf(x)
  const { whole, path, layout } = alias
  const [all, release] = revived(alias.all(x))
  const value = path ? severed(op, x, all) : y.value
  release()
  const base = (whole.base ??= { value: null, version: 0, op })
  const { born } = whole
  y.alias = new Alias({ value, version: 0, born, base, synced: base.version }, path, y.born, y.value, layout)
  return y
}

/** What a whole is now, where its numbers may have been written through a tensor that shares them. */
function current(whole: Whole, x: Tensor): Value {
  const { base, value } = whole
  if (!base || whole.synced === base.version) return value
  whole.synced = base.version
  whole.version++
  const { trace } = value
  const numbers = base.value!
  if (trace === null) whole.value = severed(base.op, x, numbers)
  else {
    const joined = at(trace, () => base.op.severs!(x.wrap(value), x.wrap(numbers))).value
    whole.value = trace.overwritten('detach', value, joined, 'severed')
  }
  registry().scope?.wrote(whole, whole.born, () => whole.value.arrays())
  return whole.value
}

/** Gives a whole another value, and what shares its numbers other numbers. */
function change(whole: Whole, value: Value, x: Tensor): void {
  const scope = registry().scope
  whole.value = value
  whole.version++
  scope?.wrote(whole, whole.born, () => whole.value.arrays())
  const { base } = whole
  if (!base) return
  const numbers = severed(base.op, x, value)
  base.value = numbers
  whole.synced = ++base.version
  scope?.wrote(base, whole.born, () => numbers.arrays())
}

/** Whether a write to one of two handles can show in the other. */
export function shareElements(x: Tensor, y: Tensor): boolean {
  if (x === y) return true
  const [a, b] = [x.alias?.whole, y.alias?.whole]
  return a !== undefined && b !== undefined && (a === b || (a.base !== null && a.base === b.base))
}

/** The view of `x` that `alias` is of the whole it looks into. */
export const viewLike = (x: Tensor, { path }: Alias): Tensor =>
  stepsOf(path).reduce((y, { op, params }) => follow(y, op, params, op.again(y, params)), x)

/** Whether two places show one element, told as exactly as steps that nest in each other allow; `repeated` axes may show one value. */
function overlaps({ shape, strides }: Layout, repeated: boolean): boolean {
  if (numel(shape) === 0) return false
  const axes = shape
    .map((n, i) => ({ n, step: Math.abs(strides[i]!) }))
    .filter((a) => a.n > 1 && !(repeated && a.step === 0))
    .sort((a, b) => a.step - b.step)
  let reach = 0
  for (const { n, step } of axes) {
    if (step <= reach) return true
    reach += step * (n - 1)
  }
  return false
}

/** The whole's value to write into: that of a handle which was disposed while views of it are alive still has its memory. */
function revived(value: Value): [value: Value, release: () => void] {
  if (!(value instanceof ArrayValue) || !value.disposed || value.buffer!.users === 0) return [value, () => {}]
  const live = value.view(value.shape, value.strides, value.offset)
  return [live, () => live.dispose()]
}

/** The transforms in flight, innermost first. */
function* inFlight(): Iterable<Trace> {
  for (let t = registry().top; t; t = t.parent) yield t
}

/** Refuses to change what `x` looks into to `next`, where a transform in flight forbids it; else the value to change it to. */
function checked(x: Tensor, op: string, next: Value, how: Writing): Value {
  const { alias } = x
  const born = alias ? alias.whole.born : x.born
  for (const t of inFlight()) if (born < t.born) t.captured(op, next, how)
  const before = alias ? alias.all(x) : x.value
  if (next.trace !== null && next.trace.floats) next.trace.entering(op, before, next)
  return before.trace ? before.trace.overwritten(op, before, next, alias !== null && alias.path !== null ? 'view' : null) : next
}

/** What a write is like. */
export interface Writing {
  /** the values were drawn */
  readonly random?: boolean
  /** all values are one, so that it does not matter in which order they are written */
  readonly uniform?: boolean
  /** it is no arithmetic on all elements: indices or a mask say where values go */
  readonly placed?: boolean
}

/** Gives `x` the value of `next`, which has its shape and dtype; in what `x` is a view of, the part that it shows. */
export function write(x: Tensor, op: string, given: Tensor, how: Writing = {}): void {
  const { alias } = x
  const own = x.value.trace
  const next = own !== null && own.floats ? own.fitting(op, x.value, given) : given
  if (!alias) {
    const value = checked(x, op, next.value, how)
    if (!recorded(x, op, next)) x.rebind(value, null)
    return
  }
  const { whole, path } = alias
  // now: `next` may look into the same whole
  const { value } = next
  if (overlaps(alias.layout, how.uniform === true))
    throw new TensorRangeError(
      'unsupported operation: more than one element of the written-to tensor refers to a single memory location. Please clone() the tensor before performing the operation.',
      { op, code: 'OVERLAP' },
    )
  const [before, release] = path ? revived(alias.all(x)) : [alias.all(x), () => {}]
  const put = (): Tensor => replaced(x.wrap(before), alias, next)
  const written = (path && before.trace === null && value.trace === null ? tidy(put) : put()).value
  release()
  const after = checked(x, op, written, how)
  if (recorded(x, op, next)) return
  change(whole, after, x)
  if (after === written) alias.seen(value)
}

function recorded(x: Tensor, op: string, next: Tensor): boolean {
  for (const t of inFlight()) if (t.records && t.write(op, x, next)) return true
  return false
}

/** Makes `x` the view of itself that `y` is: another shape, the same elements. */
export function become(x: Tensor, op: string, y: Tensor): void {
  checked(x, op, y.value, {})
  x.rebind(y.value, y.alias)
}
