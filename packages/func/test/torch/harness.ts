// What the ports of PyTorch's functorch suites share (upstream: common_utils.py): references computed example by example,
// inputs with every choice of mapped axes, comparison of trees of tensors. Small on purpose: nothing here knows an operator.
import { type InDims, type OutDims, type Tensor, isTensor, ones, stack, tree, vmap } from '@mapgrad/func'
import { expect } from 'vitest'

export { along, distance, f64, numbers, raised, random } from '../rules.ts'

/** Which axis of an argument holds the examples; `null` where they share it. */
export type Dim = number | null
/** A function of one example. Arguments that are no tensors go to the function as they are. */
export type F<R = unknown> = (...xs: never[]) => R

/** Batch sizes of the upstream templates: none of them is the size of an axis. */
export const [B0, B1] = [7, 11]

const dimsOf = (dims: Dim | readonly Dim[], args: readonly unknown[]): readonly Dim[] =>
  typeof dims === 'object' && dims !== null ? dims : args.map((x) => (isTensor(x) ? dims : null))

/** `f` of each example, one after the other; leaves of the results are stacked along `outDim` (one for all leaves, or one each). What `vmap` must equal. */
export function loop<R>(
  f: F<R>,
  inDims: Dim | readonly Dim[],
  outDim: number | readonly number[],
  size: number,
  ...args: readonly unknown[]
): R {
  const dims = dimsOf(inDims, args)
  const example = (i: number): R => f(...(args.map((x, k) => (dims[k] === null ? x : (x as Tensor).select(dims[k]!, i))) as never[]))
  const [first, ...others] = Array.from({ length: size }, (_, i) => example(i))
  let leaf = 0
  const join = (...xs: Tensor[]): Tensor => stack(xs, typeof outDim === 'number' ? outDim : outDim[leaf++]!)
  return tree.map(join as (...xs: never[]) => Tensor, first, ...others) as R
}

/** Two loops, one in the other: what `vmap(vmap(f, inner), outer)` must equal. Axes of the inner loop are those of one example of the outer. */
export function loop2<R>(
  f: F<R>,
  [outer, inner]: readonly [Dim | readonly Dim[], Dim | readonly Dim[]],
  [outerOut, innerOut]: readonly [number, number],
  [size0, size1]: readonly [number, number],
  ...args: readonly unknown[]
): R {
  return loop((...xs: never[]) => loop(f, inner, innerOut, size1, ...xs), outer, outerOut, size0, ...args)
}

/** `size` tensors like `x`, all different: the elements go round, so that they stay in the domain of a function; a single one shrinks. */
export function variants(x: Tensor, size: number): Tensor[] {
  return Array.from({ length: size }, (_, i) => {
    if (i === 0) return x
    if (x.numel() === 1) return x.dtype.startsWith('float') ? x.mul(1 - i / (size + 1)) : x
    return x.flatten().roll(i).reshape(x.shape)
  })
}

/** Arguments for `vmap`, and which of their axes is mapped. */
export interface BatchedInputs {
  readonly args: readonly unknown[]
  readonly inDims: readonly Dim[]
}

/**
 * The arguments of one example with `size` of them along no axis, the first or the last, in every combination but "none at all".
 * A first axis is not the outermost in memory; other leaves than tensors are never mapped. `spread` makes the examples of one argument.
 */
export function* batchedInputs(
  args: readonly unknown[],
  size = 2,
  spread: (x: Tensor, size: number) => Tensor[] = variants,
): Generator<BatchedInputs> {
  const choices = args.map((x): (readonly [unknown, Dim])[] => {
    if (!isTensor(x)) return [[x, null]]
    const last = stack(spread(x, size), -1)
    return [
      [x, null],
      [last.movedim(-1, 0), 0],
      [last, -1],
    ]
  })
  const all = choices.reduce<(readonly [unknown, Dim])[][]>((rows, some) => rows.flatMap((r) => some.map((c) => [...r, c])), [[]])
  for (const row of all) if (row.some(([, d]) => d !== null)) yield { args: row.map(([x]) => x), inDims: row.map(([, d]) => d) }
}

/** How far results may be apart: `|got - want| ≤ absolute + relative·|want|`. */
export interface Tolerance {
  readonly relative?: number
  readonly absolute?: number
}
const TOLERANCE: Readonly<Record<string, Required<Tolerance>>> = {
  float64: { relative: 1e-11, absolute: 1e-12 },
  float32: { relative: 1.3e-6, absolute: 1e-5 },
  float16: { relative: 1e-3, absolute: 1e-5 },
  bfloat16: { relative: 1.6e-2, absolute: 1e-5 },
}

/** Expects the same structure, dtypes and shapes, and elements that agree; NaN agrees with NaN, other leaves than tensors must be equal. */
export function expectClose(got: unknown, want: unknown, tolerance: Tolerance = {}, what = ''): void {
  const [gots, wants] = [tree.flatten(got), tree.flatten(want)]
  expect([what, gots[1].text]).toEqual([what, wants[1].text])
  wants[0].forEach((w, i) => {
    const g = gots[0][i]
    if (!isTensor(w) || !isTensor(g)) return void expect([what, g]).toEqual([what, w])
    expect([what, g.dtype, g.shape]).toEqual([what, w.dtype, w.shape])
    const { relative, absolute } = { relative: 0, absolute: 0, ...TOLERANCE[w.dtype], ...tolerance }
    const [a, b] = [g.dataSync(), w.dataSync()]
    for (let k = 0; k < b.length; k++) {
      const [x, y] = [Number(a[k]), Number(b[k])]
      if (Object.is(x, y) || x === y || Math.abs(x - y) <= absolute + relative * Math.abs(y)) continue
      expect.fail(`${what}: leaf ${i}, element ${k} of shape [${w.shape}]: got ${x}, expected ${y}`)
    }
  })
}

/** Expects `vmap` of `f` to equal a loop, for one choice of axes. */
export function expectLikeLoop(
  f: F,
  inDims: Dim | readonly Dim[],
  outDim: number,
  size: number,
  args: readonly unknown[],
  tolerance?: Tolerance,
): void {
  const mapped = vmap(f as F & ((...xs: unknown[]) => unknown), dimsOf(inDims, args) as InDims, outDim)
  expectClose(mapped(...args), loop(f, inDims, outDim, size, ...args), tolerance, `inDims ${JSON.stringify(inDims)}, outDim ${outDim}`)
}

/**
 * Expects `vmap` of `f` to equal a loop for every choice of axes, examples going back in front or last; and the same inside
 * an inner `vmap` over something else, where nothing that `f` sees is mapped at the innermost level.
 */
export function checkVmap(f: F, args: readonly unknown[], { size = 2, tolerance, spread }: CheckOptions = {}): void {
  const g = f as F & ((...xs: unknown[]) => unknown)
  for (const { args: xs, inDims } of batchedInputs(args, size, spread)) {
    for (const outDim of [0, -1]) expectLikeLoop(f, inDims, outDim, size, xs, tolerance)
    const inner = vmap((_: Tensor, ...ys: unknown[]) => g(...ys), [0, ...xs.map(() => null)])
    const got = vmap(inner, [null, ...inDims])(ones(3), ...xs)
    const want = tree.map((y: Tensor) => y.unsqueeze(1).expand(size, 3, ...y.shape.slice(1)), loop(f, inDims, 0, size, ...xs))
    expectClose(got, want, tolerance, `inDims ${JSON.stringify(inDims)} under a vmap of something else`)
  }
}

/** How `checkVmap` is to check. */
export interface CheckOptions {
  readonly size?: number
  readonly tolerance?: Tolerance
  readonly spread?: (x: Tensor, size: number) => Tensor[]
}

/** `vmap` of a function of any arguments, for cases that break its types on purpose. */
export const loosely = (f: unknown, ...how: unknown[]): ((...xs: unknown[]) => unknown) =>
  vmap(f as (...xs: unknown[]) => unknown, how[0] as InDims, how[1] as OutDims, how[2] as object)
