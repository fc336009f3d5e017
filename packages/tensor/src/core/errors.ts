import type { Trace } from './trace.ts'

/**
 * Every error mapgrad raises: `[package] op: what was expected, what came, what to do`, with a stable `code`, and inside
 * transforms the stack of them: `(in vmap(level 1) > grad(level 2))`.
 * The JavaScript class follows the situation: `TensorTypeError` is a TypeError, `TensorRangeError` a RangeError;
 * `instanceof MapgradError` and `isMapgradError` recognise all of them, also across two copies of a package.
 */
export interface MapgradError extends Error {
  /** stable across versions; what a program should test */
  readonly code: string
  /** the op or function that refused, where there is one */
  readonly op: string | undefined
}

const brand = '~mapgrad.error'
/** where the state that all packages share is kept */
export const REGISTRY: unique symbol = Symbol.for('mapgrad.registry') as never

/** Where an error comes from: package, op, stable code. */
export interface ErrorInfo {
  readonly package?: string
  readonly op?: string | undefined
  readonly code: string
  readonly cause?: unknown
}

// not imported: the registry raises errors itself
const innermost = (): Trace | null => (globalThis as { [key: symbol]: { readonly top: Trace | null } | undefined })[REGISTRY]?.top ?? null

/** The transforms in flight, outermost first: `vmap(level 1) > grad(level 2)`. */
export function traceStack(): string {
  const names: string[] = []
  for (let t = innermost(); t; t = t.parent) names.unshift(`${t.name}(level ${t.level})`)
  return names.join(' > ')
}

/** Where an error was raised. A transform alone, which raises it itself, is named in front already. */
function within(message: string, from: string): string {
  const top = innermost()
  if (!top || (top.parent === null && top.package === from)) return ''
  const stack = traceStack()
  return message.includes(stack) ? '' : ` (in ${stack})`
}
const text = (message: string, { package: from = 'tensor', op }: ErrorInfo): string =>
  `[${from}] ${op ? `${op}: ` : ''}${message}${within(message, from)}`

/** A wrong kind of thing: dtype, structure, option, missing rule. */
export class TensorTypeError extends TypeError implements MapgradError {
  readonly code: string
  readonly op: string | undefined
  readonly '~mapgrad.error' = true
  constructor(message: string, info: ErrorInfo) {
    super(text(message, info), info.cause === undefined ? undefined : { cause: info.cause })
    this.name = 'TensorTypeError'
    this.code = info.code
    this.op = info.op
  }
}

/** A right kind of thing with a wrong value: shape, dim, index, size. */
export class TensorRangeError extends RangeError implements MapgradError {
  readonly code: string
  readonly op: string | undefined
  readonly '~mapgrad.error' = true
  constructor(message: string, info: ErrorInfo) {
    super(text(message, info), info.cause === undefined ? undefined : { cause: info.cause })
    this.name = 'TensorRangeError'
    this.code = info.code
    this.op = info.op
  }
}

/** Ours, not yours: please report it. */
export class InternalError extends Error implements MapgradError {
  readonly code = 'INTERNAL'
  readonly op: string | undefined
  readonly '~mapgrad.error' = true
  constructor(message: string, op?: string) {
    super(text(`${message}. This is a bug in mapgrad, please report it`, { code: 'INTERNAL', op }))
    this.name = 'InternalError'
    this.op = op
  }
}

/** What every error that mapgrad raises on purpose is an instance of, whatever else it is. */
export interface MapgradErrorClass {
  new (message: string, info: ErrorInfo): MapgradError
  readonly prototype: MapgradError
}
/** What every error that mapgrad raises on purpose is an instance of, beside `TypeError` or `RangeError`: `e instanceof MapgradError`. */
export const MapgradError: MapgradErrorClass = /* @__PURE__ */ (() =>
  class MapgradError extends TensorTypeError {
    static override [Symbol.hasInstance](e: unknown): boolean {
      return isMapgradError(e)
    }
  })()

/** Whether `e` is an error that mapgrad raised on purpose. */
export const isMapgradError = (e: unknown): e is MapgradError => typeof e === 'object' && e !== null && brand in e

const MORE = 8

/** `[2, 3]`, for messages. */
export const show = (shape: readonly number[]): string => `[${shape.join(', ')}]`

/** A value of the user's, for messages: short, and never a whole array. */
export function describe(x: unknown): string {
  if (x === null) return 'null'
  if (x === undefined) return 'undefined'
  if (typeof x === 'string') return JSON.stringify(x)
  if (typeof x === 'bigint') return `${x}n`
  if (typeof x === 'function') return x.name ? `function ${x.name}` : 'a function'
  if (Array.isArray(x))
    return x.length <= MORE && x.every((v) => v === null || typeof v !== 'object')
      ? `[${x.map(describe).join(', ')}]`
      : `an array of ${x.length}`
  if (typeof x === 'object') {
    if ('~mapgrad.dim' in x) return `the Dim ${String(x)}`
    const name = (x as object).constructor?.name
    if ('shape' in x && 'dtype' in x && Array.isArray(x.shape))
      return `${String(x.dtype).startsWith('int') ? 'an' : 'a'} ${x.dtype} tensor of shape ${show(x.shape as number[])}`
    return !name || name === 'Object' ? `an object with keys ${Object.keys(x).slice(0, MORE).join(', ') || '(none)'}` : `a ${name}`
  }
  return String(x)
}
