import { type Op, defineOp } from '../core/op.ts'
import { broadcastShapes } from '../core/shape.ts'
import { broadcastAval, decompose, kernel, sameAval } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { add, mul } from './binary.ts'
import { filledLike } from './cast.ts'
import { concat } from './join.ts'
import { narrowAxis } from './slice.ts'
import { expandTo } from './view.ts'

// Running products along the last axis, and linear recurrences, which their derivatives are. None of this asks how long the axis
// is, so that one program holds for all sizes, 0 included, and nothing divides, so that zeros need no care.

const column = (x: Tensor, fill: number): Tensor => filledLike(x, fill, x.dtype, [...x.shape.slice(0, -1), 1])
/** Each element one place further along the last axis: `fill`, x₀, …, xₙ₋₂. */
export const delayed = (x: Tensor, fill = 0): Tensor => narrowAxis(concat([column(x, fill), x], -1), x.ndim - 1, 0, x.shape.at(-1)!)
/** Each element one place earlier: x₁, …, xₙ₋₁, `fill`. */
export const advanced = (x: Tensor, fill = 0): Tensor => narrowAxis(concat([x, column(x, fill)], -1), x.ndim - 1, 1, x.shape.at(-1)!)

/** By doubling: after step s each element has what the s before it give. */
function doubled(a: Tensor, b: Tensor, reverse: boolean): Tensor {
  const n = b.shape.at(-1)!
  const axis = b.ndim - 1
  const first = (x: Tensor, k: number): Tensor => narrowAxis(x, axis, 0, k)
  const last = (x: Tensor, k: number): Tensor => narrowAxis(x, axis, n - k, k)
  let [y, factor] = [b, a]
  for (let s = 1; s < n; s *= 2) {
    const [there, from, rest] = reverse ? [first, last, last] : [last, first, first]
    const onward = (x: Tensor, next: Tensor): Tensor => concat(reverse ? [next, rest(x, s)] : [rest(x, s), next], -1)
    const f = there(factor, n - s)
    y = onward(y, add(mul(f, from(y, n - s)), there(y, n - s)))
    if (2 * s < n) factor = onward(factor, mul(f, from(factor, n - s)))
  }
  return y
}

/**
 * yₖ = aₖ yₖ₋₁ + bₖ along the last axis, from y₋₁ = 0, or, in reverse, yₖ = aₖ yₖ₊₁ + bₖ from its end; leading axes broadcast. The
 * derivatives are such recurrences again.
 */
export const recurrence: Op<[a: Tensor, b: Tensor], boolean, [a: Tensor, b: Tensor, reverse: boolean]> = defineOp({
  name: 'recurrence',
  args: (a: Tensor, b: Tensor, reverse: boolean): readonly [[Tensor, Tensor], boolean] => [[a, b], reverse],
  result: broadcastAval('recurrence'),
  compute: decompose(([a, b], reverse) => {
    const shape = broadcastShapes('recurrence', a.shape, b.shape)
    return doubled(expandTo(a, shape), expandTo(b, shape), reverse)
  }),
  batch: 'leading',
  diff: {
    kind: 'custom',
    // dyₖ = aₖ dyₖ₋₁ + daₖ yₖ₋₁ + dbₖ; the first a meets no y
    jvp: ([y], [a], [da, db], reverse) => {
      const [before, after] = reverse ? [advanced, delayed] : [delayed, advanced]
      const moved = da && before(mul(after(da), y!))
      const both = moved && db ? add(moved, db) : (moved ?? db)
      return [both && recurrence(a, both, reverse)]
    },
    vjp: ([y], [a], [ct], reverse) => {
      if (!ct) return [null, null]
      const [before, after] = reverse ? [advanced, delayed] : [delayed, advanced]
      const back = recurrence(after(a), ct, !reverse)
      return [before(mul(after(back), y!)), back]
    },
  },
})

/** Running products along the last axis, from its end where `reverse`. yₖ = xₖ yₖ₋₁ is differentiated as it stands, so zeros need no care. */
export const scanProduct: Op<[x: Tensor], boolean, [x: Tensor, reverse: boolean]> = defineOp({
  name: 'cumprod',
  args: (x: Tensor, reverse: boolean): readonly [[Tensor], boolean] => [[x], reverse],
  result: sameAval,
  compute: kernel('scan', (reverse) => ({ op: 'prod', reverse })),
  batch: 'leading',
  diff: {
    kind: 'custom',
    jvp: ([y], [x], [dx], reverse) => [dx && recurrence(x, mul(dx, (reverse ? advanced : delayed)(y!, 1)), reverse)],
    vjp: ([y], [x], [ct], reverse) => {
      const [before, after] = reverse ? [advanced, delayed] : [delayed, advanced]
      return [ct ? mul(recurrence(after(x), ct, !reverse), before(y!, 1)) : null]
    },
  },
})

/** The product of all other elements along the last axis. */
export const productOfOthers = (x: Tensor): Tensor => mul(delayed(scanProduct(x, false), 1), advanced(scanProduct(x, true), 1))
