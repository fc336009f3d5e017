import type { Layout, Op } from '../core/op.ts'
import { defineOp } from '../core/op.ts'
import { type Shape, contiguousStrides, numel } from '../core/shape.ts'
import { linear, pieces, sameAval, view } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { filledLike } from './cast.ts'
import { batchOrExpand, reshapeTo } from './view.ts'

/** Places `offset + Σ iₖ stridesₖ` of a last axis, no two of them the same. */
export interface Places {
  readonly size: Shape
  readonly strides: readonly number[]
  readonly offset: number
}

/** Those places of the last axis of a layout, one axis for each of theirs. */
function placed(x: Layout, { size, strides, offset }: Places): Layout {
  const step = x.strides.at(-1)!
  return {
    shape: [...x.shape.slice(0, -1), ...size],
    strides: [...x.strides.slice(0, -1), ...strides.map((s) => s * step)],
    offset: x.offset + offset * step,
  }
}

/** `[…, n] → […, …size]`: the elements at some places. */
export const takePlaces: Op<[x: Tensor], Places, [x: Tensor, places: Places]> = defineOp({
  name: 'take_places',
  args: (x: Tensor, places: Places): readonly [[Tensor], Places] => [[x], places],
  result: ([x], { size }) => ({ shape: [...x.shape.slice(0, -1), ...size], dtype: x.dtype }),
  compute: view((x, places) => placed(x, places)),
  batch: 'leading',
  diff: linear((ct, [x], places) => putPlaces(filledLike(x, 0, x.dtype, x.shape), ct, places)),
})

/** x `[…, n]` with v `[…, …size]` at some places. */
export const putPlaces: Op<[x: Tensor, v: Tensor], Places, [x: Tensor, v: Tensor, places: Places]> = defineOp({
  name: 'put_places',
  args: (x: Tensor, v: Tensor, places: Places): readonly [[Tensor, Tensor], Places] => [[x, v], places],
  result: sameAval,
  compute: pieces((_, places, out) => [out, placed(out, places)], { cover: true }),
  batch: ([x, v], [dx, dv], places, { size }) => [putPlaces(batchOrExpand(x, dx, size), batchOrExpand(v, dv, size), places), 0],
  diff: {
    kind: 'custom',
    jvp: (_, [x, v], [dx, dv], places) => [
      putPlaces(dx ?? filledLike(x, 0, x.dtype, x.shape), dv ?? filledLike(v, 0, v.dtype, v.shape), places),
    ],
    vjp: (_, [, v], [ct], places) =>
      ct ? [putPlaces(ct, filledLike(v, 0, v.dtype, v.shape), places), takePlaces(ct, places)] : [null, null],
  },
})

/** `whole` with v at the places, counted in rows, that the layout names; along axes that repeat a place, v has one value. */
export function replacePlaces(whole: Tensor, v: Tensor, { shape, strides, offset }: Layout): Tensor {
  if (numel(shape) === 0) return whole
  const rows = contiguousStrides(shape)
  const axes = shape.flatMap((n, i) => (n > 1 && strides[i] === 0 ? [] : [i]))
  const of = (from: readonly number[]): number[] => axes.map((i) => from[i]!)
  const size = of(shape)
  const once = axes.length === shape.length ? v : takePlaces(reshapeTo(v, [numel(shape)]), { size, strides: of(rows), offset: 0 })
  return reshapeTo(putPlaces(reshapeTo(whole, [numel(whole.shape)]), once, { size, strides: of(strides), offset }), whole.shape)
}
