import { type ArrayView, type DType, type KernelParams, type NamedKernel, bytesOf, dtypes, isFloat } from '@mapgrad/kernel'
import type { Storage } from '@mapgrad/tensor/plugin'
import type { KernelContext, WasmFunction } from '../context.ts'
import { type FunctionBuilder, type Local, ModuleBuilder } from '../wasm/builder.ts'
import { advance, repeat } from './number.ts'
import { axesOf, eachLine, steps } from './walk.ts'

/*
 * Note [sort keys]
 * Every value becomes an unsigned integer key in the same order: floats flip their bits when negative and their sign bit
 * when not, integers flip the sign bit; −0 takes the key of +0, every NaN the largest. Descending order inverts the keys, so
 * equal values keep their order either way. A record is a key with the position it came from: 8 bytes, key on top, or 16 bytes
 * for 64-bit keys. Types of one or two bytes keep their key in the highest bytes of a 32-bit one; the others need no pass.
 * The values are read again by position, so −0 and the bits of a NaN survive.
 */

interface KeyType {
  readonly wide: boolean
  /** size of a record */
  readonly record: number
  /** where in a record the bytes of the key lie that differ, from the lowest on */
  readonly digits: readonly number[]
}

function keyType(dtype: DType): KeyType {
  const bytes = bytesOf(dtype)
  if (bytes === 8) return { wide: true, record: 16, digits: [0, 1, 2, 3, 4, 5, 6, 7] }
  return { wide: false, record: 8, digits: [4, 5, 6, 7].slice(4 - bytes) }
}

const buckets = 256
/** Rows up to this length are sorted by insertion. */
const short = 40

/** Address → key of the element there, i32 or i64. See Note [sort keys]. */
function loadKey(f: FunctionBuilder, dtype: DType): void {
  const bytes = bytesOf(dtype)
  if (bytes === 8) {
    f.mem('i64.load')
    if (dtype === 'float64') floatKey64(f)
    else f.i64(-(2n ** 63n)).op('i64.xor')
    return
  }
  if (bytes === 1) f.mem('i32.load8_u').i32(24).op('i32.shl')
  else if (bytes === 2) f.mem('i32.load16_u').i32(16).op('i32.shl')
  else f.mem('i32.load')
  if (isFloat(dtype)) floatKey32(f, dtype === 'float16' ? 0x7c000000 : 0x7f800000)
  else if (dtypes[dtype].signed) f.i32(-(2 ** 31)).op('i32.xor')
}

function floatKey32(f: FunctionBuilder, infinity: number): void {
  const b = f.local('i32')
  f.set(b)
  f.i32(-1)
  f.i32(0)
    .get(b)
    .get(b)
    .i32(-(2 ** 31))
    .op('i32.eq')
    .op('select')
    .tee(b)
  f.get(b)
    .i32(31)
    .op('i32.shr_s')
    .i32(-(2 ** 31))
    .op('i32.or')
    .op('i32.xor')
  f.get(b).i32(0x7fffffff).op('i32.and').i32(infinity).op('i32.gt_u').op('select')
  f.release(b)
}

function floatKey64(f: FunctionBuilder): void {
  const b = f.local('i64')
  f.set(b)
  f.i64(-1n)
  f.i64(0n)
    .get(b)
    .get(b)
    .i64(-(2n ** 63n))
    .op('i64.eq')
    .op('select')
    .tee(b)
  f.get(b)
    .i64(63n)
    .op('i64.shr_s')
    .i64(-(2n ** 63n))
    .op('i64.or')
    .op('i64.xor')
  f.get(b)
    .i64(2n ** 63n - 1n)
    .op('i64.and')
    .i64(0x7ff0000000000000n)
    .op('i64.gt_u')
    .op('select')
  f.release(b)
}

/** A module with `sort(rows, n, from, rowStep, step, values, indices, flip, records, spare, counts)`. */
function build(dtype: DType): Uint8Array {
  const type = keyType(dtype)
  const m = new ModuleBuilder()
  const insertion = defineInsertion(m, type)
  const pass = definePass(m, type)
  const f = m.function(
    'sort',
    Array.from({ length: 11 }, () => 'i32' as const),
    [],
  )
  const [rows, n, from, rowStep, step, values, indices, flip, records, spare, counts] = f.params.map((_, i) => f.param(i)) as [
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
  const [left, at, to, position, source, free, swap] = Array.from({ length: 7 }, () => f.local('i32')) as [
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
  ]
  const [key, wideFlip] = [f.local(type.wide ? 'i64' : 'i32'), f.local('i64')]
  const bytes = bytesOf(dtype)
  const histogram = buckets * 4

  const storeRecord = (): void => {
    f.get(to)
    if (type.wide) f.get(key).mem('i64.store').get(to).get(position).mem('i32.store', 8)
    else f.get(key).op('i64.extend_i32_u').i64(32n).op('i64.shl').get(position).op('i64.extend_i32_u').op('i64.or').mem('i64.store')
  }
  const count = (): void => {
    type.digits.forEach((digit, q) => {
      f.get(to).mem('i32.load8_u', digit).i32(2).op('i32.shl').get(counts).op('i32.add').tee(swap)
      f.get(swap)
        .mem('i32.load', q * histogram)
        .i32(1)
        .op('i32.add')
        .mem('i32.store', q * histogram)
    })
  }
  const fillRecords = (each: () => void): void => {
    f.get(from).set(at)
    f.get(records).set(to)
    f.i32(0).set(position)
    f.get(n).set(left)
    repeat(f, left, () => {
      f.get(at)
      loadKey(f, dtype)
      if (type.wide) f.get(wideFlip).op('i64.xor').set(key)
      else f.get(flip).op('i32.xor').set(key)
      storeRecord()
      each()
      advance(f, at, step)
      advance(f, to, type.record)
      advance(f, position, 1)
    })
  }

  f.get(flip).op('i64.extend_i32_s').set(wideFlip)
  repeat(f, rows, () => {
    f.get(records).set(source)
    f.get(n)
      .i32(short)
      .op('i32.le_u')
      .if(
        () => {
          fillRecords(() => undefined)
          f.get(records).get(n).call(insertion)
        },
        () => {
          f.get(counts).set(to)
          f.i32((type.digits.length * histogram) / 16).set(left)
          repeat(f, left, () => {
            f.get(to).i32x4(0).mem('v128.store')
            advance(f, to, 16)
          })
          fillRecords(count)
          f.get(spare).set(free)
          type.digits.forEach((digit, q) => {
            // a byte that all keys share moves nothing
            f.get(counts)
              .get(source)
              .mem('i32.load8_u', digit)
              .i32(2)
              .op('i32.shl')
              .op('i32.add')
              .mem('i32.load', q * histogram)
              .get(n)
              .op('i32.ne')
              .if(() => {
                f.get(source)
                  .get(free)
                  .get(n)
                  .get(counts)
                  .i32(q * histogram)
                  .op('i32.add')
                  .i32(digit)
                  .call(pass)
                f.get(source).set(swap).get(free).set(source).get(swap).set(free)
              })
          })
        },
      )
    // values and positions, in order
    f.get(n).set(left)
    repeat(f, left, () => {
      f.get(indices)
        .get(source)
        .mem('i32.load', type.wide ? 8 : 0)
        .tee(position)
        .mem('i32.store')
      f.get(values).get(position).get(step).op('i32.mul').get(from).op('i32.add')
      if (bytes === 8) f.mem('i64.load').mem('i64.store')
      else if (bytes === 4) f.mem('i32.load').mem('i32.store')
      else if (bytes === 2) f.mem('i32.load16_u').mem('i32.store16')
      else f.mem('i32.load8_u').mem('i32.store8')
      advance(f, indices, 4)
      advance(f, values, bytes)
      advance(f, source, type.record)
    })
    advance(f, from, rowStep)
  })
  return m.encode()
}

/** `(records, n)`: stable, in place. */
function defineInsertion(m: ModuleBuilder, type: KeyType): FunctionBuilder {
  const f = m.function(null, ['i32', 'i32'], [])
  const [records, n] = [f.param(0), f.param(1)]
  const [at, hole, end] = [f.local('i32'), f.local('i32'), f.local('i32')]
  const [key, record] = [f.local('i64'), f.local('v128')]
  const copy = (from: () => void): void => {
    from()
    f.mem(type.wide ? 'v128.load' : 'i64.load')
  }
  f.get(records).get(n).i32(type.record).op('i32.mul').op('i32.add').set(end)
  f.get(records).set(at)
  f.block((done) => {
    f.loop((next) => {
      f.get(at).i32(type.record).op('i32.add').tee(at).get(end).op('i32.ge_u').brIf(done)
      if (type.wide) f.get(at).mem('v128.load').set(record)
      f.get(at).mem('i64.load').set(key)
      f.get(at).set(hole)
      f.block((found) => {
        f.loop((back) => {
          f.get(hole).get(records).op('i32.eq').brIf(found)
          f.get(hole).i32(type.record).op('i32.sub').mem('i64.load').get(key).op('i64.le_u').brIf(found)
          f.get(hole)
          copy(() => f.get(hole).i32(type.record).op('i32.sub'))
          f.mem(type.wide ? 'v128.store' : 'i64.store')
          advance(f, hole, -type.record)
          f.br(back)
        })
      })
      if (type.wide) f.get(hole).get(record).mem('v128.store')
      else f.get(hole).get(key).mem('i64.store')
      f.br(next)
    })
  })
  return f
}

/** `(from, to, n, counts, digit)`: one stable pass by the byte `digit` of the records; turns the counts into positions first. */
function definePass(m: ModuleBuilder, type: KeyType): FunctionBuilder {
  const f = m.function(null, ['i32', 'i32', 'i32', 'i32', 'i32'], [])
  const [from, to, n, counts, digit] = [0, 1, 2, 3, 4].map((i) => f.param(i)) as [Local, Local, Local, Local, Local]
  const [at, left, target, size] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32')]
  f.get(counts).set(at)
  f.get(to).set(target)
  f.i32(buckets).set(left)
  repeat(f, left, () => {
    f.get(at).mem('i32.load').i32(type.record).op('i32.mul').set(size)
    f.get(at).get(target).mem('i32.store')
    advance(f, target, size)
    advance(f, at, 4)
  })
  repeat(f, n, () => {
    f.get(from).get(digit).op('i32.add').mem('i32.load8_u').i32(2).op('i32.shl').get(counts).op('i32.add').tee(at)
    f.mem('i32.load').tee(target)
    f.get(from)
    if (type.wide) f.mem('v128.load').mem('v128.store')
    else f.mem('i64.load').mem('i64.store')
    f.get(at).get(target).i32(type.record).op('i32.add').mem('i32.store')
    advance(f, from, type.record)
  })
  return f
}

/** The named kernel `sort`. */
export function createSort(context: KernelContext): NamedKernel<Storage> {
  const compiled = new Map<DType, WasmFunction>()
  return (inputs, params: KernelParams['sort'], outs) => {
    const x = inputs[0]!
    const [values, indices] = outs as [ArrayView<Storage>, ArrayView<Storage>]
    const { dtype, shape } = x
    const n = shape.at(-1) ?? 1
    if (shape.includes(0)) return
    let sort = compiled.get(dtype)
    if (!sort) compiled.set(dtype, (sort = context.instantiate(build(dtype))['sort']!))
    const { record, digits } = keyType(dtype)
    const bytes = bytesOf(dtype)
    const [records, spare, counts] = [
      context.scratch(n * record),
      context.scratch(n > short ? n * record : 0),
      context.scratch(digits.length * buckets * 4),
    ]
    let [toValues, toIndices] = [context.pointer(values), context.pointer(indices)]
    const rows = axesOf(shape.slice(0, -1), [steps(x.strides, bytes)])
    eachLine(rows, [context.pointer(x)], (line, [from]) => {
      sort(
        line.size,
        n,
        from!,
        line.steps[0]!,
        (x.strides.at(-1) ?? 0) * bytes,
        toValues,
        toIndices,
        params.descending ? -1 : 0,
        records,
        spare,
        counts,
      )
      toValues += line.size * n * bytes
      toIndices += line.size * n * 4
    })
  }
}
