import { TensorTypeError, describe } from './errors.ts'
import { isTensor } from './handle.ts'
import { checkKinds } from './kinds.ts'

/** A plain object with options, not a tensor, an array or a class instance. */
export function isOptions(x: unknown): x is Record<string, unknown> {
  if (typeof x !== 'object' || x === null || isTensor(x) || Array.isArray(x)) return false
  const proto: unknown = Object.getPrototypeOf(x)
  return proto === null || proto === Object.prototype
}

/** Refuses unknown keys of an options object, what is none, and what comes behind it (`end`). */
export function checkOptions(
  op: string,
  options: Readonly<Record<string, unknown>>,
  known: readonly string[],
  from = 'tensor',
  end: readonly unknown[] = [],
): void {
  checkEnd(op, end, [], from)
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new TensorTypeError(`expected options by name in an object ({ ${known.join(', ')} }), got ${describe(options)}`, {
      op,
      code: 'OPTIONS',
      package: from,
    })
  for (const key of Object.keys(options))
    if (!known.includes(key))
      throw new TensorTypeError(`expected options among ${known.join(', ') || '(none)'}, got unknown option '${key}'${meant(key, known)}`, {
        op,
        code: 'UNKNOWN_OPTION',
        package: from,
      })
  checkKinds(op, options, from)
}

/** The known name that `key` is but for underscores, case or its end: `in_dims`, `keepDim`, `argnum`. */
function meant(key: string, known: readonly string[]): string {
  const plain = (name: string): string => name.replaceAll('_', '').toLowerCase()
  const k = plain(key)
  const name = known.find((n) => plain(n) === k) ?? known.find((n) => k.length > 3 && (plain(n).startsWith(k) || k.startsWith(plain(n))))
  return name === undefined ? '' : `. Did you mean ${name}?`
}

/**
 * Nothing more. A function without options declares `...end: End` behind its parameters, which changes nothing for its
 * callers' types, so that it sees what came all the same and `checkEnd` can refuse it.
 */
export type End = readonly []

/** Whether a call ends as those of `tensors.map(sin)` and `tensors.reduce(mul)` do: with an index and the array. */
const fromArray = (args: readonly unknown[], n: number): boolean => {
  const array = args[n - 1]
  const index = args[n - 2]
  return n > 1 && Array.isArray(array) && typeof index === 'number' && index in array
}

/** Refuses what comes behind a function's last parameter, but for what `Array.map` and `Array.reduce` add to each call. */
export function checkEnd(op: string, end: readonly unknown[], known: readonly string[] = [], from = 'tensor'): void {
  if (end.length > 0) refuseEnd(op, end, known, from)
}
function refuseEnd(op: string, end: readonly unknown[], known: readonly string[], from: string): void {
  let n = end.length
  while (n > 0 && end[n - 1] === undefined) n--
  if (n === 0 || (n === 2 && fromArray(end, n))) return
  const last = end[n - 1]
  if (isOptions(last)) checkOptions(op, last, known, from)
  if (n === 1 && isOptions(last)) return
  throw tooMany(op, `no further arguments${known.length ? ` but options by name ({ ${known.join(', ')} })` : ''}`, end.slice(0, n), from)
}
const tooMany = (op: string, expected: string, extra: readonly unknown[], from: string): TensorTypeError =>
  new TensorTypeError(
    `expected ${expected}, got ${extra.map(describe).join(', ')}${
      extra.length === 1 && typeof extra[0] === 'number'
        ? `. If it is the index that a callback is given, wrap the call: (...) => ${op}(...)`
        : ''
    }`,
    { op, code: 'TOO_MANY_ARGUMENTS', package: from },
  )

/** Refuses unknown keys of the options behind the operands, and what comes behind those or in their place. */
export function checkExtra(op: string, options: unknown, known: readonly string[], end: readonly unknown[] = []): void {
  if (options !== undefined || end.length > 0) refuseEnd(op, [options, ...end], known, 'tensor')
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
  from = 'tensor',
): O {
  const out: Record<string, unknown> = {}
  let n = args.length
  while (n > 0 && args[n - 1] === undefined) n--
  if (n > 0 && isOptions(args[n - 1])) {
    const options = args[--n] as Record<string, unknown>
    const known = [...names, ...keywords]
    checkOptions(op, options, known, from)
    for (const key of known) if (options[key] !== undefined) out[key] = options[key]
  }
  if (n > 1 && fromArray(args, n) && isTensor((args[n - 1] as unknown[])[args[n - 2] as number])) {
    if (names.length === 0 && n === 2) return {} as O
    throw new TensorTypeError(
      `expected ${names.join(', ')}, got an index and an array, as Array.map and Array.reduce add them to their callback's arguments. Write (x) => ${op}(x)`,
      { op, code: 'CALLBACK', package: from },
    )
  }
  if (n > names.length)
    throw new TensorTypeError(
      `expected at most ${names.length} arguments after the tensors (${names.join(', ') || 'none'}), got ${n}: ${args.slice(0, n).map(describe).join(', ')}`,
      { op, code: 'TOO_MANY_ARGUMENTS', package: from },
    )
  for (let i = 0; i < n; i++) {
    const name = names[i]!
    if (args[i] === undefined) continue
    if (name in out)
      throw new TensorTypeError(`expected ${name} once, got it both by position and by name`, { op, code: 'ARGUMENT_TWICE', package: from })
    out[name] = args[i]
  }
  if (n > 0) checkKinds(op, out, from)
  return out as O
}

/** The one that is given of parameters that stand for one thing. */
export function oneOf<T>(op: string, given: Readonly<Record<string, T | undefined>>): T | undefined {
  const names = Object.keys(given).filter((name) => given[name] !== undefined)
  if (names.length > 1) throw new TensorTypeError(`expected one of ${names.join(' and ')}, got both`, { op, code: 'ARGUMENT_TWICE' })
  return names.length === 1 ? given[names[0]!] : undefined
}

/** Refuses a call without a parameter that has no default. */
export function checkGiven<O extends object>(op: string, given: O, ...names: readonly (keyof O & string)[]): void {
  const missing = names.filter((name) => given[name] === undefined)
  if (missing.length > 0)
    throw new TensorTypeError(`expected ${missing.join(' and ')}, got nothing in ${missing.length > 1 ? 'their' : 'its'} place`, {
      op,
      code: 'ARGUMENT_MISSING',
    })
}
