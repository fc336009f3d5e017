// Beside upstream (whose own cases are in vmap-opinfo-indexing.test.ts): random indexings, of integers, slices, new axes, an ellipsis, masks
// and index tensors, each mapped or shared, to read, write and differentiate, against loops. A failure says its seed and the index.
import { type Index, type Tensor, ellipsis, grad, indexPut, isTensor, slice, stack, tensor, vmap } from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { type Dim, expectClose, loop, random } from './harness.ts'

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
