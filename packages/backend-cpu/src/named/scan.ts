import { type ArrayView, type CombineOp, type DType, type KernelParams, type NamedKernel, bytesOf, isFloat } from '@mapgrad/kernel'
import type { Storage } from '@mapgrad/tensor/plugin'
import type { KernelContext, WasmFunction } from '../context.ts'
import { type FunctionBuilder, type Local, ModuleBuilder } from '../wasm/builder.ts'
import type { PlainOp } from '../wasm/opcodes.ts'
import { type Compute, advance, computeOf, constant, lanesOf, repeat } from './number.ts'
import { load, store } from './storage.ts'
import { axesOf, eachLine, steps } from './walk.ts'

const comparison: Readonly<
  Record<
    Compute,
    Readonly<Record<'max' | 'min', 'i32.ge_s' | 'i32.le_s' | 'i64.ge_s' | 'i64.le_s' | 'f32.ge' | 'f32.le' | 'f64.ge' | 'f64.le'>>
  >
> = {
  i32: { max: 'i32.ge_s', min: 'i32.le_s' },
  i64: { max: 'i64.ge_s', min: 'i64.le_s' },
  f32: { max: 'f32.ge', min: 'f32.le' },
  f64: { max: 'f64.ge', min: 'f64.le' },
}
const notEqual = { f32: 'f32.ne', f64: 'f64.ne' } as const

/**
 * A module with `scan(rows, n, from, rowStep, step, to, toRow, toStep, indices, first, by)`: rows of n elements; indices run
 * `first`, `first + by`, …, beside the values, four bytes each.
 */
function build(dtype: DType, result: DType, op: CombineOp): Uint8Array {
  const m = new ModuleBuilder()
  const f = m.function(
    'scan',
    Array.from({ length: 11 }, () => 'i32' as const),
    [],
  )
  const [rows, n, from, rowStep, step, to, toRow, toStep, indices, first, by] = f.params.map((_, i) => f.param(i)) as [
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
  const [left, at, out] = [f.local('i32'), f.local('i32'), f.local('i32')]
  repeat(f, rows, () => {
    f.get(n).set(left)
    f.get(from).set(at)
    f.get(to).set(out)
    if (op === 'sum' || op === 'prod') accumulate(f, dtype, result, op, { left, at, step, out, toStep })
    else extremes(f, dtype, op, { left, at, step, out, toStep, indices, first, by, n })
    advance(f, from, rowStep)
    advance(f, to, toRow)
  })
  return m.encode()
}

interface Row {
  readonly left: Local
  readonly at: Local
  readonly step: Local
  readonly out: Local
  readonly toStep: Local
}

/** Conversions between compute types, where a value of one is taken into another. */
const into: Readonly<Record<Compute, Readonly<Partial<Record<Compute, PlainOp>>>>> = {
  i32: { i64: 'i64.extend_i32_s', f64: 'f64.convert_i32_s' },
  i64: { i32: 'i32.wrap_i64', f64: 'f64.convert_i64_s' },
  f32: { f64: 'f64.promote_f32' },
  f64: { f32: 'f32.demote_f64' },
}

/** Floats accumulate in float64, so that an error does not grow with the row; integers wrap. */
function accumulate(f: FunctionBuilder, dtype: DType, result: DType, op: 'sum' | 'prod', r: Row): void {
  const [from, to] = [computeOf(dtype), computeOf(result)]
  const wide: Compute = to === 'f32' ? 'f64' : to
  const convert = (a: Compute, b: Compute): void => {
    const name = into[a][b]
    if (name) f.op(name)
  }
  const acc = f.local(wide)
  constant(f, wide, op === 'prod' ? 1 : 0)
  f.set(acc)
  repeat(f, r.left, () => {
    f.get(r.out).get(acc).get(r.at)
    load(f, dtype)
    convert(from, wide)
    f.op(op === 'sum' ? lanesOf[wide].add : lanesOf[wide].mul)
    if (result === 'bool') f.i32(0).op('i32.ne')
    f.tee(acc)
    convert(wide, to)
    store(f, result)
    advance(f, r.at, r.step)
    advance(f, r.out, r.toStep)
  })
}

/** The latest of equal values wins; a NaN wins, and later only another NaN. */
function extremes(
  f: FunctionBuilder,
  dtype: DType,
  op: 'max' | 'min',
  r: Row & { readonly indices: Local; readonly first: Local; readonly by: Local; readonly n: Local },
): void {
  const compute = computeOf(dtype)
  const [best, value] = [f.local(compute), f.local(compute)]
  const [where, position, toIndex, indexStep] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32')]
  f.get(r.by).i32(2).op('i32.shl').set(indexStep)
  f.get(r.first).i32(2).op('i32.shl').get(r.indices).op('i32.add').set(toIndex)
  f.get(r.first).tee(position).set(where)
  f.get(r.at)
  load(f, dtype)
  f.set(best)
  repeat(f, r.left, () => {
    f.get(r.at)
    load(f, dtype)
    f.tee(value).get(best).op(comparison[compute][op])
    if (isFloat(dtype))
      f.get(value)
        .get(value)
        .op(notEqual[compute as 'f32' | 'f64'])
        .op('i32.or')
    f.if(() => f.get(value).set(best).get(position).set(where))
    f.get(r.out).get(best)
    store(f, dtype)
    f.get(toIndex).get(where).mem('i32.store')
    advance(f, r.at, r.step)
    advance(f, r.out, r.toStep)
    advance(f, toIndex, indexStep)
    advance(f, position, r.by)
  })
  f.get(r.n).i32(2).op('i32.shl').get(r.indices).op('i32.add').set(r.indices)
}

/** The named kernel `scan`. */
export function createScan(context: KernelContext): NamedKernel<Storage> {
  const compiled = new Map<string, WasmFunction>()
  return (inputs, { op, reverse }: KernelParams['scan'], outs) => {
    const x = inputs[0]!
    const [y, indices] = outs as [ArrayView<Storage>, ArrayView<Storage> | undefined]
    const { dtype, shape } = x
    const n = shape.at(-1) ?? 1
    if (shape.includes(0)) return
    const key = `${dtype} ${y.dtype} ${op}`
    let scan = compiled.get(key)
    if (!scan) compiled.set(key, (scan = context.instantiate(build(dtype, y.dtype, op))['scan']!))
    const bytes = bytesOf(dtype)
    const step = (x.strides.at(-1) ?? 0) * bytes
    const last = reverse ? n - 1 : 0
    const by = reverse ? -1 : 1
    const wide = bytesOf(y.dtype)
    let to = context.pointer(y)
    let toIndex = indices ? context.pointer(indices) : 0
    eachLine(axesOf(shape.slice(0, -1), [steps(x.strides, bytes)]), [context.pointer(x)], (line, [from]) => {
      scan(line.size, n, from! + last * step, line.steps[0]!, by * step, to + last * wide, n * wide, by * wide, toIndex, last, by)
      to += line.size * n * wide
      toIndex += line.size * n * 4
    })
  }
}
