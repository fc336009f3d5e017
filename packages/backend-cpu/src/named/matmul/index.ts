import { type ArrayView, type NamedKernel, bytesOf } from '@mapgrad/kernel'
import type { Storage } from '@mapgrad/tensor/plugin'
import type { KernelContext } from '../../context.ts'
import { type Convert, createConvert } from '../convert.ts'
import { type Compute, computeOf, lanesOf } from '../number.ts'
import { packedProduct } from './packed.ts'
import { type Problem, problemOf, simplify } from './problem.ts'
import { type Routines, compile } from './routines.ts'
import { hasRelaxedSimd, tileFor } from './tile.ts'

/** Up to so many multiplications, a plain loop beats every preparation. */
const smallWork = 256
/** Up to so many rows (or columns, or k), packing costs more than it saves. */
const few = 3

/** The named kernel `matmul`; `relaxed` is for tests, that the machine's answer is not the only one tried. */
export function createMatmul(context: KernelContext, relaxed: boolean = hasRelaxedSimd()): NamedKernel<Storage> {
  const compiled = new Map<Compute, Routines>()
  const routines = (type: Compute): Routines => {
    let r = compiled.get(type)
    if (!r) compiled.set(type, (r = compile(context, tileFor(type, relaxed))))
    return r
  }
  let convert: Convert | undefined

  return (inputs, _params, outs) => {
    const [a, b] = inputs as [ArrayView<Storage>, ArrayView<Storage>]
    const out = outs[0]!
    const n = out.shape.reduce((x, y) => x * y, 1)
    if (n === 0) return
    const type = computeOf(out.dtype)
    const { bytes } = lanesOf[type]
    const c = context.pointer(out)
    if (a.shape.at(-1) === 0) {
      new Uint8Array(context.buffer(), c, n * bytesOf(out.dtype)).fill(0)
      return
    }
    if (out.dtype === 'float32' || out.dtype === 'float64' || out.dtype === 'int32' || out.dtype === 'int64') {
      run(context, routines(type), problemOf(a, b, bytes, { a: context.pointer(a), b: context.pointer(b), c }))
      return
    }
    convert ??= createConvert(context)
    const [x, y, z] = [convert.widen(a), convert.widen(b), context.scratch(n * bytes)]
    run(context, routines(type), problemOf(x.view, y.view, bytes, { a: x.at, b: y.at, c: z }))
    convert.narrow(out, z, n)
  }
}

function run(context: KernelContext, r: Routines, problem: Problem): void {
  const p = simplify(problem)
  const { m, n, k, a, b, bytes } = p
  const cBatch = m * n * bytes

  if (m * n * k <= smallWork) {
    return eachBatch(p, (at) => r.small(at.size, m, n, k, at.a, a.row, a.col, at.b, b.row, b.col, at.c, at.aStep, at.bStep, cBatch))
  }
  if (n <= few && a.col === bytes) {
    const straight = b.row === bytes
    const copy = straight ? 0 : context.scratch((p.batches.at(-1)?.size ?? 1) * k * bytes)
    return eachBatch(p, (at) => {
      for (let j = 0; j < n; j++) {
        const x = at.b + j * b.col
        if (!straight) r.gather(copy, x, at.size, k, at.bStep, b.row)
        r.dots(
          at.size,
          m,
          k,
          at.a,
          a.row,
          straight ? x : copy,
          at.c + j * bytes,
          n * bytes,
          at.aStep,
          straight ? at.bStep : k * bytes,
          cBatch,
        )
      }
    })
  }
  if (n === 1 && a.row === bytes) {
    return eachBatch(p, (at) => r.sums(at.size, 1, m, k, at.b, 0, b.row, at.a, a.col, at.c, at.bStep, at.aStep, cBatch))
  }
  if ((m <= few || k <= few) && b.col === bytes) {
    return eachBatch(p, (at) => r.sums(at.size, m, n, k, at.a, a.row, a.col, at.b, b.row, at.c, at.aStep, at.bStep, cBatch))
  }
  if (n === 1) {
    return eachBatch(p, (at) => r.small(at.size, m, n, k, at.a, a.row, a.col, at.b, b.row, b.col, at.c, at.aStep, at.bStep, cBatch))
  }
  packedProduct(context, r, p)
}

/** The innermost batch of a problem, which the routines walk themselves. */
interface Span {
  readonly size: number
  readonly a: number
  readonly b: number
  readonly c: number
  readonly aStep: number
  readonly bStep: number
}

function eachBatch(p: Problem, visit: (span: Span) => void): void {
  const last = p.batches.at(-1) ?? { size: 1, a: 0, b: 0 }
  const outer = p.batches.slice(0, -1)
  const step = p.m * p.n * last.size * p.bytes
  const walk = (depth: number, a: number, b: number, index: number): void => {
    const dim = outer[depth]
    if (!dim) return visit({ size: last.size, a, b, c: p.c + index * step, aStep: last.a, bStep: last.b })
    for (let i = 0; i < dim.size; i++) walk(depth + 1, a + i * dim.a, b + i * dim.b, index * dim.size + i)
  }
  walk(0, p.a.at, p.b.at, 0)
}
