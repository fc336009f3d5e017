import type { FunctionBuilder, Local, ModuleBuilder } from '../../wasm/builder.ts'
import { advance, constant, repeat, repeatBy } from '../number.ts'
import { multiplyAdd } from './micro.ts'
import type { Tile } from './tile.ts'

const params = (f: FunctionBuilder): Local[] => f.params.map((_, i) => f.param(i))
const i32s = (n: number): 'i32'[] => Array.from({ length: n }, () => 'i32')

/**
 * Exports `dots(batch, m, k, A, aRow, x, y, yStep, aBatch, xBatch, yBatch)`: `y[i] = Σ A[i, :] x` with A and x contiguous
 * along k. Four rows at a time share the loads of x; a single row has four accumulators.
 */
export function defineDots(module: ModuleBuilder, t: Tile): void {
  const { lanes } = t
  const f = module.function('dots', i32s(11), [])
  const [batch, m, k, a, aRow, x, y, yStep, aBatch, xBatch, yBatch] = params(f) as [
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
  const [row, rows, out, n, xs] = Array.from({ length: 5 }, () => f.local('i32')) as [Local, Local, Local, Local, Local]
  const p = Array.from({ length: 4 }, () => f.local('i32'))
  const acc = Array.from({ length: 4 }, () => f.local('v128'))
  const [va, vx, sum] = [f.local('v128'), f.local('v128'), f.local(lanes.type)]
  const vector = lanes.lanes * lanes.bytes

  const start = (count: number): void => {
    f.get(row).set(p[0]!)
    for (let i = 1; i < count; i++)
      f.get(p[i - 1]!)
        .get(aRow)
        .op('i32.add')
        .set(p[i]!)
    for (const v of acc) f.i32x4(0).set(v)
    f.get(x).set(xs)
    f.get(k).set(n)
  }
  const horizontal = (v: Local): void => {
    const half = (i: number): void => {
      f.get(v)
        .lane(lanes.extract, i)
        .get(v)
        .lane(lanes.extract, i + 1)
        .op(lanes.add)
    }
    half(0)
    if (lanes.lanes === 4) {
      half(2)
      f.op(lanes.add)
    }
  }
  /** y ⟵ sum of lanes + the last k mod lanes products, for the rows of `p` */
  const finish = (count: number): void => {
    const left = f.local('i32')
    for (let i = 0; i < count; i++) {
      horizontal(acc[i]!)
      f.set(sum)
      f.get(n).set(left)
      const at = f.local('i32')
      f.get(xs).set(at)
      repeat(f, left, () => {
        f.get(sum).get(p[i]!).mem(lanes.load).get(at).mem(lanes.load).op(lanes.mul).op(lanes.add).set(sum)
        advance(f, p[i]!, lanes.bytes)
        advance(f, at, lanes.bytes)
      })
      f.release(at)
      f.get(out).get(sum).mem(lanes.store)
      advance(f, out, yStep)
      advance(f, row, aRow)
    }
    f.release(left)
  }

  repeat(f, batch, () => {
    f.get(a).set(row)
    f.get(y).set(out)
    f.get(m).set(rows)
    repeatBy(f, rows, 4, () => {
      start(4)
      repeatBy(f, n, lanes.lanes, () => {
        f.get(xs).mem('v128.load').set(vx)
        for (let i = 0; i < 4; i++) {
          f.get(p[i]!).mem('v128.load').set(va)
          multiplyAdd(f, t, acc[i]!, va, vx)
          advance(f, p[i]!, vector)
        }
        advance(f, xs, vector)
      })
      finish(4)
    })
    repeat(f, rows, () => {
      start(1)
      repeatBy(f, n, 4 * lanes.lanes, () => {
        for (let i = 0; i < 4; i++) {
          f.get(p[0]!)
            .mem('v128.load', i * vector)
            .set(va)
          f.get(xs)
            .mem('v128.load', i * vector)
            .set(vx)
          multiplyAdd(f, t, acc[i]!, va, vx)
        }
        advance(f, p[0]!, 4 * vector)
        advance(f, xs, 4 * vector)
      })
      const total = acc[0]!
      for (let i = 1; i < 4; i++) f.get(total).get(acc[i]!).op(lanes.vectorAdd).set(total)
      repeatBy(f, n, lanes.lanes, () => {
        f.get(p[0]!).mem('v128.load').set(va)
        f.get(xs).mem('v128.load').set(vx)
        multiplyAdd(f, t, total, va, vx)
        advance(f, p[0]!, vector)
        advance(f, xs, vector)
      })
      finish(1)
    })
    advance(f, a, aBatch)
    advance(f, x, xBatch)
    advance(f, y, yBatch)
  })
}

/**
 * Exports `sums(batch, m, n, k, A, aRow, aK, B, bK, C, aBatch, bBatch, cBatch)`: `C[i, :] = Σ A[i, k] B[k, :]` with the rows
 * of B contiguous and C contiguous. Reads B in its own order, four rows at a time; for few rows of A, or few k.
 */
export function defineSums(module: ModuleBuilder, t: Tile): void {
  const { lanes } = t
  const f = module.function('sums', i32s(13), [])
  const [batch, m, n, k, a, aRow, aK, b, bK, c, aBatch, bBatch, cBatch] = params(f) as [
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
    Local,
    Local,
  ]
  const [rows, row, left, out, ks, from, to, count, nBytes, add] = Array.from({ length: 10 }, () => f.local('i32')) as [
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
  const p = Array.from({ length: 4 }, () => f.local('i32'))
  const factor = Array.from({ length: 4 }, () => f.local('v128'))
  const [acc, vb] = [f.local('v128'), f.local('v128')]

  /** C's row (+)= `rowsOfB` factors × rows of B */
  const pass = (rowsOfB: number): void => {
    for (let i = 0; i < rowsOfB; i++) {
      f.get(left).mem(lanes.loadSplat).set(factor[i]!)
      advance(f, left, aK)
      f.get(from).set(p[i]!)
      advance(f, from, bK)
    }
    f.get(out).set(to)
    f.get(n).set(count)
    repeatBy(f, count, lanes.lanes, () => {
      f.get(add).if(
        () => f.get(to).mem('v128.load'),
        () => f.i32x4(0),
        'v128',
      )
      f.set(acc)
      for (let i = 0; i < rowsOfB; i++) {
        f.get(p[i]!).mem('v128.load').set(vb)
        multiplyAdd(f, t, acc, factor[i]!, vb)
        advance(f, p[i]!, 16)
      }
      f.get(to).get(acc).mem('v128.store')
      advance(f, to, 16)
    })
    repeat(f, count, () => {
      f.get(to)
      f.get(add).if(
        () => f.get(to).mem(lanes.load),
        () => constant(f, t.compute, 0),
        lanes.type,
      )
      for (let i = 0; i < rowsOfB; i++) {
        f.get(factor[i]!).lane(lanes.extract, 0).get(p[i]!).mem(lanes.load).op(lanes.mul).op(lanes.add)
        advance(f, p[i]!, lanes.bytes)
      }
      f.mem(lanes.store)
      advance(f, to, lanes.bytes)
    })
    f.i32(1).set(add)
  }

  f.get(n).i32(lanes.bytes).op('i32.mul').set(nBytes)
  repeat(f, batch, () => {
    f.get(a).set(row)
    f.get(c).set(out)
    f.get(m).set(rows)
    repeat(f, rows, () => {
      f.get(row).set(left)
      f.get(b).set(from)
      f.get(k).set(ks)
      f.i32(0).set(add)
      repeatBy(f, ks, 4, () => pass(4))
      repeat(f, ks, () => pass(1))
      advance(f, row, aRow)
      advance(f, out, nBytes)
    })
    advance(f, a, aBatch)
    advance(f, b, bBatch)
    advance(f, c, cBatch)
  })
}

/**
 * Exports `small(batch, m, n, k, A, aRow, aK, B, bK, bCol, C, aBatch, bBatch, cBatch)`: the definition, for any strides.
 * C is contiguous.
 */
export function defineSmall(module: ModuleBuilder, t: Tile): void {
  const { lanes } = t
  const f = module.function('small', i32s(14), [])
  const [batch, m, n, k, a, aRow, aK, b, bK, bCol, c, aBatch, bBatch, cBatch] = params(f) as [
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
    Local,
    Local,
    Local,
  ]
  const [rows, cols, ks, row, col, pa, pb, out] = Array.from({ length: 8 }, () => f.local('i32')) as [
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
  ]
  const sum = f.local(lanes.type)
  repeat(f, batch, () => {
    f.get(a).set(row)
    f.get(c).set(out)
    f.get(m).set(rows)
    repeat(f, rows, () => {
      f.get(b).set(col)
      f.get(n).set(cols)
      repeat(f, cols, () => {
        f.get(row).set(pa)
        f.get(col).set(pb)
        f.get(k).set(ks)
        constant(f, t.compute, 0)
        f.set(sum)
        repeat(f, ks, () => {
          f.get(sum).get(pa).mem(lanes.load).get(pb).mem(lanes.load).op(lanes.mul).op(lanes.add).set(sum)
          advance(f, pa, aK)
          advance(f, pb, bK)
        })
        f.get(out).get(sum).mem(lanes.store)
        advance(f, out, lanes.bytes)
        advance(f, col, bCol)
      })
      advance(f, row, aRow)
    })
    advance(f, a, aBatch)
    advance(f, b, bBatch)
    advance(f, c, cBatch)
  })
}

/** Exports `gather(to, from, rows, cols, rowStep, colStep)`: a contiguous copy. */
export function defineGather(module: ModuleBuilder, t: Tile): void {
  const { lanes } = t
  const f = module.function('gather', i32s(6), [])
  const [to, from, rows, cols, rowStep, colStep] = params(f) as [Local, Local, Local, Local, Local, Local]
  const [n, at] = [f.local('i32'), f.local('i32')]
  repeat(f, rows, () => {
    f.get(cols).set(n)
    f.get(from).set(at)
    repeat(f, n, () => {
      f.get(to).get(at).mem(lanes.load).mem(lanes.store)
      advance(f, to, lanes.bytes)
      advance(f, at, colStep)
    })
    advance(f, from, rowStep)
  })
}
