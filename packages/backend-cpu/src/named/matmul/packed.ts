import type { KernelContext } from '../../context.ts'
import type { Problem } from './problem.ts'
import type { Routines } from './routines.ts'

/** Block sizes: a panel pair stays in the first cache, a block of A in the second, a block of B in the third. */
const block = { kBytes: 1536, rows: 120, cols: 1536 } as const

/** Up to so many rows, B is used too few times for packing it to pay: its whole panels are read where they are. */
const directRows = 12

/** `total` cut in as few equal pieces as `max` allows, each a multiple of `unit` but the last: no sliver at the end. */
function piece(total: number, max: number, unit: number): number {
  const pieces = Math.ceil(total / max)
  return Math.ceil(total / pieces / unit) * unit
}

/**
 * C = A × B by blocks that are packed into panels. Every batch runs inside one block of k, so that an operand that several
 * batches share is packed once. The order of additions depends on k alone.
 */
export function packedProduct(context: KernelContext, r: Routines, p: Problem): void {
  const { m, n, k, a, b, bytes } = p
  const { rows, cols } = r.tile
  const kc = piece(k, block.kBytes / bytes, 1)
  const mc = Math.min(piece(m, block.rows, rows), Math.ceil(m / rows) * rows)
  const nc = Math.min(piece(n, block.cols, cols), Math.ceil(n / cols) * cols)
  const panelsA = context.scratch(mc * kc * bytes)
  const panelsB = context.scratch(nc * kc * bytes)
  const spare = context.scratch(rows * cols * bytes)
  const pairs = addresses(p)
  // a column of B that repeats would end a panel's walk where it began
  const direct = m <= directRows && b.col === bytes && b.row !== 0

  for (let j = 0; j < n; j += nc) {
    const nj = Math.min(nc, n - j)
    for (let q = 0; q < k; q += kc) {
      const kq = Math.min(kc, k - q)
      let packedA = -1
      let packedB = -1
      for (let index = 0; index < pairs.length; index += 2) {
        const fromB = pairs[index + 1]! + j * b.col + q * b.row
        const whole = direct ? nj - (nj % cols) : 0
        if (fromB !== packedB) r.packB(panelsB, fromB + whole * bytes, nj - whole, kq, b.col, b.row)
        packedB = fromB
        for (let i = 0; i < m; i += mc) {
          const mi = Math.min(mc, m - i)
          const fromA = pairs[index]! + i * a.row + q * a.col
          if (fromA !== packedA) r.packA(panelsA, fromA, mi, kq, a.row, a.col)
          packedA = fromA
          const c = p.c + (((index / 2) * m + i) * n + j) * bytes
          const add = q > 0 ? 1 : 0
          if (whole > 0) r.block(mi, whole, kq, panelsA, fromB, b.row, cols * bytes, c, n * bytes, add, spare)
          if (whole < nj)
            r.block(mi, nj - whole, kq, panelsA, panelsB, cols * bytes, cols * bytes * kq, c + whole * bytes, n * bytes, add, spare)
        }
      }
    }
  }
}

/** Addresses of A and B in every batch, in order. */
function addresses(p: Problem): number[] {
  let pairs = [p.a.at, p.b.at]
  for (const { size, a, b } of p.batches) {
    const next: number[] = []
    for (let at = 0; at < pairs.length; at += 2) {
      for (let i = 0; i < size; i++) next.push(pairs[at]! + i * a, pairs[at + 1]! + i * b)
    }
    pairs = next
  }
  return pairs
}
