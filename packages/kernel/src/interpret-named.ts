import { type Elements, elementsOf, roundTo } from './convert.ts'
import { type DType, isFloat } from './dtype.ts'
import type { ArrayView, CombineOp, KernelName, KernelParams } from './named.ts'
import { type Value, basicOf } from './semantics.ts'

type Bytes = ArrayView<Uint8Array>

/** An array as nested positions: read and written at a list of indices. */
class Cells {
  readonly view: Bytes
  private readonly elements: Elements
  constructor(view: Bytes) {
    this.view = view
    this.elements = elementsOf(view.storage, view.dtype)
  }
  private at(p: readonly number[]): number {
    return p.reduce((sum, i, axis) => sum + i * this.view.strides[axis]!, this.view.offset)
  }
  get(p: readonly number[]): Value {
    return this.elements.get(this.at(p))
  }
  set(p: readonly number[], value: Value): void {
    this.elements.set(this.at(p), value)
  }
}

/** The points of an index space in row-major order. */
function* points(shape: readonly number[]): Generator<number[]> {
  if (shape.length === 0) return void (yield [])
  const last = shape.at(-1)!
  for (const p of points(shape.slice(0, -1))) for (let i = 0; i < last; i++) yield [...p, i]
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i)
const isNaNValue = (x: Value): boolean => x !== x

function combine(op: CombineOp, dtype: DType): (x: Value, y: Value) => Value {
  if (dtype === 'bool') return basicOf(op === 'sum' || op === 'max' ? 'or' : 'and', dtype)
  return basicOf(({ sum: 'add', prod: 'mul', max: 'max', min: 'min' } as const)[op], dtype)
}

function matmul([a, b]: readonly Cells[], _: unknown, [out]: readonly Cells[]): void {
  const { shape, dtype } = out!.view
  const k = a!.view.shape.at(-1)!
  const [times, plus] = dtype === 'bool' ? [basicOf('and', dtype), basicOf('or', dtype)] : [basicOf('mul', dtype), basicOf('add', dtype)]
  const zero: Value = dtype === 'int64' ? 0n : 0
  for (const p of points(shape)) {
    const batch = p.slice(0, -2)
    const [i, j] = p.slice(-2) as [number, number]
    out!.set(
      p,
      range(k).reduce((sum: Value, l) => plus(sum, times(a!.get([...batch, i, l]), b!.get([...batch, l, j]))), zero),
    )
  }
}

function sort([x]: readonly Cells[], { descending }: KernelParams['sort'], [values, indices]: readonly Cells[]): void {
  const { shape } = x!.view
  const n = shape.at(-1)!
  for (const p of points(shape.slice(0, -1))) {
    const row = range(n).map((i) => x!.get([...p, i]))
    const order = range(n).sort((i, j) => {
      const [u, v] = descending ? [row[j]!, row[i]!] : [row[i]!, row[j]!]
      // NaN counts as the greatest; the sort of the language is stable
      if (isNaNValue(u) || isNaNValue(v)) return Number(isNaNValue(u)) - Number(isNaNValue(v))
      return u < v ? -1 : u > v ? 1 : 0
    })
    for (const [k, i] of order.entries()) {
      values!.set([...p, k], row[i]!)
      indices!.set([...p, k], i)
    }
  }
}

function scan([x]: readonly Cells[], { op, reverse }: KernelParams['scan'], [values, indices]: readonly Cells[]): void {
  const { shape, dtype } = x!.view
  // the output may be of a wider type than the input
  const to = values!.view.dtype
  const f = combine(op, to)
  const n = shape.at(-1)!
  for (const p of points(shape.slice(0, -1))) {
    let best: Value | undefined
    let at = 0
    for (const step of range(n)) {
      const i = reverse ? n - 1 - step : step
      const read = x!.get([...p, i])
      const value = isFloat(dtype) ? read : roundTo(read, to)
      if (op === 'sum' || op === 'prod') best = best === undefined ? value : f(best, value)
      else if (best === undefined || isNaNValue(value) || (!isNaNValue(best) && (op === 'max' ? value >= best : value <= best))) {
        best = value
        at = i
      }
      values!.set([...p, i], best)
      indices?.set([...p, i], at)
    }
  }
}

function scatter([x, index, src]: readonly Cells[], { dim, op }: KernelParams['scatter'], [y]: readonly Cells[]): boolean {
  const { shape, dtype } = y!.view
  for (const p of points(shape)) y!.set(p, x!.get(p))
  const axis = shape.length + dim
  for (const p of points(index!.view.shape)) {
    const to = Number(index!.get(p))
    if (to < 0 || to >= shape[axis]!) return false
    const q = p.with(axis, to)
    const value = src!.get(p)
    y!.set(q, op === 'set' ? value : combine(op, dtype)(y!.get(q), value))
  }
  return true
}

type Reference = (inputs: readonly Cells[], params: never, outs: readonly Cells[]) => boolean | void
const kernels: Readonly<Record<KernelName, Reference>> = { matmul, sort, scan, scatter }

/** Runs a named kernel on bytes, literally; false when an index was out of range. */
export function interpretNamed<K extends KernelName>(
  name: K,
  inputs: readonly Bytes[],
  params: KernelParams[K],
  outs: readonly Bytes[],
): boolean {
  const cells = (views: readonly Bytes[]): Cells[] => views.map((v) => new Cells(v))
  return kernels[name](cells(inputs), params as never, cells(outs)) !== false
}
