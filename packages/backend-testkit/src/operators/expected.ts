import type { Column } from '../compare/tolerance.ts'

/** A failure that is known. It must fail for at least one of this package's samples, else the run fails: the list can only shrink. */
export interface Expected {
  readonly op: string
  readonly columns: readonly Column[]
  readonly reason: string
  /** only on this backend */
  readonly backend?: string
}

export const expected: readonly Expected[] = []

/** The entry for a failing column, if it is expected to fail. */
export const expectedFailure = (op: string, column: Column, backend: string): Expected | undefined =>
  expected.find((e) => e.op === op && e.columns.includes(column) && (e.backend === undefined || e.backend === backend))
