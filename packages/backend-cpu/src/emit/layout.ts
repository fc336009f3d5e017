import { type DType, type Expr, type Loop, bytesOf, expr as E } from '@mapgrad/kernel'
import { type LaneCount, isWide } from './lanes.ts'

/** How a stream moves along the innermost vectorised axis. */
export type StrideClass = 0 | 1 | 2
export const BROADCAST = 0
export const CONTIGUOUS = 1
export const STRIDED = 2

/** The shape of the loop nest: no reduction, or the innermost axis a reduced one, or a kept one with the reduction around each tile. */
export type Nest = 'pointwise' | 'alongReduced' | 'alongKept'

/** Whatever moves through the index space: an input, the output, or a counter that a formula reads. */
export type Stream =
  | { readonly kind: 'input'; readonly dtype: DType; readonly slot: number; readonly gather: boolean }
  | { readonly kind: 'index'; readonly axis: number }
  | { readonly kind: 'position' }
  /** the position among the reduced axes, for argmax and argmin */
  | { readonly kind: 'reducedPosition' }
  | { readonly kind: 'out'; readonly dtype: DType }

/** A coordinate of a gathered input: its stream, and where the block holds its size and stride. */
export interface CoordinateSlot {
  readonly stream: number
  readonly expr: Expr
  readonly outOfRange: 'error' | 'zero'
}

/**
 * Where a compiled function finds its arguments: byte offsets in a block of 32-bit words, the same for every nest and
 * every stride class of a loop. The tables of outer axes come last; a row of a table is
 * [size, remaining, a step for each stream].
 */
export interface Layout {
  readonly streams: readonly Stream[]
  readonly coordinates: readonly CoordinateSlot[]
  readonly lanes: LaneCount
  readonly pointers: number
  /** bytes for arrays, units for counters: along the innermost vectorised axis */
  readonly strides: number
  /** along the innermost reduced axis, where a kept axis is vectorised */
  readonly reducedStrides: number
  readonly coordinateSlots: number
  readonly scalars: number
  readonly stack: number
  readonly table: number
  readonly rowBytes: number
}

/** Fixed words at the head of the block. */
export const head = {
  /** elements along the innermost vectorised axis */
  count: 0,
  /** address behind the last row of the kept axes' table, which starts at `Layout.table` */
  keptEnd: 4,
  reducedTable: 8,
  reducedEnd: 12,
  /** elements along the innermost reduced axis, where a kept axis is vectorised */
  reducedCount: 16,
  bytes: 32,
} as const

/** Accumulators kept at once where a kept axis is vectorised, and levels of the pairwise stack: 2³² blocks. */
export const STACK_LEVELS = 32
export const MAX_TILE = 8

export function layoutOf(loop: Loop): Layout {
  const nodes = new Set<Expr>()
  const visit = (e: Expr): void => {
    if (nodes.has(e)) return
    nodes.add(e)
    for (const a of E.argsOf(e)) visit(a)
  }
  visit(loop.body)
  if (loop.epilogue) visit(loop.epilogue)
  for (const a of loop.inputs) for (const c of a.coordinates) visit(c.expr)

  const streams: Stream[] = loop.inputs.map((a, slot): Stream => ({
    kind: 'input',
    dtype: a.dtype,
    slot,
    gather: a.coordinates.length > 0,
  }))
  const axes = new Set<number>()
  let position = false
  for (const n of nodes) {
    if (n.kind === 'index') axes.add(n.axis)
    if (n.kind === 'position') position = true
  }
  for (const axis of [...axes].sort((a, b) => b - a)) streams.push({ kind: 'index', axis })
  if (position) streams.push({ kind: 'position' })
  if (loop.reduce === 'argmax' || loop.reduce === 'argmin') streams.push({ kind: 'reducedPosition' })
  streams.push({ kind: 'out', dtype: loop.output })

  const coordinates = loop.inputs.flatMap((a, stream) =>
    a.coordinates.map((c): CoordinateSlot => ({ stream, expr: c.expr, outOfRange: c.outOfRange })),
  )
  const wide = isWide(loop.output) || loop.inputs.some((a) => isWide(a.dtype)) || [...nodes].some((n) => isWide(n.dtype))
  const n = streams.length
  const pointers = head.bytes
  const strides = pointers + 4 * n
  const reducedStrides = strides + 4 * n
  const coordinateSlots = reducedStrides + 4 * n
  const scalars = align(coordinateSlots + 8 * coordinates.length, 8)
  const stack = align(scalars + 8 * loop.scalars.length, 16)
  const table = stack + (loop.reduce ? STACK_LEVELS * MAX_TILE * 16 : 0)
  return {
    streams,
    coordinates,
    lanes: wide ? 2 : 4,
    pointers,
    strides,
    reducedStrides,
    coordinateSlots,
    scalars,
    stack,
    table,
    rowBytes: 4 * (2 + n),
  }
}

const align = (n: number, to: number): number => Math.ceil(n / to) * to

/** bytes of a step of one element; a counter counts in units */
export const unitOf = (s: Stream): number => (s.kind === 'input' || s.kind === 'out' ? bytesOf(s.dtype) : 1)
