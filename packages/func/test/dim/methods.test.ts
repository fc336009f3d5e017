// Methods that take the number of an axis take a Dim there: the same results as along the positional axis, for each of its places.
import { type Tensor, manualSeed, rand, randperm, stack } from '@mapgrad/func'
import { type Dim, type DimTensor, dims, isDim } from '@mapgrad/func/dim'
import { describe, expect, test } from 'vitest'

manualSeed(5)
// all distinct, so that orders and extremes are; above zero, so that products and logarithms are
const A = randperm(60, { dtype: 'float64' }).div(60).add(0.5).reshape(4, 3, 5)

type Call = (x: DimTensor, d: Dim) => unknown
/** A call with the Dim, and with a number. */
const along: Readonly<Record<string, Call>> = {
  sum: (x, d) => x.sum(d),
  mean: (x, d) => x.mean({ dim: d }),
  prod: (x, d) => x.prod(d),
  nansum: (x, d) => x.nansum(d),
  nanmean: (x, d) => x.nanmean(d),
  amax: (x, d) => x.amax(d),
  amin: (x, d) => x.amin([d]),
  aminmax: (x, d) => x.aminmax({ dim: d }),
  max: (x, d) => x.max(d),
  min: (x, d) => x.min(d),
  argmax: (x, d) => x.argmax(d),
  argmin: (x, d) => x.argmin(d),
  any: (x, d) => x.gt(1).any(d),
  all: (x, d) => x.gt(0.6).all(d),
  countNonzero: (x, d) => x.gt(1).countNonzero(d),
  std: (x, d) => x.std(d),
  var: (x, d) => x.var(d, { correction: 0 }),
  logsumexp: (x, d) => x.logsumexp(d),
  norm: (x, d) => x.norm(3, d),
  median: (x, d) => x.median(d),
  nanmedian: (x, d) => x.nanmedian(d),
  mode: (x, d) => x.mode(d),
  kthvalue: (x, d) => x.kthvalue(2, d),
  cumsum: (x, d) => x.cumsum(d),
  cumprod: (x, d) => x.cumprod(d),
  cummax: (x, d) => x.cummax(d),
  cummin: (x, d) => x.cummin({ dim: d }),
  logcumsumexp: (x, d) => x.logcumsumexp(d),
  sort: (x, d) => x.sort(d, true),
  argsort: (x, d) => x.argsort(d),
  softmax: (x, d) => x.softmax(d),
  logSoftmax: (x, d) => x.logSoftmax(d),
  flip: (x, d) => x.flip(d),
  roll: (x, d) => x.roll(2, d),
  unbind: (x, d) => x.unbind(d),
  select: (x, d) => x.select(d, 1),
  cumsum_: (x, d) => x.mul(1).cumsum_(d),
  cumprod_: (x, d) => x.mul(1).cumprod_(d),
}
/** Nested arrays of what `call` gives, with the dim of a result that has one as its axis `axis`. */
function results(y: unknown, d: Dim | number, axis: number): unknown {
  if (Array.isArray(y)) return y.map((z) => results(z, d, axis))
  const t = y as DimTensor
  if (!isDim(d) || !t.dims.some((e) => e === d)) return t.tolist()
  return t.order(d).movedim(0, axis).tolist()
}

describe.each(Object.entries(along))('%s', (_, call) => {
  test.each([0, 1, 2])('axis %d', (axis) => {
    const want = results(call(A as DimTensor, axis as unknown as Dim), axis, axis)
    const [i] = dims('i')
    const x = A.movedim(axis, 0).at(i)
    expect(results(call(x, i), i, axis)).toEqual(want)
    // without positional axes
    const all = dims(3)
    const whole = A.at(...all)
    const d = all[axis]!
    const others = all.filter((e) => e !== d)
    const ordered = (z: unknown): unknown => (Array.isArray(z) ? z.map(ordered) : (z as DimTensor).order(...others))
    expect(results(ordered(call(whole, d)), d, axis)).toEqual(want)
    // with another dim of the loop
    const [j, k] = dims(2)
    const both = stack([A, A.neg().add(3)], 0)
    const y = call(both.at(j).movedim(axis, 0).at(k), k)
    const one = (z: unknown): unknown =>
      Array.isArray(z) ? z.map(one) : (z as DimTensor).dims.includes(j) ? (z as DimTensor).index(j, 0) : z
    expect(results(one(y), k, axis)).toEqual(want)
  })
})

test('in place, the tensor itself is written', () => {
  const [i] = dims('i')
  const B: Tensor = rand(3, 4, { dtype: 'float64' })
  const want = B.cumsum(0).tolist()
  const x = B.at(i)
  expect(x.cumsum_(i)).toBe(x)
  expect(B.tolist()).toEqual(want)
})
