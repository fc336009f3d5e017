import { TensorTypeError, describe } from './errors.ts'
import { isTensor } from './handle.ts'

/** A plain object with options, not a tensor, an array or a class instance. */
export function isOptions(x: unknown): x is Record<string, unknown> {
  if (typeof x !== 'object' || x === null || isTensor(x) || Array.isArray(x)) return false
  const proto: unknown = Object.getPrototypeOf(x)
  return proto === null || proto === Object.prototype
}

/** Refuses unknown keys of an options object, and what is none. */
export function checkOptions(op: string, options: Readonly<Record<string, unknown>>, known: readonly string[], from = 'tensor'): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new TensorTypeError(`expected options by name in an object ({ ${known.join(', ')} }), got ${describe(options)}`, {
      op,
      code: 'OPTIONS',
      package: from,
    })
  for (const key of Object.keys(options))
    if (!known.includes(key))
      throw new TensorTypeError(`expected options among ${known.join(', ') || '(none)'}, got unknown option '${key}'`, {
        op,
        code: 'UNKNOWN_OPTION',
        package: from,
      })
}

/**
 * Refuses unknown keys of an options object behind the operands. What is no such object is none of the function's business:
 * `tensors.reduce(add)` gives it an index.
 */
export function checkExtra(op: string, extra: unknown, known: readonly string[] = []): void {
  if (extra !== undefined && isOptions(extra)) checkOptions(op, extra, known)
}

/** The parameters `T` by position, or any prefix of them followed by an options object with the rest by name. */
export type Args<T extends readonly unknown[], O> = T | Trailing<Required<T>, Given<O>>
/** Options as callers may write them: one that is undefined is not given, under `exactOptionalPropertyTypes` too. */
export type Given<O> = { [K in keyof O]: O[K] | undefined }
type Trailing<T extends readonly unknown[], O> = T extends readonly [...infer Head, unknown] ? [...T, O] | Trailing<Head, O> : [O]

/**
 * Reads a call's parameters after its tensors: by position in PyTorch's order, the rest by name in one trailing plain object.
 * `names` are the positional parameters in order, `keywords` those that PyTorch takes by name alone.
 */
export function readArgs<O extends object>(
  op: string,
  args: readonly unknown[],
  names: readonly (keyof O & string)[],
  keywords: readonly (keyof O & string)[] = [],
): O {
  const out: Record<string, unknown> = {}
  let n = args.length
  while (n > 0 && args[n - 1] === undefined) n--
  if (n > 0 && isOptions(args[n - 1])) {
    const options = args[--n] as Record<string, unknown>
    const known = [...names, ...keywords]
    checkOptions(op, options, known)
    for (const key of known) if (options[key] !== undefined) out[key] = options[key]
  }
  if (n > names.length)
    throw new TensorTypeError(
      `expected at most ${names.length} arguments after the tensors (${names.join(', ') || 'none'}), got ${n}: ${args.slice(0, n).map(describe).join(', ')}`,
      { op, code: 'TOO_MANY_ARGUMENTS' },
    )
  for (let i = 0; i < n; i++) {
    const name = names[i]!
    if (args[i] === undefined) continue
    if (name in out) throw new TensorTypeError(`expected ${name} once, got it both by position and by name`, { op, code: 'ARGUMENT_TWICE' })
    out[name] = args[i]
  }
  return out as O
}
