import { type DType, isFloat } from '@mapgrad/kernel'
import { type Given, checkOptions, isOptions } from '../core/args.ts'
import { TensorRangeError, TensorTypeError, describe } from '../core/errors.ts'
import type { Scalar } from '../core/promote.ts'
import type { Shape } from '../core/shape.ts'
import { type TensorOptions, checkDTypeName } from './host.ts'

/** Sizes as several numbers or one array, and options. */
export type SizeArgs<O = TensorOptions> =
  | [...size: number[]]
  | [...size: number[], options: Given<O> | undefined]
  | [size: Shape, options?: Given<O>]
  | [options: Given<O> & { readonly size: Shape | number }]

/** The names of `TensorOptions`. */
export const OPTIONS = ['dtype', 'device', 'requiresGrad'] as const

/** Arguments of `full`. */
export interface FullOptions extends TensorOptions {
  readonly size?: Shape | number
  /** the number to repeat */
  readonly fillValue?: Scalar
}

/** Sizes and options of a creation function. `known` are the names of its options. */
export function readSize<O extends TensorOptions>(
  op: string,
  args: readonly unknown[],
  known: readonly string[] = OPTIONS,
): [size: Shape, options: O] {
  let n = args.length
  while (n > 0 && args[n - 1] === undefined) n--
  let options: Record<string, unknown> = {}
  if (n > 0 && isOptions(args[n - 1])) {
    options = args[--n] as Record<string, unknown>
    if (n === 0 && 'size' in options) {
      checkOptions(op, options, ['size', ...known])
      const { size, ...others } = options
      return readSize(op, [typeof size === 'number' ? [size] : size, others], known)
    }
    checkOptions(op, options, known)
  }
  checkDTypeName(op, options['dtype'] as DType | undefined)
  const size = n === 1 && Array.isArray(args[0]) ? (args[0] as unknown[]) : args.slice(0, n)
  return [checkSizes(op, size), options as O]
}

/** One number or a size list, checked. */
export const sizeOf = (op: string, size: unknown): Shape => checkSizes(op, typeof size === 'number' ? [size] : (size as unknown[]))

/** A size list, checked in PyTorch's words. */
export function checkSizes(op: string, size: readonly unknown[]): Shape {
  if (!Array.isArray(size))
    throw new TensorTypeError(`argument 'size' must be an array of integers, got ${describe(size)}`, { op, code: 'SIZE' })
  for (const [i, s] of size.entries()) {
    if (typeof s !== 'number' || !Number.isInteger(s))
      throw new TensorTypeError(
        `argument 'size' must be integers, got ${describe(s)} at position ${i}. Give sizes one by one or as one array`,
        { op, code: 'SIZE' },
      )
    if (s < 0) throw new TensorRangeError(`Dimension size must be non-negative, got ${describe(size)}`, { op, code: 'SIZE' })
  }
  return size as Shape
}

/** A JavaScript scalar as `dtype` stores it. */
export function stored(op: string, fill: Scalar, dtype: DType): number | bigint {
  if (typeof fill !== 'number' && typeof fill !== 'boolean' && typeof fill !== 'bigint')
    throw new TensorTypeError(`expected a number to fill with, got ${describe(fill)}`, { op, code: 'FILL' })
  if (dtype === 'bool') return fill ? 1 : 0
  if (isFloat(dtype)) return Number(fill)
  if (!Number.isFinite(Number(fill)))
    throw new TensorRangeError(`value cannot be converted to type ${dtype} without overflow, got ${fill}`, { op, code: 'FILL' })
  return dtype === 'int64' ? (typeof fill === 'bigint' ? fill : BigInt(Math.trunc(Number(fill)))) : Math.trunc(Number(fill))
}
