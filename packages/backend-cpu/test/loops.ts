import {
  type Access,
  type DType,
  type Expr,
  type Loop,
  type LoopCall,
  type View,
  bytesOf,
  elementsOf,
  expr as E,
  interpret,
  isFloat,
  lowerTypes,
  roundTo,
} from '@mapgrad/kernel'
import type { Backend, Storage } from '@mapgrad/tensor/plugin'

/** The loop with every float32 operation rounded on its own, as hardware does it: the interpreter's answer is then exact. */
export function exactly(loop: Loop): Loop {
  const round = (root: Expr): Expr =>
    E.rewrite(lowerTypes(root), (e) =>
      (e.kind === 'basic' || e.kind === 'rare') && e.dtype === 'float32' ? { kind: 'cast', dtype: 'float32', args: [e] } : e,
    )
  return {
    ...loop,
    body: round(loop.body),
    epilogue: loop.epilogue && round(loop.epilogue),
    inputs: loop.inputs.map((a): Access => ({ ...a, coordinates: a.coordinates.map((c) => ({ ...c, expr: round(c.expr) })) })),
  }
}

export interface Operand {
  readonly dtype: DType
  readonly bytes: Uint8Array
  readonly offset: number
  readonly strides: readonly number[]
  readonly coordinates?: readonly { readonly stride: number; readonly size: number }[]
}

export interface Case {
  readonly loop: Loop
  readonly sizes: readonly number[]
  readonly reducedAxes: number
  readonly inputs: readonly Operand[]
  readonly scalars: readonly (number | bigint)[]
  readonly out: Operand
}

const view = <S>(o: Operand, storage: S): View<S> => ({
  storage,
  dtype: o.dtype,
  offset: o.offset,
  strides: o.strides,
  ...(o.coordinates && { coordinates: o.coordinates }),
})

const call = <S>(c: Case, storage: (o: Operand) => S): LoopCall<S> => ({
  loop: c.loop,
  sizes: c.sizes,
  reducedAxes: c.reducedAxes,
  inputs: c.inputs.map((o) => view(o, storage(o))),
  scalars: c.scalars.map((x, i) => roundTo(x, c.loop.scalars[i]!)),
  out: view(c.out, storage(c.out)),
})

/** What the interpreter writes. */
export function expected(c: Case): { ok: boolean; bytes: Uint8Array } {
  const bytes = c.out.bytes.slice()
  const ok = interpret({ ...call(c, (o) => (o === c.out ? bytes : o.bytes)), loop: exactly(c.loop) })
  return { ok, bytes }
}

/** What a backend writes. */
export function actual(backend: Backend, c: Case): { ok: boolean; bytes: Uint8Array } {
  const made: Storage[] = []
  const storage = (o: Operand): Storage => {
    const s = backend.upload(o.bytes)
    made.push(s)
    return s
  }
  const request = call(c, storage)
  const ok = backend.run(request) !== false
  const bytes = backend.read(request.out.storage, 0, c.out.bytes.length)
  for (const s of made) backend.free(s)
  return { ok, bytes }
}

/** The first element that differs by more than `tolerance` relative to `scale`; NaN equals NaN, 0 differs from −0 when exact. */
export function difference(dtype: DType, got: Uint8Array, want: Uint8Array, tolerance = 0, scale = 0): string | null {
  const a = elementsOf(got, dtype)
  const b = elementsOf(want, dtype)
  for (let i = 0; i < got.length / bytesOf(dtype); i++) {
    const x = a.get(i)
    const y = b.get(i)
    if (Object.is(x, y) || (dtype === 'bool' && got[i] === want[i])) continue
    if (isFloat(dtype) && tolerance > 0 && Math.abs(Number(x) - Number(y)) <= tolerance * Math.max(scale, Math.abs(Number(y)))) continue
    return `element ${i}: got ${x}, expected ${y}`
  }
  return null
}

/** Elements of a dtype as bytes. */
export function bytesFrom(dtype: DType, values: readonly (number | bigint)[]): Uint8Array {
  const bytes = new Uint8Array(values.length * bytesOf(dtype))
  const elements = elementsOf(bytes, dtype)
  values.forEach((v, i) =>
    elements.set(i, dtype === 'int64' ? BigInt(typeof v === 'bigint' ? v : Math.trunc(Number.isFinite(v) ? v : 0)) : v),
  )
  return bytes
}

export const rowMajor = (sizes: readonly number[]): number[] => {
  const strides = new Array<number>(sizes.length)
  let n = 1
  for (let i = sizes.length - 1; i >= 0; i--) {
    strides[i] = n
    n *= Math.max(sizes[i]!, 1)
  }
  return strides
}
