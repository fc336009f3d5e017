import type { Tensor } from '@mapgrad/tensor'
import { type Trace, Tracer, type Value, isFloating } from '@mapgrad/tensor/plugin'
import { parts } from './call.ts'
import { fromNumbers } from './sealed.ts'

/** Values of derivatives in flight whose numbers are read, while a rule of the user's runs. */
let seen: Tensor[] | null = null
const READS: ReadonlySet<string> = /* @__PURE__ */ new Set(['dataSync', 'data', 'tolist', 'item'])

/** Told by the tracers of derivatives: someone asks for the numbers of `x`, which is `primal` one level down. */
export function noticeRead(x: Value, primal: Tensor, what: string): void {
  if (seen !== null && READS.has(what)) seen.push(primal.wrap(x))
}

/** What a rule of the user's reads, from its first step to its last. */
export class Reads {
  readonly #of: Tensor[] = []

  /** Runs a step of the rule. */
  during<R>(f: () => R): R {
    const before = seen
    seen = this.#of
    try {
      return f()
    } finally {
      seen = before
    }
  }
  /** The result of the rule, whose tensors that depend on nothing else depend on what was read. */
  seal(result: unknown): unknown {
    if (this.#of.length === 0) return result
    const { tensors, rebuild } = parts(result)
    return rebuild(
      tensors.map((y) => {
        const known = new Set(tracesOf(y.value))
        const unknown = this.#of.filter((x) => x.value.trace !== null && x.value.trace.open && !known.has(x.value.trace))
        return isFloating(y) && unknown.length > 0 ? fromNumbers(y, ...unknown) : y
      }),
    )
  }
}

function* tracesOf(value: Value): Generator<Trace> {
  if (!(value instanceof Tracer)) return
  yield value.trace
  for (const x of value.parts) yield* tracesOf(x.value)
}
