// The template of upstream's TestVmapOperators: an operator mapped over chosen axes against a loop, with gradients, and as a view.
import { type InDims, type Tensor, add, grad, isTensor, mul, sum, tree, vmap } from '@mapgrad/func'
import { ArrayValue } from '@mapgrad/tensor/plugin'
import { expect } from 'vitest'
import { B0, B1, type Dim, type F, type Tolerance, expectClose, loop, random } from './harness.ts'

const isFloat = (x: unknown): x is Tensor => isTensor(x) && x.dtype.startsWith('float')
/** Σy² over all floating outputs: a number whose gradient is 2y, not uniform. */
const energy = (out: unknown): Tensor =>
  tree
    .leaves(out)
    .filter(isFloat)
    .map((y) => sum(mul(y, y)))
    .reduce((a, b) => add(a, b))

/** Whether two tensors lie in one piece of memory. */
export const shareMemory = (x: Tensor, y: Tensor): boolean =>
  x.value instanceof ArrayValue && y.value instanceof ArrayValue && x.value.buffer !== null && x.value.buffer === y.value.buffer

/** What to check of an operator beside its values. */
export interface Checks {
  readonly outDim?: number
  /** every result shows the memory of the first input */
  readonly view?: boolean
  /** whether gradients by the first input go through; by default where that and an output are floating */
  readonly gradient?: boolean
  readonly tolerance?: Tolerance
}

/** Expects `vmap(op, inDims, outDim)(...inputs)` to be what a loop over the examples gives, and its gradient that of the loop. */
export function check(
  op: F,
  inputs: readonly unknown[],
  inDims: Dim | readonly Dim[] = 0,
  { outDim = 0, view = false, gradient = true, tolerance }: Checks = {},
): void {
  const dims = typeof inDims === 'number' || inDims === null ? inputs.map((x) => (isTensor(x) ? inDims : null)) : inDims
  const k = dims.findIndex((d) => d !== null)
  const size = (inputs[k] as Tensor).size(dims[k]!)
  const f = op as (...xs: unknown[]) => unknown
  const mapped = vmap(f, dims as InDims, outDim)
  const looped = (...xs: unknown[]): unknown => loop(f as F, dims, outDim, size, ...xs)
  const what = `inputs ${inputs.map((x) => (isTensor(x) ? `[${x.shape}]` : JSON.stringify(x))).join(', ')}, inDims ${JSON.stringify(dims)}, outDim ${outDim}`
  const [got, want] = [mapped(...inputs), looped(...inputs)]
  expectClose(got, want, tolerance, what)
  if (view) for (const y of tree.leaves(got)) expect([what, shareMemory(y as Tensor, inputs[0] as Tensor)]).toEqual([what, true])
  if (!gradient || !isFloat(inputs[0]) || !tree.leaves(want).some(isFloat)) return
  const slope = (g: (...xs: unknown[]) => unknown): Tensor => grad((x: Tensor) => energy(g(x, ...inputs.slice(1))))(inputs[0] as Tensor)
  expectClose(slope(mapped), slope(looped), tolerance, `gradient, ${what}`)
}

/** How the inputs of a template are drawn: by default in (−1, 1). */
export type Draw = (...shape: number[]) => Tensor
/** In (1, 2). */
export const above1: Draw = (...shape) =>
  random(...shape)
    .abs()
    .add(1)
/** In (0, 1). */
export const positive: Draw = (...shape) => random(...shape).abs()

/** An operator of one tensor: one map and two, over the first axis and inner ones. */
export function checkUnary(op: (x: Tensor) => unknown, draw: Draw = random, checks: Checks = {}): void {
  check(op, [draw(B0, 3)], 0, checks)
  check(op, [draw(2, 5, B0, 3)], 2, checks)
  check(op, [draw(2, 5, B0, 3)], 2, { ...checks, outDim: 2 })
  check(vmap(op), [draw(B0, B1)], 0, checks)
  check(vmap(op), [draw(B1, 2, 5, B0, 3)], 3, checks)
  check(vmap(op, 2), [draw(2, 5, B0, B1, 3)], 2, { ...checks, outDim: 2 })
}

/** The same for a method that writes its tensor: the results, and what it leaves behind. */
export function checkInPlace(op: (x: Tensor) => unknown, draw: Draw = random): void {
  checkUnary((x) => op(x.clone()), draw)
  for (const [shape, d, mapped] of [
    [[B0, 3], 0, vmap(op)],
    [[2, 5, B0, 3], 2, vmap(op, 2)],
    [[B0, B1], 0, vmap(vmap(op))],
    [[2, B0, B1, 3], 1, vmap(vmap(op, 1), 1)],
  ] as const) {
    const x = draw(...shape)
    const y = x.clone()
    const out = mapped(y) as Tensor
    expectClose(out, y.ndim === 4 && shape.length === 4 && d === 1 ? y.permute(1, 2, 0, 3) : y.movedim(d, 0))
    const want = x.clone()
    op(want)
    expectClose(y, want)
  }
}

/** An operator of two tensors in every arrangement of the upstream template. */
export function checkBinary(op: (x: Tensor, y: Tensor) => unknown, draw: Draw = random, checks: Checks = {}): void {
  check(op, [draw(B0, 3), draw(B0, 3)], 0, checks)
  check(op, [draw(B0), draw(B0, 2, 3)], 0, checks)
  check(op, [draw(B0), draw(2, B0, 3)], [0, 1], checks)
  check(op, [draw(B0), draw(2, B0, 3)], [0, 1], { ...checks, outDim: 1 })
  check(op, [draw(B0), draw(2, 3)], [0, null], checks)
  check(op, [draw(2, 3), draw(B0, 3)], [0, null], checks)
  check(op, [draw(2, 3), draw(B0, 3)], [null, 0], checks)
  check(vmap(op), [draw(B0, 2, 2, 3), draw(B0, 2, 3)], 0, checks)
  check(vmap(op, [null, 0]), [draw(B0, 2, 3), draw(4, 3)], [0, null], checks)
}
