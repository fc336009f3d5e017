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

/** What the inputs' sizes are made of: numbers, and for each symbol where it is. */
class Template {
  /** sizes as traced, one a symbol */
  readonly traced: number[] = []
  /** `arg0.shape[1]` for each symbol */
  readonly where: string[] = []
  readonly #avals: readonly {
    readonly dtype: Aval['dtype']
    readonly dims: readonly { readonly symbol: number; readonly size: number }[]
  }[]

  /** @param fixed sizes that stay what they are */
  constructor(inputs: readonly Tensor[], names: readonly string[], fixed: ReadonlySet<number>) {
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
  }
  avals(sizes: Sizes): Aval[] {
    return this.#avals.map(({ dtype, dims }) => ({ dtype, shape: dims.map(({ symbol, size }) => (symbol < 0 ? size : sizes[symbol]!)) }))
  }
  text(sizes: Sizes): string {
    return this.where.map((w, i) => `${w} (s${i}) = ${sizes[i]}`).join(', ')
  }
}

/** Sizes to try instead of n: a few larger ones, and multiples, which a reshape may ask for. */
const others = (n: number): number[] => [...new Set([n + 1, n + 2, n + 3, n + 5, n + 8, 2 * n, 2 * n + 1, 3 * n, 4 * n, 5 * n])]
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

type Tracing = (avals: readonly Aval[], choices: Choices) => Recording

class Generaliser {
  readonly #inputs: readonly Tensor[]
  readonly #names: readonly string[]
  readonly #record: Tracing
  readonly #base: Sample
  readonly #decisions = new Decisions()
  #template: Template

  constructor(inputs: readonly Tensor[], names: readonly string[], record: Tracing) {
    this.#inputs = inputs
    this.#names = names
    this.#record = record
    this.#template = new Template(inputs, names, new Set())
    const { traced } = this.#template
    this.#base = { ...record(this.#template.avals(traced), this.#decisions.first), sizes: traced }
  }

  /** A trace at these sizes; `null` where f does not work. */
  #at(sizes: Sizes): Sample | null {
    try {
      return { ...this.#record(this.#template.avals(sizes), this.#decisions.again()), sizes }
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
    const { traced } = this.#template
    const fixed = new Set(traced.filter((_, i) => alone[i]!.length === 0))
    const kept = traced.flatMap((n, i) => (fixed.has(n) ? [] : [i]))
    if (kept.length === 0) return { ...this.#base, graph: this.#base.graph.copy() }
    this.#template = new Template(this.#inputs, this.#names, fixed)
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
    /** The last size of symbol i before it is another program, on the way through these; and whether it is one at all. */
    const last = (i: number, way: readonly number[]): { readonly size: number; readonly changed: boolean } => {
      let reached = sizes[i]!
      for (const m of way) {
        // equal sizes are looked at below
        if (sizes.includes(m)) continue
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
    let least = sizes.map((n, i) => {
      const down = [n - 1, n - 2, Math.floor(n / 2), 4, 3, 2, 1, 0].filter((x) => x >= 0 && x < n)
      return last(
        i,
        [...new Set(down)].sort((a, b) => b - a),
      ).size
    })
    // what holds for each alone need not hold for all
    if (good(least) === false) least = sizes.map((n, i) => Math.max(least[i]!, Math.min(2, n)))
    if (good(least) === false) least = [...sizes]
    const most = sizes.map((_, i) => {
      const { size, changed } = last(i, [large[i]!])
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

/**
 * The program of a function for all sizes of its inputs: `record` traces it at given ones, without computing anything.
 * Equal sizes above 1 are one symbol; a size at whose other values the function throws is fixed.
 * @throws TensorTypeError where the program differs between sizes in more than numbers, or in numbers of unknown form
 */
export const generalise = (inputs: readonly Tensor[], names: readonly string[], record: Tracing): Recording & { readonly graph: Graph } =>
  new Generaliser(inputs, names, record).run()
