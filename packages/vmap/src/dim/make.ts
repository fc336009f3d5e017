import { checkOptions, describe, isOptions } from '@mapgrad/tensor/plugin'
import { Dim, type TupleOf } from './dim.ts'
import { rangeFault, typeFault } from './errors.ts'
import { DimList } from './list.ts'

/** Options of `dims`. */
export interface DimsOptions<S extends readonly (number | null)[] = readonly (number | null)[]> {
  /** the size of each, `null` for one that gets it later */
  readonly sizes?: S
}
/** The number of dims that a list has, or their sizes; `null` leaves it open. */
export type ListSize = number | readonly (number | null)[] | null
/** Options of `dimlists`. */
export interface DimListsOptions<S extends readonly ListSize[] = readonly ListSize[]> {
  /** for each list its length, or the sizes of its dims; `null` for one that gets them later */
  readonly sizes?: S
}

/** Names and sizes, as many as there are to be. */
function read(op: string, args: readonly unknown[]): (readonly [name: string, size: unknown])[] {
  const rest = [...args]
  let sizes: unknown
  if (isOptions(rest.at(-1))) {
    const options = rest.pop() as DimsOptions
    checkOptions(op, options as Record<string, unknown>, ['sizes'], 'vmap')
    sizes = options.sizes
  } else if (typeof rest[0] === 'number' && Array.isArray(rest[1])) sizes = rest.splice(1, 1)[0]
  if (sizes !== undefined && !Array.isArray(sizes)) throw typeFault(op, `expected sizes in an array, got ${describe(sizes)}`, 'ARGUMENT')
  const given = sizes as readonly unknown[] | undefined
  const [first] = rest
  const names =
    rest.length > 0 && rest.every((n) => typeof n === 'string')
      ? rest
      : rest.length === 0 && given
        ? given.map((_, i) => `d${i}`)
        : rest.length === 1 && typeof first === 'number' && Number.isInteger(first) && first >= 0
          ? Array.from({ length: first }, (_, i) => `d${i}`)
          : null
  if (!names)
    throw typeFault(
      op,
      `${op}() must have argument n specified: expected how many, or their names, or { sizes }, got ${args.map(describe).join(', ') || 'nothing'}`,
      'ARGUMENT',
    )
  if (given && given.length !== names.length) throw rangeFault(op, `expected ${names.length} sizes but found ${given.length}`, 'SIZES')
  return names.map((name, i) => [name, given?.[i] ?? null] as const)
}

/**
 * New Dims, in an array: so many, or with these names, or these sizes. A Dim without a size gets it where it is first bound, `x.at(i)`.
 * `dims(2)`, `dims('i', 'j')`, `dims('i', 'j', { sizes: [3, null] })`, `dims({ sizes: [3, 4] })`.
 * @throws TensorTypeError if it is not told how many
 */
export function dims<N extends number>(n: N, sizes?: readonly (number | null)[] | DimsOptions): TupleOf<Dim, N>
export function dims<const Z extends readonly (number | null)[]>(options: DimsOptions<Z>): { readonly [K in keyof Z]: Dim }
export function dims<const S extends readonly string[]>(...names: S): { readonly [K in keyof S]: Dim }
export function dims<const S extends readonly string[]>(
  ...args: readonly [...names: S, options: DimsOptions]
): { readonly [K in keyof S]: Dim }
export function dims(...args: readonly unknown[]): unknown {
  return read('dims', args).map(([name, size]) => new Dim(name, size as number | null))
}

/** New lists of dims, in an array: see `dims`. The size of a list is its length, or the sizes of its dims. */
export function dimlists<N extends number>(n: N, sizes?: readonly ListSize[] | DimListsOptions): TupleOf<DimList, N>
export function dimlists<const Z extends readonly ListSize[]>(options: DimListsOptions<Z>): { readonly [K in keyof Z]: DimList }
export function dimlists<const S extends readonly string[]>(...names: S): { readonly [K in keyof S]: DimList }
export function dimlists<const S extends readonly string[]>(
  ...args: readonly [...names: S, options: DimListsOptions]
): { readonly [K in keyof S]: DimList }
export function dimlists(...args: readonly unknown[]): unknown {
  return read('dimlists', args).map(([name, size]) => new DimList(size as ListSize, name))
}
