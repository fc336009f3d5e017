import { type ArrayView, type DType, type KernelParams, type NamedKernel, bytesOf } from '@mapgrad/kernel'
import type { Storage } from '@mapgrad/tensor/plugin'
import type { KernelContext, WasmFunction } from '../context.ts'
import { type FunctionBuilder, type Local, ModuleBuilder } from '../wasm/builder.ts'
import type { MemoryOp, PlainOp } from '../wasm/opcodes.ts'
import { advance, computeOf, lanesOf, repeat } from './number.ts'
import { load, store } from './storage.ts'
import { axesOf, eachLine, steps } from './walk.ts'

type ScatterOp = KernelParams['scatter']['op']

const copies: Readonly<Record<number, readonly [MemoryOp, MemoryOp]>> = {
  1: ['i32.load8_u', 'i32.store8'],
  2: ['i32.load16_u', 'i32.store16'],
  4: ['i32.load', 'i32.store'],
  8: ['i64.load', 'i64.store'],
}

interface Routines {
  readonly copy: WasmFunction
  readonly check: WasmFunction
  readonly line: WasmFunction
}

/**
 * `copy(n, from, step, to)` to contiguous memory; `check(n, from, step, size)`: 1 when all indices are inside [0, size);
 * `line(n, index, indexStep, src, srcStep, to, toStep, stride)`: `to[index · stride] ⟵ src`.
 */
function build(dtype: DType, index: 'int32' | 'int64', op: ScatterOp): Uint8Array {
  const m = new ModuleBuilder()
  const [read, write] = copies[bytesOf(dtype)]!
  const i32s = (n: number): 'i32'[] => Array.from({ length: n }, () => 'i32')

  const copy = m.function('copy', i32s(4), [])
  {
    const [n, from, step, to] = copy.params.map((_, i) => copy.param(i)) as [Local, Local, Local, Local]
    repeat(copy, n, () => {
      copy.get(to).get(from).mem(read).mem(write)
      advance(copy, from, step)
      advance(copy, to, bytesOf(dtype))
    })
  }

  const check = m.function('check', i32s(4), ['i32'])
  {
    const [n, from, step, size] = check.params.map((_, i) => check.param(i)) as [Local, Local, Local, Local]
    const ok = check.local('i32')
    check.i32(1).set(ok)
    repeat(check, n, () => {
      check.get(from)
      if (index === 'int64') check.mem('i64.load').get(size).op('i64.extend_i32_u').op('i64.lt_u')
      else check.mem('i32.load').get(size).op('i32.lt_u')
      check.get(ok).op('i32.and').set(ok)
      advance(check, from, step)
    })
    check.get(ok)
  }

  const line = m.function('line', i32s(8), [])
  const [n, at, atStep, src, srcStep, to, toStep, stride] = line.params.map((_, i) => line.param(i)) as [
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
  ]
  const target = line.local('i32')
  repeat(line, n, () => {
    line.get(at)
    if (index === 'int64') line.mem('i64.load').op('i32.wrap_i64')
    else line.mem('i32.load')
    line.get(stride).op('i32.mul').get(to).op('i32.add').tee(target)
    if (op === 'set') line.get(src).mem(read).mem(write)
    else {
      line.get(target)
      load(line, dtype)
      line.get(src)
      load(line, dtype)
      combine(line, dtype, op)
      store(line, dtype)
    }
    advance(line, at, atStep)
    advance(line, src, srcStep)
    advance(line, to, toStep)
  })
  return m.encode()
}

/** Two values → one */
function combine(f: FunctionBuilder, dtype: DType, op: Exclude<ScatterOp, 'set'>): void {
  const type = computeOf(dtype)
  if (op === 'sum' || op === 'prod') f.op(op === 'sum' ? lanesOf[type].add : lanesOf[type].mul)
  else if (type === 'f32' || type === 'f64') f.op(`${type}.${op}`)
  else {
    const [a, b] = [f.local(type), f.local(type)]
    const order: PlainOp = `${type}.${op === 'max' ? 'gt_s' : 'lt_s'}`
    f.set(b).tee(a).get(b).get(a).get(b).op(order).op('select')
    f.release(a)
    f.release(b)
  }
  if (dtype === 'bool') f.i32(0).op('i32.ne')
}

/** The named kernel `scatter`. */
export function createScatter(context: KernelContext): NamedKernel<Storage> {
  const compiled = new Map<string, Routines>()
  return (inputs, { dim, op }: KernelParams['scatter'], outs) => {
    const [x, index, src] = inputs as [ArrayView<Storage>, ArrayView<Storage>, ArrayView<Storage>]
    const out = outs[0]!
    const indexType = index.dtype === 'int64' ? 'int64' : 'int32'
    const key = `${out.dtype} ${indexType} ${op}`
    let r = compiled.get(key)
    if (!r) {
      const e = context.instantiate(build(out.dtype, indexType, op))
      compiled.set(key, (r = { copy: e['copy']!, check: e['check']!, line: e['line']! }))
    }
    const { copy, check, line } = r
    const bytes = bytesOf(out.dtype)
    const axis = out.shape.length + dim
    const size = out.shape[axis] ?? 1
    const [fromX, fromIndex, fromSrc, to] = [context.pointer(x), context.pointer(index), context.pointer(src), context.pointer(out)]
    const indexSteps = steps(index.strides, bytesOf(indexType))

    const inside = eachLine(axesOf(index.shape, [indexSteps]), [fromIndex], (l, [at]) => check(l.size, at!, l.steps[0]!, size) === 1)
    if (!inside) return false

    let next = to
    eachLine(axesOf(out.shape, [steps(x.strides, bytes)]), [fromX], (l, [at]) => {
      copy(l.size, at!, l.steps[0]!, next)
      next += l.size * bytes
    })
    const outSteps = steps(out.strides, bytes)
    const along = outSteps[axis] ?? 0
    const others = outSteps.map((s, i) => (i === axis ? 0 : s))
    return eachLine(axesOf(index.shape, [indexSteps, steps(src.strides, bytes), others]), [fromIndex, fromSrc, to], (l, at) => {
      line(l.size, at[0]!, l.steps[0]!, at[1]!, l.steps[1]!, at[2]!, l.steps[2]!, along)
    })
  }
}
