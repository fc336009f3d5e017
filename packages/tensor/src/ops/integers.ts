import { isOptions, readArgs } from '../core/args.ts'
import { TensorTypeError, describe } from '../core/errors.ts'

/** Integers one by one, as one array, or by name in an object. */
export type Numbers<Name extends string> =
  | readonly number[]
  | readonly [numbers: readonly number[]]
  | readonly [named: { readonly [N in Name]: number | readonly number[] }]

type Code = 'INTEGER' | 'DIM_TYPE'

/** An integer argument, checked; `DIM_TYPE` is the code where it says an axis. */
export function checkInteger(op: string, name: string, x: unknown, code: Code = 'INTEGER'): number {
  if (typeof x !== 'number' || !Number.isInteger(x))
    throw new TensorTypeError(`expected ${name} to be an integer, got ${describe(x)}`, { op, code })
  return x
}

/** An array of integers, checked. */
export function checkIntegers(op: string, name: string, x: unknown, code: Code = 'INTEGER'): readonly number[] {
  if (!Array.isArray(x)) throw new TensorTypeError(`expected ${name} to be an array of integers, got ${describe(x)}`, { op, code })
  for (const n of x) checkInteger(op, name, n, code)
  return x as readonly number[]
}

/** A list of integers given one by one, as one array, or by name. */
export function readNumbers(op: string, args: readonly unknown[], name: string, code: Code = 'INTEGER'): readonly number[] {
  let list: unknown = args
  if (args.length > 0 && isOptions(args.at(-1))) {
    const before = args.slice(0, -1)
    const own = before.length === 0 ? undefined : before.length === 1 && Array.isArray(before[0]) ? before[0] : before
    const given = readArgs<Record<string, unknown>>(op, [own, args.at(-1)], [name])[name]
    list = typeof given === 'number' ? [given] : given
  } else if (args.length === 1 && Array.isArray(args[0])) list = args[0]
  if (!Array.isArray(list)) throw new TensorTypeError(`expected ${name} as integers, got ${describe(list)}`, { op, code })
  for (const n of list) checkInteger(op, name, n, code)
  return list as readonly number[]
}
