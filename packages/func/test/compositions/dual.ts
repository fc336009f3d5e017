// Derivatives of plain JavaScript numbers, twice, without the library: by nested dual numbers, and by differences.

/** A number, or `re + du·ε` with ε² = 0; a larger tag was added later, and lies outside. */
export type Num = number | Dual
class Dual {
  readonly tag: number
  readonly re: Num
  readonly du: Num
  constructor(tag: number, re: Num, du: Num) {
    this.tag = tag
    this.re = re
    this.du = du
  }
}

const outer = (a: Num, b: Num): number => Math.max(typeof a === 'number' ? 0 : a.tag, typeof b === 'number' ? 0 : b.tag)
const re = (x: Num, tag: number): Num => (typeof x !== 'number' && x.tag === tag ? x.re : x)
const du = (x: Num, tag: number): Num => (typeof x !== 'number' && x.tag === tag ? x.du : 0)

export function add(a: Num, b: Num): Num {
  if (typeof a === 'number' && typeof b === 'number') return a + b
  if (a === 0) return b
  if (b === 0) return a
  const tag = outer(a, b)
  return new Dual(tag, add(re(a, tag), re(b, tag)), add(du(a, tag), du(b, tag)))
}
export function mul(a: Num, b: Num): Num {
  if (typeof a === 'number' && typeof b === 'number') return a * b
  if (a === 0 || b === 0) return 0
  const tag = outer(a, b)
  const [x, y] = [re(a, tag), re(b, tag)]
  return new Dual(tag, mul(x, y), add(mul(du(a, tag), y), mul(x, du(b, tag))))
}
/** A function of one number with its derivative, which may use the value. */
const unary = (f: (x: number) => number, df: (x: Num, y: Num) => Num): ((x: Num) => Num) => {
  const g = (x: Num): Num => {
    if (typeof x === 'number') return f(x)
    const y = g(x.re)
    return new Dual(x.tag, y, mul(df(x.re, y), x.du))
  }
  return g
}
export const sin: (x: Num) => Num = unary(Math.sin, (x) => cos(x))
export const cos: (x: Num) => Num = unary(Math.cos, (x) => mul(-1, sin(x)))
export const exp: (x: Num) => Num = unary(Math.exp, (_, y) => y)
export const tanh: (x: Num) => Num = unary(Math.tanh, (_, y) => add(1, mul(-1, mul(y, y))))
/** The number itself, its derivatives forgotten: what a branch is decided by. */
export const plain = (x: Num): number => (typeof x === 'number' ? x : plain(x.re))
export const sum = (xs: readonly Num[]): Num => xs.reduce(add, 0)
export const dot = (xs: readonly Num[], ys: readonly Num[]): Num => sum(xs.map((x, i) => mul(x, ys[i]!)))

/** A function of vectors: tensors in row-major order. */
export type Plain = (...xs: readonly Num[][]) => Num[]
/** The derivative of `f` at `xs` along `dxs`. */
export type Along = (f: Plain, xs: readonly Num[][], dxs: readonly (readonly Num[])[]) => Num[]

let tags = 0
/** Exact, to any order. */
export const byDuals: Along = (f, xs, dxs) => {
  const tag = ++tags
  const ys = f(...xs.map((x, i) => x.map((v, k) => (dxs[i]![k] === 0 ? v : new Dual(tag, v, dxs[i]![k]!)))))
  return ys.map((y) => du(y, tag))
}

// the eighth-order central difference; nested three times its rounding and truncation errors stay under 1e-6
const h = 0.005
const weights = [4 / 5, -1 / 5, 4 / 105, -1 / 280]
/** From values alone. */
export const byDifferences: Along = (f, xs, dxs) => {
  const at = (t: number): Num[] => f(...xs.map((x, i) => x.map((v, k) => add(v, mul(t, dxs[i]![k]!)))))
  let total: Num[] = []
  weights.forEach((w, k) => {
    const [ahead, behind] = [at((k + 1) * h), at(-(k + 1) * h)]
    total = ahead.map((y, i) => add(total[i] ?? 0, mul(w / h, add(y, mul(-1, behind[i]!)))))
  })
  return total
}
