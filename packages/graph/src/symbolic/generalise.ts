import type { Tensor } from '@mapgrad/tensor'
import type { Aval, Choices } from '@mapgrad/tensor/plugin'
import { fault } from '../faults.ts'
import type { Graph } from '../graph.ts'
import type { SizeBounds } from './bind.ts'
import { type Recording, difference } from './compare.ts'
import { madeByOps, recipesFor } from './creations.ts'
import { merge, mismatch } from './merge.ts'

// Note [symbolic sizes by samples]
// Sizes are JavaScript numbers that a function computes with, so no symbol can stand in for them. Instead the function is
// traced at several sizes, nothing computed. Traces that are the same but for numbers become one graph, with each number
// an expression that was fitted to what was seen; traces at further sizes check it. See docs/adr/0013.

type Sizes = readonly number[]
interface Sample extends Recording {
  readonly sizes: Sizes
}

/** An argument that is a whole number. */
export interface GivenNumber {
  readonly name: string
  readonly value: number
}

/** What the inputs' sizes are made of: numbers, and for each symbol where it is. Symbols of number arguments come last. */
class Template {
  /** sizes, and then numbers, as traced, one a symbol */
  readonly traced: number[] = []
  /** `arg0.shape[1]` for each symbol */
  readonly where: string[] = []
  readonly #avals: readonly {
    readonly dtype: Aval['dtype']
    readonly dims: readonly { readonly symbol: number; readonly size: number }[]
  }[]

  /** the number of symbols that are sizes */
  readonly count: number

  /** @param fixed sizes that stay what they are */
  constructor(inputs: readonly Tensor[], names: readonly string[], fixed: ReadonlySet<number>, numbers: readonly GivenNumber[]) {
    this.#avals = inputs.map(({ dtype, shape }, k) => ({
      dtype,
      dims: shape.map((size, axis) => {
        // sizes 0 and 1 mean something of their own, as in PyTorch
        if (size < 2 || fixed.has(size)) return { symbol: -1, size }
        let symbol = this.traced.indexOf(size)
        if (symbol < 0) {
          symbol = this.traced.push(size) - 1
          this.where.push(`${names[k]}.shape[${axis}]`)
        }
        return { symbol, size }
      }),
    }))
    this.count = this.traced.length
    for (const { name, value } of numbers) {
      this.traced.push(value)
      this.where.push(name)
    }
  }
  avals(sizes: Sizes): Aval[] {
    return this.#avals.map(({ dtype, dims }) => ({ dtype, shape: dims.map(({ symbol, size }) => (symbol < 0 ? size : sizes[symbol]!)) }))
  }
  text(sizes: Sizes): string {
    return this.where.map((w, i) => `${w} (s${i}) = ${sizes[i]}`).join(', ')
  }
}

/** Sizes to try instead of n: a few larger ones, and multiples, which a reshape may ask for. */
const others = (n: number): number[] =>
  n < 0 ? others(-n).map((m) => -m) : [...new Set([n + 1, n + 2, n + 3, n + 5, n + 8, 2 * n, 2 * n + 1, 3 * n, 4 * n, 5 * n])]
/** How many sizes of one symbol are traced while the others stay. */
const ALONE = 5
/** The same for the only symbol, which no traces of several tell more about. */
const ONLY = 8
/** Sizes that differ in kind from small ones: a function that asks for large ones would show it. Tensors of host numbers are made, so they set a limit. */
const far = (n: number, withData: boolean): number => (withData ? Math.max(37, n + 9) : Math.max(4099, 8 * n))
/** Rounds of fitting: samples that a fit did not foresee join those of the next. */
const ROUNDS = 4

/** What the function decided by sizes in its first trace, in order: further traces go the same ways. */
class Decisions {
  readonly #taken: { readonly form: string; readonly way: unknown }[] = []

  readonly first: Choices = (form, decide) => {
    const way = decide()
    this.#taken.push({ form, way })
    return way
  }
  again(): Choices {
    let at = 0
    return <T>(form: string, decide: () => T): T => {
      const taken = this.#taken[at++]
      return taken?.form === form ? (taken.way as T) : decide()
    }
  }
}

type Tracing = (avals: readonly Aval[], numbers: readonly number[], choices: Choices) => Recording

class Generaliser {
  readonly #inputs: readonly Tensor[]
  readonly #names: readonly string[]
  readonly #numbers: readonly GivenNumber[]
  readonly #record: Tracing
  readonly #base: Sample
  readonly #decisions = new Decisions()
  #template: Template

  /** @param fixed sizes that stay what they are */
  constructor(
    inputs: readonly Tensor[],
    names: readonly string[],
    numbers: readonly GivenNumber[],
    record: Tracing,
    fixed: ReadonlySet<number> = new Set(),
  ) {
    this.#inputs = inputs
    this.#names = names
    this.#numbers = numbers
    this.#record = record
    this.#template = new Template(inputs, names, fixed, numbers)
    const { traced } = this.#template
    this.#base = { ...record(this.#template.avals(traced), traced.slice(this.#template.count), this.#decisions.first), sizes: traced }
  }

  /** A trace at these sizes; `null` where f does not work. */
  #at(sizes: Sizes): Sample | null {
    try {
      return { ...this.#record(this.#template.avals(sizes), sizes.slice(this.#template.count), this.#decisions.again()), sizes }
    } catch {
      return null
    }
  }
  /** The same, and it must be the same program. */
  #same(sizes: Sizes, base: Sample): Sample | null {
    const sample = this.#at(sizes)
    const found = sample && difference(base, sample)
    if (found === null) return sample
    const changed = this.#template.where.flatMap((w, i) =>
      sizes[i] === base.sizes[i] ? [] : [`${w} (s${i}) = ${sizes[i]} instead of ${base.sizes[i]}`],
    )
    throw fault(
      'makeFx',
      `expected one program for all sizes, got another one at ${changed.join(', ')}: ${found}. f, or a derivative in it, has a loop over this size or an if on it: use vmap or scan instead of a loop, or trace with { tracingMode: 'fake' } for these sizes alone`,
      'SIZE_DEPENDENT',
    )
  }

  /** For each symbol traces with other sizes of it alone; none where f works at no other size. */
  #alone(): Sample[][] {
    const { traced } = this.#template
    return traced.map((n, i) => {
      const found: Sample[] = []
      for (const m of others(n)) {
        // equal sizes may be another program: that is looked at later
        if (traced.includes(m)) continue
        const sample = this.#same(traced.with(i, m), this.#base)
        if (sample) found.push(sample)
        if (found.length === (traced.length === 1 ? ONLY : ALONE)) break
      }
      return found
    })
  }

  run(): Recording {
    const alone = this.#alone()
    const { traced, count } = this.#template
    const kept = traced.flatMap((_, i) => (alone[i]!.length ? [i] : []))
    if (kept.length === 0) return { ...this.#base, graph: this.#base.graph.copy() }
    if (traced.length - count > kept.filter((i) => i >= count).length) throw unvaried()
    const varied = kept.filter((i) => i < count).map((i) => traced[i]!)
    const fixed = new Set(this.#inputs.flatMap((x) => x.shape).filter((n) => !varied.includes(n)))
    this.#template = new Template(this.#inputs, this.#names, fixed, this.#numbers)
    const chosen = (s: Sample): Sample => ({ ...s, sizes: kept.map((i) => s.sizes[i]!) })
    const base = chosen(this.#base)
    const singles = kept.map((i) => alone[i]!.map(chosen))
    const samples = [base, ...singles.flat(), ...this.#together(base, singles, 4 + 2 ** Math.min(kept.length, 4))]
    return this.#fitted(base, samples, singles)
  }

  /** Traces with all sizes changed, `count` of them. */
  #together(base: Sample, singles: readonly (readonly Sample[])[], count: number, seed = 1): Sample[] {
    if (singles.length < 2) return []
    const found: Sample[] = []
    let state = seed
    const pick = (n: number): number => {
      state = (state * 48271) % 2147483647
      return state % n
    }
    for (let tries = 0; found.length < count && tries < 4 * count; tries++) {
      const sizes = singles.map((list, i) => list[pick(list.length)]!.sizes[i]!)
      if (new Set(sizes).size < sizes.length) continue
      const sample = this.#same(sizes, base)
      if (sample) found.push(sample)
    }
    return found
  }

  #fitted(base: Sample, first: readonly Sample[], singles: readonly (readonly Sample[])[]): Recording {
    const samples = [...first]
    const withData = recipesFor(samples).size > 0
    const large = base.sizes.map((n) => far(n, withData))
    const alone = base.sizes
      .map((_, i) => this.#at(base.sizes.with(i, large[i]!)))
      .filter((s) => s !== null && difference(base, s) === null)
    const check = [...alone, ...this.#together(base, singles, 4, 77)]
    for (let round = 0; ; round++) {
      const recipes = recipesFor(samples)
      const spelled = samples.map((s) => madeByOps(s, recipes)!)
      const merged = merge(
        spelled,
        samples.map((s) => s.sizes),
      )
      const fits = (s: Sample): string | null => {
        const other = madeByOps(s, recipes)
        return other ? mismatch(merged, other, s.sizes) : 'a constant'
      }
      const wrong = check.filter((s) => s !== null).filter((s) => fits(s) !== null)
      if (wrong.length === 0) {
        merged.graph.numbers = this.#numbers.map(({ name, value }, i) => ({ symbol: this.#template.count + i, name, traced: value }))
        merged.graph.bounds = this.#bounds(base, large, (s) => difference(base, s) === null && fits(s) === null)
        return merged
      }
      if (round === ROUNDS)
        throw fault(
          'makeFx',
          `expected numbers in the graph that follow from sizes, got ${fits(wrong[0]!)} at ${this.#template.text(wrong[0]!.sizes)}, unlike what smaller sizes suggest. Trace with { tracingMode: 'fake' } for these sizes alone`,
          'SIZE_DEPENDENT',
        )
      samples.push(...wrong)
    }
  }

  /** How small and large sizes may be, and which may not be equal. */
  #bounds(base: Sample, large: Sizes, fits: (s: Sample) => boolean): SizeBounds {
    const { sizes } = base
    const good = (at: Sizes): boolean | null => {
      const sample = this.#at(at)
      return sample && fits(sample)
    }
    const isNumber = (i: number): boolean => i >= this.#template.count
    /** The last size of symbol i before it is another program, on the way through these; and whether it is one at all. */
    const last = (i: number, way: readonly number[]): { readonly size: number; readonly changed: boolean } => {
      let reached = sizes[i]!
      for (const m of way) {
        // equal sizes are looked at below
        if (!isNumber(i) && sizes.slice(0, this.#template.count).includes(m)) continue
        const ok = good(sizes.with(i, m))
        if (ok) reached = m
        if (ok !== false) continue
        for (let wrong = m; Math.abs(wrong - reached) > 1;) {
          const middle = Math.floor((wrong + reached) / 2)
          const there = good(sizes.with(i, middle))
          if (there === null) break
          if (there) reached = middle
          else wrong = middle
        }
        return { size: reached, changed: true }
      }
      return { size: reached, changed: false }
    }
    const ways = sizes.map((n, i) => {
      const down = [n - 1, n - 2, Math.floor(n / 2), 4, 3, 2, 1, 0, ...(isNumber(i) ? [-1, -2, -3, -37] : [])]
      return [...new Set(down)].filter((x) => (isNumber(i) || x >= 0) && x < n).sort((a, b) => b - a)
    })
    let lowest = sizes.map((_, i) => {
      const { size, changed } = last(i, ways[i]!)
      // where f throws, sizes may be what decides: nobody would check that in a run
      if (isNumber(i) && !changed && size > 1 && size !== ways[i]!.at(-1)) throw unvaried()
      return size
    })
    // what holds for each alone need not hold for all
    if (good(lowest) === false) lowest = sizes.map((n, i) => Math.max(lowest[i]!, Math.min(2, n)))
    if (good(lowest) === false) lowest = [...sizes]
    const least = lowest.map((n, i) => (isNumber(i) && n === ways[i]!.at(-1) ? null : n))
    const most = sizes.map((n, i) => {
      const up = isNumber(i) ? [-1, 0, 1, 2, 3, large[i]!].filter((x) => x > n) : [large[i]!]
      const { size, changed } = last(i, up)
      if (isNumber(i) && !changed && size !== large[i]) throw unvaried()
      return changed ? size : null
    })
    const apart = sizes.flatMap((_, a) =>
      sizes.slice(a + 1).flatMap((_n, k) => {
        const b = a + 1 + k
        const n = Math.max(...sizes) + 1
        return good(sizes.with(a, n).with(b, n)) === false ? [[a, b] as const] : []
      }),
    )
    return { least, most, apart }
  }
}

const unvaried = (): Error => fault('makeFx', 'expected a number that may be another one', 'SIZE_DEPENDENT')

/** A trace for all sizes, and which symbol each of the given numbers is: `null` for those that are part of the program. */
export interface Generalised extends Recording {
  readonly graph: Graph
  readonly symbols: readonly (number | null)[]
}

/**
 * The program of a function for all sizes of its inputs and all values of these numbers: `record` traces it at given ones, without
 * computing anything. Equal sizes above 1 are one symbol; a size at whose other values the function throws is fixed. So is a number with which
 * the program changes in more than numbers.
 * @throws TensorTypeError where the program differs between sizes in more than numbers, or in numbers of unknown form
 */
export function generalise(
  inputs: readonly Tensor[],
  names: readonly string[],
  numbers: readonly GivenNumber[],
  record: (avals: readonly Aval[], numbers: readonly number[], choices: Choices) => Recording,
): Generalised {
  const every = new Set(inputs.flatMap((x) => x.shape))
  /** those of the numbers that vary, the others as given */
  const trace = (varied: readonly number[], fixed?: ReadonlySet<number>): Recording =>
    new Generaliser(
      inputs,
      names,
      varied.map((i) => numbers[i]!),
      (avals, values, choices) =>
        record(
          avals,
          numbers.map(({ value }, i) => (varied.includes(i) ? values[varied.indexOf(i)]! : value)),
          choices,
        ),
      fixed,
    ).run()
  const attempt = (varied: readonly number[], fixed?: ReadonlySet<number>): Recording | null => {
    try {
      return trace(varied, fixed)
    } catch (error) {
      if ((error as { code?: string }).code === 'SIZE_DEPENDENT') return null
      throw error
    }
  }
  const varied = numbers.flatMap((_, i) => (attempt([i], every)?.graph.numbers.length ? [i] : []))
  const found = (varied.length > 0 && attempt(varied)) || trace([])
  const taken = found.graph.numbers
  return { ...found, symbols: numbers.map((_, i) => (taken.length ? (taken[varied.indexOf(i)]?.symbol ?? null) : null)) }
}
