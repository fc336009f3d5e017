import { describe, expect, test } from 'vitest'
import { type Along, type Plain, byDifferences, byDuals } from './dual.ts'
import { type Case, numbers, tensors } from './functions.ts'
import { type Ours, transformsOf } from './transforms.ts'

/** A function under some transforms, and what it must be: exactly, and by differences. */
interface Program {
  readonly name: string
  readonly ours: Ours
  readonly exact: Plain
  readonly rough: Plain
  readonly order: number
}

/** The largest difference relative to what is larger than 1; NaN where there is one. */
function distance(got: readonly number[], expected: readonly number[]): number {
  expect(got.length).toBe(expected.length)
  return got.reduce((worst, v, i) => {
    const e = Math.abs(v - expected[i]!) / Math.max(1, Math.abs(expected[i]!))
    return e <= worst ? worst : e
  }, 0)
}

/**
 * Every composition of up to three transforms of a function, against the same composition on plain numbers: derivatives
 * by nested dual numbers, loops as loops. Those are themselves held against differences of values, where the order of the
 * derivative is small enough for differences.
 */
export function compositionsOf(
  f: Case,
  by: {
    /** the arguments that first derivatives are taken of */
    readonly all: readonly number[]
    /** the arguments that Hessians are taken of */
    readonly some: readonly number[]
    /** the largest order of derivatives of three transforms that differences are taken of; of one or two it is 3 */
    readonly differences: number
  },
): void {
  const transforms = transformsOf(by.all, by.some)
  const [xs, at] = [tensors(f), numbers(f)]
  const under = (p: Program): Program[] =>
    transforms.map((t) => {
      const of = (g: Plain, along: Along): Plain => t.oracle(g, along)
      return {
        name: p.name ? `${t.name} of ${p.name}` : t.name,
        ours: t.ours(p.ours),
        exact: of(p.exact, byDuals),
        rough: of(p.rough, byDifferences),
        order: p.order + t.order,
      }
    })
  /** The programs that differ from what they must be. */
  const wrong = (programs: readonly Program[], order: number): string[] =>
    programs.flatMap(({ name, ours, exact, rough, order: k }) => {
      const expected = exact(...at) as number[]
      const e = distance(Array.from(ours(...xs).dataSync() as Float64Array), expected)
      const against = k <= order ? distance(rough(...at) as number[], expected) : 0
      return e < 1e-11 && against < 1e-6 ? [] : [`${name}: off by ${e}; differences by ${against}`]
    })

  const zero: Program = { name: '', ours: f.ours, exact: f.plain, rough: f.plain, order: 0 }
  describe(`transforms of ${f.name}`, () => {
    test('the value', () => {
      expect(wrong([zero], 0)).toEqual([])
    })
    test('one', () => {
      expect(wrong(under(zero), 3)).toEqual([])
    })
    for (const one of under(zero)) {
      test(`two, the inner ${one.name}`, () => {
        expect(wrong(under(one), 3)).toEqual([])
      })
      for (const two of under(one))
        test(`three, the inner ${two.name}`, { timeout: 60_000 }, () => {
          expect(wrong(under(two), by.differences)).toEqual([])
        })
    }
  })
}
