import { type Tensor, makeFx, tensor } from '@mapgrad/func'

export interface Mistake {
  /** what somebody does */
  readonly does: () => unknown
  /** the right value, as nested arrays */
  readonly gives?: unknown
  /** or the error's code, and what its text says: expected, got, to do */
  readonly code?: string
  readonly says?: readonly string[]
}
export const gives = (gives: unknown, does: () => unknown): Mistake => ({ does, gives })
export const refused = (does: () => unknown, code: string, ...says: readonly string[]): Mistake => ({ does, code, says })

/** What somebody does, in words, and what happens. */
export type Row = readonly [what: string, mistake: Mistake]

/** What a type checker would refuse, and JavaScript lets through. */
export const wrong = (x: unknown): never => x as never
export const ints = (...data: number[]): Tensor => tensor(data, { dtype: 'int32' })
/** A graph made of a function for some arguments, run on others. */
export const traced = (f: (...args: never[]) => unknown, args: readonly unknown[], then: readonly unknown[] = args): unknown =>
  makeFx(f as (...args: unknown[]) => unknown)(...args)(...then)
