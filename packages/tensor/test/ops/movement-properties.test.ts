import { type Index, type Slice, type Tensor, cat, ellipsis, indexPut, memory, setAt, slice, tensor, unbind } from '@mapgrad/tensor'
import { type ArrayValue, isTensor } from '@mapgrad/tensor/plugin'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { numbers } from './movement-cases.ts'

const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)
const counting = (shape: readonly number[]): Tensor => tensor(Float64Array.from({ length: count(shape) }, (_, i) => i)).reshape(shape)
const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 })
const filled = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 })

/** A tensor over some memory, and the numbers it shows: views on views, followed element by element. */
type Looked = { readonly x: Tensor; readonly want: (...at: number[]) => number }

const step = (r: (n: number) => number, { x, want }: Looked): Looked => {
  const axis = x.ndim ? r(x.ndim) : 0
  switch (x.ndim ? r(5) : 4) {
    case 0: {
      const axes = x.shape.map((_, i) => i).sort(() => r(3) - 1)
      return { x: x.permute(axes), want: (...at) => want(...at.reduce<number[]>((to, v, i) => ((to[axes[i]!] = v), to), [])) }
    }
    case 1:
      return { x: x.flip(axis), want: (...at) => want(...at.map((v, i) => (i === axis ? x.shape[axis]! - 1 - v : v))) }
    case 2: {
      const [start, by] = [r(x.shape[axis]! + 1), 1 + r(3)]
      return {
        x: x.at(...Array.from({ length: axis }, () => slice()), slice(start, null, by)),
        want: (...at) => want(...at.map((v, i) => (i === axis ? start + v * by : v))),
      }
    }
    case 3:
      if (x.shape[axis] === 0) return { x, want }
      return { x: x.select(axis, 0), want: (...at) => want(...at.slice(0, axis), 0, ...at.slice(axis)) }
    default:
      return {
        x: x.unsqueeze(axis).expand([...x.shape.slice(0, axis), 2, ...x.shape.slice(axis)]),
        want: (...at) => want(...at.slice(0, axis), ...at.slice(axis + 1)),
      }
  }
}

const everywhere = (shape: readonly number[]): number[][] =>
  shape.reduce<number[][]>((all, n) => all.flatMap((a) => Array.from({ length: n }, (_, i) => [...a, i])), [[]])

describe('views of views', () => {
  test('show the right elements, and so does every reshape of them', () => {
    fc.assert(
      fc.property(filled, fc.array(fc.nat(), { minLength: 12, maxLength: 40 }), (shape, seeds) => {
        let k = 0
        const r = (n: number): number => seeds[k++ % seeds.length]! % n
        const base = counting(shape)
        let v: Looked = { x: base, want: (...at) => at.reduce((p, i, d) => p * shape[d]! + i, 0) }
        for (let n = 1 + r(4); n > 0; n--) v = step(r, v)
        const want = everywhere(v.x.shape).map((at) => v.want(...at))
        expect(numbers(v.x)).toEqual(want)
        // some other shape of as many elements
        const total = count(v.x.shape)
        const to: number[] = []
        for (let left = total, d = 2; left > 1; d++)
          while (left % d === 0) {
            to.splice(r(to.length + 1), 0, d)
            left /= d
          }
        if (r(2)) to.splice(r(to.length + 1), 0, 1)
        if (total === 0) to.push(0)
        const reshaped = v.x.reshape(to)
        expect(reshaped.shape).toEqual(to)
        expect(numbers(reshaped)).toEqual(want)
        const before = memory().storages
        try {
          expect(numbers(v.x.view(to))).toEqual(want)
        } catch (error) {
          expect((error as Error).message).toContain('view size is not compatible')
          expect(v.x.contiguous().view(to).tolist()).toEqual(reshaped.tolist())
          return
        }
        // what flip gives counts as lying in rows, and is put there first
        const backwards = (v.x.value as ArrayValue).strides.some((s) => s < 0)
        if (!backwards) expect(memory().storages).toBe(before)
      }),
      { numRuns: 300 },
    )
  })

  test('cat undoes split and unbind', () => {
    fc.assert(
      fc.property(filled, fc.nat(3), fc.integer({ min: 1, max: 3 }), (shape, d, size) => {
        const x = counting(shape).flip(0)
        const dim = d % shape.length
        expect(cat(x.split(size, dim), dim).tolist()).toEqual(x.tolist())
        expect(
          cat(
            unbind(x, dim).map((y) => y.unsqueeze(dim)),
            dim,
          ).tolist(),
        ).toEqual(x.tolist())
      }),
    )
  })
})

/** One index on an axis of size n, as the naive reading has it: positions along an output axis of its own, one position, or an index array. */
type Reading =
  | { readonly kind: 'whole'; readonly at: number[] }
  | { readonly kind: 'point'; readonly at: number }
  | { readonly kind: 'new' }
  | { readonly kind: 'array'; readonly shape: number[]; readonly at: number[] }

function pythonSlice(n: number, { start, stop, step }: Slice): number[] {
  const out: number[] = []
  const place = (v: number): number => Math.max(0, Math.min(n, v < 0 ? v + n : v))
  for (let i = place(start ?? 0); i < place(stop ?? n); i += step ?? 1) out.push(i)
  return out
}

/** Which flat element of an array of `shape` each element of the selection is; from the definition, without views. */
function naive(shape: readonly number[], index: readonly Index[]): { shape: number[]; from: number[] } {
  const dots = index.indexOf(ellipsis)
  const used = index.filter((i) => i !== null && i !== ellipsis).length
  const whole = Array.from({ length: shape.length - used }, () => slice())
  const all = dots < 0 ? [...index, ...whole] : [...index.slice(0, dots), ...whole, ...index.slice(dots + 1)]
  let d = 0
  const readings = all.map((i): Reading => {
    if (i === null) return { kind: 'new' }
    const n = shape[d++]!
    const wrap = (v: number): number => (v < 0 ? v + n : v)
    if (typeof i === 'number') return { kind: 'point', at: wrap(i) }
    if (isTensor(i)) return { kind: 'array', shape: [...i.shape], at: numbers(i).map(wrap) }
    return { kind: 'whole', at: pythonSlice(n, i as Slice) }
  })
  const kept = readings.filter((r) => r.kind !== 'point')
  const arrays = readings.filter((r) => r.kind === 'array')
  const rank = Math.max(0, ...arrays.map((a) => a.shape.length))
  const common = Array.from({ length: rank }, (_, k) => Math.max(...arrays.map((a) => a.shape[a.shape.length - rank + k] ?? 1)))
  const first = kept.findIndex((r) => r.kind === 'array')
  const adjacent = arrays.length > 0 && kept.slice(first, first + arrays.length).every((r) => r.kind === 'array')
  const basic = kept.filter((r) => r.kind !== 'array')
  const before = adjacent ? first : 0
  const sizes = basic.map((r) => (r.kind === 'whole' ? r.at.length : 1))
  const out = [...sizes.slice(0, before), ...common, ...sizes.slice(before)]
  const from = everywhere(out).map((at) => {
    const own = [...at.slice(0, before), ...at.slice(before + rank)]
    const middle = at.slice(before, before + rank)
    let flat = 0
    let axis = 0
    for (const r of readings) {
      const n = shape[axis]!
      if (r.kind === 'new') {
        own.shift()
        continue
      }
      axis++
      if (r.kind === 'point') flat = flat * n + r.at
      else if (r.kind === 'whole') flat = flat * n + r.at[own.shift()!]!
      else flat = flat * n + r.at[r.shape.reduce((p, m, k) => p * m + (m === 1 ? 0 : middle[rank - r.shape.length + k]!), 0)]!
    }
    return flat
  })
  return { shape: out, from }
}

/** Indices for a shape: any mixture of integers, slices, null, ellipsis and index arrays that broadcast. */
function indices(shape: readonly number[], r: (n: number) => number): Index[] {
  const out: Index[] = []
  const common = [1 + r(2), 2]
  const axes = r(shape.length + 1)
  for (let d = 0; d < axes; d++) {
    const n = shape[d]!
    const any = (): number => r(2 * n) - n
    if (r(6) === 0) out.push(null)
    const kind = r(n === 0 ? 1 : 4)
    if (kind === 0) out.push(slice(r(2) ? null : r(7) - 3, r(2) ? null : r(7) - 3, r(2) ? null : 1 + r(3)))
    else if (kind === 1) out.push(any())
    else {
      const own = [[2], common, [1], [common[0]!, 1]][r(4)]!
      out.push(tensor(Array.from({ length: count(own) }, any), { dtype: 'int32' }).reshape(own))
    }
  }
  if (r(3) === 0 && axes === out.filter((i) => i !== null).length) out.push(ellipsis)
  return out
}

describe('indexing, against its definition', () => {
  const drawn = fc.array(fc.nat(), { minLength: 20, maxLength: 60 })
  const chooser = (seeds: readonly number[]): ((n: number) => number) => {
    let k = 0
    return (n) => seeds[k++ % seeds.length]! % n
  }
  test('x.at(…)', () => {
    fc.assert(
      fc.property(shapes, drawn, (shape, seeds) => {
        const index = indices(shape, chooser(seeds))
        const want = naive(shape, index)
        const y = counting(shape).at(...index)
        expect(y.shape).toEqual(want.shape)
        expect(numbers(y)).toEqual(want.from)
      }),
      { numRuns: 500 },
    )
  })
  test('setAt and indexPut write where x.at(…) reads, the last of several stays', () => {
    fc.assert(
      fc.property(shapes, drawn, fc.boolean(), (shape, seeds, accumulate) => {
        const index = indices(shape, chooser(seeds)).filter((i) => i !== null)
        const { shape: region, from } = naive(shape, index)
        const x = counting(shape)
        const values = tensor(Float64Array.from(from, (_, i) => 100 + i)).reshape(region)
        const want = numbers(x)
        from.forEach((to, i) => (want[to] = accumulate ? want[to]! + 100 + i : 100 + i))
        expect(numbers(accumulate ? indexPut(x, index, values, true) : setAt(x, index, values))).toEqual(want)
        expect(numbers(x)).toEqual(numbers(counting(shape)))
      }),
      { numRuns: 500 },
    )
  })
})
