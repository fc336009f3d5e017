import { type Expr, bytesOf, computeType, expr as E, isFloat } from '@mapgrad/kernel'
import type { Local } from '../wasm/builder.ts'
import { Body, Hoisted } from './body.ts'
import { emitCast } from './casts.ts'
import { type Accumulator, Combine } from './combine.ts'
import type { Frame, Mode } from './frame.ts'
import { CONTIGUOUS, STRIDED, head } from './layout.ts'
import { PairwiseStack } from './pairwise.ts'
import { costOf, never, sideBySide, stored, walkAxis } from './pointwise.ts'

/** vectors an accumulator takes before its block is done */
const BLOCK = 32

export function emitReduction(frame: Frame): void {
  if (frame.nest === 'alongReduced') emitAlongReduced(frame)
  else emitAlongKept(frame)
}

/** What is reduced: the body, as a mask for any and all; half floats stay in float32. */
function reducedBody({ loop }: Frame): Expr {
  const { body } = loop
  if (loop.reduce === 'any' || loop.reduce === 'all') return E.cast(body, 'bool')
  if ((loop.reduce === 'argmax' || loop.reduce === 'argmin') && body.dtype === 'bool') return E.cast(body, 'int32')
  return stripHalf(body)
}

function stripHalf(e: Expr): Expr {
  return e.kind === 'cast' && isFloat(e.dtype) && e.args[0].dtype === 'float32' && computeType(e.dtype) === 'float32' ? e.args[0] : e
}

interface Reduction {
  readonly frame: Frame
  readonly combine: Combine
  readonly body: Expr
  readonly hoisted: Hoisted
  readonly rows: boolean
  readonly together: boolean
}

function prepare(frame: Frame, rows: boolean): Reduction {
  const body = reducedBody(frame)
  const combine = new Combine(frame.e, frame.loop.reduce!, body.dtype)
  const hoisted = new Hoisted(frame.leaves('one', 0, rows, never), [body, ...frame.layout.coordinates.map((c) => c.expr)])
  hoisted.hoist(frame.e, frame.leaves('vector', 0, rows, never), 'call')
  return { frame, combine, body, hoisted, rows, together: sideBySide(frame) }
}

/** accumulates a vector of elements into each accumulator */
function accumulate(reduction: Reduction, into: readonly Accumulator[], mode: Mode): void {
  const { frame, body, hoisted, rows } = reduction
  const codes = into.map((_, u) => frame.body(mode, u, rows, hoisted))
  if (reduction.together && codes.length > 1) Body.together(codes, body)
  codes.forEach((code, u) => {
    if (u > 0) frame.advance(0, 'vector')
    accumulateOne(reduction, into[u]!, mode, code)
    code.release()
  })
}

function accumulateOne({ frame, combine, body }: Reduction, into: Accumulator, mode: Mode, code: Body): void {
  const { f } = frame
  const value = combine.make()
  code.emit(body)
  f.set(value[0]!)
  if (combine.positional) {
    frame.counter(
      frame.cursors.find((c) => c.stream.kind === 'reducedPosition')!,
      mode,
    )
    f.set(value[1]!)
  }
  combine.complete(value)
  combine.merge(into, value)
  combine.release(value)
}

/** stores the reduced value, behind the epilogue */
function finish({ frame, combine }: Reduction, result: Accumulator, mode: Mode, u: number): void {
  const { f, e, loop } = frame
  const reduced = combine.result(result)
  if (loop.reduce === 'any' || loop.reduce === 'all') {
    // the value has the body's dtype
    f.get(reduced)
    emitCast(e, 'bool', computeType(loop.body.dtype))
    f.set(reduced)
  }
  frame.store(mode, u, () => {
    if (!loop.epilogue) return void f.get(reduced)
    const leaves = frame.leaves(mode, u, false, never)
    const body = new Body(
      e,
      { rate: leaves.rate, emit: (leaf) => (leaf.kind === 'reduced' ? void f.get(reduced) : leaves.emit(leaf)) },
      null,
    )
    body.emit(stored(loop.epilogue))
    body.release()
  })
}

/** `body` over pieces of at most `size` of `left`, which is used up */
function pieces(frame: Frame, left: Local, size: number, body: (piece: Local) => void): void {
  const { f } = frame
  const piece = f.local('i32')
  f.block((done) => {
    f.loop((again) => {
      f.get(left).op('i32.eqz').brIf(done)
      f.i32(size).get(left).get(left).i32(size).op('i32.gt_s').op('select').set(piece)
      f.get(left).get(piece).op('i32.sub').set(left)
      body(piece)
      f.br(again)
    })
  })
  f.release(piece)
}

/** the innermost axis is reduced: several accumulators along it, a pairwise stack of blocks, lanes combined at the end */
function emitAlongReduced(frame: Frame): void {
  const { f, e, layout, loop } = frame
  const kept = layout.streams.map(() => f.local('i32'))
  const rows = layout.streams.map(() => f.local('i32'))
  const keptEnd = frame.word(head.keptEnd)
  const reducedTable = frame.word(head.reducedTable)
  const reducedEnd = frame.word(head.reducedEnd)
  const count = frame.word(head.count)
  const left = f.local('i32')
  const since = f.local('i32')
  frame.loadPositions(kept)
  const reduction = prepare(frame, true)
  const { combine } = reduction
  const unroll = combine.positional || layout.coordinates.length > 0 ? 2 : reduction.together || costOf(loop.body) <= 20 ? 4 : 2
  const accumulators = Array.from({ length: unroll }, () => combine.make())
  const single = combine.make()
  const total = accumulators[0]!
  const stack = new PairwiseStack(frame, combine, 1)

  /** everything since the last flush, in `total` */
  const gather = (): void => {
    for (let step = 1; step < unroll; step *= 2)
      for (let i = 0; i + step < unroll; i += 2 * step) combine.merge(accumulators[i]!, accumulators[i + step]!)
    // only the first lane of `single` counts
    single.forEach((l, i) => {
      f.get(l)
      combine.pushIdentity(i)
      f.shuffle(firstLane(combine, i, e.lanes)).set(l)
    })
    combine.merge(total, single)
  }
  const reset = (): void => {
    for (const a of accumulators) combine.reset(a)
    combine.reset(single)
    f.i32(0).set(since)
  }
  const walk = (length: Local): void =>
    walkAxis(frame, length, unroll, (mode, vectors) =>
      accumulate(reduction, mode === 'one' ? [single] : accumulators.slice(0, vectors), mode),
    )

  f.loop((row) => {
    kept.forEach((p, k) => f.get(p).set(rows[k]!))
    reset()
    stack.reset()
    f.loop((reducedRow) => {
      frame.copyPositions(rows)
      reduction.hoisted.hoist(e, frame.leaves('vector', 0, true, never), 'row')
      f.get(count).set(left)
      if (!combine.pairwise) walk(left)
      else {
        pieces(frame, left, BLOCK * unroll * e.lanes, (piece) => {
          f.get(since).get(piece).op('i32.add').set(since)
          walk(piece)
          f.get(since)
            .i32(BLOCK * unroll * e.lanes)
            .op('i32.ge_s')
            .if(() => {
              gather()
              stack.push([total])
              reset()
            })
        })
      }
      frame.nextRow(
        () => f.get(reducedTable),
        reducedEnd,
        rows,
        () => f.br(reducedRow),
      )
    })
    gather()
    if (combine.pairwise) stack.collect([total])
    combine.fold(total)
    frame.copyPositions(kept)
    finish(reduction, total, 'one', 0)
    frame.nextRow(
      () => f.get(frame.block).i32(layout.table).op('i32.add'),
      keptEnd,
      kept,
      () => f.br(row),
    )
  })
}

/** shuffle: the first lane of the first vector, the others of the second */
function firstLane(combine: Combine, part: number, lanes: number): number[] {
  const dtype = combine.parts[part]!
  const bytes = dtype === 'bool' ? 16 / lanes : bytesOf(dtype)
  return Array.from({ length: 16 }, (_, i) => (i < bytes ? i : i + 16))
}

/** the innermost axis is kept: tiles of it stay in accumulators while the reduced axes pass */
function emitAlongKept(frame: Frame): void {
  const { f, e, layout, loop } = frame
  const kept = layout.streams.map(() => f.local('i32'))
  const tile = layout.streams.map(() => f.local('i32'))
  const rows = layout.streams.map(() => f.local('i32'))
  const keptEnd = frame.word(head.keptEnd)
  const reducedTable = frame.word(head.reducedTable)
  const reducedEnd = frame.word(head.reducedEnd)
  const count = frame.word(head.count)
  const reducedCount = frame.word(head.reducedCount)
  const steps = layout.streams.map((_, k) => frame.word(layout.reducedStrides + 4 * k))
  const remaining = f.local('i32')
  const left = f.local('i32')
  const since = f.local('i32')
  frame.loadPositions(kept)
  const reduction = prepare(frame, false)
  const { combine } = reduction
  const cost = costOf(loop.body)
  const widest = layout.coordinates.length > 0 ? 1 : combine.positional ? 2 : cost <= 8 ? 8 : reduction.together || cost <= 20 ? 4 : 2
  const accumulators = Array.from({ length: widest }, () => combine.make())

  /** one tile of `vectors` vectors, or of one element */
  const emitTile = (mode: Mode, vectors: number): void => {
    const used = accumulators.slice(0, vectors)
    const stack = new PairwiseStack(frame, combine, vectors)
    for (const a of used) combine.reset(a)
    stack.reset()
    f.i32(0).set(since)
    tile.forEach((p, k) => f.get(p).set(rows[k]!))
    const point = (): void => {
      accumulate(reduction, used, mode)
      // one step along the reduced axis, and back to the first vector
      frame.cursors.forEach((c, k) => {
        f.get(c.at).get(steps[k]!).op('i32.add')
        if (c.cls === STRIDED && vectors > 1)
          f.get(c.vectorStep!)
            .i32(vectors - 1)
            .op('i32.mul')
            .op('i32.sub')
        f.set(c.at)
      })
    }
    const walk = (length: Local): void =>
      void f.loop((again) => {
        point()
        f.get(length).i32(1).op('i32.sub').tee(length).brIf(again)
      })
    f.loop((reducedRow) => {
      frame.copyPositions(rows)
      f.get(reducedCount).set(left)
      if (!combine.pairwise) walk(left)
      else {
        pieces(frame, left, BLOCK, (piece) => {
          f.get(since).get(piece).op('i32.add').set(since)
          walk(piece)
          f.get(since)
            .i32(BLOCK)
            .op('i32.ge_s')
            .if(() => {
              stack.push(used)
              for (const a of used) combine.reset(a)
              f.i32(0).set(since)
            })
        })
      }
      frame.nextRow(
        () => f.get(reducedTable),
        reducedEnd,
        rows,
        () => f.br(reducedRow),
      )
    })
    if (combine.pairwise) stack.collect(used)
    frame.copyPositions(tile)
    used.forEach((a, u) => {
      if (u > 0) frame.advance(0, 'vector')
      finish(reduction, a, mode, u)
    })
  }
  /** moves the tile's start along the kept axis */
  const advanceTile = (elements: number): void => {
    frame.cursors.forEach((c, k) => {
      if (c.cls === CONTIGUOUS && 'dtype' in c.stream)
        f.get(tile[k]!)
          .i32(elements * bytesOf(c.stream.dtype))
          .op('i32.add')
          .set(tile[k]!)
      if (c.cls === STRIDED) f.get(tile[k]!).get(c.stride!).i32(elements).op('i32.mul').op('i32.add').set(tile[k]!)
    })
  }
  const tiles = (mode: Mode, vectors: number): void => {
    const elements = mode === 'one' ? 1 : vectors * e.lanes
    f.block((done) => {
      f.loop((again) => {
        f.get(remaining).i32(elements).op('i32.lt_s').brIf(done)
        emitTile(mode, vectors)
        advanceTile(elements)
        f.get(remaining).i32(elements).op('i32.sub').set(remaining)
        f.br(again)
      })
    })
  }

  f.loop((row) => {
    kept.forEach((p, k) => f.get(p).set(tile[k]!))
    f.get(count).set(remaining)
    if (widest > 1) tiles('vector', widest)
    tiles('vector', 1)
    tiles('one', 1)
    frame.nextRow(
      () => f.get(frame.block).i32(layout.table).op('i32.add'),
      keptEnd,
      kept,
      () => f.br(row),
    )
  })
}
