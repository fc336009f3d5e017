// The matrix of upstream's TestRandomness: how draws behave for each `randomness`, each choice of mapped axes, and
// each source of random numbers. What is expected is computed without vmap.
import { Generator, type InDims, type Tensor, isTensor, manualSeed, stack, tree, vmap, zeros } from '@mapgrad/func'
import { expect } from 'vitest'
import { type Dim, expectClose, loop, raised, random, variants } from './harness.ts'

/** Where draws take their numbers from: the default generator, or one of their own. */
export interface Source {
  readonly generator?: Generator
}
/** A draw for one example; `options` go to it as they are. */
export type DrawOf = (options: Source, ...xs: Tensor[]) => unknown

const SEED = 1729
export const SIZE = 4
/** The two sources, each of which starts over from one seed at every call. */
export const sources: readonly (readonly [name: string, start: () => Source])[] = [
  ['the default generator', () => (manualSeed(SEED), {})],
  ['an explicit generator', () => ({ generator: new Generator().manualSeed(SEED) })],
]

export const ERROR =
  /vmap: called random operation while in randomness error mode\. Please either use the 'same' or 'different' randomness flags on vmap or perform the randomness operation out of vmap/

type Choice = readonly [arg: Tensor, dim: Dim, front: Tensor]

/** An argument that all examples share, or with the examples in front or last; and what it is with the examples in front. */
function choices(x: Tensor, spread: (x: Tensor, n: number) => Tensor[]): Choice[] {
  const front = stack(spread(x, SIZE))
  return [
    [x, null, x.expand(SIZE, ...x.shape)],
    [front, 0, front],
    [front.movedim(0, -1), -1, front],
  ]
}

export interface MatrixOptions {
  /** the same draw for all examples at once: arguments have the examples in front. By default the draw itself */
  readonly all?: DrawOf
  readonly spread?: (x: Tensor, n: number) => Tensor[]
  /** what else must hold for examples that differ, where there is no draw for all at once */
  readonly different?: (out: unknown) => void
}

/** `vmap` of a draw for one choice of axes, with one example more argument so that nothing else need be mapped. */
export function mapped(f: DrawOf, randomness: string | undefined, dims: readonly Dim[], source: Source, xs: readonly Tensor[]): unknown {
  const g = vmap((_: Tensor, ...ys: Tensor[]) => f(source, ...ys), [0, ...dims] as InDims, 0, {
    ...(randomness && { randomness: randomness as 'same' }),
  })
  return g(zeros(SIZE), ...xs)
}

/** Checks a draw for every randomness, choice of axes, and source. */
export function checkRandomness(f: DrawOf, xs: readonly Tensor[], { all = f, spread = variants, different }: MatrixOptions = {}): void {
  const rows = xs.reduce<Choice[][]>((some, x) => some.flatMap((r) => choices(x, spread).map((c) => [...r, c])), [[]])
  for (const row of rows) {
    const [args, dims, fronts] = [row.map((r) => r[0]), row.map((r) => r[1]), row.map((r) => r[2])]
    for (const [name, start] of sources) {
      const what = `${name}, dims ${JSON.stringify(dims)}`
      // refused, by default too
      for (const r of ['error', undefined]) expect(() => mapped(f, r, dims, start(), args), `${what}`).toThrow(ERROR)
      // different: one draw with the examples in front, bit for bit
      const out = mapped(f, 'different', dims, start(), args)
      if (different) {
        different(out)
        expectClose(mapped(f, 'different', dims, start(), args), out, { relative: 0, absolute: 0 }, what)
      } else expectClose(out, all(start(), ...fronts), { relative: 0, absolute: 0 }, `different, ${what}`)
      // same: what each example would draw after the same seed; with parameters of its own, where PyTorch refuses
      const want = loop(((_: Tensor, ...ys: Tensor[]) => f(start(), ...ys)) as never, [0, ...dims], 0, SIZE, zeros(SIZE), ...args)
      expectClose(mapped(f, 'same', dims, start(), args), want, { relative: 1e-6, absolute: 0 }, `same, ${what}`)
    }
  }
}

/** The error of a draw under a randomness, for tensors that all examples share. */
export const errorOf = (f: DrawOf, randomness: string, xs: readonly Tensor[]): Error =>
  raised(() =>
    mapped(
      f,
      randomness,
      xs.map(() => null),
      sources[0]![1](),
      xs,
    ),
  )

/** Expects examples that differ from one another. */
export function expectDistinct(out: unknown): void {
  for (const x of tree.flatten(out)[0]) {
    if (!isTensor(x)) continue
    const rows = Array.from({ length: x.shape[0]! }, (_, i) => JSON.stringify(x.select(0, i).tolist()))
    expect(new Set(rows).size).toBe(rows.length)
  }
}

/** float32 numbers in (0.1, 0.9), not contiguous. */
export const unit = (...shape: number[]): Tensor =>
  random(...[...shape].reverse())
    .mul(0.4)
    .add(0.5)
    .float()
    .permute(shape.map((_, i) => shape.length - 1 - i))
