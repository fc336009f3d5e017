import { binary } from './binary.ts'
import { compare } from './compare.ts'
import type { OpSample } from './spec.ts'
import { unary } from './unary.ts'
import { selection } from './where.ts'

/** Samples of every op, by family: one file for each file of the library's ops. */
export const opSamples = (): OpSample[] => [...unary(), ...binary(), ...compare(), ...selection()]
