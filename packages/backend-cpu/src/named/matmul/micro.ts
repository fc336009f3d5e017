import type { FunctionBuilder, Local, ModuleBuilder } from '../../wasm/builder.ts'
import { advance, constant, repeat } from '../number.ts'
import type { Tile } from './tile.ts'

/** `acc += a × b` on vectors */
export function multiplyAdd(f: FunctionBuilder, t: Tile, acc: Local, a: Local, b: Local): void {
  if (t.madd) f.get(a).get(b).get(acc).op(t.madd)
  else f.get(acc).get(a).get(b).op(t.lanes.vectorMul).op(t.lanes.vectorAdd)
  f.set(acc)
}

const addresses = (f: FunctionBuilder): Local[] => f.params.map((_, i) => f.param(i))

/**
 * Exports `block(m, n, k, A, B, bK, bPanel, C, ldc, add, scratch)`: `C = A × B`, or `C += A × B`. A is packed in panels of
 * `tile.rows` rows, k-major and padded with zeros. B comes in panels of `tile.cols` columns, `bPanel` bytes apart, whose rows
 * lie `bK` bytes apart: packed like A, or, when its columns are whole panels, where it is. `ldc` counts bytes.
 */
export function defineBlock(m: ModuleBuilder, t: Tile): void {
  const panel = definePanel(m, t)
  const f = m.function(
    'block',
    Array.from({ length: 11 }, () => 'i32' as const),
    [],
  )
  const [rows, cols, k, a, b, bK, bPanel, c, ldc, add, scratch] = addresses(f) as [
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
  ]
  f.block((end) => {
    f.loop((head) => {
      f.get(cols).i32(0).op('i32.le_s').brIf(end)
      for (const x of [rows, cols, k, a, b, bK, c, ldc, add, scratch]) f.get(x)
      f.call(panel)
      advance(f, b, bPanel)
      advance(f, c, t.cols * t.lanes.bytes)
      advance(f, cols, -t.cols)
      f.br(head)
    })
  })
}

/**
 * One panel of B against all panels of A. It is a function of its own so that a long first matmul leaves the slow first
 * tier of V8 after one panel: V8 changes tiers at calls only.
 */
function definePanel(m: ModuleBuilder, t: Tile): FunctionBuilder {
  const { lanes } = t
  const f = m.function(
    null,
    Array.from({ length: 10 }, () => 'i32' as const),
    [],
  )
  const [rows, cols, k, a, b, bK, c, ldc, add, scratch] = addresses(f) as [
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
  ]
  const vectors = t.cols / lanes.lanes
  const acc = Array.from({ length: t.rows * vectors }, () => f.local('v128'))
  const right = Array.from({ length: vectors }, () => f.local('v128'))
  const left = f.local('v128')
  const at = f.local('i32')
  const end = f.local('i32')
  f.get(b).get(k).get(bK).op('i32.mul').op('i32.add').set(end)
  f.loop((head) => {
    for (const x of acc) f.i32x4(0).set(x)
    f.get(b).set(at)
    f.loop((inner) => {
      for (let j = 0; j < vectors; j++)
        f.get(at)
          .mem('v128.load', 16 * j)
          .set(right[j]!)
      for (let i = 0; i < t.rows; i++) {
        f.get(a)
          .mem(lanes.loadSplat, lanes.bytes * i)
          .set(left)
        for (let j = 0; j < vectors; j++) multiplyAdd(f, t, acc[i * vectors + j]!, left, right[j]!)
      }
      advance(f, a, t.rows * lanes.bytes)
      f.get(at).get(bK).op('i32.add').tee(at).get(end).op('i32.ne').brIf(inner)
    })
    f.get(rows).i32(t.rows).op('i32.ge_s').get(cols).i32(t.cols).op('i32.ge_s').op('i32.and')
    f.if(
      () => {
        f.get(c).set(at)
        f.get(add).if(
          () => storeTile(f, t, acc, at, ldc, true),
          () => storeTile(f, t, acc, at, ldc, false),
        )
      },
      () => {
        f.get(scratch).set(at)
        storeTile(f, t, acc, at, t.cols * lanes.bytes, false)
        copyEdge(f, t, { rows, cols, c, ldc, add, scratch })
      },
    )
    f.get(ldc).i32(t.rows).op('i32.mul').get(c).op('i32.add').set(c)
    f.get(rows).i32(t.rows).op('i32.sub').tee(rows).i32(0).op('i32.gt_s').brIf(head)
  })
  return f
}

function storeTile(f: FunctionBuilder, t: Tile, acc: readonly Local[], at: Local, ld: Local | number, add: boolean): void {
  const vectors = acc.length / t.rows
  for (let i = 0; i < t.rows; i++) {
    for (let j = 0; j < vectors; j++) {
      f.get(at)
      if (add) f.get(at).mem('v128.load', 16 * j)
      f.get(acc[i * vectors + j]!)
      if (add) f.op(t.lanes.vectorAdd)
      f.mem('v128.store', 16 * j)
    }
    if (i < t.rows - 1) advance(f, at, ld)
  }
}

interface Edge {
  readonly rows: Local
  readonly cols: Local
  readonly c: Local
  readonly ldc: Local
  readonly add: Local
  readonly scratch: Local
}

/** The part of a full tile in `scratch` that lies inside C: min(rows, tile) × min(cols, tile). */
function copyEdge(f: FunctionBuilder, t: Tile, e: Edge): void {
  const { lanes } = t
  const [i, j, from, to, row] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32')]
  const clamp = (x: Local, max: number): FunctionBuilder => f.get(x).i32(max).get(x).i32(max).op('i32.lt_s').op('select')
  clamp(e.rows, t.rows).set(i)
  f.get(e.c).set(row)
  f.get(e.scratch).set(from)
  repeat(f, i, () => {
    f.get(row).set(to)
    clamp(e.cols, t.cols).set(j)
    repeat(f, j, () => {
      f.get(to).get(from).mem(lanes.load)
      f.get(e.add).if(
        () => f.get(to).mem(lanes.load),
        () => constant(f, t.compute, 0),
        lanes.type,
      )
      f.op(lanes.add).mem(lanes.store)
      advance(f, from, lanes.bytes)
      advance(f, to, lanes.bytes)
    })
    // from stands after min(cols, tile) elements of its row
    clamp(e.cols, t.cols).set(j)
    f.get(from).i32(t.cols).get(j).op('i32.sub').i32(lanes.bytes).op('i32.mul').op('i32.add').set(from)
    advance(f, row, e.ldc)
  })
}
