import { type End, checkEnd } from './args.ts'
import { isFloat } from '@mapgrad/kernel'
import type { Tensor } from '../tensor.ts'
import { TensorRangeError, TensorTypeError, describe, show } from './errors.ts'
import type { AnyOp } from './op.ts'
import { readSync } from './read.ts'
import { registry } from './registry.ts'
import type { Outputs } from './trace.ts'
import { ArrayValue } from './value.ts'

// Where NaN or Inf comes from: the op that makes one of operands that have none, and the line of the user's that called it.

/** Sees each op that devices compute, and knows for whom. */
export interface Watch {
  saw(op: AnyOp, inputs: readonly Tensor[], outputs: Outputs): void
  /** the op whose backward pass is running, and where it was called */
  within: { readonly op: string; readonly line: string } | null
}

/** The files of this library, in the repository and installed. */
const OURS =
  /(?:@mapgrad\/[a-z-]+|\/packages\/(?:tensor|kernel|backend-cpu|backend-webgpu|backend-testkit|autodiff|vmap|graph|func|nn|optim|functorch-compat))\/(?:src|dist)\//

/** The innermost place on the stack that is not in this library, as `file:line:column`. */
export function userLine(): string {
  // V8 keeps ten frames unless told otherwise
  const host = Error as unknown as { stackTraceLimit?: number }
  const { stackTraceLimit: before } = host
  if (before !== undefined) host.stackTraceLimit = 200
  const { stack = '' } = new Error('here')
  if (before !== undefined) host.stackTraceLimit = before
  const places = stack
    .split('\n')
    .map((line) => /(?:\(|at |@)((?:[a-z-]+:\/\/)?[^()\s]+:\d+:\d+)\)?$/.exec(line)?.[1])
    .filter((place) => place !== undefined && !place.startsWith('node:'))
  return (places.find((place) => !OURS.test(place!)) ?? places[0] ?? 'a place that the host does not tell').replace(/^file:\/\//, '')
}

/** The first element that is no finite number: where, and what. */
function firstBad(x: ArrayValue, op: string): { readonly at: readonly number[]; readonly value: number } | null {
  if (!isFloat(x.dtype)) return null
  if (x.buffer && !x.backend.syncRead)
    throw new TensorTypeError(
      `expected a device that can be read at once while anomalies are looked for, got '${x.backend.name}'. Look for them on the CPU`,
      { op, code: 'ANOMALY_DEVICE' },
    )
  const data = readSync(x, op) as Float64Array
  const i = data.findIndex((v) => !Number.isFinite(v))
  if (i < 0) return null
  let left = i
  const at = x.shape.map(() => 0)
  for (let d = x.shape.length - 1; d >= 0; d--) {
    at[d] = left % x.shape[d]!
    left = Math.floor(left / x.shape[d]!)
  }
  return { at, value: data[i]! }
}

const arrayOf = (x: Tensor): ArrayValue | null => (x.value instanceof ArrayValue && !x.value.disposed ? x.value : null)

function makeWatch(): Watch {
  let busy = false
  return {
    within: null,
    saw(op, inputs, outputs) {
      if (busy) return
      busy = true
      try {
        const ys = Array.isArray(outputs) ? (outputs as readonly Tensor[]) : [outputs as Tensor]
        for (const [k, y] of ys.entries()) {
          const array = arrayOf(y)
          const bad = array && firstBad(array, op.name)
          if (!bad || inputs.some((x) => arrayOf(x) && firstBad(arrayOf(x)!, op.name))) continue
          const what = Number.isNaN(bad.value) ? 'NaN' : bad.value > 0 ? 'Inf' : '-Inf'
          const place = `${ys.length > 1 ? `output ${k}` : 'its result'} of shape ${show(y.shape)} at ${show(bad.at)}`
          const from = this.within ? `in the backward pass of ${this.within.op}, which was called` : 'called'
          throw new TensorRangeError(
            `expected finite numbers from finite operands, got ${what} in ${place}, ${from} at ${this.within?.line ?? userLine()}. Operands: ${inputs.map((x) => `${x.dtype}${show(x.shape)}`).join(', ')}`,
            { op: op.name, code: 'ANOMALY' },
          )
        }
      } finally {
        busy = false
      }
    },
  }
}

/**
 * From now on, or no longer: every op checks that it makes no NaN or Inf of finite operands, forward and backward, and
 * raises an error (code 'ANOMALY') that names the op, the element and the line of the user's code that called it. For
 * debugging: every result is read back.
 */
export function setDetectAnomaly(mode: boolean, ...end: End): void {
  checkEnd('setDetectAnomaly', end)
  registry().watch = mode ? makeWatch() : null
}
/** Whether anomalies are looked for. */
export function isAnomalyEnabled(...end: End): boolean {
  checkEnd('isAnomalyEnabled', end)
  return registry().watch !== null
}
/** `f` during whose calls anomalies are looked for: see `setDetectAnomaly`. */
export function detectAnomaly<A extends readonly unknown[], R>(f: (...args: A) => R, ...end: End): (...args: A) => R {
  checkEnd('detectAnomaly', end)
  if (typeof f !== 'function')
    throw new TensorTypeError(`expected a function, got ${describe(f)}`, { op: 'detectAnomaly', code: 'NOT_A_FUNCTION' })
  const mapped = (...args: A): R => {
    const r = registry()
    const before = r.watch
    r.watch = makeWatch()
    try {
      return f(...args)
    } finally {
      r.watch = before
    }
  }
  return Object.defineProperty(mapped, 'name', { value: f.name, configurable: true })
}

/** Where the user's code is, while anomalies are looked for; else `null`. */
export const origin = (): string | null => (registry().watch === null ? null : userLine())

/** Runs the backward pass of an op that was called at `line`. */
export function withOrigin<R>(op: string, line: string, f: () => R): R {
  const { watch } = registry()
  if (!watch) return f()
  const before = watch.within
  watch.within = { op, line }
  try {
    return f()
  } finally {
    watch.within = before
  }
}
