import { Size, type SizePart, product, sum } from './size.ts'
import { type Fraction, solve } from './solve.ts'

// Expressions of sizes for numbers that were seen at several sizes: `fit([6, 12, 20], [[2], [3], [4]])` is s0*s0+s0.

type Values = readonly number[]
/** The values of the symbols at each sample. */
export type Samples = readonly Values[]

const near = (x: number): number | null => {
  const r = Math.round(x)
  return Number.isSafeInteger(r) && Math.abs(x - r) <= 1e-6 * Math.max(1, Math.abs(r)) ? r : null
}
/** What `f` makes of all of them; `null` if it cannot of one. */
function all(xs: Values, f: (x: number, i: number) => number | null): number[] | null {
  const ys: number[] = []
  for (const [i, x] of xs.entries()) {
    const y = f(x, i)
    if (y === null || !Number.isFinite(y)) return null
    ys.push(y)
  }
  return ys
}

/** A basis element: an expression, and its value at each sample. */
interface Term {
  readonly size: SizePart
  readonly values: Values
}
const term = (size: SizePart, samples: Samples): Term => ({
  size,
  values: samples.map((s) => (typeof size === 'number' ? size : Number(size.at(s)))),
})

/** Σ cᵢ tᵢ; over a common denominator, which must divide it if the value is to be `whole`. */
function combination(terms: readonly Term[], cs: readonly Fraction[], whole: boolean): SizePart {
  const denominator = cs.reduce((d, c) => (d * c.d) / gcd(d, c.d), 1n)
  const parts = terms.map(({ size }, i) => {
    const c = Number((cs[i]!.n * denominator) / cs[i]!.d)
    return c === 0 ? 0 : typeof size === 'number' ? c * size : product(c, size)
  })
  // s0-1 rather than -1+s0, s0-floor(s0/2) rather than -floor(s0/2)+s0
  const rank = (p: SizePart): number =>
    typeof p === 'number' ? 2 : Number(p.op === 'mul' && typeof p.parts[0] === 'number' && p.parts[0] < 0)
  parts.sort((a, b) => rank(a) - rank(b))
  const numerator = sum(...parts)
  return denominator === 1n ? numerator : new Size(whole ? 'exact' : 'div', [numerator, Number(denominator)])
}
const gcd = (a: bigint, b: bigint): bigint => (b === 0n ? a : gcd(b, a % b))

/** More samples than unknowns, so that a fit by chance is none. */
const SPARE = 3
const LARGEST_DENOMINATOR = 64n

function fitBasis(values: Values, terms: readonly Term[], whole: boolean): SizePart | null {
  if (values.length < terms.length + SPARE) return null
  const cs = solve(
    values.map((_, i) => terms.map((t) => t.values[i]!)),
    values,
  )
  return cs && cs.every((c) => c.d <= LARGEST_DENOMINATOR) ? combination(terms, cs, whole) : null
}

/** The monomials of the symbols up to a degree, in each symbol and in all. */
function monomials(symbols: Values, each: number, total: number): SizePart[] {
  let lists: number[][] = [[]]
  for (const s of symbols) lists = lists.flatMap((l) => Array.from({ length: each + 1 }, (_, n) => [...l, ...new Array<number>(n).fill(s)]))
  return lists
    .filter((l) => l.length <= total)
    .sort((a, b) => b.length - a.length)
    .map((l) => product(...l.map((s) => Size.symbol(s))))
}

/** ⌊(x + c)/m⌋ */
function floorOf(x: SizePart, c: number, m: number): Size {
  return c === m - 1 && m > 1 ? new Size('ceil', [new Size('div', [x, m])]) : new Size('floor', [new Size('div', [sum(x, c), m])])
}
const DIVISORS = [2, 3, 4, 5, 6, 7, 8, 16, 32]

/** What strides, chunks and clamps make of sizes. */
function* steps(symbols: Values, values: Values): Iterable<Size> {
  const singles = symbols.map((s) => Size.symbol(s))
  const pairs = singles.flatMap((a, i) => singles.slice(i + 1).map((b) => [a, b] as const))
  for (const m of DIVISORS) for (const x of singles) for (let c = 0; c < m; c++) yield floorOf(x, c, m)
  for (const [a, b] of pairs) {
    for (const c of [0, -1, 1, -2, 2, -3, 3]) {
      yield new Size('min', [a, sum(b, c)])
      yield new Size('max', [a, sum(b, c)])
    }
  }
  const bounds = [...new Set(values)].slice(0, 8)
  for (const x of singles)
    for (const c of bounds)
      for (const d of [c, -c]) {
        yield new Size('min', [x, d])
        yield new Size('max', [x, d])
      }
  for (const m of DIVISORS.slice(0, 3))
    for (const [a, b] of pairs) for (const x of [product(a, b), sum(a, b)]) for (let c = 0; c < m; c++) yield floorOf(x, c, m)
}

/** A whole number at each sample as an expression; `whole` values stay whole at other sizes. */
function fitPolynomial(values: Values, samples: Samples, symbols: Values, whole: boolean): SizePart | null {
  const terms = (sizes: readonly SizePart[]): Term[] => sizes.map((s) => term(s, samples))
  const d = symbols.length
  for (const [each, total] of [
    [1, 1],
    [1, d],
    [2, 2],
    [3, d <= 3 ? 3 : 0],
    [d === 1 ? 4 : 2, d <= 2 ? 4 : 0],
  ] as const) {
    const found = total > 0 ? fitBasis(values, terms(monomials(symbols, each, total)), whole) : null
    if (found !== null) return found
  }
  return fitPower(values, samples, symbols, whole)
}

const HIGHEST_POWER = 8
/** One product of powers, of a higher degree than polynomials are tried. */
function fitPower(values: Values, samples: Samples, symbols: Values, whole: boolean): SizePart | null {
  if (symbols.length > 3) return null
  for (const size of monomials(symbols, HIGHEST_POWER, 2 * HIGHEST_POWER)) {
    const t = term(size, samples)
    const [first, value] = [t.values[0]!, values[0]!]
    if (t.values.every((v, i) => Number.isSafeInteger(v) && v * value === values[i]! * first)) return fitBasis(values, [t], whole)
  }
  return null
}

/** The same with one step in it. */
function fitSteps(values: Values, samples: Samples, symbols: Values, whole: boolean): SizePart | null {
  const terms = (sizes: readonly SizePart[]): Term[] => sizes.map((s) => term(s, samples))
  const d = symbols.length
  const linear = terms(monomials(symbols, 1, 1))
  const known = terms([...steps(symbols, values)])
  const alone = known.find((t) => t.values.every((v, i) => v === values[i]))
  if (alone) return alone.size
  for (const t of known) {
    const step = t.size
    const found =
      fitBasis(values, [t, ...linear], whole) ??
      (d > 1 ? fitBasis(values, [t, ...terms(symbols.map((s) => product(step, Size.symbol(s)))), ...linear], whole) : null)
    if (found !== null) return found
  }
  return null
}

/** Products of s + c over some of the symbols, what denominators are. */
function denominators(symbols: Values): SizePart[] {
  let list: SizePart[][] = [[]]
  for (const s of symbols.slice(0, 3)) {
    const factors = [0, -1, 1, -2, 2].slice(0, symbols.length > 2 ? 2 : 5).map((c) => sum(Size.symbol(s), c))
    list = list.flatMap((l) => [l, ...factors.map((f) => [...l, f])])
  }
  return list.map((l) => product(...l))
}

/** What a number may have gone through after it was a quotient of polynomials: the way back, and the way there. */
const WAYS: readonly (readonly [back: (x: number) => number, there: readonly ((x: SizePart) => SizePart)[]])[] = [
  [(x) => x, [(x) => x]],
  [(x) => x * x, [(x) => new Size('sqrt', [x]), (x) => new Size('pow', [x, 0.5])]],
  [
    (x) => 1 / (x * x),
    [
      (x) => new Size('div', [1, new Size('sqrt', [x])]),
      (x) => new Size('pow', [x, -0.5]),
      (x) => new Size('sqrt', [new Size('div', [1, x])]),
    ],
  ],
  [Math.exp, [(x) => new Size('log', [x])]],
]

const same = (size: SizePart, values: Values, samples: Samples): boolean =>
  values.every((v, i) => Object.is(typeof size === 'number' ? size : size.at(samples[i]!), v))

/** As it is or rounded to float32: the form that gives these values bit for bit. */
function exactly(size: SizePart, values: Values, samples: Samples): SizePart | null {
  if (same(size, values, samples)) return size
  const rounded = new Size('float32', [size])
  return same(rounded, values, samples) ? rounded : null
}

function fitFloat(values: Values, samples: Samples, symbols: Values): SizePart | null {
  for (const [back, there] of WAYS) {
    const plain = all(values, (v) => back(v))
    if (!plain) continue
    for (const q of denominators(symbols)) {
      const qs = term(q, samples).values
      const numerators = all(plain, (v, i) => near(v * qs[i]!))
      const p =
        numerators &&
        (fitPolynomial(numerators, samples, symbols, false) ?? (q === 1 ? fitSteps(numerators, samples, symbols, false) : null))
      if (p !== null) {
        const quotients = q === 1 ? [p] : [new Size('div', [p, q]), ...(typeof p === 'number' ? [] : [product(new Size('div', [1, q]), p)])]
        for (const way of there)
          for (const x of quotients) {
            const found = exactly(way(x), values, samples)
            if (found !== null) return found
          }
      }
      const scaled = there.length === 1 ? scaledBy(plain, q, qs, values, samples) : null
      if (scaled !== null) return scaled
    }
  }
  return null
}

/** c/q and c·q for a number c that is no fraction of small integers, such as 0.1. */
function scaledBy(plain: Values, q: SizePart, qs: Values, values: Values, samples: Samples): SizePart | null {
  if (q === 1) return null
  for (const [c, make] of [
    [plain[0]! * qs[0]!, (x: number) => new Size('div', [x, q])],
    [plain[0]! / qs[0]!, (x: number) => product(x, q)],
  ] as const) {
    if (!Number.isFinite(c)) continue
    for (const x of new Set([c, ...[1, 2, 3, 4, 6, 8, 12, 15].map((digits) => Number(c.toPrecision(digits)))])) {
      const found = exactly(make(x), values, samples)
      if (found !== null) return found
    }
  }
  return null
}

/** The symbols that numbers depend on: those that differ between samples which differ in nothing else. */
function dependencies(values: Values, samples: Samples): number[] {
  const base = samples[0]!
  return base.flatMap((_, j) =>
    samples.some((s, i) => s[j] !== base[j] && s.every((x, l) => l === j || x === base[l]) && !Object.is(values[i], values[0])) ? [j] : [],
  )
}

/**
 * The expression of the symbols that has these values at these samples, the first of which is what others vary one symbol of:
 * the plain number if it does not vary, `null` if none of the forms known is it.
 */
export function fit(values: Values, samples: Samples): SizePart | null {
  const [first] = values as [number]
  if (values.every((v) => Object.is(v, first))) return first
  const every = samples[0]!.map((_, j) => j)
  const found = dependencies(values, samples)
  const whole = values.every((v) => Number.isSafeInteger(v) && !Object.is(v, -0))
  // min(s0, s1) depends on one of them alone near the first sample
  for (const symbols of found.length && found.length < every.length ? [found, every] : [every]) {
    const size = whole
      ? (fitPolynomial(values, samples, symbols, true) ?? fitSteps(values, samples, symbols, true))
      : values.every((v) => Number.isFinite(v))
        ? fitFloat(values, samples, symbols)
        : null
    if (size !== null) return size
  }
  return null
}
