import { type ArrayView, type DType, bytesOf } from '@mapgrad/kernel'
import type { Storage } from '@mapgrad/tensor/plugin'
import type { KernelContext, WasmFunction } from '../context.ts'
import { ModuleBuilder } from '../wasm/builder.ts'
import { advance, computeOf, lanesOf, repeat } from './number.ts'
import { load, store } from './storage.ts'

/** Copies between a dtype and the type it is computed in, for dtypes where they differ. */
export interface Convert {
  /** a scratch copy in the compute type, contiguous but for repeated axes, which stay repeated */
  widen(view: ArrayView<Storage>): { readonly view: ArrayView<Storage>; readonly at: number }
  /** fills the contiguous `out` from `n` values at `from` */
  narrow(out: ArrayView<Storage>, from: number, n: number): void
}

export function createConvert(context: KernelContext): Convert {
  const compiled = new Map<DType, { readonly widen: WasmFunction; readonly narrow: WasmFunction }>()
  const routines = (dtype: DType): { readonly widen: WasmFunction; readonly narrow: WasmFunction } => {
    const known = compiled.get(dtype)
    if (known) return known
    const m = new ModuleBuilder()
    const lanes = lanesOf[computeOf(dtype)]
    for (const name of ['widen', 'narrow']) {
      const f = m.function(name, ['i32', 'i32', 'i32', 'i32'], [])
      const [to, from, n, step] = [f.param(0), f.param(1), f.param(2), f.param(3)]
      repeat(f, n, () => {
        f.get(to).get(from)
        if (name === 'widen') {
          load(f, dtype)
          f.mem(lanes.store)
        } else {
          f.mem(lanes.load)
          store(f, dtype)
        }
        advance(f, from, step)
        advance(f, to, name === 'widen' ? lanes.bytes : bytesOf(dtype))
      })
    }
    const e = context.instantiate(m.encode())
    const made = { widen: e['widen']!, narrow: e['narrow']! }
    compiled.set(dtype, made)
    return made
  }

  return {
    widen(view) {
      const { widen } = routines(view.dtype)
      const from = context.pointer(view)
      const bytes = bytesOf(view.dtype)
      const wide = lanesOf[computeOf(view.dtype)].bytes
      const sizes = view.shape.map((size, i) => (view.strides[i] === 0 ? 1 : size))
      let count = 1
      const strides = sizes.map(() => 0)
      for (let i = sizes.length - 1; i >= 0; i--) {
        if (view.strides[i] !== 0) strides[i] = count
        count *= sizes[i]!
      }
      const at = context.scratch(count * wide)
      let to = at
      const walk = (axis: number, address: number): void => {
        const [size, step] = [sizes[axis] ?? 1, (view.strides[axis] ?? 0) * bytes]
        if (axis < sizes.length - 1) for (let i = 0; i < size; i++) walk(axis + 1, address + i * step)
        else {
          widen(to, address, size, step)
          to += size * wide
        }
      }
      if (count > 0) walk(0, from)
      return { view: { ...view, offset: 0, strides }, at }
    },
    narrow(out, from, n) {
      routines(out.dtype).narrow(context.pointer(out), from, n, lanesOf[computeOf(out.dtype)].bytes)
    },
  }
}
