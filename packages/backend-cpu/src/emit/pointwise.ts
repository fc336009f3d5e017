import { type Expr, computeType, expr as E } from '@mapgrad/kernel'
import type { Local } from '../wasm/builder.ts'
import { Body, Hoisted } from './body.ts'
import type { Frame, Mode } from './frame.ts'
import { STRIDED, head } from './layout.ts'

/** Nodes of an expression, shared ones once: what unrolling is decided by. */
export function costOf(...roots: Expr[]): number {
  const seen = new Set<Expr>()
  const visit = (e: Expr): void => {
    if (seen.has(e)) return
    seen.add(e)
    for (const a of E.argsOf(e)) visit(a)
  }
  roots.forEach(visit)
  return seen.size
}

/**
 * Whether the vectors of an unrolled body are computed side by side: where there are more constants than registers, nothing
 * but the vector's number says what its leaves are, and the code does not become too long to compile.
 */
export function sideBySide({ cursors, layout, loop }: Frame): boolean {
  const cost = costOf(loop.body)
  return cost > 20 && cost <= 256 && layout.coordinates.length === 0 && cursors.every((c) => c.cls !== STRIDED)
}

/** the value that `Frame.store` narrows: a cast to a narrow type from what it is computed in is the store's own work */
export function stored(root: Expr): Expr {
  return root.kind === 'cast' && computeType(root.dtype) !== root.dtype && root.args[0].dtype === computeType(root.dtype)
    ? root.args[0]
    : root
}

/** for every row of the outer axes: unrolled vectors, vectors, then what is left element by element in the same vector code */
export function emitPointwise(frame: Frame): void {
  const { f, e, loop, layout } = frame
  const gathers = layout.coordinates.length > 0
  const cost = costOf(loop.body)
  const together = sideBySide(frame)
  const unroll = gathers ? 1 : together || cost <= 8 ? 4 : cost <= 20 ? 2 : 1
  const rows = layout.streams.map(() => f.local('i32'))
  const keptEnd = frame.word(head.keptEnd)
  const count = frame.word(head.count)
  const left = f.local('i32')
  frame.loadPositions(rows)
  const root = stored(loop.body)
  const roots = [root, ...layout.coordinates.map((c) => c.expr)]
  const hoisted = new Hoisted(frame.leaves('one', 0, true, never), roots)
  hoisted.hoist(e, frame.leaves('vector', 0, true, never), 'call')

  const group = (mode: Mode, vectors: number): void => {
    const bodies = Array.from({ length: vectors }, (_, u) => frame.body(mode, u, true, hoisted))
    if (together && vectors > 1) Body.together(bodies, root)
    bodies.forEach((body, u) => {
      if (u > 0) frame.advance(0, 'vector')
      frame.store(mode, u, () => body.emit(root))
      body.release()
    })
  }
  f.loop((row) => {
    frame.copyPositions(rows)
    hoisted.hoist(e, frame.leaves('vector', 0, true, never), 'row')
    f.get(count).set(left)
    walkAxis(frame, left, unroll, group)
    frame.nextRow(
      () => f.get(frame.block).i32(layout.table).op('i32.add'),
      keptEnd,
      rows,
      () => f.br(row),
    )
  })
}

export function never(): never {
  throw new TypeError('[backend-cpu] expected no gather here; this is a fault of mapgrad, please report it')
}

/**
 * `left` elements of the innermost axis: `unroll` vectors at a time, one vector at a time, one element at a time. `body` is
 * for a number of vectors, and moves strided streams on from each to the next.
 */
export function walkAxis(frame: Frame, left: Local, unroll: number, body: (mode: Mode, vectors: number) => void): void {
  const { f, e } = frame
  const chunk = (vectors: number): void => {
    const n = vectors * e.lanes
    f.block((done) => {
      f.get(left).i32(n).op('i32.lt_s').brIf(done)
      f.loop((again) => {
        body('vector', vectors)
        frame.advance(n, 'vector')
        f.get(left).i32(n).op('i32.sub').tee(left).i32(n).op('i32.ge_s').brIf(again)
      })
    })
  }
  if (unroll > 1) chunk(unroll)
  chunk(1)
  f.block((done) => {
    f.get(left).op('i32.eqz').brIf(done)
    f.loop((again) => {
      body('one', 1)
      frame.advance(1, 'element')
      f.get(left).i32(1).op('i32.sub').tee(left).brIf(again)
    })
  })
}
