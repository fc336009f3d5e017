// Upstream: test_vmap.py, the hand-written cases of TestVmapOperatorsOpInfo on indices, writes and tensors made like others; and beside them
// random indexings (integers, slices, new axes, an ellipsis, masks and index tensors, each mapped or shared) to read, write and differentiate,
// against loops. The exhaustive cases over all operators are properties of the conformance suite.
// Left out: svd, eigh, slogdet, lu, searchsorted, bucketize, group_norm, batch_norm, conv_double_backward (absent); anomaly mode is tested
// where it is; values that escaped are in vmap-api-forbidden.test.ts.
import {
  type Index,
  type Tensor,
  ellipsis,
  flatten,
  fullLike,
  grad,
  indexFill,
  indexPut,
  isTensor,
  isinf,
  isnan,
  linalg,
  onesLike,
  randLike,
  slice,
  stack,
  sum,
  tensor,
  vmap,
  where,
  zerosLike,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { type Dim, checkVmap, expectClose, loop, random } from './harness.ts'
import { check } from './operators.ts'

const ints = (...data: number[]): Tensor => tensor(data, { dtype: 'int32' })

describe('indexPut', () => {
  const combinations: readonly [Dim, Dim, Dim][] = [
    [0, 0, 0],
    [0, null, 0],
    [0, 0, null],
    [0, null, null],
    [null, 0, 0],
    [null, null, 0],
    [null, 0, null],
    [-1, 0, -1],
    [1, 1, 1],
  ]
  const at = (dim: Dim, make: () => Tensor): Tensor => (dim === null ? make() : stack([make(), make()], dim))
  test.each(combinations)('tensor %j, indices %j, values %j', (dx, di, dv) => {
    let k = 0
    for (const values of [[2], [2, 3], [1], []]) {
      const wide = values.length === 2
      const f = (x: Tensor, i: Tensor, v: Tensor): Tensor => (wide ? indexPut(x, [i], v) : indexPut(x, [i, ints(2, 0)], v))
      const dimOf = (dim: Dim, rank: number): Dim => (dim === null || dim <= rank ? dim : 0)
      const args = [
        at(dx, () => random(5, 3)),
        at(di, () => (k++ % 2 ? ints(0, 3) : ints(4, 1))),
        at(dimOf(dv, values.length), () => random(...values)),
      ]
      const dims = [dx, di, dimOf(dv, values.length)]
      check(f, args, dims)
      check((x: Tensor, i: Tensor, v: Tensor) => indexPut(x, wide ? [i] : [i, ints(2, 0)], v, true), args, dims)
      const write = (x: Tensor, i: Tensor, v: Tensor): Tensor => x.indexPut_(wide ? [i] : [i, ints(2, 0)], v)
      if (dx !== null) check((x: Tensor, i: Tensor, v: Tensor) => write(x.clone(), i, v), args, dims)
      else expect(() => vmap(write, dims)(args[0]!, args[1]!, args[2]!)).toThrow('is not possible because there exists a Tensor `other`')
    }
  })
  test('of a number, at slices, by a mask, with values that broadcast', () => {
    const set = (x: Tensor, ...rest: [...Index[], Tensor | number]): Tensor => {
      const y = x.clone()
      y.set(...rest)
      return y
    }
    check((x: Tensor, v: Tensor) => set(x, ellipsis, v), [random(4), random(4)])
    check((x: Tensor, v: Tensor) => set(x, slice(1, 3), v), [random(4, 5), random(2)], [0, null])
    check((x: Tensor, v: Tensor) => set(x, slice(), 2, v), [random(3, 4, 5), random(4)], [1, 0])
    check((x: Tensor, v: Tensor) => set(x, slice(null, null, 2), ints(0, 2), v), [random(3, 4, 5), random(4)], [1, 0])
    check((x: Tensor, v: Tensor) => set(x, x.gt(0), v), [random(3, 4, 5), random(4)], [1, 0])
    check((x: Tensor) => set(x, x.gt(0), 0), [random(3, 4)])
    check((x: Tensor, v: Tensor) => set(x, tensor([true, false, true]), v), [random(2, 3, 4), random(2, 1, 4)])
    check((x: Tensor, v: Tensor) => set(x, ints(2, 0), ellipsis, v), [random(2, 3, 4, 5), random(5)], [0, null])
  })
})

describe('indices of several kinds', () => {
  test('tensors beside slices and between them: where their axes go is decided in one example', () => {
    const [x, i, j] = [
      random(2, 4, 5, 3),
      tensor(
        [
          [1, 2],
          [3, 0],
        ],
        { dtype: 'int32' },
      ),
      ints(2, 1),
    ]
    check((a: Tensor) => a.at(i), [x])
    check((a: Tensor) => a.at(slice(), j), [x])
    check((a: Tensor) => a.at(j, slice(), j), [x])
    check((a: Tensor) => a.at(slice(), j, j), [x], 1)
    check((a: Tensor) => a.at(j, null, 1), [x])
    check(
      (a: Tensor, k: Tensor) => a.at(k, slice(), j),
      [
        x,
        tensor(
          [
            [0, 3],
            [1, 1],
          ],
          { dtype: 'int32' },
        ),
      ],
      [0, 0],
    )
    check((k: Tensor) => x.at(k, ellipsis, k), [tensor([[0], [1], [0]], { dtype: 'int32' })])
    check(
      vmap((a: Tensor, k: Tensor) => a.at(k), [0, null]),
      [random(2, 3, 5), ints(2, 0, 1).unsqueeze(0)],
      [null, 0],
    )
    check(
      vmap((a: Tensor, k: Tensor) => a.at(k, slice(0, 2)), [1, 0]),
      [random(2, 4, 3, 5), ints(1, 0, 1).expand(2, 3)],
      [0, 0],
    )
  })
  test('a number for each example is an index like any other', () => {
    check((x: Tensor, i: Tensor) => x.at(i), [random(3, 5), ints(4, 0, -1)])
    check((x: Tensor, i: Tensor) => x.at(slice(), i), [random(3, 2, 5), ints(4, 0, -1)])
    check((i: Tensor) => random(5).mul(0).at(i), [ints(4, 0, -1)])
    expect(() => vmap((x: Tensor, i: Tensor) => x.at(i))(random(2, 5), ints(4, 5))).toThrow('out of bounds')
  })
  test('indexFill: eight ways to be mapped', () => {
    for (const dim of [0, -1]) checkVmap((x: Tensor, i: Tensor, v: Tensor) => indexFill(x, dim, i, v), [random(3, 4), ints(2, 0), random()])
    checkVmap((x: Tensor) => indexFill(x, 1, ints(3), 2), [random(3, 4)])
  })
  test('in place on a view of an example', () => {
    const f = (x: Tensor): Tensor => {
      const y = x.square()
      y.at(1).sin_()
      y.select(1, 0).mul_(2)
      return y
    }
    check(f, [random(3, 2, 4)])
    check(f, [random(2, 3, 4)], 1, { outDim: -1 })
    const read = (x: Tensor): Tensor => {
      const y = x.square()
      const part = y.at(slice(), 1)
      y.neg_()
      return part.add(1)
    }
    check(read, [random(3, 2, 4)])
  })
})

describe('random indexings', () => {
  const generator = (seed: number): ((n: number) => number) => {
    let state = seed * 7919 + 1
    return (n) => {
      state = (state * 48271) % 2147483647
      return Math.floor((state / 2147483647) * n)
    }
  }
  /** A tensor, tensors that index it, and an index of which each entry is ready or the place of its tensor. */
  function draw(seed: number): { args: Tensor[]; dims: Dim[]; size: number; index: (ts: readonly Tensor[]) => Index[]; text: string } {
    const pick = generator(seed)
    const size = 1 + pick(3)
    const shape = Array.from({ length: 1 + pick(4) }, () => 1 + pick(4))
    const args: Tensor[] = []
    const dims: Dim[] = []
    const add = (make: () => Tensor, mapped: boolean): number => {
      const one = make()
      const d = mapped ? pick(one.ndim + 1) : null
      dims.push(d)
      return args.push(d === null ? one : stack([one, ...Array.from({ length: size - 1 }, make)], d)) - 1
    }
    add(() => random(...shape), pick(4) > 0)
    const common = [[], [2], [3], [2, 1]][pick(4)]!
    const entries: (Index | { readonly place: number })[] = []
    let rest = false
    for (let axis = 0; axis < shape.length; axis++) {
      const n = shape[axis]!
      const kind = pick(8)
      const whole = (like: readonly number[]): Tensor =>
        tensor(Int32Array.from({ length: like.reduce((a, b) => a * b, 1) }, () => pick(2 * n) - n)).reshape([...like])
      if (kind === 0) entries.push(pick(n))
      else if (kind === 1) entries.push(slice(pick(n), null, 1 + pick(2)))
      else if (kind === 2) entries.push(null, slice())
      else if (kind === 3 && !rest) {
        rest = true
        entries.push(ellipsis, slice())
      } else if (kind === 4) entries.push({ place: add(() => tensor(Array.from({ length: n }, () => pick(2) === 1)), false) })
      else {
        const like = pick(3) ? common : []
        entries.push({ place: add(() => whole(like), pick(2) === 1) })
      }
    }
    if (dims.every((d) => d === null)) return draw(seed + 100_003)
    const index = (ts: readonly Tensor[]): Index[] =>
      entries.map((e) => (typeof e === 'object' && e !== null && 'place' in e ? ts[e.place]! : (e as Index)))
    const text = `seed ${seed}, x[${shape}], index ${entries.map((e) => JSON.stringify(e)).join(', ')}, inDims ${JSON.stringify(dims)}`
    return { args, dims, size, index, text }
  }
  test.each([0, 1, 2, 3])('read, written and differentiated (%i)', (block) => {
    for (let seed = block * 60; seed < (block + 1) * 60; seed++) {
      const { args, dims, size, index, text } = draw(seed)
      const get = (...ts: Tensor[]): Tensor => ts[0]!.at(...index(ts))
      const equal = (f: (...ts: Tensor[]) => Tensor, what: string, given = args, along = dims): void =>
        expectClose(vmap(f, along)(...given), loop(f as never, along, 0, size, ...given), {}, `${what}: ${text}`)
      let one: Tensor
      try {
        one = get(...args.map((x, i) => (dims[i] === null ? x : x.select(dims[i]!, 0))))
      } catch {
        // masks that select other numbers of elements than the index tensors have: refused with and without vmap
        expect(() => vmap(get, dims)(...args)).toThrow('shape mismatch: indexing tensors could not be broadcast together')
        continue
      }
      equal(get, 'at')
      if (dims[0] !== null)
        equal(
          grad((...ts: Tensor[]) =>
            get(...ts)
              .sin()
              .sum(),
          ) as typeof get,
          'grad',
        )
      const values = [...args, stack(Array.from({ length: size }, () => random(...one.shape)))]
      equal(
        (...ts) => {
          const y = ts[0]!.clone()
          y.set(...index(ts), ts.at(-1)!)
          return y
        },
        'set',
        values,
        [...dims, 0],
      )
      if (index(args).some(isTensor) && index(args).every(isTensor))
        equal((...ts) => indexPut(ts[0]!, index(ts) as Tensor[], ts.at(-1)!, true), 'indexPut', values, [...dims, 0])
    }
  })
})

describe('tensors like one example', () => {
  test('zerosLike, onesLike, fullLike, randLike', () => {
    check((x: Tensor) => zerosLike(x), [random(2, 3, 4)], 1, { gradient: false })
    check((x: Tensor) => onesLike(x, { dtype: 'int32' }), [random(2, 3, 4)], 1, { gradient: false })
    check((x: Tensor) => fullLike(x, 2.5), [random(2, 3, 4)], 2, { gradient: false })
    const drawn = vmap((x: Tensor) => randLike(x), { randomness: 'different', inDims: 1 })(random(2, 3))
    expect(drawn.shape).toEqual([3, 2])
    expect(new Set(Array.from(drawn.dataSync() as Float64Array)).size).toBe(6)
  })
  test('flatten, of a number too', () => {
    check((x: Tensor) => flatten(x), [random(2, 3, 4)], 1)
    check((x: Tensor) => flatten(x, 1), [random(2, 3, 4, 5)], 1)
    check((x: Tensor) => flatten(x), [random(5)])
    expect(vmap((x: Tensor) => flatten(x))(random(5)).shape).toEqual([5, 1])
  })
  test('isnan, isinf, a sum of numbers', () => {
    const x = tensor(
      [
        [NaN, 1, Infinity],
        [0, -Infinity, NaN],
      ],
      { dtype: 'float64' },
    )
    check((r: Tensor) => isnan(r), [x])
    check((r: Tensor) => isinf(r), [x], 1)
    check((r: Tensor) => where(isnan(r), 0, r), [x], 0, { gradient: false })
    check((r: Tensor) => sum(r), [random(5)])
    expect(vmap((r: Tensor) => sum(r, 0))(random(5)).shape).toEqual([5])
  })
  test('products that fail say so as for one example', () => {
    expect(() => vmap((x: Tensor) => linalg.multiDot([x, x]))(random(3, 2, 4))).toThrow(/multi_?[dD]ot/)
    expect(() => vmap((x: Tensor) => linalg.multiDot([x]))(random(3, 2, 4))).toThrow(/multi_?[dD]ot/)
  })
})
