import type { DimList } from './list.ts'
import type { Dim } from './types.ts'

/** Whether `x` is a Dim. */
export const isDim = (x: unknown): x is Dim => typeof x === 'object' && x !== null && '~mapgrad.dim' in x
/** Whether `x` is a DimList. */
export const isDimList = (x: unknown): x is DimList => typeof x === 'object' && x !== null && '~mapgrad.dimlist' in x
