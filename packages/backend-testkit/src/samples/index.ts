import { activation } from './activation.ts'
import { indexing } from './at.ts'
import { binary } from './binary.ts'
import { binaryExtra } from './binary-extra.ts'
import { compare } from './compare.ts'
import { control } from './control.ts'
import { crossEntropies } from './cross-entropy.ts'
import { draws } from './draws.ts'
import { extreme } from './extreme.ts'
import { gammas } from './gamma.ts'
import { gathers } from './gather.ts'
import { joins } from './join.ts'
import { linears } from './linear.ts'
import { losses } from './loss.ts'
import { products } from './matmul.ts'
import { moments } from './moments.ts'
import { nonzeros } from './nonzero.ts'
import { norms } from './norm.ts'
import { pads } from './pad.ts'
import { reduce } from './reduce.ts'
import { scans } from './scan.ts'
import { scatters } from './scatter.ts'
import { shapes } from './shape.ts'
import { slices } from './slice.ts'
import { softmaxes } from './softmax.ts'
import { sorts } from './sort.ts'
import { splits } from './split.ts'
import { strided } from './strided.ts'
import { takes } from './take.ts'
import { ternary } from './ternary.ts'
import { triangular } from './triangular.ts'
import { unary } from './unary.ts'
import { unaryExtra } from './unary-extra.ts'
import { selection } from './where.ts'
import type { OpSample } from './spec.ts'

const families = [
  activation,
  indexing,
  binary,
  binaryExtra,
  compare,
  control,
  crossEntropies,
  draws,
  extreme,
  gammas,
  gathers,
  joins,
  linears,
  losses,
  products,
  moments,
  nonzeros,
  norms,
  pads,
  reduce,
  scans,
  scatters,
  shapes,
  slices,
  softmaxes,
  sorts,
  splits,
  strided,
  takes,
  ternary,
  triangular,
  unary,
  unaryExtra,
  selection,
]

/** Samples of every op, by family: one file for each file of the library's ops. */
export const opSamples = (): OpSample[] => families.flatMap((family) => family())
