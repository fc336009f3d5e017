import type { ArrayView } from '@mapgrad/kernel'

/** A matrix in memory: the address of its first element, its strides in bytes. */
export interface Matrix {
  readonly at: number
  readonly row: number
  readonly col: number
}

/** A repetition of the product: strides in bytes of the two operands; C is contiguous. */
export interface Batch {
  readonly size: number
  readonly a: number
  readonly b: number
}

/** `C[…, m, n] = A[…, m, k] × B[…, k, n]`, with C contiguous. */
export interface Problem {
  readonly m: number
  readonly n: number
  readonly k: number
  readonly a: Matrix
  readonly b: Matrix
  readonly c: number
  /** of one element */
  readonly bytes: number
  /** outermost first; adjacent ones that walk alike are one */
  readonly batches: readonly Batch[]
}

interface Addresses {
  readonly a: number
  readonly b: number
  readonly c: number
}

/** The product of two views whose first elements lie at `at`. */
export function problemOf(a: ArrayView<object>, b: ArrayView<object>, bytes: number, at: Addresses): Problem {
  const rank = a.shape.length
  const batches: Batch[] = []
  for (let i = 0; i < rank - 2; i++) {
    const size = a.shape[i]!
    if (size === 1) continue
    const next: Batch = { size, a: a.strides[i]! * bytes, b: b.strides[i]! * bytes }
    const last = batches.at(-1)
    if (last && last.a === next.a * size && last.b === next.b * size) batches[batches.length - 1] = { ...next, size: size * last.size }
    else batches.push(next)
  }
  const matrix = (x: ArrayView<object>, from: number): Matrix => ({
    at: from,
    row: x.strides[rank - 2]! * bytes,
    col: x.strides[rank - 1]! * bytes,
  })
  return {
    m: a.shape[rank - 2]!,
    n: b.shape[rank - 1]!,
    k: a.shape[rank - 1]!,
    a: matrix(a, at.a),
    b: matrix(b, at.b),
    c: at.c,
    bytes,
    batches,
  }
}

/** `Cᵀ = Bᵀ Aᵀ`: the same problem when C is a vector. */
const transpose = (p: Problem): Problem => ({
  ...p,
  m: p.n,
  n: p.m,
  a: { at: p.b.at, row: p.b.col, col: p.b.row },
  b: { at: p.a.at, row: p.a.col, col: p.a.row },
  batches: p.batches.map(({ size, a, b }) => ({ size, a: b, b: a })),
})

/** Batches that share B become rows of A, as far as one stride can walk them. */
function fold(p: Problem): Problem {
  const batches = [...p.batches]
  let { m, a } = p
  for (let last = batches.at(-1); last && last.b === 0 && (m === 1 || last.a === m * a.row); last = batches.at(-1)) {
    a = { ...a, row: m === 1 ? last.a : a.row }
    m *= last.size
    batches.pop()
  }
  return { ...p, m, a, batches }
}

/** The same product with as few batches as possible; a product that gives vectors gives columns. */
export function simplify(p: Problem): Problem {
  let q = fold(p)
  if (q.n === 1 && q.batches.at(-1)?.a === 0) q = fold(transpose(q))
  return q.m === 1 && q.n > 1 ? transpose(q) : q
}
