// Port of TestRandomness (test_vmap.py), draws in place. Numbers of an in-place draw are those of the draw with the examples in front.
// A tensor that all examples share can be filled under 'same', once; under 'different' that is refused, as by PyTorch.
// dropout_ and its kin are in randomness-functions-in-place.test.ts.
import { Generator, type Tensor, manualSeed, ones, vmap, zeros } from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { type Dim, expectClose, loop, random } from './harness.ts'
import { ERROR, SIZE, type Source, errorOf, expectDistinct, mapped, sources, unit } from './randomness.ts'

type Fill = (x: Tensor, o: Source) => Tensor
const fills: readonly (readonly [string, Fill])[] = [
  ['random_()', (x, o) => x.random_(o)],
  ['random_(to)', (x, o) => x.random_(100, o)],
  ['random_(from, to)', (x, o) => x.random_(-5, 100, o)],
  ['uniform_', (x, o) => x.uniform_(-1, 2, o)],
  ['normal_', (x, o) => x.normal_(1, 3, o)],
  ['cauchy_', (x, o) => x.cauchy_(o)],
  ['exponential_', (x, o) => x.exponential_(2, o)],
  ['geometric_', (x, o) => x.geometric_(0.3, o)],
  ['logNormal_', (x, o) => x.logNormal_(0, 0.5, o)],
  ['bernoulli_()', (x, o) => x.bernoulli_(o)],
  ['bernoulli_(p)', (x, o) => x.bernoulli_(0.7, o)],
]
const DIFFERENT =
  /Cannot ask for different inplace randomness on an unbatched tensor\. This will appear like same randomness\. If this is necessary for your usage,/
const exact = { relative: 0, absolute: 0 }

describe.each(fills)('%s', (name, fill) => {
  const x = random(3, 5).float()
  const clone: (o: Source, y: Tensor) => Tensor = (o, y) => fill(y.clone(), o)

  test.each<readonly [string, Dim]>([
    ['in front', 0],
    ['last', -1],
  ])('of a tensor with the examples %s', (_, dim) => {
    const all = dim === 0 ? random(SIZE, 3, 5).float() : random(3, 5, SIZE).float()
    for (const [what, start] of sources) {
      for (const r of ['error', undefined]) expect(() => mapped(clone as never, r, [dim], start(), [all]), `${what}`).toThrow(ERROR)
      expectClose(mapped(clone as never, 'different', [dim], start(), [all]), fill(zeros(SIZE, 3, 5), start()), exact, what)
      const want = loop(((y: Tensor) => clone(start(), y)) as never, dim, 0, SIZE, all)
      expectClose(mapped(clone as never, 'same', [dim], start(), [all]), want, { relative: 1e-6, absolute: 0 }, what)
    }
    // it is the caller's tensor that is filled
    const [, start] = sources[0]!
    const mine = all.clone()
    const given = mapped((o, y) => fill(y!, o), 'different', [dim], start(), [mine]) as Tensor
    expect(mine.movedim(dim!, 0).tolist()).toEqual(given.tolist())
  })

  test('of a tensor that all examples share', () => {
    for (const [what, start] of sources) {
      const f =
        (y: Tensor, o: Source): ((x: Tensor) => Tensor) =>
        (): Tensor =>
          fill(y, o)
      for (const r of ['error', 'different'] as const) {
        const y = x.clone()
        expect(() => vmap(f(y, start()), 0, 0, { randomness: r })(zeros(SIZE)), `${what}`).toThrow(r === 'error' ? ERROR : DIFFERENT)
        // nothing was written
        expect(y.tolist()).toEqual(x.tolist())
      }
      const y = x.clone()
      const out = vmap(f(y, start()), 0, 0, { randomness: 'same' })(zeros(SIZE))
      const once = fill(x.clone(), start())
      expect(y.tolist()).toEqual(once.tolist())
      expect(out.tolist()).toEqual(once.expand(SIZE, 3, 5).tolist())
    }
  })

  test('gives the tensor itself', () => {
    const y = x.clone()
    expect(fill(y, { generator: new Generator().manualSeed(1) }), `${name}`).toBe(y)
  })
})

describe('bernoulli_ of a tensor of probabilities', () => {
  const f: (o: Source, y: Tensor, p: Tensor) => Tensor = (o, y, p) => y.clone().bernoulli_(p, o)
  const clone = f as never
  const [all, p] = [random(SIZE, 3, 5).float(), unit(SIZE, 3, 5)]

  test('examples and probabilities in front, last, shared', () => {
    for (const [what, start] of sources)
      for (const [dim, y] of [
        [0, all],
        [-1, all.movedim(0, -1)],
      ] as const)
        for (const [pdim, q] of [
          [0, p],
          [-1, p.movedim(0, -1)],
          [null, unit(3, 5)],
        ] as const) {
          const front = pdim === null ? q.expand(SIZE, 3, 5) : p
          expect(() => mapped(clone, 'error', [dim, pdim], start(), [y, q])).toThrow(ERROR)
          expectClose(mapped(clone, 'different', [dim, pdim], start(), [y, q]), zeros(SIZE, 3, 5).bernoulli_(front, start()), exact, what)
          const want = loop(((a: Tensor, b: Tensor) => f(start(), a, b)) as never, [dim, pdim], 0, SIZE, y, q)
          expectClose(mapped(clone, 'same', [dim, pdim], start(), [y, q]), want, exact, what)
        }
  })
  test('probabilities of each example into a tensor they share are refused', () => {
    const y = zeros(3, 5)
    const g = (q: Tensor): Tensor => y.bernoulli_(q)
    expect(() => vmap(g, 0, 0, { randomness: 'different' })(p)).toThrow(DIFFERENT)
    expect(() => vmap(g, 0, 0, { randomness: 'same' })(p)).toThrow(
      /inplace arithmetic\(self, \*extra_args\) is not possible because there exists a Tensor `other` in extra_args that has more elements than `self`/,
    )
    expect(y.sum().item()).toBe(0)
  })
})

describe('where in-place draws meet other transforms and views', () => {
  test('a tensor made inside has numbers for each example under different', () => {
    const f = (x: Tensor): Tensor => x.newZeros(4).normal_()
    manualSeed(5)
    const out = vmap(f, 0, 0, { randomness: 'different' })(ones(SIZE, 2))
    manualSeed(5)
    expect(out.tolist()).toEqual(zeros(SIZE, 4).normal_().tolist())
    // PyTorch refuses this: what is made inside is no captured tensor, and may become different for each example
    manualSeed(5)
    const made = vmap<[Tensor], Tensor>(() => zeros(4).normal_(), 0, 0, { randomness: 'different' })(ones(SIZE, 2))
    expect(made.tolist()).toEqual(out.tolist())
  })
  test('a view filled inside shows in what it is a view of', () => {
    const f = (x: Tensor): Tensor => {
      const y = x.clone()
      y.select(0, 1).uniform_(2, 3)
      return y
    }
    const out = vmap(f, 0, 0, { randomness: 'different' })(zeros(SIZE, 3, 2))
    expectDistinct(out)
    expect(out.select(1, 0).abs().sum().item()).toBe(0)
    expect(out.select(1, 1).ge(2).all().item()).toBe(true)
  })
  test('the message of a shared tensor names the operation', () => {
    expect(errorOf((_, y) => y!.normal_(), 'different', [zeros(3)]).message).toMatch(/normal_/)
  })
})
