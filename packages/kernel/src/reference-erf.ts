/** e^(−x²): the square in two parts, so that a large x loses nothing. */
function gauss(x: number): number {
  const h = Math.fround(x)
  return Math.exp(-h * h) * Math.exp((h - x) * (h + x))
}

/** erf x = 2x/√π e^(−x²) Σ (2x²)^n / (2n+1)!!, all terms of one sign: DLMF 7.6.2 */
function series(x: number): number {
  let term = x
  let sum = x
  for (let n = 1; n < 200; n++) {
    term *= (2 * x * x) / (2 * n + 1)
    sum += term
    if (term < sum * 2 ** -56) break
  }
  return (2 / Math.sqrt(Math.PI)) * gauss(x) * sum
}

/** erfc x = e^(−x²)/√π · 1/(x + ½/(x + 1/(x + 3⁄2/(x + …)))), from its end: DLMF 7.9.1 */
function fraction(x: number): number {
  let tail = x
  for (let n = 300; n > 0; n--) tail = x + n / 2 / tail
  return gauss(x) / Math.sqrt(Math.PI) / tail
}

/** The error function in float64, written for sureness, not speed. */
export function erf(x: number): number {
  const a = Math.abs(x)
  if (a === 0 || a !== a) return x
  const y = a < 2 ** -30 ? a * (2 / Math.sqrt(Math.PI)) : a < 1.5 ? series(a) : a < 7 ? 1 - fraction(a) : 1
  return x < 0 ? -y : y
}

/** 1 − erf x, without the subtraction where it would lose digits. */
export function erfc(x: number): number {
  if (x !== x) return x
  if (x < 0.75) return 1 - erf(x)
  return x > 28 ? 0 : fraction(x)
}
