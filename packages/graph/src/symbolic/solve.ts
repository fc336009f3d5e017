// Linear systems over the rationals, exactly.

/** A fraction in lowest terms, its denominator positive. */
export interface Fraction {
  readonly n: bigint
  readonly d: bigint
}

const gcd = (a: bigint, b: bigint): bigint => {
  while (b) [a, b] = [b, a % b]
  return a < 0n ? -a : a
}
const fraction = (n: bigint, d: bigint): Fraction => {
  const g = gcd(n, d) || 1n
  return d < 0n ? { n: -n / g, d: -d / g } : { n: n / g, d: d / g }
}
const times = (a: Fraction, b: Fraction): Fraction => fraction(a.n * b.n, a.d * b.d)
const minus = (a: Fraction, b: Fraction): Fraction => fraction(a.n * b.d - b.n * a.d, a.d * b.d)
const over = (a: Fraction, b: Fraction): Fraction => fraction(a.n * b.d, a.d * b.n)

/**
 * The x with `rows · x = values` for integers: the only one, or `null` where there is none or rows do not determine it.
 * More rows than unknowns are checked by it.
 */
export function solve(rows: readonly (readonly number[])[], values: readonly number[]): Fraction[] | null {
  const unknowns = rows[0]!.length
  if (rows.length < unknowns) return null
  const m = rows.map((r, i) => [...r, values[i]!].map((x): Fraction => ({ n: BigInt(x), d: 1n })))
  for (let c = 0; c < unknowns; c++) {
    const at = m.findIndex((r, i) => i >= c && r[c]!.n !== 0n)
    if (at < 0) return null
    ;[m[c], m[at]] = [m[at]!, m[c]!]
    const pivot = m[c]!
    for (let i = c + 1; i < m.length; i++) {
      const row = m[i]!
      if (row[c]!.n === 0n) continue
      const f = over(row[c]!, pivot[c]!)
      for (let j = c; j <= unknowns; j++) row[j] = minus(row[j]!, times(f, pivot[j]!))
    }
  }
  for (let i = unknowns; i < m.length; i++) if (m[i]![unknowns]!.n !== 0n) return null
  const x = new Array<Fraction>(unknowns)
  for (let c = unknowns - 1; c >= 0; c--) {
    let right = m[c]![unknowns]!
    for (let j = c + 1; j < unknowns; j++) right = minus(right, times(m[c]![j]!, x[j]!))
    x[c] = over(right, m[c]![c]!)
  }
  return x
}
