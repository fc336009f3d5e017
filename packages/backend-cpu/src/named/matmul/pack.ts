import type { FunctionBuilder, Local, ModuleBuilder } from '../../wasm/builder.ts'
import { type Lanes, advance, constant, repeat, repeatBy } from '../number.ts'

/** `shuffle` by lanes of `bytes` bytes: positions in the two vectors laid end to end */
const lanesShuffle = (bytes: number, positions: readonly number[]): number[] =>
  positions.flatMap((p) => Array.from({ length: bytes }, (_, i) => p * bytes + i))

/**
 * Exports `name(to, from, lines, k, lineStride, kStride)`: copies lines (rows of A, columns of B) into panels of `width`
 * lines, k-major; lines that are missing in the last panel are zeros (what they give is never stored, but leftovers in scratch
 * could be subnormal, which is slow). Strides count bytes, and may be anything.
 */
export function definePack(m: ModuleBuilder, name: string, lanes: Lanes, width: number): void {
  const f = m.function(name, ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'], [])
  const [to, from, lines, k, lineStride, kStride] = [0, 1, 2, 3, 4, 5].map((i) => f.param(i)) as [Local, Local, Local, Local, Local, Local]
  const { bytes } = lanes
  const n = f.local('i32')
  const lane = Array.from({ length: width }, () => f.local('i32'))

  const full = (): void => {
    f.get(k).set(n)
    f.get(from).set(lane[0]!)
    f.get(lineStride)
      .i32(bytes)
      .op('i32.eq')
      .if(
        () => copyRuns(f, to, lane[0]!, n, kStride, width * bytes),
        () => {
          for (let i = 1; i < width; i++)
            f.get(lane[i - 1]!)
              .get(lineStride)
              .op('i32.add')
              .set(lane[i]!)
          f.get(kStride)
            .i32(bytes)
            .op('i32.eq')
            .if(() => transposeRuns(f, lanes, to, lane, n))
          // what is left of a transposition, or everything
          repeat(f, n, () => {
            for (let i = 0; i < width; i++) {
              f.get(to)
                .get(lane[i]!)
                .mem(lanes.load)
                .mem(lanes.store, i * bytes)
              advance(f, lane[i]!, kStride)
            }
            advance(f, to, width * bytes)
          })
        },
      )
  }
  repeatBy(f, lines, width, () => {
    full()
    f.get(lineStride).i32(width).op('i32.mul').get(from).op('i32.add').set(from)
  })

  // the last, partial panel, line by line
  const [row, at, source, rest] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32')]
  f.get(lines).if(() => {
    f.i32(width).get(lines).op('i32.sub').set(rest)
    f.get(to).set(row)
    const line = (value: () => void): void => {
      f.get(row).set(at)
      f.get(k).set(n)
      repeat(f, n, () => {
        f.get(at)
        value()
        f.mem(lanes.store)
        advance(f, at, width * bytes)
      })
      advance(f, row, bytes)
    }
    repeat(f, lines, () => {
      f.get(from).set(source)
      line(() => {
        f.get(source).mem(lanes.load)
        advance(f, source, kStride)
      })
      advance(f, from, lineStride)
    })
    repeat(f, rest, () => line(() => constant(f, lanes.type as 'i32' | 'i64' | 'f32' | 'f64', 0)))
  })
}

/** `n` runs of `bytes` bytes, `stride` apart */
function copyRuns(f: FunctionBuilder, to: Local, from: Local, n: Local, stride: Local, bytes: number): void {
  repeat(f, n, () => {
    let at = 0
    for (; at + 16 <= bytes; at += 16) f.get(to).get(from).mem('v128.load', at).mem('v128.store', at)
    if (at < bytes) f.get(to).get(from).mem('i64.load', at).mem('i64.store', at)
    advance(f, from, stride)
    advance(f, to, bytes)
  })
}

/** Whole vectors of lines that are contiguous along k, transposed in registers; leaves the rest of `n` to the caller. */
function transposeRuns(f: FunctionBuilder, lanes: Lanes, to: Local, lane: readonly Local[], n: Local): void {
  const width = lane.length
  const v = Array.from({ length: 4 }, () => f.local('v128'))
  const [a, b, c, d] = v as [Local, Local, Local, Local]
  const pair = (x: Local, y: Local, positions: readonly number[], bytes: number): FunctionBuilder =>
    f.get(x).get(y).shuffle(lanesShuffle(bytes, positions))
  repeatBy(f, n, lanes.lanes, () => {
    for (let i = 0; i < width; i += 4) {
      const group = lane.slice(i, i + 4)
      group.forEach((p, q) => f.get(p).mem('v128.load').set(v[q]!))
      const out = (k: number, offset: number): number => (k * width + i + offset) * lanes.bytes
      if (lanes.lanes === 2) {
        for (let q = 0; q < group.length; q += 2) {
          f.get(to)
          pair(v[q]!, v[q + 1]!, [0, 2], 8).mem('v128.store', out(0, q))
          f.get(to)
          pair(v[q]!, v[q + 1]!, [1, 3], 8).mem('v128.store', out(1, q))
        }
        continue
      }
      const [low, high] = [f.local('v128'), f.local('v128')]
      pair(a, b, [0, 4, 1, 5], 4).set(low)
      pair(a, b, [2, 6, 3, 7], 4).set(high)
      if (group.length === 2) {
        ;[low, low, high, high].forEach((x, k) =>
          f
            .get(to)
            .get(x)
            .memLane('v128.store64_lane', k % 2, out(k, 0)),
        )
      } else {
        pair(c, d, [0, 4, 1, 5], 4).set(a)
        pair(c, d, [2, 6, 3, 7], 4).set(b)
        ;[
          [low, a],
          [low, a],
          [high, b],
          [high, b],
        ].forEach(([x, y], k) => {
          f.get(to)
          pair(x!, y!, k % 2 ? [1, 3] : [0, 2], 8).mem('v128.store', out(k, 0))
        })
      }
      f.release(low)
      f.release(high)
    }
    for (const p of lane) advance(f, p, 16)
    advance(f, to, 16 * width)
  })
}
