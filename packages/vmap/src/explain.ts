import { type Tensor, isMapgradError, stack } from '@mapgrad/tensor'
import {
  type AnyOp,
  type Outputs,
  type Tensors,
  Trace,
  TensorTypeError,
  batchOf,
  bind,
  describe,
  drawsRandomly,
  registry,
  withTrace,
} from '@mapgrad/tensor/plugin'
import { BatchTrace, type Observer, observing } from './batch.ts'

/** How an op ran: by a batching rule, as the ops it is made of, not at all, or once for all examples because they do not differ in it. */
export type HowMapped = 'rule' | 'decomposition' | 'none' | 'unbatched'

/** A line of an `Explanation`. */
export interface ExplainedOp {
  readonly op: string
  /** how often */
  readonly count: number
  readonly how: HowMapped
  /** which `vmap`, counted from the outermost */
  readonly level: number
  /** what it was decomposed into, or why it could not run */
  readonly reason?: string
}

/** What happened to each op under `vmap`. As a string, a table. */
export class Explanation {
  readonly ops: readonly ExplainedOp[]
  constructor(ops: readonly ExplainedOp[]) {
    this.ops = ops
    // how hosts ask for what console.log shows
    Object.defineProperty(this, Symbol.for('nodejs.util.inspect.custom'), { value: () => this.toString() })
  }
  toString(): string {
    const head = ['level', 'op', 'count', 'how', 'why']
    const lines = this.ops.map((o) => [String(o.level), o.op, String(o.count), o.how, o.reason ?? ''])
    const rows = [head, ...lines].map((cells) => cells.slice(0, this.ops.some((o) => o.reason) ? 5 : 4))
    const widths = rows[0]!.map((_, i) => Math.max(...rows.map((r) => r[i]!.length)))
    return rows
      .map((r) =>
        r
          .map((c, i) => (i === 0 || i === 2 ? c.padStart(widths[i]!) : c.padEnd(widths[i]!)))
          .join('  ')
          .trimEnd(),
      )
      .join('\n')
  }
}

/** Sees, below all other transforms, which ops no `vmap` had a part in. */
class Witness extends Trace {
  readonly name = 'explain'
  override readonly package = 'vmap'
  readonly #saw: (op: AnyOp) => void
  constructor(saw: (op: AnyOp) => void) {
    super(true)
    this.#saw = saw
  }
  process(op: AnyOp, inputs: Tensors, params: unknown): Outputs {
    this.#saw(op)
    return bind(op, inputs, params)
  }
}

/** The innermost `vmap` in flight. */
function innermost(): BatchTrace | null {
  for (let t = registry().top; t; t = t.parent) if (t instanceof BatchTrace) return t
  return null
}

/** Its number among those in flight, counted from the outermost. */
function levelOf(trace: Trace): number {
  let level = 0
  for (let t: Trace | null = trace; t; t = t.parent) if (t instanceof BatchTrace) level++
  return level
}

/** An op that has no rule: on one example after the other. */
function looped(trace: BatchTrace, op: AnyOp, inputs: Tensors, params: unknown): Outputs {
  const one = (i: number): Outputs =>
    bind(
      op,
      inputs.map((x) => {
        const own = trace.own(x)
        return own ? own.inner.select(own.dim, i) : x
      }),
      params,
    )
  const all = Array.from({ length: trace.size }, (_, i) => one(i))
  const join = (ys: readonly Tensor[]): Tensor => trace.wrap(stack(ys), 0)
  return Array.isArray(all[0])
    ? (all as (readonly Tensor[])[])[0]!.map((_, k) => join((all as (readonly Tensor[])[]).map((ys) => ys[k]!)))
    : join(all as Tensor[])
}

interface Entry {
  readonly op: string
  readonly how: HowMapped
  readonly level: number
  readonly reason: string | null
}

/** What an op has instead of a rule: the ops it is made of, or nothing. */
const howOf = (op: AnyOp): HowMapped => (batchOf(op) === undefined && op.compute.kind === 'decompose' ? 'decomposition' : 'rule')

/**
 * Runs `f(...args)` once, and tells of each op that ran under a `vmap` inside: by rule, by decomposition (and into what), not at
 * all (and why), or once for all examples. An op that cannot run is computed here for one example after the other, so that the list goes on;
 * `vmap` itself refuses it. Outside of any `vmap` nothing is told of.
 * @throws whatever `f` throws, apart from that
 */
export function explain<A extends readonly unknown[]>(f: (...args: A) => unknown, ...args: A): Explanation {
  if (typeof f !== 'function')
    throw new TensorTypeError(`expected a function, got ${describe(f)}`, { package: 'vmap', op: 'explain', code: 'NOT_A_FUNCTION' })
  const entries: Entry[] = []
  /** ops being applied: the innermost last */
  const running: { readonly trace: BatchTrace; readonly into: Set<string> }[] = []
  const observer: Observer = (trace, op, inputs, params, apply) => {
    const level = levelOf(trace)
    const outer = running.at(-1)
    if (outer?.trace === trace) outer.into.add(op.name)
    const into = new Set<string>()
    const at = entries.length
    const write = (how: HowMapped, reason: string | null): void => void entries.splice(at, 0, { op: op.name, how, level, reason })
    // what functions do that an op calls is told of as if they stood there
    if (!op.captures) running.push({ trace, into })
    try {
      const ys = apply()
      const how = howOf(op)
      write(how, how === 'decomposition' ? [...into].join(', ') : null)
      return ys
    } catch (e) {
      if (!isMapgradError(e) || op.captures || trace.size === 0 || (!drawsRandomly(op, params) && inputs.every((x) => !trace.own(x))))
        throw e
      entries.length = at
      let ys: Outputs
      try {
        ys = looped(trace, op, inputs, params)
      } catch {
        throw e
      }
      write('none', e.message.replace(/^\[[a-z-]+\] (?:\w+: )?| \(in [a-z]+\(level .*\)$/g, ''))
      return ys
    } finally {
      if (!op.captures) running.pop()
    }
  }
  const witness = new Witness((op) => {
    const trace = innermost()
    if (trace && running.length === 0 && !op.captures) entries.push({ op: op.name, how: 'unbatched', level: levelOf(trace), reason: null })
  })
  withTrace(witness, () => observing(observer, () => f(...args)))
  return new Explanation(summary(entries))
}

/** Equal lines once, in the order of their first. */
function summary(entries: readonly Entry[]): ExplainedOp[] {
  const lines = new Map<string, { -readonly [K in keyof ExplainedOp]: ExplainedOp[K] }>()
  for (const { op, how, level, reason } of entries) {
    const key = JSON.stringify([level, op, how, reason])
    const line = lines.get(key)
    if (line) line.count++
    else lines.set(key, { op, count: 1, how, level, ...(reason !== null && { reason }) })
  }
  return [...lines.values()]
}
